//! What a draft would have done, and saving it.

use super::run::LOST_AFTER_MS;
use super::{Draft, State, What, sql};
use crate::App;
use crate::audit::{self, Entry as AuditEntry};
use crate::page::table::{Cell, badge};
use crate::page::{Fault, Page, Say, View, csv, done, show, time};
use crate::people::{May, Person};
use crate::trace::verdict_tone;
use crate::{entry, help_desk, policy};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State as Given};
use axum::routing::{get, post};
use gateway::policy::Change;
use mail::id::DraftId;
use serde::Deserialize;
use store::Error;

pub fn routes() -> Router<App> {
    Router::new().route("/drafts/{draft}", get(shown)).route("/drafts/{draft}/save", post(save))
}

#[derive(Template)]
#[template(path = "draft/templates/draft.html")]
struct DraftPage<'a> {
    view: &'a View,
    draft: &'a Draft,
    title: String,
    is_policy: bool,
    is_lost: bool,
    can_replay: bool,
    percent: i64,
    counts: Vec<(String, String, u64)>,
    rows: Vec<Vec<Cell>>,
    again: String,
    back: &'static str,
    back_title: &'static str,
    clashes: Vec<String>,
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Changes on the page; the file has all that are kept.
const ROWS_MAX: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    format: String,
}

/// `GET /drafts/{draft}`.
async fn shown(Given(app): Given<App>, view: View, person: Person, Path(id): Path<String>, Query(asked): Query<Asked>) -> Page {
    let draft = mine(&app, &person, &id).await?;
    let can_trace = person.may(May::Trace);
    if asked.format == "csv" {
        let head = ["draft-col-time", "draft-col-sender", "draft-col-subject", "draft-col-recipient", "draft-col-was", "draft-col-would"];
        let head: Vec<String> = head.iter().map(|key| view.t(key)).collect();
        let rows = draft.outcome.changes.iter().map(|change| row(&view, change, false).into_iter().map(|cell| cell.text).collect());
        return Ok(csv::file("replay", &head, rows));
    }
    let (title, again, back, back_title) = match &draft.what {
        What::Policy { settings, base } => {
            let path = if base.is_some() { format!("/policies/{}", policy::encoded(&settings.name)) } else { "/policies/new".into() };
            (view.w("draft-policy", &settings.name), format!("{path}?draft={}", draft.id), "/policies", "policy-title")
        }
        What::Entry { entry } => {
            let what = format!("{} {}", view.of_kind("entry-effect", entry.effect.name()), entry.value);
            (view.w("draft-entry", what), format!("/entries/new?draft={}", draft.id), "/entries", "entry-title")
        }
    };
    let action = |name: &str| view.of_kind("policy-action", name);
    let clashes = match &draft.what {
        What::Entry { entry } => entry::clashes_of(&app, &view, draft.org, entry).await?,
        What::Policy { .. } => Vec::new(),
    };
    let looked_ms = draft.made_ms - draft.progress.back_to_ms.min(draft.made_ms);
    show(&DraftPage {
        view: &view,
        title,
        is_policy: matches!(draft.what, What::Policy { .. }),
        is_lost: draft.state == State::Running && app.now_ms() - draft.seen_ms > LOST_AFTER_MS,
        can_replay: !matches!(&draft.what, What::Entry { entry } if !entry.can_be_replayed()),
        percent: if draft.progress.back_to_ms == 0 { 0 } else { (100 * looked_ms / (draft.days * DAY_MS)).clamp(0, 99) },
        counts: draft.outcome.counts.iter().map(|one| (action(&one.was), action(&one.would_be), one.count)).collect(),
        rows: draft.outcome.changes.iter().take(ROWS_MAX).map(|change| row(&view, change, can_trace)).collect(),
        again,
        back,
        back_title,
        clashes,
        draft: &draft,
    })
}

fn row(view: &View, change: &Change, is_linked: bool) -> Vec<Cell> {
    let subject = if change.subject.is_empty() { view.t("draft-no-subject") } else { change.subject.clone() };
    let decided = |class: detect::Class, action: gateway::policy::PolicyAction| {
        let (verdict, action) = (view.of_kind("verdict", class.name()), view.of_kind("policy-action", action.name()));
        let html = format!("{} {}", badge(verdict_tone(class.name()), &verdict), crate::page::table::escaped(&action));
        Cell { html, text: format!("{verdict}: {action}") }
    };
    vec![
        Cell { html: time::element(view, change.at_ms), text: time::rfc3339(change.at_ms) },
        Cell::text(if change.sender.is_empty() { "<>" } else { &change.sender }),
        if is_linked { Cell::link(&format!("/trace/{}", change.mail), subject) } else { Cell::text(subject) },
        Cell::text(&change.recipient),
        decided(change.was_class, change.was),
        decided(change.class, change.would_be),
    ]
}

/// The draft, when it is this person's and they may still do what it is for.
pub async fn mine(app: &App, person: &Person, id: &str) -> Result<Draft, Fault> {
    let id: DraftId = id.parse().map_err(|_| Fault::NotFound)?;
    let (scope, who) = (person.scope(), person.id);
    let found = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, who, id).await })).await.map_err(Fault::from)?;
    let mut draft = found.ok_or(Fault::NotFound)?;
    let is_own = matches!(&draft.what, What::Entry { entry } if entry.scope.eq_ignore_ascii_case(&person.email));
    if !is_own && !person.may(May::Trace) {
        draft.outcome.changes.clear(); // who wrote to whom is for those who may look at the trace; numbers are not
    }
    match &draft.what {
        What::Policy { .. } => person.require(May::Policies)?,
        What::Entry { entry } => entry::may_make(app, person, entry).await?,
    }
    Ok(draft)
}

/// `POST /drafts/{draft}/save`.
async fn save(Given(app): Given<App>, person: Person, Path(id): Path<String>) -> Page {
    let draft = mine(&app, &person, &id).await?;
    let is_entry = matches!(draft.what, What::Entry { .. });
    save_it(&app, person, draft).await?;
    match is_entry {
        true => done("/entries", Say::new("entry-saved")),
        false => done("/policies", Say::new("policy-saved")),
    }
}

/// Saves what the draft holds, once.
pub async fn save_it(app: &App, person: Person, draft: Draft) -> Result<(), Fault> {
    let (ids, now_ms, fresh) = (app.ids.clone(), app.now_ms(), app.fresh_id());
    let settled = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::saved(tx, draft.id).await? {
                    return Err(Fault::Conflict(Say::new("draft-saved-already")));
                }
                let days = match &draft.what {
                    What::Entry { entry } => Some(entry.days),
                    What::Policy { .. } => None,
                };
                let note: AuditEntry = match draft.what {
                    What::Policy { settings, base } => {
                        policy::save(tx, draft.org, *settings, policy::Base::Was(base.map(|base| *base))).await?
                    }
                    What::Entry { entry } => entry::save(tx, (draft.org, fresh, now_ms), entry, &person).await?,
                };
                audit::note(tx, &person, &ids, now_ms, note).await.map_err(|why: Error| Fault::from(why))?;
                // Somebody outside may wait for this entry.
                let Some(days) = days else { return Ok(None) };
                help_desk::settle_draft(tx, (draft.org, draft.id), days, (&person, &ids, now_ms)).await.map_err(Fault::from)
            })
        })
        .await?;
    app.directory.reload().await?;
    if let Some(settled) = settled {
        settled.tell(app).await;
    }
    Ok(())
}
