//! The REST API under `/api/v1`: JSON in and out, problems by RFC 9457, described by OpenAPI that is made from the code.
//!
//! Each feature has its routes in its own `api.rs` and hangs them in here. What holds for all stands before them: how often a person
//! may ask ([`limit`]), versions ([`version`]), doing once what is sent twice ([`once`]). Not here: the shapes of a feature's JSON.

mod document;
mod limit;
pub mod once;
pub mod problem;
mod sql;
mod version;

use crate::page::Fault;
use crate::{
    App, agent, audit, community, connectivity, connector, destinations, directory_sync, doctor, domain, draft, entry, health, help,
    help_desk, mail_reports, overview, people, phone, policy, quarantine, removal, restricted, rules, service_request, submission,
    support_desk, trace, troubleshoot,
};
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, middleware};
use serde_json::Value;
use store::Migration;
use tokio::sync::OnceCell;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub const MIGRATIONS: &[Migration] = &[Migration { number: 11, name: "idempotency", sql: include_str!("migrations/0011_idempotency.sql") }];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gatepost",
        description = "The REST API of Gatepost. Times are Unix milliseconds, UTC. Lists come in pages: pass the cursor of the last \
                       answer to go on. Errors are problems (RFC 9457) whose `type` is a help page of this installation.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(problem::Problem, problem::WrongField))
)]
struct Document;

/// Routes and the document that describes them, in step.
fn described() -> (Router<App>, utoipa::openapi::OpenApi) {
    let features = [
        people::api::routes(),
        audit::api::routes(),
        overview::api::routes(),
        mail_reports::api::routes(),
        trace::api::routes(),
        removal::api::routes(),
        quarantine::api::routes(),
        policy::api::routes(),
        entry::api::routes(),
        draft::api::routes(),
        rules::api::routes(),
        domain::api::routes(),
        connector::api::routes(),
        directory_sync::api::routes(),
        help::api::routes(),
        help::vote::routes(),
        agent::api::routes(),
        phone::api::routes(),
        health::api::routes(),
        troubleshoot::api::routes(),
        connectivity::api::routes(),
        help_desk::api::routes(),
        support_desk::api::routes(),
        crate::premier::api::routes(),
        crate::call::api::routes(),
        doctor::api::routes(),
        service_request::api::routes(),
        community::api::routes(),
        restricted::api::routes(),
        submission::api::routes(),
        destinations::api::routes(),
    ];
    let all = features.into_iter().fold(OpenApiRouter::new(), OpenApiRouter::merge);
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", all).split_for_parts()
}

/// The document alone, as `GET /api/v1/openapi.json` has it.
pub fn document() -> Value {
    document::complete(serde_json::to_value(described().1).unwrap_or_default())
}

/// All routes under `/api/v1`.
pub fn routes(app: &App) -> Router<App> {
    behind_what_stands_before(described().0.route("/api/v1/openapi.json", get(openapi)), app)
}

/// `GET /api/v1/openapi.json`. Made when it is first asked for, and kept as it goes out: the tree of its values takes twenty times as much
/// memory.
async fn openapi() -> Result<impl IntoResponse, Fault> {
    static MADE: OnceCell<Bytes> = OnceCell::const_new();
    let make = || async { tokio::task::spawn_blocking(|| Bytes::from(document().to_string())).await };
    let made = MADE.get_or_try_init(make).await.map_err(|why| Fault::Ours(why.to_string()))?.clone();
    Ok(([(CONTENT_TYPE, "application/json")], made))
}

/// The routes of another protocol, behind the limit of requests alone.
pub fn behind_limit(routes: Router<App>, app: &App) -> Router<App> {
    routes.layer(middleware::from_fn_with_state(limit::Limiter::new(app.clone()), limit::limited))
}

/// The routes behind what stands before all of the API, outermost last; the guard of all routes stands before that.
pub fn behind_what_stands_before(routes: Router<App>, app: &App) -> Router<App> {
    let looked_at = routes.clone().with_state(app.clone());
    routes
        .layer(middleware::from_fn_with_state(app.clone(), once::once))
        .layer(middleware::from_fn_with_state(looked_at, version::versioned))
        .layer(middleware::from_fn_with_state(limit::Limiter::new(app.clone()), limit::limited))
}
