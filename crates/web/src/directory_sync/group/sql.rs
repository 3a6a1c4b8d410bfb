//! Statements on groups that pages make and show.

use super::Group;
use gateway::directory::group::name_key;
use gateway::directory::sql::FROM_PAGE;
use gateway::scope::OrgScope;
use mail::OrgId;
use store::{Error, Row, Tx, Value, args};

pub const ROWS: usize = 50;

const COLUMNS: &str = "g.id, g.org, g.name, g.address, g.source, (SELECT COUNT(*) FROM directory_member m WHERE m.grp = g.id)";

fn group(row: &Row) -> Result<Group, Error> {
    Ok(Group {
        id: row.int(0)?,
        org: OrgId(row.int(1)?),
        name: row.text(2)?.into(),
        address: row.text(3)?.into(),
        source: row.text(4)?.into(),
        members: row.int(5)?,
    })
}

/// Groups after a name key in order, with `part` in their name.
pub async fn list(tx: &mut Tx, scope: OrgScope, (after, part): (&str, &str), limit: usize) -> Result<Vec<Group>, Error> {
    let escaped = name_key(part).replace('!', "!!").replace('%', "!%").replace('_', "!_");
    let mut args = args![after, format!("%{escaped}%")];
    let whose = scope.condition("g.org", &mut args);
    let sql = format!(
        "SELECT {COLUMNS} FROM directory_group g WHERE g.name_key > $1 AND g.name_key LIKE $2 ESCAPE '!' AND {whose} \
         ORDER BY g.name_key, g.id LIMIT {limit}"
    );
    tx.rows(&sql, args).await?.iter().map(group).collect()
}

pub async fn one(tx: &mut Tx, scope: OrgScope, id: i64) -> Result<Option<Group>, Error> {
    let mut args = args![id];
    let whose = scope.condition("g.org", &mut args);
    let sql = format!("SELECT {COLUMNS} FROM directory_group g WHERE g.id = $1 AND {whose}");
    tx.row(&sql, args).await?.as_ref().map(group).transpose()
}

pub async fn count(tx: &mut Tx, org: OrgId) -> Result<i64, Error> {
    tx.row("SELECT COUNT(*) FROM directory_group WHERE org = $1", args![org.0]).await?.map_or(Ok(0), |row| row.int(0))
}

/// The number of the group with this name.
pub async fn named(tx: &mut Tx, org: OrgId, name: &str) -> Result<Option<i64>, Error> {
    let row = tx.row("SELECT id FROM directory_group WHERE org = $1 AND name_key = $2", args![org.0, name_key(name)]).await?;
    row.map(|row| row.int(0)).transpose()
}

/// Whether another group has this name.
pub async fn is_taken(tx: &mut Tx, org: OrgId, name: &str, but: i64) -> Result<bool, Error> {
    Ok(named(tx, org, name).await?.is_some_and(|id| id != but))
}

pub async fn insert(tx: &mut Tx, (id, org): (i64, OrgId), name: &str, now_ms: i64) -> Result<(), Error> {
    let sql = "INSERT INTO directory_group (id, org, name, name_key, address, external, source, made_ms, changed_ms) \
               VALUES ($1, $2, $3, $4, '', '', $5, $6, $6)";
    tx.run(sql, args![id, org.0, name, name_key(name), FROM_PAGE, now_ms]).await.map(drop)
}

pub async fn rename(tx: &mut Tx, (id, org): (i64, OrgId), name: &str, now_ms: i64) -> Result<(), Error> {
    let sql = "UPDATE directory_group SET name = $1, name_key = $2, changed_ms = $3 WHERE id = $4 AND org = $5";
    tx.run(sql, args![name, name_key(name), now_ms, id, org.0]).await.map(drop)
}

/// Somebody, or everybody of a group, in or out: address and number of a group, one of which is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    Add((String, i64)),
    Remove((String, i64)),
}

pub async fn change_members(tx: &mut Tx, (id, org): (i64, OrgId), changes: Vec<Change>, now_ms: i64) -> Result<(), Error> {
    const OUT: &str = "DELETE FROM directory_member WHERE grp = $1 AND org = $2 AND address = $3 AND inner_grp = $4";
    let statement = |change: Change| -> (&'static str, Vec<Value>) {
        match change {
            Change::Add((address, inner)) => super::super::sql_rows::member(org, id, &address, inner),
            Change::Remove((address, inner)) => (OUT, args![id, org.0, address, inner]),
        }
    };
    tx.run_all(changes.into_iter().map(statement).collect()).await?;
    tx.run("UPDATE directory_group SET changed_ms = $1 WHERE id = $2 AND org = $3", args![now_ms, id, org.0]).await.map(drop)
}

/// A member as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// An address, or the name of a group.
    pub what: String,
    /// Name of the recipient; "" for groups and strangers.
    pub name: String,
    /// Number of the group; 0 for an address.
    pub inner: i64,
}

/// Members after one in order: groups last.
pub async fn members(tx: &mut Tx, group: &Group, after: &str, limit: usize) -> Result<Vec<MemberRow>, Error> {
    let sql = format!(
        "SELECT COALESCE(i.name, m.address), COALESCE(r.name, ''), m.inner_grp, CASE WHEN m.inner_grp = 0 THEN 'a' ELSE 'g' END || m.address || \
         COALESCE(i.name_key, '') AS place FROM directory_member m LEFT JOIN directory_group i ON i.id = m.inner_grp \
         LEFT JOIN known_recipient r ON r.address = m.address AND r.org = m.org WHERE m.grp = $1 AND m.org = $2 \
         AND (m.address <> '' OR m.inner_grp <> 0) \
         AND CASE WHEN m.inner_grp = 0 THEN 'a' ELSE 'g' END || m.address || COALESCE(i.name_key, '') > $3 ORDER BY place LIMIT {limit}"
    );
    let row = |row: &Row| Ok(MemberRow { what: row.text(0)?.into(), name: row.text(1)?.into(), inner: row.int(2)? });
    tx.rows(&sql, args![group.id, group.org.0, after]).await?.iter().map(row).collect()
}

impl MemberRow {
    /// Where it stands in the order of [`members`].
    pub fn place(&self) -> String {
        if self.inner == 0 { format!("a{}", self.what) } else { format!("g{}", name_key(&self.what)) }
    }
}

/// Every membership of an organisation by name, for a table: group, its source, member.
pub async fn all(tx: &mut Tx, org: OrgId, limit: i64) -> Result<Vec<(String, String, String)>, Error> {
    let sql = "SELECT g.name, g.source, COALESCE(i.name, m.address, '') FROM directory_group g \
               LEFT JOIN directory_member m ON m.grp = g.id LEFT JOIN directory_group i ON i.id = m.inner_grp \
               WHERE g.org = $1 ORDER BY g.name_key, m.inner_grp, m.address LIMIT $2";
    let row = |row: &Row| Ok((row.text(0)?.to_string(), row.text(1)?.to_string(), row.text(2)?.to_string()));
    tx.rows(sql, args![org.0, limit]).await?.iter().map(row).collect()
}
