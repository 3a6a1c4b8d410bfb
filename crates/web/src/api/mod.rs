//! The REST API under `/api/v1`: JSON in and out, problems by RFC 9457, described by OpenAPI that is made from the code.
//!
//! Each feature has its routes in its own `api.rs` and hangs them in here. Not here: the shapes of a feature's JSON.

pub mod problem;

use crate::{App, audit, connector, domain, entry, help, overview, people, policy, quarantine, rules, trace};
use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

#[derive(OpenApi)]
#[openapi(info(title = "Gatepost", description = "The REST API of Gatepost.", license(name = "Apache-2.0", identifier = "Apache-2.0")))]
struct Document;

/// Routes and the document that describes them, in step.
fn described() -> (Router<App>, utoipa::openapi::OpenApi) {
    let features = [
        people::api::routes(),
        audit::api::routes(),
        overview::api::routes(),
        trace::api::routes(),
        quarantine::api::routes(),
        policy::api::routes(),
        entry::api::routes(),
        rules::api::routes(),
        domain::api::routes(),
        connector::api::routes(),
        help::api::routes(),
    ];
    let all = features.into_iter().fold(OpenApiRouter::new(), OpenApiRouter::merge);
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", all).split_for_parts()
}

/// The document alone, as `GET /api/v1/openapi.json` has it.
pub fn document() -> utoipa::openapi::OpenApi {
    described().1
}

pub fn routes() -> Router<App> {
    let (routes, document) = described();
    let document = std::sync::Arc::new(document);
    routes.route("/api/v1/openapi.json", get(move || async move { Json((*document).clone()) }))
}
