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
use crate::health::bell::Alert;
use crate::page::fault::Wrong;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person, sql as people_sql};
use axum::Router;
use axum::routing::{get, post};
use gateway::outflow::{ONLY_TOLD_MS, Restricted, sql};
use gateway::scope::OrgScope;
use mail::PersonId;
use serde_json::json;
use store::{Error, Tx};

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

/// Senders that the bell rings about at once.
const RUNG_MAX: usize = 20;

/// What the bell of this person rings about: senders that are restricted now, or went over a limit within a day where nobody is restricted
/// for that. For who may release them.
pub async fn alerts(tx: &mut Tx, scope: OrgScope, person: PersonId, now_ms: i64) -> Result<Vec<Alert>, Error> {
    let found = sql::rung(tx, scope, now_ms, RUNG_MAX).await?;
    if found.is_empty() || people_sql::active(tx, person).await?.is_none_or(|person| !person.may(May::Entries)) {
        return Ok(Vec::new());
    }
    let alert = |one: Restricted| {
        let is_only_told = one.until_ms == ONLY_TOLD_MS;
        let title = if is_only_told { "restricted-letter-over-subject" } else { "restricted-letter-subject" };
        Alert {
            subject: format!("sender {}", one.sender),
            href: "/restricted".into(),
            title: Say::new(title).with("sender", one.sender).into(),
            at_ms: one.since_ms,
            is_urgent: true,
            is_read: false,
            status: if is_only_told { "restricted-over".into() } else { "restricted-badge".into() },
            tone: if is_only_told { "warn" } else { "bad" },
        }
    };
    Ok(found.into_iter().map(alert).collect())
}

/// Restricts a sender of this person's organisation until somebody releases it, after complaints about its mail.
/// # Errors
/// [`Fault::Invalid`]: it is no address of a domain of theirs; [`Fault::Conflict`]: it is restricted already.
pub(crate) async fn add(app: &App, person: &Person, sender: &str, complaints: i64) -> Result<(), Fault> {
    person.require(May::Entries)?;
    let wrong = || Fault::Invalid(vec![Wrong::new("sender", "restricted-wrong-sender")]);
    let address = mail::Address::parse(sender.trim()).map_err(|_| wrong())?;
    let org = app
        .directory
        .snapshot()
        .domain_of(&address)
        .map(|domain| domain.org)
        .filter(|org| person.scope().allows(*org))
        .ok_or_else(wrong)?;
    let (sender, now_ms, ids, person) = (address.key(), app.now_ms(), app.ids.clone(), person.clone());
    let one = Restricted {
        org,
        sender: sender.clone(),
        since_ms: now_ms,
        until_ms: 0,
        reason: gateway::outflow::Reason::Complaints,
        detail: complaints.to_string(),
    };
    let done = app.db.tx(move |tx| {
        Box::pin(async move {
            if sql::restrict(tx, &one).await.map_err(Fault::from)? == 0 {
                return Err(Fault::Conflict(Say::new("restricted-added-already")));
            }
            let entry = Entry::new(Some(org), "restricted.add", &sender).with(json!({ "complaints": complaints }));
            audit::note(tx, &person, &ids, now_ms, entry).await.map_err(Fault::from)
        })
    });
    done.await
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
