//! `link.lone`: every link of a mail leads to one place, and that is not the sender's.

use super::place;
use super::{destination, lead};
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::address::organisational_domain;
use mail::message::{Link, LinkOrigin};
use mail::{AuthResults, Mail, Message};
use std::net::IpAddr;

/// Longer mails are letters with a link in them.
const LETTERS_MAX: usize = 3_000;
/// Octets beside a link that say nothing yet.
const BESIDE_OCTETS_MAX: usize = 20;

pub struct LoneLink;

impl Inspect for LoneLink {
    fn name(&self) -> &'static str {
        "link.lone"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(from) = sender::speaker(message, surroundings) else { return };
        // People send links in plain text, in answers and on lists.
        let is_page = message.texts.iter().any(|text| text.is_html && text.visible.len() <= LETTERS_MAX);
        if !(is_page || is_nothing_else(message)) || sender::is_talk(message) {
            return;
        }
        let is_click = |link: &Link| is_click(link) && !link.host.as_deref().is_some_and(lead::is_signature);
        let mut clicks = message.links.iter().filter(|link| is_click(link));
        let Some(host) = clicks.next().and_then(|link| link.host.as_deref()) else { return };
        let place = owner(host);
        let elsewhere = |link: &Link| link.host.as_deref().is_none_or(|other| owner(other) != place);
        if clicks.any(elsewhere) || organisational_domain(&from.domain) == Some(place) || is_own(host, surroundings) {
            return;
        }
        let hides =
            !destination::is_rewriter(host) && message.links.iter().find(|link| is_click(link)).and_then(destination::inner).is_some();
        let (what, weight) = match place::free_host(host) {
            Some(_) => (", where anybody puts a page", 1.8),
            None if place::is_shortener(host) || hides => (", which hides where it leads", 1.8),
            None if host.parse::<IpAddr>().is_ok() => (", a computer without a name", 1.8),
            None if place::is_random(host) => (", a name drawn by lot", 1.0),
            None if place::is_counter(host) => (", which counts clicks for whoever pays", 1.0),
            // Services that send for others look like this too.
            None => ("", 0.5),
        };
        let evidence = format!("every link leads to {host}{what}; the sender is {}", from.domain);
        findings.push(Finding::new("link.lone", Kind::Phish, weight, evidence));
    }
}

/// A link, and hardly a word beside it: people say why they send one.
fn is_nothing_else(message: &Message) -> bool {
    let linked: usize = message.links.iter().map(|link| link.target.len()).sum();
    linked > 0 && message.texts.iter().all(|text| text.visible.trim().len() <= linked + BESIDE_OCTETS_MAX)
}

fn is_click(link: &Link) -> bool {
    matches!(link.origin, LinkOrigin::Anchor | LinkOrigin::Area | LinkOrigin::Form | LinkOrigin::Text) && link.host.is_some()
}

/// The registered domain; the host itself where many share one.
fn owner(host: &str) -> &str {
    organisational_domain(host).filter(|_| place::free_host(host).is_none()).unwrap_or(host)
}
