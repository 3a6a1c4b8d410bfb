//! Every statement on directories and their runs.

use super::plan::Allowed;
use super::settings::SourceSettings;
use super::{Counts, Outcome, Run, Source, State};
use gateway::dkim::Seal;
use gateway::scope::OrgScope;
use mail::OrgId;
use store::{Error, Row, Tx, args};

/// Directories of one organisation.
pub const SOURCES_MAX: i64 = 20;
/// Runs of one directory that are kept.
pub const RUNS_KEPT: i64 = 100;
const PENDING_MAX: i64 = 1_000_000;

const COLUMNS: &str = "id, org, name, settings, state, state_ms, mark, whole_ms, seen_ms, next_ms, failures, lease_ms";

fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|why| Error::Shape(why.to_string()))
}

/// What the password of a directory is sealed for.
fn context(id: i64) -> String {
    format!("directory {id}")
}

/// As stored: the password stays sealed until [`opened`].
fn source(row: &Row) -> Result<Source, Error> {
    Ok(Source {
        id: row.int(0)?,
        org: OrgId(row.int(1)?),
        name: row.text(2)?.into(),
        settings: serde_json::from_str(row.text(3)?).map_err(|why| Error::Shape(format!("a directory: {why}")))?,
        state: State::named(row.text(4)?),
        state_ms: row.int(5)?,
        mark: row.text(6)?.into(),
        whole_ms: row.int(7)?,
        seen_ms: row.int(8)?,
        next_ms: row.int(9)?,
        failures: row.int(10)?,
        lease_ms: row.int(11)?,
    })
}

/// The settings with the password in the clear; `None`: it was sealed with another key.
pub fn opened(source: &Source, seal: &Seal) -> Option<SourceSettings> {
    let password = seal.reveal(&source.settings.password, &context(source.id)).ok()?;
    Some(SourceSettings { password, ..source.settings.clone() })
}

fn sealed(id: i64, settings: &SourceSettings, seal: &Seal) -> Result<String, Error> {
    json(&SourceSettings { password: seal.keep(&settings.password, &context(id))?, ..settings.clone() })
}

pub async fn list(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Source>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {COLUMNS} FROM directory_source WHERE {whose} ORDER BY name, id LIMIT 1000");
    tx.rows(&sql, args).await?.iter().map(source).collect()
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: i64) -> Result<Option<Source>, Error> {
    let mut args = args![id];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {COLUMNS} FROM directory_source WHERE id = $1 AND {whose}");
    tx.row(&sql, args).await?.as_ref().map(source).transpose()
}

/// Whether another directory of the organisation has this name.
pub async fn is_taken(tx: &mut Tx, org: OrgId, name: &str, but: i64) -> Result<bool, Error> {
    let sql = "SELECT id FROM directory_source WHERE org = $1 AND name = $2 AND id <> $3";
    Ok(tx.row(sql, args![org.0, name, but]).await?.is_some())
}

/// Adds one; false when there are as many as there may be.
pub async fn insert(tx: &mut Tx, made: (i64, OrgId, &str), settings: &SourceSettings, seal: &Seal, now_ms: i64) -> Result<bool, Error> {
    let (id, org, name) = made;
    let count = tx.row("SELECT COUNT(*) FROM directory_source WHERE org = $1", args![org.0]).await?.map_or(Ok(0), |row| row.int(0))?;
    if count >= SOURCES_MAX {
        return Ok(false);
    }
    tx.run(
        "INSERT INTO directory_source (id, org, name, settings, state, state_ms, mark, whole_ms, seen_ms, next_ms, lease_ms, failures) \
         VALUES ($1, $2, $3, $4, 'new', $5, '', 0, 0, $5, 0, 0)",
        args![id, org.0, name, sealed(id, settings, seal)?, now_ms],
    )
    .await?;
    Ok(true)
}

/// Other settings: everything is read anew, at once.
pub async fn change(
    tx: &mut Tx,
    source: &Source,
    name: &str,
    settings: &SourceSettings,
    (seal, now_ms): (&Seal, i64),
) -> Result<(), Error> {
    let text = sealed(source.id, settings, seal)?;
    let sql = "UPDATE directory_source SET name = $1, settings = $2, mark = '', next_ms = $3, failures = 0 WHERE id = $4 AND org = $5";
    tx.run(sql, args![name, text, now_ms, source.id, source.org.0]).await.map(drop)
}

