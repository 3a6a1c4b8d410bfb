//! What the header of an entity says about its body: type, boundary, charset, encoding, file name.
//!
//! In: a [`Block`] of fields. Out: a [`Head`] with every reading that differs, the usual one first, and defects where
//! readings differ (RFC 2045 §5 and §6, RFC 2183).

use super::DefectKind::{BadBoundary, BadFileName, ConflictingEncoding, UnknownEncoding};
use super::budget::Meter;
use super::encoding::Encoding;
use super::header::Block;
use super::parameter::{self, Structured};

/// RFC 2046 §5.1.1: a boundary has 1 to 70 characters.
const BOUNDARY_OCTETS_MAX: usize = 70;
/// Different boundaries, encodings or names of one entity that are followed.
const READINGS_MAX: usize = 4;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Disposition {
    #[default]
    Unsaid,
    Inline,
    Attachment,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    /// Lower case; "text/plain" when nothing usable is said (RFC 2045 §5.2).
    pub(super) kind: String,
    pub(super) boundaries: Vec<Vec<u8>>,
    pub(super) charset: Option<String>,
    /// Other charsets that were named.
    pub(super) other_charsets: Vec<String>,
    /// A text type that another Content-Type field names for a multipart: readers that take that one show all of it.
    pub(super) other_text: Option<String>,
    pub(super) encodings: Vec<Encoding>,
    pub(super) names: Vec<String>,
    pub(super) disposition: Disposition,
    pub(super) has_content_id: bool,
    /// The encoding as named, when nobody knows it.
    pub(super) has_unknown_encoding: bool,
}

impl Head {
    pub(super) fn is_multipart(&self) -> bool {
        self.kind.starts_with("multipart/")
    }

    pub(super) fn is_message(&self) -> bool {
        matches!(self.kind.as_str(), "message/rfc822" | "message/global" | "message/news")
    }

    pub(super) fn is_html(&self) -> bool {
        matches!(self.kind.as_str(), "text/html" | "application/xhtml+xml")
    }

    pub(super) fn is_body_text(&self) -> bool {
        matches!(self.kind.as_str(), "text/plain" | "text/html") && self.disposition != Disposition::Attachment
    }
}

/// Reads the Content-* fields of `block`. `default_kind` is what a part without Content-Type is.
pub(super) fn read(raw: &[u8], block: &Block, default_kind: &str, meter: &mut Meter) -> Head {
    let mut head = Head { kind: default_kind.to_owned(), encodings: vec![Encoding::Identity], ..Head::default() };
    if !block.fields.iter().any(|field| raw[field.name.clone()].get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"))) {
        return head;
    }
    let types: Vec<Structured> = block.all(raw, "content-type").take(READINGS_MAX).map(parameter::parse).collect();
    read_kind(&types, &mut head, meter);
    read_boundaries(&types, &mut head, meter);
    read_charset(&types, &mut head, meter);
    read_encodings(raw, block, &mut head, meter);
    let dispositions: Vec<Structured> = block.all(raw, "content-disposition").take(READINGS_MAX).map(parameter::parse).collect();
    head.disposition = match dispositions.first().map(|disposition| disposition.main.as_str()) {
        None | Some("") => Disposition::Unsaid,
        Some("inline") => Disposition::Inline,
        Some(_) => Disposition::Attachment, // RFC 2183 §2.8: unknown ones are attachments
    };
    read_names(&dispositions, &types, &mut head, meter);
    head.has_content_id = block.all(raw, "content-id").next().is_some();
    head
}

/// With several types the one with structure counts, since what it holds would be overlooked otherwise.
fn read_kind(types: &[Structured], head: &mut Head, meter: &mut Meter) {
    let usable = |found: &&Structured| found.main.split_once('/').is_some_and(|(main, sub)| !main.is_empty() && !sub.is_empty());
    let structured = types.iter().filter(usable).find(|found| found.main.starts_with("multipart/") || found.main.starts_with("message/"));
    if let Some(found) = structured.or_else(|| types.iter().find(usable)) {
        head.kind.clone_from(&found.main);
    } else if let Some(found) = types.first().filter(|found| !found.main.is_empty()) {
        // "Content-Type: text" and the like: readers show it as text, or as HTML when it says so.
        head.kind = if found.main.contains("html") { "text/html".to_owned() } else { "text/plain".to_owned() };
    }
    if types.windows(2).any(|pair| pair[0].main != pair[1].main) {
        meter.note(ConflictingEncoding, "two Content-Type fields that differ");
        if head.is_multipart() {
            head.other_text =
                types.iter().map(|found| &found.main).find(|main| matches!(main.as_str(), "text/html" | "text/plain")).cloned();
        }
    }
}

