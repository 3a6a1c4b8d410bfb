//! Pages of removals: all of them, one, and what a mail's page leads to.

use super::start::{self, Wish};
use super::{Cause, CopyState, Decision, State, access_page, decide, find, known, put_back as put_mail_back, sql};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Path, Query, State as AppState};
use axum::routing::{get, post};
use axum::{Form, Router};
use gateway::mailbox::Place;
use gateway::scope::OrgScope;
use mail::MailId;
use mail::id::RemovalId;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use store::Error;

/// Removals of one page.
pub const ROWS: usize = 50;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/removals", get(list))
        .route("/removals/{removal}", get(one))
        .route("/removals/{removal}/approve", post(approve))
        .route("/removals/{removal}/refuse", post(refuse))
        .route("/removals/{removal}/undo", post(undo))
        .route("/trace/{mail}/remove", get(ask).post(remove))
        .route("/trace/{mail}/put-back", post(put_back))
        .route("/connectors/{name}/mailbox", get(access_page::page).post(access_page::save))
        .route("/connectors/{name}/mailbox/try", post(access_page::try_it))
}

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "removal-col-time", can_sort: false, is_usual: true },
    Column { name: "state", title: "removal-col-state", can_sort: false, is_usual: true },
    Column { name: "copies", title: "removal-col-copies", can_sort: false, is_usual: true },
    Column { name: "class", title: "removal-col-class", can_sort: false, is_usual: true },
    Column { name: "cause", title: "removal-col-cause", can_sort: false, is_usual: true },
    Column { name: "who", title: "removal-col-who", can_sort: false, is_usual: true },
    Column { name: "note", title: "removal-col-note", can_sort: false, is_usual: true },
    Column { name: "id", title: "removal-col-id", can_sort: false, is_usual: false },
];

#[derive(Template)]
#[template(path = "removal/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    form: Shown,
    states: &'static [&'static str],
    table: String,
}

const STATES: &[&str] = &["", "asks", "going", "refused"];

/// What can be asked, in a query of pages and of the API alike.
#[derive(Debug, Clone, Default, serde::Serialize, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// "asks", "going" or "refused"; "": all.
    pub state: String,
    /// Go on after this removal of an earlier answer.
    pub before: String,
}

/// A removal with its copies by state.
pub type Counted = (sql::Removal, Vec<(CopyState, i64)>);

/// Removals of the person's scope, newest first, and where to go on.
pub async fn listed(app: &App, person: &Person, asked: &Asked) -> Result<(Vec<Counted>, Option<RemovalId>), Fault> {
    person.require(May::Trace)?;
    let (scope, state) = (person.scope(), State::parse(&asked.state));
    let before = match asked.before.as_str() {
        "" => RemovalId(i64::MAX),
        before => before.parse().map_err(|_| Fault::Invalid(vec![Wrong::new("before", "removal-wrong-cursor")]))?,
    };
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let found = sql::list(tx, scope, state, before, ROWS + 1).await?;
            let ids: Vec<RemovalId> = found.iter().map(|one| one.id).collect();
            Ok::<_, Error>((found, sql::counts(tx, &ids).await?))
        })
    });
    let (mut found, counts) = read.await.map_err(Fault::from)?;
    let next = (found.len() > ROWS).then(|| found[ROWS - 1].id);
    found.truncate(ROWS);
    let mut by_id: HashMap<i64, Vec<(CopyState, i64)>> = HashMap::new();
    for (id, state, count) in counts {
        by_id.entry(id.0).or_default().push((state, count));
    }
    let counted = |one: sql::Removal| {
        let counts = by_id.remove(&one.id.0).unwrap_or_default();
        (one, counts)
    };
    Ok((found.into_iter().map(counted).collect(), next))
}

/// `GET /removals`.
async fn list(
    AppState(app): AppState<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let (found, next) = listed(&app, &person, &asked).await?;
    let of_table = TableAsked::of(&pairs);
    let table = Table {
        view: &view,
        path: "/removals",
        caption: view.t("removal-title"),
        columns: COLUMNS,
        asked: &of_table,
        rows: found.iter().map(|one| row(&view, one)).collect(),
        form: "",
        next: next.map(|next| ("before", next.to_string())),
        empty: view.t("removal-empty"),
    };
    if of_table.is_csv {
        return Ok(table.csv("removals"));
    }
    show(&ListPage { view: &view, form: Shown::of(&asked), states: STATES, table: table.html() })
}

