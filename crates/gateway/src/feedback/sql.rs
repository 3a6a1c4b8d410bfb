//! Every statement of feedback.

use super::usual;
use crate::scope::OrgScope;
use bytes::Bytes;
use detect::classify::Label;
use detect::classify::delta::{USUAL_MAX, Usual};
use mail::id::ReportId;
use mail::{MailId, OrgId};
use store::{Error, Tx, Value, args};

/// One report as it is stored.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Row {
    pub id: ReportId,
    pub org: OrgId,
    pub mail: MailId,
    pub digest: String,
    pub reporter: String,
    pub label: Label,
    pub subject: String,
    pub before_spam: f32,
    pub after_spam: f32,
    /// Unix milliseconds.
    pub at_ms: i64,
}

const COLUMNS: &str = "id, org, mail, digest, reporter, label, subject, before_spam, after_spam, at_ms";

pub(super) fn label_name(label: Label) -> &'static str {
    match label {
        Label::Ham => "ham",
        Label::Spam => "spam",
        Label::Phish => "phish",
        Label::Bulk => "bulk",
    }
}

/// Writes a report; the later word of the same reporter about the same message replaces the earlier one.
pub async fn insert(tx: &mut Tx, row: &Row) -> Result<(), Error> {
    tx.run("DELETE FROM report WHERE org = $1 AND digest = $2 AND reporter = $3", args![row.org.0, &row.digest, &row.reporter]).await?;
    let sql = "INSERT INTO report (id, org, mail, digest, reporter, label, subject, before_spam, after_spam, at_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let (before, after) = (Value::Real(row.before_spam.into()), Value::Real(row.after_spam.into()));
    let values =
        args![row.id.0, row.org.0, row.mail.0, &row.digest, &row.reporter, label_name(row.label), &row.subject, before, after, row.at_ms];
    tx.run(sql, values).await.map(drop)
}

/// Reports, newest first, those before `before`.
pub async fn rows(tx: &mut Tx, scope: OrgScope, before: Option<ReportId>, limit: usize) -> Result<Vec<Row>, Error> {
    let mut values = vec![Value::Int(before.map_or(i64::MAX, |before| before.0))];
    let scoped = scope.condition("org", &mut values);
    values.push(Value::Int(limit as i64));
    let sql = format!("SELECT {COLUMNS} FROM report WHERE id < $1 AND {scoped} ORDER BY id DESC LIMIT ${}", values.len());
    tx.rows(&sql, values).await?.iter().map(read).collect()
}

pub async fn row(tx: &mut Tx, scope: OrgScope, id: ReportId) -> Result<Option<Row>, Error> {
    let found = tx.row(&format!("SELECT {COLUMNS} FROM report WHERE id = $1"), args![id.0]).await?;
    let row = found.as_ref().map(read).transpose()?;
    Ok(row.filter(|row| scope.allows(row.org)))
}

pub async fn delete(tx: &mut Tx, id: ReportId) -> Result<(), Error> {
    tx.run("DELETE FROM report WHERE id = $1", args![id.0]).await.map(drop)
}

/// What this reporter said of this message.
pub async fn label_of(tx: &mut Tx, org: OrgId, digest: &str, reporter: &str) -> Result<Option<Label>, Error> {
    let sql = "SELECT label FROM report WHERE org = $1 AND digest = $2 AND reporter = $3";
    let row = tx.row(sql, args![org.0, digest, reporter]).await?;
    row.map(|row| row.text(0).map(Label::read)).transpose().map(Option::flatten)
}

pub async fn receipt(tx: &mut Tx, org: OrgId, mail: MailId) -> Result<Option<String>, Error> {
    let row = tx.row("SELECT receipt FROM mail WHERE id = $1 AND org = $2", args![mail.0, org.0]).await?;
    row.map(|row| row.text(0).map(str::to_string)).transpose()
}

/// A delta and its version.
pub async fn delta(tx: &mut Tx, org: OrgId, person: &str) -> Result<Option<(i64, Bytes)>, Error> {
    let row = tx.row("SELECT version, octets FROM classifier WHERE org = $1 AND person = $2", args![org.0, person]).await?;
    row.map(|row| Ok((row.int(0)?, row.blob(1)?))).transpose()
}

/// `(org, person, version)` of deltas, those of organisations first.
pub async fn versions(tx: &mut Tx, limit: usize) -> Result<Vec<(OrgId, String, i64)>, Error> {
    let rows = tx.rows("SELECT org, person, version FROM classifier ORDER BY person, org LIMIT $1", args![limit as i64]).await?;
    rows.iter().map(|row| Ok((OrgId(row.int(0)?), row.text(1)?.to_string(), row.int(2)?))).collect()
}

/// Writes a delta over `version`, 0 for none; `false` when it is another by now.
pub async fn put_delta(tx: &mut Tx, (org, person): (OrgId, &str), version: i64, octets: Bytes) -> Result<bool, Error> {
    let changed = match version {
        0 => {
            let sql = "INSERT INTO classifier (org, person, version, octets) VALUES ($1, $2, 1, $3) ON CONFLICT (org, person) DO NOTHING";
            tx.run(sql, args![org.0, person, octets]).await?
        }
        _ => {
            let sql = "UPDATE classifier SET version = version + 1, octets = $1 WHERE org = $2 AND person = $3 AND version = $4";
            tx.run(sql, args![octets, org.0, person, version]).await?
        }
    };
    Ok(changed > 0)
}

/// Writes a sample of mail, each over what its span held.
pub(super) async fn put_usual(tx: &mut Tx, rows: &[usual::Row]) -> Result<(), Error> {
    let sql = "INSERT INTO usual_mail (org, span, at_ms, octets) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (org, span) DO UPDATE SET at_ms = excluded.at_ms, octets = excluded.octets";
    for row in rows {
        tx.run(sql, args![row.org.0, row.span, row.at_ms, Bytes::from(row.usual.to_octets())]).await?;
    }
    Ok(())
}

/// The sample of an organisation, oldest first. What cannot be read is none of it.
pub(super) async fn usual(tx: &mut Tx, org: OrgId) -> Result<Vec<Usual>, Error> {
    let sql = "SELECT octets FROM usual_mail WHERE org = $1 ORDER BY at_ms, span LIMIT $2";
    let rows = tx.rows(sql, args![org.0, USUAL_MAX as i64]).await?;
    rows.iter().filter_map(|row| row.blob(0).map(|octets| Usual::from_octets(&octets)).transpose()).collect()
}

pub(super) async fn forget_usual(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.run("DELETE FROM usual_mail WHERE at_ms < $1", args![before_ms]).await
}

fn read(row: &store::Row) -> Result<Row, Error> {
    Ok(Row {
        id: ReportId(row.int(0)?),
        org: OrgId(row.int(1)?),
        mail: MailId(row.int(2)?),
        digest: row.text(3)?.to_string(),
        reporter: row.text(4)?.to_string(),
        label: Label::read(row.text(5)?).ok_or_else(|| Error::Shape("a report has a label that is not known".into()))?,
        subject: row.text(6)?.to_string(),
        before_spam: row.real(7)? as f32,
        after_spam: row.real(8)? as f32,
        at_ms: row.int(9)?,
    })
}
