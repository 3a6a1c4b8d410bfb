//! Every statement of the overview: counting hours, reading the sums, and what waits right now.

use super::counting::{Counted, HOUR_MS, Sums};
use gateway::scope::OrgScope;
use gateway::trace::balance::Account;
use gateway::trace::{IS_REFUSAL, IS_REST};
use mail::{MailId, OrgId};
use std::collections::BTreeMap;
use store::{Error, Row, Tx, args};

/// Rows of sums read for one page: a month of hours of one organisation with all their names has fewer.
const SUMS_READ_MAX: usize = 200_000;
/// What waits is counted up to here; beyond it the page says "more than".
pub const WAITING_COUNTED_MAX: i64 = 100_000;

type Counts = Vec<(OrgId, String, i64)>;

fn counts(rows: &[Row]) -> Result<Counts, Error> {
    rows.iter().map(|row| Ok((OrgId(row.int(0)?), row.text(1)?.to_string(), row.int(2)?))).collect()
}

/// Takes or renews the lease; false when another server has it.
pub async fn take_lease(tx: &mut Tx, holder: i64, now_ms: i64, lease_ms: i64) -> Result<bool, Error> {
    let sql = "INSERT INTO hour_lease (one, holder, until_ms) VALUES (1, $1, $2) ON CONFLICT (one) DO UPDATE \
               SET holder = excluded.holder, until_ms = excluded.until_ms WHERE hour_lease.holder = excluded.holder OR hour_lease.until_ms < $3";
    Ok(tx.run(sql, args![holder, now_ms + lease_ms, now_ms]).await? > 0)
}

/// Hours from `oldest_ms` on that were counted.
pub async fn counted(tx: &mut Tx, oldest_ms: i64) -> Result<BTreeMap<i64, Counted>, Error> {
    let rows = tx.rows("SELECT hour_ms, at_ms, outcomes_open, took_ms FROM hour_counted WHERE hour_ms >= $1", args![oldest_ms]).await?;
    let one = |row: &Row| Ok((row.int(0)?, Counted { at_ms: row.int(1)?, outcomes_open: row.int(2)?, took_ms: row.int(3)? }));
    rows.iter().map(one).collect()
}

/// Mails by verdict.
pub async fn verdicts(tx: &mut Tx, from: MailId, under: MailId) -> Result<Counts, Error> {
    let sql = "SELECT org, verdict, count(*) FROM mail WHERE id >= $1 AND id < $2 GROUP BY org, verdict";
    counts(&tx.rows(sql, args![from.0, under.0]).await?)
}

/// Recipients by state.
pub async fn outcomes(tx: &mut Tx, from: MailId, under: MailId) -> Result<Counts, Error> {
    let sql = "SELECT org, state, count(*) FROM recipient WHERE mail >= $1 AND mail < $2 GROUP BY org, state";
    counts(&tx.rows(sql, args![from.0, under.0]).await?)
}

/// What was turned away, by step.
pub async fn refused(tx: &mut Tx, from: MailId, under: MailId) -> Result<Counts, Error> {
    let sql = format!(
        "SELECT org, kind, count(*) FROM event WHERE {IS_REFUSAL} AND id >= $1 AND id < $2 AND kind <> 'not-recorded' GROUP BY org, kind"
    );
    counts(&tx.rows(&sql, args![from.0, under.0]).await?)
}

/// What people reported: 'good' about mail that had been found unwanted, 'missed' about mail that had not.
pub async fn reports(tx: &mut Tx, from: MailId, under: MailId) -> Result<Counts, Error> {
    let sql = "SELECT r.org, CASE WHEN r.label = 'ham' THEN 'good' ELSE 'missed' END, count(*) FROM report r JOIN mail m ON m.id = r.mail \
               WHERE r.id >= $1 AND r.id < $2 AND ((r.label = 'ham' AND m.verdict <> 'clean') OR (r.label <> 'ham' AND m.verdict = 'clean')) \
               GROUP BY 1, 2";
    counts(&tx.rows(sql, args![from.0, under.0]).await?)
}

/// Receipts of mail that was not found clean, oldest first.
pub async fn receipts(tx: &mut Tx, from: MailId, under: MailId, limit: usize) -> Result<Vec<(MailId, OrgId, String)>, Error> {
    let sql = "SELECT id, org, receipt FROM mail WHERE id >= $1 AND id < $2 AND verdict <> 'clean' ORDER BY id LIMIT $3";
    let rows = tx.rows(sql, args![from.0, under.0, limit]).await?;
    rows.iter().map(|row| Ok((MailId(row.int(0)?), OrgId(row.int(1)?), row.text(2)?.to_string()))).collect()
}

/// The organisation under which the sums of all together stand; -1 is mail of our own (`gateway::scope::OURS`).
pub const ALL: OrgId = OrgId(-2);