fn row(view: &View, (one, counts): &Counted) -> Row {
    let count = |(state, count): &(CopyState, i64)| {
        Cell::badge(copy_tone(*state), format!("{} {count}", view.of_kind("removal-copy", state.name())))
    };
    let mut copies: Vec<(CopyState, i64)> = counts.clone();
    copies.sort_by_key(|(state, _)| CopyState::ALL.iter().position(|one| one == state));
    Row {
        cells: vec![
            Cell::link(&format!("/removals/{}", one.id), view.moment(one.at_ms())),
            Cell::badge(tone(one.state), view.of_kind("removal-state", one.state.name())),
            Cell::lines(copies.iter().map(count).collect()),
            Cell::text(view.of_kind("verdict", &one.class)),
            Cell::text(view.of_kind("removal-cause", one.cause.name())),
            Cell::text(who(view, &one.who)),
            Cell::text(note(view, one)),
            Cell::text(one.id.to_string()),
        ],
        ..Row::default()
    }
}

fn who(view: &View, who: &str) -> String {
    if who.is_empty() { view.t("removal-by-itself") } else { who.to_string() }
}

/// What a person wrote, or what the cause says.
fn note(view: &View, one: &sql::Removal) -> String {
    match one.cause {
        Cause::Reports => view.n("removal-note-reports", one.note.parse::<i64>().unwrap_or(0)),
        Cause::JudgedAgain => view.of_kind("verdict", &one.note),
        Cause::Person | Cause::Entry => one.note.clone(),
    }
}

fn tone(state: State) -> &'static str {
    match state {
        State::Asks => "warn",
        State::Going => "info",
        State::Refused => "plain",
    }
}

fn copy_tone(state: CopyState) -> &'static str {
    match state {
        CopyState::Removed => "good",
        CopyState::Failed => "bad",
        CopyState::Listed | CopyState::Waiting | CopyState::Returning => "warn",
        CopyState::Gone => "info",
        CopyState::Refused | CopyState::Returned => "plain",
    }
}

/// One copy as its table shows it.
struct ShownCopy {
    mail: MailId,
    subject: String,
    sender: String,
    address: String,
    state: &'static str,
    tone: &'static str,
    /// Where it went, why it is gone, or what was said last.
    text: String,
    at_ms: i64,
}

fn shown_copy(view: &View, copy: &sql::Copy) -> ShownCopy {
    let place: Place = serde_json::from_str(&copy.place).unwrap_or_default();
    let text = match copy.state {
        CopyState::Removed if !place.to.is_empty() => view.say(&Say::new("removal-moved").with("from", place.from).with("to", place.to)),
        _ if copy.said.is_empty() => String::new(),
        _ => view.of_kind("removal-said", &copy.said),
    };
    ShownCopy {
        mail: copy.mail,
        subject: if copy.subject.is_empty() { view.t("trace-no-subject") } else { copy.subject.clone() },
        sender: copy.sender.clone(),
        address: copy.address.clone(),
        state: copy.state.name(),
        tone: copy_tone(copy.state),
        text,
        at_ms: copy.at_ms,
    }
}

#[derive(Template)]
#[template(path = "removal/templates/one.html")]
struct OnePage<'a> {
    view: &'a View,
    removal: &'a sql::Removal,
    who: String,
    note: String,
    copies: Vec<ShownCopy>,
    tone: &'static str,
    may_decide: bool,
    asks: bool,
    can_undo: bool,
}

/// `GET /removals/{removal}`.
async fn one(AppState(app): AppState<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::Trace)?;
    let removal = find(&app, &person, known(&id)?).await?;
    let id = removal.id;
    let copies = app.db.read(move |tx| Box::pin(async move { sql::copies(tx, id).await })).await.map_err(Fault::from)?;
    show(&OnePage {
        view: &view,
        who: who(&view, &removal.who),
        note: note(&view, &removal),
        tone: tone(removal.state),
        may_decide: person.may(May::Release),
        asks: removal.state == State::Asks,
        can_undo: copies.iter().any(|copy| matches!(copy.state, CopyState::Removed | CopyState::Waiting)),
        copies: copies.iter().map(|copy| shown_copy(&view, copy)).collect(),
        removal: &removal,
    })
}

async fn decided(app: &App, person: &Person, id: &str, what: Decision, said: &'static str) -> Page {
    person.require(May::Release)?;
    let id = known(id)?;
    let count = decide(app, person, id, what).await?;
    done(&format!("/removals/{id}"), Say::new(said).with("count", i64::try_from(count).unwrap_or(i64::MAX)))
}

/// `POST /removals/{removal}/approve`.
async fn approve(AppState(app): AppState<App>, person: Person, Path(id): Path<String>) -> Page {
    decided(&app, &person, &id, Decision::Approve, "removal-approved").await
}

/// `POST /removals/{removal}/refuse`.
async fn refuse(AppState(app): AppState<App>, person: Person, Path(id): Path<String>) -> Page {
    decided(&app, &person, &id, Decision::Refuse, "removal-was-refused").await
}

/// `POST /removals/{removal}/undo`.
async fn undo(AppState(app): AppState<App>, person: Person, Path(id): Path<String>) -> Page {
    decided(&app, &person, &id, Decision::Undo, "removal-undone").await
}

/// What the page of a mail offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Button {
    pub can_remove: bool,
    pub can_put_back: bool,
}

