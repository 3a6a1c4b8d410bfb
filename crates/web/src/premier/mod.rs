//! Premier support beyond the clocks: hours of advice, how the organisation stands, health checks that run by themselves and are followed up.
//!
//! In: what was bought and used, looks at domains, sums of mail. Out: parts of the monthly review (`support_desk::premier` has the page), a page
//! for the account manager, REST. Parts: `ledger` and `posture` (what they come to), `check` (the job), `act` (changes). Invariant: what
//! health checks found is the organisation's: support sees it under a consent to look at settings, and not otherwise. Not here: contracts,
//! plans and clocks (`support_desk`), issues and their reports (`health`).

mod act;
pub mod api;
pub mod check;
mod ledger;
mod page;
pub mod posture;
pub mod sql;

pub use check::run;
pub use ledger::Ledger;
pub use page::panel;

use crate::App;
use crate::page::words::Source;
use axum::Router;
use axum::routing::{get, post};
use gateway::scope::OrgScope;
use mail::OrgId;
use posture::Posture;
use sql::{Checkup, Finding};
use store::{Error, Migration, Tx};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 49, name: "premier", sql: include_str!("migrations/0049_premier.sql") }];

pub fn routes() -> Router<App> {
    Router::new()
        .route("/premier/findings", post(page::decide))
        .route("/support/premier/{organisation}", get(page::of_support).post(page::act))
}

/// Everything about one organisation.
#[derive(Debug, Clone, Default)]
pub struct Whole {
    pub ledger: Ledger,
    pub checkups: Vec<Checkup>,
    pub findings: Vec<Finding>,
    pub posture: Posture,
}

/// For a month by its span; `minutes` of advice are agreed for each.
pub async fn whole(tx: &mut Tx, org: OrgId, (minutes, span): (i64, (i64, i64)), now_ms: i64) -> Result<Whole, Error> {
    let scope = OrgScope::One(org);
    Ok(Whole {
        ledger: ledger::read(minutes, &sql::blocks(tx, scope).await?, &sql::uses(tx, scope).await?, now_ms),
        checkups: sql::checkups(tx, scope).await?,
        findings: sql::findings(tx, scope).await?,
        posture: posture::read(tx, org, span).await?,
    })
}
