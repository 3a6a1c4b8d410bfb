//! Everything that people do in the community, each in one transaction with its line in the audit log.
//!
//! In: who, and what they typed. Invariants: what somebody may not read is not there for them; nobody votes on their own; a question that is
//! locked or closed, and a space that is closed, take nothing more; what is held or taken out is found by nobody. Not here: what
//! moderators decide (`moderate`).

use super::model::{Post, PostKind, PostState, Question, Space, Spaces, moderates, shown_name, staff};
use super::notice::{self, Told};
use super::spam::{self, Turn};
use super::{find, sql, sql_people, text};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::{IdMaker, PostId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use store::{Error, Tx};
use utoipa::ToSchema;

pub const TITLE_CHARS_MAX: usize = 150;
const TITLE_CHARS_MIN: usize = 10;
pub const TEXT_CHARS_MAX: usize = 20_000;
const COMMENT_CHARS_MAX: usize = 1_000;
const WHY_CHARS_MAX: usize = 200;
/// Tags of one question, and characters of one.
pub const TAGS_MAX: usize = 5;
const TAG_CHARS_MAX: usize = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Posts to one question, and in a day in one space: of all, and of one person.
const OF_QUESTION_MAX: i64 = 900;
const OF_SPACE_DAY_MAX: i64 = 5_000;
const OF_PERSON_DAY_MAX: i64 = 200;

/// Who does something now.
#[derive(Clone)]
pub struct At {
    /// Writes letters; `None` on the command line, where nobody does.
    pub app: Option<App>,
    pub ids: Arc<IdMaker>,
    pub person: Person,
    pub now_ms: i64,
}

impl At {
    pub fn new(app: &App, person: &Person) -> At {
        At { app: Some(app.clone()), ids: app.ids.clone(), person: person.clone(), now_ms: app.now_ms() }
    }

    fn fresh(&self) -> PostId {
        PostId(self.ids.next(self.now_ms))
    }

    pub async fn note(
        &self,
        tx: &mut Tx,
        org: OrgId,
        action: &'static str,
        (subject, detail): (PostId, serde_json::Value),
    ) -> Result<(), Error> {
        let org = Some(org).filter(|org| org.0 != 0);
        audit::note(tx, &self.person, &self.ids, self.now_ms, Entry::new(org, action, subject).with(detail)).await
    }
}

/// The spaces that somebody may read.
pub async fn readable(tx: &mut Tx, person: Option<&Person>) -> Result<Spaces, Error> {
    let scope = person.map_or(OrgScope::One(OrgId(0)), Person::scope);
    Ok(Spaces::readable(sql::spaces(tx, scope).await?, person))
}

/// A post that this person sees, its question, and the spaces they may read.
/// # Errors
/// [`Fault::NotFound`] for what is not there or not for them; of those who are not signed in, signing in is asked.
pub async fn seen(tx: &mut Tx, person: Option<&Person>, id: PostId) -> Result<(Spaces, Question, Post), Fault> {
    let missing = || if person.is_some() { Fault::NotFound } else { Fault::SignIn };
    let spaces = readable(tx, person).await?;
    let post = sql::one_post(tx, &spaces, id).await?.filter(|post| post.is_seen_by(person)).ok_or_else(missing)?;
    let question = sql::one_question(tx, &spaces, post.question).await?.ok_or_else(missing)?;
    if post.id != question.id {
        sql::one_post(tx, &spaces, question.id).await?.filter(|first| first.is_seen_by(person)).ok_or_else(missing)?;
    }
    Ok((spaces, question, post))
}

/// A question as it is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewCommunityQuestion {
    /// Name of the space.
    pub space: String,
    pub title: String,
    /// Markdown: paragraphs, lists, quotes, code, links; no HTML, no pictures.
    pub body: String,
    /// Up to five, with spaces or commas between.
    pub tags: String,
}

/// What was typed, found to be good.
struct Checked {
    title: String,
    body: String,
    tags: Vec<String>,
}

