//! A connector as a form or a program sends it, and what is wrong with it.

use crate::page::fault::Wrong;
use gateway::directory::{ConnectorKind, ConnectorSettings, Protocol, TlsLevel};
use serde::{Deserialize, Serialize};

const NAME_CHARS_MAX: usize = 60;
const HOSTS_MAX: usize = 10;
const DOMAINS_MAX: usize = 200;
const CONNECTIONS_MAX: usize = 200;
const MAILS_MAX: usize = 10_000;

/// Every field as text; lists have one entry a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    pub name: String,
    pub kind: String,
    pub domains: String,
    pub hosts: String,
    pub protocol: String,
    pub tls: String,
    pub tls_name: String,
    pub pin: String,
    pub connections_max: String,
    pub mails_per_connection_max: String,
    pub allow_private: String,
    pub login: String,
    /// Empty keeps the one that is set, as long as login and hosts stay.
    #[serde(skip_serializing)]
    pub password: String,
}

impl Draft {
    pub fn of(settings: &ConnectorSettings) -> Draft {
        Draft {
            name: settings.name.clone(),
            kind: word(&settings.kind),
            domains: settings.domains.join("\n"),
            hosts: settings.hosts.join("\n"),
            protocol: word(&settings.protocol),
            tls: word(&settings.tls),
            tls_name: settings.tls_name.clone(),
            pin: settings.pin.clone(),
            connections_max: settings.connections_max.to_string(),
            mails_per_connection_max: settings.mails_per_connection_max.to_string(),
            allow_private: if settings.allow_private { "on".into() } else { String::new() },
            login: settings.login.clone(),
            password: String::new(),
        }
    }

    /// The settings, or what is wrong field by field. `saved` is what stands now, for what a draft leaves out; `may_private` says whether
    /// this person may name private addresses.
    pub fn settings(&self, saved: Option<&ConnectorSettings>, may_private: bool) -> Result<ConnectorSettings, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let base = saved.cloned().unwrap_or_default();
        let kind = read(&self.kind).unwrap_or(base.kind);
        let protocol = read(&self.protocol).unwrap_or(base.protocol);
        let settings = ConnectorSettings {
            name: saved.map_or_else(|| self.name.trim().to_string(), |saved| saved.name.clone()),
            kind,
            domains: if kind == ConnectorKind::Partner { self.read_domains(&mut wrong) } else { Vec::new() },
            hosts: self.read_hosts(&mut wrong),
            protocol,
            tls: read(&self.tls).unwrap_or(base.tls),
            tls_name: self.read_tls_name(&mut wrong),
            pin: self.read_pin(&mut wrong),
            connections_max: number(&self.connections_max, (base.connections_max, CONNECTIONS_MAX), "connections_max", &mut wrong),
            mails_per_connection_max: number(
                &self.mails_per_connection_max,
                (base.mails_per_connection_max, MAILS_MAX),
                "mails_per_connection_max",
                &mut wrong,
            ),
            allow_private: matches!(self.allow_private.as_str(), "on" | "true" | "1"),
            login: self.login.trim().to_string(),
            password: String::new(),
            ..base.clone()
        };
        if !is_name(&settings.name) {
            wrong.push(Wrong::new("name", "connector-wrong-name"));
        }
        // Folders are for the settings file: a page must not write anywhere on the server's disk.
        if protocol == Protocol::Folder && base.protocol != Protocol::Folder {
            wrong.push(Wrong::new("protocol", "connector-wrong-protocol"));
        }
        if settings.allow_private && !may_private && !base.allow_private {
            wrong.push(Wrong::new("allow_private", "connector-wrong-private"));
        }
        let needs_host = settings.protocol == Protocol::Lmtp || kind == ConnectorKind::Server && protocol != Protocol::Folder;
        if needs_host && settings.hosts.is_empty() && !wrong.iter().any(|wrong| wrong.field == "hosts") {
            wrong.push(Wrong::new("hosts", "connector-wrong-no-host"));
        }
        let settings = self.with_password(settings, &base, &mut wrong);
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }

    /// A password that is set goes on with the same login to the same hosts only: else whoever may change a connector could have it
    /// sent to a host of their own and read it there.
    fn with_password(&self, mut settings: ConnectorSettings, base: &ConnectorSettings, wrong: &mut Vec<Wrong>) -> ConnectorSettings {
        let is_same = settings.login == base.login && settings.hosts == base.hosts;
        settings.password = match (settings.login.is_empty(), self.password.is_empty()) {
            (true, _) => String::new(),
            (false, false) => self.password.clone(),
            (false, true) if is_same => base.password.clone(),
            (false, true) => {
                wrong.push(Wrong::new("password", "connector-wrong-password"));
                String::new()
            }
        };
        if !settings.login.is_empty() && settings.tls == TlsLevel::Off {
            wrong.push(Wrong::new("tls", "connector-wrong-login-tls"));
        }
        settings
    }

    fn read_hosts(&self, wrong: &mut Vec<Wrong>) -> Vec<String> {
        let hosts: Vec<String> = lines(&self.hosts).take(HOSTS_MAX).collect();
        if hosts.iter().any(|host| !is_host(host)) {
            wrong.push(Wrong::new("hosts", "connector-wrong-host"));
        }
        hosts
    }

    fn read_domains(&self, wrong: &mut Vec<Wrong>) -> Vec<String> {
        let read: Vec<Option<String>> = lines(&self.domains).take(DOMAINS_MAX).map(|line| mail::address::domain_to_ascii(&line)).collect();
        if read.is_empty() || read.iter().any(Option::is_none) {
            wrong.push(Wrong::new("domains", "connector-wrong-domains"));
        }
        read.into_iter().flatten().collect()
    }

    fn read_tls_name(&self, wrong: &mut Vec<Wrong>) -> String {
        let name = self.tls_name.trim().to_string();
        if !name.is_empty() && mail::address::domain_to_ascii(&name).is_none() && name.parse::<std::net::IpAddr>().is_err() {
            wrong.push(Wrong::new("tls_name", "connector-wrong-tls-name"));
        }
        name
    }

    fn read_pin(&self, wrong: &mut Vec<Wrong>) -> String {
        let pin: String = self.pin.chars().filter(|c| !c.is_whitespace() && *c != ':').map(|c| c.to_ascii_lowercase()).collect();
        if !pin.is_empty() && (pin.len() != 64 || !pin.chars().all(|c| c.is_ascii_hexdigit())) {
            wrong.push(Wrong::new("pin", "connector-wrong-pin"));
        }
        pin
    }
}

