//! RFC 2047 encoded words, for display names and subjects.
//!
//! In: octets of a header field, folded as received. Out: text for people and inspections, one line, no controls.
//! Work is linear in the input: a failed `=?` costs the octets up to the next `?` and no more.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::Encoding;

/// More of a field than this is not decoded; nobody reads it.
const DECODED_OCTETS_MAX: usize = 16 << 10;
/// Charset names are short (the longest registered one has 45 octets); a language tag may follow (RFC 2231 §5).
const CHARSET_OCTETS_MAX: usize = 80;

/// Padding is often missing or short in the wild.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// Decodes encoded words, unfolds, drops controls and cuts at 16 KiB. What cannot be decoded stays as written.
pub fn decode_words(value: &[u8]) -> String {
    let value = &value[..value.len().min(DECODED_OCTETS_MAX)];
    let mut text = String::with_capacity(value.len());
    if memchr::memmem::find(value, b"=?").is_none() {
        push_clean(&mut text, &decode_raw(value));
        return trimmed(text);
    }
    let mut run = Run::default();
    let mut at = 0;
    let mut plain_from = 0;
    while let Some(found) = memchr::memmem::find(&value[at..], b"=?") {
        let start = at + found;
        let Some((word, used)) = read_word(&value[start..]) else {
            at = start + 2;
            continue;
        };
        let between = &value[plain_from..start];
        // RFC 2047 §6.2: white space between two encoded words is not shown.
        if run.octets.is_empty() || !between.iter().all(u8::is_ascii_whitespace) {
            run.flush(&mut text);
            push_clean(&mut text, &decode_raw(between));
        }
        run.push(word, &mut text);
        at = start + used;
        plain_from = at;
    }
    run.flush(&mut text);
    push_clean(&mut text, &decode_raw(&value[plain_from..]));
    trimmed(text)
}

fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text.drain(..text.len() - text.trim_start().len());
    text
}

struct Word<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
}

/// Adjacent words of one charset are decoded together: many senders cut a character in two.
#[derive(Default)]
struct Run<'a> {
    charset: &'a [u8],
    octets: Vec<u8>,
}

impl<'a> Run<'a> {
    fn push(&mut self, word: Word<'a>, text: &mut String) {
        if !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush(text);
            self.charset = word.charset;
        }
        self.octets.extend_from_slice(&word.octets);
    }

    fn flush(&mut self, text: &mut String) {
        if !self.octets.is_empty() {
            push_clean(text, &decode_charset(self.charset, &self.octets));
            self.octets.clear();
        }
    }
}

/// `=?charset?B?text?=` at the start of `input`: the word and the octets it takes.
fn read_word(input: &[u8]) -> Option<(Word<'_>, usize)> {
    let rest = &input[2..];
    let charset_end = memchr::memchr(b'?', &rest[..rest.len().min(CHARSET_OCTETS_MAX)])?;
    let charset = &rest[..charset_end];
    if charset.is_empty() || !charset.iter().all(|octet| octet.is_ascii_graphic()) {
        return None;
    }
    // RFC 2231 §5: charset*language.
    let charset = &charset[..memchr::memchr(b'*', charset).unwrap_or(charset.len())];
    let rest = &rest[charset_end + 1..];
    let (encoding, b'?') = (*rest.first()?, *rest.get(1)?) else { return None };
    let coded = &rest[2..];
    let end = memchr::memchr(b'?', coded)?;
    if coded.get(end + 1) != Some(&b'=') {
        return None;
    }
    let octets = match encoding {
        b'B' | b'b' => decode_b(&coded[..end])?,
        b'Q' | b'q' => decode_q(&coded[..end]),
        _ => return None,
    };
    Some((Word { charset, octets }, 2 + charset_end + 1 + 2 + end + 2))
}

fn decode_b(coded: &[u8]) -> Option<Vec<u8>> {
    let clean: Vec<u8> = coded.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
    LENIENT.decode(clean).ok()
}

/// RFC 2047 §4.2. A broken `=XY` stays as written.
fn decode_q(coded: &[u8]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(coded.len());
    let mut at = 0;
    while let Some(octet) = coded.get(at) {
        at += 1;
        match octet {
            b'_' => octets.push(b' '),
            b'=' => match (hex(coded.get(at)), hex(coded.get(at + 1))) {
                (Some(high), Some(low)) => {
                    octets.push(high << 4 | low);
                    at += 2;
                }
                _ => octets.push(b'='),
            },
            _ => octets.push(*octet),
        }
    }
    octets
}

fn hex(octet: Option<&u8>) -> Option<u8> {
    char::from(*octet?).to_digit(16).map(|digit| digit as u8)
}

fn decode_charset(charset: &[u8], octets: &[u8]) -> String {
    if let Some(encoding) = Encoding::for_label_no_replacement(charset) {
        return encoding.decode_without_bom_handling(octets).0.into_owned();
    }
    // UTF-7 and a few others a browser must not know, but mail has.
    match mail_parser::decoders::charsets::map::charset_decoder(charset) {
        Some(decode) => decode(octets),
        None => decode_raw(octets),
    }
}

/// Raw octets of a header: UTF-8 (RFC 6532), else one character an octet would be a guess: replacement characters.
fn decode_raw(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// Appends without controls: folding and tabs become one space, NUL and the rest vanish (Mailsploit).
fn push_clean(text: &mut String, piece: &str) {
    let mut letters = piece.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' | '\n' => {
                while matches!(letters.peek(), Some('\r' | '\n' | ' ' | '\t')) {
                    letters.next();
                }
                text.push(' ');
            }
            '\t' => text.push(' '),
            _ if letter.is_control() => {}
            _ => text.push(letter),
        }
    }
}
