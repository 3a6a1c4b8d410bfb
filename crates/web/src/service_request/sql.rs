//! Every statement on requests and their events. Files, consents, proposals and search have theirs beside: `sql_*.rs`.

use super::model::{Area, Ball, Event, Kind, Request, Severity, Side, State, Via, What};
use crate::health::issue::IssueId;
use gateway::scope::OrgScope;
use mail::id::{RequestEventId, RequestId};
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, args};

/// Requests of one list.
pub const LIST_MAX: usize = 50;
/// Events of one request that are shown; the latest.
pub const EVENTS_MAX: usize = 2_000;

const COLUMNS: &str = "id, org, requester, address, name, title, description, kind, area, severity, impact, contact, lang, state, \
                       assignee, plan, queue, issue, merged_into, solution, probe, secret, told, next_ms, last_ms";

pub async fn insert(tx: &mut Tx, request: &Request) -> Result<(), Error> {
    let shape = |why: serde_json::Error| Error::Shape(format!("a request: {why}"));
    tx.run(
        "INSERT INTO service_request (id, org, requester, address, name, title, description, kind, area, severity, impact, contact, lang, \
         state, assignee, plan, queue, issue, merged_into, solution, probe, secret, told, next_ms, last_ms) VALUES ($1, $2, $3, $4, $5, \
         $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, $15, $16, $17, 0, '', $18, $19, 0, 0, $20)",
        args![
            request.id.0,
            request.org.0,
            request.requester.0,
            request.address.as_str(),
            request.name.as_str(),
            request.title.as_str(),
            request.description.as_str(),
            request.kind.name(),
            request.area.name(),
            request.severity.name(),
            serde_json::to_string(&request.impact).map_err(shape)?,
            serde_json::to_string(&request.contact).map_err(shape)?,
            request.lang.as_str(),
            request.state.name(),
            request.plan,
            request.queue.as_str(),
            request.issue.as_str(),
            request.probe.as_str(),
            request.secret.as_str(),
            request.last_ms
        ],
    )
    .await
    .map(|_| ())
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: RequestId) -> Result<Option<Request>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {COLUMNS} FROM service_request WHERE id = $1 AND {whose}");
    tx.row(&sql, args).await?.as_ref().map(request).transpose()
}

/// The request that a reply address names. The secret in the address is what lets in, so there is no scope.
pub async fn by_address(tx: &mut Tx, id: RequestId) -> Result<Option<Request>, Error> {
    one(tx, OrgScope::All, id).await
}

