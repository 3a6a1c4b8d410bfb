//! `GET /overview`: the figures as a page.

use super::figures::{self, Figures, GROUPS, OUTCOMES, Step};
use super::when::{self, Span};
use crate::App;
use crate::page::chart::{self, Bar};
use crate::page::{Page, View, csv, guard::form_pair, show, time};
use crate::people::{May, Person};
use askama::Template;
use axum::extract::{Query, State};
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    span: String,
    format: String,
}

impl Asked {
    pub fn span(&self) -> Span {
        Span::parse(&self.span).unwrap_or_default()
    }
}

/// A chart with the table behind it.
pub struct Chart {
    /// Names its elements, and its words `overview-chart-…`.
    pub name: &'static str,
    /// What it shows in a sentence.
    pub says: String,
    pub svg: String,
    /// Headings of the table after the first, which is the time.
    pub series: Vec<String>,
    pub rows: Vec<ChartRow>,
}

pub struct ChartRow {
    pub at_ms: i64,
    pub label: String,
    pub values: Vec<i64>,
}

/// A line with a number and where it leads; "" leads nowhere.
pub struct Line {
    pub title: String,
    pub count: String,
    pub href: String,
}

#[derive(Template)]
#[template(path = "overview/templates/overview.html")]
struct OverviewPage<'a> {
    view: &'a View,
    figures: &'a Figures,
    spans: [Span; 3],
    live: String,
    charts: Vec<Chart>,
    verdicts: Vec<Line>,
    refused: Vec<Line>,
    reasons: Vec<Line>,
}

/// `GET /overview?span=day|week|month`.
pub async fn overview(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let span = asked.span();
    let figures = figures::read(&app, &person, span, &view.zone).await?;
    if asked.format == "csv" {
        return Ok(file(&view, &figures));
    }
    let charts = vec![verdict_chart(&view, &figures), outcome_chart(&view, &figures), report_chart(&view, &figures)];
    show(&OverviewPage {
        view: &view,
        figures: &figures,
        spans: Span::ALL,
        live: super::live::part(&view, &figures)?,
        charts,
        verdicts: verdicts(&view, &figures),
        refused: refused(&view, &figures),
        reasons: reasons(&view, &figures),
    })
}

fn made(view: &View, figures: &Figures, name: &'static str, says: String, series: Vec<(String, Vec<i64>)>) -> Chart {
    let bars: Vec<Bar> = figures.steps.iter().enumerate().map(|(at, step)| bar(view, figures.span, step, at, &series)).collect();
    let titles: Vec<String> = series.into_iter().map(|(title, _)| title).collect();
    let rows = figures.steps.iter().zip(&bars);
    let rows = rows.map(|(step, bar)| ChartRow { at_ms: step.at_ms, label: bar.label.clone(), values: bar.values.clone() }).collect();
    Chart { name, svg: chart::stacked(&bars, &titles, &says), says, series: titles, rows }
}

fn bar(view: &View, span: Span, step: &Step, at: usize, series: &[(String, Vec<i64>)]) -> Bar {
    Bar { label: when::label(view, span, step.at_ms), values: series.iter().map(|(_, values)| values[at]).collect() }
}

fn verdict_chart(view: &View, figures: &Figures) -> Chart {
    let series = GROUPS.map(|(name, verdicts)| {
        (view.of_kind("overview-group", name), figures.steps.iter().map(|step| step.group(verdicts)).collect::<Vec<_>>())
    });
    let says =
        crate::page::Say::new("overview-says-verdict").with("mails", figures.total.mails()).with("unwanted", figures.total.unwanted());
    made(view, figures, "verdict", view.say(&says), series.to_vec())
}

