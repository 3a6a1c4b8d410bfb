//! Domains: added step by step, their records checked.

pub mod api;

use crate::App;
use crate::page::words::Source;
use axum::Router;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new()
}
