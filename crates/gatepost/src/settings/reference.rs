//! `gatepost config reference`: every setting with its default and meaning, read from the comments at its definition.

use super::Settings;
use std::fmt::Write;
use web::help::{Setting, SettingTable};

/// Where the struct of one table stands: name in TOML, name in Rust, source.
struct Table {
    name: &'static str,
    repeated: bool,
    structure: &'static str,
    source: &'static str,
}

const fn table(name: &'static str, repeated: bool, structure: &'static str, source: &'static str) -> Table {
    Table { name, repeated, structure, source }
}

const CONNECTION: &str = include_str!("../../../gateway/src/connection/settings.rs");
const DIRECTORY: &str = include_str!("../../../gateway/src/directory/settings.rs");
const DETECT: &str = include_str!("../../../detect/src/settings.rs");
const SECURITY: &str = include_str!("../../../gateway/src/delivery/security/settings.rs");
const HEALTH: &str = include_str!("../../../gateway/src/health/settings.rs");
const INTAKE: &str = include_str!("../../../gateway/src/intake/settings.rs");
const REPORTS: &str = include_str!("../../../gateway/src/mail_reports/settings.rs");

const TABLES: &[Table] = &[
    table("listen", false, "ListenSettings", CONNECTION),
    table("tls", false, "TlsSettings", CONNECTION),
    table("tls.acme", false, "AcmeSettings", CONNECTION),
    table("limits", false, "LimitSettings", CONNECTION),
    table("beside", false, "BesideSettings", include_str!("../../../gateway/src/beside/settings.rs")),
    table("dns", false, "DnsSettings", CONNECTION),
    table("dns.list", true, "ListSettings", include_str!("../../../gateway/src/intake/lists.rs")),
    table("store", false, "StoreSettings", include_str!("mod.rs")),
    table("store.bucket", false, "BodyBucketSettings", include_str!("bodies.rs")),
    table("intake", false, "IntakeSettings", INTAKE),
    table("intake.login", true, "LoginSettings", INTAKE),
    table("detect", false, "DetectSettings", DETECT),
    table("detect.thresholds", false, "Thresholds", include_str!("../../../detect/src/verdict.rs")),
    table("detect.people", true, "ProtectedPerson", DETECT),
    table("detect.signatures", false, "SignatureSettings", DETECT),
    table("detect.hashes", false, "HashSettings", DETECT),
    table("detect.clamd", false, "ClamdSettings", DETECT),
    table("detect.icap", false, "IcapSettings", DETECT),
    table("reports", false, "MailReportSettings", REPORTS),
    table("reports.feedback_loop", true, "FeedbackLoop", REPORTS),
    table("queue", false, "QueueSettings", include_str!("../../../gateway/src/queue/settings.rs")),
    table("delivery", false, "DeliverySettings", SECURITY),
    table("tls_reports", false, "TlsReportSettings", SECURITY),
    table("return_path", false, "ReturnPathSettings", include_str!("../../../gateway/src/return_path/mod.rs")),
    table("outbound", false, "OutboundSettings", include_str!("../../../gateway/src/outflow/settings.rs")),
    table("web", false, "WebSettings", include_str!("../../../web/src/app.rs")),
    table("health", false, "HealthSettings", HEALTH),
    table("health.bucket", false, "BucketSettings", HEALTH),
    table("traces", false, "TraceSettings", include_str!("../traces/mod.rs")),
    table("organisation", true, "OrganisationSettings", DIRECTORY),
    table("domain", true, "DomainSettings", DIRECTORY),
    table("recipient", true, "RecipientSettings", DIRECTORY),
    table("connector", true, "ConnectorSettings", include_str!("../../../gateway/src/directory/connector.rs")),
    table("connector.mailbox", false, "MailboxSettings", include_str!("../../../gateway/src/mailbox/settings.rs")),
    table("inbound", true, "InboundSettings", include_str!("../../../gateway/src/directory/inbound.rs")),
    table("policy", true, "PolicySettings", include_str!("../../../gateway/src/policy/settings.rs")),
    table("policy.applies_to", false, "RecipientFilter", include_str!("../../../gateway/src/policy/settings.rs")),
    table("policy.thresholds", false, "PolicyThresholds", include_str!("../../../gateway/src/policy/settings.rs")),
    table("entry", true, "EntrySettings", DIRECTORY),
    table("rule", true, "RuleSettings", include_str!("../../../gateway/src/rules/settings.rs")),
];

/// One setting as its definition documents it.
struct Entry {
    key: String,
    comment: String,
}

