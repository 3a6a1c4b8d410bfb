//! Every statement on people, sessions and links.

use super::provider::SecondFactor;
use super::session::{IDLE_MS, Start};
use super::{May, Person, Role, may};
use crate::page::words::Lang;
use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use store::{Error, Row, Tx, Value, args};

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

/// The person a link is for and its purpose, while it holds.
pub async fn link(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<Option<(PersonId, String)>, Error> {
    let found = tx
        .row(
            "SELECT p.id, l.purpose FROM sign_in_link l JOIN person p ON p.id = l.person WHERE l.token = $1 AND l.until_ms > $2 AND p.is_active = 1",
            args![digest, now_ms],
        )
        .await?;
    found.map(|row| Ok((PersonId(row.int(0)?), row.text(1)?.to_string()))).transpose()
}

/// As [`link`], and it holds no longer.
pub async fn use_link(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<Option<(PersonId, String)>, Error> {
    let found = link(tx, digest, now_ms).await?;
    let gone = tx.run("DELETE FROM sign_in_link WHERE token = $1", args![digest]).await?;
    Ok(found.filter(|_| gone == 1)) // of two at once, one
}

/// Begins a session; the oldest of too many ends.
pub async fn start_session(tx: &mut Tx, start: &Start, until_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO person_session (token, id, person, org, how, sure_ms, made_ms, seen_ms, until_ms, ip, agent) \
         SELECT $1, $2, id, org, $3, $4, $4, $4, $5, $6, $7 FROM person WHERE id = $8",
        args![
            start.digest.as_str(),
            start.id,
            start.how,
            start.now_ms,
            until_ms,
            start.peer.ip.as_str(),
            start.peer.agent.as_str(),
            start.person.0
        ],
    )
    .await?;
    tx.run(
        "DELETE FROM person_session WHERE person = $1 AND token NOT IN \
         (SELECT token FROM person_session WHERE person = $1 ORDER BY made_ms DESC, id DESC LIMIT $2)",
        args![start.person.0, SESSIONS_MAX],
    )
    .await?;
    tx.run("UPDATE person SET seen_ms = $1 WHERE id = $2", args![start.now_ms, start.person.0]).await.map(|_| ())
}

/// Columns of a person, as [`person`] reads them, and where they come from.
pub(super) const PERSON: &str = "p.id, p.org, p.email, p.name, p.role, p.language, p.zone, p.colours, p.own_role, r.name, r.may";
pub(super) const OF_PERSON: &str = "person p LEFT JOIN own_role r ON r.id = p.own_role AND r.org = p.org";
/// How many columns those are.
pub(super) const PERSON_COLUMNS: usize = 11;

/// 1 for those with an authenticator app or a passkey.
const HAS_SECOND: &str = "CASE WHEN EXISTS (SELECT 1 FROM totp t WHERE t.person = p.id AND t.is_on = 1) \
    OR EXISTS (SELECT 1 FROM passkey k WHERE k.person = p.id) THEN 1 ELSE 0 END";

/// Who holds this session, and when it was used last; `None` when it is over.
pub async fn by_session(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<Option<(Person, i64)>, Error> {
    let statement = format!(
        "SELECT {PERSON}, s.org, s.sure_ms, s.seen_ms, s.id, s.how, {HAS_SECOND}, \
             (SELECT a.settings FROM access_setting a WHERE a.org = p.org) \
         FROM {OF_PERSON} JOIN person_session s ON s.person = p.id WHERE s.token = $1 AND s.until_ms > $2 AND s.seen_ms > $3 AND p.is_active = 1"
    );
    let found = tx.row(&statement, args![digest, now_ms, now_ms - IDLE_MS]).await?;
    let read = |row: Row| {
        let mut person = person(&row)?;
        person.session = digest.to_string();
        // Support looks into the organisation that it was let into; `service_request::consent` says whether and at what.
        if person.may(May::Operate) || crate::service_request::consent::binds(&person) {
            person.org = org(row.int(PERSON_COLUMNS)?);
        }
        person.sure_ms = row.int(PERSON_COLUMNS + 1)?;
        person.session_id = row.int(PERSON_COLUMNS + 3)?;
        let wanted = SecondFactor::of_settings(row.text_opt(PERSON_COLUMNS + 6)?.unwrap_or_default());
        // Whoever comes through their own provider was asked there.
        person.lacks_factor = row.text(PERSON_COLUMNS + 4)? != "provider" && row.int(PERSON_COLUMNS + 5)? == 0 && wanted.binds(&person);
        Ok((person, row.int(PERSON_COLUMNS + 2)?))
    };
    found.map(read).transpose()
}

fn org(number: i64) -> Option<OrgId> {
    Some(number).filter(|org| *org != 0).map(OrgId)
}

/// A person without a session.
pub(super) fn person(row: &Row) -> Result<Person, Error> {
    let (built_in, own_name) = (Role::parse(row.text(4)?), row.text_opt(9)?.unwrap_or_default());
    // A role of a newer version, or one of the organisation's that is gone, may nothing here.
    let (role, may) = match (row.int(8)?, built_in) {
        (0, Some(role)) => (role, role.may().to_vec()),
        (0, None) => (Role::Person, Vec::new()),
        (_, _) => (Role::Own, may::read(row.text_opt(10)?.unwrap_or_default())),
    };
    Ok(Person {
        id: PersonId(row.int(0)?),
        org: org(row.int(1)?),
        home: org(row.int(1)?),
        email: row.text(2)?.to_string(),
        name: row.text(3)?.to_string(),
        role,
        own_role: row.int(8)?,
        own_role_name: own_name.to_string(),
        may,
        lang: Lang::parse(row.text(5)?),
        zone: row.text(6)?.to_string(),
        colours: row.text(7)?.to_string(),
        session: String::new(),
        session_id: 0,
        token: None,
        lacks_factor: false,
        sure_ms: 0,
        ip: String::new(),
    })
}

pub async fn seen(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<(), Error> {
    tx.run("UPDATE person_session SET seen_ms = $1 WHERE token = $2", args![now_ms, digest]).await.map(|_| ())
}

/// The holder proved again to be there.
pub async fn sure(tx: &mut Tx, digest: &str, now_ms: i64) -> Result<(), Error> {
    tx.run("UPDATE person_session SET sure_ms = $1 WHERE token = $2", args![now_ms, digest]).await.map(|_| ())
}

/// The organisation an operator acts in from now on; `None`: all.
pub async fn act_in(tx: &mut Tx, digest: &str, org: Option<OrgId>) -> Result<(), Error> {
    tx.run("UPDATE person_session SET org = $1 WHERE token = $2", args![org.map_or(0, |org| org.0), digest]).await.map(|_| ())
}

pub async fn end_session(tx: &mut Tx, digest: &str) -> Result<(), Error> {
    tx.run("DELETE FROM person_session WHERE token = $1", args![digest]).await.map(|_| ())
}

/// The language somebody of this organisation chose, for letters to them.
pub async fn lang_of(tx: &mut Tx, org: OrgId, email: &str) -> Result<Option<Lang>, Error> {
    let row = tx.row("SELECT language FROM person WHERE email = $1 AND org = $2", args![email, org.0]).await?;
    Ok(row.map(|row| row.text(0).map(Lang::parse)).transpose()?.flatten())
}

/// Ends one session of a person; false when there is none.
pub async fn end_one(tx: &mut Tx, person: PersonId, id: i64) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM person_session WHERE person = $1 AND id = $2", args![person.0, id]).await? > 0)
}

/// Ends all sessions of a person but the one with this digest ('' spares none), and links that would begin another.
pub async fn end_all(tx: &mut Tx, person: PersonId, but: &str) -> Result<u64, Error> {
    tx.run("DELETE FROM sign_in_link WHERE person = $1", args![person.0]).await?;
    tx.run("DELETE FROM known_device WHERE person = $1", args![person.0]).await?;
    tx.run("DELETE FROM person_session WHERE person = $1 AND token <> $2", args![person.0, but]).await
}

/// One session as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: i64,
    pub how: String,
    pub made_ms: i64,
    pub seen_ms: i64,
    pub until_ms: i64,
    pub ip: String,
    pub agent: String,
    pub is_this: bool,
}

/// The sessions of a person that are not over, last used first; `this` is the digest of the asker's own.
pub async fn sessions(tx: &mut Tx, person: PersonId, this: &str, now_ms: i64) -> Result<Vec<SessionRow>, Error> {
    let rows = tx
        .rows(
            "SELECT id, how, made_ms, seen_ms, until_ms, ip, agent, token FROM person_session \
             WHERE person = $1 AND until_ms > $2 AND seen_ms > $3 ORDER BY seen_ms DESC, id DESC LIMIT $4",
            args![person.0, now_ms, now_ms - IDLE_MS, SESSIONS_MAX],
        )
        .await?;
    let read = |row: &Row| {
        Ok(SessionRow {
            id: row.int(0)?,
            how: row.text(1)?.to_string(),
            made_ms: row.int(2)?,
            seen_ms: row.int(3)?,
            until_ms: row.int(4)?,
            ip: row.text(5)?.to_string(),
            agent: row.text(6)?.to_string(),
            is_this: row.text(7)? == this,
        })
    };
    rows.iter().map(read).collect()
}

/// One person as lists show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    pub person: Person,
    pub is_active: bool,
    pub made_ms: i64,
    pub seen_ms: Option<i64>,
    pub has_password: bool,
    pub has_totp: bool,
    pub passkeys: i64,
}

