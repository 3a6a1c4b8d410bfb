//! Every statement on numbers of callers and on people who want to be called.

use gateway::scope::OrgScope;
use mail::id::{CallBackId, RequestId};
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, args};

/// Calls that one person and that support is shown.
pub const MINE_MAX: usize = 50;
pub const ALL_MAX: usize = 200;
/// Open requests of a caller that support is shown.
const REQUESTS_MAX: usize = 20;

/// A number that a caller says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub person: PersonId,
    pub org: OrgId,
    pub pin: String,
    pub until_ms: i64,
}

/// Puts it in place of the one before.
/// # Errors
/// [`Error::Exists`] when somebody else has the same.
pub async fn put_pin(tx: &mut Tx, one: &Pin, now_ms: i64) -> Result<(), Error> {
    tx.run("DELETE FROM caller_pin WHERE person = $1 OR until_ms <= $2", args![one.person.0, now_ms]).await?;
    tx.run(
        "INSERT INTO caller_pin (person, org, pin, until_ms) VALUES ($1, $2, $3, $4)",
        args![one.person.0, one.org.0, one.pin.as_str(), one.until_ms],
    )
    .await
    .map(|_| ())
}

fn pin(row: &Row) -> Result<Pin, Error> {
    Ok(Pin { person: PersonId(row.int(0)?), org: OrgId(row.int(1)?), pin: row.text(2)?.into(), until_ms: row.int(3)? })
}

/// The number of a person that holds now.
pub async fn pin_of(tx: &mut Tx, scope: OrgScope, person: PersonId, now_ms: i64) -> Result<Option<Pin>, Error> {
    let mut args = args![person.0, now_ms];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT person, org, pin, until_ms FROM caller_pin WHERE person = $1 AND until_ms > $2 AND {whose}");
    tx.row(&sql, args).await?.as_ref().map(pin).transpose()
}

/// Whose number this is; it is used up. For support, which learns by it who calls: of any organisation.
pub async fn take_pin(tx: &mut Tx, said: &str, now_ms: i64) -> Result<Option<Pin>, Error> {
    let sql = "DELETE FROM caller_pin WHERE pin = $1 AND until_ms > $2 RETURNING person, org, pin, until_ms";
    tx.row(sql, args![said, now_ms]).await?.as_ref().map(pin).transpose()
}

/// Requests of an organisation that this person opened and that are not closed, the latest first.
pub async fn requests(tx: &mut Tx, scope: OrgScope, person: PersonId) -> Result<Vec<(RequestId, String)>, Error> {
    let mut args = args![person.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT id, title FROM service_request WHERE requester = $1 AND state <> 'closed' AND {whose} ORDER BY last_ms DESC, id DESC LIMIT {REQUESTS_MAX}"
    );
    tx.rows(&sql, args).await?.iter().map(|row| Ok((RequestId(row.int(0)?), row.text(1)?.to_string()))).collect()
}

/// Somebody who wants to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBack {
    pub id: CallBackId,
    pub org: OrgId,
    pub person: PersonId,
    pub name: String,
    /// E.164.
    pub number: String,
    /// BCP 47.
    pub lang: String,
    pub about: String,
    pub request: Option<RequestId>,
    /// Beginning of the half hour.
    pub slot_ms: i64,
    /// "waiting", "called", "missed" or "cancelled".
    pub state: String,
    /// Words of whoever called.
    pub outcome: String,
    pub done_by: String,
    /// 0: not yet.
    pub done_ms: i64,
}

const CALL: &str = "SELECT id, org, person, name, number, lang, about, request, slot_ms, state, outcome, done_by, done_ms FROM call_back";

fn call(row: &Row) -> Result<CallBack, Error> {
    Ok(CallBack {
        id: CallBackId(row.int(0)?),
        org: OrgId(row.int(1)?),
        person: PersonId(row.int(2)?),
        name: row.text(3)?.into(),
        number: row.text(4)?.into(),
        lang: row.text(5)?.into(),
        about: row.text(6)?.into(),
        request: Some(RequestId(row.int(7)?)).filter(|request| request.0 != 0),
        slot_ms: row.int(8)?,
        state: row.text(9)?.into(),
        outcome: row.text(10)?.into(),
        done_by: row.text(11)?.into(),
        done_ms: row.int(12)?,
    })
}

pub async fn add(tx: &mut Tx, one: &CallBack, now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO call_back (id, org, person, name, number, lang, about, request, slot_ms, state, outcome, done_by, done_ms, made_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', '', '', 0, $10)",
        args![
            one.id.0,
            one.org.0,
            one.person.0,
            one.name.as_str(),
            one.number.as_str(),
            one.lang.as_str(),
            one.about.as_str(),
            one.request.map_or(0, |request| request.0),
            one.slot_ms,
            now_ms
        ],
    )
    .await
    .map(|_| ())
}

/// Calls of one person, the latest first.
pub async fn mine(tx: &mut Tx, scope: OrgScope, person: PersonId) -> Result<Vec<CallBack>, Error> {
    let mut args = args![person.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!("{CALL} WHERE person = $1 AND {whose} ORDER BY id DESC LIMIT {MINE_MAX}");
    tx.rows(&sql, args).await?.iter().map(call).collect()
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: CallBackId) -> Result<Option<CallBack>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    tx.row(&format!("{CALL} WHERE id = $1 AND {whose}"), args).await?.as_ref().map(call).transpose()
}

/// Who waits to be called, of the scope, the first first.
pub async fn waiting(tx: &mut Tx, scope: OrgScope) -> Result<Vec<CallBack>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("{CALL} WHERE state = 'waiting' AND {whose} ORDER BY slot_ms, id LIMIT {ALL_MAX}");
    tx.rows(&sql, args).await?.iter().map(call).collect()
}

/// How many wait in each half hour from a moment on, of all organisations: support is one.
pub async fn taken(tx: &mut Tx, from_ms: i64) -> Result<Vec<(i64, i64)>, Error> {
    let sql = "SELECT slot_ms, COUNT(*) FROM call_back WHERE state = 'waiting' AND slot_ms >= $1 GROUP BY slot_ms LIMIT 2000";
    tx.rows(sql, args![from_ms]).await?.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect()
}

/// Ends it; false when it does not wait any more.
pub async fn settle(tx: &mut Tx, one: &CallBack, (state, outcome, who): (&str, &str, &str), now_ms: i64) -> Result<bool, Error> {
    let sql = "UPDATE call_back SET state = $1, outcome = $2, done_by = $3, done_ms = $4 WHERE id = $5 AND org = $6 AND state = 'waiting'";
    Ok(tx.run(sql, args![state, outcome, who, now_ms, one.id.0, one.org.0]).await? == 1)
}
