//! How good the judgement is: labelled mail in, figures out.
//!
//! In: an index (`ham|spam|phish<TAB>path`, in order) and a judge. Out: an [`EvalReport`], the line `gatepost eval --json`
//! prints. [`run`] judges with a model, or online: score, then learn, from nothing. [`EvalReport::of`] is pure, so other
//! judges (the whole inspection, another filter) are measured with the same ruler.

mod index;
mod metrics;

#[cfg(test)]
mod tests;

pub use index::{Entry, IndexError, read_index};
pub use metrics::{EvalReport, Interval, Judged, interval};

use crate::classify::corpus::{self, CorpusError};
use crate::classify::learner::{Habits, Learner};
use crate::classify::{Model, log_odds};
use crate::verdict::Thresholds;

/// How to judge.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Options {
    /// Learn each message after judging it, from nothing; the model is not used.
    pub online: bool,
    pub thresholds: Thresholds,
}

/// Judges every message of `index` in order. `progress` is told how many are done.
/// # Errors
/// A message cannot be read.
pub fn run(index: &[Entry], model: &Model, options: &Options, progress: &mut dyn FnMut(usize)) -> Result<EvalReport, CorpusError> {
    Ok(EvalReport::of(&judge(index, model, options, progress)?))
}

/// As [`run`], message by message, for intervals and lists of mistakes. The order is that of `index`.
/// # Errors
/// A message cannot be read.
pub fn judge(index: &[Entry], model: &Model, options: &Options, progress: &mut dyn FnMut(usize)) -> Result<Vec<Judged>, CorpusError> {
    let mut learner = options.online.then(|| Learner::new(Habits::default()));
    let namespaces = learner.as_ref().map_or(model.head().namespaces, |learner| learner.habits().namespaces);
    let (spam, phish) = (log_odds(options.thresholds.spam), log_odds(options.thresholds.phish));
    let mut judged = Vec::with_capacity(index.len());
    for entry in index {
        let evidence = corpus::evidence(corpus::message(&entry.path)?, namespaces);
        let scores = match &mut learner {
            Some(learner) => learner.learn(&evidence, entry.label, 1.0),
            None => model.score_evidence(&evidence),
        };
        judged.push(Judged {
            label: entry.label,
            score: scores.junk_log_odds(),
            is_junk: scores.spam_log_odds >= spam || scores.phish_log_odds >= phish,
        });
        progress(judged.len());
    }
    Ok(judged)
}
