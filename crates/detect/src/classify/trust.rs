//! How much each of two opinions has earned: the model's, and that of what was learned here.
//!
//! In: what each said of a message when it was judged, and the label that came later. Out: the share each has in the next
//! judgement. The better one counts whole, the other in proportion of the better one's loss to its own. The loss is of what was *said*,
//! not of what would be said now: where labels come late, a learner is held to what it knew when it spoke, and has earned
//! less. Not here: learning.

use super::learner::SILENT;
use super::{Label, Scores};

/// What the model and the learner said of one message.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Said {
    pub known: Scores,
    pub own: Scores,
}

/// Expected loss before anything was judged: a model that ships knows a good deal, a learner that begins nothing (ln 2).
const KNOWN_LOSS_FIRST: f32 = 0.3;
const OWN_LOSS_FIRST: f32 = 0.69;
/// Messages that expectation counts for.
const FIRST_COUNT: f32 = 20.0;
/// Messages that are remembered: mail changes, and so does who is right about it.
const WINDOW: f32 = 300.0;
/// No single mistake costs more: labels may be wrong.
const LOSS_MAX: f32 = 3.0;

#[derive(Debug, Clone, Copy)]
pub struct Trust {
    known_loss: f32,
    own_loss: f32,
    count: f32,
}

impl Default for Trust {
    fn default() -> Trust {
        Trust { known_loss: KNOWN_LOSS_FIRST, own_loss: OWN_LOSS_FIRST, count: FIRST_COUNT }
    }
}

impl Trust {
    /// A label came for what was said.
    pub fn note(&mut self, said: &Said, label: Label) {
        self.count = (self.count + 1.0).min(WINDOW);
        for (mean, scores) in [(&mut self.known_loss, said.known), (&mut self.own_loss, said.own)] {
            *mean += (loss(scores.junk_log_odds(), label) - *mean) / self.count;
        }
    }

    /// Both opinions as one.
    pub fn weigh(&self, said: &Said) -> Scores {
        let best = self.known_loss.min(self.own_loss);
        let (known, own) = (best / self.known_loss, best / self.own_loss);
        // A head that never had an example here has no word of its own: what is no junk here is no phish either.
        let own_phish = if said.own.phish_log_odds <= SILENT { said.own.spam_log_odds } else { said.own.phish_log_odds };
        let own_bulk = if said.own.bulk_log_odds <= SILENT { 0.0 } else { said.own.bulk_log_odds };
        Scores {
            spam_log_odds: known * said.known.spam_log_odds + own * said.own.spam_log_odds,
            phish_log_odds: known * said.known.phish_log_odds + own * own_phish,
            bulk_log_odds: known * said.known.bulk_log_odds + own * own_bulk,
        }
    }
}

/// Logarithmic loss of log-odds, at most [`LOSS_MAX`]; never 0.
pub(super) fn loss(log_odds: f32, label: Label) -> f32 {
    let wrong = if label.is_junk() { -log_odds } else { log_odds };
    wrong.clamp(-LOSS_MAX * 3.0, LOSS_MAX * 3.0).exp().ln_1p().min(LOSS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(known: f32, own: f32) -> Said {
        let scores = |log_odds: f32, phish: f32| Scores { spam_log_odds: log_odds, phish_log_odds: phish, bulk_log_odds: SILENT };
        Said { known: scores(known, known - 1.0), own: scores(own, SILENT) }
    }

    #[test]
    fn the_better_opinion_counts_whole_and_the_other_by_what_it_earned() {
        let mut trust = Trust::default();
        let begin = trust.weigh(&said(3.0, 0.0)).spam_log_odds;
        assert_eq!(begin, 3.0, "before anything is learned the model speaks");
        for _ in 0..200 {
            trust.note(&said(2.0, 8.0), Label::Spam);
            trust.note(&said(1.0, -8.0), Label::Ham);
        }
        let later = trust.weigh(&said(2.0, -6.0));
        assert!(later.spam_log_odds < -5.5, "the model was often wrong: {later:?}");
        assert!(later.phish_log_odds < -5.0, "a head without examples goes with spam: {later:?}");
        for _ in 0..400 {
            trust.note(&said(2.0, -4.0), Label::Spam);
            trust.note(&said(-4.0, -4.0), Label::Ham);
        }
        assert!(trust.weigh(&said(4.0, -4.0)).spam_log_odds > 2.5, "and who was right before may be wrong now");
    }

    #[test]
    fn what_was_said_is_bounded() {
        let mut trust = Trust::default();
        for wild in [f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN] {
            trust.note(&said(wild, -wild), Label::Spam);
            assert!(trust.weigh(&said(1.0, 1.0)).spam_log_odds.is_finite());
        }
    }
}
