//! `/api/v1/drafts`: what was replayed before it is saved.

use super::{Counted, Draft, What, begin, page};
use crate::App;
use crate::page::Fault;
use crate::people::Person;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(one)).routes(routes!(save))
}

/// A draft and what it would have done.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftBody {
    pub draft: String,
    /// policy or entry.
    pub kind: &'static str,
    /// running, done, failed or saved.
    pub state: &'static str,
    /// How far it looks back.
    pub days: i64,
    /// Receipts that were read so far.
    pub receipts: u64,
    /// Receipts of a shape that could not be read.
    pub unreadable: u64,
    /// Whether everything since the beginning was read.
    pub is_complete: bool,
    /// Recipients of past mail for whom something else would have been done.
    pub changed: u64,
    pub counts: Vec<Counted>,
    /// The latest of them, at most 1,000.
    #[schema(value_type = Vec<Object>)]
    pub changes: Vec<gateway::policy::Change>,
}

impl DraftBody {
    fn of(draft: Draft) -> DraftBody {
        DraftBody {
            draft: draft.id.to_string(),
            kind: match draft.what {
                What::Policy { .. } => "policy",
                What::Entry { .. } => "entry",
            },
            state: draft.state.name(),
            days: draft.days,
            receipts: draft.progress.receipts,
            unreadable: draft.progress.unreadable,
            is_complete: draft.progress.is_complete,
            changed: draft.outcome.changed,
            counts: draft.outcome.counts,
            changes: draft.outcome.changes,
        }
    }
}

/// Answer to a replay that was begun: with its place.
pub type Begun = (StatusCode, [(HeaderName, String); 1], Json<DraftBody>);

pub async fn begun(app: &App, person: &Person, what: What, days: i64) -> Result<Begun, Fault> {
    let id = begin(app, person, what, days).await?;
    let draft = page::mine(app, person, &id.to_string()).await?;
    let status = if draft.state == super::State::Running { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    Ok((status, [(header::LOCATION, format!("/api/v1/drafts/{id}"))], Json(DraftBody::of(draft))))
}

/// A draft of one's own: how far its replay is, and what it found. It goes after a day.
#[utoipa::path(get, path = "/drafts/{draft}", tag = "policies", operation_id = "get_draft", params(("draft" = String, Path)),
    responses((status = 200, description = "The draft", body = DraftBody)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<DraftBody>, Fault> {
    page::mine(&app, &person, &id).await.map(DraftBody::of).map(Json)
}

/// Saves what the draft holds, once.
#[utoipa::path(post, path = "/drafts/{draft}/save", tag = "policies", operation_id = "save_draft", params(("draft" = String, Path)),
    responses((status = 200, description = "It is saved", body = DraftBody)))]
async fn save(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<DraftBody>, Fault> {
    let draft = page::mine(&app, &person, &id).await?;
    page::save_it(&app, person.clone(), draft).await?;
    page::mine(&app, &person, &id).await.map(DraftBody::of).map(Json)
}
