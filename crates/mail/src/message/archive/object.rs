//! Objects in documents: packages and other files in OLE compound files, attachments in Outlook messages, RTF objects.
//!
//! In: a compound file or RTF. Out: a [`Listing`] whose members are taken out. Formats: [MS-CFB], [MS-OLEDS], [MS-OXMSG], the
//! RTF specification 1.9.1. Not here: macros, which are no files (`detect::malware::vba`).

use super::listing::{Lies, Listing};
use super::octets::{Octets, name_text, wide_text};
use memchr::memmem;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

const OLE: &[u8] = super::super::ole::MARK.as_slice();
/// What an object is called that has no name.
const UNNAMED: &str = "object";
const STREAMS_MAX: usize = 2_000;
/// Octets taken out of one document; streams may share sectors, so that a small file reads as a long one.
const OCTETS_MAX: u64 = 64 << 20;
/// Streams that hold a file: an OLE package, a document of another program, an embedded OpenDocument.
const NATIVE: &str = "\u{1}Ole10Native";
const STREAMS: [&str; 4] = [NATIVE, "Package", "CONTENTS", "EmbeddedOdf"];
/// [MS-OXMSG] §2.2.2 and the properties of [MS-OXPROPS] for an attachment.
const ATTACHMENT: &str = "__attach_version1.0_";
const ATTACHMENT_DATA: &str = "__substg1.0_37010102";
const ATTACHMENT_NAMES: [&str; 4] = ["__substg1.0_3707001F", "__substg1.0_3704001F", "__substg1.0_3707001E", "__substg1.0_3704001E"];

pub(super) fn is_rtf(content: &[u8]) -> bool {
    content.starts_with(b"{\\rt")
}

/// Whether a compound file may hold files; most documents do not, and need not be opened.
pub(super) fn may_hold(content: &[u8]) -> bool {
    let wide = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    content.starts_with(OLE)
        && (STREAMS.iter().chain(&[ATTACHMENT, "_1"]).any(|name| memmem::find(content, &wide(name)).is_some())
            || memmem::find(content, STORED).is_some()
            || memmem::find(content, COMPRESSED).is_some())
}

pub(super) fn of_ole(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    if streams(content, members_max, &mut listing).is_err() {
        listing.flaw = Some("an OLE file with embedded objects");
    }
    slides(content, members_max, &mut listing);
    listing
}

fn streams(content: &[u8], members_max: usize, listing: &mut Listing) -> std::io::Result<()> {
    let mut file = cfb::CompoundFile::open(Cursor::new(content))?;
    let paths: Vec<PathBuf> = file.walk().filter(cfb::Entry::is_stream).take(STREAMS_MAX).map(|entry| entry.path().to_owned()).collect();
    let mut left = OCTETS_MAX.min(content.len() as u64 * 20);
    for path in &paths {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let is_attachment = name == ATTACHMENT_DATA;
        let is_packed = is_packed_object(name);
        if !is_attachment && !is_packed && !STREAMS.contains(&name) || listing.members.len() >= members_max {
            continue;
        }
        let mut octets = Vec::new();
        file.open_stream(path)?.take(left).read_to_end(&mut octets)?;
        left -= octets.len() as u64;
        if is_attachment {
            let name = path.parent().map(|folder| attachment_name(&mut file, folder)).unwrap_or_default();
            listing.push(name, octets.len() as u64, Lies::Out(octets));
        } else if name == NATIVE {
            listing.members.extend(octets.get(4..).and_then(package));
        } else if is_packed {
            let mut object = Vec::new();
            // What was unpacked before it broke counts.
            let _ = flate2::read::ZlibDecoder::new(octets.get(4..).unwrap_or_default()).take(left).read_to_end(&mut object);
            left -= object.len() as u64;
            if object.starts_with(OLE) {
                listing.push(UNNAMED.to_owned(), object.len() as u64, Lies::Out(object));
            }
        } else {
            listing.push(UNNAMED.to_owned(), octets.len() as u64, Lies::Out(octets));
        }
    }
    Ok(())
}

/// Word 2003 XML packs each object into a stream named after its number, as a size and a zlib stream.
fn is_packed_object(name: &str) -> bool {
    name.strip_prefix('_').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit()))
}

fn attachment_name(file: &mut cfb::CompoundFile<Cursor<&[u8]>>, folder: &Path) -> String {
    const NAME_OCTETS_MAX: u64 = 1 << 10;
    for property in ATTACHMENT_NAMES {
        let mut octets = Vec::new();
        let read = file.open_stream(folder.join(property)).and_then(|stream| stream.take(NAME_OCTETS_MAX).read_to_end(&mut octets));
        if read.is_ok() && !octets.is_empty() {
            return if property.ends_with('F') { wide_text(&octets) } else { name_text(&octets) };
        }
    }
    String::new()
}