/// Which people.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of address or name.
    pub q: String,
    /// Name of a role that comes with Gatepost, or `own.NUMBER`.
    pub role: String,
    /// Go on after this address.
    pub after: String,
    pub limit: usize,
}

/// People of the scope by address, one more than `limit` when there is more.
pub async fn list(tx: &mut Tx, scope: OrgScope, filter: &Filter) -> Result<Vec<PersonRow>, Error> {
    let mut values: Vec<Value> = args![filter.after.as_str()];
    let mut wanted = String::from("p.email > $1");
    if !filter.q.is_empty() {
        values.push(Value::from(format!("%{}%", escaped(&filter.q.to_lowercase()))));
        let n = values.len();
        wanted.push_str(&format!(" AND (LOWER(p.email) LIKE ${n} ESCAPE '!' OR LOWER(p.name) LIKE ${n} ESCAPE '!')"));
    }
    if let Some(own) = filter.role.strip_prefix("own.") {
        values.push(Value::from(own.parse::<i64>().unwrap_or(-1)));
        wanted.push_str(&format!(" AND p.own_role = ${}", values.len()));
    } else if !filter.role.is_empty() {
        values.push(Value::from(filter.role.as_str()));
        wanted.push_str(&format!(" AND p.role = ${} AND p.own_role = 0", values.len()));
    }
    let scope = scope.condition("p.org", &mut values);
    values.push(Value::from(filter.limit + 1));
    let statement = format!("SELECT {} WHERE {wanted} AND {scope} ORDER BY p.email LIMIT ${}", row_columns(), values.len());
    tx.rows(&statement, values).await?.iter().map(person_row).collect()
}

