//! The message centre: what is going to change, what is planned, what somebody should do; maintenance is a message with a window.

use super::Text;
use gateway::health::Service;
use gateway::scope::OrgScope;
use mail::PersonId;
use serde::{Deserialize, Serialize};
use store::{Error, Row, Tx, Value, args};

/// The first message gets the number after this one.
const NUMBER_BEFORE_FIRST: i64 = 100_000;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Body {
    pub title: Text,
    pub text: Text,
    pub services: Vec<Service>,
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// Shown as MC100001; 0 before it is written.
    pub number: i64,
    /// 0: everybody.
    pub org: i64,
    pub is_maintenance: bool,
    pub category: String,
    pub severity: String,
    pub is_major: bool,
    pub is_cancelled: bool,
    pub starts_ms: i64,
    pub ends_ms: Option<i64>,
    pub act_by_ms: Option<i64>,
    pub updated_ms: i64,
    pub sequence: i64,
    pub body: Body,
    pub files: i64,
    /// What the reader made of it.
    pub is_read: bool,
    pub is_archived: bool,
    pub is_favourite: bool,
}

pub const CATEGORIES: [&str; 3] = ["preventOrFixIssue", "planForChange", "stayInformed"];
pub const SEVERITIES: [&str; 3] = ["normal", "high", "critical"];

impl Message {
    pub fn id(&self) -> String {
        format!("MC{}", self.number)
    }

    /// Where a window of maintenance is: words `health-window-…`.
    pub fn phase(&self, now_ms: i64) -> &'static str {
        match self {
            _ if self.is_cancelled => "cancelled",
            _ if now_ms < self.starts_ms => "scheduled",
            _ if self.ends_ms.is_some_and(|ends| now_ms >= ends) => "completed",
            _ => "in-progress",
        }
    }
}

pub fn number(id: &str) -> Option<i64> {
    let digits = id.strip_prefix("MC")?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Sets what one reader made of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    pub read: Option<bool>,
    pub archived: Option<bool>,
    pub favourite: Option<bool>,
}

const COLUMNS: &str = "m.number, m.org, m.kind, m.category, m.severity, m.is_major, m.is_cancelled, m.starts_ms, m.ends_ms, m.act_by_ms, \
     m.updated_ms, m.sequence, m.body, (SELECT count(*) FROM service_message_file f WHERE f.message = m.number), \
     coalesce(v.is_read, 0), coalesce(v.is_archived, 0), coalesce(v.is_favourite, 0)";

fn message(row: &Row) -> Result<Message, Error> {
    Ok(Message {
        number: row.int(0)?,
        org: row.int(1)?,
        is_maintenance: row.text(2)? == "maintenance",
        category: row.text(3)?.to_string(),
        severity: row.text(4)?.to_string(),
        is_major: row.int(5)? != 0,
        is_cancelled: row.int(6)? != 0,
        starts_ms: row.int(7)?,
        ends_ms: row.int_opt(8)?,
        act_by_ms: row.int_opt(9)?,
        updated_ms: row.int(10)?,
        sequence: row.int(11)?,
        body: serde_json::from_str(row.text(12)?).map_err(|why| Error::Shape(format!("a message as JSON: {why}")))?,
        files: row.int(13)?,
        is_read: row.int(14)? != 0,
        is_archived: row.int(15)? != 0,
        is_favourite: row.int(16)? != 0,
    })
}

fn concerns(scope: OrgScope, args: &mut Vec<Value>) -> String {
    match scope {
        OrgScope::All => "1 = 1".into(),
        OrgScope::One(org) => {
            args.push(Value::Int(org.0));
            format!("(m.org = 0 OR m.org = ${})", args.len())
        }
    }
}

/// Messages that concern an organisation as one reader has them, last changed first.
pub async fn list(tx: &mut Tx, scope: OrgScope, reader: PersonId, rows_max: usize) -> Result<Vec<Message>, Error> {
    let mut args = args![reader.0];
    let whose = concerns(scope, &mut args);
    args.push(Value::from(rows_max));
    let sql = format!(
        "SELECT {COLUMNS} FROM service_message m LEFT JOIN service_message_view v ON v.message = m.number AND v.person = $1 \
         WHERE {whose} ORDER BY m.updated_ms DESC, m.number DESC LIMIT ${}",
        args.len()
    );
    tx.rows(&sql, args).await?.iter().map(message).collect()
}

