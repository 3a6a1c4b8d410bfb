//! `gatepost policy|domain|connector|recipient|entry`: the directory from the command line. A running server notices within a second.

use super::{Place, audited, check, wait};
use crate::open::{self, Store};
use crate::output::{self, Exit, WrongUse};
use anyhow::Context;
use clap::{Args, Subcommand};
use gateway::directory::settings::{DomainKind, EntrySettings};
use gateway::directory::sql::{self, FROM_COMMAND, Removable};
use gateway::directory::{ConnectorSettings, DomainSettings, Effect, EntryKind, RecipientCheck};
use gateway::dkim::Seal;
use gateway::policy::{PolicySettings, Preset};
use serde::de::DeserializeOwned;
use store::{Error, Row, args};
use web::audit::Entry;

/// What `list`, `show` and `remove` take.
#[derive(Debug, Args)]
pub struct Named {
    /// Its name.
    name: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Listed {
    /// Print JSON, one line each.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct FromFile {
    /// TOML file with the keys of one table, as `gatepost config reference` lists them.
    file: std::path::PathBuf,
}

#[derive(Debug, Args)]
pub struct Policies {
    #[command(subcommand)]
    verb: PolicyVerb,
}

#[derive(Debug, Subcommand)]
enum PolicyVerb {
    /// Custom policies, in the order they are looked at.
    List(Listed),
    /// One policy, or the preset “default”, “standard” or “strict”.
    Show(Named),
    /// Add or change a custom policy.
    Put(FromFile),
    Remove(Named),
    /// Which policy applies to a recipient, and why.
    Applying(super::applying::Applying),
}

#[derive(Debug, Args)]
pub struct Domains {
    #[command(subcommand)]
    verb: DomainVerb,
}

#[derive(Debug, Subcommand)]
enum DomainVerb {
    List(Listed),
    Show(Named),
    /// Add or change a domain.
    Add(NewDomain),
    Remove(Named),
    /// Look at what it publishes in DNS: MX, SPF, DKIM, DMARC, MTA-STS, TLS reports.
    Check(check::Domain),
}

#[derive(Debug, Args)]
struct NewDomain {
    name: String,
    /// Organisation; may be left out where there is one.
    #[arg(long, default_value = "")]
    organisation: String,
    /// Some recipients live elsewhere.
    #[arg(long)]
    internal_relay: bool,
    /// Who knows the recipients: listed, call-out, any.
    #[arg(long, default_value = "listed")]
    recipients: String,
    #[arg(long, default_value = "")]
    connector: String,
}

#[derive(Debug, Args)]
pub struct Connectors {
    #[command(subcommand)]
    verb: ConnectorVerb,
}

#[derive(Debug, Subcommand)]
enum ConnectorVerb {
    /// Connect to its next hops as mail would, and show what is said.
    Validate(check::Connector),
    List(Listed),
    Show(Named),
    /// Add or change a connector.
    Put(FromFile),
    Remove(Named),
}

#[derive(Debug, Args)]
pub struct Recipients {
    #[command(subcommand)]
    verb: RecipientVerb,
}

#[derive(Debug, Subcommand)]
enum RecipientVerb {
    List(Listed),
    Add {
        address: String,
        /// Display name to protect from impersonation.
        #[arg(long, default_value = "")]
        name: String,
    },
    Remove(Named),
}

#[derive(Debug, Args)]
pub struct EntriesOf {
    #[command(subcommand)]
    verb: EntryVerb,
}

#[derive(Debug, Subcommand)]
enum EntryVerb {
    List(Listed),
    /// Let mail of a sender pass, or stop it.
    Add(NewEntry),
    Remove {
        id: i64,
    },
}

#[derive(Debug, Args)]
struct NewEntry {
    /// allow or block
    effect: String,
    /// address, domain or ip; to block also host (of a link) or hash (SHA-256 of a file)
    kind: String,
    value: String,
    #[arg(long, default_value = "")]
    organisation: String,
    /// Only for this recipient.
    #[arg(long, default_value = "")]
    scope: String,
    /// Last day, as 2026-12-31. Without one the entry stays for 30 days; “never” keeps it.
    #[arg(long, default_value = "")]
    expires: String,
    #[arg(long, default_value = "")]
    note: String,
}

pub fn policies(place: &Place, policies: Policies) -> anyhow::Result<Exit> {
    match policies.verb {
        PolicyVerb::List(listed) => list(place, "SELECT name, settings, source FROM policy ORDER BY org, priority, name LIMIT $1", listed),
        PolicyVerb::Show(named) => match preset(&named.name) {
            Some(settings) => shown(&serde_json::to_value(settings)?, named.json),
            None => show(place, "SELECT name, settings, source FROM policy WHERE name = $1", named, "policy"),
        },
        PolicyVerb::Put(from) => {
            let settings: PolicySettings = read(&from.file)?;
            if let Some(complaint) = settings.complaints().first() {
                return Err(WrongUse(complaint.clone()).into());
            }
            let told = Told::new("policy.change", &settings.name, &settings.organisation);
            change(place, told, move |tx, _| Box::pin(async move { sql::put_policy(tx, &settings, FROM_COMMAND).await }))
        }
        PolicyVerb::Remove(named) => remove(place, Removable::Policy, named),
        PolicyVerb::Applying(asked) => super::applying::run(place, asked),
    }
}

fn preset(name: &str) -> Option<PolicySettings> {
    [Preset::Default, Preset::Standard, Preset::Strict].into_iter().find(|preset| preset.name() == name).map(Preset::settings)
}

pub fn domains(place: &Place, domains: Domains) -> anyhow::Result<Exit> {
    match domains.verb {
        DomainVerb::List(listed) => list(place, "SELECT name, settings, source FROM domain ORDER BY name LIMIT $1", listed),
        DomainVerb::Show(named) => show(place, "SELECT name, settings, source FROM domain WHERE name = $1", named, "domain"),
        DomainVerb::Add(new) => {
            let recipients = match new.recipients.as_str() {
                "listed" => RecipientCheck::Listed,
                "call-out" => RecipientCheck::CallOut,
                "any" => RecipientCheck::Any,
                other => return Err(WrongUse(format!("--recipients {other}: write listed, call-out or any")).into()),
            };
            let kind = if new.internal_relay { DomainKind::InternalRelay } else { DomainKind::Authoritative };
            let settings = DomainSettings {
                name: new.name,
                organisation: new.organisation,
                kind,
                recipients,
                connector: new.connector,
                ..DomainSettings::default()
            };
            let told = Told::new("domain.add", &settings.name, &settings.organisation);
            change(place, told, move |tx, _| Box::pin(async move { sql::put_domain(tx, &settings, FROM_COMMAND).await }))
        }
        DomainVerb::Remove(named) => remove(place, Removable::Domain, named),
        DomainVerb::Check(asked) => check::domain(place, asked),
    }
}

pub fn connectors(place: &Place, connectors: Connectors) -> anyhow::Result<Exit> {
    match connectors.verb {
        ConnectorVerb::List(listed) => list(place, "SELECT name, settings, source FROM connector ORDER BY name LIMIT $1", listed),
        ConnectorVerb::Show(named) => show(place, "SELECT name, settings, source FROM connector WHERE name = $1", named, "connector"),
        ConnectorVerb::Put(from) => {
            let settings: ConnectorSettings = read(&from.file)?;
            let settings = sealed(place, settings)?;
            let told = Told::new("connector.change", &settings.name, &settings.organisation);
            change(place, told, move |tx, _| Box::pin(async move { sql::put_connector(tx, &settings, FROM_COMMAND).await }))
        }
        ConnectorVerb::Remove(named) => remove(place, Removable::Connector, named),
        ConnectorVerb::Validate(asked) => check::connector(place, asked),
    }
}

/// Passwords sealed before they are written; the key is made as a server would make it.
fn sealed(place: &Place, settings: ConnectorSettings) -> anyhow::Result<ConnectorSettings> {
    if !settings.is_open() {
        return Ok(settings);
    }
    let path = place.existing()?.seal_file();
    let seal = Seal::open_file(&path).with_context(|| format!("opening the seal {}", path.display()))?;
    Ok(settings.sealed(&seal)?)
}

pub fn recipients(place: &Place, recipients: Recipients) -> anyhow::Result<Exit> {
    match recipients.verb {
        RecipientVerb::List(listed) => list(place, "SELECT address, name, source FROM known_recipient ORDER BY address LIMIT $1", listed),
        RecipientVerb::Add { address, name } => {
            let told = Told::new("domain.recipients", &address, "");
            change(place, told, move |tx, _| Box::pin(async move { sql::put_recipient(tx, &address, &name, FROM_COMMAND).await }))
        }
        RecipientVerb::Remove(named) => remove(place, Removable::Recipient, named),
    }
}

pub fn entries(place: &Place, entries: EntriesOf) -> anyhow::Result<Exit> {
    match entries.verb {
        EntryVerb::List(listed) => list_entries(place, listed),
        EntryVerb::Add(new) => {
            let settings = entry(new)?;
            let (now_ms, told) = (output::now_ms(), Told::new("entry.create", &settings.value, &settings.organisation));
            change(place, told, move |tx, fresh| {
                Box::pin(async move { sql::put_entry(tx, &settings, FROM_COMMAND, (fresh, now_ms)).await })
            })
        }
        EntryVerb::Remove { id } => {
            let told = Told::new("entry.end", &id.to_string(), "");
            change(place, told, move |tx, _| Box::pin(async move { sql::remove_entry(tx, id).await }))
        }
    }
}

/// Days an entry stays when nothing is said: one that is forgotten must not stay open for ever.
const ENTRY_DAYS: i64 = 30;

fn entry(new: NewEntry) -> anyhow::Result<EntrySettings> {
    let effect = Effect::named(&new.effect).ok_or_else(|| WrongUse(format!("“{}”: write allow or block", new.effect)))?;
    let kind = EntryKind::named(&new.kind).ok_or_else(|| WrongUse(format!("“{}”: write address, domain, ip, host or hash", new.kind)))?;
    let expires = match new.expires.as_str() {
        "never" => String::new(),
        "" => jiff::Timestamp::from_millisecond(output::now_ms() + ENTRY_DAYS * 86_400_000)?.strftime("%Y-%m-%d").to_string(),
        day => day.to_string(),
    };
    let settings =
        EntrySettings { organisation: new.organisation, effect, kind, value: new.value, scope: new.scope, expires, note: new.note };
    settings.checked().map_err(WrongUse)?;
    Ok(settings)
}

/// Rows a list prints at most.
const LIST_MAX: i64 = 100_000;

fn list(place: &Place, statement: &'static str, listed: Listed) -> anyhow::Result<Exit> {
    let rows = rows(place, statement, LIST_MAX)?;
    let mut cells = Vec::new();
    for row in &rows {
        let (name, second, source) = (row.text(0)?, row.text(1)?, row.text(2)?);
        let settings: serde_json::Value = serde_json::from_str(second).unwrap_or_else(|_| serde_json::json!({ "name": second }));
        match listed.json {
            true => output::json(&serde_json::json!({ "name": name, "settings": settings, "source": source }))?,
            false => cells.push(vec![name.to_string(), brief(&settings), source.to_string()]),
        }
    }
    if !listed.json {
        output::table(&["NAME", "SETTINGS", "FROM"], &cells)?;
    }
    Ok(if rows.is_empty() { Exit::No } else { Exit::Done })
}

fn list_entries(place: &Place, listed: Listed) -> anyhow::Result<Exit> {
    let rows =
        rows(place, "SELECT id, effect, kind, value, scope, expires_ms, note, source FROM list_entry ORDER BY id LIMIT $1", LIST_MAX)?;
    let mut cells = Vec::new();
    for row in &rows {
        let expires = row.int_opt(5)?.map(output::time).unwrap_or_else(|| "never".into());
        let text = |column| row.text(column).map(str::to_string);
        let line = vec![row.int(0)?.to_string(), text(1)?, text(2)?, text(3)?, text(4)?, expires, text(6)?, text(7)?];
        match listed.json {
            true => output::json(
                &serde_json::json!({ "id": row.int(0)?, "effect": line[1], "kind": line[2], "value": line[3], "scope": line[4], "expires": line[5], "note": line[6], "source": line[7] }),
            )?,
            false => cells.push(line),
        }
    }
    if !listed.json {
        output::table(&["ID", "EFFECT", "KIND", "VALUE", "FOR", "UNTIL", "NOTE", "FROM"], &cells)?;
    }
    Ok(if rows.is_empty() { Exit::No } else { Exit::Done })
}

/// The settings that are not empty, on one line.
fn brief(settings: &serde_json::Value) -> String {
    let Some(settings) = settings.as_object() else { return String::new() };
    let told = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => !text.is_empty(),
        serde_json::Value::Array(list) => !list.is_empty(),
        serde_json::Value::Object(_) | serde_json::Value::Null => false,
        serde_json::Value::Bool(on) => *on,
        serde_json::Value::Number(_) => true,
    };
    let secret = |key: &str| key == "password";
    let told: Vec<String> = settings
        .iter()
        .filter(|(key, value)| told(value) && *key != "name" && !secret(key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    told.join(" ").replace('"', "")
}

fn show(place: &Place, statement: &'static str, named: Named, what: &str) -> anyhow::Result<Exit> {
    let name = named.name.clone();
    let found = wait(async {
        let store = open::for_command(&place.existing()?).await?;
        let row: Result<Option<Row>, Error> = store.db.read(move |tx| Box::pin(async move { tx.row(statement, args![name]).await })).await;
        Ok(row?)
    })?;
    match found {
        Some(row) => shown(&serde_json::from_str(row.text(1)?)?, named.json),
        None => {
            eprintln!("gatepost: there is no {what} named “{}”", named.name);
            Ok(Exit::No)
        }
    }
}

fn shown(settings: &serde_json::Value, json: bool) -> anyhow::Result<Exit> {
    match json {
        true => output::json(settings)?,
        false => output::line(toml::to_string(settings)?.trim_end())?,
    }
    Ok(Exit::Done)
}

fn rows(place: &Place, statement: &'static str, limit: i64) -> anyhow::Result<Vec<Row>> {
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        let rows: Result<Vec<Row>, Error> = store.db.read(move |tx| Box::pin(async move { tx.rows(statement, args![limit]).await })).await;
        Ok(rows?)
    })
}

