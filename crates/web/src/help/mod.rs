//! Help: articles of tasks, of every check, problem, refusal, status code and setting, in both languages, and the search over them.
//!
//! In: Markdown under `help/` of the repository, and what checks, faults, refusals and settings say at their definitions. Out: pages
//! for everybody, signed in or not, and `GET /api/v1/help`; what readers say of an article goes to operators. Invariant: both languages of an article have the same blocks in the same
//! order, so that the other language of each is one button away. Not here: deciding anything about mail.

pub mod api;
mod articles;
pub mod codes;
mod everything;
mod library;
mod page;
pub mod search;
mod sql;
pub mod vote;

pub use library::{Article, Kind, Library, Setting, SettingTable, Text};
pub use search::{Hit, find, named};

use crate::App;
use crate::page::words::Source;
use axum::Router;
use axum::routing::{get, post};
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 33, name: "help_vote", sql: include_str!("migrations/0033_help_vote.sql") }];

/// How long after the start the ways to ask are learned from, when nobody asked before.
const WARM_AFTER: std::time::Duration = std::time::Duration::from_secs(20);

/// Learns how people ask before the first one does: it takes a good part of a second. Ends by itself; wants a runtime.
pub fn warm() {
    tokio::spawn(async {
        tokio::time::sleep(WARM_AFTER).await;
        // Nothing comes back; one that fails is tried by whoever asks first.
        let _ = tokio::task::spawn_blocking(search::learn).await;
    });
}

pub fn routes() -> Router<App> {
    Router::new()
        .route("/help", get(page::home))
        .route("/help/{kind}", get(page::list))
        .route("/help/{kind}/{name}", get(page::article))
        .route("/help/{kind}/{name}/useful", post(vote::say))
        .route("/help-votes", get(vote::page))
        .route("/search", get(everything::search))
}
