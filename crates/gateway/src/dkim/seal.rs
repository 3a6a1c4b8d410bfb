//! Secrets at rest: sealed with a key that is not in the database.
//!
//! AES-256-GCM, a random nonce each, bound to what the secret is for. The key is a file of 64 hex digits that only its owner reads
//! (docs/decisions/0006): a copy of the database alone signs nothing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail::auth::KeyError;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const KEY_OCTETS: usize = 32;

/// Why the key that seals cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("{path}: the key that seals secrets cannot be read or made: {why}", path = path.display())]
    File { path: PathBuf, why: io::Error },
    #[error("{path} is not a key of 64 hex digits; put the right file back, or what was sealed with it is lost: DKIM keys, authenticator apps, passwords of connectors, secrets of sign-in providers and of webhooks", path = path.display())]
    NotAKey { path: PathBuf },
    #[error("{path} can be read by others (mode {mode:o}); make it yours alone: chmod 600", path = path.display())]
    Open { path: PathBuf, mode: u32 },
}

/// Seals and opens; and signs what has to come back to us.
pub struct Seal(RandomizedNonceKey, hmac::Key);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// The key in this file, made with mode 600 when it is not there.
    /// # Errors
    /// [`SealError`], for the operator.
    pub fn open_file(path: &Path) -> Result<Seal, SealError> {
        let failed = |why| SealError::File { path: path.to_path_buf(), why };
        if !path.exists() {
            write_new(path).or_else(|why| if why.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(why) }).map_err(failed)?;
        }
        let mode = std::fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SealError::Open { path: path.to_path_buf(), mode });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let key = read_hex(text.trim()).ok_or_else(|| SealError::NotAKey { path: path.to_path_buf() })?;
        Seal::new(&key).ok_or_else(|| SealError::NotAKey { path: path.to_path_buf() })
    }

    /// `None` when the key has another length.
    pub fn new(key: &[u8]) -> Option<Seal> {
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
        // A key of its own, so that what is signed says nothing about what is sealed.
        let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"gatepost signs");
        Some(Seal(sealing, hmac::Key::new(hmac::HMAC_SHA256, own.as_ref())))
    }

    /// HMAC-SHA256 (RFC 2104) over what it is for and `text`.
    pub fn sign(&self, purpose: &str, text: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.1, format!("{purpose}\0{text}").as_bytes());
        let mut octets = [0; 32];
        octets.iter_mut().zip(tag.as_ref()).for_each(|(to, from)| *to = *from);
        octets
    }

    /// # Errors
    /// The random source gave nothing.
    pub fn close(&self, secret: &str, context: &str) -> Result<String, KeyError> {
        let mut octets = secret.as_bytes().to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut octets).map_err(|_| KeyError::NoRandom)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&octets);
        Ok(STANDARD.encode(sealed))
    }

    /// `None` when it was sealed with another key, for something else, or changed.
    pub fn open(&self, sealed: &str, context: &str) -> Option<String> {
        let octets = STANDARD.decode(sealed).ok()?;
        let (nonce, body) = octets.split_at_checked(NONCE_LEN)?;
        let mut body = body.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::from(context.as_bytes()), &mut body).ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }
}

/// Stands before what [`Seal::keep`] makes.
const SEALED: &str = "sealed:";

impl Seal {
    /// As a column keeps a secret; "" stays "".
    /// # Errors
    /// The random source gave nothing.
    pub fn keep(&self, secret: &str, context: &str) -> Result<String, store::Error> {
        if secret.is_empty() {
            return Ok(String::new());
        }
        let sealed = self.close(secret, context).map_err(|why| store::Error::Gone(why.to_string()))?;
        Ok(format!("{SEALED}{sealed}"))
    }

    /// As [`Seal::keep`], and leaves alone what this seal closed for the same purpose before.
    /// # Errors
    /// It was sealed with another key or for something else; the random source gave nothing.
    pub fn keep_once(&self, kept: &str, context: &str) -> Result<String, store::Error> {
        match Seal::is_kept(kept) {
            true => self.reveal(kept, context).map(|_| kept.to_string()),
            false => self.keep(kept, context),
        }
    }

    /// Whether a column looks as [`Seal::keep`] leaves it, with whatever key.
    pub fn is_kept(kept: &str) -> bool {
        kept.strip_prefix(SEALED).is_some_and(|sealed| STANDARD.decode(sealed).is_ok_and(|octets| octets.len() > NONCE_LEN))
    }

    /// What [`Seal::keep`] kept. What was written before secrets were sealed is read as it stands.
    /// # Errors
    /// It was sealed with another key.
    pub fn reveal(&self, kept: &str, context: &str) -> Result<String, store::Error> {
        let Some(sealed) = kept.strip_prefix(SEALED) else { return Ok(kept.to_string()) };
        let wrong = || store::Error::Shape(format!("a secret ({context}) was sealed with another key; put the right seal file back"));
        self.open(sealed, context).ok_or_else(wrong)
    }
}

/// Written under another name first: a file that is there is whole.
fn write_new(path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_OCTETS];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("the random source gave nothing"))?;
    let text: String = key.iter().map(|octet| format!("{octet:02x}")).collect();
    let unfinished = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = std::fs::hard_link(&unfinished, path); // of two servers that start at once, one makes the key
    std::fs::remove_file(&unfinished)?;
    linked?;
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != KEY_OCTETS * 2 || !text.is_ascii() {
        return None;
    }
    (0..KEY_OCTETS).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()).collect()
}
