//! The audit log: every change, and every read of somebody else's mail. Lines are added, never changed or removed.
//!
//! In: who did what to what, in the transaction of the change itself, so that neither is without the other.

pub mod api;
pub mod sql;

use crate::App;
use crate::page::words::Source;
use crate::people::Person;
use axum::Router;
use mail::OrgId;
use mail::id::IdMaker;
use store::{Error, Tx};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new()
}

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
    sql::insert(tx, who, ids.next(now_ms), &entry).await
}
