//! What a text is compared by when it is guessed what it is about: words, pairs of words, pieces of words (so that misspellings and
//! other endings still count), Chinese characters alone and with their neighbours, ideas of the lexicon and groups of words that mean
//! much the same, which both languages share, and which of these groups come together.

use super::lexicon::{FORM_HAN_MAX, FORM_WORDS_MAX, Idea, lexicon};
use super::query::QUERY_CHARS_MAX;
use super::synonyms::{self, Group, groups};
use super::words::{Piece, pieces, stem};

/// What one feature counts beside others.
const WORD: f32 = 1.0;
const PAIR: f32 = 1.0;
const PIECE: f32 = 0.25;
const IDEA: f32 = 1.5;
const GROUP: f32 = 1.0;
const TOGETHER: f32 = 0.4;
const HAN: f32 = 0.7;
const HAN_TWO: f32 = 1.0;
const HAN_THREE: f32 = 0.4;
/// Characters of a piece of a word.
const PIECE_MIN: usize = 3;
const PIECE_MAX: usize = 5;
/// Groups of a text that are taken together.
const GROUPS_MAX: usize = 16;

/// Number of a feature: the same on every machine.
pub type Feature = u64;

/// Features of a text, by number, each once with its weight.
pub fn features(text: &str) -> Vec<(Feature, f32)> {
    let text: String = text.chars().take(QUERY_CHARS_MAX).collect();
    let (mut found, mut meant) = (Vec::new(), Vec::new());
    let mut run: Vec<String> = Vec::new();
    for piece in pieces(&text) {
        match piece {
            Piece::Word(word) => run.push(word),
            Piece::Han(han) => {
                of_words(&std::mem::take(&mut run), &mut found, &mut meant);
                of_han(&han, &mut found, &mut meant);
            }
        }
    }
    of_words(&run, &mut found, &mut meant);
    together(meant, &mut found);
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    found.dedup_by_key(|feature| feature.0);
    found
}

/// What is meant, and each two of it.
fn together(mut meant: Vec<Group>, found: &mut Vec<(Feature, f32)>) {
    meant.sort_unstable();
    meant.dedup();
    meant.truncate(GROUPS_MAX);
    let names: Vec<String> = meant.iter().map(Group::to_string).collect();
    for (at, one) in names.iter().enumerate() {
        found.push((number(b's', [one.as_str()]), GROUP));
        found.extend(names[at + 1..].iter().map(|other| (number(b'p', [one.as_str(), " ", other]), TOGETHER)));
    }
}

fn of_words(words: &[String], found: &mut Vec<(Feature, f32)>, meant: &mut Vec<Group>) {
    let stems: Vec<String> = words.iter().map(|word| stem(word)).collect();
    for at in 0..stems.len() {
        found.push((number(b'w', [stems[at].as_str()]), WORD));
        meant.extend(groups(&stems[at]));
        if let Some(next) = stems.get(at + 1) {
            found.push((number(b'b', [stems[at].as_str(), " ", next]), PAIR));
        }
        for count in 1..=FORM_WORDS_MAX.min(stems.len() - at) {
            ideas(lexicon().of_stems(&stems[at..at + count]), found);
        }
        let marked = format!("^{}$", words[at]);
        let ends: Vec<usize> = marked.char_indices().map(|(place, _)| place).chain([marked.len()]).collect();
        for count in PIECE_MIN..=PIECE_MAX.min(ends.len().saturating_sub(2)) {
            found.extend(ends.windows(count + 1).map(|place| (number(b'c', [&marked[place[0]..place[count]]]), PIECE)));
        }
    }
}

fn of_han(han: &[char], found: &mut Vec<(Feature, f32)>, meant: &mut Vec<Group>) {
    for at in 0..han.len() {
        for (count, weight) in [(1, HAN), (2, HAN_TWO), (3, HAN_THREE)] {
            if let Some(run) = han.get(at..at + count) {
                let run: String = run.iter().collect();
                found.push((number(b'h', [run.as_str()]), weight));
            }
        }
        let form = |count: usize| han[at..at + count].iter().collect::<String>();
        let longest = (1..=FORM_HAN_MAX.min(han.len() - at)).rev();
        ideas(longest.filter_map(|count| lexicon().of_han(&form(count))).next(), found);
        let mut longest = (1..=synonyms::HAN_MAX.min(han.len() - at)).rev();
        meant.extend(longest.find_map(|count| Some(groups(&form(count))).filter(|groups| !groups.is_empty())).unwrap_or_default());
    }
}

fn ideas(ideas: Option<&[Idea]>, found: &mut Vec<(Feature, f32)>) {
    found.extend(ideas.unwrap_or_default().iter().map(|idea| (number(b'i', [idea.to_string().as_str()]), IDEA)));
}

/// FNV-1a over a kind and a text.
fn number<const N: usize>(kind: u8, texts: [&str; N]) -> Feature {
    const START: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let octets = texts.iter().flat_map(|text| text.bytes());
    [kind].into_iter().chain(octets).fold(START, |sum, octet| (sum ^ u64::from(octet)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(one: &str, other: &str) -> usize {
        let other = features(other);
        features(one).iter().filter(|feature| other.iter().any(|own| own.0 == feature.0)).count()
    }

    #[test]
    fn what_means_the_same_shares_features() {
        assert!(shared("quarantine", "quarentine") >= 8, "a misspelling");
        assert!(shared("released mails", "releasing a mail") > shared("released mails", "the weather"), "another ending");
        assert!(shared("quarantine", "隔离") > 0, "the other language");
        assert!(shared("隔離區", "隔离区") >= 6, "traditional characters");
        assert_eq!(shared("", "mail"), 0);
    }

    #[test]
    fn a_feature_comes_once_and_long_texts_end() {
        let long = "mail ".repeat(10_000);
        let found = features(&long);
        assert!(found.windows(2).all(|pair| pair[0].0 < pair[1].0) && found.len() < 100, "{}", found.len());
    }
}
