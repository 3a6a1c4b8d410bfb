//! One file packed as a stream: gzip, bzip2, xz, Zstandard, and Microsoft's SZDD.
//!
//! In: octets with the mark of one of them. Out: a reader that gives the file, and the name it says. The caller counts
//! what comes out; what a reader keeps to itself (its window) is bounded here.

use super::Format;
use crate::address::decode_words;
use flate2::read::MultiGzDecoder;
use lzma_rust2::{Lzma2Reader, LzmaReader};
use std::io::{self, Read};

/// Largest window of xz and Zstandard, as 2 to this power: what the strongest usual setting needs.
const WINDOW_BITS_MAX: u32 = 26;
const XZ_MARK: &[u8] = b"\xfd7zXZ\0";
const XZ_HEADER_OCTETS: usize = 12;
/// Blocks of one xz file: each costs a window, and packers that split make them of many megabytes.
const XZ_BLOCKS_MAX: usize = 1_000;
const SZDD_MARK: &[u8] = b"SZDD\x88\xf0\x27\x33A";
const SZDD_WINDOW_OCTETS: usize = 4096;

/// The name that the stream says for its file, and the file.
pub(super) fn open<'a>(format: Format, content: &'a [u8]) -> (Option<String>, Box<dyn Read + 'a>) {
    match format {
        Format::Bzip2 => (None, Box::new(bzip2::read::MultiBzDecoder::new(content))),
        Format::Zstd => (None, zstd(content).unwrap_or_else(|error| Box::new(Broken(Some(error))))),
        Format::Xz => (None, Box::new(Xz::new(content))),
        Format::Szdd => (None, Box::new(Szdd::new(content))),
        _ => {
            let decoder = MultiGzDecoder::new(content);
            let name = decoder.header().and_then(|header| header.filename().map(decode_words)).filter(|name| !name.is_empty());
            (name, Box::new(decoder))
        }
    }
}

/// A member of a ZIP packed by a method other than the usual two (APPNOTE §4.4.5); `None` for those not undone here.
/// `octets` is the size that LZMA ends at when it has no mark for its end.
pub(super) fn by_zip_method(method: u16, octets: Option<u64>, data: &[u8]) -> Option<Box<dyn Read + '_>> {
    match method {
        12 => Some(open(Format::Bzip2, data).1),
        14 => {
            let [_, _, 5, 0, kind, w0, w1, w2, w3, packed @ ..] = data else { return None };
            let window = u32::from_le_bytes([*w0, *w1, *w2, *w3]).min(1 << WINDOW_BITS_MAX);
            let octets = octets.unwrap_or(u64::MAX);
            Some(Box::new(LzmaReader::new_with_props(packed, octets, *kind, window, None).ok()?))
        }
        93 => Some(open(Format::Zstd, data).1),
        95 => Some(open(Format::Xz, data).1),
        _ => None,
    }
}

/// What packers call the file inside: "a.tar.gz" holds "a.tar", "a.tgz" too; "a.ex_" holds "a.ex_".
pub(super) fn name_inside(outer: &str) -> String {
    let lower = outer.to_ascii_lowercase();
    for short in [".tgz", ".tbz", ".txz", ".tbz2", ".tzst"] {
        if lower.ends_with(short) {
            return format!("{}.tar", &outer[..outer.len() - short.len()]);
        }
    }
    let ending = [".gz", ".bz2", ".xz", ".zst", ".z"].into_iter().find(|ending| lower.ends_with(ending));
    ending.map_or(outer, |ending| &outer[..outer.len() - ending.len()]).to_owned()
}

pub(super) fn is_szdd(content: &[u8]) -> bool {
    content.starts_with(SZDD_MARK)
}

fn zstd(content: &[u8]) -> io::Result<Box<dyn Read + '_>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(content)?;
    decoder.window_log_max(WINDOW_BITS_MAX)?;
    Ok(Box::new(decoder))
}

/// A stream that cannot be started.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _into: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The blocks of xz files one after another (xz file format 1.2 §2.1.3), each packed with LZMA2 alone.
struct Xz<'a> {
    rest: &'a [u8],
    /// The block being read, and the octets from its start to the end of the file.
    block: Option<(Lzma2Reader<&'a [u8]>, usize)>,
    check_octets: usize,
    blocks_left: usize,
    is_over: bool,
}

