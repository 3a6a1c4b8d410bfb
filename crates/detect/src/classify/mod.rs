//! The trained classifier: logistic regression on hashed grams, words and shapes; several voices, three heads (junk, phish, bulk).
//!
//! In: a [`mail::Message`]. Out: [`Scores`], natural log-odds that are calibrated: 0.9 of the mail scored 0.9 is junk, and
//! less rather than more where the model has seen little. [`Model`] is the shipped, quantised form, read in place; a
//! [`Delta`] is what an organisation or a person taught it; [`Learner`] learns online in full precision; [`train`] makes a
//! `Model` out of labelled mail.
//! Invariant: training, evaluation, `scan` and the server read a message through [`Evidence`] only, so they see the same.
//! Not here: what a probability leads to (`verdict`), and inspections that know a trick by name.

pub mod corpus;
pub mod delta;
pub(crate) mod dice;
pub(crate) mod doubt;
pub mod evidence;
mod feature;
mod field;
pub mod learner;
pub mod model;
mod shape;
pub mod train;
pub(crate) mod trust;

#[cfg(test)]
mod tests;

pub use delta::Delta;
pub use evidence::{Evidence, Namespaces};
pub use learner::Learner;
pub use model::{Model, ModelError};

/// What a person says a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    Ham,
    Spam,
    Phish,
    /// Sent to many and wanted by some: a newsletter, an offer one signed up for. No junk.
    Bulk,
}

impl Label {
    /// The word in an index file, any case.
    pub fn read(word: &str) -> Option<Label> {
        [("ham", Label::Ham), ("spam", Label::Spam), ("phish", Label::Phish), ("bulk", Label::Bulk)]
            .into_iter()
            .find_map(|(name, label)| word.eq_ignore_ascii_case(name).then_some(label))
    }

    pub fn is_junk(self) -> bool {
        matches!(self, Label::Spam | Label::Phish)
    }
}

/// Natural log-odds. `spam` is "a person would not want this", phish included; `phish` is "it wants to deceive";
/// `bulk` is "sent to many alike", said of what is not junk.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Scores {
    pub spam_log_odds: f32,
    pub phish_log_odds: f32,
    #[serde(default)]
    pub bulk_log_odds: f32,
}

impl Scores {
    /// The stronger of the two: evidence that the mail should not reach the inbox.
    pub fn junk_log_odds(self) -> f32 {
        self.spam_log_odds.max(self.phish_log_odds)
    }
}

/// Probability for natural log-odds.
pub fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Natural log-odds of a probability strictly between 0 and 1.
pub fn log_odds(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}
