//! The queue as pages.

use super::again::{self, Again};
use super::queue::{self, Answered, LookAnswer, find, kinds};
use super::sql::{SecondLook, State as LookState};
use crate::App;
use crate::connectivity::api::ConnectivityStep;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use serde::Deserialize;

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "desk-col-time", can_sort: false, is_usual: true },
    Column { name: "sender", title: "desk-col-sender", can_sort: false, is_usual: true },
    Column { name: "recipient", title: "desk-col-recipient", can_sort: false, is_usual: true },
    Column { name: "reply", title: "desk-col-reply", can_sort: false, is_usual: true },
    Column { name: "state", title: "desk-col-state", can_sort: false, is_usual: true },
    Column { name: "contact", title: "desk-col-contact", can_sort: false, is_usual: false },
    Column { name: "ip", title: "desk-col-ip", can_sort: false, is_usual: false },
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// "answered", else those that wait.
    state: String,
    before: String,
}

#[derive(Template)]
#[template(path = "help_desk/templates/queue.html")]
struct QueuePage<'a> {
    view: &'a View,
    table: String,
    is_open: bool,
}

/// `GET /second-looks`.
pub async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    let is_open = asked.state != "answered";
    let (rows, next) = queue::list(&app, &person, is_open, &asked.before).await?;
    let of_table = TableAsked::of(&pairs);
    let table = Table {
        view: &view,
        path: "/second-looks",
        caption: view.t("desk-queue"),
        columns: COLUMNS,
        asked: &of_table,
        rows: rows.iter().map(|look| row(&view, look)).collect(),
        form: "",
        next: next.map(|next| ("before", next.to_string())),
        empty: view.t(if is_open { "desk-queue-empty" } else { "desk-queue-answered-empty" }),
    };
    if of_table.is_csv {
        return Ok(table.csv("second-looks"));
    }
    show(&QueuePage { view: &view, table: table.html(), is_open })
}

fn row(view: &View, look: &SecondLook) -> Row {
    let sender = if look.facts.sender.is_empty() { "<>" } else { &look.facts.sender };
    Row {
        cells: vec![
            Cell::time(view, look.at_ms()),
            Cell::link(&format!("/second-looks/{}", look.id), sender),
            Cell::text(look.facts.recipients.first().cloned().unwrap_or_default()),
            Cell::text(&look.facts.reply),
            Cell::badge(look.state.tone(), view.of_kind("desk-state", look.state.name())),
            Cell::text(&look.contact),
            Cell::text(&look.facts.ip),
        ],
        ..Row::default()
    }
}

#[derive(Template)]
#[template(path = "help_desk/templates/look.html")]
struct LookPage<'a> {
    view: &'a View,
    look: &'a SecondLook,
    form: &'a Shown,
    again: Option<&'a Again>,
    steps: Vec<ConnectivityStep>,
    kinds: Vec<(&'static str, String)>,
    is_open: bool,
    can_allow: bool,
    /// Where it is mended when an allow entry does not help; "" is nowhere.
    place: &'static str,
    reason: &'static str,
    can_answer: bool,
}

/// `GET /second-looks/{look}`.
pub async fn one(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let look = find(&app, &person, &id).await?;
    shown(&view, &person, &look, &Shown::default())
}

fn shown(view: &View, person: &Person, look: &SecondLook, form: &Shown) -> Page {
    let again = again::read(&look.again);
    let status = form.status();
    let page = LookPage {
        view,
        look,
        form,
        steps: again.iter().flat_map(|again| &again.steps).map(|step| ConnectivityStep::of(view, step)).collect(),
        again: again.as_ref(),
        kinds: kinds(look),
        is_open: look.state == LookState::Open,
        can_allow: person.may(May::Entries) && look.reason().is_allowable(),
        place: look.reason().place(),
        reason: look.reason().name(),
        can_answer: person.may(May::Release),
    };
    show_with(status, &page)
}

/// `POST /second-looks/{look}`: an answer.
pub async fn act(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(answer): Form<LookAnswer>) -> Page {
    let look = find(&app, &person, &id).await?;
    let here = format!("/second-looks/{}", look.id);
    match queue::answer(&app, &person, &look, &answer).await {
        Ok(Answered::Looked) => done(&here, Say::new("desk-looked")),
        Ok(Answered::Drafted(draft)) => Ok(Redirect::to(&format!("/drafts/{draft}")).into_response()),
        Ok(Answered::Settled(LookState::Declined)) => done("/second-looks", Say::new("desk-declined")),
        Ok(Answered::Settled(_)) => done("/second-looks", Say::new("desk-answered")),
        Err(Fault::Invalid(wrong)) => shown(&view, &person, &look, &Shown::of(&answer).with_wrong(wrong)),
        Err(fault) => Err(fault),
    }
}
