//! What somebody reports, and what moderators decide: show, take out, lock, close as a duplicate, publish an answer, make spaces.
//!
//! Invariant: every decision is in the audit log with its reason, and whoever wrote the post is told.

use super::change::{At, readable, seen};
use super::model::{Post, PostKind, PostState, Question, REASONS, Space, Spaces, moderates, path};
use super::notice::{self, Told};
use super::spam::Turn;
use super::{find, sql, sql_people, text};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use crate::service_request::solution::NewSolution;
use crate::service_request::sql_search::{self, Solution};
use crate::service_request::{Area, form, search};
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::{PostId, SolutionId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Error, Tx};
use utoipa::ToSchema;

const WORDS_CHARS_MAX: usize = 500;
const NAME_CHARS_MAX: usize = 40;
const SPACE_TITLE_CHARS_MAX: usize = 80;

/// What is wrong with a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PostReport {
    /// "spam", "rude", "private", "wrong-place" or "other".
    pub reason: String,
    /// Anything more; needed with "other".
    pub words: String,
}

/// Reports a post to those who moderate.
/// # Errors
/// [`Fault::Conflict`] when this person's report of it waits already.
pub async fn report(app: &App, person: &Person, id: PostId, typed: &PostReport) -> Result<PostId, Fault> {
    let (at, who, typed, limits) = (At::new(app, person), person.clone(), typed.clone(), app.clone());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let (_, question, post) = seen(tx, Some(&who), id).await?;
            let mut wrong = Vec::new();
            if !REASONS.contains(&typed.reason.as_str()) {
                wrong.push(Wrong::new("reason", "community-wrong-reason"));
            }
            let words = text::visible(&typed.words).trim().to_string();
            if words.chars().count() > WORDS_CHARS_MAX {
                wrong.push(Wrong { field: "words", say: Say::new("community-wrong-long").with("count", WORDS_CHARS_MAX) });
            } else if typed.reason == "other" && words.is_empty() {
                wrong.push(Wrong::new("words", "community-wrong-words"));
            }
            if !wrong.is_empty() {
                return Err(Fault::Invalid(wrong));
            }
            Turn::Report.take_as(&limits, &who, post.space)?;
            let report = sql_people::Report { id: at.ids.next(at.now_ms), person: who.id, reason: typed.reason, words };
            match sql_people::report(tx, &post, &report).await {
                Err(Error::Exists(_)) => return Err(Fault::Conflict(Say::new("community-reported-already"))),
                done => done?,
            }
            at.note(tx, post.org, "community.report", (post.id, json!({ "reason": report.reason }))).await?;
            Ok(question.id)
        })
    });
    let question = work.await?;
    app.health.ring();
    Ok(question)
}

/// A post that waits, with its question and who reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub post: Post,
    pub title: String,
    pub reports: Vec<sql_people::Report>,
}

/// What waits for this moderator, the oldest first.
/// # Errors
/// [`Fault::Denied`] for those who moderate nowhere.
pub async fn queue(app: &App, person: &Person) -> Result<(Vec<Waiting>, Vec<Waiting>), Fault> {
    person.require(May::Moderate)?;
    let who = person.clone();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let spaces = readable(tx, Some(&who)).await?.moderated(&who);
            let waiting = sql::waiting(tx, &spaces).await?;
            let removed = sql::removed(tx, &spaces).await?;
            Ok::<_, Error>((with_reports(tx, &spaces, waiting).await?, with_reports(tx, &spaces, removed).await?))
        })
    });
    read.await.map_err(Fault::from)
}

async fn with_reports(tx: &mut Tx, spaces: &Spaces, posts: Vec<Post>) -> Result<Vec<Waiting>, Error> {
    let mut all = Vec::new();
    for post in posts {
        let title = sql::one_question(tx, spaces, post.question).await?.map(|question| question.title).unwrap_or_default();
        let reports = sql_people::reports(tx, &post).await?;
        all.push(Waiting { post, title, reports });
    }
    Ok(all)
}

/// A moderator's decision about a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PostDecision {
    /// "show" lets it in, or stay; "remove" takes it out.
    pub verb: String,
    /// Why; whoever wrote it reads this.
    pub reason: String,
}

pub async fn decide(app: &App, person: &Person, id: PostId, typed: &PostDecision) -> Result<PostId, Fault> {
    let (at, typed) = (At::new(app, person), typed.clone());
    let work = app.db.tx(move |tx| Box::pin(async move { decide_in(tx, &at, id, &typed).await }));
    let question = work.await?;
    app.health.ring();
    Ok(question)
}

