//! `/api/v1/premier`, `/api/v1/support/premier/{organisation}`. What is serialised here is promised.

use super::act::{self, FindingDecision, PremierAction};
use super::ledger::Ledger;
use super::posture::Posture;
use super::sql::{Checkup, Finding};
use super::{Whole, page, whole};
use crate::App;
use crate::api::problem::Problem;
use crate::page::Fault;
use crate::people::{May, Person};
use crate::support_desk::{MonthAsked, sql as desk_sql};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::scope::OrgScope;
use serde::Serialize;
use store::Error;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(review)).routes(routes!(decide)).routes(routes!(managed, act_on))
}

/// A health check.
#[derive(Debug, Serialize, ToSchema)]
struct HealthCheckBody {
    id: String,
    due_ms: i64,
    /// Again after so many days; 0: once.
    every_days: i64,
    /// "planned", "running", "done" or "cancelled".
    state: String,
    /// Domains that were looked at.
    domains: i64,
    /// Findings that were open afterwards.
    findings: i64,
    /// null: not yet.
    done_ms: Option<i64>,
}

impl HealthCheckBody {
    fn of(one: &Checkup) -> HealthCheckBody {
        HealthCheckBody {
            id: one.id.to_string(),
            due_ms: one.due_ms,
            every_days: one.every_days,
            state: one.state.clone(),
            domains: one.domains,
            findings: one.findings,
            done_ms: Some(one.done_ms).filter(|at| *at != 0 && one.state == "done"),
        }
    }
}

/// What there is beside the contract.
#[derive(Debug, Serialize, ToSchema)]
struct PremierBody {
    /// Hours of advice.
    advice: Ledger,
    health_checks: Vec<HealthCheckBody>,
    /// Open ones first.
    findings: Vec<Finding>,
    posture: Posture,
}

impl PremierBody {
    fn of(whole: Whole) -> PremierBody {
        PremierBody {
            health_checks: whole.checkups.iter().map(HealthCheckBody::of).collect(),
            advice: whole.ledger,
            findings: whole.findings,
            posture: whole.posture,
        }
    }
}

/// Of your organisation: hours of advice, health checks and what they found, posture of a month.
#[utoipa::path(get, path = "/premier", tag = "support", operation_id = "get_premier", params(MonthAsked),
    responses((status = 200, description = "What there is", body = PremierBody)))]
async fn review(State(app): State<App>, person: Person, Query(asked): Query<MonthAsked>) -> Result<Json<PremierBody>, Fault> {
    person.require(May::Requests)?;
    let (org, now_ms, (month, _)) = (person.acting_org()?, app.now_ms(), asked.read(app.now_ms())?);
    let found: Result<Whole, Error> = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let contract = desk_sql::contract_of(tx, OrgScope::One(org), org).await?;
                whole(tx, org, (contract.advisory_minutes, month.span()), now_ms).await
            })
        })
        .await;
    Ok(Json(PremierBody::of(found?)))
}

/// Accepts a finding of a health check as it is, or takes that back.
#[utoipa::path(post, path = "/premier/findings", tag = "support", operation_id = "decide_premier_finding", request_body = FindingDecision, responses(
    (status = 204, description = "Kept"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn decide(State(app): State<App>, person: Person, Json(decision): Json<FindingDecision>) -> Result<StatusCode, Fault> {
    act::decide(&app, &person, decision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Of an organisation that you manage. Findings and posture are there while it lets support look at its settings.
#[utoipa::path(get, path = "/support/premier/{organisation}", tag = "support", operation_id = "get_managed_premier",
    params(("organisation" = String, Path)), responses((status = 200, description = "What there is", body = PremierBody)))]
async fn managed(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<PremierBody>, Fault> {
    let org = act::managed(&app, &person, &id).await?;
    let (whole, _) = page::seen(&app, &person, org).await?;
    Ok(Json(PremierBody::of(whole)))
}

/// Notes hours of advice, plans and cancels health checks.
#[utoipa::path(post, path = "/support/premier/{organisation}", tag = "support", operation_id = "act_on_premier",
    params(("organisation" = String, Path)), request_body = PremierAction, responses(
    (status = 204, description = "It is done"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn act_on(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(action): Json<PremierAction>,
) -> Result<StatusCode, Fault> {
    let org = act::managed(&app, &person, &id).await?;
    act::act(&app, &person, (org, action)).await?;
    Ok(StatusCode::NO_CONTENT)
}
