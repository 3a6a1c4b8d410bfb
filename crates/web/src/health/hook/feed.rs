//! What webhooks hear of besides health: mail that was judged, quarantine that was decided about, requests that went on, lines of the audit log.
//!
//! In: rows that other features wrote anyway, in the order of their ids. Out: tries, in one transaction with the place up to which was read,
//! so that each row is told once, by whichever server moves the place first. Nothing of this is on the way of a mail: rows are read beside
//! the writer, and without a hook that asks, one small query is all it costs.

use super::sql::{self, Hook};
use crate::App;
use crate::audit;
use crate::audit::api::LineBody;
use crate::page::time::rfc3339;
use gateway::trace::{first_id_at, time_of};
use mail::MailId;
use serde_json::{Value, json};
use store::{Error, Tx};

/// What a hook can hear of.
pub const TOPICS: [&str; 6] = ["health", "mail", "held", "quarantine", "request", AUDIT];
/// Every line of the audit log: only who may read the log may have it told, and see what was told.
pub const AUDIT: &str = "audit";
/// Where the topic "audit" has got to; the source "audit" is that of decisions about held mail.
const AUDIT_SOURCE: &str = "audit-log";
/// Rows of one source in one look.
const ROWS_MAX: usize = 500;
/// Rows are told of once they are so old: what was begun before them has committed by then.
const SETTLED_MS: i64 = 10_000;
/// How long what was sent stays in the log.
const LOG_MS: i64 = 30 * 86_400_000;
/// Rows of the log that one look takes away.
const LOG_ROWS_MAX: usize = 2_000;

/// A row as it is told.
struct Told {
    id: i64,
    org: i64,
    topics: Vec<&'static str>,
    kind: String,
    subject: String,
    data: Value,
}

/// Topics as they are stored: known ones, once each, in our order; health when there is none.
pub fn topics(asked: &[String]) -> String {
    let known: Vec<&str> = TOPICS.into_iter().filter(|topic| asked.iter().any(|one| one == topic)).collect();
    if known.is_empty() { "health".into() } else { known.join(" ") }
}

/// One look at all sources; how many events were written.
/// # Errors
/// Those of the database.
pub async fn look(app: &App) -> Result<usize, Error> {
    let now_ms = app.now_ms();
    let hooks = app.db.read(|tx| Box::pin(async move { sql::beyond_health(tx).await })).await?;
    let mut written = 0;
    if hooks.is_empty() {
        return Ok(written);
    }
    for source in ["mail", "audit", "request", AUDIT_SOURCE] {
        written += one(app, source, &hooks, now_ms).await?;
    }
    Ok(written)
}

/// Takes what was sent long ago out of the log.
/// # Errors
/// Those of the database.
pub async fn forget(app: &App) -> Result<(), Error> {
    let before = first_id_at(app.now_ms() - LOG_MS).0;
    app.db.tx(move |tx| Box::pin(async move { sql::forget_tries(tx, before, LOG_ROWS_MAX).await })).await
}

async fn one(app: &App, source: &'static str, hooks: &[Hook], now_ms: i64) -> Result<usize, Error> {
    let until = first_id_at(now_ms - SETTLED_MS).0;
    let read = app.db.read(move |tx| Box::pin(async move { rows(tx, source, until).await })).await?;
    let Some((after, rows)) = read else {
        app.db.tx(move |tx| Box::pin(async move { sql::begin_place(tx, source, until).await })).await?;
        return Ok(0);
    };
    let Some(last) = rows.last().map(|row| row.id) else { return Ok(0) };
    // An organisation's rows are for its own hooks, never for everybody's.
    let hears = |row: &Told, hook: &Hook| hook.org == row.org && row.topics.iter().any(|topic| hook.hears(topic));
    let tries: Vec<(i64, Hook, String)> = rows
        .iter()
        .flat_map(|row| hooks.iter().filter(move |hook| hears(row, hook)).map(move |hook| (row, hook)))
        .map(|(row, hook)| (app.ids.next(now_ms), hook.clone(), event(row).to_string()))
        .collect();
    let told = tries.len();
    let put = app.db.tx(move |tx| {
        Box::pin(async move {
            let is_ours = sql::move_place(tx, source, (after, last)).await?;
            for (id, hook, event) in tries.iter().filter(|_| is_ours) {
                sql::put_try(tx, *id, hook, event, now_ms).await?;
            }
            Ok::<_, Error>(is_ours)
        })
    });
    Ok(if put.await? { told } else { 0 })
}

