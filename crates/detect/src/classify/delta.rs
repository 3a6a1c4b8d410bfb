//! What people taught: reports of one organisation or one person, added to the shipped model's opinion.
//!
//! In: reports ([`Delta::learn`]). Out: log-odds to add ([`Model::score_with`](super::Model::score_with)). A report keeps a
//! *sketch* of its message: a few hundred hashed features, no text. The weights are fitted anew over all reports whenever one
//! comes or goes, in the order of their digests. Hence: the order of learning does not matter, a report counts once however
//! often it is sent, and taking one back ([`Delta::unlearn`]) leaves exactly what would be there had it never come. The
//! shipped model is the starting point of the fit, so a report of what it knows already moves nothing.
//! Invariant: a delta never moves a score by more than [`MOVED_LOG_ODDS_MAX`], and no reporter holds more than the
//! limit's share of it. Not here: who may report, and where deltas are kept.

mod octets;
mod sketch;

#[cfg(test)]
mod tests;

pub use octets::DeltaError;
pub use sketch::Sketch;

use super::learner::{HEADS, Head};
use super::{Evidence, Label, Scores};
use std::collections::{BTreeMap, HashMap};

/// No delta moves a score further than this, whatever it was taught: from 0.3 % to 89 %.
pub const MOVED_LOG_ODDS_MAX: f32 = 8.0;

/// How much a delta holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Reports kept; for one more the oldest goes.
    pub reports_max: usize,
    /// Reports kept of one reporter; for one more, the oldest of that reporter goes.
    pub reporter_max: usize,
}

impl Limits {
    /// Many reporters, none of whom decides for all.
    pub const ORGANISATION: Limits = Limits { reports_max: 1_000, reporter_max: 50 };
    /// One reporter: oneself.
    pub const PERSON: Limits = Limits { reports_max: 200, reporter_max: 200 };
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learned {
    New,
    /// The same reporter, or another, has reported this message so before: nothing changed.
    Known,
    /// It was reported otherwise before; the later word counts.
    Changed,
}

/// Names a message or a reporter: the first octets of a digest the caller chose, such as SHA-256 of the body.
pub type Digest = [u8; 16];

#[derive(Debug, Clone, PartialEq)]
struct Report {
    reporter: Digest,
    label: Label,
    /// Counts up with every report learned: the order of age.
    age: u64,
    /// What the shipped model thought, per head.
    before: [f32; 3],
    sketch: Sketch,
}

/// The reports of one organisation or person, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    limits: Limits,
    reports: BTreeMap<Digest, Report>,
    ages: u64,
    /// Per feature: spam, phish, bulk. Follows from `reports`.
    weights: HashMap<u32, [f32; 3]>,
}

/// One report as it comes.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// Of the message; one that was learned already is not learned again.
    pub message: Digest,
    pub reporter: Digest,
    pub label: Label,
    pub evidence: &'a Evidence,
    /// What the shipped model says of it.
    pub before: Scores,
}

/// Rounds over all reports when fitting.
const ROUNDS: usize = 8;
/// First step of a weight; later ones are shorter by the root of the sum of squares (AdaGrad).
const RATE: f32 = 0.4;
const GRADIENT_FLOOR: f32 = 0.02;
/// A report is content once its message has this many log-odds on the right side (0.95).
const CONTENT_LOG_ODDS: f32 = 3.0;

