//! Checks: small questions with an answer, evidence and a fix. Whoever wants to know whether something works asks them: the pages of
//! domains and connectors, the command line, the API, later the troubleshooter.
//!
//! In: a target and a DNS seam. Out: [`check::Checked`], which holds no prose but keys of words, so that it can be kept and read in any
//! language. Not here: when to check, and who may (the features).

pub mod check;
pub mod outside;
pub mod sql;
pub mod turns;

use crate::page::words::Source;
pub use gateway::delivery::security::fetch;
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 12, name: "domain", sql: include_str!("../domain/migrations/0012_domain.sql") }];
