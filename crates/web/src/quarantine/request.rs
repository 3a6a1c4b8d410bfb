//! Requests to release: asked by those who may not decide, answered by those who may.
//!
//! Malware takes two persons with [`May::ReleaseMalware`]. One of them asks, or agrees first to what somebody without it asked; the
//! other agrees until the request is over. Invariant: the two are two persons, and the audit log names both.

use super::policy;
use super::{answer, decide, digest, powers, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Page, Say, View, done, show};
use crate::people::{May, Person};
use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use gateway::quarantine::api::HeldBody;
use gateway::quarantine::{self, Decision, QuarantineError};
use mail::{MailId, PersonId};
use serde::Deserialize;
use sql::Request;
use store::{Error, Tx};

/// How long a request waits for an answer.
const OPEN_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// The same for malware.
const OPEN_MALWARE_MS: i64 = 24 * 60 * 60 * 1000;
const REASON_CHARS_MAX: usize = 1_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ask {
    n: i64,
    reason: String,
}

/// `POST /quarantine/{mail}/ask`.
pub async fn ask(State(app): State<App>, person: Person, Path(id): Path<String>, Form(ask): Form<Ask>) -> Page {
    let mail: MailId = id.parse().map_err(|_| Fault::NotFound)?;
    make(&app, &person, (mail, ask.n), &ask.reason).await?;
    done(&format!("/quarantine/{mail}"), Say::new("quarantine-asked"))
}

/// Asks for the release of one held row.
/// # Errors
/// [`Fault::Invalid`] without a reason, [`Fault::Conflict`] when the same person asked already.
pub async fn make(app: &App, person: &Person, (mail, n): (MailId, i64), reason: &str) -> Result<Request, Fault> {
    let held = decide::held(app, person, mail, n).await?;
    let rules = policy::rules(app, person).await?;
    let powers = powers(person, &held, &rules);
    if !powers.see {
        return Err(Fault::NotFound);
    }
    let is_malware = held.verdict == "malware";
    if !powers.ask {
        return Err(Fault::Denied(if is_malware { May::ReleaseMalware } else { May::Release }));
    }
    let reason: String = reason.trim().chars().take(REASON_CHARS_MAX).collect();
    if reason.is_empty() {
        return Err(Fault::Invalid(vec![Wrong::new("reason", "quarantine-reason-missing")]));
    }
    let now_ms = app.now_ms();
    let is_first = is_malware && person.may(May::ReleaseMalware);
    let request = Request {
        id: app.fresh_id(),
        org: held.org,
        mail,
        n: Some(n),
        person: person.id,
        who: person.email.clone(),
        reason,
        until_ms: now_ms + if is_malware { OPEN_MALWARE_MS } else { OPEN_MS },
        state: "open".into(),
        decided_by: String::new(),
        answer: String::new(),
        first_person: if is_first { person.id } else { PersonId(0) },
        first_who: if is_first { person.email.clone() } else { String::new() },
    };
    let (ids, new, person) = (app.ids.clone(), request.clone(), person.clone());
    let made: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let earlier = sql::of_mail(tx, person.scope(), mail).await?;
                let is_same = |one: &Request| one.is_open(now_ms) && one.n == new.n && one.who == new.who;
                if earlier.iter().any(is_same) {
                    return Ok(false);
                }
                sql::insert(tx, &new).await?;
                let entry = Entry::new(Some(new.org), "quarantine.ask", mail).with(serde_json::json!({ "reason": new.reason }));
                audit::note(tx, &person, &ids, now_ms, entry).await?;
                Ok(true)
            })
        })
        .await;
    if made? { Ok(request) } else { Err(Fault::Conflict(Say::new("quarantine-asked-already"))) }
}

/// One request as the page shows it.
struct Shown {
    request: Request,
    /// What is held: sender, subject, verdict; `None` when it is not held any more.
    held: Option<gateway::quarantine::api::HeldBody>,
    tone: &'static str,
    is_own: bool,
    /// Whether this person may say yes.
    can_agree: bool,
}

#[derive(Template)]
#[template(path = "quarantine/templates/requests.html")]
struct RequestsPage<'a> {
    view: &'a View,
    requests: Vec<Shown>,
}

/// `GET /quarantine/requests`.
pub async fn list(State(app): State<App>, view: View, person: Person) -> Page {
    let open = open(&app, &person).await?;
    let row = |request: &Request| (request.mail, request.n.unwrap_or(0));
    let held: Vec<HeldBody> = app.quarantine.some(person.scope(), open.iter().map(row).collect()).await?;
    let mut requests = Vec::new();
    for request in open {
        let (mail, n) = row(&request);
        let at = held.iter().position(|held| held.mail == mail && held.n == n);
        // Two may have asked for the same.
        let held = at.map(|at| held[at].clone());
        let is_malware = held.as_ref().is_some_and(|held| held.verdict == "malware");
        requests.push(Shown {
            tone: held.as_ref().map_or("plain", |held| crate::trace::verdict_tone(&held.verdict)),
            is_own: request.person == person.id,
            can_agree: held.is_some() && (!is_malware || person.may(May::ReleaseMalware) && !request.is_first(&person)),
            held,
            request,
        });
    }
    show(&RequestsPage { view: &view, requests })
}

