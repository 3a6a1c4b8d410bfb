//! `content.look-alike-letters`: words in which letters of other alphabets stand for Latin ones (UTS 39 §4).

use crate::finding::{Finding, Kind};
use crate::impersonation::brand;
use crate::impersonation::forwarded::quoted_sender;
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// Octets of one text looked at.
const TEXT_OCTETS_MAX: usize = 24 << 10;
/// Octets of a subject or name looked at.
const SHOWN_OCTETS_MAX: usize = 400;
/// Words of fewer letters are formulas and units.
const WORD_LETTERS_MIN: usize = 4;
/// Shorter names look like other words.
const NAME_LETTERS_MIN: usize = 5;
/// One such word in the subject or name is enough; in a text a slip of the keyboard makes one or two.
const WORDS_MIN: usize = 3;

pub struct LookAlikeLetters;

impl Inspect for LookAlikeLetters {
    fn name(&self) -> &'static str {
        "content.look-alike-letters"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let shown = [mail.message.subject.as_str(), mail.message.from.display()];
        let quoted = quoted_sender(mail.message);
        let shown = shown.into_iter().chain(quoted.as_ref().map(|from| from.display.as_ref()));
        if let Some(word) = shown.clone().find_map(|text| mixed_words(text).next()) {
            findings.push(Finding::new("content.look-alike-letters", Kind::Phish, 4.0, format!("“{word}” in the subject or name")));
            return;
        }
        if let Some(word) = shown.clone().find_map(|text| exchanged_words(text).next()) {
            findings.push(Finding::new("content.look-alike-letters", Kind::Phish, 3.5, format!("“{word}” in the subject or name")));
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

/// Words of capitals in which a small L stands for an I, and the other way round.
fn exchanged_words(text: &str) -> impl Iterator<Item = &str> {
    let text = &text[..text.floor_char_boundary(SHOWN_OCTETS_MAX)];
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| is_exchanged(word))
}

fn is_exchanged(word: &str) -> bool {
    let capitals = word.chars().filter(|c| c.is_uppercase()).count();
    let small = word.chars().filter(|c| c.is_lowercase()).count();
    let small_l = word.matches('l').count();
    // "lRS", "VlAGRA"; "mL" and "HCl" are units and formulas.
    let is_shouted = small == small_l && small_l > 0 && capitals >= 2 && !word.ends_with('l') && word.chars().all(char::is_alphabetic);
    // "WaIIet"
    let is_spoken = || {
        word.match_indices("II").any(|(at, _)| {
            let before = word[..at].chars().next_back();
            let after = word[at + 2..].chars().next();
            before.is_some_and(char::is_lowercase) && after.is_some_and(char::is_lowercase)
        })
    };
    // "Iedger": a capital I where a known name has a small L.
    let is_named = || {
        let rest = word.strip_prefix('I').filter(|rest| rest.len() + 1 >= NAME_LETTERS_MIN && rest.chars().all(char::is_lowercase));
        rest.is_some_and(|rest| brand::named_in(&["l", rest].concat()).is_some_and(|named| named.is_alone && !named.is_disguised))
    };
    is_shouted || is_spoken() || is_named()
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
            '\u{251}'
            | '\u{261}'
            | '\u{269}'
            | '\u{28b}'
            | '\u{370}'..='\u{58f}'
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
    fn exchanged_letters_are_told_from_formulas() {
        for (text, want) in [
            ("lRS refund", true),
            ("CARTAO lTAU", true),
            ("VlAGRA", true),
            ("Your WaIIet", true),
            ("Open your Iedger", true),
            ("Internet and Ideas", false),
            ("Ing and Ikea", false),
            ("HCl, NaCl and 5 mL", false),
            ("World War II in LinkedIn", false),
            ("SQL, HTML and XML", false),
            ("El Niño", false),
            ("", false),
        ] {
            assert_eq!(exchanged_words(text).next().is_some(), want, "{text}");
        }
    }

    #[test]
    fn mixed_words_are_told_from_foreign_ones() {
        for (text, want) in [
            ("P\u{430}yp\u{430}l", true),
            ("\u{3a1}aypal", true),
            ("ｐａyｐａl", true),
            ("w\u{251}llet", true),
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
