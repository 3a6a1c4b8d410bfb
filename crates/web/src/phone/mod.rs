//! The phone directory: the right number for a caller's country, question, language and minute.
//!
//! In: entries that operators keep, and who asks. Out: a page for everybody, signed in or not, `GET /api/v1/phone`, `gatepost phone`, and
//! pages and REST to keep the entries. Invariants: every number shown stands in an entry and is one its country's plan knows; every change
//! is in the audit log with what was before. Not here: what a caller is told (`crate::help`).

pub mod api;
pub mod book;
pub mod country;
mod edit;
pub mod hours;
pub mod number;
mod page;
pub mod sql;
pub mod table;
pub mod typed;

pub use page::language;

use crate::App;
use crate::audit::{self, Entry as Line};
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::Person;
use axum::Router;
use axum::routing::{get, post};
use book::Entry;
use futures_util::future::BoxFuture;
use mail::id::PhoneId;
use serde_json::json;
use store::{Migration, Tx};
use typed::Typed;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 28, name: "phone_entry", sql: include_str!("migrations/0028_phone_entry.sql") }];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/help/phone", get(page::directory))
        .route("/phone", get(edit::list))
        .route("/phone/new", get(edit::fresh).post(edit::create))
        .route("/phone/table", get(edit::export))
        .route("/phone/import", get(edit::import_form).post(edit::import))
        .route("/phone/{entry}", get(edit::one).post(edit::change))
        .route("/phone/{entry}/remove", post(edit::remove))
}

/// The whole directory.
pub async fn all(app: &App) -> Result<Vec<Entry>, Fault> {
    app.db.read(|tx| Box::pin(sql::all(tx))).await.map_err(Fault::from)
}

/// What the audit log keeps of an entry.
fn told(entry: &Entry) -> serde_json::Value {
    json!(Typed::of(entry))
}

/// Adds an entry or puts it in place of the one with its identifier. A conflict when the directory is full.
async fn keep(tx: &mut Tx, entry: &Entry, was: Option<&Entry>, (now_ms, who): (i64, &str)) -> Result<Line, Fault> {
    if was.is_none() && sql::count(tx).await? >= sql::ENTRIES_MAX {
        return Err(Fault::Conflict(Say::new("phone-too-many")));
    }
    sql::put(tx, entry, (now_ms, who)).await?;
    let detail = json!({ "was": was.map(told), "now": told(entry) });
    Ok(Line::new(None, if was.is_some() { "phone.change" } else { "phone.create" }, entry.id).with(detail))
}

/// Takes an entry out. A conflict while another one refers to its numbers and would lead nowhere.
async fn drop_entry(tx: &mut Tx, entry: &Entry) -> Result<Line, Fault> {
    let rest: Vec<Entry> = sql::all(tx).await?.into_iter().filter(|other| other.id != entry.id).collect();
    if rest.iter().any(|other| other.country == entry.country && leads_nowhere(other, &rest)) {
        return Err(Fault::Conflict(Say::new("phone-referred")));
    }
    sql::remove(tx, entry.id).await?;
    Ok(Line::new(None, "phone.remove", entry.id).with(json!({ "was": told(entry) })))
}

/// Whether an entry refers to numbers that are not among `all`.
fn leads_nowhere(entry: &Entry, all: &[Entry]) -> bool {
    let book::Place::SameAs(purpose) = entry.place else { return false };
    let has_number = |other: &Entry| {
        other.country == entry.country && other.purposes.contains(&purpose) && matches!(other.place, book::Place::Number { .. })
    };
    !all.iter().any(has_number)
}

/// Puts a table in place of the directory, or beside it.
pub async fn take_over(tx: &mut Tx, entries: &[Entry], replaces: bool, (now_ms, who): (i64, &str)) -> Result<Line, Fault> {
    let before = sql::count(tx).await?;
    if replaces {
        sql::clear(tx).await?;
    } else if before + entries.len() > sql::ENTRIES_MAX {
        return Err(Fault::Conflict(Say::new("phone-too-many")));
    }
    for entry in entries {
        sql::put(tx, entry, (now_ms, who)).await?;
    }
    Ok(Line::new(None, "phone.import", entries.len()).with(json!({ "before": before, "replaces": replaces, "rows": table::rows(entries) })))
}

/// Fills a directory in which there is nothing.
pub async fn fill_empty(tx: &mut Tx, entries: &[Entry], by: (i64, &str)) -> Result<(), store::Error> {
    if sql::count(tx).await? == 0 {
        for entry in entries {
            sql::put(tx, entry, by).await?;
        }
    }
    Ok(())
}

/// Runs a change with its line of the audit log in one transaction.
async fn changed(
    app: &App,
    person: &Person,
    work: impl for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Line, Fault>> + Send + 'static,
) -> Result<(), Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let done = app.db.tx(move |tx| {
        Box::pin(async move {
            let line = work(tx).await?;
            audit::note(tx, &person, &ids, now_ms, line).await.map_err(Fault::from)
        })
    });
    done.await
}

/// An entry by its identifier.
async fn found(app: &App, id: &str) -> Result<Entry, Fault> {
    let id: PhoneId = id.parse().map_err(|_| Fault::NotFound)?;
    let entry = app.db.read(move |tx| Box::pin(async move { sql::one(tx, id).await })).await.map_err(Fault::from)?;
    entry.ok_or(Fault::NotFound)
}
