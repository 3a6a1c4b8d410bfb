//! Images of disks: FAT and NTFS, bare or in the partitions of an image, and Microsoft's VHD around them.
//!
//! In: an image. Out: a [`Listing`]. FAT folders are walked; of NTFS every record of the file table is read, wherever it
//! stands. An image whose file system is not known is not a broken archive: nothing can be said about it but its type.

use super::disc::partitions;
use super::listing::{Lies, Listing};
use super::octets::{Octets, u16_at, u32_at, wide_text};
use std::collections::HashSet;
use std::ops::Range;

const FOLDERS_MAX: usize = 2_000;
const FOLDER_OCTETS_MAX: usize = 1 << 20;
const CLUSTERS_MAX: usize = 100_000;
const ENTRY: usize = 32;
/// NTFS records are this long on all usual disks.
const RECORD: usize = 1024;
const ATTRIBUTES_MAX: usize = 64;
const RUNS_MAX: usize = 1_000;
const VHD_FOOTER: usize = 512;
const VHD_MARK: &[u8] = b"conectix";
/// Blocks of a growing VHD; 2 MiB each.
const VHD_BLOCKS_MAX: usize = 4_096;
const VHD_BLOCK_OCTETS_MAX: usize = 16 << 20;

/// A boot sector of FAT or NTFS, a VHD, or a partition table with one of them behind it.
pub(super) fn is_disk(content: &[u8]) -> bool {
    is_vhd(content) || partitions(content).into_iter().any(|start| is_fat(content, start) || is_ntfs(content, start))
}

fn is_vhd(content: &[u8]) -> bool {
    content.starts_with(VHD_MARK) || content.len() > VHD_FOOTER && content[content.len() - VHD_FOOTER..].starts_with(VHD_MARK)
}

fn is_fat(content: &[u8], start: usize) -> bool {
    let Some(boot) = content.get(start..start.saturating_add(512)) else { return false };
    matches!(boot[0], 0xeb | 0xe9)
        && boot[510..] == [0x55, 0xaa]
        && (boot[54..59] == *b"FAT12" || boot[54..59] == *b"FAT16" || boot[82..87] == *b"FAT32")
}

fn is_ntfs(content: &[u8], start: usize) -> bool {
    content.get(start.saturating_add(3)..start.saturating_add(11)) == Some(b"NTFS    ")
}

/// Octets to list, when they are not the image itself: those of a VHD that grows, put in their places.
pub(super) fn flat(content: &[u8], octets_max: usize) -> Option<Vec<u8>> {
    if !content.starts_with(VHD_MARK) || content.get(512..520) != Some(b"cxsparse") {
        return None;
    }
    // All numbers of a VHD are big-endian.
    let big = |at: usize| content.get(at..at + 4).map(|four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]) as usize);
    let (table, blocks, block_octets) = (big(512 + 20)?, big(512 + 28)?, big(512 + 32)?);
    if block_octets == 0 || block_octets > VHD_BLOCK_OCTETS_MAX || !block_octets.is_multiple_of(4096) {
        return None;
    }
    // Each block starts with a map of its sectors.
    let map = (block_octets / 512 / 8).next_multiple_of(512);
    let mut flat = Vec::new();
    for block in 0..blocks.min(VHD_BLOCKS_MAX) {
        let Some(sector) = big(table.checked_add(block * 4)?).filter(|sector| *sector != u32::MAX as usize) else { continue };
        let at = sector.checked_mul(512)?.checked_add(map)?;
        let Some(stored) = content.get(at..at.saturating_add(block_octets).min(content.len())) else { continue };
        let end = block.checked_mul(block_octets)?.checked_add(stored.len())?;
        if end > octets_max {
            break;
        }
        flat.resize(flat.len().max(end), 0);
        flat[end - stored.len()..end].copy_from_slice(stored);
    }
    Some(flat)
}

pub(super) fn list(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    for start in partitions(content) {
        if is_fat(content, start) {
            match Fat::open(content, start) {
                Some(fat) => fat.list(members_max, &mut listing),
                None => listing.flaw = Some("the boot sector of a disk image"),
            }
        } else if is_ntfs(content, start) {
            ntfs(content, start, members_max, &mut listing);
        }
    }
    listing
}

/// A FAT file system (Microsoft FAT specification 1.03).
struct Fat<'a> {
    content: &'a [u8],
    bits: u32,
    table: Range<usize>,
    root: Root,
    data_at: usize,
    cluster_octets: usize,
}

enum Root {
    At(Range<usize>),
    Cluster(usize),
}

