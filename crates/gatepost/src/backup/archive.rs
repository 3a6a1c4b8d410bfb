//! The tar in zstd: written to a name of its own and renamed once it is whole and durable, readable by its owner alone; read entry by entry.

use super::{BODIES, END, ENTRY_OCTETS_MAX, FILES, FORMAT, MANIFEST, Manifest, ROWS};
use anyhow::{Context, bail, ensure};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// zstd's own default: about as fast as a disk writes.
const LEVEL: i32 = 3;

/// An archive that is being written.
pub struct Writer {
    tar: tar::Builder<zstd::stream::Encoder<'static, BufWriter<File>>>,
    unfinished: PathBuf,
    to: PathBuf,
}

impl Writer {
    /// # Errors
    /// There is a file of this name, or it cannot be made.
    pub fn new(to: &Path) -> anyhow::Result<Writer> {
        ensure!(!to.exists(), "{} is there already; name another file, or move it away", to.display());
        let unfinished = PathBuf::from(format!("{}.new", to.display()));
        // What an earlier run left when it was stopped.
        let _ = std::fs::remove_file(&unfinished);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
        let file = file.with_context(|| format!("{} cannot be written", unfinished.display()))?;
        let mut zstd = zstd::stream::Encoder::new(BufWriter::new(file), LEVEL)?;
        zstd.include_checksum(true)?;
        Ok(Writer { tar: tar::Builder::new(zstd), unfinished, to: to.to_path_buf() })
    }

    pub fn put(&mut self, name: &str, octets: &[u8]) -> anyhow::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(octets.len() as u64);
        header.set_mode(0o600);
        self.tar.append_data(&mut header, name, octets).with_context(|| format!("writing {}", self.unfinished.display()))
    }

    /// Makes it durable and gives it its name; its length in octets.
    pub fn finish(self) -> anyhow::Result<u64> {
        let zstd = self.tar.into_inner()?;
        let file = zstd.finish()?.into_inner().map_err(|why| why.into_error())?;
        file.sync_all().with_context(|| format!("writing {}", self.unfinished.display()))?;
        let octets = file.metadata()?.len();
        std::fs::rename(&self.unfinished, &self.to)?;
        if let Some(folder) = self.to.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            File::open(folder)?.sync_all()?;
        }
        Ok(octets)
    }

    /// Takes away what was written of one that cannot be finished.
    pub fn give_up(to: &Path) {
        let _ = std::fs::remove_file(format!("{}.new", to.display()));
    }
}

/// One entry of an archive.
pub enum Entry<'e> {
    Manifest(Manifest),
    /// Rows of a table, as lines.
    Rows {
        table: &'e str,
        lines: String,
    },
    /// A body: its name in the folder of bodies.
    Body {
        name: &'e str,
        octets: Vec<u8>,
    },
    File {
        name: &'e str,
        octets: Vec<u8>,
    },
    End(super::End),
}

/// Calls `see` for each entry.
/// # Errors
/// It is no backup, of a form that this program does not know, damaged, or cut off; or `see` gave one.
pub fn each(path: &Path, mut see: impl FnMut(Entry<'_>) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("{} cannot be opened", path.display()))?;
    let damaged = || format!("{} is damaged or cut off: take another copy", path.display());
    let mut tar = tar::Archive::new(zstd::stream::Decoder::new(BufReader::new(file))?);
    let (mut is_first, mut is_whole) = (true, false);
    for entry in tar.entries()? {
        let mut entry = entry.with_context(damaged)?;
        let name = entry.path().with_context(damaged)?.to_string_lossy().into_owned();
        ensure!(entry.header().entry_type().is_file(), "{} has an entry that no backup has: {name}", path.display());
        ensure!(entry.size() <= ENTRY_OCTETS_MAX, "{} has an entry that is too long: {name}", path.display());
        let mut octets = Vec::with_capacity(usize::try_from(entry.size()).unwrap_or(0).min(super::CHUNK_OCTETS));
        entry.read_to_end(&mut octets).with_context(damaged)?;
        let read = read(&name, octets).with_context(|| format!("{}: {name}", path.display()))?;
        ensure!(is_first == matches!(read, Entry::Manifest(_)), "{} is not a backup of Gatepost", path.display());
        ensure!(!is_whole, "{} goes on after its end", path.display());
        is_first = false;
        is_whole = matches!(read, Entry::End(_));
        see(read)?;
    }
    ensure!(is_whole, damaged());
    // The checksum stands at the very end, after what the tar needs: unread it would say nothing.
    std::io::copy(&mut tar.into_inner(), &mut std::io::sink()).with_context(damaged)?;
    Ok(())
}

fn read(name: &str, octets: Vec<u8>) -> anyhow::Result<Entry<'_>> {
    Ok(match name.split_once('/') {
        None if name == MANIFEST => {
            let manifest: Manifest = serde_json::from_slice(&octets)?;
            ensure!(manifest.format == FORMAT, "made by a newer Gatepost ({}); restore it with that version", manifest.version);
            Entry::Manifest(manifest)
        }
        None if name == END => Entry::End(serde_json::from_slice(&octets)?),
        Some((ROWS, rest)) => {
            let (table, _) = rest.split_once('/').context("no entry of rows")?;
            Entry::Rows { table, lines: String::from_utf8(octets)? }
        }
        Some((BODIES, name)) => Entry::Body { name, octets },
        Some((FILES, name)) if !name.contains('/') => Entry::File { name, octets },
        _ => bail!("no backup has such an entry"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut all = Vec::new();
        each(path, |entry| {
            match entry {
                Entry::Rows { lines, .. } => all.push(lines.into_bytes()),
                Entry::Body { octets, .. } | Entry::File { octets, .. } => all.push(octets),
                Entry::Manifest(_) | Entry::End(_) => {}
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Wherever an octet is another, the copy is refused, or reads as it was.
    #[test]
    fn no_octet_changes_unnoticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, bad) = (folder.path().join("copy"), folder.path().join("bad"));
        let mut writer = Writer::new(&path).expect("a file");
        let manifest = Manifest { format: FORMAT, version: "1".into(), at_ms: 1, engine: "sqlite".into(), steps: Vec::new() };
        writer.put(MANIFEST, &serde_json::to_vec(&manifest).expect("JSON")).expect("an entry");
        let body: String = (0..200_u64).map(|number| format!("{:x} ", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        writer.put("bodies/one", body.as_bytes()).expect("an entry");
        writer.put("rows/mail/000001.jsonl", b"[\"id\"]\n[1]\n").expect("an entry");
        writer.put(END, &serde_json::to_vec(&super::super::End::default()).expect("JSON")).expect("an entry");
        writer.finish().expect("a whole file");
        let (whole, as_it_was) = (std::fs::read(&path).expect("a file"), told(&path).expect("it reads"));
        for at in 0..whole.len() {
            let mut octets = whole.clone();
            octets[at] ^= 0x55;
            std::fs::write(&bad, octets).expect("a file");
            if let Ok(read) = told(&bad) {
                assert!(read == as_it_was, "octet {at} of {}", whole.len());
            }
        }
        for length in 0..whole.len() {
            std::fs::write(&bad, &whole[..length]).expect("a file");
            assert!(told(&bad).is_err(), "{length} of {} octets", whole.len());
        }
    }
}
