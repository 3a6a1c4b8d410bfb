//! Allow and block entries: with a scope, and an end.

use crate::settings::Network;
use mail::{Address, Mail};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    Allow,
    Block,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A sender address, in the envelope or in From.
    Address,
    /// A sender domain, with its subdomains.
    Domain,
    /// An address or network that connects.
    Ip,
    /// A host that a link names, with its subdomains. Blocks only.
    Host,
    /// An attachment by its SHA-256, in hex. Blocks only.
    Hash,
}

impl EntryKind {
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Address => "address",
            EntryKind::Domain => "domain",
            EntryKind::Ip => "ip",
            EntryKind::Host => "host",
            EntryKind::Hash => "hash",
        }
    }

    pub const ALL: [EntryKind; 5] = [EntryKind::Address, EntryKind::Domain, EntryKind::Ip, EntryKind::Host, EntryKind::Hash];

    /// Whether an allow entry of this kind can let a mail pass. What a mail holds is chosen by whoever writes it: a link to a host, or a
    /// file, that was once found harmless says nothing about the rest.
    pub fn can_allow(self) -> bool {
        matches!(self, EntryKind::Address | EntryKind::Domain | EntryKind::Ip)
    }

    pub fn named(name: &str) -> Option<EntryKind> {
        EntryKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Effect {
    pub fn name(self) -> &'static str {
        match self {
            Effect::Allow => "allow",
            Effect::Block => "block",
        }
    }

    pub fn named(name: &str) -> Option<Effect> {
        [Effect::Allow, Effect::Block].into_iter().find(|effect| effect.name() == name)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: i64,
    pub effect: Effect,
    pub kind: EntryKind,
    pub value: String,
    /// Recipient key it holds for; empty: the whole organisation.
    pub scope: String,
    pub expires_ms: Option<i64>,
    pub note: String,
}

impl Entry {
    fn holds(&self, recipient: &str, now_ms: i64) -> bool {
        (self.scope.is_empty() || self.scope == recipient) && self.expires_ms.is_none_or(|end| now_ms < end)
    }
}

/// The entries of one organisation, ready for look-ups.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    addresses: HashMap<String, Vec<Entry>>,
    domains: HashMap<String, Vec<Entry>>,
    networks: Vec<(Network, Entry)>,
    hosts: HashMap<String, Vec<Entry>>,
    hashes: HashMap<String, Vec<Entry>>,
}

/// What of one mail the entries are compared with; made once per mail.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    ip: Option<std::net::IpAddr>,
    /// Keys of the envelope sender and of From, each with whether allowing it is safe: it was authenticated.
    senders: Vec<(String, String, bool)>,
    hosts: Vec<String>,
    /// SHA-256 of each attachment.
    hashes: Vec<[u8; 32]>,
}

/// Labels of a host that are tried upwards, so that a name of 120 labels costs no more than one of 10.
const LABELS_MAX: usize = 10;

impl Subject {
    /// `authenticated` says that From was authenticated (DMARC or aligned DKIM/SPF): an allow entry for a sender
    /// that anybody could write into a header must not open the gate.
    pub fn new(mail: Mail<'_>, authenticated: bool, spf_pass: bool) -> Subject {
        let mut senders = Vec::with_capacity(2);
        let mut add = |address: &Address, safe: bool| senders.push((address.key(), address.domain().to_string(), safe));
        if let Some(from) = mail.message.from.address() {
            add(from, authenticated);
        }
        if let Some(sender) = &mail.envelope.sender {
            add(sender, spf_pass);
        }
        let mut hosts: Vec<String> = mail.message.links.iter().filter_map(|link| link.host.clone()).collect();
        hosts.sort_unstable();
        hosts.dedup();
        let hashes = mail.message.attachments.iter().filter(|one| !one.content.is_empty()).map(|one| one.sha256).collect();
        Subject { ip: Some(mail.peer.ip), senders, hosts, hashes }
    }

