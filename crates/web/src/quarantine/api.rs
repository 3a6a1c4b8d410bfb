//! `/api/v1/quarantine`: held mail and requests. What is serialised here is promised. Policies and digests: `policy::api`.

use super::decide::{self, Verb};
use super::list::{Asked, cursor, seen, written};
use super::policy;
use super::{Powers, held, powers, request, sql};
use crate::App;
use crate::page::Fault;
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use gateway::quarantine::api::HeldBody;
use mail::MailId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one, delete))
        .routes(routes!(text))
        .routes(routes!(release))
        .routes(routes!(ask))
        .routes(routes!(requests))
        .routes(routes!(approve))
        .routes(routes!(deny))
        .merge(policy::api::routes())
}

/// What to list. What is "" does not matter.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Wanted {
    recipient: String,
    sender: String,
    /// Part of the subject, in any case.
    subject: String,
    verdict: String,
    /// Only what is held for the asker; so it is for those who may not see the organisation's.
    mine: bool,
    /// Go on after this: `next` of the last answer.
    after: String,
}

/// One mail held for one recipient.
#[derive(Debug, Serialize, ToSchema)]
struct Row {
    mail: String,
    /// Number of the recipient in its mail.
    n: i64,
    received_ms: i64,
    until_ms: i64,
    sender: String,
    recipient: String,
    subject: String,
    message_id: String,
    peer_ip: String,
    verdict: String,
    octets: i64,
    may: MayDo,
}

/// What the asker may do with it.
#[derive(Debug, Serialize, ToSchema)]
struct MayDo {
    header: bool,
    preview: bool,
    download: bool,
    release: bool,
    request: bool,
    delete: bool,
    allow: bool,
    block: bool,
}

impl From<Powers> for MayDo {
    fn from(powers: Powers) -> MayDo {
        MayDo {
            header: powers.header,
            preview: powers.preview,
            download: powers.download,
            release: powers.release,
            request: powers.ask,
            delete: powers.delete,
            allow: powers.allow,
            block: powers.block,
        }
    }
}

