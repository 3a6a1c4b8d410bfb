//! The page of a question, and what is done there: answer, comment, vote, accept, follow, edit, report, moderate.

use super::change::{self, EditedPost, may_edit, seen};
use super::model::{Post, PostKind, Question, REASONS, Space, moderates, path};
use super::moderate::{self, PostDecision, PostReport, Whole};
use super::page::said;
use super::text::{self, Change};
use super::{spam, sql, sql_people};
use crate::App;
use crate::health::bell;
use crate::page::form::Form as Shown;
use crate::page::{Fault, Page, Say, View, confirm, done, show_with};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use mail::id::PostId;
use serde::Deserialize;
use std::collections::HashMap;
use store::Error;

/// A post as its page shows it.
pub struct ShownPost {
    pub post: Post,
    pub html: String,
    pub comments: Vec<ShownPost>,
    pub is_accepted: bool,
    pub is_own: bool,
    /// This person's vote.
    pub vote: i64,
    pub may_edit: bool,
    pub moderates: bool,
    /// Why it is not shown to everybody, in words.
    pub why: String,
}

impl ShownPost {
    pub fn is_up(&self) -> bool {
        self.vote > 0
    }

    pub fn is_down(&self) -> bool {
        self.vote < 0
    }

    /// Whether a comment on it was typed and refused.
    pub fn is_typed_at(&self, form: &Shown) -> bool {
        form.value("verb") == "comment" && form.value("post") == self.post.id.to_string()
    }
}

/// All that is known of a question, for one reader.
pub struct Thread {
    pub question: Question,
    pub space: Space,
    pub first: ShownPost,
    pub answers: Vec<ShownPost>,
    pub follows: bool,
    /// Whether the bell told this reader of it.
    pub is_told: bool,
    /// Title of the question that it repeats.
    pub duplicate_title: String,
}

/// Reads a question with everything under it, as this reader sees it. Answers: the accepted one, then by score, then by age.
pub async fn read(app: &App, view: &View, id: PostId) -> Result<Thread, Fault> {
    let who = view.person.clone();
    let found = app.db.read(move |tx| {
        Box::pin(async move {
            let (spaces, question, _) = seen(tx, who.as_ref(), id).await?;
            let posts = sql::posts(tx, &spaces, question.id).await?;
            let (mut votes, mut follows, mut is_told) = (HashMap::new(), false, false);
            if let Some(person) = &who {
                votes = sql_people::votes_of(tx, question.id, person.id).await?;
                follows = sql_people::follows(tx, question.id, person.id).await?;
                is_told = sql_people::is_told(tx, question.id, person.id).await?;
            }
            let original = match question.duplicate_of {
                Some(of) => sql::one_question(tx, &spaces, of).await?.map(|of| of.title).unwrap_or_default(),
                None => String::new(),
            };
            let space = spaces.of(question.space).cloned().ok_or(Fault::NotFound)?;
            Ok::<_, Fault>((question, space, posts, votes, (follows, is_told), original))
        })
    });
    let (question, space, posts, votes, (follows, is_told), duplicate_title) = found.await?;
    let posts: Vec<Post> = posts.into_iter().filter(|post| post.is_seen_by(view.person.as_ref())).collect();
    let comments = |of: PostId| posts.iter().filter(move |post| post.kind == PostKind::Comment && post.parent == of);
    let one = |post: &Post| shown(view, &question, post, &votes);
    let with_comments = |post: &Post| ShownPost { comments: comments(post.id).map(&one).collect(), ..one(post) };
    let first = posts.iter().find(|post| post.id == question.id).map(&with_comments).ok_or(Fault::NotFound)?;
    let mut answers: Vec<ShownPost> = posts.iter().filter(|post| post.kind == PostKind::Answer).map(&with_comments).collect();
    answers.sort_by_key(|answer| (!answer.is_accepted, -answer.post.score, answer.post.id));
    Ok(Thread { question, space, first, answers, follows, is_told, duplicate_title })
}