/// Requests of an organisation that are not closed, counted to `most`.
pub async fn open_count(tx: &mut Tx, org: OrgId, most: i64) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM (SELECT id FROM service_request WHERE org = $1 AND state <> 'closed' LIMIT $2) AS waiting";
    tx.row(sql, args![org.0, most]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Which requests a list shows. `None` and '' do not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Which {
    pub requester: Option<PersonId>,
    /// `PersonId(0)`: nobody yet.
    pub assignee: Option<PersonId>,
    pub state: Option<State>,
    /// Only those for which this side has to do something.
    pub ball: Option<Ball>,
    /// Only those that are not closed.
    pub is_live: bool,
    /// Go on after the request with this last event.
    pub before: Option<(i64, RequestId)>,
}

impl Which {
    pub const ALL: Which = Which { requester: None, assignee: None, state: None, ball: None, is_live: false, before: None };
}

/// The ones that moved last come first; and whether there are more.
pub async fn list(tx: &mut Tx, scope: OrgScope, which: Which) -> Result<(Vec<Request>, bool), Error> {
    let (last_ms, last) = which.before.unwrap_or((i64::MAX, RequestId(i64::MAX)));
    let mut args = args![last_ms, last.0];
    let mut sql = format!("SELECT {COLUMNS} FROM service_request WHERE (last_ms < $1 OR (last_ms = $1 AND id < $2)) AND ");
    sql += &scope.condition("org", &mut args);
    if let Some(person) = which.requester {
        args.push(person.0.into());
        sql += &format!(" AND requester = ${}", args.len());
    }
    if let Some(person) = which.assignee {
        args.push(person.0.into());
        sql += &format!(" AND assignee = ${}", args.len());
    }
    let states = State::ALL.iter().copied().filter(|state| {
        which.state.is_none_or(|wanted| wanted == *state)
            && which.ball.is_none_or(|ball| ball == state.ball())
            && (!which.is_live || *state != State::Closed)
    });
    let names: Vec<String> = states.map(|state| format!("'{}'", state.name())).collect();
    if names.is_empty() {
        return Ok((Vec::new(), false));
    }
    if names.len() < State::ALL.len() {
        sql += &format!(" AND state IN ({})", names.join(", "));
    }
    sql += &format!(" ORDER BY last_ms DESC, id DESC LIMIT {}", LIST_MAX + 1);
    let mut found: Vec<Request> = tx.rows(&sql, args).await?.iter().map(request).collect::<Result<_, _>>()?;
    let is_more = found.len() > LIST_MAX;
    found.truncate(LIST_MAX);
    Ok((found, is_more))
}

/// Moves it. `next_ms`: when the rule of silence acts next, 0 never.
pub async fn set_state(tx: &mut Tx, request: &Request, to: State, (next_ms, now_ms): (i64, i64)) -> Result<(), Error> {
    tx.run(
        "UPDATE service_request SET state = $1, told = 0, next_ms = $2, last_ms = $3 WHERE id = $4 AND org = $5",
        args![to.name(), next_ms, now_ms, request.id.0, request.org.0],
    )
    .await
    .map(|_| ())
}

/// Notes that the rule of silence spoke once more.
pub async fn set_told(tx: &mut Tx, request: &Request, told: i64, next_ms: i64) -> Result<(), Error> {
    tx.run(
        "UPDATE service_request SET told = $1, next_ms = $2 WHERE id = $3 AND org = $4",
        args![told, next_ms, request.id.0, request.org.0],
    )
    .await
    .map(|_| ())
}

pub async fn set_severity(tx: &mut Tx, request: &Request, to: Severity) -> Result<(), Error> {
    tx.run("UPDATE service_request SET severity = $1 WHERE id = $2 AND org = $3", args![to.name(), request.id.0, request.org.0])
        .await
        .map(|_| ())
}

pub async fn set_assignee(tx: &mut Tx, request: &Request, to: Option<PersonId>) -> Result<(), Error> {
    let to = to.map_or(0, |person| person.0);
    tx.run("UPDATE service_request SET assignee = $1 WHERE id = $2 AND org = $3", args![to, request.id.0, request.org.0]).await.map(|_| ())
}

pub async fn set_plan(tx: &mut Tx, request: &Request, version: i64) -> Result<(), Error> {
    tx.run("UPDATE service_request SET plan = $1 WHERE id = $2 AND org = $3", args![version, request.id.0, request.org.0]).await.map(|_| ())
}

pub async fn set_issue(tx: &mut Tx, request: &Request, issue: &str) -> Result<(), Error> {
    tx.run("UPDATE service_request SET issue = $1 WHERE id = $2 AND org = $3", args![issue, request.id.0, request.org.0]).await.map(|_| ())
}

/// Requests that an issue explains, or an issue that is a part of it; those that moved last first.
pub async fn explained_by(tx: &mut Tx, scope: OrgScope, issue: IssueId, most: usize) -> Result<Vec<Request>, Error> {
    let mut args = args![issue.to_string(), issue.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT {COLUMNS} FROM service_request WHERE issue <> '' AND (issue = $1 OR issue IN \
         (SELECT 'EX' || CAST(number AS TEXT) FROM issue WHERE merged_into = $2)) AND {whose} ORDER BY last_ms DESC, id DESC LIMIT {most}"
    );
    tx.rows(&sql, args).await?.iter().map(request).collect()
}

/// Joins it to another one of the same organisation.
pub async fn set_merged(tx: &mut Tx, request: &Request, into: RequestId) -> Result<(), Error> {
    tx.run("UPDATE service_request SET merged_into = $1 WHERE id = $2 AND org = $3", args![into.0, request.id.0, request.org.0])
        .await
        .map(|_| ())
}

pub async fn set_solution(tx: &mut Tx, request: &Request, solution: &str) -> Result<(), Error> {
    tx.run("UPDATE service_request SET solution = $1 WHERE id = $2 AND org = $3", args![solution, request.id.0, request.org.0])
        .await
        .map(|_| ())
}

/// Requests for which the rule of silence acts now, of all organisations, for the job alone.
pub async fn due(tx: &mut Tx, now_ms: i64, most: usize) -> Result<Vec<Request>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM service_request WHERE next_ms > 0 AND next_ms <= $1 ORDER BY next_ms LIMIT {most}");
    tx.rows(&sql, args![now_ms]).await?.iter().map(request).collect()
}

pub async fn add_copy(tx: &mut Tx, request: &Request, address: &str) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_copy (request, org, address) VALUES ($1, $2, $3) ON CONFLICT (request, address) DO NOTHING",
        args![request.id.0, request.org.0, address],
    )
    .await
    .map(|_| ())
}

pub async fn drop_copy(tx: &mut Tx, request: &Request, address: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM request_copy WHERE request = $1 AND org = $2 AND address = $3";
    Ok(tx.run(sql, args![request.id.0, request.org.0, address]).await? == 1)
}

pub async fn copies(tx: &mut Tx, scope: OrgScope, id: RequestId) -> Result<Vec<String>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT address FROM request_copy WHERE request = $1 AND {whose} ORDER BY address LIMIT 100");
    tx.rows(&sql, args).await?.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// # Errors