pub fn word<T: Serialize>(variant: &T) -> String {
    serde_json::to_value(variant).ok().and_then(|word| word.as_str().map(str::to_string)).unwrap_or_default()
}

pub fn read<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.into())).ok()
}

/// Lines with something on them; people also separate by commas.
pub fn lines(text: &str) -> impl Iterator<Item = String> {
    text.split(['\n', ',', ' ']).map(|line| line.trim().to_string()).filter(|line| !line.is_empty())
}

/// What stands in paths of pages, and in the queue.
pub fn is_name(name: &str) -> bool {
    let is_good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().count() <= NAME_CHARS_MAX && name.chars().all(is_good) && !matches!(name, "new" | "." | "..")
}

/// `host`, `host:port`, an address, `[v6]:port`.
pub fn is_host(written: &str) -> bool {
    if written.parse::<std::net::IpAddr>().is_ok() || written.parse::<std::net::SocketAddr>().is_ok() {
        return true;
    }
    let (host, port) = written.rsplit_once(':').map_or((written, None), |(host, port)| (host, Some(port)));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    is_port && (host.eq_ignore_ascii_case("localhost") || mail::address::domain_to_ascii(host).is_some())
}

pub fn number(text: &str, (usual, most): (usize, usize), field: &'static str, wrong: &mut Vec<Wrong>) -> usize {
    match text.trim() {
        "" => usual,
        text => match text.parse() {
            Ok(number) if (1..=most).contains(&number) => number,
            _ => {
                wrong.push(Wrong { field, say: crate::page::Say::new("connector-wrong-number").with("most", most) });
                usual
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        let text = |text: &str| text.to_string();
        Draft {
            name: text("server"),
            kind: text("server"),
            hosts: text("mx.a.example:25"),
            protocol: text("smtp"),
            tls: text("required"),
            ..Draft::default()
        }
    }

    fn wrong(change: impl FnOnce(&mut Draft), saved: Option<&ConnectorSettings>) -> Vec<&'static str> {
        let mut draft = draft();
        change(&mut draft);
        draft.settings(saved, false).err().unwrap_or_default().iter().map(|wrong| wrong.field).collect()
    }

    #[test]
    fn a_draft_says_what_is_wrong_field_by_field() {
        let check = |change: fn(&mut Draft), want: &[&str], why: &str| assert_eq!(wrong(change, None), want, "{why}");
        check(|_| {}, &[], "good");
        check(|draft| draft.name = "a/b".into(), &["name"], "a name that is no part of a path");
        check(|draft| draft.hosts = String::new(), &["hosts"], "no host");
        check(|draft| draft.hosts = "a b.example:99999".into(), &["hosts"], "no port");
        check(|draft| draft.hosts = "192.0.2.1, [2001:db8::1]:24\nlocalhost:2525".into(), &[], "every form of host");
        check(|draft| draft.kind = "partner".into(), &["domains"], "a partner without domains");
        check(|draft| (draft.kind, draft.hosts) = ("outbound".into(), String::new()), &[], "outbound by MX");
        check(|draft| draft.protocol = "folder".into(), &["protocol"], "no folder from a page");
        check(|draft| draft.allow_private = "on".into(), &["allow_private"], "not for everybody");
        check(|draft| draft.pin = "ab".into(), &["pin"], "no SHA-256");
        check(|draft| draft.pin = "AB:".repeat(32), &[], "as people copy it");
        check(|draft| draft.connections_max = "0".into(), &["connections_max"], "no connection at all");
        check(|draft| draft.login = "me".into(), &["password"], "a login without a password");
        check(|draft| (draft.login, draft.password, draft.tls) = ("me".into(), "x".into(), "off".into()), &["tls"], "in clear text");
    }

    #[test]
    fn a_password_stays_with_its_hosts() {
        let mut first = draft();
        (first.login, first.password) = ("me".into(), "secret".into());
        let saved = first.settings(None, false).expect("good");
        let again = Draft { login: "me".into(), ..draft() };
        assert_eq!(again.settings(Some(&saved), false).expect("good").password, "secret", "nothing else changed");
        assert_eq!(wrong(|draft| (draft.login, draft.hosts) = ("me".into(), "evil.example".into()), Some(&saved)), ["password"]);
        assert_eq!(draft().settings(Some(&saved), false).expect("good").password, "", "no login, no password");
        assert!(!format!("{:?}", crate::page::form::Form::of(&first).values).contains("secret"));
    }
}
