//! What is gathered while a message is read: texts, links, attachments, and the views still to be looked into.
//!
//! In: leaves from `part`, members from `archive`. Out: the lists of [`Message`](super::Message). Everything that unpacks
//! further (archives, encoded messages, second readings of a structure) waits in one list, so that nothing recurses.

use super::DefectKind::{BadCharset, BrokenEncoding, LongLine, Nul, PreambleText};
use super::attachment::{self, Found};
use super::budget::Meter;
use super::encoding::{self, Encoding};
use super::head::{self, Disposition, Head};
use super::link::Links;
use super::part::Walker;
use super::{Attachment, LinkOrigin, Text, archive, charset, header, html, link, qr};
use crate::address::decode_words;
use bytes::Bytes;
use memchr::{memchr, memmem};
use std::borrow::Cow;
use std::ops::Range;

/// Second readings of structures in one message; more are over budget.
const VIEWS_MAX: usize = 16;
/// The usual words for old mail programs stand before the first part; longer text is something else.
const PREAMBLE_OCTETS_MAX: usize = 300;

pub(super) struct Leaf<'a> {
    pub(super) head: Head,
    pub(super) body: Bytes,
    pub(super) inside: &'a [String],
    pub(super) depth: usize,
    pub(super) is_other_view: bool,
}

/// A structure to be looked into: an entity, or with `boundary` the body of a multipart.
pub(super) struct View {
    pub(super) source: Bytes,
    pub(super) range: Range<usize>,
    pub(super) boundary: Option<Vec<u8>>,
    pub(super) depth: usize,
    pub(super) inside: Vec<String>,
    /// Another reading of octets that were read already; what it finds again is not kept twice.
    pub(super) is_other: bool,
}

pub(super) enum Pending {
    View(View),
    Archive(archive::Packed),
}

#[derive(Default)]
pub(super) struct Gathered {
    pub(super) texts: Vec<Text>,
    pub(super) links: Links,
    pub(super) attachments: Vec<Attachment>,
}

pub(super) struct Reading {
    pub(super) meter: Meter,
    pub(super) found: Gathered,
    pub(super) pending: Vec<Pending>,
    views: usize,
}

impl Reading {
    pub(super) fn new(meter: Meter) -> Reading {
        Reading { meter, found: Gathered::default(), pending: Vec::new(), views: 0 }
    }

    /// Looks into everything that waits, also into what that adds.
    pub(super) fn finish(&mut self) {
        while let Some(next) = self.pending.pop() {
            match next {
                Pending::Archive(packed) => archive::unpack(packed, self),
                Pending::View(view) => self.look_into(view),
            }
        }
    }

    fn look_into(&mut self, mut view: View) {
        if let Some(boundary) = view.boundary.take() {
            let body = view.range.start;
            return Walker::new(self, &view).walk_multipart(boundary, body);
        }
        let block = header::scan(&view.source, view.range.clone(), true, &mut self.meter);
        let head = head::read(&view.source, &block, "text/plain", &mut self.meter);
        Walker::new(self, &view).walk(head, block.body_at);
    }

    pub(super) fn add_view(&mut self, view: View) {
        if view.is_other && self.views >= VIEWS_MAX {
            return self.meter.over("views");
        }
        if self.meter.reach_depth(view.depth + 1) {
            self.views += usize::from(view.is_other);
            self.pending.push(Pending::View(view));
        }
    }

    /// A multipart whose body is encoded, which RFC 2045 §6.4 forbids and some readers undo.
    pub(super) fn add_encoded_multipart(&mut self, head: &Head, body: Bytes, depth: usize, inside: &[String]) {
        for encoding in head.encodings.iter().filter(|encoding| **encoding != Encoding::Identity) {
            if !self.meter.pay_octets(body.len()) {
                return;
            }
            let source = Bytes::from(decode(*encoding, &body).octets);
            let boundary = head.boundaries.first().cloned();
            if boundary.as_ref().is_some_and(|boundary| memmem::find(&source, boundary).is_some()) {
                self.add_view(View { range: 0..source.len(), source, boundary, depth, inside: inside.to_vec(), is_other: true });
            }
        }
    }

    pub(super) fn leaf(&mut self, leaf: Leaf<'_>) {
        let Leaf { head, body, inside, depth, is_other_view } = leaf;
        if !self.meter.pay_octets(body.len()) {
            return;
        }
        let bodies = self.decoded_bodies(&head, body);
        let has_views = bodies.len() > 1 || is_other_view;
        for octets in bodies {
            if head.is_body_text() {
                self.body_text(&head, &octets, inside);
            }
            let is_named_text = head.is_body_text() && !head.names.is_empty();
            if !head.is_body_text() || is_named_text {
                let found = Found::of_part(&head, octets, inside, depth);
                attachment::keep(self, found, has_views);
            }
        }
    }

