//! The desk of support: what was promised and how much of it is left, and the work of those who keep it.
//!
//! In: service requests and their events (`service_request`), plans and contracts. Out: clocks that both sides see, queues by what is due
//! first, warnings. Parts: `clock` (pure: plans and events in, clocks out), `keep` (stands beside requests what follows from their events, and
//! tells of warnings and breaches once), `queue_page` with `live` and `work` (the workspace), `side_panel` and `diagnose` (what is read of the
//! organisation under the consent of a request), `known` (a resolution as a known issue), `plans` (what operators keep), `premier` (what an
//! organisation has agreed). Invariants: clocks follow from events alone and can be read at any moment; what support sees of an organisation
//! is what it wrote in its requests, everything else hangs on consents (`service_request::consent`). Not here: the conversation itself.

pub mod api;
pub mod clock;
mod diagnose;
mod diagnose_page;
mod feed;
pub mod keep;
mod known;
mod live;
mod look_api;
mod plan_page;
mod plans;
mod premier;
mod queue_page;
mod report;
mod share;
mod side_panel;
pub mod sql;
pub mod sql_work;
mod told;
mod trial;
pub mod work;
mod work_page;
mod zones;

pub use keep::run;
pub use report::{Asked as MonthAsked, Month};

use crate::App;
use crate::page::words::Source;
use crate::page::{Fault, View};
use crate::people::{May, Person};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use gateway::scope::OrgScope;
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] =
    &[Migration { number: 32, name: "support_desk", sql: include_str!("migrations/0032_support_desk.sql") }];

/// A form with a bounce that was pasted, encoded.
const FORM_OCTETS_MAX: usize = 2 << 20;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/support", get(queue_page::queue).post(work_page::bulk))
        .route("/support/stream", get(live::stream))
        .route("/support/me", get(queue_page::my_page).post(queue_page::put_me))
        .route("/support/replies", get(queue_page::replies).post(queue_page::add_reply))
        .route("/support/replies/{reply}", get(queue_page::reply).post(queue_page::change_reply))
        .route("/support/report", get(report::page))
        .route("/premier", get(premier::page))
        .route("/support/plans", get(plan_page::list))
        .route("/support/plans/new", get(plan_page::fresh).post(plan_page::create))
        .route("/support/plans/{plan}", get(plan_page::one).post(plan_page::change))
        .route("/support/{request}", get(work_page::page).post(work_page::act))
        .route("/support/{request}/diagnosis", get(diagnose_page::form).post(diagnose_page::ask))
        .route("/support/{request}/diagnoses/{diagnosis}", get(diagnose_page::result).post(diagnose_page::attach))
        .route("/support/{request}/known-issue", get(known::page).post(known::publish_page))
        .route("/support/contracts/{organisation}", get(plan_page::contract).post(plan_page::put_contract))
        .layer(DefaultBodyLimit::max(FORM_OCTETS_MAX))
}

/// Whose requests somebody of support works on: all, or those of the organisation an operator acts in.
/// # Errors
/// [`Fault::Denied`] for whoever is not of support.
pub fn desk(person: &Person) -> Result<OrgScope, Fault> {
    if person.home.is_some() {
        return Err(Fault::Denied(May::Support));
    }
    person.require(May::Support)?;
    Ok(person.org.filter(|_| person.may(May::Operate)).map_or(OrgScope::All, OrgScope::One))
}

/// The clocks of a request with the plans they were read under.
pub type Known = (clock::Clocks, sql::Plans);

/// The clocks of a request as a panel that both sides read: who holds the ball, what is promised until when, and why. '' without a plan.
pub fn panel(view: &View, known: Option<&Known>) -> Result<String, Fault> {
    known.map_or(Ok(String::new()), |(clocks, plans)| told::panel(view, clocks, plans))
}
