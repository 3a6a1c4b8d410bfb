//! Files of messages: saved by those whom the message concerns, added and removed by those who run the service.

use super::super::file::{self, Attached, FILE_OCTETS_MAX, FILES_MAX, New};
use super::super::message::{self, Message};
use super::messages;
use crate::App;
use crate::audit::{self, Entry};
use crate::page::confirm::{self, Confirm};
use crate::page::fault::Wrong;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, done};
use crate::people::{May, Person};
use axum::Form;
use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::Deserialize;
use store::Error;

/// A form with as many files as a message may have, and what stands around them.
pub const FORM_OCTETS_MAX: usize = FILES_MAX * (FILE_OCTETS_MAX + 2_048);

/// What somebody sent for a message.
pub struct Sent {
    pub name: String,
    pub kind: String,
    pub octets: Bytes,
}

async fn of_message(app: &App, person: &Person, number: i64) -> Result<Vec<Attached>, Fault> {
    let scope = person.scope();
    Ok(app.db.read(move |tx| Box::pin(async move { file::list(tx, scope, number).await })).await?)
}

/// Files of a message that this person may read.
pub async fn list(app: &App, person: &Person, id: &str) -> Result<(Message, Vec<Attached>), Fault> {
    let message = messages::find(app, person, id).await?;
    let files = of_message(app, person, message.number).await?;
    Ok((message, files))
}

/// One file of a message that this person may read.
pub async fn read(app: &App, person: &Person, (message, file): (&str, &str)) -> Result<(Attached, Bytes), Fault> {
    let number = messages::find(app, person, message).await?.number;
    let (scope, file): (_, i64) = (person.scope(), file.parse().map_err(|_| Fault::NotFound)?);
    let found = app.db.read(move |tx| Box::pin(async move { file::find(tx, scope, number, file).await })).await?;
    found.ok_or(Fault::NotFound)
}

/// Adds files to a message, all or none; what is wrong with them otherwise.
pub async fn add(app: &App, person: &Person, found: Message, sent: Vec<Sent>) -> Result<Result<Vec<Attached>, Wrong>, Fault> {
    person.require(May::Operate)?;
    let known = of_message(app, person, found.number).await?;
    let new = match checked(app, &known, sent) {
        Ok(new) => new,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let added: Vec<i64> = new.iter().map(|file| file.id).collect();
    let (ids, now_ms, who, number) = (app.ids.clone(), app.now_ms(), person.clone(), found.number);
    let message = Message { updated_ms: now_ms, ..found };
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            message::put(tx, &message).await?;
            for file in &new {
                file::put(tx, &message, file).await?;
                let entry = Entry::new(org_of(&message), "health.attach", message.id());
                audit::note(tx, &who, &ids, now_ms, entry.with(serde_json::json!({ "file": file.name }))).await?;
            }
            Ok::<_, Error>(())
        })
    });
    work.await.map_err(Fault::from)?;
    app.health.ring();
    let all = of_message(app, person, number).await?;
    Ok(Ok(all.into_iter().filter(|file| added.contains(&file.id)).collect()))
}

fn org_of(message: &Message) -> Option<mail::OrgId> {
    Some(mail::OrgId(message.org)).filter(|org| org.0 != 0)
}

/// Files as they may be kept beside those that are there.
fn checked(app: &App, known: &[Attached], sent: Vec<Sent>) -> Result<Vec<New>, Wrong> {
    let wrong = |key| Err(Wrong::new("files", key));
    if sent.is_empty() {
        return wrong("health-wrong-file-none");
    }
    if known.len() + sent.len() > FILES_MAX {
        return wrong("health-wrong-file-many");
    }
    let mut names: Vec<String> = known.iter().map(|file| file.name.to_lowercase()).collect();
    let mut new = Vec::new();
    for one in sent {
        let Some(name) = file::name(&one.name) else { return wrong("health-wrong-file-name") };
        if one.octets.is_empty() || one.octets.len() > FILE_OCTETS_MAX {
            return wrong("health-wrong-file-size");
        }
        if names.contains(&name.to_lowercase()) {
            return wrong("health-wrong-file-twice");
        }
        names.push(name.to_lowercase());
        new.push(New { id: app.fresh_id(), name, kind: file::kind(&one.kind), at_ms: app.now_ms(), octets: one.octets });
    }
    Ok(new)
}

