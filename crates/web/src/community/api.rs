//! `/api/v1/community`: questions, answers and what is done with them, for programs.

use super::change::{self, NewCommunityQuestion, readable};
use super::model::{Line, Post, PostKind, Question, Space};
use super::moderate::{self, NewSpace, Whole};
use super::page::{self, Asked, look};
use super::question_page::{ShownPost, Thread, read};
use super::spam::Turn;
use super::{post_api, spam};
use crate::App;
use crate::page::fault::Wrong;
use crate::page::{Fault, View};
use crate::people::Person;
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use mail::id::PostId;
use serde::{Deserialize, Serialize};
use store::Error;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(spaces, add_space))
        .routes(routes!(space, change_space))
        .routes(routes!(list, ask))
        .routes(routes!(one, change_question))
        .routes(routes!(answer))
        .routes(routes!(follow))
        .routes(routes!(similar))
        .merge(post_api::routes())
}

/// A place to ask in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpaceBody {
    /// In addresses.
    pub name: String,
    pub title: String,
    pub about: String,
    /// Whose people alone read and write here; null: everybody of the installation.
    pub organisation: Option<String>,
    /// Everybody on the Internet reads it.
    pub public: bool,
    /// Nothing more is written.
    pub closed: bool,
}

impl SpaceBody {
    fn of(space: &Space) -> SpaceBody {
        SpaceBody {
            name: space.name.clone(),
            title: space.title.clone(),
            about: space.about.clone(),
            organisation: space.org.map(|org| org.to_string()),
            public: space.is_public,
            closed: space.is_closed,
        }
    }
}

/// A question in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuestionLine {
    pub id: String,
    pub space: String,
    pub title: String,
    pub excerpt: String,
    /// BCP 47.
    pub language: String,
    pub tags: Vec<String>,
    pub who: String,
    /// Role of somebody of the service; "" otherwise.
    pub staff: String,
    pub score: i64,
    pub answers: i64,
    /// Whether an answer was accepted.
    pub solved: bool,
    pub locked: bool,
    /// Identifier of the question that it repeats.
    pub duplicate_of: Option<String>,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub last_ms: i64,
    pub path: String,
}

impl QuestionLine {
    pub fn of(line: &Line, space: &str) -> QuestionLine {
        let question = &line.question;
        QuestionLine {
            id: question.id.to_string(),
            space: space.into(),
            title: question.title.clone(),
            excerpt: line.excerpt.clone(),
            language: question.lang.clone(),
            tags: question.tags.clone(),
            who: line.who.clone(),
            staff: line.staff.clone(),
            score: line.score,
            answers: question.answers,
            solved: question.accepted.is_some(),
            locked: question.is_locked,
            duplicate_of: question.duplicate_of.map(|of| of.to_string()),
            at_ms: question.at_ms(),
            last_ms: question.last_ms,
            path: question.path(),
        }
    }
}

/// A question, an answer or a comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CommunityPost {
    pub id: String,
    pub question: String,
    /// "question", "answer" or "comment".
    pub kind: String,
    /// What a comment is about, or an answer answers; null for a question.
    pub parent: Option<String>,
    pub who: String,
    /// Role of somebody of the service; "" otherwise.
    pub staff: String,
    /// Markdown, as it was written.
    pub body: String,
    /// "shown", "held", "removed" or "withdrawn"; others than the writer and moderators only see what is shown.
    pub state: String,
    /// Why it is not shown.
    pub reason: String,
    pub score: i64,
    pub accepted: bool,
    /// How often it was edited; to be sent with the next edit.
    pub edits: i64,
    /// Unix milliseconds.
    pub at_ms: i64,
    pub edited_ms: Option<i64>,
}