impl<'a> Fat<'a> {
    fn open(content: &'a [u8], start: usize) -> Option<Fat<'a>> {
        let boot = content.get(start..)?;
        let sector = u16_at(boot, 11).filter(|octets| matches!(octets, 512 | 1024 | 2048 | 4096))?;
        let cluster_octets = sector * usize::from(*boot.get(13)?);
        let (reserved, tables, roots) = (u16_at(boot, 14)?, usize::from(*boot.get(16)?), u16_at(boot, 17)?);
        let sectors = u16_at(boot, 19).filter(|count| *count > 0).or_else(|| u32_at(boot, 32))?;
        let table_sectors = u16_at(boot, 22).filter(|count| *count > 0).or_else(|| u32_at(boot, 36))?;
        let table_at = start.checked_add(reserved * sector)?;
        let table_octets = table_sectors.checked_mul(sector)?;
        let root_at = table_at.checked_add(tables.checked_mul(table_octets)?)?;
        let data_at = root_at.checked_add((roots * ENTRY).next_multiple_of(sector))?;
        let clusters = sectors.checked_mul(sector)?.checked_sub(data_at.checked_sub(start)?)?.checked_div(cluster_octets)?;
        // §3.5: the count of clusters decides, nothing else.
        let bits = if clusters < 4_085 {
            12
        } else if clusters < 65_525 {
            16
        } else {
            32
        };
        let root = if bits == 32 { Root::Cluster(u32_at(boot, 44)?) } else { Root::At(root_at..data_at) };
        let table = table_at..table_at.checked_add(table_octets)?.min(content.len());
        Some(Fat { content, bits, table, root, data_at, cluster_octets })
    }

    fn next(&self, cluster: usize) -> Option<usize> {
        let table = self.content.get(self.table.clone())?;
        let next = match self.bits {
            12 => {
                let pair = u16_at(table, cluster + cluster / 2)?;
                if cluster & 1 == 1 { pair >> 4 } else { pair & 0xfff }
            }
            16 => u16_at(table, cluster * 2)?,
            _ => u32_at(table, cluster.checked_mul(4)?)? & 0x0fff_ffff,
        };
        let end = (1usize << self.bits.min(28)) - 8;
        (2..end).contains(&next).then_some(next)
    }

    /// Pieces of a chain of clusters, joined where they touch, at most `octets` long.
    fn chain(&self, first: usize, octets: usize) -> Vec<Range<usize>> {
        let mut pieces: Vec<Range<usize>> = Vec::new();
        let mut left = octets;
        let mut cluster = Some(first).filter(|first| *first >= 2);
        for _ in 0..CLUSTERS_MAX {
            let Some(at) = cluster.filter(|_| left > 0) else { break };
            let Some(start) = (at - 2).checked_mul(self.cluster_octets).and_then(|offset| self.data_at.checked_add(offset)) else { break };
            let end = start.saturating_add(self.cluster_octets.min(left)).min(self.content.len());
            if start >= end {
                break;
            }
            left -= (end - start).min(left);
            match pieces.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => pieces.push(start..end),
            }
            cluster = self.next(at);
        }
        pieces
    }

    fn list(&self, members_max: usize, listing: &mut Listing) {
        let root = match &self.root {
            Root::At(range) => vec![range.clone()],
            Root::Cluster(first) => self.chain(*first, FOLDER_OCTETS_MAX),
        };
        // Folders may share clusters; all of them together are read no longer than the image is.
        let mut room = self.content.len();
        let mut seen = HashSet::new();
        let mut folders = vec![(root, String::new())];
        while let Some((pieces, path)) = folders.pop() {
            let mut long: Vec<u16> = Vec::new();
            room = room.saturating_sub(pieces.iter().map(Range::len).sum());
            let entries = pieces.into_iter().flat_map(|piece| self.content.get(piece).unwrap_or_default().chunks_exact(ENTRY));
            for entry in entries.take_while(|entry| entry[0] != 0) {
                if listing.members.len() >= members_max {
                    return;
                }
                let Some((name, first, octets)) = fat_entry(entry, &mut long) else { continue };
                let name = path.clone() + &name;
                if entry[11] & 0x10 == 0 {
                    listing.push(name, octets as u64, Lies::In(self.chain(first, octets)));
                } else if first >= 2 && seen.len() < FOLDERS_MAX && seen.insert(first) {
                    folders.push((self.chain(first, FOLDER_OCTETS_MAX.min(room)), name + "/"));
                }
            }
        }
    }
}

/// Name, first cluster and size; pieces of a long name are kept in `long` until their short entry comes (§7).
fn fat_entry(entry: &[u8], long: &mut Vec<u16>) -> Option<(String, usize, usize)> {
    if entry[11] & 0x3f == 0x0f {
        let units = entry[1..11].chunks_exact(2).chain(entry[14..26].chunks_exact(2)).chain(entry[28..32].chunks_exact(2));
        let mut units: Vec<u16> = units.map(|two| u16::from_le_bytes([two[0], two[1]])).take_while(|unit| *unit != 0).collect();
        units.append(long);
        units.truncate(255);
        *long = units;
        return None;
    }
    let long = std::mem::take(long);
    if matches!(entry[0], 0xe5 | b'.') || entry[11] & 8 != 0 {
        return None; // deleted, this folder or the one above, the label
    }
    let part = |range: Range<usize>| String::from_utf8_lossy(entry[range].trim_ascii_end()).into_owned();
    let (base, ending) = (part(0..8), part(8..11));
    let short = if ending.is_empty() { base } else { format!("{base}.{ending}") };
    let name = if long.is_empty() { short } else { String::from_utf16_lossy(&long) };
    Some((name, u16_at(entry, 20)? << 16 | u16_at(entry, 26)?, u32_at(entry, 28)?))
}

