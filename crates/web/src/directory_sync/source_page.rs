//! One directory: made, changed, tried, read now, decided about, removed.

use super::run::{Reach, Tried, run_now, try_out};
use super::settings::{Draft, Preset, SourceSettings};
use super::{Ran, Run, Source, State, SyncError, find, find_to_change, page, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::connector::may_name_private;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, confirm, done, form::Form as Shown, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State as At};
use gateway::dkim::Seal;
use mail::OrgId;
use serde::Deserialize;
use std::time::Duration;
use store::Error;

/// How often one person may have a directory tried in five minutes.
const TRIES_MAX: u32 = 30;
/// A page waits so long for a run; it goes on without.
const PATIENCE: Duration = Duration::from_secs(20);
const TRY_WITHIN_S: u32 = 20;
const RUNS_SHOWN: i64 = 20;

#[derive(Template)]
#[template(path = "directory_sync/templates/source.html")]
struct SourcePage<'a> {
    view: &'a View,
    source: Option<&'a Source>,
    state: String,
    form: &'a Shown,
    presets: Vec<&'static str>,
    has_password: bool,
    may_private: bool,
    may_change: bool,
    tried: Option<&'a Result<Tried, SyncError>>,
    runs: Vec<Run>,
}

async fn shown(app: &App, asked: (&View, &Person), source: Option<&Source>, with: (Shown, Option<Result<Tried, SyncError>>)) -> Page {
    let ((view, person), (form, tried)) = (asked, with);
    let runs = match source {
        Some(source) => {
            let id = source.id;
            let read: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::runs(tx, id, RUNS_SHOWN).await })).await;
            read?
        }
        None => Vec::new(),
    };
    let status = form.status();
    let page = SourcePage {
        view,
        source,
        state: source.map(|source| page::state(view, source).html).unwrap_or_default(),
        form: &form,
        presets: Preset::ALL.iter().map(|preset| preset.name()).collect(),
        has_password: source.is_some_and(|source| !source.settings.password.is_empty()),
        may_private: may_name_private(app, person),
        may_change: person.may(May::Domains),
        tried: tried.as_ref(),
        runs,
    };
    show_with(status, &page)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Like {
    preset: String,
}

/// `GET /directory/new`.
pub async fn new(At(app): At<App>, view: View, person: Person, Query(like): Query<Like>) -> Page {
    person.require(May::Domains)?;
    person.acting_org()?;
    let settings = Preset::named(&like.preset).map(Preset::settings).unwrap_or_default();
    shown(&app, (&view, &person), None, (Shown::of(&Draft::of("", &settings)), None)).await
}

/// `GET /directory/{source}`.
pub async fn open(At(app): At<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let source = find(&app, &person, &id).await?;
    shown(&app, (&view, &person), Some(&source), (Shown::of(&Draft::of(&source.name, &source.settings)), None)).await
}

/// What stands in the form, and which button was pressed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    #[serde(flatten)]
    draft: Draft,
    /// "try" reads without saving.
    verb: String,
}

/// `POST /directory`.
pub async fn create(At(app): At<App>, view: View, person: Person, Form(wanted): Form<Wanted>) -> Page {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    let form = Shown::of(&wanted.draft);
    let (name, settings) = match wanted.draft.settings(None, may_name_private(&app, &person)) {
        Ok(read) => read,
        Err(wrong) => return shown(&app, (&view, &person), None, (form.with_wrong(wrong), None)).await,
    };
    if wanted.verb == "try" {
        let tried = try_now(&app, &person, &Source::draft(org), settings).await?;
        return shown(&app, (&view, &person), None, (form, Some(tried))).await;
    }
    match make(&app, &person, org, (name, settings)).await {
        Ok(source) => done(&format!("/directory/{}", source.id), Say::new("directory-made").with("name", source.name)),
        Err(Fault::Invalid(wrong)) => shown(&app, (&view, &person), None, (form.with_wrong(wrong), None)).await,
        Err(other) => Err(other),
    }
}

/// Tries settings, saved or not, for as long as a page waits.
pub async fn try_now(app: &App, person: &Person, of: &Source, settings: SourceSettings) -> Result<Result<Tried, SyncError>, Fault> {
    app.turns.take(person.id, "directory-try", TRIES_MAX)?;
    let settings = SourceSettings { within_s: settings.within_s.min(TRY_WITHIN_S), ..settings };
    Ok(try_out(&Reach::of(app), of, settings).await)
}

