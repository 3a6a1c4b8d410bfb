//! Pages of service health.

mod bell;
pub mod files;
pub mod hit;
pub mod hooks;
pub mod issue;
mod known;
pub mod ledger;
pub mod messages;
pub mod publish;
pub mod report;
pub mod rescan;
pub mod split;

pub use known::explanation;

use super::board::status_of;
use super::cause;
use super::history::{self, Days};
use super::issue::Issue;
use super::message::{self, Message};
use super::site::{bars, headline, tone};
use super::sql::{self, Wanted};
use crate::App;
use crate::page::table::escaped;
use crate::page::{Fault, Page, View, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::routing::{get, post};
use gateway::health::{Level, Service, State as Measured, sql as measured};
use serde::Deserialize;
use std::collections::BTreeMap;
use store::Error;

const ISSUES_MAX: usize = 200;
const MESSAGES_MAX: usize = 200;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/health", get(overview))
        .route("/health/issues", get(history).post(publish::open))
        .route("/health/issues/new", get(publish::new))
        .route("/health/issues/{issue}", get(issue::page).post(publish::publish))
        .route("/health/issues/{issue}/split", post(split::post))
        .route("/health/issues/{issue}/hit", get(hit::page))
        .route("/health/issues/{issue}/retry", post(hit::retry))
        .route("/health/issues/{issue}/rescan", post(rescan::page))
        .route("/health/issues/{issue}/report", get(report::page))
        .route("/health/known", get(known))
        .route("/health/messages", get(messages::list).post(messages::post))
        .route("/health/messages/new", get(messages::new))
        .route("/health/messages/{message}", get(messages::page).post(messages::mark))
        .route(
            "/health/messages/{message}/files",
            get(files::archive).post(files::attach).layer(DefaultBodyLimit::max(files::FORM_OCTETS_MAX)),
        )
        .route("/health/messages/{message}/files/{file}", get(files::save))
        .route("/health/messages/{message}/files/{file}/remove", post(files::remove))
        .route("/health/maintenance", get(messages::maintenance))
        .route("/health/report", get(report::form).post(report::send))
        .route("/health/ledger", get(ledger::page))
        .route("/health/hooks", get(hooks::list).post(hooks::add))
        .route("/health/hooks/{hook}", get(hooks::log))
        .route("/health/hooks/{hook}/again/{sent}", post(hooks::again))
        .route("/health/hooks/{hook}/remove", post(hooks::remove))
        .route("/bell", get(bell::page).post(bell::read))
        .route("/bell/choice", post(bell::choose))
        .route("/bell/stream", get(super::bell::stream))
        .route("/healthz", get(async || "ok\n"))
        .route("/metrics", get(metrics))
}

/// `GET /metrics`, for the networks of `[health] metrics_from`.
async fn metrics(State(app): State<App>, peer: crate::people::session::Peer) -> axum::response::Response {
    use axum::http::{StatusCode, header};
    use axum::response::IntoResponse;
    let text = peer.ip.parse().ok().and_then(|ip| super::metrics::for_peer(&app.health, ip, app.now_ms()));
    let kind = (header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    text.map_or_else(|| StatusCode::FORBIDDEN.into_response(), |text| ([kind], text).into_response())
}

/// How things are for one reader.
pub struct Known {
    pub states: BTreeMap<(i64, Service), Measured>,
    pub issues: Vec<Issue>,
}

impl Known {
    /// As measured for this reader and everybody, or worse when people say so.
    pub fn status(&self, service: &Service) -> gateway::health::Status {
        let measured = self.worst(service).map(|state| state.status);
        status_of(service, measured, self.issues.iter())
    }

    pub fn worst(&self, service: &Service) -> Option<&Measured> {
        let of_service = self.states.iter().filter(|((_, name), _)| name == service).map(|(_, state)| state);
        of_service.max_by_key(|state| state.status.level())
    }
}

/// States and open issues, in one transaction.
pub async fn known_to(app: &App, person: &Person) -> Result<Known, Fault> {
    let (scope, org) = (person.scope(), person.org);
    let is_all = org.is_none() && person.may(May::Operate);
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let org = org.map_or(0, |org| org.0);
            let states = if is_all { measured::all_states(tx).await? } else { measured::states_of(tx, org).await? };
            let wanted = Wanted { open: Some(true), rows_max: ISSUES_MAX, ..Wanted::default() };
            Ok::<_, Error>(Known { states, issues: sql::issues(tx, scope, wanted).await? })
        })
    });
    Ok(read.await?)
}

