//! Pages of the trace.

use super::{Asked, kept_since_ms, mail_page, refused};
use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, View, form::Form, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use gateway::trace::api::MailBody;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/trace", get(list))
        .route("/trace/refused", get(refused::list))
        .route("/trace/{mail}", get(mail_page::mail))
        .route("/trace/{mail}/retry", post(mail_page::retry))
        .route("/trace/{mail}/cancel", post(mail_page::cancel))
        .route("/trace/{mail}/report", post(mail_page::report))
        .route("/trace/{mail}/message.eml", get(mail_page::message))
}

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "trace-col-time", can_sort: false, is_usual: true },
    Column { name: "sender", title: "trace-col-sender", can_sort: false, is_usual: true },
    Column { name: "recipients", title: "trace-col-recipients", can_sort: false, is_usual: true },
    Column { name: "subject", title: "trace-col-subject", can_sort: false, is_usual: true },
    Column { name: "verdict", title: "trace-col-verdict", can_sort: false, is_usual: true },
    Column { name: "state", title: "trace-col-state", can_sort: false, is_usual: true },
    Column { name: "ip", title: "trace-ip", can_sort: false, is_usual: false },
    Column { name: "size", title: "trace-col-size", can_sort: false, is_usual: false },
    Column { name: "id", title: "trace-id", can_sort: false, is_usual: false },
];

#[derive(Template)]
#[template(path = "trace/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    form: &'a Form,
    verdicts: &'static [&'static str],
    states: &'static [&'static str],
    table: String,
    is_complete: bool,
    because: Vec<String>,
}

/// Worst first, as people look for them.
const VERDICTS: &[&str] =
    &["malware", "blocked-type", "uninspectable", "high-phish", "phish", "high-spam", "spoof", "impersonation", "spam", "bulk", "clean"];
const STATES: &[&str] = &["queued", "delivered", "held", "bounced", "deleted", "expired"];

/// `GET /trace`.
async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::Trace)?;
    let form = Form::of(&asked);
    let query = match asked.query(&view, kept_since_ms(&app)) {
        Ok(query) => query,
        Err(Fault::Invalid(wrong)) => return show_with(StatusCode::UNPROCESSABLE_ENTITY, &empty(&view, &form.with_wrong(wrong))),
        Err(other) => return Err(other),
    };
    let scope = person.scope();
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
    let because = if found.next.is_some() { vec![view.t("trace-because-more")] } else { found.incomplete_because.clone() };
    show(&ListPage { table: table.html(), is_complete: found.is_complete, because, ..empty(&view, &form) })
}

fn empty<'a>(view: &'a View, form: &'a Form) -> ListPage<'a> {
    ListPage { view, form, verdicts: VERDICTS, states: STATES, table: String::new(), is_complete: true, because: Vec::new() }
}

fn row(view: &View, mail: &MailBody) -> Row {
    let recipients = mail.recipients.iter().map(|one| Cell::text(&one.address)).collect();
    let mut states: Vec<&str> = mail.recipients.iter().map(|one| one.state.as_str()).collect();
    states.dedup();
    let subject = if mail.subject.is_empty() { view.t("trace-no-subject") } else { mail.subject.clone() };
    Row {
        cells: vec![
            Cell::time(view, mail.at_ms),
            Cell::text(if mail.sender.is_empty() { "<>" } else { &mail.sender }),
            Cell::lines(recipients),
            Cell::link(&format!("/trace/{}", mail.mail), subject),
            Cell::badge(verdict_tone(&mail.verdict), view.of_kind("verdict", &mail.verdict)),
            match states.as_slice() {
                [] => Cell::badge("bad", view.of_kind("state", "refused")),
                states => Cell::lines(states.iter().map(|state| Cell::badge(state_tone(state), view.of_kind("state", state))).collect()),
            },
            Cell::text(&mail.peer_ip),
            Cell::text(view.octets(mail.octets)),
            Cell::text(mail.mail.to_string()),
        ],
        ..Row::default()
    }
}

/// Colour and shape of a verdict, on every page.
pub fn verdict_tone(verdict: &str) -> &'static str {
    match verdict {
        "clean" => "good",
        "bulk" | "spam" | "high-spam" | "impersonation" | "spoof" | "uninspectable" => "warn",
        "phish" | "high-phish" | "malware" | "blocked-type" => "bad",
        _ => "plain",
    }
}

/// Colour and shape of a recipient's state.
fn state_tone(state: &str) -> &'static str {
    match state {
        "delivered" => "good",
        "queued" | "held" => "warn",
        "bounced" | "deleted" | "expired" => "bad",
        _ => "plain",
    }
}
