//! Which article a question is about, by the ways in which people ask for each: complement naive Bayes over [`super::features`].
//!
//! In: examples, each of a class. Out: how much more a question is like one class than like all others. Made once, when first asked for, from what
//! is compiled in; pure and the same on every machine. Only what occurs in a class is kept, so it takes a few megabytes.

use super::asked::{self, NONE};
use super::features::{Feature, features};
use crate::help::articles::ARTICLES;
use std::sync::OnceLock;

/// A text and the class that it belongs to.
pub type Example<'a> = (usize, &'a str, f32);

/// Class of what this help knows nothing about; the others are places in [`ARTICLES`].
pub const FOREIGN: usize = ARTICLES.len();
const CLASSES: usize = ARTICLES.len() + 1;

/// What each example counts: a way to ask, a line of an article, a title, a single word of other matters.
const ASKED: f32 = 1.0;
const LINE: f32 = 0.35;
const TITLE: f32 = 0.7;
const WORD: f32 = 0.5;
/// What is added to every count, so that what was never seen is not impossible.
const SMOOTH: f32 = 0.05;
/// How much more rare features count.
const RARITY: f32 = 0.7;

/// Classes and what makes them likely: plain lists in the order of the features, a few octets for each.
#[derive(Debug)]
pub struct Guess {
    /// In order.
    features: Box<[Feature]>,
    rarity: Box<[f32]>,
    /// Where the additions of a feature end; they begin where those of the one before end.
    ends: Box<[u32]>,
    /// Class, and what the feature adds to it beyond what it adds to all.
    classes: Box<[u16]>,
    adds: Box<[f32]>,
    /// What a question of length 1 begins with in each class.
    base: Box<[f32]>,
}

/// What the examples of a class add to a feature, by the place of the feature.
type Counted = (u32, u16, f32);

/// A feature of an example, by the example's place.
type Found = (Feature, u32, f32);

static GUESS: OnceLock<Guess> = OnceLock::new();

/// Made of everything under `help/`, when it is first asked for.
pub fn guess() -> &'static Guess {
    GUESS.get_or_init(|| Guess::new(&examples(), CLASSES))
}

pub fn is_made() -> bool {
    GUESS.get().is_some()
}