type Changed<'t> = futures_util::future::BoxFuture<'t, Result<(), Error>>;

/// What the audit log says about a change.
struct Told {
    action: &'static str,
    subject: String,
    /// Its name; "" is the only one there is, or not known here.
    organisation: String,
}

impl Told {
    fn new(action: &'static str, subject: &str, organisation: &str) -> Told {
        Told { action, subject: subject.into(), organisation: organisation.into() }
    }
}

/// Makes one change and tells running servers. The closure gets a fresh identifier.
fn change(
    place: &Place,
    told: Told,
    work: impl for<'t> FnOnce(&'t mut store::Tx, i64) -> Changed<'t> + Send + 'static,
) -> anyhow::Result<Exit> {
    wait(async {
        let Store { db, ids, .. } = open::for_command(&place.existing()?).await?;
        let fresh = ids.next(output::now_ms());
        let done: Result<(), Error> = db
            .tx(move |tx| {
                Box::pin(async move {
                    work(tx, fresh).await?;
                    let org = sql::organisation_id(tx, &told.organisation).await.ok();
                    audited(tx, &ids, Entry::new(org, told.action, &told.subject)).await?;
                    sql::bump(tx).await
                })
            })
            .await;
        match done {
            Ok(()) => Ok(Exit::Done),
            Err(Error::Statement(why)) => Err(WrongUse(why).into()),
            Err(why) => Err(why.into()),
        }
    })
}

fn remove(place: &Place, what: Removable, named: Named) -> anyhow::Result<Exit> {
    wait(async {
        let store = open::for_command(&place.existing()?).await?;
        let (name, ids) = (named.name.clone(), store.ids.clone());
        let action = match what {
            Removable::Policy => "policy.delete",
            Removable::Domain => "domain.remove",
            Removable::Connector => "connector.remove",
            Removable::Recipient => "domain.recipients",
        };
        let gone: Result<bool, Error> = store
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let orgs = sql::remove(tx, what, &name).await?;
                    for org in &orgs {
                        audited(tx, &ids, Entry::new(Some(*org), action, &name)).await?;
                    }
                    Ok(!orgs.is_empty())
                })
            })
            .await;
        if gone? {
            return Ok(Exit::Done);
        }
        eprintln!("gatepost: there is none named “{}”, or it stands in the settings file and is removed there", named.name);
        Ok(Exit::No)
    })
}

fn read<T: DeserializeOwned>(file: &std::path::Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(file).map_err(|why| WrongUse(format!("{}: {why}", file.display())))?;
    toml::from_str(&text).map_err(|why| WrongUse(format!("{}: {}", file.display(), why.message())).into())
}
