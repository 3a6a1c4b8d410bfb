//! RAR 4 and 5: names, sizes, locks; members that are only stored are read, packed ones are not.
//!
//! In: octets with the mark of RAR. Out: a [`Listing`]. Formats: the technical notes of RAR 4 and RAR 5.

use super::listing::{Lies, Listing};
use super::octets::{Octets, name_text};

const MARK_4: &[u8] = b"Rar!\x1a\x07\0";
const MARK_5: &[u8] = b"Rar!\x1a\x07\x01\0";
/// Blocks looked at, services and comments among them, for each member that may be listed.
const BLOCKS_PER_MEMBER: usize = 4;

pub(super) fn is_rar(content: &[u8]) -> bool {
    content.starts_with(MARK_4) || content.starts_with(MARK_5)
}

pub(super) fn list(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    let is_new = content.starts_with(MARK_5);
    let mut at = if is_new { MARK_5.len() } else { MARK_4.len() };
    for _ in 0..members_max.saturating_mul(BLOCKS_PER_MEMBER) {
        if at >= content.len() || listing.members.len() >= members_max {
            break;
        }
        let block = if is_new { block_5(content, at) } else { block_4(content, at) };
        let Some(block) = block else {
            listing.flaw = Some("a block of a RAR archive");
            break;
        };
        match &block.kind {
            Kind::End => break,
            Kind::Locked => {
                listing.push(String::new(), (content.len() - at) as u64, Lies::Locked);
                break;
            }
            Kind::Other => {}
            Kind::File(file) => file.list(content, &block, &mut listing),
        }
        at = block.next;
    }
    listing
}

struct Block {
    kind: Kind,
    data_at: usize,
    data_octets: usize,
    next: usize,
}

enum Kind {
    File(File),
    /// Names and all are behind a password from here on.
    Locked,
    End,
    Other,
}

struct File {
    name: String,
    octets: u64,
    is_locked: bool,
    is_stored: bool,
    is_folder: bool,
}

impl File {
    fn list(&self, content: &[u8], block: &Block, listing: &mut Listing) {
        if self.is_folder {
        } else if self.is_locked {
            listing.push(self.name.clone(), self.octets, Lies::Locked);
        } else if self.is_stored {
            listing.push_open(self.name.clone(), content, block.data_at, block.data_octets);
        } else {
            listing.push(self.name.clone(), self.octets, Lies::Unread);
        }
    }
}

fn block_4(content: &[u8], at: usize) -> Option<Block> {
    let mut header = Octets::from(content, at);
    let (_check, kind, flags, header_octets) = (header.u16()?, header.u8()?, header.u16()?, usize::from(header.u16()?));
    let data_at = at.checked_add(header_octets.max(7))?;
    let is_file = kind == 0x74;
    let data = if flags & 0x8000 != 0 || is_file { u64::from(header.u32()?) } else { 0 };
    let (kind, data) = match kind {
        0x74 => file_4(&mut header, flags, data)?,
        0x73 if flags & 0x80 != 0 => (Kind::Locked, 0),
        0x7b => (Kind::End, 0),
        0x72..=0x7a => (Kind::Other, data),
        _ => return None,
    };
    let data_octets = usize::try_from(data).ok()?;
    Some(Block { kind, data_at, data_octets, next: data_at.checked_add(data_octets)? })
}

fn file_4(header: &mut Octets, flags: u16, packed: u64) -> Option<(Kind, u64)> {
    let octets = u64::from(header.u32()?);
    header.take(10)?; // system, check sum, time, version
    let method = header.u8()?;
    let name_octets = usize::from(header.u16()?);
    header.take(4)?; // attributes
    let (packed, octets) = match flags & 0x100 != 0 {
        true => (packed | u64::from(header.u32()?) << 32, octets | u64::from(header.u32()?) << 32),
        false => (packed, octets),
    };
    let name = header.take(name_octets)?;
    let name = if flags & 0x200 != 0 { name_4(name) } else { name_text(name) };
    let (is_locked, is_folder) = (flags & 4 != 0, flags & 0xe0 == 0xe0);
    Some((Kind::File(File { name, octets, is_locked, is_stored: method == 0x30, is_folder }), packed))
}

