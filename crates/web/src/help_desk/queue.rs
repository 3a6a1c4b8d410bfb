//! The queue of an organisation: who asks for another look, and the answers.
//!
//! An answer is one transaction with its line in the audit log; the letter to a proven contact goes after it. Allowing goes the way of entries: a
//! draft that is replayed over past mail and saved by a person ([`settle_draft`] is called in that transaction).

use super::WORDS_CHARS_MAX;
use super::again::{self, Again};
use super::ask::post;
use super::sql::{self, Given, SecondLook, State};
use crate::App;
use crate::audit::{self, Entry};
use crate::draft::{self, What};
use crate::entry::{self, NewEntry};
use crate::page::fault::Wrong;
use crate::page::words::Lang;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use gateway::directory::{Effect, EntryKind};
use gateway::queue::letter::Letter;
use mail::id::{DraftId, IdMaker, SecondLookId};
use mail::{Address, OrgId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use store::{Error, Tx};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What the answer of an administrator is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LookAnswer {
    /// "again": look again. "allow": draft an allow entry. "mended": it would pass now. "decline".
    pub verb: String,
    /// Words to whoever asked.
    pub answer: String,
    /// With "allow": "address", "domain" or "ip".
    pub kind: String,
    /// With "allow": for the "recipient" of the refused mail only, or for "everybody" in the organisation.
    pub scope: String,
    /// With "allow": days until it ends, 1 to 90.
    pub days: String,
}

/// What came of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    Looked,
    /// Is to be saved.
    Drafted(DraftId),
    Settled(State),
}

/// One ask of the person's scope.
pub async fn find(app: &App, person: &Person, id: &str) -> Result<SecondLook, Fault> {
    person.require(May::Trace)?;
    let (id, scope): (SecondLookId, _) = (id.parse().map_err(|_| Fault::NotFound)?, person.scope());
    let found = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await;
    found.map_err(|why: Error| Fault::from(why))?.ok_or(Fault::NotFound)
}

/// Those that wait, or those that were answered; the latest first, and where to go on.
pub async fn list(app: &App, person: &Person, is_open: bool, before: &str) -> Result<(Vec<SecondLook>, Option<SecondLookId>), Fault> {
    person.require(May::Trace)?;
    let before = match before {
        "" => None,
        before => Some(before.parse().map_err(|_| Fault::Invalid(vec![Wrong::new("before", "desk-wrong-cursor")]))?),
    };
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, is_open, before).await })).await;
    let (rows, is_more): (Vec<SecondLook>, bool) = found.map_err(|why: Error| Fault::from(why))?;
    let next = rows.last().map(|last| last.id).filter(|_| is_more);
    Ok((rows, next))
}

/// Answers an ask of the person's scope.
/// # Errors
/// [`Fault::Denied`] names the permission; [`Fault::Conflict`] when it was answered already.
pub async fn answer(app: &App, person: &Person, look: &SecondLook, answer: &LookAnswer) -> Result<Answered, Fault> {
    match answer.verb.as_str() {
        "again" => look_again(app, person, look).await.map(|()| Answered::Looked),
        "allow" => allow(app, person, look, answer).await.map(Answered::Drafted),
        "mended" => settle(app, person, look, (State::Mended, &answer.answer)).await,
        "decline" => settle(app, person, look, (State::Declined, &answer.answer)).await,
        _ => Err(Fault::Invalid(vec![Wrong::new("verb", "desk-wrong-verb")])),
    }
}

/// How often one person may have us look again in five minutes: it asks DNS.
const LOOKS_MAX: u32 = 20;

async fn look_again(app: &App, person: &Person, look: &SecondLook) -> Result<(), Fault> {
    person.require(May::Trace)?;
    app.turns.take(person.id, "second-look", LOOKS_MAX)?;
    let again: Again = again::look(app, look).await?;
    let text = serde_json::to_string(&again).map_err(|why| Fault::Ours(why.to_string()))?;
    let (id, org, person, ids, now_ms) = (look.id, look.org, person.clone(), app.ids.clone(), app.now_ms());
    let done: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::looked(tx, org, id, &text).await?;
                audit::note(tx, &person, &ids, now_ms, Entry::new(Some(org), "desk.again", id)).await
            })
        })
        .await;
    done.map_err(Fault::from)
}

