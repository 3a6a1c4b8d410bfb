//! The message centre, and planned maintenance in it.

use super::super::Text;
use super::super::file::{self, Attached, FILES_MAX};
use super::super::message::{self, Body, CATEGORIES, Mark, Message, SEVERITIES};
use super::{service_name, text_html};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show, show_with, time};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::health::Service;
use serde::{Deserialize, Serialize};
use store::Error;

const MESSAGES_MAX: usize = 500;
const TAGS_MAX: usize = 10;
const TAG_CHARS_MAX: usize = 40;
/// Planned maintenance is told of this long before, unless the operator says that it cannot wait.
const NOTICE_MS: i64 = 5 * 24 * 60 * 60 * 1000;
/// A form says minutes, and somebody fills it in.
const JUST_NOW_MS: i64 = 5 * 60 * 1000;

pub struct Line {
    pub href: String,
    pub id: String,
    pub title: String,
    pub text: String,
    pub category: String,
    pub phase: String,
    pub services: String,
    pub tags: Vec<String>,
    pub starts_ms: i64,
    pub ends_ms: Option<i64>,
    pub act_by_ms: Option<i64>,
    pub updated_ms: i64,
    pub is_read: bool,
    pub is_major: bool,
    pub is_archived: bool,
    pub is_favourite: bool,
    pub is_maintenance: bool,
    pub is_cancelled: bool,
}

pub fn line_of(view: &View, message: &Message) -> Line {
    Line {
        href: format!("/health/messages/{}", message.id()),
        id: message.id(),
        title: text_html(view, &message.body.title),
        text: text_html(view, &message.body.text),
        category: view.t(&format!("health-category-{}", message.category)),
        phase: if message.is_maintenance { view.t(&format!("health-window-{}", message.phase(view.now_ms))) } else { String::new() },
        services: message.body.services.iter().map(|service| service_name(view, service)).collect::<Vec<_>>().join(", "),
        tags: message.body.tags.clone(),
        starts_ms: message.starts_ms,
        ends_ms: message.ends_ms,
        act_by_ms: message.act_by_ms,
        updated_ms: message.updated_ms,
        is_read: message.is_read,
        is_major: message.is_major,
        is_archived: message.is_archived,
        is_favourite: message.is_favourite,
        is_maintenance: message.is_maintenance,
        is_cancelled: message.is_cancelled,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// "": not archived; archived, favourite, act
    show: String,
}

#[derive(Template)]
#[template(path = "health/templates/messages.html")]
struct List<'a> {
    view: &'a View,
    title: String,
    empty: String,
    lines: Vec<Line>,
    shown: String,
    is_maintenance: bool,
    may_operate: bool,
}

async fn all(app: &App, person: &Person) -> Result<Vec<Message>, Fault> {
    let (scope, id) = (person.scope(), person.id);
    Ok(app.db.read(move |tx| Box::pin(async move { message::list(tx, scope, id, MESSAGES_MAX).await })).await?)
}

/// `GET /health/messages`.
pub async fn list(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let is_wanted = |message: &&Message| match asked.show.as_str() {
        "archived" => message.is_archived,
        "favourite" => message.is_favourite,
        "act" => message.act_by_ms.is_some() && !message.is_archived,
        _ => !message.is_archived,
    };
    let lines = all(&app, &person).await?.iter().filter(is_wanted).map(|message| line_of(&view, message)).collect();
    let (title, empty, may_operate) = (view.t("health-messages"), view.t("health-no-messages"), person.may(May::Operate));
    show(&List { view: &view, title, empty, lines, shown: asked.show, is_maintenance: false, may_operate })
}

/// `GET /health/maintenance`.
pub async fn maintenance(State(app): State<App>, view: View, person: Person) -> Page {
    let mut windows = all(&app, &person).await?;
    windows.retain(|message| message.is_maintenance);
    windows.sort_by_key(|window| (window.phase(view.now_ms) == "completed", window.starts_ms));
    let lines = windows.iter().map(|message| line_of(&view, message)).collect();
    let (title, empty, may_operate) = (view.t("health-maintenance"), view.t("health-no-maintenance"), person.may(May::Operate));
    show(&List { view: &view, title, empty, lines, shown: String::new(), is_maintenance: true, may_operate })
}

/// A message that this person may read.
pub async fn find(app: &App, person: &Person, id: &str) -> Result<Message, Fault> {
    let (scope, reader, number) = (person.scope(), person.id, message::number(id).ok_or(Fault::NotFound)?);
    let found = app.db.read(move |tx| Box::pin(async move { message::find(tx, scope, reader, number).await })).await?;
    found.ok_or(Fault::NotFound)
}