/// Every record of the file table that stands where sectors start: its name and its data.
fn ntfs(content: &[u8], start: usize, members_max: usize, listing: &mut Listing) {
    let cluster = u16_at(content, start + 11).zip(content.get(start + 13)).map(|(sector, count)| sector * usize::from(*count));
    let Some(cluster) = cluster.filter(|octets| *octets > 0) else { return };
    for at in (start..content.len().saturating_sub(RECORD)).step_by(512) {
        if listing.members.len() >= members_max {
            return;
        }
        if !content[at..].starts_with(b"FILE") {
            continue;
        }
        let mut record = content[at..at + RECORD].to_vec();
        // Bit 0 in use, bit 1 a folder; the first sixteen records are the file system's own and start with "$".
        let is_file = u16_at(&record, 22).is_some_and(|flags| flags & 3 == 1);
        if is_file && mend(&mut record).is_some() {
            ntfs_file(&record, at, Disk { start, cluster, content }, listing);
        }
    }
}

/// The last two octets of each sector are kept in a list, so that torn writes are seen.
fn mend(record: &mut [u8]) -> Option<()> {
    let (list, count) = (u16_at(record, 4)?, u16_at(record, 6)?);
    for sector in 1..count.min(RECORD / 512 + 1) {
        let kept = [*record.get(list + sector * 2)?, *record.get(list + sector * 2 + 1)?];
        record.get_mut(sector * 512 - 2..sector * 512)?.copy_from_slice(&kept);
    }
    Some(())
}

#[derive(Clone, Copy)]
struct Disk<'a> {
    start: usize,
    cluster: usize,
    content: &'a [u8],
}

fn ntfs_file(record: &[u8], record_at: usize, disk: Disk<'_>, listing: &mut Listing) {
    let (mut name, mut octets, mut lies) = (String::new(), 0, Lies::Unread);
    let Some(mut at) = u16_at(record, 20) else { return };
    for _ in 0..ATTRIBUTES_MAX {
        let (Some(kind), Some(length)) = (u32_at(record, at), u32_at(record, at + 4)) else { break };
        if kind == u32::MAX as usize || length < 24 {
            break;
        }
        let Some(attribute) = record.get(at..at.saturating_add(length)) else { break };
        match kind {
            0x30 => name = file_name(attribute).filter(|found| found.len() >= name.len()).unwrap_or(name),
            // The stream without a name is the file.
            0x80 if attribute[9] == 0 => (octets, lies) = ntfs_data(attribute, record_at + at, disk).unwrap_or((0, Lies::Unread)),
            _ => {}
        }
        at += length;
    }
    if !name.is_empty() && !name.starts_with('$') {
        listing.push(name, octets, lies);
    }
}

fn file_name(attribute: &[u8]) -> Option<String> {
    let value = attribute.get(u16_at(attribute, 20)?..)?;
    let units = usize::from(*value.get(64)?);
    Some(wide_text(value.get(66..66 + units * 2)?))
}

fn ntfs_data(attribute: &[u8], at: usize, disk: Disk<'_>) -> Option<(u64, Lies)> {
    if attribute[8] == 0 {
        let (octets, offset) = (u32_at(attribute, 16)?, u16_at(attribute, 20)?);
        let end = (at + offset).checked_add(octets).filter(|end| *end <= disk.content.len())?;
        return Some((octets as u64, Lies::At(at + offset..end)));
    }
    let octets = Octets::from(attribute, 48).u64()?;
    let mut runs = Octets::from(attribute, u16_at(attribute, 32)?);
    let (mut pieces, mut cluster, mut left) = (Vec::new(), 0i64, usize::try_from(octets).ok()?);
    for _ in 0..RUNS_MAX {
        let head = runs.u8().filter(|head| *head != 0 && left > 0);
        let Some(head) = head else { break };
        let count = run_number(runs.take(usize::from(head & 0x0f))?)?;
        cluster = cluster.checked_add(run_number(runs.take(usize::from(head >> 4))?)?)?;
        let start = usize::try_from(cluster).ok()?.checked_mul(disk.cluster)?.checked_add(disk.start)?;
        let run = usize::try_from(count).ok()?.checked_mul(disk.cluster)?.min(left);
        let end = start.checked_add(run).filter(|end| *end <= disk.content.len())?;
        left -= run;
        pieces.push(start..end);
    }
    Some((octets, Lies::In(pieces)))
}

/// A signed number of up to eight octets, low ones first.
fn run_number(octets: &[u8]) -> Option<i64> {
    if octets.len() > 8 {
        return None;
    }
    let negative = octets.last().is_some_and(|last| last & 0x80 != 0);
    let mut value = [if negative { 0xff } else { 0 }; 8];
    value[..octets.len()].copy_from_slice(octets);
    Some(i64::from_le_bytes(value))
}
