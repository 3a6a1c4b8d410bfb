//! The rules in the order they are looked at, and what can be done to each there.

use super::{HIT_DAYS, change, found, mine_to_change, sentence};
use crate::App;
use crate::page::{Fault, Page, Say, View, confirm, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use gateway::directory::Directory;
use gateway::rules::Mode;
use gateway::rules::sql::{self, HitRow, RuleRow};
use gateway::trace;
use mail::RuleId;
use serde::Deserialize;
use std::collections::HashMap;

/// One rule as the list shows it.
#[derive(Debug)]
struct Line {
    id: String,
    name: String,
    sentence: String,
    comment: String,
    mode: &'static str,
    mode_tone: &'static str,
    /// Why it does nothing now: words key, or ''.
    rests: &'static str,
    hits: i64,
    is_of_file: bool,
    can_up: bool,
    can_down: bool,
    place: usize,
    /// It was just moved in this direction: the focus stays on its button.
    moved: &'static str,
    broken: String,
}

#[derive(Template)]
#[template(path = "rules/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    lines: Vec<Line>,
    can_change: bool,
    waiting: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    moved: String,
    dir: String,
}

/// `GET /rules`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    person.require(May::ReadSettings)?;
    let (scope, since) = (person.scope(), trace::first_id_at(app.now_ms() - HIT_DAYS * 24 * 60 * 60 * 1000));
    let moderator = person.email.to_lowercase();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let waiting = sql::waiting(tx, scope, &moderator, None).await?.len();
            Ok::<_, store::Error>((sql::list(tx, scope).await?, sql::hits(tx, scope, since).await?, waiting))
        })
    });
    let (rows, hits, waiting) = read.await?;
    let lines = lines(&view, &app.directory.snapshot(), (&rows, &hits), &asked);
    show(&ListPage { view: &view, lines, can_change: person.may(May::Rules), waiting })
}

fn lines(view: &View, directory: &Directory, (rows, hits): (&[RuleRow], &HashMap<RuleId, i64>), asked: &Asked) -> Vec<Line> {
    let mut place = 0;
    let mut lines = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let is_neighbour = |other: Option<&RuleRow>| other.is_some_and(|other| other.org == row.org && !other.is_of_file());
        let is_first = at == 0 || !is_neighbour(rows.get(at - 1));
        if is_first {
            place = 0;
        }
        let settings = &row.settings;
        // As the mail path has it; it is compiled there already.
        let rule = directory.rules.get(&row.org).and_then(|rules| rules.iter().find(|rule| rule.id == row.id));
        lines.push(Line {
            id: row.id.to_string(),
            name: settings.name.clone(),
            sentence: sentence::rule(view.lang, settings),
            comment: settings.comment.clone(),
            mode: settings.mode.name(),
            mode_tone: if settings.mode == Mode::Enforce { "good" } else { "info" },
            rests: match (settings.enabled, rule.is_none_or(|rule| rule.is_on(view.now_ms))) {
                (false, _) => "rules-off",
                (true, false) => "rules-not-now",
                (true, true) => "",
            },
            hits: hits.get(&row.id).copied().unwrap_or(0),
            is_of_file: row.is_of_file(),
            can_up: !row.is_of_file() && !is_first,
            can_down: !row.is_of_file() && is_neighbour(rows.get(at + 1)),
            place,
            moved: match (asked.moved == row.id.to_string(), asked.dir.as_str()) {
                (true, "up") => "up",
                (true, "down") => "down",
                _ => "",
            },
            broken: rule.and_then(|rule| rule.broken.clone()).unwrap_or_default(),
        });
        place += usize::from(!row.is_of_file());
    }
    lines
}

#[derive(Template)]
#[template(path = "rules/templates/hits.html")]
struct HitsPage<'a> {
    view: &'a View,
    id: String,
    name: String,
    sentence: String,
    rows: Vec<(HitRow, i64)>,
}

