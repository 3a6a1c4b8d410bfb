//! REST of those whom health concerns: messages marked, the bell read, issues reported, mail of an issue retried and judged again, webhooks.

use super::{MessageBody, message_body};
use crate::App;
use crate::api::problem::Problem;
use crate::audit::{self, Entry};
use crate::health::hook::sql::{self as hook_sql, Hook};
use crate::health::message::{self, Mark};
use crate::health::page::rescan::{self, Rescanned};
use crate::health::page::{hit, hooks, issue, report};
use crate::page::Fault;
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(mark))
        .routes(routes!(send_report))
        .routes(routes!(retry))
        .routes(routes!(judge_again))
        .routes(routes!(list_hooks, add_hook))
        .routes(routes!(remove_hook))
        .routes(routes!(list_hook_events))
        .routes(routes!(repeat_hook_event))
}

/// What you make of a message. What is left out stays.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MessageMark {
    pub is_read: Option<bool>,
    pub is_archived: Option<bool>,
    pub is_favorite: Option<bool>,
}

/// Marks a message for yourself.
#[utoipa::path(put, path = "/health/messages/{message}/mark", tag = "health", request_body = MessageMark,
    params(("message" = String, Path, description = "Such as MC100001")), responses(
    (status = 200, description = "The message as you have it now", body = MessageBody),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or it is not yours"),
))]
async fn mark(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(wish): Json<MessageMark>,
) -> Result<Json<MessageBody>, Fault> {
    let (scope, reader, number) = (person.scope(), person.id, message::number(&id).ok_or(Fault::NotFound)?);
    let wanted = Mark { read: wish.is_read, archived: wish.is_archived, favourite: wish.is_favorite };
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            if message::find(tx, scope, reader, number).await?.is_none() {
                return Ok(None);
            }
            message::mark(tx, reader, number, wanted).await?;
            message::find(tx, scope, reader, number).await
        })
    });
    let found = work.await.map_err(Fault::from)?.ok_or(Fault::NotFound)?;
    app.health.ring();
    Ok(Json(message_body(&found)))
}

/// Something that does not work.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReportWish {
    /// Such as "intake".
    pub service: String,
    /// What you see, 1 to 2000 characters.
    pub text: String,
}

/// What became of a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reported {
    /// The issue that it belongs to; null: none is known yet.
    pub issue: Option<String>,
}

/// Says that something does not work. It is compared with what is measured and with what others say.
#[utoipa::path(post, path = "/health/reports", tag = "health", request_body = ReportWish, responses(
    (status = 201, description = "Taken", body = Reported),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "Not signed in"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "Fields are wrong"),
))]
async fn send_report(State(app): State<App>, person: Person, Json(wish): Json<ReportWish>) -> Result<(StatusCode, Json<Reported>), Fault> {
    let service = report::checked(&wish.service, &wish.text).map_err(Fault::Invalid)?;
    let issue = report::take(&app, &person, &service, wish.text.trim()).await?;
    Ok((StatusCode::CREATED, Json(Reported { issue: issue.map(|id| id.to_string()) })))
}

/// How many recipients were made due.
#[derive(Debug, Serialize, ToSchema)]
pub struct Retried {
    pub recipients: usize,
}

/// Tries what still waits of an issue's mails now.
#[utoipa::path(post, path = "/health/issues/{issue}/retry", tag = "health", params(("issue" = String, Path, description = "Such as EX100001")), responses(
    (status = 200, description = "Due now", body = Retried),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or it is not yours"),
))]
async fn retry(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<Retried>, Fault> {
    let (issue, _) = issue::read(&app, &person, &id).await?;
    Ok(Json(Retried { recipients: hit::retry_all(&app, &person, &issue).await? }))
}

/// Judges held mail that an issue of filtering may have taken again, and releases what is good now. Asks nobody first.
#[utoipa::path(post, path = "/health/issues/{issue}/rescan", tag = "health", params(("issue" = String, Path, description = "Such as EX100001")), responses(
    (status = 200, description = "Released, still held, and not looked at yet: ask again for those", body = Rescanned),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or it is not yours"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The issue is not about filtering"),
))]
async fn judge_again(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<Rescanned>, Fault> {
    let (issue, mails) = rescan::held(&app, &person, &id).await?;
    Ok(Json(rescan::all(&app, &person, &issue, mails).await?))
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct HookBody {
    pub id: String,
    /// "events": CloudEvents, signed. "ntfy": pushed to a topic.
    pub kind: String,
    pub url: String,
    /// Signs what is sent, as Standard Webhooks says; "" for a topic, and when it was sealed with another key.
    pub secret: String,
    /// What the last try was answered with; "" is none yet.
    pub answer: String,
    /// What it hears of: "health", "mail", "held", "quarantine", "request", "audit" (needs the permission to read the audit log).
    pub topics: Vec<String>,
}

impl From<Hook> for HookBody {
    fn from(hook: Hook) -> HookBody {
        let secret = if hook.kind == "events" { hook.secret } else { String::new() };
        let topics = hook.topics.split_whitespace().map(str::to_string).collect();
        HookBody { id: hook.id.to_string(), kind: hook.kind, url: hook.url, secret, answer: hook.answer, topics }
    }
}

/// Webhooks of your organization.
#[utoipa::path(get, path = "/health/hooks", tag = "health", responses(
    (status = 200, description = "All of them", body = Vec<HookBody>),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
))]
async fn list_hooks(State(app): State<App>, person: Person) -> Result<Json<Vec<HookBody>>, Fault> {
    person.require(May::Connectors)?;
    let scope = person.scope();
    let hooks = app.db.read(move |tx| Box::pin(async move { hook_sql::hooks(tx, scope).await })).await.map_err(Fault::from)?;
    Ok(Json(hooks.into_iter().map(|hook| hook.opened(&app.seal).into()).collect()))
}

