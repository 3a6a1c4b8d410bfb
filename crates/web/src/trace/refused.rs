//! Connections and mails that were turned away, as a list.

use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Page, View, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Query, State};
use gateway::trace::api::EventBody;
use gateway::trace::{self, RefusalQuery};
use serde::Deserialize;

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "trace-col-refused", can_sort: false, is_usual: true },
    Column { name: "kind", title: "trace-col-step", can_sort: false, is_usual: true },
    Column { name: "sender", title: "trace-col-sender", can_sort: false, is_usual: true },
    Column { name: "recipient", title: "trace-recipient", can_sort: false, is_usual: true },
    Column { name: "reply", title: "trace-col-reply", can_sort: false, is_usual: true },
    Column { name: "ip", title: "trace-ip", can_sort: false, is_usual: false },
    Column { name: "subject", title: "trace-col-subject", can_sort: false, is_usual: false },
];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    sender: String,
    recipient: String,
    ip: String,
    before: String,
}

#[derive(Template)]
#[template(path = "trace/templates/refused.html")]
struct RefusedPage<'a> {
    view: &'a View,
    asked: &'a Asked,
    table: String,
    because: Vec<String>,
    /// Where the search goes on by itself; "" when it is over.
    goes_on: String,
    wrong_ip: bool,
}

/// `GET /trace/refused`.
pub async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::Trace)?;
    let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
    let ip = asked.ip.trim().parse().ok();
    let wrong_ip = ip.is_none() && !asked.ip.trim().is_empty();
    let query = RefusalQuery {
        sender: some(&asked.sender),
        recipient: some(&asked.recipient),
        ip,
        before: asked.before.parse().ok(),
        limit: super::ROWS,
        within: super::PAGE_WITHIN,
        ..RefusalQuery::default()
    };
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { trace::refusals(tx, scope, &query).await })).await?;
    let of_table = TableAsked::of(&pairs);
    let goes_on = super::goes_on(&of_table, "/trace/refused", &found.because, found.next.as_deref());
    let table = Table {
        view: &view,
        path: "/trace/refused",
        caption: view.t("trace-refused-title"),
        columns: COLUMNS,
        asked: &of_table,
        rows: found.rows.iter().map(|event| row(&view, event)).collect(),
        form: "",
        next: found.next.clone().map(|next| ("before", next)),
        empty: view.t(if goes_on.is_empty() { "trace-refused-empty" } else { "trace-empty-yet" }),
    };
    if of_table.is_csv {
        return Ok(table.csv("refused"));
    }
    show(&RefusedPage {
        view: &view,
        asked: &asked,
        table: table.html(),
        because: super::because(&view, &found.because),
        goes_on,
        wrong_ip,
    })
}

fn row(view: &View, event: &EventBody) -> Row {
    let detail = |name: &str| event.detail[name].as_str().unwrap_or_default().to_string();
    let time = Cell::time(view, event.at_ms);
    let subject = match event.mail {
        Some(mail) => {
            Cell::link(&format!("/trace/{mail}"), if detail("subject").is_empty() { mail.to_string() } else { detail("subject") })
        }
        None => Cell::text(detail("subject")),
    };
    Row {
        cells: vec![
            time,
            Cell::badge("bad", view.of_kind("event", event.kind)),
            Cell::text(detail("sender")),
            Cell::text(&event.recipient),
            match event.mail {
                Some(mail) => Cell::link(&format!("/trace/{mail}"), detail("reply")),
                None => Cell::text(detail("reply")),
            },
            Cell::text(detail("ip")),
            subject,
        ],
        ..Row::default()
    }
}
