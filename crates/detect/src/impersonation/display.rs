//! `impersonation.display-address`, `impersonation.display-domain`: a display name with an address or domain that is not
//! the sender's. Most programs show only the display name.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use crate::link::shown_domain;
use mail::address::{domain_to_ascii, organisational_domain};
use mail::{AuthResults, Mail};

pub struct DisplayName;

impl Inspect for DisplayName {
    fn name(&self) -> &'static str {
        "impersonation.display-name"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(from) = mail.message.from.address() else { return };
        let display = mail.message.from.display();
        if !display.contains('.') {
            return;
        }
        // Lists that rewrite From put the writer's address there, and say so.
        let rewritten = mail.message.first("List-Id").is_some() || mail.message.first("List-Post").is_some();
        for word in display.split(char::is_whitespace) {
            let (is_address, domain) = match word.rsplit_once('@') {
                Some((local, domain)) => (!local.is_empty(), domain),
                None => (false, word),
            };
            let Some(shown) = shown_domain(domain).and_then(domain_to_ascii) else { continue };
            let Some(above) = organisational_domain(&shown) else { continue };
            if organisational_domain(from.domain()) == Some(above) {
                continue;
            }
            let evidence = format!("“{display}” writes from {from}");
            findings.push(match (is_address, rewritten) {
                (_, true) => Finding::new("impersonation.display-address", Kind::Note, 0.0, evidence),
                // The reader takes it for the sender's address; services that send for people do it in the open.
                (true, false) => Finding::new("impersonation.display-address", Kind::Phish, 1.3, evidence),
                // Shops of a group and services call themselves by a domain of another name.
                (false, false) => Finding::new("impersonation.display-domain", Kind::Phish, 0.8, evidence),
            });
            return;
        }
    }
}
