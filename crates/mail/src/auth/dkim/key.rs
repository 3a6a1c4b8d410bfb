//! Public keys in DNS (RFC 6376 §3.6.1, RFC 8301, RFC 8463) and what they prove.

use super::signature::Algorithm;
use super::tags::Tags;
use crate::auth::DkimResult;
use crate::dns::{Answer, DnsError, Record};
use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, UnparsedPublicKey,
};

/// RFC 8301 §3.2: shorter keys prove nothing. Longer ones cost more than they give, and come from whoever writes the zone.
const RSA_BITS_MIN: usize = 1_024;
const RSA_BITS_MAX: usize = 4_096;
/// Keys of this length still count, with a note.
const RSA_BITS_WEAK: usize = 2_048;
/// A key record of more octets is not looked at.
const RECORD_OCTETS_MAX: usize = 4_096;

#[derive(Debug)]
pub(in crate::auth) struct Key {
    material: Material,
    /// `t=s`: `i=` must have the very domain of `d=`.
    pub(in crate::auth) is_strict: bool,
    /// `t=y`: a failure counts as no signature.
    pub(in crate::auth) is_testing: bool,
}

#[derive(Debug)]
enum Material {
    /// DER as published (RFC 8017 or RFC 5280 form) and the bits of the modulus.
    Rsa {
        der: Vec<u8>,
        bits: usize,
    },
    Ed25519(Vec<u8>),
}

/// Why there is no key to verify with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::auth) struct NoKey {
    pub(in crate::auth) result: DkimResult,
    pub(in crate::auth) why: String,
}

fn no_key(result: DkimResult, why: impl Into<String>) -> NoKey {
    NoKey { result, why: why.into() }
}

impl Key {
    /// The key for `algorithm` in the answer to `selector._domainkey.domain`. Of several records the first that is a key counts
    /// (RFC 6376 §3.6.2.2 leaves that open).
    pub(in crate::auth) fn find(answer: &Answer, algorithm: Algorithm) -> Result<Key, NoKey> {
        let records = match answer {
            Ok(records) => records,
            Err(error @ DnsError::Temporary { .. }) => return Err(no_key(DkimResult::TempError, error.to_string())),
            Err(_) => return Err(no_key(DkimResult::PermError, "there is no key")),
        };
        let mut worst = no_key(DkimResult::PermError, "there is no key");
        for record in records.iter() {
            let Record::Txt(txt) = record else { continue };
            match Key::read(txt, algorithm) {
                Ok(key) => return Ok(key),
                Err(why) => worst = why,
            }
        }
        Err(worst)
    }

    fn read(txt: &[u8], algorithm: Algorithm) -> Result<Key, NoKey> {
        let broken = |why: &str| no_key(DkimResult::PermError, why);
        if txt.len() > RECORD_OCTETS_MAX {
            return Err(broken("the key record is too long"));
        }
        let tags = Tags::read(txt).ok_or_else(|| broken("the key record cannot be read"))?;
        // RFC 6376 §3.6.1: v= comes first or not at all.
        if tags.value("v").is_some_and(|version| version != b"DKIM1" || tags.first_name() != Some(b"v")) {
            return Err(broken("the key record has another version"));
        }
        if !lists(tags.text("s"), &["*", "email"]) {
            return Err(broken("the key is not for mail"));
        }
        let hash = if algorithm == Algorithm::RsaSha1 { "sha1" } else { "sha256" };
        if !lists(tags.text("h"), &[hash]) {
            return Err(broken("the key is not for this hash"));
        }
        match tags.value("p") {
            None => return Err(broken("the key record has no key")),
            Some(b"") => return Err(broken("the key was revoked")),
            Some(_) => {}
        }
        let octets = tags.base64("p").ok_or_else(|| broken("the key is not base64"))?;
        let flags = tags.text("t").unwrap_or_default();
        Ok(Key {
            material: Material::read(tags.text("k").unwrap_or("rsa"), octets, algorithm)?,
            is_strict: flags.split(':').any(|flag| flag.trim() == "s"),
            is_testing: flags.split(':').any(|flag| flag.trim() == "y"),
        })
    }

