//! A message as inspections see it: header, decoded text, links, attachments, and what is odd about it.
//!
//! In: the octets after DATA or BDAT. Out: always a [`Message`]; whatever is wrong with the input is a [`Defect`].
//! Invariant: work and memory stay within [`Budget`]; going over is a defect that makes the mail "not fully inspectable".

mod archive;
mod attachment;
mod attribute;
mod budget;
mod charset;
mod defect;
mod encoding;
mod entity;
mod filetype;
mod head;
mod header;
mod html;
mod link;
mod ole;
mod parameter;
mod part;
mod pdf_picture;
mod picture;
mod qr;
mod reading;
mod sheet;
mod style;
mod tag;
#[cfg(test)]
mod tests;
mod wire;
mod words;
mod zip;

pub use budget::{Budget, Spent};
pub use defect::{Defect, DefectKind};
pub use filetype::file_type;
pub use link::link_host;
pub use wire::as_on_the_wire;
pub use words::date_ms;

use crate::address::{self, FromField, decode_words};
use budget::Meter;
use bytes::Bytes;
use header::Block;
use part::Walker;
use reading::{Reading, View};
use std::ops::Range;

/// Longest Message-ID kept.
const MESSAGE_ID_OCTETS_MAX: usize = 998;
/// Lines that should have been header fields are kept as text up to this size.
const STRAY_HEADER_OCTETS_MAX: usize = 64 << 10;

/// Position of one header field in `raw`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: Range<u32>,
    /// After the colon, with folding, without the final CRLF.
    pub value: Range<u32>,
}

#[derive(Debug, Clone)]
pub struct Message {
    raw: Bytes,
    fields: Vec<Field>,
    /// Where the body starts in `raw`.
    body_at: usize,
    pub from: FromField,
    /// Decoded (RFC 2047), unfolded, without controls.
    pub subject: String,
    /// Message-ID with its angle brackets, as given, at most 998 octets.
    pub message_id: Option<String>,
    /// Unix milliseconds of the Date header.
    pub date_ms: Option<i64>,
    pub texts: Vec<Text>,
    pub links: Vec<Link>,
    pub attachments: Vec<Attachment>,
    pub defects: Vec<Defect>,
    pub spent: Spent,
}

