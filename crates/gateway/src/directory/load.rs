//! Reads the whole directory into one snapshot.

use super::group::MemberRow;
use super::{ConnectorKind, ConnectorSettings, Directory, Domain, Groups, KnownRecipient, Organisation, sql};
use crate::policy::PolicySettings;
use detect::inspect::Surroundings;
use mail::OrgId;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use store::{Error, Row, Tx};

/// Names of people protected from impersonation at most; each is compared with every display name.
const PEOPLE_MAX: usize = 2_000;

/// The snapshot as of this transaction. `base` is what settings say about inspections; `before` lends what is costly to make and has
/// not changed.
///
/// # Errors
/// [`Error::Shape`] names a row whose settings this version cannot read.
pub async fn load(tx: &mut Tx, base: &Surroundings, before: &Directory) -> Result<Directory, Error> {
    let mut directory = Directory { version: sql::version(tx).await?, ..Directory::default() };
    for row in sql::all(tx, "SELECT id, name, settings FROM organisation ORDER BY id LIMIT $1").await? {
        let organisation = Organisation { id: OrgId(row.int(0)?), name: row.text(1)?.to_string(), settings: settings(&row, 2)? };
        directory.organisations.insert(organisation.id, organisation);
    }
    for row in sql::all(tx, "SELECT name, org, settings FROM domain ORDER BY name LIMIT $1").await? {
        let domain = Domain { name: row.text(0)?.to_string(), org: OrgId(row.int(1)?), settings: settings(&row, 2)? };
        directory.domains.insert(domain.name.clone(), domain);
    }
    for row in sql::all(tx, "SELECT address, org, name, main FROM known_recipient ORDER BY address LIMIT $1").await? {
        let known = KnownRecipient { org: OrgId(row.int(1)?), name: row.text(2)?.to_string(), main: row.text(3)?.to_string() };
        directory.recipients.insert(row.text(0)?.to_string(), known);
    }
    directory.groups = groups(tx).await?;
    for row in sql::all(tx, "SELECT name, settings, org FROM connector ORDER BY name LIMIT $1").await? {
        add_connector(&mut directory, OrgId(row.int(2)?), row.text(0)?, settings(&row, 1)?);
    }
    for row in sql::all(tx, "SELECT org, settings FROM inbound_connector ORDER BY org, name LIMIT $1").await? {
        directory.inbound.entry(OrgId(row.int(0)?)).or_default().push(Arc::new(settings(&row, 1)?));
    }
    for key in crate::dkim::sql::open(tx).await?.into_iter().filter(|key| key.state == crate::dkim::KeyState::Active) {
        directory.keys.entry(key.domain.clone()).or_default().push(Arc::new(key));
    }
    let mut policies: HashMap<OrgId, Vec<PolicySettings>> = HashMap::new();
    for row in sql::all(tx, "SELECT org, settings FROM policy ORDER BY org, priority, name LIMIT $1").await? {
        policies.entry(OrgId(row.int(0)?)).or_default().push(settings(&row, 1)?);
    }
    let ordered = |(org, rows)| (org, crate::policy::in_order(rows).into_iter().map(Arc::new).collect());
    directory.policies = policies.into_iter().map(ordered).collect();
    let entries = "SELECT id, org, effect, kind, value, scope, expires_ms, note FROM list_entry ORDER BY id LIMIT $1";
    for row in sql::all(tx, entries).await? {
        if let (org, Some(entry)) = sql::entry(&row)? {
            directory.entries.entry(org).or_default().add(entry);
        }
    }
    directory.rules = crate::rules::together(crate::rules::sql::for_directory(tx).await?, &before.rules);
    surround(&mut directory, base);
    Ok(directory)
}

/// The groups of all organisations with who is in them.
async fn groups(tx: &mut Tx) -> Result<HashMap<OrgId, Groups>, Error> {
    let mut parts: HashMap<OrgId, (Vec<(i64, String)>, Vec<MemberRow>)> = HashMap::new();
    for row in sql::all(tx, "SELECT org, id, name FROM directory_group ORDER BY id LIMIT $1").await? {
        parts.entry(OrgId(row.int(0)?)).or_default().0.push((row.int(1)?, row.text(2)?.to_string()));
    }
    for row in sql::all(tx, "SELECT org, grp, address, inner_grp FROM directory_member ORDER BY grp, address LIMIT $1").await? {
        let member = MemberRow { group: row.int(1)?, address: row.text(2)?.to_string(), inner: row.int(3)? };
        parts.entry(OrgId(row.int(0)?)).or_default().1.push(member);
    }
    Ok(parts.into_iter().map(|(org, (groups, members))| (org, Groups::new(groups, members))).collect())
}

fn add_connector(directory: &mut Directory, org: OrgId, name: &str, settings: ConnectorSettings) {
    if settings.kind == ConnectorKind::Outbound {
        directory.outbound.entry(org).or_insert_with(|| name.to_string());
    }
    if settings.kind == ConnectorKind::Partner {
        let domains = settings.domains.iter().filter_map(|domain| mail::address::domain_to_ascii(domain));
        directory.partners.entry(org).or_default().extend(domains.map(|domain| (domain, name.to_string())));
    }
    directory.connectors.insert(name.to_string(), Arc::new(settings));
}

/// What inspections may know of the directory.
fn surround(directory: &mut Directory, base: &Surroundings) {
    let own: HashSet<String> = directory.domains.keys().cloned().collect();
    let mut people: Vec<(String, String)> = directory
        .recipients
        .iter()
        .filter(|(_, known)| !known.name.is_empty())
        .map(|(address, known)| (known.name.clone(), address.clone()))
        .collect();
    people.sort_unstable();
    people.splice(0..0, base.people.iter().cloned());
    people.truncate(PEOPLE_MAX);
    directory.surroundings = Arc::new(Surroundings::new(own.clone(), people, base.blocked_types.clone()));
    directory.own_domains = Arc::new(own);
}

fn settings<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Result<T, Error> {
    let text = row.text(column)?;
    serde_json::from_str(text).map_err(|why| Error::Shape(format!("settings of “{}”: {why}", row.text(0).unwrap_or("a row"))))
}
