//! One entry: what it says, what it did, whom it meets; renewing and ending it.

use super::form::{DAYS, days};
use super::{DAYS_MAX, clash, end as end_it, is_theirs, renew as renew_it, seen};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, confirm, done, show};
use crate::people::{May, Person};
use crate::policy;
use crate::trace::verdict_tone;
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::directory::Effect;
use gateway::entry::{self, Count, Listed};
use gateway::scope::OrgScope;
use mail::id::EntryId;
use serde::Deserialize;
use store::Error;

#[derive(Template)]
#[template(path = "entry/templates/one.html")]
struct OnePage<'a> {
    view: &'a View,
    id: EntryId,
    listed: &'a Listed,
    effect_tone: &'static str,
    holds: bool,
    may_change: bool,
    is_of_file: bool,
    usage: Vec<Used>,
    clashes: Vec<String>,
    days: &'static [&'static str],
    back: (&'static str, &'static str),
}

/// What it did with mail of one class.
struct Used {
    tone: &'static str,
    class: String,
    count: Count,
}

/// `GET /entries/{entry}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let listed = seen(&app, &person, &id).await?;
    let (scope, id) = (OrgScope::One(listed.org), EntryId(listed.entry.id));
    let rows = app.db.read(move |tx| Box::pin(async move { entry::usage_of(tx, scope, &[id]).await })).await;
    let mut rows: Vec<(EntryId, String, Count)> = rows.map_err(|why: Error| Fault::from(why))?;
    rows.sort_by(|a, b| (b.2.won + b.2.lost).cmp(&(a.2.won + a.2.lost)).then(a.1.cmp(&b.1)));
    let now_ms = app.now_ms();
    let holds = listed.entry.expires_ms.is_none_or(|end| end > now_ms);
    let clashes = if holds { clash::sentences(&app, &view, listed.org, &listed.entry).await? } else { Vec::new() };
    let is_of_file = listed.source == gateway::directory::sql::FROM_FILE;
    let used =
        |(_, class, count): (EntryId, String, Count)| Used { tone: verdict_tone(&class), class: view.of_kind("verdict", &class), count };
    show(&OnePage {
        view: &view,
        id,
        effect_tone: if listed.entry.effect == Effect::Allow { "good" } else { "bad" },
        holds,
        may_change: is_theirs(&person, &listed) && !is_of_file,
        is_of_file,
        usage: rows.into_iter().map(used).collect(),
        clashes,
        days: DAYS,
        back: if person.may(May::ReadSettings) { ("/entries", "entry-title") } else { ("/entries/mine", "entry-mine") },
        listed: &listed,
    })
}

/// The entry, when this person may change it.
async fn changeable(app: &App, person: &Person, id: &str) -> Result<Listed, Fault> {
    let listed = seen(app, person, id).await?;
    if !is_theirs(person, &listed) {
        return Err(Fault::Denied(May::Entries));
    }
    Ok(listed)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Renewed {
    days: String,
    note: String,
}

/// `POST /entries/{entry}/renew`: a new end from now on.
pub async fn renew(State(app): State<App>, person: Person, Path(id): Path<String>, Form(renewed): Form<Renewed>) -> Page {
    let listed = changeable(&app, &person, &id).await?;
    let days = days(&renewed.days).filter(|days| days.is_none_or(|days| (1..=DAYS_MAX).contains(&days)));
    let days = days.ok_or_else(|| Fault::Invalid(vec![Wrong::new("days", "entry-wrong-days")]))?;
    renewed_for(&app, &person, listed, (days, renewed.note)).await?;
    done(&format!("/entries/{id}"), Say::new("entry-renewed"))
}

/// Renews with checks that pages and programs share.
pub(super) async fn renewed_for(app: &App, person: &Person, listed: Listed, (days, note): (Option<i64>, String)) -> Result<(), Fault> {
    let note = if note.trim().is_empty() { listed.entry.note.clone() } else { note.trim().to_string() };
    if days.is_none() && note.is_empty() {
        return Err(Fault::Invalid(vec![Wrong::new("note", "entry-wrong-reason")]));
    }
    if note.chars().count() > super::NOTE_CHARS_MAX {
        return Err(Fault::Invalid(vec![Wrong::new("note", "entry-wrong-note")]));
    }
    let now_ms = app.now_ms();
    policy::change(app, person, move |tx| Box::pin(async move { renew_it(tx, &listed, days, (&note, now_ms)).await })).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /entries/{entry}/end`: asks first.
pub async fn end(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(Sure { sure }): Form<Sure>) -> Page {
    let listed = changeable(&app, &person, &id).await?;
    let value = listed.entry.value.clone();
    if sure.is_empty() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("entry-end-title").with("what", value),
                text: Say::new("entry-end-sure"),
                button: "entry-end",
                action: format!("/entries/{id}/end"),
                fields: Vec::new(),
                back: format!("/entries/{id}"),
            },
        );
    }
    let now_ms = app.now_ms();
    policy::change(&app, &person, move |tx| Box::pin(async move { end_it(tx, &listed, now_ms).await })).await?;
    let back = if person.may(May::ReadSettings) { "/entries" } else { "/entries/mine" };
    done(back, Say::new("entry-ended").with("what", value))
}