fn shown(view: &View, question: &Question, post: &Post, votes: &HashMap<PostId, i64>) -> ShownPost {
    let person = view.person.as_ref();
    ShownPost {
        html: text::html(&post.body),
        comments: Vec::new(),
        is_accepted: question.accepted == Some(post.id),
        is_own: person.is_some_and(|person| post.is_by(person)),
        vote: votes.get(&post.id).copied().unwrap_or_default(),
        may_edit: person.is_some_and(|person| may_edit(person, question, post)),
        moderates: person.is_some_and(|person| moderates(person, post.space_org())),
        why: spam::reason(view, &post.reason),
        post: post.clone(),
    }
}

#[derive(Template)]
#[template(path = "community/templates/question.html")]
struct QuestionPage<'a> {
    view: &'a View,
    whole: &'a Thread,
    /// What was typed and refused.
    form: &'a Shown,
    can_write: bool,
    can_accept: bool,
    may_publish: bool,
    crumb: String,
}

/// `GET /community/questions/{post}`; an answer's or a comment's own identifier leads to its place.
pub async fn page(State(app): State<App>, view: View, Path(id): Path<String>) -> Page {
    let id = parsed(&view, &id)?;
    let whole = read(&app, &view, id).await?;
    if whole.question.id != id {
        return Ok(Redirect::to(&format!("{}#{id}", whole.question.path())).into_response());
    }
    if let Some(person) = view.person.as_ref().filter(|_| whole.is_told) {
        // Who reads it here does not want it rung about any more; a bell that still rings is no reason to show nothing.
        let (reader, subjects, now_ms) = (person.id, vec![id.to_string()], app.now_ms());
        let read: Result<(), Error> =
            app.db.tx(move |tx| Box::pin(async move { bell::mark_read(tx, reader, &subjects, now_ms).await })).await;
        read.unwrap_or_else(|why| tracing::warn!(%why, "a question stays unread"));
        app.health.counted().forget(reader);
    }
    question_page(&view, &whole, (StatusCode::OK, &Shown::default()))
}

fn question_page(view: &View, whole: &Thread, (status, form): (StatusCode, &Shown)) -> Page {
    let person = view.person.as_ref();
    let can_write = view.may(May::Community) && !whole.question.is_over() && !whole.space.is_closed && whole.first.post.is_shown();
    let page = QuestionPage {
        view,
        whole,
        form,
        can_write,
        can_accept: person.is_some_and(|person| whole.question.person == person.id) || whole.first.moderates,
        may_publish: view.may(May::Support) && whole.question.org.0 == 0,
        crumb: text::plain_line(&whole.question.title, 60),
    };
    show_with(status, &page)
}

fn parsed(view: &View, id: &str) -> Result<PostId, Fault> {
    // What is not there looks like what is not for this reader.
    id.parse().map_err(|_| if view.person.is_some() { Fault::NotFound } else { Fault::SignIn })
}

/// What a form of the page sends.
#[derive(Debug, Clone, Default, Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Act {
    verb: String,
    post: String,
    body: String,
    value: String,
    reason: String,
    of: String,
    sure: String,
}

/// `POST /community/questions/{post}`.
pub async fn act(State(app): State<App>, view: View, person: Person, Path(id): Path<String>, Form(act): Form<Act>) -> Page {
    let whole = read(&app, &view, parsed(&view, &id)?).await?;
    let here = whole.question.path();
    // What is meant stands on this page, or it is the question.
    let on_page = std::iter::once(&whole.first).chain(&whole.answers).flat_map(|one| std::iter::once(one).chain(&one.comments));
    let meant = match act.post.as_str() {
        "" => whole.question.id,
        post => on_page.map(|one| one.post.id).find(|id| id.to_string() == post).ok_or(Fault::NotFound)?,
    };
    match act.verb.as_str() {
        "answer" | "comment" => reply(&app, (&view, &person), (&whole, meant), &act).await,
        "vote" => {
            change::vote(&app, &person, meant, act.value.parse().unwrap_or(9)).await?;
            done(&format!("{here}#{meant}"), Say::new("community-voted"))
        }
        "accept" => {
            let is_accepted = change::accept(&app, &person, meant).await?;
            done(&format!("{here}#{meant}"), Say::new(if is_accepted { "community-accepted" } else { "community-unaccepted" }))
        }
        "follow" | "unfollow" => {
            change::follow(&app, &person, meant, act.verb == "follow").await?;
            done(&here, Say::new(if act.verb == "follow" { "community-follows" } else { "community-follows-not" }))
        }
        "withdraw" if act.sure == "1" => {
            change::withdraw(&app, &person, meant).await?;
            let back = if meant == whole.question.id { "/community?show=mine".to_string() } else { here };
            done(&back, Say::new("community-withdrawn"))
        }
        "withdraw" => confirm::page(&view, &surely(&here, meant)),
        verb => moderated(&app, &person, (&whole, meant), (verb, &act)).await,
    }
}

