//! `content.advance-fee`: the letter about money that waits for its reader.
//!
//! In: subject, text, who it comes from and where answers go. Out: at most one finding. Such letters have no link to judge and no
//! file; what they have is a sum, a reason why it is the reader's, and a wish to be answered. The words are `data/advance_fee.txt`.

use super::kinds::WordsOfKinds;
use super::plain::{plain, starts_word};
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::impersonation::free_mail::is_free_mail;
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use crate::link::lead;
use mail::{AuthResults, Mail, Message};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Octets of text looked at.
const TEXT_OCTETS_MAX: usize = 6_000;
/// Words found in one text.
const WORDS_MAX: usize = 400;
/// Letters have no more places to click than a footer holds.
const CLICKS_MAX: usize = 3;
const EXCERPT_CHARS: usize = 50;
/// Kinds of words: a sum, a story, a wish; where it plays is no story yet.
const KINDS: [&str; 4] = ["sum", "story", "ask", "scene"];

pub struct AdvanceFee;

impl Inspect for AdvanceFee {
    fn name(&self) -> &'static str {
        "content.advance"
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
        let Some(letter) = Letter::read(&plain(&message.subject), &plain(text)) else { return };
        // An answer that goes elsewhere is the whole of the trick: the first address will be closed.
        let is_diverted = is_free_mail(&from.domain) || answers_elsewhere(message, &from.domain) || names_a_mailbox(text);
        let share = if is_diverted { 1.0 } else { 0.6 };
        findings.push(Finding::new("content.advance-fee", Kind::Phish, share * letter.weight(), letter.evidence));
    }
}

/// What the words of a letter are.
struct Letter {
    stories: usize,
    different: usize,
    evidence: String,
}

impl Letter {
    /// `None` unless there are words of all three kinds.
    fn read(subject: &str, text: &str) -> Option<Letter> {
        let words = &*WORDS;
        let mut first = [const { None::<String> }; KINDS.len()];
        let mut different = [const { BTreeSet::new() }; KINDS.len()];
        for text in [subject, &text[..text.floor_char_boundary(TEXT_OCTETS_MAX)]] {
            for found in words.finder.find_iter(text).filter(|found| starts_word(text, found.start())).take(WORDS_MAX) {
                let kind = words.kinds[found.pattern().as_usize()];
                first[kind].get_or_insert_with(|| excerpt(text, found.start()));
                different[kind].insert(found.pattern());
            }
        }
        let [Some(sum), Some(story), Some(ask), _] = first else { return None };
        let different = different.map(|words| words.len());
        let evidence = format!("“{sum}” … “{story}” … “{ask}”");
        Some(Letter { stories: different[1], different: different.iter().sum(), evidence })
    }

    /// People write about sums and answers every day; the story is told in many words.
    fn weight(&self) -> f32 {
        match (self.stories, self.different) {
            (0..=1, _) | (_, 0..=4) => 0.8,
            (2, _) | (_, 5..=6) => 1.8,
            (3, _) | (_, 7..=8) => 3.0,
            _ => 4.5,
        }
    }
}

static WORDS: LazyLock<WordsOfKinds> = LazyLock::new(|| WordsOfKinds::read(include_str!("../../data/advance_fee.txt"), &KINDS));

/// Reply-To names another domain.
fn answers_elsewhere(message: &Message, domain: &str) -> bool {
    let Some(reply_to) = message.first("Reply-To") else { return false };
    let reply_to = String::from_utf8_lossy(reply_to).to_ascii_lowercase();
    reply_to.rsplit_once('@').is_some_and(|(_, after)| !after.starts_with(domain))
}

/// The text gives a free mailbox to answer to.
fn names_a_mailbox(text: &str) -> bool {
    let text = &text[..text.floor_char_boundary(TEXT_OCTETS_MAX)];
    text.match_indices('@').take(WORDS_MAX).any(|(at, _)| {
        let after = &text[at + 1..];
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-')).unwrap_or(after.len());
        is_free_mail(after[..end].trim_end_matches('.').to_ascii_lowercase().as_str())
    })
}

/// A few words from `at` on.
fn excerpt(text: &str, at: usize) -> String {
    let cut: String = text[at..].chars().take(EXCERPT_CHARS).collect();
    cut.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_list_is_read() {
        let lines = include_str!("../../data/advance_fee.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
        assert_eq!(lines, KINDS.len());
        assert!((0..KINDS.len()).all(|kind| WORDS.kinds.contains(&kind)));
    }

    #[test]
    fn letters_of_that_kind_are_told_from_others() {
        for (text, weighs) in [
            (
                "I am the widow of a late client of our bank. He left 8.5 million dollars and no next of kin. Contact me in confidence at once.",
                true,
            ),
            ("Sou viúva e quero doar 3 milhões de dólares para a caridade. Responda com seu nome e telefone.", true),
            ("我是一名律师，我的客户已故，留下遗产850万美元，请联系我。", true),
            ("Please contact me about the invoice; the total is 1,200 dollars.", false),
            ("Our charity thanks all who gave. See you on Sunday.", false),
            ("", false),
        ] {
            assert_eq!(Letter::read("", text).is_some_and(|letter| letter.weight() >= 1.5), weighs, "{text}");
        }
    }
}
