//! `GET /api/v1/audit`.

use super::export::{self, AskedExport};
use super::{Asked, Line, ROWS, sql};
use crate::App;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use mail::id::AuditId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export)).routes(routes!(one))
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LineBody {
    /// Identifier, `a…`; newer ones sort later.
    pub id: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// The organisation it concerns; null: none.
    pub organisation: Option<String>,
    /// Who did it; null: nobody who was signed in.
    pub person: Option<String>,
    /// Their address at that time.
    pub who: String,
    pub ip: String,
    /// `feature.verb`.
    pub action: String,
    pub subject: String,
    /// More about it, depending on the action.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

impl LineBody {
    pub fn of(line: &Line) -> LineBody {
        LineBody {
            id: line.id.to_string(),
            at_ms: line.at_ms(),
            organisation: line.org.map(|org| org.to_string()),
            person: line.person.map(|person| person.to_string()),
            who: line.who.clone(),
            ip: line.ip.clone(),
            action: line.action.clone(),
            subject: line.subject.clone(),
            detail: line.detail.clone(),
        }
    }
}

/// Lines, and where to go on.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LinesBody {
    pub rows: Vec<LineBody>,
    /// Pass as `before` to go on; null: that was all.
    pub next: Option<String>,
}

/// Lines of the audit log, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Asked),
    responses((status = 200, description = "Lines, and where to go on", body = LinesBody)))]
async fn list(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Result<Json<LinesBody>, Fault> {
    person.require(May::Audit)?;
    let (scope, query) = (person.scope(), asked.query(&view, ROWS)?);
    let mut lines = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, &query).await })).await?;
    let next = (lines.len() > ROWS).then(|| lines[ROWS - 1].id.to_string());
    lines.truncate(ROWS);
    Ok(Json(LinesBody { rows: lines.iter().map(LineBody::of).collect(), next }))
}

/// Lines of the audit log as a stream of JSON, one a line (NDJSON), oldest first: what is new since the last one that you have. What was
/// done in the last ten seconds comes with the next question, so that no line is missed. A stream that breaks off is gone on with by the
/// identifier of the last whole line.
#[utoipa::path(get, path = "/audit/export", tag = "audit", params(AskedExport),
    responses((status = 200, description = "Lines, each a LineBody", content_type = "application/x-ndjson", body = String)))]
async fn export(State(app): State<App>, view: View, person: Person, Query(asked): Query<AskedExport>) -> Result<Response, Fault> {
    person.require(May::Audit)?;
    let export = export::Export::read(&asked, &view, person.scope(), app.now_ms())?;
    let body = Body::from_stream(export::lines(app.db.clone(), export));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "private, no-store")], body).into_response())
}

/// One line.
#[utoipa::path(get, path = "/audit/{line}", tag = "audit", params(("line" = String, Path, description = "Identifier, `a…`")),
    responses((status = 200, description = "The line", body = LineBody)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<LineBody>, Fault> {
    person.require(May::Audit)?;
    let (id, scope): (AuditId, _) = (id.parse().map_err(|_| Fault::NotFound)?, person.scope());
    let found = app.db.read(move |tx| Box::pin(async move { sql::find(tx, scope, id).await })).await?;
    Ok(Json(LineBody::of(&found.ok_or(Fault::NotFound)?)))
}
