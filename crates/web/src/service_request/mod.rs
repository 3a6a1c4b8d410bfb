//! Service requests: somebody of an organisation asks support, with the evidence in it, and the conversation until it is solved.
//!
//! In: a form, REST, a mail to the address of a request, a transcript of the virtual agent. Out: a [`Request`], its [`Event`]s, letters.
//! Others call the functions of [`change`] in their transaction: `open(tx, at, scope, New { …, evidence })`, `reply`, `remark` (internal
//! note), `call`, `change_state`, `change_severity`, `assign`, `set_plan`, and `event` for what has no function of its own. Rows of
//! `request_event` are only added ([`sql::events`] reads them in order): kind, side, person, internal or not, automatic or not, `at_ms`,
//! so that clocks follow from events alone. Evidence ([`Evidence`]) is frozen text with its source ("mail", "held-mail", "bounce",
//! "refusal", "issue", "connector", "diagnosis", "agent") and the source's id. Who may read: people of the organisation with
//! [`May::Requests`], support with [`May::Support`] ([`Reader`]). Invariants: internal events never reach the organisation;
//! support sees nothing of an organisation but its requests, unless a [`consent`] stands. Not here: clocks, queues (`support_desk`).

pub mod address;
pub mod api;
pub mod change;
pub mod consent;
pub mod detail;
pub mod evidence;
pub mod file;
mod files_page;
pub mod form;
mod inbound;
mod letter;
pub mod mention;
pub mod model;
pub mod page;
pub mod probe;
pub mod proposal;
pub mod quoted;
pub mod rating;
mod redact;
pub mod search;
pub mod silence;
pub mod solution;
pub mod sql;
pub mod sql_consent;
pub mod sql_file;
pub mod sql_more;
pub mod sql_search;
pub mod suggest;
pub mod terms;

pub use letter::is_letter;
pub use model::*;

use crate::App;
use crate::page::Fault;
use crate::page::words::Source;
use crate::people::{May, Person};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use gateway::intake::desk::Desk;
use gateway::scope::OrgScope;
use std::sync::Arc;
use std::time::Duration;
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 31, name: "service_request", sql: include_str!("migrations/0031_service_request.sql") },
    Migration { number: 44, name: "request_issue", sql: include_str!("migrations/0044_request_issue.sql") },
    Migration { number: 48, name: "request_more", sql: include_str!("migrations/0048_request_more.sql") },
];

/// Octets of a form with files; more comes in pieces.
const FORM_OCTETS_MAX: usize = 30 << 20;
const HOUR: Duration = Duration::from_secs(60 * 60);

pub fn routes() -> Router<App> {
    Router::new()
        .route("/requests", get(page::list))
        .route("/requests/new", get(page::fresh).post(page::open))
        .route("/requests/suggest", post(page::suggest))
        .route("/requests/solutions/{solution}", get(solution::page).post(solution::rate))
        .route("/requests/{request}", get(detail::page).post(detail::act))
        .route("/requests/{request}/consent", post(detail::give_consent))
        .route("/requests/{request}/consent/{consent}", post(detail::end_consent))
        .route("/requests/{request}/look", post(detail::look))
        .route("/requests/{request}/copies", post(detail::copies))
        .route("/requests/{request}/proposals", post(detail::propose))
        .route("/requests/{request}/proposals/{proposal}", post(detail::decide))
        .route("/requests/{request}/solution", post(solution::publish))
        .route("/requests/{request}/rating", post(rating::from_page))
        .route("/rate/{request}/{proof}", get(rating::ask).post(rating::say))
        .route("/requests/{request}/files", post(files_page::upload))
        .route("/requests/{request}/files/{file}", get(files_page::download))
        .route("/requests/{request}/files/{file}/text", get(files_page::text))
        .route("/requests/{request}/files/{file}/remove", post(files_page::remove))
        .layer(DefaultBodyLimit::max(FORM_OCTETS_MAX))
}

/// Who reads requests, of whom, and as which side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader {
    pub scope: OrgScope,
    pub is_support: bool,
}

impl Reader {
    /// # Errors
    /// [`Fault::Denied`] for those who neither ask nor answer.
    pub fn of(person: &Person) -> Result<Reader, Fault> {
        if person.home.is_none() && person.may(May::Support) {
            // Operators read those of the organisation they act in; requests themselves are support's to read.
            let scope = person.org.filter(|_| person.may(May::Operate)).map_or(OrgScope::All, OrgScope::One);
            return Ok(Reader { scope, is_support: true });
        }
        person.require(May::Requests)?;
        Ok(Reader { scope: person.scope(), is_support: false })
    }

    /// As which side this person acts on a request.
    pub fn side(self, person: &Person, request: &Request) -> Side {
        if self.is_support && request.requester != person.id { Side::Support } else { Side::Requester }
    }
}

/// Takes answers by mail.
pub fn desk(app: &App) -> Arc<dyn Desk> {
    Arc::new(inbound::Requests(app.clone()))
}

/// What requests do by themselves, as long as the server runs: the rule of silence, and forgetting uploads that nobody sent.
pub async fn run(app: App) {
    let forgetting = async {
        let mut every = tokio::time::interval(HOUR);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(why) = file::forget(&app).await {
                tracing::warn!(%why, "uploads that were not sent were not forgotten");
            }
        }
    };
    tokio::join!(silence::run(app.clone()), forgetting);
}
