//! Containers that few programs still write: ARJ and LHA, whose members are listed and read when they are only stored, and
//! BinHex, which is text.
//!
//! In: octets with the mark of one of them. Out: a [`Listing`].

use super::listing::{Lies, Listing};
use super::octets::{Octets, name_text, u16_at};
use memchr::memmem;

const ARJ_MARK: &[u8] = b"\x60\xea";
const ARJ_HEADER_OCTETS_MAX: usize = 2_600;
const BINHEX_START: &[u8] = b"(This file must be converted with BinHex";
/// Octets that the runs of one file may unpack to.
const BINHEX_OCTETS_MAX: usize = 32 << 20;
const BINHEX_LETTERS: &[u8; 64] = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";
/// Octets before the start of a BinHex file; mail programs wrote some lines.
const BINHEX_LEAD_OCTETS: usize = 1 << 10;
const REPEAT: u8 = 0x90;
const NO_LETTER: u8 = 0xff;
/// Values of the letters.
const BINHEX: [u8; 256] = {
    let mut table = [NO_LETTER; 256];
    let mut at = 0;
    while at < 64 {
        table[BINHEX_LETTERS[at] as usize] = at as u8;
        at += 1;
    }
    table
};

pub(super) fn is_arj(content: &[u8]) -> bool {
    content.starts_with(ARJ_MARK) && arj_header(content, 0).is_some()
}

pub(super) fn is_lha(content: &[u8]) -> bool {
    content.get(2..5) == Some(b"-lh") && content.get(6) == Some(&b'-')
}

pub(super) fn is_binhex(content: &[u8]) -> bool {
    memmem::find(&content[..content.len().min(BINHEX_LEAD_OCTETS)], BINHEX_START).is_some()
}

/// The archive's header, then one for each file (ARJ technical information).
pub(super) fn arj(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let mut next = arj_header(content, 0).map(|header| header.data_at);
    while let Some(at) = next.filter(|_| listing.members.len() < members_max) {
        if u16_at(content, at + 2) == Some(0) {
            break; // the end
        }
        let Some(header) = arj_header(content, at) else {
            listing.flaw = Some("a header of an ARJ archive");
            break;
        };
        let name = name_text(header.name);
        match (header.flags & 1, header.method) {
            (1, _) => listing.push(name, header.octets as u64, Lies::Locked),
            (_, 0) => listing.push_open(name, content, header.data_at, header.packed),
            _ => listing.push(name, header.octets as u64, Lies::Unread),
        }
        next = header.data_at.checked_add(header.packed);
    }
    listing
}

struct ArjHeader<'a> {
    flags: u8,
    method: u8,
    packed: usize,
    octets: usize,
    name: &'a [u8],
    data_at: usize,
}

fn arj_header(content: &[u8], at: usize) -> Option<ArjHeader<'_>> {
    let octets = u16_at(content, at + 2)?;
    if content.get(at..at + 2)? != ARJ_MARK || octets == 0 || octets > ARJ_HEADER_OCTETS_MAX {
        return None;
    }
    let header = content.get(at + 4..at + 4 + octets)?;
    let fixed = usize::from(*header.first()?);
    let mut sizes = Octets::from(header, 12);
    let (packed, unpacked) = (sizes.size()?, sizes.size()?);
    let name = Octets::from(header, fixed).text()?;
    // The header's check sum, then extra headers, each with its own, up to one without octets.
    let mut rest = Octets::from(content, at + 4 + octets + 4);
    while let Some(extra) = rest.u16().filter(|extra| *extra > 0) {
        rest.take(usize::from(extra) + 4)?;
    }
    Some(ArjHeader { flags: *header.get(4)?, method: *header.get(5)?, packed, octets: unpacked, name, data_at: rest.at })
}

