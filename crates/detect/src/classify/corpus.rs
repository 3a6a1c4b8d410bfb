//! Labelled mail on disk: single files, folders of them, maildirs, mbox files.
//!
//! Order is that of the paths, so a corpus trains the same on every machine. Nothing here follows a link to a folder.

use super::evidence::{Evidence, Namespaces};
use bytes::Bytes;
use mail::Message;
use mail::message::Budget;
use std::path::{Path, PathBuf};

/// Files one corpus may have; more is most likely a wrong path.
pub const FILES_MAX: usize = 5_000_000;
/// A file is read whole; mailboxes over this have to be split.
pub const FILE_OCTETS_MAX: u64 = 2 << 30;
/// Folders in one another.
const DEPTH_MAX: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    #[error("reading {path}")]
    Read { path: String, source: std::io::Error },
    #[error("{path} holds more than {FILES_MAX} files; is it the right folder?")]
    TooMany { path: String },
    #[error("{path} is over {FILE_OCTETS_MAX} octets; split the mailbox")]
    TooLarge { path: String },
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> CorpusError {
    let path = path.display().to_string();
    move |source| CorpusError::Read { path, source }
}

/// Every file at or below `path`, sorted; hidden ones are left out.
/// # Errors
/// A folder cannot be listed, or there is no end of files.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, CorpusError> {
    if !std::fs::metadata(path).map_err(unreadable(path))?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let (mut found, mut folders) = (Vec::new(), vec![(path.to_path_buf(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let entry = entry.map_err(unreadable(&folder))?;
            let kind = entry.file_type().map_err(unreadable(&entry.path()))?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            } else if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((entry.path(), depth + 1));
            } else if !kind.is_dir() {
                found.push(entry.path());
            }
        }
        if found.len() > FILES_MAX {
            return Err(CorpusError::TooMany { path: path.display().to_string() });
        }
    }
    found.sort();
    Ok(found)
}

/// The messages of one file: those of a mailbox, or the file as a whole.
/// # Errors
/// The file cannot be read.
pub fn messages(file: &Path) -> Result<Vec<Bytes>, CorpusError> {
    Ok(split(read(file)?))
}

/// One file as one message, without the envelope line some archives leave on top.
/// # Errors
/// The file cannot be read.
pub fn message(file: &Path) -> Result<Bytes, CorpusError> {
    let octets = read(file)?;
    Ok(match envelope_line(&octets) {
        Some(octets_long) => octets.slice(octets_long..),
        None => octets,
    })
}

fn read(file: &Path) -> Result<Bytes, CorpusError> {
    let octets = std::fs::metadata(file).map_err(unreadable(file))?.len();
    if octets > FILE_OCTETS_MAX {
        return Err(CorpusError::TooLarge { path: file.display().to_string() });
    }
    std::fs::read(file).map(Bytes::from).map_err(unreadable(file))
}

/// RFC 4155 Appendix A: a message starts after a line `From address date`, which stands first or after an empty line.
fn split(octets: Bytes) -> Vec<Bytes> {
    let Some(mut start) = envelope_line(&octets) else {
        return vec![octets];
    };
    let mut found = Vec::new();
    for newline in memchr::memmem::find_iter(&octets, b"\nFrom ") {
        let after_blank = octets[..newline].ends_with(b"\n") || octets[..newline].ends_with(b"\n\r");
        let line = newline + 1;
        if let Some(long) = envelope_line(&octets[line..]).filter(|_| after_blank && line > start) {
            found.push(octets.slice(start..line));
            start = line + long;
        }
    }
    found.push(octets.slice(start.min(octets.len())..));
    found
}

/// Octets of the mbox envelope line at the start, if that is one: it has a time, and ends in a year or a zone.
fn envelope_line(octets: &[u8]) -> Option<usize> {
    const LINE_OCTETS_MAX: usize = 512;
    if !octets.starts_with(b"From ") {
        return None;
    }
    let end = memchr::memchr(b'\n', &octets[..octets.len().min(LINE_OCTETS_MAX)])?;
    let is_time =
        |word: &[u8]| word.len() >= 4 && word.contains(&b':') && word.iter().all(|octet| octet.is_ascii_digit() || *octet == b':');
    octets[..end].split(|octet| *octet == b' ').any(is_time).then_some(end + 1)
}

/// What the classifier sees of these octets.
pub fn evidence(octets: Bytes, namespaces: Namespaces) -> Evidence {
    Evidence::of(&Message::parse(octets, &Budget::default()), namespaces)
}
