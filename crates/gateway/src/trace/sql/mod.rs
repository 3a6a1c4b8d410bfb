//! Every statement of trace.

pub(super) mod balance;
pub(crate) mod search;

use super::{Event, EventKind, RefusalCode};
use mail::id::EventId;
use mail::{MailId, OrgId};
use std::sync::LazyLock;
use store::{Error, Row, Tx, Value, args};

use crate::scope::OrgScope;

/// The states few recipients stay in; the condition of the indexes `recipient_rest`, which are only used where it stands.
pub const IS_REST: &str = "r.state NOT IN ('queued', 'delivered')";

/// Something was turned away, or could not be written down; the condition of the index `event_refused`, which is only used where it stands.
pub const IS_REFUSAL: &str = "(kind = 'connection-refused' OR kind = 'protocol-refused' OR kind = 'sign-in-refused' \
    OR kind = 'sender-refused' OR kind = 'recipient-refused' OR kind = 'content-refused' OR kind = 'not-recorded')";

/// Rows of one INSERT; SQLite and PostgreSQL take thousands, but few texts keep the statement cache small.
const INSERT_ROWS_MAX: usize = 8;

/// The INSERT for one to [`INSERT_ROWS_MAX`] events.
static INSERT: LazyLock<Vec<String>> = LazyLock::new(|| {
    let row = |n: usize| {
        format!("(${}, ${}, ${}, ${}, ${}, ${}, ${})", n * 7 + 1, n * 7 + 2, n * 7 + 3, n * 7 + 4, n * 7 + 5, n * 7 + 6, n * 7 + 7)
    };
    (1..=INSERT_ROWS_MAX)
        .map(|rows| {
            let rows: Vec<String> = (0..rows).map(row).collect();
            format!("INSERT INTO event (id, mail, org, at_ms, kind, recipient, detail) VALUES {}", rows.join(", "))
        })
        .collect()
});

/// Writes events, many in one statement.
pub async fn insert(tx: &mut Tx, events: &[Event]) -> Result<(), Error> {
    tx.run_all(insert_statements(events)).await
}

fn insert_statements(events: &[Event]) -> Vec<(&'static str, Vec<Value>)> {
    let texts: &'static [String] = &INSERT;
    events.chunks(INSERT_ROWS_MAX).map(|chunk| (texts[chunk.len() - 1].as_str(), chunk.iter().flat_map(values).collect())).collect()
}

fn values(event: &Event) -> Vec<Value> {
    args![event.id.0, event.mail.0, event.org.0, event.at_ms, event.kind.name(), &event.recipient, &event.detail]
}

const EVENT_COLUMNS: &str = "id, mail, org, at_ms, kind, recipient, detail";

pub(super) fn event(row: &Row) -> Result<Event, Error> {
    Ok(Event {
        id: EventId(row.int(0)?),
        mail: MailId(row.int(1)?),
        org: OrgId(row.int(2)?),
        at_ms: row.int(3)?,
        kind: EventKind::parse(row.text(4)?).unwrap_or(EventKind::Other),
        recipient: row.text(5)?.to_string(),
        detail: row.text(6)?.to_string(),
    })
}

/// Events of one mail shown at most: years of deferrals of a mail to a thousand recipients.
const EVENTS_OF_MAX: usize = 10_000;

/// What happened to one mail, in order; empty for another organisation's.
pub async fn events_of(tx: &mut Tx, scope: OrgScope, mail: MailId) -> Result<Vec<Event>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {EVENT_COLUMNS} FROM event WHERE mail = $1 AND mail > 0 AND {whose} ORDER BY id LIMIT {EVENTS_OF_MAX}");
    tx.rows(&sql, args).await?.iter().map(event).collect()
}

