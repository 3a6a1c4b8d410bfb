//! Every statement on what an organisation chose about entries.

use mail::OrgId;
use store::{Error, Tx, args};

/// What an organisation chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choice {
    /// People make entries for their own mailbox.
    pub people_may: bool,
    /// Days before an entry ends that its maker is told; 0: not told.
    pub warn_days: i64,
}

pub async fn choice(tx: &mut Tx, org: OrgId) -> Result<Choice, Error> {
    let row = tx.row("SELECT people_may, warn_days FROM entry_choice WHERE org = $1", args![org.0]).await?;
    row.map_or(Ok(Choice::default()), |row| Ok(Choice { people_may: row.int(0)? != 0, warn_days: row.int(1)? }))
}

pub async fn choose(tx: &mut Tx, org: OrgId, choice: Choice) -> Result<(), Error> {
    tx.run(
        "INSERT INTO entry_choice (org, people_may, warn_days) VALUES ($1, $2, $3) \
         ON CONFLICT (org) DO UPDATE SET people_may = excluded.people_may, warn_days = excluded.warn_days",
        args![org.0, choice.people_may, choice.warn_days],
    )
    .await
    .map(|_| ())
}

/// Organisations whose makers of entries are told before one ends, for a job: with how many days before.
pub async fn telling(tx: &mut Tx, orgs_max: usize) -> Result<Vec<(OrgId, i64)>, Error> {
    let rows = tx.rows("SELECT org, warn_days FROM entry_choice WHERE warn_days > 0 ORDER BY org LIMIT $1", args![orgs_max]).await?;
    rows.iter().map(|row| Ok((OrgId(row.int(0)?), row.int(1)?))).collect()
}

/// Entries of an organisation.
pub async fn count(tx: &mut Tx, org: OrgId) -> Result<i64, Error> {
    let row = tx.row("SELECT COUNT(*) FROM list_entry WHERE org = $1", args![org.0]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}