fn checked(title: &str, body: &str, tags: &str) -> Result<Checked, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let title = text::plain_line(title, TITLE_CHARS_MAX * 2);
    // Chinese says in four characters what takes ten letters.
    let length: usize = title.chars().map(|c| if c.is_ascii() { 1 } else { 3 }).sum();
    if length < TITLE_CHARS_MIN {
        wrong.push(Wrong::new("title", "community-wrong-title"));
    } else if title.chars().count() > TITLE_CHARS_MAX {
        wrong.push(Wrong { field: "title", say: Say::new("community-wrong-long").with("count", TITLE_CHARS_MAX) });
    }
    let body = body_of(&mut wrong, body, TEXT_CHARS_MAX);
    let tags = tags_of(&mut wrong, tags);
    if wrong.is_empty() { Ok(Checked { title, body, tags }) } else { Err(wrong) }
}

fn body_of(wrong: &mut Vec<Wrong>, body: &str, most: usize) -> String {
    let body = text::visible(body).trim().to_string();
    if body.is_empty() {
        wrong.push(Wrong::new("body", "community-wrong-body"));
    } else if body.chars().count() > most {
        wrong.push(Wrong { field: "body", say: Say::new("community-wrong-long").with("count", most) });
    }
    body
}

/// Lower case, letters, digits, dashes and points; each once.
fn tags_of(wrong: &mut Vec<Wrong>, typed: &str) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    let typed: String = typed.chars().take(TAGS_MAX * TAG_CHARS_MAX * 4).collect();
    for word in typed.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '、' | '#')).filter(|word| !word.is_empty()) {
        let tag = word.to_lowercase();
        let is_tag = tag.chars().count() <= TAG_CHARS_MAX && tag.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '+'));
        if !is_tag {
            wrong.push(Wrong { field: "tags", say: Say::new("community-wrong-tag").with("count", TAG_CHARS_MAX) });
            return tags;
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.len() > TAGS_MAX {
        wrong.push(Wrong { field: "tags", say: Say::new("community-wrong-tags").with("count", TAGS_MAX) });
    }
    tags
}

/// Asks; returns the question, and whether it is shown or waits for a moderator.
/// # Errors
/// [`Fault::Invalid`] names wrong fields, [`Fault::TooMany`] says when to come back.
pub async fn ask(app: &App, person: &Person, lang: Lang, typed: &NewCommunityQuestion) -> Result<(PostId, PostState), Fault> {
    let who = person.clone();
    let spaces =
        app.db.read(move |tx| Box::pin(async move { readable(tx, Some(&who)).await })).await.map_err(|why: Error| Fault::from(why))?;
    person.require(May::Community)?;
    let checked = checked(&typed.title, &typed.body, &typed.tags);
    let space = spaces.named(typed.space.trim()).filter(|space| !space.is_closed).cloned();
    let (Some(space), true) = (space, checked.is_ok()) else {
        let mut wrong = checked.err().unwrap_or_default();
        if spaces.named(typed.space.trim()).is_none_or(|space| space.is_closed) {
            wrong.push(Wrong::new("space", "community-wrong-space"));
        }
        return Err(Fault::Invalid(wrong));
    };
    let checked = checked.map_err(Fault::Invalid)?;
    Turn::Ask.take_as(app, person, space.id)?;
    let (state, reason) = spam::judge(app, person, &space, (&checked.title, &checked.body));
    let at = At::new(app, person);
    let question = fresh_question(&at, &space, lang, (checked.title, checked.tags), state);
    let post = fresh_post(&at, &question, (PostKind::Question, PostId(0)), checked.body, (state, reason));
    let id = question.id;
    app.db.tx(move |tx| Box::pin(async move { put_question(tx, &at, &spaces, (&question, &post)).await })).await?;
    app.health.ring();
    Ok((id, state))
}

