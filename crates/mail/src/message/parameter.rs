//! Structured field values: `main; name=value; name*0*=value` (RFC 2045 §5.1, RFC 2183, RFC 2231).
//!
//! In: the value of Content-Type, Content-Disposition or Content-Transfer-Encoding. Out: every reading of it that some
//! reader might have, the usual one first: attackers live between two readings.

use super::words;
use crate::address::decode_words;
use std::borrow::Cow;

/// Parameters read from one field.
const PARAMETERS_MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Structured {
    /// Lower case, without comments and white space.
    pub(super) main: String,
    parameters: Vec<Parameter>,
    /// Something in it does not follow the grammar.
    pub(super) is_odd: bool,
}

#[derive(Debug)]
struct Parameter {
    /// Lower case, without section number and asterisks.
    name: String,
    /// RFC 2231 §3: number of a continued parameter.
    section: Option<u32>,
    /// RFC 2231 §4: charset and percent-encoding.
    is_extended: bool,
    value: Vec<u8>,
    /// Another reading: an unquoted value up to its first space or comment, or a quoted one with its backslashes.
    other: Option<Vec<u8>>,
}

pub(super) fn parse(value: &[u8]) -> Structured {
    let mut found = Structured::default();
    let end = value.iter().position(|octet| *octet == b';').unwrap_or(value.len());
    let head = without_comments(&value[..end]);
    let words = head.trim_ascii();
    let cut = words.iter().position(u8::is_ascii_whitespace).unwrap_or(words.len());
    found.main = String::from_utf8_lossy(&words[..cut]).to_ascii_lowercase();
    let mut at = (end + 1).min(value.len());
    if cut < words.len() {
        // "text/plain charset=x": the semicolon is missing, readers go on all the same.
        found.is_odd = true;
        if words[cut..].contains(&b'=') {
            let (parameter, _) = read_one(&words[cut..], &mut found.is_odd);
            found.parameters.extend(parameter);
        }
    }
    while at < value.len() && found.parameters.len() < PARAMETERS_MAX {
        let (parameter, used) = read_one(&value[at..], &mut found.is_odd);
        found.parameters.extend(parameter);
        at += used;
    }
    found.is_odd |= at < value.len();
    found
}

impl Structured {
    /// All readings of a parameter as octets, without doubles, the usual one first. Nothing is decoded but RFC 2231.
    pub(super) fn octets(&self, name: &str) -> Vec<Vec<u8>> {
        let mut readings = Vec::new();
        for parameter in self.named(name).filter(|parameter| parameter.section.is_none() && !parameter.is_extended) {
            push_new(&mut readings, parameter.value.clone());
            if let Some(other) = &parameter.other {
                push_new(&mut readings, other.clone());
            }
        }
        for extended in self.named(name).filter(|parameter| parameter.section.is_none() && parameter.is_extended) {
            push_new(&mut readings, extended_octets(&extended.value).1);
        }
        if let Some((_, joined)) = self.joined(name) {
            push_new(&mut readings, joined);
        }
        readings
    }

    /// All readings of a parameter as text: RFC 2231 first, then plain ones with RFC 2047 words decoded.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let mut readings = Vec::new();
        for extended in self.named(name).filter(|parameter| parameter.section.is_none() && parameter.is_extended) {
            let (charset, octets) = extended_octets(&extended.value);
            push_new(&mut readings, words::octets_to_text(&octets, charset.as_deref()));
        }
        if let Some((charset, joined)) = self.joined(name) {
            let text = match charset {
                Some(charset) => words::octets_to_text(&joined, Some(&charset)),
                None => decode_words(&joined),
            };
            push_new(&mut readings, text);
        }
        for plain in self.named(name).filter(|parameter| parameter.section.is_none() && !parameter.is_extended) {
            push_new(&mut readings, decode_words(&plain.value));
            if let Some(other) = &plain.other {
                push_new(&mut readings, decode_words(other));
            }
        }
        readings
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Parameter> {
        self.parameters.iter().filter(move |parameter| parameter.name == name)
    }

    /// RFC 2231 §3: sections in the order of their numbers; of equal numbers the first counts.
    fn joined(&self, name: &str) -> Option<(Option<String>, Vec<u8>)> {
        let mut sections: Vec<&Parameter> = self.named(name).filter(|parameter| parameter.section.is_some()).collect();
        if sections.is_empty() {
            return None;
        }
        sections.sort_by_key(|parameter| parameter.section);
        sections.dedup_by_key(|parameter| parameter.section);
        let mut charset = None;
        let mut joined = Vec::new();
        for (place, section) in sections.iter().enumerate() {
            if !section.is_extended {
                joined.extend_from_slice(&section.value);
            } else if place == 0 {
                let (named, octets) = extended_octets(&section.value);
                charset = named;
                joined.extend(octets);
            } else {
                joined.extend_from_slice(&percent_decoded(&section.value));
            }
        }
        Some((charset, joined))
    }

    /// The same section number twice, or the same parameter in several forms that differ.
    pub(super) fn has_repeated_section(&self, name: &str) -> bool {
        let mut numbers: Vec<u32> = self.named(name).filter_map(|parameter| parameter.section).collect();
        let count = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len() != count
    }
}

