//! Disc images: ISO 9660 with Joliet names, and UDF, which Windows prefers when both are there.
//!
//! In: an image. Out: a [`Listing`] of both, since one reader shows the first and another the second. Files lie open.

use super::listing::{Lies, Listing};
use super::octets::{Octets, u16_at, u32_at};
use std::collections::HashSet;

const SECTOR: usize = 2048;
/// ECMA-119 §6.2.1: descriptors start after sixteen sectors.
const DESCRIPTORS_AT: usize = 16 * SECTOR;
const DESCRIPTORS_MAX: usize = 32;
const FOLDERS_MAX: usize = 2_000;
/// Depth of folders; ECMA-119 §6.8.2.1 allows eight.
const DEPTH_MAX: usize = 32;

pub(super) fn is_disc(content: &[u8]) -> bool {
    [&b"CD001"[..], b"BEA01", b"NSR02", b"NSR03"].iter().any(|mark| content.get(DESCRIPTORS_AT + 1..DESCRIPTORS_AT + 6) == Some(*mark))
}

pub(super) fn list(content: &[u8], members_max: usize) -> Listing {
    let mut listing = Listing::default();
    super::udf::list(content, members_max, &mut listing);
    iso(content, members_max, &mut listing);
    // Bridge discs name the same octets twice; the names of UDF, and then of Joliet, are the ones that are shown.
    let mut known = HashSet::new();
    listing.members.retain(|member| match &member.lies {
        Lies::At(range) => known.insert((range.clone(), member.name.rsplit('/').next().unwrap_or_default().to_ascii_lowercase())),
        _ => true,
    });
    if listing.members.is_empty() && listing.flaw.is_none() {
        listing.flaw = Some("a disc image without a list of files");
    }
    listing
}

/// Both trees, with Joliet names (UTF-16) and without; the retaining above drops what is in both.
fn iso(content: &[u8], members_max: usize, listing: &mut Listing) {
    let mut trees = Vec::new();
    for sector in 0..DESCRIPTORS_MAX {
        let at = DESCRIPTORS_AT + sector * SECTOR;
        let Some(descriptor) = content.get(at..at + SECTOR).filter(|descriptor| descriptor[1..6] == *b"CD001") else { break };
        let is_joliet = descriptor[0] == 2 && descriptor[88..90] == *b"%/";
        match descriptor[0] {
            1 | 2 => trees.push((is_joliet, record(descriptor, 156))),
            255 => break,
            _ => {}
        }
    }
    // Joliet names are the true ones: first, so that they are kept.
    trees.sort_by_key(|(is_joliet, _)| !is_joliet);
    for (is_joliet, root) in trees {
        if let Some(root) = root {
            walk(content, root, is_joliet, members_max, listing);
        }
    }
}

struct Record<'a> {
    at: usize,
    octets: usize,
    is_folder: bool,
    name: &'a [u8],
    length: usize,
}

/// A directory record (ECMA-119 §9.1).
fn record(content: &[u8], at: usize) -> Option<Record<'_>> {
    let length = usize::from(*content.get(at)?);
    let name_octets = usize::from(*content.get(at + 32)?);
    Some(Record {
        at: u32_at(content, at + 2)?.checked_mul(SECTOR)?,
        octets: u32_at(content, at + 10)?,
        is_folder: content.get(at + 25)? & 2 != 0,
        name: content.get(at + 33..at + 33 + name_octets)?,
        length,
    })
}

fn walk(content: &[u8], root: Record<'_>, is_joliet: bool, members_max: usize, listing: &mut Listing) {
    let mut seen = HashSet::new();
    // Folders may overlap; all of them together are read no longer than the image is.
    let mut room = content.len();
    let mut folders = vec![(root.at, root.octets, String::new(), 0)];
    while let Some((start, octets, path, depth)) = folders.pop() {
        if !seen.insert(start) || seen.len() > FOLDERS_MAX {
            continue;
        }
        let end = start.saturating_add(octets.min(room)).min(content.len());
        room -= end.saturating_sub(start);
        let mut at = start;
        while at < end && listing.members.len() < members_max {
            let Some(record) = record(content, at) else { break };
            if record.length == 0 {
                at = (at / SECTOR + 1) * SECTOR; // records do not cross sectors
                continue;
            }
            at += record.length.max(34);
            let name = path.clone() + &name_of(record.name, is_joliet);
            match record.name {
                [0] | [1] | [] => {} // this folder and the one above
                _ if record.is_folder && depth < DEPTH_MAX => folders.push((record.at, record.octets, name + "/", depth + 1)),
                _ if record.is_folder => listing.flaw = Some("folders too deep"),
                _ => listing.push_open(name, content, record.at, record.octets),
            }
        }
    }
}

fn name_of(name: &[u8], is_joliet: bool) -> String {
    let name = if is_joliet {
        let units = name.chunks_exact(2).map(|two| u16::from_be_bytes([two[0], two[1]]));
        char::decode_utf16(units).map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    } else {
        super::octets::name_text(name)
    };
    let name = name.split(';').next().unwrap_or_default();
    name.trim_end_matches('.').to_owned()
}

/// Partitions of a disk (MBR), as starts; the whole when there is no table.
pub(super) fn partitions(content: &[u8]) -> Vec<usize> {
    const TABLE_AT: usize = 446;
    const GPT_SECTOR: usize = 512;
    if content.get(510..512) != Some(b"\x55\xaa") {
        return vec![0];
    }
    let mut starts = vec![0];
    if content.get(GPT_SECTOR..GPT_SECTOR + 8) == Some(b"EFI PART") {
        // UEFI §5.3.3: entries of 128 octets from the third sector on, the first of them enough.
        starts.extend((0..16).filter_map(|entry| {
            let mut first = Octets::from(content, 2 * GPT_SECTOR + entry * 128 + 32);
            usize::try_from(first.u64()?).ok().filter(|first| *first > 0)?.checked_mul(GPT_SECTOR)
        }));
        return starts;
    }
    starts.extend((0..4).filter_map(|entry| u32_at(content, TABLE_AT + entry * 16 + 8).filter(|first| *first > 0)?.checked_mul(512)));
    starts.retain(|start| u16_at(content, start + 510).is_some());
    starts
}
