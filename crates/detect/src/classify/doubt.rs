//! Labels that contradict a firm opinion: some mail is odd, some labels are slips of the hand.
//!
//! In: opinions and the labels that came later. Out: how much each label counts. As long as labels agree with what is thought
//! firmly, all count alike, and what surprises is learned at once; where more contradict than honest labels do, those that do
//! count little. Deltas hold back whole reports by the same figures (`delta::fit`), since their weights are worked out anew each time.

use super::Label;

/// A label contradicts an opinion of this many log-odds or more.
const CONTRADICTION_LOG_ODDS: f32 = 1.5;
/// Where more than this share of labels contradict, some must be wrong. With honest labels it stays below one in a hundred.
pub(super) const CONTRADICTIONS_MAX: f32 = 0.015;
/// How much a label counts that is doubted.
const DOUBTED_IMPORTANCE: f32 = 0.02;
/// Among doubtful labels those that agree count more: they have to make up for what the wrong ones did before.
const TRUSTED_IMPORTANCE: f32 = 2.0;
/// Share of each label in the running mean, and where that begins.
const CONTRADICTION_STEP: f32 = 0.004;
const CONTRADICTIONS_FIRST: f32 = 0.005;

/// Whether a label contradicts an opinion of so many log-odds of junk.
pub(super) fn contradicts(log_odds: f32, label: Label) -> bool {
    (if label.is_junk() { -log_odds } else { log_odds }) > CONTRADICTION_LOG_ODDS
}

/// The doubt of a learner, label by label.
#[derive(Debug, Clone, Copy)]
pub struct Doubt {
    /// Share of recent labels that contradicted an opinion.
    contradictions: f32,
}

impl Default for Doubt {
    fn default() -> Doubt {
        Doubt { contradictions: CONTRADICTIONS_FIRST }
    }
}

impl Doubt {
    /// How much this label counts, given the opinion before it was known.
    pub fn importance(&mut self, log_odds: f32, label: Label) -> f32 {
        let contradicts = contradicts(log_odds, label);
        self.contradictions += CONTRADICTION_STEP * (f32::from(u8::from(contradicts)) - self.contradictions);
        match (self.is_doubtful(), contradicts) {
            (false, _) => 1.0,
            (true, true) => DOUBTED_IMPORTANCE * TRUSTED_IMPORTANCE,
            (true, false) => TRUSTED_IMPORTANCE,
        }
    }

    /// More labels contradict than honest ones would.
    pub fn is_doubtful(&self) -> bool {
        self.contradictions > CONTRADICTIONS_MAX
    }
}
