//! The statements behind the balance.

use crate::trace::event::EventKind;
use mail::{MailId, OrgId};
use store::{Error, Tx, args};

/// All rows of the mails in one window.
pub struct Rows {
    pub mails: Vec<MailRow>,
    pub recipients: Vec<RecipientRow>,
    pub ends: Vec<EndRow>,
    pub bodies_missing: Vec<MailId>,
    pub bodies_orphaned: Vec<MailId>,
    /// Where the next window begins.
    pub next: MailId,
}

pub struct MailRow {
    pub mail: MailId,
    pub org: OrgId,
    pub accepted: i64,
}

pub struct RecipientRow {
    pub mail: MailId,
    pub org: OrgId,
    pub address: String,
    pub state: String,
}

/// An event that ends a recipient.
pub struct EndRow {
    pub mail: MailId,
    pub address: String,
    pub state: &'static str,
}

/// Reads a window that begins at `from`, ends before `end`, and holds at most `mails_max` mails.
pub async fn window(tx: &mut Tx, from: MailId, end: MailId, mails_max: usize) -> Result<Rows, Error> {
    let sql = "SELECT id, org, recipients FROM mail WHERE id >= $1 AND id < $2 ORDER BY id LIMIT $3";
    let rows = tx.rows(sql, args![from.0, end.0, mails_max]).await?;
    let mails = rows
        .iter()
        .map(|row| Ok(MailRow { mail: MailId(row.int(0)?), org: OrgId(row.int(1)?), accepted: row.int(2)? }))
        .collect::<Result<Vec<_>, Error>>()?;
    let next = if mails.len() < mails_max { end } else { mails.last().map_or(end, |last| MailId(last.mail.0 + 1)) };
    Ok(Rows {
        mails,
        recipients: recipients(tx, from, next).await?,
        ends: ends(tx, from, next).await?,
        bodies_missing: bodies_missing(tx, from, next).await?,
        bodies_orphaned: bodies_orphaned(tx, from, next).await?,
        next,
    })
}

async fn recipients(tx: &mut Tx, from: MailId, end: MailId) -> Result<Vec<RecipientRow>, Error> {
    let sql = "SELECT mail, org, address, state FROM recipient WHERE mail >= $1 AND mail < $2 ORDER BY mail, n";
    let rows = tx.rows(sql, args![from.0, end.0]).await?;
    rows.iter()
        .map(|row| {
            let (address, state) = (row.text(2)?.to_string(), row.text(3)?.to_string());
            Ok(RecipientRow { mail: MailId(row.int(0)?), org: OrgId(row.int(1)?), address, state })
        })
        .collect()
}

async fn ends(tx: &mut Tx, from: MailId, end: MailId) -> Result<Vec<EndRow>, Error> {
    let sql = "SELECT mail, recipient, kind FROM event WHERE mail >= $1 AND mail < $2 AND mail > 0 \
               AND kind IN ('delivered', 'handed-back', 'bounced', 'deleted', 'cancelled', 'expired')";
    let mut ends = Vec::new();
    for row in tx.rows(sql, args![from.0, end.0]).await? {
        if let Some(state) = EventKind::parse(row.text(2)?).and_then(EventKind::final_state) {
            ends.push(EndRow { mail: MailId(row.int(0)?), address: row.text(1)?.to_string(), state });
        }
    }
    Ok(ends)
}

async fn bodies_missing(tx: &mut Tx, from: MailId, end: MailId) -> Result<Vec<MailId>, Error> {
    let sql = "SELECT DISTINCT r.mail FROM recipient r WHERE r.mail >= $1 AND r.mail < $2 AND r.state IN ('queued', 'held') \
               AND NOT EXISTS (SELECT 1 FROM body b WHERE b.mail = r.mail)";
    tx.rows(sql, args![from.0, end.0]).await?.iter().map(|row| row.int(0).map(MailId)).collect()
}

async fn bodies_orphaned(tx: &mut Tx, from: MailId, end: MailId) -> Result<Vec<MailId>, Error> {
    let sql = "SELECT b.mail FROM body b WHERE b.mail >= $1 AND b.mail < $2 \
               AND NOT EXISTS (SELECT 1 FROM recipient r WHERE r.mail = b.mail AND r.state IN ('queued', 'held'))";
    tx.rows(sql, args![from.0, end.0]).await?.iter().map(|row| row.int(0).map(MailId)).collect()
}

/// Mails whose bodies lie in files, and the names of those.
pub async fn files_after(tx: &mut Tx, after: MailId, rows_max: usize) -> Result<Vec<(MailId, String)>, Error> {
    let sql = "SELECT mail, place FROM body WHERE mail > $1 AND place <> '' ORDER BY mail LIMIT $2";
    tx.rows(sql, args![after.0, rows_max]).await?.iter().map(|row| Ok((MailId(row.int(0)?), row.text(1)?.to_string()))).collect()
}

pub async fn has_body(tx: &mut Tx, mail: MailId) -> Result<bool, Error> {
    Ok(tx.row("SELECT 1 FROM body WHERE mail = $1", args![mail.0]).await?.is_some())
}