impl CommunityPost {
    pub fn of(view: &View, post: &Post, question: &Question) -> CommunityPost {
        CommunityPost {
            id: post.id.to_string(),
            question: post.question.to_string(),
            kind: post.kind.name().into(),
            parent: Some(post.parent).filter(|parent| parent.0 != 0).map(|parent| parent.to_string()),
            who: post.who.clone(),
            staff: post.staff.clone(),
            body: post.body.clone(),
            state: post.state.name().into(),
            reason: spam::reason(view, &post.reason),
            score: post.score,
            accepted: question.accepted == Some(post.id),
            edits: post.edits,
            at_ms: post.at_ms(),
            edited_ms: Some(post.edited_ms).filter(|at| *at != 0),
        }
    }
}

/// A question with everything under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ThreadBody {
    pub question: QuestionLine,
    /// The question, then each answer with its comments: the accepted one first, then by score.
    pub posts: Vec<CommunityPost>,
    /// Whether this person follows it.
    pub follows: bool,
    /// What was published from an answer, `y…`.
    pub solution: Option<String>,
}

impl ThreadBody {
    fn of(view: &View, thread: &Thread) -> ThreadBody {
        let question = &thread.question;
        let line = Line {
            question: question.clone(),
            who: thread.first.post.who.clone(),
            staff: thread.first.post.staff.clone(),
            score: thread.first.post.score,
            excerpt: super::text::plain(&thread.first.post.body, 200),
        };
        let with_comments = |one: &'_ ShownPost| -> Vec<CommunityPost> {
            std::iter::once(one).chain(&one.comments).map(|one| CommunityPost::of(view, &one.post, question)).collect()
        };
        ThreadBody {
            question: QuestionLine::of(&line, &thread.space.name),
            posts: std::iter::once(&thread.first).chain(&thread.answers).flat_map(with_comments).collect(),
            follows: thread.follows,
            solution: question.solution.map(|solution| solution.to_string()),
        }
    }
}

/// What was written: where it is, and whether others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WrittenPost {
    pub id: String,
    /// "shown", or "held" for a moderator.
    pub state: String,
}

pub fn post_id(view: &View, text: &str) -> Result<PostId, Fault> {
    text.parse().map_err(|_| if view.person.is_some() { Fault::NotFound } else { Fault::SignIn })
}

pub fn id_of(text: &str) -> Result<PostId, Fault> {
    text.parse().map_err(|_| Fault::NotFound)
}

async fn all(app: &App, view: &View) -> Result<super::Spaces, Fault> {
    let who = view.person.clone();
    let read = app.db.read(move |tx| Box::pin(async move { readable(tx, who.as_ref()).await })).await;
    let spaces: super::Spaces = read.map_err(|why: Error| Fault::from(why))?;
    if view.person.is_none() && spaces.is_empty() { Err(Fault::SignIn) } else { Ok(spaces) }
}

/// Spaces that one may read; public ones without signing in.
#[utoipa::path(get, path = "/community/spaces", tag = "community", operation_id = "list_community_spaces",
    responses((status = 200, description = "Spaces", body = Vec<SpaceBody>)))]
async fn spaces(State(app): State<App>, view: View) -> Result<Json<Vec<SpaceBody>>, Fault> {
    Ok(Json(all(&app, &view).await?.list().iter().map(SpaceBody::of).collect()))
}

/// One space.
#[utoipa::path(get, path = "/community/spaces/{space}", tag = "community", params(("space" = String, Path, description = "Its name")),
    responses((status = 200, description = "The space", body = SpaceBody)))]
async fn space(State(app): State<App>, view: View, Path(name): Path<String>) -> Result<Json<SpaceBody>, Fault> {
    let missing = || if view.person.is_some() { Fault::NotFound } else { Fault::SignIn };
    all(&app, &view).await?.named(&name).map(|space| Json(SpaceBody::of(space))).ok_or_else(missing)
}

/// Makes a space. Operators only.
#[utoipa::path(post, path = "/community/spaces", tag = "community", request_body = NewSpace,
    responses((status = 201, description = "The space", body = SpaceBody)))]
