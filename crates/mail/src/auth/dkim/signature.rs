//! One DKIM-Signature (RFC 6376 §3.5) or ARC-Message-Signature (RFC 8617 §4.1.2), read and checked as far as it goes without
//! DNS and without the message.

use super::canonical::Canonical;
use super::tags::{Tags, is_blank, trim};
use crate::auth::domain;

/// Names in `h=`; a list of 900 has been seen in honest mail.
const SIGNED_NAMES_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Algorithm {
    RsaSha256,
    RsaSha1,
    Ed25519Sha256,
}

impl Algorithm {
    pub(in crate::auth) fn name(self) -> &'static str {
        match self {
            Algorithm::RsaSha256 => "rsa-sha256",
            Algorithm::RsaSha1 => "rsa-sha1",
            Algorithm::Ed25519Sha256 => "ed25519-sha256",
        }
    }

    fn read(text: &str) -> Option<Algorithm> {
        [Algorithm::RsaSha256, Algorithm::RsaSha1, Algorithm::Ed25519Sha256].into_iter().find(|known| known.name() == text)
    }
}

#[derive(Debug)]
pub(in crate::auth) struct Signature<'a> {
    pub(in crate::auth) algorithm: Algorithm,
    pub(in crate::auth) header_form: Canonical,
    pub(in crate::auth) body_form: Canonical,
    pub(in crate::auth) domain: String,
    pub(in crate::auth) selector: String,
    /// `h=`, in order.
    pub(in crate::auth) signed: Vec<&'a [u8]>,
    pub(in crate::auth) octets: Vec<u8>,
    pub(in crate::auth) body_hash: Vec<u8>,
    /// `l=`
    pub(in crate::auth) length: Option<u64>,
    /// `t=` and `x=`, Unix seconds.
    pub(in crate::auth) signed_at: Option<u64>,
    pub(in crate::auth) expires_at: Option<u64>,
    /// The domain of `i=` is below that of `d=`.
    pub(in crate::auth) for_subdomain: bool,
    /// The octets of `b=` in the field, which are left out of what is signed.
    pub(in crate::auth) b: &'a [u8],
}

/// What DKIM and ARC ask of the same tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) enum Kind {
    Dkim,
    Arc,
}

impl<'a> Signature<'a> {
    /// # Errors
    /// What is wrong, for people; the signature is then `permerror` (RFC 6376 §6.1.1).
    pub(in crate::auth) fn read(tags: &Tags<'a>, kind: Kind) -> Result<Signature<'a>, &'static str> {
        if kind == Kind::Dkim && tags.value("v") != Some(b"1") {
            return Err("v= is missing or not 1");
        }
        let algorithm = tags.text("a").and_then(Algorithm::read).ok_or("a= is missing or not known")?;
        let (domain, selector) = read_place(tags)?;
        let (header_form, body_form) = read_forms(tags.text("c"), kind)?;
        if kind == Kind::Dkim && !asks_dns(tags.text("q")) {
            return Err("q= names no way to the key that is known");
        }
        let number = |name: &str| tags.number(name);
        let signature = Signature {
            algorithm,
            header_form,
            body_form,
            for_subdomain: read_identity(tags, &domain, kind)?,
            domain,
            selector,
            signed: read_names(tags, kind)?,
            octets: tags.base64("b").ok_or("b= is missing or not base64")?,
            body_hash: tags.base64("bh").ok_or("bh= is missing or not base64")?,
            length: number("l").map_err(|()| "l= is not a number")?,
            signed_at: read_time(tags, "t").ok_or("t= is not a number")?,
            expires_at: read_time(tags, "x").ok_or("x= is not a number")?,
            b: tags.raw("b").unwrap_or_default(),
        };
        match (signature.signed_at, signature.expires_at) {
            // RFC 6376 §3.5: x= must be greater than t=.
            (Some(signed), Some(expires)) if expires <= signed => Err("x= is not after t="),
            _ => Ok(signature),
        }
    }
}

