//! Service announcements as Microsoft Graph v1.0 has them: `/v1.0/admin/serviceAnnouncement`, for the clients people have already.
//!
//! In: the same issues, states and messages as the pages. Out: Graph's shapes, OData queries, Graph's errors. Not here: the REST API
//! of Gatepost itself (`api`). One dispatcher stands behind one route, as the paths are Graph's and not ours to choose.

mod odata;
mod shape;

use super::file;
use super::issue::{Issue, IssueId};
use super::message::{self, Mark, Message};
use super::page::known_to;
use super::sql::{self, Wanted};
use crate::App;
use crate::page::Fault;
use crate::page::words::Lang;
use crate::people::Person;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use gateway::health::Status;
use odata::Query;
use serde_json::{Value, json};
use std::collections::HashMap;
use store::Error;

/// Everything that a query may look through.
const ROWS_MAX: usize = 5_000;
/// Issues under their services, and how long ago they changed at most; the list of issues has all.
const EXPANDED_MAX: usize = 200;
const RECENT_MS: i64 = 30 * 24 * 60 * 60 * 1000;
/// Rows under an expanded navigation of the root.
const PAGE_MAX: usize = 1_000;
const BODY_OCTETS_MAX: usize = 256 << 10;
/// Messages marked in one request.
const MARKED_MAX: usize = 1_000;
const ROOT: &str = "/v1.0/admin/serviceAnnouncement";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/v1.0/admin/serviceAnnouncement", get(answer).post(answer))
        .route("/v1.0/admin/serviceAnnouncement/{*rest}", get(answer).post(answer))
}

/// Why a request was not done, as Graph says it.
#[derive(Debug)]
pub struct Wrong {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Wrong {
    fn not_found() -> Wrong {
        Wrong { status: StatusCode::NOT_FOUND, code: "ResourceNotFound", message: "There is no such resource.".into() }
    }

