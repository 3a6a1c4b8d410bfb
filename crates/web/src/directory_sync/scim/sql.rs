//! Statements on accounts and groups of SCIM, and what follows for recipients.

use super::filter::Clause;
use gateway::directory::group::name_key;
use gateway::directory::sql::{FROM_SCIM, bump};
use mail::OrgId;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use store::{Error, Row, Tx, Value, args};

/// Members told with a group.
pub const MEMBERS_MAX: i64 = 100_000;

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub id: i64,
    pub resource: Map<String, Json>,
    pub made_ms: i64,
    pub changed_ms: i64,
}

fn account(row: &Row) -> Result<Account, Error> {
    let resource = serde_json::from_str(row.text(1)?).map_err(|why| Error::Shape(format!("an account: {why}")))?;
    Ok(Account { id: row.int(0)?, resource, made_ms: row.int(2)?, changed_ms: row.int(3)? })
}

/// The condition for a filter; `None`: one of its attributes cannot be asked for.
fn users_where(clauses: &[Clause], args: &mut Vec<Value>) -> Option<String> {
    let mut sql = String::from("org = $1");
    for clause in clauses {
        let (condition, value) = match clause.path.as_str() {
            "username" => ("user_name = ", Value::from(clause.value.trim().to_lowercase())),
            "externalid" => ("external = ", Value::from(clause.value.as_str())),
            "id" => ("id = ", Value::from(clause.value.parse::<i64>().unwrap_or(0))),
            "emails" | "emails.value" => {
                ("id IN (SELECT account FROM scim_address WHERE address = ", Value::from(address_key(&clause.value)))
            }
            _ => return None,
        };
        args.push(value);
        let end = if condition.contains('(') { ")" } else { "" };
        sql.push_str(&format!(" AND {condition}${}{end}", args.len()));
    }
    Some(sql)
}

fn address_key(text: &str) -> String {
    mail::Address::parse(text.trim()).map(|address| address.key()).unwrap_or_default()
}

/// How many a filter finds, and those of a page. `None`: it asks for an attribute that cannot be asked for.
pub async fn accounts(
    tx: &mut Tx,
    org: OrgId,
    clauses: &[Clause],
    (from, count): (i64, i64),
) -> Result<Option<(i64, Vec<Account>)>, Error> {
    let mut args = args![org.0];
    let Some(whose) = users_where(clauses, &mut args) else { return Ok(None) };
    let total = tx.row(&format!("SELECT COUNT(*) FROM scim_user WHERE {whose}"), args.clone()).await?.map_or(Ok(0), |row| row.int(0))?;
    let sql = format!("SELECT id, resource, made_ms, changed_ms FROM scim_user WHERE {whose} ORDER BY id LIMIT {count} OFFSET {from}");
    let found: Result<Vec<Account>, Error> = tx.rows(&sql, args).await?.iter().map(account).collect();
    Ok(Some((total, found?)))
}

pub async fn one(tx: &mut Tx, org: OrgId, id: i64) -> Result<Option<Account>, Error> {
    let sql = "SELECT id, resource, made_ms, changed_ms FROM scim_user WHERE id = $1 AND org = $2";
    tx.row(sql, args![id, org.0]).await?.as_ref().map(account).transpose()
}

/// What an account comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub user_name: String,
    pub external: String,
    pub name: String,
    pub is_active: bool,
    /// Keys, the main one first.
    pub addresses: Vec<String>,
}

/// Whether another account has this name.
pub async fn is_taken(tx: &mut Tx, org: OrgId, user_name: &str, but: i64) -> Result<bool, Error> {
    let sql = "SELECT id FROM scim_user WHERE org = $1 AND user_name = $2 AND id <> $3";
    Ok(tx.row(sql, args![org.0, user_name, but]).await?.is_some())
}

/// Writes an account and what follows: its recipients, and its place in groups. `ours` says which domains count.
pub async fn put(tx: &mut Tx, org: OrgId, account: &Account, wanted: &Wanted, ours: &[(String, bool)]) -> Result<(), Error> {
    let resource = Json::Object(account.resource.clone()).to_string();
    tx.run(
        "INSERT INTO scim_user (id, org, user_name, external, resource, made_ms, changed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (id) DO UPDATE SET user_name = excluded.user_name, external = excluded.external, resource = excluded.resource, \
         changed_ms = excluded.changed_ms",
        args![account.id, org.0, wanted.user_name.as_str(), wanted.external.as_str(), resource, account.made_ms, account.changed_ms],
    )
    .await?;
    settle(tx, org, account.id, wanted, ours).await?;
    bump(tx).await
}

