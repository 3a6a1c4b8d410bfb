//! Who signs a mail that goes out: the keys of the domain in From, else the key that the organisation's settings name.
//!
//! In: a mail of an organisation. Out: DKIM-Signature fields, one a key. Invariant: a domain's key signs only mail that says it is from
//! that domain or one below it, sent for the organisation the domain belongs to. A key that cannot be used is reported and skipped: the
//! mail goes out.

use crate::directory::Directory;
use crate::dkim::{DomainKey, Seal, context};
use mail::auth::{Sealer, Signer};
use mail::{Mail, OrgId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Keys kept ready. When more are in use, all are read again.
const READY_MAX: usize = 10_000;
/// Labels above the domain in From that are tried.
const LABELS_MAX: usize = 10;

/// Keys that are ready to sign. `None`: cannot be used, as was reported.
#[derive(Default)]
pub struct Signers {
    /// Keys of the settings, by organisation; read again after a restart.
    by_org: Mutex<HashMap<OrgId, Option<Arc<Signer>>>>,
    by_key: Mutex<HashMap<i64, Option<Arc<Signer>>>>,
    sealers: Mutex<HashMap<i64, Option<Arc<Sealer>>>>,
}

impl Signers {
    /// Who signs this mail, each for a field of its own; nobody where there are no keys.
    pub fn of(&self, directory: &Directory, seal: &Seal, org: OrgId, mail: Mail<'_>) -> Vec<Arc<Signer>> {
        let author = mail.message.from.address().map(|author| author.domain());
        let mut signers: Vec<Arc<Signer>> = Vec::new();
        if let Some(keys) = author.and_then(|domain| keys_of(directory, org, domain)) {
            signers.extend(keys.iter().filter_map(|key| self.of_key(seal, key)));
        }
        if signers.is_empty() {
            signers.extend(self.of_settings(directory, org));
        }
        signers
    }

    /// Who adds our ARC set (RFC 8617) to mail for `domain` that is changed or sent on here: its RSA key, which all verifiers know.
    pub fn sealer(&self, directory: &Directory, seal: &Seal, domain: &str, authserv_id: &str) -> Option<Arc<Sealer>> {
        let org = directory.domain_named(domain)?.org;
        let keys = keys_of(directory, org, domain)?;
        let key = keys.iter().find(|key| key.kind == "rsa").or(keys.first())?;
        let mut ready = self.sealers.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        let made = || {
            let pem = seal.open(&key.sealed, &context(&key.domain, &key.selector))?;
            Sealer::new(&key.domain, &key.selector, &pem, authserv_id).ok().map(Arc::new)
        };
        ready.entry(key.id).or_insert_with(made).clone()
    }

    fn of_key(&self, seal: &Seal, key: &DomainKey) -> Option<Arc<Signer>> {
        let mut ready = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if ready.len() >= READY_MAX {
            ready.clear();
        }
        ready.entry(key.id).or_insert_with(|| open(seal, key)).clone()
    }

    fn of_settings(&self, directory: &Directory, org: OrgId) -> Option<Arc<Signer>> {
        let mut ready = self.by_org.lock().unwrap_or_else(PoisonError::into_inner);
        ready.entry(org).or_insert_with(|| read(directory, org)).clone()
    }
}

/// DKIM-Signature fields of the keys of `domain` for a message of our own, such as a report; "" where it has none.
pub fn signed(directory: &Directory, seal: &Seal, (org, domain): (OrgId, &str), (raw, now_ms): (&[u8], i64)) -> String {
    let keys = keys_of(directory, org, domain).unwrap_or_default();
    keys.iter().filter_map(|key| open(seal, key)).map(|signer| signer.sign_at(raw, now_ms)).collect()
}

/// Keys of the domain in From, or of the nearest domain above it, of this organisation.
fn keys_of<'a>(directory: &'a Directory, org: OrgId, author: &str) -> Option<&'a [Arc<DomainKey>]> {
    let names = std::iter::successors(Some(author), |name| name.split_once('.').map(|(_, above)| above)).take(LABELS_MAX);
    let is_ours = |name: &&str| directory.domains.get(*name).is_some_and(|domain| domain.org == org);
    let keys = |name: &str| directory.keys.get(name).filter(|keys| keys.iter().all(|key| key.org == org));
    names.filter(is_ours).find_map(keys).map(Vec::as_slice)
}

