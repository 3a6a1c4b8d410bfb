//! Cabinets ([MS-CAB]): folders that are stored or packed with MSZIP are unpacked, the others listed.
//!
//! In: octets with the mark of a cabinet. Out: folders with the names and places of their files, each read once from its start.

use super::octets::{Octets, name_text};
use flate2::{Decompress, FlushDecompress};
use std::io::{self, Read};

const MARK: &[u8] = b"MSCF\0\0\0\0";
/// [MS-CAB] §2.2: MSZIP blocks unpack to at most this, and refer to as much before them.
const BLOCK_OCTETS_MAX: usize = 32 << 10;
const FOLDERS_MAX: usize = 1_000;
/// Blocks of all folders, which may point at the same ones; 640 MB unpacked.
const BLOCKS_MAX: usize = 20_000;

pub(super) fn is_cab(content: &[u8]) -> bool {
    content.starts_with(MARK)
}

#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) folders: Vec<Folder>,
    pub(super) flaw: Option<&'static str>,
}

#[derive(Debug)]
pub(super) struct Folder {
    at: usize,
    blocks: usize,
    packing: u16,
    reserved: usize,
    /// Start in the unpacked folder, octets and name, sorted by the start.
    pub(super) files: Vec<(u64, u64, String)>,
}

pub(super) fn contents(content: &[u8], files_max: usize) -> Contents {
    let mut contents = Contents::default();
    if read(content, files_max, &mut contents).is_none() {
        contents.flaw = Some("the header of a cabinet");
    }
    for folder in &mut contents.folders {
        folder.files.sort();
    }
    contents
}

/// CFHEADER, CFFOLDERs, CFFILEs (§2.1).
fn read(content: &[u8], files_max: usize, contents: &mut Contents) -> Option<()> {
    let mut header = Octets::from(content, 16);
    let files_at = header.size()?;
    header.take(6)?;
    let (folders, files, flags) = (header.u16()?, header.u16()?, header.u16()?);
    header.take(4)?;
    let (mut folder_reserved, mut block_reserved) = (0, 0);
    if flags & 4 != 0 {
        let reserved = usize::from(header.u16()?);
        (folder_reserved, block_reserved) = (usize::from(header.u8()?), usize::from(header.u8()?));
        header.take(reserved)?;
    }
    for flag in [1, 2] {
        if flags & flag != 0 {
            header.text()?; // the cabinet before or after this one
            header.text()?;
        }
    }
    let mut blocks_left = BLOCKS_MAX;
    for _ in 0..usize::from(folders).min(FOLDERS_MAX) {
        let (at, blocks, packing) = (header.size()?, usize::from(header.u16()?).min(blocks_left), header.u16()?);
        blocks_left -= blocks;
        header.take(folder_reserved)?;
        contents.folders.push(Folder { at, blocks, packing, reserved: block_reserved, files: Vec::new() });
    }
    let mut entries = Octets::from(content, files_at);
    for _ in 0..usize::from(files).min(files_max) {
        let (octets, start, folder) = (entries.u32()?, entries.u32()?, usize::from(entries.u16()?));
        entries.take(6)?;
        let name = name_text(entries.text()?).replace('\\', "/");
        match contents.folders.get_mut(folder) {
            Some(folder) => folder.files.push((start.into(), octets.into(), name)),
            None => contents.flaw = Some("a member that goes on in another cabinet"),
        }
    }
    Some(())
}

impl Folder {
    /// The folder unpacked; `None` when it is packed in a way that is not undone here (Quantum, LZX).
    pub(super) fn open<'a>(&self, content: &'a [u8]) -> Option<Blocks<'a>> {
        let is_packed = match self.packing & 0x0f {
            0 => false,
            1 => true,
            _ => return None,
        };
        let rest = content.get(self.at..)?;
        Some(Blocks { rest: Octets::new(rest), left: self.blocks, reserved: self.reserved, is_packed, last: Vec::new(), given: 0 })
    }
}

/// CFDATA blocks (§2.1.4) one after another.
pub(super) struct Blocks<'a> {
    rest: Octets<'a>,
    left: usize,
    reserved: usize,
    is_packed: bool,
    /// The block being given out, which is also what the next one refers to.
    last: Vec<u8>,
    given: usize,
}

impl Blocks<'_> {
    fn next_block(&mut self) -> Option<()> {
        self.left -= 1;
        self.rest.take(4)?; // check sum
        let (packed, octets) = (usize::from(self.rest.u16()?), usize::from(self.rest.u16()?));
        self.rest.take(self.reserved)?;
        let packed = self.rest.take(packed)?;
        self.last = if self.is_packed { unpack_block(packed, octets, &self.last)? } else { packed.to_vec() };
        self.given = 0;
        Some(())
    }
}

impl Read for Blocks<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.last.len() && self.left > 0 {
            self.next_block().ok_or(io::ErrorKind::InvalidData)?;
        }
        let taken = into.len().min(self.last.len() - self.given);
        into[..taken].copy_from_slice(&self.last[self.given..self.given + taken]);
        self.given += taken;
        Ok(taken)
    }
}

/// [MS-MCI] §2: "CK", then deflate that may refer to the block before. The one before is put in front as a stored block
/// (RFC 1951 §3.2.4), and dropped from the result.
fn unpack_block(packed: &[u8], octets: usize, before: &[u8]) -> Option<Vec<u8>> {
    let packed = packed.strip_prefix(b"CK")?;
    if octets > BLOCK_OCTETS_MAX {
        return None;
    }
    let length = u16::try_from(before.len()).ok()?;
    let mut stream = vec![0];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend_from_slice(before);
    stream.extend_from_slice(packed);
    let mut out = Vec::with_capacity(before.len() + octets);
    Decompress::new(false).decompress_vec(&stream, &mut out, FlushDecompress::Finish).ok()?;
    (out.len() == before.len() + octets).then(|| out.split_off(before.len()))
}
