//! A few hundred features of a message: those with the smallest numbers, so that copies have the same sketch and messages
//! that share half of their features share about half of their sketch (bottom-k sampling: Cohen and Kaplan 2007).

use crate::classify::{Evidence, Namespaces};

/// Features kept of one message.
pub const FEATURES_MAX: usize = 256;

/// What the sketch is taken of.
const NAMESPACES: Namespaces = Namespaces::TEXT.and(Namespaces::WORDS).and(Namespaces::LINKS).and(Namespaces::FILES);

/// A very short message is not brought to full length.
const FEATURES_FEW: usize = 32;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sketch {
    features: Vec<u32>,
}

impl Sketch {
    pub fn of(evidence: &Evidence) -> Sketch {
        let mut features: Vec<u32> = evidence.features(NAMESPACES).collect();
        if features.len() > FEATURES_MAX {
            features.select_nth_unstable(FEATURES_MAX);
            features.truncate(FEATURES_MAX);
        }
        Sketch::from_features(features)
    }

    pub(super) fn from_features(mut features: Vec<u32>) -> Sketch {
        features.sort_unstable();
        features.dedup();
        features.truncate(FEATURES_MAX);
        Sketch { features }
    }

    pub(super) fn features(&self) -> &[u32] {
        &self.features
    }

    /// Value of each feature.
    pub(super) fn value(&self) -> f32 {
        1.0 / (self.features.len().max(FEATURES_FEW) as f32).sqrt()
    }
}
