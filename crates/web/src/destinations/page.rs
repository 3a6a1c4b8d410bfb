//! The list as a page.

use super::{Served, list as found};
use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Page, View, show};
use crate::people::Person;
use askama::Template;
use axum::extract::{Query, State};

const COLUMNS: &[Column] = &[
    Column { name: "name", title: "destinations-col-name", can_sort: false, is_usual: true },
    Column { name: "waiting", title: "destinations-col-waiting", can_sort: false, is_usual: true },
    Column { name: "in-flight", title: "destinations-col-in-flight", can_sort: false, is_usual: true },
    Column { name: "limit", title: "destinations-col-limit", can_sort: false, is_usual: true },
    Column { name: "allowed", title: "destinations-col-allowed", can_sort: false, is_usual: true },
    Column { name: "wait", title: "destinations-col-wait", can_sort: false, is_usual: true },
    Column { name: "next", title: "destinations-col-next", can_sort: false, is_usual: true },
    Column { name: "reply", title: "destinations-col-reply", can_sort: false, is_usual: true },
];

#[derive(Template)]
#[template(path = "destinations/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    table: String,
    is_more: bool,
}

/// `GET /destinations`.
pub async fn list(State(app): State<App>, view: View, person: Person, Query(pairs): Query<Vec<(String, String)>>) -> Page {
    let (served, is_more) = found(&app, &person).await?;
    let asked = TableAsked::of(&pairs);
    let table = Table {
        view: &view,
        path: "/destinations",
        caption: view.t("destinations-title"),
        columns: COLUMNS,
        asked: &asked,
        rows: served.iter().map(|one| row(&view, one)).collect(),
        form: "",
        next: None,
        empty: view.t("destinations-empty"),
    };
    if asked.is_csv {
        return Ok(table.csv("destinations"));
    }
    show(&ListPage { view: &view, table: table.html(), is_more })
}

fn row(view: &View, one: &Served) -> Row {
    let tone = match one.limit_by {
        "" => "good",
        "down" => "bad",
        _ => "warn",
    };
    let name = match one.is_connector {
        true => Cell::link(&format!("/connectors/{}", one.name), &one.name),
        false => Cell::text(&one.name),
    };
    Row {
        cells: vec![
            name,
            Cell::text(one.waiting.to_string()),
            Cell::text(one.in_flight.to_string()),
            Cell::badge(tone, view.of_kind("destinations-limit", if one.limit_by.is_empty() { "none" } else { one.limit_by })),
            Cell::text(if one.workers_allowed == 0 { String::new() } else { one.workers_allowed.to_string() }),
            Cell::text(if one.wait_ms == 0 { String::new() } else { format!("{} ms", one.wait_ms) }),
            if one.next_ms == 0 { Cell::text("") } else { Cell::time(view, one.next_ms) },
            Cell::text(&one.reply),
        ],
        ..Row::default()
    }
}