impl<'a> Xz<'a> {
    fn new(content: &'a [u8]) -> Xz<'a> {
        Xz { rest: content, block: None, check_octets: 0, blocks_left: XZ_BLOCKS_MAX, is_over: false }
    }

    /// False at the end of the last stream. Indexes, which only repeat sizes, are skipped with all that follows.
    fn start_block(&mut self) -> io::Result<bool> {
        if self.rest.starts_with(XZ_MARK) {
            // §2.1.1.2: the size of the check follows from its number, in groups of three.
            let kind = usize::from(self.rest.get(7).copied().unwrap_or(0) & 0x0f);
            self.check_octets = if kind == 0 { 0 } else { 4 << ((kind - 1) / 3) };
            self.rest = self.rest.get(XZ_HEADER_OCTETS..).unwrap_or_default();
        }
        let broken = || io::Error::from(io::ErrorKind::InvalidData);
        let octets = match self.rest.first() {
            Some(0) | None => return Ok(false),
            Some(size) => (usize::from(*size) + 1) * 4,
        };
        self.blocks_left = self.blocks_left.checked_sub(1).ok_or_else(broken)?;
        let (header, packed) = self.rest.split_at_checked(octets).ok_or_else(broken)?;
        let window = lzma2_window(header).ok_or_else(broken)?;
        self.block = Some((Lzma2Reader::new(packed, window.min(1 << WINDOW_BITS_MAX), None), packed.len()));
        Ok(true)
    }

    fn end_block(&mut self, rest: &'a [u8], packed_octets: usize) {
        let used = packed_octets - rest.len();
        let skip = used.next_multiple_of(4) - used + self.check_octets;
        self.rest = rest.get(skip..).unwrap_or_default();
    }
}

/// §3.1: flags, sizes that may be left out, then the filters; here LZMA2 alone.
fn lzma2_window(header: &[u8]) -> Option<u32> {
    let flags = *header.get(1)?;
    let mut at = 2;
    for bit in [0x40, 0x80] {
        if flags & bit != 0 {
            at += header.get(at..)?.iter().position(|octet| octet & 0x80 == 0)? + 1;
        }
    }
    match header.get(at..at + 3)? {
        [0x21, 1, bits] if flags & 3 == 0 => window(*bits),
        _ => None,
    }
}

/// §5.3.1: two or three times a power of two.
pub(super) fn window(bits: u8) -> Option<u32> {
    match bits {
        0..40 => Some((2 | u32::from(bits & 1)) << (bits / 2 + 11)),
        40 => Some(u32::MAX),
        _ => None,
    }
}

impl Read for Xz<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.is_over {
            match self.block.take() {
                None => self.is_over = !self.start_block()?,
                Some((mut block, packed_octets)) => {
                    let read = block.read(into)?;
                    if read > 0 {
                        self.block = Some((block, packed_octets));
                        return Ok(read);
                    }
                    self.end_block(block.into_inner(), packed_octets);
                }
            }
        }
        Ok(0)
    }
}

/// COMPRESS.EXE: flag octets before eight literals or copies out of a window of 4096 octets.
struct Szdd<'a> {
    rest: &'a [u8],
    window: Box<[u8; SZDD_WINDOW_OCTETS]>,
    at: usize,
    left: usize,
    /// Unpacked and not yet read.
    out: Vec<u8>,
    given: usize,
}

impl<'a> Szdd<'a> {
    fn new(content: &'a [u8]) -> Szdd<'a> {
        let left = super::octets::u32_at(content, 10).unwrap_or(0);
        let rest = content.get(14..).unwrap_or_default();
        let window = Box::new([b' '; SZDD_WINDOW_OCTETS]);
        Szdd { rest, window, at: SZDD_WINDOW_OCTETS - 16, left, out: Vec::new(), given: 0 }
    }

    fn push(&mut self, octet: u8) {
        if self.left > 0 {
            self.window[self.at] = octet;
            self.at = (self.at + 1) % SZDD_WINDOW_OCTETS;
            self.left -= 1;
            self.out.push(octet);
        }
    }

    /// The next eight items.
    fn group(&mut self) {
        let Some((flags, rest)) = self.rest.split_first() else { return };
        self.rest = rest;
        for bit in 0..8 {
            if flags >> bit & 1 == 1 {
                let Some((literal, rest)) = self.rest.split_first() else { return };
                self.rest = rest;
                self.push(*literal);
                continue;
            }
            let Some(([low, high], rest)) = self.rest.split_first_chunk::<2>() else { return };
            self.rest = rest;
            let from = usize::from(*low) | usize::from(high & 0xf0) << 4;
            for step in 0..usize::from(high & 0x0f) + 3 {
                self.push(self.window[(from + step) % SZDD_WINDOW_OCTETS]);
            }
        }
    }
}

impl Read for Szdd<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() && self.left > 0 && !self.rest.is_empty() {
            self.out.clear();
            self.given = 0;
            self.group();
        }
        let taken = into.len().min(self.out.len() - self.given);
        into[..taken].copy_from_slice(&self.out[self.given..self.given + taken]);
        self.given += taken;
        Ok(taken)
    }
}
