//! What was learned from an issue, to print and keep; and people who say that something does not work.

use super::super::issue::{Issue, IssueId};
use super::super::sql::{self, Report};
use super::super::{Text, cause};
use super::issue::{self, Measure, Said};
use super::{publish, service_name, text_html};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show, show_with};
use crate::people::Person;
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use gateway::health::Service;
use gateway::trace;
use serde::{Deserialize, Serialize};
use store::Error;

/// People who report the same service within this time before the operator is told by an advisory.
const REPORTERS: i64 = 3;
const WITHIN_MS: i64 = 30 * 60 * 1000;
const TEXT_CHARS_MAX: usize = 2_000;
const REPORTS_MAX: usize = 50;

#[derive(Template)]
#[template(path = "health/templates/incident_report.html")]
pub struct ReportPage<'a> {
    view: &'a View,
    issue: &'a Issue,
    title: String,
    impact: String,
    root_cause: String,
    services: Vec<String>,
    measures: Vec<Measure>,
    posts: Vec<Said>,
    chart: String,
}

/// `GET /health/issues/{issue}/report`: once it is over.
pub async fn page(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let (issue, posts) = issue::read(&app, &person, &id).await?;
    if issue.is_open {
        return Err(Fault::Conflict(Say::new("health-report-open")));
    }
    let page = ReportPage {
        view: &view,
        issue: &issue,
        title: issue.body.title.in_lang(view.lang),
        impact: text_html(&view, &issue.body.impact),
        root_cause: text_html(&view, &issue.body.root_cause),
        services: issue.body.services.iter().map(|service| service_name(&view, service)).collect(),
        measures: issue::measures(&view, &issue),
        posts: posts.iter().rev().map(|post| issue::said(&view, post)).collect(),
        chart: issue::drawing(&app, &view, &issue).await?,
    };
    show(&page)
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    service: String,
    text: String,
}

struct Line {
    at_ms: i64,
    service: String,
    text: String,
    issue: String,
}

#[derive(Template)]
#[template(path = "health/templates/report.html")]
struct FormPage<'a> {
    view: &'a View,
    form: &'a Shown,
    services: Vec<&'static str>,
    reports: Vec<Line>,
}

async fn form_page<'a>(app: &App, view: &'a View, person: &Person, form: &'a Shown) -> Result<FormPage<'a>, Fault> {
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { sql::reports(tx, scope, REPORTS_MAX).await })).await.map_err(Fault::from)?;
    let line = |(id, service, text, issue): (i64, String, String, i64)| Line {
        at_ms: trace::time_of(mail::MailId(id)),
        service: view.of_kind("health-service", &service),
        text,
        issue: if issue == 0 { String::new() } else { IssueId(issue).to_string() },
    };
    let services = Service::SHARED.iter().map(Service::kind).collect();
    Ok(FormPage { view, form, services, reports: found.into_iter().map(line).collect() })
}

/// `GET /health/report`.
pub async fn form(State(app): State<App>, view: View, person: Person) -> Page {
    let form = Shown::of(&Asked::default());
    show(&form_page(&app, &view, &person, &form).await?)
}

/// The service of a report, or what is wrong with it.
pub fn checked(service: &str, text: &str) -> Result<Service, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let found = service.parse::<Service>().ok().filter(|service| Service::SHARED.contains(service));
    if found.is_none() {
        wrong.push(Wrong::new("service", "health-wrong-service"));
    }
    if text.trim().is_empty() || text.chars().count() > TEXT_CHARS_MAX {
        wrong.push(Wrong::new("text", "health-wrong-report"));
    }
    found.filter(|_| wrong.is_empty()).ok_or(wrong)
}

/// `POST /health/report`: compared with what others say and what is measured.
pub async fn send(State(app): State<App>, view: View, person: Person, Form(asked): Form<Asked>) -> Page {
    match checked(&asked.service, &asked.text) {
        Ok(service) => {
            let issue = take(&app, &person, &service, asked.text.trim()).await?;
            let key = if issue.is_none() { "health-reported" } else { "health-reported-known" };
            done("/health/report", Say::new(key).with("what", issue.unwrap_or_default().to_string()))
        }
        Err(wrong) => {
            let form = Shown::of(&asked).with_wrong(wrong);
            show_with(StatusCode::UNPROCESSABLE_ENTITY, &form_page(&app, &view, &person, &form).await?)
        }
    }
}

/// Keeps a report and rings when it opened an issue; the issue it belongs to.
pub async fn take(app: &App, person: &Person, service: &Service, text: &str) -> Result<Option<IssueId>, Fault> {
    let (issue, is_known) = taken(app, person, service, text).await?;
    if !is_known && issue != 0 {
        app.health.ring();
    }
    Ok(Some(IssueId(issue)).filter(|id| id.0 != 0))
}

/// Keeps the report; the issue it belongs to (0: none) and whether that was there before.
async fn taken(app: &App, person: &Person, service: &Service, text: &str) -> Result<(i64, bool), Fault> {
    let (ids, now_ms, scope) = (app.ids.clone(), app.now_ms(), person.scope());
    let (person, service, text) = (person.clone(), service.clone(), text.to_string());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let wanted = sql::Wanted { open: Some(true), rows_max: REPORTS_MAX, ..sql::Wanted::default() };
            let open = sql::issues(tx, scope, wanted).await?;
            let known = open.iter().find(|issue| issue.body.services.contains(&service)).map(|issue| issue.id.0);
            let org = person.org.unwrap_or(mail::OrgId(0));
            let mut report =
                Report { id: ids.next(now_ms), org, person: person.id, service: service.to_string(), text, issue: known.unwrap_or(0) };
            sql::put_report(tx, &report).await?;
            let since = trace::first_id_at(now_ms - WITHIN_MS).0;
            if known.is_none() && sql::reporters(tx, &report.service, since).await? >= REPORTERS {
                let mut issue = publish::fresh(&report.service, now_ms);
                issue.id = sql::next_number(tx).await?;
                (issue.cause, issue.what) = ("reports".into(), report.service.clone());
                issue.body.title = cause::title("reports", &report.service);
                issue.body.impact = cause::impact("reports", &report.service);
                issue.body.workaround = cause::workaround("reports", &report.service);
                sql::put(tx, &issue).await?;
                let text: Text = Say::new("health-opened-by-reports").into();
                let post = super::super::issue::Post {
                    id: ids.next(now_ms),
                    at_ms: now_ms,
                    kind: "quick".into(),
                    status: Some(issue.status),
                    who: String::new(),
                    text,
                };
                sql::put_post(tx, &issue, &post).await?;
                report.issue = issue.id.0;
            }
            audit::note(tx, &person, &ids, now_ms, Entry::new(person.org, "health.report", &report.service)).await?;
            Ok::<_, Error>((report.issue, known.is_some()))
        })
    });
    Ok(work.await?)
}
