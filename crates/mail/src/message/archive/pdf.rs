//! Files attached to PDF documents (ISO 32000-1 §7.11.4): streams of type EmbeddedFile, with their names.
//!
//! In: a PDF. Out: a [`Listing`] whose members are taken out. Objects are looked for by their marks, so that a broken table
//! of them hides nothing; names may lie packed in object streams.

use super::listing::{Lies, Listing};
use memchr::memmem;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;

const HEAD_OCTETS: usize = 1024;
/// Streams looked at, and octets unpacked to find names.
const STREAMS_MAX: usize = 20_000;
const OBJECTS_OCTETS_MAX: u64 = 8 << 20;
const FILE_OCTETS_MAX: u64 = 64 << 20;
/// How far before "stream" its dictionary may start.
const DICTIONARY_OCTETS_MAX: usize = 1024;
const NAME_OCTETS_MAX: usize = 1024;

pub(super) fn is_pdf(content: &[u8]) -> bool {
    memmem::find(&content[..content.len().min(HEAD_OCTETS)], b"%PDF-").is_some()
}

/// Whether it says anywhere that it has such files; names may be written with escapes, object streams hide the rest.
pub(super) fn may_hold(content: &[u8]) -> bool {
    is_pdf(content) && (memmem::find(content, b"/EmbeddedFile").is_some() || memmem::find(content, b"/Embedded#").is_some())
}

pub(super) fn list(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let mut texts = vec![Cow::Borrowed(content)];
    let mut files = Vec::new();
    let mut room = OBJECTS_OCTETS_MAX;
    for stream in streams(content).take(STREAMS_MAX) {
        if stream.has(b"/EmbeddedFile") {
            files.push(stream);
        } else if stream.has(b"/ObjStm") && room > 0 {
            let objects = stream.unpacked(room).unwrap_or_default();
            room = room.saturating_sub(stream.work(&objects));
            texts.push(Cow::Owned(objects));
        }
    }
    let names = names(&texts);
    let mut room = FILE_OCTETS_MAX.min(content.len() as u64 * 250);
    for stream in files.into_iter().take(members_max) {
        let name = stream.object.and_then(|object| names.get(&object)).cloned().unwrap_or_default();
        match stream.unpacked(room) {
            Some(octets) => {
                room = room.saturating_sub(stream.work(&octets));
                listing.push(name, octets.len() as u64, Lies::Out(octets));
            }
            None => listing.push(name, stream.packed.len() as u64, Lies::Unread),
        }
    }
    listing
}

struct Stream<'a> {
    object: Option<u32>,
    dictionary: &'a [u8],
    packed: &'a [u8],
}

/// Streams by their mark; they may lie in one another, since only a reader that trusts lengths knows where they end.
fn streams(content: &[u8]) -> impl Iterator<Item = Stream<'_>> {
    let ends: Vec<usize> = memmem::find_iter(content, b"endstream").collect();
    memmem::find_iter(content, b"stream").filter(|at| !content[..*at].ends_with(b"end")).map(move |at| {
        let before = &content[at.saturating_sub(DICTIONARY_OCTETS_MAX)..at];
        let start = memmem::rfind(before, b" obj");
        let object = start.and_then(|start| object_number(&before[..start]));
        let end = ends.get(ends.partition_point(|end| *end < at)).copied().unwrap_or(content.len());
        let packed = &content[(at + b"stream".len()).min(end)..end];
        let packed = packed.strip_prefix(b"\r").unwrap_or(packed);
        let packed = packed.strip_prefix(b"\n").unwrap_or(packed);
        Stream { object, dictionary: &before[start.unwrap_or(0)..], packed }
    })
}

/// "12 0" before " obj".
fn object_number(before: &[u8]) -> Option<u32> {
    let mut words = before.rsplit(|octet| !octet.is_ascii_digit()).filter(|word| !word.is_empty());
    words.next()?;
    std::str::from_utf8(words.next()?).ok()?.parse().ok()
}

