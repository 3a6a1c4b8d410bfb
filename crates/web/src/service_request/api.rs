//! `/api/v1/requests`, `/api/v1/request-uploads`, `/api/v1/request-suggestions`, `/api/v1/solutions`. What is serialised here is promised.

use super::change::{self, At};
use super::consent::{DAYS_MAX, Given};
use super::detail::{self, RequestAction, Whole};
use super::file::{self, Owner};
use super::form::NewServiceRequest;
use super::model::{By, Consent, Contact, Event, File, Impact, Request, See, Side, Via};
use super::page::{cursor, listed, make, pieces, which};
use super::proposal::{NewProposal, entry_of};
use super::rating::{self, RatingWish};
use super::solution::{self, NewSolution};
use super::sql_consent::{Proposal, Reading};
use super::sql_more::Rating;
use super::sql_search::Solution;
use super::suggest::{self, Suggestions};
use super::{Reader, files_page, silence, sql_file};
use crate::App;
use crate::api::problem::Problem;
use crate::health::api::IssueBody;
use crate::page::fault::Wrong;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use gateway::scope::OrgScope;
use mail::id::{FileId, RequestId};
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, act))
        .routes(routes!(give))
        .routes(routes!(end))
        .routes(routes!(propose))
        .routes(routes!(decide))
        .routes(routes!(publish))
        .routes(routes!(download))
        .routes(routes!(begin))
        .routes(routes!(upload, add_piece, remove))
        .routes(routes!(suggest_))
        .routes(routes!(read_solution))
        .routes(routes!(rate))
}

/// One request in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceRequestBody {
    id: String,
    title: String,
    /// "technical", "pre-purchase" or "billing".
    kind: String,
    area: String,
    /// "a", "b" or "c".
    severity: String,
    /// "new", "open", "waiting-customer", "waiting-us", "resolved" or "closed".
    state: String,
    /// Who has to do something next: "support", "requester" or "nobody".
    ball: String,
    requester: String,
    opened_ms: i64,
    last_ms: i64,
    /// When it is closed if nobody says a word; null: not by silence.
    closes_ms: Option<i64>,
}

impl ServiceRequestBody {
    pub fn of(request: &Request) -> ServiceRequestBody {
        ServiceRequestBody {
            id: request.id.to_string(),
            title: request.title.clone(),
            kind: request.kind.name().into(),
            area: request.area.name().into(),
            severity: request.severity.name().into(),
            state: request.state.name().into(),
            ball: request.state.ball().name().into(),
            requester: request.shown().to_string(),
            opened_ms: request.at_ms(),
            last_ms: request.last_ms,
            closes_ms: silence::closes_ms(request),
        }
    }
}

