//! Containers that only string files together: cpio in its four forms, ar (Debian packages, libraries).
//!
//! In: octets. Out: a [`Listing`]. One pass over the headers, no size trusted.

use super::listing::Listing;
use super::octets::{Octets, name_text, u16_at};

const AR_MARK: &[u8] = b"!<arch>\n";
const AR_HEADER_OCTETS: usize = 60;
/// The name of the last entry of a cpio archive.
const CPIO_END: &[u8] = b"TRAILER!!!";

pub(super) fn is_cpio(content: &[u8]) -> bool {
    [&b"070701"[..], b"070702", b"070707", b"\xc7\x71", b"\x71\xc7"].iter().any(|mark| content.starts_with(mark))
        && cpio_entry(content, 0).is_some()
}

pub(super) fn is_ar(content: &[u8]) -> bool {
    content.starts_with(AR_MARK)
}

struct CpioEntry<'a> {
    name: &'a [u8],
    is_file: bool,
    data_at: usize,
    octets: usize,
    next: usize,
}

pub(super) fn cpio(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let mut at = 0;
    while listing.members.len() < members_max {
        let Some(entry) = cpio_entry(content, at) else {
            listing.flaw = Some("an entry of a cpio archive");
            break;
        };
        if entry.name == CPIO_END {
            break;
        }
        if entry.is_file {
            listing.push_open(name_text(entry.name), content, entry.data_at, entry.octets);
        }
        at = entry.next;
    }
    listing
}

/// cpio(5): headers of hexadecimal, octal or binary numbers, names that end in zero.
fn cpio_entry(content: &[u8], at: usize) -> Option<CpioEntry<'_>> {
    let header = content.get(at..)?;
    let (mode, name_octets, octets, header_octets, align) = if header.starts_with(b"07070") && matches!(header.get(5), Some(b'1' | b'2')) {
        let field = |place: usize| number(header.get(6 + place * 8..14 + place * 8)?, 16);
        (field(1)?, field(11)?, field(6)?, 110, 4)
    } else if header.starts_with(b"070707") {
        let field = |range: std::ops::Range<usize>| number(header.get(range)?, 8);
        (field(18..24)?, field(59..65)?, field(65..76)?, 76, 1)
    } else {
        let is_little = header.starts_with(b"\xc7\x71");
        if !is_little && !header.starts_with(b"\x71\xc7") {
            return None;
        }
        let half = |place: usize| u16_at(header, place * 2).map(|two| if is_little { two } else { usize::from((two as u16).swap_bytes()) });
        (half(3)?, half(10)?, half(11)? << 16 | half(12)?, 26, 2)
    };
    let name_at = at + header_octets;
    let name = content.get(name_at..name_at.checked_add(name_octets)?)?;
    let up = |place: usize| place.checked_next_multiple_of(align);
    // Padding counts from the start of the archive; headers are aligned themselves.
    let data_at = up(name_at + name_octets)?;
    Some(CpioEntry {
        name: name.split(|octet| *octet == 0).next().unwrap_or_default(),
        is_file: mode & 0o170000 == 0o100000,
        data_at,
        octets,
        next: up(data_at.checked_add(octets)?)?,
    })
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?.trim(), radix).ok()
}

pub(super) fn ar(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let mut reader = Octets::from(content, AR_MARK.len());
    while listing.members.len() < members_max && !reader.rest().is_empty() {
        let Some((name, octets)) = reader.take(AR_HEADER_OCTETS).and_then(ar_header) else {
            listing.flaw = Some("an entry of an ar archive");
            break;
        };
        // "/" and "//" are tables of the linker.
        if !name.starts_with(b"/") {
            listing.push_open(name_text(name), content, reader.at, octets);
        }
        reader.at = reader.at.saturating_add(octets).saturating_add(octets & 1);
    }
    listing
}

fn ar_header(header: &[u8]) -> Option<(&[u8], usize)> {
    let name = header[..16].trim_ascii_end();
    let name = if name.len() > 1 { name.strip_suffix(b"/").unwrap_or(name) } else { name };
    (header[58..60] == *b"`\n").then_some((name, number(&header[48..58], 10)?))
}