    /// The body in each way that some reader decodes it, the usual one first.
    fn decoded_bodies(&mut self, head: &Head, body: Bytes) -> Vec<Bytes> {
        let mut bodies = Vec::with_capacity(1);
        let mut also_plain = head.has_unknown_encoding;
        for encoding in &head.encodings {
            if *encoding == Encoding::Identity {
                bodies.push(body.clone());
                also_plain = false;
                continue;
            }
            let decoded = decode(*encoding, &body);
            if let Some(flaw) = decoded.flaw {
                self.meter.note(BrokenEncoding, flaw);
                also_plain |= flaw == encoding::NOT_BASE64; // what is not base64 at all, readers show as it is
            }
            bodies.push(Bytes::from(decoded.octets));
        }
        if also_plain {
            bodies.push(body);
        }
        bodies
    }

    /// A nested message as an attachment of its own; what lies in it was read already.
    pub(super) fn nested_message(&mut self, head: &Head, body: Bytes, inside: &[String], is_other_view: bool) {
        if self.meter.pay_octets(body.len()) {
            attachment::keep_message(self, head, body, inside, is_other_view);
        }
    }

    /// Text before the first or after the last part: only readers without MIME, and scanners, see it.
    pub(super) fn stray_text(&mut self, source: &Bytes, range: Range<usize>, inside: &[String]) {
        let octets = &source[range.clone()];
        let text = octets.trim_ascii();
        if text.is_empty() || is_usual_preamble(text) {
            return;
        }
        self.meter.note(PreambleText, String::from_utf8_lossy(&text[..text.len().min(80)]));
        let kept = self.meter.pay_text(text.len());
        let hidden = charset::decode(&text[..kept], None).text;
        self.found.links.push_text(&hidden, LinkOrigin::Text, &mut self.meter);
        self.files_in_text(text, inside);
        self.found.texts.push(Text { hidden, ..Text::default() });
    }

    /// A multipart that could not be split: readers show it as it is.
    pub(super) fn undivided(&mut self, body: Bytes, inside: &[String]) {
        self.undivided_as("text/plain", body, inside);
    }

    /// The same, read as text of this type.
    pub(super) fn undivided_as(&mut self, kind: &str, body: Bytes, inside: &[String]) {
        if self.meter.pay_octets(body.len()) {
            self.body_text(&Head { kind: kind.to_owned(), ..Head::default() }, &body, inside);
        }
    }

    fn body_text(&mut self, head: &Head, octets: &Bytes, inside: &[String]) {
        self.note_text_octets(octets);
        let kept = self.meter.pay_text(octets.len());
        let label = head.charset.clone().or_else(|| html_charset(head, octets));
        let decoded = charset::decode(&octets[..kept], label.as_deref());
        if let Some(flaw) = decoded.flaw {
            self.meter.note(BadCharset, format!("{flaw}: {}", label.as_deref().unwrap_or("none")));
        }
        self.other_charsets(head, &octets[..kept], &decoded.text);
        let text = if head.is_html() {
            self.html_text(decoded.text, None)
        } else {
            self.files_in_text(octets, inside);
            self.found.links.push_text(&decoded.text, LinkOrigin::Text, &mut self.meter);
            Text { visible: decoded.text, ..Text::default() }
        };
        self.found.texts.push(Text { charset: head.charset.clone(), ..text });
    }

    /// The text as readers see it that take another of the charsets named, where that makes a difference.
    fn other_charsets(&mut self, head: &Head, octets: &[u8], usual: &str) {
        for label in &head.other_charsets {
            let text = charset::decode(octets, Some(label)).text;
            if text == usual || self.meter.pay_text(text.len()) < text.len() {
                continue;
            }
            let text = if head.is_html() {
                self.html_text(text, None)
            } else {
                self.found.links.push_text(&text, LinkOrigin::Text, &mut self.meter);
                Text { visible: text, ..Text::default() }
            };
            self.found.texts.push(Text { charset: Some(label.clone()), ..text });
        }
    }

    /// Links that QR codes hold; other texts in them are kept as links when one stands in them.
    pub(super) fn qr_codes(&mut self, codes: &[String]) {
        for code in codes {
            if link::link_host(code).is_some() {
                self.found.links.push(code.trim(), String::new(), LinkOrigin::Qr, &mut self.meter);
            } else {
                self.found.links.push_text(code, LinkOrigin::Qr, &mut self.meter);
            }
        }
    }