/// Text without RFC 5322 comments (§3.2.2), nested ones too; an unclosed comment reaches to the end.
pub(super) fn without_comments(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'(') {
        return Cow::Borrowed(text);
    }
    let mut depth = 0usize;
    let mut left = Vec::with_capacity(text.len());
    let mut octets = text.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b'\\' if depth > 0 => drop(octets.next()),
            _ if depth == 0 => left.push(*octet),
            _ => {}
        }
    }
    Cow::Owned(left)
}

/// Reads `name=value` up to the next semicolon; gives the octets used, with the semicolon.
fn read_one(text: &[u8], is_odd: &mut bool) -> (Option<Parameter>, usize) {
    let Some(split) = text.iter().position(|octet| matches!(octet, b'=' | b';')) else {
        *is_odd |= !text.trim_ascii().is_empty();
        return (None, text.len());
    };
    if text[split] == b';' {
        *is_odd |= !without_comments(&text[..split]).trim_ascii().is_empty();
        return (None, split + 1);
    }
    let name = without_comments(&text[..split]).trim_ascii().to_ascii_lowercase();
    let lead = text[split + 1..].iter().take_while(|octet| octet.is_ascii_whitespace()).count();
    let at = split + 1 + lead;
    let (value, other, used) = match text.get(at) {
        Some(b'"') => quoted(&text[at + 1..], is_odd),
        _ => unquoted(&text[at..], is_odd),
    };
    let used = at + used + usize::from(text.get(at) == Some(&b'"'));
    *is_odd |= name.is_empty() || !name.iter().all(|octet| octet.is_ascii_graphic() && *octet != b':');
    (Some(named_parameter(&name, value, other)), used)
}

type ValueReading = (Vec<u8>, Option<Vec<u8>>, usize);

/// After the opening quote. Without a closing one the value ends at the semicolon or the end.
fn quoted(text: &[u8], is_odd: &mut bool) -> ValueReading {
    let mut value = Vec::new();
    let mut has_pair = false;
    let mut at = 0;
    loop {
        match text.get(at) {
            None => {
                *is_odd = true;
                let end = text.iter().position(|octet| *octet == b';').unwrap_or(text.len());
                return (text[..end].to_vec(), Some(value), (end + 1).min(text.len()));
            }
            Some(b'"') => break,
            Some(b'\\') if at + 1 < text.len() => {
                has_pair = true;
                value.push(text[at + 1]);
                at += 2;
            }
            Some(b'\r' | b'\n') => at += 1, // unfolding, RFC 5322 §2.2.3
            Some(octet) => {
                value.push(*octet);
                at += 1;
            }
        }
    }
    let raw = has_pair.then(|| text[..at].to_vec());
    let after = &text[at + 1..];
    let rest = after.iter().position(|octet| *octet == b';').unwrap_or(after.len());
    *is_odd |= !without_comments(&after[..rest]).trim_ascii().is_empty();
    (value, raw, (at + 1 + rest + 1).min(text.len()))
}

fn unquoted(text: &[u8], is_odd: &mut bool) -> ValueReading {
    let end = text.iter().position(|octet| *octet == b';').unwrap_or(text.len());
    let whole = text[..end].trim_ascii();
    let cut = whole.iter().position(|octet| octet.is_ascii_whitespace() || *octet == b'(').unwrap_or(whole.len());
    let used = (end + 1).min(text.len());
    if cut == whole.len() {
        return (whole.to_vec(), None, used);
    }
    let short = whole[..cut].to_vec();
    if whole[cut..].trim_ascii_start().starts_with(b"(") {
        return (short, Some(whole.to_vec()), used);
    }
    *is_odd = true;
    (whole.to_vec(), Some(short), used)
}

fn named_parameter(name: &[u8], value: Vec<u8>, other: Option<Vec<u8>>) -> Parameter {
    let (name, is_extended) = match name.strip_suffix(b"*") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let star = name.iter().rposition(|octet| *octet == b'*');
    let section = star.and_then(|star| std::str::from_utf8(&name[star + 1..]).ok()?.parse().ok());
    let name = match (star, section) {
        (Some(star), Some(_)) => &name[..star],
        _ => name,
    };
    Parameter { name: String::from_utf8_lossy(name).into_owned(), section, is_extended, value, other }
}

/// RFC 2231 §4: `charset'language'text`. Without the quotes the whole is text.
fn extended_octets(value: &[u8]) -> (Option<String>, Vec<u8>) {
    let mut parts = value.splitn(3, |octet| *octet == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_language), Some(text)) => {
            let charset = String::from_utf8_lossy(charset).into_owned();
            (Some(charset).filter(|charset| !charset.is_empty()), percent_decoded(text))
        }
        _ => (None, percent_decoded(value)),
    }
}

pub(super) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let pair = text.get(at + 1..at + 3).and_then(|pair| Some((hex_digit(pair[0])?, hex_digit(pair[1])?)));
        match (text[at], pair) {
            (b'%', Some((high, low))) => {
                decoded.push(high << 4 | low);
                at += 3;
            }
            (octet, _) => {
                decoded.push(octet);
                at += 1;
            }
        }
    }
    decoded
}

pub(super) fn hex_digit(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).map(|digit| digit as u8)
}

fn push_new<T: PartialEq>(readings: &mut Vec<T>, reading: T) {
    if !readings.contains(&reading) {
        readings.push(reading);
    }
}
