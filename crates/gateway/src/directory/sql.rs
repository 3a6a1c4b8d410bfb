//! Every statement on the tables of the directory.

use super::settings::{DirectorySettings, DomainSettings, EntrySettings, OrganisationSettings};
use super::{ConnectorSettings, Effect, Entry, EntryKind, InboundSettings};
use crate::dkim::Seal;
use crate::policy::PolicySettings;
use mail::OrgId;
use mail::id::IdMaker;
use std::collections::HashMap;
use store::{Error, Row, Tx, Value, args};

/// Rows of one table kept in memory at most; more is refused on load rather than swallowing the machine.
pub const ROWS_MAX: i64 = 1_000_000;

/// Where a row came from: rows of the settings file are replaced at every start.
pub const FROM_FILE: &str = "file";
pub const FROM_COMMAND: &str = "command";
pub const FROM_PAGE: &str = "page";
pub const FROM_SCIM: &str = "scim";
/// Before the number of a directory that is read by LDAP.
pub const FROM_LDAP: &str = "ldap:";

/// Rows of this source are looked after elsewhere: shown here, not changed.
pub fn is_kept_elsewhere(source: &str) -> bool {
    matches!(source, FROM_FILE | FROM_SCIM) || source.starts_with(FROM_LDAP)
}

pub async fn version(tx: &mut Tx) -> Result<i64, Error> {
    match tx.row("SELECT version FROM directory_version WHERE one = $1", args![1]).await? {
        Some(row) => row.int(0),
        None => Ok(0),
    }
}

/// Tells running servers that something changed; part of every change.
pub async fn bump(tx: &mut Tx) -> Result<(), Error> {
    tx.run("UPDATE directory_version SET version = version + 1 WHERE one = $1", args![1]).await.map(|_| ())
}

/// Replaces what the settings file named before by what it names now.
pub async fn apply_file(tx: &mut Tx, settings: &DirectorySettings, ids: &IdMaker, now_ms: i64) -> Result<(), Error> {
    let mut kept = file_entries(tx).await?;
    for statement in [
        "DELETE FROM domain WHERE source = $1",
        "DELETE FROM known_recipient WHERE source = $1",
        "DELETE FROM connector WHERE source = $1",
        "DELETE FROM inbound_connector WHERE source = $1",
        "DELETE FROM policy WHERE source = $1",
        "DELETE FROM list_entry WHERE source = $1",
    ] {
        tx.run(statement, args![FROM_FILE]).await?;
    }
    for organisation in &settings.organisation {
        put_organisation(tx, organisation, FROM_FILE, ids.next(now_ms)).await?;
    }
    for connector in &settings.connector {
        put_connector(tx, connector, FROM_FILE).await?;
    }
    for inbound in &settings.inbound {
        put_inbound(tx, inbound, FROM_FILE).await?;
    }
    for domain in &settings.domain {
        put_domain(tx, domain, FROM_FILE).await?;
    }
    for recipient in &settings.recipient {
        put_recipient(tx, &recipient.address, &recipient.name, FROM_FILE).await?;
    }
    for policy in &settings.policy {
        put_policy(tx, policy, FROM_FILE).await?;
    }
    for entry in &settings.entry {
        let fresh = take_kept(&mut kept, entry).unwrap_or_else(|| (ids.next(now_ms), now_ms));
        put_entry(tx, entry, FROM_FILE, fresh).await?;
    }
    crate::rules::sql::apply_file(tx, &settings.rule, ids, now_ms).await?;
    bump(tx).await
}

/// What makes an entry the same one as before: effect, kind, value and scope.
type EntryKey = [String; 4];

/// Identifier and time of entries that the settings file named before: what is counted of an entry outlives a restart.
async fn file_entries(tx: &mut Tx) -> Result<HashMap<EntryKey, (i64, i64)>, Error> {
    let rows = tx
        .rows("SELECT id, made_ms, effect, kind, value, scope FROM list_entry WHERE source = $1 LIMIT $2", args![FROM_FILE, ROWS_MAX])
        .await?;
    let text = |row: &Row, column| row.text(column).map(str::to_string);
    rows.iter().map(|row| Ok(([text(row, 2)?, text(row, 3)?, text(row, 4)?, text(row, 5)?], (row.int(0)?, row.int(1)?)))).collect()
}

fn take_kept(kept: &mut HashMap<EntryKey, (i64, i64)>, entry: &EntrySettings) -> Option<(i64, i64)> {
    let (value, scope, _) = entry.checked().ok()?;
    kept.remove(&[entry.effect.name().into(), entry.kind.name().into(), value, scope])
}

