//! Every statement of reputation.

use super::{Key, Kind, Standing};
use mail::OrgId;
use store::{Error, Row, Tx, Value, args};

const ADD: &str = "INSERT INTO reputation (org, kind, name, good, bad, first_ms, last_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) \
     ON CONFLICT (org, kind, name) DO UPDATE SET good = reputation.good + excluded.good, bad = reputation.bad + excluded.bad, \
     last_ms = excluded.last_ms";

/// Adds to what is known of names.
pub async fn add(tx: &mut Tx, notes: &[(Key, Standing)]) -> Result<(), Error> {
    let row = |(key, note): &(Key, Standing)| {
        (ADD, args![key.org.0, key.kind.name(), &*key.name, Value::Real(note.good), Value::Real(note.bad), note.first_ms, note.last_ms])
    };
    tx.run_all(notes.iter().map(row).collect()).await
}

/// What is known of names; those that are not known are left out. All keys are of one organisation and few.
pub async fn find(tx: &mut Tx, keys: &[Key]) -> Result<Vec<(Key, Standing)>, Error> {
    let Some(org) = keys.first().map(|key| key.org) else { return Ok(Vec::new()) };
    let mut values = vec![Value::Int(org.0)];
    let mut pairs = Vec::with_capacity(keys.len());
    for key in keys {
        pairs.push(format!("(kind = ${} AND name = ${})", values.len() + 1, values.len() + 2));
        values.extend(args![key.kind.name(), &*key.name]);
    }
    let sql = format!("SELECT kind, name, good, bad, first_ms, last_ms FROM reputation WHERE org = $1 AND ({})", pairs.join(" OR "));
    let rows = tx.rows(&sql, values).await?;
    rows.iter().filter_map(|row| read(row, org).transpose()).collect()
}

/// Organisations and the domains they wrote to, the latest first.
pub async fn written(tx: &mut Tx, most: usize) -> Result<Vec<(OrgId, String)>, Error> {
    let sql = "SELECT org, name FROM reputation WHERE kind = 'correspondent' ORDER BY last_ms DESC, name LIMIT $1";
    let rows = tx.rows(sql, args![i64::try_from(most).unwrap_or(i64::MAX)]).await?;
    rows.iter().map(|row| Ok((OrgId(row.int(0)?), row.text(1)?.to_string()))).collect()
}

/// Rows nothing was added to since.
pub async fn forget(tx: &mut Tx, before_ms: i64) -> Result<u64, Error> {
    tx.run("DELETE FROM reputation WHERE last_ms < $1", args![before_ms]).await
}

fn read(row: &Row, org: OrgId) -> Result<Option<(Key, Standing)>, Error> {
    let Some(kind) = Kind::parse(row.text(0)?) else { return Ok(None) };
    let standing = Standing { good: row.real(2)?, bad: row.real(3)?, first_ms: row.int(4)?, last_ms: row.int(5)? };
    Ok(Some((Key { org, kind, name: row.text(1)?.into() }, standing)))
}
