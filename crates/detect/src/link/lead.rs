//! Where the clicks of a mail lead, taken together: for inspections that ask what a text wants its reader to open.
//!
//! In: a message, and which hosts belong to whom the text speaks of. Out: a [`Lead`]. No findings of its own.

use super::{destination, place};
use crate::attachment::lone;
use crate::authentication::own_domain::is_own;
use crate::impersonation::free_mail::is_free_mail;
use crate::impersonation::sender;
use crate::inspect::Surroundings;
use mail::Message;
use mail::address::organisational_domain;
use mail::message::{Link, LinkOrigin};
use std::net::IpAddr;

/// Clicks looked at in one mail.
const CLICKS_MAX: usize = 200;
/// A mail that leads to more places has no one aim.
const PLACES_MAX: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lead {
    /// There is nothing to click, or only what was to be left aside.
    Nowhere,
    /// To the sender, or to us.
    Sender,
    /// To many places.
    Many,
    /// To one that is not the sender's.
    Elsewhere,
    /// To a free mailbox that is not the sender's, in place of a page.
    Mailbox,
    /// There is nothing to click: what is to be opened is the one document, with hardly a word beside it.
    Document,
    /// To a place that hides who is behind it.
    Hidden,
}

/// What `message` leads to, and the host or address; hosts for which `aside` holds are not counted.
pub fn lead<'a>(message: &'a Message, surroundings: &Surroundings, aside: impl Fn(&str) -> bool) -> (Lead, &'a str) {
    let from = sender::speaker(message, surroundings);
    let sender = from.as_ref().and_then(|from| organisational_domain(&from.domain));
    let mut places: Vec<(&str, &Link, usize)> = Vec::new();
    for link in message.links.iter().filter(|link| is_click(link)).take(CLICKS_MAX) {
        let Some(host) = link.host.as_deref().filter(|host| !aside(host) && !is_signature(host)) else { continue };
        let place = owner(host);
        match places.iter().position(|(known, ..)| *known == place) {
            Some(at) => places[at].2 += 1,
            None if places.len() < PLACES_MAX => places.push((place, link, 1)),
            None => return (Lead::Many, ""),
        }
    }
    // The first of the most clicked: a kit repeats its one page, and borrows the footer.
    let Some((place, link, _)) = places.iter().rev().max_by_key(|(.., count)| *count) else {
        let document = || lone::document(message).map(|document| (Lead::Document, document.name.as_deref().unwrap_or_default()));
        return mailbox(message).map(|address| (Lead::Mailbox, address)).or_else(document).unwrap_or((Lead::Nowhere, ""));
    };
    let host = link.host.as_deref().unwrap_or_default();
    // A sender with a name of his own lets others put pages below it too, and tells of them.
    let is_landlord = from.as_ref().is_some_and(|from| place::free_host(&from.domain).is_none()) && organisational_domain(host) == sender;
    let is_senders = sender == Some(*place) || sender.is_some() && is_landlord || is_own(host, surroundings);
    let lead = match () {
        () if is_senders => Lead::Sender,
        () if hides(link, host) => Lead::Hidden,
        () => Lead::Elsewhere,
    };
    (lead, host)
}

/// A button that writes to a free mailbox other than the sender's. Who means to be written to shows the address.
pub fn mailbox(message: &Message) -> Option<&str> {
    let from = sender::shown(message)?;
    message.links.iter().filter(|link| link.scheme == "mailto" && link.origin == LinkOrigin::Anchor).find_map(|link| {
        let (_, rest) = link.target.split_once(':')?;
        let address = rest.split(['?', ',', ';']).next()?.trim();
        let (_, domain) = address.rsplit_once('@')?;
        let domain = domain.to_ascii_lowercase();
        (!link.text.contains('@') && is_free_mail(&domain) && !address.eq_ignore_ascii_case(&from.address)).then_some(address)
    })
}

pub fn is_click(link: &Link) -> bool {
    matches!(link.origin, LinkOrigin::Anchor | LinkOrigin::Area | LinkOrigin::Form | LinkOrigin::Text | LinkOrigin::Qr)
        && link.host.is_some()
}

/// Where programs say under each mail what it was written with.
pub(super) fn is_signature(host: &str) -> bool {
    matches!(host, "aka.ms" | "go.microsoft.com")
}

/// The registered domain; the host itself where many share one.
fn owner(host: &str) -> &str {
    organisational_domain(host).filter(|_| place::free_host(host).is_none()).unwrap_or(host)
}

/// Whether the place hides who is behind it.
pub(super) fn hides(link: &Link, host: &str) -> bool {
    let is_redirector = !destination::is_rewriter(host) && destination::inner(link).is_some_and(|inner| inner.is_known);
    place::free_host(host).is_some()
        || place::is_shortener(host)
        || place::is_random(host)
        || place::is_counter(host)
        || is_redirector
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}
