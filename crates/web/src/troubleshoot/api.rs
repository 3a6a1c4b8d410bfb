//! `/api/v1/diagnoses`: asking, following, and applying what mends it.

use super::apply::{self, Verified};
use super::question::Asked;
use super::run::{self, Diagnosis, PATIENCE, State as RunState};
use super::shown::{DiagnosisBody, Reader, fix_place, step_body};
use crate::App;
use crate::page::{Fault, View, stream};
use crate::people::Person;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::response::sse::Event;
use futures_util::stream::{Stream, unfold};
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, ask))
        .routes(routes!(show))
        .routes(routes!(follow))
        .routes(routes!(verified, applied, undone))
        .merge(super::explain::api_routes())
}

/// Diagnoses.
#[derive(Debug, Serialize, ToSchema)]
struct DiagnosisList {
    /// The latest first, at most 50.
    rows: Vec<DiagnosisBody>,
}

/// Diagnoses asked for lately: one's own, or everybody's of the organisation with the permission to trace.
#[utoipa::path(get, path = "/diagnoses", tag = "diagnoses", responses((status = 200, description = "Diagnoses", body = DiagnosisList)))]
async fn list(State(app): State<App>, view: View, person: Person) -> Result<Json<DiagnosisList>, Fault> {
    let reader = Reader { lang: view.lang, person: &person };
    let rows = run::list(&app, &person).await?;
    Ok(Json(DiagnosisList { rows: rows.iter().map(|one| DiagnosisBody::of(reader, one)).collect() }))
}

/// Asks for a diagnosis. The answer is there at once when it takes less than 2.5 seconds; else `state` is "running": read it again, or
/// follow its stream. Words are in the language of Accept-Language.
#[utoipa::path(post, path = "/diagnoses", tag = "diagnoses", request_body = Asked, responses((status = 201, description = "Begun, or done", body = DiagnosisBody)))]
async fn ask(
    State(app): State<App>,
    view: View,
    person: Person,
    Json(asked): Json<Asked>,
) -> Result<(StatusCode, Json<DiagnosisBody>), Fault> {
    let (id, mut ended) = run::begin(&app, &view, &person, &asked).await?;
    let _ = tokio::time::timeout(PATIENCE, ended.wait_for(|ended| *ended)).await; // then it is read as far as it is
    let found = run::find(&app, &person, &run::name_of(id)).await?;
    Ok((StatusCode::CREATED, Json(DiagnosisBody::of(Reader { lang: view.lang, person: &person }, &found))))
}

