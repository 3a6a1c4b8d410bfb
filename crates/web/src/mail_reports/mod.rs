//! Reports: how the world judged mail in our domains' names (DMARC, TLS, complaints), and what mail went through here.
//!
//! In: what `gateway::mail_reports` kept of other servers' reports, and sums of mails that a job of this feature keeps ([`counting`]). Out:
//! pages, files, `/api/v1/reports`, and letters of the week or month. Invariant: pages read sums, never all mails; everything is of one
//! scope. Not here: formats (`mail::report`), single mails (`trace`).

pub mod api;
mod complaints;
mod complaints_page;
pub mod counting;
mod dmarc;
mod dmarc_page;
mod flow;
mod flow_page;
mod known;
pub mod letter;
pub mod outgoing;
mod received;
mod received_page;
mod sql;
mod tls;
mod tls_page;
mod who;

use received::forget_every_hour;

use crate::App;
use crate::page::view::Count;
use crate::page::words::Source;
use crate::page::{View, csv};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use mail::report::received::FILE_OCTETS_MAX;
use serde::{Deserialize, Serialize};
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

const DAY_MS: i64 = gateway::mail_reports::DAY_MS;
/// Octets of a form around the file.
const FORM_OCTETS_MAX: usize = FILE_OCTETS_MAX + (64 << 10);

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 38, name: "flow_day", sql: include_str!("migrations/0038_flow_day.sql") },
    Migration { number: 39, name: "dmarc_out", sql: include_str!("migrations/0039_dmarc_out.sql") },
];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/reports", get(flow_page::page))
        .route("/reports/letter", post(flow_page::choose))
        .route("/reports/dmarc", get(dmarc_page::domains))
        .route("/reports/dmarc/{domain}", get(dmarc_page::domain))
        .route("/reports/dmarc/{domain}/{source}", get(dmarc_page::source))
        .route("/reports/tls", get(tls_page::domains))
        .route("/reports/tls/{domain}", get(tls_page::domain))
        .route("/reports/complaints", get(complaints_page::page))
        .route("/reports/complaints/restrict", post(complaints_page::restrict))
        .route("/reports/received", get(received_page::list))
        .route("/reports/received/new", get(received_page::form).post(received_page::upload).layer(DefaultBodyLimit::max(FORM_OCTETS_MAX)))
        .route("/reports/received/{report}", get(received_page::one))
        .route("/reports/received/{report}/delete", post(received_page::delete))
}

/// How far back is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Days {
    Week,
    #[default]
    Month,
    Quarter,
    Year,
}

impl Days {
    pub const ALL: [Days; 4] = [Days::Week, Days::Month, Days::Quarter, Days::Year];

    pub fn count(self) -> i64 {
        match self {
            Days::Week => 7,
            Days::Month => 30,
            Days::Quarter => 90,
            Days::Year => 365,
        }
    }

    pub fn parse(text: &str) -> Option<Days> {
        Days::ALL.into_iter().find(|days| days.count().to_string() == text)
    }

    /// Beginning of the first day, UTC; today is the last.
    pub fn since_ms(self, now_ms: i64) -> i64 {
        gateway::mail_reports::day_of(now_ms) - (self.count() - 1) * DAY_MS
    }
}

/// What the query of these pages says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub days: String,
    /// csv or json: as a file.
    pub format: String,
}

impl Asked {
    pub fn days(&self) -> Days {
        Days::parse(&self.days).unwrap_or_default()
    }
}

/// A link to the same page with another span.
pub struct SpanLink {
    pub href: String,
    pub title: String,
    pub is_here: bool,
}

fn spans(view: &View, path: &str, now: Days) -> Vec<SpanLink> {
    let one = |days: Days| SpanLink {
        href: format!("{path}?days={}", days.count()),
        title: view.n("reports-days", days.count()),
        is_here: days == now,
    };
    Days::ALL.map(one).into()
}

/// A part of these pages: where it leads and whether it is this one.
pub struct Tab {
    pub href: &'static str,
    pub title: &'static str,
    pub is_here: bool,
}

