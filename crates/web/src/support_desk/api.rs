//! `/api/v1/support/…`: queues, plans, contracts and reports for support, and the clocks of a request for both sides.

use super::clock::PlanBody;
use super::queue_page::{self, Asked, me, page_of, place_of};
use super::report::{self, KeptBody};
use super::sql::{self, Contract, Version};
use super::sql_work::{self, Queued, SavedReply, Steps};
use super::told::ClocksBody;
use super::trial::Trial;
use super::work::{self, WorkAction};
use super::{desk, keep, plans};
use crate::App;
use crate::api::problem::Problem;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use crate::service_request::rating::SatisfactionBody;
use crate::service_request::{Severity, State as RequestState, Via};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use mail::id::{PlanId, RequestId, SavedReplyId};
use mail::{OrgId, PersonId};
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(clocks))
        .routes(routes!(queue))
        .routes(routes!(work_on))
        .routes(routes!(list_plans, create_plan))
        .routes(routes!(one_plan, change_plan))
        .routes(routes!(contract, put_contract))
        .routes(routes!(kept))
        .routes(routes!(trial))
        .routes(routes!(list_replies, create_reply))
        .routes(routes!(change_reply, delete_reply))
        .merge(super::look_api::routes())
}

/// The clocks of a request: what was promised, how much is left, who has to act, and why it is due then.
#[utoipa::path(get, path = "/requests/{request}/clocks", tag = "support", operation_id = "get_request_clocks",
    params(("request" = String, Path)), responses((status = 200, description = "The clocks", body = ClocksBody)))]
async fn clocks(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Result<Json<ClocksBody>, Fault> {
    let scope = match desk(&person) {
        Ok(scope) => scope,
        Err(_) => {
            person.require(May::Requests)?;
            person.scope()
        }
    };
    let id: RequestId = id.parse().map_err(|_| Fault::NotFound)?;
    let (request, clocks) = keep::seen(&app, scope, id).await?;
    Ok(Json(clocks.map_or_else(|| ClocksBody::without(&request), |(clocks, _)| ClocksBody::of(&view, &clocks))))
}

/// A request in a queue.
#[derive(Debug, Serialize, ToSchema)]
struct QueuedBody {
    request: String,
    organisation: String,
    title: String,
    severity: Severity,
    state: RequestState,
    area: String,
    lang: String,
    /// '' nobody.
    assignee: String,
    requester: String,
    /// Unix milliseconds; null: nothing runs.
    due_ms: Option<i64>,
    /// Which clock; '' none.
    due_clock: String,
    is_breached: bool,
    /// '' or the number of a service issue.
    issue: String,
}

impl QueuedBody {
    fn of(one: &Queued) -> QueuedBody {
        QueuedBody {
            request: one.id.to_string(),
            organisation: one.org.to_string(),
            title: one.title.clone(),
            severity: one.severity,
            state: one.state,
            area: one.area.clone(),
            lang: one.lang.clone(),
            assignee: one.assignee.map(|person| person.to_string()).unwrap_or_default(),
            requester: one.shown.clone(),
            due_ms: one.due_ms,
            due_clock: one.due_kind.clone(),
            is_breached: one.is_breached,
            issue: one.issue.clone(),
        }
    }
}

/// A page of a queue.
#[derive(Debug, Serialize, ToSchema)]
struct QueueBody {
    /// What is due first comes first.
    rows: Vec<QueuedBody>,
    /// `after` of the next page; null at the end.
    next: Option<String>,
}

/// Requests that support works on, what is due first comes first.
#[utoipa::path(get, path = "/support/queue", tag = "support", operation_id = "list_support_queue", params(Asked),
    responses((status = 200, description = "A page of the queue", body = QueueBody)))]