/// The place of a source and what came after it; `None`: it has none yet.
async fn rows(tx: &mut Tx, source: &'static str, until: i64) -> Result<Option<(i64, Vec<Told>)>, Error> {
    let Some(after) = sql::place(tx, source).await? else { return Ok(None) };
    let rows = match source {
        "mail" => mails(tx, after, until).await?,
        "audit" => decisions(tx, after, until).await?,
        AUDIT_SOURCE => lines(tx, after, until).await?,
        _ => requests(tx, after, until).await?,
    };
    Ok(Some((after, rows)))
}

/// CloudEvents 1.0, structured mode. Its id is that of the row: told twice, it can be known again.
fn event(row: &Told) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{}-{}", row.kind, row.id), "source": "/", "type": format!("org.gatepost.{}.v1", row.kind), "subject": row.subject,
        "time": rfc3339(time_of(MailId(row.id))), "datacontenttype": "application/json", "data": row.data,
    })
}

async fn mails(tx: &mut Tx, after: i64, until: i64) -> Result<Vec<Told>, Error> {
    let mut told = Vec::new();
    for row in sql::mails_between(tx, after, until, ROWS_MAX).await? {
        let recipients = sql::outcomes(tx, row.id).await?;
        let is_held = recipients.iter().any(|(_, state)| state == "held");
        told.push(Told {
            id: row.id,
            org: row.org,
            topics: if is_held { vec!["mail", "held"] } else { vec!["mail"] },
            kind: "mail.judged".into(),
            subject: MailId(row.id).to_string(),
            data: json!({
                "mail": MailId(row.id).to_string(), "direction": row.direction, "sender": row.sender, "message_id": row.message_id, "verdict": row.verdict, "peer": row.peer,
                "is_held": is_held, "recipients": recipients.iter().map(|(address, state)| json!({ "address": address, "state": state })).collect::<Vec<_>>(),
            }),
        });
    }
    Ok(told)
}

/// What people did with held mail, as the log of changes has it.
async fn decisions(tx: &mut Tx, after: i64, until: i64) -> Result<Vec<Told>, Error> {
    let rows = sql::noted_between(tx, after, until, ROWS_MAX).await?;
    let told = rows.into_iter().map(|row| Told {
        id: row.id,
        org: row.org,
        topics: vec!["quarantine"],
        kind: row.action.clone(),
        data: json!({ "action": row.action, "by": row.who, "mail": row.subject, "detail": serde_json::from_str::<Value>(&row.detail).unwrap_or_default() }),
        subject: row.subject,
    });
    Ok(told.collect())
}

/// Lines of the audit log as its REST API tells them. Those of no organisation are for hooks of none.
async fn lines(tx: &mut Tx, after: i64, until: i64) -> Result<Vec<Told>, Error> {
    let rows = audit::sql::between(tx, after, until, ROWS_MAX).await?;
    let told = rows.into_iter().map(|line| Told {
        id: line.id.0,
        org: line.org.map_or(0, |org| org.0),
        topics: vec![AUDIT],
        kind: "audit.noted".into(),
        data: serde_json::to_value(LineBody::of(&line)).unwrap_or_default(),
        subject: line.subject,
    });
    Ok(told.collect())
}

/// What both sides of a request see; internal notes are not told.
async fn requests(tx: &mut Tx, after: i64, until: i64) -> Result<Vec<Told>, Error> {
    let rows = sql::said_between(tx, after, until, ROWS_MAX).await?;
    let told = rows.into_iter().map(|row| {
        let request = mail::id::RequestId(row.request).to_string();
        Told {
            id: row.id,
            org: row.org,
            topics: vec!["request"],
            kind: format!("request.{}", row.kind),
            data: json!({ "request": request, "kind": row.kind, "side": row.side, "state": row.state, "severity": row.severity, "title": row.title }),
            subject: request,
        }
    });
    Ok(told.collect())
}
