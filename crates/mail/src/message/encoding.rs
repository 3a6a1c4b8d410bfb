//! Content-Transfer-Encoding (RFC 2045 §6), uuencode and yEnc: decoders that never fail.
//!
//! In: octets as sent. Out: octets as meant, and what was wrong. Lenient where readers are lenient: junk within base64 is
//! skipped, streams that follow one another are joined, a bad escape stands for itself.

use super::parameter::hex_digit;
use memchr::{memchr, memmem};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
    Uuencode,
}

#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) octets: Vec<u8>,
    pub(super) flaw: Option<&'static str>,
}

impl Encoding {
    /// The encoding of this lower-case name; `None` if there is none such.
    pub(super) fn named(name: &str) -> Option<Encoding> {
        match name {
            "" | "7bit" | "8bit" | "binary" => Some(Encoding::Identity),
            "base64" => Some(Encoding::Base64),
            "quoted-printable" => Some(Encoding::QuotedPrintable),
            "x-uuencode" | "uuencode" | "x-uue" | "uue" => Some(Encoding::Uuencode),
            _ => None,
        }
    }
}

/// The flaw of base64 in which other characters stand.
pub(super) const NOT_BASE64: &str = "characters that base64 does not have";

const SKIP: u8 = 0xff;
const SPACE: u8 = 0xfe;
const PAD: u8 = 0xfd;
const URL_SAFE: u8 = 0x80;

/// Values of the base64 alphabet; `URL_SAFE` marks the two letters of the other alphabet (RFC 4648 §5).
const BASE64: [u8; 256] = {
    let mut table = [SKIP; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut at = 0;
    while at < 64 {
        table[alphabet[at] as usize] = at as u8;
        at += 1;
    }
    table[b'-' as usize] = URL_SAFE | 62;
    table[b'_' as usize] = URL_SAFE | 63;
    table[b'=' as usize] = PAD;
    table[b'\r' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table
};

/// State of a base64 reading between two octets.
#[derive(Default)]
struct Base64Reader {
    out: Vec<u8>,
    bits: u32,
    count: u32,
    is_padded: bool,
    flaw: Option<&'static str>,
}

pub(super) fn base64(text: &[u8]) -> Decoded {
    let mut reader = Base64Reader { out: Vec::with_capacity(text.len() / 4 * 3 + 3), ..Base64Reader::default() };
    let mut at = 0;
    while at < text.len() {
        if reader.count == 0 && !reader.is_padded {
            at += clean_run(&text[at..], &mut reader.out);
        }
        match text.get(at) {
            Some(octet) => reader.push(*octet),
            None => break,
        }
        at += 1;
    }
    reader.end_group();
    if reader.flaw.is_none() && reader.count == 1 {
        reader.flaw = Some("base64 ends within a group");
    }
    Decoded { octets: reader.out, flaw: reader.flaw }
}

/// Decodes whole groups of four plain letters; gives the octets used.
fn clean_run(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut used = 0;
    for group in text.chunks_exact(4) {
        let [a, b, c, d] = [BASE64[group[0] as usize], BASE64[group[1] as usize], BASE64[group[2] as usize], BASE64[group[3] as usize]];
        if (a | b | c | d) >= 64 {
            break;
        }
        let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
        out.extend_from_slice(&[(bits >> 16) as u8, (bits >> 8) as u8, bits as u8]);
        used += 4;
    }
    used
}

impl Base64Reader {
    fn push(&mut self, octet: u8) {
        match BASE64[octet as usize] {
            SPACE => {}
            SKIP => self.flaw = Some(NOT_BASE64),
            PAD => {
                if self.count > 0 {
                    self.end_group();
                    self.count = 0;
                }
                self.is_padded = true;
            }
            value => {
                if self.is_padded {
                    // A new stream after the end of one: some readers stop, others go on.
                    self.flaw = self.flaw.or(Some("base64 goes on after its padding"));
                    self.is_padded = false;
                }
                if value & URL_SAFE != 0 {
                    self.flaw = self.flaw.or(Some("characters of the URL-safe alphabet"));
                }
                self.bits = self.bits << 6 | u32::from(value & 0x3f);
                self.count += 1;
                if self.count == 4 {
                    self.out.extend_from_slice(&[(self.bits >> 16) as u8, (self.bits >> 8) as u8, self.bits as u8]);
                    self.count = 0;
                }
            }
        }
    }

    /// What an unfinished group still holds: one octet of two letters, two of three.
    fn end_group(&mut self) {
        match self.count {
            2 => self.out.push((self.bits >> 4) as u8),
            3 => self.out.extend_from_slice(&[(self.bits >> 10) as u8, (self.bits >> 2) as u8]),
            _ => {}
        }
    }
}

pub(super) fn quoted_printable(text: &[u8]) -> Decoded {
    let mut out = Vec::with_capacity(text.len());
    let mut flaw = (!text.is_ascii()).then_some("8-bit octets in quoted-printable");
    let mut rest = text;
    while let Some(escape) = memchr(b'=', rest) {
        out.extend_from_slice(&rest[..escape]);
        let after = &rest[escape + 1..];
        let used = match after {
            [high, low, ..] if let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low)) => {
                out.push(high << 4 | low);
                2
            }
            _ => match soft_break(after) {
                Some(used) => used,
                None => {
                    flaw = Some("an escape that quoted-printable does not have");
                    out.push(b'=');
                    0
                }
            },
        };
        rest = &after[used..];
    }
    out.extend_from_slice(rest);
    Decoded { octets: out, flaw }
}

