//! Tag lists: `tag=value; tag=value` (RFC 6376 §3.2), in DKIM and ARC header fields, key records and DMARC records.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A list with more tags is an error.
const TAGS_MAX: usize = 64;

/// Some key records leave the padding out; nothing is gained by refusing them.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

#[derive(Debug)]
pub(in crate::auth) struct Tags<'a> {
    /// Name, and all octets between "=" and ";".
    list: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Tags<'a> {
    /// `None` if the text is not a tag list: a tag twice, an empty tag, a name or character that may not stand there.
    pub(in crate::auth) fn read(text: &'a [u8]) -> Option<Tags<'a>> {
        let mut list: Vec<(&[u8], &[u8])> = Vec::with_capacity(12);
        let mut pieces = text.split(|octet| *octet == b';').peekable();
        while let Some(piece) = pieces.next() {
            if pieces.peek().is_none() && trim(piece).is_empty() {
                break; // one semicolon may stand at the end
            }
            let equals = memchr::memchr(b'=', piece)?;
            let (name, value) = (trim(&piece[..equals]), &piece[equals + 1..]);
            let sound = is_tag_name(name) && value.iter().all(|octet| is_value_octet(*octet));
            if !sound || list.len() == TAGS_MAX || list.iter().any(|(known, _)| *known == name) {
                return None;
            }
            list.push((name, value));
        }
        Some(Tags { list })
    }

    /// Value of a tag without the white space around it. Names are case-sensitive.
    pub(in crate::auth) fn value(&self, name: &str) -> Option<&'a [u8]> {
        self.raw(name).map(trim)
    }

    /// Value of a tag with the white space around it.
    pub(in crate::auth) fn raw(&self, name: &str) -> Option<&'a [u8]> {
        self.list.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| *value)
    }

    pub(in crate::auth) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    pub(in crate::auth) fn first_name(&self) -> Option<&'a [u8]> {
        self.list.first().map(|(name, _)| *name)
    }

    /// Base64 with white space anywhere. `None` if the tag is missing, empty or not base64.
    pub(in crate::auth) fn base64(&self, name: &str) -> Option<Vec<u8>> {
        let value = self.value(name)?;
        let packed: Vec<u8> = value.iter().copied().filter(|octet| !is_blank(*octet)).collect();
        BASE64.decode(packed).ok().filter(|octets| !octets.is_empty())
    }

    /// Decimal digits. `Err` if the tag is there and not a number of at most 12 digits (RFC 6376 §3.5 "t=").
    pub(in crate::auth) fn number(&self, name: &str) -> Result<Option<u64>, ()> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let digits = std::str::from_utf8(value).map_err(|_| ())?;
        match digits.bytes().all(|octet| octet.is_ascii_digit()) && digits.len() <= 18 {
            true => digits.parse().map(Some).map_err(|_| ()),
            false => Err(()),
        }
    }
}

fn is_tag_name(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic) && name.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'_')
}

/// VALCHAR and folding white space; RFC 8616 adds UTF-8.
fn is_value_octet(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e | 0x80..) || is_blank(octet)
}

pub(in crate::auth) fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

pub(in crate::auth) fn trim(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|octet| !is_blank(*octet)).unwrap_or(text.len());
    let end = text.iter().rposition(|octet| !is_blank(*octet)).map_or(start, |last| last + 1);
    &text[start..end]
}