/// `Some(None)` without the tag, `None` if it is not a number. An empty one is not.
fn read_time(tags: &Tags<'_>, name: &str) -> Option<Option<u64>> {
    match tags.value(name) {
        Some(b"") => None,
        _ => tags.number(name).ok(),
    }
}

/// `d=` and `s=`.
pub(in crate::auth) fn read_place(tags: &Tags<'_>) -> Result<(String, String), &'static str> {
    let domain = tags.value("d").and_then(domain::read).filter(|domain| domain.contains('.')).ok_or("d= is missing or not a domain")?;
    let selector = tags.value("s").and_then(domain::read).ok_or("s= is missing or not a selector")?;
    Ok((domain, selector))
}

/// Without `c=`, DKIM means simple (RFC 6376 §3.5). RFC 8617 does not speak of it, seals are always relaxed, and the suite that
/// implementers share (`ams_fields_c_na`) takes relaxed for the signature beside them, too.
fn read_forms(text: Option<&str>, kind: Kind) -> Result<(Canonical, Canonical), &'static str> {
    let form = |name: &str| match name {
        "simple" => Ok(Canonical::Simple),
        "relaxed" => Ok(Canonical::Relaxed),
        _ => Err("c= is not known"),
    };
    match text {
        None if kind == Kind::Arc => Ok((Canonical::Relaxed, Canonical::Relaxed)),
        None => Ok((Canonical::Simple, Canonical::Simple)),
        Some(text) => {
            let (header, body) = text.split_once('/').unwrap_or((text, "simple"));
            Ok((form(header)?, form(body)?))
        }
    }
}

/// RFC 6376 §3.5 "q=": unknown ways are skipped, so one that is known is enough.
fn asks_dns(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.split(':').any(|way| way.trim() == "dns/txt"))
}

/// RFC 6376 §3.5 "i=": its domain is that of `d=` or below it. In ARC the tag is the instance.
fn read_identity(tags: &Tags<'_>, domain: &str, kind: Kind) -> Result<bool, &'static str> {
    let Some(identity) = tags.value("i").filter(|_| kind == Kind::Dkim) else { return Ok(false) };
    let at = memchr::memrchr(b'@', identity);
    let named = match at {
        Some(at) => domain::read(&identity[at + 1..]).ok_or("the domain of i= is not valid")?,
        // RFC 6376 §2.11 DKIM-Quoted-Printable may hide the "@" as "=40".
        None => domain::read(&decoded_domain(identity).ok_or("i= has no @")?).ok_or("the domain of i= is not valid")?,
    };
    match domain::is_within(&named, domain) {
        true => Ok(named != domain),
        false => Err("i= is outside d="),
    }
}

fn decoded_domain(identity: &[u8]) -> Option<Vec<u8>> {
    let decoded = decode_quoted(identity);
    let at = memchr::memrchr(b'@', &decoded)?;
    Some(decoded[at + 1..].to_vec())
}

/// RFC 6376 §2.11.
fn decode_quoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'=').and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(octet) => {
                out.push(octet);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

fn read_names<'a>(tags: &Tags<'a>, kind: Kind) -> Result<Vec<&'a [u8]>, &'static str> {
    let list = tags.value("h").ok_or("h= is missing")?;
    if memchr::memchr_iter(b':', list).count() >= SIGNED_NAMES_MAX {
        return Err("h= is too long");
    }
    let names: Vec<&[u8]> = list.split(|octet| *octet == b':').map(trim).collect();
    if names.iter().any(|name| name.iter().any(|octet| is_blank(*octet))) {
        return Err("h= is not a list of names");
    }
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted.as_bytes()));
    match kind {
        // RFC 6376 §5.4.
        Kind::Dkim if !has("from") => Err("From is not signed"),
        // RFC 8617 §4.1.2: seals are added later and are never signed.
        Kind::Arc if has("arc-seal") => Err("h= names ARC-Seal"),
        _ => Ok(names),
    }
}
