//! Files of requests as pages: uploading, looking at what is left of a text, fetching. Nothing of a file is ever shown as a page of ours.

use super::change::At;
use super::file::{self, Owner};
use super::model::{By, File, Side, Via};
use super::page::{read_form, uploaded};
use super::{Reader, change, detail};
use crate::App;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::Person;
use askama::Template;
use axum::extract::{Path, Request as HttpRequest, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use mail::id::{FileId, RequestId};

fn known(request: &str, file: &str) -> Result<(RequestId, FileId), Fault> {
    match (request.parse(), file.parse()) {
        (Ok(request), Ok(file)) => Ok((request, file)),
        _ => Err(Fault::NotFound),
    }
}

/// `POST /requests/{request}/files`: files that go with the next word.
pub async fn upload(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, request: HttpRequest) -> Page {
    let (reader, request_id): (_, RequestId) = (Reader::of(&person)?, id.parse().map_err(|_| Fault::NotFound)?);
    let found = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, request_id).await })).await?;
    let read = read_form(request).await?;
    let hides = read.value("show_secrets") != "on";
    let owner = Owner { org: found.org, person: person.id, request: Some(request_id) };
    let count = read.files.len();
    let (_, wrong) = uploaded(&At::new(&app, By::of(&person, reader.side(&person, &found), Via::Web)), owner, read.files, hides).await?;
    if wrong.is_empty() {
        return done(&format!("/requests/{id}#files"), Say::new("request-files-added").with("count", count));
    }
    let whole = detail::whole(&app, &person, &id).await?;
    detail::shown(&view, &whole, (StatusCode::UNPROCESSABLE_ENTITY, &Shown::default().with_wrong(wrong)))
}

/// A file of a request that this person may read.
pub async fn found(app: &App, person: &Person, (request, id): (&str, &str)) -> Result<(File, Bytes), Fault> {
    let (reader, (request, id)) = (Reader::of(person)?, known(request, id)?);
    let of = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, request).await })).await?;
    let is_support = reader.side(person, &of) == Side::Support;
    file::read(app, reader.scope, (request, id), (person.id, is_support)).await
}

/// A download that no browser runs or shows: its type says nothing, its name is given twice (RFC 6266 §4.3), and it has no rights here.
pub fn as_download(file: &File, octets: Bytes) -> Response {
    let plain: String =
        file.name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' }).collect();
    let exact: String = file
        .name
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_') { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect();
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox".to_string()),
        (header::CACHE_CONTROL, "no-store".to_string()),
    ];
    (headers, octets).into_response()
}

/// `GET /requests/{request}/files/{file}`.
pub async fn download(State(app): State<App>, person: Person, Path((request, id)): Path<(String, String)>) -> Page {
    let (file, octets) = found(&app, &person, (&request, &id)).await?;
    Ok(as_download(&file, octets))
}

#[derive(Template)]
#[template(path = "service_request/templates/text.html")]
struct TextPage<'a> {
    view: &'a View,
    request: &'a str,
    file: &'a File,
    text: &'a str,
}

/// `GET /requests/{request}/files/{file}/text`: what support reads of a text.
pub async fn text(State(app): State<App>, view: View, person: Person, Path((request, id)): Path<(String, String)>) -> Page {
    let (file, octets) = found(&app, &person, (&request, &id)).await?;
    let text = std::str::from_utf8(&octets).ok().filter(|_| octets.len() <= file::TEXT_OCTETS_MAX && file.is_text());
    let text = text.ok_or_else(|| Fault::Conflict(Say::new("request-file-no-text")))?;
    show(&TextPage { view: &view, request: &request, file: &file, text })
}

/// `POST /requests/{request}/files/{file}/remove`: one that was not sent yet.
pub async fn remove(State(app): State<App>, person: Person, Path((request, id)): Path<(String, String)>) -> Page {
    let (reader, (_, file)) = (Reader::of(&person)?, known(&request, &id)?);
    file::remove(&At::new(&app, By::of(&person, Side::Requester, Via::Web)), reader.scope, file).await?;
    done(&format!("/requests/{request}#files"), Say::new("request-done"))
}
