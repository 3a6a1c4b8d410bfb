//! The ledger of promises, month by month, to read and to print.

use super::super::ledger::{self, Line};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, View, show};
use crate::people::{May, Person};
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
    month: String,
    lines: Vec<Shown>,
    until_ms: i64,
}

/// `GET /health/ledger`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    person.require(May::Overview)?;
    let month = if asked.month.is_empty() { this_month(app.now_ms()) } else { asked.month };
    let span = ledger::month(&month, app.now_ms()).ok_or_else(|| Fault::Invalid(vec![Wrong::new("month", "health-wrong-month")]))?;
    let scope = person.scope();
    let lines = app.db.read(move |tx| Box::pin(async move { ledger::lines(tx, scope, span).await })).await.map_err(Fault::from)?;
    let shown = |line: Line| Shown {
        name: view.t(&format!("health-sla-{}", line.name)),
        how: view.t(&format!("health-how-{}", line.name)),
        value: line.value.map_or_else(|| view.t("health-nothing-measured"), |value| written(&view, &line, value)),
        promised: written(&view, &line, line.promised),
        line,
    };
    show(&LedgerPage { view: &view, month, lines: lines.into_iter().map(shown).collect(), until_ms: span.1 })
}

fn written(view: &View, line: &Line, value: f64) -> String {
    if line.name == "delivery" { view.w("health-minutes", format!("{value:.2}")) } else { format!("{} %", trimmed(value)) }
}

/// As many digits as the promise has.
fn trimmed(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

pub fn this_month(now_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms).map_or_else(|_| String::new(), |at| at.strftime("%Y-%m").to_string())
}