impl Source {
    /// One that is not saved and owns nothing.
    pub fn draft(org: OrgId) -> Source {
        Source {
            id: 0,
            org,
            name: String::new(),
            settings: SourceSettings::default(),
            state: State::New,
            state_ms: 0,
            mark: String::new(),
            whole_ms: 0,
            seen_ms: 0,
            next_ms: 0,
            failures: 0,
            lease_ms: 0,
        }
    }
}

/// Adds a directory, with its line in the log.
pub async fn make(app: &App, person: &Person, org: OrgId, (name, settings): (String, SourceSettings)) -> Result<Source, Fault> {
    let (id, now_ms, ids, seal, person) = (app.fresh_id(), app.now_ms(), app.ids.clone(), app.seal.clone(), person.clone());
    let made = Source { id, name: name.clone(), settings: settings.clone(), ..Source::draft(org) };
    let kept = made.clone();
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if sql::is_taken(tx, org, &name, id).await? {
                    return Err(Fault::Invalid(vec![Wrong::new("name", "directory-wrong-taken")]));
                }
                if !sql::insert(tx, (id, org, &name), &settings, &seal, now_ms).await? {
                    return Err(Fault::Invalid(vec![Wrong::new("name", "directory-wrong-many")]));
                }
                let entry = Entry::new(Some(org), "directory.add", id).with(told(&kept.name, &settings));
                Ok(audit::note(tx, &person, &ids, now_ms, entry).await?)
            })
        })
        .await?;
    Ok(made)
}

/// The settings as the audit log keeps them.
fn told(name: &str, settings: &SourceSettings) -> serde_json::Value {
    let hidden = SourceSettings { password: String::new(), ..settings.clone() };
    serde_json::json!({ "name": name, "settings": hidden })
}

/// `POST /directory/{source}`.
pub async fn save(At(app): At<App>, view: View, person: Person, Path(id): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    let source = find_to_change(&app, &person, &id).await?;
    let form = Shown::of(&wanted.draft);
    let before = opened(&app.seal, &source);
    let (name, settings) = match wanted.draft.settings(Some(&before), may_name_private(&app, &person)) {
        Ok(read) => read,
        Err(wrong) => return shown(&app, (&view, &person), Some(&source), (form.with_wrong(wrong), None)).await,
    };
    if wanted.verb == "try" {
        let tried = try_now(&app, &person, &source, settings).await?;
        return shown(&app, (&view, &person), Some(&source), (form, Some(tried))).await;
    }
    match change(&app, &person, &source, (name, settings)).await {
        Ok(()) => done(&format!("/directory/{}", source.id), Say::new("directory-saved")),
        Err(Fault::Invalid(wrong)) => shown(&app, (&view, &person), Some(&source), (form.with_wrong(wrong), None)).await,
        Err(other) => Err(other),
    }
}

/// The settings with the password. One that was sealed with another key is as good as none.
pub fn opened(seal: &Seal, source: &Source) -> SourceSettings {
    sql::opened(source, seal).unwrap_or_else(|| SourceSettings { password: String::new(), ..source.settings.clone() })
}

pub async fn change(app: &App, person: &Person, source: &Source, (name, settings): (String, SourceSettings)) -> Result<(), Fault> {
    let (now_ms, ids, seal, person, source) = (app.now_ms(), app.ids.clone(), app.seal.clone(), person.clone(), source.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if sql::is_taken(tx, source.org, &name, source.id).await? {
                    return Err(Fault::Invalid(vec![Wrong::new("name", "directory-wrong-taken")]));
                }
                sql::change(tx, &source, &name, &settings, (&seal, now_ms)).await?;
                let detail = serde_json::json!({ "before": told(&source.name, &source.settings), "after": told(&name, &settings) });
                let entry = Entry::new(Some(source.org), "directory.change", source.id).with(detail);
                Ok(audit::note(tx, &person, &ids, now_ms, entry).await?)
            })
        })
        .await
}

/// `POST /directory/{source}/try`: what is saved, without writing anything.
pub async fn try_saved(At(app): At<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let source = find_to_change(&app, &person, &id).await?;
    let settings = opened(&app.seal, &source);
    let tried = try_now(&app, &person, &source, settings).await?;
    shown(&app, (&view, &person), Some(&source), (Shown::of(&Draft::of(&source.name, &source.settings)), Some(tried))).await
}

/// Reads it now; `None`: it takes longer than a page waits.
/// # Errors
/// A conflict while another run has it.
pub async fn read_now(app: &App, person: &Person, source: Source) -> Result<Option<Ran>, Fault> {
    app.turns.take(person.id, "directory-try", TRIES_MAX)?;
    let (of, person) = (app.clone(), person.clone());
    let running = tokio::spawn(async move {
        let ran = run_now(&Reach::of(&of), source, person).await;
        crate::domain::follow(&of).await;
        of.health.ring();
        ran
    });
    let Ok(ran) = tokio::time::timeout(PATIENCE, running).await else { return Ok(None) };
    let ran = ran.map_err(|why| Fault::Ours(why.to_string()))??;
    ran.map(Some).ok_or_else(|| Fault::Conflict(Say::new("directory-busy")))
}

