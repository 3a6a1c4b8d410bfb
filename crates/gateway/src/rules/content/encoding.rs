//! Transfer encodings, strictly: what is not exactly right is not touched.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest line of an encoded text (RFC 2045 §6.7, §6.8).
const LINE_OCTETS_MAX: usize = 76;
/// Longest line that may travel as it is (RFC 5322 §2.1.1).
pub(super) const PLAIN_LINE_OCTETS_MAX: usize = 998;

/// How a body travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// 7bit, 8bit, binary, or nothing said.
    Plain,
    QuotedPrintable,
    Base64,
}

impl Encoding {
    pub fn named(name: &str) -> Option<Encoding> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" => Some(Encoding::Plain),
            "quoted-printable" => Some(Encoding::QuotedPrintable),
            "base64" => Some(Encoding::Base64),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Encoding::Plain => "8bit",
            Encoding::QuotedPrintable => "quoted-printable",
            Encoding::Base64 => "base64",
        }
    }

    pub fn decode(self, octets: &[u8]) -> Option<Vec<u8>> {
        match self {
            Encoding::Plain => Some(octets.to_vec()),
            Encoding::QuotedPrintable => quoted_printable(octets),
            Encoding::Base64 => {
                let text: Vec<u8> = octets.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
                STANDARD.decode(text).ok()
            }
        }
    }

    pub fn encode(self, octets: &[u8]) -> Vec<u8> {
        match self {
            Encoding::Plain => octets.to_vec(),
            Encoding::QuotedPrintable => to_quoted_printable(octets),
            Encoding::Base64 => {
                let text = STANDARD.encode(octets);
                let mut out = Vec::with_capacity(text.len() + text.len() / 38 + 2);
                for line in text.as_bytes().chunks(LINE_OCTETS_MAX) {
                    out.extend_from_slice(line);
                    out.extend_from_slice(b"\r\n");
                }
                out
            }
        }
    }
}

/// `None` when it is not quoted-printable throughout.
fn quoted_printable(octets: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(octets.len());
    let mut lines = octets.split(|octet| *octet == b'\n').peekable();
    while let Some(line) = lines.next() {
        let is_last = lines.peek().is_none();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.trim_ascii_end(); // RFC 2045 §6.7 (3): white space at the end is of the transport
        let (text, is_soft) = match line.strip_suffix(b"=") {
            Some(text) => (text, true),
            None => (line, false),
        };
        let mut at = 0;
        while at < text.len() {
            if text[at] == b'=' {
                let digits = text.get(at + 1..at + 3)?;
                out.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                at += 3;
            } else {
                out.push(text[at]);
                at += 1;
            }
        }
        if !is_soft && !is_last {
            out.extend_from_slice(b"\r\n");
        }
    }
    Some(out)
}

/// Text with CRLF line ends; ends in a line end.
fn to_quoted_printable(octets: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 8 + 2);
    let mut rest = octets;
    while !rest.is_empty() {
        let (line, next) = match memchr::memmem::find(rest, b"\r\n") {
            Some(at) => (&rest[..at], &rest[at + 2..]),
            None => (rest, &rest[rest.len()..]),
        };
        let mut column = 0;
        for (at, octet) in line.iter().enumerate() {
            let width = if is_literal(*octet, column, at + 1 == line.len()) { 1 } else { 3 };
            if column + width > LINE_OCTETS_MAX - 1 {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            if is_literal(*octet, column, at + 1 == line.len()) {
                out.push(*octet);
                column += 1;
            } else {
                out.extend_from_slice(&[b'=', DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
                column += 3;
            }
        }
        out.extend_from_slice(b"\r\n");
        rest = next;
    }
    out
}

/// RFC 2045 §6.7. A dot or an "F" that begins a line would be safe, but some servers do not think so of "." and "From ".
fn is_literal(octet: u8, column: usize, is_last: bool) -> bool {
    match octet {
        b'.' | b'F' => column > 0,
        b'!'..=b'<' | b'>'..=b'~' => true,
        b' ' | b'\t' => !is_last,
        _ => false,
    }
}

/// Whether a text may travel as it is: no line too long, only CRLF line ends.
pub(super) fn is_plain_text(octets: &[u8]) -> bool {
    octets.split(|octet| *octet == b'\n').all(|line| line.len() <= PLAIN_LINE_OCTETS_MAX && memchr::memchr(0, line).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in ["", "a\r\n", "ü = 1\r\n\r\n.\r\nFrom x\r\n", "trailing \r\n\ttab\t\r\n", &"x".repeat(500), &"免责声明".repeat(60)] {
            let whole = if text.is_empty() || text.ends_with("\r\n") { text.to_string() } else { format!("{text}\r\n") };
            for encoding in [Encoding::QuotedPrintable, Encoding::Base64] {
                let encoded = encoding.encode(whole.as_bytes());
                assert!(encoded.split(|octet| *octet == b'\n').all(|line| line.len() <= 77), "{encoding:?}");
                assert_eq!(encoding.decode(&encoded).as_deref(), Some(whole.as_bytes()), "{encoding:?} of {text:?}");
            }
        }
        for broken in ["=", "a=4", "=ZZ\r\n"] {
            let decoded = Encoding::QuotedPrintable.decode(broken.as_bytes());
            assert!(broken == "=" || decoded.is_none(), "{broken:?} gives {decoded:?}");
        }
        assert_eq!(Encoding::Base64.decode(b"####"), None);
    }
}
