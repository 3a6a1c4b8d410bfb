//! `link.spelled-out`: a web address taken apart so that programs do not see one, for the reader to put together.
//!
//! In: subject and what is seen of the text. Out: at most one finding. People who warn of an address take it apart too, on lists and
//! in answers, and whoever hides his own from robots does so with an address of mail.

use super::lead;
use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// Octets looked at.
const TEXT_OCTETS_MAX: usize = 4_000;
/// Shorter words before the dot are ends of sentences.
const NAME_LETTERS_MIN: usize = 3;
/// How a dot is written.
const DOTS: &[&str] = &["(.)", "[.]", "{.}", "(dot)", "[dot]", "(punkt)", "(punto)", "(ponto)", " . "];
/// Ends of names that are no words.
const SUFFIXES: &[&str] = &[
    "com", "net", "org", "io", "co", "ru", "sk", "su", "xyz", "info", "biz", "app", "top", "site", "online", "shop", "club", "live", "pro",
    "cc", "de", "fr", "br", "uk", "cn", "eu", "nl", "vip", "store", "finance", "exchange",
];

pub struct SpelledOut;

impl Inspect for SpelledOut {
    fn name(&self) -> &'static str {
        "link.spelled"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        // Who has a page to show links to it.
        if sender::is_talk(message) || message.links.iter().any(lead::is_click) {
            return;
        }
        let texts = message.texts.iter().map(|text| text.visible.as_str()).chain([message.subject.as_str()]);
        let Some(written) = texts.map(|text| &text[..text.floor_char_boundary(TEXT_OCTETS_MAX)]).find_map(apart) else { return };
        findings.push(Finding::new("link.spelled-out", Kind::Phish, 2.0, format!("“{written}”, and no link")));
    }
}

/// The address as it is written.
fn apart(text: &str) -> Option<&str> {
    let lower = text.to_ascii_lowercase();
    DOTS.iter().flat_map(|dot| lower.match_indices(dot)).find_map(|(at, dot)| {
        let before = lower[..at].trim_end_matches(' ');
        let name = before.bytes().rev().take_while(|octet| octet.is_ascii_alphanumeric() || *octet == b'-').count();
        let end = at + dot.len();
        let after = lower[end..].trim_start_matches(' ');
        let suffix = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let start = before.len() - name;
        let is_suffix = SUFFIXES.contains(&&after[..suffix]);
        // "ada (at) house (dot) example"
        let is_mail = lower[..start].trim_end().ends_with(['@', ')', ']']) || lower[..start].trim_end().ends_with(" at");
        (name >= NAME_LETTERS_MIN && is_suffix && !is_mail).then(|| &text[start..lower.len() - after.len() + suffix])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_taken_apart_are_read() {
        for (text, want) in [
            ("www: Coinvalley . net Customer ID 7", Some("Coinvalley . net")),
            ("Visit Toolsmart(.)sk today", Some("Toolsmart(.)sk")),
            ("go to evil [dot] com", Some("evil [dot] com")),
            ("ada (at) house (dot) com", None),
            ("ada at house (dot) com", None),
            ("We met . then we left", None),
            ("https://house.com/", None),
            ("é . com", None),
            ("", None),
        ] {
            assert_eq!(apart(text), want, "{text}");
        }
    }
}