impl Button {
    pub async fn of(app: &App, person: &Person, mail: MailId) -> Result<Button, Fault> {
        if !person.may(May::Release) {
            return Ok(Button::default());
        }
        let (_, copies, reachable) = at_hand(app, person, mail).await?;
        let is_out = |copy: &sql::Copy| matches!(copy.state, CopyState::Removed | CopyState::Waiting);
        Ok(Button { can_remove: !reachable.is_empty(), can_put_back: copies.iter().any(is_out) })
    }
}

/// Whose mail it is, its copies in removals, and those that could be removed now.
async fn at_hand(app: &App, person: &Person, mail: MailId) -> Result<(mail::OrgId, Vec<sql::Copy>, Vec<sql::Delivered>), Fault> {
    let scope = person.scope();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let Some(org) = gateway::trace::org_of(tx, scope, mail).await? else { return Ok(None) };
            let copies = sql::copies_of(tx, scope, mail).await?;
            Ok::<_, Error>(Some((org, copies, sql::delivered(tx, scope, mail).await?)))
        })
    });
    let (org, copies, delivered) = read.await.map_err(Fault::from)?.ok_or(Fault::NotFound)?;
    let directory = app.directory.snapshot();
    let reachable = delivered.into_iter().filter(|one| start::access(&directory, &one.connector).is_some()).collect();
    Ok((org, copies, reachable))
}

#[derive(Template)]
#[template(path = "removal/templates/ask.html")]
struct AskPage<'a> {
    view: &'a View,
    mail: MailId,
    classes: &'static [&'static str],
    reachable: Vec<sql::Delivered>,
    copies: Vec<ShownCopy>,
    /// Other mails of the same sender with the same subject, received lately.
    alike: usize,
}

const CLASSES: &[&str] = &["phish", "malware", "spam"];
/// How far back the same mail is looked for.
const ALIKE_MS: i64 = 7 * 24 * 60 * 60 * 1000;

async fn alike(app: &App, org: mail::OrgId, mail: MailId) -> Result<Vec<MailId>, Fault> {
    let since = gateway::trace::first_id_at(app.now_ms() - ALIKE_MS);
    let read = app.db.read(move |tx| Box::pin(async move { sql::alike(tx, org, mail, since, start::MAILS_MAX).await }));
    let mut found = read.await.map_err(Fault::from)?;
    found.retain(|one| *one != mail);
    Ok(found)
}

/// `GET /trace/{mail}/remove`: what would be removed, and as what.
async fn ask(AppState(app): AppState<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::Release)?;
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let (org, copies, reachable) = at_hand(&app, &person, mail).await?;
    let alike = alike(&app, org, mail).await?.len();
    let copies = copies.iter().map(|copy| shown_copy(&view, copy)).collect();
    show(&AskPage { view: &view, mail, classes: CLASSES, reachable, copies, alike })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    class: String,
    note: String,
    alike: String,
    /// "list" only lists.
    verb: String,
}

/// `POST /trace/{mail}/remove`.
async fn remove(AppState(app): AppState<App>, person: Person, Path(id): Path<String>, Form(wanted): Form<Wanted>) -> Page {
    person.require(May::Release)?;
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let (org, ..) = at_hand(&app, &person, mail).await?;
    let mut mails = vec![mail];
    if !wanted.alike.is_empty() {
        mails.extend(alike(&app, org, mail).await?);
        mails.truncate(start::MAILS_MAX);
    }
    let wish = Wish {
        mails,
        only: HashSet::new(),
        cause: Cause::Person,
        class: class(&wanted.class)?.to_string(),
        note: wanted.note,
        only_list: wanted.verb == "list",
    };
    let made = start::by_person(&app, &person, wish).await?;
    let said = if made.removal.state == State::Asks { "removal-listed" } else { "removal-started" };
    done(&format!("/removals/{}", made.removal.id), Say::new(said).with("count", made.removal.copies))
}

/// What a person calls the mail.
pub fn class(name: &str) -> Result<&'static str, Fault> {
    match name {
        "" => Ok("spam"),
        name => CLASSES
            .iter()
            .find(|class| **class == name)
            .copied()
            .ok_or_else(|| Fault::Invalid(vec![Wrong::new("class", "removal-wrong-class")])),
    }
}

/// `POST /trace/{mail}/put-back`.
async fn put_back(AppState(app): AppState<App>, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::Release)?;
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let count = put_mail_back(&app, &person, mail).await?;
    done(&format!("/trace/{mail}"), Say::new("removal-undone").with("count", count))
}

/// Copies of a removal, for programs.
pub async fn copies_of(app: &App, removal: &sql::Removal) -> Result<Vec<sql::Copy>, Fault> {
    let (id, scope) = (removal.id, OrgScope::One(removal.org));
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            match sql::one(tx, scope, id).await? {
                Some(_) => sql::copies(tx, id).await,
                None => Ok(Vec::new()),
            }
        })
    });
    read.await.map_err(Fault::from)
}