async fn settle(tx: &mut Tx, org: OrgId, id: i64, wanted: &Wanted, ours: &[(String, bool)]) -> Result<(), Error> {
    let there = crate::directory_sync::plan::There { domains: ours.to_vec(), ..Default::default() };
    let is_ours = |address: &&String| address.rsplit_once('@').is_some_and(|(_, domain)| there.is_ours(domain));
    let counted: Vec<&String> = wanted.addresses.iter().filter(is_ours).collect();
    let main = counted.first().map(|main| main.as_str()).unwrap_or_default();
    let before = addresses(tx, id).await?;
    tx.run("DELETE FROM scim_address WHERE account = $1", args![id]).await?;
    for address in &wanted.addresses {
        let sql = "INSERT INTO scim_address (account, org, address) VALUES ($1, $2, $3) ON CONFLICT (account, address) DO NOTHING";
        tx.run(sql, args![id, org.0, address]).await?;
    }
    if wanted.is_active {
        // Who is back is not gone.
        tx.run("DELETE FROM scim_gone WHERE account = $1 AND org = $2", args![id, org.0]).await?;
    }
    let kept: BTreeSet<&String> = if wanted.is_active { counted.iter().copied().collect() } else { BTreeSet::new() };
    for address in before.iter().chain(&wanted.addresses).filter(|address| !kept.contains(address)) {
        forget(tx, org, id, address).await?;
    }
    for address in &kept {
        let of = if address.as_str() == main { "" } else { main };
        let sql = "INSERT INTO known_recipient (address, org, name, source, main) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (address) DO UPDATE SET name = excluded.name, main = excluded.main \
                   WHERE known_recipient.source = excluded.source AND known_recipient.org = excluded.org";
        tx.run(sql, args![address.as_str(), org.0, wanted.name.as_str(), FROM_SCIM, of]).await?;
    }
    tx.run("UPDATE directory_member SET address = $1 WHERE account = $2 AND org = $3", args![main, id, org.0]).await.map(drop)
}

pub async fn addresses(tx: &mut Tx, id: i64) -> Result<Vec<String>, Error> {
    let rows = tx.rows("SELECT address FROM scim_address WHERE account = $1 ORDER BY address", args![id]).await?;
    rows.iter().map(|row| row.text(0).map(str::to_string)).collect()
}

/// Whether mail is taken for an account.
pub async fn is_recipient(tx: &mut Tx, org: OrgId, id: i64) -> Result<bool, Error> {
    let sql = "SELECT r.address FROM known_recipient r JOIN scim_address a ON a.address = r.address \
               WHERE a.account = $1 AND r.org = $2 AND r.source = 'scim' LIMIT 1";
    Ok(tx.row(sql, args![id, org.0]).await?.is_some())
}

/// The address is a recipient no more, unless another account has it.
async fn forget(tx: &mut Tx, org: OrgId, id: i64, address: &str) -> Result<(), Error> {
    let other = "SELECT account FROM scim_address WHERE address = $1 AND org = $2 AND account <> $3 LIMIT 1";
    if tx.row(other, args![address, org.0, id]).await?.is_none() {
        tx.run("DELETE FROM known_recipient WHERE address = $1 AND org = $2 AND source = $3", args![address, org.0, FROM_SCIM]).await?;
    }
    Ok(())
}

/// The account goes, with its recipients and its place in groups.
pub async fn remove(tx: &mut Tx, org: OrgId, id: i64) -> Result<(), Error> {
    for address in addresses(tx, id).await? {
        forget(tx, org, id, &address).await?;
    }
    tx.run("DELETE FROM scim_address WHERE account = $1", args![id]).await?;
    tx.run("DELETE FROM directory_member WHERE account = $1 AND org = $2", args![id, org.0]).await?;
    tx.run("DELETE FROM scim_user WHERE id = $1 AND org = $2", args![id, org.0]).await?;
    bump(tx).await
}

/// A group of SCIM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: i64,
    pub name: String,
    pub external: String,
    pub made_ms: i64,
    pub changed_ms: i64,
}

fn group(row: &Row) -> Result<Group, Error> {
    Ok(Group { id: row.int(0)?, name: row.text(1)?.into(), external: row.text(2)?.into(), made_ms: row.int(3)?, changed_ms: row.int(4)? })
}

fn groups_where(clauses: &[Clause], args: &mut Vec<Value>) -> Option<String> {
    let mut sql = String::from("org = $1 AND source = 'scim'");
    for clause in clauses {
        let (condition, value) = match clause.path.as_str() {
            "displayname" => ("name_key = ", Value::from(name_key(&clause.value))),
            "externalid" => ("external = ", Value::from(clause.value.as_str())),
            "id" => ("id = ", Value::from(clause.value.parse::<i64>().unwrap_or(0))),
            "members" | "members.value" => (
                "id IN (SELECT grp FROM directory_member WHERE account + inner_grp = ",
                Value::from(clause.value.parse::<i64>().unwrap_or(-1)),
            ),
            _ => return None,
        };
        args.push(value);
        let end = if condition.contains('(') { ")" } else { "" };
        sql.push_str(&format!(" AND {condition}${}{end}", args.len()));
    }
    Some(sql)
}