fn read_boundaries(types: &[Structured], head: &mut Head, meter: &mut Meter) {
    if !head.is_multipart() {
        return;
    }
    for found in types {
        for boundary in found.octets("boundary").into_iter().chain(found.texts("boundary").into_iter().map(String::into_bytes)) {
            if head.boundaries.len() < READINGS_MAX && !head.boundaries.contains(&boundary) {
                head.boundaries.push(boundary);
            }
        }
        if found.has_repeated_section("boundary") {
            meter.note(BadBoundary, "a section of the boundary stands twice");
        }
    }
    if head.boundaries.len() > 1 {
        meter.note(BadBoundary, "more than one boundary could be meant");
    }
    let flaw = match head.boundaries.first() {
        None => Some("a multipart without a boundary"),
        Some(boundary) if boundary.is_empty() => Some("an empty boundary"),
        Some(boundary) if boundary.len() > BOUNDARY_OCTETS_MAX => Some("a boundary over 70 characters"),
        Some(boundary) if boundary.last().is_some_and(u8::is_ascii_whitespace) => Some("a boundary that ends in white space"),
        Some(boundary) if !boundary.iter().all(|octet| (b' '..=b'~').contains(octet)) => Some("a boundary with octets it may not have"),
        Some(_) if types.iter().any(|found| found.is_odd) => Some("a boundary among parameters that are not well formed"),
        Some(_) => None,
    };
    if let Some(flaw) = flaw {
        meter.note(BadBoundary, flaw);
    }
}

fn read_charset(types: &[Structured], head: &mut Head, meter: &mut Meter) {
    let mut labels: Vec<String> = types
        .iter()
        .flat_map(|found| found.texts("charset"))
        .map(|label| label.trim_matches(['"', '\'', ' ']).to_ascii_lowercase())
        .collect();
    labels.dedup();
    if labels.len() > 1 {
        meter.note(ConflictingEncoding, "more than one charset");
    }
    let mut labels = labels.into_iter().filter(|label| !label.is_empty());
    head.charset = labels.next();
    head.other_charsets = labels.take(READINGS_MAX).collect();
}

fn read_encodings(raw: &[u8], block: &Block, head: &mut Head, meter: &mut Meter) {
    let mut found = Vec::new();
    for value in block.all(raw, "content-transfer-encoding").take(READINGS_MAX) {
        let plain = parameter::without_comments(value);
        let name = String::from_utf8_lossy(plain.split(|octet| *octet == b';').next().unwrap_or_default().trim_ascii())
            .trim_matches('"')
            .to_ascii_lowercase();
        let encoding = match Encoding::named(&name) {
            Some(encoding) => encoding,
            None => {
                meter.note(UnknownEncoding, name.as_str());
                head.has_unknown_encoding = true;
                unknown_encoding(&name)
            }
        };
        if !found.contains(&encoding) {
            found.push(encoding);
        }
    }
    if found.len() > 1 {
        meter.note(ConflictingEncoding, "two Content-Transfer-Encoding fields that differ");
    }
    // RFC 2045 §6.4: a composite type may only be 7bit, 8bit or binary.
    if (head.is_multipart() || head.is_message()) && found.iter().any(|encoding| *encoding != Encoding::Identity) {
        meter.note(UnknownEncoding, format!("an encoding on {}", head.kind));
    }
    if !found.is_empty() {
        head.encodings = found;
    }
}

/// What readers make of a name they do not know: some look for a known one in it, the others decode nothing.
fn unknown_encoding(name: &str) -> Encoding {
    if name.contains("base64") {
        Encoding::Base64
    } else if name.contains("quoted") {
        Encoding::QuotedPrintable
    } else {
        Encoding::Identity
    }
}

fn read_names(dispositions: &[Structured], types: &[Structured], head: &mut Head, meter: &mut Meter) {
    for name in dispositions.iter().flat_map(|found| found.texts("filename")).chain(types.iter().flat_map(|found| found.texts("name"))) {
        if !name.is_empty() && head.names.len() < READINGS_MAX && !head.names.contains(&name) {
            head.names.push(name);
        }
    }
    if head.names.len() > 1 {
        meter.note(BadFileName, "several readings of the name");
    }
    let has_raw_control = |found: &Structured, parameter: &str| {
        found.octets(parameter).iter().flatten().any(|octet| *octet < b' ' && !matches!(octet, b'\t' | b'\r' | b'\n'))
    };
    if dispositions.iter().any(|found| has_raw_control(found, "filename")) || types.iter().any(|found| has_raw_control(found, "name")) {
        meter.note(BadFileName, "controls in the name");
    }
    for name in &head.names {
        note_name(name, meter);
    }
}

/// Names that a reader's machine takes for something else than they seem.
pub(super) fn note_name(name: &str, meter: &mut Meter) {
    let is_bidi = |one: char| matches!(one, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let flaw = if name.chars().any(is_bidi) {
        "a mark in the name that turns its direction"
    } else if name.chars().any(char::is_control) {
        "controls in the name"
    } else if name.ends_with(['.', ' ']) {
        "the name ends in a dot or space"
    } else if name.contains("::$") {
        "the name has a stream"
    } else {
        return;
    };
    meter.note(BadFileName, flaw);
}