async fn queue(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<QueueBody>, Fault> {
    let scope = desk(&person)?;
    let me = me(&app, &person).await?;
    let found = page_of(&app, scope, &me, &asked).await?;
    let next = found.rows.last().filter(|_| found.is_more).map(place_of);
    Ok(Json(QueueBody { rows: found.rows.iter().map(QueuedBody::of).collect(), next }))
}

/// Does something with a request: answers, notes, assigns, joins, links.
#[utoipa::path(post, path = "/support/requests/{request}", tag = "support", operation_id = "work_on_request",
    params(("request" = String, Path)), request_body = WorkAction, responses(
    (status = 204, description = "It is done"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn work_on(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(action): Json<WorkAction>,
) -> Result<StatusCode, Fault> {
    desk(&person)?;
    let id: RequestId = id.parse().map_err(|_| Fault::NotFound)?;
    work::act(&app, &person, Via::Api, (id, action)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A version of a plan.
#[derive(Debug, Serialize, ToSchema)]
struct PlanVersionBody {
    /// The version.
    version: String,
    /// Names the plan: its first version.
    plan: String,
    is_latest: bool,
    /// The plan of organisations without a contract.
    is_default: bool,
    made_ms: i64,
    made_by: String,
    #[serde(flatten)]
    body: PlanBody,
}

impl PlanVersionBody {
    fn of(one: &Version) -> PlanVersionBody {
        PlanVersionBody {
            version: one.id.to_string(),
            plan: one.plan.to_string(),
            is_latest: one.is_latest,
            is_default: one.is_default,
            made_ms: one.made_ms,
            made_by: one.by_whom.clone(),
            body: one.body.clone(),
        }
    }
}

/// Plans as they are now.
#[derive(Debug, Serialize, ToSchema)]
struct PlansBody {
    rows: Vec<PlanVersionBody>,
}

/// The plans as they are now, the default first.
#[utoipa::path(get, path = "/support/plans", tag = "support", operation_id = "list_support_plans",
    responses((status = 200, description = "The plans", body = PlansBody)))]
async fn list_plans(State(app): State<App>, person: Person) -> Result<Json<PlansBody>, Fault> {
    desk(&person)?;
    Ok(Json(PlansBody { rows: plans::all_plans(&app).await?.iter().map(PlanVersionBody::of).collect() }))
}

type Created<T> = (StatusCode, [(HeaderName, String); 1], Json<T>);

/// Adds a plan.
#[utoipa::path(post, path = "/support/plans", tag = "support", operation_id = "create_support_plan", request_body = PlanBody, responses(
    (status = 201, description = "The plan", body = PlanVersionBody),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn create_plan(State(app): State<App>, person: Person, Json(body): Json<PlanBody>) -> Result<Created<PlanVersionBody>, Fault> {
    person.require(May::Operate)?;
    let new = plans::put_plan(&app, &person, None, body).await?;
    let place = format!("/api/v1/support/plans/{}", new.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(PlanVersionBody::of(&new))))
}

/// One version of a plan.
#[utoipa::path(get, path = "/support/plans/{plan}", tag = "support", operation_id = "get_support_plan", params(("plan" = String, Path)),
    responses((status = 200, description = "The version", body = PlanVersionBody)))]
async fn one_plan(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<PlanVersionBody>, Fault> {
    desk(&person)?;
    Ok(Json(PlanVersionBody::of(&plans::plan(&app, &id).await?)))
}

/// Adds a version of a plan, which requests get from now on. 409 when the version named is not the latest.
#[utoipa::path(put, path = "/support/plans/{plan}", tag = "support", operation_id = "change_support_plan", params(("plan" = String, Path)),
    request_body = PlanBody, responses((status = 200, description = "The new version", body = PlanVersionBody)))]
async fn change_plan(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(body): Json<PlanBody>,
) -> Result<Json<PlanVersionBody>, Fault> {
    person.require(May::Operate)?;
    let plan = plans::plan(&app, &id).await?;
    Ok(Json(PlanVersionBody::of(&plans::put_plan(&app, &person, Some(plan), body).await?)))
}

/// What an organisation has agreed with support.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ContractBody {
    /// Names a plan; null: the default.
    #[schema(value_type = Option<String>)]
    plan: Option<PlanId>,
    /// Technical account manager, a person of the service.
    #[schema(value_type = Option<String>)]
    manager: Option<PersonId>,
    #[schema(value_type = Option<String>)]
    deputy: Option<PersonId>,
    /// Of advice, a month.
    #[serde(default)]
    advisory_minutes: i64,
}

/// The contract of an organisation.
#[utoipa::path(get, path = "/support/contracts/{organisation}", tag = "support", operation_id = "get_support_contract",
    params(("organisation" = String, Path)), responses((status = 200, description = "The contract", body = ContractBody)))]
async fn contract(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<ContractBody>, Fault> {
    let scope = desk(&person)?;
    let org: OrgId = id.parse().map_err(|_| Fault::NotFound)?;
    app.directory.snapshot().organisation(org).filter(|_| scope.allows(org)).ok_or(Fault::NotFound)?;
    let found: Result<Contract, Error> = app.db.read(move |tx| Box::pin(async move { sql::contract_of(tx, scope, org).await })).await;
    let Contract { plan, manager, deputy, advisory_minutes, .. } = found?;
    Ok(Json(ContractBody { plan, manager, deputy, advisory_minutes }))
}

/// Keeps the contract of an organisation. Open requests keep their plan.
#[utoipa::path(put, path = "/support/contracts/{organisation}", tag = "support", operation_id = "put_support_contract",
    params(("organisation" = String, Path)), request_body = ContractBody,
    responses((status = 200, description = "The contract", body = ContractBody)))]
async fn put_contract(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(body): Json<ContractBody>,
) -> Result<Json<ContractBody>, Fault> {
    person.require(May::Operate)?;
    let org: OrgId = id.parse().map_err(|_| Fault::NotFound)?;
    let ContractBody { plan, manager, deputy, advisory_minutes } = body;
    plans::put_contract(&app, &person, Contract { org, plan, manager, deputy, advisory_minutes }).await?;
    Ok(Json(ContractBody { plan, manager, deputy, advisory_minutes }))
}

