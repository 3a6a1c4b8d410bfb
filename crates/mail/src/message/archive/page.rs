//! Files written in letters: `data:` links in pages, `binData` and `binaryData` of Office documents that are one XML file,
//! uuencode and yEnc in attached texts.
//!
//! In: text. Out: a [`Listing`] whose members are taken out. Pictures in pages are no files of their own.

use super::super::encoding;
use super::listing::{Lies, Listing};
use super::octets::name_text;
use memchr::{memchr, memmem};
use std::io::Read;

/// Marks before base64: of RFC 2397, Word 2003 XML, flat OPC.
const MARKS: [&[u8]; 3] = [b";base64,", b"<w:binData", b"<pkg:binaryData"];
/// How far around a link its name is looked for.
const NAME_OCTETS_MAX: usize = 512;
/// Shorter ones are dots and lines of a layout.
const LETTERS_MIN: usize = 64;
/// Macros and objects of Word 2003 XML: a head, then a zlib stream.
const ACTIVE_MIME: &[u8] = b"ActiveMime";
const ACTIVE_MIME_HEAD: usize = 0x32;
const ACTIVE_MIME_OCTETS_MAX: u64 = 32 << 20;

pub(super) fn may_hold(content: &[u8]) -> bool {
    MARKS.iter().any(|mark| memmem::find(content, mark).is_some())
}

/// A line that starts a file, in text.
pub(super) fn has_letters(content: &[u8]) -> bool {
    [&b"begin "[..], b"=ybegin "].iter().any(|mark| {
        let mut places = memmem::find_iter(content, mark);
        places.any(|at| (at == 0 || content[at - 1] == b'\n') && content.get(at + mark.len()).is_some_and(u8::is_ascii_alphanumeric))
    })
}

pub(super) fn in_letters(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    for file in encoding::files_in_text(content).into_iter().take(members_max) {
        let octets = file.decoded.octets;
        listing.push(name_text(&file.name), octets.len() as u64, Lies::Out(octets));
    }
    listing
}

pub(super) fn in_page(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    for (kind, mark) in MARKS.iter().enumerate() {
        let mut end = 0;
        for at in memmem::find_iter(content, mark) {
            if at < end || listing.members.len() >= members_max {
                continue;
            }
            let tag = &content[at..content.len().min(at + NAME_OCTETS_MAX)];
            let head = if kind == 0 { Some(mark.len()) } else { memchr(b'>', tag).map(|close| close + 1) };
            let Some(start) = head.map(|head| at + head) else { continue };
            let letters = letters(&content[start..]);
            end = start + letters.len();
            if letters.len() < LETTERS_MIN {
                continue;
            }
            let octets = encoding::base64(letters).octets;
            let is_picture = infer::is_image(&octets) || infer::is_font(&octets) || infer::is_audio(&octets) || infer::is_video(&octets);
            let is_layout = kind == 0 && is_style(content, at);
            if !(is_picture || is_layout) {
                let octets = unpacked(octets);
                listing.push(name_around(content, at), octets.len() as u64, Lies::Out(octets));
            }
        }
    }
    listing
}

/// Letters of base64 and the white space between them.
fn letters(text: &[u8]) -> &[u8] {
    let is_letter = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=' | b'\r' | b'\n' | b' ' | b'\t');
    &text[..text.iter().position(|octet| !is_letter(octet)).unwrap_or(text.len())]
}

/// What a saved page keeps in itself: drawings, styles, fonts by their stated type. A drawing may act; pages in it are read as such.
fn is_style(content: &[u8], at: usize) -> bool {
    let before = &content[at.saturating_sub(64)..at];
    let kind = memmem::rfind(before, b"data:").map_or(&b""[..], |start| &before[start + 5..]).to_ascii_lowercase();
    [&b"image/svg"[..], b"font/", b"application/font", b"application/x-font", b"text/css"].iter().any(|style| kind.starts_with(style))
}

fn unpacked(octets: Vec<u8>) -> Vec<u8> {
    if !octets.starts_with(ACTIVE_MIME) {
        return octets;
    }
    let mut out = Vec::new();
    // What was unpacked before it broke counts.
    let _ = flate2::read::ZlibDecoder::new(octets.get(ACTIVE_MIME_HEAD..).unwrap_or_default())
        .take(ACTIVE_MIME_OCTETS_MAX.min(octets.len() as u64 * 250))
        .read_to_end(&mut out);
    out
}

/// The `download` attribute of the link, or the name of the part.
fn name_around(content: &[u8], at: usize) -> String {
    let around = &content[at.saturating_sub(NAME_OCTETS_MAX)..content.len().min(at + NAME_OCTETS_MAX)];
    [&b"download=\""[..], b"download='", b"w:name=\"", b"pkg:name=\""]
        .iter()
        .find_map(|key| {
            let rest = &around[memmem::find(around, key)? + key.len()..];
            let end = rest.iter().position(|octet| matches!(octet, b'"' | b'\'' | b'>'))?;
            Some(name_text(&rest[..end]))
        })
        .unwrap_or_default()
}
