//! Every statement on diagnoses, and what they need to know of accounts.

use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, Value, args};

/// Diagnoses listed at once.
const LIST_MAX: usize = 50;
/// Diagnoses kept of one organisation; the oldest go.
const OF_ORG_MAX: i64 = 2_000;

/// An account as far as signing in goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub is_active: bool,
    pub seen_ms: Option<i64>,
    /// Sign-ins refused since the moment asked for, and the last of them.
    pub refused: i64,
    pub refused_ms: Option<i64>,
}

/// The account of an address.
pub async fn account(tx: &mut Tx, scope: OrgScope, email: &str, since_ms: i64) -> Result<Option<Account>, Error> {
    let mut args = args![email];
    let whose = scope.condition("org", &mut args);
    let Some(row) = tx.row(&format!("SELECT id, is_active, seen_ms FROM person WHERE email = $1 AND {whose}"), args).await? else {
        return Ok(None);
    };
    let (id, since) = (row.int(0)?, gateway::trace::first_id_at(since_ms).0);
    let sql = "SELECT count(*), max(id) FROM audit WHERE person = $1 AND action = 'people.sign-in-refused' AND id >= $2 AND id > \
               (SELECT coalesce(max(id), 0) FROM audit WHERE person = $1 AND action = 'people.sign-in')";
    let refused = tx.row(sql, args![id, since]).await?;
    let (count, last) = refused.map_or(Ok((0, None)), |row| Ok::<_, Error>((row.int(0)?, row.int_opt(1)?)))?;
    Ok(Some(Account {
        is_active: row.int(1)? != 0,
        seen_ms: row.int_opt(2)?,
        refused: count,
        refused_ms: last.map(|id| gateway::trace::time_of(mail::MailId(id))),
    }))
}

/// When the oldest mail that is kept came, Unix milliseconds.
pub async fn oldest_ms(tx: &mut Tx, scope: OrgScope) -> Result<Option<i64>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let row = tx.row(&format!("SELECT min(id) FROM mail WHERE {whose}"), args).await?;
    Ok(row.map(|row| row.int_opt(0)).transpose()?.flatten().map(|id| gateway::trace::time_of(mail::MailId(id))))
}

/// The newest step of the schema that ran on this database, by whichever version of the program.
pub async fn newest_step(tx: &mut Tx) -> Result<Option<i64>, Error> {
    let row = tx.row("SELECT max(number) FROM migration", args![]).await?;
    Ok(row.map(|row| row.int_opt(0)).transpose()?.flatten())
}

/// A diagnosis as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub id: i64,
    pub org: OrgId,
    pub person: PersonId,
    /// "running", "done" or "failed".
    pub state: String,
    pub question: String,
    /// Steps so far.
    pub progress: String,
    /// '' while it runs.
    pub answer: String,
    /// What was applied, with what takes it back.
    pub applied: String,
    pub ended_ms: Option<i64>,
}

const KEPT: &str = "id, org, person, state, question, progress, answer, applied, ended_ms";

fn kept(row: &Row) -> Result<Kept, Error> {
    Ok(Kept {
        id: row.int(0)?,
        org: OrgId(row.int(1)?),
        person: PersonId(row.int(2)?),
        state: row.text(3)?.into(),
        question: row.text(4)?.into(),
        progress: row.text(5)?.into(),
        answer: row.text(6)?.into(),
        applied: row.text(7)?.into(),
        ended_ms: row.int_opt(8)?,
    })
}

/// Keeps a new one, and forgets the oldest of too many.
pub async fn put(tx: &mut Tx, new: &Kept) -> Result<(), Error> {
    let sql = "INSERT INTO diagnosis (id, org, person, state, question, progress, answer, applied, ended_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let args = args![
        new.id,
        new.org.0,
        new.person.0,
        new.state.as_str(),
        new.question.as_str(),
        new.progress.as_str(),
        new.answer.as_str(),
        new.applied.as_str(),
        new.ended_ms
    ];
    tx.run(sql, args).await?;
    let old = tx.row("SELECT id FROM diagnosis WHERE org = $1 ORDER BY id DESC LIMIT 1 OFFSET $2", args![new.org.0, OF_ORG_MAX]).await?;
    if let Some(old) = old {
        tx.run("DELETE FROM diagnosis WHERE org = $1 AND id <= $2", args![new.org.0, old.int(0)?]).await?;
    }
    Ok(())
}

pub async fn set_progress(tx: &mut Tx, org: OrgId, id: i64, progress: &str) -> Result<(), Error> {
    let sql = "UPDATE diagnosis SET progress = $1 WHERE id = $2 AND org = $3 AND state = 'running'";
    tx.run(sql, args![progress, id, org.0]).await.map(|_| ())
}

/// It ended: "done" with an answer, or "failed".
pub async fn finish(tx: &mut Tx, org: OrgId, id: i64, (state, answer, progress): (&str, &str, &str), now_ms: i64) -> Result<(), Error> {
    let sql = "UPDATE diagnosis SET state = $1, answer = $2, progress = $3, ended_ms = $4 WHERE id = $5 AND org = $6";
    tx.run(sql, args![state, answer, progress, now_ms, id, org.0]).await.map(|_| ())
}

pub async fn set_applied(tx: &mut Tx, org: OrgId, id: i64, applied: &str) -> Result<(), Error> {
    tx.run("UPDATE diagnosis SET applied = $1 WHERE id = $2 AND org = $3", args![applied, id, org.0]).await.map(|_| ())
}

/// Whose diagnoses somebody may see: all of the scope, or their own.
fn seen_by(scope: OrgScope, only: Option<PersonId>, args: &mut Vec<Value>) -> String {
    let mut whose = scope.condition("org", args);
    if let Some(person) = only {
        args.push(Value::Int(person.0));
        whose += &format!(" AND person = ${}", args.len());
    }
    whose
}

pub async fn one(tx: &mut Tx, scope: OrgScope, only: Option<PersonId>, id: i64) -> Result<Option<Kept>, Error> {
    let mut args = args![id];
    let whose = seen_by(scope, only, &mut args);
    tx.row(&format!("SELECT {KEPT} FROM diagnosis WHERE id = $1 AND {whose}"), args).await?.as_ref().map(kept).transpose()
}

/// The latest first.
pub async fn list(tx: &mut Tx, scope: OrgScope, only: Option<PersonId>) -> Result<Vec<Kept>, Error> {
    let mut args = args![];
    let whose = seen_by(scope, only, &mut args);
    let sql = format!("SELECT {KEPT} FROM diagnosis WHERE {whose} ORDER BY id DESC LIMIT {LIST_MAX}");
    tx.rows(&sql, args).await?.iter().map(kept).collect()
}
