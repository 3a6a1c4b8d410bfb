//! Pages of the trace.

use super::{Asked, PAGE_WITHIN, again, because, goes_on, header_page, kept_since_ms, mail_page, refused};
use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, View, form::Form, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use gateway::trace::api::{MailBody, RecipientBody};
use gateway::trace::{Answer, Query as TraceQuery};
use std::time::{Duration, Instant};

pub fn routes() -> Router<App> {
    Router::new()
        .route("/trace", get(list))
        .route("/trace/refused", get(refused::list))
        .route("/trace/header", get(header_page::form).post(header_page::analyse))
        .route("/trace/{mail}", get(mail_page::mail))
        .route("/trace/{mail}/again", post(again::page))
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
    Column { name: "state", title: "trace-col-state", can_sort: false, is_usual: false },
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
    because: Vec<String>,
    /// Where the search goes on by itself; "" when it is over.
    goes_on: String,
    /// New mail comes in by itself.
    is_live: bool,
    /// This page, and the same search with the other of following and not.
    here: String,
    other: String,
}

/// Worst first, as people look for them.
const VERDICTS: &[&str] =
    &["malware", "blocked-type", "uninspectable", "high-phish", "phish", "high-spam", "spoof", "impersonation", "spam", "bulk", "clean"];
const STATES: &[&str] = &["queued", "delivered", "held", "bounced", "deleted", "expired"];

/// `GET /trace`. With `live=1` new mail comes in by itself; `format=csv` is all that was found, not one page.
async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::Trace)?;
    let form = Form::of(&asked);
    let of_table = TableAsked::of(&pairs);
    let shell = shell(&view, &form, &of_table);
    let query = match asked.query(&view, kept_since_ms(&app)) {
        Ok(query) => TraceQuery { within: PAGE_WITHIN, ..query },
        Err(Fault::Invalid(wrong)) => {
            let form = form.clone().with_wrong(wrong);
            return show_with(StatusCode::UNPROCESSABLE_ENTITY, &ListPage { form: &form, is_live: false, ..shell });
        }
        Err(other) => return Err(other),
    };
    let found = if of_table.is_csv { whole(&app, &person, query).await? } else { some(&app, &person, query).await? };
    let mut rows: Vec<Row> = found.rows.iter().map(|mail| row(&view, mail)).collect();
    let goes_on = if shell.is_live { String::new() } else { goes_on(&of_table, "/trace", &found.because, found.next.as_deref()) };
    let because = because(&view, &found.because);
    if of_table.is_csv && !because.is_empty() {
        // The file says itself that it is not everything.
        rows.push(Row { cells: vec![Cell::text(because.join(" "))], ..Row::default() });
    }
    let table = Table {
        view: &view,
        path: "/trace",
        caption: view.t("trace-title"),
        columns: COLUMNS,
        asked: &of_table,
        rows,
        form: "",
        next: found.next.clone().map(|next| ("before", next)),
        empty: view.t(if goes_on.is_empty() { "trace-empty" } else { "trace-empty-yet" }),
    };
    if of_table.is_csv {
        return Ok(table.csv("trace"));
    }
    show(&ListPage { table: table.html(), because, goes_on, ..shell })
}

async fn some(app: &App, person: &Person, query: TraceQuery) -> Result<Answer, Fault> {
    let scope = person.scope();
    app.db.read(move |tx| Box::pin(async move { gateway::trace::search(tx, scope, &query).await })).await.map_err(Fault::from)
}

/// Rows of one file, and how long they are gathered.
const FILE_ROWS_MAX: usize = 20_000;
const FILE_WITHIN: Duration = Duration::from_secs(20);

/// Page after page until the end, the limit or the time; the answer says which.
async fn whole(app: &App, person: &Person, query: TraceQuery) -> Result<Answer, Fault> {
    let query = TraceQuery { limit: gateway::trace::LIMIT_MAX, within: FILE_WITHIN, ..query };
    let (started, mut query) = (Instant::now(), query);
    let mut all: Vec<MailBody> = Vec::new();
    loop {
        let mut found = some(app, person, query.clone()).await?;
        all.append(&mut found.rows);
        let before = found.next.as_ref().and_then(|next| next.parse().ok());
        let is_over = all.len() >= FILE_ROWS_MAX || started.elapsed() >= FILE_WITHIN;
        if before.is_none() || is_over {
            return Ok(Answer { rows: all, ..found });
        }
        query.before = before;
    }
}

fn shell<'a>(view: &'a View, form: &'a Form, of_table: &TableAsked) -> ListPage<'a> {
    let is_live = of_table.rest.iter().any(|(name, value)| name == "live" && !value.is_empty());
    ListPage {
        view,
        form,
        verdicts: VERDICTS,
        states: STATES,
        table: String::new(),
        because: Vec::new(),
        goes_on: String::new(),
        is_live,
        here: of_table.href("/trace", &[]),
        other: of_table.href("/trace", &[("live", if is_live { "" } else { "1" })]),
    }
}

/// Recipients named in one row.
const RECIPIENTS_NAMED: usize = 4;

/// Each recipient with what became of it; of many, some.
fn recipients(view: &View, mail: &MailBody) -> Cell {
    let one = |one: &RecipientBody| {
        let state = view.of_kind("state", &one.state);
        let (address, badge) = (Cell::text(&one.address), Cell::badge(state_tone(&one.state), &state));
        Cell { html: format!("{} {}", address.html, badge.html), text: format!("{} ({state})", address.text) }
    };
    if mail.recipients.is_empty() {
        return Cell::badge("bad", view.of_kind("state", "refused"));
    }
    let mut cells: Vec<Cell> = mail.recipients.iter().take(RECIPIENTS_NAMED).map(one).collect();
    let more = usize::try_from(mail.recipients_count).unwrap_or(0).saturating_sub(cells.len());
    if more > 0 {
        cells.push(Cell::text(view.n("trace-more-recipients", more)));
    }
    Cell::lines(cells)
}

fn row(view: &View, mail: &MailBody) -> Row {
    let mut states: Vec<&str> = mail.recipients.iter().map(|one| one.state.as_str()).collect();
    states.sort_unstable();
    states.dedup();
    let subject = if mail.subject.is_empty() { view.t("trace-no-subject") } else { mail.subject.clone() };
    Row {
        cells: vec![
            Cell::time(view, mail.at_ms),
            Cell::text(if mail.sender.is_empty() { "<>" } else { &mail.sender }),
            recipients(view, mail),
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