impl Stream<'_> {
    /// Whether the dictionary has this name, escapes undone (§7.3.5: "#45" is "E").
    fn has(&self, name: &[u8]) -> bool {
        memmem::find(self.dictionary, name).is_some()
            || memchr::memchr(b'#', self.dictionary).is_some() && memmem::find(&without_escapes(self.dictionary), name).is_some()
    }

    fn is_hexadecimal(&self) -> bool {
        self.has(b"/ASCIIHexDecode")
    }

    /// Octets read or written to unpack it, whichever are more.
    fn work(&self, unpacked: &[u8]) -> u64 {
        let read = if self.is_hexadecimal() { self.packed.len() } else { 0 };
        read.max(unpacked.len()) as u64
    }

    /// Octets after its filters; `None` for filters that are not undone here.
    fn unpacked(&self, octets_max: u64) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        if self.has(b"/ASCII85Decode") || self.has(b"/LZWDecode") || self.has(b"/RunLengthDecode") || self.has(b"/Crypt") {
            return None;
        }
        let packed = if self.is_hexadecimal() { Cow::Owned(hexadecimal(self.packed)) } else { Cow::Borrowed(self.packed) };
        if self.has(b"/Fl") {
            // What was unpacked before it broke counts.
            let _ = flate2::read::ZlibDecoder::new(&packed[..]).take(octets_max).read_to_end(&mut out);
        } else {
            out.extend_from_slice(&packed[..packed.len().min(usize::try_from(octets_max).unwrap_or(usize::MAX))]);
        }
        Some(out)
    }
}

fn hexadecimal(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> =
        text.iter().take_while(|octet| **octet != b'>').filter_map(|octet| Some((*octet as char).to_digit(16)? as u8)).collect();
    digits.chunks(2).map(|two| two[0] << 4 | two.get(1).copied().unwrap_or(0)).collect()
}

fn without_escapes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digit = |place: usize| after.get(place).and_then(|octet| (*octet as char).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'#', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8);
                rest = &after[2..];
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

/// Names by the number of the stream that has the file: file specifications (§7.11.3) name both.
fn names(texts: &[Cow<'_, [u8]>]) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for text in texts {
        for at in memmem::find_iter(text, b"/EF").take(STREAMS_MAX) {
            let after = &text[at..text.len().min(at + 200)];
            let object = memmem::find(after, b" 0 R").and_then(|end| {
                let digits = after[..end].rsplit(|octet| !octet.is_ascii_digit()).next()?;
                std::str::from_utf8(digits).ok()?.parse().ok()
            });
            // The name stands in the same dictionary, before or after.
            let start = at.saturating_sub(NAME_OCTETS_MAX);
            let before = &text[start..at];
            let before = &before[memmem::rfind(before, b"obj").unwrap_or(0)..];
            let after = &text[at..text.len().min(at + NAME_OCTETS_MAX)];
            let after = &after[..memmem::find(after, b"endobj").unwrap_or(after.len())];
            let name = [b"/UF".as_slice(), b"/F"].iter().find_map(|key| last_string(before, key).or_else(|| last_string(after, key)));
            if let (Some(object), Some(name)) = (object, name) {
                names.entry(object).or_insert(name);
            }
        }
    }
    names
}

/// The string after the last of these keys that has one.
fn last_string(text: &[u8], key: &[u8]) -> Option<String> {
    memmem::rfind_iter(text, key).find_map(|at| string(text[at + key.len()..].trim_ascii_start()))
}

/// A literal or hexadecimal string (§7.3.4), in UTF-16 when it says so.
fn string(text: &[u8]) -> Option<String> {
    let octets = match text.split_first()? {
        (b'(', rest) => {
            let mut out = Vec::new();
            let mut octets = rest.iter();
            while let Some(octet) = octets.next().filter(|octet| **octet != b')') {
                out.push(if *octet == b'\\' { *octets.next()? } else { *octet });
            }
            out
        }
        (b'<', rest) if !rest.starts_with(b"<") => hexadecimal(rest),
        _ => return None,
    };
    let name = match octets.strip_prefix(b"\xfe\xff") {
        Some(wide) => String::from_utf16_lossy(&wide.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]])).collect::<Vec<_>>()),
        None => super::octets::name_text(&octets),
    };
    Some(name).filter(|name| !name.is_empty())
}