async fn reply(app: &App, (view, person): (&View, &Person), (whole, meant): (&Thread, PostId), act: &Act) -> Page {
    let kind = if act.verb == "answer" { PostKind::Answer } else { PostKind::Comment };
    match change::reply(app, person, (kind, meant), &act.body).await {
        Ok((made, state)) => {
            let shown = if kind == PostKind::Answer { "community-answered" } else { "community-commented" };
            done(&format!("{}#{made}", whole.question.path()), said(state, shown))
        }
        Err(Fault::Invalid(wrong)) => question_page(view, whole, (StatusCode::UNPROCESSABLE_ENTITY, &Shown::of(act).with_wrong(wrong))),
        Err(fault) => Err(fault),
    }
}

async fn moderated(app: &App, person: &Person, (whole, meant): (&Thread, PostId), (verb, act): (&str, &Act)) -> Page {
    let here = whole.question.path();
    match verb {
        "lock" | "unlock" => moderate::whole(app, person, whole.question.id, Whole::Lock(verb == "lock")).await?,
        "reopen" => moderate::whole(app, person, whole.question.id, Whole::Duplicate(None)).await?,
        "close" => {
            let of = moderate::named(&act.of)
                .ok_or_else(|| Fault::Invalid(vec![crate::page::fault::Wrong::new("of", "community-wrong-duplicate")]))?;
            moderate::whole(app, person, whole.question.id, Whole::Duplicate(Some(of))).await?;
        }
        _ => {
            moderate::decide(app, person, meant, &PostDecision { verb: verb.into(), reason: act.reason.clone() }).await?;
        }
    }
    done(&here, Say::new("community-decided"))
}

fn surely(here: &str, post: PostId) -> confirm::Confirm {
    confirm::Confirm {
        title: Say::new("community-withdraw-ask"),
        text: Say::new("community-withdraw-text"),
        button: "community-withdraw",
        action: here.into(),
        fields: vec![("verb".into(), "withdraw".into()), ("post".into(), post.to_string())],
        back: here.into(),
    }
}

/// One post that is edited, reported or looked at.
async fn one(app: &App, person: Option<&Person>, id: PostId) -> Result<(Question, Post), Fault> {
    let who = person.cloned();
    let read = app.db.read(move |tx| Box::pin(async move { seen(tx, who.as_ref(), id).await.map(|(_, question, post)| (question, post)) }));
    read.await
}

#[derive(Template)]
#[template(path = "community/templates/edit.html")]
struct EditPage<'a> {
    view: &'a View,
    form: &'a Shown,
    post: &'a Post,
    back: String,
}

/// `GET /community/posts/{post}/edit`.
pub async fn form(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let (question, post) = one(&app, Some(&person), parsed(&view, &id)?).await?;
    if !may_edit(&person, &question, &post) {
        return Err(Fault::Denied(May::Moderate));
    }
    let typed = EditedPost {
        title: question.title.clone(),
        body: post.body.clone(),
        tags: question.tags.join(" "),
        why: String::new(),
        edits: post.edits,
    };
    edit_page(&view, (StatusCode::OK, &Shown::of(&typed)), (&question, &post))
}

fn edit_page(view: &View, (status, form): (StatusCode, &Shown), (question, post): (&Question, &Post)) -> Page {
    show_with(status, &EditPage { view, form, post, back: format!("{}#{}", question.path(), post.id) })
}