fn fresh_question(at: &At, space: &Space, lang: Lang, (title, tags): (String, Vec<String>), state: PostState) -> Question {
    Question {
        id: at.fresh(),
        org: space.org.unwrap_or(OrgId(0)),
        space: space.id,
        person: at.person.id,
        title,
        lang: lang.tag().into(),
        tags,
        is_listed: state == PostState::Shown,
        is_locked: false,
        duplicate_of: None,
        accepted: None,
        answers: 0,
        solution: None,
        last_ms: at.now_ms,
    }
}

fn fresh_post(
    at: &At,
    question: &Question,
    (kind, parent): (PostKind, PostId),
    body: String,
    (state, reason): (PostState, String),
) -> Post {
    Post {
        id: if kind == PostKind::Question { question.id } else { at.fresh() },
        org: question.org,
        space: question.space,
        question: question.id,
        parent,
        kind,
        person: at.person.id,
        who: shown_name(&at.person),
        staff: staff(&at.person).into(),
        body,
        state,
        reason,
        score: 0,
        edits: 0,
        edited_ms: 0,
        reports: 0,
    }
}

async fn put_question(tx: &mut Tx, at: &At, spaces: &Spaces, (question, post): (&Question, &Post)) -> Result<(), Fault> {
    within_limits(tx, at, question).await?;
    sql::insert_question(tx, question).await?;
    sql::insert_post(tx, post).await?;
    sql_people::follow(tx, question.id, at.person.id, true).await?;
    find::index(tx, spaces, question.id).await?;
    let detail = json!({ "title": question.title, "state": post.state.name() });
    at.note(tx, question.org, "community.ask", (question.id, detail)).await.map_err(Fault::from)
}

async fn within_limits(tx: &mut Tx, at: &At, question: &Question) -> Result<(), Fault> {
    let since = PostId(gateway::trace::first_id_at(at.now_ms - DAY_MS).0);
    let [of_question, of_space, of_person] = sql::counts(tx, (question.space, question.id, at.person.id), since).await?;
    if of_question >= OF_QUESTION_MAX {
        return Err(Fault::Conflict(Say::new("community-full")));
    }
    if of_space >= OF_SPACE_DAY_MAX || of_person >= OF_PERSON_DAY_MAX {
        return Err(Fault::TooMany(u32::try_from(DAY_MS / 1000 / 24).unwrap_or(3600)));
    }
    Ok(())
}

/// Answers a question, or (with a post of it) comments on that post.
/// # Errors
/// [`Fault::Conflict`] when nothing more is taken.
pub async fn reply(app: &App, person: &Person, (kind, to): (PostKind, PostId), body: &str) -> Result<(PostId, PostState), Fault> {
    let who = person.clone();
    let found = app.db.read(move |tx| Box::pin(async move { seen(tx, Some(&who), to).await })).await;
    let (spaces, question, parent): (Spaces, Question, Post) = found?;
    person.require(May::Community)?;
    let is_place = match kind {
        PostKind::Answer => parent.kind == PostKind::Question,
        _ => parent.kind != PostKind::Comment,
    };
    if !is_place {
        return Err(Fault::NotFound);
    }
    let space = spaces.of(question.space).ok_or(Fault::NotFound)?.clone();
    is_open(&space, &question)?;
    let mut wrong = Vec::new();
    let body = body_of(&mut wrong, body, if kind == PostKind::Comment { COMMENT_CHARS_MAX } else { TEXT_CHARS_MAX });
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    Turn::Write.take_as(app, person, space.id)?;
    let judged = spam::judge(app, person, &space, (&question.title, &body));
    let at = At::new(app, person);
    let post = fresh_post(&at, &question, (kind, parent.id), body, judged);
    let (id, state) = (post.id, post.state);
    app.db.tx(move |tx| Box::pin(async move { put_reply(tx, &at, &spaces, (question, &post)).await })).await?;
    app.health.ring();
    Ok((id, state))
}

fn is_open(space: &Space, question: &Question) -> Result<(), Fault> {
    if space.is_closed || question.is_over() { Err(over()) } else { Ok(()) }
}

fn over() -> Fault {
    Fault::Conflict(Say::new("community-over"))
}

