//! The trained classifier: online logistic regression on hashed byte 4-grams.

use mail::Message;
use std::sync::Arc;

/// Weights of one model; see `classify::train`.
#[derive(Debug)]
pub struct Model {}

/// Natural log-odds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Scores {
    pub spam_log_odds: f32,
    pub phish_log_odds: f32,
}

impl Model {
    /// A model that has learned nothing: both opinions are even.
    pub fn built_in() -> Arc<Model> {
        Arc::new(Model {})
    }

    pub fn score(&self, _message: &Message) -> Scores {
        Scores::default()
    }
}
