//! The recovery assistant as a page: what `gatepost doctor` finds, looked at from the running service, and the support bundle.
//!
//! In: three functions of the program above us ([`Hands`]), which knows settings, folders and ports. Out: findings with what to do, each with
//! its article; the bundle as it would leave, before it leaves. Invariants: only who operates the service sees it; one look at a time, and
//! none on GET; a repair is one that a look finds again at that moment, is asked about first, and stands in the log before it is done;
//! secrets never leave, addresses only when asked for. Not here: the looks themselves (the program).

pub mod api;
mod page;
pub mod registry;

pub use page::routes;

use crate::App;
use crate::audit::{self, Entry};
use crate::page::words::{Lang, Source};
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use futures_util::future::BoxFuture;
use serde_json::json;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use store::Error;
use tokio::sync::Semaphore;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// One look asks resolvers and engines that may not answer.
const LOOK_WITHIN: Duration = Duration::from_secs(25);

/// One at a time: each look opens the database and every port once more.
static TURN: Semaphore = Semaphore::const_new(1);
/// What was found last; by this server, since it started.
static LAST: LazyLock<Mutex<Option<Looked>>> = LazyLock::new(Mutex::default);

/// Looks at the installation.
pub type Examine = Arc<dyn Fn() -> BoxFuture<'static, Result<Vec<Finding>, String>> + Send + Sync>;
/// Makes a support bundle; true leaves addresses readable.
pub type Pack = Arc<dyn Fn(bool) -> BoxFuture<'static, Result<Bundle, String>> + Send + Sync>;

/// Looks again, does the repair of the finding with this id at this place, and looks once more; `None` when there is nothing to repair.
pub type Mend = Arc<dyn Fn(String, String) -> BoxFuture<'static, Result<Option<Vec<Finding>>, String>> + Send + Sync>;

/// What the program above us does.
#[derive(Clone)]
pub struct Hands {
    pub examine: Examine,
    pub pack: Pack,
    pub mend: Mend,
}

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Both {
    pub english: String,
    pub chinese: String,
}

impl Both {
    pub fn say(&self, lang: &Lang) -> &str {
        match lang {
            Lang::English => &self.english,
            Lang::Chinese => &self.chinese,
        }
    }
}

/// One look and what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable, such as "seal.mode".
    pub id: &'static str,
    /// "ok", "problem" or "cannot-tell".
    pub outcome: &'static str,
    /// File, address or name.
    pub looked_at: String,
    pub said: Both,
    pub evidence: Vec<String>,
    pub todo: Option<Both>,
    /// What `gatepost doctor --fix` would do.
    pub repair: Option<Both>,
    /// The running service can do it.
    pub is_mendable: bool,
}

impl Finding {
    pub fn tone(&self) -> &'static str {
        match self.outcome {
            "ok" => "good",
            "problem" => "bad",
            _ => "warn",
        }
    }

    /// Where it is explained; '' for one that nobody wrote about, which a test of the program forbids.
    pub fn article(&self) -> String {
        registry::find(self.id).map(|found| format!("/help/doctor/{}", found.id)).unwrap_or_default()
    }
}

/// Findings of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Unix milliseconds.
    pub at_ms: i64,
    pub findings: Vec<Finding>,
}

/// One file of a support bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub about: String,
    pub text: String,
}

/// What would leave, and the same packed as tar.gz.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    pub parts: Vec<Part>,
    pub packed: Vec<u8>,
}

/// What was found last.
pub fn last(person: &Person) -> Result<Option<Looked>, Fault> {
    person.require(May::Operate)?;
    Ok(LAST.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

fn hands(app: &App) -> Result<&Hands, Fault> {
    app.doctor.as_ref().ok_or_else(|| Fault::Conflict(Say::new("doctor-not-here")))
}

/// Looks now and keeps what was found.
/// # Errors
/// [`Fault::TooMany`] while another look goes on.
pub async fn examine(app: &App, person: &Person) -> Result<Looked, Fault> {
    person.require(May::Operate)?;
    let hands = hands(app)?;
    let _turn = TURN.try_acquire().map_err(|_| Fault::TooMany(u32::try_from(LOOK_WITHIN.as_secs()).unwrap_or(u32::MAX)))?;
    let findings = within((hands.examine)()).await?;
    let looked = Looked { at_ms: app.now_ms(), findings };
    let problems = looked.findings.iter().filter(|finding| finding.outcome == "problem").count();
    note(app, person, Entry::new(None, "doctor.examine", "installation").with(json!({ "problems": problems }))).await?;
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(looked.clone());
    Ok(looked)
}

/// What was found last with this id at this place, if the running service can mend it.
fn mendable(person: &Person, id: &str, at: &str) -> Result<Finding, Fault> {
    let is_it = |one: &Finding| one.id == id && one.looked_at == at && one.is_mendable;
    let found = last(person)?.and_then(|looked| looked.findings.into_iter().find(is_it));
    found.ok_or_else(|| Fault::Conflict(Say::new("doctor-repair-gone")))
}

/// Does a safe repair now, and keeps what is found after it.
/// # Errors
/// [`Fault::Conflict`] when there is nothing to repair any more, [`Fault::TooMany`] while another look goes on.
pub async fn mend(app: &App, person: &Person, id: &str, at: &str) -> Result<Looked, Fault> {
    let finding = mendable(person, id, at)?;
    let hands = hands(app)?;
    let _turn = TURN.try_acquire().map_err(|_| Fault::TooMany(u32::try_from(LOOK_WITHIN.as_secs()).unwrap_or(u32::MAX)))?;
    let what = finding.repair.map(|repair| repair.english).unwrap_or_default();
    // What touches files is in no transaction: the line stands before it is done.
    note(app, person, Entry::new(None, "doctor.repair", id).with(json!({ "at": at, "what": what }))).await?;
    let findings = within((hands.mend)(id.to_string(), at.to_string())).await?;
    let findings = findings.ok_or_else(|| Fault::Conflict(Say::new("doctor-repair-gone")))?;
    let looked = Looked { at_ms: app.now_ms(), findings };
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(looked.clone());
    Ok(looked)
}

/// Makes a bundle; whoever takes it along is in the log.
pub async fn bundle(app: &App, person: &Person, (shows_addresses, is_taken): (bool, bool)) -> Result<Bundle, Fault> {
    person.require(May::Operate)?;
    let hands = hands(app)?;
    let _turn = TURN.try_acquire().map_err(|_| Fault::TooMany(u32::try_from(LOOK_WITHIN.as_secs()).unwrap_or(u32::MAX)))?;
    let bundle = within((hands.pack)(shows_addresses)).await?;
    let action = if is_taken { "doctor.bundle" } else { "doctor.preview" };
    note(app, person, Entry::new(None, action, "bundle").with(json!({ "addresses": shows_addresses }))).await?;
    Ok(bundle)
}

async fn within<T>(work: BoxFuture<'static, Result<T, String>>) -> Result<T, Fault> {
    match tokio::time::timeout(LOOK_WITHIN, work).await {
        Ok(done) => done.map_err(Fault::Ours),
        Err(_) => Err(Fault::Conflict(Say::new("doctor-too-long"))),
    }
}

async fn note(app: &App, person: &Person, entry: Entry) -> Result<(), Fault> {
    let (person, ids, now_ms) = (person.clone(), app.ids.clone(), app.now_ms());
    let done: Result<(), Error> = app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await })).await;
    done.map_err(Fault::from)
}
