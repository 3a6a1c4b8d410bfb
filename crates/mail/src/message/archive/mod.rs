//! Containers: unpacked in memory within the budget, never onto a disk, never by a size that the container states.
//!
//! In: the octets of an archive, an image of a disk, or a document with files in it. Out: its members as attachments.
//! Each format has a reader beside this file that lists or unpacks; what is kept, paid for and looked into further is
//! decided here. What cannot be read is listed, and marked as unread or locked.

mod cab;
mod disc;
mod disk;
mod listing;
mod note;
mod object;
mod octets;
mod old;
mod page;
mod pdf;
mod rar;
mod seven;
mod stream;
mod tape;
mod tnef;
mod udf;

use super::DefectKind::BrokenArchive;
use super::attachment::{self, Found};
use super::entity::decode_entities;
use super::filetype::extension_of;
use super::head::note_name;
use super::reading::Reading;
use super::zip::{self, Entry};
use super::{FileFamily, FileType, LinkOrigin};
use bytes::Bytes;
use flate2::read::DeflateDecoder;
pub(super) use octets::name_text;

use listing::{Lies, Listing, Member};
use memchr::memmem;
use std::io::Read;

/// The ratio is not asked of members up to this size: small files of one letter pack very well.
const RATIO_FREE_OCTETS: u64 = 1 << 20;
/// Octets unpacked at a time.
const STEP_OCTETS: u64 = 64 << 10;
/// The end record of a ZIP with the longest comment.
const ZIP_END_OCTETS: usize = 22 + 65_535;
/// Methods of ZIP (APPNOTE §4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(super) struct Packed {
    pub(super) format: Format,
    pub(super) content: Bytes,
    pub(super) true_type: FileType,
    pub(super) inside: Vec<String>,
    pub(super) depth: usize,
    pub(super) archive_depth: usize,
}

/// How to get at the files in something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Zip,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
    Szdd,
    Tar,
    Cpio,
    Ar,
    Seven,
    Rar,
    Cabinet,
    Arj,
    Lha,
    Disc,
    Disk,
    Note,
    Ole,
    Rtf,
    Pdf,
    Tnef,
    BinHex,
    Page,
    Letters,
}

/// What came of reading one member.
enum Unpacked {
    Whole(Vec<u8>),
    /// Unreadable from here on.
    Broken(Vec<u8>),
    OverBudget,
    Locked,
    /// Packed in a way that is not undone here.
    Unread,
}

/// The format by content, whatever the name says; `None` when there is nothing to unpack, or nothing known.
pub(super) fn format(content: &[u8], family: FileFamily) -> Option<Format> {
    use Format::*;
    if matches!(family, FileFamily::Executable | FileFamily::Image | FileFamily::Media) {
        return None; // installers are judged as programs
    }
    let tests: [(Format, fn(&[u8]) -> bool); 21] = [
        (Zip, is_zip),
        (Gzip, |content| content.starts_with(b"\x1f\x8b")),
        (Pdf, pdf::may_hold),
        (Ole, object::may_hold),
        (Rtf, object::is_rtf),
        (Bzip2, |content| content.starts_with(b"BZh") && content.get(4..10) == Some(b"1AY&SY")),
        (Xz, |content| content.starts_with(b"\xfd7zXZ\0")),
        (Zstd, |content| content.starts_with(b"\x28\xb5\x2f\xfd")),
        (Szdd, stream::is_szdd),
        (Tar, is_tar),
        (Cpio, tape::is_cpio),
        (Ar, tape::is_ar),
        (Seven, seven::is_seven),
        (Rar, rar::is_rar),
        (Cabinet, cab::is_cab),
        (Arj, old::is_arj),
        (Lha, old::is_lha),
        (Disc, disc::is_disc),
        (Disk, disk::is_disk),
        (Note, note::is_note),
        (Tnef, tnef::is_tnef),
    ];
    let is_it = |(_, is_it): &(Format, fn(&[u8]) -> bool)| is_it(content);
    let found = if is_plain(content) { None } else { tests.into_iter().find(is_it) };
    let late: [(Format, fn(&[u8]) -> bool); 5] =
        [(Zip, ends_as_zip), (Rtf, object::is_rtf), (Page, page::may_hold), (BinHex, old::is_binhex), (Letters, page::has_letters)];
    let is_judged_otherwise = matches!(family, FileFamily::Message | FileFamily::Pdf);
    found.or_else(|| late.into_iter().filter(|_| !is_judged_otherwise).find(is_it)).map(|(format, _)| format)
}