/// The directory is looked after no more. Its recipients and groups stay, as made on a page.
pub async fn remove(tx: &mut Tx, source: &Source) -> Result<(), Error> {
    let owner = source.owner();
    for statement in [
        "UPDATE known_recipient SET source = 'page' WHERE source = $1 AND org = $2",
        "UPDATE directory_group SET source = 'page', external = '' WHERE source = $1 AND org = $2",
    ] {
        tx.run(statement, args![owner.as_str(), source.org.0]).await?;
    }
    for statement in [
        "DELETE FROM directory_pending WHERE source = $1",
        "DELETE FROM directory_run WHERE source = $1",
        "DELETE FROM directory_source WHERE id = $1",
    ] {
        tx.run(statement, args![source.id]).await?;
    }
    Ok(())
}

/// Directories that are due and that no run has; from now on the caller's.
pub async fn take_due(tx: &mut Tx, now_ms: i64, limit: usize) -> Result<Vec<Source>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM directory_source WHERE next_ms <= $1 AND lease_ms <= $1 ORDER BY next_ms LIMIT $2{}",
        tx.skip_locked()
    );
    let mut due = Vec::new();
    for row in tx.rows(&sql, args![now_ms, limit]).await? {
        let source = source(&row)?;
        if source.settings.is_on {
            tx.run("UPDATE directory_source SET lease_ms = $1 WHERE id = $2", args![source.lease_ms(now_ms), source.id]).await?;
            due.push(source);
        } else {
            // Switched off: it is asked again when its settings change.
            tx.run("UPDATE directory_source SET next_ms = $1 WHERE id = $2", args![i64::MAX, source.id]).await?;
        }
    }
    Ok(due)
}

/// Whether a look would find one.
pub async fn is_any_due(tx: &mut Tx, now_ms: i64) -> Result<bool, Error> {
    let sql = "SELECT id FROM directory_source WHERE next_ms <= $1 AND lease_ms <= $1 LIMIT 1";
    Ok(tx.row(sql, args![now_ms]).await?.is_some())
}

/// Whether this run has it now.
pub async fn take(tx: &mut Tx, id: i64, now_ms: i64, lease_ms: i64) -> Result<bool, Error> {
    let sql = "UPDATE directory_source SET lease_ms = $1 WHERE id = $2 AND lease_ms <= $3";
    Ok(tx.run(sql, args![lease_ms, id, now_ms]).await? == 1)
}

/// What a run leaves behind.
#[derive(Debug, Clone)]
pub struct After {
    pub state: State,
    pub state_ms: i64,
    pub mark: String,
    pub whole_ms: i64,
    pub seen_ms: i64,
    pub next_ms: i64,
    pub failures: i64,
}

/// The run is over.
pub async fn settle(tx: &mut Tx, id: i64, after: &After) -> Result<(), Error> {
    tx.run(
        "UPDATE directory_source SET state = $1, state_ms = $2, mark = $3, whole_ms = $4, seen_ms = $5, next_ms = $6, failures = $7, \
         lease_ms = 0 WHERE id = $8",
        args![after.state.name(), after.state_ms, after.mark.as_str(), after.whole_ms, after.seen_ms, after.next_ms, after.failures, id],
    )
    .await
    .map(drop)
}

/// Another state; due at once.
pub async fn put_state(tx: &mut Tx, id: i64, state: State, now_ms: i64) -> Result<(), Error> {
    let sql = "UPDATE directory_source SET state = $1, state_ms = $2, mark = '', next_ms = $2 WHERE id = $3";
    tx.run(sql, args![state.name(), now_ms, id]).await.map(drop)
}

pub async fn put_run(tx: &mut Tx, run: &Run) -> Result<(), Error> {
    let error = run.error.as_ref().map(json).transpose()?.unwrap_or_default();
    tx.run(
        "INSERT INTO directory_run (id, org, source, made_ms, took_ms, outcome, counts, error) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        args![run.id, run.org.0, run.source, run.made_ms, run.took_ms, run.outcome.name(), json(&run.counts)?, error],
    )
    .await?;
    let sql = "SELECT id FROM directory_run WHERE source = $1 ORDER BY id DESC LIMIT 1 OFFSET $2";
    if let Some(row) = tx.row(sql, args![run.source, RUNS_KEPT - 1]).await? {
        tx.run("DELETE FROM directory_run WHERE source = $1 AND id < $2", args![run.source, row.int(0)?]).await?;
    }
    Ok(())
}

