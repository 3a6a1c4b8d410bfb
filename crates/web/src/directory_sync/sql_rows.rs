//! Statements on what a directory owns: recipients and groups.

use super::plan::{GroupThere, Plan, Recipient, There};
use gateway::directory::DomainSettings;
use gateway::directory::group::name_key;
use gateway::directory::sql::ROWS_MAX;
use mail::OrgId;
use mail::id::IdMaker;
use std::collections::{BTreeMap, HashMap};
use store::{Error, Tx, Value, args};

/// Everything of an organisation that a directory is compared with.
pub async fn there(tx: &mut Tx, org: OrgId) -> Result<There, Error> {
    let mut there = There { domains: domains(tx, org).await?, groups: groups(tx, org).await?, ..There::default() };
    let sql = "SELECT address, name, source, main FROM known_recipient WHERE org = $1 LIMIT $2";
    for row in tx.rows(sql, args![org.0, ROWS_MAX]).await? {
        let one = Recipient { name: row.text(1)?.into(), source: row.text(2)?.into(), main: row.text(3)?.into() };
        there.recipients.insert(row.text(0)?.to_string(), one);
    }
    Ok(there)
}

/// Domains whose mail is taken for the organisation, and whether their sub-domains are.
pub async fn domains(tx: &mut Tx, org: OrgId) -> Result<Vec<(String, bool)>, Error> {
    let mut found = Vec::new();
    for row in tx.rows("SELECT name, settings FROM domain WHERE org = $1 LIMIT $2", args![org.0, ROWS_MAX]).await? {
        let settings: DomainSettings = serde_json::from_str(row.text(1)?).unwrap_or_default();
        found.push((row.text(0)?.to_string(), settings.subdomains));
    }
    Ok(found)
}

async fn groups(tx: &mut Tx, org: OrgId) -> Result<Vec<GroupThere>, Error> {
    let mut found: BTreeMap<i64, GroupThere> = BTreeMap::new();
    let sql = "SELECT id, name, external, address, source FROM directory_group WHERE org = $1 LIMIT $2";
    for row in tx.rows(sql, args![org.0, ROWS_MAX]).await? {
        let group = GroupThere {
            id: row.int(0)?,
            name: row.text(1)?.into(),
            external: row.text(2)?.into(),
            address: row.text(3)?.into(),
            source: row.text(4)?.into(),
            ..GroupThere::default()
        };
        found.insert(group.id, group);
    }
    for row in tx.rows("SELECT grp, address, inner_grp FROM directory_member WHERE org = $1 LIMIT $2", args![org.0, ROWS_MAX]).await? {
        let Some(group) = found.get_mut(&row.int(0)?) else { continue };
        match row.int(2)? {
            0 => drop(group.members.insert(row.text(1)?.to_string())),
            inner => drop(group.inner.insert(inner)),
        }
    }
    Ok(found.into_values().collect())
}

/// Whose rows, and with what.
#[derive(Clone, Copy)]
pub struct By<'a> {
    pub org: OrgId,
    pub owner: &'a str,
    pub ids: &'a IdMaker,
    pub now_ms: i64,
}

