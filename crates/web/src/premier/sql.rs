//! Every statement on hours of advice, health checks and their findings, and figures of months.

use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::{AdvisoryId, CheckupId};
use serde::Serialize;
use store::{Error, Row, Tx, args};
use utoipa::ToSchema;

/// Blocks and uses of one organisation that are read; the latest.
pub const LEDGER_MAX: usize = 1_000;
pub const CHECKS_MAX: usize = 50;
pub const FINDINGS_MAX: usize = 1_000;
/// What was begun longer ago was broken off.
const BROKEN_OFF_MS: i64 = 60 * 60 * 1000;

/// Hours that were bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub id: AdvisoryId,
    pub minutes: i64,
    pub from_ms: i64,
    pub until_ms: i64,
    pub what: String,
    pub by_whom: String,
}

/// Hours that were used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub id: AdvisoryId,
    pub day_ms: i64,
    pub minutes: i64,
    pub what: String,
    pub whom: String,
    pub by_whom: String,
}

pub async fn blocks(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Block>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT id, minutes, from_ms, until_ms, what, by_whom FROM advisory_block WHERE {whose} ORDER BY id DESC LIMIT {LEDGER_MAX}"
    );
    let read = |row: &Row| {
        Ok(Block {
            id: AdvisoryId(row.int(0)?),
            minutes: row.int(1)?,
            from_ms: row.int(2)?,
            until_ms: row.int(3)?,
            what: row.text(4)?.into(),
            by_whom: row.text(5)?.into(),
        })
    };
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

pub async fn add_block(tx: &mut Tx, org: OrgId, one: &Block, now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO advisory_block (id, org, minutes, from_ms, until_ms, what, by_whom, made_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![one.id.0, org.0, one.minutes, one.from_ms, one.until_ms, one.what.as_str(), one.by_whom.as_str(), now_ms],
    )
    .await
    .map(|_| ())
}

pub async fn uses(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Use>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT id, day_ms, minutes, what, whom, by_whom FROM advisory_entry WHERE {whose} ORDER BY day_ms DESC, id DESC LIMIT {LEDGER_MAX}"
    );
    let read = |row: &Row| {
        Ok(Use {
            id: AdvisoryId(row.int(0)?),
            day_ms: row.int(1)?,
            minutes: row.int(2)?,
            what: row.text(3)?.into(),
            whom: row.text(4)?.into(),
            by_whom: row.text(5)?.into(),
        })
    };
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

pub async fn add_use(tx: &mut Tx, org: OrgId, one: &Use) -> Result<(), Error> {
    tx.run(
        "INSERT INTO advisory_entry (id, org, minutes, what, whom, by_whom, day_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![one.id.0, org.0, one.minutes, one.what.as_str(), one.whom.as_str(), one.by_whom.as_str(), one.day_ms],
    )
    .await
    .map(|_| ())
}

/// Takes a use back that was noted by mistake; false when there is none.
pub async fn drop_use(tx: &mut Tx, org: OrgId, id: AdvisoryId) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM advisory_entry WHERE id = $1 AND org = $2", args![id.0, org.0]).await? == 1)
}

/// A health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkup {
    pub id: CheckupId,
    pub org: OrgId,
    pub due_ms: i64,
    /// 0: once.
    pub every_days: i64,
    /// "planned", "running", "done" or "cancelled".
    pub state: String,
    pub domains: i64,
    pub findings: i64,
    /// 0: not yet.
    pub done_ms: i64,
    pub by_whom: String,
}

const CHECKUP: &str = "SELECT id, org, due_ms, every_days, state, domains, findings, done_ms, by_whom FROM premier_check";

fn checkup(row: &Row) -> Result<Checkup, Error> {
    Ok(Checkup {
        id: CheckupId(row.int(0)?),
        org: OrgId(row.int(1)?),
        due_ms: row.int(2)?,
        every_days: row.int(3)?,
        state: row.text(4)?.into(),
        domains: row.int(5)?,
        findings: row.int(6)?,
        done_ms: row.int(7)?,
        by_whom: row.text(8)?.into(),
    })
}

/// Health checks, those to come first, then the latest.
pub async fn checkups(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Checkup>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("{CHECKUP} WHERE {whose} ORDER BY due_ms DESC, id DESC LIMIT {CHECKS_MAX}");
    tx.rows(&sql, args).await?.iter().map(checkup).collect()
}

pub async fn plan(tx: &mut Tx, one: &Checkup, now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO premier_check (id, org, due_ms, every_days, state, domains, findings, done_ms, by_whom, made_ms) \
         VALUES ($1, $2, $3, $4, 'planned', 0, 0, 0, $5, $6)",
        args![one.id.0, one.org.0, one.due_ms, one.every_days, one.by_whom.as_str(), now_ms],
    )
    .await
    .map(|_| ())
}

/// False when it is not planned any more.
pub async fn cancel(tx: &mut Tx, org: OrgId, id: CheckupId) -> Result<bool, Error> {
    let sql = "UPDATE premier_check SET state = 'cancelled' WHERE id = $1 AND org = $2 AND state = 'planned'";
    Ok(tx.run(sql, args![id.0, org.0]).await? == 1)
}