/// Requests that this person can answer, oldest first.
pub async fn open(app: &App, person: &Person) -> Result<Vec<Request>, Fault> {
    person.require(May::Release)?;
    let (scope, now_ms) = (person.scope(), app.now_ms());
    let found = app.db.read(move |tx| Box::pin(async move { sql::open(tx, scope, now_ms).await })).await;
    found.map_err(Fault::from)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    verb: String,
    answer: String,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    Released,
    /// A second person has to agree.
    First,
    Denied,
}

/// `POST /quarantine/requests/{id}`: approve or deny.
pub async fn decide(State(app): State<App>, person: Person, Path(id): Path<String>, Form(answer): Form<Answer>) -> Page {
    person.require(May::Release)?;
    let id: i64 = id.parse().map_err(|_| Fault::NotFound)?;
    let is_approved = match answer.verb.as_str() {
        "approve" => true,
        "deny" => false,
        _ => return Err(Fault::Unreadable("verb is approve or deny".into())),
    };
    let say = match answered(&app, &person, id, (is_approved, &answer.answer)).await? {
        Answered::Released => "quarantine-approved",
        Answered::First => "quarantine-agreed-first",
        Answered::Denied => "quarantine-denied",
    };
    done("/quarantine/requests", Say { key: say.into(), args: Vec::new() })
}

/// Answers a request; the release, the answer and the line in the log are one transaction.
pub async fn answered(app: &App, person: &Person, id: i64, (is_approved, words): (bool, &str)) -> Result<Answered, Fault> {
    person.require(May::Release)?;
    let (scope, now_ms) = (person.scope(), app.now_ms());
    let request = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await.map_err(Fault::from)?;
    let request = request.filter(|request| request.is_open(now_ms)).ok_or(Fault::NotFound)?;
    let (is_malware, subject) = match decide::held(app, person, request.mail, request.n.unwrap_or(0)).await {
        Ok(held) => (held.verdict == "malware", held.subject),
        Err(Fault::NotFound) if !is_approved => (false, String::new()), // gone meanwhile: it can still be answered
        Err(other) => return Err(other),
    };
    if is_approved && is_malware {
        person.require(May::ReleaseMalware)?;
        if request.is_first(person) {
            return Err(Fault::Conflict(Say::new("quarantine-malware-needs-two")));
        }
    }
    let words: String = words.trim().chars().take(REASON_CHARS_MAX).collect();
    let step = match (is_approved, is_malware && request.first_person.0 == 0) {
        (false, _) => Answered::Denied,
        (true, true) => Answered::First,
        (true, false) => Answered::Released,
    };
    let told = answer::Told { request: &request, subject: &subject, step, words: &words };
    let letter = if request.person == person.id { None } else { answer::letter(app, &told).await? };
    let answer = Given { request, words, step, is_malware, person: person.clone(), now_ms };
    let (ids, directory) = (app.ids.clone(), app.directory.snapshot());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                give(tx, &answer, &ids).await?;
                if let Some(letter) = letter {
                    gateway::queue::letter::post(tx, &letter, &directory, &ids, now_ms).await?;
                }
                Ok::<_, QuarantineError>(())
            })
        })
        .await?;
    Ok(step)
}

/// An answer that is allowed.
struct Given {
    request: Request,
    words: String,
    step: Answered,
    is_malware: bool,
    person: Person,
    now_ms: i64,
}

/// # Errors
/// [`QuarantineError::NotHeld`] when somebody else answered, or its time ended, meanwhile.
async fn give(tx: &mut Tx, given: &Given, ids: &mail::id::IdMaker) -> Result<(), QuarantineError> {
    let (request, person, now_ms) = (&given.request, &given.person, given.now_ms);
    let by = (person.email.as_str(), given.words.as_str());
    let is_first_here = match given.step {
        Answered::First => sql::agree_first(tx, request.id, (person.id, &person.email), now_ms).await?,
        Answered::Released => sql::decide(tx, request.id, "approved", by, now_ms).await?,
        Answered::Denied => sql::decide(tx, request.id, "denied", by, now_ms).await?,
    };
    if !is_first_here {
        return Err(QuarantineError::NotHeld(request.mail));
    }
    if given.step == Answered::Released {
        let who = if given.is_malware { request.first_who.clone() } else { person.email.clone() };
        let decision = Decision { scope: person.scope(), mail: request.mail, recipient: request.n, who, now_ms };
        match given.is_malware {
            true => quarantine::release_by_two(tx, &decision, &person.email, ids).await?,
            false => quarantine::release_in(tx, &decision, ids).await?,
        };
        digest::sql::drop_links(tx, request.org, request.mail, request.n.unwrap_or(0)).await?;
    }
    let action = match given.step {
        Answered::First => "quarantine.agree",
        Answered::Released => "quarantine.approve",
        Answered::Denied => "quarantine.deny",
    };
    let detail =
        serde_json::json!({ "asked_by": request.who, "agreed_first": request.first_who, "reason": request.reason, "answer": given.words });
    let entry = Entry::new(Some(request.org), action, request.mail).with(detail);
    audit::note(tx, person, ids, now_ms, entry).await?;
    Ok(())
}
