//! DKIM keys of domains: made here, published by whoever keeps the zone, used by the mail path, replaced with an overlap.
//!
//! In: a domain. Out: keys in states made → published → active → retiring → retired. Invariant: a private key is in the database only
//! sealed ([`seal`]), is never shown, and is gone once its key is retired; a key signs only after its record was seen in DNS; the record
//! of a key that signed stays due until mail signed with it cannot be on its way any more ([`OVERLAP_MS`]).
//! Not here: signing itself (`mail::auth`), looking into DNS for people (`web::diagnostics`).

pub mod rotate;
pub mod seal;
pub mod sql;
#[cfg(test)]
mod tests;

pub use seal::{Seal, SealError};

use mail::OrgId;
use mail::auth::{KeyError, KeyKind, NewKey};
use serde::{Deserialize, Serialize};

/// How long the record of a key stays due after it last signed: mail waits in queues for five days (RFC 5321 §4.5.4.1), and readers
/// check later still.
pub const OVERLAP_MS: i64 = 8 * 24 * 60 * 60 * 1000;
/// Keys of one domain that are not retired.
pub const KEYS_MAX: usize = 8;

/// Where a key stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Its record is to be published.
    Made,
    /// Its record was seen in DNS.
    Published,
    /// Signs.
    Active,
    /// Signs no more; its record must stay.
    Retiring,
    /// Its record may go; the private key is gone.
    Retired,
}

impl KeyState {
    pub fn name(self) -> &'static str {
        match self {
            KeyState::Made => "made",
            KeyState::Published => "published",
            KeyState::Active => "active",
            KeyState::Retiring => "retiring",
            KeyState::Retired => "retired",
        }
    }

    pub fn named(name: &str) -> Option<KeyState> {
        use KeyState::{Active, Made, Published, Retired, Retiring};
        [Made, Published, Active, Retiring, Retired].into_iter().find(|state| state.name() == name)
    }
}

/// One key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainKey {
    pub id: i64,
    pub org: OrgId,
    pub domain: String,
    pub selector: String,
    /// "rsa" or "ed25519".
    pub kind: String,
    pub state: KeyState,
    /// Text of the TXT record at `selector._domainkey.domain`.
    pub record: String,
    /// The private key, sealed; empty once retired.
    pub sealed: String,
    pub made_ms: i64,
    /// Since when it is in this state.
    pub state_ms: i64,
    /// A successor is made when it was active for so many days; 0: never by itself.
    pub rotate_days: i64,
}

impl DomainKey {
    /// Where its record stands.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }
}

/// What a new key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub org: OrgId,
    pub domain: String,
    pub kind: KeyKind,
    pub rotate_days: i64,
}

/// Identifiers begin with 42 bits of Unix milliseconds (`mail::id`).
const ID_TIME_SHIFT: u32 = 21;

/// Makes a key. The selector is made of the month and the whole identifier, so that no two are alike and people see its age.
///
/// # Errors
/// The random source gave nothing.
pub fn make(wish: &Wish, seal: &Seal, id: i64, now_ms: i64) -> Result<DomainKey, KeyError> {
    let fresh = NewKey::generate(wish.kind)?;
    let kind = if wish.kind == KeyKind::Ed25519 { "ed25519" } else { "rsa" };
    let month = jiff::Timestamp::from_millisecond(now_ms).map(|at| at.strftime("%Y%m").to_string()).unwrap_or_default();
    // The time in the identifier tells keys of one month apart; what stands below it is the same for most of them.
    let (made, count) = ((id >> ID_TIME_SHIFT) & 0xfff_ffff, id & ((1 << ID_TIME_SHIFT) - 1));
    let selector = format!("gp{month}{}{made:x}-{count:x}", if kind == "rsa" { "r" } else { "e" });
    let sealed = seal.close(&fresh.private_pem, &context(&wish.domain, &selector))?;
    Ok(DomainKey {
        id,
        org: wish.org,
        domain: wish.domain.clone(),
        selector,
        kind: kind.into(),
        state: KeyState::Made,
        record: fresh.record,
        sealed,
        made_ms: now_ms,
        state_ms: now_ms,
        rotate_days: wish.rotate_days,
    })
}

/// A sealed key opens only for the domain and selector it was made for: rows cannot be swapped.
pub fn context(domain: &str, selector: &str) -> String {
    format!("dkim {selector} {domain}")
}

/// Whether a record in DNS publishes this key: the same `p=`, whatever else it says (RFC 6376 §3.6.1).
pub fn publishes(seen: &str, record: &str) -> bool {
    let public = |text: &str| {
        let tag = text.split(';').find_map(|tag| tag.trim().strip_prefix("p=").map(str::to_string));
        tag.map(|value| value.chars().filter(|c| !c.is_whitespace()).collect::<String>()).filter(|value| !value.is_empty())
    };
    public(seen).is_some() && public(seen) == public(record)
}
