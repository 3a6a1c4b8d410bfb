//! `impersonation.inside`: an outsider speaks as a desk of the reader's own house, and leads elsewhere.
//!
//! In: display name, subject and where the clicks lead. Out: at most one finding. The desks are `data/desks.txt`; the house is known by
//! its domains. A firm that lets others run its desks names their pages in its own mail, or is served by the sender's own page: then
//! the way leads to the sender, and nothing is found.

use super::sender;
use crate::authentication::own_domain::is_own;
use crate::content::plain::{plain, starts_word};
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use crate::link::lead::{Lead, lead};
use aho_corasick::{AhoCorasick, MatchKind};
use mail::address::organisational_domain;
use mail::{AuthResults, Mail, Message};
use std::sync::LazyLock;

/// Octets of a display name and of a subject looked at.
const NAME_OCTETS_MAX: usize = 300;
/// Shorter names of a house stand in other names by chance.
const HOUSE_LETTERS_MIN: usize = 4;
/// Own domains compared with one display name.
const HOUSES_MAX: usize = 2_000;

pub struct Inside;

impl Inspect for Inside {
    fn name(&self) -> &'static str {
        "impersonation.own-desk"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(from) = sender::speaker(message, surroundings) else { return };
        if is_own(&from.domain, surroundings) || sender::is_talk(message) {
            return;
        }
        let display = plain(up_to(&from.display)).to_lowercase();
        let desk = desk(&display);
        let house = house(&display, &from.domain, surroundings);
        let in_subject = reader(mail, up_to(&message.subject));
        let weight = match (desk, &house, &in_subject) {
            // With the domain written out, a finding of its own comes to it and both are enough.
            (Some(_), Some(_), _) => 3.0,
            (None, Some(_), _) => 1.2,
            (Some(_), None, Some(_)) => 1.4,
            (Some(_), None, None) => 0.8,
            (None, None, Some(_)) => 0.5,
            (None, None, None) => return,
        };
        let (lead, place) = lead(message, surroundings, |_| false);
        let share = match lead {
            Lead::Hidden | Lead::Mailbox => 1.5,
            Lead::Elsewhere | Lead::Document => 1.0,
            // A page that comes along stands in place of a link.
            Lead::Nowhere if brings_a_page(message) => 1.3,
            Lead::Nowhere | Lead::Many | Lead::Sender => return,
        };
        let led = if place.is_empty() { String::new() } else { format!("; leads to {place}") };
        let seen = if desk.is_none() && house.is_none() { in_subject.unwrap_or_default() } else { from.display.to_string() };
        let evidence = format!("“{seen}” speaks as one of this house, the sender is {}{led}", from.address);
        findings.push(Finding::new("impersonation.inside", Kind::Phish, weight * share, evidence));
    }
}

fn up_to(text: &str) -> &str {
    &text[..text.floor_char_boundary(NAME_OCTETS_MAX)]
}

/// The desk that a display name in lower case names.
fn desk(display: &str) -> Option<&'static str> {
    static DESKS: LazyLock<(AhoCorasick, Vec<&'static str>)> = LazyLock::new(|| {
        let lines = include_str!("../../data/desks.txt").lines().filter(|line| !line.starts_with('#'));
        let words: Vec<&str> = lines.flat_map(|line| line.split(", ")).filter(|word| !word.is_empty()).collect();
        let finder = AhoCorasick::builder().match_kind(MatchKind::Standard).build(&words).expect("fixed patterns");
        (finder, words)
    });
    let (finder, words) = &*DESKS;
    let is_word = |found: &aho_corasick::Match| starts_word(display, found.start()) && ends_word(display, found.end());
    finder.find_overlapping_iter(display).find(is_word).map(|found| words[found.pattern().as_usize()])
}

fn ends_word(text: &str, at: usize) -> bool {
    let is_ideograph = |c: char| c >= '\u{2e80}';
    text[..at].chars().next_back().is_some_and(is_ideograph)
        || text[at..].chars().next().is_none_or(|c| !c.is_alphanumeric() || is_ideograph(c))
}

/// An own domain, or its name, as a word of a display name in lower case; none that is also the sender's name.
fn house<'a>(display: &str, sender: &str, surroundings: &'a Surroundings) -> Option<&'a str> {
    let of_sender = organisational_domain(sender).and_then(|domain| domain.split_once('.')).map(|(label, _)| label);
    let is_named = |domain: &&String| {
        let Some((label, _)) = organisational_domain(domain).and_then(|domain| domain.split_once('.')) else { return false };
        let stands =
            |word: &str| display.match_indices(word).any(|(at, _)| starts_word(display, at) && ends_word(display, at + word.len()));
        stands(domain.as_str()) || label.len() >= HOUSE_LETTERS_MIN && of_sender != Some(label) && stands(label)
    };
    surroundings.own_domains.iter().take(HOUSES_MAX).filter(is_named).map(String::as_str).min()
}

/// The address of a reader in the subject.
fn reader(mail: &Mail<'_>, subject: &str) -> Option<String> {
    if !subject.contains('@') {
        return None;
    }
    let subject = subject.to_lowercase();
    let keys = mail.envelope.recipients.iter().take(HOUSES_MAX).map(|recipient| recipient.address.key().to_lowercase());
    keys.into_iter().find(|key| subject.contains(key.as_str()))
}

fn brings_a_page(message: &Message) -> bool {
    message.attachments.iter().any(|file| {
        let name = file.name.as_deref().unwrap_or_default().to_ascii_lowercase();
        file.true_type.extension == "html" || [".htm", ".html", ".shtml", ".xhtml", ".svg"].iter().any(|end| name.ends_with(end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn desks_are_whole_words() {
        for (display, want) in [
            ("example it support", true),
            ("it-support", true),
            ("payroll", true),
            ("人事部通知", true),
            ("служба: отдел кадров", true),
            ("kit supporters", false),
            ("paul scannerman", false),
            ("ada lovelace", false),
            ("", false),
        ] {
            assert_eq!(desk(display).is_some(), want, "{display}");
        }
    }

    #[test]
    fn the_house_is_known_by_its_domain_or_name() {
        let surroundings =
            Surroundings { own_domains: ["acme.example".to_string(), "abc.example".to_string()].into(), ..Default::default() };
        for (display, sender, want) in [
            ("acme.example administrator", "x.test", Some("acme.example")),
            ("acme helpdesk", "x.test", Some("acme.example")),
            ("acme helpdesk", "acme.test", None),
            ("abc news", "x.test", None),
            ("abc.example news", "x.test", Some("abc.example")),
            ("pacmen", "x.test", None),
            ("", "x.test", None),
        ] {
            assert_eq!(house(display, sender, &surroundings), want, "{display}");
        }
    }
}
