//! Too many removals by SCIM within an hour are refused until a person allowed them: a directory whose scope was set wrongly takes
//! everybody away, one by one.

use super::error::ScimError;
use crate::directory_sync::plan::is_too_much;
use crate::directory_sync::settings::STOP_PERCENT;
use axum::http::StatusCode;
use gateway::scope::OrgScope;
use mail::OrgId;
use store::{Error, Tx, args};

/// Removals are counted over this time.
const WINDOW_MS: i64 = 60 * 60 * 1000;
/// How long any number may go once somebody allowed it.
pub const ALLOWED_MS: i64 = 60 * 60 * 1000;

/// Who was asked, and what was said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Guard {
    /// Since when somebody is asked; 0: nobody is.
    pub asked_ms: i64,
    pub allowed_ms: i64,
}

pub async fn guard(tx: &mut Tx, org: OrgId) -> Result<Guard, Error> {
    let row = tx.row("SELECT asked_ms, allowed_ms FROM scim_guard WHERE org = $1", args![org.0]).await?;
    row.map_or(Ok(Guard::default()), |row| Ok(Guard { asked_ms: row.int(0)?, allowed_ms: row.int(1)? }))
}

async fn put(tx: &mut Tx, org: OrgId, guard: Guard) -> Result<(), Error> {
    let sql = "INSERT INTO scim_guard (org, asked_ms, allowed_ms) VALUES ($1, $2, $3) \
               ON CONFLICT (org) DO UPDATE SET asked_ms = excluded.asked_ms, allowed_ms = excluded.allowed_ms";
    tx.run(sql, args![org.0, guard.asked_ms, guard.allowed_ms]).await.map(drop)
}

/// Organisations whose people are asked, and since when.
pub async fn asked(tx: &mut Tx, scope: OrgScope) -> Result<Vec<(OrgId, i64)>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT org, asked_ms FROM scim_guard WHERE asked_ms > 0 AND {whose} ORDER BY asked_ms DESC LIMIT 100");
    tx.rows(&sql, args).await?.iter().map(|row| Ok((OrgId(row.int(0)?), row.int(1)?))).collect()
}

/// Any number may go for an hour.
pub async fn allow(tx: &mut Tx, org: OrgId, now_ms: i64) -> Result<(), Error> {
    put(tx, org, Guard { asked_ms: 0, allowed_ms: now_ms + ALLOWED_MS }).await
}

/// Counts one account that goes; false: it stays, and somebody is asked.
pub async fn goes(tx: &mut Tx, org: OrgId, account: i64, now_ms: i64) -> Result<bool, Error> {
    let guard = guard(tx, org).await?;
    tx.run("DELETE FROM scim_gone WHERE org = $1 AND at_ms <= $2", args![org.0, now_ms - WINDOW_MS]).await?;
    if guard.allowed_ms <= now_ms {
        let count = |row: Option<store::Row>| row.map_or(Ok(0), |row| row.int(0));
        let gone = count(tx.row("SELECT COUNT(*) FROM scim_gone WHERE org = $1", args![org.0]).await?)?;
        let sql = "SELECT COUNT(DISTINCT a.account) FROM scim_address a JOIN known_recipient r ON r.address = a.address AND r.source = 'scim' \
                   WHERE a.org = $1";
        let there = count(tx.row(sql, args![org.0]).await?)?;
        let (before, gone) = (usize::try_from(there + gone).unwrap_or(0), usize::try_from(gone + 1).unwrap_or(0));
        if is_too_much(before, gone, STOP_PERCENT) {
            if guard.asked_ms == 0 {
                put(tx, org, Guard { asked_ms: now_ms, ..guard }).await?;
            }
            return Ok(false);
        }
    }
    let sql = "INSERT INTO scim_gone (account, org, at_ms) VALUES ($1, $2, $3) ON CONFLICT (account, at_ms) DO NOTHING";
    tx.run(sql, args![account, org.0, now_ms]).await?;
    Ok(true)
}

/// What a client is told.
pub fn refused() -> ScimError {
    let detail = "more than 20 % of the accounts would be gone within an hour: nothing is removed until an administrator of the \
                  organisation allows it on the page “Directory”";
    ScimError::Said { status: StatusCode::CONFLICT, kind: "", detail: detail.into() }
}