/// Only letters at the start, and none of the marks that could be letters.
fn is_plain(content: &[u8]) -> bool {
    let head = &content[..content.len().min(512)];
    let is_marked = memmem::find(head, b"%PDF-").is_some()
        || [&b"07070"[..], b"!<arch>", b"BZh", b"\x28\xb5\x2f\xfd"].iter().any(|mark| head.starts_with(mark));
    !is_marked && head.iter().all(|octet| matches!(octet, b'\t' | b'\n' | b'\r' | 0x0c | 0x20..=0x7e | 0x80..))
}

pub(super) fn unpack(packed: Packed, reading: &mut Reading) {
    match packed.format {
        Format::Zip => unpack_zip(&packed, reading),
        Format::Gzip | Format::Bzip2 | Format::Xz | Format::Zstd | Format::Szdd => unpack_stream(&packed, reading),
        Format::Tar => unpack_tar(&packed, reading),
        Format::Seven => unpack_seven(&packed, reading),
        Format::Cabinet => unpack_cabinet(&packed, reading),
        Format::Disk => unpack_disk(packed, reading),
        format => {
            let listing = list(format, &packed.content, reading.meter.budget.archive_files_max + 1);
            keep_listed(&packed, listing, reading);
        }
    }
}

/// The list of a container whose members lie open in it, or are small.
fn list(format: Format, content: &[u8], members_max: usize) -> Listing {
    match format {
        Format::Cpio => tape::cpio(content, members_max),
        Format::Ar => tape::ar(content, members_max),
        Format::Rar => rar::list(content, members_max),
        Format::Arj => old::arj(content, members_max),
        Format::Lha => old::lha(content, members_max),
        Format::BinHex => old::binhex(content),
        Format::Page => page::in_page(content, members_max),
        Format::Letters => page::in_letters(content, members_max),
        Format::Disc => disc::list(content, members_max),
        Format::Disk => disk::list(content, members_max),
        Format::Note => note::list(content, members_max),
        Format::Ole => object::of_ole(content, members_max),
        Format::Rtf => object::of_rtf(content, members_max),
        Format::Pdf => pdf::list(content, members_max),
        Format::Tnef => tnef::list(content, members_max),
        _ => Listing::default(),
    }
}

fn is_zip(content: &[u8]) -> bool {
    content.starts_with(b"PK\x03\x04") || content.starts_with(b"PK\x05\x06") || content.starts_with(b"PK00PK\x03\x04")
}

/// A ZIP behind something else: readers look for the end first (APPNOTE §4.3.16), and a comment may follow it.
fn ends_as_zip(content: &[u8]) -> bool {
    let end = &content[content.len().saturating_sub(ZIP_END_OCTETS)..];
    memmem::rfind(end, b"PK\x05\x06").is_some() && memmem::find(content, b"PK\x01\x02").is_some()
}

fn is_tar(content: &[u8]) -> bool {
    content.get(257..262) == Some(b"ustar")
}

fn keep_listed(packed: &Packed, listing: Listing, reading: &mut Reading) {
    if let Some(flaw) = listing.flaw {
        reading.meter.note(BrokenArchive, flaw);
    }
    for member in listing.members {
        if !reading.meter.pay_archive_file() {
            return;
        }
        keep_listed_member(packed, member, reading);
        if reading.meter.octets_left() == 0 {
            return;
        }
    }
}

