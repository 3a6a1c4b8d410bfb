//! `/api/v1/refused` for everybody, `/api/v1/second-looks` for those who answer.

use super::ask::{self, AskedLook};
use super::page::{self, Pasted, all, fits, found, tested};
use super::queue::{self, LookAnswer};
use super::sql::SecondLook;
use super::told::Told;
use super::{Turn, again};
use crate::App;
use crate::api::problem::Problem;
use crate::connectivity::api::ConnectivityStep;
use crate::page::fault::Wrong;
use crate::page::{Fault, View};
use crate::people::Person;
use crate::people::session::Peer;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(one))
        .routes(routes!(test))
        .routes(routes!(make))
        .routes(routes!(state))
        .routes(routes!(list))
        .routes(routes!(look))
        .routes(routes!(answer))
}

/// What was refused, as whoever sent it has it.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShownRefusal {
    /// A bounce, a reply, a log line, or only the code.
    pasted: String,
    /// The address that the mail was sent from, its domain, or the IP address that sent it; may be empty.
    from: String,
}

/// Where the mail came from.
#[derive(Debug, Clone, Default, Deserialize, IntoParams, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RefusalOrigin {
    /// The address that the mail was sent from, its domain, or the IP address that sent it. Without it only the reply is explained.
    from: String,
}

/// One refusal as an outsider may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RefusalBody {
    /// As our reply had it.
    pub code: String,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Where in the conversation, such as "recipient-refused".
    pub step: String,
    /// Reply code and enhanced status, such as "550 5.7.1".
    pub reply_code: String,
    pub is_temporary: bool,
    /// Stable, such as "blocked-address".
    pub reason: String,
    pub why: String,
    pub todo: String,
    /// "sender", "recipient", "us" or "nobody".
    pub turn: String,
    /// Help about the status; may be empty.
    pub article: String,
    /// Whether the organisation can be asked to look again.
    pub can_ask: bool,
    /// What we saw of the sender; null without a `from` that fits.
    pub seen: Option<SeenSender>,
}

/// What we saw of the sender.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeenSender {
    pub ip: String,
    pub helo: String,
    /// Domain of the envelope sender; "" is the null reverse-path.
    pub domain: String,
    /// As it was said to them.
    pub reply: String,
}

impl RefusalBody {
    pub fn of(view: &View, told: &Told) -> RefusalBody {
        let reason = told.reason.name();
        RefusalBody {
            code: told.code.to_string(),
            at_ms: told.at_ms,
            step: told.step.into(),
            reply_code: told.numbers.clone(),
            is_temporary: told.is_temporary,
            reason: reason.into(),
            why: view.of_kind("desk-why", reason),
            todo: view.of_kind("desk-do", reason),
            turn: told.reason.turn().name().into(),
            article: told.article.clone(),
            can_ask: told.can_ask,
            seen: told.own.as_ref().map(|own| SeenSender {
                ip: own.ip.clone(),
                helo: own.helo.clone(),
                domain: own.domain.clone(),
                reply: own.reply.clone(),
            }),
        }
    }
}

/// Explains refusals of ours that a bounce, a reply or a log line names. Nobody signs in; nothing that is sent is kept.
#[utoipa::path(post, path = "/refused", tag = "help-desk", security(()), request_body = ShownRefusal, responses(
    (status = 200, description = "The refusals; none when no code of ours is in it", body = Vec<RefusalBody>),
    (status = 429, description = "Too many questions", body = Problem, content_type = "application/problem+json")))]
async fn read(State(app): State<App>, view: View, peer: Peer, Json(sent): Json<ShownRefusal>) -> Result<Json<Vec<RefusalBody>>, Fault> {
    Turn::Look.take(&app, &peer)?;
    fits(&sent.pasted).map_err(|wrong| Fault::Invalid(vec![wrong]))?;
    let asked = Pasted::new(&sent.pasted, &sent.from);
    let (found, _) = all(&app, &sent.pasted).await?;
    Ok(Json(found.iter().map(|found| RefusalBody::of(&view, &found.told(&app, page::shown(found, &asked)))).collect()))
}