/// As [`decide`], in a transaction; returns the question.
pub async fn decide_in(tx: &mut Tx, at: &At, id: PostId, typed: &PostDecision) -> Result<PostId, Fault> {
    let (spaces, question, post) = seen(tx, Some(&at.person), id).await?;
    if !moderates(&at.person, post.space_org()) {
        return Err(Fault::Denied(May::Moderate));
    }
    let (state, told, action) = match typed.verb.as_str() {
        "show" => (PostState::Shown, Told::Shown, "community.show"),
        "remove" => (PostState::Removed, Told::Removed, "community.remove"),
        _ => return Err(Fault::Invalid(vec![Wrong::new("verb", "community-wrong-verb")])),
    };
    let reason = text::plain_line(&typed.reason, WORDS_CHARS_MAX);
    if state == PostState::Removed && reason.is_empty() {
        return Err(Fault::Invalid(vec![Wrong::new("reason", "community-wrong-why")]));
    }
    let is_changed = post.state != state && sql::set_state(tx, &post, state, if state == PostState::Shown { "" } else { &reason }).await?;
    sql_people::settle(tx, &post).await?;
    if is_changed {
        find::index(tx, &spaces, question.id).await?;
        let now = sql::one_post(tx, &spaces, post.id).await?.unwrap_or_else(|| post.clone());
        notice::one(tx, at, (&question, &now), (told, post.person)).await?;
        // What was held is news only now.
        if post.state == PostState::Held && state == PostState::Shown && post.kind != PostKind::Question {
            let told = if post.kind == PostKind::Answer { Told::Answer } else { Told::Comment };
            notice::followers(tx, at, (&question, &now), told).await?;
        }
    }
    let detail = json!({ "question": question.id.to_string(), "from": post.state.name(), "reason": reason, "reports": post.reports });
    at.note(tx, post.org, action, (post.id, detail)).await?;
    Ok(question.id)
}

/// What a moderator does to a question as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whole {
    Lock(bool),
    /// Of which one; `None` opens it again.
    Duplicate(Option<PostId>),
}

pub async fn whole(app: &App, person: &Person, id: PostId, what: Whole) -> Result<(), Fault> {
    let (at, who) = (At::new(app, person), person.clone());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let (spaces, mut question, post) = seen(tx, Some(&who), id).await?;
            if !moderates(&who, question.space_org()) {
                return Err(Fault::Denied(May::Moderate));
            }
            let (action, detail) = match what {
                Whole::Lock(is_locked) => {
                    question.is_locked = is_locked;
                    ("community.lock", json!({ "locked": is_locked }))
                }
                Whole::Duplicate(of) => {
                    question.duplicate_of = original(tx, &spaces, &question, of).await?;
                    ("community.close", json!({ "of": question.duplicate_of.map(|of| of.to_string()) }))
                }
            };
            sql::update_question(tx, &question).await?;
            if question.is_over() {
                notice::followers(tx, &at, (&question, &post), Told::Closed).await?;
            }
            at.note(tx, question.org, action, (question.id, detail)).await.map_err(Fault::from)
        })
    });
    work.await?;
    app.health.ring();
    Ok(())
}

/// The question that another one repeats: there, for the same readers, itself no duplicate.
async fn original(tx: &mut Tx, spaces: &Spaces, question: &Question, of: Option<PostId>) -> Result<Option<PostId>, Fault> {
    let Some(of) = of else { return Ok(None) };
    let wrong = || Fault::Invalid(vec![Wrong::new("of", "community-wrong-duplicate")]);
    let found = sql::one_question(tx, spaces, of).await?.ok_or_else(wrong)?;
    let is_for_all = found.org.0 == 0 || found.org == question.org;
    if found.id == question.id || found.duplicate_of.is_some() || !found.is_listed || !is_for_all { Err(wrong()) } else { Ok(Some(of)) }
}

/// The question that is meant by an address or an identifier.
pub fn named(text: &str) -> Option<PostId> {
    let last = text.trim().rsplit('/').next().unwrap_or_default();
    last.split(['#', '?']).next().unwrap_or_default().parse().ok()
}

/// An answer as a solution that everybody who asks support may read: what staff gets to look over before it is published.
pub async fn draft(app: &App, person: &Person, id: PostId) -> Result<(Question, Post, NewSolution), Fault> {
    let who = person.clone();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let (spaces, question, answer) = seen(tx, Some(&who), id).await?;
            let first = sql::one_post(tx, &spaces, question.id).await?.ok_or(Fault::NotFound)?;
            Ok::<_, Fault>((question, answer, first))
        })
    });
    let (question, answer, first) = read.await?;
    person.require(May::Support)?;
    // What was written among people of one organisation is not shown to others.
    if answer.kind != PostKind::Answer || !answer.is_shown() || question.org.0 != 0 {
        return Err(Fault::Conflict(Say::new("community-no-article")));
    }
    let draft = NewSolution {
        title: question.title.clone(),
        problem: text::plain(&first.body, 2_000),
        text: answer.body.clone(),
        lang: question.lang.clone(),
    };
    Ok((question, answer, draft))
}

