//! `impersonation.rented-sender`: From names a machine, a throw-away name or a name drawn by lot in place of somebody's domain.

use super::sender;
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use crate::link::place::{self, FreeHost};
use mail::{AuthResults, Mail};

pub struct SenderPlace;

impl Inspect for SenderPlace {
    fn name(&self) -> &'static str {
        "impersonation.sender-place"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(from) = sender::speaker(mail.message, surroundings) else { return };
        let domain = from.domain.as_ref();
        if is_own(domain, surroundings) || sender::is_talk(mail.message) {
            return;
        }
        let (what, weight) = match place::free_host(domain) {
            _ if place::is_rented(domain) => ("a rented machine", 1.5),
            Some(FreeHost::Tunnel) => ("a throw-away name", 1.2),
            // Small firms forget to give theirs.
            _ if domain.ends_with(".onmicrosoft.com") => ("a tenant that has no domain yet", 0.8),
            _ if place::is_random(domain) => ("a name drawn by lot", 0.8),
            _ => return,
        };
        findings.push(Finding::new("impersonation.rented-sender", Kind::Spam, weight, format!("{} writes from {what}", from.address)));
    }
}