/// The bars of the last days, and windows of maintenance that are not over.
async fn around(app: &App, person: &Person) -> Result<(Days, Vec<Message>), Fault> {
    let (scope, org, id, now_ms) = (person.scope(), person.org.map_or(0, |org| org.0), person.id, app.now_ms());
    let health = app.health.clone();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let windows = message::windows(tx, scope, id, now_ms, MESSAGES_MAX).await?;
            Ok::<_, Error>((history::days(tx, &health, org, now_ms).await?, windows))
        })
    });
    Ok(read.await?)
}

/// Services of a reader: the shared ones, and the connectors of their organisation.
pub fn services_of(app: &App, person: &Person, known: &Known) -> Vec<Service> {
    let directory = app.directory.snapshot();
    let organisation = person.org.and_then(|org| directory.organisation(org)).map(|found| found.name.clone());
    let is_own = |connector: &str| organisation.is_none() && person.may(May::Operate) || Some(connector) == organisation.as_deref();
    let own = directory.connectors.values().filter(|connector| is_own(&connector.organisation));
    let mut connectors: Vec<Service> = own.map(|connector| Service::Connector(connector.name.clone())).collect();
    connectors.extend(known.states.keys().map(|(_, service)| service.clone()).filter(|service| matches!(service, Service::Connector(_))));
    connectors.sort();
    connectors.dedup();
    Service::SHARED.into_iter().chain(connectors).collect()
}

/// A service by its name in the reader's language.
pub fn service_name(view: &View, service: &Service) -> String {
    match service {
        Service::Connector(name) => view.w("health-service-connector", name),
        other => view.t(&format!("health-service-{}", other.kind())),
    }
}

/// A text as HTML, in its own language, with the original on hover.
pub fn text_html(view: &View, text: &super::Text) -> String {
    let lang = text.lang(view.lang);
    let original = text.original(view.lang);
    let shown = escaped(&text.in_lang(view.lang)).replace('\n', "<br>");
    let title = if original.is_empty() { String::new() } else { format!(" title=\"{}\"", escaped(&original)) };
    format!("<span lang=\"{}\"{title}>{shown}</span>", lang.tag())
}

struct Line {
    name: String,
    status: String,
    tone: &'static str,
    why: String,
    since_ms: Option<i64>,
    issues: usize,
    days: String,
}

pub struct IssueLine {
    pub href: String,
    pub id: String,
    pub title: String,
    pub lang: &'static str,
    pub kind: String,
    pub status: String,
    pub tone: &'static str,
    pub services: String,
    pub started_ms: i64,
    pub expected_ms: Option<i64>,
    pub is_own: bool,
    pub workaround: String,
    pub fixed_in: String,
}

/// An issue in a list.
pub fn line_of(view: &View, issue: &Issue) -> IssueLine {
    IssueLine {
        href: format!("/health/issues/{}", issue.id),
        id: issue.id.to_string(),
        title: issue.body.title.in_lang(view.lang),
        lang: issue.body.title.lang(view.lang).tag(),
        kind: view.t(&format!("health-kind-{}", issue.classification())),
        status: view.t(&format!("health-status-{}", issue.status.name())),
        tone: if issue.is_open { tone(issue.status) } else { "plain" },
        services: issue.body.services.iter().map(|service| service_name(view, service)).collect::<Vec<_>>().join(", "),
        started_ms: issue.started_ms,
        expected_ms: issue.body.expected_ms,
        is_own: issue.org != 0,
        workaround: issue.body.workaround.in_lang(view.lang),
        fixed_in: issue.body.fixed_in.clone(),
    }
}