/// Headers of level 0, 1 and 2.
pub(super) fn lha(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let mut at = 0;
    while listing.members.len() < members_max && content.get(at).is_some_and(|octet| *octet != 0) {
        let Some((name, is_stored, packed, octets, data_at)) = lha_header(content, at) else {
            listing.flaw = Some("a header of an LHA archive");
            break;
        };
        if is_stored {
            listing.push_open(name, content, data_at, packed);
        } else {
            listing.push(name, octets as u64, Lies::Unread);
        }
        at = data_at.saturating_add(packed);
    }
    listing
}

fn lha_header(content: &[u8], at: usize) -> Option<(String, bool, usize, usize, usize)> {
    let header = content.get(at..)?;
    let level = *header.get(20)?;
    let mut sizes = Octets::from(header, 7);
    let (packed, octets) = (sizes.size()?, sizes.size()?);
    let is_stored = matches!(header.get(2..7)?, b"-lh0-" | b"-lz4-");
    let (mut name, mut extra_at) = (Vec::new(), if level == 2 { 24 } else { 0 });
    if level < 2 {
        let name_octets = usize::from(*header.get(21)?);
        name = header.get(22..22 + name_octets)?.to_vec();
        extra_at = if level == 1 { usize::from(header[0]) } else { 0 };
    }
    let mut data_at = if level == 2 { u16_at(header, 0)? } else { usize::from(header[0]) + 2 };
    let mut packed_left = packed;
    while extra_at > 0 {
        let extra = u16_at(header, extra_at)?;
        if extra == 0 {
            break;
        }
        let record = header.get(extra_at + 2..extra_at + extra)?;
        if record.first() == Some(&1) {
            name = record[1..].to_vec(); // the file name
        }
        extra_at += extra;
        if level == 1 {
            // Counted with the packed octets there.
            packed_left = packed_left.checked_sub(extra)?;
            data_at += extra;
        }
    }
    let data_at = at.checked_add(data_at).filter(|data_at| *data_at > at)?;
    Some((name_text(&name), is_stored, packed_left, octets, data_at))
}

/// RFC 1741: six bits a letter between colons, runs marked, then a header and the data fork.
pub(super) fn binhex(content: &[u8]) -> Listing {
    let start = memmem::find(content, BINHEX_START).and_then(|start| Some(start + memchr::memchr(b':', &content[start..])? + 1));
    let Some(start) = start else { return Listing::broken("a BinHex file without its start") };
    let octets = without_runs(&six_bits(&content[start..]));
    let mut reader = Octets::new(&octets);
    let Some((name, data)) = binhex_header(&mut reader) else { return Listing::broken("the header of a BinHex file") };
    let data = reader.rest().get(..data).unwrap_or(reader.rest()).to_vec();
    let mut listing = Listing::default();
    listing.push(name, data.len() as u64, Lies::Out(data));
    listing
}

fn binhex_header(reader: &mut Octets) -> Option<(String, usize)> {
    let name_octets = usize::from(reader.u8()?);
    let name = name_text(reader.take(name_octets)?);
    reader.take(1 + 4 + 4 + 2)?; // version, type, creator, flags
    let data = reader.u32()?.swap_bytes() as usize;
    reader.take(4 + 2)?; // resource fork, check sum
    Some((name, data))
}

fn six_bits(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for octet in text.iter().take_while(|octet| **octet != b':') {
        let value = BINHEX[usize::from(*octet)];
        if value == NO_LETTER {
            continue;
        }
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

/// The octet before a mark, as often as the octet after it says; a zero means the mark itself.
fn without_runs(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len());
    let mut octets = octets.iter();
    while let Some(octet) = octets.next().filter(|_| out.len() < BINHEX_OCTETS_MAX) {
        if *octet != REPEAT {
            out.push(*octet);
            continue;
        }
        match (octets.next(), out.last().copied()) {
            (Some(0), _) => out.push(REPEAT),
            (Some(count), Some(last)) => out.extend(std::iter::repeat_n(last, usize::from(*count) - 1)),
            _ => {}
        }
    }
    out
}
