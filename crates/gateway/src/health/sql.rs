//! Every statement on signals and measured states.

use super::{Engine, Evidence, QueueOf, Sample, Service, State, Status};
use crate::scope::OURS;
use crate::signal::Target;
use crate::trace;
use mail::MailId;
use std::collections::BTreeMap;
use std::ops::Range;
use store::{Error, Row, Tx, args};

/// Ways out that one look at the queue tells apart.
const QUEUES_MAX: usize = 5_000;
/// Nodes of one installation.
const NODES_MAX: usize = 64;
/// Changes read at once.
const CHANGES_MAX: usize = 20_000;
/// Probes forgotten at once.
const PROBES_FORGOTTEN_MAX: usize = 100;
/// How long minutes are kept, and changes of states.
const MINUTES_KEPT_MS: i64 = 3 * 24 * 60 * 60 * 1000;
const CHANGES_KEPT_MS: i64 = 400 * 24 * 60 * 60 * 1000;

fn shape(why: &serde_json::Error) -> Error {
    Error::Shape(format!("health as JSON: {why}"))
}

/// Keeps a node's sample as its last, and for its minute.
pub async fn put_sample(tx: &mut Tx, sample: &Sample) -> Result<(), Error> {
    let text = serde_json::to_string(sample).map_err(|why| shape(&why))?;
    let minute_ms = sample.at_ms - sample.at_ms.rem_euclid(60_000);
    let mut statements = vec![(
        "INSERT INTO signal_now (node, at_ms, sample) VALUES ($1, $2, $3) \
         ON CONFLICT (node) DO UPDATE SET at_ms = excluded.at_ms, sample = excluded.sample",
        args![i64::from(sample.node), sample.at_ms, text],
    )];
    const MINUTE: &str = "INSERT INTO signal_minute (minute_ms, node, org, target, seen) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (minute_ms, node, org, target) DO UPDATE SET seen = excluded.seen";
    let own = serde_json::json!({ "counters": sample.counters, "gauges": sample.gauges, "timers": sample.timers, "facts": sample.facts });
    statements.push((MINUTE, args![minute_ms, i64::from(sample.node), 0, "", own.to_string()]));
    // Greetings alone are not written: a connector without mail would fill a row a minute.
    let is_used = |target: &&Target| target.delivered + target.refused + target.deferred + target.unreached > 0;
    for target in sample.targets.iter().filter(is_used) {
        let seen = serde_json::to_string(target).map_err(|why| shape(&why))?;
        statements.push((MINUTE, args![minute_ms, i64::from(sample.node), target.org, target.connector.as_str(), seen]));
    }
    tx.run_all(statements).await
}

/// The last sample of every node.
pub async fn samples(tx: &mut Tx) -> Result<Vec<Sample>, Error> {
    let rows = tx.rows("SELECT sample FROM signal_now ORDER BY at_ms DESC LIMIT $1", args![NODES_MAX]).await?;
    // What a newer version wrote is left out rather than stopping all.
    Ok(rows.iter().filter_map(|row| serde_json::from_str(row.text(0).ok()?).ok()).collect())
}

/// Minutes of the whole service since then, oldest first: begin, node, what was seen.
pub async fn minutes(tx: &mut Tx, org: i64, target: &str, since_ms: i64, rows_max: usize) -> Result<Vec<(i64, String)>, Error> {
    let sql = "SELECT minute_ms, seen FROM signal_minute WHERE minute_ms >= $1 AND org = $2 AND target = $3 ORDER BY minute_ms LIMIT $4";
    let rows = tx.rows(sql, args![since_ms, org, target, rows_max]).await?;
    rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?.to_string()))).collect()
}