/// Requests, the ones that changed last first.
#[derive(Debug, Serialize, ToSchema)]
struct RequestList {
    requests: Vec<ServiceRequestBody>,
    /// Pass it as `before` for what comes next; null at the end.
    next: Option<String>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
struct RequestEventBody {
    id: String,
    at_ms: i64,
    /// Such as "opened", "word", "state", "consent".
    kind: String,
    /// "requester", "support" or "system".
    side: String,
    who: String,
    /// "web", "mail", "api", "phone" or "rule".
    via: String,
    /// Only support reads it.
    is_internal: bool,
    is_automatic: bool,
    body: String,
    /// What a mail quoted of earlier words.
    quoted: String,
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

impl RequestEventBody {
    fn of(event: &Event) -> RequestEventBody {
        RequestEventBody {
            id: event.id.to_string(),
            at_ms: event.at_ms,
            kind: event.what.name().into(),
            side: event.side.name().into(),
            who: event.who.clone(),
            via: event.via.name().into(),
            is_internal: event.is_internal,
            is_automatic: event.is_automatic,
            body: event.body.clone(),
            quoted: event.quoted.clone(),
            detail: event.detail.clone(),
        }
    }
}

/// A file or piece of evidence.
#[derive(Debug, Serialize, ToSchema)]
struct RequestFileBody {
    id: String,
    name: String,
    media: String,
    octets: i64,
    /// Octets that are here.
    received: i64,
    /// SHA-256 in hex; "" until all of it is here.
    sha256: String,
    /// "arriving" or "clean".
    state: String,
    /// Places where a secret was hidden.
    hidden: i64,
    /// Of evidence: "mail", "held-mail", "issue", "connector", "diagnosis", "bounce", "agent", "pasted"; else "".
    source: String,
    source_id: String,
    /// The event that it came with; null: not sent yet.
    event: Option<String>,
}

impl RequestFileBody {
    fn of(file: &File) -> RequestFileBody {
        RequestFileBody {
            id: file.id.to_string(),
            name: file.name.clone(),
            media: file.media.clone(),
            octets: file.octets,
            received: file.received,
            sha256: file.digest.clone(),
            state: file.state.name().into(),
            hidden: file.hidden(),
            source: file.source.clone(),
            source_id: file.source_id.clone(),
            event: file.event.map(|event| event.to_string()),
        }
    }
}

/// What support may see.
#[derive(Debug, Serialize, ToSchema)]
struct ConsentBody {
    id: String,
    /// "trace", "quarantine", "settings", "health".
    see: Vec<String>,
    given_by: String,
    given_ms: i64,
    until_ms: i64,
    /// null: not ended before its time.
    ended_ms: Option<i64>,
    stands: bool,
}

/// What support looked at.
#[derive(Debug, Serialize, ToSchema)]
struct ConsentReadBody {
    at_ms: i64,
    who: String,
    what: String,
    path: String,
}

/// A proposed change.
#[derive(Debug, Serialize, ToSchema)]
struct ProposalBody {
    id: String,
    /// The allow or block entry.
    #[schema(value_type = Object)]
    entry: serde_json::Value,
    why: String,
    /// "open", "approved" or "declined".
    state: String,
    decided_by: String,
    decided_ms: Option<i64>,
}

/// One request with everything.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestWhole {
    #[serde(flatten)]
    request: ServiceRequestBody,
    description: String,
    impact: Impact,
    contact: Contact,
    copies: Vec<String>,
    /// What solved it; "" not yet.
    solution: String,
    /// The service issue it belongs to, or "".
    issue: String,
    /// What is known of it, with the last that was said; null: nothing.
    known: Option<IssueBody>,
    events: Vec<RequestEventBody>,
    files: Vec<RequestFileBody>,
    consents: Vec<ConsentBody>,
    reads: Vec<ConsentReadBody>,
    proposals: Vec<ProposalBody>,
    /// What the requester thinks of how it was solved; null: not said.
    rating: Option<RatingBody>,
}

/// What somebody thinks of how a request was solved.
#[derive(Debug, Serialize, ToSchema)]
struct RatingBody {
    /// 1 to 5.
    stars: i64,
    words: String,
    by: String,
    at_ms: i64,
}

impl RequestWhole {
    pub fn of(whole: &Whole, now_ms: i64) -> RequestWhole {
        let consent = |one: &Consent| ConsentBody {
            id: one.id.to_string(),
            see: one.what.iter().map(|see| see.name().to_string()).collect(),
            given_by: one.given_by.clone(),
            given_ms: one.given_ms,
            until_ms: one.until_ms,
            ended_ms: one.ended_ms,
            stands: one.stands(now_ms),
        };
        let read = |one: &Reading| ConsentReadBody {
            at_ms: one.at_ms,
            who: one.who.clone(),
            what: one.what.name().into(),
            path: one.path.clone(),
        };
        let proposal = |one: &Proposal| ProposalBody {
            id: one.id.to_string(),
            entry: entry_of(one).and_then(|entry| serde_json::to_value(entry).ok()).unwrap_or_default(),
            why: one.why.clone(),
            state: one.state.clone(),
            decided_by: one.decided_by.clone(),
            decided_ms: one.decided_ms,
        };
        let rating = |one: &Rating| {
            let (words, by) = (one.words.clone(), one.by_whom.clone());
            one.stars.map(|stars| RatingBody { stars, words, by, at_ms: one.at_ms })
        };
        let request = &whole.request;
        RequestWhole {
            request: ServiceRequestBody::of(request),
            description: request.description.clone(),
            impact: request.impact.clone(),
            contact: request.contact.clone(),
            copies: whole.copies.clone(),
            solution: if request.state.is_over() { request.solution.clone() } else { String::new() },
            issue: request.issue.clone(),
            known: whole.known.as_ref().map(|(issue, posts)| IssueBody::with_posts(issue, posts)),
            events: whole.events.iter().map(RequestEventBody::of).collect(),
            files: whole.files.iter().map(RequestFileBody::of).collect(),
            consents: whole.consents.iter().map(consent).collect(),
            reads: whole.reads.iter().map(read).collect(),
            proposals: whole.proposals.iter().map(proposal).collect(),
            rating: whole.rating.as_ref().and_then(rating),
        }
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct WantedRequests {
    /// "mine", "waiting" (for you) or "closed"; else all that are not closed.
    #[param(example = "mine", value_type = Option<String>)]
    show: String,
    /// Go on after this: `next` of the last answer.
    #[param(value_type = Option<String>)]
    before: String,
    /// Words, or the number of a request: finds what is about them, best first, whatever became of it.
    #[param(value_type = Option<String>)]
    q: String,
}

/// Requests of your organisation; for support, of all.
#[utoipa::path(get, path = "/requests", tag = "requests", params(WantedRequests), responses((status = 200, description = "Requests", body = RequestList)))]
async fn list(State(app): State<App>, person: Person, Query(wanted): Query<WantedRequests>) -> Result<Json<RequestList>, Fault> {
    let reader = Reader::of(&person)?;
    let which = which(reader, &person, &wanted.show, &wanted.before)?;
    let (rows, is_more) = listed(&app, reader, (which, wanted.q.as_str())).await?;
    let next = rows.last().filter(|_| is_more).map(|last| format!("{}.{}", last.last_ms, last.id));
    debug_assert!(next.as_deref().is_none_or(|next| cursor(next).is_ok()));
    Ok(Json(RequestList { requests: rows.iter().map(ServiceRequestBody::of).collect(), next }))
}

/// Opens a request for your organisation.
#[utoipa::path(post, path = "/requests", tag = "requests", request_body = NewServiceRequest, responses(
    (status = 201, description = "Opened", body = RequestWhole),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "A field is wrong"),
))]
async fn create(
    State(app): State<App>,
    view: View,
    person: Person,
    Json(typed): Json<NewServiceRequest>,
) -> Result<(StatusCode, Json<RequestWhole>), Fault> {
    person.require(May::Requests)?;
    let org = person.acting_org()?;
    let checked = typed.checked(&view, &person, org).map_err(Fault::Invalid)?;
    let pieces = pieces(&app, &view, &person, &typed.evidence).await?;
    let made = make(&app, &person, Via::Api, (checked, pieces)).await?;
    let whole = detail::whole(&app, &person, &made.to_string()).await?;
    Ok((StatusCode::CREATED, Json(RequestWhole::of(&whole, app.now_ms()))))
}

