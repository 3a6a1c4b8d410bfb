//! The status site: a handful of files in memory and in a folder, and a listener that needs nothing else.
//!
//! In: a [`Board`]. Out: HTML in both languages, JSON as Statuspage has it, Atom, iCalendar, plain text, and a signed list of their
//! digests; the same in a bucket elsewhere ([`bucket`]). Invariant: serving touches no database and no lock of the rest: its own
//! thread, its own runtime, files alone. When nobody writes any more (the process died, the disk is full), what was known last is
//! shown with its age.

pub mod bucket;
mod feeds;
mod listener;
pub(super) mod pages;

pub use listener::{Probe, Source, serve};
pub use pages::{bars, headline, tone};

use super::board::Board;
use crate::App;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

/// What stands where the age of the page is put in when it is served.
pub const AGE: &str = "<!--age-->";
const KEY_FILE: &str = "status-key.p8";

/// Everything the site consists of, by its path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// Unix milliseconds of what is shown; 0 is nothing yet.
    pub at_ms: i64,
    pub by_path: BTreeMap<String, Bytes>,
}

/// Media type of a file of the site.
pub fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "atom" => "application/atom+xml; charset=utf-8",
        "ics" => "text/calendar; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

/// Signs what the site says, so that a copy elsewhere can be believed.
pub struct Signing(Ed25519KeyPair);

impl Signing {
    /// The key of this installation; made when there is none.
    /// # Errors
    /// The data folder cannot be read or written, or what stands there is no key.
    pub fn open(data: &Path) -> io::Result<Signing> {
        let path = data.join(KEY_FILE);
        let octets = match std::fs::read(&path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                let fresh = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).map_err(io::Error::other)?;
                write_private(&path, fresh.as_ref())?;
                fresh.as_ref().to_vec()
            }
            other => other?,
        };
        Ed25519KeyPair::from_pkcs8(&octets).map(Signing).map_err(|why| io::Error::other(format!("{}: {why}", path.display())))
    }

    /// Base64 of the signature.
    pub fn sign(&self, octets: &[u8]) -> String {
        STANDARD.encode(self.0.sign(octets))
    }

    /// Base64 of the public key.
    pub fn public(&self) -> String {
        STANDARD.encode(self.0.public_key())
    }
}

/// As `sha256sum` prints it.
fn sha256(octets: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, octets);
    digest.as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

fn write_private(path: &Path, octets: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

/// The site as this board has it.
pub fn files(board: &Board, app: &App, signing: Option<&Signing>) -> Files {
    let mut by_path = BTreeMap::new();
    let url = app.health.settings().status_url;
    let mut put = |path: &str, text: String| drop(by_path.insert(path.to_string(), Bytes::from(text)));
    for (path, lang) in pages::PAGES {
        put(path, pages::html(board, lang));
    }
    put("style.css", pages::STYLE.to_string());
    put("status/summary.json", feeds::summary(board, &url).to_string());
    put("status/feed.atom", feeds::atom(board, &url));
    put("status/maintenance.ics", feeds::calendar(board, &url));
    put("status/status.txt", pages::plain(board));
    if let Some(signing) = signing {
        let sums: String = by_path.iter().map(|(path, octets)| format!("{}  {path}\n", sha256(octets))).collect();
        by_path.insert("status/SHA256SUMS.sig".into(), Bytes::from(signing.sign(sums.as_bytes())));
        by_path.insert("status/key.pub".into(), Bytes::from(signing.public()));
        by_path.insert("status/SHA256SUMS".into(), Bytes::from(sums));
    }
    Files { at_ms: board.at_ms, by_path }
}

impl Files {
    /// Writes each file beside its place and moves it there: who reads sees a whole one.
    /// # Errors
    /// The folder cannot be written; what was there stays.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for (path, octets) in &self.by_path {
            let place = folder.join(path);
            if let Some(parent) = place.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let unfinished = place.with_extension("new");
            std::fs::write(&unfinished, octets)?;
            std::fs::rename(&unfinished, &place)?;
        }
        Ok(())
    }
}