/// Explains the refusal of one code.
#[utoipa::path(get, path = "/refused/{code}", tag = "help-desk", security(()), params(("code" = String, Path, description = "As our reply had it"), RefusalOrigin),
    responses((status = 200, description = "The refusal", body = RefusalBody),
    (status = 422, description = "A field is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many questions", body = Problem, content_type = "application/problem+json")))]
async fn one(
    State(app): State<App>,
    view: View,
    peer: Peer,
    Path(code): Path<String>,
    Query(from): Query<RefusalOrigin>,
) -> Result<Json<RefusalBody>, Fault> {
    Turn::Look.take(&app, &peer)?;
    Ok(Json(RefusalBody::of(&view, &found(&app, &code).await?.told(&app, &from.from))))
}

/// Tests the sender's side of one refusal: name of the address, EHLO, SPF, DKIM, DMARC, lists.
#[utoipa::path(post, path = "/refused/{code}/test", tag = "help-desk", security(()), params(("code" = String, Path, description = "As our reply had it")),
    request_body = RefusalOrigin, responses((status = 200, description = "What was seen", body = Vec<ConnectivityStep>),
    (status = 429, description = "Too many tests", body = Problem, content_type = "application/problem+json")))]
async fn test(
    State(app): State<App>,
    view: View,
    peer: Peer,
    Path(code): Path<String>,
    Json(from): Json<RefusalOrigin>,
) -> Result<Json<Vec<ConnectivityStep>>, Fault> {
    let found = found(&app, &code).await?;
    if found.told(&app, &from.from).own.is_none() {
        Turn::Look.take(&app, &peer)?;
        return Err(Fault::Invalid(vec![Wrong::new("from", "desk-wrong-from")]));
    }
    tested(&app, &view, &peer, &found).await.map(Json)
}

/// An ask that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MadeLook {
    /// The end of the link that shows what becomes of it; told only now.
    pub token: String,
    /// The whole link for a person.
    pub link: String,
}

/// Asks the organisation that refused to look again.
#[utoipa::path(post, path = "/refused/{code}/ask", tag = "help-desk", security(()), params(("code" = String, Path, description = "As our reply had it")),
    request_body = AskedLook, responses((status = 201, description = "It waits for an answer", body = MadeLook),
    (status = 429, description = "Too many", body = Problem, content_type = "application/problem+json")))]
async fn make(
    State(app): State<App>,
    view: View,
    peer: Peer,
    Path(code): Path<String>,
    Json(asked): Json<AskedLook>,
) -> Result<(StatusCode, Json<MadeLook>), Fault> {
    let found = found(&app, &code).await?;
    let made = ask::make(&app, (&peer, view.lang), &found, &asked).await?;
    let link = app.link(&format!("/refused/asks/{}", made.token));
    Ok((StatusCode::CREATED, Json(MadeLook { token: made.token, link })))
}

/// How an ask stands, for whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LookState {
    pub code: String,
    pub asked_ms: i64,
    /// "open", "allowed", "mended", "declined" or "withdrawn".
    pub state: String,
    /// Words of the organisation; may be empty.
    pub answer: String,
    pub answered_ms: Option<i64>,
    /// End of the allowance; null: none, or never.
    pub until_ms: Option<i64>,
    /// Whether the contact showed that the address is theirs.
    pub is_proven: bool,
}

/// How an ask stands.
#[utoipa::path(get, path = "/refused/asks/{token}", tag = "help-desk", security(()), params(("token" = String, Path, description = "As the ask was answered with")),
    responses((status = 200, description = "How it stands", body = LookState),
    (status = 429, description = "Too many questions", body = Problem, content_type = "application/problem+json")))]
async fn state(State(app): State<App>, peer: Peer, Path(token): Path<String>) -> Result<Json<LookState>, Fault> {
    Turn::Look.take(&app, &peer)?;
    let look = ask::of_token(&app, &token).await?;
    Ok(Json(LookState {
        code: look.code().to_string(),
        asked_ms: look.at_ms(),
        state: look.state.name().into(),
        answer: look.answer.clone(),
        answered_ms: look.answered_ms,
        until_ms: look.until_ms,
        is_proven: look.proven_ms.is_some(),
    }))
}

