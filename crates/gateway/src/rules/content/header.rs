//! Fields of the header block, by octets: set, removed, added to.

use crate::delivery::encoded_words;
use memchr::{memchr, memmem};
use std::ops::Range;

/// Where the header block ends: after its last line, before the empty one.
pub(super) fn end(octets: &[u8]) -> usize {
    if octets.starts_with(b"\r\n") {
        return 0;
    }
    memmem::find(octets, b"\r\n\r\n").map_or(octets.len(), |at| at + 2)
}

/// Each field with its folded lines and its last line end, by name.
pub(super) fn fields(header: &[u8]) -> Vec<(&[u8], Range<usize>)> {
    let mut found: Vec<(&[u8], Range<usize>)> = Vec::new();
    let mut at = 0;
    while at < header.len() {
        let next = memchr(b'\n', &header[at..]).map_or(header.len(), |end| at + end + 1);
        let line = &header[at..next];
        match (line.first(), memchr(b':', line)) {
            (Some(b' ' | b'\t'), _) => {
                if let Some((_, range)) = found.last_mut() {
                    range.end = next;
                }
            }
            (_, Some(colon)) => found.push((line[..colon].trim_ascii(), at..next)),
            // Not a field: kept where it is, as part of the one before.
            (_, None) => {
                if let Some((_, range)) = found.last_mut() {
                    range.end = next;
                }
            }
        }
        at = next;
    }
    found
}

/// The value of the first field of this name, unfolded.
pub(super) fn value(header: &[u8], name: &str) -> Option<String> {
    let (_, range) = fields(header).into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
    let field = &header[range];
    let value = &field[memchr(b':', field)? + 1..];
    Some(String::from_utf8_lossy(value).replace(['\r', '\n'], "").trim().to_string())
}

/// How often a field stands there.
pub(super) fn count(header: &[u8], name: &str) -> usize {
    fields(header).iter().filter(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).count()
}

/// The octets with this field set once, at the end of the header, or without it.
pub(super) fn set(octets: &[u8], name: &str, value: Option<&str>) -> Vec<u8> {
    let line = value.map(|value| format!("{name}:{}\r\n", encoded_words(value)));
    replace(octets, name, line.as_deref().unwrap_or_default().as_bytes())
}

/// The octets without fields of this name and with `line`, complete with its CRLF, at the end of the header.
pub(super) fn replace(octets: &[u8], name: &str, line: &[u8]) -> Vec<u8> {
    let end = end(octets);
    let mut out = Vec::with_capacity(octets.len() + line.len() + 2);
    let mut from = 0;
    for (found, range) in fields(&octets[..end]) {
        if found.eq_ignore_ascii_case(name.as_bytes()) {
            out.extend_from_slice(&octets[from..range.start]);
            from = range.end;
        }
    }
    out.extend_from_slice(&octets[from..end]);
    if !line.is_empty() {
        if !out.is_empty() && !out.ends_with(b"\n") {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(line);
    }
    out.extend_from_slice(&octets[end..]);
    out
}

/// The octets with one more address in the first field of this name, which is made when it is not there.
pub(super) fn add_address(octets: &[u8], name: &str, address: &str) -> Vec<u8> {
    let end = end(octets);
    let found = fields(&octets[..end]).into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()));
    let Some((_, range)) = found else { return replace(octets, name, format!("{name}: {address}\r\n").as_bytes()) };
    let value_end = range.start + octets[range.clone()].trim_ascii_end().len();
    let mut out = Vec::with_capacity(octets.len() + address.len() + 8);
    out.extend_from_slice(&octets[..value_end]);
    let is_empty = octets[range.start..value_end].ends_with(b":");
    out.extend_from_slice(if is_empty { b" " } else { b",\r\n\t" });
    out.extend_from_slice(address.as_bytes());
    out.extend_from_slice(&octets[value_end..]);
    out
}
