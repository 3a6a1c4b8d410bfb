//! `/api/v1/quarantine/policies`, `assignments` and `digest`: what people may do with their own held mail, and when they are told. What
//! is serialised here is promised.

use super::super::digest::Schedule;
use super::super::list::VERDICTS;
use super::{Custom, PRESETS, Power, PowerSet, page as policies};
use crate::App;
use crate::page::Fault;
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(policy_list, policy_make))
        .routes(routes!(policy_one, policy_change, policy_delete))
        .routes(routes!(assignments, assign))
        .routes(routes!(digest, digest_change))
}

/// A quarantine policy.
#[derive(Debug, Serialize, ToSchema)]
struct QuarantinePolicyBody {
    /// Name of one that comes with the program, or the number of one of the organisation's.
    policy: String,
    name: String,
    /// Of "header", "preview", "download", "release", "request", "delete", "allow", "block", "notify".
    powers: Vec<&'static str>,
    /// Comes with the program and cannot be changed.
    is_preset: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct Policies {
    rows: Vec<QuarantinePolicyBody>,
}

fn custom(custom: Custom) -> QuarantinePolicyBody {
    let powers = custom.powers.powers().map(Power::name).collect();
    QuarantinePolicyBody { policy: custom.id.to_string(), name: custom.name, powers, is_preset: false }
}

/// Name and powers of one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct NewPolicy {
    name: String,
    /// Never "release" together with "request".
    powers: Vec<String>,
}

/// Lists quarantine policies: those of the program first.
#[utoipa::path(get, path = "/quarantine/policies", tag = "quarantine", responses((status = 200, description = "Policies", body = Policies)))]
async fn policy_list(State(app): State<App>, person: Person) -> Result<Json<Policies>, Fault> {
    person.require(May::ReadSettings)?;
    let (_, customs) = policies::all(&app, &person).await?;
    let preset = |(name, powers): &(&str, PowerSet)| QuarantinePolicyBody {
        policy: name.to_string(),
        name: name.to_string(),
        powers: powers.powers().map(Power::name).collect(),
        is_preset: true,
    };
    Ok(Json(Policies { rows: PRESETS.iter().map(preset).chain(customs.into_iter().map(custom)).collect() }))
}

/// Makes a quarantine policy.
#[utoipa::path(post, path = "/quarantine/policies", tag = "quarantine", request_body = NewPolicy,
    responses((status = 201, description = "Made", body = QuarantinePolicyBody)))]
async fn policy_make(
    State(app): State<App>,
    person: Person,
    Json(new): Json<NewPolicy>,
) -> Result<(StatusCode, Json<QuarantinePolicyBody>), Fault> {
    let made = policies::make(&app, &person, &new.name, &new.powers).await?;
    Ok((StatusCode::CREATED, Json(custom(made))))
}

/// One quarantine policy of the organisation.
#[utoipa::path(get, path = "/quarantine/policies/{policy}", tag = "quarantine", params(("policy" = String, Path)),
    responses((status = 200, description = "The policy", body = QuarantinePolicyBody)))]
async fn policy_one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<QuarantinePolicyBody>, Fault> {
    person.require(May::ReadSettings)?;
    Ok(Json(custom(policies::found(&app, &person, &id).await?)))
}

/// Changes a quarantine policy.
#[utoipa::path(put, path = "/quarantine/policies/{policy}", tag = "quarantine", params(("policy" = String, Path)), request_body = NewPolicy,
    responses((status = 200, description = "Changed", body = QuarantinePolicyBody)))]
async fn policy_change(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(new): Json<NewPolicy>,
) -> Result<Json<QuarantinePolicyBody>, Fault> {
    Ok(Json(custom(policies::change(&app, &person, &id, (&new.name, &new.powers)).await?)))
}

/// Deletes a quarantine policy that holds for no verdict.
#[utoipa::path(delete, path = "/quarantine/policies/{policy}", tag = "quarantine", params(("policy" = String, Path)),
    responses((status = 204, description = "Gone")))]
async fn policy_delete(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    policies::remove(&app, &person, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which policy holds for which verdict.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Assignment {
    verdict: String,
    policy: String,
}

#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
struct Assignments {
    rows: Vec<Assignment>,
}

async fn assigned(app: &App, person: &Person) -> Result<Json<Assignments>, Fault> {
    let (rules, _) = policies::all(app, person).await?;
    let one = |verdict: &&str| Assignment { verdict: verdict.to_string(), policy: rules.policy(verdict).to_string() };
    Ok(Json(Assignments { rows: VERDICTS.iter().map(one).collect() }))
}

/// Which quarantine policy holds for which verdict.
#[utoipa::path(get, path = "/quarantine/assignments", tag = "quarantine", responses((status = 200, description = "Verdicts and policies", body = Assignments)))]
async fn assignments(State(app): State<App>, person: Person) -> Result<Json<Assignments>, Fault> {
    person.require(May::ReadSettings)?;
    assigned(&app, &person).await
}

/// Chooses the policies of the verdicts that are named; the others stay.
#[utoipa::path(put, path = "/quarantine/assignments", tag = "quarantine", request_body = Assignments,
    responses((status = 200, description = "As it is now", body = Assignments)))]
async fn assign(State(app): State<App>, person: Person, Json(wanted): Json<Assignments>) -> Result<Json<Assignments>, Fault> {
    let wanted = wanted.rows.into_iter().map(|one| (one.verdict, one.policy)).collect();
    policies::choose(&app, &person, wanted).await?;
    assigned(&app, &person).await
}

/// When digests go out.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
struct DigestBody {
    /// "off", "4h", "daily" or "weekly".
    every: String,
    /// 0 to 23, for daily and weekly ones.
    hour: i64,
    /// IANA name.
    zone: String,
}

impl From<Schedule> for DigestBody {
    fn from(schedule: Schedule) -> DigestBody {
        DigestBody { every: schedule.every.name().into(), hour: i64::from(schedule.hour), zone: schedule.zone }
    }
}

/// When the organisation's digests go out.
#[utoipa::path(get, path = "/quarantine/digest", tag = "quarantine", responses((status = 200, description = "The schedule", body = DigestBody)))]
async fn digest(State(app): State<App>, person: Person) -> Result<Json<DigestBody>, Fault> {
    Ok(Json(policies::schedule_now(&app, &person).await?.into()))
}

/// Sets when the organisation's digests go out.
#[utoipa::path(put, path = "/quarantine/digest", tag = "quarantine", request_body = DigestBody,
    responses((status = 200, description = "As it is now", body = DigestBody)))]
async fn digest_change(State(app): State<App>, person: Person, Json(wanted): Json<DigestBody>) -> Result<Json<DigestBody>, Fault> {
    policies::set_schedule(&app, &person, (&wanted.every, &wanted.hour.to_string(), &wanted.zone)).await?;
    digest(State(app), person).await
}
