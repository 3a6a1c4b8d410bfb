//! A message as inspections see it: header, decoded text, links, attachments, and what is odd about it.
//!
//! In: the octets after DATA or BDAT. Out: always a [`Message`]; whatever is wrong with the input is a [`Defect`].
//! Invariant: work and memory stay within [`Budget`]; going over is a defect that makes the mail "not fully inspectable".

use crate::address::FromField;
use bytes::Bytes;
use std::ops::Range;

/// Limits for one message (`reference/attacks.md` §5.4 gives the reasons).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Octets decoded and unpacked, over all parts and archives: the larger of this and ten times the message.
    pub expanded_octets_max: u64,
    pub parts_max: usize,
    /// Multiparts, nested messages and archives in one another.
    pub depth_max: usize,
    pub archive_depth_max: usize,
    pub archive_files_max: usize,
    /// Unpacked to packed size of one archive member.
    pub archive_ratio_max: u64,
    pub header_fields_max: usize,
    pub header_octets_max: usize,
    pub header_line_octets_max: usize,
    pub addresses_max: usize,
    pub links_max: usize,
    /// Octets of decoded text kept for inspection, over all text parts.
    pub text_octets_max: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            expanded_octets_max: 200 << 20,
            parts_max: 1_000,
            depth_max: 32,
            archive_depth_max: 5,
            archive_files_max: 10_000,
            archive_ratio_max: 250,
            header_fields_max: 1_000,
            header_octets_max: 256 << 10,
            header_line_octets_max: 64 << 10,
            addresses_max: 1_000,
            links_max: 1_000,
            text_octets_max: 4 << 20,
        }
    }
}

/// What one message used of its budget; shown in the receipt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spent {
    pub expanded_octets: u64,
    pub parts: usize,
    pub depth: usize,
    pub archive_files: usize,
    pub links: usize,
}

/// Something odd. `kind` is stable (`"mime.boundary.duplicate"`), `detail` is for people, at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Defect {
    pub kind: DefectKind,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefectKind {
    /// A header that may stand once stands twice (RFC 5322 §3.6); detail names it.
    DuplicateHeader,
    /// Text before the first header, a line without a colon, white space before the colon, an empty name.
    MalformedHeader,
    /// From, Date or another required header is not there.
    MissingHeader,
    /// NUL in the header or in a text part.
    Nul,
    /// Bytes over 127 in the header without SMTPUTF8.
    RawEightBit,
    /// A line over 998 octets.
    LongLine,
    /// More than one boundary could be meant, or one is not valid.
    BadBoundary,
    /// The closing or the opening delimiter is missing.
    MissingBoundary,
    /// Two Content-Type or Content-Transfer-Encoding that disagree, or parameters that do.
    ConflictingEncoding,
    /// A Content-Transfer-Encoding that does not exist, or one that may not stand on this type.
    UnknownEncoding,
    /// Base64 or quoted-printable with characters that do not belong.
    BrokenEncoding,
    /// A charset label we do not know, or octets it does not have.
    BadCharset,
    /// The file name has several readings, or controls, or ends in a dot or space.
    BadFileName,
    /// RFC 2046 §5.2.2 message/partial: refused, since no part can be judged alone.
    PartialMessage,
    /// RFC 2046 §5.2.3.
    ExternalBody,
    /// Non-white text before the first or after the last part.
    PreambleText,
    /// An archive that cannot be read to its end.
    BrokenArchive,
    /// An archive or document that needs a password.
    Encrypted,
    /// The budget ran out; detail names the limit.
    OverBudget,
}

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
    /// It needs a password, so its content was not seen.
    pub encrypted: bool,
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
    pub fn parse(_raw: Bytes, _budget: &Budget) -> Message {
        unimplemented!()
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

    /// Value of the first field of this name (any case).
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.fields().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    pub fn has_defect(&self, kind: DefectKind) -> bool {
        self.defects.iter().any(|defect| defect.kind == kind)
    }
}
