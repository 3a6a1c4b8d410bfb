//! `content.planted-link`: a greeting that calls the reader by an offer and a web address.
//!
//! In: what is seen of the text, and the sender. Out: at most one finding. Whoever signs somebody up at an honest service gives a
//! name; the service greets that name. Put an offer and an address there, and the service's own mail, signed and proved, carries it.

use super::plain::plain;
use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use crate::link::shown_domain;
use mail::address::organisational_domain;
use mail::{AuthResults, Mail};

/// A greeting stands at the start.
const TEXT_OCTETS_MAX: usize = 1_000;
/// Lines looked at.
const LINES_MAX: usize = 12;
/// A name with an address in it is not longer.
const NAME_CHARS_MAX: usize = 140;
/// More letters before the address are a sentence of somebody who greets and tells of a page.
const LETTERS_MAX: usize = 30;

const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "hey",
    "dear",
    "welcome",
    "hallo",
    "liebe",
    "lieber",
    "guten tag",
    "bonjour",
    "salut",
    "cher",
    "chère",
    "hola",
    "estimado",
    "olá",
    "ola",
    "oi",
    "prezado",
    "ciao",
    "gentile",
    "beste",
    "hej",
    "cześć",
    "привет",
    "здравствуйте",
    "您好",
    "你好",
    "尊敬的",
];

pub struct PlantedLink;

impl Inspect for PlantedLink {
    fn name(&self) -> &'static str {
        "content.planted"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(from) = sender::speaker(message, surroundings) else { return };
        if sender::is_talk(message) {
            return;
        }
        let own = organisational_domain(&from.domain);
        let found = message.texts.iter().find_map(|text| {
            let text = plain(&text.visible[..text.visible.floor_char_boundary(TEXT_OCTETS_MAX)]);
            text.lines().take(LINES_MAX).find_map(|line| name_with_address(line, own))
        });
        if let Some(name) = found {
            findings.push(Finding::new("content.planted-link", Kind::Phish, 3.5, format!("it greets “{name}”")));
        }
    }
}

/// What stands where a greeting has a name, if an address of somebody other than `own` is in it.
fn name_with_address(line: &str, own: Option<&str>) -> Option<String> {
    let line = line.trim();
    let lower = line.to_lowercase();
    let greeting = GREETINGS
        .iter()
        .find(|greeting| lower.strip_prefix(**greeting).is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric())))?;
    // Lower case has other lengths in a few scripts, which greet otherwise.
    let name = line.get(greeting.len()..)?.trim_start();
    // "Hi, look at" greets nobody by name.
    if name.starts_with([',', '!', '.', ':', '，', '！', '：']) {
        return None;
    }
    let mut letters = 0;
    for word in name.split_whitespace() {
        let bare = word.trim_matches(|c: char| matches!(c, ',' | '!' | ';' | '(' | ')' | '[' | ']' | '"' | '>' | '<'));
        let has_path = bare.contains("://") || bare.split_once('/').is_some_and(|(host, path)| host.contains('.') && !path.is_empty());
        if has_path && let Some(host) = shown_domain(bare) {
            let is_marked = name.chars().any(is_sign);
            let is_own = organisational_domain(&host.to_ascii_lowercase()) == own && own.is_some();
            return (is_marked && !is_own).then(|| name.chars().take(NAME_CHARS_MAX).collect());
        }
        letters += word.chars().filter(|c| c.is_alphabetic()).count();
        if letters > LETTERS_MAX {
            return None;
        }
    }
    None
}

/// Money, arrows and pictures: no part of anybody's name.
fn is_sign(c: char) -> bool {
    matches!(c, '$' | '€' | '£' | '+' | '>' | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_from_an_offer() {
        let own = Some("sender.example");
        for (line, want) in [
            ("Hi ✅ +$2,150 ➡️ example.net/x7, one more step", true),
            ("Dear 🎁 CLAIM 300 USD → https://forms.evil.test/a?b,", true),
            ("Olá $$$ https://evil.test/x", true),
            ("您好 💰 https://evil.test/x，", true),
            ("您好 请看 https://other.example/x，", false),
            ("Hi Ada, one more step", false),
            ("Hi, 🎉 look at https://other.example/x", false),
            ("Hello Ada 🎉 https://www.sender.example/x", false),
            ("Hi Bo this is the page I spoke about yesterday at noon → https://other.example/x", false),
            ("Hi Bo https://other.example/photos", false),
            ("History → https://other.example/x", false),
            ("", false),
        ] {
            assert_eq!(name_with_address(line, own).is_some(), want, "{line}");
        }
    }
}
