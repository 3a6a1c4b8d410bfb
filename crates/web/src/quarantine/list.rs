//! Lists of held mail: the organisation's, and one's own.

use super::powers;
use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Page, View, form::Form, show};
use crate::people::{May, Person};
use crate::trace::verdict_tone;
use askama::Template;
use axum::extract::{Query, State};
use gateway::quarantine::api::HeldBody;
use gateway::quarantine::{Cursor, Filter};
use serde::{Deserialize, Serialize};

/// Rows of one page.
pub const ROWS: usize = 50;

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "quarantine-col-time", can_sort: false, is_usual: true },
    Column { name: "subject", title: "quarantine-col-subject", can_sort: false, is_usual: true },
    Column { name: "sender", title: "quarantine-col-sender", can_sort: false, is_usual: true },
    Column { name: "recipient", title: "quarantine-col-recipient", can_sort: false, is_usual: true },
    Column { name: "verdict", title: "quarantine-col-verdict", can_sort: false, is_usual: true },
    Column { name: "until", title: "quarantine-col-until", can_sort: false, is_usual: true },
    Column { name: "size", title: "quarantine-col-size", can_sort: false, is_usual: false },
    Column { name: "ip", title: "quarantine-col-ip", can_sort: false, is_usual: false },
];

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    recipient: String,
    sender: String,
    subject: String,
    verdict: String,
    #[serde(skip_serializing)]
    after: String,
}

impl Asked {
    pub fn filter(&self) -> Filter {
        let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
        Filter {
            recipient: some(&self.recipient).map(|address| address.to_lowercase()),
            sender: some(&self.sender),
            subject: some(&self.subject),
            verdict: some(&self.verdict),
            after: cursor(&self.after),
            limit: ROWS,
            ..Filter::default()
        }
    }
}

/// `mail.n`, as [`written`] makes it.
pub fn cursor(text: &str) -> Option<Cursor> {
    let (mail, n) = text.split_once('.')?;
    Some(Cursor { mail: mail.parse().ok()?, n: n.parse().ok()? })
}

pub fn written(cursor: Cursor) -> String {
    format!("{}.{}", cursor.mail, cursor.n)
}

#[derive(Template)]
#[template(path = "quarantine/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    title: &'static str,
    path: &'static str,
    is_mine: bool,
    form: Form,
    verdicts: &'static [&'static str],
    table: String,
    can_release: bool,
    can_delete: bool,
    has_rows: bool,
}

/// What can be held, worst first.
const VERDICTS: &[&str] =
    &["malware", "blocked-type", "uninspectable", "high-phish", "phish", "high-spam", "spoof", "impersonation", "spam", "bulk"];

/// `GET /quarantine`.
pub async fn all(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::Quarantine)?;
    listed(&app, &view, &person, (&asked, &pairs), false).await
}

/// `GET /quarantine/mine`: held for this person's own address, whatever else they may.
pub async fn mine(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::OwnQuarantine)?;
    let asked = Asked { recipient: person.email.clone(), ..asked };
    listed(&app, &view, &person, (&asked, &pairs), true).await
}

async fn listed(app: &App, view: &View, person: &Person, query: (&Asked, &[(String, String)]), is_mine: bool) -> Page {
    let (asked, pairs) = query;
    let (rows, next) = app.quarantine.list(person.scope(), asked.filter()).await?;
    let of_table = TableAsked::of(pairs);
    let path = if is_mine { "/quarantine/mine" } else { "/quarantine" };
    let table = Table {
        view,
        path,
        caption: view.t(if is_mine { "quarantine-mine" } else { "quarantine-title" }),
        columns: COLUMNS,
        asked: &of_table,
        rows: rows.iter().map(|held| row(view, person, held)).collect(),
        form: "decide",
        next: next.map(|next| ("after", written(next))),
        empty: view.t(if is_mine { "quarantine-mine-empty" } else { "quarantine-empty" }),
    };
    if of_table.is_csv {
        return Ok(table.csv("quarantine"));
    }
    show(&ListPage {
        view,
        title: if is_mine { "quarantine-mine" } else { "quarantine-title" },
        path,
        is_mine,
        form: Form::of(asked),
        verdicts: VERDICTS,
        table: table.html(),
        can_release: rows.iter().any(|held| powers(person, held).release),
        can_delete: rows.iter().any(|held| powers(person, held).delete),
        has_rows: !rows.is_empty(),
    })
}

fn row(view: &View, person: &Person, held: &HeldBody) -> Row {
    let powers = powers(person, held);
    let subject = if held.subject.is_empty() { view.t("quarantine-no-subject") } else { held.subject.clone() };
    Row {
        pick: if powers.release || powers.delete { written(Cursor { mail: held.mail, n: held.n }) } else { String::new() },
        label: view.w("quarantine-pick", &subject),
        cells: vec![
            Cell::time(view, held.at_ms),
            Cell::link(&format!("/quarantine/{}", held.mail), subject),
            Cell::text(if held.sender.is_empty() { "<>" } else { &held.sender }),
            Cell::text(&held.recipient),
            Cell::badge(verdict_tone(&held.verdict), view.of_kind("verdict", &held.verdict)),
            Cell::time(view, held.until_ms),
            Cell::text(view.octets(held.octets)),
            Cell::text(&held.peer_ip),
        ],
    }
}
