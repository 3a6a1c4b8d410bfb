//! `content.styled-letters`: words written in mathematical alphabets, which look bold and are no words to a filter.

use super::plain::styled_letters;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// A formula has a few.
const SUBJECT_LETTERS_MIN: usize = 4;
const TEXT_LETTERS_MIN: usize = 40;
const EXCERPT_CHARS: usize = 60;

pub struct StyledLetters;

impl Inspect for StyledLetters {
    fn name(&self) -> &'static str {
        "content.styled-letters"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let excerpt = |text: &str| text.chars().take(EXCERPT_CHARS).collect::<String>();
        let shown = [message.subject.as_str(), message.from.display()];
        if let Some(text) = shown.into_iter().find(|text| styled_letters(text) >= SUBJECT_LETTERS_MIN) {
            // Shops write so too, to stand out; filters are got around like this more often.
            let evidence = format!("“{}” in the subject or name", excerpt(text));
            findings.push(Finding::new("content.styled-letters", Kind::Spam, 2.0, evidence));
        } else if let Some(text) = message.texts.iter().find(|text| styled_letters(&text.visible) >= TEXT_LETTERS_MIN) {
            let evidence = format!("{} such letters in the text", styled_letters(&text.visible));
            findings.push(Finding::new("content.styled-letters", Kind::Spam, 1.5, evidence));
        }
    }
}
