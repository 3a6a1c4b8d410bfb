//! Allow and block entries as rows: made, listed, renewed, ended; and what each of them did.
//!
//! In: what people and programs ask for. Out: rows that the directory reads ([`crate::directory::Entries`] looks them up), and counts.
//! Invariants: every change of a row moves the directory's version in the same transaction; counting never waits and never fails a
//! mail. Not here: which entry wins (`policy`).

mod sql;
#[cfg(test)]
mod tests;
mod usage;

pub use sql::{Filter, Listed, clashing, end, ending, forget, insert, list, one, set_end, usage_of, warned};
pub use usage::{Count, Usage};

/// Ended entries are shown for so long, with what they did.
pub const KEPT_AFTER_END_MS: i64 = 90 * 24 * 60 * 60 * 1_000;