/// Shows one diagnosis, as far as it is.
#[utoipa::path(get, path = "/diagnoses/{diagnosis}", tag = "diagnoses", params(("diagnosis" = String, Path)), responses((status = 200, description = "The diagnosis", body = DiagnosisBody)))]
async fn show(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Result<Json<DiagnosisBody>, Fault> {
    let found = run::find(&app, &person, &name).await?;
    Ok(Json(DiagnosisBody::of(Reader { lang: view.lang, person: &person }, &found)))
}

/// How often a running diagnosis is looked at for somebody who follows it.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// A stream says something at least this often.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// Looks of one stream; longer no diagnosis runs.
const LOOKS_MAX: u32 = 500;

/// One event of a stream.
#[derive(Serialize, ToSchema)]
struct DiagnosisEvent {
    /// `step` or `done`.
    event: String,
    /// JSON: the step, or the whole diagnosis.
    data: String,
}

/// Follows a diagnosis: an event `step` for each step taken, then one `done` with the whole diagnosis, and the stream ends.
#[utoipa::path(get, path = "/diagnoses/{diagnosis}/stream", tag = "diagnoses", params(("diagnosis" = String, Path)), responses((status = 200, description = "Server-sent events", content_type = "text/event-stream", body = DiagnosisEvent)))]
async fn follow(State(app): State<App>, view: View, person: Person, Path(name): Path<String>) -> Result<Response, Fault> {
    run::find(&app, &person, &name).await?;
    let following = Following { app, view, person, name, told: 0, looks: 0, is_over: false, waiting: Vec::new() };
    Ok(stream::answer(events(following), ALIVE_EVERY))
}

struct Following {
    app: App,
    view: View,
    person: Person,
    name: String,
    /// Steps told of.
    told: usize,
    looks: u32,
    is_over: bool,
    /// Events to send, the next one last.
    waiting: Vec<Event>,
}

fn events(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(following, |mut following| async move {
        loop {
            if let Some(event) = following.waiting.pop() {
                return Some((Ok(event), following));
            }
            if following.is_over || following.looks >= LOOKS_MAX {
                return None;
            }
            if following.looks > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            following.looks += 1;
            following.look().await;
        }
    })
}

impl Following {
    async fn look(&mut self) {
        // Gone, or not this person's any more: over.
        let Ok(found) = run::find(&self.app, &self.person, &self.name).await else {
            self.is_over = true;
            return;
        };
        let json = |value: &dyn erased::Json| value.json();
        for step in found.steps.iter().skip(self.told) {
            self.waiting.push(Event::default().event("step").data(json(&step_body(self.view.lang, step))));
        }
        self.told = self.told.max(found.steps.len());
        if found.state != RunState::Running {
            self.is_over = true;
            let reader = Reader { lang: self.view.lang, person: &self.person };
            self.waiting.push(Event::default().event("done").data(json(&DiagnosisBody::of(reader, &found))));
        }
        self.waiting.reverse();
    }
}

/// Shapes of ours as one line of JSON.
mod erased {
    pub trait Json {
        fn json(&self) -> String;
    }

    impl<T: serde::Serialize> Json for T {
        fn json(&self) -> String {
            // Our own shapes of strings and numbers: writing them cannot fail.
            serde_json::to_string(self).unwrap_or_default()
        }
    }
}

/// What became of a fix.
#[derive(Debug, Serialize, ToSchema)]
struct FixState {
    /// "works", "not-yet" or "does-not".
    verified: String,
    can_undo: bool,
}

async fn at(app: &App, person: &Person, name: &str, fix: &str) -> Result<(Diagnosis, (usize, usize)), Fault> {
    let found = run::find(app, person, name).await?;
    let place = fix_place(fix).ok_or(Fault::NotFound)?;
    apply::fix_at(&found, place)?;
    Ok((found, place))
}

/// Looks whether a fix of ours did what it is for.
#[utoipa::path(get, path = "/diagnoses/{diagnosis}/fixes/{fix}", tag = "diagnoses", params(("diagnosis" = String, Path), ("fix" = String, Path)), responses((status = 200, description = "What became of it", body = FixState)))]
async fn verified(State(app): State<App>, person: Person, Path((name, fix)): Path<(String, String)>) -> Result<Json<FixState>, Fault> {
    let (found, place) = at(&app, &person, &name, &fix).await?;
    let verified = apply::verify(&app, &person, &found, place).await?;
    let can_undo = found.applied.iter().any(|one| (one.cause, one.fix) == place && one.undo.is_some() && !one.is_undone);
    Ok(Json(FixState { verified: verified.name().into(), can_undo }))
}

/// Applies a fix of ours, with the permission that its feature asks for.
#[utoipa::path(post, path = "/diagnoses/{diagnosis}/fixes/{fix}", tag = "diagnoses", params(("diagnosis" = String, Path), ("fix" = String, Path)), responses((status = 200, description = "Applied", body = FixState)))]
async fn applied(State(app): State<App>, person: Person, Path((name, fix)): Path<(String, String)>) -> Result<Json<FixState>, Fault> {
    let (found, place) = at(&app, &person, &name, &fix).await?;
    let applied = apply::apply(&app, &person, &found, place).await?;
    let found = run::find(&app, &person, &name).await?;
    let verified = apply::verify(&app, &person, &found, place).await.unwrap_or(Verified::NotYet);
    Ok(Json(FixState { verified: verified.name().into(), can_undo: applied.undo.is_some() }))
}

/// Takes an applied fix back.
#[utoipa::path(delete, path = "/diagnoses/{diagnosis}/fixes/{fix}", tag = "diagnoses", params(("diagnosis" = String, Path), ("fix" = String, Path)), responses((status = 204, description = "Taken back")))]
async fn undone(State(app): State<App>, person: Person, Path((name, fix)): Path<(String, String)>) -> Result<StatusCode, Fault> {
    let (found, place) = at(&app, &person, &name, &fix).await?;
    apply::undo(&app, &person, &found, place).await?;
    Ok(StatusCode::NO_CONTENT)
}
