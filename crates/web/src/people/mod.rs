//! People who sign in: who they are, what they may, their sessions and links.
//!
//! In: a cookie, a token, a form. Out: a [`Person`], which every handler that reads or changes something takes. Invariant: what a
//! browser or a program holds is never stored, only its digest. Not here: mailboxes and SMTP logins (`gateway::directory`).

pub mod api;
mod may;
mod page;
mod role;
pub mod session;
pub mod sql;

pub use may::May;
pub use page::{link_for, routes};
pub use role::Role;

use crate::App;
use crate::page::words::{Lang, Source};
use crate::page::{Fault, Say};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 5, name: "people", sql: include_str!("migrations/0005_people.sql") }];

/// Who asks. Made by [`session::known`] from the cookie; being one is being signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    /// The organisation they belong to, or act in; `None`: all of them, for operators.
    pub org: Option<OrgId>,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub may: Vec<May>,
    pub lang: Option<Lang>,
    /// Digest of the session's token.
    pub session: String,
    /// Where the request came from, for the audit log.
    pub ip: String,
}

impl Person {
    pub fn may(&self, may: May) -> bool {
        self.may.contains(&may)
    }

    /// # Errors
    /// [`Fault::Denied`] names what is missing.
    pub fn require(&self, may: May) -> Result<(), Fault> {
        if self.may(may) { Ok(()) } else { Err(Fault::Denied(may)) }
    }

    /// Whose rows they may see.
    pub fn scope(&self) -> OrgScope {
        match self.org {
            Some(org) => OrgScope::One(org),
            // Only who operates the service belongs to no organisation and sees all; anybody else without one sees nothing.
            None if self.may(May::Operate) => OrgScope::All,
            None => OrgScope::One(OrgId(0)),
        }
    }

    /// The organisation that what they make belongs to.
    /// # Errors
    /// An operator has to choose one first.
    pub fn acting_org(&self) -> Result<OrgId, Fault> {
        self.org.ok_or_else(|| Fault::Conflict(Say::new("people-choose-organisation")))
    }

    /// Name, or the address of those without one.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }
}

impl FromRequestParts<App> for Person {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Person, Fault> {
        parts.extensions.get::<Person>().cloned().ok_or(Fault::SignIn)
    }
}
