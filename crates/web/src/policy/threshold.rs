//! Thresholds as a budget: how much good mail may be lost decides where a threshold lies, by what was measured.
//!
//! Two measurements: the one that ships with the model, and, once people of the organisation have said enough about their mail, the
//! organisation's own receipts with what people said as the truth.

use super::percent;
use crate::App;
use crate::page::chart;
use crate::page::{Fault, Page, View, show};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Query, State};
use detect::eval::curve::{Curve, Line, Point};
use gateway::policy::sql;
use gateway::receipt::Receipt;
use mail::OrgId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Good mails in ten thousand that a person can allow to be lost.
const BUDGETS: [u32; 6] = [1, 3, 10, 30, 100, 300];
const BUDGET_DEFAULT: u32 = 10;
/// Reports read for the organisation's own curve, and how many of each side it takes.
const REPORTS_MAX: usize = 5_000;
const OF_EACH_MIN: u32 = 100;

/// What was measured.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Measured {
    pub source: String,
    pub date: String,
    /// Model it was measured with.
    pub model: String,
    pub spam: Vec<PointBody>,
    pub phish: Vec<PointBody>,
    /// Of this organisation's own mail, once at least 100 mails of each side were reported.
    pub own: Vec<PointBody>,
    pub own_good: u32,
    pub own_bad: u32,
}

/// One threshold.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PointBody {
    /// Probability.
    pub threshold: f32,
    /// Good mails in ten thousand that reach it.
    pub lost_of_10k: f64,
    /// Percent of bad mail that reaches it.
    pub caught_pct: f64,
}

fn points(line: &Line) -> Vec<PointBody> {
    let round = |value: f64| (value * 100.0).round() / 100.0;
    let body = |point: &Point| PointBody {
        threshold: point.threshold,
        lost_of_10k: round(line.lost_of_10k(point)),
        caught_pct: round(line.caught_pct(point)),
    };
    line.points.iter().map(body).collect()
}

fn is_enough(own: &Line) -> bool {
    own.good >= OF_EACH_MIN && own.bad >= OF_EACH_MIN
}

pub async fn measured(app: &App, org: OrgId) -> Result<Measured, Fault> {
    let (curve, own) = (Curve::built_in(), own(app, org).await?);
    Ok(Measured {
        source: curve.source.clone(),
        date: curve.date.clone(),
        model: curve.model.clone(),
        spam: points(&curve.spam),
        phish: points(&curve.phish),
        own: if is_enough(&own) { points(&own) } else { Vec::new() },
        own_good: own.good,
        own_bad: own.bad,
    })
}

/// The organisation's own mail as people reported it.
async fn own(app: &App, org: OrgId) -> Result<Line, Fault> {
    let rows = app.db.read(move |tx| Box::pin(async move { sql::reported(tx, org, REPORTS_MAX).await })).await.map_err(Fault::from)?;
    let said = rows.iter().filter_map(|(label, receipt): &(String, String)| {
        let receipt: Receipt = serde_json::from_str(receipt).ok()?;
        Some((receipt.verdict.spam_probability, matches!(label.as_str(), "spam" | "phish")))
    });
    Ok(Line::of_probabilities(said))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    budget: String,
    head: String,
}

#[derive(Template)]
#[template(path = "policy/templates/thresholds.html")]
struct ThresholdPage<'a> {
    view: &'a View,
    may_change: bool,
    budgets: Vec<(u32, bool)>,
    head: &'static str,
    chosen: Option<Chosen>,
    rows: Vec<Row>,
    chart: String,
    own_chart: String,
    own_rows: Vec<Row>,
    own_counts: (u32, u32),
    source: String,
    now: String,
}

struct Chosen {
    threshold: String,
    lost: String,
    caught: String,
    href: String,
}

struct Row {
    threshold: String,
    lost: String,
    caught: String,
    is_chosen: bool,
    is_now: bool,
}