#[derive(Template)]
#[template(path = "health/templates/message.html")]
struct MessagePage<'a> {
    view: &'a View,
    line: Line,
    name: String,
    files: Vec<Attached>,
    form: &'a Shown,
    may_operate: bool,
    /// There is room for another file.
    may_attach: bool,
}

/// `GET /health/messages/{message}`.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let found = find(&app, &person, &id).await?;
    shown(&app, &view, &person, (&found, &Shown::default()), StatusCode::OK).await
}

/// The page with what was wrong about files that were sent.
pub async fn shown(app: &App, view: &View, person: &Person, (found, form): (&Message, &Shown), status: StatusCode) -> Page {
    let (scope, number, may_operate) = (person.scope(), found.number, person.may(May::Operate));
    let files = app.db.read(move |tx| Box::pin(async move { file::list(tx, scope, number).await })).await.map_err(Fault::from)?;
    let may_attach = may_operate && files.len() < FILES_MAX;
    let name = found.body.title.in_lang(view.lang);
    show_with(status, &MessagePage { view, line: line_of(view, found), name, files, form, may_operate, may_attach })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Marked {
    /// read, unread, archive, unarchive, favourite, unfavourite; for operators: cancel
    mark: String,
}

/// `POST /health/messages/{message}`.
pub async fn mark(State(app): State<App>, person: Person, Path(id): Path<String>, Form(Marked { mark }): Form<Marked>) -> Page {
    let found = find(&app, &person, &id).await?;
    let wanted = match mark.as_str() {
        "read" => Mark { read: Some(true), ..Mark::default() },
        "unread" => Mark { read: Some(false), ..Mark::default() },
        "archive" => Mark { archived: Some(true), ..Mark::default() },
        "unarchive" => Mark { archived: Some(false), ..Mark::default() },
        "favourite" => Mark { favourite: Some(true), ..Mark::default() },
        "unfavourite" => Mark { favourite: Some(false), ..Mark::default() },
        "cancel" => return cancel(&app, &person, found).await,
        _ => return Err(Fault::Unreadable("mark is read, unread, archive, unarchive, favourite or unfavourite".into())),
    };
    let (reader, number) = (person.id, found.number);
    app.db.tx(move |tx| Box::pin(async move { message::mark(tx, reader, number, wanted).await })).await.map_err(Fault::from)?;
    app.health.ring();
    done(&format!("/health/messages/{}", found.id()), Say::new("health-marked"))
}

/// A window that does not take place stays, and says so.
async fn cancel(app: &App, person: &Person, found: Message) -> Page {
    person.require(May::Operate)?;
    let id = found.id();
    let message = Message { is_cancelled: true, sequence: found.sequence + 1, updated_ms: app.now_ms(), ..found };
    save(app, person, message, "health.cancel-maintenance").await?;
    done(&format!("/health/messages/{id}"), Say::new("health-window-called-off"))
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    kind: String,
    category: String,
    severity: String,
    service: String,
    organisation: String,
    /// Between commas.
    tags: String,
    title_en: String,
    title_zh: String,
    text_en: String,
    text_zh: String,
    starts: String,
    ends: String,
    act_by: String,
    is_major: String,
    /// Planned later than notice asks for, knowingly.
    is_short: String,
}

#[derive(Template)]
#[template(path = "health/templates/new_message.html")]
struct NewPage<'a> {
    view: &'a View,
    form: &'a Shown,
    kinds: [&'static str; 2],
    categories: [&'static str; 3],
    severities: [&'static str; 3],
    services: Vec<&'static str>,
    organisations: Vec<String>,
}

fn new_page<'a>(app: &App, view: &'a View, form: &'a Shown) -> NewPage<'a> {
    let services = Service::SHARED.iter().map(Service::kind).collect();
    let mut organisations: Vec<String> = app.directory.snapshot().organisations.values().map(|one| one.name.clone()).collect();
    organisations.sort();
    NewPage { view, form, kinds: ["message", "maintenance"], categories: CATEGORIES, severities: SEVERITIES, services, organisations }
}

/// `GET /health/messages/new`.
pub async fn new(State(app): State<App>, view: View, person: Person) -> Page {
    person.require(May::Operate)?;
    let form = Shown::of(&Said { kind: "message".into(), category: "stayInformed".into(), severity: "normal".into(), ..Said::default() });
    show(&new_page(&app, &view, &form))
}

/// `POST /health/messages`.
pub async fn post(State(app): State<App>, view: View, person: Person, Form(said): Form<Said>) -> Page {
    person.require(May::Operate)?;
    match read(&app, &said, &view) {
        Ok(message) => {
            let number = save(&app, &person, message, "health.message").await?;
            done(&format!("/health/messages/MC{number}"), Say::new("health-published"))
        }
        Err(wrong) => {
            let form = Shown::of(&said).with_wrong(wrong);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &new_page(&app, &view, &form))
        }
    }
}

fn read(app: &App, said: &Said, view: &View) -> Result<Message, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let mut moment = |field: &'static str, text: &str| {
        let read = if text.is_empty() { None } else { time::parse_local(view, text) };
        if !text.is_empty() && read.is_none() {
            wrong.push(Wrong::new(field, "health-wrong-time"));
        }
        read
    };
    let (starts_ms, ends_ms, act_by_ms) = (moment("starts", &said.starts), moment("ends", &said.ends), moment("act_by", &said.act_by));
    let org = organisation(app, &said.organisation);
    if org.is_none() {
        wrong.push(Wrong::new("organisation", "health-wrong-organisation"));
    }
    let tags = said.tags.split([',', '，', '、']).map(|tag| tag.trim().to_string()).filter(|tag| !tag.is_empty());
    let message = Message {
        org: org.unwrap_or(0),
        is_maintenance: said.kind == "maintenance",
        category: said.category.clone(),
        severity: said.severity.clone(),
        is_major: said.is_major == "on",
        starts_ms: starts_ms.unwrap_or(view.now_ms),
        ends_ms,
        act_by_ms,
        updated_ms: view.now_ms,
        body: Body {
            title: Text::written(&said.title_en, &said.title_zh),
            text: Text::written(&said.text_en, &said.text_zh),
            services: said.service.parse().into_iter().collect(),
            tags: tags.collect(),
        },
        ..Message::default()
    };
    match checked(message, (!said.is_short.is_empty(), view.now_ms)) {
        Ok(message) if wrong.is_empty() => Ok(message),
        Ok(_) => Err(wrong),
        Err(more) => Err(wrong.into_iter().chain(more).collect()),
    }
}