async fn put_reply(tx: &mut Tx, at: &At, spaces: &Spaces, (question, post): (Question, &Post)) -> Result<(), Fault> {
    // Read again: it may have been locked since.
    let mut question = sql::one_question(tx, spaces, question.id).await?.filter(|now| !now.is_over()).ok_or_else(over)?;
    within_limits(tx, at, &question).await?;
    sql::insert_post(tx, post).await?;
    sql_people::follow(tx, question.id, at.person.id, true).await?;
    let is_answer = post.kind == PostKind::Answer;
    if post.is_shown() {
        question.last_ms = at.now_ms;
        sql::update_question(tx, &question).await?;
        sql::recount(tx, post).await?;
        find::index(tx, spaces, question.id).await?;
        notice::followers(tx, at, (&question, post), if is_answer { Told::Answer } else { Told::Comment }).await?;
    }
    let action = if is_answer { "community.answer" } else { "community.comment" };
    at.note(tx, question.org, action, (post.id, json!({ "question": question.id.to_string(), "state": post.state.name() }))).await?;
    Ok(())
}

/// A post as it should be from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EditedPost {
    /// Of a question only.
    pub title: String,
    pub body: String,
    /// Of a question only, with spaces or commas between.
    pub tags: String,
    /// What was changed, in a few words.
    pub why: String,
    /// How often it had been edited when it was read: nobody writes over what they have not seen.
    pub edits: i64,
}

/// Whether this person may change the words of this post.
pub fn may_edit(person: &Person, question: &Question, post: &Post) -> bool {
    let own =
        post.is_by(person) && person.may(May::Community) && !question.is_locked && matches!(post.state, PostState::Shown | PostState::Held);
    own || moderates(person, post.space_org())
}

/// Edits; what it was is kept.
/// # Errors
/// [`Fault::Changed`] when somebody else was faster.
pub async fn edit(app: &App, person: &Person, id: PostId, typed: &EditedPost) -> Result<PostState, Fault> {
    let who = person.clone();
    let found = app.db.read(move |tx| Box::pin(async move { seen(tx, Some(&who), id).await })).await;
    let (spaces, mut question, post): (Spaces, Question, Post) = found?;
    if !may_edit(person, &question, &post) {
        return Err(Fault::Denied(May::Moderate));
    }
    let before = (question.title.clone(), question.tags.join(" "));
    let body = match post.kind {
        PostKind::Question => {
            let good = checked(&typed.title, &typed.body, &typed.tags).map_err(Fault::Invalid)?;
            (question.title, question.tags) = (good.title, good.tags);
            good.body
        }
        kind => {
            let mut wrong = Vec::new();
            let body = body_of(&mut wrong, &typed.body, if kind == PostKind::Comment { COMMENT_CHARS_MAX } else { TEXT_CHARS_MAX });
            if !wrong.is_empty() {
                return Err(Fault::Invalid(wrong));
            }
            body
        }
    };
    let space = spaces.of(question.space).ok_or(Fault::NotFound)?.clone();
    Turn::Write.take_as(app, person, space.id)?;
    let judged = spam::judge(app, person, &space, (&question.title, &body));
    let at = At::new(app, person);
    let revision = sql::Revision {
        id: at.ids.next(at.now_ms),
        who: shown_name(person),
        why: text::plain_line(&typed.why, WHY_CHARS_MAX),
        title: if post.kind == PostKind::Question { before.0 } else { String::new() },
        tags: if post.kind == PostKind::Question { before.1 } else { String::new() },
        body: post.body.clone(),
    };
    let edits = typed.edits;
    let state = app
        .db
        .tx(move |tx| Box::pin(async move { put_edit(tx, &at, &spaces, (question, post, edits), (&revision, &body, &judged)).await }))
        .await?;
    app.health.ring();
    Ok(state)
}

