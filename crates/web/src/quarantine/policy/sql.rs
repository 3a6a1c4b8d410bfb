//! Every statement on quarantine policies and on which holds for what.

use super::{CUSTOM_MAX, Custom, PowerSet, Rules};
use gateway::scope::OrgScope;
use mail::OrgId;
use store::{Error, Row, Tx, args};

/// Verdicts with a choice of their own; there are eleven.
const ASSIGNED_MAX: usize = 100;

/// What holds in an organisation.
pub async fn rules(tx: &mut Tx, org: OrgId) -> Result<Rules, Error> {
    let customs = customs(tx, OrgScope::One(org)).await?;
    let sql = format!("SELECT verdict, policy FROM quarantine_assignment WHERE org = $1 LIMIT {ASSIGNED_MAX}");
    let rows = tx.rows(&sql, args![org.0]).await?;
    let assigned = rows.iter().map(|row| Ok((row.text(0)?.to_string(), row.text(1)?.to_string()))).collect::<Result<Vec<_>, Error>>()?;
    Ok(Rules::new(&assigned, &customs))
}

/// The organisation's own, by name.
pub async fn customs(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Custom>, Error> {
    let mut args = Vec::new();
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT id, org, name, powers FROM quarantine_policy WHERE {whose} ORDER BY name LIMIT {CUSTOM_MAX}");
    tx.rows(&sql, args).await?.iter().map(custom).collect()
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: i64) -> Result<Option<Custom>, Error> {
    let mut args = args![id];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT id, org, name, powers FROM quarantine_policy WHERE id = $1 AND {whose}");
    tx.row(&sql, args).await?.as_ref().map(custom).transpose()
}

/// # Errors
/// [`Error::Exists`] when the name is taken.
pub async fn insert(tx: &mut Tx, custom: &Custom, now_ms: i64) -> Result<(), Error> {
    let added = tx
        .run(
            "INSERT INTO quarantine_policy (id, org, name, powers, made_ms) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (org, name) DO NOTHING",
            args![custom.id, custom.org.0, custom.name.as_str(), custom.powers.written(), now_ms],
        )
        .await?;
    if added == 1 { Ok(()) } else { Err(Error::Exists(custom.name.clone())) }
}

/// Changes name and powers; false when it is gone.
/// # Errors
/// [`Error::Exists`] when another has the name.
pub async fn update(tx: &mut Tx, custom: &Custom) -> Result<bool, Error> {
    let sql = "SELECT id FROM quarantine_policy WHERE org = $1 AND name = $2 AND id <> $3";
    if tx.row(sql, args![custom.org.0, custom.name.as_str(), custom.id]).await?.is_some() {
        return Err(Error::Exists(custom.name.clone()));
    }
    let changed = tx
        .run(
            "UPDATE quarantine_policy SET name = $1, powers = $2 WHERE id = $3 AND org = $4",
            args![custom.name.as_str(), custom.powers.written(), custom.id, custom.org.0],
        )
        .await?;
    Ok(changed == 1)
}

/// Deletes one that no verdict has; false when one has it.
pub async fn delete(tx: &mut Tx, custom: &Custom) -> Result<bool, Error> {
    let gone = tx
        .run(
            "DELETE FROM quarantine_policy WHERE id = $1 AND org = $2 AND NOT EXISTS \
             (SELECT 1 FROM quarantine_assignment a WHERE a.org = $2 AND a.policy = $3)",
            args![custom.id, custom.org.0, custom.id.to_string()],
        )
        .await?;
    Ok(gone == 1)
}

/// Chooses the policy of a verdict.
pub async fn assign(tx: &mut Tx, org: OrgId, verdict: &str, policy: &str) -> Result<(), Error> {
    tx.run(
        "INSERT INTO quarantine_assignment (org, verdict, policy) VALUES ($1, $2, $3) \
         ON CONFLICT (org, verdict) DO UPDATE SET policy = excluded.policy",
        args![org.0, verdict, policy],
    )
    .await
    .map(|_| ())
}

fn custom(row: &Row) -> Result<Custom, Error> {
    Ok(Custom { id: row.int(0)?, org: OrgId(row.int(1)?), name: row.text(2)?.into(), powers: PowerSet::parse(row.text(3)?) })
}
