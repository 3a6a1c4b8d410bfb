//! `/api/v1/support/requests/{request}/…`: what stands beside a request, diagnosing for it, a known issue from it. What is serialised here is
//! promised.

use super::desk;
use super::diagnose::{self, DiagnosisWord};
use super::known::{self, KnownWish};
use super::side_panel::{self, SidePanel};
use crate::App;
use crate::api::problem::Problem;
use crate::page::{Fault, View};
use crate::people::Person;
use crate::service_request::Via;
use crate::troubleshoot::question::Asked;
use crate::troubleshoot::run::PATIENCE;
use crate::troubleshoot::shown::DiagnosisBody;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use mail::id::RequestId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(side)).routes(routes!(ask)).routes(routes!(diagnosed, attach)).routes(routes!(make_known))
}

fn known_id(id: &str) -> Result<RequestId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct SideWish {
    /// Parts that are to be read: "trace", "health", "settings", several between spaces, or "all"; '' reads none.
    #[param(example = "all", value_type = Option<String>)]
    see: String,
}

/// What stands beside a request: mails, health and settings, each only under a consent of this request. Each part that is read leaves a line
/// on the request.
#[utoipa::path(get, path = "/support/requests/{request}/side-panel", tag = "support", operation_id = "get_request_side_panel",
    params(("request" = String, Path), SideWish), responses(
    (status = 200, description = "The panel", body = SidePanel),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "A consent ended meanwhile"),
))]
async fn side(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Query(wish): Query<SideWish>,
) -> Result<Json<SidePanel>, Fault> {
    desk(&person)?;
    let id = known_id(&id)?;
    let path = format!("/api/v1/support/requests/{id}/side-panel");
    Ok(Json(side_panel::read(&app, &view, &person, (id, &side_panel::parts(&wish.see)?, &path)).await?))
}

fn place(id: RequestId) -> String {
    format!("/api/v1/support/requests/{id}/diagnoses")
}

/// Looks for the cause for a request, under its consents for mails and settings. A question that says nothing is filled from the request. While
/// `state` is "running", read it again.
#[utoipa::path(post, path = "/support/requests/{request}/diagnoses", tag = "support", operation_id = "diagnose_for_request",
    params(("request" = String, Path)), request_body = Asked, responses(
    (status = 201, description = "Begun, or done", body = DiagnosisBody),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "There is no consent for it"),
))]
async fn ask(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Json(asked): Json<Asked>,
) -> Result<(StatusCode, Json<DiagnosisBody>), Fault> {
    desk(&person)?;
    let id = known_id(&id)?;
    let asked = if asked == Asked::default() { diagnose::asked_of(&app, &view, &person, id).await?.1 } else { asked };
    let (name, mut ended) = diagnose::begin(&app, &view, &person, (id, Via::Api, &place(id)), &asked).await?;
    let _ = tokio::time::timeout(PATIENCE, ended.wait_for(|ended| *ended)).await; // then it is read as far as it is
    let found = diagnose::find(&app, &person, (id, &name, &place(id))).await?;
    Ok((StatusCode::CREATED, Json(found.body(view.lang))))
}

/// A diagnosis that was made for a request.
#[utoipa::path(get, path = "/support/requests/{request}/diagnoses/{diagnosis}", tag = "support", operation_id = "get_request_diagnosis",
    params(("request" = String, Path), ("diagnosis" = String, Path)), responses(
    (status = 200, description = "The diagnosis", body = DiagnosisBody),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "There is no consent for it"),
))]
async fn diagnosed(
    State(app): State<App>,
    view: View,
    person: Person,
    Path((id, name)): Path<(String, String)>,
) -> Result<Json<DiagnosisBody>, Fault> {
    desk(&person)?;
    let id = known_id(&id)?;
    Ok(Json(diagnose::find(&app, &person, (id, &name, &place(id))).await?.body(view.lang)))
}

/// Puts the result of a diagnosis into the conversation, for the requester or for support alone.
#[utoipa::path(post, path = "/support/requests/{request}/diagnoses/{diagnosis}", tag = "support", operation_id = "attach_request_diagnosis",
    params(("request" = String, Path), ("diagnosis" = String, Path)), request_body = DiagnosisWord, responses(
    (status = 204, description = "It is done"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn attach(
    State(app): State<App>,
    person: Person,
    Path((id, name)): Path<(String, String)>,
    Json(word): Json<DiagnosisWord>,
) -> Result<StatusCode, Fault> {
    desk(&person)?;
    let id = known_id(&id)?;
    let found = diagnose::find(&app, &person, (id, &name, &place(id))).await?;
    diagnose::attach(&app, &person, Via::Api, (&found, word)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The issue that was opened.
#[derive(Debug, Serialize, ToSchema)]
struct KnownMade {
    /// Its number, such as EX100001.
    issue: String,
}

/// Makes a known issue of the service from a request and links the request to it. Everybody reads it: texts that name the requester or a
/// domain of the organisation are refused.
#[utoipa::path(post, path = "/support/requests/{request}/known-issue", tag = "support", operation_id = "make_known_issue",
    params(("request" = String, Path)), request_body = KnownWish, responses(
    (status = 201, description = "Opened and linked", body = KnownMade),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "An issue explains the request already"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn make_known(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Json(wish): Json<KnownWish>,
) -> Result<(StatusCode, Json<KnownMade>), Fault> {
    desk(&person)?;
    let issue = known::open(&app, &view, &person, Via::Api, (known_id(&id)?, &wish)).await?;
    Ok((StatusCode::CREATED, Json(KnownMade { issue: issue.to_string() })))
}
