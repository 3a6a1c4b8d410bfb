//! `impersonation.correspondent`, and links likewise: a domain that is nearly one with which the organisation writes.
//!
//! In: the domains its people wrote to, as the gateway remembers them. Out: findings for the sender and for the links of a mail.
//! Invariant: what one organisation writes with is told to no other.

use super::look_alike::{LookAlike, NameIndex};
use super::sender;
use crate::acquaintance::Familiarity;
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::inspect::Surroundings;
use mail::address::organisational_domain;
use mail::message::LinkOrigin;
use mail::{Mail, Message};

/// Domains kept of one organisation: each is compared with every host of every mail.
pub const CORRESPONDENTS_MAX: usize = 1_000;
/// Links of one mail that are compared.
const LINKS_MAX: usize = 64;

/// The domains with which an organisation writes.
#[derive(Debug)]
pub struct Correspondents(NameIndex);

impl Correspondents {
    /// Of lower-case A-labels, the first [`CORRESPONDENTS_MAX`].
    pub fn of<'a>(domains: impl Iterator<Item = &'a String>) -> Correspondents {
        Correspondents(NameIndex::of(domains.take(CORRESPONDENTS_MAX)))
    }

    fn imitated(&self, host: &str, surroundings: &Surroundings) -> Option<LookAlike<'_>> {
        if is_own(host, surroundings) { None } else { self.0.imitated(organisational_domain(host)?) }
    }

    /// Adds what imitates a correspondent. A sender whose domain wrote here before is a neighbour of that name, no imitation.
    pub(crate) fn inspect(&self, mail: &Mail<'_>, surroundings: &Surroundings, domain: Familiarity, findings: &mut Vec<Finding>) {
        let from = sender::shown(mail.message).filter(|_| !matches!(domain, Familiarity::Seen { mails: 1.., .. }));
        if let Some((from, found)) = from.and_then(|from| Some((from.domain.to_string(), self.imitated(&from.domain, surroundings)?))) {
            // Somebody took care to know with whom we write.
            let weight = if found.same_looks { 5.0 } else { 3.0 };
            let evidence = format!("{from} looks like {}, with whom this organisation writes", found.own);
            findings.push(Finding::new("impersonation.correspondent", Kind::Impersonation, weight, evidence));
        }
        if !findings.iter().any(|finding| finding.check == "link.look-alike") {
            findings.extend(self.in_links(mail.message, surroundings));
        }
    }

    fn in_links(&self, message: &Message, surroundings: &Surroundings) -> Option<Finding> {
        let clicks = message.links.iter().filter(|link| link.origin != LinkOrigin::Image).take(LINKS_MAX);
        let mut hosts = clicks.filter_map(|link| link.host.as_deref());
        let (host, found) = hosts.find_map(|host| Some((host, self.imitated(host, surroundings)?)))?;
        let weight = if found.same_looks { 5.0 } else { 4.0 };
        let evidence = format!("{host} looks like {}, with whom this organisation writes", found.own);
        Some(Finding::new("link.look-alike", Kind::Phish, weight, evidence))
    }
}
