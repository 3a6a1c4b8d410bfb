//! An inbound connector as a form or a program sends it.

use super::draft::{is_name, lines, read, word};
use crate::page::fault::Wrong;
use gateway::directory::{InboundSettings, SkipMode};
use gateway::settings::{Network, Networks};
use serde::{Deserialize, Serialize};

const ENTRIES_MAX: usize = 500;
/// A network may hold so many bits of hosts: nobody relays for half the Internet.
const V4_PREFIX_MIN: u8 = 8;
const V6_PREFIX_MIN: u8 = 24;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InboundDraft {
    pub name: String,
    pub addresses: String,
    pub certificates: String,
    pub relay: String,
    pub require_tls: String,
    pub domains: String,
    pub only_from: String,
    pub skip: String,
    pub skip_addresses: String,
}

impl InboundDraft {
    pub fn of(settings: &InboundSettings) -> InboundDraft {
        let networks = |networks: &Networks| networks.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let tick = |is_on: bool| if is_on { "on".to_string() } else { String::new() };
        InboundDraft {
            name: settings.name.clone(),
            addresses: networks(&settings.addresses),
            certificates: settings.certificates.join("\n"),
            relay: tick(settings.relay),
            require_tls: tick(settings.require_tls),
            domains: settings.domains.join("\n"),
            only_from: tick(settings.only_from),
            skip: word(&settings.skip),
            skip_addresses: networks(&settings.skip_addresses),
        }
    }

    /// The settings, or what is wrong. Addresses that may send out must be public, unless this person may name private ones.
    pub fn settings(&self, saved: Option<&InboundSettings>, may_private: bool) -> Result<InboundSettings, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let is_on = |text: &str| matches!(text, "on" | "true" | "1");
        let settings = InboundSettings {
            name: saved.map_or_else(|| self.name.trim().to_string(), |saved| saved.name.clone()),
            organisation: saved.map(|saved| saved.organisation.clone()).unwrap_or_default(),
            addresses: networks(&self.addresses, "addresses", &mut wrong),
            certificates: lines(&self.certificates).take(ENTRIES_MAX).collect(),
            relay: is_on(&self.relay),
            require_tls: is_on(&self.require_tls),
            domains: lines(&self.domains).take(ENTRIES_MAX).collect(),
            only_from: is_on(&self.only_from),
            skip: read(&self.skip).unwrap_or(SkipMode::Off),
            skip_addresses: networks(&self.skip_addresses, "skip_addresses", &mut wrong),
        };
        if !is_name(&settings.name) {
            wrong.push(Wrong::new("name", "connector-wrong-name"));
        }
        let is_certificate = |name: &String| mail::address::domain_to_ascii(name.trim_start_matches('.')).is_some_and(|name| name.contains('.'));
        if !settings.certificates.iter().all(is_certificate) {
            wrong.push(Wrong::new("certificates", "inbound-wrong-certificate"));
        }
        if !settings.domains.iter().all(|domain| mail::address::domain_to_ascii(domain).is_some()) {
            wrong.push(Wrong::new("domains", "connector-wrong-domains"));
        }
        if settings.addresses.is_empty() && settings.certificates.is_empty() {
            wrong.push(Wrong::new("addresses", "inbound-wrong-nobody"));
        }
        if settings.only_from && settings.domains.is_empty() {
            wrong.push(Wrong::new("domains", "inbound-wrong-no-domains"));
        }
        if settings.relay && settings.addresses.0.iter().any(|network| !is_narrow(network)) {
            wrong.push(Wrong::new("addresses", "inbound-wrong-wide"));
        }
        // Who could name the addresses of others as their own servers would send out in their place, and pass for a gateway.
        let is_private = |network: &Network| network_base(network).is_some_and(|ip| !gateway::delivery::is_public(ip));
        if !may_private && settings.addresses.0.iter().any(is_private) {
            wrong.push(Wrong::new("addresses", "connector-wrong-private"));
        }
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }
}

fn networks(text: &str, field: &'static str, wrong: &mut Vec<Wrong>) -> Networks {
    let read: Vec<Option<Network>> = lines(text).take(ENTRIES_MAX).map(|line| line.parse().ok()).collect();
    if read.iter().any(Option::is_none) {
        wrong.push(Wrong::new(field, "inbound-wrong-address"));
    }
    Networks(read.into_iter().flatten().collect())
}

fn network_base(network: &Network) -> Option<std::net::IpAddr> {
    network.to_string().split('/').next()?.parse().ok()
}

fn is_narrow(network: &Network) -> bool {
    let text = network.to_string();
    let prefix: u8 = text.split_once('/').and_then(|(_, prefix)| prefix.parse().ok()).unwrap_or(128);
    prefix >= if text.contains(':') { V6_PREFIX_MIN } else { V4_PREFIX_MIN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_says_what_is_wrong_field_by_field() {
        let good = InboundDraft { name: "front".into(), addresses: "8.8.8.0/24".into(), ..InboundDraft::default() };
        let check = |change: fn(&mut InboundDraft), want: &[&str], why: &str| {
            let mut draft = good.clone();
            change(&mut draft);
            let wrong: Vec<&str> = draft.settings(None, false).err().unwrap_or_default().iter().map(|wrong| wrong.field).collect();
            assert_eq!(wrong, want, "{why}");
        };
        check(|_| {}, &[], "good");
        check(|draft| draft.addresses = String::new(), &["addresses"], "nobody");
        check(|draft| (draft.addresses, draft.certificates) = (String::new(), ".relay.example".into()), &[], "by certificate");
        check(|draft| draft.certificates = "*".into(), &["certificates"], "everybody");
        check(|draft| draft.addresses = "8.8.8.300".into(), &["addresses", "addresses"], "no address, so nobody");
        check(|draft| (draft.relay, draft.addresses) = ("on".into(), "0.0.0.0/0".into()), &["addresses", "addresses"], "an open relay");
        check(|draft| draft.addresses = "10.0.0.1".into(), &["addresses"], "private");
        check(|draft| draft.only_from = "on".into(), &["domains"], "of which domain?");
    }
}
