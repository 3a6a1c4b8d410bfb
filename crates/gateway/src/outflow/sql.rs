//! Every statement on `sender_hour` and `restricted_sender`.

use super::{Counts, Reason, Restricted};
use crate::queue::Statement;
use crate::scope::OrgScope;
use mail::OrgId;
use store::{Error, Row, Tx, args};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(super) fn count(org: OrgId, sender: &str, hour: i64, counts: Counts) -> Statement {
    (
        "INSERT INTO sender_hour (org, sender, hour, outside, inside, junk) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (org, sender, hour) DO UPDATE SET outside = sender_hour.outside + excluded.outside, \
         inside = sender_hour.inside + excluded.inside, junk = sender_hour.junk + excluded.junk",
        args![org.0, sender, hour, counts.outside, counts.inside, counts.junk],
    )
}

/// What each sender has sent since an hour: `(org, sender, hour, counts)`.
pub(super) async fn counts(tx: &mut Tx, since_hour: i64, rows_max: usize) -> Result<Vec<(OrgId, String, i64, Counts)>, Error> {
    let sql = "SELECT org, sender, hour, outside, inside, junk FROM sender_hour WHERE hour >= $1 ORDER BY outside + inside DESC LIMIT $2";
    let read = |row: &Row| {
        let counts = Counts { outside: row.int(3)?, inside: row.int(4)?, junk: row.int(5)? };
        Ok((OrgId(row.int(0)?), row.text(1)?.to_string(), row.int(2)?, counts))
    };
    tx.rows(sql, args![since_hour, rows_max]).await?.iter().map(read).collect()
}

pub async fn forget(tx: &mut Tx, before_hour: i64, now_ms: i64) -> Result<u64, Error> {
    let sql = "DELETE FROM restricted_sender WHERE until_ms > 0 AND until_ms < $1 AND since_ms < $2";
    tx.run(sql, args![now_ms, now_ms - DAY_MS]).await?;
    tx.run("DELETE FROM sender_hour WHERE hour < $1", args![before_hour]).await
}

/// Restricts a sender; 0 when it is already. One whose time is over begins anew; one that is only told of ([`super::ONLY_TOLD_MS`]) is told
/// once a day.
pub async fn restrict(tx: &mut Tx, one: &Restricted) -> Result<u64, Error> {
    tx.run(
        "INSERT INTO restricted_sender (org, sender, since_ms, until_ms, reason, detail, told) VALUES ($1, $2, $3, $4, $5, $6, 0) \
         ON CONFLICT (org, sender) DO UPDATE SET since_ms = excluded.since_ms, until_ms = excluded.until_ms, reason = excluded.reason, \
         detail = excluded.detail, told = 0 WHERE restricted_sender.until_ms > 0 AND restricted_sender.until_ms <= excluded.since_ms \
         AND (excluded.until_ms <> 1 OR restricted_sender.since_ms < $7)",
        args![one.org.0, one.sender.as_str(), one.since_ms, one.until_ms, one.reason.name(), one.detail.as_str(), one.since_ms - DAY_MS],
    )
    .await
}

/// Those who are restricted now, the last first.
pub async fn restricted(tx: &mut Tx, scope: OrgScope, now_ms: i64, rows_max: usize) -> Result<Vec<Restricted>, Error> {
    let mut args = args![now_ms];
    let whose = scope.condition("org", &mut args);
    args.push(rows_max.into());
    let sql = format!(
        "SELECT org, sender, since_ms, until_ms, reason, detail FROM restricted_sender \
         WHERE (until_ms = 0 OR until_ms > $1) AND {whose} ORDER BY since_ms DESC, sender LIMIT ${}",
        args.len()
    );
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

/// Those who are restricted now, and those who were only told of within a day.
pub async fn rung(tx: &mut Tx, scope: OrgScope, now_ms: i64, rows_max: usize) -> Result<Vec<Restricted>, Error> {
    let mut args = args![now_ms, super::ONLY_TOLD_MS, now_ms - DAY_MS];
    let whose = scope.condition("org", &mut args);
    args.push(rows_max.into());
    let sql = format!(
        "SELECT org, sender, since_ms, until_ms, reason, detail FROM restricted_sender \
         WHERE (until_ms = 0 OR until_ms > $1 OR until_ms = $2 AND since_ms > $3) AND {whose} ORDER BY since_ms DESC, sender LIMIT ${}",
        args.len()
    );
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

/// One who is restricted now.
pub async fn one(tx: &mut Tx, scope: OrgScope, sender: &str, now_ms: i64) -> Result<Option<Restricted>, Error> {
    let mut args = args![now_ms, sender];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT org, sender, since_ms, until_ms, reason, detail FROM restricted_sender \
         WHERE (until_ms = 0 OR until_ms > $1) AND sender = $2 AND {whose} ORDER BY org LIMIT 1"
    );
    tx.row(&sql, args).await?.as_ref().map(read).transpose()
}

/// Lets a sender send again, and begins its counts anew; 0 when it is not restricted.
pub async fn release(tx: &mut Tx, org: OrgId, sender: &str) -> Result<u64, Error> {
    tx.run("DELETE FROM sender_hour WHERE org = $1 AND sender = $2", args![org.0, sender]).await?;
    tx.run("DELETE FROM restricted_sender WHERE org = $1 AND sender = $2", args![org.0, sender]).await
}

/// Those nobody was told of yet; they count as told from now on.
pub async fn untold(tx: &mut Tx, rows_max: usize) -> Result<Vec<Restricted>, Error> {
    let sql = "UPDATE restricted_sender SET told = 1 WHERE (org, sender) IN (SELECT org, sender FROM restricted_sender WHERE told = 0 LIMIT $1) \
               RETURNING org, sender, since_ms, until_ms, reason, detail";
    tx.rows(sql, args![rows_max]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Restricted, Error> {
    Ok(Restricted {
        org: OrgId(row.int(0)?),
        sender: row.text(1)?.to_string(),
        since_ms: row.int(2)?,
        until_ms: row.int(3)?,
        reason: Reason::read(row.text(4)?),
        detail: row.text(5)?.to_string(),
    })
}
