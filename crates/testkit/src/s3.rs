//! An S3-compatible store that checks signatures (`tests/s3/store.py`: moto and botocore), on a free port of 127.0.0.1, as long as one test.

use crate::port;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

pub const KEY: &str = "GATEPOSTKEY";
pub const SECRET: &str = "a secret/with+signs=";
pub const REGION: &str = "eu-west-1";

/// A running store with one bucket. What lies in it goes with it.
pub struct Store {
    pub port: u16,
    /// Its standard input, held open: the store ends when this process ends in any way.
    child: Child,
    folder: TempDir,
}

impl Store {
    /// `None` outside CI when its packages cannot be had; panics in CI.
    pub fn start(bucket: &str) -> Option<Store> {
        Store::start_at(port::free(), bucket)
    }

    /// At this port. A bucket named "NAME/public" may be read without a signature.
    pub fn start_at(port: u16, bucket: &str) -> Option<Store> {
        let python = python()?;
        let folder = TempDir::new().expect("a temporary folder");
        let mut command = Command::new(python);
        command.arg(repository().join("tests/s3/store.py")).arg(port.to_string()).args([KEY, SECRET, REGION, bucket]);
        command.arg(folder.path().join("faults")).env("PYTHONDONTWRITEBYTECODE", "1");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("Python starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "ready\n");
        Some(Store { port, child, folder })
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on these go wrong, by the words of `store.py`: "PUT", "BUSY:3", "GONE" …; "": nothing.
    pub fn faults(&self, words: &str) {
        // Renamed, so that nobody reads half of it.
        let (new, file) = (self.folder.path().join("new"), self.folder.path().join("faults"));
        std::fs::write(&new, words).expect("faults are written");
        std::fs::rename(new, file).expect("faults are there");
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Python with the packages of the store; `None` outside CI when they cannot be had.
fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON.get_or_init(installed).clone()
}

/// One test program installs at a time; the others find it done.
fn installed() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    std::fs::create_dir_all(&target).expect("a folder");
    let turn = File::create(target.join("s3-test.lock")).expect("a file");
    turn.lock().expect("a turn");
    let (venv, wanted) = (target.join("s3-test"), repository().join("tests/s3/requirements.txt"));
    let marker = venv.join(".installed");
    let is_there = std::fs::read(&marker).ok().is_some_and(|text| std::fs::read(&wanted).is_ok_and(|wanted| wanted == text));
    if !is_there {
        let ran = |command: &mut Command| command.status().is_ok_and(|status| status.success());
        let is_made = ran(Command::new("python3").args(["-m", "venv"]).arg(&venv))
            && ran(Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&wanted));
        if !is_made {
            assert!(std::env::var_os("CI").is_none(), "CI needs the packages of {}", wanted.display());
            eprintln!("skipped: the packages of {} cannot be installed", wanted.display());
            return None;
        }
        std::fs::copy(&wanted, &marker).expect("it is marked");
    }
    Some(venv.join("bin/python"))
}
