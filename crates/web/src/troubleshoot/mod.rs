//! The troubleshooter: from "my mail does not arrive" to the cause and the fix.
//!
//! In: a symptom and what is known of the mail ([`question`]). Out: causes ranked by likelihood with evidence ([`answer`]), words for the
//! person who asks and for an administrator, fixes that are applied and taken back ([`apply`]). Invariant: a cause follows from records
//! and checks by named rules (`judge`), never from how the complaint was worded; nothing is changed before somebody says so. Not here:
//! the checks themselves (`diagnostics`), the story of a mail (`trace`).

pub mod answer;
pub mod api;
pub mod apply;
pub mod cause;
mod explain;
pub mod fix;
mod gather;
pub mod ground;
mod judge;
mod page;
mod pasted;
pub mod question;
pub(crate) mod run;
pub mod shown;
mod sql;
pub mod steps;
pub mod suspect;
pub mod symptom;

pub use explain::{Explained, ExplainedFailure, explained};
pub use page::routes;
pub use pasted::read as read_pasted;

use crate::page::words::Source;
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };
pub const CAUSE_WORDS: Source = Source { en: include_str!("words/causes.en.ftl"), zh: include_str!("words/causes.zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 22, name: "diagnosis", sql: include_str!("migrations/0022_diagnosis.sql") }];