/// `GET /policies/thresholds`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    person.require(May::ReadSettings)?;
    let own = own(&app, person.acting_org()?).await?;
    let curve = Curve::built_in();
    let is_phish = asked.head == "phish";
    let (line, now) = if is_phish { (&curve.phish, app.thresholds.phish) } else { (&curve.spam, app.thresholds.spam) };
    let budget = asked.budget.parse().ok().filter(|budget| BUDGETS.contains(budget)).unwrap_or(BUDGET_DEFAULT);
    let point = line.within(f64::from(budget)).copied();
    let field = if is_phish { "threshold_phish" } else { "threshold_spam" };
    let chosen = point.map(|point| Chosen {
        threshold: shown(point.threshold),
        lost: number(line.lost_of_10k(&point)),
        caught: number(line.caught_pct(&point)),
        href: format!("/policies/new?{field}={}", shown(point.threshold)),
    });
    let source = view.say(
        &crate::page::Say::new("policy-curve-source")
            .with("what", curve.source.as_str())
            .with("date", curve.date.as_str())
            .with("model", curve.model.as_str()),
    );
    show(&ThresholdPage {
        view: &view,
        may_change: person.may(May::Policies),
        budgets: BUDGETS.map(|one| (one, one == budget)).into(),
        head: if is_phish { "phish" } else { "spam" },
        rows: rows(line, point, now),
        chart: drawn(&view, line, point),
        own_chart: if is_enough(&own) { drawn(&view, &own, None) } else { String::new() },
        own_rows: if is_enough(&own) { rows(&own, None, app.thresholds.spam) } else { Vec::new() },
        own_counts: (own.good, own.bad),
        chosen,
        source,
        now: shown(now),
    })
}

fn shown(threshold: f32) -> String {
    percent(f64::from((threshold * 10_000.0).round()) / 10_000.0)
}

fn number(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn rows(line: &Line, chosen: Option<Point>, now: f32) -> Vec<Row> {
    let near = line.near(now).map(|point| point.threshold);
    let row = |point: &Point| Row {
        threshold: shown(point.threshold),
        lost: number(line.lost_of_10k(point)),
        caught: number(line.caught_pct(point)),
        is_chosen: chosen.is_some_and(|chosen| chosen.threshold == point.threshold),
        is_now: near == Some(point.threshold) && (point.threshold - now).abs() < 0.000_1,
    };
    line.points.iter().map(row).collect()
}

/// Good mail lost from left to right on a scale of powers of ten, junk caught from below to above.
fn drawn(view: &View, line: &Line, chosen: Option<Point>) -> String {
    const LOWEST: f64 = 0.3;
    const HIGHEST: f64 = 1_000.0;
    let across = |lost: f64| (lost.clamp(LOWEST, HIGHEST) / LOWEST).ln() / (HIGHEST / LOWEST).ln();
    let least = line.points.iter().map(|point| line.caught_pct(point)).fold(100.0, f64::min);
    let floor = (least / 10.0).floor() * 10.0;
    let up = |caught: f64| (caught - floor) / (100.0 - floor).max(1.0);
    let place = |point: &Point| (across(line.lost_of_10k(point)), up(line.caught_pct(point)));
    let dots = line.points.iter().map(|point| {
        let says = view.say(
            &crate::page::Say::new("policy-curve-point")
                .with("threshold", shown(point.threshold))
                .with("lost", number(line.lost_of_10k(point)))
                .with("caught", number(line.caught_pct(point))),
        );
        chart::Dot { at: place(point), says, is_marked: chosen.is_some_and(|chosen| chosen.threshold == point.threshold) }
    });
    let ticks = |values: &[f64]| values.iter().map(|value| (across(*value), format!("{value}"))).collect::<Vec<_>>();
    let axes = chart::Axes {
        across: ticks(&[1.0, 10.0, 100.0, 1_000.0]),
        up: (0..=2).map(|part| floor + (100.0 - floor) * f64::from(part) / 2.0).map(|value| (up(value), format!("{value:.0} %"))).collect(),
        across_title: view.t("policy-curve-lost"),
    };
    chart::curve(&dots.collect::<Vec<_>>(), &axes, &view.t("policy-curve-says"))
}
