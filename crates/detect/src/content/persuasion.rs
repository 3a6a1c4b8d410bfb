//! `content.callback`, `content.credential-lure`, `content.payment-change`: what a text wants its reader to do.
//!
//! In: the visible text, the links, the sender. Out: one finding for each of the three, with the words it rests on. Words
//! alone never decide: a telephone number without a link, a link to a stranger, an account beside a change.

use super::lexicon::{Places, Topic};
use super::number::{account_numbers, telephone_after};
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::impersonation::free_mail::is_free_mail;
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use crate::link::destination;
use mail::address::organisational_domain;
use mail::message::{Link, LinkOrigin, Text};
use mail::{AuthResults, Mail, Message};
use std::ops::Range;

/// How far apart, in octets, words of one thought stand.
const THOUGHT_OCTETS: usize = 160;
/// Longest text beside an evidence.
const EXCERPT_CHARS: usize = 70;

pub struct Persuasion;

impl Inspect for Persuasion {
    fn name(&self) -> &'static str {
        "content.persuasion"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        // A message of two alternatives says the same twice; the plain one of a phish is often empty, so the longer counts.
        let Some(text) = message.texts.iter().max_by_key(|text| text.visible.len()) else { return };
        let places = Places::of(&text.visible);
        findings.extend(payment_change(message, text, &places));
        findings.extend(callback(message, text, &places));
        findings.extend(credential_lure(message, text, &places, surroundings));
    }
}

/// New account details in a mail about paying.
fn payment_change(message: &Message, text: &Text, places: &Places) -> Option<Finding> {
    let account = places.all(Topic::Account).find(|account| places.all(Topic::Change).any(|change| is_near(account, &change)))?;
    if !places.has(Topic::Pay) {
        return None;
    }
    let is_answer = is_answer(message);
    let number = account_numbers(&text.visible).next();
    let weight = match (&number, is_answer) {
        // Fraud of this kind costs most, and firms that really move say so by another way too: past the 3 of its class.
        (Some(_), true) => 4.0,
        (Some(_), false) => 3.0,
        (None, true) => 1.5,
        (None, false) => 0.8,
    };
    let kind = if number.is_some() { Kind::Impersonation } else { Kind::Phish };
    let thread = if is_answer { "in an answer" } else { "in a mail of its own" };
    let number = number.map(|number| format!(", {number}")).unwrap_or_default();
    Some(Finding::new("content.payment-change", kind, weight, format!("{thread}: “{}”{number}", excerpt(&text.visible, &account))))
}

fn is_answer(message: &Message) -> bool {
    let subject = message.subject.trim_start();
    let starts = |start: &str| subject.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    message.first("In-Reply-To").is_some()
        || message.first("References").is_some()
        || ["re:", "aw:", "sv:", "回复", "答复", "fw:", "fwd:", "转发"].iter().any(|start| starts(start))
}

/// A charge that nobody made, and a number to call about it: there is no link that a filter could judge.
fn callback(message: &Message, text: &Text, places: &Places) -> Option<Finding> {
    if places.count(Topic::Charge) < 2 || !places.has(Topic::Cancel) {
        return None;
    }
    let call = places.all(Topic::Call).chain(places.all(Topic::Cancel)).find_map(|call| telephone_after(&text.visible, call.start))?;
    let clicks = message.links.iter().filter(|link| is_click(link)).count();
    // Shops write like this too, with links to their pages beside the number.
    let from_free = message.from.address().is_some_and(|from| is_free_mail(from.domain()));
    let weight = match (clicks, from_free) {
        (0, true) => 4.0,
        (0, false) => 3.0,
        (1, true) => 1.5,
        (1, false) => 0.5,
        _ => return None,
    };
    let charge = places.first(Topic::Charge)?;
    Some(Finding::new(
        "content.callback",
        Kind::Phish,
        weight,
        format!("“{}”; call {call}; {clicks} links", excerpt(&text.visible, &charge)),
    ))
}

/// A link the reader is meant to follow to a page.
fn is_click(link: &Link) -> bool {
    !matches!(link.origin, LinkOrigin::Image | LinkOrigin::Other) && matches!(link.scheme.as_str(), "http" | "https" | "")
}

/// Pressure, a password, and a link to somebody who has nothing to do with the sender.
fn credential_lure(message: &Message, text: &Text, places: &Places, surroundings: &Surroundings) -> Option<Finding> {
    let credential = places.first(Topic::Credential)?;
    let urgency = places.first(Topic::Urgency).is_some() || super::lexicon::Places::of(&message.subject).has(Topic::Urgency);
    let from = sender::speaker(message, surroundings)?;
    // Discussion lists talk about passwords and link anywhere.
    if !urgency || sender::is_talk(message) {
        return None;
    }
    let sender = organisational_domain(&from.domain);
    let foreign = |link: &&Link| is_click(link) && leads_away(link, sender, surroundings);
    let clicks = message.links.iter().filter(|link| is_click(link)).count();
    let away = message.links.iter().filter(foreign).count();
    let link = message.links.iter().find(foreign)?;
    // One way out for the reader is the mark; newsletters have many.
    let weight = match (away * 2 > clicks, away) {
        (true, 1..=3) => 3.0,
        (true, _) => 0.8,
        (false, _) => 0.3,
    };
    let host = link.host.as_deref().unwrap_or_default();
    let evidence = format!("“{}”; the link leads to {host}, the sender is {}", excerpt(&text.visible, &credential), from.domain);
    Some(Finding::new("content.credential-lure", Kind::Phish, weight, evidence))
}

fn leads_away(link: &Link, sender: Option<&str>, surroundings: &Surroundings) -> bool {
    let Some(host) = link.host.as_deref() else { return false };
    let is_known = |host: &str| organisational_domain(host) == sender && sender.is_some() || is_own(host, surroundings);
    !is_known(host) && !destination::inner(link).is_some_and(|inner| is_known(&inner.host))
}

fn is_near(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start.abs_diff(other.start) <= THOUGHT_OCTETS
}

/// A few words around `place`.
fn excerpt(text: &str, place: &Range<usize>) -> String {
    let mut start = place.start.saturating_sub(24);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let cut: String = text[start..].chars().take(EXCERPT_CHARS).collect();
    cut.split_whitespace().collect::<Vec<_>>().join(" ")
}