/// Does what the plan says. What another source took meanwhile stays its own.
pub async fn apply(tx: &mut Tx, plan: &Plan, by: By<'_>) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO known_recipient (address, org, name, source, main) VALUES ($1, $2, $3, $4, $5) \
                       ON CONFLICT (address) DO UPDATE SET name = excluded.name, main = excluded.main \
                       WHERE known_recipient.source = excluded.source AND known_recipient.org = excluded.org";
    const GONE: &str = "DELETE FROM known_recipient WHERE address = $1 AND org = $2 AND source = $3";
    let put = plan.put.iter().map(|(address, name, main)| (PUT, args![address, by.org.0, name, by.owner, main]));
    let gone = plan.gone.iter().map(|address| (GONE, args![address, by.org.0, by.owner]));
    let statements: Vec<(&'static str, Vec<Value>)> = gone.chain(put).collect();
    tx.run_all(statements).await?;
    for (id, _) in &plan.groups_gone {
        remove_group(tx, by.org, *id).await?;
    }
    put_groups(tx, plan, by).await
}

/// A group with its members, and out of the groups that it is in.
pub async fn remove_group(tx: &mut Tx, org: OrgId, id: i64) -> Result<(), Error> {
    tx.run("DELETE FROM directory_member WHERE (grp = $1 OR inner_grp = $1) AND org = $2", args![id, org.0]).await?;
    tx.run("DELETE FROM directory_group WHERE id = $1 AND org = $2", args![id, org.0]).await.map(drop)
}

/// The group first, as its members may be groups that come later.
async fn put_groups(tx: &mut Tx, plan: &Plan, by: By<'_>) -> Result<(), Error> {
    const CHANGE: &str =
        "UPDATE directory_group SET name = $1, name_key = $2, address = $3, changed_ms = $4 WHERE id = $5 AND org = $6 AND source = $7";
    // Two groups that swap their names must not meet half way.
    for (id, _) in plan.groups.iter().filter_map(|(id, group)| id.map(|id| (id, group))) {
        let aside = format!("\u{1}{id}");
        tx.run("UPDATE directory_group SET name_key = $1 WHERE id = $2 AND org = $3", args![aside, id, by.org.0]).await?;
    }
    for (id, group) in &plan.groups {
        let (name, key) = (group.name.as_str(), name_key(&group.name));
        match id {
            Some(id) => {
                tx.run(CHANGE, args![name, key, group.address.as_str(), by.now_ms, *id, by.org.0, by.owner]).await?;
                tx.run("DELETE FROM directory_member WHERE grp = $1 AND org = $2", args![*id, by.org.0]).await?;
            }
            None => {
                let new = NewGroup { name, address: &group.address, external: &group.external };
                insert_group(tx, by.ids.next(by.now_ms), &new, by).await?;
            }
        }
    }
    let sql = "SELECT external, id FROM directory_group WHERE org = $1 AND source = $2 LIMIT $3";
    let mut numbers: HashMap<String, i64> = HashMap::new();
    for row in tx.rows(sql, args![by.org.0, by.owner, ROWS_MAX]).await? {
        numbers.insert(row.text(0)?.to_string(), row.int(1)?);
    }
    let mut statements = Vec::new();
    for (_, group) in &plan.groups {
        let Some(id) = numbers.get(&group.external) else { continue };
        statements.extend(group.members.iter().map(|address| member(by.org, *id, address, 0)));
        statements.extend(group.inner.iter().filter_map(|inner| numbers.get(inner)).map(|inner| member(by.org, *id, "", *inner)));
    }
    tx.run_all(statements).await
}

/// A group that is made.
#[derive(Debug, Clone, Copy)]
pub struct NewGroup<'a> {
    pub name: &'a str,
    pub address: &'a str,
    pub external: &'a str,
}

pub async fn insert_group(tx: &mut Tx, id: i64, new: &NewGroup<'_>, by: By<'_>) -> Result<(), Error> {
    let sql = "INSERT INTO directory_group (id, org, name, name_key, address, external, source, made_ms, changed_ms) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)";
    tx.run(sql, args![id, by.org.0, new.name, name_key(new.name), new.address, new.external, by.owner, by.now_ms]).await.map(drop)
}

/// Puts somebody, or everybody of another group, into a group.
pub fn member(org: OrgId, group: i64, address: &str, inner: i64) -> (&'static str, Vec<Value>) {
    let sql = "INSERT INTO directory_member (grp, org, address, inner_grp, account) VALUES ($1, $2, $3, $4, 0) \
               ON CONFLICT (grp, address, inner_grp, account) DO NOTHING";
    (sql, args![group, org.0, address, inner])
}