fn tabs(view: &View) -> Vec<Tab> {
    let path = view.path.split('?').next().unwrap_or_default();
    let all = [
        ("/reports", "reports-tab-flow"),
        ("/reports/dmarc", "reports-tab-dmarc"),
        ("/reports/tls", "reports-tab-tls"),
        ("/reports/complaints", "reports-tab-complaints"),
        ("/reports/received", "reports-tab-received"),
    ];
    all.map(|(href, title)| Tab {
        href,
        title,
        is_here: path == href || href != "/reports" && path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/')),
    })
    .into()
}

/// A day as it stands below a bar, and in a table: days of reports are of UTC.
fn day(view: &View, day_ms: i64) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(day_ms) else { return String::new() };
    let shape = if view.lang == crate::page::words::Lang::Chinese { "%-m月%-d日" } else { "%-d %b" };
    at.strftime(shape).to_string()
}

/// The same day for programs.
fn iso_day(day_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(day_ms).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// A chart with the table behind it.
pub struct Chart {
    /// Words key of its heading.
    pub title: &'static str,
    pub says: String,
    pub svg: String,
    pub series: Vec<String>,
    pub rows: Vec<(String, Vec<i64>)>,
}

fn chart(view: &View, title: &'static str, says: String, (series, rows): (Vec<&'static str>, Vec<(i64, Vec<i64>)>)) -> Chart {
    let series: Vec<String> = series.into_iter().map(|key| view.t(key)).collect();
    let rows: Vec<(String, Vec<i64>)> = rows.into_iter().map(|(at, values)| (day(view, at), values)).collect();
    let bars: Vec<crate::page::chart::Bar> =
        rows.iter().map(|(label, values)| crate::page::chart::Bar { label: label.clone(), values: values.clone() }).collect();
    Chart { title, svg: crate::page::chart::stacked(&bars, &series, &says), says, series, rows }
}

/// Starts the jobs of this feature; they end with the runtime.
pub fn start(app: &App) {
    tokio::spawn(forget_every_hour(app.clone()));
    tokio::spawn(counting::run(app.clone()));
    tokio::spawn(letter::run(app.clone()));
    tokio::spawn(outgoing::run(app.clone()));
    tokio::spawn(outgoing::complaint::run(app.clone()));
}

/// A table as a file: cells of text.
fn csv_file(view: &View, name: &str, header: &[&str], rows: Vec<Vec<String>>) -> Response {
    let header: Vec<String> = header.iter().map(|key| view.t(key)).collect();
    csv::file(name, &header, rows.into_iter())
}

fn json_file<T: Serialize>(name: &str, body: &T) -> Response {
    let disposition = (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.json\""));
    ([disposition], axum::Json(body)).into_response()
}

/// A name of strangers in a path.
fn encoded(name: &str) -> String {
    crate::page::guard::form_pair("", name).trim_start_matches('=').to_string()
}

/// 1,234.
fn grouped(count: impl Count) -> String {
    crate::overview::grouped(count.number())
}

/// "97.5 %".
fn share(part: impl Count, whole: impl Count) -> String {
    let (part, whole) = (part.number(), whole.number());
    if whole <= 0 { "–".into() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}

#[derive(askama::Template)]
#[template(path = "mail_reports/templates/bare.html")]
struct BareTable<'a> {
    caption: &'a str,
    heads: Vec<String>,
    rows: Vec<Vec<(String, String)>>,
    empty: &'a str,
}

/// A table without a choice of columns, as HTML.
fn bare_table(view: &View, table: &crate::page::table::Table<'_>) -> String {
    let heads: Vec<String> = table.columns.iter().map(|column| view.t(column.title)).collect();
    let cells = |row: &crate::page::table::Row| heads.iter().cloned().zip(row.cells.iter().map(|cell| cell.html.clone())).collect();
    let page =
        BareTable { caption: &table.caption, rows: table.rows.iter().map(cells).collect(), heads: heads.clone(), empty: &table.empty };
    askama::Template::render(&page).unwrap_or_else(|why| {
        tracing::error!("a table could not be written: {why}");
        String::new()
    })
}
