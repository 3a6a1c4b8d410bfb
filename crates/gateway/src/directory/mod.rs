//! Organisations, their domains, recipients, connectors, policies and lists: one snapshot in memory, the truth in the database.
//!
//! In: rows written by settings files, pages and the command line. Out: an `Arc<Directory>` that the mail path reads
//! without a lock. Invariant: a snapshot is complete and never changes; [`Watch`] swaps in a new one when the version
//! in the database moves, so a command beside a running server takes effect within [`watch::POLL`].
//! Not here: what a policy decides (`policy`), what a connector does (`delivery`).

mod connector;
mod entry;
pub mod group;
mod inbound;
mod load;
pub mod settings;
pub mod sql;

pub mod watch;

#[cfg(test)]
mod tests;
pub use connector::{ConnectorKind, ConnectorSettings, Protocol, TlsLevel};
pub use entry::{Effect, Entries, Entry, EntryKind, Subject};
pub use group::{Groups, Membership};
pub use inbound::{InboundSettings, SkipMode};
pub use load::load;
pub use settings::{DirectorySettings, DomainSettings, MtaStsMode, OrganisationSettings, RecipientCheck, RecipientSettings};
pub use watch::Watch;

use crate::dkim::DomainKey;
use crate::policy::PolicySettings;
use mail::OrgId;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Everything the mail path knows about whom it serves.
#[derive(Debug, Default)]
pub struct Directory {
    pub version: i64,
    pub organisations: HashMap<OrgId, Organisation>,
    /// By lower-case A-label name.
    pub domains: HashMap<String, Domain>,
    /// Known recipients by `Address::key()`.
    pub recipients: HashMap<String, KnownRecipient>,
    /// Groups of recipients, resolved.
    pub groups: HashMap<OrgId, Groups>,
    pub connectors: HashMap<String, Arc<ConnectorSettings>>,
    /// Connectors to partners per organisation: their domain, and the connector's name.
    pub partners: HashMap<OrgId, Vec<(String, String)>>,
    /// The connector of kind "outbound" per organisation, the first by name.
    pub outbound: HashMap<OrgId, String>,
    pub inbound: HashMap<OrgId, Vec<Arc<InboundSettings>>>,
    /// DKIM keys that sign, by domain.
    pub keys: HashMap<String, Vec<Arc<DomainKey>>>,
    /// Custom policies per organisation, by priority (0 first).
    pub policies: HashMap<OrgId, Vec<Arc<PolicySettings>>>,
    pub entries: HashMap<OrgId, Entries>,
    /// Mail flow rules per organisation, compiled, in their order.
    pub rules: HashMap<OrgId, crate::rules::OrgRules>,
    pub surroundings: Arc<detect::inspect::Surroundings>,
    pub own_domains: Arc<HashSet<String>>,
}

#[derive(Debug, Clone)]
pub struct Organisation {
    pub id: OrgId,
    pub name: String,
    pub settings: OrganisationSettings,
}

#[derive(Debug, Clone)]
pub struct Domain {
    pub name: String,
    pub org: OrgId,
    pub settings: DomainSettings,
}

#[derive(Debug, Clone)]
pub struct KnownRecipient {
    pub org: OrgId,
    /// Display name to protect from impersonation; may be empty.
    pub name: String,
    /// First address of the account that this is another address of; "" stands for itself.
    pub main: String,
}

