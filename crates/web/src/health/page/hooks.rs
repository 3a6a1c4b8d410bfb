//! Where programs are told: an organisation's webhooks.

use super::super::hook::{
    self, feed,
    sql::{self, HOOKS_MAX, Hook, Sent},
};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::confirm::{self, Confirm};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use store::Error;

const URL_CHARS_MAX: usize = 500;
/// Octets of a secret, as Standard Webhooks recommends: 24 to 64.
const SECRET_OCTETS: usize = 32;

#[derive(Template)]
#[template(path = "health/templates/hooks.html")]
struct HooksPage<'a> {
    view: &'a View,
    form: &'a Shown,
    hooks: Vec<Hook>,
    kinds: [&'static str; 2],
}

async fn page_of(app: &App, view: &View, person: &Person, form: &Shown, status: StatusCode) -> Page {
    let scope = person.scope();
    let hooks = app.db.read(move |tx| Box::pin(async move { sql::hooks(tx, scope).await })).await.map_err(Fault::from)?;
    let hooks = hooks.into_iter().map(|hook| hook.opened(&app.seal)).collect();
    show_with(status, &HooksPage { view, form, hooks, kinds: ["events", "ntfy"] })
}

/// `GET /health/hooks`.
pub async fn list(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Connectors)?;
    page_of(&app, &view, &person, &Shown::default(), StatusCode::OK).await
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct New {
    /// events, ntfy
    pub kind: String,
    pub url: String,
    /// Access token of a topic.
    pub token: String,
    /// What it is to hear of, "on" each: see [`feed::TOPICS`].
    pub health: String,
    pub mail: String,
    pub held: String,
    pub quarantine: String,
    pub request: String,
    pub audit: String,
}

impl New {
    fn topics(&self) -> Vec<String> {
        let ticks = [&self.health, &self.mail, &self.held, &self.quarantine, &self.request, &self.audit];
        feed::TOPICS.iter().zip(ticks).filter(|(_, tick)| !tick.is_empty()).map(|(topic, _)| topic.to_string()).collect()
    }

    /// With these topics ticked.
    pub fn hearing(mut self, topics: &[String]) -> New {
        let ticks = [&mut self.health, &mut self.mail, &mut self.held, &mut self.quarantine, &mut self.request, &mut self.audit];
        for (topic, tick) in feed::TOPICS.iter().zip(ticks) {
            if topics.iter().any(|one| one == topic) {
                *tick = "on".into();
            }
        }
        self
    }
}

