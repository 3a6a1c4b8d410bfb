//! Connectors: where mail is delivered, and from where it may come; each can be tried before it is relied on.
//!
//! The rows are `gateway::directory`'s. Invariants: a connector of the settings file is shown, not changed; a password is never shown
//! again, not even to who set it; what is being tried out changes nothing until it is saved; trying goes only where delivery would go,
//! to ports of mail, so often a person.

pub mod api;
pub(crate) mod draft;
mod inbound_draft;
mod inbound_page;
mod page;
pub mod sql;
mod try_page;

pub use draft::Draft;
pub use inbound_draft::InboundDraft;
pub use page::{change, follow};
pub use try_page::{Ask, KIND, Tried, try_connector};

use crate::App;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use mail::OrgId;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new()
        .route("/connectors", get(page::list).post(page::create))
        .route("/connectors/new", get(page::new))
        .route("/connectors/{name}", get(page::page).post(page::save))
        .route("/connectors/{name}/remove", post(page::remove))
        .route("/connectors/{name}/validation", get(try_page::page).post(try_page::run))
        .route("/inbound", post(inbound_page::create))
        .route("/inbound/new", get(inbound_page::new))
        .route("/inbound/{name}", get(inbound_page::page).post(inbound_page::save))
        .route("/inbound/{name}/remove", post(inbound_page::remove))
}

/// Names of the organisation's connectors, for choices in other forms.
pub async fn names_of(app: &App, org: OrgId) -> Result<Vec<String>, Fault> {
    let scope = gateway::scope::OrgScope::One(org);
    let all = app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope).await })).await.map_err(Fault::from)?;
    Ok(all.into_iter().map(|one| one.settings.name).collect())
}

/// The connector of this name in the person's scope.
pub(crate) async fn find(app: &App, person: &Person, name: &str) -> Result<sql::Named, Fault> {
    person.require(May::ReadSettings)?;
    let (scope, name) = (person.scope(), name.to_string());
    let found = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, &name).await })).await.map_err(Fault::from)?;
    found.ok_or(Fault::NotFound)
}

pub(crate) async fn find_to_change(app: &App, person: &Person, name: &str) -> Result<sql::Named, Fault> {
    let named = find(app, person, name).await?;
    person.require(May::Connectors)?;
    if named.is_fixed() { Err(Fault::Conflict(Say::new("connector-is-fixed"))) } else { Ok(named) }
}

async fn find_inbound(app: &App, person: &Person, name: &str) -> Result<sql::NamedInbound, Fault> {
    person.require(May::ReadSettings)?;
    let (scope, name) = (person.scope(), name.to_string());
    let found = app.db.read(move |tx| Box::pin(async move { sql::one_inbound(tx, scope, &name).await })).await.map_err(Fault::from)?;
    found.ok_or(Fault::NotFound)
}

/// Whether private and loopback addresses may be named: by who runs the service, and where there is one organisation only, which then
/// is who runs it. Among several, one of them must not look around in the network of all.
pub fn may_name_private(app: &App, person: &Person) -> bool {
    person.may(May::Operate) || app.directory.snapshot().organisations.len() == 1
}