/// Fields of a struct with their doc comments, in order.
fn entries(table: &Table) -> Vec<Entry> {
    let opening = format!("pub struct {} {{", table.structure);
    let Some(at) = table.source.find(&opening) else { return Vec::new() };
    let mut found = Vec::new();
    let mut comment = String::new();
    for line in table.source[at + opening.len()..].lines().map(str::trim) {
        if line == "}" {
            break;
        } else if let Some(text) = line.strip_prefix("///") {
            comment.push_str(text.trim());
            comment.push(' ');
        } else if let Some((key, _)) = line.strip_prefix("pub ").and_then(|field| field.split_once(':')) {
            found.push(Entry { key: key.to_string(), comment: std::mem::take(&mut comment).trim().to_string() });
        }
    }
    found
}

/// The comment above the struct, without the `[table]: ` in front.
fn about(table: &Table) -> String {
    let opening = format!("pub struct {} {{", table.structure);
    let before = table.source.find(&opening).map(|at| &table.source[..at]).unwrap_or_default();
    let comments: Vec<&str> =
        before.lines().rev().map(str::trim).skip_while(|line| line.starts_with("#[")).map_while(|line| line.strip_prefix("///")).collect();
    let text: Vec<&str> = comments.into_iter().rev().map(str::trim).collect();
    let text = text.join(" ");
    text.split_once("]`: ").map(|(_, text)| text.to_string()).unwrap_or(text)
}

/// A whole settings file in which everything is commented out at its default.
pub fn print() -> String {
    let mut out = String::from("# Every setting of Gatepost at its default. Take what you change, leave the rest out.\n");
    for table in tables() {
        let (open, close) = if table.is_repeated { ("[[", "]]") } else { ("[", "]") };
        let _ = write!(out, "\n## {}\n{open}{}{close}\n", table.about, table.name);
        for one in table.settings {
            let _ = writeln!(out, "## {}\n# {} = {}", one.meaning, one.key, one.default);
        }
    }
    out
}

/// Every setting as its definition documents it, table by table: what the reference prints and the help shows.
pub fn tables() -> Vec<SettingTable> {
    let defaults = defaults();
    let read = |table: &Table| {
        let settings = entries(table).into_iter().filter_map(|entry| setting(&defaults, table, entry)).collect();
        SettingTable { name: table.name.into(), is_repeated: table.repeated, about: about(table), settings }
    };
    TABLES.iter().map(read).collect()
}

/// `None` for what is a table of its own.
fn setting(defaults: &toml::Value, table: &Table, entry: Entry) -> Option<Setting> {
    let default = look_up(defaults, table.name, &entry.key);
    if default.as_ref().is_some_and(|value| value.is_table() || is_list_of_tables(value)) {
        return None;
    }
    let default = default.map(|value| value.to_string()).unwrap_or_else(|| "\"\"".into());
    Some(Setting { key: entry.key, default, meaning: entry.comment })
}

/// Settings without a comment.
#[cfg(test)]
pub fn undocumented() -> Vec<String> {
    let missing = |table: &Table| -> Vec<String> {
        let entries = entries(table);
        let nothing = entries.is_empty().then(|| format!("[{}] {}", table.name, table.structure));
        let bare = entries.iter().filter(|entry| entry.comment.is_empty()).map(|entry| format!("[{}] {}", table.name, entry.key));
        nothing.into_iter().chain(bare).collect()
    };
    TABLES.iter().flat_map(missing).collect()
}

fn is_list_of_tables(value: &toml::Value) -> bool {
    value.as_array().is_some_and(|list| list.first().is_some_and(toml::Value::is_table))
}

/// The defaults, with one default element in each repeated table.
fn defaults() -> toml::Value {
    let settings = Settings {
        organisation: vec![Default::default()],
        domain: vec![Default::default()],
        recipient: vec![Default::default()],
        connector: vec![Default::default()],
        inbound: vec![Default::default()],
        policy: vec![Default::default()],
        entry: vec![Default::default()],
        rule: vec![Default::default()],
        dns: gateway::connection::settings::DnsSettings { list: vec![Default::default()], ..Default::default() },
        reports: gateway::mail_reports::MailReportSettings { feedback_loop: vec![Default::default()], ..Default::default() },
        intake: gateway::intake::IntakeSettings { login: vec![Default::default()], ..Default::default() },
        ..Settings::default()
    };
    toml::Value::try_from(&settings).unwrap_or_else(|_| toml::Value::Table(toml::Table::new()))
}

/// The value at `table.key`; of a repeated table, that of its first element.
fn look_up(defaults: &toml::Value, table: &str, key: &str) -> Option<toml::Value> {
    let mut value = defaults;
    for step in table.split('.').chain([key]) {
        value = match value {
            toml::Value::Array(list) => list.first()?.get(step)?,
            other => other.get(step)?,
        };
    }
    Some(value.clone())
}
