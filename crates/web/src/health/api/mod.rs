//! REST of service health: how services are, issues, messages, promises. Below: what operators publish, and what readers do.

mod files;
mod own;
mod publish;

use crate::App;
use crate::api::problem::Problem;
use crate::health::issue::{Issue, Post};
use crate::health::ledger::{self, Line, this_month};
use crate::health::message::Message;
use crate::health::page::issue::{explained, read as read_one};
use crate::health::page::{known_to, services_of};
use crate::health::sql::{self, Wanted};
use crate::health::statement::{self, Signed};
use crate::health::{Text, message};
use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::people::{May, Person};
use crate::service_request::Request;
use axum::Json;
use axum::extract::{Path, Query, State};
use gateway::health::Evidence;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Rows of one answer.
const ROWS_MAX: usize = 500;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(services))
        .routes(routes!(issues))
        .routes(routes!(issue))
        .routes(routes!(messages))
        .routes(routes!(promises))
        .routes(routes!(month_statement))
        .merge(publish::routes())
        .merge(files::routes())
        .merge(own::routes())
}

/// A text in both languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct TextBody {
    pub en: String,
    pub zh: String,
}

impl From<&Text> for TextBody {
    fn from(text: &Text) -> TextBody {
        TextBody { en: text.in_lang(Lang::English), zh: text.in_lang(Lang::Chinese) }
    }
}

/// What was measured.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceBody {
    /// Named numbers: counts, `…_ms`, `…_octets`, percent.
    pub numbers: BTreeMap<String, i64>,
    /// What somebody else said about it.
    pub said: String,
}

impl From<&Evidence> for EvidenceBody {
    fn from(evidence: &Evidence) -> EvidenceBody {
        EvidenceBody { numbers: evidence.numbers.clone(), said: evidence.said.clone() }
    }
}

/// One service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceBody {
    /// Such as "intake" or "connector:NAME".
    pub id: String,
    /// As Microsoft Graph spells `serviceHealthStatus`.
    pub status: String,
    /// Since when it is not well.
    pub since_ms: Option<i64>,
    /// The rule that sees it; "" when it is well.
    pub cause: String,
    pub evidence: Option<EvidenceBody>,
}

/// One issue.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueBody {
    pub id: String,
    /// It concerns your organization alone.
    pub is_own: bool,
    pub cause: String,
    pub what: String,
    pub status: String,
    pub classification: String,
    pub origin: String,
    pub is_measured: bool,
    pub is_open: bool,
    pub is_known: bool,
    /// Articles of the help that it explains, such as "check/auth.dmarc.fail": below /help/.
    pub explains: Vec<String>,
    /// Planned maintenance that it fell into, such as MC100001; "" is none.
    pub planned: String,
    pub services: Vec<String>,
    pub title: TextBody,
    pub impact: TextBody,
    pub workaround: TextBody,
    pub root_cause: TextBody,
    pub evidence: EvidenceBody,
    pub started_ms: i64,
    pub updated_ms: i64,
    pub ended_ms: Option<i64>,
    pub expected_ms: Option<i64>,
    pub next_update_ms: Option<i64>,
    /// Only in the answer for one issue; newest first.
    pub posts: Vec<PostBody>,
    /// Requests to support that it explains, of those you may read; only in the answer for one issue, at most 50.
    pub requests: Vec<IssueRequestBody>,
}

/// A request to support that an issue explains: below /api/v1/requests/.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssueRequestBody {
    pub id: String,
    pub title: String,
    /// As a request has it.
    pub state: String,
    /// "a", "b" or "c".
    pub severity: String,
    pub last_ms: i64,
}

impl From<&Request> for IssueRequestBody {
    fn from(request: &Request) -> IssueRequestBody {
        IssueRequestBody {
            id: request.id.to_string(),
            title: request.title.clone(),
            state: request.state.name().into(),
            severity: request.severity.name().into(),
            last_ms: request.last_ms,
        }
    }
}

impl IssueBody {
    /// With what was said about it.
    pub fn with_posts(issue: &Issue, posts: &[Post]) -> IssueBody {
        let post = |post: &Post| PostBody {
            at_ms: post.at_ms,
            kind: post.kind.clone(),
            status: post.status.map(|status| status.name().to_string()),
            text: (&post.text).into(),
        };
        IssueBody { posts: posts.iter().map(post).collect(), ..issue_body(issue) }
    }
}

/// What was said about an issue.
#[derive(Debug, Serialize, ToSchema)]
pub struct PostBody {
    pub at_ms: i64,
    pub kind: String,
    pub status: Option<String>,
    pub text: TextBody,
}

/// One message of the message center.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageBody {
    pub id: String,
    pub is_maintenance: bool,
    pub is_cancelled: bool,
    pub category: String,
    pub severity: String,
    /// It is for your organization alone.
    pub is_own: bool,
    pub tags: Vec<String>,
    pub title: TextBody,
    pub text: TextBody,
    pub services: Vec<String>,
    pub starts_ms: i64,
    pub ends_ms: Option<i64>,
    pub act_by_ms: Option<i64>,
    pub updated_ms: i64,
    pub is_read: bool,
    pub is_archived: bool,
    pub is_favorite: bool,
}