/// Takes checks of all organisations whose moment has come, for the job; another server gets none of them.
pub async fn take_due(tx: &mut Tx, now_ms: i64, most: usize) -> Result<Vec<Checkup>, Error> {
    let sql = format!(
        "{CHECKUP} WHERE (state = 'planned' AND due_ms <= $1) OR (state = 'running' AND done_ms <= $2) ORDER BY due_ms LIMIT {most}{}",
        tx.skip_locked()
    );
    let due: Vec<Checkup> = tx.rows(&sql, args![now_ms, now_ms - BROKEN_OFF_MS]).await?.iter().map(checkup).collect::<Result<_, _>>()?;
    for one in &due {
        tx.run("UPDATE premier_check SET state = 'running', done_ms = $1 WHERE id = $2", args![now_ms, one.id.0]).await?;
    }
    Ok(due)
}

pub async fn done(tx: &mut Tx, one: &Checkup, (domains, findings): (i64, i64), now_ms: i64) -> Result<(), Error> {
    tx.run(
        "UPDATE premier_check SET state = 'done', domains = $1, findings = $2, done_ms = $3 WHERE id = $4 AND org = $5",
        args![domains, findings, now_ms, one.id.0, one.org.0],
    )
    .await
    .map(|_| ())
}

/// Something a health check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PremierFinding)]
pub struct Finding {
    /// A domain.
    pub subject: String,
    /// A check, such as "domain.spf".
    pub kind: String,
    /// "advice" or "problem".
    pub result: String,
    /// "open", "fixed" or "accepted".
    pub state: String,
    /// Why it is accepted.
    pub words: String,
    pub first_ms: i64,
    /// When it was seen last, or found to be gone.
    pub last_ms: i64,
    pub settled_by: String,
}

/// Open ones first.
pub async fn findings(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Finding>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT subject, kind, result, state, words, first_ms, last_ms, settled_by FROM premier_finding WHERE {whose} \
         ORDER BY CASE state WHEN 'open' THEN 0 WHEN 'accepted' THEN 1 ELSE 2 END, last_ms DESC, subject, kind LIMIT {FINDINGS_MAX}"
    );
    let read = |row: &Row| {
        Ok(Finding {
            subject: row.text(0)?.into(),
            kind: row.text(1)?.into(),
            result: row.text(2)?.into(),
            state: row.text(3)?.into(),
            words: row.text(4)?.into(),
            first_ms: row.int(5)?,
            last_ms: row.int(6)?,
            settled_by: row.text(7)?.into(),
        })
    };
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

/// It is there: a new one, one that is back, or one that is known. What was accepted stays so.
pub async fn seen(tx: &mut Tx, org: OrgId, (subject, kind, result): (&str, &str, &str), now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO premier_finding (org, subject, kind, result, state, words, first_ms, last_ms, settled_by) \
         VALUES ($1, $2, $3, $4, 'open', '', $5, $5, '') ON CONFLICT (org, subject, kind) DO UPDATE SET result = excluded.result, \
         last_ms = excluded.last_ms, state = CASE WHEN premier_finding.state = 'accepted' THEN 'accepted' ELSE 'open' END",
        args![org.0, subject, kind, result, now_ms],
    )
    .await
    .map(|_| ())
}

/// It is gone.
pub async fn fixed(tx: &mut Tx, org: OrgId, (subject, kind): (&str, &str), now_ms: i64) -> Result<(), Error> {
    tx.run(
        "UPDATE premier_finding SET state = 'fixed', last_ms = $1, settled_by = '' WHERE org = $2 AND subject = $3 AND kind = $4 AND state <> 'fixed'",
        args![now_ms, org.0, subject, kind],
    )
    .await
    .map(|_| ())
}

/// Somebody of the organisation accepts it as it is, or takes that back; false when there is none like it.
pub async fn decide(
    tx: &mut Tx,
    org: OrgId,
    (subject, kind): (&str, &str),
    (state, words, who): (&str, &str, &str),
) -> Result<bool, Error> {
    let sql = "UPDATE premier_finding SET state = $1, words = $2, settled_by = $3 WHERE org = $4 AND subject = $5 AND kind = $6 AND state <> 'fixed'";
    Ok(tx.run(sql, args![state, words, who, org.0, subject, kind]).await? == 1)
}

/// Sums of hours within a span (Unix milliseconds): kind ("verdict", "report"), name, count.
pub async fn sums(tx: &mut Tx, org: OrgId, (from_ms, until_ms): (i64, i64)) -> Result<Vec<(String, String, i64)>, Error> {
    let sql = "SELECT kind, name, CAST(SUM(count) AS BIGINT) FROM hour_sum WHERE org = $1 AND kind IN ('verdict', 'report') \
               AND hour_ms >= $2 AND hour_ms < $3 GROUP BY kind, name ORDER BY kind, name LIMIT 100";
    let rows = tx.rows(sql, args![org.0, from_ms, until_ms]).await?;
    rows.iter().map(|row| Ok((row.text(0)?.to_string(), row.text(1)?.to_string(), row.int(2)?))).collect()
}

pub async fn month(tx: &mut Tx, scope: OrgScope, month_ms: i64) -> Result<Option<String>, Error> {
    let mut args = args![month_ms];
    let whose = scope.condition("org", &mut args);
    let found = tx.row(&format!("SELECT figures FROM premier_month WHERE month_ms = $1 AND {whose} LIMIT 1"), args).await?;
    found.map(|row| row.text(0).map(str::to_string)).transpose()
}

pub async fn put_month(tx: &mut Tx, org: OrgId, (month_ms, figures): (i64, &str), now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO premier_month (org, month_ms, figures, at_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (org, month_ms) DO UPDATE SET figures = excluded.figures, at_ms = excluded.at_ms",
        args![org.0, month_ms, figures, now_ms],
    )
    .await
    .map(|_| ())
}