/// RFC 2045 §6.7 (5): "=" at the end of a line; white space that transport added after it does not count.
fn soft_break(after: &[u8]) -> Option<usize> {
    let blank = after.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    match &after[blank..] {
        [] => Some(blank),
        [b'\r', b'\n', ..] => Some(blank + 2),
        [b'\n', ..] => Some(blank + 1),
        _ => None,
    }
}

/// A file found within plain text.
#[derive(Debug)]
pub(super) struct InText {
    pub(super) name: Vec<u8>,
    pub(super) decoded: Decoded,
}

/// Files that one text may hold; more are left.
const IN_TEXT_MAX: usize = 64;

/// Uuencoded (`begin 644 name`) and yEnc (`=ybegin`) files within text.
pub(super) fn files_in_text(text: &[u8]) -> Vec<InText> {
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < IN_TEXT_MAX {
        let Some(start) = next_line_with(text, b"begin ", at) else { break };
        at = start + 6;
        if let Some((file, end)) = uuencoded_at(text, start) {
            at = end;
            found.push(file);
        }
    }
    let mut at = 0;
    while found.len() < IN_TEXT_MAX {
        let Some(start) = next_line_with(text, b"=ybegin ", at) else { break };
        let (file, end) = yenc_at(text, start);
        at = end.max(start + 8);
        found.push(file);
    }
    found
}

/// One uuencoded file as the whole body of a part.
pub(super) fn uuencoded(text: &[u8]) -> Decoded {
    let start = next_line_with(text, b"begin ", 0);
    match start.and_then(|start| uuencoded_at(text, start)) {
        Some((file, _)) => file.decoded,
        None => Decoded { octets: text.to_vec(), flaw: Some("no uuencoded file in it") },
    }
}

fn next_line_with(text: &[u8], start: &[u8], from: usize) -> Option<usize> {
    if from == 0 && text.starts_with(start) {
        return Some(0);
    }
    let mut at = from;
    while let Some(found) = memmem::find(&text[at..], start) {
        let place = at + found;
        if place > 0 && text[place - 1] == b'\n' {
            return Some(place);
        }
        at = place + start.len();
    }
    None
}

/// `begin MODE NAME`, then lines whose first letter says how many octets they hold, then `end`.
fn uuencoded_at(text: &[u8], start: usize) -> Option<(InText, usize)> {
    let (head, mut at) = next_line(text, start);
    let mut words = head[6..].splitn(2, |octet| *octet == b' ');
    let mode = words.next()?;
    let name = words.next()?.trim_ascii().to_vec();
    if !(3..=4).contains(&mode.len()) || !mode.iter().all(|octet| (b'0'..=b'7').contains(octet)) || name.is_empty() {
        return None;
    }
    let mut decoded = Decoded { flaw: Some("the end of the uuencoded file is missing"), ..Decoded::default() };
    while at < text.len() {
        let (line, next) = next_line(text, at);
        at = next;
        if line.starts_with(b"end") && line.len() <= 4 {
            decoded.flaw = None;
            break;
        }
        if !uu_line(line, &mut decoded.octets) {
            break;
        }
    }
    Some((InText { name, decoded }, at))
}

/// False for a line that cannot be one of a uuencoded file.
fn uu_line(line: &[u8], out: &mut Vec<u8>) -> bool {
    let Some((first, letters)) = line.split_first() else { return true };
    if !(b' '..=b'`').contains(first) {
        return false;
    }
    let value = |at: usize| letters.get(at).map_or(0, |octet| octet.wrapping_sub(b' ') & 0x3f);
    let count = usize::from(first.wrapping_sub(b' ') & 0x3f);
    let until = out.len() + count;
    for group in (0..count.div_ceil(3)).map(|group| group * 4) {
        let [a, b, c, d] = [value(group), value(group + 1), value(group + 2), value(group + 3)];
        out.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
    }
    out.truncate(until);
    true
}

/// yEnc: every octet moved by 42, `=` escapes, lines from `=ybegin` to `=yend`.
fn yenc_at(text: &[u8], start: usize) -> (InText, usize) {
    let (head, mut at) = next_line(text, start);
    let name = memmem::find(head, b"name=").map_or(&b"file"[..], |found| &head[found + 5..]).to_vec();
    let mut decoded = Decoded { flaw: Some("the end of the yEnc file is missing"), ..Decoded::default() };
    while at < text.len() {
        let (line, next) = next_line(text, at);
        at = next;
        if line.starts_with(b"=yend") {
            decoded.flaw = None;
            break;
        }
        if line.starts_with(b"=ypart") {
            continue;
        }
        let mut octets = line.iter();
        while let Some(octet) = octets.next() {
            let plain = if *octet == b'=' { octets.next().map_or(0, |escaped| escaped.wrapping_sub(64)) } else { *octet };
            decoded.octets.push(plain.wrapping_sub(42));
        }
    }
    (InText { name, decoded }, at)
}

fn next_line(text: &[u8], at: usize) -> (&[u8], usize) {
    let (end, next) = super::header::line(text, at, text.len());
    (&text[at..end], next)
}
