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
mod shelf;
mod sql;
pub mod vote;

pub use library::{Article, Kind, Library, Setting, SettingTable, Text};
pub use search::{Hit, find, name_of_nothing, named};
pub use shelf::Shelf;

use crate::App;
use crate::page::words::Source;
use axum::Router;
use axum::routing::{get, post};
use store::Migration;
use tokio::sync::OnceCell;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 33, name: "help_vote", sql: include_str!("migrations/0033_help_vote.sql") }];

/// Begins to learn how people ask, which takes a good part of a second, while a page is read where they can. An installation that nobody
/// asks has no memory taken for it. Wants a runtime.
pub fn warm() {
    if !search::is_learned() {
        tokio::spawn(learned());
    }
}

/// Waits, without holding up others, until it is learned how people ask. However many wait, one thread learns.
pub async fn learned() {
    static LEARNED: OnceCell<()> = OnceCell::const_new();
    // Nothing comes back; where it fails, the search that follows tries again.
    LEARNED.get_or_init(|| async { drop(tokio::task::spawn_blocking(search::learn).await) }).await;
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
