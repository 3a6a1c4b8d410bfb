//! Held mail for those who decide about it, and for those it was sent to. The rows are `gateway::quarantine`'s; ours are the
//! requests, who may do what, and digests.
//!
//! Invariants: content of somebody else's mail is only shown with [`May::ReadMail`] and leaves a line in the audit log; malware leaves
//! with two persons only; nothing acts on GET.

mod answer;
pub mod api;
mod bulk;
mod decide;
pub mod digest;
mod held;
mod list;
pub mod policy;
mod preview;
mod request;
pub mod sql;

pub use list::entry_href;

use crate::App;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use gateway::quarantine::QuarantineError;
use gateway::quarantine::api::HeldBody;
use policy::{Power, PowerSet, Rules};
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 6, name: "release_request", sql: include_str!("migrations/0006_release_request.sql") },
    Migration { number: 10, name: "quarantine", sql: include_str!("migrations/0010_quarantine.sql") },
];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/quarantine", get(list::all))
        .route("/quarantine/mine", get(list::mine))
        .route("/quarantine/mine/digest", get(digest::page::mine).post(digest::page::choose_mine))
        .route("/quarantine/decide", post(decide::picked))
        .route("/quarantine/all", post(bulk::step))
        .route("/quarantine/requests", get(request::list))
        .route("/quarantine/requests/{id}", post(request::decide))
        .route("/quarantine/policies", get(policy::page::list).post(policy::page::create))
        .route("/quarantine/policies/new", get(policy::page::new))
        .route("/quarantine/policies/assign", post(policy::page::assign))
        .route("/quarantine/policies/digest", post(policy::page::schedule))
        .route("/quarantine/policies/{policy}", get(policy::page::one).post(policy::page::save))
        .route("/quarantine/policies/{policy}/delete", post(policy::page::delete))
        .route("/quarantine/{mail}", get(held::page))
        .route("/quarantine/{mail}/preview", get(preview::page))
        .route("/quarantine/{mail}/message.eml", get(preview::message))
        .route("/quarantine/{mail}/ask", post(request::ask))
        .route("/digest/{token}", get(digest::page::open).post(digest::page::act))
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

/// What this person may do with one held row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Powers {
    pub see: bool,
    /// The header fields.
    pub header: bool,
    /// Texts and the names of attachments.
    pub preview: bool,
    pub download: bool,
    pub release: bool,
    pub ask: bool,
    pub delete: bool,
    /// Make an entry for its sender.
    pub allow: bool,
    pub block: bool,
}

/// Powers over a row of the person's scope: by role over everybody's, by the quarantine policy over one's own.
pub fn powers(person: &Person, row: &HeldBody, rules: &Rules) -> Powers {
    let is_own = row.recipient.eq_ignore_ascii_case(&person.email) && person.may(May::OwnQuarantine);
    let own = if is_own { rules.powers(&row.verdict) } else { PowerSet::default() };
    let (sees_all, decides, reads) = (person.may(May::Quarantine), person.may(May::Release), person.may(May::ReadMail));
    let is_malware = row.verdict == "malware";
    let release = !is_malware && (decides || own.has(Power::Release));
    let may_ask = own.has(Power::Request) || sees_all && (!is_malware || person.may(May::ReleaseMalware));
    Powers {
        see: sees_all || !own.is_empty(),
        header: reads || own.has(Power::Header),
        preview: reads || own.has(Power::Preview),
        download: reads || own.has(Power::Download),
        release,
        ask: !release && may_ask,
        delete: decides || own.has(Power::Delete),
        allow: person.may(May::Entries) || own.has(Power::Allow),
        block: person.may(May::Entries) || own.has(Power::Block),
    }
}