/// A message as it may be published, or what is wrong with it. A window needs notice, unless somebody says that it cannot wait.
pub fn checked(message: Message, (is_short, now_ms): (bool, i64)) -> Result<Message, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let body = &message.body;
    if body.title.is_empty() {
        wrong.push(Wrong::new("title_en", "health-wrong-title"));
    }
    if body.title.is_too_long() || body.text.is_too_long() {
        wrong.push(Wrong::new("text_en", "health-wrong-long"));
    }
    if body.tags.len() > TAGS_MAX || body.tags.iter().any(|tag| tag.chars().count() > TAG_CHARS_MAX) {
        wrong.push(Wrong::new("tags", "health-wrong-tags"));
    }
    if message.is_maintenance && message.ends_ms.is_none_or(|ends_ms| message.starts_ms >= ends_ms) {
        wrong.push(Wrong::new("ends", "health-wrong-window"));
    }
    if message.is_maintenance && !is_short && message.starts_ms < now_ms + NOTICE_MS {
        wrong.push(Wrong::new("starts", "health-wrong-notice"));
    }
    // What is planned is left out of what is promised: nobody plans what was.
    if message.is_maintenance && message.starts_ms < now_ms - JUST_NOW_MS {
        wrong.push(Wrong::new("starts", "health-wrong-past"));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let known = |value: &str, all: &[&str], or: &str| if all.contains(&value) { value.to_string() } else { or.to_string() };
    let category = if message.is_maintenance { "planForChange" } else { message.category.as_str() };
    Ok(Message {
        category: known(category, &CATEGORIES, "stayInformed"),
        severity: known(&message.severity, &SEVERITIES, "normal"),
        ..message
    })
}

/// The organisation of this name; "" is everybody.
pub fn organisation(app: &App, name: &str) -> Option<i64> {
    match name {
        "" => Some(0),
        name => app.directory.snapshot().organisation_named(name).map(|found| found.id.0),
    }
}

/// Writes a message with its line in the audit log, and rings; its number.
pub async fn save(app: &App, person: &Person, message: Message, action: &'static str) -> Result<i64, Fault> {
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let saved = app.db.tx(move |tx| {
        Box::pin(async move {
            let number = message::put(tx, &message).await?;
            audit::note(tx, &person, &ids, now_ms, Entry::new(None, action, format!("MC{number}"))).await?;
            Ok::<_, Error>(number)
        })
    });
    let number = saved.await?;
    app.health.ring();
    Ok(number)
}
