//! DKIM signing of outbound mail (RFC 6376 §5, RFC 8463), and the keys for it.
//!
//! Canonical form is relaxed/relaxed; `l=` is never used. Fields that a reader sees are signed once more than they stand in
//! the message, so that nobody can add another on the way (RFC 6376 §8.15).

use super::content::Content;
use super::dkim::canonical::{Canonical, add_field, hash_body};
use super::dkim::signed_fields;
use super::domain;
use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// Signed one time more than they stand in the message.
const OVERSIGNED: [&str; 6] = ["from", "to", "subject", "date", "reply-to", "content-type"];
/// Signed as often as they stand in the message.
const SIGNED: [&str; 13] = [
    "sender",
    "cc",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-transfer-encoding",
    "content-disposition",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-post",
    "resent-from",
];
/// Occurrences of one name that are signed.
const SAME_NAME_MAX: usize = 20;
/// RFC 5322 §2.1.1 asks for 78; a folded line starts with a tab.
const LINE_OCTETS: usize = 72;

/// Why a key or name cannot be used for signing.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key is not in PEM form")]
    NotPem,
    #[error("the key is neither an RSA key of 2048 to 4096 bits nor an Ed25519 key: {0}")]
    Unusable(String),
    #[error("“{0}” cannot stand in a DKIM signature")]
    BadName(String),
    #[error("the random source gave nothing")]
    NoRandom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    Rsa2048,
    Ed25519,
}

/// A fresh key.
#[derive(Debug)]
pub struct NewKey {
    /// PKCS#8 in PEM form. Secret.
    pub private_pem: String,
    /// Text of the TXT record to publish at `selector._domainkey.domain`.
    pub record: String,
}

impl NewKey {
    /// # Errors
    /// [`KeyError::NoRandom`].
    pub fn generate(kind: KeyKind) -> Result<NewKey, KeyError> {
        let (private, record) = match kind {
            KeyKind::Rsa2048 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::NoRandom)?;
                let private: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::NoRandom)?;
                (private.as_ref().to_vec(), SigningKey::Rsa(pair).record()?)
            }
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::NoRandom)?;
                let private = pair.to_pkcs8().map_err(|_| KeyError::NoRandom)?;
                (private.as_ref().to_vec(), SigningKey::Ed25519(pair).record()?)
            }
        };
        let body: Vec<String> = STANDARD.encode(private).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into()).collect();
        Ok(NewKey { private_pem: format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", body.join("\n")), record })
    }
}

/// A private key, ready for use.
pub(super) enum SigningKey {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
    /// Keys of 1024 bits, which the conformance suites sign with and which nothing outside tests can hold.
    #[cfg(test)]
    Short(super::suites::ShortRsa),
}

impl SigningKey {
    /// PKCS#8 or PKCS#1, PEM.
    pub(super) fn read(pem: &str) -> Result<SigningKey, KeyError> {
        let body: String = pem.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body).ok().filter(|der| !der.is_empty() && pem.contains("-----BEGIN ")).ok_or(KeyError::NotPem)?;
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
            return Ok(SigningKey::Ed25519(pair));
        }
        let pair = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        pair.map(SigningKey::Rsa).map_err(|why| KeyError::Unusable(why.to_string()))
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            SigningKey::Ed25519(_) => "ed25519-sha256",
            _ => "rsa-sha256",
        }
    }

    /// Base64 of the signature over the canonical octets.
    pub(super) fn sign(&self, input: &[u8]) -> String {
        let octets = match self {
            SigningKey::Rsa(pair) => {
                let mut octets = vec![0; pair.public_modulus_len()];
                match pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut octets) {
                    Ok(()) => octets,
                    Err(_) => Vec::new(), // PKCS#1 v1.5 with a checked key has no way to fail; an empty b= verifies nowhere
                }
            }
            SigningKey::Ed25519(pair) => pair.sign(digest::digest(&digest::SHA256, input).as_ref()).as_ref().to_vec(),
            #[cfg(test)]
            SigningKey::Short(key) => key.sign(digest::digest(&digest::SHA256, input).as_ref()),
        };
        STANDARD.encode(octets)
    }

    /// The record to publish (RFC 6376 §3.6.1).
    fn record(&self) -> Result<String, KeyError> {
        let (kind, public) = match self {
            SigningKey::Rsa(pair) => {
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| KeyError::Unusable("no public half".into()))?;
                ("rsa", der.as_ref().to_vec())
            }
            SigningKey::Ed25519(pair) => ("ed25519", pair.public_key().as_ref().to_vec()),
            #[cfg(test)]
            SigningKey::Short(_) => ("rsa", Vec::new()),
        };
        Ok(format!("v=DKIM1; k={kind}; p={}", STANDARD.encode(public)))
    }
}

/// Signs for one domain. Prepared once, used for every mail.
pub struct Signer {
    key: SigningKey,
    domain: String,
    selector: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer for {}._domainkey.{}", self.selector, self.domain)
    }
}