fn keep_listed_member(packed: &Packed, member: Member, reading: &mut Reading) {
    let container = &packed.content;
    let octets = match &member.lies {
        Lies::At(range) => range.len(),
        Lies::In(pieces) => pieces.iter().map(std::ops::Range::len).sum(),
        Lies::Out(octets) => octets.len(),
        Lies::Locked => return keep_member(reading, packed, member.name, Unpacked::Locked, member.octets),
        Lies::Unread => return keep_member(reading, packed, member.name, Unpacked::Unread, member.octets),
    };
    if !reading.meter.pay_octets(octets) {
        return keep_member(reading, packed, member.name, Unpacked::OverBudget, member.octets);
    }
    let content = match member.lies {
        Lies::At(range) => container.slice(range),
        Lies::In(pieces) => pieces.into_iter().flat_map(|piece| &container[piece]).copied().collect(),
        Lies::Out(octets) => Bytes::from(octets),
        Lies::Locked | Lies::Unread => Bytes::new(),
    };
    keep_content(reading, packed, member.name, content);
}

fn unpack_zip(packed: &Packed, reading: &mut Reading) {
    let archive = &packed.content;
    let is_document = matches!(packed.true_type.family, FileFamily::Office | FileFamily::OfficeMacro);
    let contents = zip::contents(archive, reading.meter.budget.archive_files_max + 1);
    if let Some(flaw) = contents.flaw {
        reading.meter.note(BrokenArchive, flaw);
    }
    for entry in contents.entries.iter().filter(|entry| !entry.is_folder) {
        let is_links = is_document && extension_of(&entry.name_text()) == "rels";
        if is_document && !is_links && is_ordinary(&entry.name_text()) {
            continue;
        }
        if !reading.meter.pay_archive_file() {
            return;
        }
        let name = entry.name_text();
        if is_links {
            if let Unpacked::Whole(octets) = unpack_entry(archive, entry, reading) {
                external_links(&octets, reading);
            }
            continue;
        }
        let unpacked = if entry.is_encrypted { Unpacked::Locked } else { unpack_entry(archive, entry, reading) };
        keep_member(reading, packed, name, unpacked, entry.packed_octets.unwrap_or(0) as u64);
        if reading.meter.octets_left() == 0 {
            return;
        }
    }
}

/// Members of a document that make up its text and pictures and are no files of their own.
fn is_ordinary(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_embedded = ["embeddings/", "activex/", "macrosheets/", "basic/", "attachments/"].iter().any(|folder| lower.contains(folder));
    let extension = extension_of(name);
    let is_content = matches!(
        extension.as_str(),
        "xml"
            | "png"
            | "jpg"
            | "jpeg"
            | "gif"
            | "bmp"
            | "tif"
            | "tiff"
            | "emf"
            | "wmf"
            | "vml"
            | "odttf"
            | "fntdata"
            | "ttf"
            | "rdf"
            | "css"
            | "xhtml"
            | "ncx"
            | "opf"
            | "jpe"
            | "wdp"
    );
    !is_embedded && (is_content || lower == "mimetype")
}

/// What a document loads or opens from elsewhere (ECMA-376 part 2 §9.3): relationships with `TargetMode="External"`.
fn external_links(relations: &[u8], reading: &mut Reading) {
    let text = String::from_utf8_lossy(relations);
    for relation in text.split('<').filter(|relation| relation.contains("External")) {
        let Some((_, target)) = relation.split_once("Target=\"") else { continue };
        let target = decode_entities(target.split('"').next().unwrap_or_default());
        reading.found.links.push(&target, String::new(), LinkOrigin::Attachment, &mut reading.meter);
    }
}

fn unpack_entry(archive: &[u8], entry: &Entry, reading: &mut Reading) -> Unpacked {
    let end = entry.packed_octets.map_or(archive.len(), |octets| entry.data_at.saturating_add(octets).min(archive.len()));
    let data = &archive[entry.data_at.min(end)..end];
    let packed_octets = data.len() as u64;
    match entry.method {
        STORED if entry.packed_octets.is_none() => {
            let end = memmem::find(data, b"PK\x07\x08").or_else(|| memmem::find(data, b"PK\x03\x04")).unwrap_or(data.len());
            limited(&data[..end], end as u64, reading)
        }
        STORED => limited(data, packed_octets, reading),
        DEFLATED => limited(DeflateDecoder::new(data), packed_octets, reading),
        method => match stream::by_zip_method(method, (!entry.has_end_mark).then_some(entry.octets.into()), data) {
            Some(stream) => limited(stream, packed_octets, reading),
            None => Unpacked::Broken(Vec::new()),
        },
    }
}

