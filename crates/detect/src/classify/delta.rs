//! What people taught: reports of one organisation or one person, added to the shipped model's opinion.
//!
//! In: reports ([`Delta::learn`]). Out: log-odds to add ([`Model::score_with`](super::Model::score_with)). A report keeps a
//! *sketch* of its message: a few hundred hashed features, no text. What follows from the reports ([`fit`]) is worked out anew
//! over all of them whenever one comes or goes: the weights, which reports are held back because the rest speaks against them
//! ([`doubt`](super::doubt)), and how far the whole is believed ([`trust`](super::trust)). Hence: the order of learning does not
//! matter, a message counts once however often it is reported, and taking a word back ([`Delta::unlearn`]) leaves exactly what
//! would be there had it never come. The shipped model is the starting point, so a report of what it knows already moves nothing.
//! Invariant: a delta never moves a score by more than [`MOVED_LOG_ODDS_MAX`], and no reporter holds more than the
//! limit's share of it. Not here: who may report, and where deltas are kept.

mod fit;
mod octets;
mod reading;
mod sketch;
mod usual;

#[cfg(test)]
mod tests;

pub use octets::DeltaError;
pub use reading::{Reading, digest};
pub use sketch::Sketch;
pub use usual::{USUAL_MAX, Usual};

use super::{Evidence, Label, Scores};
use fit::Taught;
use std::collections::BTreeMap;

/// No delta moves a score further than this, whatever it was taught: from 0.3 % to 89 %.
pub const MOVED_LOG_ODDS_MAX: f32 = 8.0;
/// Words kept about one message; for one more the oldest goes. More would not tell more.
pub const WORDS_MAX: usize = 8;

/// How much a delta holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Messages kept; for one more the one goes that nobody spoke of for longest.
    pub reports_max: usize,
    /// Words kept of one reporter; for one more, the oldest of that reporter goes.
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
    /// Nobody spoke of this message before.
    New,
    /// The same reporter said the same before: nothing changed.
    Known,
    /// Somebody else had said what it is, or this reporter had said otherwise; the majority stands, among equals the later word.
    Added,
}

/// Names a message or a reporter: the first octets of its SHA-256 ([`digest`]).
pub type Digest = [u8; 16];

/// What one reporter said.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Word {
    reporter: Digest,
    label: Label,
    /// Counts up with every word: the order of age.
    age: u64,
}

/// A message that was spoken of.
#[derive(Debug, Clone, PartialEq)]
struct Report {
    /// One at least, at most one of each reporter, oldest first.
    words: Vec<Word>,
    /// What the shipped model thought, per head.
    before: [f32; 3],
    sketch: Sketch,
}

/// The reports of one organisation or person, what is usual there, and what follows from them.
#[derive(Debug, Clone, PartialEq)]
pub struct Delta {
    limits: Limits,
    reports: BTreeMap<Digest, Report>,
    /// Of mail that nobody spoke of, in the order of time.
    usual: Vec<Usual>,
    ages: u64,
    /// Follows from `reports` and `usual`.
    taught: Taught,
}

/// One report as it comes.
#[derive(Debug, Clone, Copy)]
pub struct Lesson<'a> {
    /// Of the message; the same word about it is not learned again.
    pub message: Digest,
    pub reporter: Digest,
    pub label: Label,
    pub evidence: &'a Evidence,
    /// What the shipped model says of it.
    pub before: Scores,
}

