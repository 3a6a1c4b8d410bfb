//! The texts of a message that a reader sees as its body, found strictly: structure that readers could take differently is not edited.

use super::encoding::Encoding;
use super::header;
use memchr::memmem;
use std::ops::Range;

/// Why a message is not edited. Names are stable: receipts and pages show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotEditable {
    #[error("the message is signed, and a change would break the signature")]
    Signed,
    #[error("the message is encrypted")]
    Encrypted,
    #[error("the message is a report or has no text that people read")]
    NoText,
    #[error("the structure of the message is odd")]
    Odd,
}

impl NotEditable {
    pub fn name(self) -> &'static str {
        match self {
            NotEditable::Signed => "signed",
            NotEditable::Encrypted => "encrypted",
            NotEditable::NoText => "no-text",
            NotEditable::Odd => "odd",
        }
    }
}

/// One text of the body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextPart {
    pub header: Range<usize>,
    pub body: Range<usize>,
    pub is_html: bool,
    /// As written; '' is us-ascii.
    pub charset: String,
    pub encoding: Encoding,
    /// "flowed" or "".
    pub format: String,
}

const DEPTH_MAX: usize = 10;
const PARTS_MAX: usize = 200;

/// The texts that are the body, in order. At least one.
pub(super) fn body_texts(octets: &[u8]) -> Result<Vec<TextPart>, NotEditable> {
    let mut texts = Vec::new();
    walk(octets, 0..octets.len(), 0, &mut texts)?;
    if texts.is_empty() {
        return Err(NotEditable::NoText);
    }
    Ok(texts)
}

struct ContentType {
    kind: String,
    parameters: Vec<(String, String)>,
}

