//! The audit log: every change, and every read of somebody else's mail. Lines are added, never changed or removed.
//!
//! In: who did what to what, in the transaction of the change itself, so that neither is without the other. Out: lists and files.
//! Invariant: no statement changes or removes a line, and a trigger of the database refuses one that would. Lines are kept for as long
//! as the database is.

pub mod api;
pub mod export;
mod page;
pub mod sql;

pub use page::routes;

use crate::page::fault::Wrong;
use crate::page::words::Source;
use crate::page::{Fault, View, time};
use crate::people::Person;
use mail::id::{AuditId, IdMaker};
use mail::{OrgId, PersonId};
use serde::{Deserialize, Serialize};
use store::{Error, Tx};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// Lines of one page, and of one file.
pub const ROWS: usize = 50;
pub const EXPORT_ROWS: usize = 10_000;

/// One line: what was done. `detail` is JSON and holds no content of mail.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// `None`: concerns no organisation.
    pub org: Option<OrgId>,
    /// `feature.verb`, such as "quarantine.release"; words `audit-…` with a dash for the dot.
    pub action: &'static str,
    /// What it was done to: an identifier or a name.
    pub subject: String,
    pub detail: serde_json::Value,
}

impl Entry {
    pub fn new(org: Option<OrgId>, action: &'static str, subject: impl ToString) -> Entry {
        Entry { org, action, subject: subject.to_string(), detail: serde_json::json!({}) }
    }

    pub fn with(mut self, detail: serde_json::Value) -> Entry {
        self.detail = detail;
        self
    }
}

/// Writes a line in the transaction of what it tells.
pub async fn note(tx: &mut Tx, person: &Person, ids: &IdMaker, now_ms: i64, entry: Entry) -> Result<(), Error> {
    let who = sql::Who { person: person.id, address: &person.email, ip: &person.ip };
    match person.token {
        // A program did it in the person's name: the line says with which token.
        Some(token) => {
            let mut entry = entry;
            if let Some(detail) = entry.detail.as_object_mut() {
                detail.insert("token".into(), token.to_string().into());
            }
            note_by(tx, who, ids, now_ms, entry).await
        }
        None => note_by(tx, who, ids, now_ms, entry).await,
    }
}

/// As [`note`], for somebody who is not signed in yet.
pub async fn note_by(tx: &mut Tx, who: sql::Who<'_>, ids: &IdMaker, now_ms: i64, entry: Entry) -> Result<(), Error> {
    sql::insert(tx, who, ids.next(now_ms), &entry).await
}

/// One line, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub id: AuditId,
    pub org: Option<OrgId>,
    /// `None`: nobody who was signed in, or somebody at the machine.
    pub person: Option<PersonId>,
    pub who: String,
    pub ip: String,
    pub action: String,
    pub subject: String,
    pub detail: serde_json::Value,
}

impl Line {
    /// When it was written, Unix milliseconds.
    pub fn at_ms(&self) -> i64 {
        gateway::trace::time_of(mail::MailId(self.id.0))
    }

    /// The action in words.
    pub fn said(&self, view: &View) -> String {
        let key = format!("audit-{}", self.action.replace('.', "-"));
        if crate::page::words::has(view.lang, &key) { view.t(&key) } else { self.action.clone() }
    }
}

/// What to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    pub who: Option<String>,
    pub action: Option<String>,
    pub subject: Option<String>,
    pub since_ms: Option<i64>,
    pub until_ms: Option<i64>,
    pub before: Option<AuditId>,
    pub limit: usize,
}

/// What can be asked, in a query of pages and of the API alike. What is '' does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Part of the address of who did it.
    pub who: String,
    /// What was done, such as `people.role`; or a feature, such as `people`.
    pub action: String,
    /// Part of what it was done to, or of the detail.
    pub subject: String,
    /// At or after: RFC 3339, or a local date and time of the reader's zone.
    pub since: String,
    /// Before.
    pub until: String,
    /// Go on after this line of an earlier answer.
    pub before: String,
}

impl Asked {
    /// # Errors
    /// [`Fault::Invalid`] names each field that cannot be read.
    pub fn query(&self, view: &View, limit: usize) -> Result<Query, Fault> {
        let some = |text: &str| Some(text.trim().to_string()).filter(|text| !text.is_empty());
        let mut wrong = Vec::new();
        let before = some(&self.before).and_then(|id| id.parse().map_err(|_| wrong.push(Wrong::new("before", "log-wrong-cursor"))).ok());
        let mut moment = |field: &'static str, text: &str| {
            let text = some(text)?;
            let read = text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond()).or_else(|| time::parse_local(view, &text));
            read.or_else(|| {
                wrong.push(Wrong::new(field, "log-wrong-time"));
                None
            })
        };
        let (since_ms, until_ms) = (moment("since", &self.since), moment("until", &self.until));
        if !wrong.is_empty() {
            return Err(Fault::Invalid(wrong));
        }
        let (who, action, subject) = (some(&self.who), some(&self.action), some(&self.subject));
        Ok(Query { who, action, subject, since_ms, until_ms, before, limit })
    }
}
