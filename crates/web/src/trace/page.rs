//! Pages of the trace.

use super::{Asked, ROWS};
use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, View, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use gateway::trace::api::MailBody;

pub fn routes() -> Router<App> {
    Router::new().route("/trace", get(list))
}

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "trace-col-time", can_sort: false, is_usual: true },
    Column { name: "sender", title: "trace-col-sender", can_sort: false, is_usual: true },
    Column { name: "recipients", title: "trace-col-recipients", can_sort: false, is_usual: true },
    Column { name: "subject", title: "trace-col-subject", can_sort: false, is_usual: true },
    Column { name: "verdict", title: "trace-col-verdict", can_sort: false, is_usual: true },
];

#[derive(Template)]
#[template(path = "trace/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    asked: &'a Asked,
    table: String,
    is_complete: bool,
}

/// `GET /trace`.
async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::Trace)?;
    let (scope, query) = (person.scope(), asked.query(ROWS)?);
    let found = app.db.read(move |tx| Box::pin(async move { gateway::trace::search(tx, scope, &query).await })).await;
    let found = found.map_err(Fault::from)?;
    let of_table = TableAsked::of(&pairs);
    let table = Table {
        view: &view,
        path: "/trace",
        caption: view.t("trace-title"),
        columns: COLUMNS,
        asked: &of_table,
        rows: found.rows.iter().map(|mail| row(&view, mail)).collect(),
        form: "",
        next: found.next.clone().map(|next| ("before", next)),
        empty: view.t("trace-empty"),
    };
    if of_table.is_csv {
        return Ok(table.csv("trace"));
    }
    show(&ListPage { view: &view, asked: &asked, table: table.html(), is_complete: found.is_complete })
}

fn row(view: &View, mail: &MailBody) -> Row {
    let recipients = mail.recipients.iter().map(|one| Cell::text(&one.address)).collect();
    Row {
        cells: vec![
            Cell::time(view, mail.at_ms),
            Cell::text(&mail.sender),
            Cell::lines(recipients),
            Cell::link(&format!("/trace/{}", mail.mail), &mail.subject),
            Cell::badge("plain", view.of_kind("verdict", &mail.verdict)),
        ],
        ..Row::default()
    }
}