/// Publishes it, in place of what was published from this question before.
pub async fn publish(app: &App, person: &Person, id: PostId, typed: &NewSolution) -> Result<SolutionId, Fault> {
    let (question, answer, _) = draft(app, person, id).await?;
    let mut wrong: Vec<Wrong> = Vec::new();
    let at = At::new(app, person);
    let solution = Solution {
        id: SolutionId(at.ids.next(at.now_ms)),
        request: None,
        lang: question.lang.clone(),
        title: form::text(&mut wrong, ("title", "request-wrong-title"), &typed.title, form::TITLE_CHARS_MAX),
        problem: form::text(&mut wrong, ("problem", "request-wrong-description"), &typed.problem, super::change::TEXT_CHARS_MAX),
        text: form::text(&mut wrong, ("text", "request-wrong-body"), &typed.text, super::change::TEXT_CHARS_MAX),
        area: Area::Other.name().into(),
        probe: String::new(),
        by: person.id,
        published_ms: at.now_ms,
        withdrawn_ms: None,
        helped: 0,
        helped_not: 0,
    };
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let made = solution.id;
    let who = person.clone();
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let (_, mut question, _) = seen(tx, Some(&who), question.id).await?;
            if let Some(before) = question.solution {
                sql_search::withdraw(tx, before, at.now_ms).await?;
            }
            sql_search::publish(tx, &solution, &search::weights(&solution.title, &[&solution.problem, &solution.text])).await?;
            question.solution = Some(solution.id);
            sql::update_question(tx, &question).await?;
            let detail = json!({ "question": question.id.to_string(), "solution": solution.id.to_string() });
            at.note(tx, question.org, "community.publish", (answer.id, detail)).await.map_err(Fault::from)
        })
    });
    work.await?;
    Ok(made)
}

/// Where a solution came from, for a reader of it: address and title of the question.
pub async fn origin(tx: &mut Tx, person: &Person, solution: SolutionId) -> Result<Option<(String, String)>, Error> {
    let spaces = readable(tx, Some(person)).await?;
    let found = sql::of_solution(tx, &spaces, solution).await?;
    Ok(found.filter(|question| question.is_listed).map(|question| (path(question.id), question.title)))
}

/// A space as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewSpace {
    /// In addresses: small letters, digits and dashes. Stays as it is.
    pub name: String,
    pub title: String,
    /// What is asked here.
    pub about: String,
    /// Identifier of the organisation whose people alone read and write here; "" is everybody of the installation.
    pub organisation: String,
    /// Everybody on the Internet reads it.
    pub public: bool,
    /// Nothing more is written.
    pub closed: bool,
}

/// Makes a space, or changes the one of that name.
/// # Errors
/// [`Fault::Invalid`] names wrong fields.
pub async fn put_space(app: &App, person: &Person, typed: &NewSpace, is_new: bool) -> Result<Space, Fault> {
    person.require(May::Operate)?;
    let mut wrong = Vec::new();
    let name = typed.name.trim().to_string();
    let is_name =
        !name.is_empty() && name.len() <= NAME_CHARS_MAX && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_name {
        wrong.push(Wrong { field: "name", say: Say::new("community-wrong-name").with("count", NAME_CHARS_MAX) });
    }
    let title = text::plain_line(&typed.title, SPACE_TITLE_CHARS_MAX);
    if title.is_empty() {
        wrong.push(Wrong::new("title", "community-wrong-space-title"));
    }
    let org = match typed.organisation.trim() {
        "" => None,
        id => match id.parse::<OrgId>().ok().filter(|org| org.0 > 0 && app.directory.snapshot().organisation(*org).is_some()) {
            Some(org) => Some(org),
            None => {
                wrong.push(Wrong::new("organisation", "community-wrong-organisation"));
                None
            }
        },
    };
    if org.is_some() && typed.public {
        wrong.push(Wrong::new("public", "community-wrong-public"));
    }
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let about = text::plain_line(&typed.about, WORDS_CHARS_MAX);
    let space = Space { id: app.fresh_id(), org, name, title, about, is_public: typed.public, is_closed: typed.closed };
    let at = At::new(app, person);
    app.db.tx(move |tx| Box::pin(async move { keep_space(tx, &at, space, is_new).await })).await
}

async fn keep_space(tx: &mut Tx, at: &At, mut space: Space, is_new: bool) -> Result<Space, Fault> {
    let all = sql::spaces(tx, OrgScope::All).await?;
    let known = all.iter().find(|known| known.name == space.name);
    match (known, is_new) {
        (Some(_), true) => return Err(Fault::Invalid(vec![Wrong::new("name", "community-name-taken")])),
        (None, false) => return Err(Fault::NotFound),
        // Whose space it is stays: what was written in it was written for these readers.
        (Some(known), false) => (space.id, space.org) = (known.id, known.org),
        (None, true) if all.len() >= sql::SPACES_MAX => return Err(Fault::Conflict(Say::new("community-full"))),
        (None, true) => {}
    }
    if space.org.is_some() && space.is_public {
        return Err(Fault::Invalid(vec![Wrong::new("public", "community-wrong-public")]));
    }
    sql::put_space(tx, &space, at.now_ms).await?;
    let detail = json!({ "public": space.is_public, "closed": space.is_closed, "title": space.title });
    audit::note(tx, &at.person, &at.ids, at.now_ms, Entry::new(space.org, "community.space", &space.name).with(detail)).await?;
    Ok(space)
}
