//! `/api/v1/caller-pin`, `/api/v1/call-backs`, `/api/v1/support/calls`, `/api/v1/support/caller`. What is serialised here is promised.

use super::back::{self, CallOutcome, NewCallBack};
use super::pin;
use super::sql::{self, CallBack};
use crate::App;
use crate::api::problem::Problem;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use crate::service_request::Via;
use crate::support_desk::desk;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(fresh_pin))
        .routes(routes!(mine, book))
        .routes(routes!(cancel))
        .routes(routes!(waiting))
        .routes(routes!(called))
        .routes(routes!(caller))
}

/// The number that you say on the telephone.
#[derive(Debug, Serialize, ToSchema)]
struct CallerPinBody {
    /// Six digits.
    pin: String,
    until_ms: i64,
}

/// Makes the number by which support knows you on the telephone, in place of the one before. It holds for half an hour and one call.
#[utoipa::path(post, path = "/caller-pin", tag = "phone", operation_id = "make_caller_pin", responses((status = 201, description = "The number", body = CallerPinBody)))]
async fn fresh_pin(State(app): State<App>, person: Person) -> Result<(StatusCode, Json<CallerPinBody>), Fault> {
    let made = pin::fresh(&app, &person).await?;
    Ok((StatusCode::CREATED, Json(CallerPinBody { pin: made.pin, until_ms: made.until_ms })))
}

/// Somebody who wants to be called.
#[derive(Debug, Serialize, ToSchema)]
struct CallBackBody {
    id: String,
    organisation: String,
    name: String,
    /// E.164.
    number: String,
    language: String,
    about: String,
    /// null: none.
    request: Option<String>,
    /// Beginning of the half hour.
    slot_ms: i64,
    /// "waiting", "called", "missed" or "cancelled".
    state: String,
    /// What was said.
    outcome: String,
}

impl CallBackBody {
    fn of(one: &CallBack) -> CallBackBody {
        CallBackBody {
            id: one.id.to_string(),
            organisation: one.org.to_string(),
            name: one.name.clone(),
            number: one.number.clone(),
            language: one.lang.clone(),
            about: one.about.clone(),
            request: one.request.map(|request| request.to_string()),
            slot_ms: one.slot_ms,
            state: one.state.clone(),
            outcome: one.outcome.clone(),
        }
    }
}

/// Your calls, and when you can be called.
#[derive(Debug, Serialize, ToSchema)]
struct CallBacksBody {
    /// The latest first.
    calls: Vec<CallBackBody>,
    /// Beginnings of half hours that are free, Unix milliseconds.
    free_ms: Vec<i64>,
}

/// Your calls, and when you can be called.
#[utoipa::path(get, path = "/call-backs", tag = "phone", operation_id = "list_call_backs",
    responses((status = 200, description = "Calls", body = CallBacksBody)))]
async fn mine(State(app): State<App>, person: Person) -> Result<Json<CallBacksBody>, Fault> {
    person.require(May::Requests)?;
    let (org, id, scope, now_ms) = (person.acting_org()?, person.id, person.scope(), app.now_ms());
    let found: Result<_, Error> =
        app.db.read(move |tx| Box::pin(async move { Ok((back::free(tx, org, now_ms).await?, sql::mine(tx, scope, id).await?)) })).await;
    let (free_ms, calls) = found?;
    Ok(Json(CallBacksBody { calls: calls.iter().map(CallBackBody::of).collect(), free_ms }))
}

/// What was booked.
#[derive(Debug, Serialize, ToSchema)]
struct CallBackMade {
    id: String,
}

/// Books a half hour in which support calls you.
#[utoipa::path(post, path = "/call-backs", tag = "phone", operation_id = "book_call_back", request_body = NewCallBack, responses(
    (status = 201, description = "Booked", body = CallBackMade),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong, or the half hour is taken"),
))]
async fn book(
    State(app): State<App>,
    view: View,
    person: Person,
    Json(new): Json<NewCallBack>,
) -> Result<(StatusCode, Json<CallBackMade>), Fault> {
    let id = back::book(&app, &person, (view.lang.tag(), new)).await?;
    Ok((StatusCode::CREATED, Json(CallBackMade { id: id.to_string() })))
}

/// Calls one off.
#[utoipa::path(delete, path = "/call-backs/{call}", tag = "phone", operation_id = "cancel_call_back", params(("call" = String, Path)),
    responses((status = 204, description = "Called off")))]
async fn cancel(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    back::cancel(&app, &person, id.parse().map_err(|_| Fault::NotFound)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who waits to be called, the first first.
#[derive(Debug, Serialize, ToSchema)]
struct WaitingCallsBody {
    rows: Vec<CallBackBody>,
}

/// Who waits to be called by support.
#[utoipa::path(get, path = "/support/calls", tag = "support", operation_id = "list_waiting_calls",
    responses((status = 200, description = "Calls", body = WaitingCallsBody)))]
async fn waiting(State(app): State<App>, person: Person) -> Result<Json<WaitingCallsBody>, Fault> {
    let scope = desk(&person)?;
    let found: Result<Vec<CallBack>, Error> = app.db.read(move |tx| Box::pin(async move { sql::waiting(tx, scope).await })).await;
    Ok(Json(WaitingCallsBody { rows: found?.iter().map(CallBackBody::of).collect() }))
}

/// Notes what came of a call.
#[utoipa::path(post, path = "/support/calls/{call}", tag = "support", operation_id = "settle_call", params(("call" = String, Path)),
    request_body = CallOutcome, responses((status = 204, description = "Kept")))]
async fn called(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(outcome): Json<CallOutcome>,
) -> Result<StatusCode, Fault> {
    desk(&person)?;
    back::called(&app, &person, Via::Api, (id.parse().map_err(|_| Fault::NotFound)?, outcome)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a caller said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct HeardPin {
    pin: String,
}

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
struct CallerFoundBody {
    name: String,
    address: String,
    organisation: String,
    /// Requests of theirs that are not closed.
    requests: Vec<String>,
}

/// Who it is that says this number on the telephone. The number is used up.
#[utoipa::path(post, path = "/support/caller", tag = "support", operation_id = "find_caller", request_body = HeardPin,
    responses((status = 200, description = "Who it is", body = CallerFoundBody)))]
async fn caller(State(app): State<App>, person: Person, Json(heard): Json<HeardPin>) -> Result<Json<CallerFoundBody>, Fault> {
    let found = pin::check(&app, &person, &heard.pin).await?;
    Ok(Json(CallerFoundBody {
        name: found.person.name.clone(),
        address: found.person.email.clone(),
        organisation: found.org.to_string(),
        requests: found.requests.iter().map(|(id, _)| id.to_string()).collect(),
    }))
}
