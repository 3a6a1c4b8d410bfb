//! Inbound connectors: who hands us mail for an organisation in a way it has said something about.

use crate::settings::Networks;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// `[[inbound]]`: servers that hand mail to us: the organisation's own, a partner's, or a gateway in front of us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InboundSettings {
    /// Name, unique in the organisation.
    pub name: String,
    /// Organisation it belongs to.
    pub organisation: String,
    /// Addresses or networks the servers connect from.
    pub addresses: Networks,
    /// Names in client certificates that count like an address; ".example.com" stands for every name below.
    pub certificates: Vec<String>,
    /// These servers may send out for the organisation without a login. Default false.
    pub relay: bool,
    /// Mail from these servers, and mail that claims one of `domains`, comes over TLS or not at all. Default false.
    pub require_tls: bool,
    /// Domains of senders this connector is about.
    pub domains: Vec<String>,
    /// Mail that claims one of `domains` comes from these servers or not at all. Default false.
    pub only_from: bool,
    /// A gateway in front of us: "off", "last" (look past the server that connects) or "listed" (past every address in `skip_addresses`).
    /// SPF, lists and receipt then use the address where the mail came from. Default "off".
    pub skip: SkipMode,
    /// With skip "listed": the addresses of the gateways in front, besides `addresses`.
    pub skip_addresses: Networks,
}

impl Default for InboundSettings {
    fn default() -> InboundSettings {
        InboundSettings {
            name: String::new(),
            organisation: String::new(),
            addresses: Networks::default(),
            certificates: Vec::new(),
            relay: false,
            require_tls: false,
            domains: Vec::new(),
            only_from: false,
            skip: SkipMode::Off,
            skip_addresses: Networks::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SkipMode {
    Off,
    Last,
    Listed,
}

impl InboundSettings {
    /// The peer is one of these servers, by its address or by a name in its verified certificate.
    pub fn is_from(&self, ip: IpAddr, certificate_names: &[String]) -> bool {
        self.addresses.contains(ip) || certificate_names.iter().any(|name| self.certificates.iter().any(|wanted| covers(wanted, name)))
    }

    /// The connector is about mail that claims this sender domain.
    pub fn is_about(&self, domain: &str) -> bool {
        self.domains.iter().any(|about| mail::address::domain_to_ascii(about).is_some_and(|about| about.eq_ignore_ascii_case(domain)))
    }
}

/// ".example.com" covers every name below example.com, anything else itself.
fn covers(wanted: &str, name: &str) -> bool {
    let (wanted, name) = (wanted.to_ascii_lowercase(), name.to_ascii_lowercase());
    if wanted.starts_with('.') { name.ends_with(&wanted) && name.len() > wanted.len() } else { name == wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_known_by_address_or_certificate() {
        let settings = InboundSettings {
            addresses: Networks(vec!["192.0.2.0/28".parse().expect("a network")]),
            certificates: vec!["mx.partner.example".into(), ".relay.example".into()],
            ..InboundSettings::default()
        };
        for (ip, names, want, why) in [
            ("192.0.2.7", vec![], true, "in the network"),
            ("192.0.2.17", vec![], false, "beside it"),
            ("198.51.100.1", vec!["MX.partner.example"], true, "the name, in any case"),
            ("198.51.100.1", vec!["evil.mx.partner.example"], false, "a longer name is another"),
            ("198.51.100.1", vec!["a.relay.example"], true, "below"),
            ("198.51.100.1", vec!["relay.example"], false, "not below"),
            ("198.51.100.1", vec!["evilrelay.example"], false, "a suffix is no parent"),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_string).collect();
            assert_eq!(settings.is_from(ip.parse().expect("an address"), &names), want, "{why}");
        }
    }
}
