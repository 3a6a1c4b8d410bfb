//! Mail flow rules: what an organisation wants done with mail of a kind it describes itself.
//!
//! In: a judged mail and the rules of its organisation, compiled once and shared through the directory. Out: one [`Ruling`] a
//! recipient, and [`RuleNote`]s that say of each rule what it did, would have done, or why it did not apply. Pure: nothing here
//! writes, sends or waits for anything. Order: rules come behind malware and before policy; every rule sees the mail as it came.
//! Invariant: malware is never let through by a rule; evaluation is bounded ([`evaluate::SCAN_OCTETS_MAX`]), and over the bound the
//! rule's own error action holds. Not here: doing what a ruling says (`intake`, `action`), pages and sentences (`web`).

mod check;
mod compile;
pub mod content;
mod evaluate;
mod facts;
mod kinds;
mod look;
mod note;
mod past;
mod pattern;
mod ruling;
mod settings;
pub mod sql;

#[cfg(test)]
mod tests;

pub(crate) use compile::together;
pub use check::{Complaint, Part, Wrong, check};
pub use compile::{Deed, OrgRules, Rule};
pub use evaluate::{Evaluated, evaluate, evaluate_one};
pub use facts::Facts;
pub use kinds::{ActionField, ActionKind, ConditionKind, Takes, VERDICTS};
pub use note::{Evidence, NoteOutcome, RuleNote};
pub use past::Past;
pub use pattern::PatternError;
pub use ruling::{Copied, Notice, Ruling, RulingFate};
pub use settings::{Action, Condition, Fallback, Mode, OnError, Place, RuleSettings, SenderLocation};

/// Rules of one organisation; more cannot be saved.
pub const RULES_MAX: usize = 300;
