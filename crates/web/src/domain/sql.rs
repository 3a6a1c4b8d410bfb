//! Every statement on claims, and those on domains and recipients of the directory that pages need.

use super::{Claim, Named};
use gateway::directory::DomainSettings;
use gateway::scope::OrgScope;
use mail::OrgId;
use store::{Error, Row, Tx, args};

/// Domains of one page, and recipients of one page.
pub const ROWS: usize = 50;
/// Recipients compared with an import at once.
const COMPARED_MAX: i64 = 1_000_000;

/// Every name of the organisation with what is known of it, after `after` in order, with `part` in it.
pub async fn list(tx: &mut Tx, scope: OrgScope, after: &str, part: &str, limit: usize) -> Result<Vec<Named>, Error> {
    let mut args = args![after, like(part)];
    let whose = scope.condition("n.org", &mut args);
    let sql = format!(
        "SELECT n.name, n.org, d.settings, d.source, c.id, c.token, c.made_ms, c.shown_ms, c.how, c.reason \
         FROM (SELECT name, org FROM domain UNION SELECT name, org FROM domain_claim) n \
         LEFT JOIN domain d ON d.name = n.name AND d.org = n.org LEFT JOIN domain_claim c ON c.name = n.name AND c.org = n.org \
         WHERE n.name > $1 AND n.name LIKE $2 ESCAPE '!' AND {whose} ORDER BY n.name, n.org LIMIT {limit}"
    );
    tx.rows(&sql, args).await?.iter().map(named).collect()
}

pub async fn one(tx: &mut Tx, scope: OrgScope, name: &str) -> Result<Option<Named>, Error> {
    let mut args = args![name];
    let whose = scope.condition("n.org", &mut args);
    let sql = format!(
        "SELECT n.name, n.org, d.settings, d.source, c.id, c.token, c.made_ms, c.shown_ms, c.how, c.reason \
         FROM (SELECT name, org FROM domain UNION SELECT name, org FROM domain_claim) n \
         LEFT JOIN domain d ON d.name = n.name AND d.org = n.org LEFT JOIN domain_claim c ON c.name = n.name AND c.org = n.org \
         WHERE n.name = $1 AND {whose} ORDER BY n.org LIMIT 1"
    );
    tx.row(&sql, args).await?.as_ref().map(named).transpose()
}

fn named(row: &Row) -> Result<Named, Error> {
    let name = row.text(0)?.to_string();
    let is_served = row.text_opt(2)?.is_some();
    let settings = match row.text_opt(2)? {
        Some(text) => serde_json::from_str(text).map_err(|why| Error::Shape(format!("settings of “{name}”: {why}")))?,
        None => DomainSettings { name: name.clone(), ..DomainSettings::default() },
    };
    let claim = match row.int_opt(4)? {
        Some(id) => Some(Claim {
            id,
            token: row.text(5)?.into(),
            made_ms: row.int(6)?,
            shown_ms: row.int_opt(7)?,
            how: row.text(8)?.into(),
            reason: row.text(9)?.into(),
        }),
        None => None,
    };
    let source = if is_served { row.text(3)?.to_string() } else { String::new() };
    Ok(Named { name, org: OrgId(row.int(1)?), settings, source, claim })
}

pub async fn claim(tx: &mut Tx, org: OrgId, name: &str, claim: &Claim) -> Result<(), Error> {
    tx.run(
        "INSERT INTO domain_claim (id, org, name, token, made_ms, how, reason) VALUES ($1, $2, $3, $4, $5, '', '')",
        args![claim.id, org.0, name, claim.token.as_str(), claim.made_ms],
    )
    .await
    .map(|_| ())
}

/// Ownership was shown; false when somebody was faster. `how` and `reason` stay for those who ask later.
pub async fn show(tx: &mut Tx, id: i64, (how, reason): (&str, &str), now_ms: i64) -> Result<bool, Error> {
    let changed = tx
        .run(
            "UPDATE domain_claim SET shown_ms = $1, how = $2, reason = $3 WHERE id = $4 AND shown_ms IS NULL",
            args![now_ms, how, reason, id],
        )
        .await?;
    Ok(changed == 1)
}

/// The domain with everything that hangs on it.
pub async fn remove(tx: &mut Tx, org: OrgId, name: &str) -> Result<(), Error> {
    tx.run("DELETE FROM domain WHERE name = $1 AND org = $2 AND source <> 'file'", args![name, org.0]).await?;
    tx.run("DELETE FROM domain_claim WHERE name = $1 AND org = $2", args![name, org.0]).await?;
    tx.run(
        "DELETE FROM known_recipient WHERE org = $1 AND address LIKE $2 ESCAPE '!' AND source <> 'file'",
        args![org.0, format!("%@{}", escaped(name))],
    )
    .await?;
    gateway::dkim::sql::remove_of(tx, org, name).await?;
    crate::diagnostics::sql::forget(tx, org, "domain", name).await
}

/// One recipient as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    pub address: String,
    pub name: String,
    pub source: String,
}

/// Recipients of a domain after `after` in order, with `part` in address or name.
pub async fn recipients(tx: &mut Tx, org: OrgId, domain: &str, (after, part): (&str, &str), limit: usize) -> Result<Vec<Recipient>, Error> {
    let sql = format!(
        "SELECT address, name, source FROM known_recipient WHERE org = $1 AND address LIKE $2 ESCAPE '!' AND address > $3 \
         AND (address LIKE $4 ESCAPE '!' OR lower(name) LIKE $4 ESCAPE '!') ORDER BY address LIMIT {limit}"
    );
    let rows = tx.rows(&sql, args![org.0, format!("%@{}", escaped(domain)), after, like(&part.to_lowercase())]).await?;
    rows.iter().map(recipient).collect()
}

/// All of them, to compare an import with.
pub async fn all_recipients(tx: &mut Tx, org: OrgId, domain: &str) -> Result<Vec<Recipient>, Error> {
    let sql = "SELECT address, name, source FROM known_recipient WHERE org = $1 AND address LIKE $2 ESCAPE '!' LIMIT $3";
    tx.rows(sql, args![org.0, format!("%@{}", escaped(domain)), COMPARED_MAX]).await?.iter().map(recipient).collect()
}

pub async fn count_recipients(tx: &mut Tx, org: OrgId, domain: &str) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM known_recipient WHERE org = $1 AND address LIKE $2 ESCAPE '!'";
    tx.row(sql, args![org.0, format!("%@{}", escaped(domain))]).await?.map_or(Ok(0), |row| row.int(0))
}

fn recipient(row: &Row) -> Result<Recipient, Error> {
    Ok(Recipient { address: row.text(0)?.into(), name: row.text(1)?.into(), source: row.text(2)?.into() })
}

/// False when there is none, or the settings file or a directory names it.
pub async fn remove_recipient(tx: &mut Tx, org: OrgId, address: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM known_recipient WHERE org = $1 AND address = $2 AND source NOT IN ('file', 'scim') AND source NOT LIKE 'ldap:%'";
    Ok(tx.run(sql, args![org.0, address]).await? == 1)
}

fn like(part: &str) -> String {
    format!("%{}%", escaped(part))
}

/// Letters that LIKE would take for a pattern.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
