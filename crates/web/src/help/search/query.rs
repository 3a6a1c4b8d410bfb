//! A question as units: what has to be found, each with the ways in which it may be written.

use super::lexicon::{FORM_HAN_MAX, FORM_WORDS_MAX, Idea, lexicon};
use super::words::{Piece, distance, pieces, stem};

/// Characters of a question that are looked at, and units that are kept.
pub const QUERY_CHARS_MAX: usize = 600;
const UNITS_MAX: usize = 40;
/// Words that are compared with a misspelled one.
const MENDED_MAX: usize = 3;

/// One way to write a unit, and how much it is worth against the word itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    pub term: String,
    pub factor: f32,
}

/// One thing that is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    pub ways: Vec<Way>,
    /// How much its absence says: 1 a word of its own, less everyday talk.
    pub weight: f32,
}

/// Worth of another word for the same idea, of a mended misspelling, and of one pair of characters.
const IDEA: f32 = 1.0;
const MENDED: f32 = 0.8;
/// A word that names no idea of the field, and one of everyday talk.
const WORD_WEIGHT: f32 = 0.35;
const COMMON_WEIGHT: f32 = 0.25;
const ASIDE_WEIGHT: f32 = 0.12;
const FOREIGN_WEIGHT: f32 = 1.5;
const PAIR_WEIGHT: f32 = 0.45;

/// The term under which an idea is kept.
pub fn term_of(idea: Idea) -> String {
    format!("§{idea}")
}

/// The units of a question. `knows` says whether a stem stands in any text.
pub fn units(question: &str, knows: &dyn Fn(&str) -> bool) -> Vec<Unit> {
    let question = without_addresses(&question.chars().take(QUERY_CHARS_MAX).collect::<String>(), knows);
    let mut found = Vec::new();
    let mut run: Vec<String> = Vec::new();
    for piece in pieces(&question) {
        match piece {
            Piece::Word(word) => run.push(word),
            Piece::Han(han) => {
                english(&std::mem::take(&mut run), knows, &mut found);
                chinese(&han, &mut found);
            }
        }
    }
    english(&run, knows, &mut found);
    let mut kept: Vec<Unit> = Vec::new();
    for unit in found {
        if unit.ways.is_empty() || !kept.iter().any(|other| other.ways == unit.ways) {
            kept.push(unit);
        }
    }
    kept.truncate(UNITS_MAX);
    kept
}

/// Addresses and names of hosts say whom a question is about, not what it is about.
fn without_addresses(question: &str, knows: &dyn Fn(&str) -> bool) -> String {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '_' | '+');
    let mut kept = String::new();
    let mut rest = question;
    while let Some(from) = rest.find(is_inside) {
        kept.push_str(&rest[..from]);
        let word = rest[from..].split(|c: char| !is_inside(c)).next().unwrap_or_default();
        let bare = word.trim_matches(['.', '-', '_', '+']).to_lowercase();
        let last = bare.rsplit('.').next().unwrap_or_default();
        let is_host = bare.contains('.') && last.len() > 1 && last.chars().all(|c| c.is_ascii_alphabetic());
        kept.push_str(if bare.contains('@') || (is_host && !knows(&bare)) { " " } else { word });
        rest = &rest[from + word.len()..];
    }
    kept.push_str(rest);
    kept
}