async fn put_edit(
    tx: &mut Tx,
    at: &At,
    spaces: &Spaces,
    (question, mut post, edits): (Question, Post, i64),
    (revision, body, judged): (&sql::Revision, &str, &(PostState, String)),
) -> Result<PostState, Fault> {
    if post.edits != edits || !sql::set_body(tx, &post, body, at.now_ms).await? {
        return Err(Fault::Changed);
    }
    sql::add_revision(tx, &post, at.person.id, revision).await?;
    let mut question = question;
    if let Some(now) = sql::one_question(tx, spaces, question.id).await? {
        // Only words are edited; whether it is locked or answered is as it stands now.
        question = Question { title: question.title, tags: question.tags, ..now };
        sql::update_question(tx, &question).await?;
    }
    // What became junk by an edit is held like what came so.
    if judged.0 == PostState::Held && post.is_shown() {
        sql::set_state(tx, &post, PostState::Held, &judged.1).await?;
        post.state = PostState::Held;
    }
    find::index(tx, spaces, question.id).await?;
    let is_others = !post.is_by(&at.person);
    if is_others {
        post.body = body.to_string();
        notice::one(tx, at, (&question, &post), (Told::Edited, post.person)).await?;
    }
    let detail = json!({ "question": question.id.to_string(), "others": is_others, "why": revision.why });
    at.note(tx, question.org, "community.edit", (post.id, detail)).await?;
    Ok(post.state)
}

/// Votes: 1, -1, or 0 to take it back.
pub async fn vote(app: &App, person: &Person, id: PostId, value: i64) -> Result<(), Fault> {
    let at = At::new(app, person);
    let (limits, person) = (app.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let (_, question, post) = seen(tx, Some(&person), id).await?;
                person.require(May::Community)?;
                if !(-1..=1).contains(&value) {
                    return Err(Fault::Invalid(vec![Wrong::new("value", "community-wrong-vote")]));
                }
                if post.is_by(&person) || post.kind == PostKind::Comment || !post.is_shown() {
                    return Err(Fault::Conflict(Say::new("community-no-vote")));
                }
                Turn::Vote.take_as(&limits, &person, post.space)?;
                sql_people::vote(tx, &post, person.id, value).await?;
                let detail = json!({ "question": question.id.to_string(), "value": value });
                at.note(tx, post.org, "community.vote", (post.id, detail)).await.map_err(Fault::from)
            })
        })
        .await
}

/// The asker, or who moderates, says which answer solved it; the same again takes it back.
pub async fn accept(app: &App, person: &Person, id: PostId) -> Result<bool, Fault> {
    let (at, who) = (At::new(app, person), person.clone());
    let done = app.db.tx(move |tx| {
        Box::pin(async move {
            let (spaces, mut question, answer) = seen(tx, Some(&who), id).await?;
            if question.person != who.id && !moderates(&who, question.space_org()) {
                return Err(Fault::Denied(May::Moderate));
            }
            if answer.kind != PostKind::Answer || !answer.is_shown() {
                return Err(Fault::Conflict(Say::new("community-no-answer")));
            }
            let is_accepted = question.accepted != Some(answer.id);
            question.accepted = Some(answer.id).filter(|_| is_accepted);
            question.last_ms = at.now_ms;
            sql::update_question(tx, &question).await?;
            find::index(tx, &spaces, question.id).await?;
            if is_accepted {
                notice::one(tx, &at, (&question, &answer), (Told::Accepted, answer.person)).await?;
            }
            let detail = json!({ "question": question.id.to_string(), "accepted": is_accepted });
            at.note(tx, question.org, "community.accept", (answer.id, detail)).await?;
            Ok(is_accepted)
        })
    });
    let is_accepted = done.await?;
    app.health.ring();
    Ok(is_accepted)
}

/// Follows a question, or not any more. One's own choice, which concerns nobody else.
pub async fn follow(app: &App, person: &Person, id: PostId, does: bool) -> Result<(), Fault> {
    let who = person.clone();
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let (_, question, _) = seen(tx, Some(&who), id).await?;
            sql_people::follow(tx, question.id, who.id, does).await.map_err(Fault::from)
        })
    });
    work.await
}