/// Windows of maintenance that are not over, as one reader has them; the next first.
pub async fn windows(tx: &mut Tx, scope: OrgScope, reader: PersonId, now_ms: i64, rows_max: usize) -> Result<Vec<Message>, Error> {
    let mut args = args![reader.0];
    let whose = concerns(scope, &mut args);
    args.extend([Value::Int(now_ms), Value::from(rows_max)]);
    let (now, limit) = (args.len() - 1, args.len());
    let sql = format!(
        "SELECT {COLUMNS} FROM service_message m LEFT JOIN service_message_view v ON v.message = m.number AND v.person = $1 \
         WHERE {whose} AND m.kind = 'maintenance' AND (m.ends_ms IS NULL OR m.ends_ms > ${now}) \
         ORDER BY m.starts_ms, m.number LIMIT ${limit}"
    );
    tx.rows(&sql, args).await?.iter().map(message).collect()
}

pub async fn find(tx: &mut Tx, scope: OrgScope, reader: PersonId, number: i64) -> Result<Option<Message>, Error> {
    let mut args = args![reader.0];
    let whose = concerns(scope, &mut args);
    args.push(Value::Int(number));
    let sql = format!(
        "SELECT {COLUMNS} FROM service_message m LEFT JOIN service_message_view v ON v.message = m.number AND v.person = $1 \
         WHERE {whose} AND m.number = ${}",
        args.len()
    );
    tx.row(&sql, args).await?.as_ref().map(message).transpose()
}

/// Writes a message, new (number 0) or changed; returns its number.
pub async fn put(tx: &mut Tx, message: &Message) -> Result<i64, Error> {
    let number = match message.number {
        0 => {
            let row = tx.row("SELECT coalesce(max(number), $1) + 1 FROM service_message", args![NUMBER_BEFORE_FIRST]).await?;
            row.map_or(Ok(NUMBER_BEFORE_FIRST + 1), |row| row.int(0))?
        }
        number => number,
    };
    let body = serde_json::to_string(&message.body).map_err(|why| Error::Shape(format!("a message as JSON: {why}")))?;
    tx.run(
        "INSERT INTO service_message (number, org, kind, category, severity, is_major, is_cancelled, starts_ms, ends_ms, act_by_ms, \
         updated_ms, sequence, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (number) DO UPDATE SET category = excluded.category, severity = excluded.severity, is_major = excluded.is_major, \
         is_cancelled = excluded.is_cancelled, starts_ms = excluded.starts_ms, ends_ms = excluded.ends_ms, \
         act_by_ms = excluded.act_by_ms, updated_ms = excluded.updated_ms, sequence = excluded.sequence, body = excluded.body",
        args![
            number,
            message.org,
            if message.is_maintenance { "maintenance" } else { "message" },
            message.category.as_str(),
            message.severity.as_str(),
            message.is_major,
            message.is_cancelled,
            message.starts_ms,
            message.ends_ms,
            message.act_by_ms,
            message.updated_ms,
            message.sequence,
            body
        ],
    )
    .await?;
    Ok(number)
}

/// Marks a message for one reader; the caller has found it in the reader's scope.
pub async fn mark(tx: &mut Tx, reader: PersonId, number: i64, mark: Mark) -> Result<(), Error> {
    tx.run(
        "INSERT INTO service_message_view (person, message, is_read, is_archived, is_favourite) VALUES ($1, $2, 0, 0, 0) \
         ON CONFLICT (person, message) DO NOTHING",
        args![reader.0, number],
    )
    .await?;
    let sql = "UPDATE service_message_view SET is_read = coalesce($1, is_read), is_archived = coalesce($2, is_archived), \
               is_favourite = coalesce($3, is_favourite) WHERE person = $4 AND message = $5";
    let whole = |flag: Option<bool>| flag.map(i64::from);
    tx.run(sql, args![whole(mark.read), whole(mark.archived), whole(mark.favourite), reader.0, number]).await.map(drop)
}
