//! `/api/v1/policies`.

use super::applying::{self, Answer, Asked};
use super::threshold::{self, Measured};
use super::{Base, PolicyBody, arrange, order, ordered, remove, save};
use crate::App;
use crate::api::problem::Problem;
use crate::draft::{self, What, api::DraftBody};
use crate::page::Fault;
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, StatusCode, header};
use gateway::policy::sql::{self, Stored};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(applies))
        .routes(routes!(thresholds))
        .routes(routes!(reorder))
        .routes(routes!(replay))
        .routes(routes!(one, change, delete))
}

/// A policy with where it comes from.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyShown {
    #[serde(flatten)]
    policy: PolicyBody,
    /// 0 is asked first; presets come before all.
    priority: i64,
    /// file, command or page. Those of the settings file cannot be changed here.
    source: String,
}

impl PolicyShown {
    fn of(row: &Stored) -> PolicyShown {
        PolicyShown { policy: PolicyBody::of(&row.settings), priority: row.settings.priority, source: row.source.clone() }
    }
}

/// Policies of the organisation, in the order they are asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct PolicyList {
    rows: Vec<PolicyShown>,
}

/// Lists policies in the order they are asked. The default, asked last, is not a row.
#[utoipa::path(get, path = "/policies", tag = "policies", operation_id = "list_policies",
    responses((status = 200, description = "Policies", body = PolicyList)))]
async fn list(State(app): State<App>, person: Person) -> Result<Json<PolicyList>, Fault> {
    person.require(May::ReadSettings)?;
    let org = person.acting_org()?;
    let rows = app.db.read(move |tx| Box::pin(async move { sql::list(tx, org).await })).await.map_err(Fault::from)?;
    Ok(Json(PolicyList { rows: ordered(rows).iter().map(PolicyShown::of).collect() }))
}

async fn found(app: &App, person: &Person, name: &str) -> Result<PolicyShown, Fault> {
    let (org, name) = (person.acting_org()?, name.to_string());
    let row = app.db.read(move |tx| Box::pin(async move { sql::one(tx, org, &name).await })).await.map_err(Fault::from)?;
    row.as_ref().map(PolicyShown::of).ok_or(Fault::NotFound)
}

/// One policy.
#[utoipa::path(get, path = "/policies/{name}", tag = "policies", operation_id = "get_policy", params(("name" = String, Path)),
    responses((status = 200, description = "The policy", body = PolicyShown)))]
async fn one(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<Json<PolicyShown>, Fault> {
    person.require(May::ReadSettings)?;
    found(&app, &person, &name).await.map(Json)
}

type Created = (StatusCode, [(HeaderName, String); 1], Json<PolicyShown>);

/// Makes a policy; it is asked last. Replay it first to see what it would have done.
#[utoipa::path(post, path = "/policies", tag = "policies", operation_id = "create_policy", request_body = PolicyBody,
    responses((status = 201, description = "The policy", body = PolicyShown)))]
async fn create(State(app): State<App>, person: Person, Json(body): Json<PolicyBody>) -> Result<Created, Fault> {
    person.require(May::Policies)?;
    let (org, settings) = (person.acting_org()?, body.settings().map_err(Fault::Invalid)?);
    let settings = of_preset(settings);
    let name = settings.name.clone();
    order::change(&app, &person, move |tx| Box::pin(async move { save(tx, org, settings, Base::Was(None)).await })).await?;
    let at = format!("/api/v1/policies/{}", super::encoded(&name));
    Ok((StatusCode::CREATED, [(header::LOCATION, at)], Json(found(&app, &person, &name).await?)))
}

/// Of a preset only its recipients and the switch can be said.
fn of_preset(settings: gateway::policy::PolicySettings) -> gateway::policy::PolicySettings {
    gateway::policy::in_order(vec![settings.clone()]).pop().unwrap_or(settings)
}

/// Changes a policy, whole. Its name stays.
#[utoipa::path(put, path = "/policies/{name}", tag = "policies", operation_id = "change_policy", params(("name" = String, Path)),
    request_body = PolicyBody, responses((status = 200, description = "The policy", body = PolicyShown)))]
