//! `GET /api/v1/trace`.

use super::{Asked, kept_since_ms};
use crate::App;
use crate::api::problem::Problem;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Query, State};
use gateway::trace::api::{ListBody, MailBody};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Finds mails, newest first.
#[utoipa::path(get, path = "/trace", tag = "trace", params(Asked), responses(
    (status = 200, description = "Mails, and how far the list can be relied on", body = serde_json::Value),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn list(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Result<Json<ListBody<MailBody>>, Fault> {
    person.require(May::Trace)?;
    let (scope, query) = (person.scope(), asked.query(&view, kept_since_ms(&app))?);
    let found = app.db.read(move |tx| Box::pin(async move { gateway::trace::search(tx, scope, &query).await })).await;
    Ok(Json(found.map_err(Fault::from)?))
}