    /// Pictures that HTML holds in itself.
    fn pictures_in_html(&mut self, html: &str, pictures: Vec<Range<usize>>) {
        for range in pictures {
            let Some((_, encoded)) = html[range].split_once(',') else { continue };
            let octets = encoding::base64(encoded.as_bytes()).octets;
            let codes = qr::in_file(&octets, &mut self.meter.picture_octets_left);
            self.qr_codes(&codes);
        }
    }

    /// Reads HTML for its text and links; links get `origin` when they lie in an attachment.
    pub(super) fn html_text(&mut self, html: String, origin: Option<LinkOrigin>) -> Text {
        let mut page = html::read(&html, self.meter.budget.links_max);
        let (visible, hidden, traits) = (std::mem::take(&mut page.visible), std::mem::take(&mut page.hidden), page.traits);
        let pictures = std::mem::take(&mut page.pictures);
        self.pictures_in_html(&html, pictures);
        self.found.links.push_page(page, &visible, origin, &mut self.meter);
        Text { is_html: true, visible, hidden, html, charset: None, traits }
    }

    fn note_text_octets(&mut self, octets: &[u8]) {
        if memchr(0, octets).is_some() {
            self.meter.note(Nul, "in a text");
        }
        if header::has_long_line(octets) {
            self.meter.note(LongLine, "in a text");
        }
    }

    /// Files that a text holds without MIME.
    fn files_in_text(&mut self, text: &[u8], inside: &[String]) {
        for file in encoding::files_in_text(text) {
            if !self.meter.pay_octets(file.decoded.octets.len()) || !self.meter.pay_part() {
                return;
            }
            if let Some(flaw) = file.decoded.flaw {
                self.meter.note(BrokenEncoding, flaw);
            }
            let head = Head {
                kind: "application/octet-stream".to_owned(),
                names: vec![decode_words(&file.name)],
                disposition: Disposition::Attachment,
                ..Head::default()
            };
            head.names.iter().for_each(|name| head::note_name(name, &mut self.meter));
            let found = Found::of_part(&head, Bytes::from(file.decoded.octets), inside, 0);
            attachment::keep(self, found, false);
        }
    }

    /// A file that lies in no part.
    pub(super) fn file(&mut self, content: Bytes) {
        if self.meter.pay_octets(content.len()) {
            attachment::keep(self, Found::of_part(&Head::default(), content, &[], 0), false);
        }
    }

    /// Text kept for inspection although it is not a body: of lines that should have been header fields.
    pub(super) fn stray_header(&mut self, octets: &[u8]) {
        let kept = self.meter.pay_text(octets.len());
        let visible = charset::decode(&octets[..kept], None).text;
        self.found.links.push_text(&visible, LinkOrigin::Text, &mut self.meter);
        self.found.texts.push(Text { visible, ..Text::default() });
    }
}

fn decode(encoding: Encoding, body: &[u8]) -> encoding::Decoded {
    match encoding {
        Encoding::Base64 => encoding::base64(body),
        Encoding::QuotedPrintable => encoding::quoted_printable(body),
        Encoding::Uuencode => encoding::uuencoded(body),
        Encoding::Identity => encoding::Decoded { octets: body.to_vec(), flaw: None },
    }
}

/// Octets of HTML in which a charset may be named (HTML §13.2.3.2).
const META_OCTETS: usize = 1024;

/// The charset that 8-bit HTML names in itself, when the header names none.
fn html_charset(head: &Head, octets: &[u8]) -> Option<String> {
    if !head.is_html() || octets.is_ascii() {
        return None;
    }
    let start = octets[..octets.len().min(META_OCTETS)].to_ascii_lowercase();
    let at = memmem::find(&start, b"charset=")? + 8;
    let label: Vec<u8> = start[at..]
        .iter()
        .copied()
        .skip_while(|octet| matches!(octet, b'"' | b'\''))
        .take_while(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
        .collect();
    String::from_utf8(label).ok().filter(|label| !label.is_empty())
}

fn is_usual_preamble(text: &[u8]) -> bool {
    let lower = Cow::from(text).to_ascii_lowercase();
    text.len() <= PREAMBLE_OCTETS_MAX
        && [&b"mime format"[..], b"multi-part message", b"multipart message", b"mime message"]
            .iter()
            .any(|words| memmem::find(&lower, words).is_some())
}
