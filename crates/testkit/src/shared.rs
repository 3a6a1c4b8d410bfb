//! The shared folder: conformance suites and mail corpora, unpacked once into a cache outside the tree.
//!
//! `GATEPOST_SHARED` names the folder; without it, `shared` beside the workspace. A developer without it skips the tests
//! that read it; in CI its absence fails them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The conformance suites (`suites/README.md` says what is in them), or `None` outside CI when they are not there.
pub fn suites() -> Option<&'static Path> {
    static UNPACKED: OnceLock<Option<PathBuf>> = OnceLock::new();
    UNPACKED.get_or_init(|| unpacked("suites/suites.tar.xz", "B_protocol")).as_deref()
}

/// The mail corpora with their `labels.tsv`, or `None` outside CI when they are not there.
pub fn corpora() -> Option<&'static Path> {
    static UNPACKED: OnceLock<Option<PathBuf>> = OnceLock::new();
    UNPACKED.get_or_init(|| unpacked("corpora/mail.tar.xz", "labels.tsv")).as_deref()
}

/// The folder that holds `suites/`, `corpora/` and `bench/`.
pub fn folder() -> PathBuf {
    match std::env::var_os("GATEPOST_SHARED") {
        Some(named) => PathBuf::from(named),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    }
}

fn unpacked(archive: &str, proof: &str) -> Option<PathBuf> {
    let archive = folder().join(archive);
    if !archive.is_file() {
        assert!(std::env::var_os("CI").is_none(), "CI needs {}; set GATEPOST_SHARED to the shared folder", archive.display());
        eprintln!("skipped: {} is not there (set GATEPOST_SHARED to the shared folder)", archive.display());
        return None;
    }
    let name = archive.file_name().and_then(|name| name.to_str()).unwrap_or("archive").replace('.', "-");
    let octets = std::fs::metadata(&archive).map(|facts| facts.len()).unwrap_or(0);
    let into = cache().join(format!("{name}-{octets}"));
    if !into.join(proof).exists() {
        unpack(&archive, &into);
    }
    Some(into)
}

/// Unpacks beside the target and renames, so that test processes that start together do not see half a folder.
fn unpack(archive: &Path, into: &Path) {
    let half = into.with_extension(format!("{}", std::process::id()));
    std::fs::create_dir_all(&half).expect("the cache folder can be written");
    let done = Command::new("tar").arg("-xJf").arg(archive).arg("-C").arg(&half).status().expect("tar is installed");
    assert!(done.success(), "unpacking {}", archive.display());
    if std::fs::rename(&half, into).is_err() {
        let _ = std::fs::remove_dir_all(&half); // another process was faster
    }
}

fn cache() -> PathBuf {
    match std::env::var_os("XDG_CACHE_HOME").or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache").into())) {
        Some(home) => PathBuf::from(home).join("gatepost"),
        None => std::env::temp_dir().join("gatepost"),
    }
}