/// `POST /directory/{source}/sync`: reads it now.
pub async fn sync(At(app): At<App>, person: Person, Path(id): Path<String>) -> Page {
    let source = find_to_change(&app, &person, &id).await?;
    let to = format!("/directory/{}", source.id);
    done(&to, said(read_now(&app, &person, source).await?.as_ref()))
}

/// A run in a sentence.
fn said(ran: Option<&Ran>) -> Say {
    let Some(ran) = ran else { return Say::new("directory-goes-on") };
    let counts = &ran.run.counts;
    match (ran.run.outcome, &ran.run.error) {
        (_, Some(why)) => why.say(),
        (super::Outcome::Stopped, _) => Say::new("directory-did-stop").with("count", counts.removed),
        (super::Outcome::Same, _) => Say::new("directory-did-nothing"),
        _ => ran.run.said(),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// "approve" or "refuse".
    answer: String,
}

/// `POST /directory/{source}/waiting`: yes or no.
pub async fn decide(At(app): At<App>, person: Person, Path(id): Path<String>, Form(sent): Form<Answer>) -> Page {
    let source = find_to_change(&app, &person, &id).await?;
    let to = format!("/directory/{}", source.id);
    match sent.answer.as_str() {
        "approve" => done(&to, said(approve(&app, &person, source).await?.as_ref())),
        "refuse" => {
            refuse(&app, &person, source).await?;
            done(&to, Say::new("directory-did-refuse"))
        }
        _ => done(&format!("{to}/waiting"), Say::new("directory-choose")),
    }
}

/// What was asked about may go; it is read again at once, and nothing else goes.
pub async fn approve(app: &App, person: &Person, source: Source) -> Result<Option<Ran>, Fault> {
    let source = answered(app, person, source, State::Approved).await?;
    read_now(app, person, source).await
}

/// Nothing goes. The directory is looked at as before, and taken on again once it is right.
pub async fn refuse(app: &App, person: &Person, source: Source) -> Result<(), Fault> {
    answered(app, person, source, State::Refused).await?;
    app.health.ring();
    Ok(())
}

async fn answered(app: &App, person: &Person, source: Source, state: State) -> Result<Source, Fault> {
    if !matches!(source.state, State::Waiting | State::Refused) {
        return Err(Fault::Conflict(Say::new("directory-not-waiting")));
    }
    let (now_ms, ids, person, id, org) = (app.now_ms(), app.ids.clone(), person.clone(), source.id, source.org);
    let name = source.name.clone();
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                sql::put_state(tx, id, state, now_ms).await?;
                let (count, _) = sql::pending_count(tx, id).await?;
                let action = if state == State::Approved { "directory.approve" } else { "directory.refuse" };
                let entry = Entry::new(Some(org), action, id).with(serde_json::json!({ "directory": name, "count": count }));
                Ok::<_, Fault>(audit::note(tx, &person, &ids, now_ms, entry).await?)
            })
        })
        .await?;
    Ok(Source { state, state_ms: now_ms, mark: String::new(), ..source })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /directory/{source}/remove`. Asks first.
pub async fn remove(At(app): At<App>, view: View, person: Person, Path(id): Path<String>, Form(sure): Form<Sure>) -> Page {
    let source = find_to_change(&app, &person, &id).await?;
    if sure.sure.is_empty() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("directory-remove"),
                text: Say::new("directory-remove-sure").with("what", source.name.clone()),
                button: "directory-remove",
                action: format!("/directory/{}/remove", source.id),
                fields: Vec::new(),
                back: format!("/directory/{}", source.id),
            },
        );
    }
    let name = source.name.clone();
    take_away(&app, &person, source).await?;
    done("/directory", Say::new("directory-removed").with("what", name))
}

/// Looks after it no more; its recipients and groups stay.
pub async fn take_away(app: &App, person: &Person, source: Source) -> Result<(), Fault> {
    let (now_ms, ids, person) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                sql::remove(tx, &source).await?;
                gateway::directory::sql::bump(tx).await?;
                let entry = Entry::new(Some(source.org), "directory.remove", source.id).with(told(&source.name, &source.settings));
                Ok::<_, Fault>(audit::note(tx, &person, &ids, now_ms, entry).await?)
            })
        })
        .await?;
    crate::domain::follow(app).await;
    Ok(())
}
