//! One file with everything an installation is: rows, bodies of messages, keys, settings. Made beside a running server, put back on an empty machine.
//!
//! The file is a tar in zstd, in this order: `manifest.json`; `bodies/…`, what is in the folder or bucket of bodies; `rows/TABLE/N.jsonl`, all tables
//! from one snapshot, in a form that SQLite and PostgreSQL both take; bodies that came meanwhile; `files/…`; `end.json` with the counts,
//! so that half a file is never taken for a whole one. Steps of the schema are those of the installation that was copied: restoring runs
//! the same ones, and then the newer ones of this program.

mod archive;
mod lines;
mod restore;
mod take;

pub use restore::{check, restore};
pub use take::take;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The form of the archive.
const FORMAT: u32 = 1;
/// Rows that are read at a time.
const PAGE_ROWS: usize = 500;
/// An entry of rows ends once it is this long.
const CHUNK_OCTETS: usize = 8 << 20;
/// No entry of rows, keys or settings is longer than this.
const ENTRY_OCTETS_MAX: u64 = 512 << 20;
/// Kept in the data folder: when the last copy was made.
pub const LAST: &str = "last-backup.json";

const MANIFEST: &str = "manifest.json";
const END: &str = "end.json";
const ROWS: &str = "rows";
const BODIES: &str = "bodies";
const FILES: &str = "files";
/// Names below `files/`.
const SEAL: &str = "seal.key";
const STATUS_KEY: &str = "status-key.p8";
const SETTINGS: &str = "gatepost.toml";

/// The first entry.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Version of the program that made it.
    pub version: String,
    pub at_ms: i64,
    /// `sqlite` or `postgres`.
    pub engine: String,
    /// Steps of the schema that had run.
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub number: u32,
    pub name: String,
    pub checksum: String,
}

/// The last entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Rows of each table.
    pub tables: BTreeMap<String, u64>,
    pub bodies: u64,
    pub files: Vec<String>,
}

/// What is kept in [`LAST`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Last {
    pub at_ms: i64,
    pub file: PathBuf,
    pub octets: u64,
}

impl End {
    pub fn rows(&self) -> u64 {
        self.tables.values().sum()
    }
}

/// What the data folder says about the last copy; `None`: none was made, or the note cannot be read.
pub fn last(data: &Path) -> Option<Last> {
    serde_json::from_slice(&std::fs::read(data.join(LAST)).ok()?).ok()
}

/// Gives a file or folder to whoever owns `like`. Only root can; others own what they make already.
fn give(path: &Path, like: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let (owner, now) = (std::fs::metadata(like)?, std::fs::metadata(path)?);
    if (owner.uid(), owner.gid()) != (now.uid(), now.gid()) {
        chown(path, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}
