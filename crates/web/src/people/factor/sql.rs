//! Every statement on second factors and passkeys.

use super::Factors;
use gateway::dkim::Seal;
use mail::PersonId;
use store::{Error, Row, Tx, args};

/// Passkeys of one person.
pub const PASSKEYS_MAX: i64 = 20;

/// An authenticator app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    pub secret: String,
    /// Confirmed by a code.
    pub is_on: bool,
    pub last_step: i64,
}

pub async fn factors(tx: &mut Tx, person: PersonId) -> Result<Factors, Error> {
    let statement = "SELECT CASE WHEN p.password = '' THEN 0 ELSE 1 END, \
                     (SELECT COUNT(*) FROM totp t WHERE t.person = p.id AND t.is_on = 1), \
                     (SELECT COUNT(*) FROM passkey k WHERE k.person = p.id), \
                     (SELECT COUNT(*) FROM recovery_code c WHERE c.person = p.id) FROM person p WHERE p.id = $1";
    let Some(row) = tx.row(statement, args![person.0]).await? else { return Ok(Factors::default()) };
    Ok(Factors { has_password: row.int(0)? == 1, has_totp: row.int(1)? > 0, passkeys: row.int(2)?, recovery_codes: row.int(3)? })
}

/// What the secret of an app is sealed for.
fn context(person: PersonId) -> String {
    format!("totp {}", person.0)
}

pub async fn totp(tx: &mut Tx, seal: &Seal, person: PersonId) -> Result<Option<Totp>, Error> {
    let row = tx.row("SELECT secret, is_on, last_step FROM totp WHERE person = $1", args![person.0]).await?;
    let secret = |row: &Row| seal.reveal(row.text(0)?, &context(person));
    row.map(|row| Ok(Totp { secret: secret(&row)?, is_on: row.int(1)? == 1, last_step: row.int(2)? })).transpose()
}

/// Keeps a secret that is not confirmed yet; one that is stays.
pub async fn offer_totp(tx: &mut Tx, seal: &Seal, person: PersonId, (secret, now_ms): (&str, i64)) -> Result<(), Error> {
    let sealed = seal.keep(secret, &context(person))?;
    tx.run(
        "INSERT INTO totp (person, secret, is_on, last_step, made_ms) VALUES ($1, $2, 0, 0, $3) ON CONFLICT (person) DO NOTHING",
        args![person.0, sealed, now_ms],
    )
    .await
    .map(|_| ())
}

pub async fn confirm_totp(tx: &mut Tx, person: PersonId, step: i64) -> Result<bool, Error> {
    Ok(tx.run("UPDATE totp SET is_on = 1, last_step = $1 WHERE person = $2 AND is_on = 0", args![step, person.0]).await? == 1)
}

/// Uses a code up; false when it or a newer one was used meanwhile.
pub async fn use_step(tx: &mut Tx, person: PersonId, step: i64) -> Result<bool, Error> {
    Ok(tx.run("UPDATE totp SET last_step = $1 WHERE person = $2 AND last_step < $1", args![step, person.0]).await? == 1)
}

pub async fn remove_totp(tx: &mut Tx, person: PersonId) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM totp WHERE person = $1 AND is_on = 1", args![person.0]).await? == 1)
}

/// New recovery codes instead of all older ones.
pub async fn set_recovery_codes(tx: &mut Tx, person: PersonId, digests: &[String]) -> Result<(), Error> {
    tx.run("DELETE FROM recovery_code WHERE person = $1", args![person.0]).await?;
    for digest in digests {
        tx.run("INSERT INTO recovery_code (person, code) VALUES ($1, $2)", args![person.0, digest.as_str()]).await?;
    }
    Ok(())
}

pub async fn use_recovery_code(tx: &mut Tx, person: PersonId, digest: &str) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM recovery_code WHERE person = $1 AND code = $2", args![person.0, digest]).await? == 1)
}

/// Takes everything away but the password.
pub async fn remove_all(tx: &mut Tx, person: PersonId) -> Result<(), Error> {
    for statement in
        ["DELETE FROM totp WHERE person = $1", "DELETE FROM recovery_code WHERE person = $1", "DELETE FROM passkey WHERE person = $1"]
    {
        tx.run(statement, args![person.0]).await?;
    }
    Ok(())
}

/// A passkey as lists show it, and as it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyRow {
    pub id: String,
    pub person: PersonId,
    pub name: String,
    /// JSON of the library.
    pub credential: String,
    pub made_ms: i64,
    pub used_ms: Option<i64>,
}

const PASSKEY: &str = "SELECT id, person, name, credential, made_ms, used_ms FROM passkey";

fn passkey(row: &Row) -> Result<PasskeyRow, Error> {
    Ok(PasskeyRow {
        id: row.text(0)?.to_string(),
        person: PersonId(row.int(1)?),
        name: row.text(2)?.to_string(),
        credential: row.text(3)?.to_string(),
        made_ms: row.int(4)?,
        used_ms: row.int_opt(5)?,
    })
}

pub async fn passkeys(tx: &mut Tx, person: PersonId) -> Result<Vec<PasskeyRow>, Error> {
    let statement = format!("{PASSKEY} WHERE person = $1 ORDER BY made_ms, id LIMIT $2");
    tx.rows(&statement, args![person.0, PASSKEYS_MAX]).await?.iter().map(passkey).collect()
}

pub async fn insert_passkey(tx: &mut Tx, row: &PasskeyRow) -> Result<(), Error> {
    tx.run(
        "INSERT INTO passkey (id, person, name, credential, made_ms) VALUES ($1, $2, $3, $4, $5)",
        args![row.id.as_str(), row.person.0, row.name.as_str(), row.credential.as_str(), row.made_ms],
    )
    .await
    .map(|_| ())
}

/// The credential after it was used: counters tell a copy from the original.
pub async fn use_passkey(tx: &mut Tx, id: &str, credential: &str, now_ms: i64) -> Result<(), Error> {
    tx.run("UPDATE passkey SET credential = $1, used_ms = $2 WHERE id = $3", args![credential, now_ms, id]).await.map(|_| ())
}

pub async fn remove_passkey(tx: &mut Tx, person: PersonId, id: &str) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM passkey WHERE person = $1 AND id = $2", args![person.0, id]).await? == 1)
}