impl Delta {
    pub fn new(limits: Limits) -> Delta {
        Delta { limits, reports: BTreeMap::new(), ages: 0, weights: HashMap::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Reports held.
    pub fn len(&self) -> usize {
        self.reports.len()
    }

    /// Learns one report. Takes a few milliseconds when the delta is full.
    pub fn learn(&mut self, lesson: &Lesson<'_>) -> Learned {
        let learned = match self.reports.get(&lesson.message) {
            Some(report) if report.label == lesson.label => return Learned::Known,
            Some(_) => Learned::Changed,
            None => Learned::New,
        };
        self.ages += 1;
        let Scores { spam_log_odds, phish_log_odds, bulk_log_odds } = lesson.before;
        let before = [spam_log_odds, phish_log_odds, bulk_log_odds].map(finite);
        let sketch = Sketch::of(lesson.evidence);
        let report = Report { reporter: lesson.reporter, label: lesson.label, age: self.ages, before, sketch };
        self.reports.insert(lesson.message, report);
        self.forget_beyond(self.limits.reporter_max, |report| report.reporter == lesson.reporter);
        self.forget_beyond(self.limits.reports_max, |_| true);
        self.fit();
        learned
    }

    /// Takes a report back, whoever made it; `false` if there is none of this message.
    pub fn unlearn(&mut self, message: &Digest) -> bool {
        let was_there = self.reports.remove(message).is_some();
        if was_there {
            self.fit();
        }
        was_there
    }

    /// Takes back all that one reporter taught; how many that were.
    pub fn unlearn_reporter(&mut self, reporter: &Digest) -> usize {
        let before = self.reports.len();
        self.reports.retain(|_, report| report.reporter != *reporter);
        if self.reports.len() < before {
            self.fit();
        }
        before - self.reports.len()
    }

    /// Log-odds to add to the model's.
    pub fn score(&self, sketch: &Sketch) -> Scores {
        let [spam_log_odds, phish_log_odds, bulk_log_odds] = self.moved(sketch).map(|by| by.clamp(-MOVED_LOG_ODDS_MAX, MOVED_LOG_ODDS_MAX));
        Scores { spam_log_odds, phish_log_odds, bulk_log_odds }
    }

    /// The oldest reports of a kind go until there are no more than `most`.
    fn forget_beyond(&mut self, most: usize, is_counted: impl Fn(&Report) -> bool) {
        let mut counted: Vec<(u64, Digest)> =
            self.reports.iter().filter(|(_, report)| is_counted(report)).map(|(message, report)| (report.age, *message)).collect();
        counted.sort_unstable();
        for (_, message) in &counted[..counted.len().saturating_sub(most)] {
            self.reports.remove(message);
        }
    }

    /// The weights that the reports ask for, from nothing.
    fn fit(&mut self) {
        self.weights.clear();
        let mut squares: HashMap<u32, [f32; 3]> = HashMap::new();
        for _ in 0..ROUNDS {
            for report in self.reports.values() {
                let moved = moved(&self.weights, &report.sketch);
                let steps = report.gradients(moved);
                if steps == [0.0; 3] {
                    continue;
                }
                for feature in report.sketch.features() {
                    let (weights, squares) = (self.weights.entry(*feature).or_default(), squares.entry(*feature).or_default());
                    for head in 0..3 {
                        squares[head] += steps[head] * steps[head];
                        weights[head] -= RATE * steps[head] / (squares[head].sqrt() + GRADIENT_FLOOR);
                    }
                }
            }
        }
    }

    fn moved(&self, sketch: &Sketch) -> [f32; 3] {
        moved(&self.weights, sketch)
    }
}

/// The sum of a message's weights, brought to one length as in the model.
fn moved(weights: &HashMap<u32, [f32; 3]>, sketch: &Sketch) -> [f32; 3] {
    let mut sums = [0.0; 3];
    for weight in sketch.features().iter().filter_map(|feature| weights.get(feature)) {
        for (sum, weight) in sums.iter_mut().zip(weight) {
            *sum += weight;
        }
    }
    sums.map(|sum: f32| sum * sketch.value())
}

impl Report {
    /// Where each head is wrong about this message, and by how much; 0 where it is right enough.
    fn gradients(&self, moved: [f32; 3]) -> [f32; 3] {
        let mut gradients = [0.0; 3];
        for (at, head) in HEADS.into_iter().enumerate() {
            let score = self.before[at] + moved[at];
            gradients[at] = match head.truth(self.label) {
                Some((true, share)) if score < CONTENT_LOG_ODDS => share * (super::probability(score) - 1.0),
                Some((false, share)) if score > -CONTENT_LOG_ODDS && (head == Head::Spam || score > 0.0) => {
                    share * super::probability(score)
                }
                _ => 0.0,
            } * self.sketch.value();
        }
        gradients
    }
}

fn finite(log_odds: f32) -> f32 {
    if log_odds.is_finite() { log_odds.clamp(-20.0, 20.0) } else { 0.0 }
}