/// Writes the sums of an hour in place of those before: all, or those of one kind.
pub async fn replace(tx: &mut Tx, hour_ms: i64, kind: Option<&str>, sums: &Sums, counted: Counted) -> Result<(), Error> {
    match kind {
        Some(kind) => tx.run("DELETE FROM hour_sum WHERE hour_ms = $1 AND kind = $2", args![hour_ms, kind]).await?,
        None => tx.run("DELETE FROM hour_sum WHERE hour_ms = $1", args![hour_ms]).await?,
    };
    for ((org, kind, name), count) in sums {
        let sql = "INSERT INTO hour_sum (org, hour_ms, kind, name, count) VALUES ($1, $2, $3, $4, $5)";
        tx.run(sql, args![org.0, hour_ms, *kind, name.as_str(), *count]).await?;
    }
    if kind.is_none() {
        add_up_reasons(tx, day_of(hour_ms)).await?;
    }
    let sql = "INSERT INTO hour_counted (hour_ms, at_ms, outcomes_open, took_ms) VALUES ($1, $2, $3, $4) ON CONFLICT (hour_ms) DO UPDATE \
               SET at_ms = excluded.at_ms, outcomes_open = excluded.outcomes_open, took_ms = excluded.took_ms";
    tx.run(sql, args![hour_ms, counted.at_ms, counted.outcomes_open, counted.took_ms]).await.map(drop)
}

const DAY_MS: i64 = 24 * HOUR_MS;

/// The day of UTC that a moment belongs to.
fn day_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(DAY_MS) * DAY_MS
}

/// The reasons of a day, from those of its hours.
async fn add_up_reasons(tx: &mut Tx, day_ms: i64) -> Result<(), Error> {
    tx.run("DELETE FROM day_reason WHERE day_ms = $1", args![day_ms]).await?;
    let sql = "INSERT INTO day_reason (org, day_ms, name, count) SELECT org, CAST($1 AS BIGINT), name, CAST(sum(count) AS BIGINT) FROM hour_sum \
               WHERE hour_ms >= $1 AND hour_ms < $2 AND kind = 'reason' GROUP BY org, name";
    tx.run(sql, args![day_ms, day_ms + DAY_MS]).await.map(drop)
}

pub async fn forget_before(tx: &mut Tx, oldest_ms: i64) -> Result<(), Error> {
    tx.run("DELETE FROM hour_sum WHERE hour_ms < $1", args![oldest_ms]).await?;
    tx.run("DELETE FROM day_reason WHERE day_ms < $1", args![day_of(oldest_ms)]).await?;
    tx.run("DELETE FROM hour_counted WHERE hour_ms < $1", args![oldest_ms]).await.map(drop)
}

/// One sum as the page reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// Beginning of the step.
    pub begin_ms: i64,
    pub kind: String,
    pub name: String,
    pub count: i64,
}

/// Sums of each step from its beginning to the next one's, under the step's beginning; those of the reasons only as totals, under the
/// first. Added up by the database: a month has tens of thousands of them.
pub async fn sums(tx: &mut Tx, scope: OrgScope, begins: &[i64]) -> Result<Vec<Sum>, Error> {
    let Some(since_ms) = begins.first().copied() else { return Ok(Vec::new()) };
    let org = match scope {
        OrgScope::One(org) => org,
        OrgScope::All => ALL,
    };
    let ends = begins.iter().skip(1).copied().chain([i64::MAX]);
    let steps: Vec<String> =
        begins.iter().zip(ends).map(|(begin, end)| format!("(CAST({begin} AS BIGINT), CAST({end} AS BIGINT))")).collect();
    let sql = format!(
        "WITH step (begin_ms, end_ms) AS (VALUES {}) SELECT s.begin_ms, h.kind, h.name, CAST(sum(h.count) AS BIGINT) FROM step s \
         JOIN hour_sum h ON h.org = $1 AND h.kind IN ('verdict', 'outcome', 'refused', 'report') \
         AND h.hour_ms >= s.begin_ms AND h.hour_ms < s.end_ms GROUP BY s.begin_ms, h.kind, h.name LIMIT {SUMS_READ_MAX}",
        steps.join(", ")
    );
    let mut rows = tx.rows(&sql, args![org.0]).await?;
    // Whole days from their sums, the hours before the first of them from theirs.
    let first_day_ms = day_of(since_ms + DAY_MS - 1);
    let sql = format!(
        "SELECT CAST($1 AS BIGINT), 'reason', name, CAST(sum(count) AS BIGINT) FROM \
         (SELECT name, count FROM day_reason WHERE org = $2 AND day_ms >= $3 UNION ALL \
         SELECT name, count FROM hour_sum WHERE org = $2 AND kind = 'reason' AND hour_ms >= $1 AND hour_ms < $3) reasons \
         GROUP BY name LIMIT {SUMS_READ_MAX}"
    );
    rows.extend(tx.rows(&sql, args![since_ms, org.0, first_day_ms]).await?);
    let one =
        |row: &Row| Ok(Sum { begin_ms: row.int(0)?, kind: row.text(1)?.to_string(), name: row.text(2)?.to_string(), count: row.int(3)? });
    rows.iter().map(one).collect()
}

