//! One answer out of two opinions: what articles say ([`super::index`]), and how people ask for them ([`super::guess`]).

use super::guess::{FOREIGN, guess};
use super::index::{Found, Index};

/// What the first of those that are found is to the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// It answers it.
    Answer,
    /// It may, as the question is rather for this help than of other matters.
    Perhaps,
    /// It shares words with it.
    Resembles,
}

/// What is found, best first.
#[derive(Debug)]
pub struct Answers {
    pub found: Vec<Found>,
    pub fit: Fit,
}

/// Entries of the index that are looked at: all that share a word with a question.
const LOOKED_AT: usize = 2_000;
/// What the words of articles count beside how people ask; less for what is told in a line and has no ways to ask of its own.
const WORDS: f32 = 0.15;
const WORDS_OF_OTHERS: f32 = 0.08;
/// How likely an article has to be to be listed for how people ask alone.
const LIKELY_MIN: f32 = 0.02;
/// Share of a question that an article has to speak of to be listed for its words alone.
const COVERS_MIN: f32 = 0.34;
/// How much nearer a question has to be to an article than to other matters, and how much less when articles speak of all of it. Between
/// refusing too much and too little on ways to ask that were left out (the test below prints both): where about a sixth of what is ours is not
/// answered, most of which is still named as what may be meant.
const NEARER_MIN: f32 = 2.3;
const COVERED: f32 = 1.8;
/// The same to be named where no answer is given: as near as other matters.
const PERHAPS_MIN: f32 = 0.0;
/// Least share of the likeliest article, if articles do not speak of the question either: below, nothing points anywhere.
const SHARE_MIN: f32 = 0.1;

/// Articles for `question`. The first entries of the index are the classes of the guess.
pub fn answers(index: &Index, question: &str, most: usize) -> Answers {
    let words = index.find(question, LOOKED_AT);
    let scores = guess().scores(question);
    let best = scores[..FOREIGN].iter().copied().fold(f32::MIN, f32::max);
    let covers = words.first().map_or(0.0, |first| first.covers);
    let is_known = best != 0.0;
    let likely = shares(&scores[..FOREIGN], best);
    let points = covers >= COVERS_MIN || likely.iter().any(|share| *share >= SHARE_MIN);
    let nearer = best - scores[FOREIGN] + COVERED * covers;
    let fit = match is_known && points {
        true if nearer > NEARER_MIN => Fit::Answer,
        true if nearer > PERHAPS_MIN => Fit::Perhaps,
        _ => Fit::Resembles,
    };
    let total: f32 = words.iter().map(|found| found.score).sum::<f32>().max(f32::EPSILON);
    let mut found: Vec<Found> = words
        .into_iter()
        .map(|mut one| {
            let (likely, weight) = likely.get(one.entry).map_or((0.0, WORDS_OF_OTHERS), |likely| (*likely, WORDS));
            one.score = likely + weight * one.score / total;
            one
        })
        .collect();
    for (entry, likely) in likely.iter().enumerate().filter(|(_, likely)| is_known && **likely >= LIKELY_MIN) {
        if !found.iter().any(|one| one.entry == entry) {
            found.push(Found { entry, part: 0, score: *likely, covers: 0.0 });
        }
    }
    let is_likely = |one: &Found| fit != Fit::Resembles && likely.get(one.entry).is_some_and(|share| *share >= LIKELY_MIN);
    found.retain(|one| one.covers >= COVERS_MIN || is_likely(one));
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.entry.cmp(&b.entry)));
    found.truncate(most);
    Answers { fit: if found.is_empty() { Fit::Resembles } else { fit }, found }
}

/// Logarithms as shares of one.
fn shares(scores: &[f32], best: f32) -> Vec<f32> {
    let likely: Vec<f32> = scores.iter().map(|score| (score - best).exp()).collect();
    let sum: f32 = likely.iter().sum::<f32>().max(f32::EPSILON);
    likely.into_iter().map(|one| one / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::Library;
    use crate::help::search::guess::{Guess, examples_without, ways};

    /// Groups of ways of writing that are left out in turn.
    const GROUPS: usize = 6;

    /// What each border would refuse: ways of writing are judged by the others alone. `GATEPOST_MEASURE=1`, as it learns anew for each group.
    #[test]
    fn the_border_follows_from_ways_that_were_left_out() {
        if std::env::var_os("GATEPOST_MEASURE").is_none() {
            return;
        }
        let (library, ways) = (Library::new(&[]), ways());
        let group = |way: &str| way.bytes().fold(7usize, |sum, octet| sum.wrapping_mul(31).wrapping_add(octet.into())) % GROUPS;
        let mut nearer: Vec<(bool, &str, f32)> = Vec::new();
        for left_out in 0..GROUPS {
            let guess = Guess::of(&examples_without(&|way| group(way) == left_out));
            for (class, one) in ways.iter().filter(|(_, one)| group(one.way) == left_out) {
                let scores = guess.scores(one.text);
                let best = scores[..FOREIGN].iter().copied().fold(f32::MIN, f32::max);
                let covers = library.index().find(one.text, LOOKED_AT).first().map_or(0.0, |first| first.covers);
                let tag = one.lang.map_or("", |lang| lang.tag());
                nearer.push((*class == FOREIGN, tag, best - scores[FOREIGN] + COVERED * covers));
            }
        }
        println!("| border | en refused wrongly | en refused rightly | zh refused wrongly | zh refused rightly |");
        for border in (-8..=16).map(|half| half as f32 / 2.0) {
            let share = |is_foreign: bool, tag: &str| {
                let of: Vec<f32> = nearer.iter().filter(|one| one.0 == is_foreign && one.1 == tag).map(|one| one.2).collect();
                of.iter().filter(|nearer| **nearer <= border).count() as f64 * 100.0 / of.len().max(1) as f64
            };
            let [a, b, c, d] = [(false, "en"), (true, "en"), (false, "zh-CN"), (true, "zh-CN")].map(|(foreign, tag)| share(foreign, tag));
            println!("| {border} | {a:.1} | {b:.1} | {c:.1} | {d:.1} |");
        }
    }
}
