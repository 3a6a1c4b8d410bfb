//! Takes out of text what must not leave the installation: secrets always, addresses unless they are allowed.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

/// Stands where a secret stood.
const HIDDEN: &str = "(hidden)";
/// Shorter values are no secrets worth searching text for: they would be found everywhere.
const SECRET_OCTETS_MIN: usize = 3;
/// What stands before `=` and an address in a log; anything else before `=` is part of the address (VERP, BATV).
const LOG_KEYS: [&str; 10] = ["address", "from", "login", "mail", "name", "peer", "person", "recipient", "sender", "to"];

/// A key whose value nobody else may see.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.trim().to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "hash", "credential", "private"].iter().any(|word| key.contains(word))
        && key != "hashes"
        && key != "private_providers"
        && key != "private_targets"
        && key != "allow_private"
}

/// Secrets of one settings file, found also when it is not TOML.
#[derive(Debug, Clone, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// From every line that sets a key whose name says so, and from addresses with a password in them.
    pub fn of(text: &str) -> Secrets {
        let mut found = Vec::new();
        if let Ok(table) = text.parse::<toml::Table>() {
            collect(&toml::Value::Table(table), false, &mut found);
        }
        for line in text.lines() {
            if let Some((_, value)) = line.split_once('=').filter(|(key, _)| is_secret_key(key)) {
                found.push(value.trim().trim_matches(['"', '\'', ' ', ',', '}']).to_string());
            }
            found.extend(passwords(line));
        }
        found.retain(|secret| secret.len() >= SECRET_OCTETS_MIN);
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.dedup();
        Secrets(found)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without them.
    pub fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_string(), |text, secret| text.replace(secret.as_str(), HIDDEN))
    }
}

fn collect(value: &toml::Value, is_secret: bool, found: &mut Vec<String>) {
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, value)| collect(value, is_secret || is_secret_key(key), found)),
        toml::Value::Array(list) => list.iter().for_each(|value| collect(value, is_secret, found)),
        toml::Value::String(text) if is_secret => found.push(text.clone()),
        _ => {}
    }
}

/// Passwords in `scheme://user:password@host`.
fn passwords(text: &str) -> Vec<String> {
    let rests = text.split("://").skip(1);
    let found = rests.filter_map(|rest| {
        let end = rest.find(['/', ' ', '"', '?', '\'']).unwrap_or(rest.len());
        let (who, _) = rest[..end].rsplit_once('@')?;
        who.split_once(':').map(|(_, password)| password.to_string())
    });
    found.collect()
}

/// Hides secrets and hashes addresses. The hash has a key that is made anew for each and kept nowhere: the same address has the
/// same hash in one bundle, and cannot be guessed from it.
pub struct Redactor {
    secrets: Secrets,
    key: RandomState,
    shows_addresses: bool,
}

impl Redactor {
    pub fn new(secrets: Secrets, shows_addresses: bool) -> Redactor {
        Redactor { secrets, key: RandomState::new(), shows_addresses }
    }

    pub fn text(&self, text: &str) -> String {
        let text = self.secrets.hide(text);
        let text = passwords(&text)
            .iter()
            .filter(|password| !password.is_empty())
            .fold(text.clone(), |text, password| text.replace(&format!(":{password}@"), &format!(":{HIDDEN}@")));
        match self.shows_addresses {
            true => text,
            false => self.without_addresses(&text),
        }
    }

    /// Settings: values of secret keys go whole, all other texts are read through.
    pub fn settings(&self, value: &mut toml::Value) {
        match value {
            toml::Value::Table(table) => {
                let whole = std::mem::take(table);
                for (key, mut value) in whole {
                    match (is_secret_key(&key), &value) {
                        (true, toml::Value::String(text)) if !text.is_empty() => value = toml::Value::String(HIDDEN.into()),
                        _ => self.settings(&mut value),
                    }
                    table.insert(self.text(&key), value);
                }
            }
            toml::Value::Array(list) => list.iter_mut().for_each(|value| self.settings(value)),
            toml::Value::String(text) => *text = self.text(text),
            _ => {}
        }
    }

    /// Mail addresses and addresses of the network, those of this machine itself aside.
    fn without_addresses(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut word = String::new();
        for c in text.chars() {
            if is_part(c) {
                word.push(c);
            } else {
                out.push_str(&self.word(&word));
                word.clear();
                out.push(c);
            }
        }
        out.push_str(&self.word(&word));
        out
    }

    fn word(&self, word: &str) -> String {
        if let Some((key, rest)) = word.split_once('=').filter(|(key, _)| !word.contains('@') || LOG_KEYS.contains(key)) {
            return format!("{key}={}", self.word(rest));
        }
        let hashed = |kind: &str, what: &str| word.replace(what, &format!("{kind}-{}", self.hash(&what.to_lowercase())));
        let bare = word.trim_matches(['.', ':', '\'']);
        if bare.contains('@') && !bare.starts_with('@') && !bare.ends_with('@') {
            return hashed("address", bare);
        }
        let whole = word.trim_matches(['.', '\'']);
        let host = bare.rsplit_once(':').map_or(bare, |(host, _)| host);
        let mut forms = [whole, bare, host].into_iter().filter_map(|form| Some((form, form.parse::<IpAddr>().ok()?)));
        match forms.next() {
            Some((form, ip)) if !ip.is_loopback() && !ip.is_unspecified() => hashed("ip", form),
            _ => word.to_string(),
        }
    }

    fn hash(&self, text: &str) -> String {
        let mut hasher = self.key.build_hasher();
        hasher.write(text.as_bytes());
        format!("{:012x}", hasher.finish() >> 16)
    }
}

/// What an address is made of (RFC 5322 §3.2.3 atoms, dots, UTF-8 of RFC 6531, colons of IPv6).
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || "@.:=!#$%&'*+-^_`{|}~".contains(c)
}
