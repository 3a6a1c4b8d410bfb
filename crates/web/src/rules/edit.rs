//! A rule's form: written, tried on a mail, replayed, saved. Every button posts the whole form, so nothing typed is lost and no script
//! is needed.

use super::draft::{Sent, Wish, pressed};
use super::fields::{self, Field, PartFields};
use super::replay::{self, Replayed};
use super::try_mail::{self, Line, Tried, Wanted};
use super::{change, found, mine_to_change, sentence};
use crate::App;
use crate::page::{Fault, Page, Say, View, csv, done, show_with, time};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::rules::sql::RuleRow;
use gateway::rules::{Complaint, Mode, OnError, RuleSettings, SenderLocation};
use mail::OrgId;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "rules/templates/edit.html")]
struct EditPage<'a> {
    view: &'a View,
    title: String,
    action: String,
    rule: &'a RuleSettings,
    /// When it was read, so that nobody's change is overwritten; '' for a new one.
    changed_ms: String,
    sentence: String,
    conditions: Vec<PartFields>,
    exceptions: Vec<PartFields>,
    actions: Vec<PartFields>,
    condition_kinds: Vec<(&'static str, String)>,
    action_kinds: Vec<(&'static str, String)>,
    name: Field,
    starts: Field,
    ends: Field,
    modes: Vec<(&'static str, String, bool)>,
    locations: Vec<(&'static str, String, bool)>,
    errors: Vec<(&'static str, String, bool)>,
    wrong: Vec<(String, String)>,
    can_save: bool,
    can_replay: bool,
    is_of_file: bool,
    wanted: Wanted,
    recipients: String,
    days: i64,
    tried: Option<Shown<'a>>,
    replayed: Option<&'a Replayed>,
    /// What is wrong with what was asked of test or replay.
    asked_wrong: String,
}

struct Shown<'a> {
    tried: &'a Tried,
    summary: String,
    tone: &'static str,
    lines: Vec<Line>,
    actions: Vec<String>,
}

/// What a page is made of besides the view.
struct Editing {
    org: OrgId,
    /// `None`: a new rule.
    row: Option<RuleRow>,
    rule: RuleSettings,
    complaints: Vec<Complaint>,
    conflict: Option<Say>,
    wanted: Wanted,
    days: i64,
    tried: Option<Tried>,
    replayed: Option<Replayed>,
    asked_wrong: Option<Say>,
}

impl Editing {
    fn new(org: OrgId, row: Option<RuleRow>, rule: RuleSettings) -> Editing {
        Editing {
            org,
            row,
            rule,
            complaints: Vec::new(),
            conflict: None,
            wanted: Wanted::default(),
            days: replay::DAYS_USUAL,
            tried: None,
            replayed: None,
            asked_wrong: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct From {
    /// A mail to try the rule on.
    mail: String,
}

/// `GET /rules/new`.
pub async fn blank(State(app): State<App>, view: View, person: Person, Query(from): Query<From>) -> Page {
    person.require(May::Rules)?;
    let mut editing = Editing::new(person.acting_org()?, None, RuleSettings::default());
    editing.wanted.mail = from.mail;
    shown(&app, &view, &person, &editing)
}

/// `GET /rules/{id}`.
pub async fn stored(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Query(from): Query<From>) -> Page {
    let row = found(&app, &person, &id).await?;
    person.require(May::ReadSettings)?;
    let rule = row.settings.clone();
    let mut editing = Editing::new(row.org, Some(row), rule);
    editing.wanted.mail = from.mail;
    shown(&app, &view, &person, &editing)
}

/// `POST /rules/new`.
pub async fn posted_new(State(app): State<App>, view: View, person: Person, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    person.require(May::Rules)?;
    let org = person.acting_org()?;
    answered(&app, &view, &person, (org, None, Sent::new(pairs))).await
}

/// `POST /rules/{id}`.
pub async fn posted(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(pairs): Form<Vec<(String, String)>>) -> Page {
    let row = mine_to_change(&app, &person, &id).await?;
    answered(&app, &view, &person, (row.org, Some(row), Sent::new(pairs))).await
}

async fn answered(app: &App, view: &View, person: &Person, what: (OrgId, Option<RuleRow>, Sent)) -> Page {
    let (org, row, sent) = what;
    let mut rule = sent.rule();
    let wish = pressed(&sent, &mut rule);
    let mut editing = Editing::new(org, row, rule);
    editing.wanted = wanted(&sent);
    editing.days = sent.one("days").parse().unwrap_or(replay::DAYS_USUAL).clamp(1, replay::DAYS_MAX);
    if wish == Wish::Look {
        return shown(app, view, person, &editing);
    }
    editing.complaints = change::complaints(app, org, &editing.rule);
    if !editing.complaints.is_empty() {
        return shown(app, view, person, &editing);
    }
    match wish {
        Wish::Save => return save(app, view, person, (editing, &sent)).await,
        Wish::Test => match try_mail::tried(app, person, org, &editing.rule, &editing.wanted).await {
            Ok(tried) => editing.tried = Some(tried),
            Err(Fault::Invalid(wrong)) => editing.asked_wrong = wrong.into_iter().next().map(|wrong| wrong.say),
            Err(other) => return Err(other),
        },
        Wish::Replay | Wish::ReplayCsv => {
            person.require(May::Trace)?;
            let replayed = replay::replay(app, org, &editing.rule, editing.days).await?;
            if wish == Wish::ReplayCsv {
                return Ok(file(view, &replayed));
            }
            editing.replayed = Some(replayed);
        }
        Wish::Look => {}
    }
    shown(app, view, person, &editing)
}

fn wanted(sent: &Sent) -> Wanted {
    let recipients = sent.one("test-recipients").split([',', ' ', '\n', '\r']).filter(|one| !one.is_empty());
    Wanted {
        mail: sent.one("test-mail").trim().to_string(),
        message: sent.one("test-message").to_string(),
        sender: sent.one("test-sender").trim().to_string(),
        recipients: recipients.map(str::to_string).collect(),
    }
}

async fn save(app: &App, view: &View, person: &Person, what: (Editing, &Sent)) -> Page {
    let (mut editing, sent) = what;
    let name = editing.rule.name.clone();
    let saved = match &editing.row {
        Some(row) if sent.one("changed_ms") != row.changed_ms.to_string() => Err(Fault::Conflict(Say::new("rules-changed-meanwhile"))),
        Some(row) => change::replace(app, person, row, editing.rule.clone()).await,
        None => change::add(app, person, editing.org, editing.rule.clone()).await.map(|_| ()),
    };
    match saved {
        Ok(()) => done("/rules", Say::new("rules-saved").with("what", name)),
        Err(Fault::Conflict(say)) => {
            editing.conflict = Some(say);
            shown(app, view, person, &editing)
        }
        Err(other) => Err(other),
    }
}

fn shown(app: &App, view: &View, person: &Person, editing: &Editing) -> Page {
    let (rule, wrong) = (&editing.rule, &editing.complaints);
    let connectors = change::connectors(app, editing.org);
    let mut summary = fields::summary(view, wrong);
    summary.extend(editing.conflict.iter().map(|say| ("name".to_string(), view.say(say))));
    let is_refused = !summary.is_empty() || editing.asked_wrong.is_some();
    let status = if is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = EditPage {
        view,
        title: editing.row.as_ref().map_or_else(|| view.t("rules-new"), |row| row.settings.name.clone()),
        action: editing.row.as_ref().map_or_else(|| "/rules/new".into(), |row| format!("/rules/{}", row.id)),
        changed_ms: editing.row.as_ref().map(|row| row.changed_ms.to_string()).unwrap_or_default(),
        sentence: sentence::rule(view.lang, rule),
        conditions: fields::of_conditions(view, 'c', &rule.conditions, wrong),
        exceptions: fields::of_conditions(view, 'x', &rule.exceptions, wrong),
        actions: fields::of_actions(view, &rule.actions, &connectors, wrong),
        condition_kinds: fields::condition_kinds(view),
        action_kinds: fields::action_kinds(view),
        name: line(view, wrong, ("name", &rule.name)),
        starts: line(view, wrong, ("starts", &rule.starts)),
        ends: line(view, wrong, ("ends", &rule.ends)),
        modes: Mode::ALL.iter().map(|one| (one.name(), view.of_kind("rule-mode", one.name()), *one == rule.mode)).collect(),
        locations: SenderLocation::ALL.iter().map(|one| (one.name(), view.of_kind("rule-location", one.name()), *one == rule.sender_location)).collect(),
        errors: OnError::ALL.iter().map(|one| (one.name(), view.of_kind("rule-error", one.name()), *one == rule.on_error)).collect(),
        wrong: summary,
        can_save: person.may(May::Rules) && editing.row.as_ref().is_none_or(|row| !row.is_of_file()),
        can_replay: person.may(May::Trace),
        is_of_file: editing.row.as_ref().is_some_and(RuleRow::is_of_file),
        wanted: editing.wanted.clone(),
        recipients: editing.wanted.recipients.join(", "),
        days: editing.days,
        tried: editing.tried.as_ref().map(|tried| of_try(view, rule, tried)),
        replayed: editing.replayed.as_ref(),
        asked_wrong: editing.asked_wrong.as_ref().map(|say| view.say(say)).unwrap_or_default(),
        rule,
    };
    show_with(status, &page)
}

fn of_try<'a>(view: &View, rule: &RuleSettings, tried: &'a Tried) -> Shown<'a> {
    let tone = match tried.outcome.as_str() {
        "matched" => "good",
        "failed" => "warn",
        _ => "plain",
    };
    let actions = if tried.outcome == "matched" { rule.actions.iter().map(|one| sentence::action(view.lang, one)).collect() } else { Vec::new() };
    Shown { tried, summary: try_mail::summary(view, tried), tone, lines: try_mail::lines(view, rule, tried), actions }
}

fn line(view: &View, complaints: &[Complaint], (name, value): (&str, &str)) -> Field {
    Field { name: name.into(), value: value.into(), shape: "line", wrong: fields::wrong_at(view, complaints, name), ..Field::default() }
}

fn file(view: &View, replayed: &Replayed) -> axum::response::Response {
    let header = ["rules-col-time", "rules-col-mail", "rules-col-sender", "rules-col-recipients", "rules-col-subject", "rules-col-verdict"];
    let rows = replayed.matches.iter().map(|one| {
        let verdict = view.of_kind("verdict", &one.verdict);
        vec![time::rfc3339(one.at_ms), one.mail.to_string(), one.sender.clone(), one.recipients.join("; "), one.subject.clone(), verdict]
    });
    csv::file("replay", &header.map(|key| view.t(key)), rows)
}
