//! All parts of all articles by their terms, and how well each answers a question (BM25 over fields).
//!
//! In: [`Entry`]s, each with parts in both languages. Out: [`Found`], best first, with how much of the question it covers. Both languages
//! of a part are one document: who asks in one finds what is written in the other. Pure; a question costs the postings of its terms.

use super::lexicon::{FORM_HAN_MAX, FORM_WORDS_MAX, lexicon};
use super::query::{Unit, term_of, units};
use super::words::{Piece, is_han, pieces, stem};
use std::collections::HashMap;

/// What an article is for the search.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// In both languages.
    pub titles: Vec<String>,
    /// Other words for all of it.
    pub also: Vec<String>,
    pub parts: Vec<EntryPart>,
    /// How much it counts against others that fit as well: tasks more than reference.
    pub rank: f32,
}

/// A part below one heading.
#[derive(Debug, Clone, Default)]
pub struct EntryPart {
    pub headings: Vec<String>,
    pub also: Vec<String>,
    pub bodies: Vec<String>,
}

/// Weights of fields.
const TITLE: f32 = 3.0;
const ALSO: f32 = 2.6;
const HEADING: f32 = 2.6;
const PART_ALSO: f32 = 3.0;
const BODY: f32 = 1.0;
/// BM25: how soon more of the same adds nothing, and how much long texts lose.
const K1: f32 = 8.0;
const B: f32 = 0.5;
/// What the whole article adds to its best part.
const WHOLE: f32 = 0.45;
/// What is said of all of an article is best answered by its beginning.
const BEGINNING: f32 = 1.1;
/// Weight of a term that stands nowhere, as that of a rare one.
const UNKNOWN: f32 = 3.4;
const RAREST: f32 = 5.0;

/// A part of an article that answers a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Places in what the index was made of.
    pub entry: usize,
    pub part: usize,
    pub score: f32,
    /// Share of what was asked that its article speaks of, 0 to 1.
    pub covers: f32,
}

/// Where a term stands.
#[derive(Debug)]
struct Term {
    /// Documents with its weighted frequency.
    postings: Box<[(u32, f32)]>,
    /// Articles that have it.
    having: u32,
}

#[derive(Debug, Default)]
pub struct Index {
    terms: HashMap<Box<str>, Term>,
    /// Document → entry and part.
    documents: Vec<(u32, u32)>,
    lengths: Vec<f32>,
    mean: f32,
    ranks: Vec<f32>,
}