/// The last runs of a directory, newest first.
pub async fn runs(tx: &mut Tx, source: i64, limit: i64) -> Result<Vec<Run>, Error> {
    let sql =
        "SELECT id, org, source, made_ms, took_ms, outcome, counts, error FROM directory_run WHERE source = $1 ORDER BY id DESC LIMIT $2";
    let run = |row: &Row| {
        let error = row.text(7)?;
        Ok(Run {
            id: row.int(0)?,
            org: OrgId(row.int(1)?),
            source: row.int(2)?,
            made_ms: row.int(3)?,
            took_ms: row.int(4)?,
            outcome: Outcome::named(row.text(5)?),
            counts: serde_json::from_str::<Counts>(row.text(6)?).unwrap_or_default(),
            error: serde_json::from_str(error).ok(),
        })
    };
    tx.rows(sql, args![source, limit]).await?.iter().map(run).collect()
}

/// Replaces what a person is asked about.
pub async fn put_pending(tx: &mut Tx, source: &Source, rows: Vec<(&'static str, String)>) -> Result<(), Error> {
    tx.run("DELETE FROM directory_pending WHERE source = $1", args![source.id]).await?;
    let sql = "INSERT INTO directory_pending (source, org, kind, what) VALUES ($1, $2, $3, $4) ON CONFLICT (source, kind, what) DO NOTHING";
    let statements = rows.into_iter().map(|(kind, what)| (sql, args![source.id, source.org.0, kind, what])).collect();
    tx.run_all(statements).await
}

/// What a person is asked about: kind and what, in order.
pub async fn pending(tx: &mut Tx, source: i64, limit: i64) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT kind, what FROM directory_pending WHERE source = $1 ORDER BY kind DESC, what LIMIT $2";
    tx.rows(sql, args![source, limit]).await?.iter().map(|row| Ok((row.text(0)?.to_string(), row.text(1)?.to_string()))).collect()
}

/// How many lines a person is asked about, and how many of them are recipients.
pub async fn pending_count(tx: &mut Tx, source: i64) -> Result<(usize, usize), Error> {
    let sql = "SELECT COUNT(*), COALESCE(SUM(CASE WHEN kind = 'recipient' THEN 1 ELSE 0 END), 0) FROM directory_pending WHERE source = $1";
    let Some(row) = tx.row(sql, args![source]).await? else { return Ok((0, 0)) };
    let count = |at| row.int(at).map(|count| usize::try_from(count).unwrap_or(0));
    Ok((count(0)?, count(1)?))
}

/// What somebody approved, when they did.
pub async fn allowed(tx: &mut Tx, source: &Source) -> Result<Allowed, Error> {
    let mut allowed = Allowed::default();
    if source.state == State::Approved {
        for (kind, what) in pending(tx, source.id, PENDING_MAX).await? {
            match kind.as_str() {
                "recipient" => drop(allowed.recipients.insert(what)),
                "group" => drop(allowed.groups.insert(what)),
                _ => allowed.members = what.parse().unwrap_or(0),
            }
        }
    }
    Ok(allowed)
}

/// Directories that wait for somebody, or that could not be read for a while.
pub async fn in_need(tx: &mut Tx, scope: OrgScope, failing_before_ms: i64) -> Result<Vec<Source>, Error> {
    let mut args = args![failing_before_ms];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT {COLUMNS} FROM directory_source WHERE (state = 'waiting' OR state = 'failing' AND state_ms <= $1) AND {whose} \
         ORDER BY state_ms DESC LIMIT 100"
    );
    tx.rows(&sql, args).await?.iter().map(source).collect()
}

/// Since when what administrators were last told of stood so; 0: they never were.
pub async fn told_ms(tx: &mut Tx, org: OrgId, subject: &str) -> Result<i64, Error> {
    let row = tx.row("SELECT at_ms FROM directory_told WHERE org = $1 AND subject = $2", args![org.0, subject]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Administrators are being told; 0 when somebody did that meanwhile.
pub async fn note_told(tx: &mut Tx, org: OrgId, subject: &str, at_ms: i64) -> Result<u64, Error> {
    let sql = "INSERT INTO directory_told (org, subject, at_ms) VALUES ($1, $2, $3) ON CONFLICT (org, subject) DO UPDATE \
               SET at_ms = excluded.at_ms WHERE directory_told.at_ms < excluded.at_ms";
    tx.run(sql, args![org.0, subject, at_ms]).await
}