/// What the Object Packager writes, after its size: type, label, path, the path it had at the sender's, the file.
fn package(octets: &[u8]) -> Option<super::listing::Member> {
    let mut reader = Octets::new(octets);
    if reader.u16()? != 2 {
        return None;
    }
    let (label, path) = (reader.text()?, reader.text()?);
    reader.take(4)?;
    let temporary = reader.size()?;
    reader.take(temporary)?;
    let octets = reader.size()?;
    let file = reader.take(octets.min(reader.rest().len()))?;
    let name = name_text(if label.contains(&b'.') { label } else { path });
    let name = name.rsplit(['\\', '/']).next().unwrap_or_default().to_owned();
    Some(super::listing::Member { name, octets: file.len() as u64, lies: Lies::Out(file.to_vec()) })
}

/// [MS-PPT] §2.10.35: an object in its own atom, as it is or packed (recVer 0, recInstance 0 or 1, recType 0x1011).
const STORED: &[u8] = b"\x00\x00\x11\x10";
const COMPRESSED: &[u8] = b"\x10\x00\x11\x10";

fn slides(content: &[u8], members_max: usize, listing: &mut Listing) {
    let mut left = OCTETS_MAX.min(content.len() as u64 * 20);
    for (mark, skipped) in [(STORED, 8), (COMPRESSED, 12)] {
        for at in memmem::find_iter(content, mark) {
            let octets = Octets::from(content, at + 4).size().unwrap_or(0);
            let Some(object) = content.get(at + skipped..at.saturating_add(8).saturating_add(octets).min(content.len())) else { continue };
            if listing.members.len() >= members_max || left == 0 {
                return;
            }
            let mut out = Vec::new();
            if mark == STORED {
                out.extend_from_slice(if object.starts_with(OLE) { object } else { b"" });
            } else {
                // What was unpacked before it broke counts.
                let _ = flate2::read::ZlibDecoder::new(object).take(left).read_to_end(&mut out);
            }
            left = left.saturating_sub(out.len() as u64);
            if out.starts_with(OLE) {
                listing.push(UNNAMED.to_owned(), out.len() as u64, Lies::Out(out));
            }
        }
    }
}

/// Objects of an RTF file: what follows `\objdata` in hexadecimal ([MS-OLEDS] §2.2.5).
pub(super) fn of_rtf(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let mut end = 0;
    for at in memmem::find_iter(content, b"\\objdata") {
        if listing.members.len() >= members_max {
            break;
        }
        if at < end {
            continue;
        }
        let octets;
        (octets, end) = hexadecimal(content, at + b"\\objdata".len());
        let Some((class, native)) = embedded(&octets) else { continue };
        let is_package = class.eq_ignore_ascii_case(b"Package");
        match is_package.then(|| package(native)).flatten() {
            Some(member) => listing.members.push(member),
            None => listing.push(UNNAMED.to_owned(), native.len() as u64, Lies::Out(native.to_vec())),
        }
    }
    listing
}

/// Digits up to the end of the group, without the control words and groups that hide among them; and where it ended.
fn hexadecimal(content: &[u8], start: usize) -> (Vec<u8>, usize) {
    let mut digits = Vec::new();
    let (mut at, mut depth) = (start, 0usize);
    while let Some(octet) = content.get(at) {
        at += 1;
        match octet {
            b'{' if content.get(at) == Some(&b'\\') => at = after_group(content, at),
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b'\\' => at = after_control(content, at),
            octet if octet.is_ascii_hexdigit() => digits.push((*octet as char).to_digit(16).unwrap_or(0) as u8),
            _ => {}
        }
    }
    (digits.chunks_exact(2).map(|two| two[0] << 4 | two[1]).collect(), at)
}

/// After a group that starts with a control word: a destination of its own, whose text is not part of this one.
fn after_group(content: &[u8], mut at: usize) -> usize {
    let mut depth = 1usize;
    while let Some(octet) = content.get(at).filter(|_| depth > 0) {
        at += 1;
        match octet {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b'\\' => at += 1,
            _ => {}
        }
    }
    at
}

/// After a control word with its number, or `\'` with two digits, or a control symbol.
fn after_control(content: &[u8], at: usize) -> usize {
    let rest = content.get(at..).unwrap_or_default();
    match rest.first() {
        Some(b'\'') => at + 3.min(rest.len()),
        Some(letter) if letter.is_ascii_alphabetic() => {
            let word = rest.iter().take_while(|octet| octet.is_ascii_alphabetic()).count();
            at + word + rest[word..].iter().take_while(|octet| octet.is_ascii_digit() || **octet == b'-').count()
        }
        _ => at + 1.min(rest.len()),
    }
}

/// [MS-OLEDS] §2.2.5 EmbeddedObject: its class and its native data.
fn embedded(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut reader = Octets::new(octets);
    let (_version, format) = (reader.u32()?, reader.u32()?);
    let class_octets = reader.size()?;
    let class = reader.take(class_octets)?;
    for _ in 0..2 {
        let octets = reader.size()?; // topic, item
        reader.take(octets)?;
    }
    let native = reader.size()?;
    // Format 1 is a link, 2 an object.
    (format == 2).then_some(())?;
    Some((class.split(|octet| *octet == 0).next().unwrap_or_default(), reader.take(native.min(reader.rest().len()))?))
}
