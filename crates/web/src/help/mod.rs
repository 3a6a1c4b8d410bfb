//! Help: articles of tasks, of every check, problem, refusal, status code and setting, in both languages, and the search over them.
//!
//! In: Markdown under `help/` of the repository, and what checks, faults, refusals and settings say at their definitions. Out: pages
//! for everybody, signed in or not, and `GET /api/v1/help`. Invariant: both languages of an article have the same blocks in the same
//! order, so that the other language of each is one button away. Not here: deciding anything about mail.

pub mod api;
mod articles;
pub mod codes;
mod everything;
mod library;
mod page;
mod search;

pub use library::{Article, Kind, Library, Setting, SettingTable, Text};
pub use search::{Hit, find};

use crate::App;
use crate::page::words::Source;
use axum::Router;
use axum::routing::get;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new()
        .route("/help", get(page::home))
        .route("/help/{kind}", get(page::list))
        .route("/help/{kind}/{name}", get(page::article))
        .route("/search", get(everything::search))
}
