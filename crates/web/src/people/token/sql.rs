//! Every statement on API tokens.

use super::TOKENS_MAX;
use crate::people::sql::{OF_PERSON, PERSON, PERSON_COLUMNS, person};
use crate::people::{May, Person, may};
use gateway::scope::OrgScope;
use mail::id::TokenId;
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, Value, args};

/// A token that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    pub id: TokenId,
    /// Where it acts; `None`: wherever its owner may.
    pub org: Option<OrgId>,
    pub person: PersonId,
    pub name: String,
    pub digest: String,
    pub may: Vec<May>,
    pub made_ms: i64,
    pub until_ms: i64,
}

/// A token as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub id: TokenId,
    pub name: String,
    pub may: Vec<May>,
    pub made_ms: i64,
    pub until_ms: i64,
    pub used_ms: Option<i64>,
    pub used_ip: String,
}

pub async fn insert(tx: &mut Tx, token: &NewToken) -> Result<(), Error> {
    tx.run(
        "INSERT INTO api_token (id, org, person, name, token, may, made_ms, until_ms, used_ip) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '')",
        args![
            token.id.0,
            token.org.map_or(0, |org| org.0),
            token.person.0,
            token.name.as_str(),
            token.digest.as_str(),
            may::written(&token.may),
            token.made_ms,
            token.until_ms
        ],
    )
    .await
    .map(|_| ())
}

/// How many tokens of this person hold.
pub async fn count(tx: &mut Tx, person: PersonId, now_ms: i64) -> Result<i64, Error> {
    let row = tx.row("SELECT COUNT(*) FROM api_token WHERE person = $1 AND until_ms > $2", args![person.0, now_ms]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Whom a token acts for with what both may, and when it was used last. A token acts in its own organisation: one of the owner's,
/// or one that an operator acted in when it was made.
pub async fn by_token(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<Option<(Person, Option<i64>)>, Error> {
    let statement = format!(
        "SELECT {PERSON}, a.id, a.org, a.may, a.used_ms FROM {OF_PERSON} JOIN api_token a ON a.person = p.id \
         WHERE a.token = $1 AND a.until_ms > $2 AND p.is_active = 1"
    );
    let Some(row) = tx.row(&statement, args![digest, now_ms]).await? else { return Ok(None) };
    let mut person = person(&row)?;
    let org = Some(row.int(PERSON_COLUMNS + 1)?).filter(|org| *org != 0).map(OrgId);
    if org != person.home && !person.may(May::Operate) {
        return Ok(None);
    }
    let of_token = may::read(row.text(PERSON_COLUMNS + 2)?);
    // Without `Operate` in the token, one for all organisations would see none: `Person::scope` says so.
    person.org = org;
    person.may.retain(|may| of_token.contains(may));
    person.token = Some(TokenId(row.int(PERSON_COLUMNS)?));
    Ok(Some((person, row.int_opt(PERSON_COLUMNS + 3)?)))
}

pub async fn used(tx: &mut Tx, id: TokenId, now_ms: i64, ip: &str) -> Result<(), Error> {
    tx.run("UPDATE api_token SET used_ms = $1, used_ip = $2 WHERE id = $3", args![now_ms, ip, id.0]).await.map(|_| ())
}

/// The tokens of one person that hold, newest first.
pub async fn of_person(tx: &mut Tx, scope: OrgScope, person: PersonId, now_ms: i64) -> Result<Vec<TokenRow>, Error> {
    let mut values: Vec<Value> = args![person.0, now_ms];
    let scope = scope.condition("org", &mut values);
    values.push(Value::from(TOKENS_MAX));
    let statement = format!(
        "SELECT id, name, may, made_ms, until_ms, used_ms, used_ip FROM api_token WHERE person = $1 AND until_ms > $2 AND {scope} \
         ORDER BY id DESC LIMIT ${}",
        values.len()
    );
    let read = |row: &Row| {
        Ok(TokenRow {
            id: TokenId(row.int(0)?),
            name: row.text(1)?.to_string(),
            may: may::read(row.text(2)?),
            made_ms: row.int(3)?,
            until_ms: row.int(4)?,
            used_ms: row.int_opt(5)?,
            used_ip: row.text(6)?.to_string(),
        })
    };
    tx.rows(&statement, values).await?.iter().map(read).collect()
}

/// Ends one token of a person; its name, or `None` when there is no such token.
pub async fn revoke(tx: &mut Tx, person: PersonId, id: TokenId) -> Result<Option<String>, Error> {
    let row = tx.row("SELECT name FROM api_token WHERE person = $1 AND id = $2", args![person.0, id.0]).await?;
    let Some(row) = row else { return Ok(None) };
    tx.run("DELETE FROM api_token WHERE person = $1 AND id = $2", args![person.0, id.0]).await?;
    Ok(Some(row.text(0)?.to_string()))
}

pub async fn revoke_all(tx: &mut Tx, person: PersonId) -> Result<(), Error> {
    tx.run("DELETE FROM api_token WHERE person = $1", args![person.0]).await.map(|_| ())
}
