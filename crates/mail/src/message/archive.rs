//! Archives: unpacked in memory within the budget, never onto a disk, never by a size that the archive states.
//!
//! In: the octets of an archive. Out: its members as attachments. ZIP (also in Office documents), gzip and tar are unpacked;
//! 7z and RAR are recognised and asked whether they are locked.

use super::DefectKind::BrokenArchive;
use super::attachment::{self, Found};
use super::entity::decode_entities;
use super::filetype::extension_of;
use super::head::note_name;
use super::reading::Reading;
use super::zip::{self, Entry};
use super::{FileFamily, LinkOrigin, file_type};
use crate::address::decode_words;
use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use memchr::memmem;
use std::io::{Cursor, Read};

/// The ratio is not asked of members up to this size: small files of one letter pack very well.
const RATIO_FREE_OCTETS: u64 = 1 << 20;
/// Octets unpacked at a time.
const STEP_OCTETS: u64 = 64 << 10;
/// Methods of ZIP (APPNOTE §4.4.5).
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(super) struct Packed {
    pub(super) content: Bytes,
    pub(super) inside: Vec<String>,
    pub(super) depth: usize,
    pub(super) archive_depth: usize,
}

/// What came of reading one member.
enum Unpacked {
    Whole(Vec<u8>),
    /// Unreadable from here on.
    Broken(Vec<u8>),
    OverBudget,
}

pub(super) fn can_unpack(content: &[u8]) -> bool {
    is_zip(content) || content.starts_with(b"\x1f\x8b") || is_tar(content)
}

pub(super) fn unpack(packed: Packed, reading: &mut Reading) {
    if is_zip(&packed.content) {
        unpack_zip(&packed, reading);
    } else if packed.content.starts_with(b"\x1f\x8b") {
        unpack_gzip(&packed, reading);
    } else {
        unpack_tar(&packed, reading);
    }
}

/// Whether a 7z or RAR archive needs a password, as far as its first headers tell.
pub(super) fn is_locked(extension: &str, content: &[u8]) -> bool {
    match extension {
        // 7zFormat.txt: the method AES-256 with SHA-256 has the id 06 F1 07 01 and stands in the header, which is packed or not.
        "7z" => memmem::find(tail(content), &[0x06, 0xf1, 0x07, 0x01]).is_some(),
        "rar" => is_locked_rar(content),
        _ => false,
    }
}

/// RAR 4: bit 7 of the archive header or bit 2 of a file header. RAR 5: a header of type 4, or an extra record of type 1.
fn is_locked_rar(content: &[u8]) -> bool {
    if content.get(6) == Some(&0) {
        let archive_flags = content.get(10).copied().unwrap_or(0);
        let has_file = content.get(22) == Some(&0x74);
        return archive_flags & 0x80 != 0 || has_file && content.get(23).is_some_and(|flags| flags & 4 != 0);
    }
    let block = &content[content.len().min(12)..content.len().min(512)];
    let kind = block.iter().position(|octet| octet & 0x80 == 0).and_then(|size_end| block.get(size_end + 1));
    kind == Some(&4)
}

/// The stretch at the end of an archive where 7z keeps its header.
fn tail(content: &[u8]) -> &[u8] {
    &content[content.len().saturating_sub(64 << 10)..]
}

fn is_zip(content: &[u8]) -> bool {
    content.starts_with(b"PK\x03\x04") || content.starts_with(b"PK\x05\x06") || content.starts_with(b"PK00PK\x03\x04")
}

fn is_tar(content: &[u8]) -> bool {
    content.get(257..262) == Some(b"ustar")
}

fn unpack_zip(packed: &Packed, reading: &mut Reading) {
    let archive = &packed.content;
    let is_document = matches!(file_type(None, archive).family, FileFamily::Office | FileFamily::OfficeMacro);
    let contents = zip::contents(archive, reading.meter.budget.archive_files_max + 1);
    if let Some(flaw) = contents.flaw {
        reading.meter.note(BrokenArchive, flaw);
    }
    let mut other_methods = None;
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
            if let Unpacked::Whole(octets) = unpack_entry(archive, entry, &mut other_methods, reading) {
                external_links(&octets, reading);
            }
            continue;
        }
        let unpacked = if entry.is_encrypted { None } else { Some(unpack_entry(archive, entry, &mut other_methods, reading)) };
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