impl Guess {
    /// `examples` in the order of their classes.
    pub fn new(examples: &[Example<'_>], classes: usize) -> Guess {
        debug_assert!(examples.is_sorted_by_key(|(class, ..)| *class));
        // One large list goes back to the system as a whole; a list for each feature, or each example, leaves holes.
        let mut found: Vec<Found> = Vec::new();
        for (at, (_, text, _)) in examples.iter().enumerate() {
            found.extend(features(text).into_iter().map(|(feature, weight)| (feature, at as u32, weight)));
        }
        found.sort_unstable_by_key(|(feature, at, _)| (*feature, *at));
        let (mut known, mut rarity, mut squares) = (Vec::new(), Vec::new(), vec![0.0; examples.len()]);
        for same in found.chunk_by_mut(|one, next| one.0 == next.0) {
            let rare = (1.0 + examples.len() as f32 / same.len() as f32).ln().powf(RARITY);
            for (_, at, value) in same.iter_mut() {
                *value *= rare;
                squares[*at as usize] += *value * *value;
            }
            known.push(same[0].0);
            rarity.push(rare);
        }
        let (mut totals, mut counted) = (vec![0.0; classes], Vec::<Counted>::new());
        for (place, same) in found.chunk_by(|one, next| one.0 == next.0).enumerate() {
            for (_, at, value) in same {
                let (class, _, weight) = examples[*at as usize];
                let value = value / length(squares[*at as usize]) * weight;
                totals[class] += value;
                match counted.last_mut() {
                    Some(last) if (last.0, last.1) == (place as u32, class as u16) => last.2 += value,
                    _ => counted.push((place as u32, class as u16, value)),
                }
            }
        }
        Guess::finished(known.into(), rarity.into(), &counted, &totals)
    }

    /// Counts become logarithms of likelihood.
    fn finished(features: Box<[Feature]>, rarity: Box<[f32]>, counted: &[Counted], totals: &[f32]) -> Guess {
        let all: f32 = totals.iter().sum();
        let smooth = SMOOTH * features.len() as f32;
        let base = totals.iter().map(|total| (all - total + smooth).ln() - (total + smooth).ln()).collect();
        let (mut ends, mut adds) = (vec![0; features.len()], Vec::with_capacity(counted.len()));
        for of_feature in counted.chunk_by(|one, next| one.0 == next.0) {
            let sum: f32 = of_feature.iter().map(|(_, _, count)| count).sum();
            let absent = SMOOTH.ln() - (sum + SMOOTH).ln();
            adds.extend(of_feature.iter().map(|(_, _, count)| (count + SMOOTH).ln() - (sum - count + SMOOTH).ln() - absent));
            ends[of_feature[0].0 as usize] = adds.len() as u32;
        }
        Guess {
            features,
            rarity,
            ends: ends.into(),
            classes: counted.iter().map(|(_, class, _)| *class).collect(),
            adds: adds.into(),
            base,
        }
    }

    /// How likely each class is, as logarithms against each other; all the same when nothing of the question is known.
    pub fn scores(&self, question: &str) -> Vec<f32> {
        let place = |feature: Feature| self.features.binary_search(&feature).ok();
        let vector = vector(&features(question), |feature| place(feature).map(|at| (at, self.rarity[at])));
        let length: f32 = vector.iter().map(|(_, value)| value).sum();
        let mut scores: Vec<f32> = self.base.iter().map(|base| base * length).collect();
        for (at, value) in vector {
            let begin = if at == 0 { 0 } else { self.ends[at - 1] as usize };
            let own = begin..self.ends[at] as usize;
            for (class, add) in self.classes[own.clone()].iter().zip(&self.adds[own]) {
                scores[usize::from(*class)] += value * add;
            }
        }
        scores
    }

    /// Of the classes of this help.
    #[cfg(test)]
    pub fn of(examples: &[Example<'_>]) -> Guess {
        Guess::new(examples, CLASSES)
    }

    /// Octets that it takes.
    #[cfg(test)]
    fn octets(&self) -> usize {
        size_of_val(&*self.features)
            + size_of_val(&*self.rarity)
            + size_of_val(&*self.ends)
            + size_of_val(&*self.classes)
            + size_of_val(&*self.adds)
    }
}

/// Length of a vector of which the squares sum up to this.
fn length(squares: f32) -> f32 {
    squares.sqrt().max(f32::EPSILON)
}

/// Known features by their places with their weights, of length 1. `known` gives the place of a feature and how rare it is.
fn vector(found: &[(Feature, f32)], known: impl Fn(Feature) -> Option<(usize, f32)>) -> Vec<(usize, f32)> {
    let weighed = found.iter().filter_map(|(feature, weight)| known(*feature).map(|(at, rarity)| (at, weight * rarity)));
    let mut vector: Vec<(usize, f32)> = weighed.collect();
    let length = length(vector.iter().map(|(_, value)| value * value).sum());
    vector.iter_mut().for_each(|(_, value)| *value /= length);
    vector
}

/// Ways to ask, the articles line by line, and words of other matters.
pub fn examples() -> Vec<Example<'static>> {
    let mut found = Vec::new();
    for (class, article) in ARTICLES.iter().enumerate() {
        found.extend(asked::read(article.asked).into_iter().map(|one| (class, one.text, ASKED)));
        for line in article.english.lines().chain(article.chinese.lines()).filter(|line| !line.trim().is_empty()) {
            match line.strip_prefix("<!-- asked:").and_then(|rest| rest.strip_suffix("-->")) {
                Some(words) => found.extend(words.split([',', '，', '、']).map(|word| (class, word.trim(), LINE))),
                None => found.push((class, line, if line.starts_with("# ") { TITLE } else { LINE })),
            }
        }
    }
    found.extend(asked::read(NONE).into_iter().map(|one| (FOREIGN, one.text, if one.is_word() { WORD } else { ASKED })));
    let words = include_str!("foreign.txt").lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    found.extend(words.map(|word| (FOREIGN, word, WORD)));
    found
}

/// All ways to ask with the class of each, without single words.
#[cfg(test)]
pub fn ways() -> Vec<(usize, asked::Asked)> {
    let files = ARTICLES.iter().map(|article| article.asked).chain([NONE]).enumerate();
    let all = files.flat_map(|(class, text)| asked::read(text).into_iter().map(move |one| (class, one)));
    all.filter(|(_, one)| one.lang.is_some()).collect()
}

/// [`examples`] without the ways of writing that are left out, to measure with.
#[cfg(test)]
pub fn examples_without(is_left_out: &dyn Fn(&str) -> bool) -> Vec<Example<'static>> {
    let texts: std::collections::HashSet<&str> = ways().iter().filter(|(_, one)| is_left_out(one.way)).map(|(_, one)| one.text).collect();
    examples().into_iter().filter(|(_, text, weight)| *weight != ASKED || !texts.contains(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::search::asked::Asked;
    use std::collections::BTreeMap;

    fn best(scores: &[f32]) -> usize {
        (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or_default()
    }

    #[test]
    fn a_class_is_told_by_what_only_it_has() {
        let examples =
            [(0, "release a held mail", 1.0), (0, "let a mail out", 1.0), (1, "the certificate expires", 1.0), (2, "放行邮件", 1.0)];
        let guess = Guess::new(&examples, 3);
        for (question, want) in [("relasing mails", 0), ("our certficate", 1), ("怎么放行", 2)] {
            assert_eq!(best(&guess.scores(question)), want, "{question}");
        }
        assert!(guess.scores("zzz").iter().all(|score| *score == 0.0), "nothing of it is known");
    }

    #[test]
    fn it_takes_a_few_megabytes() {
        let octets = guess().octets();
        assert!(octets < 12 << 20, "{octets} octets, {} features", guess().features.len());
        println!("{octets} octets, {} features, {} additions", guess().features.len(), guess().adds.len());
    }

    #[test]
    fn what_is_guessed_is_the_same_every_time() {
        let question = "why does my mail wait 等了很久";
        assert_eq!(Guess::new(&examples(), CLASSES).scores(question), guess().scores(question));
    }

    /// Each way of writing is guessed from the others alone. `GATEPOST_MEASURE=1`, as it learns anew for each.
    #[test]
    fn ways_that_were_left_out_are_still_guessed() {
        if std::env::var_os("GATEPOST_MEASURE").is_none() {
            return;
        }
        let ways = ways();
        let names: std::collections::BTreeSet<&str> = ways.iter().map(|(_, one)| one.way).collect();
        let mut tallies: BTreeMap<(bool, &str, &str), [usize; 3]> = BTreeMap::new();
        for name in names {
            let left_out: Vec<&(usize, Asked)> = ways.iter().filter(|(_, one)| one.way == name).collect();
            let guess = Guess::of(&examples_without(&|way| way == name));
            for (class, one) in left_out {
                let scores = guess.scores(one.text);
                let place = scores.iter().filter(|score| **score > scores[*class]).count();
                for way in [name, "all"] {
                    let tag = one.lang.map_or("", |lang| lang.tag());
                    let tally = tallies.entry((*class == FOREIGN, tag, way)).or_default();
                    *tally = [tally[0] + 1, tally[1] + usize::from(place == 0), tally[2] + usize::from(place < 3)];
                }
            }
        }
        for ((is_foreign, lang, way), [asked, first, third]) in tallies {
            let what = if is_foreign { "of other matters" } else { "in scope" };
            let share = |part: usize| part as f64 * 100.0 / asked as f64;
            println!("{what}, {lang}, {way} left out: {asked} asked, {:.1} % first, {:.1} % in three", share(first), share(third));
            assert!(way != "all" || share(first) > 60.0, "{what}, {lang}");
        }
    }
}