/// `POST /community/posts/{post}/edit`.
pub async fn edit(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Form(pairs): Form<HashMap<String, String>>,
) -> Page {
    let (question, post) = one(&app, Some(&person), parsed(&view, &id)?).await?;
    let value = |name: &str| pairs.get(name).cloned().unwrap_or_default();
    let typed = EditedPost {
        title: value("title"),
        body: value("body"),
        tags: value("tags"),
        why: value("why"),
        edits: value("edits").parse().unwrap_or(-1),
    };
    match change::edit(&app, &person, post.id, &typed).await {
        Ok(state) => done(&format!("{}#{}", question.path(), post.id), said(state, "community-edited")),
        Err(Fault::Invalid(wrong)) => {
            edit_page(&view, (StatusCode::UNPROCESSABLE_ENTITY, &Shown::of(&typed).with_wrong(wrong)), (&question, &post))
        }
        Err(fault) => Err(fault),
    }
}

/// One change of a post.
struct Step {
    at_ms: i64,
    who: String,
    why: String,
    /// What changed of title and tags, then of the text: kind, words of the kind, line.
    lines: Vec<(Change, String)>,
}

#[derive(Template)]
#[template(path = "community/templates/history.html")]
struct HistoryPage<'a> {
    view: &'a View,
    question: &'a Question,
    post: &'a Post,
    steps: Vec<Step>,
    back: String,
}

/// `GET /community/posts/{post}/history`: every change, the latest first, with what came and what went.
pub async fn history(State(app): State<App>, view: View, Path(id): Path<String>) -> Page {
    let (who, id) = (view.person.clone(), parsed(&view, &id)?);
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let (_, question, post) = seen(tx, who.as_ref(), id).await?;
            let revisions = sql::revisions(tx, &post).await?;
            Ok::<_, Fault>((question, post, revisions))
        })
    });
    let (question, post, revisions) = read.await?;
    // What it was before each change, and what it is now.
    let is_question = post.kind == PostKind::Question;
    let head = |title: &str, tags: &str| if is_question { format!("{title}\n{tags}\n") } else { String::new() };
    let mut versions: Vec<String> = revisions.iter().map(|was| head(&was.title, &was.tags) + &was.body).collect();
    versions.push(head(&question.title, &question.tags.join(" ")) + &post.body);
    let step = |(at, was): (usize, &sql::Revision)| Step {
        at_ms: gateway::trace::time_of(mail::MailId(was.id)),
        who: was.who.clone(),
        why: was.why.clone(),
        lines: text::changes(&versions[at], &versions[at + 1]),
    };
    let steps: Vec<Step> = revisions.iter().enumerate().map(step).rev().collect();
    let back = format!("{}#{}", question.path(), post.id);
    show_with(StatusCode::OK, &HistoryPage { view: &view, question: &question, post: &post, steps, back })
}

#[derive(Template)]
#[template(path = "community/templates/report.html")]
struct ReportPage<'a> {
    view: &'a View,
    form: &'a Shown,
    post: &'a Post,
    reasons: [&'static str; 5],
    excerpt: String,
    back: String,
}

fn report_page(view: &View, (status, form): (StatusCode, &Shown), (question, post): (&Question, &Post)) -> Page {
    let back = format!("{}#{}", question.path(), post.id);
    show_with(status, &ReportPage { view, form, post, reasons: REASONS, excerpt: text::plain(&post.body, 300), back })
}

/// `GET /community/posts/{post}/report`.
pub async fn report_form(State(app): State<App>, view: View, person: Person, Path(id): Path<String>) -> Page {
    let (question, post) = one(&app, Some(&person), parsed(&view, &id)?).await?;
    report_page(&view, (StatusCode::OK, &Shown::default()), (&question, &post))
}

/// `POST /community/posts/{post}/report`.
pub async fn report(
    State(app): State<App>,
    view: View,
    person: Person,
    Path(id): Path<String>,
    Form(pairs): Form<HashMap<String, String>>,
) -> Page {
    let (question, post) = one(&app, Some(&person), parsed(&view, &id)?).await?;
    let value = |name: &str| pairs.get(name).cloned().unwrap_or_default();
    let typed = PostReport { reason: value("reason"), words: value("words") };
    match moderate::report(&app, &person, post.id, &typed).await {
        Ok(question) => done(&path(question), Say::new("community-reported")),
        Err(Fault::Invalid(wrong)) => {
            report_page(&view, (StatusCode::UNPROCESSABLE_ENTITY, &Shown::of(&typed).with_wrong(wrong)), (&question, &post))
        }
        Err(fault) => Err(fault),
    }
}