#[derive(Template)]
#[template(path = "health/templates/overview.html")]
struct Overview<'a> {
    view: &'a View,
    headline: String,
    tone: &'static str,
    lines: Vec<Line>,
    own: Vec<IssueLine>,
    issues: Vec<IssueLine>,
    windows: Vec<messages::Line>,
    may_operate: bool,
}

/// `GET /health`.
async fn overview(State(app): State<App>, view: View, person: Person) -> Page {
    let known = known_to(&app, &person).await?;
    let (days, windows) = around(&app, &person).await?;
    let services = services_of(&app, &person, &known);
    let line = |service: &Service| {
        let (status, state) = (known.status(service), known.worst(service));
        Line {
            name: service_name(&view, service),
            status: view.t(&format!("health-status-{}", status.name())),
            tone: tone(status),
            why: state.map(|state| cause::title(&state.cause, &state.what).in_lang(view.lang)).unwrap_or_default(),
            since_ms: state.map(|state| state.since_ms),
            issues: known.issues.iter().filter(|issue| issue.body.services.contains(service)).count(),
            days: bars(&view, days.get(service)),
        }
    };
    let worst = services.iter().map(|service| known.status(service).level()).max().unwrap_or_default();
    let open = known.issues.iter().filter(|issue| !issue.is_known);
    let (own, shared): (Vec<&Issue>, Vec<&Issue>) = open.partition(|issue| issue.org != 0);
    show(&Overview {
        view: &view,
        headline: view.t(headline(worst)),
        tone: match worst {
            Level::Fine => "good",
            Level::Advice => "plain",
            Level::Degraded => "warn",
            Level::Interrupted => "bad",
        },
        lines: services.iter().map(line).collect(),
        own: own.into_iter().map(|issue| line_of(&view, issue)).collect(),
        issues: shared.into_iter().map(|issue| line_of(&view, issue)).collect(),
        windows: windows.iter().map(|window| messages::line_of(&view, window)).collect(),
        may_operate: person.may(May::Operate),
    })
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    days: i64,
}

#[derive(Template)]
#[template(path = "health/templates/issues.html")]
struct Issues<'a> {
    view: &'a View,
    title: String,
    empty: String,
    issues: Vec<IssueLine>,
    days: i64,
    is_history: bool,
    may_operate: bool,
}

/// `GET /health/issues`: what is and what was, of the last days.
async fn history(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Page {
    let days = if [7, 30, 90].contains(&asked.days) { asked.days } else { 30 };
    let wanted = Wanted { since_ms: app.now_ms() - days * DAY_MS, rows_max: ISSUES_MAX, ..Wanted::default() };
    let issues = listed(&app, &person, wanted).await?;
    let issues = issues.iter().map(|issue| line_of(&view, issue)).collect();
    let (title, empty) = (view.t("health-history"), view.t("health-no-issues"));
    show(&Issues { view: &view, title, empty, issues, days, is_history: true, may_operate: person.may(May::Operate) })
}

/// `GET /health/known`: what is not mended yet, and when it is expected to be.
async fn known(State(app): State<App>, view: View, person: Person) -> Page {
    let issues = listed(&app, &person, Wanted { known: Some(true), open: Some(true), rows_max: ISSUES_MAX, ..Wanted::default() }).await?;
    let issues = issues.iter().map(|issue| line_of(&view, issue)).collect();
    let (title, empty) = (view.t("health-known"), view.t("health-no-known"));
    show(&Issues { view: &view, title, empty, issues, days: 0, is_history: false, may_operate: person.may(May::Operate) })
}

async fn listed(app: &App, person: &Person, wanted: Wanted) -> Result<Vec<Issue>, Fault> {
    let scope = person.scope();
    Ok(app.db.read(move |tx| Box::pin(async move { sql::issues(tx, scope, wanted).await })).await?)
}