type OtherMethods<'a> = Option<Option<::zip::ZipArchive<Cursor<&'a [u8]>>>>;

fn unpack_entry<'a>(archive: &'a [u8], entry: &Entry, other_methods: &mut OtherMethods<'a>, reading: &mut Reading) -> Unpacked {
    let end = entry.packed_octets.map_or(archive.len(), |octets| entry.data_at.saturating_add(octets).min(archive.len()));
    let data = &archive[entry.data_at.min(end)..end];
    match entry.method {
        STORED if entry.packed_octets.is_none() => {
            let end = memmem::find(data, b"PK\x07\x08").or_else(|| memmem::find(data, b"PK\x03\x04")).unwrap_or(data.len());
            limited(&data[..end], end as u64, reading)
        }
        STORED => limited(data, data.len() as u64, reading),
        DEFLATED => limited(DeflateDecoder::new(data), data.len() as u64, reading),
        _ => {
            // bzip2, LZMA and Zstandard come from the library, which also gives back what it cannot read.
            let library = other_methods.get_or_insert_with(|| ::zip::ZipArchive::new(Cursor::new(archive)).ok());
            let member = library.as_mut().and_then(|library| {
                let index = library.index_for_name(&entry.name_text())?;
                Some(library.by_index(index).map(|member| limited(member, data.len() as u64, reading)))
            });
            match member {
                Some(Ok(unpacked)) => unpacked,
                Some(Err(_)) | None => Unpacked::Broken(Vec::new()),
            }
        }
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

/// Adds a member; `unpacked` is `None` when it is locked.
fn keep_member(reading: &mut Reading, packed: &Packed, name: String, unpacked: Option<Unpacked>, packed_octets: u64) {
    note_name(&name, &mut reading.meter);
    let is_encrypted = unpacked.is_none();
    let (content, octets) = match unpacked {
        Some(Unpacked::Whole(content)) => {
            let octets = content.len() as u64;
            (content, octets)
        }
        Some(Unpacked::Broken(content)) => {
            reading.meter.note(BrokenArchive, format!("{name} cannot be read to its end"));
            let octets = content.len() as u64;
            (content, octets)
        }
        Some(Unpacked::OverBudget) => (Vec::new(), packed_octets),
        None => (Vec::new(), packed_octets),
    };
    let found = Found {
        names: if name.is_empty() { Vec::new() } else { vec![name] },
        declared_type: "application/octet-stream".to_owned(),
        content: Bytes::from(content),
        inside: packed.inside.clone(),
        depth: packed.depth,
        archive_depth: packed.archive_depth,
        is_inline: false,
        is_encrypted,
        octets,
    };
    attachment::keep(reading, found, false);
}

fn unpack_gzip(packed: &Packed, reading: &mut Reading) {
    if !reading.meter.pay_archive_file() {
        return;
    }
    let decoder = MultiGzDecoder::new(&packed.content[..]);
    let stated = decoder.header().and_then(|header| header.filename().map(decode_words));
    let outer = packed.inside.last().map(String::as_str).unwrap_or_default();
    let name = stated.filter(|name| !name.is_empty()).unwrap_or_else(|| name_without_gz(outer));
    let unpacked = limited(decoder, packed.content.len() as u64, reading);
    keep_member(reading, packed, name, Some(unpacked), packed.content.len() as u64);
}

/// "a.tar.gz" holds "a.tar", "a.tgz" too.
fn name_without_gz(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if lower.ends_with(".tgz") {
        return format!("{}.tar", &name[..name.len() - 4]);
    }
    if lower.ends_with(".gz") { name[..name.len() - 3].to_owned() } else { name.to_owned() }
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
        keep_member(reading, packed, name, Some(unpacked), octets);
    }
}