/// One request: what was said, files, what support may see.
#[utoipa::path(get, path = "/requests/{request}", tag = "requests", params(("request" = String, Path)), responses((status = 200, description = "The request", body = RequestWhole)))]
async fn one(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<RequestWhole>, Fault> {
    let whole = detail::whole(&app, &person, &id).await?;
    Ok(Json(RequestWhole::of(&whole, app.now_ms())))
}

fn known(id: &str) -> Result<RequestId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

/// Says something about a request, or decides.
#[utoipa::path(post, path = "/requests/{request}", tag = "requests", params(("request" = String, Path)), request_body = RequestAction,
    responses((status = 200, description = "The request afterwards", body = RequestWhole)))]
async fn act(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(action): Json<RequestAction>,
) -> Result<Json<RequestWhole>, Fault> {
    detail::done_with(&app, &person, Via::Api, (known(&id)?, action)).await?;
    let whole = detail::whole(&app, &person, &id).await?;
    Ok(Json(RequestWhole::of(&whole, app.now_ms())))
}

/// Says what you think of how a request was solved.
#[utoipa::path(post, path = "/requests/{request}/rating", tag = "requests", operation_id = "rate_request", params(("request" = String, Path)), request_body = RatingWish,
    responses((status = 204, description = "Kept")))]
async fn rate(State(app): State<App>, person: Person, Path(id): Path<String>, Json(wish): Json<RatingWish>) -> Result<StatusCode, Fault> {
    rating::rate(&app, &person, Via::Api, (known(&id)?, &wish)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What support may see, and for how long.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct NewConsent {
    /// "trace", "quarantine", "settings", "health".
    see: Vec<String>,
    /// 1 to 30; else 30.
    days: Option<i64>,
}

/// What was made.
#[derive(Debug, Serialize, ToSchema)]
struct RequestMade {
    id: String,
}

/// Lets support see more of your organisation, for this request.
#[utoipa::path(post, path = "/requests/{request}/consents", tag = "requests", params(("request" = String, Path)), request_body = NewConsent,
    responses((status = 201, description = "Given", body = RequestMade)))]
