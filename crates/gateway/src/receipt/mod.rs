//! The receipt: one JSON document per mail that says what was decided, and why.
//!
//! In: everything the steps returned. Out: [`Receipt`], stored with the mail in the same transaction; trace, quarantine, notices,
//! explanation and replay read it. Invariant: it holds what was used for the decision and nothing of the body.

mod explain;
pub mod refusal;
mod shape;

pub use explain::{Language, action_words, class_words, counterfactuals, evidence, explain, strongest, title};
pub use refusal::explain_refusal;
pub use shape::{Connection, Decided, EnvelopeShape, HeaderDigest, Receipt, Step, Versions};

/// Version of the document; readers refuse a higher one.
pub const VERSION: u32 = 1;
