//! 7z: its header, packed or not, and its folders (7zFormat.txt of the LZMA SDK).
//!
//! In: octets with the mark of 7z. Out: members handed on as they are unpacked. A folder is one stream that holds several
//! files, so it is read once, file by file. Chains of Copy, LZMA, LZMA2, Deflate, BZip2, x86 and Delta are undone;
//! others give members that are listed and not read. No count in the header is trusted further than the header is long.

use super::octets::{Octets, wide_text};
use super::stream;
use lzma_rust2::filter::bcj::BcjReader;
use lzma_rust2::filter::delta::DeltaReader;
use lzma_rust2::{Lzma2Reader, LzmaReader};
use std::io::Read;

const MARK: &[u8] = b"7z\xbc\xaf\x27\x1c";
const START_OCTETS: usize = 32;
/// Largest window of LZMA, and largest header.
const WINDOW_OCTETS_MAX: u32 = 64 << 20;
const HEADER_OCTETS_MAX: u64 = 8 << 20;
/// Headers that are packed in headers.
const HEADER_DEPTH_MAX: usize = 4;
const CODERS_MAX: usize = 8;
/// The coder for AES-256 with SHA-256.
const AES: &[u8] = &[0x06, 0xf1, 0x07, 0x01];

pub(super) fn is_seven(content: &[u8]) -> bool {
    content.starts_with(MARK)
}

/// What an archive holds.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) folders: Vec<Folder>,
    /// The header itself needs a password: nothing is known.
    pub(super) is_locked: bool,
    pub(super) flaw: Option<&'static str>,
}

/// One stream of files.
#[derive(Debug, Default, Clone)]
pub(super) struct Folder {
    coders: Vec<Coder>,
    /// Places of the coders from the packed stream to the files; empty when they are no plain chain.
    order: Vec<usize>,
    has_digest: bool,
    /// Packed streams, as a start in the archive and a length.
    packs: Vec<(usize, usize)>,
    sizes: Vec<u64>,
    /// Names and sizes of its files, in their order in the stream.
    pub(super) files: Vec<(String, u64)>,
}

#[derive(Debug, Default, Clone)]
struct Coder {
    id: Vec<u8>,
    properties: Vec<u8>,
}

/// Reads the header.
pub(super) fn contents(content: &[u8], files_max: usize) -> Contents {
    let broken = || Contents { flaw: Some("the header of a 7z archive"), ..Contents::default() };
    let mut start = Octets::from(content, 12);
    let (Some(offset), Some(octets)) = (start.u64(), start.u64()) else { return broken() };
    if octets == 0 {
        return Contents::default();
    }
    let at = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(START_OCTETS));
    let range = at.and_then(|at| Some(at..at.checked_add(usize::try_from(octets).ok()?)?));
    let Some(header) = range.and_then(|range| content.get(range)) else { return broken() };
    let mut header = header.to_vec();
    for _ in 0..HEADER_DEPTH_MAX {
        let mut reader = Octets::new(&header);
        match reader.u8() {
            Some(1) => return read_header(&mut reader, content.len(), files_max).unwrap_or_else(broken),
            Some(0x17) => {}
            _ => return broken(),
        }
        let Some(folder) = streams(&mut reader, content.len()).and_then(|folders| folders.into_iter().next()) else { return broken() };
        if folder.is_locked() {
            return Contents { is_locked: true, ..Contents::default() };
        }
        let mut unpacked = Vec::new();
        let room = HEADER_OCTETS_MAX.min(folder.octets());
        if folder.open(content).is_none_or(|stream| stream.take(room).read_to_end(&mut unpacked).is_err()) {
            return broken();
        }
        header = unpacked;
    }
    broken()
}

impl Folder {
    pub(super) fn is_locked(&self) -> bool {
        self.coders.iter().any(|coder| coder.id == AES)
    }

    /// Octets unpacked, as said.
    pub(super) fn octets(&self) -> u64 {
        self.order.last().and_then(|last| self.sizes.get(*last)).copied().unwrap_or(0)
    }

    pub(super) fn packed_octets(&self) -> u64 {
        self.packs.iter().map(|(_, octets)| *octets as u64).sum()
    }

    /// The stream; `None` when it is packed in a way that is not undone here.
    pub(super) fn open<'a>(&self, content: &'a [u8]) -> Option<Box<dyn Read + 'a>> {
        let [(at, octets)] = self.packs[..] else { return None };
        if self.order.is_empty() || self.coders.len() != self.sizes.len() {
            return None;
        }
        let mut stream: Box<dyn Read + 'a> = Box::new(content.get(at..at.checked_add(octets)?)?);
        for place in &self.order {
            stream = self.coders[*place].undo(stream, self.sizes[*place])?;
        }
        Some(stream)
    }
}