/// What waits, by organisation and way out.
pub async fn queues(tx: &mut Tx) -> Result<Vec<QueueOf>, Error> {
    let sql = "SELECT org, route, count(*), min(CASE WHEN tries > 0 THEN mail ELSE NULL END) FROM recipient WHERE state = 'queued' \
               AND org >= 0 GROUP BY org, route LIMIT $1";
    let rows = tx.rows(sql, args![QUEUES_MAX]).await?;
    let queue = |row: &Row| {
        let oldest = row.int_opt(3)?.map(|mail| trace::time_of(MailId(mail)));
        Ok(QueueOf { org: row.int(0)?, connector: row.text(1)?.to_string(), waiting: row.int(2)?, oldest_ms: oldest })
    };
    rows.iter().map(queue).collect()
}

/// Takes or keeps the task of judging for this node; `None` while it is another's.
pub async fn lease(tx: &mut Tx, node: u8, now_ms: i64, until_ms: i64) -> Result<Option<Engine>, Error> {
    let sql = "UPDATE health_engine SET node = $1, lease_ms = $2 WHERE one = 1 AND (node = $1 OR lease_ms < $3)";
    if tx.run(sql, args![i64::from(node), until_ms, now_ms]).await? == 0 {
        return Ok(None);
    }
    let row = tx.row("SELECT engine FROM health_engine WHERE one = 1", args![]).await?;
    // What cannot be read is begun anew: what is wrong is still wrong, and is seen again.
    Ok(Some(row.and_then(|row| serde_json::from_str(row.text(0).ok()?).ok()).unwrap_or_default()))
}

pub async fn put_engine(tx: &mut Tx, engine: &Engine) -> Result<(), Error> {
    let text = serde_json::to_string(engine).map_err(|why| shape(&why))?;
    tx.run("UPDATE health_engine SET engine = $1 WHERE one = 1", args![text]).await.map(drop)
}

/// Writes the states down, and what changed as changes; returns whether anything did.
pub async fn put_states(
    tx: &mut Tx,
    states: &BTreeMap<(i64, Service), State>,
    now_ms: i64,
    fresh: impl Fn() -> i64,
) -> Result<bool, Error> {
    let was = all_states(tx).await?;
    let mut statements = Vec::new();
    const CHANGED: &str = "INSERT INTO health_change (id, org, service, at_ms, status) VALUES ($1, $2, $3, $4, $5)";
    for ((org, service), state) in states.iter().filter(|(key, state)| was.get(key) != Some(state)) {
        let name = service.to_string();
        let evidence = serde_json::to_string(&state.evidence).map_err(|why| shape(&why))?;
        if was.get(&(*org, service.clone())).is_none_or(|was| was.status != state.status) {
            statements.push((CHANGED, args![fresh(), *org, name.as_str(), now_ms, state.status.name()]));
        }
        statements.push((
            "INSERT INTO health_state (org, service, status, since_ms, cause, what, evidence) VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (org, service) DO UPDATE SET status = excluded.status, since_ms = excluded.since_ms, cause = excluded.cause, \
             what = excluded.what, evidence = excluded.evidence",
            args![*org, name.as_str(), state.status.name(), state.since_ms, state.cause.as_str(), state.what.as_str(), evidence],
        ));
    }
    for (org, service) in was.keys().filter(|key| !states.contains_key(key)) {
        let name = service.to_string();
        statements.push((CHANGED, args![fresh(), *org, name.as_str(), now_ms, Status::ServiceOperational.name()]));
        statements.push(("DELETE FROM health_state WHERE org = $1 AND service = $2", args![*org, name.as_str()]));
    }
    let is_changed = !statements.is_empty();
    tx.run_all(statements).await?;
    Ok(is_changed)
}

/// Every service that is not well.
pub async fn all_states(tx: &mut Tx) -> Result<BTreeMap<(i64, Service), State>, Error> {
    let rows = tx.rows("SELECT org, service, status, since_ms, cause, what, evidence FROM health_state", args![]).await?;
    Ok(rows.iter().filter_map(state).collect())
}

/// Those of one organisation, and those of everybody.
pub async fn states_of(tx: &mut Tx, org: i64) -> Result<BTreeMap<(i64, Service), State>, Error> {
    let sql = "SELECT org, service, status, since_ms, cause, what, evidence FROM health_state WHERE org = 0 OR org = $1";
    let rows = tx.rows(sql, args![org]).await?;
    Ok(rows.iter().filter_map(state).collect())
}