/// When the hours from `since_ms` on were counted: the newest count, and how many of them were counted at all.
pub async fn freshness(tx: &mut Tx, since_ms: i64) -> Result<(Option<i64>, i64), Error> {
    let row = tx.row("SELECT max(at_ms), count(*) FROM hour_counted WHERE hour_ms >= $1", args![since_ms]).await?;
    row.map_or(Ok((None, 0)), |row| Ok((row.int_opt(0)?, row.int(1)?)))
}

/// Recipients in this state, at most [`WAITING_COUNTED_MAX`].
pub async fn waiting(tx: &mut Tx, scope: OrgScope, state: State) -> Result<i64, Error> {
    let mut values = Vec::new();
    let whose = scope.condition("org", &mut values);
    let state = state.condition();
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM recipient r WHERE {state} AND {whose} LIMIT {WAITING_COUNTED_MAX}) counted");
    tx.row(&sql, values).await?.map_or(Ok(0), |row| row.int(0))
}

/// States of recipients with an index of their own; the condition has to be the index's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Held,
    Queued,
}

impl State {
    fn condition(self) -> String {
        match self {
            State::Held => format!("{IS_REST} AND r.state = 'held'"),
            State::Queued => "r.state = 'queued'".into(),
        }
    }
}

/// Entries that end between these moments.
pub async fn entries_ending(tx: &mut Tx, scope: OrgScope, from_ms: i64, until_ms: i64) -> Result<i64, Error> {
    let mut values = args![from_ms, until_ms];
    let whose = scope.condition("org", &mut values);
    let sql = format!("SELECT count(*) FROM list_entry WHERE expires_ms >= $1 AND expires_ms < $2 AND {whose}");
    tx.row(&sql, values).await?.map_or(Ok(0), |row| row.int(0))
}

/// One balance as it was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Taken {
    /// When, Unix milliseconds.
    pub at_ms: i64,
    /// Mail received from here on and before there was added up.
    pub since_ms: i64,
    pub until_ms: i64,
    pub accepted: u64,
    pub delivered: u64,
    pub bounced: u64,
    pub held: u64,
    pub queued: u64,
    pub deleted: u64,
    pub expired: u64,
    /// Mails that do not add up; only known for all organisations together.
    pub problems: i64,
}

const TAKEN: &str = "at_ms, since_ms, until_ms, accepted, delivered, bounced, held, queued, deleted, expired, problems";

pub async fn keep_balance(tx: &mut Tx, org: OrgId, at_ms: i64, span: (i64, i64), (account, problems): (Account, u64)) -> Result<(), Error> {
    tx.run("DELETE FROM balance_taken WHERE org = $1", args![org.0]).await?;
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let sql = "INSERT INTO balance_taken (org, at_ms, since_ms, until_ms, accepted, delivered, bounced, held, queued, deleted, expired, \
               problems) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let mut values = args![org.0, at_ms, span.0, span.1];
    let Account { accepted, delivered, bounced, held, queued, deleted, expired } = account;
    values.extend([accepted, delivered, bounced, held, queued, deleted, expired, problems].map(|count| number(count).into()));
    tx.run(sql, values).await.map(drop)
}

/// The last balance of this scope; of an organisation that had no mail then, an empty one.
pub async fn balance(tx: &mut Tx, scope: OrgScope) -> Result<Option<Taken>, Error> {
    let Some(all) = balance_of(tx, OrgId(0)).await? else { return Ok(None) };
    let OrgScope::One(org) = scope else { return Ok(Some(all)) };
    let own = balance_of(tx, org).await?.filter(|own| own.at_ms == all.at_ms);
    let empty = Taken { accepted: 0, delivered: 0, bounced: 0, held: 0, queued: 0, deleted: 0, expired: 0, problems: 0, ..all };
    Ok(Some(own.unwrap_or(empty)))
}

async fn balance_of(tx: &mut Tx, org: OrgId) -> Result<Option<Taken>, Error> {
    let Some(row) = tx.row(&format!("SELECT {TAKEN} FROM balance_taken WHERE org = $1"), args![org.0]).await? else { return Ok(None) };
    let count = |at: usize| row.int(at).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(Some(Taken {
        at_ms: row.int(0)?,
        since_ms: row.int(1)?,
        until_ms: row.int(2)?,
        accepted: count(3)?,
        delivered: count(4)?,
        bounced: count(5)?,
        held: count(6)?,
        queued: count(7)?,
        deleted: count(8)?,
        expired: count(9)?,
        problems: row.int(10)?,
    }))
}