    fn bad(message: impl Into<String>) -> Wrong {
        Wrong { status: StatusCode::BAD_REQUEST, code: "BadRequest", message: message.into() }
    }
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Wrong {
        let code = if fault.status().is_server_error() { "InternalServerError" } else { "BadRequest" };
        tracing::debug!(%fault, "a Graph request was not done");
        Wrong { status: fault.status(), code, message: "The request was not done.".into() }
    }
}

impl From<Error> for Wrong {
    fn from(why: Error) -> Wrong {
        tracing::error!(%why, "a Graph request failed");
        Wrong { status: StatusCode::INTERNAL_SERVER_ERROR, code: "InternalServerError", message: "We failed; try again.".into() }
    }
}

/// A fault that arose before a request came here, as Graph says it.
pub fn refused_for(fault: &Fault, headers: &HeaderMap, now_ms: i64) -> Response {
    let (code, message) = match fault {
        Fault::SignIn => ("InvalidAuthenticationToken", "Access token is empty or not valid."),
        Fault::Denied(_) | Fault::CrossSite | Fault::NeedsFactor => {
            ("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        }
        Fault::NotFound => return refused(&Wrong::not_found(), headers, now_ms),
        Fault::Method => ("MethodNotAllowed", "This is only read."),
        Fault::TooMany(_) => ("TooManyRequests", "Too many requests; try again later."),
        Fault::Late => ("ServiceUnavailable", "The answer was not ready in time; try again later."),
        Fault::Ours(why) => {
            tracing::error!(why, "a Graph request failed");
            ("InternalServerError", "We failed; try again.")
        }
        _ => ("BadRequest", "The request cannot be read."),
    };
    let mut answer = refused(&Wrong { status: fault.status(), code, message: message.into() }, headers, now_ms);
    if let Fault::TooMany(seconds) = fault {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    answer
}

/// What a request asks, read once.
struct Asked {
    app: App,
    person: Person,
    query: Query,
    lang: Lang,
    /// Scheme and host as the client used them.
    base: String,
    path: String,
}

/// Every request under the root.
async fn answer(State(app): State<App>, request: Request) -> Response {
    let headers = request.headers().clone();
    let now_ms = app.now_ms();
    match answered(app, request).await {
        Ok(answer) => answer,
        Err(wrong) => refused(&wrong, &headers, now_ms),
    }
}

fn refused(wrong: &Wrong, headers: &HeaderMap, now_ms: i64) -> Response {
    let theirs = headers.get("client-request-id").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let theirs: String = theirs.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let inner = json!({ "date": crate::page::time::rfc3339(now_ms), "request-id": format!("{now_ms:x}"), "client-request-id": theirs });
    let body = json!({ "error": { "code": wrong.code, "message": wrong.message, "innerError": inner } });
    let mut answer = (wrong.status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response();
    if wrong.status == StatusCode::UNAUTHORIZED {
        // RFC 6750 §3
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gatepost\""));
    }
    answer
}

async fn answered(app: App, request: Request) -> Result<Response, Wrong> {
    let (parts, body) = request.into_parts();
    let person = parts.extensions.get::<Person>().cloned().ok_or_else(|| Wrong {
        status: StatusCode::UNAUTHORIZED,
        code: "InvalidAuthenticationToken",
        message: "Access token is empty or not valid.".into(),
    })?;
    let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let prefer = parts.headers.get("prefer").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let base = match app.settings.url.trim_end_matches('/') {
        "" => format!("http://{}", text(header::HOST)),
        url => url.to_string(),
    };
    let asked = Asked {
        person,
        query: Query::read(parts.uri.query().unwrap_or_default(), prefer).map_err(Wrong::bad)?,
        lang: Lang::accepted(text(header::ACCEPT_LANGUAGE)),
        base,
        path: parts.uri.path().to_string(),
        app,
    };
    let path = odata::decoded(parts.uri.path());
    let rest = path.strip_prefix(ROOT).unwrap_or_default().trim_matches('/').to_string();
    let segments: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
    match parts.method {
        Method::POST => asked.post(&segments, body).await,
        _ => asked.get(&segments).await,
    }
}

/// The function of an issue, as clients write it.
fn is_report(segment: &str) -> bool {
    segment.trim_start_matches("microsoft.graph.").trim_end_matches("()") == "incidentReport"
}

/// What can be expanded under a path.
fn expandable(segments: &[&str]) -> &'static [&'static str] {
    match segments {
        [] => &["healthOverviews", "issues", "messages"],
        ["healthOverviews"] | ["healthOverviews", _] => &["issues"],
        ["messages"] | ["messages", _] => &["attachments"],
        _ => &[],
    }
}

impl Asked {
    async fn get(&self, segments: &[&str]) -> Result<Response, Wrong> {
        if let Some(name) = self.query.expand.iter().find(|name| !expandable(segments).contains(&name.as_str())) {
            return Err(Wrong::bad(format!("{name} cannot be expanded here")));
        }
        match segments {
            [] => self.root().await,
            ["healthOverviews"] => self.collection(self.overviews().await?, "healthOverviews"),
            ["healthOverviews", "$count"] => self.count(self.overviews().await?),
            ["healthOverviews", id] => self.one(self.overview(id).await?, "healthOverviews/$entity"),
            ["healthOverviews", id, "issues"] => self.issue_list(self.issues_of(id).await?).await,
            ["healthOverviews", id, "issues", "$count"] => self.count(self.shaped(&self.issues_of(id).await?)),
            ["healthOverviews", id, "issues", issue, report] if is_report(report) => {
                self.overview(id).await?;
                self.incident_report(issue).await
            }
            ["healthOverviews", id, "issues", issue] => {
                let all = self.issues_of(id).await?;
                let found = all.iter().find(|one| one.id.to_string() == *issue).ok_or_else(Wrong::not_found)?;
                self.one(self.with_posts(vec![shape::issue(found, self.lang)]).await?.remove(0), "issues/$entity")
            }
            ["issues"] => self.issue_list(self.all_issues(self.query.rows_enough()).await?).await,
            ["issues", "$count"] => self.count(self.shaped(&self.all_issues(None).await?)),
            ["issues", id] => self.one(self.issue(id).await?.1, "issues/$entity"),
            ["issues", id, report] if is_report(report) => self.incident_report(id).await,
            ["messages"] => self.message_list(self.all_messages(self.query.rows_enough()).await?).await,
            ["messages", "$count"] => self.count(self.messages(&self.all_messages(None).await?)),
            ["messages", id] => {
                let found = shape::message(&self.message(id).await?, self.lang);
                self.one(self.with_files(vec![found]).await?.remove(0), "messages/$entity")
            }
            ["messages", id, "attachments", rest @ ..] => self.attachments(id, rest).await,
            ["messages", id, "attachmentsArchive"] => self.archive(id).await,
            _ => Err(Wrong::not_found()),
        }
    }

    fn json(&self, value: &Value) -> Response {
        let kind = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";
        ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "private, no-store")], value.to_string()).into_response()
    }

    fn context(&self, what: &str) -> String {
        format!("{}/v1.0/$metadata#admin/serviceAnnouncement/{what}", self.base)
    }

    fn one(&self, value: Value, what: &str) -> Result<Response, Wrong> {
        let mut value = self.query.selected(value);
        value["@odata.context"] = json!(self.context(what));
        Ok(self.json(&value))
    }

    fn count(&self, all: Vec<Value>) -> Result<Response, Wrong> {
        let count = self.query.filtered(all).map_err(Wrong::bad)?.len();
        Ok(([(header::CONTENT_TYPE, "text/plain")], count.to_string()).into_response())
    }

    fn collection(&self, all: Vec<Value>, what: &str) -> Result<Response, Wrong> {
        let (page, total, next) = self.page_of(all)?;
        self.listed(page, what, (total, next))
    }

    /// Found, in order, one page of it; how many there are, and the query of the next page.
    fn page_of(&self, all: Vec<Value>) -> Result<(Vec<Value>, usize, Option<String>), Wrong> {
        let found = self.query.sorted(self.query.filtered(all).map_err(Wrong::bad)?);
        let total = found.len();
        let (page, next) = self.query.paged(found);
        Ok((page, total, next))
    }

    /// A page of issues; only what stands on it is written out with its words, unless the query looks at them.
    async fn issue_list(&self, all: Vec<Issue>) -> Result<Response, Wrong> {
        let (page, total, next) = self.page_of(self.shaped(&all))?;
        let by_id: HashMap<String, &Issue> = all.iter().map(|issue| (issue.id.to_string(), issue)).collect();
        let whole = page.iter().filter_map(|one| by_id.get(one["id"].as_str()?)).map(|issue| shape::issue(issue, self.lang));
        let whole = self.with_posts(whole.collect()).await?;
        self.listed(whole, "issues", (total, next))
    }

    /// The same for messages.
    async fn message_list(&self, all: Vec<Message>) -> Result<Response, Wrong> {
        let (page, total, next) = self.page_of(self.messages(&all))?;
        let by_id: HashMap<String, &Message> = all.iter().map(|message| (message.id(), message)).collect();
        let whole = page.iter().filter_map(|one| by_id.get(one["id"].as_str()?)).map(|message| shape::message(message, self.lang));
        let whole = self.with_files(whole.collect()).await?;
        self.listed(whole, "messages", (total, next))
    }

    fn listed(&self, page: Vec<Value>, what: &str, (total, next): (usize, Option<String>)) -> Result<Response, Wrong> {
        let page: Vec<Value> = page.into_iter().map(|one| self.query.selected(one)).collect();
        let mut answer = json!({ "@odata.context": self.context(what) });
        if self.query.count {
            answer["@odata.count"] = json!(total);
        }
        if let Some(next) = next {
            answer["@odata.nextLink"] = json!(format!("{}{}?{next}", self.base, self.path));
        }
        answer["value"] = json!(page);
        Ok(self.json(&answer))
    }

    async fn root(&self) -> Result<Response, Wrong> {
        let mut root = json!({ "@odata.context": self.context("$entity") });
        for name in &self.query.expand {
            root[name.as_str()] = match name.as_str() {
                "healthOverviews" => json!(self.overviews().await?),
                "issues" => {
                    let all = self.all_issues(Some(PAGE_MAX)).await?;
                    json!(self.with_posts(all.iter().map(|issue| shape::issue(issue, self.lang)).collect()).await?)
                }
                _ => json!(self.all_messages(Some(PAGE_MAX)).await?.iter().map(|one| shape::message(one, self.lang)).collect::<Vec<_>>()),
            };
        }
        Ok(self.json(&self.query.selected(root)))
    }

    async fn overviews(&self) -> Result<Vec<Value>, Wrong> {
        let known = known_to(&self.app, &self.person).await?;
        let services = super::page::services_of(&self.app, &self.person, &known);
        let overview = |service| shape::overview(service, known.status(service));
        if !self.query.expand.iter().any(|name| name == "issues") {
            return Ok(services.iter().map(overview).collect());
        }
        let issues = self.recent_issues().await?;
        let shaped = self.with_posts(issues.iter().map(|issue| shape::issue(issue, self.lang)).collect()).await?;
        let expanded = |service| {
            let of_service = issues.iter().zip(&shaped).filter(|(issue, _)| issue.body.services.contains(service));
            let mut overview = overview(service);
            overview["issues"] = of_service.map(|(_, shaped)| shaped.clone()).collect();
            overview
        };
        Ok(services.iter().map(expanded).collect())
    }

    /// Open ones, and what was in the last days: as much as Graph expands.
    async fn recent_issues(&self) -> Result<Vec<Issue>, Wrong> {
        let scope = self.person.scope();
        let since_ms = self.app.now_ms() - RECENT_MS;
        let wanted = Wanted { since_ms, rows_max: EXPANDED_MAX, ..Wanted::default() };
        Ok(self.app.db.read(move |tx| Box::pin(async move { sql::issues(tx, scope, wanted).await })).await?)
    }

    /// By identifier, or by name as Graph's own documentation does.
    async fn overview(&self, id: &str) -> Result<Value, Wrong> {
        let all = self.overviews().await?;
        all.into_iter().find(|one| one["id"] == id || one["service"] == id).ok_or_else(Wrong::not_found)
    }

    async fn issues_of(&self, id: &str) -> Result<Vec<Issue>, Wrong> {
        let overview = self.overview(id).await?;
        let wanted = overview["id"].as_str().unwrap_or_default().to_string();
        let issues = self.all_issues(None).await?;
        let is_of_service = |issue: &Issue| issue.body.services.iter().any(|service| service.to_string() == wanted);
        Ok(issues.into_iter().filter(is_of_service).collect())
    }

    /// `rows` of them, last changed first; or all that a query may look through.
    async fn all_issues(&self, rows: Option<usize>) -> Result<Vec<Issue>, Wrong> {
        let scope = self.person.scope();
        let wanted = Wanted { rows_max: rows.unwrap_or(ROWS_MAX).min(ROWS_MAX), ..Wanted::default() };
        Ok(self.app.db.read(move |tx| Box::pin(async move { sql::issues(tx, scope, wanted).await })).await?)
    }

    /// Issues for filter and order.
    fn shaped(&self, all: &[Issue]) -> Vec<Value> {
        let mut names = HashMap::new();
        match self.query.looks_at(&shape::ISSUE_WORDS) {
            true => all.iter().map(|issue| shape::issue(issue, self.lang)).collect(),
            false => all.iter().map(|issue| shape::plain_issue(issue, &mut names)).collect(),
        }
    }

    /// What was said about each of these issues, oldest first.
    async fn with_posts(&self, mut issues: Vec<Value>) -> Result<Vec<Value>, Wrong> {
        let ids: Vec<IssueId> = issues.iter().filter_map(|issue| issue["id"].as_str()?.parse().ok()).collect();
        let mut said = self.app.db.read(move |tx| Box::pin(async move { sql::posts_of(tx, &ids).await })).await?;
        for issue in &mut issues {
            let posts = issue["id"].as_str().and_then(|id| id.parse().ok()).and_then(|id: IssueId| said.remove(&id)).unwrap_or_default();
            issue["posts"] = json!(posts.iter().rev().map(|post| shape::post(post, self.lang)).collect::<Vec<_>>());
        }
        Ok(issues)
    }

    async fn issue(&self, id: &str) -> Result<(Issue, Value), Wrong> {
        let (id, scope) = (id.parse::<IssueId>().map_err(|()| Wrong::not_found())?, self.person.scope());
        let found = self.app.db.read(move |tx| Box::pin(async move { sql::find(tx, scope, id).await })).await?;
        let issue = found.ok_or_else(Wrong::not_found)?;
        let value = self.with_posts(vec![shape::issue(&issue, self.lang)]).await?.remove(0);
        Ok((issue, value))
    }

    /// A file, once the report is published; an error before that.
    async fn incident_report(&self, id: &str) -> Result<Response, Wrong> {
        let (issue, value) = self.issue(id).await?;
        if issue.status != Status::PostIncidentReviewPublished {
            return Err(Wrong::bad("There is no post-incident report for this issue yet."));
        }
        let html = shape::report(&issue, &value, self.lang);
        let name = format!("attachment; filename=\"{}-post-incident-report.html\"", issue.id);
        Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8".to_string()), (header::CONTENT_DISPOSITION, name)], html).into_response())
    }

    async fn all_messages(&self, rows: Option<usize>) -> Result<Vec<Message>, Wrong> {
        let (scope, reader, rows_max) = (self.person.scope(), self.person.id, rows.unwrap_or(ROWS_MAX).min(ROWS_MAX));
        Ok(self.app.db.read(move |tx| Box::pin(async move { message::list(tx, scope, reader, rows_max).await })).await?)
    }

    /// Messages for filter and order.
    fn messages(&self, all: &[Message]) -> Vec<Value> {
        let mut names = HashMap::new();
        match self.query.looks_at(&shape::MESSAGE_WORDS) {
            true => all.iter().map(|message| shape::message(message, self.lang)).collect(),
            false => all.iter().map(|message| shape::plain_message(message, &mut names)).collect(),
        }
    }

    /// Messages with their files, when that is asked for.
    async fn with_files(&self, mut messages: Vec<Value>) -> Result<Vec<Value>, Wrong> {
        if self.query.expand.iter().any(|name| name == "attachments") {
            for message in &mut messages {
                let files = self.files(message["id"].as_str().unwrap_or_default()).await?;
                message["attachments"] = json!(files.iter().map(shape::attachment).collect::<Vec<_>>());
            }
        }
        Ok(messages)
    }

    async fn message(&self, id: &str) -> Result<Message, Wrong> {
        let (scope, reader, number) = (self.person.scope(), self.person.id, message::number(id).ok_or_else(Wrong::not_found)?);
        let found = self.app.db.read(move |tx| Box::pin(async move { message::find(tx, scope, reader, number).await })).await?;
        found.ok_or_else(Wrong::not_found)
    }

    async fn files(&self, id: &str) -> Result<Vec<file::Attached>, Wrong> {
        let (scope, number) = (self.person.scope(), self.message(id).await?.number);
        Ok(self.app.db.read(move |tx| Box::pin(async move { file::list(tx, scope, number).await })).await?)
    }

    async fn file(&self, id: &str, file: &str) -> Result<(file::Attached, Bytes), Wrong> {
        let (scope, number) = (self.person.scope(), self.message(id).await?.number);
        let file: i64 = file.parse().map_err(|_| Wrong::not_found())?;
        let found = self.app.db.read(move |tx| Box::pin(async move { file::find(tx, scope, number, file).await })).await?;
        found.ok_or_else(Wrong::not_found)
    }

    async fn attachments(&self, id: &str, rest: &[&str]) -> Result<Response, Wrong> {
        let all = async || Ok::<Vec<Value>, Wrong>(self.files(id).await?.iter().map(shape::attachment).collect());
        match rest {
            [] => self.collection(all().await?, "attachments"),
            ["$count"] => self.count(all().await?),
            [file] => self.one(shape::attachment(&self.file(id, file).await?.0), "attachments/$entity"),
            [file, "content" | "$value"] => {
                let (file, octets) = self.file(id, file).await?;
                Ok((file::headers(&file.name, &file.kind), octets).into_response())
            }
            _ => Err(Wrong::not_found()),
        }
    }

    async fn archive(&self, id: &str) -> Result<Response, Wrong> {
        let (scope, number) = (self.person.scope(), self.message(id).await?.number);
        let files = self.app.db.read(move |tx| Box::pin(async move { file::all(tx, scope, number).await })).await?;
        let zip = file::archive(&files).map_err(|why| Wrong::from(Fault::Ours(why.to_string())))?;
        Ok((file::headers(&format!("{id}.zip"), "application/zip"), zip).into_response())
    }

    /// What one reader made of messages.
    async fn post(&self, segments: &[&str], body: Body) -> Result<Response, Wrong> {
        let ["messages", action] = segments else {
            return Err(Wrong { status: StatusCode::METHOD_NOT_ALLOWED, code: "MethodNotAllowed", message: "This is only read.".into() });
        };
        let mark = match action.trim_start_matches("microsoft.graph.") {
            "markRead" => Mark { read: Some(true), ..Mark::default() },
            "markUnread" => Mark { read: Some(false), ..Mark::default() },
            "archive" => Mark { archived: Some(true), ..Mark::default() },
            "unarchive" => Mark { archived: Some(false), ..Mark::default() },
            "favorite" => Mark { favourite: Some(true), ..Mark::default() },
            "unfavorite" => Mark { favourite: Some(false), ..Mark::default() },
            _ => {
                return Err(Wrong {
                    status: StatusCode::METHOD_NOT_ALLOWED,
                    code: "MethodNotAllowed",
                    message: "This is only read.".into(),
                });
            }
        };
        let octets = axum::body::to_bytes(body, BODY_OCTETS_MAX).await.map_err(|_| Wrong::bad("The body is too large."))?;
        let sent: Value = serde_json::from_slice(&octets).map_err(|why| Wrong::bad(why.to_string()))?;
        let ids = sent["messageIds"].as_array().filter(|ids| !ids.is_empty() && ids.len() <= MARKED_MAX);
        let ids = ids.ok_or_else(|| Wrong::bad(format!("messageIds is a list of 1 to {MARKED_MAX} identifiers.")))?;
        let numbers: Option<Vec<i64>> = ids.iter().map(|id| message::number(id.as_str()?)).collect();
        let (numbers, scope, reader) = (numbers.ok_or_else(Wrong::not_found)?, self.person.scope(), self.person.id);
        let marked = self.app.db.tx(move |tx| {
            Box::pin(async move {
                for number in &numbers {
                    if message::find(tx, scope, reader, *number).await?.is_none() {
                        return Ok(false);
                    }
                }
                for number in numbers {
                    message::mark(tx, reader, number, mark).await?;
                }
                Ok::<_, Error>(true)
            })
        });
        if !marked.await? {
            return Err(Wrong::not_found());
        }
        self.app.health.ring();
        Ok(self.json(&json!({ "@odata.context": format!("{}/v1.0/$metadata#Edm.Boolean", self.base), "value": true })))
    }
}
