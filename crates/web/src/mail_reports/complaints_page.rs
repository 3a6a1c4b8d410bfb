//! `GET /reports/complaints`, also as a file with `format=csv` or `format=json`, and restricting a sender from there.

use super::complaints::{self, ComplaintReport, ComplaintSender};
use super::{Asked, Chart, SpanLink, Tab, chart, csv_file, grouped, json_file, spans, tabs};
use crate::App;
use crate::page::{Page, Say, View, confirm, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "mail_reports/templates/complaints.html")]
struct ComplaintsPage<'a> {
    view: &'a View,
    tabs: Vec<Tab>,
    spans: Vec<SpanLink>,
    days: i64,
    chart: Chart,
    report: &'a ComplaintReport,
    may_restrict: bool,
    may_see_restricted: bool,
}

/// `GET /reports/complaints`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let days = asked.days();
    let report = complaints::read(&app, &person, days).await?;
    match asked.format.as_str() {
        "csv" => {
            let row = |one: &ComplaintSender| vec![one.sender.clone(), one.complaints.to_string(), one.known.to_string()];
            let columns = ["reports-col-sender", "reports-complaints-count", "reports-complaints-known"];
            return Ok(csv_file(&view, "complaints", &columns, report.senders.iter().map(row).collect()));
        }
        "json" => return Ok(json_file("complaints", &report)),
        _ => {}
    }
    let says = view.say(&Say::new("reports-complaints-says").with("count", report.complaints));
    let by_day = report.days.iter().map(|day| (day.day_ms, vec![day.complaints])).collect();
    let page = ComplaintsPage {
        view: &view,
        tabs: tabs(&view),
        spans: spans(&view, "/reports/complaints", days),
        days: days.count(),
        chart: chart(&view, "reports-complaints-chart", says, (vec!["reports-complaints-count"], by_day)),
        report: &report,
        may_restrict: person.may(May::Entries),
        may_see_restricted: person.may(May::ReadSettings),
    };
    show(&page)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Restrict {
    sender: String,
    sure: String,
}

/// `POST /reports/complaints/restrict`: asks first.
pub async fn restrict(State(app): State<App>, view: View, person: Person, Form(asked): Form<Restrict>) -> Page {
    person.require(May::Entries)?;
    if asked.sure.is_empty() {
        return confirm::page(
            &view,
            &confirm::Confirm {
                title: Say::new("restricted-add").with("sender", asked.sender.as_str()),
                text: Say::new("restricted-add-sure"),
                button: "restricted-add-do",
                action: "/reports/complaints/restrict".into(),
                fields: vec![("sender".into(), asked.sender)],
                back: "/reports/complaints".into(),
            },
        );
    }
    let report = complaints::read(&app, &person, super::Days::default()).await?;
    let sender = asked.sender.trim().to_lowercase();
    let count = report.senders.iter().find(|one| one.sender == sender).map_or(0, |one| one.complaints);
    crate::restricted::add(&app, &person, &sender, count).await?;
    done("/restricted", Say::new("restricted-added").with("sender", sender))
}
