//! `link.text-mismatch`: the text names one domain, the link leads to another.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use crate::link::shown_domain;
use mail::address::{domain_to_ascii, organisational_domain};
use mail::message::{Link, LinkOrigin};
use mail::{AuthResults, Mail};

/// One example is enough for a person; more say nothing new.
const REPORTED_MAX: usize = 3;

pub struct TextMismatch;

impl Inspect for TextMismatch {
    fn name(&self) -> &'static str {
        "link.text-mismatch"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let sender = mail.message.from.address().and_then(|from| organisational_domain(from.domain()));
        let mut reported = 0;
        for link in &mail.message.links {
            let Some((shown, host)) = mismatch(link) else { continue };
            let evidence = format!("“{}” leads to {host}", link.text.trim());
            // Newsletters count clicks on another domain, and show the sender's own or their customer's name. One
            // finding weighs; the others are examples.
            let tracked =
                sender.is_some_and(|sender| organisational_domain(&shown) == Some(sender) || organisational_domain(host) == Some(sender));
            // A name shown for a computer without one is nobody's click counter.
            let is_number = host.parse::<std::net::IpAddr>().is_ok();
            let (kind, weight) = match (is_number, tracked || reported > 0) {
                (_, true) => (Kind::Note, 0.0),
                (true, false) => (Kind::Phish, 2.5),
                (false, false) => (Kind::Phish, 0.8),
            };
            if tracked && reported > 0 {
                continue;
            }
            findings.push(Finding::new("link.text-mismatch", kind, weight, evidence));
            reported += 1;
            if reported == REPORTED_MAX {
                return;
            }
        }
    }
}

/// The domain shown, if the link leads to another organisation's.
fn mismatch(link: &Link) -> Option<(String, &str)> {
    if !matches!(link.origin, LinkOrigin::Anchor | LinkOrigin::Area) || !link.text.contains('.') {
        return None;
    }
    let host = link.host.as_deref()?;
    let shown = shown_domain(&link.text)?;
    if shown.eq_ignore_ascii_case(host) {
        return None;
    }
    let shown = domain_to_ascii(shown)?;
    let same = organisational_domain(&shown).is_some_and(|above| organisational_domain(host) == Some(above));
    (!same).then_some((shown, host))
}
