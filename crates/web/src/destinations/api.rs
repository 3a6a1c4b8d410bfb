//! `/api/v1/destinations`.

use super::{Served, list as found};
use crate::App;
use crate::page::Fault;
use crate::people::Person;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// How one destination is served.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServedDestination {
    /// A connector or a domain.
    name: String,
    is_connector: bool,
    /// Recipients that wait.
    waiting: usize,
    /// When the next of them is tried; null: none waits.
    next_ms: Option<i64>,
    in_flight: usize,
    /// Connections at most for now; 0: none was needed yet.
    connections_allowed: usize,
    /// Between two mails.
    wait_ms: i64,
    /// down, connections-refused, learned, connections-max, waits or "".
    limited_by: &'static str,
    /// The last answer.
    reply: String,
}

/// Destinations with the most waiting first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServedDestinations {
    rows: Vec<ServedDestination>,
    /// There is more than was looked at.
    is_more: bool,
}

/// What waits for which destination, and what limits it.
#[utoipa::path(get, path = "/destinations", tag = "destinations", operation_id = "list_destinations",
    responses((status = 200, description = "Destinations", body = ServedDestinations)))]
async fn list(State(app): State<App>, person: Person) -> Result<Json<ServedDestinations>, Fault> {
    let (served, is_more) = found(&app, &person).await?;
    let row = |one: Served| ServedDestination {
        is_connector: one.is_connector,
        waiting: one.waiting,
        next_ms: Some(one.next_ms).filter(|at| *at > 0),
        in_flight: one.in_flight,
        connections_allowed: one.workers_allowed,
        wait_ms: one.wait_ms,
        limited_by: one.limit_by,
        reply: one.reply,
        name: one.name,
    };
    Ok(Json(ServedDestinations { rows: served.into_iter().map(row).collect(), is_more }))
}
