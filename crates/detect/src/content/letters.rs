//! `content.look-alike-letters`: words in which letters of other alphabets stand for Latin ones (UTS 39 §4).

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// Octets of one text looked at.
const TEXT_OCTETS_MAX: usize = 24 << 10;
/// Words of fewer letters are formulas and units.
const WORD_LETTERS_MIN: usize = 4;
/// One such word in the subject or name is enough; in a text a slip of the keyboard makes one or two.
const WORDS_MIN: usize = 3;

pub struct LookAlikeLetters;

impl Inspect for LookAlikeLetters {
    fn name(&self) -> &'static str {
        "content.look-alike-letters"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let shown = [mail.message.subject.as_str(), mail.message.from.display()];
        if let Some(word) = shown.into_iter().find_map(|text| mixed_words(text).next()) {
            findings.push(Finding::new("content.look-alike-letters", Kind::Phish, 4.0, format!("“{word}” in the subject or name")));
            return;
        }
        for text in &mail.message.texts {
            let mut words = mixed_words(&text.visible);
            let first = words.next();
            let count = usize::from(first.is_some()) + words.take(WORDS_MIN * 10).count();
            if let Some(word) = first.filter(|_| count >= WORDS_MIN) {
                let evidence = format!("{count} words such as “{word}”");
                findings.push(Finding::new("content.look-alike-letters", Kind::Phish, 4.0, evidence));
                return;
            }
        }
    }
}

/// Words with Latin letters and letters of another alphabet that look Latin.
fn mixed_words(text: &str) -> impl Iterator<Item = &str> {
    let mut end = text.len().min(TEXT_OCTETS_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = if text.is_ascii() { "" } else { &text[..end] };
    text.split(|c: char| !c.is_alphabetic()).filter(|word| is_mixed(word))
}

fn is_mixed(word: &str) -> bool {
    if word.is_ascii() || word.chars().nth(WORD_LETTERS_MIN - 1).is_none() {
        return false;
    }
    let (mut latin, mut alike) = (0usize, 0usize);
    for c in word.chars() {
        match c {
            'a'..='z' | 'A'..='Z' => latin += 1,
            // Cyrillic, Greek, Armenian, Cherokee, small capitals, full-width and mathematical letters.
            '\u{370}'..='\u{58f}'
            | '\u{13a0}'..='\u{13ff}'
            | '\u{1d00}'..='\u{1d25}'
            | '\u{ff21}'..='\u{ff5a}'
            | '\u{1d400}'..='\u{1d7ff}' => {
                alike += usize::from(is_latin_in_disguise(c));
            }
            _ => return false,
        }
    }
    alike > 0 && latin >= 2 && alike + latin == word.chars().count()
}

fn is_latin_in_disguise(c: char) -> bool {
    let mut one = [0u8; 4];
    unicode_security::skeleton(c.encode_utf8(&mut one)).all(|seen| seen.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_words_are_told_from_foreign_ones() {
        for (text, want) in [
            ("P\u{430}yp\u{430}l", true),
            ("\u{3a1}aypal", true),
            ("ｐａyｐａl", true),
            ("привет", false),
            ("Ελλάδα", false),
            ("10 µm and Δx", false),
            ("naïve café", false),
            ("你好 hello", false),
            ("plain", false),
        ] {
            assert_eq!(mixed_words(text).next().is_some(), want, "{text}");
        }
    }
}