/// Text as a LIKE pattern with `!` as escape finds it.
pub(crate) fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| if matches!(c, '%' | '_' | '!') { vec!['!', c] } else { vec![c] }).collect()
}

fn row_columns() -> String {
    format!(
        "{PERSON}, p.is_active, p.made_ms, p.seen_ms, CASE WHEN p.password = '' THEN 0 ELSE 1 END, \
         (SELECT COUNT(*) FROM totp t WHERE t.person = p.id AND t.is_on = 1), (SELECT COUNT(*) FROM passkey k WHERE k.person = p.id) FROM {OF_PERSON}"
    )
}

fn person_row(row: &Row) -> Result<PersonRow, Error> {
    let at = PERSON_COLUMNS;
    Ok(PersonRow {
        person: person(row)?,
        is_active: row.int(at)? == 1,
        made_ms: row.int(at + 1)?,
        seen_ms: row.int_opt(at + 2)?,
        has_password: row.int(at + 3)? == 1,
        has_totp: row.int(at + 4)? > 0,
        passkeys: row.int(at + 5)?,
    })
}

/// One person of the scope.
pub async fn find(tx: &mut Tx, scope: OrgScope, person: PersonId) -> Result<Option<PersonRow>, Error> {
    let mut values: Vec<Value> = args![person.0];
    let scope = scope.condition("p.org", &mut values);
    let statement = format!("SELECT {} WHERE p.id = $1 AND {scope}", row_columns());
    tx.row(&statement, values).await?.as_ref().map(person_row).transpose()
}

