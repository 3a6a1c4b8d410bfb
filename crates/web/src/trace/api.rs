//! `/api/v1/trace`: mails, one mail with its story, what was refused, and what can be done. What is serialised here is promised.

use super::actions::{self, Queued};
use super::{Asked, again, kept_since_ms, story};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway::trace::api::{EventBody, ListBody, MailBody, RecipientBody};
use gateway::trace::{self, RefusalQuery};
use mail::MailId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(refused))
        .routes(routes!(one))
        .routes(routes!(message))
        .routes(routes!(retry))
        .routes(routes!(cancel))
        .routes(routes!(report))
        .routes(routes!(judge_again))
        .merge(super::header_api::routes())
        .merge(super::message_trace::routes())
}

/// One mail.
#[derive(Debug, Serialize, ToSchema)]
struct Mail {
    mail: String,
    received_ms: i64,
    /// "inbound", "outbound" or "internal".
    direction: String,
    peer_ip: String,
    /// "" is the null reverse-path.
    sender: String,
    message_id: String,
    subject: String,
    octets: i64,
    verdict: String,
    /// At most 50.
    recipients: Vec<Recipient>,
    /// How many there are.
    recipients_count: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Recipient {
    n: i64,
    /// Where it goes.
    address: String,
    /// As the peer gave it.
    original: String,
    /// "queued", "delivered", "bounced", "held", "deleted" or "expired".
    state: String,
    tries: i64,
    /// Next attempt (queued) or end of keeping (held).
    next_ms: Option<i64>,
    last_reply: String,
    settled_ms: Option<i64>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
struct Event {
    event: String,
    /// Null for a refusal before there was a mail.
    mail: Option<String>,
    at_ms: i64,
    kind: String,
    /// "" when it concerns the whole mail.
    recipient: String,
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

impl From<MailBody> for Mail {
    fn from(mail: MailBody) -> Mail {
        Mail {
            mail: mail.mail.to_string(),
            received_ms: mail.at_ms,
            direction: mail.direction,
            peer_ip: mail.peer_ip,
            sender: mail.sender,
            message_id: mail.message_id,
            subject: mail.subject,
            octets: mail.octets,
            verdict: mail.verdict,
            recipients: mail.recipients.into_iter().map(Recipient::from).collect(),
            recipients_count: mail.recipients_count,
        }
    }
}

impl From<RecipientBody> for Recipient {
    fn from(one: RecipientBody) -> Recipient {
        Recipient {
            n: one.n,
            address: one.address,
            original: one.original,
            state: one.state,
            tries: one.tries,
            next_ms: one.next_ms,
            last_reply: one.last_reply,
            settled_ms: one.settled_ms,
        }
    }
}

impl From<EventBody> for Event {
    fn from(event: EventBody) -> Event {
        Event {
            event: event.event.to_string(),
            mail: event.mail.map(|mail| mail.to_string()),
            at_ms: event.at_ms,
            kind: event.kind.into(),
            recipient: event.recipient,
            detail: event.detail,
        }
    }
}

/// Mails, and how far the list can be relied on.
#[derive(Debug, Serialize, ToSchema)]
struct Mails {
    rows: Vec<Mail>,
    /// Whether `rows` is everything that was asked for.
    is_complete: bool,
    /// Why it is not, in sentences.
    incomplete_because: Vec<String>,
    /// Pass it as `before` for what comes next; null at the end.
    next: Option<String>,
}

/// Refusals, and how far the list can be relied on.
#[derive(Debug, Serialize, ToSchema)]
struct Refusals {
    rows: Vec<Event>,
    is_complete: bool,
    incomplete_because: Vec<String>,
    /// Pass it as `before` for what comes next; null at the end.
    next: Option<String>,
}

/// Finds mails, newest first.
#[utoipa::path(get, path = "/trace", tag = "trace", params(Asked), responses((status = 200, description = "Mails", body = Mails)))]
async fn list(State(app): State<App>, view: View, person: Person, Query(asked): Query<Asked>) -> Result<Json<Mails>, Fault> {
    person.require(May::Trace)?;
    let (scope, query) = (person.scope(), asked.query(&view, kept_since_ms(&app))?);
    let found = app.db.read(move |tx| Box::pin(async move { trace::search(tx, scope, &query).await })).await.map_err(Fault::from)?;
    let ListBody { rows, is_complete, incomplete_because, next, .. } = found;
    Ok(Json(Mails { rows: rows.into_iter().map(Mail::from).collect(), is_complete, incomplete_because, next }))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct WantedRefusals {
    /// An address, or `@domain`.
    sender: String,
    recipient: String,
    ip: String,
    /// Go on after this: `next` of the last answer.
    before: String,
}

/// Connections and mails that were turned away, newest first.
#[utoipa::path(get, path = "/trace/refused", tag = "trace", params(WantedRefusals), responses((status = 200, description = "Refusals", body = Refusals)))]
async fn refused(State(app): State<App>, person: Person, Query(wanted): Query<WantedRefusals>) -> Result<Json<Refusals>, Fault> {
    person.require(May::Trace)?;
    let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
    let mut wrong = Vec::new();
    let ip = some(&wanted.ip).and_then(|ip| ip.parse().map_err(|_| wrong.push(Wrong::new("ip", "trace-wrong-ip"))).ok());
    let before = some(&wanted.before).and_then(|id| id.parse().map_err(|_| wrong.push(Wrong::new("before", "trace-wrong-cursor"))).ok());
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let (sender, recipient) = (some(&wanted.sender), some(&wanted.recipient));
    let query = RefusalQuery { sender, recipient, ip, before, limit: super::ROWS, ..RefusalQuery::default() };
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { trace::refusals(tx, scope, &query).await })).await.map_err(Fault::from)?;
    let ListBody { rows, is_complete, incomplete_because, next, .. } = found;
    Ok(Json(Refusals { rows: rows.into_iter().map(Event::from).collect(), is_complete, incomplete_because, next }))
}

/// One mail with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
struct Whole {
    /// Null when it was refused before it was taken.
    mail: Option<Mail>,
    events: Vec<Event>,
    /// The receipt as it was stored with the mail; null without one.
    #[schema(value_type = Option<Object>)]
    receipt: serde_json::Value,
}

fn known(id: &str) -> Result<MailId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

/// One mail: recipients, events, receipt.
#[utoipa::path(get, path = "/trace/{mail}", tag = "trace", params(("mail" = String, Path)), responses((status = 200, description = "The mail", body = Whole)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<Whole>, Fault> {
    person.require(May::Trace)?;
    let story = story::read(&app, &person, known(&id)?).await?;
    Ok(Json(Whole {
        mail: story.row.map(Mail::from),
        events: story.events.into_iter().map(Event::from).collect(),
        receipt: serde_json::from_str(&story.receipt_json).unwrap_or_default(),
    }))
}

/// The message as it would be sent on, while it is kept. Reading it is noted in the audit log.
#[utoipa::path(get, path = "/trace/{mail}/message", tag = "trace", params(("mail" = String, Path)), responses(
    (status = 200, description = "The message (RFC 5322)", content_type = "application/octet-stream", body = Vec<u8>),
    (status = 409, description = "Its content is not kept any more", body = crate::api::problem::Problem, content_type = "application/problem+json"),
))]
async fn message(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Response, Fault> {
    person.require(May::ReadMail)?;
    let octets = actions::export(&app, &person, known(&id)?).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], octets).into_response())
}

