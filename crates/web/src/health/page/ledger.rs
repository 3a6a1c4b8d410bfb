//! The ledger of promises, month by month, to read and to print.

use super::super::ledger::Line;
use super::super::statement::{self, Statement};
use crate::App;
use crate::page::{Page, View, show};
use crate::people::Person;
use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Such as "2026-11"; '' is this month.
    month: String,
}

struct Shown {
    name: String,
    how: String,
    line: Line,
    value: String,
    promised: String,
}

#[derive(Template)]
#[template(path = "health/templates/ledger.html")]
struct LedgerPage<'a> {
    view: &'a View,
    organization: String,
    month: String,
    lines: Vec<Shown>,
    until_ms: i64,
    signature: Option<String>,
    key: String,
}

/// `GET /health/ledger`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let signed = statement::of(&app, &person, &asked.month).await?;
    let shown = |line: Line| Shown {
        name: view.t(&format!("health-sla-{}", line.name)),
        how: view.t(&format!("health-how-{}", line.name)),
        value: line.value.map_or_else(|| view.t("health-nothing-measured"), |value| written(&view, &line, value)),
        promised: written(&view, &line, line.promised),
        line,
    };
    let Statement { organization, month, until_ms, lines, .. } = signed.statement;
    let lines = lines.into_iter().map(shown).collect();
    show(&LedgerPage {
        view: &view,
        organization,
        month,
        lines,
        until_ms,
        signature: signed.signature,
        key: signed.key.unwrap_or_default(),
    })
}

fn written(view: &View, line: &Line, value: f64) -> String {
    if line.name == "delivery" { view.w("health-minutes", format!("{value:.2}")) } else { format!("{} %", trimmed(value)) }
}

/// As many digits as the promise has.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