/// A row that a newer version wrote is none for us.
fn state(row: &Row) -> Option<((i64, Service), State)> {
    let evidence: Evidence = serde_json::from_str(row.text(6).ok()?).ok()?;
    let state = State {
        status: Status::parse(row.text(2).ok()?)?,
        since_ms: row.int(3).ok()?,
        cause: row.text(4).ok()?.to_string(),
        what: row.text(5).ok()?.to_string(),
        evidence,
    };
    Some(((row.int(0).ok()?, row.text(1).ok()?.parse().ok()?), state))
}

/// What became of a probe: its state, what was said last, and how often it was tried.
pub async fn probe(tx: &mut Tx, mail: MailId) -> Result<Option<(String, String, i64)>, Error> {
    let row = tx.row("SELECT state, last_reply, tries FROM recipient WHERE mail = $1 AND org = $2", args![mail.0, OURS.0]).await?;
    row.map(|row| Ok((row.text(0)?.to_string(), row.text(1)?.to_string(), row.int(2)?))).transpose()
}

/// Ends a probe that did not arrive; its rows stay until nobody can be at work on them any more.
pub async fn give_up_probe(tx: &mut Tx, mail: MailId, now_ms: i64) -> Result<(), Error> {
    let sql = "UPDATE recipient SET state = 'deleted', settled_ms = $1 WHERE mail = $2 AND org = $3 AND state = 'queued'";
    tx.run(sql, args![now_ms, mail.0, OURS.0]).await.map(drop)
}

/// Probes that were taken before then.
pub async fn old_probes(tx: &mut Tx, before_ms: i64) -> Result<Vec<MailId>, Error> {
    let sql = "SELECT id FROM mail WHERE org = $1 AND id < $2 ORDER BY id LIMIT $3";
    let rows = tx.rows(sql, args![OURS.0, trace::first_id_at(before_ms).0, PROBES_FORGOTTEN_MAX]).await?;
    rows.iter().map(|row| Ok(MailId(row.int(0)?))).collect()
}

/// Forgets a probe: it is in no figures.
pub async fn forget_probe(tx: &mut Tx, mail: MailId) -> Result<(), Error> {
    tx.run_all(vec![
        ("DELETE FROM recipient WHERE mail = $1 AND org = $2", args![mail.0, OURS.0]),
        ("DELETE FROM event WHERE mail = $1 AND org = $2", args![mail.0, OURS.0]),
        ("DELETE FROM body WHERE mail = $1", args![mail.0]),
        ("DELETE FROM mail WHERE id = $1 AND org = $2", args![mail.0, OURS.0]),
    ])
    .await
}

/// How services of an organisation (0 and its own) changed in this span of Unix milliseconds, oldest first.
pub async fn changes_of(tx: &mut Tx, org: i64, span: Range<i64>) -> Result<Vec<(i64, String, i64, String)>, Error> {
    let sql = "SELECT org, service, at_ms, status FROM health_change WHERE (org = 0 OR org = $1) AND at_ms >= $2 AND at_ms < $3 \
               ORDER BY at_ms DESC, id DESC LIMIT $4";
    let rows = tx.rows(sql, args![org, span.start, span.end, CHANGES_MAX]).await?;
    // Were there more, the oldest are missing, and what is now is right.
    rows.iter().rev().map(|row| Ok((row.int(0)?, row.text(1)?.to_string(), row.int(2)?, row.text(3)?.to_string()))).collect()
}

/// Forgets what is old.
pub async fn expire(tx: &mut Tx, now_ms: i64) -> Result<(), Error> {
    tx.run_all(vec![
        ("DELETE FROM signal_minute WHERE minute_ms < $1", args![now_ms - MINUTES_KEPT_MS]),
        ("DELETE FROM health_change WHERE at_ms < $1", args![now_ms - CHANGES_KEPT_MS]),
    ])
    .await
}