/// Inserts, or changes the settings of the one with this name; the id stays.
pub async fn put_organisation(tx: &mut Tx, settings: &OrganisationSettings, source: &str, fresh_id: i64) -> Result<OrgId, Error> {
    tx.run(
        "INSERT INTO organisation (id, name, language, settings, source) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (name) DO UPDATE SET language = excluded.language, settings = excluded.settings, source = excluded.source",
        args![fresh_id, settings.name.as_str(), settings.language.as_str(), json(settings), source],
    )
    .await?;
    organisation_id(tx, &settings.name).await
}

/// The id of the organisation with this name; of the only one for the empty name.
pub async fn organisation_id(tx: &mut Tx, name: &str) -> Result<OrgId, Error> {
    let rows = match name {
        "" => tx.rows("SELECT id FROM organisation ORDER BY id LIMIT 2", args![]).await?,
        _ => tx.rows("SELECT id FROM organisation WHERE name = $1", args![name]).await?,
    };
    match rows.as_slice() {
        [row] => Ok(OrgId(row.int(0)?)),
        [] if name.is_empty() => Err(Error::Statement("there is no organisation yet: add one first".into())),
        [] => Err(Error::Statement(format!("there is no organisation named “{name}”"))),
        _ => Err(Error::Statement("there are several organisations: name the one that is meant".into())),
    }
}

pub async fn put_domain(tx: &mut Tx, settings: &DomainSettings, source: &str) -> Result<(), Error> {
    let org = organisation_id(tx, &settings.organisation).await?;
    let name = mail::address::domain_to_ascii(&settings.name)
        .ok_or_else(|| Error::Statement(format!("“{}” is not a domain name", settings.name)))?;
    let taken = tx.row("SELECT org FROM domain WHERE name = $1", args![name.as_str()]).await?;
    if let Some(row) = taken
        && row.int(0)? != org.0
    {
        return Err(Error::Exists(format!("domain {name} of another organisation")));
    }
    tx.run(
        "INSERT INTO domain (name, org, kind, connector, settings, source) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, connector = excluded.connector, settings = excluded.settings, source = excluded.source",
        args![name.as_str(), org.0, word(&settings.kind), settings.connector.as_str(), json(settings), source],
    )
    .await
    .map(|_| ())
}

pub async fn put_recipient(tx: &mut Tx, address: &str, name: &str, source: &str) -> Result<(), Error> {
    let address = mail::Address::parse(address).map_err(|why| Error::Statement(format!("“{address}”: {why}")))?;
    let row = tx.row("SELECT org FROM domain WHERE name = $1", args![address.domain()]).await?;
    let org = match row {
        Some(row) => row.int(0)?,
        None => return Err(Error::Statement(format!("{address}: add the domain {} first", address.domain()))),
    };
    tx.run(
        "INSERT INTO known_recipient (address, org, name, source) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (address) DO UPDATE SET name = excluded.name, source = excluded.source",
        args![address.key(), org, name, source],
    )
    .await
    .map(|_| ())
}

pub async fn put_connector(tx: &mut Tx, settings: &ConnectorSettings, source: &str) -> Result<(), Error> {
    let org = organisation_id(tx, &settings.organisation).await?;
    tx.run(
        "INSERT INTO connector (name, org, settings, source) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, source = excluded.source",
        args![settings.name.as_str(), org.0, json(settings), source],
    )
    .await
    .map(|_| ())
}

/// Seals passwords of connectors that stand open: those of versions that kept them so. Returns how many connectors were changed.
/// # Errors
/// As the database; or the random source gave nothing.
pub async fn seal_connectors(tx: &mut Tx, seal: &Seal) -> Result<usize, Error> {
    let mut count = 0;
    for row in all(tx, "SELECT name, settings FROM connector ORDER BY name LIMIT $1").await? {
        // A row of a newer version is not ours to change.
        let Ok(settings) = serde_json::from_str::<ConnectorSettings>(row.text(1)?) else { continue };
        if !settings.is_open() {
            continue;
        }
        let name = row.text(0)?.to_string();
        let sealed = ConnectorSettings { name: name.clone(), ..settings }.sealed(seal)?;
        tx.run("UPDATE connector SET settings = $1 WHERE name = $2", args![json(&sealed), name]).await?;
        count += 1;
    }
    Ok(count)
}