/// What was kept.
#[derive(Debug, Serialize, ToSchema)]
struct KeptReportBody {
    /// "2026-11", UTC.
    month: String,
    rows: Vec<KeptBody>,
    satisfaction: SatisfactionBody,
}

/// What was kept and missed of the promises that began in a month.
#[utoipa::path(get, path = "/support/report", tag = "support", operation_id = "get_support_report", params(report::Asked),
    responses((status = 200, description = "By clock and severity", body = KeptReportBody)))]
async fn kept(State(app): State<App>, person: Person, Query(asked): Query<report::Asked>) -> Result<Json<KeptReportBody>, Fault> {
    let scope = desk(&person)?;
    keep::catch_up(&app).await?;
    let (month, org) = asked.read(app.now_ms())?;
    let rows = report::rows(&app, scope, (month, org)).await?;
    let (satisfaction, _) = report::satisfaction(&app, scope, (month, org)).await?;
    Ok(Json(KeptReportBody { month: month.name(), rows, satisfaction }))
}

/// Tries a plan on a request that never was. Nothing is kept.
#[utoipa::path(post, path = "/support/trial", tag = "support", operation_id = "try_support_plan", request_body = Trial, responses(
    (status = 200, description = "What the clocks would say", body = ClocksBody),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn trial(view: View, person: Person, Json(trial): Json<Trial>) -> Result<Json<ClocksBody>, Fault> {
    desk(&person)?;
    Ok(Json(ClocksBody::of(&view, &trial.read()?)))
}

/// Words that are used again.
#[derive(Debug, Serialize, ToSchema)]
struct SavedReplyBody {
    reply: String,
    name: String,
    /// '' any.
    lang: String,
    body: String,
    steps: Steps,
}

impl SavedReplyBody {
    fn of(one: SavedReply) -> SavedReplyBody {
        SavedReplyBody { reply: one.id.to_string(), name: one.name, lang: one.lang, body: one.body, steps: one.steps }
    }
}

/// Saved replies.
#[derive(Debug, Serialize, ToSchema)]
struct SavedRepliesBody {
    rows: Vec<SavedReplyBody>,
}

/// What is kept of a saved reply.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSavedReply {
    name: String,
    #[serde(default)]
    lang: String,
    body: String,
    #[serde(default)]
    steps: Steps,
}

/// Saved replies, by name.
#[utoipa::path(get, path = "/support/saved-replies", tag = "support", operation_id = "list_saved_replies",
    responses((status = 200, description = "Saved replies", body = SavedRepliesBody)))]
async fn list_replies(State(app): State<App>, person: Person) -> Result<Json<SavedRepliesBody>, Fault> {
    desk(&person)?;
    let found: Result<Vec<SavedReply>, Error> = app.db.read(|tx| Box::pin(async move { sql_work::replies(tx).await })).await;
    Ok(Json(SavedRepliesBody { rows: found?.into_iter().map(SavedReplyBody::of).collect() }))
}

/// Keeps new words.
#[utoipa::path(post, path = "/support/saved-replies", tag = "support", operation_id = "create_saved_reply", request_body = NewSavedReply,
    responses((status = 201, description = "The saved reply", body = SavedReplyBody)))]
async fn create_reply(State(app): State<App>, person: Person, Json(new): Json<NewSavedReply>) -> Result<Created<SavedReplyBody>, Fault> {
    desk(&person)?;
    let one = SavedReply { id: SavedReplyId(app.fresh_id()), name: new.name, lang: new.lang, body: new.body, steps: new.steps };
    plans::put_reply(&app, &person, one.clone()).await?;
    let place = format!("/api/v1/support/saved-replies/{}", one.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(SavedReplyBody::of(one))))
}

/// Changes saved words.
#[utoipa::path(put, path = "/support/saved-replies/{reply}", tag = "support", operation_id = "change_saved_reply",
    params(("reply" = String, Path)), request_body = NewSavedReply,
    responses((status = 200, description = "The saved reply", body = SavedReplyBody)))]
async fn change_reply(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(new): Json<NewSavedReply>,
) -> Result<Json<SavedReplyBody>, Fault> {
    desk(&person)?;
    let was = queue_page::saved_reply(&app, &id).await?;
    let one = SavedReply { id: was.id, name: new.name, lang: new.lang, body: new.body, steps: new.steps };
    plans::put_reply(&app, &person, one.clone()).await?;
    Ok(Json(SavedReplyBody::of(one)))
}

/// Removes saved words.
#[utoipa::path(delete, path = "/support/saved-replies/{reply}", tag = "support", operation_id = "delete_saved_reply",
    params(("reply" = String, Path)), responses((status = 204, description = "It is gone")))]
async fn delete_reply(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    desk(&person)?;
    let one = queue_page::saved_reply(&app, &id).await?;
    plans::remove_reply(&app, &person, one.id).await?;
    Ok(StatusCode::NO_CONTENT)
}
