//! `content.hidden-text`, `content.split-words`: text the reader does not see, put there for filters.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// Newsletters hide a preview line, padded to keep the text after it out of the list of mails.
const PREVIEW_LETTERS_MAX: usize = 400;

/// One may be a slip of a template.
const SPLIT_WORDS_MIN: u32 = 3;

pub struct HiddenText;

impl Inspect for HiddenText {
    fn name(&self) -> &'static str {
        "content.hidden-text"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let split: u32 = mail.message.texts.iter().map(|text| text.traits.split_words).sum();
        if split >= SPLIT_WORDS_MIN {
            // No program that people write mail with does so.
            let evidence = format!("hidden text stands inside {split} words");
            findings.push(Finding::new("content.split-words", Kind::Spam, 4.0, evidence));
        }
        for text in mail.message.texts.iter().filter(|text| text.hidden.len() > PREVIEW_LETTERS_MAX) {
            let hidden = letters(&text.hidden);
            let seen = letters(&text.visible);
            if hidden <= PREVIEW_LETTERS_MAX {
                continue;
            }
            let start: String = text.hidden.split_whitespace().take(12).collect::<Vec<_>>().join(" ");
            let evidence = format!("{hidden} letters are hidden, {seen} are seen: {start}");
            // Parts for other screen widths are hidden honestly, but are no longer than what is seen.
            let (kind, weight) = if hidden > seen { (Kind::Spam, 2.3) } else { (Kind::Note, 0.0) };
            findings.push(Finding::new("content.hidden-text", kind, weight, evidence));
            return;
        }
    }
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}
