//! What happened to mail lately, and what needs a decision.

pub mod api;

use crate::App;
use crate::page::words::Source;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new().route("/", get(async || Redirect::to("/trace")))
}