fn outcome_chart(view: &View, figures: &Figures) -> Chart {
    let series =
        OUTCOMES.map(|name| (view.of_kind("state", name), figures.steps.iter().map(|step| step.outcome(name)).collect::<Vec<_>>()));
    let all: i64 = figures.total.outcomes.values().sum();
    let says = crate::page::Say::new("overview-says-outcome").with("recipients", all).with("delivered", figures.total.outcome("delivered"));
    made(view, figures, "outcome", view.say(&says), series.to_vec())
}

fn report_chart(view: &View, figures: &Figures) -> Chart {
    let values = |of: fn(&Step) -> i64| figures.steps.iter().map(of).collect::<Vec<_>>();
    let series = vec![
        (view.t("overview-reported-good"), values(|step| step.reported_good)),
        (view.t("overview-reported-missed"), values(|step| step.reported_missed)),
    ];
    let says = crate::page::Say::new("overview-says-report")
        .with("good", figures.total.reported_good)
        .with("share", share(figures.total.reported_good, figures.total.unwanted()))
        .with("missed", figures.total.reported_missed);
    made(view, figures, "report", view.say(&says), series)
}

/// "3.4 %"; nothing of nothing is 0.
pub fn share(part: i64, whole: i64) -> String {
    if whole <= 0 { "0 %".into() } else { format!("{:.1} %", part as f64 * 100.0 / whole as f64) }
}

/// 1,234,567: the same in both languages.
pub fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if count < 0 {
        out.push('-');
    }
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn verdicts(view: &View, figures: &Figures) -> Vec<Line> {
    let since = form_pair("since", &time::local_input(view, figures.since_ms));
    let found = GROUPS.iter().flat_map(|(_, verdicts)| *verdicts).filter_map(|verdict| {
        let count = *figures.total.verdicts.get(*verdict)?;
        let href = if view.may(May::Trace) { format!("/trace?{}&{since}", form_pair("verdict", verdict)) } else { String::new() };
        Some(Line { title: view.of_kind("verdict", verdict), count: grouped(count), href })
    });
    found.collect()
}

fn refused(view: &View, figures: &Figures) -> Vec<Line> {
    let line = |(kind, count): (&String, &i64)| Line { title: view.of_kind("event", kind), count: grouped(*count), href: String::new() };
    figures.total.refused.iter().map(line).collect()
}

fn reasons(view: &View, figures: &Figures) -> Vec<Line> {
    let lang = view.lang.of_receipt();
    let line = |reason: &figures::Reason| Line {
        title: gateway::receipt::title(&reason.check, lang).to_string(),
        count: grouped(reason.mails),
        href: format!("/help/check/{}", reason.check),
    };
    figures.reasons.iter().map(line).collect()
}

/// Every step with every number, for a spreadsheet.
fn file(view: &View, figures: &Figures) -> axum::response::Response {
    let verdicts = || GROUPS.iter().flat_map(|(_, verdicts)| *verdicts);
    let mut header = vec![view.t("overview-time")];
    header.extend(verdicts().map(|name| view.of_kind("verdict", name)));
    header.extend(OUTCOMES.iter().map(|name| view.of_kind("state", name)));
    header.extend(["overview-refused", "overview-reported-good", "overview-reported-missed"].map(|key| view.t(key)));
    let row = |step: &Step| {
        let of_verdicts = verdicts().map(|name| step.verdicts.get(*name).copied().unwrap_or(0));
        let of_outcomes = OUTCOMES.iter().map(|name| step.outcome(name));
        let rest = [step.refused_count(), step.reported_good, step.reported_missed];
        let numbers = of_verdicts.chain(of_outcomes).chain(rest).map(|count| count.to_string());
        std::iter::once(time::rfc3339(step.at_ms)).chain(numbers).collect()
    };
    csv::file("overview", &header, figures.steps.iter().map(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_at_a_glance() {
        for (count, want) in [(0, "0"), (999, "999"), (1_000, "1,000"), (-12_345, "-12,345"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), want);
        }
        assert_eq!((share(1, 3), share(0, 0)), ("33.3 %".into(), "0 %".into()));
    }
}
