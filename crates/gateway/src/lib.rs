//! The mail path: connection → session → intake → (authentication, inspection, verdict) → policy → action → store → delivery → trace.
//!
//! [`intake::receive`] names the steps in this order; it is the first thing to read.

pub mod action;
pub mod beside;
pub mod connection;
pub mod delivery;
pub mod directory;
pub mod dkim;
pub mod entry;
pub mod feedback;
pub mod follow;
pub mod health;
pub mod intake;
pub mod mail_reports;
pub mod mailbox;
pub mod outflow;
pub mod policy;
pub mod quarantine;
pub mod queue;
pub mod receipt;
pub mod reputation;
pub mod return_path;
pub mod rules;
pub mod scope;
pub mod session;
pub mod settings;
pub mod signal;
pub mod trace;

/// The schema of the mail path, in order.
pub const MIGRATIONS: &[store::Migration] = &[
    store::Migration { number: 1, name: "mail_path", sql: include_str!("migrations/0001_mail_path.sql") },
    store::Migration { number: 2, name: "reputation", sql: include_str!("migrations/0002_reputation.sql") },
    store::Migration { number: 3, name: "greylist", sql: include_str!("migrations/0003_greylist.sql") },
    store::Migration { number: 4, name: "feedback", sql: include_str!("migrations/0004_feedback.sql") },
    store::Migration { number: 16, name: "health", sql: include_str!("migrations/0016_health.sql") },
    store::Migration { number: 7, name: "rules", sql: include_str!("migrations/0007_rules.sql") },
    store::Migration { number: 9, name: "entry_usage", sql: include_str!("migrations/0009_entry_usage.sql") },
    store::Migration { number: 13, name: "mail_flow", sql: include_str!("migrations/0013_mail_flow.sql") },
    store::Migration { number: 19, name: "state", sql: include_str!("migrations/0019_state.sql") },
    store::Migration { number: 29, name: "state_org", sql: include_str!("migrations/0029_state_org.sql") },
    store::Migration { number: 35, name: "delivery_security", sql: include_str!("migrations/0035_delivery_security.sql") },
    store::Migration { number: 36, name: "return_path", sql: include_str!("migrations/0036_return_path.sql") },
    store::Migration { number: 37, name: "mail_report", sql: include_str!("migrations/0037_mail_report.sql") },
    store::Migration { number: 40, name: "directory_groups", sql: include_str!("migrations/0040_directory_groups.sql") },
    store::Migration { number: 51, name: "mail_report_sums", sql: include_str!("migrations/0051_mail_report_sums.sql") },
    store::Migration { number: 52, name: "conditions", sql: include_str!("migrations/0052_conditions.sql") },
    store::Migration { number: 53, name: "usual_mail", sql: include_str!("migrations/0053_usual_mail.sql") },
];