pub async fn groups(tx: &mut Tx, org: OrgId, clauses: &[Clause], (from, count): (i64, i64)) -> Result<Option<(i64, Vec<Group>)>, Error> {
    let mut args = args![org.0];
    let Some(whose) = groups_where(clauses, &mut args) else { return Ok(None) };
    let total =
        tx.row(&format!("SELECT COUNT(*) FROM directory_group WHERE {whose}"), args.clone()).await?.map_or(Ok(0), |row| row.int(0))?;
    let sql = format!(
        "SELECT id, name, external, made_ms, changed_ms FROM directory_group WHERE {whose} ORDER BY id LIMIT {count} OFFSET {from}"
    );
    let found: Result<Vec<Group>, Error> = tx.rows(&sql, args).await?.iter().map(group).collect();
    Ok(Some((total, found?)))
}

pub async fn one_group(tx: &mut Tx, org: OrgId, id: i64) -> Result<Option<Group>, Error> {
    let sql = "SELECT id, name, external, made_ms, changed_ms FROM directory_group WHERE id = $1 AND org = $2 AND source = 'scim'";
    tx.row(sql, args![id, org.0]).await?.as_ref().map(group).transpose()
}

/// Writes a group without its members.
pub async fn put_group(tx: &mut Tx, org: OrgId, group: &Group) -> Result<(), Error> {
    tx.run(
        "INSERT INTO directory_group (id, org, name, name_key, address, external, source, made_ms, changed_ms) \
         VALUES ($1, $2, $3, $4, '', $5, 'scim', $6, $7) ON CONFLICT (id) DO UPDATE SET name = excluded.name, \
         name_key = excluded.name_key, external = excluded.external, changed_ms = excluded.changed_ms",
        args![group.id, org.0, group.name.as_str(), name_key(&group.name), group.external.as_str(), group.made_ms, group.changed_ms],
    )
    .await?;
    bump(tx).await
}

/// Number, whether it is a group, and what people call it.
pub async fn members(tx: &mut Tx, group: i64) -> Result<Vec<(i64, bool, String)>, Error> {
    let sql = "SELECT m.account + m.inner_grp, m.inner_grp, COALESCE(g.name, m.address) FROM directory_member m \
               LEFT JOIN directory_group g ON g.id = m.inner_grp WHERE m.grp = $1 ORDER BY 1 LIMIT $2";
    let row = |row: &Row| Ok((row.int(0)?, row.int(1)? != 0, row.text(2)?.to_string()));
    tx.rows(sql, args![group, MEMBERS_MAX]).await?.iter().map(row).collect()
}

/// Puts an account or a group of SCIM into a group; false when there is no such thing.
pub async fn put_member(tx: &mut Tx, org: OrgId, group: i64, member: i64) -> Result<bool, Error> {
    let (address, inner, account) = if one(tx, org, member).await?.is_some() {
        (main_of(tx, org, member).await?, 0, member)
    } else if one_group(tx, org, member).await?.is_some() {
        (String::new(), member, 0)
    } else {
        return Ok(false);
    };
    let sql = "INSERT INTO directory_member (grp, org, address, inner_grp, account) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (grp, address, inner_grp, account) DO NOTHING";
    tx.run(sql, args![group, org.0, address, inner, account]).await?;
    Ok(true)
}

/// The main address under which an account is known here; "" when it is not.
async fn main_of(tx: &mut Tx, org: OrgId, id: i64) -> Result<String, Error> {
    let sql = "SELECT CASE WHEN r.main = '' THEN r.address ELSE r.main END FROM known_recipient r JOIN scim_address a ON a.address = r.address \
               WHERE a.account = $1 AND r.org = $2 ORDER BY r.main, r.address LIMIT 1";
    tx.row(sql, args![id, org.0]).await?.map_or(Ok(String::new()), |row| row.text(0).map(str::to_string))
}

/// Takes one member out, or all.
pub async fn remove_member(tx: &mut Tx, org: OrgId, group: i64, member: Option<i64>) -> Result<(), Error> {
    match member {
        Some(member) => {
            let sql = "DELETE FROM directory_member WHERE grp = $1 AND org = $2 AND account + inner_grp = $3";
            tx.run(sql, args![group, org.0, member]).await.map(drop)
        }
        None => tx.run("DELETE FROM directory_member WHERE grp = $1 AND org = $2", args![group, org.0]).await.map(drop),
    }
}