async fn add_space(State(app): State<App>, person: Person, Json(new): Json<NewSpace>) -> Result<(StatusCode, Json<SpaceBody>), Fault> {
    let space = moderate::put_space(&app, &person, &new, true).await?;
    Ok((StatusCode::CREATED, Json(SpaceBody::of(&space))))
}

/// Changes a space; its name, and whose it is, stay. Operators only.
#[utoipa::path(put, path = "/community/spaces/{space}", tag = "community", params(("space" = String, Path, description = "Its name")),
    request_body = NewSpace, responses((status = 200, description = "The space", body = SpaceBody)))]
async fn change_space(
    State(app): State<App>,
    person: Person,
    Path(name): Path<String>,
    Json(new): Json<NewSpace>,
) -> Result<Json<SpaceBody>, Fault> {
    let space = moderate::put_space(&app, &person, &NewSpace { name, ..new }, false).await?;
    Ok(Json(SpaceBody::of(&space)))
}

/// Which questions.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct ListedQuestions {
    /// Name of a space.
    space: String,
    tag: String,
    /// "unanswered", "mine" or "followed"; else all.
    show: String,
    /// Words to look for: the best first, without further pages.
    q: String,
    /// Go on after this one of an earlier answer.
    before: String,
}

/// Questions, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuestionsBody {
    pub rows: Vec<QuestionLine>,
    /// Pass as `before` to go on; null: that was all.
    pub next: Option<String>,
}

/// Questions that one may read, newest first; those of public spaces without signing in.
#[utoipa::path(get, path = "/community/questions", tag = "community", operation_id = "list_community_questions", params(ListedQuestions),
    responses((status = 200, description = "Questions, and where to go on", body = QuestionsBody),
        (status = 404, description = "There is no such space, or it is not yours to read", body = crate::api::problem::Problem, content_type = "application/problem+json")))]
async fn list(State(app): State<App>, view: View, Query(listed): Query<ListedQuestions>) -> Result<Json<QuestionsBody>, Fault> {
    let asked = Asked { space: listed.space, tag: listed.tag, show: listed.show, q: listed.q, before: listed.before };
    let found = look(&app, view.person.as_ref(), &asked).await?;
    let name = |line: &Line| found.spaces.of(line.question.space).map(|space| space.name.clone()).unwrap_or_default();
    let rows = found.lines.iter().map(|line| QuestionLine::of(line, &name(line))).collect();
    Ok(Json(QuestionsBody { rows, next: found.next }))
}

/// Asks a question.
#[utoipa::path(post, path = "/community/questions", tag = "community", request_body = NewCommunityQuestion,
    responses((status = 201, description = "The question; `Location` is its path", body = WrittenPost)))]
async fn ask(
    State(app): State<App>,
    view: View,
    person: Person,
    Json(new): Json<NewCommunityQuestion>,
) -> Result<(StatusCode, HeaderMap, Json<WrittenPost>), Fault> {
    let (id, state) = change::ask(&app, &person, view.lang, &new).await?;
    let mut headers = HeaderMap::new();
    let place = HeaderValue::from_str(&format!("/api/v1/community/questions/{id}"));
    headers.extend(place.ok().map(|place| (header::LOCATION, place)));
    Ok((StatusCode::CREATED, headers, Json(WrittenPost { id: id.to_string(), state: state.name().into() })))
}

/// One question with its answers and comments.
#[utoipa::path(get, path = "/community/questions/{post}", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    responses((status = 200, description = "The question and what is under it", body = ThreadBody)))]
async fn one(State(app): State<App>, view: View, Path(id): Path<String>) -> Result<Json<ThreadBody>, Fault> {
    let thread = read(&app, &view, post_id(&view, &id)?).await?;
    Ok(Json(ThreadBody::of(&view, &thread)))
}

/// What a moderator changes of a question as a whole; what is left out stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct QuestionChange {
    pub locked: Option<bool>,
    /// Identifier of the question that it repeats; "" opens it again.
    pub duplicate_of: Option<String>,
}

