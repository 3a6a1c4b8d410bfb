//! `content.courtship`: a stranger who courts the reader.
//!
//! In: subject, text, and where the clicks lead. Out: at most one finding. There is nothing to open: whoever answers is asked for money
//! weeks later. The words are `data/courtship.txt`: how the writer calls herself, what she wishes, and how she asks for an answer.

use super::kinds::WordsOfKinds;
use super::plain::{plain, starts_word};
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use crate::link::lead;
use mail::{AuthResults, Mail};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Octets of text looked at.
const TEXT_OCTETS_MAX: usize = 3_000;
/// Longer letters are by somebody who has more to tell.
const LETTER_OCTETS_MAX: usize = 4_000;
/// Words found in one text.
const WORDS_MAX: usize = 200;
/// Letters have no more places to click than a footer holds.
const CLICKS_MAX: usize = 4;
const EXCERPT_CHARS: usize = 40;
const KINDS: [&str; 3] = ["self", "wish", "ask"];

pub struct Courtship;

impl Inspect for Courtship {
    fn name(&self) -> &'static str {
        "content.court"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(from) = sender::speaker(message, surroundings) else { return };
        if is_own(&from.domain, surroundings) || sender::is_talk(message) {
            return;
        }
        if message.links.iter().filter(|link| lead::is_click(link)).count() > CLICKS_MAX {
            return;
        }
        let text = message.texts.iter().max_by_key(|text| text.visible.len()).map_or("", |text| text.visible.as_str());
        if text.len() > LETTER_OCTETS_MAX {
            return;
        }
        let Some((different, evidence)) = words(&plain(&message.subject), &plain(text)) else { return };
        // Friends say one or two of these to each other.
        let weight = match different {
            0..=3 => 1.0,
            4 => 1.8,
            _ => 2.8,
        };
        findings.push(Finding::new("content.courtship", Kind::Spam, weight, evidence));
    }
}

/// How many different words there are, and one of each kind; `None` unless there are words of all kinds.
fn words(subject: &str, text: &str) -> Option<(usize, String)> {
    let mut first = [const { None::<String> }; KINDS.len()];
    let mut different = BTreeSet::new();
    for text in [subject, &text[..text.floor_char_boundary(TEXT_OCTETS_MAX)]] {
        for found in WORDS.finder.find_iter(text).filter(|found| starts_word(text, found.start())).take(WORDS_MAX) {
            first[WORDS.kinds[found.pattern().as_usize()]].get_or_insert_with(|| excerpt(text, found.start()));
            different.insert(found.pattern());
        }
    }
    let [Some(own), Some(wish), Some(ask)] = first else { return None };
    Some((different.len(), format!("“{own}” … “{wish}” … “{ask}”")))
}

static WORDS: LazyLock<WordsOfKinds> = LazyLock::new(|| WordsOfKinds::read(include_str!("../../data/courtship.txt"), &KINDS));

/// A few words from `at` on.
fn excerpt(text: &str, at: usize) -> String {
    let cut: String = text[at..].chars().take(EXCERPT_CHARS).collect();
    cut.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_court_are_told_from_others() {
        assert!((0..KINDS.len()).all(|kind| WORDS.kinds.contains(&kind)));
        for (text, want) in [
            ("Hello, I am a lonely lady from the coast and look for a man with a good heart. Write me, I send my photos.", true),
            ("Ich bin einsam und möchte dich kennenlernen. Schreib mir, meine Fotos liegen bei.", true),
            ("我单身，想认识你，加我好吗", true),
            ("Can we talk at noon about the single point of failure?", false),
            ("My dear, the photos of the wedding are here. Kiss, mum", false),
            ("I am alone in the office today, write me if you need the key.", false),
            ("", false),
        ] {
            assert_eq!(words("", text).is_some(), want, "{text}");
        }
    }
}
