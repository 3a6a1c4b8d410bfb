//! UDF (ECMA-167, OSTA UDF 2.01): the files of its directories.
//!
//! In: a disc image. Out: more members of a [`Listing`]. Directories are not walked from the root but looked for by the mark of
//! their entries, sector by sector, so that a broken or unusual volume structure hides nothing.

use super::listing::{Lies, Listing};
use super::octets::{Octets, u16_at, u32_at};
use std::ops::Range;

const SECTOR: usize = 2048;
/// Tags of ECMA-167 §3/7.2.1 and §4/7.2.1.
const PARTITION: usize = 5;
const FILE_IDENTIFIER: usize = 257;
const FILE_ENTRY: usize = 261;
const EXTENDED_FILE_ENTRY: usize = 266;
/// Sectors in which the descriptor of the partition may stand.
const PARTITION_SECTORS: Range<usize> = 16..1024;
const PIECES_MAX: usize = 1_000;

pub(super) fn list(content: &[u8], members_max: usize, listing: &mut Listing) {
    let is_udf = (16..32).any(|sector| matches!(content.get(sector * SECTOR + 1..sector * SECTOR + 5), Some(b"NSR0")));
    let Some(partition) = is_udf.then(|| partition(content)).flatten() else { return };
    let mut at = partition;
    while at + SECTOR <= content.len() && listing.members.len() < members_max {
        at = match file_identifier(content, at) {
            Some(entry) => {
                entry.list(content, partition, listing);
                // Entries follow each other; the next sector otherwise.
                if file_identifier(content, entry.next).is_some() { entry.next } else { (entry.next / SECTOR + 1) * SECTOR }
            }
            None => embedded(content, at).unwrap_or((at / SECTOR + 1) * SECTOR),
        };
    }
}

/// Where the first partition starts (ECMA-167 §3/10.5).
fn partition(content: &[u8]) -> Option<usize> {
    let sector = PARTITION_SECTORS.map(|sector| sector * SECTOR).find(|at| is_tag(content, *at, PARTITION))?;
    u32_at(content, sector + 188)?.checked_mul(SECTOR).filter(|start| *start < content.len())
}

/// A tag whose check sum is right: the sum of its other fifteen octets (§3/7.2.3).
fn is_tag(content: &[u8], at: usize, kind: usize) -> bool {
    let Some(tag) = content.get(at..at + 16) else { return false };
    let sum = tag.iter().enumerate().filter(|(place, _)| *place != 4).fold(0u8, |sum, (_, octet)| sum.wrapping_add(*octet));
    u16_at(tag, 0) == Some(kind) && tag[4] == sum
}

/// A directory may lie inside of its own file entry (§4/14.6.8, type 3).
fn embedded(content: &[u8], at: usize) -> Option<usize> {
    let descriptors = descriptors(content, at)?;
    (descriptors.kind == 3 && file_identifier(content, descriptors.range.start).is_some()).then_some(descriptors.range.start)
}

struct Entry {
    name: String,
    is_file: bool,
    /// Sector of its file entry in the partition.
    icb: usize,
    next: usize,
}

/// A file identifier descriptor (§4/14.4).
fn file_identifier(content: &[u8], at: usize) -> Option<Entry> {
    if !is_tag(content, at, FILE_IDENTIFIER) {
        return None;
    }
    let mut reader = Octets::from(content, at + 18);
    let (traits, name_octets) = (reader.u8()?, usize::from(reader.u8()?));
    reader.take(4)?;
    let icb = reader.size()?;
    reader.take(8)?;
    let used = usize::from(reader.u16()?);
    reader.take(used)?;
    let name = name_of(reader.take(name_octets)?);
    // Bit 1 a folder, bit 2 deleted, bit 3 the folder above.
    Some(Entry { is_file: traits & 0b1110 == 0 && !name.is_empty(), name, icb, next: at + (reader.at - at).next_multiple_of(4) })
}

/// OSTA UDF §2.1.1: one octet says 8 or 16 bits a letter.
fn name_of(name: &[u8]) -> String {
    match name.split_first() {
        Some((16, wide)) => {
            let units = wide.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
            char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Some((_, narrow)) => narrow.iter().map(|octet| char::from(*octet)).collect(),
        None => String::new(),
    }
}

impl Entry {
    fn list(&self, content: &[u8], partition: usize, listing: &mut Listing) {
        if !self.is_file {
            return;
        }
        let place = self.icb.checked_mul(SECTOR).and_then(|offset| partition.checked_add(offset));
        let descriptors = place.and_then(|at| descriptors(content, at));
        let Some((octets, pieces)) = descriptors.and_then(|found| Some((found.octets, found.pieces(content, partition)?))) else {
            return listing.push(self.name.clone(), 0, Lies::Unread);
        };
        match pieces.as_slice() {
            [one] => listing.push(self.name.clone(), octets, Lies::At(one.clone())),
            _ => listing.push(self.name.clone(), octets, Lies::In(pieces)),
        }
    }
}

/// The allocation descriptors of a file entry.
struct Descriptors {
    octets: u64,
    kind: u16,
    range: Range<usize>,
}

/// §4/14.9 and §4/14.17.
fn descriptors(content: &[u8], at: usize) -> Option<Descriptors> {
    let fixed = if is_tag(content, at, FILE_ENTRY) {
        176
    } else if is_tag(content, at, EXTENDED_FILE_ENTRY) {
        216
    } else {
        return None;
    };
    let octets = Octets::from(content, at + 56).u64()?;
    let kind = Octets::from(content, at + 34).u16()? & 7;
    let (attributes, length) = (u32_at(content, at + fixed - 8)?, u32_at(content, at + fixed - 4)?);
    let start = (at + fixed).checked_add(attributes)?;
    let end = start.checked_add(length).filter(|end| *end <= content.len())?;
    Some(Descriptors { octets, kind, range: start..end })
}

impl Descriptors {
    /// Short ones name a length and a sector, long ones more; type 3 is the content itself.
    fn pieces(&self, content: &[u8], partition: usize) -> Option<Vec<Range<usize>>> {
        let step = match self.kind {
            0 => 8,
            1 => 16,
            3 => return Some(vec![self.range.clone()]),
            _ => return None,
        };
        let mut pieces = Vec::new();
        for at in self.range.clone().step_by(step).take(PIECES_MAX) {
            let octets = u32_at(content, at)? & 0x3fff_ffff; // the top bits say whether it is recorded
            let start = u32_at(content, at + 4)?.checked_mul(SECTOR)?.checked_add(partition)?;
            if octets == 0 {
                break;
            }
            let end = start.checked_add(octets).filter(|end| *end <= content.len())?;
            pieces.push(start..end);
        }
        Some(pieces)
    }
}
