//! Which article a question is about, by the ways in which people ask for each: complement naive Bayes over [`super::features`].
//!
//! In: examples, each of a class. Out: how much more a question is like one class than like all others. Made once at the start from what
//! is compiled in; pure and the same on every machine. Only what occurs in a class is kept, so it takes a few megabytes.

use super::asked::{self, NONE};
use super::features::{Feature, features};
use crate::help::articles::ARTICLES;
use std::collections::HashMap;
use std::sync::LazyLock;

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

/// Classes and what makes them likely.
#[derive(Debug)]
pub struct Guess {
    known: HashMap<Feature, Known>,
    /// What a question of length 1 begins with in each class.
    base: Vec<f32>,
}

#[derive(Debug, Default)]
struct Known {
    rarity: f32,
    /// Class, and what the feature adds to it beyond what it adds to all.
    adds: Vec<(u16, f32)>,
}

static GUESS: LazyLock<Guess> = LazyLock::new(|| Guess::new(&examples(), CLASSES));

/// Made of everything under `help/`.
pub fn guess() -> &'static Guess {
    &GUESS
}

impl Guess {
    pub fn new(examples: &[Example<'_>], classes: usize) -> Guess {
        let texts: Vec<Vec<(Feature, f32)>> = examples.iter().map(|(_, text, _)| features(text)).collect();
        let mut known: HashMap<Feature, Known> = HashMap::new();
        for (feature, _) in texts.iter().flatten() {
            known.entry(*feature).or_default().rarity += 1.0;
        }
        for one in known.values_mut() {
            one.rarity = (1.0 + examples.len() as f32 / one.rarity).ln().powf(RARITY);
        }
        let mut guess = Guess { known, base: vec![0.0; classes] };
        let mut totals = vec![0.0; classes];
        for ((class, _, weight), text) in examples.iter().zip(&texts) {
            for (feature, value) in guess.vector(text) {
                totals[*class] += value * weight;
                if let Some(known) = guess.known.get_mut(&feature) {
                    known.count(*class as u16, value * weight);
                }
            }
        }
        guess.finish(&totals);
        guess
    }

    /// Counts become logarithms of likelihood.
    fn finish(&mut self, totals: &[f32]) {
        let all: f32 = totals.iter().sum();
        let smooth = SMOOTH * self.known.len() as f32;
        for (base, total) in self.base.iter_mut().zip(totals) {
            *base = (all - total + smooth).ln() - (total + smooth).ln();
        }
        for known in self.known.values_mut() {
            let sum: f32 = known.adds.iter().map(|(_, count)| count).sum();
            let absent = SMOOTH.ln() - (sum + SMOOTH).ln();
            for (_, count) in &mut known.adds {
                *count = (*count + SMOOTH).ln() - (sum - *count + SMOOTH).ln() - absent;
            }
        }
    }

    /// Known features with their weights, of length 1.
    fn vector(&self, found: &[(Feature, f32)]) -> Vec<(Feature, f32)> {
        let weighed = found.iter().filter_map(|(feature, weight)| Some((*feature, weight * self.known.get(feature)?.rarity)));
        let mut vector: Vec<(Feature, f32)> = weighed.collect();
        let length = vector.iter().map(|(_, value)| value * value).sum::<f32>().sqrt().max(f32::EPSILON);
        vector.iter_mut().for_each(|(_, value)| *value /= length);
        vector
    }

    /// How likely each class is, as logarithms against each other; all the same when nothing of the question is known.
    pub fn scores(&self, question: &str) -> Vec<f32> {
        let vector = self.vector(&features(question));
        let length: f32 = vector.iter().map(|(_, value)| value).sum();
        let mut scores: Vec<f32> = self.base.iter().map(|base| base * length).collect();
        for (feature, value) in vector {
            for (class, add) in self.known.get(&feature).map(|known| known.adds.as_slice()).unwrap_or_default() {
                scores[usize::from(*class)] += value * add;
            }
        }
        scores
    }
}

impl Known {
    fn count(&mut self, class: u16, value: f32) {
        match self.adds.iter_mut().find(|(own, _)| *own == class) {
            Some((_, count)) => *count += value,
            None => self.adds.push((class, value)),
        }
    }
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
    fn what_is_guessed_is_the_same_every_time() {
        let question = "why does my mail wait 等了很久";
        assert_eq!(Guess::new(&examples(), CLASSES).scores(question), guess().scores(question));
    }

    fn ways() -> Vec<(usize, Asked)> {
        let files = ARTICLES.iter().map(|article| article.asked).chain([NONE]).enumerate();
        files
            .flat_map(|(class, text)| asked::read(text).into_iter().map(move |one| (class, one)))
            .filter(|(_, one)| one.lang.is_some())
            .collect()
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
            let texts: std::collections::HashSet<&str> = left_out.iter().map(|(_, one)| one.text).collect();
            let rest: Vec<Example<'_>> =
                examples().into_iter().filter(|(_, text, weight)| *weight != ASKED || !texts.contains(text)).collect();
            let guess = Guess::new(&rest, CLASSES);
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
