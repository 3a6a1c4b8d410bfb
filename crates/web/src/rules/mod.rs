//! Mail flow rules for people: written, tested, ordered. What a rule does to a mail is the mail path's (`gateway::rules`).
//!
//! Invariants: a rule is saved only when nothing is wrong with it; what a draft would do is said for as many mails as it can be known
//! for, and for how many it cannot; content of somebody else's mail is only tested with [`May::ReadMail`] and leaves a line in the
//! audit log.

pub mod api;
mod approve;
mod change;
mod draft;
mod edit;
mod fields;
mod list;
pub mod replay;
pub mod sentence;
mod try_mail;

pub use change::replace;

use crate::App;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use gateway::rules::sql::{self, RuleRow};
use mail::RuleId;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new()
        .route("/rules", get(list::page))
        .route("/rules/new", get(edit::blank).post(edit::posted_new))
        .route("/rules/approvals", get(approve::page))
        .route("/rules/approvals/{mail}", post(approve::decide))
        .route("/rules/{id}", get(edit::stored).post(edit::posted))
        .route("/rules/{id}/hits", get(list::hits))
        .route("/rules/{id}/move", post(list::moved))
        .route("/rules/{id}/switch", post(list::switched))
        .route("/rules/{id}/duplicate", post(list::duplicated))
        .route("/rules/{id}/delete", post(list::deleted))
}

/// Days over which the list counts what rules applied to.
pub const HIT_DAYS: i64 = 7;

/// A rule of the person's scope.
async fn found(app: &App, person: &Person, id: &str) -> Result<RuleRow, Fault> {
    let id: RuleId = id.parse().map_err(|_| Fault::NotFound)?;
    let scope = person.scope();
    let row = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await;
    row.map_err(<Fault as From<store::Error>>::from)?.ok_or(Fault::NotFound)
}

/// The same, to be changed: not when it stands in the settings file.
async fn mine_to_change(app: &App, person: &Person, id: &str) -> Result<RuleRow, Fault> {
    let row = found(app, person, id).await?;
    person.require(May::Rules)?;
    if row.is_of_file() {
        return Err(Fault::Conflict(Say::new("rules-of-file")));
    }
    Ok(row)
}
