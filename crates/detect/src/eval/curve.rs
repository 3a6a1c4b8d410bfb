//! What a threshold costs and what it brings: the measured curve that ships with the model.
//!
//! In: calibrated scores of mail that the learner had not seen. Out: for each threshold, how much good mail reaches it and how much
//! junk does. Read as a budget it goes the other way: so much good mail may be lost, where does that put the threshold? The file
//! `model/curve.json` is written by `gatepost train --curve` together with the model and names it by its fingerprint. Limit: it is the
//! classifier alone; inspections move real mail further apart.

use crate::classify::{Label, Scores, log_odds};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Thresholds that are measured, as probabilities: closer to each other where good mail is.
pub const THRESHOLDS: [f32; 21] =
    [0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.875, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.975, 0.98, 0.985, 0.99, 0.993, 0.995, 0.998, 0.999];

/// One threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Probability from which a mail is what the curve is about.
    pub threshold: f32,
    /// Good mails at or over it.
    pub lost: u32,
    /// Bad mails at or over it.
    pub caught: u32,
}

/// One head: spam or phish.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub good: u32,
    pub bad: u32,
    pub points: Vec<Point>,
}

/// Both heads, where the mail came from and when it was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The model the scores belong to: the first 8 hex digits of its SHA-256.
    pub model: String,
    /// Day of the measurement, as 2026-11-27.
    pub date: String,
    /// Which mail, in a few words.
    pub source: String,
    pub spam: Line,
    pub phish: Line,
}

static SHIPPED: LazyLock<Curve> = LazyLock::new(|| serde_json::from_str(include_str!("../../model/curve.json")).unwrap_or_default());

impl Curve {
    /// The curve of the model that ships.
    pub fn built_in() -> &'static Curve {
        &SHIPPED
    }

    /// Counts scores of mail held out. Spam is told from good mail; phish from everything else.
    pub fn of(scored: &[(Label, Scores)], model: String, date: String, source: String) -> Curve {
        let spam = scored.iter().map(|(label, scores)| (scores.spam_log_odds, label.is_junk()));
        let phish = scored.iter().map(|(label, scores)| (scores.phish_log_odds, *label == Label::Phish));
        Curve { model, date, source, spam: Line::of(spam), phish: Line::of(phish) }
    }
}

impl Line {
    /// From log-odds, each with whether the mail is bad.
    pub fn of(scored: impl Iterator<Item = (f32, bool)>) -> Line {
        let cuts = THRESHOLDS.map(log_odds);
        let mut line = Line { points: THRESHOLDS.map(|threshold| Point { threshold, lost: 0, caught: 0 }).to_vec(), ..Line::default() };
        for (score, is_bad) in scored {
            *(if is_bad { &mut line.bad } else { &mut line.good }) += 1;
            for (point, _) in line.points.iter_mut().zip(cuts).filter(|(_, cut)| score >= *cut) {
                *(if is_bad { &mut point.caught } else { &mut point.lost }) += 1;
            }
        }
        line
    }

    /// From probabilities, as receipts have them.
    pub fn of_probabilities(scored: impl Iterator<Item = (f32, bool)>) -> Line {
        Line::of(scored.map(|(p, is_bad)| (log_odds(p.clamp(1e-6, 1.0 - 1e-6)), is_bad)))
    }

    /// Good mails in ten thousand that reach this point.
    pub fn lost_of_10k(&self, point: &Point) -> f64 {
        10_000.0 * f64::from(point.lost) / f64::from(self.good.max(1))
    }

    /// Share of bad mail at or over this point, in percent.
    pub fn caught_pct(&self, point: &Point) -> f64 {
        100.0 * f64::from(point.caught) / f64::from(self.bad.max(1))
    }

    /// The lowest threshold that loses at most so many good mails in ten thousand; `None` when even the highest loses more.
    pub fn within(&self, budget_of_10k: f64) -> Option<&Point> {
        self.points.iter().find(|point| self.lost_of_10k(point) <= budget_of_10k)
    }

    /// The measured point nearest to a threshold.
    pub fn near(&self, threshold: f32) -> Option<&Point> {
        let far = |point: &&Point| (log_odds(point.threshold) - log_odds(threshold.clamp(0.01, 0.999_9))).abs();
        self.points.iter().min_by(|a, b| far(a).total_cmp(&far(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_finds_the_lowest_threshold_that_keeps_it() {
        let good = (0..10_000).map(|n| (n as f32 / 10_001.0, false));
        let bad = [0.3, 0.95, 0.9985].into_iter().map(|p| (p, true));
        let line = Line::of_probabilities(good.chain(bad));
        assert_eq!((line.good, line.bad), (10_000, 3));
        let at = |budget: f64| line.within(budget).map(|point| (point.threshold, point.caught));
        assert_eq!(at(1_001.0), Some((0.9, 2)));
        assert_eq!(at(998.0), Some((0.92, 2)), "0.9 loses 999");
        assert_eq!(at(25.0), Some((0.998, 1)));
        assert_eq!(at(0.0), None);
        assert!(line.points.windows(2).all(|pair| pair[0].lost >= pair[1].lost && pair[0].caught >= pair[1].caught));
        assert_eq!(line.near(0.901).map(|point| point.threshold), Some(0.9));
    }

    #[test]
    fn the_shipped_curve_can_be_read_and_says_where_it_comes_from() {
        let curve = Curve::built_in();
        assert!(curve.spam.good > 1_000 && curve.spam.bad > 1_000, "{curve:?}");
        assert!(!curve.date.is_empty() && !curve.source.is_empty() && curve.model.len() == 8);
        assert!(curve.spam.within(100.0).is_some(), "one in a hundred is a budget it can keep");
    }
}
