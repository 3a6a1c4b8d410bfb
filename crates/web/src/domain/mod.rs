//! Domains: added step by step, their records checked, their recipients and keys.
//!
//! In: a name that an organisation says is its own ([`claim`]). Out: a row of `gateway::directory` that the mail path serves. Invariant: that
//! row is written only after ownership was shown in DNS, or an operator vouched for it with a reason; whether another organisation has
//! a domain is never told to who does not have it. Domains of the settings file are shown, not changed.

pub mod api;
pub mod check;
mod claim;
mod key_page;
mod list_page;
mod policy_file;
mod recipient_page;
pub(crate) mod recipients;
mod settings_page;
mod setup_page;
pub mod sql;

pub use check::Report;

use crate::App;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use gateway::directory::DomainSettings;
use mail::OrgId;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub fn routes() -> Router<App> {
    Router::new()
        .route("/domains", get(list_page::list).post(list_page::add))
        .route("/domains/new", get(list_page::new))
        .route("/domains/{name}", get(settings_page::page).post(settings_page::save))
        .route("/domains/{name}/setup/{step}", get(setup_page::page))
        .route("/domains/{name}/check", post(setup_page::check))
        .route("/domains/{name}/mta-sts", post(setup_page::choose_mode))
        .route("/domains/{name}/vouch", post(settings_page::vouch))
        .route("/domains/{name}/remove", post(settings_page::remove))
        .route("/domains/{name}/recipients", get(recipient_page::list).post(recipient_page::add))
        .route("/domains/{name}/recipients/import", get(recipient_page::import_form).post(recipient_page::import))
        .route("/domains/{name}/recipients/remove", post(recipient_page::remove))
        .route("/domains/{name}/keys", get(key_page::list).post(key_page::make))
        .route("/domains/{name}/keys/rotation", post(key_page::rotation))
        .route("/domains/{name}/keys/{key}/{verb}", post(key_page::change))
        .route("/.well-known/mta-sts.txt", get(policy_file::policy))
}

/// Family of the words for kinds of domain.
const KIND_WORDS: &str = "domain-kind";

/// A domain of an organisation, served or on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub org: OrgId,
    pub settings: DomainSettings,
    /// "file", "command" or "page"; "" while its mail is not taken.
    pub source: String,
    pub claim: Option<Claim>,
}

/// What an organisation says is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub id: i64,
    pub token: String,
    pub made_ms: i64,
    pub shown_ms: Option<i64>,
    /// "dns" or "operator"; "" while it was not shown.
    pub how: String,
    pub reason: String,
}

impl Named {
    pub fn is_served(&self) -> bool {
        !self.source.is_empty()
    }

    /// Written by a settings file, which is where it is changed.
    pub fn is_fixed(&self) -> bool {
        self.source == "file"
    }

    /// As people write it: 例子.example for xn--fsqu00a.example.
    pub fn shown(&self) -> String {
        mail::address::domain_to_unicode(&self.name)
    }
}

/// The domain of this name in the person's scope, as long as they may see settings.
pub(super) async fn find(app: &App, person: &Person, name: &str) -> Result<Named, Fault> {
    person.require(May::ReadSettings)?;
    let name = mail::address::domain_to_ascii(name).ok_or(Fault::NotFound)?;
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, &name).await })).await.map_err(Fault::from)?;
    found.ok_or(Fault::NotFound)
}

/// The same, to be changed here.
pub(super) async fn find_to_change(app: &App, person: &Person, name: &str) -> Result<Named, Fault> {
    let named = find(app, person, name).await?;
    person.require(May::Domains)?;
    if named.is_fixed() { Err(Fault::Conflict(Say::new("domain-is-fixed"))) } else { Ok(named) }
}

/// The end of the words key of a source: directories have a number behind their kind.
pub fn source_word(source: &str) -> &str {
    source.split(':').next().unwrap_or_default()
}

/// The mail path of this server follows at once; others within a second.
pub(super) async fn follow(app: &App) {
    if let Err(why) = app.directory.reload().await {
        tracing::warn!(%why, "the directory could not be read again; it is tried again within a second");
    }
}