    /// As far as a receipt tells: links and files are not in it. Each sender comes with whether it was authenticated.
    pub fn of_receipt(ip: std::net::IpAddr, senders: &[(Address, bool)]) -> Subject {
        let senders = senders.iter().map(|(address, safe)| (address.key(), address.domain().to_string(), *safe)).collect();
        Subject { ip: Some(ip), senders, ..Subject::default() }
    }

    #[cfg(test)]
    pub fn of_senders(ip: std::net::IpAddr, senders: &[(&str, bool)]) -> Subject {
        let domain = |key: &str| key.rsplit('@').next().unwrap_or_default().to_string();
        let senders = senders.iter().map(|(key, safe)| (key.to_string(), domain(key), *safe)).collect();
        Subject { ip: Some(ip), senders, ..Subject::default() }
    }

    #[cfg(test)]
    pub fn of_content(hosts: &[&str], hashes: &[[u8; 32]]) -> Subject {
        Subject { hosts: hosts.iter().map(|one| one.to_string()).collect(), hashes: hashes.to_vec(), ..Subject::default() }
    }

    /// Only the sender, for mail that came earlier: what a block entry of today says about it.
    pub fn of_sender(sender: &Address) -> Subject {
        Subject { senders: vec![(sender.key(), sender.domain().to_string(), false)], ..Subject::default() }
    }

    /// Only the address that connects, before there is a mail.
    pub fn connection(ip: std::net::IpAddr) -> Subject {
        Subject { ip: Some(ip), ..Subject::default() }
    }
}

impl Entries {
    pub fn add(&mut self, entry: Entry) {
        let value = entry.value.to_lowercase();
        match entry.kind {
            EntryKind::Address => self.addresses.entry(value).or_default().push(entry),
            EntryKind::Domain => self.domains.entry(value).or_default().push(entry),
            EntryKind::Host => self.hosts.entry(value).or_default().push(entry),
            EntryKind::Hash => self.hashes.entry(value).or_default().push(entry),
            EntryKind::Ip => {
                if let Ok(network) = value.parse() {
                    self.networks.push((network, entry));
                }
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.domains.is_empty() && self.networks.is_empty() && self.hosts.is_empty() && self.hashes.is_empty()
    }

    /// Every entry that speaks about this mail to this recipient (`Address::key()`), and whether it may take effect.
    /// An allow entry for a sender that was not authenticated is listed with `false`: the receipt says why it lost.
    pub fn matching<'a>(&'a self, subject: &Subject, recipient: &str, now_ms: i64) -> Vec<(&'a Entry, bool)> {
        let mut found: Vec<(&Entry, bool)> = Vec::new();
        if self.is_empty() {
            return found;
        }
        let mut take = |entries: Option<&'a Vec<Entry>>, safe: bool| {
            for entry in entries.into_iter().flatten().filter(|entry| entry.holds(recipient, now_ms)) {
                // One that speaks about both the envelope and From is one entry still.
                match found.iter_mut().find(|(there, _)| std::ptr::eq(*there, entry)) {
                    Some((_, may)) => *may |= safe,
                    None => found.push((entry, safe || entry.effect == Effect::Block)),
                }
            }
        };
        for (key, domain, safe) in &subject.senders {
            take(self.addresses.get(key), *safe);
            for parent in parents(domain) {
                take(self.domains.get(parent), *safe);
            }
        }
        for host in &subject.hosts {
            for parent in parents(host) {
                take(self.hosts.get(parent), false);
            }
        }
        if !self.hashes.is_empty() {
            subject.hashes.iter().for_each(|hash| take(self.hashes.get(&hex(hash)), false));
        }
        if let Some(ip) = subject.ip {
            let networks = self.networks.iter().filter(|(network, entry)| network.contains(ip) && entry.holds(recipient, now_ms));
            found.extend(networks.map(|(_, entry)| (entry, true)));
        }
        found
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// "a.b.c" gives "a.b.c", "b.c", "c".
fn parents(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent)).take(LABELS_MAX)
}
