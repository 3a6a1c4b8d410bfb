//! The trained classifier: online logistic regression on hashed byte 4-grams.

/// Weights of one model; see `classify::train`.
#[derive(Debug)]
pub struct Model {}
