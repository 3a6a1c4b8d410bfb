//! Telling people what happened to a question they follow: by the bell, and by letter where they want one.
//!
//! Invariants: nobody is told of what they did themselves, or of a question they may not read (any more); one letter about a question in
//! [`LETTER_EVERY_MS`], so that a lively one fills no mailbox.

use super::change::At;
use super::model::{Post, Question, Spaces, path};
use super::{sql, sql_people, text};
use crate::health::bell::{self, Alert};
use crate::page::{Say, View};
use crate::people::{Person, sql as people_sql};
use gateway::queue::letter::{self, Letter};
use gateway::scope::OrgScope;
use mail::{Address, OrgId, PersonId};
use store::{Error, Tx};

/// Between two letters about one question to one person.
const LETTER_EVERY_MS: i64 = 15 * 60 * 1000;
/// Letters about one thing; the bell tells all.
const LETTERS_MAX: usize = 50;
/// Characters of a post that a letter has.
const EXCERPT_CHARS_MAX: usize = 600;

/// What happened. Words `community-told-…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Answer,
    Comment,
    Accepted,
    Edited,
    Closed,
    /// A moderator took it out, or let it in.
    Removed,
    Shown,
}

impl Told {
    pub fn name(self) -> &'static str {
        match self {
            Told::Answer => "answer",
            Told::Comment => "comment",
            Told::Accepted => "accepted",
            Told::Edited => "edited",
            Told::Closed => "closed",
            Told::Removed => "removed",
            Told::Shown => "shown",
        }
    }
}

/// Tells everybody who follows the question.
pub async fn followers(tx: &mut Tx, at: &At, (question, post): (&Question, &Post), told: Told) -> Result<(), Error> {
    let people = sql_people::followers(tx, question.id).await?;
    tell(tx, at, (question, post), (told, people)).await
}

/// Tells one person.
pub async fn one(tx: &mut Tx, at: &At, (question, post): (&Question, &Post), (told, person): (Told, PersonId)) -> Result<(), Error> {
    tell(tx, at, (question, post), (told, vec![person])).await
}

async fn tell(tx: &mut Tx, at: &At, (question, post): (&Question, &Post), (told, people): (Told, Vec<PersonId>)) -> Result<(), Error> {
    let mut letters = 0;
    for id in people.into_iter().filter(|id| *id != at.person.id) {
        let Some(person) = people_sql::active(tx, id).await? else { continue };
        let all = sql::spaces(tx, person.scope()).await?;
        if Spaces::readable(all, Some(&person)).of(question.space).is_none() {
            continue;
        }
        let is_due = sql_people::tell(tx, id, (question.id, post.id), (told.name(), at.now_ms), at.now_ms - LETTER_EVERY_MS).await?;
        if is_due && letters < LETTERS_MAX && bell::choice(tx, id).await?.community_mail {
            letters += usize::from(write(tx, at, &person, (question, post, told)).await?);
        }
    }
    Ok(())
}

/// Whether a letter could go: to whom belongs to no organisation there is no account it would go on.
async fn write(tx: &mut Tx, at: &At, person: &Person, (question, post, told): (&Question, &Post, Told)) -> Result<bool, Error> {
    let org: Option<OrgId> = person.home.or(question.space_org());
    let (Some(app), Some(org), Ok(to)) = (&at.app, org, Address::parse(&person.email)) else { return Ok(false) };
    let lang = person.lang.unwrap_or_default();
    let view = View::plain(lang, at.now_ms);
    let title = text::plain_line(&question.title, 120);
    let excerpt = text::plain(&post.body, EXCERPT_CHARS_MAX);
    let link = format!("{}#{}", app.link(&question.path()), post.id);
    let end = view.t("community-letter-end");
    let said = view.w(&format!("community-told-{}", told.name()), &title);
    let lines = format!("{said}\n\n{}: {excerpt}\n\n{link}\n\n{end}\n", post.who);
    let letter = Letter {
        org,
        to,
        from_name: view.t("community-letter-from"),
        subject: view.w("community-letter-subject", &title),
        text: lines.replace('\n', "\r\n"),
        html: String::new(),
        language: lang.tag().into(),
        kind: "community",
        host: app.hostname.clone(),
    };
    letter::post(tx, &letter, &app.directory.snapshot(), &at.ids, at.now_ms).await?;
    Ok(true)
}

/// What the bell rings about.
pub async fn alerts(tx: &mut Tx, scope: OrgScope, person: PersonId, since_ms: i64) -> Result<Vec<Alert>, Error> {
    let Some(known) = people_sql::active(tx, person).await? else { return Ok(Vec::new()) };
    let spaces = Spaces::readable(sql::spaces(tx, scope).await?, Some(&known));
    let notices = sql_people::notices(tx, &spaces, person, since_ms).await?;
    let alert = |notice: &sql_people::Notice| Alert {
        subject: notice.question.to_string(),
        href: format!("{}#{}", path(notice.question), notice.post),
        title: told(&notice.kind, &notice.title).into(),
        at_ms: notice.at_ms,
        is_urgent: false,
        is_read: false,
        status: "community-title".into(),
        tone: "info",
    };
    Ok(notices.iter().map(alert).collect())
}

fn told(kind: &str, title: &str) -> Say {
    let key = match kind {
        "answer" => "community-told-answer",
        "comment" => "community-told-comment",
        "accepted" => "community-told-accepted",
        "closed" => "community-told-closed",
        "removed" => "community-told-removed",
        "shown" => "community-told-shown",
        _ => "community-told-edited",
    };
    Say::new(key).with("what", title)
}