async fn change(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(body): Json<PolicyBody>,
) -> Result<Json<PolicyShown>, Fault> {
    person.require(May::Policies)?;
    let org = person.acting_org()?;
    found(&app, &person, &name).await?;
    let settings = of_preset(PolicyBody { name: name.clone(), ..body }.settings().map_err(Fault::Invalid)?);
    order::change(&app, &person, move |tx| Box::pin(async move { save(tx, org, settings, Base::Any).await })).await?;
    found(&app, &person, &name).await.map(Json)
}

/// Removes a policy.
#[utoipa::path(delete, path = "/policies/{name}", tag = "policies", operation_id = "delete_policy", params(("name" = String, Path)),
    responses((status = 204, description = "It is gone")))]
async fn delete(State(app): State<App>, person: Person, Path(name): Path<String>) -> Result<StatusCode, Fault> {
    person.require(May::Policies)?;
    let org = person.acting_org()?;
    order::change(&app, &person, move |tx| Box::pin(async move { remove(tx, org, &name).await })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every custom policy by its name, the one to be asked first at the beginning.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    #[schema(max_items = 200)]
    names: Vec<String>,
}

/// Puts custom policies into an order.
#[utoipa::path(put, path = "/policies/order", tag = "policies", operation_id = "order_policies", request_body = OrderBody,
    responses((status = 200, description = "Policies in their new order", body = PolicyList)))]
async fn reorder(State(app): State<App>, person: Person, Json(body): Json<OrderBody>) -> Result<Json<PolicyList>, Fault> {
    person.require(May::Policies)?;
    let org = person.acting_org()?;
    order::change(&app, &person, move |tx| Box::pin(async move { arrange(tx, org, &body.names).await })).await?;
    list(State(app), person).await
}

/// Says which policy applies to a recipient, and why.
#[utoipa::path(get, path = "/policies/applying", tag = "policies", operation_id = "policy_applying", params(Asked),
    responses((status = 200, description = "The policy and why it is this one", body = Answer)))]
async fn applies(State(app): State<App>, person: Person, Query(asked): Query<Asked>) -> Result<Json<Answer>, Fault> {
    person.require(May::ReadSettings)?;
    applying::answer(&app.directory.snapshot(), person.acting_org()?, &asked.recipient).map(Json)
}

/// What was measured about thresholds.
#[utoipa::path(get, path = "/policies/thresholds", tag = "policies", operation_id = "policy_thresholds",
    responses((status = 200, description = "Curves", body = Measured)))]
async fn thresholds(State(app): State<App>, person: Person) -> Result<Json<Measured>, Fault> {
    person.require(May::ReadSettings)?;
    threshold::measured(&app, person.acting_org()?).await.map(Json)
}

/// A policy that is not saved yet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayBody {
    policy: PolicyBody,
    /// How far to look back, 1 to 90.
    #[serde(default = "days")]
    #[schema(minimum = 1, maximum = 90)]
    days: i64,
}

fn days() -> i64 {
    draft::DAYS_DEFAULT
}

/// Decides again about past mail under a policy that is not saved yet. 201: it is done; 202: ask the draft for its progress.
#[utoipa::path(post, path = "/policies/replay", tag = "policies", operation_id = "replay_policy", request_body = ReplayBody, responses(
    (status = 201, description = "What would have changed", body = DraftBody),
    (status = 202, description = "It is still being read", body = DraftBody),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn replay(State(app): State<App>, person: Person, Json(body): Json<ReplayBody>) -> Result<draft::api::Begun, Fault> {
    person.require(May::Policies)?;
    let (org, settings) = (person.acting_org()?, of_preset(body.policy.settings().map_err(Fault::Invalid)?));
    let name = settings.name.clone();
    let base = app.db.read(move |tx| Box::pin(async move { sql::one(tx, org, &name).await })).await.map_err(Fault::from)?;
    let base = base.map(|base: Stored| Box::new(base.settings));
    draft::api::begun(&app, &person, What::Policy { settings: Box::new(settings), base }, body.days).await
}
