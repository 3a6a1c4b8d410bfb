//! Every statement on drafts.

use super::{Draft, Outcome, State};
use gateway::policy::Progress;
use gateway::scope::OrgScope;
use mail::id::DraftId;
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, args};

const COLUMNS: &str = "id, org, person, what, days, state, progress, outcome, made_ms, seen_ms";

pub async fn insert(tx: &mut Tx, draft: &Draft) -> Result<(), Error> {
    tx.run(
        "INSERT INTO draft (id, org, person, what, days, state, progress, outcome, made_ms, seen_ms) \
         VALUES ($1, $2, $3, $4, $5, 'running', '{}', '', $6, $6)",
        args![draft.id.0, draft.org.0, draft.person.0, json(&draft.what)?, draft.days, draft.made_ms],
    )
    .await
    .map(|_| ())
}

/// A draft of this person; others have none of this name.
pub async fn one(tx: &mut Tx, scope: OrgScope, person: PersonId, id: DraftId) -> Result<Option<Draft>, Error> {
    let mut args = args![id.0, person.0];
    let whose = scope.condition("org", &mut args);
    let row = tx.row(&format!("SELECT {COLUMNS} FROM draft WHERE id = $1 AND person = $2 AND {whose}"), args).await?;
    row.as_ref().map(draft).transpose()
}

/// How many replays of this person are under way and heard of since.
pub async fn running(tx: &mut Tx, person: PersonId, since_ms: i64) -> Result<i64, Error> {
    let row =
        tx.row("SELECT COUNT(*) FROM draft WHERE person = $1 AND state = 'running' AND seen_ms > $2", args![person.0, since_ms]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

pub async fn note_progress(tx: &mut Tx, id: DraftId, progress: &Progress, now_ms: i64) -> Result<(), Error> {
    let json = json(progress)?;
    tx.run("UPDATE draft SET progress = $1, seen_ms = $2 WHERE id = $3 AND state = 'running'", args![json, now_ms, id.0]).await.map(|_| ())
}

/// Ends a replay; `None` when it failed.
pub async fn finish(tx: &mut Tx, id: DraftId, done: Option<(&Progress, &Outcome)>) -> Result<(), Error> {
    let (state, progress, outcome) = match done {
        Some((progress, outcome)) => (State::Done, json(progress)?, json(outcome)?),
        None => (State::Failed, "{}".into(), String::new()),
    };
    tx.run(
        "UPDATE draft SET state = $1, progress = $2, outcome = $3 WHERE id = $4 AND state = 'running'",
        args![state.name(), progress, outcome, id.0],
    )
    .await
    .map(|_| ())
}

/// False when it was saved already.
pub async fn saved(tx: &mut Tx, id: DraftId) -> Result<bool, Error> {
    Ok(tx.run("UPDATE draft SET state = 'saved' WHERE id = $1 AND state <> 'saved'", args![id.0]).await? == 1)
}

/// Lets go of drafts made before, of all organisations.
pub async fn expire(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.run("DELETE FROM draft WHERE made_ms < $1", args![before_ms]).await
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|why| Error::Shape(format!("writing a draft: {why}")))
}

fn draft(row: &Row) -> Result<Draft, Error> {
    let shape = |why: serde_json::Error| Error::Shape(format!("a draft: {why}"));
    let outcome = row.text(7)?;
    Ok(Draft {
        id: DraftId(row.int(0)?),
        org: OrgId(row.int(1)?),
        person: PersonId(row.int(2)?),
        what: serde_json::from_str(row.text(3)?).map_err(shape)?,
        days: row.int(4)?,
        state: State::parse(row.text(5)?).unwrap_or(State::Failed),
        // What was not written yet is nothing so far.
        progress: serde_json::from_str(row.text(6)?).unwrap_or_default(),
        outcome: if outcome.is_empty() { Outcome::default() } else { serde_json::from_str(outcome).map_err(shape)? },
        made_ms: row.int(8)?,
        seen_ms: row.int(9)?,
    })
}