/// What the directory says about one RCPT address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Served here, and the recipient exists or the domain takes any.
    Ours(&'a str, OrgId),
    /// Served here, but only the next hop knows whether the recipient exists.
    AskNextHop(&'a str, OrgId),
    /// Served here, and there is no such recipient (directory edge blocking).
    Unknown(OrgId),
    /// Not a domain of ours.
    Foreign,
}

impl Directory {
    pub fn organisation(&self, id: OrgId) -> Option<&Organisation> {
        self.organisations.get(&id)
    }

    pub fn organisation_named(&self, name: &str) -> Option<&Organisation> {
        self.organisations.values().find(|organisation| organisation.name == name)
    }

    pub fn domain_of(&self, address: &mail::Address) -> Option<&Domain> {
        self.domain_named(address.domain())
    }

    /// The domain with this name, or the one above it that takes mail for its sub-domains.
    pub fn domain_named(&self, name: &str) -> Option<&Domain> {
        let above =
            std::iter::successors(name.split_once('.').map(|(_, above)| above), |name| name.split_once('.').map(|(_, above)| above));
        let takes_all = |name: &str| self.domains.get(name).filter(|domain| domain.settings.subdomains);
        self.domains.get(name).or_else(|| above.take(LABELS_MAX).find_map(takes_all))
    }

    /// Inbound connectors of an organisation that this peer belongs to.
    pub fn inbound_from<'a>(&'a self, org: OrgId, peer: &'a mail::Peer) -> impl Iterator<Item = &'a Arc<InboundSettings>> {
        self.inbound.get(&org).into_iter().flatten().filter(move |inbound| inbound.is_from(peer.ip, client_names(peer)))
    }

    pub fn standing(&self, address: &mail::Address) -> Standing<'_> {
        let Some(domain) = self.domain_of(address) else { return Standing::Foreign };
        // RFC 5321 §4.5.1: postmaster of a domain we serve is always taken.
        if address.local().eq_ignore_ascii_case("postmaster") {
            return Standing::Ours(&domain.name, domain.org);
        }
        match domain.settings.recipients {
            RecipientCheck::Any => Standing::Ours(&domain.name, domain.org),
            RecipientCheck::CallOut => Standing::AskNextHop(&domain.name, domain.org),
            RecipientCheck::Listed => match self.recipients.get(&address.key()) {
                Some(_) => Standing::Ours(&domain.name, domain.org),
                None => Standing::Unknown(domain.org),
            },
        }
    }

    /// The organisation that lets this peer send out: by login name, or by an address in `relay_from`.
    pub fn relays_for(&self, ip: IpAddr, login: Option<&str>) -> Option<&Organisation> {
        if let Some(login) = login {
            let domain = login.rsplit_once('@').map(|(_, domain)| domain)?;
            return self.domain_named(domain).and_then(|domain| self.organisations.get(&domain.org));
        }
        self.organisations.values().find(|organisation| organisation.settings.relay_from.contains(ip))
    }

    /// The same for a peer of an inbound connector that may send out.
    pub fn relays_for_peer(&self, peer: &mail::Peer) -> Option<&Organisation> {
        let server = peer.via.unwrap_or(peer.ip); // whom a server forwards for gains nothing by it
        self.relays_for(server, peer.authenticated.as_deref()).or_else(|| {
            if peer.authenticated.is_some() {
                return None; // a login of nobody here does not fall back to the network
            }
            let is_relay = |inbound: &Arc<InboundSettings>| inbound.relay && inbound.is_from(server, client_names(peer));
            self.organisations.get(self.inbound.iter().find(|(_, inbounds)| inbounds.iter().any(is_relay))?.0)
        })
    }

    /// Connector for mail that an organisation sends out to this domain: a partner's, else the organisation's, else its connector of
    /// kind "outbound", else MX ("").
    pub fn outbound_route(&self, org: OrgId, domain: &str) -> &str {
        let partner = self.partners.get(&org).into_iter().flatten().find(|(of, _)| of == domain).map(|(_, connector)| connector.as_str());
        let named = self.organisations.get(&org).map(|org| org.settings.outbound_connector.as_str()).filter(|name| !name.is_empty());
        partner.or(named).or(self.outbound.get(&org).map(String::as_str)).unwrap_or_default()
    }

    /// The connector is there, and of this organisation.
    pub fn has_connector(&self, org: OrgId, name: &str) -> bool {
        let own = self.organisation(org).map(|org| org.name.as_str()).unwrap_or_default();
        let is_own = |of: &str| of == own || of.is_empty() && self.organisations.len() == 1;
        self.connectors.get(name).is_some_and(|connector| is_own(&connector.organisation))
    }

    /// Connector for mail to a recipient of this domain: the domain's own, else the organisation's, else MX ("").
    pub fn inbound_route(&self, domain: &str) -> &str {
        match self.domain_named(domain) {
            Some(found) if !found.settings.connector.is_empty() => &found.settings.connector,
            Some(found) => self.organisations.get(&found.org).map(|org| org.settings.connector.as_str()).unwrap_or_default(),
            None => "",
        }
    }
}

/// Names of the peer's verified certificate.
fn client_names(peer: &mail::Peer) -> &[String] {
    peer.tls.as_ref().map(|tls| tls.client_names.as_slice()).unwrap_or_default()
}

/// Labels of a name that are tried upwards.
const LABELS_MAX: usize = 10;
