//! Submissions: a mail that is shown to the filter, what it says of it today, and what people reported.
//!
//! In: a saved message and, if wanted, a word about it. Out: the verdict with its reasons, and a report that the filter learned from, which can
//! be taken back. Invariants: what was sent in is judged and not kept, unless it is reported, and then only what was learned from it;
//! looking changes nothing. Not here: mail that came through us and is judged again (`trace::again`), reports by mail (`gateway::feedback`).

pub mod api;
mod judge;
mod page;

use crate::App;
use crate::page::words::Source;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// Octets of a message that is shown to the filter.
const MESSAGE_OCTETS_MAX: usize = 25 << 20;
/// The form around it.
const FORM_OCTETS_MAX: usize = MESSAGE_OCTETS_MAX + (64 << 10);

pub fn routes() -> Router<App> {
    Router::new()
        .route("/submissions", get(page::list))
        .route("/submissions/new", get(page::form).post(page::send).layer(DefaultBodyLimit::max(FORM_OCTETS_MAX)))
        .route("/submissions/{report}/remove", post(page::remove))
}