/// Reads to the end, the budget, or the ratio.
fn limited(mut from: impl Read, packed_octets: u64, reading: &mut Reading) -> Unpacked {
    let ratio_max = packed_octets.saturating_mul(reading.meter.budget.archive_ratio_max).max(RATIO_FREE_OCTETS);
    let budget_max = reading.meter.octets_left();
    let most = ratio_max.min(budget_max);
    let mut octets = Vec::new();
    loop {
        let before = octets.len();
        let result = (&mut from).take(STEP_OCTETS).read_to_end(&mut octets);
        let total = octets.len() as u64;
        if total > most {
            // What was unpacked in vain was work all the same.
            reading.meter.pay_octets(budget_max.min(total) as usize);
            reading.meter.over(if budget_max < ratio_max { "expanded_octets_max" } else { "archive_ratio_max" });
            return Unpacked::OverBudget;
        }
        if result.is_err() {
            reading.meter.pay_octets(octets.len());
            return Unpacked::Broken(octets);
        }
        if octets.len() == before {
            reading.meter.pay_octets(octets.len());
            return Unpacked::Whole(octets);
        }
    }
}

fn keep_member(reading: &mut Reading, packed: &Packed, name: String, unpacked: Unpacked, octets: u64) {
    let (is_encrypted, is_unread) = (matches!(unpacked, Unpacked::Locked), matches!(unpacked, Unpacked::Unread));
    let content = match unpacked {
        Unpacked::Whole(content) => content,
        Unpacked::Broken(content) => {
            reading.meter.note(BrokenArchive, format!("{name} cannot be read to its end"));
            content
        }
        Unpacked::OverBudget | Unpacked::Locked | Unpacked::Unread => {
            return keep(reading, packed, name, Found { is_encrypted, is_unread, octets, ..Found::default() });
        }
    };
    keep_content(reading, packed, name, Bytes::from(content));
}

fn keep_content(reading: &mut Reading, packed: &Packed, name: String, content: Bytes) {
    keep(reading, packed, name, Found { octets: content.len() as u64, content, ..Found::default() });
}

/// Adds a member; `found` has what is its own.
fn keep(reading: &mut Reading, packed: &Packed, name: String, found: Found) {
    note_name(&name, &mut reading.meter);
    let found = Found {
        names: if name.is_empty() { Vec::new() } else { vec![name] },
        declared_type: "application/octet-stream".to_owned(),
        inside: packed.inside.clone(),
        held_by: Some(packed.true_type),
        depth: packed.depth,
        archive_depth: packed.archive_depth,
        ..found
    };
    attachment::keep(reading, found, false);
}

fn unpack_stream(packed: &Packed, reading: &mut Reading) {
    if !reading.meter.pay_archive_file() {
        return;
    }
    let (stated, stream) = stream::open(packed.format, &packed.content);
    let outer = packed.inside.last().map(String::as_str).unwrap_or_default();
    let name = stated.unwrap_or_else(|| stream::name_inside(outer));
    let packed_octets = packed.content.len() as u64;
    let unpacked = limited(stream, packed_octets, reading);
    keep_member(reading, packed, name, unpacked, packed_octets);
}

fn unpack_seven(packed: &Packed, reading: &mut Reading) {
    let contents = seven::contents(&packed.content, reading.meter.budget.archive_files_max + 1);
    if let Some(flaw) = contents.flaw {
        reading.meter.note(BrokenArchive, flaw);
    }
    if contents.is_locked {
        return keep_member(reading, packed, String::new(), Unpacked::Locked, packed.content.len() as u64);
    }
    for folder in contents.folders {
        let source = match folder.is_locked() {
            true => Source::Locked,
            false => folder.open(&packed.content).map_or(Source::Unread, |stream| Source::Open(stream, folder.packed_octets())),
        };
        let starts = folder.files.iter().scan(0u64, |start, (_, octets)| Some(std::mem::replace(start, start.saturating_add(*octets))));
        let files = starts.zip(&folder.files).map(|(start, (name, octets))| (start, *octets, name.clone())).collect();
        if !unpack_solid(packed, source, files, reading) {
            return;
        }
    }
}

