//! Requests to release: asked by those who may not decide, answered by those who may. For malware the one who asks and the one who
//! agrees are the two persons it takes.

use super::{decide, powers, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::quarantine::{self, Decision, QuarantineError};
use mail::MailId;
use serde::Deserialize;
use store::Error;

/// How long a request waits for an answer.
const OPEN_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// The same for malware.
const OPEN_MALWARE_MS: i64 = 24 * 60 * 60 * 1000;
const REASON_CHARS_MAX: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ask {
    n: i64,
    reason: String,
}

/// `POST /quarantine/{mail}/ask`.
pub async fn ask(State(app): State<App>, person: Person, Path(id): Path<String>, Form(ask): Form<Ask>) -> Page {
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let held = decide::held(&app, &person, mail, ask.n).await?;
    let powers = powers(&person, &held);
    if !powers.see {
        return Err(Fault::NotFound);
    }
    if !powers.ask {
        return Err(Fault::Denied(May::ReleaseMalware));
    }
    let reason: String = ask.reason.trim().chars().take(REASON_CHARS_MAX).collect();
    if reason.is_empty() {
        return Err(Fault::Invalid(vec![Wrong::new("reason", "quarantine-reason-missing")]));
    }
    let now_ms = app.now_ms();
    let open_ms = if held.verdict == "malware" { OPEN_MALWARE_MS } else { OPEN_MS };
    let request = sql::Request {
        id: app.fresh_id(),
        org: held.org,
        mail,
        n: Some(ask.n),
        person: person.id,
        who: person.email.clone(),
        reason,
        until_ms: now_ms + open_ms,
        state: "open".into(),
        decided_by: String::new(),
        answer: String::new(),
    };
    let ids = app.ids.clone();
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                sql::insert(tx, &request).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(request.org), "quarantine.ask", mail)).await
            })
        })
        .await?;
    done(&format!("/quarantine/{mail}"), Say::new("quarantine-asked"))
}

#[derive(Template)]
#[template(path = "quarantine/templates/requests.html")]
struct RequestsPage<'a> {
    view: &'a View,
    person: &'a Person,
    requests: Vec<sql::Request>,
}

/// `GET /quarantine/requests`.
pub async fn list(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Release)?;
    let (scope, now_ms) = (person.scope(), app.now_ms());
    let requests = app.db.read(move |tx| Box::pin(async move { sql::open(tx, scope, now_ms).await })).await.map_err(Fault::from)?;
    show(&RequestsPage { view: &view, person: &person, requests })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    verb: String,
    answer: String,
}

/// `POST /quarantine/requests/{id}`: approve or deny; the release and the answer are one transaction.
pub async fn decide(State(app): State<App>, person: Person, Path(id): Path<String>, Form(answer): Form<Answer>) -> Page {
    person.require(May::Release)?;
    let id: i64 = id.parse().map_err(|_| Fault::NotFound)?;
    let (scope, now_ms, ids) = (person.scope(), app.now_ms(), app.ids.clone());
    let is_approved = match answer.verb.as_str() {
        "approve" => true,
        "deny" => false,
        _ => return Err(Fault::Unreadable("verb is approve or deny".into())),
    };
    let words: String = answer.answer.trim().chars().take(REASON_CHARS_MAX).collect();
    let request = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await.map_err(Fault::from)?;
    let request = request.filter(|request| request.state == "open" && request.until_ms > now_ms).ok_or(Fault::NotFound)?;
    let is_malware = match decide::held(&app, &person, request.mail, request.n.unwrap_or(0)).await {
        Ok(held) => held.verdict == "malware",
        Err(Fault::NotFound) if !is_approved => false, // gone meanwhile: it can still be answered
        Err(other) => return Err(other),
    };
    if is_approved && is_malware {
        person.require(May::ReleaseMalware)?;
    }
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::decide(tx, id, if is_approved { "approved" } else { "denied" }, (&person.email, &words), now_ms).await? {
                    return Err(QuarantineError::NotHeld(request.mail));
                }
                if is_approved {
                    let who = if is_malware { request.who.clone() } else { person.email.clone() };
                    let decision = Decision { scope, mail: request.mail, recipient: request.n, who, now_ms };
                    match is_malware {
                        true => quarantine::release_by_two(tx, &decision, &person.email, &ids).await?,
                        false => quarantine::release_in(tx, &decision, &ids).await?,
                    };
                }
                let action = if is_approved { "quarantine.approve" } else { "quarantine.deny" };
                let entry = Entry::new(Some(request.org), action, request.mail).with(serde_json::json!({ "asked_by": request.who }));
                audit::note(tx, &person, &ids, now_ms, entry).await.map_err(|why: Error| QuarantineError::Store(why))
            })
        })
        .await?;
    done("/quarantine/requests", Say::new(if is_approved { "quarantine-approved" } else { "quarantine-denied" }))
}