impl Coder {
    fn undo<'a>(&self, from: Box<dyn Read + 'a>, octets: u64) -> Option<Box<dyn Read + 'a>> {
        Some(match self.id[..] {
            [0] => from,
            [0x03, 0x01, 0x01] => {
                let mut properties = Octets::new(&self.properties);
                let (kind, window) = (properties.u8()?, properties.u32()?);
                Box::new(LzmaReader::new_with_props(from, octets, kind, window.min(WINDOW_OCTETS_MAX), None).ok()?)
            }
            [0x21] => {
                let window = stream::window(*self.properties.first()?)?.min(WINDOW_OCTETS_MAX);
                Box::new(Lzma2Reader::new(from, window, None))
            }
            [0x04, 0x01, 0x08] => Box::new(flate2::read::DeflateDecoder::new(from)),
            [0x04, 0x02, 0x02] => Box::new(bzip2::read::MultiBzDecoder::new(from)),
            [0x03, 0x03, 0x01, 0x03] | [4] => Box::new(BcjReader::new_x86(from, 0)),
            [3] => Box::new(DeltaReader::new(from, usize::from(*self.properties.first()?) + 1)),
            _ => return None,
        })
    }
}

/// Header: properties of the archive, extra streams, the main streams, the files.
fn read_header(reader: &mut Octets, content_octets: usize, files_max: usize) -> Option<Contents> {
    let mut contents = Contents::default();
    loop {
        match reader.u8()? {
            0 => break,
            4 => contents.folders = streams(reader, content_octets)?,
            5 => {
                name_files(reader, &mut contents, files_max)?;
                break;
            }
            _ => return None,
        }
    }
    Some(contents)
}

/// PackInfo, UnpackInfo and SubStreamsInfo; files have sizes and no names yet.
fn streams(reader: &mut Octets, content_octets: usize) -> Option<Vec<Folder>> {
    let mut packs = Vec::new();
    let mut folders: Vec<Folder> = Vec::new();
    let mut has_files = false;
    loop {
        match reader.u8()? {
            0 => break,
            6 => packs = pack_info(reader, content_octets)?,
            7 => folders = folder_info(reader, &mut packs.iter().copied())?,
            8 => {
                sub_streams(reader, &mut folders)?;
                has_files = true;
            }
            _ => return None,
        }
    }
    if !has_files {
        for folder in &mut folders {
            folder.files = vec![(String::new(), folder.octets())];
        }
    }
    Some(folders)
}

fn pack_info(reader: &mut Octets, content_octets: usize) -> Option<Vec<(usize, usize)>> {
    let mut at = usize::try_from(number(reader)?).ok()?.checked_add(START_OCTETS)?;
    let count = count(reader)?;
    let mut packs = Vec::new();
    loop {
        match reader.u8()? {
            0 => return Some(packs),
            9 => {
                for _ in 0..count {
                    let octets = usize::try_from(number(reader)?).ok()?;
                    packs.push((at, octets));
                    at = at.checked_add(octets).filter(|end| *end <= content_octets)?;
                }
            }
            10 => drop(digests(reader, count)?),
            _ => return None,
        }
    }
}

fn folder_info(reader: &mut Octets, packs: &mut impl Iterator<Item = (usize, usize)>) -> Option<Vec<Folder>> {
    let mut folders = Vec::new();
    let mut outs = Vec::new();
    loop {
        match reader.u8()? {
            0 => return Some(folders),
            11 => {
                let count = count(reader)?;
                if reader.u8()? != 0 {
                    return None; // the folders stand elsewhere
                }
                for _ in 0..count {
                    let (folder, out_count) = folder(reader, packs)?;
                    folders.push(folder);
                    outs.push(out_count);
                }
            }
            12 => {
                for (folder, outs) in folders.iter_mut().zip(&outs) {
                    folder.sizes = (0..*outs).map(|_| number(reader)).collect::<Option<_>>()?;
                }
            }
            10 => {
                let known = digests(reader, folders.len())?;
                folders.iter_mut().zip(known).for_each(|(folder, is_known)| folder.has_digest = is_known);
            }
            _ => return None,
        }
    }
}

/// A folder without its sizes, and how many it has.
fn folder(reader: &mut Octets, packs: &mut impl Iterator<Item = (usize, usize)>) -> Option<(Folder, usize)> {
    let mut folder = Folder::default();
    let (mut ins, mut outs) = (0usize, 0usize);
    let coders = count(reader)?;
    if coders == 0 || coders > CODERS_MAX {
        return None;
    }
    for _ in 0..coders {
        let flags = reader.u8()?;
        let id = reader.take(usize::from(flags & 0x0f))?.to_vec();
        let (coder_ins, coder_outs) = if flags & 0x10 != 0 { (count(reader)?, count(reader)?) } else { (1, 1) };
        if coder_ins > CODERS_MAX || coder_outs > CODERS_MAX {
            return None;
        }
        let properties = if flags & 0x20 != 0 { count(reader)? } else { 0 };
        folder.coders.push(Coder { id, properties: reader.take(properties)?.to_vec() });
        (ins, outs) = (ins + coder_ins, outs + coder_outs);
    }
    let bonds: Vec<(u64, u64)> = (0..outs.checked_sub(1)?).map(|_| Some((number(reader)?, number(reader)?))).collect::<Option<_>>()?;
    let packed = ins.checked_sub(bonds.len())?;
    if packed > 1 {
        for _ in 0..packed {
            number(reader)?;
        }
    }
    if ins == coders && outs == coders {
        folder.order = chain(&bonds, coders);
    }
    folder.packs = packs.take(packed).collect();
    Some((folder, outs))
}

