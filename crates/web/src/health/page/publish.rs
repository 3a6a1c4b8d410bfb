//! An operator says something: opens an issue, changes one, merges and splits. One save is state and note together.

use super::super::issue::{Issue, IssueId, Post};
use super::super::{Text, hook, sql};
use super::issue;
use crate::App;
use crate::audit::{self, Entry};
use crate::help::{Kind, Library};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show, show_with, time};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gateway::health::{Service, Status};
use gateway::scope::OrgScope;
use serde::{Deserialize, Serialize};
use store::Error;

const ASSIGNEE_CHARS_MAX: usize = 100;
/// Articles that one issue explains.
const EXPLAINS_MAX: usize = 20;

/// What a form can choose from.
pub struct Choices {
    pub statuses: Vec<&'static str>,
    pub origins: [&'static str; 3],
    pub kinds: [&'static str; 2],
    pub post_kinds: [&'static str; 3],
    pub services: Vec<String>,
    pub severities: [&'static str; 4],
}

pub fn choices(issue: &Issue) -> Choices {
    let may = |status: &&Status| issue.may_become(**status) || **status == issue.status;
    Choices {
        statuses: Status::ALL.iter().filter(may).map(|status| status.name()).collect(),
        origins: ["microsoft", "thirdParty", "customer"],
        kinds: ["advisory", "incident"],
        post_kinds: ["regular", "quick", "strategic"],
        services: Service::SHARED.iter().map(|service| service.kind().to_string()).collect(),
        severities: ["1", "2", "3", "4"],
    }
}

/// The form as sent, whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    pub status: String,
    pub kind: String,
    pub origin: String,
    pub severity: String,
    pub service: String,
    pub assignee: String,
    pub title_en: String,
    pub title_zh: String,
    pub impact_en: String,
    pub impact_zh: String,
    pub workaround_en: String,
    pub workaround_zh: String,
    pub cause_en: String,
    pub cause_zh: String,
    pub expected: String,
    pub next_update: String,
    pub is_known: String,
    pub fixed_in: String,
    /// Between commas or spaces.
    pub explains: String,
    pub post_kind: String,
    pub post_en: String,
    pub post_zh: String,
    pub merge_into: String,
}

/// What the form says of an issue before anybody changes it, but for its times.
pub fn said_of(issue: &Issue) -> Said {
    let body = &issue.body;
    Said {
        status: issue.status.name().into(),
        kind: issue.classification().into(),
        origin: issue.origin.clone(),
        severity: body.severity.max(1).to_string(),
        assignee: body.assignee.clone(),
        title_en: body.title.en.clone(),
        title_zh: body.title.zh.clone(),
        impact_en: body.impact.en.clone(),
        impact_zh: body.impact.zh.clone(),
        workaround_en: body.workaround.en.clone(),
        workaround_zh: body.workaround.zh.clone(),
        cause_en: body.root_cause.en.clone(),
        cause_zh: body.root_cause.zh.clone(),
        is_known: if issue.is_known { "on".into() } else { String::new() },
        fixed_in: body.fixed_in.clone(),
        explains: body.explains.join(", "),
        merge_into: if issue.merged_into == 0 { String::new() } else { IssueId(issue.merged_into).to_string() },
        ..Said::default()
    }
}

/// The form filled with what is known.
pub fn form_of(view: &View, issue: &Issue) -> Shown {
    let local = |at_ms: Option<i64>| at_ms.map(|at_ms| time::local_input(view, at_ms)).unwrap_or_default();
    Shown::of(&Said { expected: local(issue.body.expected_ms), next_update: local(issue.body.next_update_ms), ..said_of(issue) })
}

/// Puts what was said into the issue; the post that tells of it.
/// # Errors
/// Each field that cannot be; the status that measuring forbids.
pub fn put(library: &Library, issue: &mut Issue, said: &Said, view: &View) -> Result<Text, Vec<Wrong>> {
    let mut wrong = Vec::new();
    match explained(library, &said.explains) {
        Some(explains) => issue.body.explains = explains,
        None => wrong.push(Wrong::new("explains", "health-wrong-explains")),
    }
    match Status::parse(&said.status) {
        Some(status) if status == issue.status => {}
        Some(status) if issue.may_become(status) => issue.status = status,
        Some(_) => wrong.push(Wrong::new("status", "health-wrong-measured")),
        None if said.status.is_empty() => {}
        None => wrong.push(Wrong::new("status", "health-wrong-status")),
    }
    if !said.kind.is_empty() {
        issue.is_incident = said.kind == "incident";
    }
    if ["microsoft", "thirdParty", "customer"].contains(&said.origin.as_str()) {
        issue.origin = said.origin.clone();
    }
    issue.is_known = said.is_known == "on";
    let body = &mut issue.body;
    let title = body.title.clone();
    body.severity = said.severity.parse().ok().filter(|severity| (1..=4).contains(severity)).unwrap_or(body.severity);
    body.assignee = said.assignee.trim().chars().take(ASSIGNEE_CHARS_MAX).collect();
    body.fixed_in = said.fixed_in.trim().chars().take(60).collect();
    for (text, en, zh) in [
        (&mut body.title, &said.title_en, &said.title_zh),
        (&mut body.impact, &said.impact_en, &said.impact_zh),
        (&mut body.workaround, &said.workaround_en, &said.workaround_zh),
        (&mut body.root_cause, &said.cause_en, &said.cause_zh),
    ] {
        // Written by a rule and left alone by the person: it stays.
        *text = Text { say: text.say.take(), ..Text::written(en, zh) };
        if text.is_too_long() {
            wrong.push(Wrong::new("title_en", "health-wrong-long"));
        }
    }
    for (field, sent, place) in
        [("expected", &said.expected, &mut body.expected_ms), ("next_update", &said.next_update, &mut body.next_update_ms)]
    {
        *place = if sent.is_empty() { None } else { time::parse_local(view, sent) };
        if !sent.is_empty() && place.is_none() {
            wrong.push(Wrong::new(field, "health-wrong-time"));
        }
    }
    if body.title.is_empty() {
        body.title = title; // an issue is never without one
    }
    if body.title.is_empty() {
        wrong.push(Wrong::new("title_en", "health-wrong-title"));
    }
    let post = Text::written(&said.post_en, &said.post_zh);
    if post.is_too_long() {
        wrong.push(Wrong::new("post_en", "health-wrong-long"));
    }
    issue.touched(view.now_ms);
    if wrong.is_empty() { Ok(post) } else { Err(wrong) }
}

/// Articles by kind and name, as they stand in a form or were copied from the bar of a browser; `None` when one is nowhere.
fn explained(library: &Library, text: &str) -> Option<Vec<String>> {
    let named = text.split([',', '，', '、', ' ', '\n']).map(str::trim).filter(|name| !name.is_empty());
    let known = |name: &str| {
        let name = name.rsplit_once("/help/").map_or(name, |(_, rest)| rest);
        let (kind, article) = name.split_once('/')?;
        library.find(Kind::parse(kind)?, article)?;
        Some(name.to_string())
    };
    let all: Vec<String> = named.map(known).collect::<Option<_>>()?;
    (all.len() <= EXPLAINS_MAX).then_some(all)
}

/// Writes issue, post and audit together, and rings.
pub async fn save(app: &App, person: &Person, issue: Issue, (kind, text): (&str, Text), action: &'static str) -> Result<IssueId, Fault> {
    let (ground, now_ms, person) = (hook::Ground::of(app), app.now_ms(), person.clone());
    let who = person.shown().to_string();
    let post = Post { id: ground.ids.next(now_ms), at_ms: now_ms, kind: known_kind(kind).into(), status: Some(issue.status), who, text };
    let saved = app.db.tx(move |tx| {
        Box::pin(async move {
            let org = Some(mail::OrgId(issue.org)).filter(|org| org.0 != 0);
            let id = hook::say(tx, &ground, issue, post).await?;
            audit::note(tx, &person, &ground.ids, now_ms, Entry::new(org, action, id)).await?;
            Ok::<_, Error>(id)
        })
    });
    let id = saved.await.map_err(Fault::from)?;
    app.health.ring();
    Ok(id)
}

/// `POST /health/issues/{issue}`.
pub async fn publish(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(said): Form<Said>) -> Page {
    person.require(May::Operate)?;
    let (mut found, posts) = issue::read(&app, &person, &id).await?;
    let before = found.clone();
    let mut put =
        put(app.help.library().await, &mut found, &said, &view).and_then(|text| merge(&mut found, &said.merge_into).map(|()| text));
    if put.is_ok() && found.merged_into != before.merged_into {
        put = into_fits(&app, &found).await?.and(put);
    }
    let text = match put {
        Ok(text) => text,
        Err(wrong) => {
            let form = Shown::of(&said).with_wrong(wrong);
            let mut answer = issue::shown(&app, &view, &person, (&before, &posts), &form).await?;
            *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            return Ok(answer);
        }
    };
    let text = if text.is_empty() { Say::new("health-changed-by-person").into() } else { text };
    let id = save(&app, &person, found, (&said.post_kind, text), "health.publish").await?;
    done(&format!("/health/issues/{id}"), Say::new("health-published"))
}

fn known_kind(kind: &str) -> &str {
    if ["regular", "quick", "strategic"].contains(&kind) { kind } else { "regular" }
}

/// Hides an issue behind another, or lets it stand for itself again.
pub fn merge(issue: &mut Issue, into: &str) -> Result<(), Vec<Wrong>> {
    issue.merged_into = match into.trim() {
        "" => 0,
        id => match id.parse::<IssueId>() {
            Ok(into) if into != issue.id => into.0,
            _ => return Err(vec![Wrong::new("merge_into", "health-wrong-merge")]),
        },
    };
    Ok(())
}

/// Whether an issue may be a part of the one it names: that is there, stands for itself, and is read by all whom this one concerns.
pub async fn into_fits(app: &App, issue: &Issue) -> Result<Result<(), Vec<Wrong>>, Fault> {
    if issue.merged_into == 0 {
        return Ok(Ok(()));
    }
    let into = IssueId(issue.merged_into);
    let found = app.db.read(move |tx| Box::pin(async move { sql::find(tx, OrgScope::All, into).await })).await.map_err(Fault::from)?;
    let fits = found.is_some_and(|into| into.merged_into == 0 && (into.org == 0 || into.org == issue.org));
    Ok(if fits { Ok(()) } else { Err(vec![Wrong::new("merge_into", "health-wrong-merge")]) })
}

#[derive(Template)]
#[template(path = "health/templates/publish.html")]
struct NewPage<'a> {
    view: &'a View,
    form: &'a Shown,
    choices: Choices,
}

/// An issue that a person opens.
pub fn fresh(service: &str, now_ms: i64) -> Issue {
    Issue::by_person(service.parse().into_iter().collect(), now_ms)
}

/// `GET /health/issues/new`.
pub async fn new(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Operate)?;
    let issue = fresh("", app.now_ms());
    let form = form_of(&view, &issue);
    show(&NewPage { view: &view, form: &form, choices: choices(&issue) })
}

/// `POST /health/issues`.
pub async fn open(State(app): State<App>, view: View, person: Person, Form(said): Form<Said>) -> Page {
    person.require(May::Operate)?;
    let mut issue = fresh(&said.service, app.now_ms());
    let mut wrong = Vec::new();
    if issue.body.services.is_empty() {
        wrong.push(Wrong::new("service", "health-wrong-service"));
    }
    let text = put(app.help.library().await, &mut issue, &said, &view).unwrap_or_else(|more| {
        wrong.extend(more);
        Text::default()
    });
    if !wrong.is_empty() {
        let form = Shown::of(&said).with_wrong(wrong);
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &NewPage { view: &view, form: &form, choices: choices(&issue) });
    }
    let text = if text.is_empty() { Say::new("health-opened-by-person").into() } else { text };
    let id = save(&app, &person, issue, (&said.post_kind, text), "health.open").await?;
    done(&format!("/health/issues/{id}"), Say::new("health-published"))
}
