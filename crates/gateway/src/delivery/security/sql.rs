//! Every statement of delivery security: policies kept, outcomes counted, reports sent.

use super::outcome::Key;
use crate::queue::Statement;
use store::{Error, Row, Tx, args};

/// A policy as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub id: String,
    /// As it was served; '' when it could never be fetched.
    pub policy: String,
    pub fetched_ms: i64,
    pub until_ms: i64,
    /// When the last fetch failed; 0: it did not.
    pub failed_ms: i64,
    /// It failed because what was served is no policy.
    pub is_invalid: bool,
}

pub async fn policy(tx: &mut Tx, domain: &str) -> Result<Option<Kept>, Error> {
    let sql = "SELECT id, policy, fetched_ms, until_ms, failed_ms, invalid FROM sts_policy WHERE domain = $1";
    let Some(row) = tx.row(sql, args![domain]).await? else { return Ok(None) };
    Ok(Some(Kept {
        id: row.text(0)?.to_string(),
        policy: row.text(1)?.to_string(),
        fetched_ms: row.int(2)?,
        until_ms: row.int(3)?,
        failed_ms: row.int(4)?,
        is_invalid: row.int(5)? != 0,
    }))
}

pub async fn put_policy(tx: &mut Tx, domain: &str, kept: &Kept) -> Result<u64, Error> {
    tx.run(
        "INSERT INTO sts_policy (domain, id, policy, fetched_ms, until_ms, failed_ms, invalid) VALUES ($1, $2, $3, $4, $5, 0, 0) \
         ON CONFLICT (domain) DO UPDATE SET id = excluded.id, policy = excluded.policy, fetched_ms = excluded.fetched_ms, \
         until_ms = excluded.until_ms, failed_ms = 0, invalid = 0",
        args![domain, kept.id.as_str(), kept.policy.as_str(), kept.fetched_ms, kept.until_ms],
    )
    .await
}

/// Notes that a fetch failed; a policy that is kept stays.
pub async fn policy_failed(tx: &mut Tx, domain: &str, now_ms: i64, is_invalid: bool) -> Result<u64, Error> {
    tx.run(
        "INSERT INTO sts_policy (domain, id, policy, fetched_ms, until_ms, failed_ms, invalid) VALUES ($1, '', '', 0, 0, $2, $3) \
         ON CONFLICT (domain) DO UPDATE SET failed_ms = excluded.failed_ms, invalid = excluded.invalid",
        args![domain, now_ms, i64::from(is_invalid)],
    )
    .await
}

/// Forgets policies that ended and failures that are old.
pub async fn forget_policies(tx: &mut Tx, ended_ms: i64) -> Result<u64, Error> {
    tx.run("DELETE FROM sts_policy WHERE until_ms < $1 AND failed_ms < $1", args![ended_ms]).await
}

pub(super) fn count(key: &Key, sessions: i64, lines: &str) -> Statement {
    (
        "INSERT INTO tls_outcome (day, domain, policy, mx, ip, failure, sessions, lines) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (day, domain, policy, mx, ip, failure) DO UPDATE SET sessions = tls_outcome.sessions + excluded.sessions, \
         lines = excluded.lines",
        args![
            key.day,
            key.domain.as_str(),
            key.policy.name(),
            key.mx.as_str(),
            key.ip.as_str(),
            key.failure.map_or("", |failure| failure.name()),
            sessions,
            lines
        ],
    )
}

/// One line of what was counted of a domain on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    pub policy: String,
    pub mx: String,
    pub ip: String,
    /// '' for successes.
    pub failure: String,
    pub sessions: i64,
    pub lines: String,
}

/// Days and domains before `day` that were not reported yet, oldest first.
pub async fn unreported(tx: &mut Tx, day: i64, rows_max: usize) -> Result<Vec<(i64, String)>, Error> {
    let sql = "SELECT DISTINCT day, domain FROM tls_outcome WHERE day < $1 ORDER BY day, domain LIMIT $2";
    tx.rows(sql, args![day, rows_max]).await?.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_string()))).collect()
}

pub async fn counted(tx: &mut Tx, day: i64, domain: &str, rows_max: usize) -> Result<Vec<Counted>, Error> {
    let sql = "SELECT policy, mx, ip, failure, sessions, lines FROM tls_outcome WHERE day = $1 AND domain = $2 \
               ORDER BY policy, failure, sessions DESC LIMIT $3";
    let read = |row: &Row| {
        let text = |at: usize| row.text(at).map(str::to_string);
        Ok(Counted { policy: text(0)?, mx: text(1)?, ip: text(2)?, failure: text(3)?, sessions: row.int(4)?, lines: text(5)? })
    };
    tx.rows(sql, args![day, domain, rows_max]).await?.iter().map(read).collect()
}

/// Takes the counts of a domain on a day away; 0 when another server has done so.
pub async fn take_away(tx: &mut Tx, day: i64, domain: &str) -> Result<u64, Error> {
    tx.run("DELETE FROM tls_outcome WHERE day = $1 AND domain = $2", args![day, domain]).await
}