/// `POST /health/hooks`: the secret is made here and shown on the page.
pub async fn add(State(app): State<App>, view: View, person: Person, Form(new): Form<New>) -> Page {
    person.require(May::Connectors)?;
    match make(&app, &person, &new).await? {
        Ok(_) => done("/health/hooks", Say::new("health-hook-added")),
        Err(wrong) => {
            let form = Shown::of(&new).with_wrong(vec![wrong]);
            page_of(&app, &view, &person, &form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// Makes a hook for this address, or says what is wrong with it.
pub async fn make(app: &App, person: &Person, new: &New) -> Result<Result<Hook, Wrong>, Fault> {
    let (url, token, is_push) = (new.url.trim().to_string(), new.token.trim().to_string(), new.kind == "ntfy");
    // What the log says is told only to whom its reader chose.
    if !new.audit.is_empty() {
        person.require(May::Audit)?;
    }
    let scope = person.scope();
    let count = app.db.read(move |tx| Box::pin(async move { sql::hooks(tx, scope).await })).await.map_err(Fault::from)?.len();
    if is_push && (hook::topic(&url).is_none() || !hook::is_token(&token)) {
        return Ok(Err(Wrong::new("url", "health-wrong-topic")));
    }
    let is_address = url.len() <= URL_CHARS_MAX && hook::is_address(&url);
    if !is_address || count >= HOOKS_MAX {
        return Ok(Err(Wrong::new("url", if is_address { "health-wrong-hooks" } else { "health-wrong-hook" })));
    }
    let mut octets = [0u8; SECRET_OCTETS];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| Fault::Ours("the system has no random numbers".into()))?;
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let hook = Hook {
        id: app.fresh_id(),
        org: person.org.map_or(0, |org| org.0),
        url,
        kind: if is_push { "ntfy".into() } else { "events".into() },
        secret: if is_push { token } else { format!("whsec_{}", STANDARD.encode(octets)) },
        answer: String::new(),
        next_ms: 0,
        // A push says something is wrong; everything else is for programs.
        topics: if is_push { "health".into() } else { feed::topics(&new.topics()) },
    };
    let (made, seal) = (hook.clone(), app.seal.clone());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            sql::put(tx, &seal, &hook, now_ms).await?;
            let entry = Entry::new(person.org, "health.hook", hook.id).with(serde_json::json!({ "url": hook.url }));
            audit::note(tx, &person, &ids, now_ms, entry).await
        })
    });
    let done: Result<(), Error> = work.await;
    done.map_err(Fault::from)?;
    Ok(Ok(made))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /health/hooks/{hook}/remove`.
pub async fn remove(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    person.require(May::Connectors)?;
    let id: i64 = id.parse().map_err(|_| Fault::NotFound)?;
    let scope = person.scope();
    let hooks = app.db.read(move |tx| Box::pin(async move { sql::hooks(tx, scope).await })).await.map_err(Fault::from)?;
    let hook = hooks.into_iter().find(|hook| hook.id == id).ok_or(Fault::NotFound)?;
    if sure.is_empty() {
        let ask = Confirm {
            title: Say::new("health-hook-remove"),
            text: Say::new("health-hook-remove-sure").with("what", hook.url),
            button: "health-hook-remove",
            action: format!("/health/hooks/{id}/remove"),
            fields: Vec::new(),
            back: "/health/hooks".into(),
        };
        return confirm::page(&view, &ask);
    }
    let (ids, now_ms) = (app.ids.clone(), app.now_ms());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let is_gone = sql::remove(tx, scope, id).await?;
            audit::note(tx, &person, &ids, now_ms, Entry::new(person.org, "health.unhook", id)).await?;
            Ok::<_, Error>(is_gone)
        })
    });
    if !work.await.map_err(Fault::from)? {
        return Err(Fault::NotFound);
    }
    done("/health/hooks", Say::new("health-hook-removed"))
}

#[derive(Template)]
#[template(path = "health/templates/hook.html")]
struct HookPage<'a> {
    view: &'a View,
    hook: Hook,
    sent: Vec<SentShown>,
}

/// An event as its row shows it.
struct SentShown {
    row: Sent,
    kind: String,
    at_ms: i64,
}

/// The log of a hook of the person's.
pub async fn logged(app: &App, person: &Person, id: &str) -> Result<(Hook, Vec<Sent>), Fault> {
    person.require(May::Connectors)?;
    let (id, scope): (i64, _) = (id.parse().map_err(|_| Fault::NotFound)?, person.scope());
    let found = app.db.read(move |tx| Box::pin(async move { sql::log(tx, scope, id).await })).await.map_err(Fault::from)?;
    let found = found.ok_or(Fault::NotFound)?;
    if found.0.hears(feed::AUDIT) {
        person.require(May::Audit)?;
    }
    Ok(found)
}

/// `GET /health/hooks/{hook}`: what was sent, and what came of it.
pub async fn log(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let (hook, sent) = logged(&app, &person, &id).await?;
    let shown = |row: Sent| {
        let event: serde_json::Value = serde_json::from_str(&row.event).unwrap_or_default();
        let kind = event["type"].as_str().unwrap_or_default().trim_start_matches("org.gatepost.").trim_end_matches(".v1").to_string();
        SentShown { kind, at_ms: gateway::trace::time_of(mail::MailId(row.id)), row }
    };
    show_with(StatusCode::OK, &HookPage { view: &view, hook, sent: sent.into_iter().map(shown).collect() })
}

/// Sends an event again.
pub async fn repeat(app: &App, person: &Person, id: &str, sent: &str) -> Result<(), Fault> {
    person.require(May::Connectors)?;
    let (id, sent): (i64, i64) = (id.parse().map_err(|_| Fault::NotFound)?, sent.parse().map_err(|_| Fault::NotFound)?);
    let (ids, now_ms, scope, person) = (app.ids.clone(), app.now_ms(), person.scope(), person.clone());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let is_there = sql::again(tx, scope, (id, sent), now_ms).await?;
            if is_there {
                let entry = Entry::new(person.org, "health.hook-again", id).with(serde_json::json!({ "event": sent.to_string() }));
                audit::note(tx, &person, &ids, now_ms, entry).await?;
            }
            Ok::<_, Error>(is_there)
        })
    });
    if work.await.map_err(Fault::from)? { Ok(()) } else { Err(Fault::NotFound) }
}

/// `POST /health/hooks/{hook}/again/{sent}`.
pub async fn again(State(app): State<App>, person: Person, Path((id, sent)): Path<(String, String)>) -> Page {
    repeat(&app, &person, &id, &sent).await?;
    done(&format!("/health/hooks/{id}"), Say::new("health-hook-repeated"))
}
