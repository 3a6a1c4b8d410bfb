//! The octets that go out: edits on top, the subject with its prefix, the message as stored, stuffed dots. Nothing is copied
//! but what is changed.
//!
//! Invariant: what leaves has only CRLF line ends and no NUL, so no next hop can see the end of data where we did not put it.

use crate::queue::Edits;
use bytes::Bytes;
use memchr::{memchr, memchr_iter, memmem};

/// Octets of an encoded word's text, so that the word stays within 75 characters (RFC 2047 §2).
const ENCODED_TEXT_MAX: usize = 42;
/// Characters of a subject prefix.
const PREFIX_CHARS_MAX: usize = 100;
/// A subject line longer than this with its prefix is folded (RFC 5322 §2.1.1).
const LINE_CHARS_SOFT: usize = 76;

/// A message ready for DATA.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Stuffed, with the final `CRLF.CRLF`.
    pub pieces: Vec<Bytes>,
    /// For SIZE: without stuffing and final dot.
    pub octets: u64,
    pub is_eight_bit: bool,
    /// There are octets over 127 in the header.
    pub has_eight_bit_header: bool,
}

/// The message may not be sent: a bare CR or LF, or a NUL, could end it early at the next hop (attacks on end of data).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message has a bare CR or LF, or a NUL")]
pub struct BareOctet;

/// Applies the edits of one policy to the stored octets.
pub fn compose(body: &Bytes, edits: &Edits) -> Result<Outgoing, BareOctet> {
    let parts = edited(body, edits);
    let mut outgoing =
        Outgoing { pieces: Vec::with_capacity(parts.len() + 1), octets: 0, is_eight_bit: false, has_eight_bit_header: false };
    let header_end = memmem::find(body, b"\r\n\r\n").unwrap_or(body.len());
    let mut at_line_start = true;
    for part in parts.iter().filter(|part| !part.is_empty()) {
        if !is_clean(part) {
            return Err(BareOctet);
        }
        outgoing.octets += part.len() as u64;
        outgoing.is_eight_bit |= !part.is_ascii();
        stuff(part, at_line_start, &mut outgoing.pieces);
        at_line_start = part.ends_with(b"\r\n");
    }
    outgoing.has_eight_bit_header = outgoing.is_eight_bit && !(body[..header_end].is_ascii() && edits.headers.is_ascii());
    if !at_line_start {
        outgoing.octets += 2;
        outgoing.pieces.push(Bytes::from_static(b"\r\n"));
    }
    outgoing.pieces.push(Bytes::from_static(b".\r\n"));
    Ok(outgoing)
}

/// The parts of the message, edits included.
pub fn edited(body: &Bytes, edits: &Edits) -> Vec<Bytes> {
    let mut parts = Vec::with_capacity(4);
    if !edits.headers.is_empty() {
        parts.push(Bytes::copy_from_slice(edits.headers.as_bytes()));
    }
    if edits.subject_prefix.trim().is_empty() {
        parts.push(body.clone());
        return parts;
    }
    match subject_value(body) {
        Some((at, end)) => {
            parts.push(body.slice(..at));
            parts.push(prefixed(&edits.subject_prefix, &body[at..end]).into());
            parts.push(body.slice(at..));
        }
        None => {
            parts.push(format!("Subject:{}\r\n", encoded(&edits.subject_prefix, false)).into());
            parts.push(body.clone());
        }
    }
    parts
}

/// Where the value of the first Subject field begins (after the colon) and where its first line ends.
fn subject_value(body: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(end) = memchr(b'\n', &body[at..]) {
        let line = &body[at..at + end + 1];
        if line == b"\r\n" {
            return None;
        }
        if line.len() > 7 && line[..7].eq_ignore_ascii_case(b"subject") {
            // RFC 5322 §4.5.8: white space before the colon was allowed once.
            let spaces = line[7..].iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
            if line.get(7 + spaces) == Some(&b':') {
                return Some((at + 8 + spaces, at + end + 1));
            }
        }
        at += end + 1;
    }
    None
}