impl Signer {
    /// `pem` holds an RSA key (PKCS#8 or PKCS#1) of at least 2048 bits or an Ed25519 key (PKCS#8).
    /// # Errors
    /// [`KeyError`], for the operator.
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Signer, KeyError> {
        let (domain, selector) = read_names(domain, selector)?;
        Ok(Signer { key: SigningKey::read(pem)?, domain, selector })
    }

    /// The record to publish at `selector._domainkey.domain`.
    /// # Errors
    /// [`KeyError::Unusable`].
    pub fn record(&self) -> Result<String, KeyError> {
        self.key.record()
    }

    /// The DKIM-Signature field for these octets, folded, with its final CRLF, to be put in front of them.
    pub fn sign(&self, raw: &[u8]) -> String {
        self.field(raw, None)
    }

    /// As [`Signer::sign`], with the time of signing (`t=`).
    pub fn sign_at(&self, raw: &[u8], now_ms: i64) -> String {
        self.field(raw, Some(now_ms / 1_000))
    }

    fn field(&self, raw: &[u8], time: Option<i64>) -> String {
        let content = Content::read(raw);
        let body = hash_body(Canonical::Relaxed, content.body, None, &digest::SHA256);
        let names = names_to_sign(&content);
        let mut field = format!("DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={};\r\n", self.key.algorithm(), self.domain);
        let _ = write!(field, "\ts={}; ", self.selector); // writing to a String cannot fail
        if let Some(time) = time {
            let _ = write!(field, "t={time}; ");
        }
        push_names(&mut field, &names);
        let _ = write!(field, ";\r\n\tbh={};\r\n\tb=", STANDARD.encode(&body.octets));
        let signature = self.key.sign(&input(&content, &names, &field));
        push_folded(&mut field, &signature);
        field.push_str("\r\n");
        field
    }
}

pub(super) fn read_names(domain: &str, selector: &str) -> Result<(String, String), KeyError> {
    let domain_read = domain::read(domain.as_bytes()).ok_or_else(|| KeyError::BadName(domain.to_string()))?;
    let selector_read = domain::read(selector.as_bytes()).ok_or_else(|| KeyError::BadName(selector.to_string()))?;
    Ok((domain_read, selector_read))
}

/// The canonical fields, then our own field whose `b=` is still empty.
pub(super) fn input<N: AsRef<[u8]>>(content: &Content<'_>, names: &[N], own: &str) -> Vec<u8> {
    let names: Vec<&[u8]> = names.iter().map(AsRef::as_ref).collect();
    let mut input = Vec::with_capacity(2_048);
    for field in signed_fields(&names, None, content) {
        add_field(Canonical::Relaxed, field.whole, &mut input);
    }
    add_field(Canonical::Relaxed, own.as_bytes(), &mut input);
    input.truncate(input.len() - 2);
    input
}

fn names_to_sign(content: &Content<'_>) -> Vec<&'static str> {
    let mut names = Vec::with_capacity(24);
    for (name, more) in OVERSIGNED.iter().map(|name| (*name, 1)).chain(SIGNED.iter().map(|name| (*name, 0))) {
        let times = content.named(name).take(SAME_NAME_MAX).count() + more;
        names.extend(std::iter::repeat_n(name, times));
    }
    names
}

/// `h=`, folded after colons (RFC 6376 §3.5 allows white space there).
fn push_names(field: &mut String, names: &[&str]) {
    field.push_str("h=");
    let mut used = field.len() - field.rfind('\n').unwrap_or(0);
    for (at, name) in names.iter().enumerate() {
        if at > 0 {
            field.push(':');
        }
        if used + name.len() > LINE_OCTETS {
            field.push_str("\r\n\t ");
            used = 2;
        }
        field.push_str(name);
        used += name.len() + 1;
    }
}

/// Base64 in lines.
fn push_folded(field: &mut String, text: &str) {
    let mut rest = text;
    while rest.len() > LINE_OCTETS {
        let (line, after) = rest.split_at(LINE_OCTETS); // base64 is ASCII: any place is a character border
        field.push_str(line);
        field.push_str("\r\n\t ");
        rest = after;
    }
    field.push_str(rest);
}

/// A field with tags that [`Signer`] never writes.
#[cfg(test)]
pub(super) fn tests_only_field(pem: &str, tags: &str, raw: &[u8]) -> String {
    let key = SigningKey::read(pem).expect("a key");
    let content = Content::read(raw);
    let body = hash_body(Canonical::Relaxed, content.body, None, &digest::SHA256);
    let field = format!(
        "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d=a.example; s=s1;{tags} h=from:subject; bh={}; b=",
        key.algorithm(),
        STANDARD.encode(&body.octets)
    );
    let b = key.sign(&input(&content, &["from", "subject"], &field));
    field + &b + "\r\n"
}
