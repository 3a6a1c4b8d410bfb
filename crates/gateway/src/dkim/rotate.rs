//! Rotation by time: one round looks at every key and takes the step that is due. Run hourly, and after somebody asked for a check.
//!
//! A successor is made before its predecessor is too old; once its record is seen it signs; the predecessor's record stays due for
//! [`OVERLAP_MS`], then its private key is destroyed. No step is taken on a guess: DNS that does not answer changes nothing.

use super::{DomainKey, KeyState, OVERLAP_MS, Seal, Wish, make, publishes, sql};
use mail::auth::KeyKind;
use mail::dns::{Dns, Record, RecordType};
use mail::id::IdMaker;
use store::{Db, Error};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What a round did, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    pub made: usize,
    pub published: usize,
    pub activated: usize,
    pub retired: usize,
}

/// One round over all domains.
pub async fn round(db: &Db, seal: &Seal, dns: &dyn Dns, ids: &IdMaker, now_ms: i64) -> Result<Round, Error> {
    let keys = db.read(|tx| Box::pin(async move { sql::open(tx).await })).await?;
    let mut done = Round::default();
    for key in &keys {
        match key.state {
            KeyState::Made if is_published(key, dns).await => {
                done.published += 1;
                let succeeds = keys.iter().any(|other| other.state == KeyState::Active && is_before(other, key));
                done.activated += usize::from(succeeds);
                publish(db, key.clone(), succeeds, now_ms).await?;
            }
            KeyState::Active if is_due(key, &keys, now_ms) => {
                let kind = if key.kind == "ed25519" { KeyKind::Ed25519 } else { KeyKind::Rsa2048 };
                let wish = Wish { org: key.org, domain: key.domain.clone(), kind, rotate_days: key.rotate_days };
                let Ok(fresh) = make(&wish, seal, ids.next(now_ms), now_ms) else { continue }; // the next round tries again
                db.tx(move |tx| Box::pin(async move { sql::insert(tx, &fresh).await })).await?;
                done.made += 1;
            }
            KeyState::Retiring if now_ms - key.state_ms >= OVERLAP_MS => {
                let key = key.clone();
                db.tx(move |tx| Box::pin(async move { sql::change(tx, &key, KeyState::Retired, now_ms).await })).await?;
                done.retired += 1;
            }
            _ => {}
        }
    }
    Ok(done)
}

/// A published successor of a key that signs takes over at once: that is what was asked for when rotation was switched on.
async fn publish(db: &Db, key: DomainKey, takes_over: bool, now_ms: i64) -> Result<(), Error> {
    db.tx(move |tx| {
        Box::pin(async move {
            if sql::change(tx, &key, KeyState::Published, now_ms).await? && takes_over {
                let key = DomainKey { state: KeyState::Published, ..key };
                sql::activate(tx, &key, now_ms).await?;
                crate::directory::sql::bump(tx).await?;
            }
            Ok(())
        })
    })
    .await
}

/// The record of the key can be seen in DNS. What cannot be known is no.
pub async fn is_published(key: &DomainKey, dns: &dyn Dns) -> bool {
    let Ok(records) = dns.lookup(&key.record_name(), RecordType::Txt).await else { return false };
    records.iter().any(|record| match record {
        Record::Txt(text) => publishes(&String::from_utf8_lossy(text), &key.record),
        _ => false,
    })
}

fn is_before(old: &DomainKey, new: &DomainKey) -> bool {
    old.org == new.org && old.domain == new.domain && old.kind == new.kind && old.id < new.id && old.rotate_days > 0
}

/// Old enough, and nobody made a successor yet.
fn is_due(key: &DomainKey, keys: &[DomainKey], now_ms: i64) -> bool {
    let has_successor = keys.iter().any(|other| {
        other.org == key.org && other.domain == key.domain && other.kind == key.kind && other.id > key.id && other.state != KeyState::Retiring
    });
    key.rotate_days > 0 && !has_successor && now_ms - key.state_ms >= key.rotate_days * DAY_MS
}