/// What stands between the colon and the old value: the prefix, then a space or a fold where the value has none.
fn prefixed(prefix: &str, value: &[u8]) -> String {
    let words = value.trim_ascii_start();
    let mut text = encoded(prefix, words.starts_with(b"=?"));
    if words.is_empty() {
        return text;
    }
    let begins_with_space = value.first().is_some_and(|octet| matches!(octet, b' ' | b'\t'));
    if text.len() + value.len() > LINE_CHARS_SOFT {
        text.push_str("\r\n");
    }
    if !begins_with_space {
        text.push(' ');
    }
    text
}

/// ` prefix`, as encoded words where it is not plain ASCII. White space between two encoded words is not shown
/// (RFC 2047 §6.2), so before another one it goes inside.
fn encoded(prefix: &str, before_encoded: bool) -> String {
    let clean: String = prefix.trim().chars().filter(|c| !c.is_control()).take(PREFIX_CHARS_MAX).collect();
    words(clean, before_encoded)
}

/// ` text` as the value of a field, as encoded words where it is not plain ASCII. Controls are left out.
pub(crate) fn encoded_words(text: &str) -> String {
    words(text.trim().chars().filter(|c| !c.is_control()).collect(), false)
}

fn words(clean: String, before_encoded: bool) -> String {
    if clean.bytes().all(|octet| (0x20..0x7f).contains(&octet)) && !clean.contains("=?") {
        return format!(" {clean}");
    }
    let text = if before_encoded { clean + " " } else { clean };
    let (mut words, mut rest) = (String::new(), text.as_str());
    while !rest.is_empty() {
        let mut at = rest.len().min(ENCODED_TEXT_MAX);
        while !rest.is_char_boundary(at) {
            at -= 1;
        }
        words.push_str(if words.is_empty() { " =?utf-8?B?" } else { "\r\n =?utf-8?B?" });
        words.push_str(&base64(&rest.as_bytes()[..at]));
        words.push_str("?=");
        rest = &rest[at..];
    }
    words
}

