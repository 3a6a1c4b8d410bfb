//! What happened to mail lately, and what needs a decision.
//!
//! In: hourly sums that a job of this feature keeps ([`counting`]), so that a page never counts a million rows; a few counts of what
//! waits right now; the last balance. Out: the first page after sign-in, its live figures, and `GET /api/v1/overview`.
//! Invariant: the mail path writes nothing for it. Not here: single mails (`trace`), deciding about them (`quarantine`).

pub mod api;
mod balance;
pub mod counting;
mod figures;
mod live;
mod page;
mod sql;
mod when;

pub use balance::keep as keep_balance;
pub use counting::start;
pub use page::grouped;

use crate::App;
use crate::page::words::Source;
use crate::page::{Fault, View};
use crate::people::May;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 15, name: "overview", sql: include_str!("migrations/0015_overview.sql") },
    Migration { number: 23, name: "overview_kind", sql: include_str!("migrations/0023_overview_kind.sql") },
    Migration { number: 30, name: "overview_all", sql: include_str!("migrations/0030_overview_all.sql") },
];

pub fn routes() -> Router<App> {
    Router::new().route("/", get(first)).route("/overview", get(page::overview)).route("/overview/live", get(live::stream))
}

/// `GET /`: the first page that this person may see.
async fn first(view: View) -> Result<Redirect, Fault> {
    if view.person.is_none() {
        return Err(Fault::SignIn);
    }
    let first = [(May::Overview, "/overview"), (May::Trace, "/trace"), (May::OwnQuarantine, "/quarantine/mine")];
    Ok(Redirect::to(first.iter().find(|(may, _)| view.may(*may)).map_or("/help", |(_, path)| path)))
}
