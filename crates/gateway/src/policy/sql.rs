//! Every statement on the rows of policies, but those of the settings file (`directory::sql`), and the receipts that replay reads.

use super::PolicySettings;
use crate::directory::sql::bump;
use crate::scope::OrgScope;
use mail::{MailId, OrgId};
use store::{Error, Row, Tx, args};

/// Policies of one organisation; each is compared with every recipient.
pub const POLICIES_MAX: usize = 200;

/// One policy as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    pub settings: PolicySettings,
    /// "file", "command" or "page".
    pub source: String,
}

impl Stored {
    pub fn is_of_file(&self) -> bool {
        self.source == crate::directory::sql::FROM_FILE
    }
}

/// Policies of an organisation, presets among them, by priority and name as they are stored.
pub async fn list(tx: &mut Tx, org: OrgId) -> Result<Vec<Stored>, Error> {
    let sql = format!("SELECT name, settings, source FROM policy WHERE org = $1 ORDER BY priority, name LIMIT {POLICIES_MAX}");
    tx.rows(&sql, args![org.0]).await?.iter().map(stored).collect()
}

pub async fn one(tx: &mut Tx, org: OrgId, name: &str) -> Result<Option<Stored>, Error> {
    let row = tx.row("SELECT name, settings, source FROM policy WHERE org = $1 AND name = $2", args![org.0, name]).await?;
    row.as_ref().map(stored).transpose()
}

/// Adds a policy or changes the one of this name; false when that stands in the settings file.
pub async fn put(tx: &mut Tx, org: OrgId, settings: &PolicySettings, source: &str) -> Result<bool, Error> {
    let json = serde_json::to_string(settings).map_err(|why| Error::Shape(format!("writing a policy: {why}")))?;
    let done = tx
        .run(
            "INSERT INTO policy (name, org, priority, settings, source) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (org, name) DO UPDATE SET priority = excluded.priority, settings = excluded.settings, source = excluded.source \
             WHERE policy.source <> 'file'",
            args![settings.name.as_str(), org.0, settings.priority, json, source],
        )
        .await?;
    bump(tx).await?;
    Ok(done > 0)
}

/// False when there is none of this name, or it stands in the settings file.
pub async fn delete(tx: &mut Tx, org: OrgId, name: &str) -> Result<bool, Error> {
    let gone = tx.run("DELETE FROM policy WHERE org = $1 AND name = $2 AND source <> 'file'", args![org.0, name]).await?;
    bump(tx).await?;
    Ok(gone > 0)
}

/// One receipt to decide about again: its mail, whose it is, and its JSON.
pub type Past = (MailId, OrgId, String);

/// Receipts of mail that came in since, under `before`, the latest first.
pub async fn receipts_before(tx: &mut Tx, scope: OrgScope, (since, before): (MailId, MailId), rows_max: usize) -> Result<Vec<Past>, Error> {
    let mut args = args![before.0, since.0];
    let whose = scope.condition("org", &mut args);
    args.push(rows_max.into());
    let sql = format!(
        "SELECT id, org, receipt FROM mail WHERE id < $1 AND id >= $2 AND {whose} AND direction = 'inbound' ORDER BY id DESC LIMIT ${}",
        args.len()
    );
    let read = |row: &Row| Ok((MailId(row.int(0)?), OrgId(row.int(1)?), row.text(2)?.to_string()));
    tx.rows(&sql, args).await?.iter().map(read).collect()
}

/// Receipts of mails that people said something about, with what they said, the latest first.
pub async fn reported(tx: &mut Tx, org: OrgId, rows_max: usize) -> Result<Vec<(String, String)>, Error> {
    let rows = tx
        .rows(
            "SELECT r.label, m.receipt FROM report r JOIN mail m ON m.id = r.mail AND m.org = r.org \
             WHERE r.org = $1 AND r.mail > 0 ORDER BY r.id DESC LIMIT $2",
            args![org.0, rows_max],
        )
        .await?;
    rows.iter().map(|row| Ok((row.text(0)?.to_string(), row.text(1)?.to_string()))).collect()
}

fn stored(row: &Row) -> Result<Stored, Error> {
    let settings = serde_json::from_str(row.text(1)?)
        .map_err(|why| Error::Shape(format!("settings of the policy “{}”: {why}", row.text(0).unwrap_or_default())))?;
    Ok(Stored { settings, source: row.text(2)?.to_string() })
}