/// The refusal that a reply of ours named: by its own identifier when there was no mail yet, else by that of the mail.
pub async fn refusal(tx: &mut Tx, scope: OrgScope, named: RefusalCode) -> Result<Option<Event>, Error> {
    let (condition, number) = match named {
        RefusalCode::Event(id) => ("mail = 0 AND id = $1", id.0),
        RefusalCode::Mail(mail) => ("mail = $1 AND mail > 0", mail.0),
    };
    let mut args = args![number];
    let whose = scope.condition("org", &mut args);
    let sql = format!(
        "SELECT {EVENT_COLUMNS} FROM event WHERE {condition} AND {IS_REFUSAL} AND kind <> 'not-recorded' \
         AND {whose} ORDER BY id LIMIT 1"
    );
    tx.row(&sql, args).await?.as_ref().map(event).transpose()
}

/// The receipt of one mail, as JSON; `None` when there is none in this scope.
pub async fn receipt_of(tx: &mut Tx, scope: OrgScope, mail: MailId) -> Result<Option<String>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("org", &mut args);
    let row = tx.row(&format!("SELECT receipt FROM mail WHERE id = $1 AND {whose}"), args).await?;
    row.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// Whose mail it is; `None` when there is none in this scope.
pub async fn org_of(tx: &mut Tx, scope: OrgScope, mail: MailId) -> Result<Option<OrgId>, Error> {
    let mut args = args![mail.0];
    let whose = scope.condition("org", &mut args);
    let row = tx.row(&format!("SELECT org FROM mail WHERE id = $1 AND {whose}"), args).await?;
    row.map(|row| row.int(0).map(OrgId)).transpose()
}

/// Receipts of mails with identifiers after `after`, oldest first, at most `rows_max`.
pub async fn receipts_after(tx: &mut Tx, scope: OrgScope, after: MailId, rows_max: usize) -> Result<Vec<(MailId, String)>, Error> {
    let mut args = args![after.0];
    let whose = scope.condition("org", &mut args);
    args.push(rows_max.into());
    let sql = format!("SELECT id, receipt FROM mail WHERE id > $1 AND {whose} ORDER BY id LIMIT ${}", args.len());
    tx.rows(&sql, args).await?.iter().map(|row| Ok((MailId(row.int(0)?), row.text(1)?.to_string()))).collect()
}

/// Forgets up to `mails_max` mails before `before`, or when there is none, as many events without a mail. Returns how many.
pub(super) async fn expire(tx: &mut Tx, before: MailId, mails_max: usize) -> Result<u64, Error> {
    let ids = tx
        .rows(
            "SELECT id FROM mail WHERE id < $1 AND NOT EXISTS \
             (SELECT 1 FROM recipient r WHERE r.mail = mail.id AND r.state IN ('queued', 'held')) ORDER BY id LIMIT $2",
            args![before.0, mails_max],
        )
        .await?;
    if ids.is_empty() {
        return expire_events(tx, before, mails_max).await;
    }
    let ids: Vec<Value> = ids.iter().map(|row| row.int(0).map(Value::Int)).collect::<Result<_, _>>()?;
    let list: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    for (table, key) in
        [("event", "mail"), ("recipient", "mail"), ("body", "mail"), ("rule_hit", "mail"), ("moderation", "mail"), ("mail", "id")]
    {
        tx.rows(&format!("DELETE FROM {table} WHERE {key} IN ({})", list.join(", ")), ids.clone()).await?;
    }
    Ok(ids.len() as u64)
}

/// Events of refusals: no mail, or one that was never accepted.
async fn expire_events(tx: &mut Tx, before: MailId, rows_max: usize) -> Result<u64, Error> {
    let gone = tx
        .run(
            "DELETE FROM event WHERE mail = 0 AND id IN (SELECT id FROM event WHERE mail = 0 AND id < $1 ORDER BY id LIMIT $2)",
            args![before.0, rows_max],
        )
        .await?;
    let refused = tx
        .run(
            "DELETE FROM event WHERE (mail, id) IN (SELECT e.mail, e.id FROM event e WHERE e.mail > 0 AND e.mail < $1 \
             AND NOT EXISTS (SELECT 1 FROM mail m WHERE m.id = e.mail) LIMIT $2)",
            args![before.0, rows_max],
        )
        .await?;
    Ok(gone + refused)
}