/// One active person by address, of any organisation: for signing in.
pub async fn by_email(tx: &mut Tx, email: &str) -> Result<Option<Person>, Error> {
    let statement = format!("SELECT {PERSON} FROM {OF_PERSON} WHERE p.email = $1 AND p.is_active = 1");
    tx.row(&statement, args![email]).await?.as_ref().map(person).transpose()
}

/// One active person by number, of any organisation: for signing in.
pub async fn active(tx: &mut Tx, id: PersonId) -> Result<Option<Person>, Error> {
    let statement = format!("SELECT {PERSON} FROM {OF_PERSON} WHERE p.id = $1 AND p.is_active = 1");
    tx.row(&statement, args![id.0]).await?.as_ref().map(person).transpose()
}

/// Whether anybody can sign in at all.
pub async fn is_empty(tx: &mut Tx) -> Result<bool, Error> {
    Ok(tx.row("SELECT id FROM person LIMIT 1", args![]).await?.is_none())
}

/// Takes a turn that changes which count people wait for.
pub async fn take_turn(tx: &mut Tx) -> Result<(), Error> {
    tx.run("UPDATE people_turn SET one = one WHERE one = 1", args![]).await.map(|_| ())
}

/// Active people of exactly this organisation (`None`: of the service) besides one: their permissions.
pub async fn others(tx: &mut Tx, org: Option<OrgId>, but: PersonId) -> Result<Vec<Person>, Error> {
    /// Enough to find one who may; not everybody with a mailbox.
    const MAX: i64 = 1000;
    let statement = format!(
        "SELECT {PERSON} FROM {OF_PERSON} WHERE p.org = $1 AND p.id <> $2 AND p.is_active = 1 \
         AND (p.own_role <> 0 OR p.role IN ('operator', 'administrator')) ORDER BY p.id LIMIT $3"
    );
    tx.rows(&statement, args![org.map_or(0, |org| org.0), but.0, MAX]).await?.iter().map(person).collect()
}

/// An active operator of the service besides this person, wherever they belong.
pub async fn other_operator(tx: &mut Tx, but: PersonId) -> Result<bool, Error> {
    let statement = "SELECT id FROM person WHERE role = 'operator' AND own_role = 0 AND is_active = 1 AND id <> $1 LIMIT 1";
    Ok(tx.row(statement, args![but.0]).await?.is_some())
}

pub async fn set_role(tx: &mut Tx, person: PersonId, role: Role, own_role: i64) -> Result<(), Error> {
    // The built-in role of those with an own one is the least, should theirs vanish.
    let name = if role == Role::Own { Role::Person.name() } else { role.name() };
    tx.run("UPDATE person SET role = $1, own_role = $2 WHERE id = $3", args![name, own_role, person.0]).await.map(|_| ())
}

pub async fn set_active(tx: &mut Tx, person: PersonId, is_active: bool) -> Result<(), Error> {
    tx.run("UPDATE person SET is_active = $1 WHERE id = $2", args![i64::from(is_active), person.0]).await.map(|_| ())
}

pub async fn set_name(tx: &mut Tx, person: PersonId, name: &str) -> Result<(), Error> {
    tx.run("UPDATE person SET name = $1 WHERE id = $2", args![name, person.0]).await.map(|_| ())
}

/// Language, time zone and colours; '' is as the browser says.
pub async fn set_view(tx: &mut Tx, person: PersonId, lang: &str, zone: &str, colours: &str) -> Result<(), Error> {
    tx.run("UPDATE person SET language = $1, zone = $2, colours = $3 WHERE id = $4", args![lang, zone, colours, person.0]).await.map(|_| ())
}

/// The stored password of a person; '' has none.
pub async fn password(tx: &mut Tx, person: PersonId) -> Result<String, Error> {
    let row = tx.row("SELECT password FROM person WHERE id = $1", args![person.0]).await?;
    row.map_or(Ok(String::new()), |row| Ok(row.text(0)?.to_string()))
}

/// A role that an organisation made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRole {
    pub id: i64,
    pub org: OrgId,
    pub name: String,
    pub may: Vec<May>,
    pub people: i64,
}

/// Roles of one organisation; far more than anybody oversees.
pub const OWN_ROLES_MAX: i64 = 100;