fn english(words: &[String], knows: &dyn Fn(&str) -> bool, found: &mut Vec<Unit>) {
    let words: Vec<String> = words.iter().map(|word| mended(word, knows)).collect();
    let stems: Vec<String> = words.iter().map(|word| stem(word)).collect();
    let mut at = 0;
    while at < words.len() {
        let longest = (1..=FORM_WORDS_MAX.min(words.len() - at)).rev();
        let fits = longest.filter_map(|count| Some((count, lexicon().of_stems(&stems[at..at + count])?)));
        // A word that alone says nothing still counts within a form of several.
        let form = fits.into_iter().find(|(count, _)| *count > 1 || !lexicon().is_idle(&words[at]));
        match form {
            Some((count, ideas)) => {
                let mut ways: Vec<Way> = Vec::new();
                if count == 1 {
                    ways.push(Way { term: stems[at].clone(), factor: 1.0 });
                }
                ways.extend(ideas.iter().map(|idea| Way { term: term_of(*idea), factor: IDEA }));
                found.push(unit(ways, ideas));
                at += count;
            }
            None => {
                if lexicon().is_foreign(&words[at]) {
                    found.push(foreign());
                } else if !lexicon().is_idle(&words[at]) && words[at].len() > 1 {
                    let weight = if lexicon().is_common(&words[at]) { COMMON_WEIGHT } else { WORD_WEIGHT };
                    found.push(Unit { ways: vec![Way { term: stems[at].clone(), factor: 1.0 }], weight });
                }
                at += 1;
            }
        }
    }
}

/// Something that nothing here speaks of.
fn foreign() -> Unit {
    Unit { ways: Vec::new(), weight: FOREIGN_WEIGHT }
}

fn unit(ways: Vec<Way>, ideas: &[Idea]) -> Unit {
    let is_aside = ideas.iter().all(|idea| lexicon().is_aside(*idea));
    Unit { ways, weight: if is_aside { ASIDE_WEIGHT } else { 1.0 } }
}

/// A word that nobody knows becomes the word of the field that it is nearest to.
fn mended(word: &str, knows: &dyn Fn(&str) -> bool) -> String {
    const SHORTEST: usize = 4;
    let lexicon = lexicon();
    let is_known = knows(&stem(word))
        || lexicon.is_foreign(word)
        || lexicon.is_idle(word)
        || lexicon.is_common(word)
        || lexicon.of_stems(&[stem(word)]).is_some();
    if is_known || word.len() < SHORTEST || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word.to_string();
    }
    let most = if word.len() > 6 { 2 } else { 1 };
    let near = lexicon.words().filter(|other| other.len() >= SHORTEST && other.as_bytes()[0] == word.as_bytes()[0]);
    let mut near: Vec<(usize, &str)> = near.filter_map(|other| Some((distance(word, other, most)?, other))).collect();
    near.sort_unstable();
    near.truncate(MENDED_MAX);
    near.first().map_or_else(|| word.to_string(), |(_, other)| (*other).to_string())
}

/// The longest forms first, from the left; what is left over becomes pairs.
fn chinese(han: &[char], found: &mut Vec<Unit>) {
    let (mut at, mut rest) = (0, Vec::new());
    while at < han.len() {
        let longest = (1..=FORM_HAN_MAX.min(han.len() - at)).rev();
        let taken = longest.filter_map(|count| {
            let form: String = han[at..at + count].iter().collect();
            if let Some(ideas) = lexicon().of_han(&form) {
                return Some((count, Some((form, ideas))));
            }
            if lexicon().is_foreign_han(&form) {
                return Some((count, Some((form, &[][..]))));
            }
            (lexicon().is_idle_han(&form) || (count > 1 && lexicon().is_common_han(&form))).then_some((count, None))
        });
        match taken.into_iter().next() {
            Some((count, form)) => {
                left_over(&std::mem::take(&mut rest), found);
                if let Some((_, [])) = form {
                    found.push(foreign());
                } else if let Some((form, ideas)) = form {
                    let mut ways = vec![Way { term: form, factor: 1.0 }];
                    ways.extend(ideas.iter().map(|idea| Way { term: term_of(*idea), factor: IDEA }));
                    found.push(unit(ways, ideas));
                }
                at += count;
            }
            None => {
                rest.push(han[at]);
                at += 1;
            }
        }
    }
    left_over(&rest, found);
}

fn left_over(rest: &[char], found: &mut Vec<Unit>) {
    let pair = |pair: &[char], weight: f32| Unit { ways: vec![Way { term: pair.iter().collect(), factor: MENDED }], weight };
    match rest {
        [] => {}
        [_] => found.push(pair(rest, COMMON_WEIGHT)),
        _ => found.extend(rest.windows(2).map(|two| pair(two, PAIR_WEIGHT))),
    }
}
