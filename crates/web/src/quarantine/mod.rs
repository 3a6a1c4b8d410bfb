//! Held mail for those who decide about it, and for those it was sent to. The rows are `gateway::quarantine`'s; ours are the requests.
//!
//! Invariants: content of somebody else's mail is only shown with [`May::ReadMail`] and leaves a line in the audit log; malware leaves
//! with two persons only; nothing acts on GET.

pub mod api;
mod decide;
mod held;
mod list;
mod request;
pub mod sql;

use crate::App;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use gateway::quarantine::QuarantineError;
use gateway::quarantine::api::HeldBody;
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] =
    &[Migration { number: 6, name: "release_request", sql: include_str!("migrations/0006_release_request.sql") }];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/quarantine", get(list::all))
        .route("/quarantine/mine", get(list::mine))
        .route("/quarantine/decide", post(decide::picked))
        .route("/quarantine/requests", get(request::list))
        .route("/quarantine/requests/{id}", post(request::decide))
        .route("/quarantine/{mail}", get(held::page))
        .route("/quarantine/{mail}/ask", post(request::ask))
}

impl From<QuarantineError> for Fault {
    fn from(why: QuarantineError) -> Fault {
        match why {
            QuarantineError::NotHeld(_) => Fault::NotFound,
            QuarantineError::Malware(_) => Fault::Conflict(Say::new("quarantine-malware-needs-two")),
            QuarantineError::BodyMissing(_) => Fault::Conflict(Say::new("quarantine-body-missing")),
            QuarantineError::Store(why) => why.into(),
        }
    }
}

/// Verdicts that a person may not release to themselves; they ask instead (`service.md` §1.4: limited access).
const ASK_FIRST: [&str; 5] = ["malware", "high-phish", "phish", "blocked-type", "uninspectable"];

/// What this person may do with one held row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Powers {
    pub see: bool,
    pub read: bool,
    pub release: bool,
    pub ask: bool,
    pub delete: bool,
}

/// Powers over a row of the person's scope.
pub fn powers(person: &Person, row: &HeldBody) -> Powers {
    let is_own = row.recipient.eq_ignore_ascii_case(&person.email) && person.may(May::OwnQuarantine);
    let may_decide = person.may(May::Release);
    let is_malware = row.verdict == "malware";
    let own_release = is_own && !ASK_FIRST.contains(&row.verdict.as_str());
    let release = !is_malware && (may_decide || own_release);
    Powers {
        see: is_own || person.may(May::Quarantine),
        read: is_own || person.may(May::ReadMail),
        release,
        ask: !release && if is_malware { person.may(May::ReleaseMalware) || is_own } else { is_own || person.may(May::Quarantine) },
        delete: is_own || may_decide,
    }
}
