//! Held mail for those who decide about it, and for those it was sent to. The tables are `gateway::quarantine`'s.

pub mod api;

use crate::App;
use crate::page::words::Source;
use axum::Router;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new()
}