/// One text part, decoded to UTF-8. HTML comes as the text a reader sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    pub is_html: bool,
    /// What a reader sees.
    pub visible: String,
    /// Text that HTML or CSS hides (display:none, zero size, colour of the background, off screen).
    pub hidden: String,
    /// The decoded HTML source; empty for plain text.
    pub html: String,
    pub charset: Option<String>,
    /// Forms, scripts, event handlers, frames, objects: what the HTML wants to do.
    pub traits: HtmlTraits,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HtmlTraits {
    pub form: bool,
    pub password_field: bool,
    pub script: bool,
    pub event_handler: bool,
    pub frame: bool,
    pub object: bool,
    /// `<meta http-equiv=refresh>`
    pub refresh: bool,
    /// Places where hidden text stands between the letters of a shown word.
    pub split_words: u32,
    pub images_remote: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// As written, decoded from HTML entities; at most 4 KiB.
    pub target: String,
    /// What the reader sees for it; empty when the link stands bare in the text.
    pub text: String,
    pub origin: LinkOrigin,
    /// Lower-case A-labels, or an IP address; `None` for mailto:, tel:, data:, javascript: and the unreadable.
    pub host: Option<String>,
    pub scheme: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkOrigin {
    Text,
    Anchor,
    Form,
    Image,
    Area,
    Other,
    Attachment,
    /// A QR code in a picture.
    Qr,
}

#[derive(Debug, Clone)]
pub struct Attachment {
    /// Decoded file name; `None` if there is none.
    pub name: Option<String>,
    /// Other readings of the name (filename against name, extended against plain).
    pub other_names: Vec<String>,
    /// Content-Type as declared, lower case, without parameters.
    pub declared_type: String,
    /// What the content is.
    pub true_type: FileType,
    pub octets: u64,
    pub sha256: [u8; 32],
    /// Decoded content; shares `raw` where no decoding was needed. Empty if it could not be unpacked.
    pub content: Bytes,
    /// Names of the archives or messages it lies in, outermost first.
    pub inside: Vec<String>,
    /// What the container is that it was taken out of; `None` for a part of the message itself.
    pub held_by: Option<FileType>,
    /// It needs a password, so its content was not seen.
    pub encrypted: bool,
    /// It is packed in a way that is not undone here, so what it holds was not seen.
    pub unread: bool,
    pub inline: bool,
}

/// What octets are, by content first, then by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub struct FileType {
    /// Usual extension in lower case, without a dot: "exe", "zip", "docm", "txt"; "bin" when unknown.
    pub extension: &'static str,
    pub family: FileFamily,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFamily {
    Executable,
    Script,
    Archive,
    DiskImage,
    Office,
    OfficeMacro,
    Pdf,
    Image,
    Media,
    Html,
    Text,
    Message,
    Unknown,
}

impl Message {
    /// Reads a message. Never fails; see [`Message::defects`].
    pub fn parse(raw: Bytes, budget: &Budget) -> Message {
        let mut meter = Meter::new(*budget, raw.len());
        let block = header::scan(&raw, 0..raw.len(), true, &mut meter);
        header::check_fields(&raw, &block, &mut meter);
        let head = head::read(&raw, &block, "text/plain", &mut meter);
        let mut reading = Reading::new(meter);
        let whole = View { source: raw.clone(), range: 0..raw.len(), boundary: None, depth: 0, inside: Vec::new(), is_other: false };
        Walker::new(&mut reading, &whole).walk(head, block.body_at);
        if let Some(stray) = block.stray_at {
            reading.stray_header(&raw[stray..block.body_at.min(stray + STRAY_HEADER_OCTETS_MAX)]);
        }
        reading.finish();
        Message::assemble(raw, &block, reading)
    }

    /// A file by itself, read as if it were attached to an empty message.
    pub(crate) fn of_file(content: Bytes, budget: &Budget) -> Message {
        let mut meter = Meter::new(*budget, content.len());
        let block = header::scan(&Bytes::new(), 0..0, true, &mut meter);
        let mut reading = Reading::new(meter);
        reading.file(content);
        reading.finish();
        Message::assemble(Bytes::new(), &block, reading)
    }

    fn assemble(raw: Bytes, block: &Block, reading: Reading) -> Message {
        let Reading { meter, found, .. } = reading;
        let from = address::read_from_fields(block.fields.iter().map(|field| (&raw[field.name.clone()], &raw[field.value.clone()])));
        let first = |name| block.all(&raw, name).next();
        let subject = first("subject").map(decode_words).unwrap_or_default();
        let message_id = first("message-id").and_then(words::message_id);
        let date_ms = first("date").and_then(words::date_ms);
        Message {
            from,
            subject,
            message_id,
            date_ms,
            fields: block.fields.iter().map(header::RawField::narrow).collect(),
            body_at: block.body_at,
            texts: found.texts,
            links: found.links.list,
            attachments: found.attachments,
            defects: meter.defects,
            spent: meter.spent,
            raw,
        }
    }

    /// The octets as received.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    pub fn body(&self) -> Bytes {
        self.raw.slice(self.body_at..)
    }

    /// Header fields in order: name as written, value as written (folded, without the final CRLF).
    pub fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| {
            (&self.raw[field.name.start as usize..field.name.end as usize], &self.raw[field.value.start as usize..field.value.end as usize])
        })
    }

    /// Where the field at this place in [`Message::fields`] stands in `raw`, with its name and final line end.
    pub fn field_span(&self, index: usize) -> Option<Range<usize>> {
        let field = self.fields.get(index)?;
        let end = field.value.end as usize;
        let rest = self.raw.get(end..).unwrap_or_default();
        let line_end = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
        Some(field.name.start as usize..end + line_end)
    }

    /// Value of the first field of this name (any case).
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.fields().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// Values of all fields of this name (any case), in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields().filter(move |(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    pub fn has_defect(&self, kind: DefectKind) -> bool {
        self.defects.iter().any(|defect| defect.kind == kind)
    }
}
