//! `/api/v1/community/posts`: what is done with one post, and what waits for a moderator.

use super::api::{CommunityPost, NewPost, WrittenPost, id_of, post_id};
use super::change::{self, EditedPost, seen};
use super::model::PostKind;
use super::moderate::{self, PostDecision, PostReport};
use super::{spam, sql};
use crate::App;
use crate::page::{Fault, View};
use crate::people::Person;
use crate::service_request::solution::NewSolution;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(post, edit, withdraw))
        .routes(routes!(comment))
        .routes(routes!(vote))
        .routes(routes!(accept))
        .routes(routes!(history))
        .routes(routes!(report))
        .routes(routes!(decide))
        .routes(routes!(publish))
        .routes(routes!(queue))
}

/// One post.
#[utoipa::path(get, path = "/community/posts/{post}", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    responses((status = 200, description = "The post", body = CommunityPost)))]
async fn post(State(app): State<App>, view: View, Path(id): Path<String>) -> Result<Json<CommunityPost>, Fault> {
    let (who, id) = (view.person.clone(), post_id(&view, &id)?);
    let read = app.db.read(move |tx| Box::pin(async move { seen(tx, who.as_ref(), id).await }));
    let (_, question, post) = read.await?;
    Ok(Json(CommunityPost::of(&view, &post, &question)))
}

/// Edits a post; what it was is kept. Whoever wrote it, and moderators.
#[utoipa::path(patch, path = "/community/posts/{post}", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = EditedPost, responses((status = 200, description = "Its state", body = WrittenPost)))]
async fn edit(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(edited): Json<EditedPost>,
) -> Result<Json<WrittenPost>, Fault> {
    let id = id_of(&id)?;
    let state = change::edit(&app, &person, id, &edited).await?;
    Ok(Json(WrittenPost { id: id.to_string(), state: state.name().into() }))
}

/// Takes back what one wrote; moderators still see it.
#[utoipa::path(delete, path = "/community/posts/{post}", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    responses((status = 204, description = "It is not shown any more")))]
async fn withdraw(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    change::withdraw(&app, &person, id_of(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Comments on a question or an answer.
#[utoipa::path(post, path = "/community/posts/{post}/comments", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = NewPost, responses((status = 201, description = "The comment", body = WrittenPost)))]
async fn comment(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(new): Json<NewPost>,
) -> Result<(StatusCode, Json<WrittenPost>), Fault> {
    let (id, state) = change::reply(&app, &person, (PostKind::Comment, id_of(&id)?), &new.body).await?;
    Ok((StatusCode::CREATED, Json(WrittenPost { id: id.to_string(), state: state.name().into() })))
}

/// A vote.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VoteValue {
    /// 1 for useful, -1 for not, 0 to take it back.
    pub value: i64,
}

impl Default for VoteValue {
    /// Nothing that could be meant.
    fn default() -> VoteValue {
        VoteValue { value: 9 }
    }
}

/// Votes on a question or an answer of somebody else.
#[utoipa::path(put, path = "/community/posts/{post}/vote", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = VoteValue, responses((status = 204, description = "Counted")))]
async fn vote(State(app): State<App>, person: Person, Path(id): Path<String>, Json(vote): Json<VoteValue>) -> Result<StatusCode, Fault> {
    change::vote(&app, &person, id_of(&id)?, vote.value).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether an answer is the accepted one now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AcceptedBody {
    pub accepted: bool,
}

/// Says that this answer solved the question; once more takes it back. Whoever asked, and moderators.
#[utoipa::path(post, path = "/community/posts/{post}/accept", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    responses((status = 200, description = "Whether it is accepted now", body = AcceptedBody)))]
async fn accept(State(app): State<App>, person: Person, Path(id): Path<String>) -> Result<Json<AcceptedBody>, Fault> {
    let accepted = change::accept(&app, &person, id_of(&id)?).await?;
    Ok(Json(AcceptedBody { accepted }))
}

/// What a post was before an edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PostRevision {
    /// Unix milliseconds: when it was changed.
    pub at_ms: i64,
    /// Who changed it then, and why.
    pub who: String,
    pub why: String,
    pub title: String,
    pub tags: String,
    pub body: String,
}

/// Earlier versions of a post, the first of all first.
#[utoipa::path(get, path = "/community/posts/{post}/history", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    responses((status = 200, description = "Earlier versions", body = Vec<PostRevision>)))]
async fn history(State(app): State<App>, view: View, Path(id): Path<String>) -> Result<Json<Vec<PostRevision>>, Fault> {
    let (who, id) = (view.person.clone(), post_id(&view, &id)?);
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let (_, _, post) = seen(tx, who.as_ref(), id).await?;
            sql::revisions(tx, &post).await.map_err(Fault::from)
        })
    });
    let body = |was: sql::Revision| PostRevision {
        at_ms: gateway::trace::time_of(mail::MailId(was.id)),
        who: was.who,
        why: was.why,
        title: was.title,
        tags: was.tags,
        body: was.body,
    };
    Ok(Json(read.await?.into_iter().map(body).collect()))
}

