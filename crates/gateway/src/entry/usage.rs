//! Counts how often an entry won or lost, in memory, and writes the counts every few seconds.
//!
//! On the mail path there is one look through what was considered; only mail that an entry spoke about takes the lock, for a few
//! additions. A crash loses [`FLUSH_EVERY`] of a statistic.

use super::sql;
use crate::policy::Decision;
use detect::Class;
use mail::OrgId;
use mail::id::EntryId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Db, Error};

/// Pairs of entry and class that wait to be written; further ones are not counted until the next flush.
const PENDING_MAX: usize = 50_000;
/// Pairs written in one transaction.
const BATCH_MAX: usize = 500;
const FLUSH_EVERY: Duration = Duration::from_secs(5);

/// What one entry did with mail of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    pub won: i64,
    pub lost: i64,
    /// Unix milliseconds; 0: never.
    pub last_ms: i64,
    pub won_ms: i64,
}

impl Count {
    fn add(&mut self, won: bool, now_ms: i64) {
        *(if won { &mut self.won } else { &mut self.lost }) += 1;
        self.last_ms = self.last_ms.max(now_ms);
        if won {
            self.won_ms = self.won_ms.max(now_ms);
        }
    }
}

/// Organisation, entry, and what the mail was.
pub(super) type Key = (OrgId, EntryId, Class);

/// The counts of one node that are not written yet; cheap to clone.
#[derive(Clone)]
pub struct Usage {
    db: Db,
    pending: Arc<Mutex<HashMap<Key, Count>>>,
}

impl Usage {
    /// Begins to write what is counted every few seconds, until the runtime ends. Call it inside one.
    pub fn start(db: Db) -> Usage {
        let usage = Usage { db, pending: Arc::default() };
        let writer = usage.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(FLUSH_EVERY).await;
                writer.flush().await;
            }
        });
        usage
    }

    /// Counts what was decided about one mail. Never waits for the database.
    pub fn note(&self, org: OrgId, decisions: &[Decision], now_ms: i64) {
        let spoke = decisions.iter().flat_map(|decision| &decision.considered);
        let mut spoke = spoke.filter_map(|one| Some(((org, one.entry?, one.over?), one.won))).peekable();
        if spoke.peek().is_none() {
            return;
        }
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, won) in spoke {
            add(&mut pending, key, (won, now_ms));
        }
    }

    /// Counts one connection that an entry for its address refused.
    pub fn refused(&self, org: OrgId, entry: i64, now_ms: i64) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        add(&mut pending, (org, EntryId(entry), Class::Clean), (true, now_ms));
    }

    /// Writes what waits; also before the database is closed.
    pub async fn flush(&self) {
        let waiting = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let mut waiting = waiting.into_iter();
        loop {
            let batch: Vec<(Key, Count)> = waiting.by_ref().take(BATCH_MAX).collect();
            if batch.is_empty() {
                return;
            }
            let written: Result<(), Error> = self.db.later(move |tx| Box::pin(async move { sql::count(tx, &batch).await })).await;
            if let Err(why) = written {
                tracing::warn!(%why, "what some allow and block entries did was not kept");
                return;
            }
        }
    }
}

fn add(pending: &mut HashMap<Key, Count>, key: Key, (won, now_ms): (bool, i64)) {
    let is_full = pending.len() >= PENDING_MAX;
    match pending.get_mut(&key) {
        Some(count) => count.add(won, now_ms),
        None if is_full => {}
        None => pending.entry(key).or_default().add(won, now_ms),
    }
}