/// Drafts an allow entry and begins to replay it; the ask stays open until the draft is saved.
async fn allow(app: &App, person: &Person, look: &SecondLook, answer: &LookAnswer) -> Result<DraftId, Fault> {
    person.require(May::Entries)?;
    if look.state != State::Open {
        return Err(Fault::Conflict(Say::new("desk-answered-already")));
    }
    if !look.reason().is_allowable() {
        return Err(Fault::Conflict(Say::new("desk-allow-no-help")));
    }
    // An operator acts where the ask is.
    let person = Person { org: Some(look.org), ..person.clone() };
    let entry = NewEntry::checked(app, look.org, typed(look, answer)?).map_err(Fault::Invalid)?;
    let id = draft::begin(app, &person, What::Entry { entry }, draft::DAYS_DEFAULT).await?;
    let (look, org, ids, now_ms) = (look.id, look.org, app.ids.clone(), app.now_ms());
    let done: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::drafted(tx, org, look, id).await? {
                    return Ok(false);
                }
                let note = Entry::new(Some(org), "desk.draft", look).with(json!({ "draft": id.to_string() }));
                audit::note(tx, &person, &ids, now_ms, note).await?;
                Ok(true)
            })
        })
        .await;
    if done? { Ok(id) } else { Err(Fault::Conflict(Say::new("desk-answered-already"))) }
}

fn typed(look: &SecondLook, answer: &LookAnswer) -> Result<NewEntry, Fault> {
    let mut wrong = Vec::new();
    let kind = match answer.kind.as_str() {
        "address" if !look.facts.sender.is_empty() => Some((EntryKind::Address, look.facts.sender.clone())),
        "domain" if !look.domain.is_empty() => Some((EntryKind::Domain, look.domain.clone())),
        "ip" => Some((EntryKind::Ip, look.facts.ip.clone())),
        _ => None,
    };
    if kind.is_none() {
        wrong.push(Wrong::new("kind", "desk-wrong-kind"));
    }
    let scope = match answer.scope.as_str() {
        "everybody" => Some(String::new()),
        "recipient" => look.facts.recipients.first().cloned(),
        _ => None,
    };
    if scope.is_none() {
        wrong.push(Wrong::new("scope", "desk-wrong-scope"));
    }
    let days = match answer.days.trim() {
        "" => Some(entry::DAYS_DEFAULT),
        days => days.parse::<i64>().ok().filter(|days| (1..=entry::DAYS_MAX).contains(days)),
    };
    if days.is_none() {
        wrong.push(Wrong::new("days", "entry-wrong-days"));
    }
    match (kind, scope, days) {
        (Some((kind, value)), Some(scope), Some(days)) => {
            let note = Say::new("desk-entry-note").with("what", look.id.to_string()).in_lang(Lang::English);
            Ok(NewEntry { effect: Effect::Allow, kind, value, scope, days: Some(days), note })
        }
        _ => Err(Fault::Invalid(wrong)),
    }
}

