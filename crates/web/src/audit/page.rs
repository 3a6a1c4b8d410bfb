//! The log as a list, one line, and files.

use super::{Asked, EXPORT_ROWS, Line, ROWS, api::LineBody, sql};
use crate::App;
use crate::page::table::{Asked as TableAsked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, View, form::Form, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mail::id::AuditId;
use std::collections::BTreeSet;

pub fn routes() -> Router<App> {
    Router::new().route("/audit", get(list)).route("/audit/{line}", get(one))
}

const COLUMNS: &[Column] = &[
    Column { name: "time", title: "log-col-time", can_sort: false, is_usual: true },
    Column { name: "who", title: "log-col-who", can_sort: false, is_usual: true },
    Column { name: "action", title: "log-col-action", can_sort: false, is_usual: true },
    Column { name: "subject", title: "log-col-subject", can_sort: false, is_usual: true },
    Column { name: "ip", title: "log-col-ip", can_sort: false, is_usual: true },
    Column { name: "detail", title: "log-col-detail", can_sort: false, is_usual: false },
    Column { name: "organisation", title: "log-col-organisation", can_sort: false, is_usual: false },
    Column { name: "id", title: "log-col-id", can_sort: false, is_usual: false },
];

#[derive(Template)]
#[template(path = "audit/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    form: &'a Form,
    actions: Vec<(String, String)>,
    table: String,
    json: String,
}

#[derive(Template)]
#[template(path = "audit/templates/line.html")]
struct LinePage<'a> {
    view: &'a View,
    line: &'a Line,
    said: String,
    organisation: String,
    detail: Vec<(String, String)>,
    /// Path of what it was done to; "" leads nowhere.
    href: String,
}

/// Every action that has words, with them, by what the reader sees.
fn actions(view: &View) -> Vec<(String, String)> {
    let keys: BTreeSet<&str> = crate::page::words::SOURCES
        .iter()
        .flat_map(|source| source.en.lines())
        .filter_map(|line| line.split_once(" =").map(|(key, _)| key).filter(|key| key.starts_with("audit-")))
        .collect();
    let mut actions: Vec<(String, String)> = keys.iter().map(|key| (key["audit-".len()..].to_string(), view.t(key))).collect();
    actions.sort_by(|a, b| a.1.cmp(&b.1));
    actions
}

/// `GET /audit`, also as a file with `format=csv` or `format=json`.
async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(asked): Query<Asked>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::Audit)?;
    let (form, of_table) = (Form::of(&asked), TableAsked::of(&pairs));
    let is_json = pairs.iter().any(|(name, value)| name == "format" && value == "json");
    let limit = if is_json || of_table.is_csv { EXPORT_ROWS } else { ROWS };
    let query = match asked.query(&view, limit) {
        Ok(query) => query,
        Err(Fault::Invalid(wrong)) => {
            let form = form.with_wrong(wrong);
            let page = ListPage { view: &view, form: &form, actions: actions(&view), table: String::new(), json: String::new() };
            return show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
        Err(other) => return Err(other),
    };
    let scope = person.scope();
    let mut lines = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, &query).await })).await?;
    let next = (lines.len() > limit).then(|| ("before", lines[limit - 1].id.to_string()));
    lines.truncate(limit);
    let next_href =
        next.as_ref().map(|(name, value)| of_table.href("/audit", &[(name, value), ("format", if is_json { "json" } else { "csv" })]));
    if is_json {
        return Ok(onward(json_file(&lines), next_href));
    }
    let table = Table {
        view: &view,
        path: "/audit",
        caption: view.t("log-title"),
        columns: COLUMNS,
        asked: &of_table,
        rows: lines.iter().map(|line| row(&app, &view, line)).collect(),
        form: "",
        next,
        empty: view.t("log-empty"),
    };
    if of_table.is_csv {
        return Ok(onward(table.csv("audit"), next_href));
    }
    let json = of_table.href("/audit", &[("format", "json")]);
    show(&ListPage { view: &view, form: &form, actions: actions(&view), table: table.html(), json })
}

fn json_file(lines: &[Line]) -> Response {
    let bodies: Vec<LineBody> = lines.iter().map(LineBody::of).collect();
    let disposition = (header::CONTENT_DISPOSITION, "attachment; filename=\"audit.json\"");
    ([disposition], axum::Json(bodies)).into_response()
}

/// A file says where the rest is (RFC 8288).
fn onward(mut file: Response, next: Option<String>) -> Response {
    let link = next.and_then(|href| HeaderValue::from_str(&format!("<{href}>; rel=\"next\"")).ok());
    file.headers_mut().extend(link.map(|link| (header::LINK, link)));
    file
}

fn organisation(app: &App, view: &View, line: &Line) -> String {
    let directory = app.directory.snapshot();
    match line.org {
        None => view.t("people-of-service"),
        Some(org) => directory.organisation(org).map_or_else(|| org.to_string(), |found| found.name.clone()),
    }
}

fn row(app: &App, view: &View, line: &Line) -> Row {
    let detail = pairs(line).into_iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ");
    Row {
        cells: vec![
            Cell::time(view, line.at_ms()),
            Cell::text(&line.who),
            Cell::link(&format!("/audit/{}", line.id), line.said(view)),
            Cell::text(&line.subject),
            Cell::text(&line.ip),
            Cell::text(detail),
            Cell::text(organisation(app, view, line)),
            Cell::text(line.id.to_string()),
        ],
        ..Row::default()
    }
}

/// The detail, field by field.
fn pairs(line: &Line) -> Vec<(String, String)> {
    let shown = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    line.detail.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), shown(value))).collect()
}

/// `GET /audit/{line}`.
async fn one(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    person.require(May::Audit)?;
    let (id, scope): (AuditId, _) = (id.parse().map_err(|_| Fault::NotFound)?, person.scope());
    let found = app.db.read(move |tx| Box::pin(async move { sql::find(tx, scope, id).await })).await?;
    let line = found.ok_or(Fault::NotFound)?;
    let href = if line.subject.parse::<mail::MailId>().is_ok() && view.may(May::Trace) {
        format!("/trace/{}", line.subject)
    } else if line.subject.parse::<mail::PersonId>().is_ok() && view.may(May::People) {
        format!("/people/{}", line.subject)
    } else {
        String::new()
    };
    let page = LinePage {
        view: &view,
        said: line.said(&view),
        organisation: organisation(&app, &view, &line),
        detail: pairs(&line),
        href,
        line: &line,
    };
    show(&page)
}