/// An ask in the queue of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LookBody {
    pub look: String,
    /// What our reply named the refusal.
    pub code: String,
    pub asked_ms: i64,
    pub state: String,
    /// Kind of the event, such as "recipient-refused".
    pub kind: String,
    pub sender: String,
    pub recipients: Vec<String>,
    pub ip: String,
    pub helo: String,
    pub subject: String,
    pub reply: String,
    /// Which check decided; may be empty.
    pub check: String,
    pub why: String,
    pub contact: String,
    pub is_proven: bool,
    pub answer: String,
    pub answered_by: String,
    pub answered_ms: Option<i64>,
    pub until_ms: Option<i64>,
    /// Draft of an allow entry; may be empty.
    pub draft: String,
    /// What looking again came to; null when nobody did.
    pub again: Option<AgainBody>,
}

/// What looking again came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgainBody {
    pub at_ms: i64,
    /// Whether it would be refused today; null: cannot be told.
    pub is_refused: Option<bool>,
    pub today: Vec<String>,
    pub steps: Vec<ConnectivityStep>,
}

impl LookBody {
    fn of(view: &View, look: &SecondLook) -> LookBody {
        let again = again::read(&look.again).map(|again| AgainBody {
            at_ms: again.at_ms,
            is_refused: again.is_refused,
            today: again.today.iter().map(|say| view.say(say)).collect(),
            steps: again.steps.iter().map(|step| ConnectivityStep::of(view, step)).collect(),
        });
        LookBody {
            look: look.id.to_string(),
            code: look.code().to_string(),
            asked_ms: look.at_ms(),
            state: look.state.name().into(),
            kind: look.kind.clone(),
            sender: look.facts.sender.clone(),
            recipients: look.facts.recipients.clone(),
            ip: look.facts.ip.clone(),
            helo: look.facts.helo.clone(),
            subject: look.facts.subject.clone(),
            reply: look.facts.reply.clone(),
            check: look.facts.check.clone(),
            why: look.why.clone(),
            contact: look.contact.clone(),
            is_proven: look.proven_ms.is_some(),
            answer: look.answer.clone(),
            answered_by: look.answered_by.clone(),
            answered_ms: look.answered_ms,
            until_ms: look.until_ms,
            draft: look.draft.map(|draft| draft.to_string()).unwrap_or_default(),
            again,
        }
    }
}

/// Which asks.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Listed {
    /// "answered" for those that were; else those that wait.
    state: String,
    /// Go on after this one of an earlier answer.
    before: String,
}

/// Asks, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LooksBody {
    pub rows: Vec<LookBody>,
    /// Pass as `before` to go on; null: that was all.
    pub next: Option<String>,
}

/// Asks of refused senders to look again, the latest first.
#[utoipa::path(get, path = "/second-looks", tag = "help-desk", params(Listed),
    responses((status = 200, description = "Asks, and where to go on", body = LooksBody)))]
async fn list(State(app): State<App>, view: View, person: Person, Query(listed): Query<Listed>) -> Result<Json<LooksBody>, Fault> {
    let (rows, next) = queue::list(&app, &person, listed.state != "answered", &listed.before).await?;
    let rows = rows.iter().map(|look| LookBody::of(&view, look)).collect();
    Ok(Json(LooksBody { rows, next: next.map(|next| next.to_string()) }))
}

/// One ask.
#[utoipa::path(get, path = "/second-looks/{look}", tag = "help-desk", params(("look" = String, Path, description = "Identifier, `s…`")),
    responses((status = 200, description = "The ask", body = LookBody)))]
async fn look(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Result<Json<LookBody>, Fault> {
    Ok(Json(LookBody::of(&view, &queue::find(&app, &person, &id).await?)))
}

/// Answers: looks again, drafts an allow entry (save it under `/drafts`), or ends it in words.
#[utoipa::path(post, path = "/second-looks/{look}/answer", tag = "help-desk", params(("look" = String, Path, description = "Identifier, `s…`")),
    request_body = LookAnswer, responses((status = 200, description = "The ask as it is now", body = LookBody)))]
async fn answer(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Json(answer): Json<LookAnswer>,
) -> Result<Json<LookBody>, Fault> {
    let look = queue::find(&app, &person, &id).await?;
    queue::answer(&app, &person, &look, &answer).await?;
    Ok(Json(LookBody::of(&view, &queue::find(&app, &person, &id).await?)))
}