async fn give(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(typed): Json<NewConsent>,
) -> Result<(StatusCode, Json<RequestMade>), Fault> {
    let what: Vec<See> = typed.see.iter().filter_map(|see| See::parse(see)).collect();
    if what.len() != typed.see.len() {
        return Err(Fault::Invalid(vec![Wrong::new("see", "request-wrong-choice")]));
    }
    let given = Given { what, person: None, days: typed.days.unwrap_or(DAYS_MAX) };
    let made = detail::consented(&app, &person, known(&id)?, given).await?;
    Ok((StatusCode::CREATED, Json(RequestMade { id: made.to_string() })))
}

/// Ends a consent at once.
#[utoipa::path(delete, path = "/requests/{request}/consents/{consent}", tag = "requests", params(("request" = String, Path), ("consent" = String, Path)),
    responses((status = 204, description = "Ended")))]
async fn end(State(app): State<App>, person: Person, Path((id, consent)): Path<(String, String)>) -> Result<StatusCode, Fault> {
    detail::ended(&app, &person, (known(&id)?, consent.parse().map_err(|_| Fault::NotFound)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Proposes a change, as support. Nothing changes until the organisation approves.
#[utoipa::path(post, path = "/requests/{request}/proposals", tag = "requests", params(("request" = String, Path)), request_body = NewProposal,
    responses((status = 201, description = "Proposed", body = RequestMade)))]
async fn propose(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(typed): Json<NewProposal>,
) -> Result<(StatusCode, Json<RequestMade>), Fault> {
    let made = detail::proposed(&app, &person, known(&id)?, &typed).await?;
    Ok((StatusCode::CREATED, Json(RequestMade { id: made.to_string() })))
}

/// A decision.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct ProposalDecision {
    /// "approve" or "decline".
    verb: String,
}

/// Decides about a proposed change; approving makes it in your name.
#[utoipa::path(post, path = "/requests/{request}/proposals/{proposal}", tag = "requests", params(("request" = String, Path), ("proposal" = String, Path)),
    request_body = ProposalDecision, responses((status = 204, description = "Decided")))]
async fn decide(
    State(app): State<App>,
    person: Person,
    Path((id, proposal)): Path<(String, String)>,
    Json(decision): Json<ProposalDecision>,
) -> Result<StatusCode, Fault> {
    let one = (known(&id)?, proposal.parse().map_err(|_| Fault::NotFound)?);
    detail::decided_by(&app, &person, one, &decision.verb).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Publishes what solved a request, as support.
#[utoipa::path(post, path = "/requests/{request}/solution", tag = "requests", params(("request" = String, Path)), request_body = NewSolution,
    responses((status = 201, description = "Published", body = RequestMade)))]
async fn publish(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(typed): Json<NewSolution>,
) -> Result<(StatusCode, Json<RequestMade>), Fault> {
    let made = solution::put(&app, &person, known(&id)?, &typed).await?;
    Ok((StatusCode::CREATED, Json(RequestMade { id: made.to_string() })))
}

/// A file of a request.
#[utoipa::path(get, path = "/requests/{request}/files/{file}", tag = "requests", params(("request" = String, Path), ("file" = String, Path)),
    responses((status = 200, description = "Its octets", content_type = "application/octet-stream", body = Vec<u8>)))]
async fn download(State(app): State<App>, person: Person, Path((request, id)): Path<(String, String)>) -> Result<Response, Fault> {
    let (file, octets) = files_page::found(&app, &person, (&request, &id)).await?;
    Ok(files_page::as_download(&file, octets))
}

/// A file that is to be uploaded.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct NewUpload {
    name: String,
    /// At most 26214400.
    octets: i64,
    /// The request whose next word it goes with; else the request that you open next.
    request: Option<String>,
}

