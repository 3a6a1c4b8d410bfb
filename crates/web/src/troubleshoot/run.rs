//! Running a diagnosis for somebody: kept from the beginning, its steps written as they are taken, its answer when it is there.

use super::answer::{Answer, diagnose};
use super::apply::Applied;
use super::ground::Ground;
use super::question::{Asked, Question};
use super::sql::{self, Kept};
use super::steps::{Step, Steps};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::{Fault, View};
use crate::people::{May, Person};
use mail::OrgId;
use mail::PersonId;
use std::sync::Arc;
use std::time::Duration;
use store::Error;
use tokio::sync::watch;

/// How often one person may ask, in five minutes.
const TURNS_MAX: u32 = 30;
/// How long a page waits for the answer before it shows how far it is.
pub const PATIENCE: Duration = Duration::from_millis(2_500);
/// A run that is older and has no answer ended with its server.
pub const LOST_MS: i64 = 120_000;

/// A diagnosis, read.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    pub id: i64,
    pub org: OrgId,
    pub person: PersonId,
    pub state: State,
    pub question: Question,
    pub steps: Vec<Step>,
    pub answer: Option<Answer>,
    pub applied: Vec<Applied>,
    pub asked_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    Done,
    Failed,
}

impl State {
    /// In JSON; words `diagnosis-state-…`.
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
        }
    }
}

impl Diagnosis {
    fn read(kept: Kept, now_ms: i64) -> Result<Diagnosis, Error> {
        let shape = |why: serde_json::Error| Error::Shape(format!("a diagnosis: {why}"));
        let asked_ms = gateway::trace::time_of(mail::MailId(kept.id));
        let state = match kept.state.as_str() {
            "done" => State::Done,
            "running" if now_ms - asked_ms < LOST_MS => State::Running,
            _ => State::Failed,
        };
        Ok(Diagnosis {
            id: kept.id,
            org: kept.org,
            person: kept.person,
            state,
            question: serde_json::from_str(&kept.question).map_err(shape)?,
            steps: serde_json::from_str(&kept.progress).unwrap_or_default(),
            answer: if kept.answer.is_empty() { None } else { Some(serde_json::from_str(&kept.answer).map_err(shape)?) },
            applied: serde_json::from_str(&kept.applied).unwrap_or_default(),
            asked_ms,
        })
    }

    /// In addresses: letters and digits that nobody has to read.
    pub fn name(&self) -> String {
        name_of(self.id)
    }
}

pub fn name_of(id: i64) -> String {
    format!("{id:x}")
}

pub fn id_of(name: &str) -> Result<i64, Fault> {
    i64::from_str_radix(name, 16).map_err(|_| Fault::NotFound)
}

/// Begins: the question is checked, kept and noted, and looked into beside. Returns its identifier and a signal of its end.
pub async fn begin(app: &App, view: &View, person: &Person, asked: &Asked) -> Result<(i64, watch::Receiver<bool>), Fault> {
    if !person.may(May::Trace) {
        person.require(May::OwnQuarantine)?;
    }
    let ground = Ground::of(app, person.scope());
    let question = Question::read(view, asked, &ground.directory)?.confined(person)?;
    app.turns.take(person.id, "diagnosis", TURNS_MAX)?;
    let (id, org) = (app.fresh_id(), person.org.or_else(|| ground.org()).unwrap_or(OrgId(0)));
    let kept = Kept {
        id,
        org,
        person: person.id,
        state: "running".into(),
        question: serde_json::to_string(&question).unwrap_or_default(),
        progress: "[]".into(),
        answer: String::new(),
        applied: "[]".into(),
        ended_ms: None,
    };
    let entry = Entry::new(Some(org).filter(|org| org.0 != 0), "diagnosis.ask", name_of(id)).with(serde_json::json!({
        "symptom": question.symptom.name(),
        "sender": question.sender.as_ref().map(|end| end.shown()),
        "recipient": question.recipient.as_ref().map(|end| end.shown()),
    }));
    let (ids, who, now_ms) = (app.ids.clone(), person.clone(), app.now_ms());
    let begun: Result<(), Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::put(tx, &kept).await?;
                audit::note(tx, &who, &ids, now_ms, entry).await
            })
        })
        .await;
    begun?;
    let (ended, signal) = watch::channel(false);
    let app = app.clone();
    tokio::spawn(async move {
        look(&app, &ground, (org, id), &question).await;
        ended.send_replace(true);
    });
    Ok((id, signal))
}

async fn look(app: &App, ground: &Ground, (org, id): (OrgId, i64), question: &Question) {
    let (told, mut to_write) = watch::channel(String::from("[]"));
    let told = Arc::new(told);
    let steps = Steps::new({
        let told = told.clone();
        move |taken| {
            told.send_replace(serde_json::to_string(taken).unwrap_or_default());
        }
    });
    let db = app.db.clone();
    let writing = tokio::spawn(async move {
        while to_write.changed().await.is_ok() {
            let progress = to_write.borrow_and_update().clone();
            let written: Result<(), Error> =
                db.later(move |tx| Box::pin(async move { sql::set_progress(tx, org, id, &progress).await })).await;
            if let Err(why) = written {
                tracing::warn!(%why, "the progress of a diagnosis could not be written");
            }
        }
    });
    let done = diagnose(ground, question, &steps).await;
    let progress = serde_json::to_string(&steps.taken()).unwrap_or_default();
    writing.abort();
    let (state, answer) = match &done {
        Ok(answer) => ("done", serde_json::to_string(answer).unwrap_or_default()),
        Err(why) => {
            tracing::error!(%why, "a diagnosis failed");
            ("failed", String::new())
        }
    };
    let now_ms = app.now_ms();
    let kept: Result<(), Error> =
        app.db.tx(move |tx| Box::pin(async move { sql::finish(tx, org, id, (state, &answer, &progress), now_ms).await })).await;
    if let Err(why) = kept {
        tracing::error!(%why, "the answer of a diagnosis could not be kept");
    }
}

/// Whose diagnoses this person may see: everybody's with [`May::Trace`], else their own.
pub fn only(person: &Person) -> Option<PersonId> {
    (!person.may(May::Trace)).then_some(person.id)
}

/// One diagnosis that this person may see.
pub async fn find(app: &App, person: &Person, name: &str) -> Result<Diagnosis, Fault> {
    let (id, scope, only) = (id_of(name)?, person.scope(), only(person));
    if !person.may(May::Trace) {
        person.require(May::OwnQuarantine)?;
    }
    let found = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, only, id).await })).await.map_err(Fault::from)?;
    Ok(Diagnosis::read(found.ok_or(Fault::NotFound)?, app.now_ms())?)
}

/// The latest first.
pub async fn list(app: &App, person: &Person) -> Result<Vec<Diagnosis>, Fault> {
    if !person.may(May::Trace) {
        person.require(May::OwnQuarantine)?;
    }
    let (scope, only, now_ms) = (person.scope(), only(person), app.now_ms());
    let found = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, only).await })).await.map_err(Fault::from)?;
    Ok(found.into_iter().filter_map(|kept| Diagnosis::read(kept, now_ms).ok()).collect())
}