impl Index {
    pub fn new(entries: &[Entry]) -> Index {
        let mut index = Index::default();
        let mut postings = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            index.ranks.push(entry.rank);
            for part in 0..entry.parts.len() {
                index.add(&mut postings, at, (entry, part));
            }
        }
        let total: f32 = index.lengths.iter().sum();
        let term = |(term, places): (String, Vec<(u32, f32)>)| {
            let having = index.articles(&places);
            (term.into_boxed_str(), Term { postings: places.into(), having })
        };
        index.terms = postings.into_iter().map(term).collect();
        index.mean = (total / index.lengths.len().max(1) as f32).max(1.0);
        index
    }

    fn add(&mut self, postings: &mut HashMap<String, Vec<(u32, f32)>>, at: usize, (entry, part): (&Entry, usize)) {
        let document = self.documents.len() as u32;
        self.documents.push((at as u32, part as u32));
        let own = &entry.parts[part];
        let mut counts: HashMap<String, f32> = HashMap::new();
        let fields = [(&entry.titles, TITLE), (&entry.also, ALSO), (&own.headings, HEADING), (&own.also, PART_ALSO), (&own.bodies, BODY)];
        let mut length = 0.0;
        for (texts, weight) in fields {
            for text in texts {
                let terms = terms(text);
                length += if weight == BODY { terms.len() as f32 } else { 0.0 };
                for term in terms {
                    *counts.entry(term).or_default() += weight;
                }
            }
        }
        self.lengths.push(length);
        for (term, count) in counts {
            postings.entry(term).or_default().push((document, count));
        }
    }

    /// Postings come by article, so that each is counted where it begins.
    fn articles(&self, places: &[(u32, f32)]) -> u32 {
        let mut entries: Vec<u32> = places.iter().map(|(document, _)| self.documents[*document as usize].0).collect();
        entries.dedup();
        entries.len() as u32
    }

    /// How rare a term is; `None` when it stands nowhere.
    fn rarity(&self, term: &str) -> Option<f32> {
        let (all, having) = (self.ranks.len() as f32, self.terms.get(term)?.having as f32);
        Some((1.0 + (all - having + 0.5) / (having + 0.5)).ln().min(RAREST))
    }

    /// Parts that answer `question`, the best of each article, best first, at most `most`.
    pub fn find(&self, question: &str, most: usize) -> Vec<Found> {
        let units = units(question, &|term| self.terms.contains_key(term));
        let weights: Vec<f32> = units.iter().map(|unit| self.weight(unit)).collect();
        let total: f32 = weights.iter().sum();
        let mut scores: HashMap<u32, Vec<f32>> = HashMap::new();
        for (at, unit) in units.iter().enumerate() {
            self.score(unit, |document, score| {
                let own = scores.entry(document).or_insert_with(|| vec![0.0; units.len()]);
                own[at] = own[at].max(score);
            });
        }
        let mut entries: HashMap<u32, (u32, f32, Vec<f32>)> = HashMap::new();
        for (document, own) in scores {
            let (entry, part) = self.documents[document as usize];
            let sum: f32 = own.iter().sum::<f32>() * if part == 0 { BEGINNING } else { 1.0 };
            let best = entries.entry(entry).or_insert_with(|| (part, -1.0, vec![0.0; units.len()]));
            if sum > best.1 || (sum == best.1 && part < best.0) {
                (best.0, best.1) = (part, sum);
            }
            for (whole, score) in best.2.iter_mut().zip(&own) {
                *whole = whole.max(*score);
            }
        }
        let found = entries.into_iter().map(|(entry, (part, sum, whole))| {
            let has = |at: &usize| whole[*at] > 0.0;
            let covered: f32 = (0..units.len()).filter(has).map(|at| weights[at]).sum();
            let score = (sum + WHOLE * whole.iter().sum::<f32>()) * self.ranks[entry as usize];
            Found { entry: entry as usize, part: part as usize, score, covers: covered / total.max(f32::EPSILON) }
        });
        let mut found: Vec<Found> = found.collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.entry.cmp(&b.entry)));
        found.truncate(most);
        found
    }

    /// How much it says that a unit is covered, or is not.
    fn weight(&self, unit: &Unit) -> f32 {
        let rarest = unit
            .ways
            .iter()
            .filter_map(|way| self.rarity(&way.term))
            .fold(None, |most: Option<f32>, one| Some(most.map_or(one, |most| most.min(one))));
        unit.weight * rarest.unwrap_or(UNKNOWN)
    }

    fn score(&self, unit: &Unit, mut each: impl FnMut(u32, f32)) {
        for way in &unit.ways {
            let (Some(rarity), Some(term)) = (self.rarity(&way.term), self.terms.get(way.term.as_str())) else { continue };
            for (document, count) in &term.postings {
                let length = 1.0 - B + B * self.lengths[*document as usize] / self.mean;
                let frequency = count / length;
                each(*document, unit.weight * way.factor * rarity * frequency / (K1 + frequency));
            }
        }
    }
}

/// Terms of a text: stems, pairs and single characters of Chinese, forms of the lexicon, ideas.
fn terms(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut stems: Vec<String> = Vec::new();
    let flush = |stems: &mut Vec<String>, found: &mut Vec<String>| {
        for at in 0..stems.len() {
            for count in 1..=FORM_WORDS_MAX.min(stems.len() - at) {
                let ideas = lexicon().of_stems(&stems[at..at + count]).unwrap_or_default();
                found.extend(ideas.iter().map(|idea| term_of(*idea)));
            }
        }
        found.append(stems);
    };
    for piece in pieces(text) {
        match piece {
            Piece::Word(word) if lexicon().is_idle(&word) && lexicon().of_stems(&[stem(&word)]).is_none() => stems.push(stem(&word)),
            Piece::Word(word) => stems.push(stem(&word)),
            Piece::Han(han) => {
                flush(&mut stems, &mut found);
                of_han(&han, &mut found);
            }
        }
    }
    flush(&mut stems, &mut found);
    found.retain(|term| !lexicon().is_idle(term) || term.chars().any(is_han));
    found
}

fn of_han(han: &[char], found: &mut Vec<String>) {
    for at in 0..han.len() {
        found.push(han[at].to_string());
        let alone = han[at].to_string();
        let mut longest = lexicon().of_han(&alone).is_some().then_some(alone);
        for count in 2..=FORM_HAN_MAX.min(han.len() - at) {
            let form: String = han[at..at + count].iter().collect();
            if count == 2 {
                found.push(form.clone());
            }
            if lexicon().of_han(&form).is_some() {
                longest = Some(form);
            }
        }
        if let Some(form) = longest {
            let ideas = lexicon().of_han(&form).unwrap_or_default();
            found.extend(ideas.iter().map(|idea| term_of(*idea)));
            if form.chars().count() > 2 {
                found.push(form);
            }
        }
    }
}
