//! Every statement on kept results of checks.

use gateway::scope::OrgScope;
use mail::OrgId;
use store::{Error, Tx, args};

/// Results read at once.
const LIST_MAX: usize = 10_000;

/// The last result replaces the one before.
pub async fn put(tx: &mut Tx, org: OrgId, (kind, subject): (&str, &str), at_ms: i64, result: &str) -> Result<(), Error> {
    tx.run(
        "INSERT INTO check_result (org, kind, subject, at_ms, result) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (org, kind, subject) DO UPDATE SET at_ms = excluded.at_ms, result = excluded.result",
        args![org.0, kind, subject, at_ms, result],
    )
    .await
    .map(|_| ())
}

/// When, and the result as it was put.
pub async fn last(tx: &mut Tx, org: OrgId, kind: &str, subject: &str) -> Result<Option<(i64, String)>, Error> {
    let found =
        tx.row("SELECT at_ms, result FROM check_result WHERE org = $1 AND kind = $2 AND subject = $3", args![org.0, kind, subject]).await?;
    found.map(|row| Ok((row.int(0)?, row.text(1)?.to_string()))).transpose()
}

/// Subject, time and result of all of one kind.
pub async fn all(tx: &mut Tx, scope: OrgScope, kind: &str) -> Result<Vec<(OrgId, String, i64, String)>, Error> {
    let mut args = args![kind];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT org, subject, at_ms, result FROM check_result WHERE kind = $1 AND {whose} ORDER BY subject LIMIT {LIST_MAX}");
    tx.rows(&sql, args).await?.iter().map(|row| Ok((OrgId(row.int(0)?), row.text(1)?.into(), row.int(2)?, row.text(3)?.into()))).collect()
}

pub async fn forget(tx: &mut Tx, org: OrgId, kind: &str, subject: &str) -> Result<(), Error> {
    tx.run("DELETE FROM check_result WHERE org = $1 AND kind = $2 AND subject = $3", args![org.0, kind, subject]).await.map(|_| ())
}

/// Forgets all but the latest of one kind.
pub async fn keep_latest(tx: &mut Tx, org: OrgId, kind: &str, rows_max: usize) -> Result<(), Error> {
    tx.run(
        "DELETE FROM check_result WHERE org = $1 AND kind = $2 AND subject NOT IN \
         (SELECT subject FROM check_result WHERE org = $1 AND kind = $2 ORDER BY at_ms DESC, subject LIMIT $3)",
        args![org.0, kind, rows_max],
    )
    .await
    .map(|_| ())
}