/// Locks a question, or closes it as a duplicate. Moderators only.
#[utoipa::path(patch, path = "/community/questions/{post}", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = QuestionChange, responses((status = 200, description = "The question as it is now", body = ThreadBody)))]
async fn change_question(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Json(change): Json<QuestionChange>,
) -> Result<Json<ThreadBody>, Fault> {
    let id = id_of(&id)?;
    read(&app, &view, id).await?;
    if let Some(is_locked) = change.locked {
        moderate::whole(&app, &person, id, Whole::Lock(is_locked)).await?;
    }
    if let Some(of) = change.duplicate_of {
        let wrong = || Fault::Invalid(vec![Wrong::new("of", "community-wrong-duplicate")]);
        let of = if of.is_empty() { None } else { Some(moderate::named(&of).ok_or_else(wrong)?) };
        moderate::whole(&app, &person, id, Whole::Duplicate(of)).await?;
    }
    Ok(Json(ThreadBody::of(&view, &read(&app, &view, id).await?)))
}

/// What somebody writes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewPost {
    /// Markdown.
    pub body: String,
}

/// Answers a question.
#[utoipa::path(post, path = "/community/questions/{post}/answers", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = NewPost, responses((status = 201, description = "The answer", body = WrittenPost)))]
async fn answer(
    State(app): State<App>,
    person: Person,
    Path(id): Path<String>,
    Json(new): Json<NewPost>,
) -> Result<(StatusCode, Json<WrittenPost>), Fault> {
    let (id, state) = change::reply(&app, &person, (PostKind::Answer, id_of(&id)?), &new.body).await?;
    Ok((StatusCode::CREATED, Json(WrittenPost { id: id.to_string(), state: state.name().into() })))
}

/// Whether this person wants to be told.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FollowChoice {
    pub follows: Option<bool>,
}

/// Follows a question, or not any more.
#[utoipa::path(put, path = "/community/questions/{post}/follow", tag = "community", params(("post" = String, Path, description = "Identifier, `q…`")),
    request_body = FollowChoice, responses((status = 204, description = "It is so")))]
async fn follow(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Json(choice): Json<FollowChoice>,
) -> Result<StatusCode, Fault> {
    let id = post_id(&view, &id)?;
    read(&app, &view, id).await?;
    let follows = choice.follows.ok_or_else(|| Fault::Invalid(vec![Wrong::new("follows", "community-wrong-follow")]))?;
    change::follow(&app, &person, id, follows).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What somebody is about to ask.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AboutToAsk {
    text: String,
}

/// Something that may answer it already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimilarBody {
    /// "question", "solution" or "article".
    pub kind: String,
    pub path: String,
    pub title: String,
    pub excerpt: String,
}

/// Questions, published solutions and articles that may answer what somebody is about to ask, best of each kind first.
#[utoipa::path(get, path = "/community/similar", tag = "community", operation_id = "find_similar_community_questions", params(AboutToAsk),
    responses((status = 200, description = "What may answer it", body = Vec<SimilarBody>)))]
async fn similar(
    State(app): State<App>,
    view: View,
    person: Person,
    Query(about): Query<AboutToAsk>,
) -> Result<Json<Vec<SimilarBody>>, Fault> {
    Turn::Look.take_as(&app, &person, 0)?;
    let found = page::similar_to(&app, &view, &person, &about.text).await?;
    let question = |line: &Line| SimilarBody {
        kind: "question".into(),
        path: line.question.path(),
        title: line.question.title.clone(),
        excerpt: line.excerpt.clone(),
    };
    let questions: Vec<SimilarBody> = found.questions.iter().map(question).collect();
    let more = found.more.into_iter().map(|(kind, path, title, excerpt)| SimilarBody { kind: kind.into(), path, title, excerpt });
    Ok(Json(questions.into_iter().chain(more).collect()))
}