impl ContentType {
    fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

fn walk(octets: &[u8], range: Range<usize>, depth: usize, texts: &mut Vec<TextPart>) -> Result<(), NotEditable> {
    if depth > DEPTH_MAX {
        return Err(NotEditable::Odd);
    }
    let entity = &octets[range.clone()];
    let head_end = header::end(entity);
    let head = &entity[..head_end];
    if head_end < entity.len() && !entity[head_end..].starts_with(b"\r\n") {
        return Err(NotEditable::Odd);
    }
    let body = (range.start + head_end + 2).min(range.end)..range.end;
    // Where a field stands twice, readers differ in which they take.
    if ["Content-Type", "Content-Transfer-Encoding", "MIME-Version"].iter().any(|name| header::count(head, name) > 1) {
        return Err(NotEditable::Odd);
    }
    let kind = content_type(&header::value(head, "Content-Type").unwrap_or_default())?;
    let encoding = Encoding::named(&header::value(head, "Content-Transfer-Encoding").unwrap_or_default()).ok_or(NotEditable::Odd)?;
    match kind.kind.as_str() {
        "multipart/signed" => Err(NotEditable::Signed),
        "multipart/encrypted" => Err(NotEditable::Encrypted),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" if kind.parameter("smime-type").starts_with("signed") => Err(NotEditable::Signed),
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => Err(NotEditable::Encrypted),
        "multipart/report" | "multipart/digest" => Err(NotEditable::NoText),
        "text/plain" | "text/html" => text(octets, (range.start..range.start + head_end, body), &kind, encoding, texts),
        name if name.starts_with("multipart/") && encoding == Encoding::Plain => {
            let children = children(octets, body, kind.parameter("boundary"))?;
            // Of alternatives every one is read by somebody; of others the first is the body (RFC 2046 §5.1.3, RFC 2387).
            let wanted = if name == "multipart/alternative" { children.len() } else { 1 };
            children.into_iter().take(wanted).try_for_each(|child| walk(octets, child, depth + 1, texts))
        }
        name if name.starts_with("multipart/") => Err(NotEditable::Odd),
        _ => Ok(()),
    }
}

fn text(
    octets: &[u8],
    (header, body): (Range<usize>, Range<usize>),
    kind: &ContentType,
    encoding: Encoding,
    texts: &mut Vec<TextPart>,
) -> Result<(), NotEditable> {
    let head = &octets[header.clone()];
    let disposition = header::value(head, "Content-Disposition").unwrap_or_default().to_ascii_lowercase();
    if disposition.trim_start().starts_with("attachment") {
        return Ok(());
    }
    if memmem::find(&octets[body.clone()], b"-----BEGIN PGP MESSAGE-----").is_some() {
        return Err(NotEditable::Encrypted);
    }
    if memmem::find(&octets[body.clone()], b"-----BEGIN PGP SIGNED MESSAGE-----").is_some() {
        return Err(NotEditable::Signed);
    }
    let is_html = kind.kind == "text/html";
    let (charset, format) = (kind.parameter("charset").to_string(), kind.parameter("format").to_ascii_lowercase());
    texts.push(TextPart { header, body, is_html, charset, encoding, format });
    Ok(())
}

/// The parts between the delimiters; each must be there and closed.
fn children(octets: &[u8], body: Range<usize>, boundary: &str) -> Result<Vec<Range<usize>>, NotEditable> {
    if boundary.is_empty() || boundary.len() > 200 {
        return Err(NotEditable::Odd);
    }
    let delimiter = [b"--", boundary.as_bytes()].concat();
    let (mut found, mut open, mut at) = (Vec::new(), None, body.start);
    let mut is_closed = false;
    while at < body.end && !is_closed {
        let line_end = memchr::memchr(b'\n', &octets[at..body.end]).map_or(body.end, |end| at + end + 1);
        let line = octets[at..line_end].trim_ascii_end();
        if let Some(rest) = line.strip_prefix(delimiter.as_slice()) {
            is_closed = rest == b"--";
            // A longer boundary that begins with ours is not ours, but some readers think so.
            if !is_closed && !rest.is_empty() {
                return Err(NotEditable::Odd);
            }
            if let Some(start) = open.take() {
                found.push(start..before_delimiter(octets, start, at));
            }
            open = Some(line_end);
        }
        if found.len() > PARTS_MAX {
            return Err(NotEditable::Odd);
        }
        at = line_end;
    }
    if is_closed && !found.is_empty() { Ok(found) } else { Err(NotEditable::Odd) }
}

/// The line break before a delimiter belongs to it (RFC 2046 §5.1.1).
fn before_delimiter(octets: &[u8], start: usize, at: usize) -> usize {
    if at >= start + 2 && &octets[at - 2..at] == b"\r\n" { at - 2 } else { at.max(start) }
}

/// RFC 2045 §5.1, without comments: a field that has some is not edited.
fn content_type(value: &str) -> Result<ContentType, NotEditable> {
    if value.is_empty() {
        return Ok(ContentType { kind: "text/plain".into(), parameters: Vec::new() });
    }
    let (kind, mut rest) = value.split_once(';').unwrap_or((value, ""));
    let kind = kind.trim().to_ascii_lowercase();
    let mut parameters: Vec<(String, String)> = Vec::new();
    while !rest.trim().is_empty() {
        let (name, after) = rest.split_once('=').ok_or(NotEditable::Odd)?;
        let name = name.trim().to_ascii_lowercase();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"').ok_or(NotEditable::Odd)?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        if value.contains(['\\', '(']) || parameters.iter().any(|(known, _)| *known == name) || parameters.len() > 50 {
            return Err(NotEditable::Odd);
        }
        parameters.push((name, value.trim().to_string()));
        let next = next.trim_start();
        rest = match next.strip_prefix(';') {
            Some(rest) => rest,
            None if next.is_empty() => "",
            None => return Err(NotEditable::Odd),
        };
    }
    if kind.contains('(') || !kind.contains('/') {
        return Err(NotEditable::Odd);
    }
    Ok(ContentType { kind, parameters })
}