/// Signatures for mail of our own from this domain, one a key; '' when it has none.
pub fn sign_as(directory: &Directory, seal: &Seal, domain: &str, octets: &[u8], now_ms: i64) -> String {
    let Some(org) = directory.domains.get(domain).map(|domain| domain.org) else { return String::new() };
    let keys = keys_of(directory, org, domain).unwrap_or_default();
    keys.iter().filter_map(|key| open(seal, key)).map(|signer| signer.sign_at(octets, now_ms)).collect()
}

fn open(seal: &Seal, key: &DomainKey) -> Option<Arc<Signer>> {
    let pem = seal.open(&key.sealed, &context(&key.domain, &key.selector));
    let signer = pem.and_then(|pem| Signer::new(&key.domain, &key.selector, &pem).ok());
    if signer.is_none() {
        tracing::error!(domain = %key.domain, selector = %key.selector, "mail is not signed with this key: it cannot be opened with this installation's seal");
    }
    signer.map(Arc::new)
}

fn read(directory: &Directory, org: OrgId) -> Option<Arc<Signer>> {
    let settings = &directory.organisation(org)?.settings;
    if settings.dkim_selector.is_empty() {
        return None;
    }
    let domain = directory.domains.values().filter(|domain| domain.org == org).map(|domain| &domain.name).min()?;
    let key = std::fs::read_to_string(&settings.dkim_key).map_err(|why| why.to_string());
    match key.and_then(|key| Signer::new(domain, &settings.dkim_selector, &key).map_err(|why| why.to_string())) {
        Ok(signer) => Some(Arc::new(signer)),
        Err(why) => {
            tracing::error!(key = %settings.dkim_key, %why, "mail goes out unsigned: the DKIM key cannot be used");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::{Domain, DomainSettings};
    use crate::dkim::{KeyState, Wish, make};
    use mail::auth::KeyKind;
    use mail::{Envelope, Message, Peer};

    fn directory(seal: &Seal) -> Directory {
        let mut directory = Directory::default();
        for (n, (name, org)) in [("a.example", 1), ("b.example", 2)].into_iter().enumerate() {
            let domain = Domain { name: name.into(), org: OrgId(org), settings: DomainSettings::default() };
            directory.domains.insert(name.into(), domain);
            for (at, kind) in [KeyKind::Ed25519, KeyKind::Rsa2048].into_iter().enumerate() {
                let wish = Wish { org: OrgId(org), domain: name.into(), kind, rotate_days: 0 };
                let key = make(&wish, seal, (n * 2 + at + 1) as i64, 0).expect("made");
                directory.keys.entry(name.into()).or_default().push(Arc::new(DomainKey { state: KeyState::Active, ..key }));
            }
        }
        directory
    }

    #[test]
    fn a_domain_signs_its_own_mail_and_nobody_elses() {
        let seal = Seal::new(&[1; 32]).expect("a key");
        let (directory, signers) = (directory(&seal), Signers::default());
        let (peer, envelope) = (Peer::at([127, 0, 0, 1].into()), Envelope::empty());
        for (from, org, want, why) in [
            ("x@a.example", 1, 2, "both keys of its domain"),
            ("x@sub.a.example", 1, 2, "a domain below"),
            ("x@b.example", 1, 0, "another organisation's domain"),
            ("x@b.example", 2, 2, "its owner"),
            ("x@elsewhere.example", 1, 0, "nobody here"),
        ] {
            let raw = format!("From: {from}\r\nSubject: hi\r\n\r\ntext\r\n");
            let message = Message::parse(raw.into_bytes().into(), &Default::default());
            let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: 0 };
            let who = signers.of(&directory, &seal, OrgId(org), mail);
            let fields: String = who.iter().map(|signer| signer.sign_at(mail.message.raw(), mail.now_ms)).collect();
            assert_eq!(fields.matches("DKIM-Signature:").count(), want, "{why}");
        }
        let other = Seal::new(&[2; 32]).expect("a key");
        assert!(open(&other, &directory.keys["a.example"][0]).is_none(), "a key of another installation's seal does not sign");
    }
}
