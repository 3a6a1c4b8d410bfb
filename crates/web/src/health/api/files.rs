//! REST of files of messages: listed and saved by those whom the message concerns, added and removed by those who run the service.

use crate::App;
use crate::api::problem::Problem;
use crate::health::file::{self, Attached, FILE_OCTETS_MAX};
use crate::health::page::files::{self, Sent};
use crate::health::page::messages;
use crate::page::{Fault, Page};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    // What is too large is said by the handler, in words.
    let adding = OpenApiRouter::new().routes(routes!(list, add)).layer(DefaultBodyLimit::max(FILE_OCTETS_MAX + 1));
    adding.routes(routes!(save, remove))
}

/// A file of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct FileBody {
    pub id: String,
    pub name: String,
    /// Media type.
    pub kind: String,
    pub octets: i64,
    pub added_ms: i64,
}

impl From<&Attached> for FileBody {
    fn from(file: &Attached) -> FileBody {
        FileBody { id: file.id.to_string(), name: file.name.clone(), kind: file.kind.clone(), octets: file.size, added_ms: file.at_ms }
    }
}

/// Files of a message.
#[utoipa::path(get, path = "/health/messages/{message}/files", tag = "health", params(("message" = String, Path, description = "Such as MC100001")), responses(
    (status = 200, description = "All of them", body = Vec<FileBody>),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such message, or it is not yours"),
))]
async fn list(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<Vec<FileBody>>, Fault> {
    let (_, files) = files::list(&app, &person, &id).await?;
    Ok(Json(files.iter().map(FileBody::from).collect()))
}

/// How a file is called.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct FileName {
    /// Such as plan.pdf; once in a message.
    pub name: String,
    /// Media type, such as application/pdf; left out: octets.
    pub kind: String,
}

/// Adds a file to a message: the body is the file, at most 3 MiB; a message has at most ten.
#[utoipa::path(post, path = "/health/messages/{message}/files", tag = "health",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(("message" = String, Path, description = "Such as MC100001"), FileName), responses(
    (status = 201, description = "Added", body = FileBody),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such message"),
    (status = 413, body = Problem, content_type = "application/problem+json", description = "The file is too large"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "It is empty, has no name or one that is there, or there are too many"),
))]
async fn add(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Query(asked): Query<FileName>,
    octets: Bytes,
) -> Result<(StatusCode, Json<FileBody>), Fault> {
    let found = messages::find(&app, &person, &id).await?;
    person.require(May::Operate)?;
    let sent = vec![Sent { name: asked.name, kind: asked.kind, octets }];
    let added = files::add(&app, &person, found, sent).await?.map_err(|wrong| Fault::Invalid(vec![wrong]))?;
    let file = added.first().ok_or(Fault::NotFound)?;
    Ok((StatusCode::CREATED, Json(file.into())))
}

/// One file as it was added.
#[utoipa::path(get, path = "/health/messages/{message}/files/{file}", tag = "health",
    params(("message" = String, Path, description = "Such as MC100001"), ("file" = String, Path)), responses(
    (status = 200, description = "Its octets", content_type = "application/octet-stream", body = Vec<u8>),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or it is not yours"),
))]
async fn save(State(app): State<App>, person: Person, Path((message, file)): Path<(String, String)>) -> Page {
    let (file, octets) = files::read(&app, &person, (&message, &file)).await?;
    Ok((file::headers(&file.name, &file.kind), octets).into_response())
}

/// Removes a file.
#[utoipa::path(delete, path = "/health/messages/{message}/files/{file}", tag = "health",
    params(("message" = String, Path, description = "Such as MC100001"), ("file" = String, Path)), responses(
    (status = 204, description = "Gone"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none"),
))]
async fn remove(State(app): State<App>, person: Person, Path((message, file)): Path<(String, String)>) -> Result<StatusCode, Fault> {
    let (found, files) = files::list(&app, &person, &message).await?;
    person.require(May::Operate)?;
    let file = files.into_iter().find(|one| one.id.to_string() == file).ok_or(Fault::NotFound)?;
    files::take_away(&app, &person, found, &file).await?;
    Ok(StatusCode::NO_CONTENT)
}
