//! `spoof.own-domain`: mail from outside that claims to come from a domain served here.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::address::organisational_domain;
use mail::auth::{CompositeResult, DmarcResult};
use mail::{AuthResults, Mail};

pub struct OwnDomain;

impl Inspect for OwnDomain {
    fn name(&self) -> &'static str {
        "spoof.own-domain"
    }

    fn inspect(&self, mail: &Mail<'_>, auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(from) = mail.message.from.address() else { return };
        if mail.peer.authenticated.is_some() || !is_own(from.domain(), surroundings) {
            return;
        }
        let proved = matches!(auth.dmarc.result, DmarcResult::Pass | DmarcResult::BestGuessPass)
            || auth.composite.result == CompositeResult::Pass
            || auth.arc.trusted;
        // What could not be asked is no proof of anything; the missing answer is already reported.
        if proved || auth.dmarc.result == DmarcResult::TempError {
            return;
        }
        // We know who may write for this domain better than any record says: spoof, past the 3 that make the class.
        let evidence = format!("From: {from}, a domain served here, but neither SPF nor DKIM confirms it");
        findings.push(Finding::new("spoof.own-domain", Kind::Spoof, 4.0, evidence));
    }
}

/// The domain or the organisational domain above it is served here.
pub fn is_own(domain: &str, surroundings: &Surroundings) -> bool {
    !surroundings.own_domains.is_empty()
        && (surroundings.own_domains.contains(domain)
            || organisational_domain(domain).is_some_and(|above| surroundings.own_domains.contains(above)))
}
