//! Header fields: where they stand, and what is wrong with how they are written.
//!
//! In: octets of an entity. Out: a [`Block`] of ranges and the place where the body starts. No field is ever dropped for
//! being malformed, since some reader of the mail may honour it.
//! Not here: what a field means (`head` for Content-*, `address` for From).

use super::DefectKind::{DuplicateHeader, LongLine, MalformedHeader, MissingHeader, Nul, RawEightBit};
use super::Field;
use super::budget::Meter;
use memchr::{memchr, memchr_iter, memmem, memrchr};
use std::ops::Range;

/// RFC 5322 §2.1.1: a line is at most 998 octets without its CRLF.
const LINE_OCTETS_MAX: usize = 998;

/// RFC 5322 §3.6 and RFC 2045 §3: fields that may stand only once.
const ONCE: [&str; 15] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "content-type",
    "mime-version",
    "content-transfer-encoding",
    "reply-to",
    "cc",
    "sender",
    "in-reply-to",
    "references",
    "bcc",
    "content-disposition",
];

#[derive(Debug, Clone)]
pub(super) struct RawField {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

impl RawField {
    /// For the message itself, whose header is far from 4 GiB.
    pub(super) fn narrow(&self) -> Field {
        let narrow = |range: &Range<usize>| u32::try_from(range.start).unwrap_or(u32::MAX)..u32::try_from(range.end).unwrap_or(u32::MAX);
        Field { name: narrow(&self.name), value: narrow(&self.value) }
    }
}

#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) fields: Vec<RawField>,
    pub(super) body_at: usize,
    /// The first line that is neither a field nor part of one.
    pub(super) stray_at: Option<usize>,
}

impl Block {
    /// Values of all fields of this name, in order.
    pub(super) fn all<'a>(&'a self, raw: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields
            .iter()
            .filter(|field| raw[field.name.clone()].eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| &raw[field.value.clone()])
    }
}

/// Reads the header that starts at `range.start`; `lenient` is for the message itself, where lines without a colon are
/// skipped. In a body part such a line means that the header is missing and the body starts here, as readers have it.
pub(super) fn scan(raw: &[u8], range: Range<usize>, lenient: bool, meter: &mut Meter) -> Block {
    let mut block = Block { fields: Vec::with_capacity(if lenient { 32 } else { 4 }), body_at: range.end, stray_at: None };
    let limit = range.start.saturating_add(meter.budget.header_octets_max);
    let mut at = range.start;
    while at < range.end {
        if at >= limit {
            meter.over("header_octets_max");
            block.body_at = body_after(raw, at..range.end);
            break;
        }
        let (text_end, next) = line(raw, at, range.end);
        if text_end == at {
            block.body_at = next;
            break;
        }
        let known = match raw[at] {
            b' ' | b'\t' => continue_field(raw, &mut block, at..text_end, meter),
            _ => start_field(raw, &mut block, at..text_end, meter),
        };
        if !known {
            let is_envelope_line = at == range.start && lenient && is_envelope_line(&raw[at..text_end]);
            if !is_envelope_line {
                meter.note(MalformedHeader, "a line without a field name");
                block.stray_at.get_or_insert(at);
            }
            if !lenient {
                block.body_at = at;
                break;
            }
        }
        at = next;
    }
    note_octets(raw, range.start..block.body_at, meter);
    block
}

/// Fields that stand twice, and those that must stand (RFC 5322 §3.6).
pub(super) fn check_fields(raw: &[u8], block: &Block, meter: &mut Meter) {
    let mut seen = [false; ONCE.len()];
    for field in &block.fields {
        let name = &raw[field.name.clone()];
        let Some(place) = ONCE.iter().position(|once| name.eq_ignore_ascii_case(once.as_bytes())) else { continue };
        if std::mem::replace(&mut seen[place], true) {
            meter.note(DuplicateHeader, ONCE[place]);
        }
    }
    for required in ["from", "date"] {
        if !ONCE.iter().zip(seen).any(|(once, seen)| *once == required && seen) {
            meter.note(MissingHeader, required);
        }
    }
}

