//! `link.qr`: a link that stands only in a picture.

use super::place;
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::address::organisational_domain;
use mail::message::{Link, LinkOrigin};
use mail::{AuthResults, Mail};

pub struct QrCodes;

impl Inspect for QrCodes {
    fn name(&self) -> &'static str {
        "link.qr"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let links = &mail.message.links;
        let sender = mail.message.from.address().and_then(|from| organisational_domain(from.domain()));
        let Some(code) = links.iter().find(|link| link.origin == LinkOrigin::Qr) else { return };
        let host = code.host.as_deref().unwrap_or_default();
        let domain = organisational_domain(host);
        let is_senders = sender.is_some() && domain == sender || is_own(host, surroundings);
        let is_said = links.iter().any(|link| link.origin != LinkOrigin::Qr && same_place(link, domain));
        // Tickets, invoices and cards lead to their sender, and say the address beside the code. A link that stands in a
        // picture alone is kept from filters, and opened on a telephone, where nobody sees its address.
        let (kind, weight) = match (host.is_empty(), is_senders || is_said) {
            (true, _) | (_, true) => (Kind::Note, 0.0),
            (false, false) if place::is_shortener(host) || place::free_host(host).is_some() => (Kind::Phish, 4.5),
            (false, false) => (Kind::Phish, 4.0),
        };
        findings.push(Finding::new("link.qr", kind, weight, format!("a QR code leads to {}", code.target)));
    }
}

fn same_place(link: &Link, domain: Option<&str>) -> bool {
    domain.is_some() && link.host.as_deref().and_then(organisational_domain) == domain
}