/// `GET /rules/{id}/hits`: the newest mails that the rule applied to.
pub async fn hits(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let row = found(&app, &person, &id).await?;
    person.require(May::Trace)?;
    let (scope, rule) = (person.scope(), row.id);
    let rows = app.db.read(move |tx| Box::pin(async move { sql::hit_mails(tx, scope, rule).await })).await;
    let rows: Vec<HitRow> = rows.map_err(<Fault as From<store::Error>>::from)?;
    let rows = rows.into_iter().map(|hit| {
        let at_ms = trace::time_of(hit.mail);
        (hit, at_ms)
    });
    let sentence = sentence::rule(view.lang, &row.settings);
    show(&HitsPage { view: &view, id: row.id.to_string(), name: row.settings.name.clone(), sentence, rows: rows.collect() })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Move {
    dir: String,
    place: Option<usize>,
}

/// `POST /rules/{id}/move`: one up, one down, or to a place.
pub async fn moved(State(app): State<App>, person: Person, Path(id): Path<String>, Form(wish): Form<Move>) -> Page {
    let row = mine_to_change(&app, &person, &id).await?;
    let org = gateway::scope::OrgScope::One(row.org);
    let rows = app.db.read(move |tx| Box::pin(async move { sql::list(tx, org).await })).await;
    let rows: Vec<RuleRow> = rows.map_err(<Fault as From<store::Error>>::from)?;
    let now = rows.iter().filter(|one| !one.is_of_file()).position(|one| one.id == row.id).unwrap_or(0);
    let place = match (wish.place, wish.dir.as_str()) {
        (Some(place), _) => place,
        (None, "up") => now.saturating_sub(1),
        (None, "down") => now + 1,
        (None, _) => now,
    };
    let place = change::move_to(&app, &person, &row, place).await?;
    let dir = if wish.dir == "up" || place < now { "up" } else { "down" };
    done(&format!("/rules?moved={}&dir={dir}", row.id), Say::new("rules-moved").with("what", row.settings.name).with("n", place + 1))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Switch {
    enabled: String,
}

/// `POST /rules/{id}/switch`.
pub async fn switched(State(app): State<App>, person: Person, Path(id): Path<String>, Form(wish): Form<Switch>) -> Page {
    let row = mine_to_change(&app, &person, &id).await?;
    let enabled = wish.enabled == "on";
    let mut settings = row.settings.clone();
    settings.enabled = enabled;
    change::replace(&app, &person, &row, settings).await?;
    let key = if enabled { "rules-switched-on" } else { "rules-switched-off" };
    done(&format!("/rules#r-{}", row.id), Say::new(key).with("what", row.settings.name))
}

/// `POST /rules/{id}/duplicate`: the copy is switched off until somebody has looked at it.
pub async fn duplicated(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let row = mine_to_change(&app, &person, &id).await?;
    let org = gateway::scope::OrgScope::One(row.org);
    let rows = app.db.read(move |tx| Box::pin(async move { sql::list(tx, org).await })).await;
    let rows: Vec<RuleRow> = rows.map_err(<Fault as From<store::Error>>::from)?;
    let mut settings = row.settings.clone();
    let base: String = row.settings.name.chars().take(80).collect();
    let free = (2..=gateway::rules::RULES_MAX + 2)
        .map(|n| view.say(&Say::new("rules-copy-name").with("what", base.clone()).with("n", n)))
        .find(|name| rows.iter().all(|one| one.settings.name != *name));
    settings.name = free.ok_or_else(|| Fault::Conflict(Say::new("rules-name-taken")))?;
    settings.enabled = false;
    let copy = change::add(&app, &person, row.org, settings).await?;
    done(&format!("/rules/{copy}"), Say::new("rules-duplicated"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /rules/{id}/delete`.
pub async fn deleted(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(form): Form<Sure>) -> Page {
    let row = mine_to_change(&app, &person, &id).await?;
    if form.sure != "1" {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("rules-delete-title"),
                text: Say::new("rules-delete-sure").with("what", row.settings.name.clone()),
                button: "rules-delete",
                action: format!("/rules/{}/delete", row.id),
                fields: Vec::new(),
                back: "/rules".into(),
            },
        );
    }
    change::delete(&app, &person, &row).await?;
    done("/rules", Say::new("rules-deleted").with("what", row.settings.name))
}