/// Where events are to be sent.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HookWish {
    /// "events" or "ntfy"; left out: events.
    pub kind: String,
    /// Where events are posted, or the address of a topic.
    pub url: String,
    /// Access token of a topic, if it needs one.
    pub token: String,
    /// What it is to hear of, as in a webhook; none: "health".
    pub topics: Vec<String>,
}

/// Adds a webhook; the secret is made here.
#[utoipa::path(post, path = "/health/hooks", tag = "health", request_body = HookWish, responses(
    (status = 201, description = "Added", body = HookBody),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "The address is none, or there are too many"),
))]
async fn add_hook(State(app): State<App>, person: Person, Json(wish): Json<HookWish>) -> Result<(StatusCode, Json<HookBody>), Fault> {
    person.require(May::Connectors)?;
    let hook = hooks::make(
        &app,
        &person,
        &hooks::New { kind: wish.kind, url: wish.url, token: wish.token, ..hooks::New::default() }.hearing(&wish.topics),
    )
    .await?
    .map_err(|wrong| Fault::Invalid(vec![wrong]))?;
    Ok((StatusCode::CREATED, Json(hook.into())))
}

/// An event that was sent, or waits to be.
#[derive(Debug, Serialize, ToSchema)]
struct HookEventBody {
    id: String,
    /// What is sent, CloudEvents 1.0.
    event: serde_json::Value,
    tries: i64,
    /// Unix milliseconds of the next try; 0 is none.
    next_ms: i64,
    /// What the last try was answered with; "" is none yet.
    answer: String,
}

/// What was sent to a webhook: the last hundred events, newest first.
#[utoipa::path(get, path = "/health/hooks/{hook}/events", tag = "health", params(("hook" = String, Path)), responses(
    (status = 200, description = "The events", body = Vec<HookEventBody>),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or it is not yours"),
))]
async fn list_hook_events(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<Vec<HookEventBody>>, Fault> {
    let (_, sent) = hooks::logged(&app, &person, &id).await?;
    let body = |row: hook_sql::Sent| HookEventBody {
        id: row.id.to_string(),
        event: serde_json::from_str(&row.event).unwrap_or_default(),
        tries: row.tries,
        next_ms: row.next_ms,
        answer: row.answer,
    };
    Ok(Json(sent.into_iter().map(body).collect()))
}

/// Sends an event again, with all its tries.
#[utoipa::path(post, path = "/health/hooks/{hook}/events/{event}/again", tag = "health", params(("hook" = String, Path), ("event" = String, Path)), responses(
    (status = 204, description = "It is sent within seconds"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or it is not yours"),
))]
async fn repeat_hook_event(State(app): State<App>, person: Person, Path((id, event)): Path<(String, String)>) -> Result<StatusCode, Fault> {
    hooks::repeat(&app, &person, &id, &event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a webhook, with what it still had to be sent.
#[utoipa::path(delete, path = "/health/hooks/{hook}", tag = "health", params(("hook" = String, Path)), responses(
    (status = 204, description = "Gone"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "Not permitted"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "There is none, or it is not yours"),
))]
async fn remove_hook(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    person.require(May::Connectors)?;
    let (id, scope, ids, now_ms): (i64, _, _, _) =
        (id.parse().map_err(|_| Fault::NotFound)?, person.scope(), app.ids.clone(), app.now_ms());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let is_gone = hook_sql::remove(tx, scope, id).await?;
            if is_gone {
                audit::note(tx, &person, &ids, now_ms, Entry::new(person.org, "health.unhook", id)).await?;
            }
            Ok::<_, Error>(is_gone)
        })
    });
    if work.await.map_err(Fault::from)? { Ok(StatusCode::NO_CONTENT) } else { Err(Fault::NotFound) }
}
