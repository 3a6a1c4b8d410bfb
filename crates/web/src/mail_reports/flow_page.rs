//! `GET /reports`: what mail went through, and letters about it.

use super::flow::{self, FlowDay, FlowName, FlowReport};
use super::{Asked, Chart, SpanLink, Tab, chart, grouped, iso_day, json_file, letter, share, spans, sql, tabs};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, csv, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use store::Error;

#[derive(Template)]
#[template(path = "mail_reports/templates/flow.html")]
struct FlowPage<'a> {
    view: &'a View,
    tabs: Vec<Tab>,
    spans: Vec<SpanLink>,
    days: i64,
    chart: Chart,
    report: &'a FlowReport,
    lists: Vec<List<'a>>,
    form: &'a Shown,
    every: [&'static str; 3],
}

/// A table of names.
struct List<'a> {
    /// Words keys of its heading, of the name and of the second number.
    title: &'static str,
    name: &'static str,
    second: &'static str,
    rows: Vec<(String, &'a FlowName)>,
}

/// How often; "" is never.
pub const EVERY: [&str; 3] = ["", "week", "month"];

/// `GET /reports`.
pub async fn page(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let days = asked.days();
    let report = flow::read(&app, &person, days).await?;
    match asked.format.as_str() {
        "csv" => return Ok(file(&view, &report)),
        "json" => return Ok(json_file("mail-flow", &report)),
        _ => {}
    }
    let id = person.id;
    let every: Result<String, Error> = app.db.read(move |tx| Box::pin(async move { sql::letter_of(tx, id).await })).await;
    let page = FlowPage {
        view: &view,
        tabs: tabs(&view),
        spans: spans(&view, "/reports", days),
        days: days.count(),
        chart: days_chart(&view, &report),
        lists: lists(&view, &report),
        report: &report,
        form: &Shown::of(&Chosen { every: every?, now: String::new() }),
        every: EVERY,
    };
    show(&page)
}

fn days_chart(view: &View, report: &FlowReport) -> Chart {
    let values = |day: &FlowDay| (day.day_ms, vec![day.inbound - day.unwanted, day.unwanted, day.outbound]);
    let total = &report.total;
    let says = Say::new("reports-flow-says").with("inbound", grouped(total.inbound)).with("share", share(total.unwanted, total.inbound));
    let says = view.say(&says.with("outbound", grouped(total.outbound)));
    let series = vec!["reports-flow-wanted", "reports-flow-unwanted", "reports-flow-outbound"];
    chart(view, "reports-flow-chart", says, (series, report.days.iter().map(values).collect()))
}

fn lists<'a>(view: &View, report: &'a FlowReport) -> Vec<List<'a>> {
    let plain = |names: &'a [FlowName]| names.iter().map(|one| (one.name.clone(), one)).collect::<Vec<_>>();
    let verdicts = report.verdicts.iter().map(|one| (view.of_kind("verdict", &one.name), one)).collect();
    let list = |title, name, second, rows| List { title, name, second, rows };
    let mut all = vec![
        list("reports-flow-verdicts", "reports-flow-verdict", "reports-flow-unwanted", verdicts),
        list("reports-flow-policies", "reports-flow-policy", "reports-flow-acted", plain(&report.policies)),
        list("reports-flow-rules", "reports-flow-rule", "", plain(&report.rules)),
    ];
    if view.may(May::Trace) {
        all.push(list("reports-flow-targets", "reports-flow-recipient", "reports-flow-unwanted", plain(&report.targets)));
        all.push(list("reports-flow-unwanted-senders", "reports-col-sender", "reports-flow-unwanted", plain(&report.unwanted_senders)));
        all.push(list("reports-flow-senders", "reports-col-sender", "reports-flow-unwanted", plain(&report.senders)));
        all.push(list("reports-flow-out-senders", "reports-col-sender", "reports-flow-unwanted", plain(&report.out_senders)));
    }
    all
}

/// Everything in one table, for a spreadsheet.
fn file(view: &View, report: &FlowReport) -> axum::response::Response {
    let header = ["reports-flow-list", "reports-flow-name", "reports-col-messages", "reports-flow-unwanted"].map(|key| view.t(key));
    let days = report.days.iter().flat_map(|day| {
        let row =
            |title: &str, mails: i64, unwanted: i64| vec![view.t(title), iso_day(day.day_ms), mails.to_string(), unwanted.to_string()];
        [
            row("reports-flow-inbound", day.inbound, day.unwanted),
            row("reports-flow-outbound", day.outbound, 0),
            row("reports-flow-refused", day.refused, 0),
        ]
    });
    let names = lists(view, report).into_iter().flat_map(|list| {
        let title = view.t(list.title);
        let row = move |(name, one): (String, &FlowName)| vec![title.clone(), name, one.mails.to_string(), one.unwanted.to_string()];
        list.rows.into_iter().map(row).collect::<Vec<_>>()
    });
    let rows: Vec<Vec<String>> = days.chain(names).collect();
    csv::file("mail-flow", &header, rows.into_iter())
}

/// What somebody chose.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Chosen {
    every: String,
    /// Send one now.
    now: String,
}

/// `POST /reports/letter`.
pub async fn choose(State(app): State<App>, person: Person, Form(chosen): Form<Chosen>) -> Page {
    if chosen.now == "1" {
        person.require(May::Overview)?;
        letter::send_now(&app, &person).await?;
        return done("/reports", Say::new("reports-letter-sent").with("to", person.email.as_str()));
    }
    save(&app, &person, &chosen.every).await?;
    done("/reports", Say::new(if chosen.every.is_empty() { "reports-letter-off" } else { "reports-letter-on" }))
}

/// Chooses how often somebody is told.
pub async fn save(app: &App, person: &Person, every: &str) -> Result<(), Fault> {
    person.require(May::Overview)?;
    if person.id.0 == 0 || !EVERY.contains(&every) {
        return Err(Fault::Invalid(vec![Wrong::new("every", "reports-wrong-every")]));
    }
    let (every, who, ids, now_ms) = (every.to_string(), person.clone(), app.ids.clone(), app.now_ms());
    let saved = app.db.tx(move |tx| {
        Box::pin(async move {
            sql::choose_letter(tx, who.id, &every, now_ms).await?;
            let entry = Entry::new(who.org, "reports.letter", &who.email).with(serde_json::json!({ "every": every }));
            audit::note(tx, &who, &ids, now_ms, entry).await
        })
    });
    saved.await.map_err(|why: Error| Fault::from(why))
}