/// [`Error::Exists`] when the mail it came by is a word already.
pub async fn add_event(tx: &mut Tx, event: &Event) -> Result<(), Error> {
    tx.run(
        "INSERT INTO request_event (id, org, request, at_ms, kind, side, person, who, via, is_internal, is_automatic, body, quoted, \
         detail, message_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        args![
            event.id.0,
            event.org.0,
            event.request.0,
            event.at_ms,
            event.what.name(),
            event.side.name(),
            event.person.0,
            event.who.as_str(),
            event.via.name(),
            event.is_internal,
            event.is_automatic,
            event.body.as_str(),
            event.quoted.as_str(),
            event.detail.to_string(),
            event.message_id.as_str()
        ],
    )
    .await?;
    tx.run("UPDATE service_request SET last_ms = $1 WHERE id = $2 AND org = $3", args![event.at_ms, event.request.0, event.org.0])
        .await
        .map(|_| ())
}

/// What happened, in order. Internal ones only when `is_support` asks.
pub async fn events(tx: &mut Tx, scope: OrgScope, id: RequestId, is_support: bool) -> Result<Vec<Event>, Error> {
    let mut args = args![id.0];
    let whose = scope.condition("org", &mut args);
    let open = if is_support { "" } else { " AND is_internal = 0" };
    let sql = format!(
        "SELECT id, org, request, at_ms, kind, side, person, who, via, is_internal, is_automatic, body, quoted, detail, message_id \
         FROM request_event WHERE request = $1 AND {whose}{open} ORDER BY id DESC LIMIT {EVENTS_MAX}"
    );
    let mut found: Vec<Event> = tx.rows(&sql, args).await?.iter().map(event).collect::<Result<_, _>>()?;
    found.reverse();
    Ok(found)
}

/// Whether the mail with this Message-ID is a word of the request already.
pub async fn is_known(tx: &mut Tx, scope: OrgScope, id: RequestId, message_id: &str) -> Result<bool, Error> {
    let mut args = args![id.0, message_id];
    let whose = scope.condition("org", &mut args);
    Ok(tx.row(&format!("SELECT id FROM request_event WHERE request = $1 AND message_id = $2 AND {whose}"), args).await?.is_some())
}

/// Words that came by mail since.
pub async fn mailed_since(tx: &mut Tx, scope: OrgScope, id: RequestId, since_ms: i64) -> Result<i64, Error> {
    let mut args = args![id.0, since_ms];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT COUNT(*) FROM request_event WHERE request = $1 AND at_ms >= $2 AND via = 'mail' AND {whose}");
    tx.row(&sql, args).await?.map_or(Ok(0), |row| row.int(0))
}

fn event(row: &Row) -> Result<Event, Error> {
    Ok(Event {
        id: RequestEventId(row.int(0)?),
        org: OrgId(row.int(1)?),
        request: RequestId(row.int(2)?),
        at_ms: row.int(3)?,
        what: What::parse(row.text(4)?).unwrap_or(What::Note),
        side: Side::parse(row.text(5)?).unwrap_or(Side::System),
        person: PersonId(row.int(6)?),
        who: row.text(7)?.into(),
        via: Via::parse(row.text(8)?).unwrap_or(Via::Rule),
        is_internal: row.int(9)? != 0,
        is_automatic: row.int(10)? != 0,
        body: row.text(11)?.into(),
        quoted: row.text(12)?.into(),
        detail: serde_json::from_str(row.text(13)?).unwrap_or_default(),
        message_id: row.text(14)?.into(),
    })
}

pub(super) fn request(row: &Row) -> Result<Request, Error> {
    let wrong = |what: &str| Error::Shape(format!("a request: {what}"));
    Ok(Request {
        id: RequestId(row.int(0)?),
        org: OrgId(row.int(1)?),
        requester: PersonId(row.int(2)?),
        address: row.text(3)?.into(),
        name: row.text(4)?.into(),
        title: row.text(5)?.into(),
        description: row.text(6)?.into(),
        kind: Kind::parse(row.text(7)?).unwrap_or(Kind::Technical),
        area: Area::parse(row.text(8)?).unwrap_or(Area::Other),
        severity: Severity::parse(row.text(9)?).unwrap_or(Severity::C),
        impact: serde_json::from_str(row.text(10)?).unwrap_or_default(),
        contact: serde_json::from_str(row.text(11)?).map_err(|why| wrong(&why.to_string()))?,
        lang: row.text(12)?.into(),
        state: State::parse(row.text(13)?).ok_or_else(|| wrong("its state"))?,
        assignee: Some(PersonId(row.int(14)?)).filter(|person| person.0 != 0),
        plan: row.int(15)?,
        queue: row.text(16)?.into(),
        issue: row.text(17)?.into(),
        merged_into: Some(RequestId(row.int(18)?)).filter(|into| into.0 != 0),
        solution: row.text(19)?.into(),
        probe: row.text(20)?.into(),
        secret: row.text(21)?.into(),
        told: row.int(22)?,
        next_ms: row.int(23)?,
        last_ms: row.int(24)?,
    })
}