/// From the coder that reads the packed stream to the one whose output nobody takes; empty if that is no chain of all.
/// A bond leads the output of its second coder into its first.
fn chain(bonds: &[(u64, u64)], coders: usize) -> Vec<usize> {
    let mut order = Vec::new();
    let mut next = (0..coders as u64).find(|coder| bonds.iter().all(|(_, from)| from != coder));
    while let Some(coder) = next.filter(|_| order.len() < coders) {
        order.push(coder as usize);
        next = bonds.iter().find(|(to, _)| *to == coder).map(|(_, from)| *from).filter(|from| *from < coders as u64);
    }
    order.reverse();
    if order.len() == coders { order } else { Vec::new() }
}

/// How many files each folder has, and their sizes but the last, which follows from the folder's.
fn sub_streams(reader: &mut Octets, folders: &mut [Folder]) -> Option<()> {
    let mut counts = vec![1; folders.len()];
    loop {
        match reader.u8()? {
            0 => break,
            13 => {
                for known in &mut counts {
                    // Sizes are told one by one, so there are at most as many files as octets.
                    *known = count(reader)?;
                }
            }
            9 => {
                for (folder, known) in folders.iter_mut().zip(&counts).filter(|(_, known)| **known > 0) {
                    let mut left = folder.octets();
                    for _ in 1..*known {
                        let octets = number(reader)?;
                        left = left.checked_sub(octets)?;
                        folder.files.push((String::new(), octets));
                    }
                    folder.files.push((String::new(), left));
                }
            }
            10 => {
                let is_missing = |(folder, known): (&Folder, &usize)| if *known == 1 && folder.has_digest { 0 } else { *known };
                let missing = folders.iter().zip(&counts).map(is_missing).sum();
                digests(reader, missing)?;
            }
            _ => return None,
        }
    }
    for (folder, known) in folders.iter_mut().zip(&counts) {
        if folder.files.is_empty() && *known == 1 {
            folder.files.push((String::new(), folder.octets()));
        }
    }
    Some(())
}

/// FilesInfo: only the names, and which of them have a stream.
fn name_files(reader: &mut Octets, contents: &mut Contents, files_max: usize) -> Option<()> {
    let count = count(reader)?;
    let (mut names, mut is_empty): (Vec<String>, Vec<bool>) = (Vec::new(), Vec::new());
    loop {
        let kind = reader.u8()?;
        if kind == 0 {
            break;
        }
        let octets = self::count(reader)?;
        let property = reader.take(octets)?;
        match kind {
            14 => is_empty = bits(property, count),
            17 => names = split_names(property.get(1..)?, count.min(files_max)),
            _ => {}
        }
    }
    let mut with_stream =
        names.into_iter().enumerate().filter(|(at, _)| !is_empty.get(*at).copied().unwrap_or(false)).map(|(_, name)| name);
    for file in contents.folders.iter_mut().flat_map(|folder| &mut folder.files) {
        file.0 = with_stream.next().unwrap_or_default();
    }
    Some(())
}

fn split_names(property: &[u8], names_max: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = property;
    while names.len() < names_max && rest.len() >= 2 {
        let end = rest.chunks_exact(2).position(|two| two == [0, 0]).unwrap_or(rest.len() / 2);
        names.push(wide_text(&rest[..end * 2]));
        rest = rest.get(end * 2 + 2..).unwrap_or_default();
    }
    names
}

fn bits(octets: &[u8], count: usize) -> Vec<bool> {
    octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).take(count).collect()
}

/// Skips check sums; tells which there are.
fn digests(reader: &mut Octets, count: usize) -> Option<Vec<bool>> {
    let known = match reader.u8()? {
        0 => bits(reader.take(count.div_ceil(8))?, count),
        _ => vec![true; count.min(reader.rest().len())],
    };
    let octets = known.iter().filter(|is_known| **is_known).count() * 4;
    reader.take(octets).map(|_| known)
}

/// A count of things that take at least one octet each, or as many octets: never more than are left.
fn count(reader: &mut Octets) -> Option<usize> {
    let count = usize::try_from(number(reader)?).ok()?;
    (count <= reader.rest().len()).then_some(count)
}

/// A number in one to nine octets: leading ones of the first say how many follow.
fn number(reader: &mut Octets) -> Option<u64> {
    let first = reader.u8()?;
    let more = first.leading_ones() as usize;
    let mut value = 0u64;
    for (place, octet) in reader.take(more)?.iter().enumerate() {
        value |= u64::from(*octet) << (8 * place);
    }
    let high = if more >= 7 { 0 } else { u64::from(first & (0x7f >> more)) };
    Some(value | high.checked_shl(8 * more as u32).unwrap_or(0))
}
