//! Looking at mail: inspections, the classifier, malware engines, and the verdict over what they found.
//!
//! In: a [`mail::Mail`] and its [`mail::AuthResults`]. Out: [`Inspected`], then a [`Verdict`]. Inspections report, the
//! verdict judges; what is done about it is decided elsewhere (`gateway::policy`, `gateway::action`).

pub mod acquaintance;
pub mod attachment;
pub mod authentication;
pub mod bulk;
pub mod checks;
pub mod classify;
pub mod connection;
pub mod content;
pub mod eval;
pub mod finding;
#[cfg(test)]
mod fixture;
pub mod impersonation;
pub mod inspect;
pub mod link;
pub mod malware;
pub mod settings;
pub mod verdict;

pub use acquaintance::Acquaintance;
pub use checks::{CHECKS, CheckDoc};
pub use finding::{Finding, Kind};
pub use inspect::{Detector, Inspected, Surroundings};
pub use settings::DetectSettings;
pub use verdict::{Class, Thresholds, Verdict};
