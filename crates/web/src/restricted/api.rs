//! `/api/v1/restricted-senders`.

use super::{list as found, release as let_go};
use crate::App;
use crate::page::Fault;
use crate::people::Person;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(release))
}

/// A sender that may not send out.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestrictedSender {
    /// Envelope sender or login, in lower case.
    sender: String,
    since_ms: i64,
    /// null: until somebody releases it.
    until_ms: Option<i64>,
    /// outside-hour, inside-hour, day, junk or complaints.
    reason: &'static str,
    /// Recipients, held mails or complaints that were counted.
    count: i64,
}

/// Those who may not send out now, the last first.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestrictedSenders {
    rows: Vec<RestrictedSender>,
}

/// Lists restricted senders, at most 200.
#[utoipa::path(get, path = "/restricted-senders", tag = "restricted senders", operation_id = "list_restricted_senders",
    responses((status = 200, description = "Restricted senders", body = RestrictedSenders)))]
async fn list(State(app): State<App>, person: Person) -> Result<Json<RestrictedSenders>, Fault> {
    let row = |one: gateway::outflow::Restricted| RestrictedSender {
        until_ms: Some(one.until_ms).filter(|until_ms| *until_ms != 0),
        since_ms: one.since_ms,
        reason: one.reason.name(),
        count: one.detail.parse().unwrap_or(0),
        sender: one.sender,
    };
    Ok(Json(RestrictedSenders { rows: found(&app, &person).await?.into_iter().map(row).collect() }))
}

/// Whom to release, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SenderRelease {
    sender: String,
    /// Stands in the audit log.
    reason: String,
}

/// Lets a sender send again; its counts begin anew.
#[utoipa::path(post, path = "/restricted-senders/release", tag = "restricted senders", operation_id = "release_restricted_sender",
    request_body = SenderRelease, responses((status = 204, description = "It may send again")))]
async fn release(State(app): State<App>, person: Person, Json(wanted): Json<SenderRelease>) -> Result<StatusCode, Fault> {
    let_go(&app, &person, &wanted.sender, &wanted.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