/// Begins to upload a file in pieces.
#[utoipa::path(post, path = "/request-uploads", tag = "requests", request_body = NewUpload, responses((status = 201, description = "Send its octets with PUT", body = RequestFileBody)))]
async fn begin(State(app): State<App>, person: Person, Json(typed): Json<NewUpload>) -> Result<(StatusCode, Json<RequestFileBody>), Fault> {
    let reader = Reader::of(&person)?;
    let owner = match &typed.request {
        Some(request) => {
            let request = known(request)?;
            let found = app.db.read(move |tx| Box::pin(async move { change::found(tx, reader.scope, request).await })).await?;
            Owner { org: found.org, person: person.id, request: Some(request) }
        }
        None => {
            person.require(May::Requests)?;
            Owner { org: person.acting_org()?, person: person.id, request: None }
        }
    };
    let file = file::begin(&At::new(&app, By::of(&person, Side::Requester, Via::Api)), owner, &typed.name, typed.octets).await?;
    Ok((StatusCode::CREATED, Json(RequestFileBody::of(&file))))
}

/// An upload of this person's that was not sent with a word yet.
async fn own(app: &App, person: &Person, id: &str) -> Result<File, Fault> {
    let (reader, id): (_, FileId) = (Reader::of(person)?, id.parse().map_err(|_| Fault::NotFound)?);
    let found = app.db.read(move |tx| Box::pin(async move { sql_file::one(tx, reader.scope, id).await })).await;
    let found: Option<File> = found.map_err(|why: Error| Fault::from(why))?;
    found.filter(|file| file.person == person.id && file.event.is_none()).ok_or(Fault::NotFound)
}

/// How far an upload is.
#[utoipa::path(get, path = "/request-uploads/{file}", tag = "requests", params(("file" = String, Path)), responses((status = 200, description = "The file", body = RequestFileBody)))]
async fn upload(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<RequestFileBody>, Fault> {
    Ok(Json(RequestFileBody::of(&own(&app, &person, &id).await?)))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct PieceAt {
    /// Offset in octets: `received` of the last answer.
    at: i64,
    /// Keep passwords and keys in texts; said with the last piece.
    #[param(value_type = Option<bool>)]
    show_secrets: bool,
}

/// Adds a piece of at most 1 MiB. With the last one the file is looked at; one that is harmful is not kept.
#[utoipa::path(put, path = "/request-uploads/{file}", tag = "requests", params(("file" = String, Path), PieceAt),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, description = "How far it is", body = RequestFileBody),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "The piece does not begin where the last one ended")))]
async fn add_piece(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Query(piece): Query<PieceAt>,
    octets: Bytes,
) -> Result<Json<RequestFileBody>, Fault> {
    let file = own(&app, &person, &id).await?;
    let file = file::add(&app, file, (piece.at, octets), !piece.show_secrets).await?;
    Ok(Json(RequestFileBody::of(&file)))
}

/// Takes an upload away.
#[utoipa::path(delete, path = "/request-uploads/{file}", tag = "requests", params(("file" = String, Path)), responses((status = 204, description = "Gone")))]
async fn remove(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    let file = own(&app, &person, &id).await?;
    file::remove(&At::new(&app, By::of(&person, Side::Requester, Via::Api)), OrgScope::One(file.org), file.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct SuggestionQuestion {
    /// A problem in words.
    #[param(example = "mail is late", value_type = Option<String>)]
    q: String,
}

/// What may help with a problem: solved requests, solutions, known issues, articles.
#[utoipa::path(get, path = "/request-suggestions", tag = "requests", params(SuggestionQuestion), responses((status = 200, description = "Best of each kind first", body = Suggestions)))]
async fn suggest_(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(question): Query<SuggestionQuestion>,
) -> Result<Json<Suggestions>, Fault> {
    person.require(May::Requests)?;
    Ok(Json(suggest::look(&app, &view, &person, &question.q).await?))
}

/// A published solution.
#[derive(Debug, Serialize, ToSchema)]
struct SolutionBody {
    id: String,
    lang: String,
    title: String,
    problem: String,
    text: String,
    area: String,
    published_ms: i64,
    helped: i64,
}

/// A published solution.
#[utoipa::path(get, path = "/solutions/{solution}", tag = "requests", params(("solution" = String, Path)), responses((status = 200, description = "The solution", body = SolutionBody)))]
async fn read_solution(State(app): State<App>, _: Person, Path(id): Path<String>) -> Result<Json<SolutionBody>, Fault> {
    let Solution { id, lang, title, problem, text, area, published_ms, helped, .. } = solution::found(&app, &id).await?;
    Ok(Json(SolutionBody { id: id.to_string(), lang, title, problem, text, area, published_ms, helped }))
}
