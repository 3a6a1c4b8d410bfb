//! Every statement on people, sessions and links.

use super::session::{IDLE_MS, Peer};
use super::{Person, Role};
use crate::page::words::Lang;
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, args};

/// Sessions one person can have; the oldest go.
const SESSIONS_MAX: i64 = 20;

/// What makes a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// As [`mail::Address::key`] writes it.
    pub email: String,
    pub name: String,
    pub role: Role,
    /// `None`: of the service.
    pub org: Option<OrgId>,
}

/// Adds a person; one with this address stays as it is. Returns who has the address now.
pub async fn add(tx: &mut Tx, person: &NewPerson, fresh_id: i64, now_ms: i64) -> Result<PersonId, Error> {
    tx.run(
        "INSERT INTO person (id, org, email, name, role, language, password, is_active, made_ms) \
         VALUES ($1, $2, $3, $4, $5, '', '', 1, $6) ON CONFLICT (email) DO NOTHING",
        args![fresh_id, person.org.map_or(0, |org| org.0), person.email.as_str(), person.name.as_str(), person.role.name(), now_ms],
    )
    .await?;
    match tx.row("SELECT id FROM person WHERE email = $1", args![person.email.as_str()]).await? {
        Some(row) => Ok(PersonId(row.int(0)?)),
        None => Err(Error::Gone("a person was added and is not there".into())),
    }
}

/// Active person and stored password of an address.
pub async fn password_of(tx: &mut Tx, email: &str) -> Result<Option<(PersonId, String)>, Error> {
    let row = tx.row("SELECT id, password FROM person WHERE email = $1 AND is_active = 1", args![email]).await?;
    row.map(|row| Ok((PersonId(row.int(0)?), row.text(1)?.to_string()))).transpose()
}

pub async fn set_password(tx: &mut Tx, person: PersonId, hash: &str) -> Result<(), Error> {
    tx.run("UPDATE person SET password = $1 WHERE id = $2", args![hash, person.0]).await.map(|_| ())
}

/// Keeps a link that signs in once.
pub async fn put_link(tx: &mut Tx, person: PersonId, digest: &str, purpose: &str, until_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO sign_in_link (token, person, purpose, until_ms) VALUES ($1, $2, $3, $4)",
        args![digest, person.0, purpose, until_ms],
    )
    .await
    .map(|_| ())
}

/// The person a link is for, while it holds.
pub async fn link(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<Option<PersonId>, Error> {
    let found = tx
        .row(
            "SELECT p.id FROM sign_in_link l JOIN person p ON p.id = l.person WHERE l.token = $1 AND l.until_ms > $2 AND p.is_active = 1",
            args![digest, now_ms],
        )
        .await?;
    found.map(|row| Ok(PersonId(row.int(0)?))).transpose()
}

/// As [`link`], and it holds no longer.
pub async fn use_link(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<Option<PersonId>, Error> {
    let found = link(tx, digest, now_ms).await?;
    let gone = tx.run("DELETE FROM sign_in_link WHERE token = $1", args![digest]).await?;
    Ok(found.filter(|_| gone == 1)) // of two at once, one
}

/// `span` is when it begins and when it ends at the latest.
pub async fn start_session(tx: &mut Tx, person: PersonId, digest: &str, peer: &Peer, span: (i64, i64)) -> Result<(), Error> {
    let (now_ms, until_ms) = span;
    tx.run(
        "INSERT INTO person_session (token, person, org, made_ms, seen_ms, until_ms, ip, agent) \
         SELECT $1, id, org, $2, $2, $3, $4, $5 FROM person WHERE id = $6",
        args![digest, now_ms, until_ms, peer.ip.as_str(), peer.agent.as_str(), person.0],
    )
    .await?;
    tx.run(
        "DELETE FROM person_session WHERE person = $1 AND token NOT IN \
         (SELECT token FROM person_session WHERE person = $1 ORDER BY made_ms DESC, token LIMIT $2)",
        args![person.0, SESSIONS_MAX],
    )
    .await?;
    tx.run("UPDATE person SET seen_ms = $1 WHERE id = $2", args![now_ms, person.0]).await.map(|_| ())
}

/// Who holds this session, and when it was used last; `None` when it is over.
pub async fn by_session(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<Option<(Person, i64)>, Error> {
    let found = tx
        .row(
            "SELECT p.id, s.org, p.email, p.name, p.role, p.language, s.seen_ms FROM person_session s JOIN person p ON p.id = s.person \
             WHERE s.token = $1 AND s.until_ms > $2 AND s.seen_ms > $3 AND p.is_active = 1",
            args![digest, now_ms, now_ms - IDLE_MS],
        )
        .await?;
    found.map(|row| Ok((person(&row, digest)?, row.int(6)?))).transpose()
}

fn person(row: &Row, session: &str) -> Result<Person, Error> {
    // A role of a newer version may nothing here.
    let role = Role::parse(row.text(4)?);
    Ok(Person {
        id: PersonId(row.int(0)?),
        org: Some(row.int(1)?).filter(|org| *org != 0).map(OrgId),
        email: row.text(2)?.to_string(),
        name: row.text(3)?.to_string(),
        role: role.unwrap_or(Role::Person),
        may: role.map(Role::may).unwrap_or_default().to_vec(),
        lang: Lang::parse(row.text(5)?),
        session: session.to_string(),
        ip: String::new(),
    })
}

pub async fn seen(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<(), Error> {
    tx.run("UPDATE person_session SET seen_ms = $1 WHERE token = $2", args![now_ms, digest]).await.map(|_| ())
}

pub async fn end_session(tx: &mut Tx, digest: &str) -> Result<(), Error> {
    tx.run("DELETE FROM person_session WHERE token = $1", args![digest]).await.map(|_| ())
}

/// The language somebody of this organisation chose, for letters to them.
pub async fn lang_of(tx: &mut Tx, org: OrgId, email: &str) -> Result<Option<Lang>, Error> {
    let row = tx.row("SELECT language FROM person WHERE email = $1 AND org = $2", args![email, org.0]).await?;
    Ok(row.map(|row| row.text(0).map(Lang::parse)).transpose()?.flatten())
}