impl Delta {
    pub fn new(limits: Limits) -> Delta {
        Delta { limits, reports: BTreeMap::new(), usual: Vec::new(), ages: 0, taught: Taught::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Messages held.
    pub fn len(&self) -> usize {
        self.reports.len()
    }

    /// Shows mail that came without a word about it, in the order of time; in place of what was shown before. It counts from the
    /// next word on. An empty pool changes nothing.
    pub fn show(&mut self, pool: &[Usual]) {
        if !pool.is_empty() {
            self.usual = usual::chosen(pool, self.limits.reports_max);
        }
    }

    /// Without what only learning needs of usual mail: enough to judge by.
    pub fn without_usual(mut self) -> Delta {
        self.usual = Vec::new();
        self
    }

    /// Learns one report. Takes some tens of milliseconds when the delta is full.
    pub fn learn(&mut self, lesson: &Lesson<'_>) -> Learned {
        let Lesson { message, reporter, label, .. } = *lesson;
        let learned = match self.reports.get(&message) {
            Some(report) if report.words.iter().any(|word| word.reporter == reporter && word.label == label) => return Learned::Known,
            Some(_) => Learned::Added,
            None => Learned::New,
        };
        self.ages += 1;
        let word = Word { reporter, label, age: self.ages };
        let report = self.reports.entry(message).or_insert_with(|| Report::of(lesson));
        report.words.retain(|word| word.reporter != reporter);
        report.words.push(word);
        let beyond = report.words.len().saturating_sub(WORDS_MAX);
        report.words.drain(..beyond);
        self.keep_limits(&reporter);
        self.fit();
        learned
    }

    /// Takes back what a reporter said of a message; `false` if that is nothing.
    pub fn unlearn(&mut self, message: &Digest, reporter: &Digest) -> bool {
        let was_there = self.take_back(message, reporter);
        if was_there {
            self.fit();
        }
        was_there
    }

    /// Takes back all that one reporter said; how many words that were.
    pub fn unlearn_reporter(&mut self, reporter: &Digest) -> usize {
        let messages: Vec<Digest> = self.words_of(reporter).into_iter().map(|(_, message)| message).collect();
        for message in &messages {
            self.take_back(message, reporter);
        }
        if !messages.is_empty() {
            self.fit();
        }
        messages.len()
    }

    /// Log-odds to add to the model's.
    pub fn score(&self, sketch: &Sketch) -> Scores {
        let [spam_log_odds, phish_log_odds, bulk_log_odds] =
            self.taught.moved(sketch).map(|by| by.clamp(-MOVED_LOG_ODDS_MAX, MOVED_LOG_ODDS_MAX));
        Scores { spam_log_odds, phish_log_odds, bulk_log_odds }
    }

    /// Whether what was said of this message is kept but not believed: what others said of its like speaks against it. It
    /// begins to count by itself once it no longer does.
    pub fn is_held_back(&self, message: &Digest) -> bool {
        self.taught.is_held_back(message)
    }

    fn take_back(&mut self, message: &Digest, reporter: &Digest) -> bool {
        let Some(report) = self.reports.get_mut(message) else { return false };
        let before = report.words.len();
        report.words.retain(|word| word.reporter != *reporter);
        let was_there = report.words.len() < before;
        if report.words.is_empty() {
            self.reports.remove(message);
        }
        was_there
    }

    /// The oldest words of this reporter go, then the messages nobody spoke of for longest.
    fn keep_limits(&mut self, reporter: &Digest) {
        let words = self.words_of(reporter);
        for (_, message) in &words[..words.len().saturating_sub(self.limits.reporter_max)] {
            self.take_back(message, reporter);
        }
        while self.reports.len() > self.limits.reports_max.max(1) {
            let oldest = self.reports.iter().min_by_key(|(_, report)| report.latest()).map(|(message, _)| *message);
            oldest.and_then(|message| self.reports.remove(&message));
        }
    }

    /// Messages this reporter spoke of, by age.
    fn words_of(&self, reporter: &Digest) -> Vec<(u64, Digest)> {
        let of = |(message, report): (&Digest, &Report)| {
            report.words.iter().find(|word| word.reporter == *reporter).map(|word| (word.age, *message))
        };
        let mut words: Vec<(u64, Digest)> = self.reports.iter().filter_map(of).collect();
        words.sort_unstable();
        words
    }

    fn fit(&mut self) {
        self.taught = Taught::by(&self.reports, &self.usual);
    }
}

impl Report {
    /// Without a word yet.
    fn of(lesson: &Lesson<'_>) -> Report {
        Report { words: Vec::new(), before: heads(lesson.before), sketch: Sketch::of(lesson.evidence) }
    }

    /// The word that stands: of the label most reporters gave, among equals the one given last; its latest word.
    fn standing(&self) -> Option<Word> {
        let votes = |label: Label| self.words.iter().filter(|word| word.label == label).count();
        self.words.iter().max_by_key(|word| (votes(word.label), word.age)).copied()
    }

    fn latest(&self) -> u64 {
        self.words.last().map_or(0, |word| word.age)
    }
}

fn heads(scores: Scores) -> [f32; 3] {
    [scores.spam_log_odds, scores.phish_log_odds, scores.bulk_log_odds].map(finite)
}

fn finite(log_odds: f32) -> f32 {
    if log_odds.is_finite() { log_odds.clamp(-20.0, 20.0) } else { 0.0 }
}