fn issue_body(issue: &Issue) -> IssueBody {
    let body = &issue.body;
    IssueBody {
        id: issue.id.to_string(),
        is_own: issue.org != 0,
        cause: issue.cause.clone(),
        what: issue.what.clone(),
        status: issue.status.name().into(),
        classification: issue.classification().into(),
        origin: issue.origin.clone(),
        is_measured: issue.is_measured,
        is_open: issue.is_open,
        is_known: issue.is_known,
        explains: body.explains.clone(),
        planned: body.planned.clone(),
        services: body.services.iter().map(ToString::to_string).collect(),
        title: (&body.title).into(),
        impact: (&body.impact).into(),
        workaround: (&body.workaround).into(),
        root_cause: (&body.root_cause).into(),
        evidence: (&body.evidence).into(),
        started_ms: issue.started_ms,
        updated_ms: issue.updated_ms,
        ended_ms: issue.ended_ms,
        expected_ms: body.expected_ms,
        next_update_ms: body.next_update_ms,
        posts: Vec::new(),
        requests: Vec::new(),
    }
}

fn message_body(message: &Message) -> MessageBody {
    MessageBody {
        id: message.id(),
        is_maintenance: message.is_maintenance,
        is_cancelled: message.is_cancelled,
        category: message.category.clone(),
        severity: message.severity.clone(),
        is_own: message.org != 0,
        tags: message.body.tags.clone(),
        title: (&message.body.title).into(),
        text: (&message.body.text).into(),
        services: message.body.services.iter().map(ToString::to_string).collect(),
        starts_ms: message.starts_ms,
        ends_ms: message.ends_ms,
        act_by_ms: message.act_by_ms,
        updated_ms: message.updated_ms,
        is_read: message.is_read,
        is_archived: message.is_archived,
        is_favorite: message.is_favourite,
    }
}

/// How each service is for your organization, as measured.
#[utoipa::path(get, path = "/health/services", tag = "health", responses(
    (status = 200, description = "Services in the order of a mail's way", body = Vec<ServiceBody>),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
))]
async fn services(State(app): State<App>, person: Person) -> Result<Json<Vec<ServiceBody>>, Fault> {
    let known = known_to(&app, &person).await?;
    let services = services_of(&app, &person, &known);
    let body = services.iter().map(|service| {
        let state = known.worst(service);
        ServiceBody {
            id: service.to_string(),
            status: known.status(service).name().into(),
            since_ms: state.map(|state| state.since_ms),
            cause: state.map(|state| state.cause.clone()).unwrap_or_default(),
            evidence: state.map(|state| (&state.evidence).into()),
        }
    });
    Ok(Json(body.collect()))
}

/// Issues that concern your organization: open ones first, then last changed.
#[utoipa::path(get, path = "/health/issues", tag = "health", responses(
    (status = 200, description = "Issues without their posts", body = Vec<IssueBody>),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
))]
async fn issues(State(app): State<App>, person: Person) -> Result<Json<Vec<IssueBody>>, Fault> {
    let (scope, wanted) = (person.scope(), Wanted { rows_max: ROWS_MAX, ..Wanted::default() });
    let found = app.db.read(move |tx| Box::pin(async move { sql::issues(tx, scope, wanted).await })).await.map_err(Fault::from)?;
    Ok(Json(found.iter().map(issue_body).collect()))
}

/// One issue with everything that was said about it.
#[utoipa::path(get, path = "/health/issues/{issue}", tag = "health", params(("issue" = String, Path, description = "Such as EX100001")), responses(
    (status = 200, description = "The issue", body = IssueBody),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or it is not yours"),
))]
async fn issue(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<IssueBody>, Fault> {
    let (issue, posts) = read_one(&app, &person, &id).await?;
    let requests = explained(&app, &person, &issue).await?;
    Ok(Json(IssueBody { requests: requests.iter().map(IssueRequestBody::from).collect(), ..IssueBody::with_posts(&issue, &posts) }))
}

/// What can be asked of the ledger.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct LedgerAsked {
    /// Such as 2026-11; empty: this month.
    pub month: String,
}

/// What is promised and what was kept in a month, with numerators and denominators.
#[utoipa::path(get, path = "/health/ledger", tag = "health", params(LedgerAsked), responses(
    (status = 200, description = "Each promise", body = Vec<Line>),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "There is no such month"),
))]
async fn promises(State(app): State<App>, person: Person, Query(asked): Query<LedgerAsked>) -> Result<Json<Vec<Line>>, Fault> {
    person.require(May::Overview)?;
    let month = if asked.month.is_empty() { this_month(app.now_ms()) } else { asked.month };
    let span = ledger::month(&month, app.now_ms()).ok_or_else(|| Fault::Invalid(vec![Wrong::new("month", "health-wrong-month")]))?;
    let scope = person.scope();
    let lines = app.db.read(move |tx| Box::pin(async move { ledger::lines(tx, scope, span).await })).await.map_err(Fault::from)?;
    Ok(Json(lines))
}

/// The ledger of a month as a statement, signed with the key of the status pages.
#[utoipa::path(get, path = "/health/statement", tag = "health", params(LedgerAsked), responses(
    (status = 200, description = "The statement, the text that was signed, and the signature", body = Signed),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "There is no such month"),
))]
async fn month_statement(State(app): State<App>, person: Person, Query(asked): Query<LedgerAsked>) -> Result<Json<Signed>, Fault> {
    Ok(Json(statement::of(&app, &person, &asked.month).await?))
}

/// Messages and planned maintenance that concern your organization.
#[utoipa::path(get, path = "/health/messages", tag = "health", responses(
    (status = 200, description = "Messages, last changed first", body = Vec<MessageBody>),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
))]
async fn messages(State(app): State<App>, person: Person) -> Result<Json<Vec<MessageBody>>, Fault> {
    let (scope, reader) = (person.scope(), person.id);
    let found =
        app.db.read(move |tx| Box::pin(async move { message::list(tx, scope, reader, ROWS_MAX).await })).await.map_err(Fault::from)?;
    Ok(Json(found.iter().map(message_body).collect()))
}