/// Reports a post to those who moderate.
#[utoipa::path(post, path = "/community/posts/{post}/report", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = PostReport, responses((status = 204, description = "It was reported")))]
async fn report(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(report): Json<PostReport>,
) -> Result<StatusCode, Fault> {
    moderate::report(&app, &person, id_of(&id)?, &report).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decides about a post: show it, or take it out. Moderators only.
#[utoipa::path(post, path = "/community/posts/{post}/decision", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = PostDecision, responses((status = 204, description = "Decided")))]
async fn decide(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(decision): Json<PostDecision>,
) -> Result<StatusCode, Fault> {
    moderate::decide(&app, &person, id_of(&id)?, &decision).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PublishedAnswer {
    /// The solution, `y…`.
    pub solution: String,
}

/// Publishes an answer as a solution that everybody who asks support is shown. Support only.
#[utoipa::path(post, path = "/community/posts/{post}/article", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = NewSolution, responses((status = 201, description = "The solution", body = PublishedAnswer)))]
async fn publish(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(new): Json<NewSolution>,
) -> Result<(StatusCode, Json<PublishedAnswer>), Fault> {
    let solution = moderate::publish(&app, &person, id_of(&id)?, &new).await?;
    Ok((StatusCode::CREATED, Json(PublishedAnswer { solution: solution.to_string() })))
}

/// What one reader said of a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReportLine {
    pub reason: String,
    pub words: String,
}

/// A post that waits for a moderator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WaitingPost {
    pub id: String,
    pub question: String,
    pub title: String,
    pub kind: String,
    pub who: String,
    pub body: String,
    pub state: String,
    /// Why it is held.
    pub reason: String,
    pub reports: Vec<ReportLine>,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// What waits for a moderator: held by the spam check, or reported; the oldest first.
#[utoipa::path(get, path = "/community/moderation", tag = "community", operation_id = "list_community_moderation",
    responses((status = 200, description = "What waits", body = Vec<WaitingPost>)))]
async fn queue(State(app): State<App>, view: View, person: Person) -> Result<Json<Vec<WaitingPost>>, Fault> {
    let (waiting, _) = moderate::queue(&app, &person).await?;
    let body = |one: &moderate::Waiting| WaitingPost {
        id: one.post.id.to_string(),
        question: one.post.question.to_string(),
        title: one.title.clone(),
        kind: one.post.kind.name().into(),
        who: one.post.who.clone(),
        body: one.post.body.clone(),
        state: one.post.state.name().into(),
        reason: spam::reason(&view, &one.post.reason),
        reports: one.reports.iter().map(|report| ReportLine { reason: report.reason.clone(), words: report.words.clone() }).collect(),
        at_ms: one.post.at_ms(),
    };
    Ok(Json(waiting.iter().map(body).collect()))
}
