//! Restricted senders: who may not send out for now, why, and letting them send again. Who is restricted is `gateway::outflow`'s; this is for
//! people.
//!
//! Invariants: a release needs a reason and is in the audit log, in the transaction that does it; administrators are told once of each.

pub mod api;
mod letter;
mod page;

pub use letter::{tell, tell_every_minute};

use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use gateway::outflow::{Restricted, sql};
use serde_json::json;
use store::Error;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// Senders of one page; more at once is an outbreak, and the first are as good as all.
const ROWS_MAX: usize = 200;
const REASON_CHARS_MAX: usize = 500;

pub fn routes() -> Router<App> {
    Router::new().route("/restricted", get(page::list)).route("/restricted/release", post(page::release))
}

/// Those who are restricted now, in this person's scope.
async fn list(app: &App, person: &Person) -> Result<Vec<Restricted>, Fault> {
    person.require(May::ReadSettings)?;
    let (scope, now_ms) = (person.scope(), app.now_ms());
    let found = app.db.read(move |tx| Box::pin(async move { sql::restricted(tx, scope, now_ms, ROWS_MAX).await })).await;
    found.map_err(|why: Error| Fault::from(why))
}

/// Lets a sender of this person's scope send again.
/// # Errors
/// [`Fault::NotFound`] when it is not restricted, or another organisation's; [`Fault::Invalid`] without a reason.
async fn release(app: &App, person: &Person, sender: &str, reason: &str) -> Result<(), Fault> {
    person.require(May::Entries)?;
    let (sender, reason) = (sender.trim().to_lowercase(), reason.trim().to_string());
    if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
        return Err(Fault::Invalid(vec![Wrong::new("reason", "restricted-wrong-reason")]));
    }
    let (scope, now_ms, ids, person) = (person.scope(), app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let found = sql::one(tx, scope, &sender, now_ms).await.map_err(Fault::from)?.ok_or(Fault::NotFound)?;
                if sql::release(tx, found.org, &sender).await.map_err(Fault::from)? == 0 {
                    return Err(Fault::Conflict(Say::new("restricted-released-already")));
                }
                let was = json!({ "since_ms": found.since_ms, "reason": found.reason.name(), "count": found.detail, "note": reason });
                let entry = Entry::new(Some(found.org), "restricted.release", &sender).with(was);
                audit::note(tx, &person, &ids, now_ms, entry).await.map_err(Fault::from)
            })
        })
        .await
}
