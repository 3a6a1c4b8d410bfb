//! One scenario of the lab: a file that changes the base world, what people do in it, the complaint, and what is true.

use gateway::directory::DirectorySettings;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    #[serde(skip)]
    pub id: String,
    /// How people word it.
    pub en: String,
    pub zh: String,
    /// What they fill in besides: fields of the question.
    #[serde(default)]
    pub ask: BTreeMap<String, String>,
    /// True causes; any of them may come first, all of them come in the first three.
    pub cause: Vec<String>,
    /// Kinds of fix of which one must be offered for a true cause.
    #[serde(default)]
    pub fixes: Vec<String>,
    /// The fix of ours that is applied and has to work.
    #[serde(default)]
    pub apply: String,
    /// Nothing can be sure here: a confident answer would be wrong even if it were right.
    #[serde(default)]
    pub unsure: bool,
    #[serde(flatten)]
    pub world: World,
}

/// The world, changed or not.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct World {
    /// Records as zones have them: `name TYPE value`; TYPE may be FAIL with the type that times out, or BOGUS for a domain whose signatures
    /// do not fit.
    pub dns: Vec<String>,
    /// More of them, and names with a type to leave out.
    pub dns_more: Vec<String>,
    pub dns_less: Vec<String>,
    /// Next hops by name; `{name}` in settings is its address.
    pub hop: BTreeMap<String, Hop>,
    pub settings: DirectorySettings,
    pub queue: gateway::queue::QueueSettings,
    pub intake: gateway::intake::IntakeSettings,
    pub outbound: gateway::outflow::settings::OutboundSettings,
    pub lists: Vec<gateway::intake::ListSettings>,
    /// `[limits] message_octets_max`; 0 is the usual.
    pub octets_max: u64,
    /// Whose certificates connectors trust.
    pub trusted: Vec<String>,
    /// DKIM keys of domains, by selector: "published", "missing" or "differs".
    pub dkim: BTreeMap<String, String>,
    pub mail: Vec<Sent>,
    /// What happens after the mails: "settle", "delivered", "release", "delete", "remove ADDRESS", "cancel", "expire", "up NAME", "down NAME", "measure", …
    pub then: Vec<String>,
    /// People with accounts: address and "active" or "inactive".
    pub people: BTreeMap<String, String>,
    /// Issues that are open: cause.
    pub issues: Vec<String>,
    /// All names through a real unbound: "validating", "stopped" or "cut-off" from the world; "" is fixed DNS.
    pub resolver: String,
    /// Zones of that resolver whose signatures do not fit.
    pub bogus: Vec<String>,
    /// Engines besides the built-in ones.
    pub detect: Option<detect::DetectSettings>,
    /// What the step "measure" finds of this node, where it cannot be brought about here.
    pub node: Node,
}

/// Facts about the node in place of those that are measured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Node {
    /// Octets of the disk.
    pub disk_free: Option<u64>,
    pub disk_total: Option<u64>,
    pub database_ms: Option<i64>,
    /// Large messages lie in a bucket where nothing listens.
    pub bodies_away: bool,
    /// How long a large message took to be stored, of late.
    pub body_put_ms: Option<u64>,
    /// Until our certificate ends.
    pub certificate_days: Option<i64>,
    /// Since the newest signature of clamd.
    pub signatures_days: Option<i64>,
    /// Since the model that judges mail was trained; needs no step.
    pub model_days: Option<i64>,
}

/// A next hop.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hop {
    /// "down": nothing listens. Else as `testkit::sink::Fault`, in words.
    pub fault: String,
    pub name: String,
    pub tls: bool,
    pub tls_name: String,
    pub expired: bool,
    pub refuse: String,
    pub lmtp: bool,
    pub full: String,
    /// Keywords of EHLO that it lacks.
    pub lacks: Vec<String>,
    pub knows: Vec<String>,
    pub replies: BTreeMap<String, String>,
    /// A real server instead of a sink: "postfix" or "dovecot".
    pub real: String,
    /// More lines of its settings.
    pub lines: String,
    /// Mailboxes that a Dovecot has.
    pub mailboxes: Vec<String>,
}

/// A mail that somebody sends.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sent {
    pub from: String,
    /// In From; empty: as the envelope.
    pub author: String,
    pub to: Vec<String>,
    pub ip: String,
    pub helo: String,
    /// Signed in as.
    pub login: String,
    pub subject: String,
    pub body: String,
    /// "eicar", "exe", "locked-zip".
    pub attachment: String,
    pub headers: Vec<String>,
    pub message_id: String,
    /// Minutes from now that Date says.
    pub date_minutes: i64,
    /// Octets of filling.
    pub filling: usize,
    /// "bare-lf": lines end wrongly.
    pub odd: String,
    pub times: usize,
}

impl Default for Sent {
    fn default() -> Sent {
        Sent {
            from: "bob@partner.example".into(),
            author: String::new(),
            to: vec!["ann@acme.example".into()],
            ip: "198.51.100.7".into(),
            helo: "mx.partner.example".into(),
            login: String::new(),
            subject: "Minutes of the meeting".into(),
            body: "Dear Ann,\r\n\r\nhere are the minutes of our meeting on Tuesday. Please tell me what is missing.\r\n\r\nBest regards, Bob\r\n".into(),
            attachment: String::new(),
            headers: Vec::new(),
            message_id: String::new(),
            date_minutes: 0,
            filling: 0,
            odd: String::new(),
            times: 1,
        }
    }
}

/// Every scenario, by name.
pub fn all() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab");
    let text = |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let base: Table = text(&folder.join("base.toml")).parse().expect("base.toml is TOML");
    let mut found = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("a folder of scenarios").flatten().map(|entry| entry.path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.file_name().is_some_and(|name| name != "base.toml")) {
        let scenarios: Table = text(file).parse().unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        for (id, scenario) in scenarios {
            let Value::Table(scenario) = scenario else { panic!("{id} is no table") };
            let whole = merged(base.clone(), scenario);
            let read: Result<Scenario, _> = Value::Table(whole).try_into();
            found.push(Scenario { id: id.clone(), ..read.unwrap_or_else(|why| panic!("{id}: {why}")) });
        }
    }
    found
}

/// Tables are put together, everything else is replaced; rows of `settings` by their name.
fn merged(mut base: Table, over: Table) -> Table {
    for (key, value) in over {
        match (base.remove(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => base.insert(key, Value::Table(merged(below, above))),
            (Some(Value::Array(below)), Value::Array(above)) if is_named(&below) && is_named(&above) => {
                base.insert(key, Value::Array(rows(below, above)))
            }
            (_, value) => base.insert(key, value),
        };
    }
    base
}

fn name_of(row: &Value) -> Option<&str> {
    row.get("name").and_then(Value::as_str)
}

fn is_named(rows: &[Value]) -> bool {
    !rows.is_empty() && rows.iter().all(|row| name_of(row).is_some())
}

fn rows(below: Vec<Value>, above: Vec<Value>) -> Vec<Value> {
    let mut rows = below;
    for row in above {
        match rows.iter_mut().find(|there| name_of(there) == name_of(&row)) {
            Some(there) => {
                if let (Value::Table(below), Value::Table(above)) = (there.clone(), row) {
                    *there = Value::Table(merged(below, above));
                }
            }
            None => rows.push(row),
        }
    }
    rows
}
