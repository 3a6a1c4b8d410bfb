//! People who sign in: who they are, what they may, their sessions and links.
//!
//! In: a cookie, a token, a form. Out: a [`Person`], which every handler that reads or changes something takes. Invariant: what a
//! browser or a program holds is never stored, only its digest. Not here: mailboxes and SMTP logins (`gateway::directory`).

pub mod account;
mod admin;
pub mod api;
pub mod ceremony;
pub mod change;
pub mod factor;
pub mod first_run;
pub mod limit;
pub mod link;
mod may;
pub mod password;
pub mod provider;
mod role;
pub mod session;
mod sign_in;
pub mod sql;
pub mod token;
pub mod told;

pub use limit::Limits;
pub use link::link_for;
pub use may::May;
pub use role::Role;

use crate::App;
use crate::page::words::{Lang, Source};
use crate::page::{Fault, Say};
use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use gateway::scope::OrgScope;
use mail::id::TokenId;
use mail::{OrgId, PersonId};
use store::Migration;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 5, name: "people", sql: include_str!("migrations/0005_people.sql") },
    Migration { number: 8, name: "access", sql: include_str!("migrations/0008_access.sql") },
];

/// How long after a proof of being there security settings can be changed.
pub const SURE_MS: i64 = 15 * 60 * 1000;

pub fn routes() -> Router<App> {
    [sign_in::routes(), link::routes(), first_run::routes(), factor::routes(), provider::routes(), account::routes(), admin::routes()]
        .into_iter()
        .fold(Router::new(), Router::merge)
}

/// Who asks. Made by [`session::known`] from the cookie; being one is being signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    /// The organisation they belong to, or act in; `None`: all of them, for operators.
    pub org: Option<OrgId>,
    /// The organisation they belong to; `None`: the service.
    pub home: Option<OrgId>,
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Number and name of a role that the organisation made; 0 and "" with one that comes with Gatepost.
    pub own_role: i64,
    pub own_role_name: String,
    pub may: Vec<May>,
    pub lang: Option<Lang>,
    /// IANA name and name of colours they chose; "" is as the browser says.
    pub zone: String,
    pub colours: String,
    /// Digest of the session's token; "" for those who come with an API token.
    pub session: String,
    /// Names the session in lists.
    pub session_id: i64,
    /// The API token they came with.
    pub token: Option<TokenId>,
    /// Their organisation wants a second factor, and they have none: only the pages to set one up are theirs.
    pub lacks_factor: bool,
    /// When they last proved to be there, Unix milliseconds.
    pub sure_ms: i64,
    /// Where the request came from, for the audit log.
    pub ip: String,
}

impl Person {
    pub fn may(&self, may: May) -> bool {
        self.may.contains(&may)
    }

    /// Whether they may give it to others: what they may themselves, and what everybody has who signs in.
    pub fn may_give(&self, may: May) -> bool {
        self.may(may) || may == May::Community
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

    /// Whether they may change how somebody signs in: in person, and proved a short while ago.
    pub fn is_sure(&self, now_ms: i64) -> bool {
        self.token.is_none() && now_ms - self.sure_ms < SURE_MS
    }

    /// # Errors
    /// A conflict that says to confirm first; pages lead there instead ([`account::sure_first`]).
    pub fn require_sure(&self, now_ms: i64) -> Result<(), Fault> {
        self.require_session()?;
        if self.is_sure(now_ms) { Ok(()) } else { Err(Fault::Conflict(Say::new("people-sure-first"))) }
    }

    /// # Errors
    /// A conflict for those who come with an API token: with one, nobody makes another way in.
    pub fn require_session(&self) -> Result<(), Fault> {
        if self.token.is_none() { Ok(()) } else { Err(Fault::Conflict(Say::new("people-not-by-token"))) }
    }

    /// Name of the role as it is stored and chosen: a built-in name, or `own.NUMBER`.
    pub fn role_key(&self) -> String {
        if self.role == Role::Own { format!("own.{}", self.own_role) } else { self.role.name().to_string() }
    }

    /// Who works on the command line of the machine: may everything.
    pub fn at_the_machine(who: &str) -> Person {
        Person {
            id: PersonId(0),
            org: None,
            home: None,
            email: format!("{who}, command line"),
            name: String::new(),
            role: Role::Operator,
            own_role: 0,
            own_role_name: String::new(),
            may: May::ALL.to_vec(),
            lang: None,
            zone: String::new(),
            colours: String::new(),
            session: String::new(),
            session_id: 0,
            token: None,
            lacks_factor: false,
            sure_ms: i64::MAX / 2,
            ip: String::new(),
        }
    }

    /// Who holds a link to a mailbox's held mail: may what a person with this mailbox may, and no more.
    pub fn of_mailbox(org: OrgId, address: &str, ip: &str) -> Person {
        Person {
            org: Some(org),
            home: Some(org),
            email: address.into(),
            role: Role::Person,
            may: vec![May::OwnQuarantine],
            sure_ms: 0,
            ip: ip.into(),
            ..Person::at_the_machine("")
        }
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