    pub(in crate::auth) fn verifies(&self, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        let verified = match (&self.material, algorithm) {
            (Material::Rsa { der, .. }, Algorithm::RsaSha256) => {
                UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, der).verify(input, signature)
            }
            (Material::Rsa { der, .. }, Algorithm::RsaSha1) => {
                UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, der).verify(input, signature)
            }
            // RFC 8463 §3: Ed25519 signs the SHA-256 of the input.
            (Material::Ed25519(octets), Algorithm::Ed25519Sha256) => {
                UnparsedPublicKey::new(&ED25519, octets).verify(digest::digest(&digest::SHA256, input).as_ref(), signature)
            }
            _ => return false,
        };
        verified.is_ok()
    }

    /// A key too short to prove anything, as a reason (RFC 8301 §3.2).
    pub(in crate::auth) fn too_short(&self) -> Option<String> {
        match self.material {
            Material::Rsa { bits, .. } if bits < RSA_BITS_MIN => Some(format!("an RSA key of {bits} bits is too short")),
            _ => None,
        }
    }

    /// What is to be noted about a key that counts.
    pub(in crate::auth) fn note(&self) -> String {
        match self.material {
            Material::Rsa { bits, .. } if bits < RSA_BITS_WEAK => format!("{bits}-bit key"),
            _ => String::new(),
        }
    }

    #[cfg(test)]
    pub(in crate::auth) fn der(&self) -> &[u8] {
        match &self.material {
            Material::Rsa { der, .. } => der,
            Material::Ed25519(octets) => octets,
        }
    }
}

impl Material {
    fn read(kind: &str, octets: Vec<u8>, algorithm: Algorithm) -> Result<Material, NoKey> {
        let broken = |why: &str| no_key(DkimResult::PermError, why);
        match (kind, algorithm) {
            ("rsa", Algorithm::RsaSha256 | Algorithm::RsaSha1) => {
                let bits = rsa_bits(&octets).ok_or_else(|| broken("the key is not an RSA key"))?;
                match bits > RSA_BITS_MAX {
                    true => Err(broken("the RSA key is too long")),
                    false => Ok(Material::Rsa { der: octets, bits }),
                }
            }
            ("ed25519", Algorithm::Ed25519Sha256) if octets.len() == 32 => Ok(Material::Ed25519(octets)),
            ("ed25519", Algorithm::Ed25519Sha256) => Err(broken("the key is not an Ed25519 key")),
            _ => Err(broken("the key is of another kind than the signature")),
        }
    }
}

/// A colon-separated list holds one of these; a missing tag allows all.
fn lists(list: Option<&str>, wanted: &[&str]) -> bool {
    list.is_none_or(|list| list.split(':').any(|item| wanted.contains(&item.trim())))
}

/// Bits of the modulus, from `RSAPublicKey` (RFC 8017 A.1.1) or from the `SubjectPublicKeyInfo` around it (RFC 5280 §4.1).
fn rsa_bits(der: &[u8]) -> Option<usize> {
    let (inside, _) = der_value(der, SEQUENCE)?;
    let (modulus, _) = match der_value(inside, INTEGER) {
        Some(found) => found,
        None => {
            let (_, key) = der_value(inside, SEQUENCE)?;
            let (bit_string, _) = der_value(key, BIT_STRING)?;
            let (inside, _) = der_value(bit_string.split_first()?.1, SEQUENCE)?;
            der_value(inside, INTEGER)?
        }
    };
    let first = modulus.iter().position(|octet| *octet != 0)?;
    let significant = &modulus[first..];
    Some(significant.len() * 8 - significant[0].leading_zeros() as usize)
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// Content of the value at the front, and what follows it (X.690 §8.1).
fn der_value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(*length), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), &rest[2..]),
        _ => return None,
    };
    Some((rest.get(..length)?, &rest[length..]))
}