fn row(held: &HeldBody, powers: Powers) -> Row {
    Row {
        mail: held.mail.to_string(),
        n: held.n,
        received_ms: held.at_ms,
        until_ms: held.until_ms,
        sender: held.sender.clone(),
        recipient: held.recipient.clone(),
        subject: held.subject.clone(),
        message_id: held.message_id.clone(),
        peer_ip: held.peer_ip.clone(),
        verdict: held.verdict.clone(),
        octets: held.octets,
        may: powers.into(),
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Rows {
    rows: Vec<Row>,
    /// Pass it as `after` for what comes next; null at the end.
    next: Option<String>,
}

/// Lists held mail, newest first.
#[utoipa::path(get, path = "/quarantine", tag = "quarantine", params(Wanted), responses((status = 200, description = "Held mail", body = Rows)))]
async fn list(State(app): State<App>, person: Person, Query(wanted): Query<Wanted>) -> Result<Json<Rows>, Fault> {
    let is_mine = wanted.mine || !person.may(May::Quarantine);
    person.require(if is_mine { May::OwnQuarantine } else { May::Quarantine })?;
    let pairs = [
        ("recipient", wanted.recipient),
        ("sender", wanted.sender),
        ("subject", wanted.subject),
        ("verdict", wanted.verdict),
        ("after", wanted.after.clone()),
    ]
    .map(|(name, value)| (name.to_string(), value));
    if !wanted.after.is_empty() && cursor(&wanted.after).is_none() {
        return Err(Fault::Invalid(vec![crate::page::fault::Wrong::new("after", "quarantine-wrong-cursor")]));
    }
    let own = is_mine.then(|| person.email.clone());
    let rules = policy::rules(&app, &person).await?;
    let (rows, next) = seen(&app, &person, Asked::of_pairs(&pairs, own).filter()).await?;
    let rows = rows.iter().map(|held| row(held, powers(&person, held, &rules))).collect();
    Ok(Json(Rows { rows, next: next.map(written) }))
}

/// The held rows of a mail that the person may see.
async fn rows_of(app: &App, person: &Person, id: &str) -> Result<Vec<(HeldBody, Powers)>, Fault> {
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let rules = policy::rules(app, person).await?;
    let rows = app.quarantine.rows(person.scope(), mail).await?.into_iter();
    let seen: Vec<_> = rows.map(|held| (powers(person, &held, &rules), held)).filter(|(powers, _)| powers.see).collect();
    if seen.is_empty() { Err(Fault::NotFound) } else { Ok(seen.into_iter().map(|(powers, held)| (held, powers)).collect()) }
}

/// Each recipient for whom one mail is held.
#[utoipa::path(get, path = "/quarantine/{mail}", tag = "quarantine", params(("mail" = String, Path)),
    responses((status = 200, description = "Its held recipients", body = Rows)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<Rows>, Fault> {
    let rows = rows_of(&app, &person, &id).await?;
    Ok(Json(Rows { rows: rows.iter().map(|(held, powers)| row(held, *powers)).collect(), next: None }))
}

/// The content, made safe.
#[derive(Debug, Serialize, ToSchema)]
struct Content {
    /// Empty for those who may not see it.
    header: Vec<HeaderField>,
    texts: Vec<TextPart>,
    attachments: Vec<File>,
    links: Vec<LinkOf>,
    /// Something was left out because it is large.
    is_cut: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct HeaderField {
    name: String,
    value: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct TextPart {
    is_html: bool,
    /// What its reader would see.
    visible: String,
    /// What HTML hides from its reader.
    hidden: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct File {
    name: String,
    declared_type: String,
    /// Usual extension of what it really is.
    true_type: String,
    octets: u64,
    /// In hex.
    sha256: String,
    is_encrypted: bool,
}

#[derive(Debug, Serialize, ToSchema)]
struct LinkOf {
    text: String,
    target: String,
}

/// What is in it, as text. Reading somebody else's is noted in the audit log.
#[utoipa::path(get, path = "/quarantine/{mail}/text", tag = "quarantine", params(("mail" = String, Path)),
    responses((status = 200, description = "Its content as text", body = Content)))]
async fn text(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<Content>, Fault> {
    let rows = rows_of(&app, &person, &id).await?;
    let (first, powers) = rows.iter().find(|(_, powers)| powers.preview).ok_or(Fault::Denied(May::ReadMail))?;
    let shown = held::read(&app, &person, first).await?;
    let header = shown.header.into_iter().filter(|_| powers.header);
    let file = |one: gateway::quarantine::api::AttachmentBody| File {
        name: one.name,
        declared_type: one.declared_type,
        true_type: one.true_type,
        octets: one.octets,
        sha256: one.sha256,
        is_encrypted: one.is_encrypted,
    };
    let part = |one: gateway::quarantine::api::TextBody| TextPart { is_html: one.is_html, visible: one.visible, hidden: one.hidden };
    Ok(Json(Content {
        header: header.map(|field| HeaderField { name: field.name, value: field.value }).collect(),
        texts: shown.texts.into_iter().map(part).collect(),
        attachments: shown.attachments.into_iter().map(file).collect(),
        links: shown.links.into_iter().map(|link| LinkOf { text: link.text, target: link.target }).collect(),
        is_cut: shown.is_cut,
    }))
}

/// For whom.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Release {
    /// Number of the recipient; without it everybody for whom it is held.
    n: Option<i64>,
    /// Also tell the filter that it is not junk.
    not_junk: bool,
}

/// For how many recipients it was done.
#[derive(Debug, Serialize, ToSchema)]
struct QuarantineDone {
    recipients: usize,
}

/// Delivers a held mail to its recipients.
#[utoipa::path(post, path = "/quarantine/{mail}/release", tag = "quarantine", params(("mail" = String, Path)), request_body = Release,
    responses((status = 200, description = "On its way", body = QuarantineDone)))]
async fn release(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(asked): Json<Release>,
) -> Result<Json<QuarantineDone>, Fault> {
    let rows = rows_of(&app, &person, &id).await?;
    let mail = rows.first().map(|(held, _)| held.mail).ok_or(Fault::NotFound)?;
    let octets = if asked.not_junk { app.quarantine.octets(person.scope(), mail).await.ok() } else { None };
    let done = decided(&app, &person, (rows, asked.n), Verb::Release).await?;
    if let Some(octets) = octets {
        decide::report(&app, &person, mail, octets).await?;
    }
    Ok(Json(done))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct Only {
    /// Number of the recipient; without it everybody for whom it is held.
    n: Option<i64>,
}

/// Deletes a held mail for ever.
#[utoipa::path(delete, path = "/quarantine/{mail}", tag = "quarantine", params(("mail" = String, Path), Only),
    responses((status = 200, description = "Gone", body = QuarantineDone)))]
async fn delete(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Query(only): Query<Only>,
) -> Result<Json<QuarantineDone>, Fault> {
    let rows = rows_of(&app, &person, &id).await?;
    Ok(Json(decided(&app, &person, (rows, only.n), Verb::Delete).await?))
}

/// Decides about the recipient with this number, or about all of them.
async fn decided(app: &App, person: &Person, of: (Vec<(HeldBody, Powers)>, Option<i64>), verb: Verb) -> Result<QuarantineDone, Fault> {
    let (rows, n) = of;
    let rules = policy::rules(app, person).await?;
    let chosen: Vec<HeldBody> = rows.into_iter().map(|(held, _)| held).filter(|held| n.is_none_or(|n| n == held.n)).collect();
    if chosen.is_empty() {
        return Err(Fault::NotFound);
    }
    let mut recipients = 0;
    for held in chosen {
        recipients += decide::one(app, person, ((held.mail, held.n), verb), &rules).await?;
    }
    Ok(QuarantineDone { recipients })
}

/// Why it should be released, and for which recipient.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct NewRequest {
    /// Number of the recipient.
    n: i64,
    /// 1 to 1000 characters.
    reason: String,
}

