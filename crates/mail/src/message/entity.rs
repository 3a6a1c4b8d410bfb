//! Character references of HTML (`&amp;`, `&#65;`) to characters.

use memchr::memchr;
use std::borrow::Cow;

/// Longest name of a reference (HTML §13.5 has 31).
const NAME_OCTETS_MAX: usize = 33;

/// Text with character references resolved (HTML §13.2.5.72). Unknown ones stay as written.
pub(super) fn decode_entities(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr(b'&', text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut decoded = String::with_capacity(text.len());
    decoded.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = memchr(b'&', rest.as_bytes()) {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        let used = entity(rest, &mut decoded);
        if used == 0 {
            decoded.push('&');
        }
        rest = &rest[used.max(1)..];
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// Decodes the reference that `text` starts with; gives the octets used, 0 if it is none.
fn entity(text: &str, into: &mut String) -> usize {
    let octets = text.as_bytes();
    if octets.get(1) == Some(&b'#') {
        return numeric_entity(octets, into);
    }
    let name = octets[1..].iter().take(NAME_OCTETS_MAX).take_while(|octet| octet.is_ascii_alphanumeric()).count();
    if name == 0 {
        return 0;
    }
    let is_ended = octets.get(name + 1) == Some(&b';');
    let known = match &text[1..=name] {
        "amp" | "AMP" => Some('&'),
        "lt" | "LT" => Some('<'),
        "gt" | "GT" => Some('>'),
        "quot" | "QUOT" => Some('"'),
        "nbsp" => Some('\u{a0}'),
        "copy" => Some('©'),
        "reg" => Some('®'),
        _ => None,
    };
    if let Some(known) = known {
        into.push(known);
        return name + 1 + usize::from(is_ended);
    }
    if !is_ended {
        return 0;
    }
    let before = into.len();
    let whole = &octets[..name + 2];
    mail_parser::decoders::html::add_html_token(into, whole, false);
    if into.as_bytes()[before..] == *whole {
        into.truncate(before);
        return 0;
    }
    whole.len()
}

/// `&#65;` and `&#x41;`, also without the semicolon, as readers take them.
fn numeric_entity(octets: &[u8], into: &mut String) -> usize {
    let (radix, start) = if matches!(octets.get(2), Some(b'x' | b'X')) { (16, 3) } else { (10, 2) };
    let mut code = 0u32;
    let mut at = start;
    while let Some(digit) = octets.get(at).and_then(|octet| char::from(*octet).to_digit(radix)) {
        code = code.saturating_mul(radix).saturating_add(digit);
        at += 1;
    }
    if at == start {
        return 0;
    }
    // HTML §13.2.5.80: 0x80 to 0x9f mean windows-1252; NUL, surrogates and what is past Unicode mean U+FFFD.
    let one = match code {
        0x80..=0x9f => encoding_rs::WINDOWS_1252.decode_without_bom_handling(&[code as u8]).0.chars().next(),
        0 => None,
        _ => char::from_u32(code),
    };
    into.push(one.unwrap_or(char::REPLACEMENT_CHARACTER));
    at + usize::from(octets.get(at) == Some(&b';'))
}