/// For how many recipients it was done.
#[derive(Debug, Serialize, ToSchema)]
struct TraceDone {
    recipients: usize,
}

/// Tries now what is waiting for delivery.
#[utoipa::path(post, path = "/trace/{mail}/retry", tag = "trace", params(("mail" = String, Path)), responses((status = 200, description = "Tried again now", body = TraceDone)))]
async fn retry(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<TraceDone>, Fault> {
    person.require(May::Release)?;
    Ok(Json(TraceDone { recipients: actions::on_queue(&app, &person, known(&id)?, Queued::Retry).await? }))
}

/// Ends delivery to those who are still waiting. It cannot be undone; the sender is not told.
#[utoipa::path(post, path = "/trace/{mail}/cancel", tag = "trace", params(("mail" = String, Path)), responses((status = 200, description = "Ended", body = TraceDone)))]
async fn cancel(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<TraceDone>, Fault> {
    person.require(May::Release)?;
    Ok(Json(TraceDone { recipients: actions::on_queue(&app, &person, known(&id)?, Queued::Cancel).await? }))
}

/// What it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Word {
    /// "good", "junk" or "phish".
    label: String,
}

/// Says what a mail is; the filter learns it for the organisation.
#[utoipa::path(post, path = "/trace/{mail}/report", tag = "trace", params(("mail" = String, Path)), request_body = Word, responses((status = 204, description = "Learned")))]
async fn report(State(app): State<App>, person: Person, Path(id): Path<String>, Json(word): Json<Word>) -> Result<StatusCode, Fault> {
    person.require(May::Release)?;
    actions::report(&app, &person, known(&id)?, actions::label(&word.label)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One judgement.
#[derive(Debug, Serialize, ToSchema)]
struct Judgement {
    verdict: String,
    scl: i8,
    bcl: u8,
    spam_probability: f32,
    phish_probability: f32,
    /// Checks that found something.
    checks: Vec<String>,
}

/// Then and now.
#[derive(Debug, Serialize, ToSchema)]
struct Both {
    then: Judgement,
    now: Judgement,
}

fn judgement(verdict: &detect::Verdict, findings: &[detect::Finding]) -> Judgement {
    let name = serde_json::to_value(verdict.class).ok().and_then(|name| name.as_str().map(str::to_string));
    Judgement {
        verdict: name.unwrap_or_default(),
        scl: verdict.scl,
        bcl: verdict.bcl,
        spam_probability: verdict.spam_probability,
        phish_probability: verdict.phish_probability,
        checks: findings.iter().map(|finding| finding.check.to_string()).collect(),
    }
}

/// Judges a mail again as it would be judged today, beside what was judged then. Nothing is changed.
#[utoipa::path(post, path = "/trace/{mail}/again", tag = "trace", params(("mail" = String, Path)), responses((status = 200, description = "Then and now", body = Both)))]
async fn judge_again(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<Both>, Fault> {
    let both = again::compared(&app, &person, known(&id)?).await?;
    Ok(Json(Both { then: judgement(&both.then.verdict, &both.then.findings), now: judgement(&both.now.verdict, &both.now.findings) }))
}