pub async fn put_inbound(tx: &mut Tx, settings: &InboundSettings, source: &str) -> Result<(), Error> {
    let org = organisation_id(tx, &settings.organisation).await?;
    tx.run(
        "INSERT INTO inbound_connector (name, org, settings, source) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (org, name) DO UPDATE SET settings = excluded.settings, source = excluded.source",
        args![settings.name.as_str(), org.0, json(settings), source],
    )
    .await
    .map(|_| ())
}

pub async fn put_policy(tx: &mut Tx, settings: &PolicySettings, source: &str) -> Result<(), Error> {
    let org = organisation_id(tx, &settings.organisation).await?;
    tx.run(
        "INSERT INTO policy (name, org, priority, settings, source) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (org, name) DO UPDATE SET priority = excluded.priority, settings = excluded.settings, source = excluded.source",
        args![settings.name.as_str(), org.0, settings.priority, json(settings), source],
    )
    .await
    .map(|_| ())
}

/// `fresh` is an id and the present time.
pub async fn put_entry(tx: &mut Tx, settings: &EntrySettings, source: &str, fresh: (i64, i64)) -> Result<(), Error> {
    let org = organisation_id(tx, &settings.organisation).await?;
    let (value, scope, expires_ms) = settings.checked().map_err(Error::Statement)?;
    let (id, now_ms) = fresh;
    tx.run(
        "INSERT INTO list_entry (id, org, effect, kind, value, scope, expires_ms, note, made_ms, source) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        args![id, org.0, settings.effect.name(), settings.kind.name(), value, scope, expires_ms, settings.note.as_str(), now_ms, source],
    )
    .await
    .map(|_| ())
}

/// Removes one row of a table of the directory by name; false when there is none. Rows of the settings file stay.
pub async fn remove(tx: &mut Tx, what: Removable, name: &str) -> Result<Vec<OrgId>, Error> {
    let statement = match what {
        Removable::Domain => "DELETE FROM domain WHERE name = $1 AND source <> 'file' RETURNING org",
        Removable::Recipient => "DELETE FROM known_recipient WHERE address = $1 AND source <> 'file' RETURNING org",
        Removable::Connector => "DELETE FROM connector WHERE name = $1 AND source <> 'file' RETURNING org",
        Removable::Policy => "DELETE FROM policy WHERE name = $1 AND source <> 'file' RETURNING org",
    };
    let rows = tx.rows(statement, args![name]).await?;
    if !rows.is_empty() {
        bump(tx).await?;
    }
    rows.iter().map(|row| row.int(0).map(OrgId)).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removable {
    Domain,
    Recipient,
    Connector,
    Policy,
}

/// All rows of one table, or an error that says the installation has outgrown one snapshot.
pub(super) async fn all(tx: &mut Tx, statement: &str) -> Result<Vec<Row>, Error> {
    let rows = tx.rows(statement, args![ROWS_MAX + 1]).await?;
    if rows.len() as i64 > ROWS_MAX {
        return Err(Error::Statement(format!("more than {ROWS_MAX} rows in one table of the directory")));
    }
    Ok(rows)
}

pub(super) fn entry(row: &Row) -> Result<(OrgId, Option<Entry>), Error> {
    let (Some(effect), Some(kind)) = (Effect::named(row.text(2)?), EntryKind::named(row.text(3)?)) else {
        return Ok((OrgId(row.int(1)?), None)); // written by a newer version
    };
    let entry = Entry {
        id: row.int(0)?,
        effect,
        kind,
        value: row.text(4)?.to_string(),
        scope: row.text(5)?.to_string(),
        expires_ms: row.int_opt(6)?,
        note: row.text(7)?.to_string(),
    };
    Ok((OrgId(row.int(1)?), Some(entry)))
}

fn json<T: serde::Serialize>(settings: &T) -> Value {
    Value::from(serde_json::to_string(settings).unwrap_or_default())
}

/// The name serde gives a unit variant.
fn word<T: serde::Serialize>(variant: &T) -> Value {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(word)) => Value::from(word),
        _ => Value::from(""),
    }
}

/// Removes one allow or block entry.
pub async fn remove_entry(tx: &mut Tx, id: i64) -> Result<(), Error> {
    match tx.run("DELETE FROM list_entry WHERE id = $1 AND source <> 'file'", args![id]).await? {
        0 => Err(Error::Statement(format!("there is no entry {id}, or it stands in the settings file and is removed there"))),
        _ => tx.run("DELETE FROM entry_usage WHERE entry = $1", args![id]).await.map(|_| ()),
    }
}
