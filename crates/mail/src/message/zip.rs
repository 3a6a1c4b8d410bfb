//! ZIP as attackers write it: its two tables of contents read as one (APPNOTE 6.3 §4.3).
//!
//! In: octets. Out: [`Entry`]s: those of the central directory, then local headers that stand in none of their data, since
//! one reader believes the first and another the second. No size in it is trusted, only used as a bound.

use memchr::memmem;

const LOCAL: &[u8] = b"PK\x03\x04";
const CENTRAL: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const LOCAL_OCTETS: usize = 30;
const CENTRAL_OCTETS: usize = 46;
const END_OCTETS: usize = 22;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: Vec<u8>,
    pub(super) is_utf8: bool,
    pub(super) is_encrypted: bool,
    pub(super) method: u16,
    /// Where the packed octets start.
    pub(super) data_at: usize,
    /// Packed octets as said; `None` when the entry says that they are told after the data.
    pub(super) packed_octets: Option<usize>,
    /// Octets unpacked as said; LZMA needs them to know its end.
    pub(super) octets: u32,
    /// LZMA marks its end itself (APPNOTE §4.4.4, bit 1).
    pub(super) has_end_mark: bool,
    pub(super) is_folder: bool,
}

#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) entries: Vec<Entry>,
    /// What a reader could stumble over.
    pub(super) flaw: Option<&'static str>,
}

/// Reads both tables, at most `entries_max` entries.
pub(super) fn contents(archive: &[u8], entries_max: usize) -> Contents {
    let mut contents = Contents::default();
    central_entries(archive, entries_max, &mut contents);
    let mut taken: Vec<(usize, usize)> =
        contents.entries.iter().map(|entry| (entry.data_at, entry.data_at + entry.packed_octets.unwrap_or(0))).collect();
    taken.sort_unstable();
    if taken.windows(2).any(|pair| pair[1].0 < pair[0].1) {
        contents.flaw = Some("members that overlap");
    }
    local_entries(archive, entries_max, &taken, &mut contents);
    contents
}

fn central_entries(archive: &[u8], entries_max: usize, contents: &mut Contents) {
    let Some(end) = memmem::rfind(archive, END) else {
        contents.flaw = Some("the end of the archive is missing");
        return;
    };
    let size = u32_at(archive, end + 12).unwrap_or(0) as usize;
    let said = u32_at(archive, end + 16).unwrap_or(0) as usize;
    // What stands in front of the archive (a program that unpacks itself) moves all offsets.
    let Some(start) = start_of_central(archive, end, size, said) else {
        if archive.len() > END_OCTETS {
            contents.flaw = Some("the table of contents is missing");
        }
        return;
    };
    let moved = start.saturating_sub(said.min(start));
    let mut at = start;
    while archive.get(at..at + 4) == Some(CENTRAL) && contents.entries.len() < entries_max {
        let Some((entry, next)) = central_entry(archive, at, moved) else {
            contents.flaw = Some("an entry of the table of contents leads nowhere");
            break;
        };
        contents.entries.extend(entry);
        at = next;
    }
}

/// In front of the end record, where it says, or where the first entry stands.
fn start_of_central(archive: &[u8], end: usize, size: usize, said: usize) -> Option<usize> {
    let is_entry = |at: usize| archive.get(at..at.checked_add(4)?).filter(|mark| *mark == CENTRAL).map(|_| at);
    end.checked_sub(size).and_then(is_entry).or_else(|| is_entry(said)).or_else(|| memmem::find(archive, CENTRAL))
}

type EntryAndNext = (Option<Entry>, usize);

fn central_entry(archive: &[u8], at: usize, moved: usize) -> Option<EntryAndNext> {
    let lengths = [u16_at(archive, at + 28)?, u16_at(archive, at + 30)?, u16_at(archive, at + 32)?].map(usize::from);
    let name = archive.get(at + CENTRAL_OCTETS..at + CENTRAL_OCTETS + lengths[0])?;
    let extra = archive.get(at + CENTRAL_OCTETS + lengths[0]..at + CENTRAL_OCTETS + lengths[0] + lengths[1])?;
    let next = at + CENTRAL_OCTETS + lengths.iter().sum::<usize>();
    let mut wide = Zip64::read(extra, u32_at(archive, at + 24)?);
    let packed = wide.or(u32_at(archive, at + 20)?);
    let offset = wide.or(u32_at(archive, at + 42)?);
    let local = [offset.checked_add(moved), Some(offset)]
        .into_iter()
        .flatten()
        .find(|local| archive.get(*local..local.saturating_add(4)) == Some(LOCAL));
    let entry = local.and_then(|local| {
        Some(Entry {
            name: name.to_vec(),
            is_utf8: u16_at(archive, at + 8)? & 0x800 != 0,
            is_encrypted: (u16_at(archive, at + 8)? | u16_at(archive, local + 6)?) & 1 != 0,
            has_end_mark: u16_at(archive, at + 8)? & 2 != 0,
            method: u16_at(archive, at + 10)?,
            data_at: local + LOCAL_OCTETS + usize::from(u16_at(archive, local + 26)?) + usize::from(u16_at(archive, local + 28)?),
            packed_octets: Some(packed),
            octets: u32_at(archive, at + 24)?,
            is_folder: name.ends_with(b"/") && packed == 0,
        })
    });
    Some((entry, next))
}