/// RFC 4648 §4.
pub fn base64(octets: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for three in octets.chunks(3) {
        let bits = three.iter().fold(0u32, |bits, octet| bits << 8 | u32::from(*octet)) << (8 * (3 - three.len()));
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n) & 63) as usize];
            text.push(if n <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// Only CRLF ends lines (RFC 5321 §2.3.8), and there is no NUL.
fn is_clean(part: &[u8]) -> bool {
    let mut pairs = 0;
    for at in memchr_iter(b'\n', part) {
        if at == 0 || part[at - 1] != b'\r' {
            return false;
        }
        pairs += 1;
    }
    memchr_iter(b'\r', part).count() == pairs && memchr(0, part).is_none()
}

/// RFC 5321 §4.5.2: a line that begins with a dot gets another one.
fn stuff(part: &Bytes, at_line_start: bool, pieces: &mut Vec<Bytes>) {
    const DOT: &[u8] = b".";
    if at_line_start && part.starts_with(DOT) {
        pieces.push(Bytes::from_static(DOT));
    }
    let mut from = 0;
    for at in memmem::find_iter(part, b"\r\n.") {
        pieces.push(part.slice(from..at + 2));
        pieces.push(Bytes::from_static(DOT));
        from = at + 2;
    }
    pieces.push(part.slice(from..));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: &str, headers: &str, prefix: &str) -> Result<String, BareOctet> {
        let edits = Edits { headers: headers.into(), subject_prefix: prefix.into() };
        let outgoing = compose(&Bytes::copy_from_slice(body.as_bytes()), &edits)?;
        Ok(String::from_utf8(outgoing.pieces.concat()).expect("the pieces are cut between characters"))
    }

    #[test]
    fn edits_and_dots_go_in_and_the_rest_stays() {
        for (body, headers, prefix, want) in [
            ("A: b\r\n\r\nhi\r\n", "", "", "A: b\r\n\r\nhi\r\n.\r\n"),
            ("A: b\r\n\r\nhi", "", "", "A: b\r\n\r\nhi\r\n.\r\n"),
            ("A: b\r\n\r\n.\r\n..x\r\n", "", "", "A: b\r\n\r\n..\r\n...x\r\n.\r\n"),
            (".", "", "", "..\r\n.\r\n"),
            (".x\r\n", "X: y\r\n", "", "X: y\r\n..x\r\n.\r\n"),
            ("Subject: hi\r\n\r\n", "", "[SPAM]", "Subject: [SPAM] hi\r\n\r\n.\r\n"),
            ("SUBJECT :hi\r\n\r\n", "", "[SPAM] ", "SUBJECT : [SPAM] hi\r\n\r\n.\r\n"),
            ("Subject:\r\n\r\n", "", "[SPAM]", "Subject: [SPAM]\r\n\r\n.\r\n"),
            ("Subjects: a\r\n\r\nSubject: no\r\n", "X: y\r\n", "[S]", "X: y\r\nSubject: [S]\r\nSubjects: a\r\n\r\nSubject: no\r\n.\r\n"),
            ("Subject: hi\r\n\r\n", "", "垃圾", "Subject: =?utf-8?B?5Z6D5Zy+?= hi\r\n\r\n.\r\n"),
            ("Subject: =?x?q?y?=\r\n\r\n", "", "垃圾", "Subject: =?utf-8?B?5Z6D5Zy+IA==?= =?x?q?y?=\r\n\r\n.\r\n"),
            ("Subject: hi\r\n\r\n", "", "a\r\nBcc: b", "Subject: aBcc: b hi\r\n\r\n.\r\n"),
        ] {
            assert_eq!(sent(body, headers, prefix).as_deref(), Ok(want), "{body:?} {prefix:?}");
        }
    }

    #[test]
    fn a_long_subject_is_folded() {
        let long = "x".repeat(80);
        assert_eq!(sent(&format!("Subject: {long}\r\n\r\n"), "", "[S]"), Ok(format!("Subject: [S]\r\n {long}\r\n\r\n.\r\n")));
    }

    #[test]
    fn nothing_that_could_end_the_data_early_leaves() {
        for body in [
            "a\n.\nb\r\n",
            "a\n.\rb\r\n",
            "a\r.\nb\r\n",
            "a\r.\rb\r\n",
            "a\n.\r\nb\r\n",
            "a\r.\r\nb\r\n",
            "a\r\n.\nb\r\n",
            "a\r\n.\rb\r\n",
            "a\r\n\0.\r\nb\r\n",
            "a\r\n.\0\r\nb\r\n",
            "a\r\n.\r\r\nb\r\n",
            "a\r\r\n.\r\r\nb\r\n",
            "a\r",
            "a\n",
            "\n",
            "\r",
        ] {
            assert_eq!(sent(body, "", ""), Err(BareOctet), "{body:?}");
        }
        assert_eq!(sent("a\r\n", "X: y\n", ""), Err(BareOctet), "edits are not trusted either");
        assert_eq!(sent("a\r\n.\r\nb\r\n", "", "").as_deref(), Ok("a\r\n..\r\nb\r\n.\r\n"), "a lone dot is data");
    }

    #[test]
    fn eight_bit_is_seen_where_it_is() {
        for (body, anywhere, header) in [("A: b\r\n\r\nc", false, false), ("A: b\r\n\r\nü", true, false), ("A: ü\r\n\r\nc", true, true)] {
            let outgoing = compose(&Bytes::from(body), &Edits::default()).expect("clean");
            assert_eq!((outgoing.is_eight_bit, outgoing.has_eight_bit_header), (anywhere, header), "{body}");
        }
    }

    #[test]
    fn base64_has_the_vectors_of_its_rfc() {
        for (octets, want) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(octets.as_bytes()), want);
        }
    }
}
