//! Every statement on the keys of domains.

use super::{DomainKey, KEYS_MAX, KeyState};
use crate::scope::OrgScope;
use mail::OrgId;
use store::{Error, Row, Tx, Value, args};

/// Keys of one domain that are shown, retired ones included.
const SHOWN_MAX: usize = 50;
/// Keys that one round of the rotation looks at.
const ROUND_MAX: i64 = 10_000;

const COLUMNS: &str = "id, org, domain, selector, kind, state, record, sealed, made_ms, state_ms, rotate_days";

pub async fn insert(tx: &mut Tx, key: &DomainKey) -> Result<(), Error> {
    let open = tx
        .row("SELECT count(*) FROM dkim_key WHERE domain = $1 AND org = $2 AND state <> 'retired'", args![key.domain.as_str(), key.org.0])
        .await?;
    if open.map(|row| row.int(0)).transpose()?.unwrap_or(0) >= KEYS_MAX as i64 {
        return Err(Error::Exists(format!("{KEYS_MAX} keys of {}", key.domain)));
    }
    tx.run(
        "INSERT INTO dkim_key (id, org, domain, selector, kind, state, record, sealed, made_ms, state_ms, rotate_days) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        args![
            key.id,
            key.org.0,
            key.domain.as_str(),
            key.selector.as_str(),
            key.kind.as_str(),
            key.state.name(),
            key.record.as_str(),
            key.sealed.as_str(),
            key.made_ms,
            key.state_ms,
            key.rotate_days
        ],
    )
    .await
    .map(|_| ())
}

/// Keys of a domain, newest first.
pub async fn of_domain(tx: &mut Tx, scope: OrgScope, domain: &str) -> Result<Vec<DomainKey>, Error> {
    let mut args = args![domain];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT {COLUMNS} FROM dkim_key WHERE domain = $1 AND {whose} ORDER BY id DESC LIMIT {SHOWN_MAX}");
    read(tx.rows(&sql, args).await?)
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: i64) -> Result<Option<DomainKey>, Error> {
    let mut args = args![id];
    let whose = scope.condition("org", &mut args);
    Ok(read(tx.rows(&format!("SELECT {COLUMNS} FROM dkim_key WHERE id = $1 AND {whose}"), args).await?)?.pop())
}

/// Every key that is not retired, for the rotation and for the snapshot of the directory.
pub async fn open(tx: &mut Tx) -> Result<Vec<DomainKey>, Error> {
    read(tx.rows(&format!("SELECT {COLUMNS} FROM dkim_key WHERE state <> 'retired' ORDER BY id LIMIT $1"), vec![Value::Int(ROUND_MAX)]).await?)
}

/// From one state to another; false when it is not in the first any more.
pub async fn change(tx: &mut Tx, key: &DomainKey, to: KeyState, now_ms: i64) -> Result<bool, Error> {
    let sealed = if to == KeyState::Retired { "" } else { key.sealed.as_str() };
    let changed = tx
        .run(
            "UPDATE dkim_key SET state = $1, state_ms = $2, sealed = $3 WHERE id = $4 AND state = $5",
            args![to.name(), now_ms, sealed, key.id, key.state.name()],
        )
        .await?;
    Ok(changed == 1)
}

/// A published key signs from now on; those of its kind that signed before retire.
pub async fn activate(tx: &mut Tx, key: &DomainKey, now_ms: i64) -> Result<bool, Error> {
    tx.run(
        "UPDATE dkim_key SET state = 'retiring', state_ms = $1 WHERE domain = $2 AND org = $3 AND kind = $4 AND state = 'active' AND id <> $5",
        args![now_ms, key.domain.as_str(), key.org.0, key.kind.as_str(), key.id],
    )
    .await?;
    change(tx, key, KeyState::Active, now_ms).await
}

pub async fn set_rotation(tx: &mut Tx, org: OrgId, domain: &str, days: i64) -> Result<(), Error> {
    tx.run("UPDATE dkim_key SET rotate_days = $1 WHERE domain = $2 AND org = $3 AND state <> 'retired'", args![days, domain, org.0])
        .await
        .map(|_| ())
}

/// The domain is served no more: its keys sign for nobody.
pub async fn remove_of(tx: &mut Tx, org: OrgId, domain: &str) -> Result<(), Error> {
    tx.run("DELETE FROM dkim_key WHERE domain = $1 AND org = $2", args![domain, org.0]).await.map(|_| ())
}

fn read(rows: Vec<Row>) -> Result<Vec<DomainKey>, Error> {
    rows.iter().filter_map(|row| key(row).transpose()).collect()
}

/// `None` for a state of a newer version.
fn key(row: &Row) -> Result<Option<DomainKey>, Error> {
    let Some(state) = KeyState::named(row.text(5)?) else { return Ok(None) };
    Ok(Some(DomainKey {
        id: row.int(0)?,
        org: OrgId(row.int(1)?),
        domain: row.text(2)?.into(),
        selector: row.text(3)?.into(),
        kind: row.text(4)?.into(),
        state,
        record: row.text(6)?.into(),
        sealed: row.text(7)?.into(),
        made_ms: row.int(8)?,
        state_ms: row.int(9)?,
        rotate_days: row.int(10)?,
    }))
}