fn unpack_cabinet(packed: &Packed, reading: &mut Reading) {
    let contents = cab::contents(&packed.content, reading.meter.budget.archive_files_max + 1);
    if let Some(flaw) = contents.flaw {
        reading.meter.note(BrokenArchive, flaw);
    }
    for mut folder in contents.folders {
        let files = std::mem::take(&mut folder.files);
        let octets = packed.content.len() as u64;
        let source = folder.open(&packed.content).map_or(Source::Unread, |stream| Source::Open(Box::new(stream), octets));
        if !unpack_solid(packed, source, files, reading) {
            return;
        }
    }
}

/// A stream that holds several files, with its packed size.
enum Source<'a> {
    Open(Box<dyn Read + 'a>, u64),
    Locked,
    Unread,
}

/// Files with their start, size and name, in the order of their starts. False when the budget is over.
fn unpack_solid(packed: &Packed, mut source: Source<'_>, files: Vec<(u64, u64, String)>, reading: &mut Reading) -> bool {
    let mut at = 0;
    for (start, octets, name) in files {
        if !reading.meter.pay_archive_file() {
            return false;
        }
        let unpacked = match &mut source {
            Source::Locked => Unpacked::Locked,
            // Octets that belong to two files would be unpacked twice.
            Source::Open(..) if start < at => Unpacked::Unread,
            Source::Unread => Unpacked::Unread,
            Source::Open(stream, packed_octets) => {
                let gap = limited(stream.as_mut().take(start - at), *packed_octets, reading);
                at = start.saturating_add(octets);
                match gap {
                    Unpacked::Whole(_) => whole(limited(stream.as_mut().take(octets), *packed_octets, reading), octets),
                    other => other,
                }
            }
        };
        if matches!(unpacked, Unpacked::Broken(_) | Unpacked::OverBudget) {
            source = Source::Unread; // the rest of the stream cannot be reached
        }
        keep_member(reading, packed, name, unpacked, octets);
        if reading.meter.octets_left() == 0 {
            return false;
        }
    }
    true
}

/// A stream that ends before its size is broken.
fn whole(unpacked: Unpacked, octets: u64) -> Unpacked {
    match unpacked {
        Unpacked::Whole(content) if (content.len() as u64) < octets => Unpacked::Broken(content),
        unpacked => unpacked,
    }
}

/// A disk that grows is laid out first.
fn unpack_disk(mut packed: Packed, reading: &mut Reading) {
    let room = usize::try_from(reading.meter.octets_left()).unwrap_or(usize::MAX);
    if let Some(flat) = disk::flat(&packed.content, room) {
        if !reading.meter.pay_octets(flat.len()) {
            return;
        }
        packed.content = Bytes::from(flat);
    }
    let listing = disk::list(&packed.content, reading.meter.budget.archive_files_max + 1);
    keep_listed(&packed, listing, reading);
}

fn unpack_tar(packed: &Packed, reading: &mut Reading) {
    let mut archive = tar::Archive::new(&packed.content[..]);
    let Ok(entries) = archive.entries() else { return reading.meter.note(BrokenArchive, "the table of a tar archive") };
    for entry in entries {
        let Ok(entry) = entry else { return reading.meter.note(BrokenArchive, "an entry of a tar archive") };
        if !entry.header().entry_type().is_file() && !entry.header().entry_type().is_contiguous() {
            continue; // folders and links have no content, and nothing is written where they point
        }
        if !reading.meter.pay_archive_file() {
            return;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let octets = entry.size();
        let unpacked = limited(entry, octets.min(packed.content.len() as u64), reading);
        keep_member(reading, packed, name, unpacked, octets);
    }
}
