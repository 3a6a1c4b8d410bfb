//! What an organisation received from whom before: per address, authenticated domain, signer and author.
//!
//! In: who stands behind a mail ([`Behind`]), and afterwards what the mail was. Out: [`Known`], whose findings the verdict weighs
//! beside all others. Invariants: looking never holds up mail (a time limit, then "not known"); a mail's own verdict is noted
//! without what reputation added to it, so that no opinion feeds on itself; memory is bounded. Nothing is kept of mail by
//! strangers who could not be authenticated but their address. Not here: lists in DNS (`intake::lists`).

mod behind;
mod correspondents;
mod known;
mod rate;
mod sql;
#[cfg(test)]
mod tests;
mod thread;

pub use behind::{Behind, Kind};
pub use known::{Known, Standing};
pub use rate::Rates;
pub use thread::Threads;

use correspondents::Written;
use detect::impersonation::correspondent::Correspondents;
use mail::OrgId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Db, Error};

/// Names kept in memory.
const CACHE_MAX: u64 = 100_000;
/// Another node's notes are seen after this long.
const CACHE_AGE: Duration = Duration::from_secs(600);
/// Names that wait to be written; notes about further ones are dropped until the next flush.
const PENDING_MAX: usize = 50_000;
/// Names written in one transaction.
const BATCH_MAX: usize = 500;
/// How often what waits is written. A crash loses this much of a statistic.
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// The database is asked no longer than this for one mail.
const LOOK_MAX: Duration = Duration::from_millis(250);
/// Rows nothing was heard of for so long are forgotten.
pub const FORGET_AFTER_MS: i64 = 180 * 24 * 60 * 60 * 1_000;

/// One name in one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    org: OrgId,
    kind: Kind,
    name: Arc<str>,
}

/// What a mail turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Good,
    Bad,
}

/// The memory of one node; cheap to clone.
#[derive(Clone)]
pub struct Reputation {
    db: Db,
    cache: moka::sync::Cache<Key, Standing>,
    pending: Arc<Mutex<HashMap<Key, Standing>>>,
    written: Written,
}

impl Reputation {
    /// Begins to write what is noted every few seconds, until the runtime ends. Call it inside one.
    pub fn start(db: Db) -> Reputation {
        let cache = moka::sync::Cache::builder().max_capacity(CACHE_MAX).time_to_live(CACHE_AGE).build();
        let reputation = Reputation { written: Written::follow(db.clone()), db, cache, pending: Arc::default() };
        let writer = reputation.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(FLUSH_EVERY).await;
                writer.flush().await;
            }
        });
        reputation
    }

    /// What is known of those behind a mail. Never fails: what the database does not say in time is not known.
    pub async fn look(&self, org: OrgId, behind: &Behind, now_ms: i64) -> Known {
        let keys: Vec<Key> = behind.names().chain(behind.word()).map(|(kind, name)| Key { org, kind, name: name.into() }).collect();
        let found: Vec<Option<Standing>> = keys.iter().map(|key| self.cache.get(key)).collect();
        let missing: Vec<Key> = keys.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(key, _)| key.clone()).collect();
        let mut read = match missing.is_empty() {
            true => Some(HashMap::new()),
            false => tokio::time::timeout(LOOK_MAX, self.read(missing)).await.ok().flatten(),
        };
        let is_complete = read.is_some();
        let standings = keys.into_iter().zip(found).filter_map(|(key, found)| {
            let standing = found.or_else(|| read.as_mut().and_then(|read| read.remove(&key)))?;
            Some((key.kind, key.name, standing.at(now_ms)))
        });
        Known { standings: standings.collect(), is_complete }
    }

    /// Reads from the table and keeps the answers in memory, those about names it does not know as well.
    async fn read(&self, keys: Vec<Key>) -> Option<HashMap<Key, Standing>> {
        let asked = keys.clone();
        let rows: Result<Vec<(Key, Standing)>, Error> = self.db.read(move |tx| Box::pin(async move { sql::find(tx, &asked).await })).await;
        let rows = rows.inspect_err(|why| tracing::warn!(%why, "reputation cannot be read; mail is judged without it")).ok()?;
        let mut found: HashMap<Key, Standing> = rows.into_iter().collect();
        for key in keys {
            let standing = *found.entry(key.clone()).or_default();
            self.cache.insert(key, standing);
        }
        Some(found)
    }

    /// Notes what a mail was; `times` is 1 for a verdict and more for the word of a person. Never waits.
    pub fn note(&self, org: OrgId, behind: &Behind, outcome: Outcome, (times, now_ms): (f64, i64)) {
        self.keep(org, behind.names(), Standing::noted(outcome, times, now_ms));
    }

    /// Notes what a person called a mail: a complaint is `Bad`. Never waits.
    pub fn note_word(&self, org: OrgId, behind: &Behind, outcome: Outcome, now_ms: i64) {
        self.keep(org, behind.word().into_iter(), Standing::noted(outcome, 1.0, now_ms));
    }

    /// Notes the domains an outgoing mail was written to. Never waits.
    pub fn note_written<'a>(&self, org: OrgId, domains: impl Iterator<Item = &'a str>, now_ms: i64) {
        self.keep(org, domains.map(|domain| (Kind::Correspondent, domain)), Standing::noted(Outcome::Good, 1.0, now_ms));
    }

    /// Whom this organisation writes to, as of a few minutes ago; `None` while nobody is known.
    pub fn correspondents(&self, org: OrgId) -> Option<Arc<Correspondents>> {
        self.written.of(org)
    }

    fn keep<'a>(&self, org: OrgId, names: impl Iterator<Item = (Kind, &'a str)>, note: Standing) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for (kind, name) in names {
            let key = Key { org, kind, name: name.into() };
            if let Some(known) = self.cache.get(&key) {
                self.cache.insert(key.clone(), known.and(note));
            }
            let is_full = pending.len() >= PENDING_MAX;
            match pending.get_mut(&key) {
                Some(waiting) => *waiting = waiting.and(note),
                None if is_full => {}
                None => drop(pending.insert(key, note)),
            }
        }
    }

    /// Writes what waits; also before the database is closed.
    pub async fn flush(&self) {
        let waiting = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let mut waiting = waiting.into_iter();
        loop {
            let batch: Vec<(Key, Standing)> = waiting.by_ref().take(BATCH_MAX).collect();
            if batch.is_empty() {
                return;
            }
            let written: Result<(), Error> = self.db.later(move |tx| Box::pin(async move { sql::add(tx, &batch).await })).await;
            if let Err(why) = written {
                tracing::warn!(%why, "some notes about senders were not kept");
                return;
            }
        }
    }
}

/// Forgets names nothing was heard of for [`FORGET_AFTER_MS`]. For a job.
pub async fn expire(db: &Db, now_ms: i64) -> Result<u64, Error> {
    db.tx(move |tx| Box::pin(async move { sql::forget(tx, now_ms - FORGET_AFTER_MS).await })).await
}
