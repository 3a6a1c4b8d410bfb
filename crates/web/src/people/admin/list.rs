//! The list of people.

use super::{RoleChoice, choices};
use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Page, View, form::Form, show};
use crate::people::sql::{self, Filter, PersonRow};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};

/// People of one page.
pub const ROWS: usize = 50;

const COLUMNS: &[Column] = &[
    Column { name: "email", title: "people-col-email", can_sort: false, is_usual: true },
    Column { name: "name", title: "people-col-name", can_sort: false, is_usual: true },
    Column { name: "role", title: "people-col-role", can_sort: false, is_usual: true },
    Column { name: "state", title: "people-col-state", can_sort: false, is_usual: true },
    Column { name: "second", title: "people-col-second", can_sort: false, is_usual: true },
    Column { name: "seen", title: "people-col-seen", can_sort: false, is_usual: true },
    Column { name: "organisation", title: "people-col-organisation", can_sort: false, is_usual: false },
    Column { name: "made", title: "people-col-made", can_sort: false, is_usual: false },
];

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
    role: String,
    #[serde(skip_serializing)]
    after: String,
}

#[derive(Template)]
#[template(path = "people/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    form: Form,
    roles: Vec<RoleChoice>,
    table: String,
    may_invite: bool,
}

/// `GET /people`.
pub async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::People)?;
    let scope = person.scope();
    let filter = Filter { q: asked.q.trim().to_string(), role: asked.role.clone(), after: asked.after.clone(), limit: ROWS };
    let mut rows = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, &filter).await })).await?;
    let next = (rows.len() > ROWS).then(|| ("after", rows[ROWS - 1].person.email.clone()));
    rows.truncate(ROWS);
    let of_table = TableAsked::of(&pairs);
    let directory = app.directory.snapshot();
    let name = |row: &PersonRow| {
        let found = row.person.home.and_then(|org| directory.organisation(org));
        found.map_or_else(|| view.t("people-of-service"), |found| found.name.clone())
    };
    let table = Table {
        view: &view,
        path: "/people",
        caption: view.t("people-title"),
        columns: COLUMNS,
        asked: &of_table,
        rows: rows.iter().map(|found| row(&view, found, name(found))).collect(),
        form: "",
        next,
        empty: view.t("people-empty"),
    };
    if of_table.is_csv {
        return Ok(table.csv("people"));
    }
    let roles = choices(&app, &view, &person, person.org, &asked.role).await?;
    show(&ListPage { view: &view, form: Form::of(&asked), roles, table: table.html(), may_invite: person.token.is_none() })
}

/// Word and colour of where a person stands.
pub fn state(row: &PersonRow) -> (&'static str, &'static str) {
    match (row.is_active, row.seen_ms) {
        (false, _) => ("plain", "inactive"),
        (true, None) => ("warn", "invited"),
        (true, Some(_)) => ("good", "active"),
    }
}

fn row(view: &View, found: &PersonRow, organisation: String) -> Row {
    let (tone, word) = state(found);
    let second = match (found.has_totp, found.passkeys > 0) {
        (true, true) => view.t("people-second-both"),
        (true, false) => view.t("people-second-app"),
        (false, true) => view.t("people-second-passkey"),
        (false, false) => view.t("people-second-none"),
    };
    let moment = |at_ms: Option<i64>| at_ms.map_or_else(|| Cell::text(view.t("people-never")), |at_ms| Cell::time(view, at_ms));
    Row {
        cells: vec![
            Cell::link(&format!("/people/{}", found.person.id), &found.person.email),
            Cell::text(&found.person.name),
            Cell::text(view.role(&found.person)),
            Cell::badge(tone, view.of_kind("people-state", word)),
            Cell::text(second),
            moment(found.seen_ms),
            Cell::text(organisation),
            Cell::time(view, found.made_ms),
        ],
        ..Row::default()
    }
}