/// APPNOTE §4.5.3: 64-bit values, in order, of those fields that are full.
struct Zip64<'a> {
    values: &'a [u8],
}

impl<'a> Zip64<'a> {
    fn read(mut extra: &'a [u8], plain_size: u32) -> Zip64<'a> {
        while let (Some(kind), Some(length)) = (u16_at(extra, 0), u16_at(extra, 2)) {
            let end = (4 + usize::from(length)).min(extra.len());
            if kind == 1 {
                let values = &extra[4..end];
                let skipped = if plain_size == u32::MAX { 8.min(values.len()) } else { 0 };
                return Zip64 { values: &values[skipped..] };
            }
            extra = &extra[end..];
        }
        Zip64 { values: &[] }
    }

    fn or(&mut self, narrow: u32) -> usize {
        match self.values.split_first_chunk::<8>() {
            Some((value, rest)) if narrow == u32::MAX => {
                self.values = rest;
                usize::try_from(u64::from_le_bytes(*value)).unwrap_or(usize::MAX)
            }
            _ => narrow as usize,
        }
    }
}

/// Local headers outside of the data of known entries.
fn local_entries(archive: &[u8], entries_max: usize, taken: &[(usize, usize)], contents: &mut Contents) {
    let mut known = taken.iter().peekable();
    let mut covered_until = 0;
    for at in memmem::find_iter(archive, LOCAL) {
        while let Some((start, end)) = known.next_if(|(start, _)| *start <= at + LOCAL_OCTETS + usize::from(u16::MAX)) {
            if *start <= at {
                covered_until = covered_until.max(*end);
            } else if is_header_of(archive, at, *start) {
                covered_until = covered_until.max(at + 4).max(*end);
            }
        }
        if at < covered_until || contents.entries.len() >= entries_max {
            continue;
        }
        if let Some(entry) =
            local_entry(archive, at).filter(|entry| taken.binary_search_by_key(&entry.data_at, |(start, _)| *start).is_err())
        {
            covered_until = entry.data_at + entry.packed_octets.unwrap_or(0);
            if !entry.is_folder {
                contents.flaw = contents.flaw.or(Some("a member that the table of contents does not have"));
            }
            contents.entries.push(entry);
        }
    }
}

fn is_header_of(archive: &[u8], at: usize, data_at: usize) -> bool {
    local_entry(archive, at).is_some_and(|entry| entry.data_at == data_at)
}

fn local_entry(archive: &[u8], at: usize) -> Option<Entry> {
    let flags = u16_at(archive, at + 6)?;
    let name_octets = usize::from(u16_at(archive, at + 26)?);
    let data_at = at + LOCAL_OCTETS + name_octets + usize::from(u16_at(archive, at + 28)?);
    let name = archive.get(at + LOCAL_OCTETS..at + LOCAL_OCTETS + name_octets)?;
    let packed = u32_at(archive, at + 18)? as usize;
    let is_told_later = flags & 8 != 0 && packed == 0 || packed == u32::MAX as usize;
    Some(Entry {
        name: name.to_vec(),
        is_utf8: flags & 0x800 != 0,
        is_encrypted: flags & 1 != 0,
        has_end_mark: flags & 2 != 0,
        method: u16_at(archive, at + 8)?,
        data_at: (data_at <= archive.len()).then_some(data_at)?,
        packed_octets: (!is_told_later).then_some(packed),
        octets: u32_at(archive, at + 22)?,
        is_folder: name.ends_with(b"/") && packed == 0,
    })
}

impl Entry {
    /// The name for people: UTF-8 if it is, else what the octets look like.
    pub(super) fn name_text(&self) -> String {
        let text = if self.is_utf8 { String::from_utf8_lossy(&self.name).into_owned() } else { super::archive::name_text(&self.name) };
        text.chars().map(|one| if matches!(one, '\r' | '\n') { ' ' } else { one }).collect()
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..at.checked_add(2)?).map(|two| u16::from_le_bytes([two[0], two[1]]))
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..at.checked_add(4)?).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]))
}