/// A line over the limit anywhere in `text`. Looks for the last line end within each stretch of 999 octets, so most octets
/// are never read.
pub(super) fn has_long_line(text: &[u8]) -> bool {
    let mut at = 0;
    while text.len() - at > LINE_OCTETS_MAX + 2 {
        match memrchr(b'\n', &text[at..at + LINE_OCTETS_MAX + 2]) {
            Some(end) => at += end + 1,
            None => return true,
        }
    }
    false
}

/// End of the text of the line at `at` (without CRLF or LF) and start of the next line.
pub(super) fn line(raw: &[u8], at: usize, end: usize) -> (usize, usize) {
    match memchr(b'\n', &raw[at..end]) {
        Some(length) => {
            let newline = at + length;
            let text_end = if newline > at && raw[newline - 1] == b'\r' { newline - 1 } else { newline };
            (text_end, newline + 1)
        }
        None => (end, end),
    }
}

/// The "From " line of a mailbox file, also escaped, in front of the header: what stores and pipes add, not the sender.
fn is_envelope_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

fn continue_field(raw: &[u8], block: &mut Block, text: Range<usize>, meter: &mut Meter) -> bool {
    let Some(field) = block.fields.last_mut() else { return false };
    if raw[text.clone()].iter().all(u8::is_ascii_whitespace) {
        // RFC 5322 §3.2.2: no folded line may be white space only; some readers take it for the end of the header.
        meter.note(MalformedHeader, "a folded line of white space only");
    }
    field.value.end = text.end;
    if field.value.len() > meter.budget.header_line_octets_max {
        meter.over("header_line_octets_max");
    }
    true
}

fn start_field(raw: &[u8], block: &mut Block, text: Range<usize>, meter: &mut Meter) -> bool {
    let Some(colon) = memchr(b':', &raw[text.clone()]) else { return false };
    let name = raw[text.start..text.start + colon].trim_ascii_end();
    if name.is_empty() {
        meter.note(MalformedHeader, "an empty field name");
        return true;
    }
    if name.len() != colon {
        meter.note(MalformedHeader, format!("white space before the colon of {}", String::from_utf8_lossy(name)));
    }
    if !name.iter().all(u8::is_ascii_graphic) {
        // RFC 5322 §2.2: printable ASCII only.
        meter.note(MalformedHeader, format!("characters that no field name has in {}", String::from_utf8_lossy(name)));
        if memchr(b' ', name).is_some() {
            return false;
        }
    }
    if block.fields.len() >= meter.budget.header_fields_max {
        meter.over("header_fields_max");
        return true;
    }
    if text.len() > meter.budget.header_line_octets_max {
        meter.over("header_line_octets_max");
    }
    block.fields.push(RawField { name: text.start..text.start + name.len(), value: text.start + colon + 1..text.end });
    true
}

/// Where the body starts when the header is too long to be read.
fn body_after(raw: &[u8], range: Range<usize>) -> usize {
    let rest = &raw[range.clone()];
    let unix = memmem::find(rest, b"\n\n").map(|found| found + 2);
    let dos = memmem::find(rest, b"\n\r\n").map(|found| found + 3);
    unix.into_iter().chain(dos).min().map_or(range.end, |found| range.start + found)
}

fn note_octets(raw: &[u8], range: Range<usize>, meter: &mut Meter) {
    let text = &raw[range];
    if memchr(0, text).is_some() {
        meter.note(Nul, "in the header");
    }
    if !text.is_ascii() {
        let how =
            if std::str::from_utf8(text).is_ok() { "UTF-8 in the header" } else { "octets over 127 in the header that are not UTF-8" };
        meter.note(RawEightBit, how);
    }
    if has_long_line(text) {
        meter.note(LongLine, "in the header");
    }
    if memchr_iter(b'\r', text).any(|at| at + 1 < text.len() && text[at + 1] != b'\n') {
        meter.note(MalformedHeader, "a carriage return without a line feed");
    }
}
