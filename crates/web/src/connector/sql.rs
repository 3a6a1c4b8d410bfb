//! Statements on connectors of the directory that pages need.

use gateway::directory::{ConnectorSettings, InboundSettings};
use gateway::scope::OrgScope;
use mail::OrgId;
use store::{Error, Row, Tx, args};

/// Connectors of an organisation; far more than anybody has.
pub const CONNECTORS_MAX: usize = 500;

/// A connector with where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub org: OrgId,
    pub settings: ConnectorSettings,
    /// "file", "command" or "page".
    pub source: String,
}

impl Named {
    pub fn is_fixed(&self) -> bool {
        self.source == "file"
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedInbound {
    pub org: OrgId,
    pub settings: InboundSettings,
    pub source: String,
}

impl NamedInbound {
    pub fn is_fixed(&self) -> bool {
        self.source == "file"
    }
}

pub async fn list(tx: &mut Tx, scope: OrgScope) -> Result<Vec<Named>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT name, org, settings, source FROM connector WHERE {whose} ORDER BY name LIMIT {CONNECTORS_MAX}");
    tx.rows(&sql, args).await?.iter().map(named).collect()
}

pub async fn one(tx: &mut Tx, scope: OrgScope, name: &str) -> Result<Option<Named>, Error> {
    let mut args = args![name];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT name, org, settings, source FROM connector WHERE name = $1 AND {whose}");
    tx.row(&sql, args).await?.as_ref().map(named).transpose()
}

/// Whether a name is free in the whole installation: names lead queued mail to its next hop.
pub async fn is_free(tx: &mut Tx, name: &str) -> Result<bool, Error> {
    Ok(tx.row("SELECT name FROM connector WHERE name = $1", args![name]).await?.is_none())
}

/// What leads to a connector: domains by name, and the organisation itself by "".
pub async fn used_by(tx: &mut Tx, org: OrgId, name: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT name FROM domain WHERE org = $1 AND connector = $2 ORDER BY name LIMIT 20";
    let mut used: Vec<String> = tx.rows(sql, args![org.0, name]).await?.iter().map(|row| row.text(0).map(str::to_string)).collect::<Result<_, _>>()?;
    let settings = tx.row("SELECT settings FROM organisation WHERE id = $1", args![org.0]).await?;
    let settings: serde_json::Value = settings.and_then(|row| serde_json::from_str(row.text(0).ok()?).ok()).unwrap_or_default();
    if settings["connector"] == name || settings["outbound_connector"] == name {
        used.push(String::new());
    }
    Ok(used)
}

/// Mail that waits to go this way.
pub async fn waiting(tx: &mut Tx, org: OrgId, name: &str) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM recipient WHERE state = 'queued' AND org = $1 AND route = $2";
    tx.row(sql, args![org.0, name]).await?.map_or(Ok(0), |row| row.int(0))
}

/// What used it goes the organisation's or the general way again.
pub async fn remove(tx: &mut Tx, org: OrgId, name: &str) -> Result<(), Error> {
    tx.run("DELETE FROM connector WHERE name = $1 AND org = $2 AND source <> 'file'", args![name, org.0]).await?;
    crate::diagnostics::sql::forget(tx, org, super::KIND, name).await
}

pub async fn list_inbound(tx: &mut Tx, scope: OrgScope) -> Result<Vec<NamedInbound>, Error> {
    let mut args = args![];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT name, org, settings, source FROM inbound_connector WHERE {whose} ORDER BY name LIMIT {CONNECTORS_MAX}");
    tx.rows(&sql, args).await?.iter().map(named_inbound).collect()
}

pub async fn one_inbound(tx: &mut Tx, scope: OrgScope, name: &str) -> Result<Option<NamedInbound>, Error> {
    let mut args = args![name];
    let whose = scope.condition("org", &mut args);
    let sql = format!("SELECT name, org, settings, source FROM inbound_connector WHERE name = $1 AND {whose} ORDER BY org LIMIT 1");
    tx.row(&sql, args).await?.as_ref().map(named_inbound).transpose()
}

pub async fn remove_inbound(tx: &mut Tx, org: OrgId, name: &str) -> Result<(), Error> {
    tx.run("DELETE FROM inbound_connector WHERE name = $1 AND org = $2 AND source <> 'file'", args![name, org.0]).await.map(|_| ())
}

fn read<T: serde::de::DeserializeOwned>(row: &Row) -> Result<T, Error> {
    serde_json::from_str(row.text(2)?).map_err(|why| Error::Shape(format!("settings of “{}”: {why}", row.text(0).unwrap_or_default())))
}

fn named(row: &Row) -> Result<Named, Error> {
    let settings = ConnectorSettings { name: row.text(0)?.into(), ..read(row)? };
    Ok(Named { org: OrgId(row.int(1)?), settings, source: row.text(3)?.into() })
}

fn named_inbound(row: &Row) -> Result<NamedInbound, Error> {
    let settings = InboundSettings { name: row.text(0)?.into(), ..read(row)? };
    Ok(NamedInbound { org: OrgId(row.int(1)?), settings, source: row.text(3)?.into() })
}
