//! `content.invisible-characters`, `content.bidi-override`: characters that change what is read, or split words for filters.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// A copied word brings one or two along.
const INSIDE_WORDS_MIN: usize = 4;

pub struct InvisibleCharacters;

impl Inspect for InvisibleCharacters {
    fn name(&self) -> &'static str {
        "content.invisible-characters"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let texts = mail.message.texts.iter().map(|text| text.visible.as_str());
        let mut split = inside_words(&mail.message.subject).saturating_mul(INSIDE_WORDS_MIN); // one is enough there
        for text in texts {
            split += inside_words(text);
        }
        if split >= INSIDE_WORDS_MIN {
            // Between two Latin letters no script needs them.
            let evidence = format!("{split} invisible characters inside Latin words");
            findings.push(Finding::new("content.invisible-characters", Kind::Spam, 4.0, evidence));
        }
        let shown = [mail.message.subject.as_str(), mail.message.from.display()];
        if let Some(text) = shown.into_iter().find(|text| !text.is_ascii() && text.chars().any(is_override)) {
            // Overrides, not the marks that right-to-left writers need.
            findings.push(Finding::new("content.bidi-override", Kind::Phish, 4.0, text));
        }
    }
}

/// Invisible characters with a Latin letter on both sides.
fn inside_words(text: &str) -> usize {
    if text.is_ascii() {
        return 0;
    }
    let mut count = 0;
    let mut before = ' ';
    let mut pending = 0;
    for c in text.chars() {
        if is_invisible(c) {
            pending += 1;
        } else {
            if pending > 0 && is_latin(before) && is_latin(c) {
                count += pending;
            }
            (before, pending) = (c, 0);
        }
    }
    count
}

/// Zero-width and tag characters. Not the soft hyphen, which newsletters use as it was meant.
/// Marks of Syriac and Arabic, which no Latin letter carries, are as good as unseen there.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{0610}'..='\u{061a}' | '\u{064b}'..='\u{065f}' | '\u{0730}'..='\u{074a}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{034f}' | '\u{180e}' | '\u{e0020}'..='\u{e007f}')
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || ('\u{c0}'..='\u{24f}').contains(&c)
}

fn is_override(c: char) -> bool {
    matches!(c, '\u{202d}' | '\u{202e}')
}