/// One request to release.
#[derive(Debug, Serialize, ToSchema)]
struct RequestBody {
    id: String,
    mail: String,
    n: Option<i64>,
    who: String,
    reason: String,
    until_ms: i64,
    /// "open", "approved" or "denied".
    state: String,
    decided_by: String,
    answer: String,
    /// Malware: who agreed as the first of two; "" while nobody did.
    first_of_two: String,
}

impl From<sql::Request> for RequestBody {
    fn from(request: sql::Request) -> RequestBody {
        RequestBody {
            id: request.id.to_string(),
            mail: request.mail.to_string(),
            n: request.n,
            who: request.who,
            reason: request.reason,
            until_ms: request.until_ms,
            state: request.state,
            decided_by: request.decided_by,
            answer: request.answer,
            first_of_two: request.first_who,
        }
    }
}

/// Asks for the release of a held mail; for malware, as the first of two persons.
#[utoipa::path(post, path = "/quarantine/{mail}/request", tag = "quarantine", params(("mail" = String, Path)), request_body = NewRequest,
    responses((status = 201, description = "Asked", body = RequestBody)))]
async fn ask(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(new): Json<NewRequest>,
) -> Result<(StatusCode, Json<RequestBody>), Fault> {
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    let made = request::make(&app, &person, (mail, new.n), &new.reason).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

#[derive(Debug, Serialize, ToSchema)]
struct Requests {
    rows: Vec<RequestBody>,
}

/// Requests that wait for an answer, oldest first; at most 200.
#[utoipa::path(get, path = "/quarantine/requests", tag = "quarantine", responses((status = 200, description = "Open requests", body = Requests)))]
async fn requests(State(app): State<App>, person: Person) -> Result<Json<Requests>, Fault> {
    let rows = request::open(&app, &person).await?.into_iter().map(RequestBody::from).collect();
    Ok(Json(Requests { rows }))
}

/// Words for whoever asked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Words {
    answer: String,
}

/// What became of a request.
#[derive(Debug, Serialize, ToSchema)]
struct Outcome {
    /// "released", "needs-second" or "denied".
    outcome: &'static str,
}

async fn answer(app: &App, person: &Person, id: &str, given: (bool, &str)) -> Result<Json<Outcome>, Fault> {
    person.require(May::Release)?;
    let id = id.parse().map_err(|_| Fault::NotFound)?;
    let outcome = match request::answered(app, person, id, given).await? {
        request::Answered::Released => "released",
        request::Answered::First => "needs-second",
        request::Answered::Denied => "denied",
    };
    Ok(Json(Outcome { outcome }))
}

/// Agrees to a request. Malware is released when two persons agreed.
#[utoipa::path(post, path = "/quarantine/requests/{id}/approve", tag = "quarantine", params(("id" = String, Path)), request_body = Words,
    responses((status = 200, description = "Answered", body = Outcome)))]
async fn approve(State(app): State<App>, person: Person, Path(id): Path<String>, Json(words): Json<Words>) -> Result<Json<Outcome>, Fault> {
    answer(&app, &person, &id, (true, &words.answer)).await
}

/// Denies a request.
#[utoipa::path(post, path = "/quarantine/requests/{id}/deny", tag = "quarantine", params(("id" = String, Path)), request_body = Words,
    responses((status = 200, description = "Answered", body = Outcome)))]
async fn deny(State(app): State<App>, person: Person, Path(id): Path<String>, Json(words): Json<Words>) -> Result<Json<Outcome>, Fault> {
    answer(&app, &person, &id, (false, &words.answer)).await
}
