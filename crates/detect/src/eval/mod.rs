//! How good the judgement is: labelled mail in, figures out.
//!
//! In: an index (`ham|spam|phish|bulk<TAB>path`, in order) and a judge. Out: an [`EvalReport`], the line `gatepost eval --json`
//! prints. [`run`] judges with a model, or online: score, then learn. [`whole`] judges with every inspection, and tells what
//! each is worth. [`EvalReport::of`] is pure, so other judges (another filter) are measured with the same ruler.

pub mod chart;
pub mod curve;
mod index;
mod metrics;
mod online;
pub mod whole;

#[cfg(test)]
mod tests;

pub use index::{Entry, IndexError, read_index};
pub use metrics::{Bin, EvalReport, Interval, Judged, calibration, interval, roc};
pub use online::{Filter, Online, reporter};

use crate::classify::corpus::{self, CorpusError};
use crate::classify::{Model, Scores, log_odds};
use crate::verdict::Thresholds;

/// How to judge.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Options {
    /// Learn each message after judging it.
    pub online: Option<Online>,
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
    let mut filter = options.online.map(|online| Filter::new(online, Some(model)));
    let mut judged = Vec::with_capacity(index.len());
    for entry in index {
        let octets = corpus::message(&entry.path)?;
        let scores = match &mut filter {
            Some(filter) => filter.judge_then_learn(octets, entry.label),
            None => model.score_evidence(&corpus::evidence(octets, model.namespaces())),
        };
        judged.push(options.thresholds.judged(entry.label, scores));
        progress(judged.len());
    }
    Ok(judged)
}

impl Thresholds {
    fn judged(&self, label: crate::classify::Label, scores: Scores) -> Judged {
        let is_junk = scores.spam_log_odds >= log_odds(self.spam) || scores.phish_log_odds >= log_odds(self.phish);
        Judged { label, score: scores.junk_log_odds(), is_junk }
    }
}