/// The roles that organisations of the scope made.
pub async fn own_roles(tx: &mut Tx, scope: OrgScope) -> Result<Vec<OwnRole>, Error> {
    let mut values = Vec::new();
    let scope = scope.condition("r.org", &mut values);
    values.push(Value::from(OWN_ROLES_MAX));
    let statement = format!(
        "SELECT r.id, r.org, r.name, r.may, (SELECT COUNT(*) FROM person p WHERE p.own_role = r.id) FROM own_role r WHERE {scope} \
         ORDER BY r.name LIMIT ${}",
        values.len()
    );
    tx.rows(&statement, values).await?.iter().map(own_role).collect()
}

pub async fn own_role_of(tx: &mut Tx, scope: OrgScope, id: i64) -> Result<Option<OwnRole>, Error> {
    let mut values: Vec<Value> = args![id];
    let scope = scope.condition("r.org", &mut values);
    let statement = format!(
        "SELECT r.id, r.org, r.name, r.may, (SELECT COUNT(*) FROM person p WHERE p.own_role = r.id) FROM own_role r WHERE r.id = $1 AND {scope}"
    );
    tx.row(&statement, values).await?.as_ref().map(own_role).transpose()
}

fn own_role(row: &Row) -> Result<OwnRole, Error> {
    Ok(OwnRole {
        id: row.int(0)?,
        org: OrgId(row.int(1)?),
        name: row.text(2)?.to_string(),
        may: may::read(row.text(3)?),
        people: row.int(4)?,
    })
}

pub async fn put_own_role(tx: &mut Tx, role: &OwnRole, now_ms: i64) -> Result<(), Error> {
    tx.run(
        "INSERT INTO own_role (id, org, name, may, made_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, may = excluded.may",
        args![role.id, role.org.0, role.name.as_str(), may::written(&role.may), now_ms],
    )
    .await
    .map(|_| ())
}

pub async fn remove_own_role(tx: &mut Tx, org: OrgId, id: i64) -> Result<(), Error> {
    tx.run("DELETE FROM own_role WHERE org = $1 AND id = $2", args![org.0, id]).await.map(|_| ())
}

/// Whether anybody, active or not, has this address.
pub async fn has_email(tx: &mut Tx, email: &str) -> Result<bool, Error> {
    Ok(tx.row("SELECT id FROM person WHERE email = $1", args![email]).await?.is_some())
}

/// Devices of one person that are remembered; the oldest go.
const DEVICES_MAX: i64 = 20;

/// Remembers a browser.
pub async fn put_device(tx: &mut Tx, person: PersonId, digest: &str, until_ms: i64) -> Result<(), Error> {
    tx.run("INSERT INTO known_device (token, person, until_ms) VALUES ($1, $2, $3)", args![digest, person.0, until_ms]).await?;
    tx.run(
        "DELETE FROM known_device WHERE person = $1 AND token NOT IN \
         (SELECT token FROM known_device WHERE person = $1 ORDER BY until_ms DESC, token LIMIT $2)",
        args![person.0, DEVICES_MAX],
    )
    .await
    .map(|_| ())
}

pub async fn is_known_device(tx: &mut Tx, person: PersonId, digest: &str, now_ms: i64) -> Result<bool, Error> {
    let statement = "SELECT person FROM known_device WHERE token = $1 AND person = $2 AND until_ms > $3";
    Ok(tx.row(statement, args![digest, person.0, now_ms]).await?.is_some())
}

/// Ends every link of a person.
pub async fn end_links(tx: &mut Tx, person: PersonId) -> Result<(), Error> {
    tx.run("DELETE FROM sign_in_link WHERE person = $1", args![person.0]).await.map(|_| ())
}

/// How this session began.
pub async fn session_how(tx: &mut Tx, digest: &str) -> Result<String, Error> {
    let row = tx.row("SELECT how FROM person_session WHERE token = $1", args![digest]).await?;
    row.map_or(Ok(String::new()), |row| Ok(row.text(0)?.to_string()))
}

/// Who has this address, active or not, of whichever organisation: for the command line.
pub async fn id_of(tx: &mut Tx, email: &str) -> Result<Option<PersonId>, Error> {
    let row = tx.row("SELECT id FROM person WHERE email = $1", args![email]).await?;
    row.map(|row| Ok(PersonId(row.int(0)?))).transpose()
}
