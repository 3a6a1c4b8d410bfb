//! The mail path: connection → session → intake → (authentication, inspection, verdict) → policy → action → store → delivery → trace.
//!
//! [`intake::receive`] names the steps in this order; it is the first thing to read.

pub mod settings;
pub mod scope;
pub mod connection;
pub mod session;
pub mod intake;
pub mod directory;
pub mod policy;
pub mod action;
pub mod quarantine;
pub mod queue;
pub mod delivery;
pub mod trace;
pub mod receipt;
pub mod signal;

/// The schema of the mail path, in order.
pub const MIGRATIONS: &[store::Migration] =
    &[store::Migration { number: 1, name: "mail_path", sql: include_str!("migrations/0001_mail_path.sql") }];
