//! The list of domains with their health, and adding one.

use super::{KIND_WORDS, check, claim, sql};
use crate::App;
use crate::diagnostics::check::CheckResult;
use crate::diagnostics::sql as results;
use crate::page::table::{Asked, Cell, Column, Row, Table};
use crate::page::{Fault, Page, Say, View, done, form::Form as Shown, guard::form_pair, show, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const COLUMNS: &[Column] = &[
    Column { name: "name", title: "domain-col-name", can_sort: false, is_usual: true },
    Column { name: "state", title: "domain-col-state", can_sort: false, is_usual: true },
    Column { name: "health", title: "domain-col-health", can_sort: false, is_usual: true },
    Column { name: "recipients", title: "domain-col-recipients", can_sort: false, is_usual: true },
    Column { name: "connector", title: "domain-col-connector", can_sort: false, is_usual: false },
    Column { name: "kind", title: "domain-col-kind", can_sort: false, is_usual: false },
    Column { name: "source", title: "domain-col-source", can_sort: false, is_usual: false },
    Column { name: "checked", title: "domain-col-checked", can_sort: false, is_usual: true },
];

/// Rows of a file.
const FILE_ROWS_MAX: usize = 10_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sought {
    q: String,
    after: String,
}

#[derive(Template)]
#[template(path = "domain/templates/list.html")]
struct ListPage<'a> {
    view: &'a View,
    q: &'a str,
    table: String,
}

/// `GET /domains`.
pub async fn list(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(sought): Query<Sought>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Page {
    person.require(May::ReadSettings)?;
    let (scope, asked) = (person.scope(), Asked::of(&pairs));
    let limit = asked.rows_max(sql::ROWS, FILE_ROWS_MAX);
    let (after, part) = (sought.after.clone(), mail::address::domain_to_ascii(sought.q.trim()).unwrap_or(sought.q.trim().to_lowercase()));
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            Ok::<_, store::Error>((sql::list(tx, scope, &after, &part, limit).await?, results::all(tx, scope, check::KIND).await?))
        })
    });
    let (mut domains, checked) = read.await.map_err(Fault::from)?;
    let reports: HashMap<(i64, String), check::Report> =
        checked.into_iter().filter_map(|(org, name, _, json)| Some(((org.0, name), serde_json::from_str(&json).ok()?))).collect();
    let next = asked.cut(&mut domains, sql::ROWS, |last| last.name.clone());
    let rows = domains.iter().map(|named| row(&view, named, reports.get(&(named.org.0, named.name.clone())))).collect();
    let empty = if sought.q.trim().is_empty() { view.t("domain-none") } else { view.t("domain-none-found") };
    let table = Table {
        view: &view,
        path: "/domains",
        caption: view.t("domain-title"),
        columns: COLUMNS,
        asked: &asked,
        rows,
        form: "",
        next,
        empty,
    };
    if asked.is_csv {
        return Ok(table.csv("domains"));
    }
    show(&ListPage { view: &view, q: &sought.q, table: table.html() })
}

fn row(view: &View, named: &super::Named, report: Option<&check::Report>) -> Row {
    let settings = &named.settings;
    let word = |family: &str, word: &str| Cell::text(view.of_kind(family, word));
    let recipients = serde_json::to_value(settings.recipients).ok().and_then(|word| word.as_str().map(str::to_string)).unwrap_or_default();
    let kind = serde_json::to_value(settings.kind).ok().and_then(|word| word.as_str().map(str::to_string)).unwrap_or_default();
    let state = match named.is_served() {
        true => Cell::badge("good", view.t("domain-served")),
        false => Cell::badge("warn", view.t("domain-unserved")),
    };
    Row {
        pick: String::new(),
        label: named.shown(),
        cells: vec![
            Cell::link(&format!("/domains/{}", named.name), named.shown()),
            state,
            health(view, named, report),
            if named.is_served() { word("domain-recipients", &recipients) } else { Cell::default() },
            Cell::text(settings.connector.clone()),
            word(KIND_WORDS, &kind),
            if named.is_served() { word("domain-source", &named.source) } else { Cell::default() },
            report.map_or_else(|| Cell::text(view.t("domain-never-checked")), |report| Cell::time(view, report.at_ms)),
        ],
    }
}

/// Each record in a word; what is well in one.
fn health(view: &View, named: &super::Named, report: Option<&check::Report>) -> Cell {
    let Some(report) = report else { return Cell::badge("plain", view.t("domain-never-checked")) };
    let mut cells = Vec::new();
    let mut well = Vec::new();
    for checked in report.checks.iter().filter(|checked| !(named.is_served() && checked.id == "domain.ownership")) {
        let title = view.of_kind("domain-check", checked.id.trim_start_matches("domain."));
        match checked.result {
            CheckResult::Ok => well.push(title),
            result => cells.push(Cell::badge(result.tone(), format!("{title}: {}", view.of_kind("check-result", result.name())))),
        }
    }
    if !well.is_empty() {
        cells.push(Cell::badge("good", format!("{}: {}", well.join(", "), view.t("check-result-ok"))));
    }
    Cell::lines(cells)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewDomain {
    name: String,
}

#[derive(Template)]
#[template(path = "domain/templates/new.html")]
struct NewPage<'a> {
    view: &'a View,
    form: &'a Shown,
}

/// `GET /domains/new`.
pub async fn new(view: View, person: Person) -> Page {
    person.require(May::Domains)?;
    show(&NewPage { view: &view, form: &Shown::default() })
}

/// `POST /domains`: the first step. A domain that is on the list already leads to where it stands.
pub async fn add(State(app): State<App>, view: View, person: Person, Form(wanted): Form<NewDomain>) -> Page {
    match claim::start(&app, &person, &wanted.name).await {
        Ok((named, is_new)) => {
            let say = if is_new { Say::new("domain-added") } else { Say::new("domain-there-already") };
            done(&format!("/domains/{}/setup/ownership?{}", named.name, form_pair("new", "1")), say.with("what", named.shown()))
        }
        Err(Fault::Invalid(wrong)) => {
            let form = Shown::of(&wanted).with_wrong(wrong);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &NewPage { view: &view, form: &form })
        }
        Err(other) => Err(other),
    }
}