/// Removes a file; [`Fault::NotFound`] when there is none.
pub async fn take_away(app: &App, person: &Person, found: Message, file: &Attached) -> Result<(), Fault> {
    person.require(May::Operate)?;
    let (ids, now_ms, who, file) = (app.ids.clone(), app.now_ms(), person.clone(), file.clone());
    let message = Message { updated_ms: now_ms, ..found };
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            if !file::remove(tx, message.number, file.id).await? {
                return Ok(false);
            }
            message::put(tx, &message).await?;
            let entry = Entry::new(org_of(&message), "health.detach", message.id());
            audit::note(tx, &who, &ids, now_ms, entry.with(serde_json::json!({ "file": file.name }))).await?;
            Ok::<_, Error>(true)
        })
    });
    if !work.await.map_err(Fault::from)? {
        return Err(Fault::NotFound);
    }
    app.health.ring();
    Ok(())
}

/// `GET /health/messages/{message}/files`: all of them, as a zip.
pub async fn archive(State(app): State<App>, person: Person, Path(id): Path<String>) -> Page {
    let (scope, number) = (person.scope(), messages::find(&app, &person, &id).await?.number);
    let files = app.db.read(move |tx| Box::pin(async move { file::all(tx, scope, number).await })).await.map_err(Fault::from)?;
    let zip = file::archive(&files).map_err(|why| Fault::Ours(why.to_string()))?;
    Ok((file::headers(&format!("{id}.zip"), "application/zip"), zip).into_response())
}

/// `GET /health/messages/{message}/files/{file}`.
pub async fn save(State(app): State<App>, person: Person, Path((message, file)): Path<(String, String)>) -> Page {
    let (file, octets) = read(&app, &person, (&message, &file)).await?;
    Ok((file::headers(&file.name, &file.kind), octets).into_response())
}

/// `POST /health/messages/{message}/files`, as a browser sends files (RFC 7578).
pub async fn attach(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, request: Request) -> Page {
    let found = messages::find(&app, &person, &id).await?;
    person.require(May::Operate)?;
    let sent = sent(request).await?;
    let count = sent.len();
    match add(&app, &person, found.clone(), sent).await? {
        Ok(_) => done(&format!("/health/messages/{id}#files"), Say::new("health-files-added").with("count", count)),
        Err(wrong) => {
            let form = Shown::default().with_wrong(vec![wrong]);
            messages::shown(&app, &view, &person, (&found, &form), StatusCode::UNPROCESSABLE_ENTITY).await
        }
    }
}

/// The files of a form. A field without a file has neither name nor octets.
async fn sent(request: Request) -> Result<Vec<Sent>, Fault> {
    let unreadable = |why: axum::extract::multipart::MultipartError| match why.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Fault::TooLarge,
        _ => Fault::Unreadable(why.body_text()),
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|why| Fault::Unreadable(why.body_text()))?;
    let mut sent = Vec::new();
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let (name, kind) = (field.file_name().map(str::to_string), field.content_type().unwrap_or_default().to_string());
        let octets = field.bytes().await.map_err(unreadable)?;
        match name {
            Some(name) if !(name.is_empty() && octets.is_empty()) && sent.len() <= FILES_MAX => sent.push(Sent { name, kind, octets }),
            _ => {}
        }
    }
    Ok(sent)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sure {
    sure: String,
}

/// `POST /health/messages/{message}/files/{file}/remove`.
pub async fn remove(
    State(app): State<App>,
    view: View,
    person: Person,
    Path((message, file)): Path<(String, String)>,
    Form(Sure { sure }): Form<Sure>,
) -> Page {
    let (found, files) = list(&app, &person, &message).await?;
    person.require(May::Operate)?;
    let file = files.into_iter().find(|one| one.id.to_string() == file).ok_or(Fault::NotFound)?;
    let back = format!("/health/messages/{message}#files");
    if sure.is_empty() {
        let ask = Confirm {
            title: Say::new("health-file-remove"),
            text: Say::new("health-file-remove-sure").with("what", file.name),
            button: "health-file-remove",
            action: format!("/health/messages/{message}/files/{}/remove", file.id),
            fields: Vec::new(),
            back,
        };
        return confirm::page(&view, &ask);
    }
    take_away(&app, &person, found, &file).await?;
    done(&back, Say::new("health-file-removed"))
}