/// Ends it in words.
async fn settle(app: &App, person: &Person, look: &SecondLook, (state, words): (State, &str)) -> Result<Answered, Fault> {
    person.require(May::Release)?;
    let words = words.trim().to_string();
    if words.chars().count() > WORDS_CHARS_MAX {
        let say = Say::new("desk-wrong-why-long").with("count", WORDS_CHARS_MAX);
        return Err(Fault::Invalid(vec![Wrong { field: "answer", say }]));
    }
    if words.is_empty() && state == State::Declined {
        return Err(Fault::Invalid(vec![Wrong::new("answer", "desk-wrong-answer")]));
    }
    let given = Given { state, answer: words, by: person.email.clone(), until_ms: None, now_ms: app.now_ms() };
    let (settled, person, ids, of) = (given.clone(), person.clone(), app.ids.clone(), look.clone());
    let done: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::settle(tx, of.org, of.id, &settled).await? {
                    return Ok(false);
                }
                let detail = json!({ "answer": settled.answer, "contact": of.contact, "code": of.code().to_string() });
                let action = if settled.state == State::Declined { "desk.decline" } else { "desk.mended" };
                audit::note(tx, &person, &ids, settled.now_ms, Entry::new(Some(of.org), action, of.id).with(detail)).await?;
                Ok(true)
            })
        })
        .await;
    if !done? {
        return Err(Fault::Conflict(Say::new("desk-answered-already")));
    }
    tell(app, look, &given).await;
    Ok(Answered::Settled(state))
}

/// The draft of an allow entry is saved: the ask it was for, if any, is answered in the same transaction. What is returned is to be told
/// with [`told_of_draft`] after it.
pub async fn settle_draft(
    tx: &mut Tx,
    of: (OrgId, DraftId),
    days: Option<i64>,
    who: (&Person, &IdMaker, i64),
) -> Result<Option<Settled>, Error> {
    let ((org, draft), (person, ids, now_ms)) = (of, who);
    let Some(look) = sql::of_draft(tx, org, draft).await? else { return Ok(None) };
    let until_ms = days.map(|days| now_ms + days * DAY_MS);
    let given = Given { state: State::Allowed, answer: String::new(), by: person.email.clone(), until_ms, now_ms };
    if !sql::settle(tx, org, look.id, &given).await? {
        return Ok(None);
    }
    let detail = json!({ "contact": look.contact, "code": look.code().to_string(), "draft": draft.to_string() });
    audit::note(tx, person, ids, now_ms, Entry::new(Some(org), "desk.allow", look.id).with(detail)).await?;
    Ok(Some(Settled { look, given }))
}

/// An ask that was answered by saving a draft.
#[derive(Debug)]
pub struct Settled {
    look: SecondLook,
    given: Given,
}

impl Settled {
    pub async fn tell(&self, app: &App) {
        tell(app, &self.look, &self.given).await;
    }
}

/// The bell falls silent; a letter goes to a contact that is proven, others have the link.
async fn tell(app: &App, look: &SecondLook, given: &Given) {
    app.health.ring();
    let Some(to) = look.proven_ms.and_then(|_| Address::parse(&look.contact).ok()) else { return };
    let lang = Lang::parse(&look.lang).unwrap_or_default();
    let words = |key: &str| Say { key: key.to_string().into(), args: Vec::new() }.with("what", look.code().to_string()).in_lang(lang);
    let mut text = format!("{}\r\n", words(&format!("desk-told-{}", given.state.name())));
    if !given.answer.is_empty() {
        text.push_str(&format!("\r\n{}\r\n", given.answer.replace('\r', "").replace('\n', "\r\n")));
    }
    let letter = Letter {
        org: look.org,
        to,
        from_name: "Gatepost".into(),
        subject: words("desk-told-subject"),
        text,
        html: String::new(),
        language: lang.tag().into(),
        kind: "second-look",
        host: app.hostname.clone(),
    };
    post(app, letter).await;
}

/// What an allow entry can be for, the narrowest first: kind and value.
pub fn kinds(look: &SecondLook) -> Vec<(&'static str, String)> {
    let all = [("address", look.facts.sender.clone()), ("domain", look.domain.clone()), ("ip", look.facts.ip.clone())];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}

/// Asks are kept as long as the trace is.
pub async fn forget_every_hour(app: App) {
    let mut every = tokio::time::interval(HOUR);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let before_ms = app.now_ms() - i64::from(app.trace_days) * DAY_MS;
        let gone = app.db.tx(move |tx| Box::pin(async move { sql::forget(tx, before_ms).await })).await;
        if let Err(why) = gone {
            let why: Error = why;
            tracing::warn!(%why, "old asks of the help desk were not forgotten");
        }
    }
}