/// The name in the code page, a zero, then the same in UTF-16 with what is common left out.
fn name_4(name: &[u8]) -> String {
    let mut parts = name.splitn(2, |octet| *octet == 0);
    let (plain, packed) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    wide_name(plain, packed).unwrap_or_else(|| name_text(plain))
}

fn wide_name(plain: &[u8], packed: &[u8]) -> Option<String> {
    let mut reader = Octets::new(packed);
    let high = u16::from(reader.u8()?) << 8;
    let mut units: Vec<u16> = Vec::new();
    // At most 255 pairs of units come from each octet of a name that has at most 65535.
    while units.len() < plain.len().max(packed.len()) && !reader.rest().is_empty() {
        let flags = reader.u8()?;
        for shift in [6, 4, 2, 0] {
            if reader.rest().is_empty() {
                break;
            }
            match flags >> shift & 3 {
                0 => units.push(u16::from(reader.u8()?)),
                1 => units.push(u16::from(reader.u8()?) | high),
                2 => units.push(reader.u16()?),
                _ => {
                    let length = reader.u8()?;
                    let added = if length & 0x80 != 0 { Some(reader.u8()?) } else { None };
                    for _ in 0..(length & 0x7f) + 2 {
                        let plain = *plain.get(units.len())?;
                        units.push(added.map_or(u16::from(plain), |added| u16::from(plain.wrapping_add(added)) | high));
                    }
                }
            }
        }
    }
    Some(String::from_utf16_lossy(&units)).filter(|name| !name.is_empty())
}

fn block_5(content: &[u8], at: usize) -> Option<Block> {
    let mut header = Octets::from(content, at);
    header.u32()?; // check sum
    let header_octets = usize::try_from(varying(&mut header)?).ok()?;
    let data_at = header.at.checked_add(header_octets)?;
    let (kind, flags) = (varying(&mut header)?, varying(&mut header)?);
    let extra_octets = if flags & 1 != 0 { varying(&mut header)? } else { 0 };
    let data_octets = if flags & 2 != 0 { usize::try_from(varying(&mut header)?).ok()? } else { 0 };
    let extra_at = data_at.checked_sub(usize::try_from(extra_octets).ok()?)?;
    let kind = match kind {
        2 => file_5(&mut header, content.get(extra_at..data_at)?)?,
        4 => Kind::Locked,
        5 => Kind::End,
        1 | 3 => Kind::Other,
        _ => return None,
    };
    Some(Block { kind, data_at, data_octets, next: data_at.checked_add(data_octets)? })
}

fn file_5(header: &mut Octets, extra: &[u8]) -> Option<Kind> {
    let flags = varying(header)?;
    let octets = varying(header)?;
    varying(header)?; // attributes
    header.take(if flags & 2 != 0 { 4 } else { 0 } + if flags & 4 != 0 { 4 } else { 0 })?;
    let packing = varying(header)?;
    varying(header)?; // system
    let name_octets = usize::try_from(varying(header)?).ok()?;
    let name = name_text(header.take(name_octets)?);
    Some(Kind::File(File { name, octets, is_locked: has_encryption(extra), is_stored: packing >> 7 & 7 == 0, is_folder: flags & 1 != 0 }))
}

/// A record of type 1 among the extra ones.
fn has_encryption(extra: &[u8]) -> bool {
    let mut records = Octets::new(extra);
    while let Some(octets) = varying(&mut records) {
        let start = records.at;
        if varying(&mut records) == Some(1) {
            return true;
        }
        records.at = start.saturating_add(usize::try_from(octets).unwrap_or(usize::MAX)).max(start + 1);
    }
    false
}

/// Seven bits an octet, low ones first, as long as the top bit is set.
fn varying(reader: &mut Octets) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let octet = reader.u8()?;
        value |= u64::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