/// Whoever wrote it takes it back; moderators still see it.
pub async fn withdraw(app: &App, person: &Person, id: PostId) -> Result<PostId, Fault> {
    let (at, who) = (At::new(app, person), person.clone());
    let work = app.db.tx(move |tx| {
        Box::pin(async move {
            let (spaces, question, post) = seen(tx, Some(&who), id).await?;
            if !post.is_by(&who) {
                return Err(Fault::Denied(May::Moderate));
            }
            // Answers of others do not vanish with a question.
            if post.kind == PostKind::Question && question.answers > 0 {
                return Err(Fault::Conflict(Say::new("community-has-answers")));
            }
            if !sql::set_state(tx, &post, PostState::Withdrawn, "").await? {
                return Err(Fault::Conflict(Say::new("community-gone")));
            }
            find::index(tx, &spaces, question.id).await?;
            at.note(tx, post.org, "community.withdraw", (post.id, json!({ "question": question.id.to_string() }))).await?;
            Ok(question.id)
        })
    });
    work.await
}

/// A question with its answer for a new installation, past limits and checks: the demo, tests and measurements.
pub async fn plant(tx: &mut Tx, at: &At, space: &Space, planted: &Planted<'_>) -> Result<PostId, Error> {
    let spaces = Spaces::all(vec![space.clone()]);
    let tags = planted.tags.split(' ').filter(|tag| !tag.is_empty()).map(str::to_string).collect();
    let question = fresh_question(at, space, planted.lang, (planted.title.into(), tags), PostState::Shown);
    let mut post = fresh_post(at, &question, (PostKind::Question, PostId(0)), planted.body.into(), (PostState::Shown, String::new()));
    (post.who, post.staff) = (planted.asker.into(), String::new());
    sql::insert_question(tx, &question).await?;
    sql::insert_post(tx, &post).await?;
    if let Some(body) = planted.answer {
        let mut answer = fresh_post(at, &question, (PostKind::Answer, question.id), body.into(), (PostState::Shown, String::new()));
        (answer.who, answer.staff) = (planted.answerer.into(), planted.staff.into());
        sql::insert_post(tx, &answer).await?;
        sql::recount(tx, &answer).await?;
        if planted.is_accepted {
            let now = Question { accepted: Some(answer.id), ..question.clone() };
            sql::update_question(tx, &now).await?;
        }
    }
    find::index(tx, &spaces, question.id).await?;
    Ok(question.id)
}

/// What [`plant`] puts there.
#[derive(Debug, Clone, Copy)]
pub struct Planted<'a> {
    pub lang: Lang,
    pub title: &'a str,
    pub tags: &'a str,
    pub body: &'a str,
    pub asker: &'a str,
    pub answer: Option<&'a str>,
    pub answerer: &'a str,
    /// Role of the answerer, or "".
    pub staff: &'a str,
    pub is_accepted: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_checked() {
        let long = "x".repeat(TEXT_CHARS_MAX + 1);
        let many = "a b c d e f";
        let sentence = "long title ".repeat(30);
        for (title, body, tags, want) in [
            ("How do I rotate a key?", "Text", "dkim, dns", ""),
            ("怎样轮换密钥", "正文", "DKIM，密钥", ""),
            ("short", "", "a_b", "title body tags"),
            ("How do I rotate a key?", long.as_str(), many, "body tags"),
            (sentence.as_str(), "Text", "", "title"),
            ("\u{202e}\u{200b}      ", "\u{202e}", "", "title body"),
        ] {
            let wrong = checked(title, body, tags).err().unwrap_or_default();
            assert_eq!(wrong.iter().map(|wrong| wrong.field).collect::<Vec<_>>().join(" "), want, "{title:.30}");
        }
        let good = checked("How do I rotate a key?", " a\r\nb ", "DKIM dkim #dns").map_err(|_| ()).expect("good");
        assert_eq!((good.body.as_str(), good.tags), ("a\nb", vec!["dkim".to_string(), "dns".into()]));
    }
}
