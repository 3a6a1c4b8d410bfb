//! Allow and block entries for people and programs: made with a scope and an end, watched, renewed, ended. What an entry does to a mail is
//! `gateway::policy`'s; its row and what it did are `gateway::entry`'s.
//!
//! Invariants: an entry ends by itself unless somebody gave a reason why not; people without [`May::Entries`] make entries for their own
//! mailbox only, and only where their organisation lets them; every change is in the audit log.

pub mod api;
mod choice;
mod clash;
mod form;
mod letter;
mod list;
mod one;
mod sql;

pub use clash::clashes_of;
pub use letter::{tell, tell_every_hour};

use crate::App;
use crate::audit::Entry as AuditEntry;
use crate::page::fault::Wrong;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use gateway::directory::settings::EntrySettings;
use gateway::directory::{Effect, Entry, EntryKind};
use gateway::entry::{self, Filter, Listed};
use gateway::scope::OrgScope;
use mail::id::EntryId;
use mail::{Address, OrgId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Tx;

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const DAYS_DEFAULT: i64 = 30;
pub const DAYS_MAX: i64 = 90;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const NOTE_CHARS_MAX: usize = 500;
/// Entries of one organisation; every one is compared with mail.
const OF_ORG_MAX: usize = 100_000;
/// Entries that hold, made by one person for their own mailbox.
const OF_PERSON_MAX: usize = 500;
const FROM_PAGE: &str = "page";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/entries", get(list::all))
        .route("/entries/mine", get(list::mine))
        .route("/entries/new", get(form::fresh).post(form::create))
        .route("/entries/choice", get(choice::page).post(choice::save))
        .route("/entries/{entry}", get(one::page))
        .route("/entries/{entry}/renew", post(one::renew))
        .route("/entries/{entry}/end", post(one::end))
}

/// An entry that is to be made; value and scope as look-ups want them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewEntry {
    pub effect: Effect,
    pub kind: EntryKind,
    pub value: String,
    /// A recipient of this organisation; '' is all of it.
    pub scope: String,
    /// Days until it ends; `None` is never.
    pub days: Option<i64>,
    /// Why; needed for what never ends.
    pub note: String,
}

impl NewEntry {
    /// Whether past receipts can say what it would have done: they keep neither links nor files.
    pub fn can_be_replayed(&self) -> bool {
        !matches!(self.kind, EntryKind::Host | EntryKind::Hash)
    }

    pub fn as_entry(&self, id: i64, expires_ms: Option<i64>) -> Entry {
        Entry {
            id,
            effect: self.effect,
            kind: self.kind,
            value: self.value.clone(),
            scope: self.scope.clone(),
            expires_ms,
            note: self.note.clone(),
        }
    }

    /// Checks what was typed.
    pub fn checked(app: &App, org: OrgId, mut typed: NewEntry) -> Result<NewEntry, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let settings = EntrySettings { effect: typed.effect, kind: typed.kind, value: typed.value.clone(), ..EntrySettings::default() };
        if typed.effect == Effect::Allow && !typed.kind.can_allow() {
            wrong.push(Wrong::new("kind", "entry-wrong-allow-kind"));
        } else {
            match settings.checked_value() {
                Ok(value) => typed.value = value,
                Err(_) => wrong.push(Wrong::new("value", wrong_value(typed.kind))),
            }
        }
        if !typed.scope.trim().is_empty() {
            match scope(app, org, &typed.scope) {
                Some(key) => typed.scope = key,
                None => wrong.push(Wrong::new("scope", "entry-wrong-scope")),
            }
        } else {
            typed.scope = String::new();
        }
        if typed.days.is_some_and(|days| !(1..=DAYS_MAX).contains(&days)) {
            wrong.push(Wrong::new("days", "entry-wrong-days"));
        }
        typed.note = typed.note.trim().to_string();
        if typed.days.is_none() && typed.note.is_empty() {
            wrong.push(Wrong::new("note", "entry-wrong-reason"));
        }
        if typed.note.chars().count() > NOTE_CHARS_MAX || typed.note.chars().any(|c| c.is_control() && c != '\n' && c != '\r') {
            wrong.push(Wrong::new("note", "entry-wrong-note"));
        }
        if wrong.is_empty() { Ok(typed) } else { Err(wrong) }
    }
}

fn wrong_value(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Address => "entry-wrong-address",
        EntryKind::Domain | EntryKind::Host => "entry-wrong-domain",
        EntryKind::Ip => "entry-wrong-ip",
        EntryKind::Hash => "entry-wrong-hash",
    }
}

/// The key of a recipient of this organisation.
fn scope(app: &App, org: OrgId, typed: &str) -> Option<String> {
    let address = Address::parse(typed.trim()).ok()?;
    let directory = app.directory.snapshot();
    directory.domain_of(&address).filter(|domain| domain.org == org)?;
    Some(address.key())
}

/// The mailbox that this person's own entries are for.
fn own_scope(person: &Person) -> String {
    person.email.to_lowercase()
}

/// Whether this person may make such an entry.
/// # Errors
/// [`Fault::Denied`] when it takes somebody who looks after entries.
pub async fn may_make(app: &App, person: &Person, entry: &NewEntry) -> Result<(), Fault> {
    if person.may(May::Entries) {
        return Ok(());
    }
    person.require(May::OwnQuarantine)?;
    let org = person.acting_org()?;
    let choice = app.db.read(move |tx| Box::pin(async move { sql::choice(tx, org).await })).await.map_err(Fault::from)?;
    let is_own = entry.scope == own_scope(person) && matches!(entry.kind, EntryKind::Address | EntryKind::Domain);
    if choice.people_may && is_own { Ok(()) } else { Err(Fault::Denied(May::Entries)) }
}

/// Whether this person may see, renew and end this entry.
fn is_theirs(person: &Person, listed: &Listed) -> bool {
    person.may(May::Entries) || (person.may(May::OwnQuarantine) && listed.entry.scope == own_scope(person))
}

/// An entry that this person may see.
async fn seen(app: &App, person: &Person, id: &str) -> Result<Listed, Fault> {
    let id: EntryId = id.parse().map_err(|_| Fault::NotFound)?;
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { entry::one(tx, scope, id).await })).await.map_err(Fault::from)?;
    found.filter(|listed| is_theirs(person, listed) || person.may(May::ReadSettings)).ok_or(Fault::NotFound)
}

/// Adds an entry that was checked. `made` is its organisation, its identifier and the present time.
pub async fn save(tx: &mut Tx, (org, id, now_ms): (OrgId, i64, i64), new: NewEntry, person: &Person) -> Result<AuditEntry, Fault> {
    let scope = OrgScope::One(org);
    let made = new.as_entry(id, new.days.map(|days| now_ms + days * DAY_MS));
    let same = entry::clashing(tx, org, &made).await?.into_iter().find(|one| {
        let other = &one.entry;
        let same = (other.effect, other.kind, &other.value, &other.scope) == (made.effect, made.kind, &made.value, &made.scope);
        same && other.expires_ms.is_none_or(|end| end > now_ms)
    });
    if same.is_some() {
        return Err(Fault::Conflict(Say::new("entry-wrong-twice").with("what", made.value)));
    }
    let own = own_scope(person);
    let is_own = !person.may(May::Entries);
    let holding = Filter { holding_ms: Some(now_ms), scope: is_own.then_some(own), limit: OF_PERSON_MAX, ..Filter::default() };
    if is_own && entry::list(tx, scope, &holding).await?.0.len() >= OF_PERSON_MAX || sql::count(tx, org).await? >= OF_ORG_MAX as i64 {
        return Err(Fault::Conflict(Say::new("entry-too-many")));
    }
    let listed = Listed { org, entry: made, made_ms: now_ms, made_by: person.email.clone(), source: FROM_PAGE.into() };
    entry::insert(tx, &listed).await?;
    Ok(AuditEntry::new(Some(org), "entry.create", EntryId(id)).with(told(&listed)))
}

/// What the audit log keeps of an entry.
fn told(listed: &Listed) -> serde_json::Value {
    let entry = &listed.entry;
    json!({ "effect": entry.effect, "kind": entry.kind, "value": entry.value, "scope": entry.scope, "expires_ms": entry.expires_ms, "note": entry.note })
}

/// Gives an entry a new end; `days` from now, or never with a reason.
async fn renew(tx: &mut Tx, listed: &Listed, days: Option<i64>, (note, now_ms): (&str, i64)) -> Result<AuditEntry, Fault> {
    let (org, id) = (listed.org, EntryId(listed.entry.id));
    let expires_ms = days.map(|days| now_ms + days * DAY_MS);
    if !entry::set_end(tx, OrgScope::One(org), id, (expires_ms, note)).await? {
        return Err(Fault::Conflict(Say::new("entry-of-file")));
    }
    Ok(AuditEntry::new(Some(org), "entry.renew", id).with(json!({ "was": told(listed), "expires_ms": expires_ms, "note": note })))
}

/// Gives an entry the end and the note that it had before it was ended.
pub async fn restore(tx: &mut Tx, listed: &Listed, (expires_ms, note): (Option<i64>, &str)) -> Result<AuditEntry, Fault> {
    let (org, id) = (listed.org, EntryId(listed.entry.id));
    if !entry::set_end(tx, OrgScope::One(org), id, (expires_ms, note)).await? {
        return Err(Fault::Conflict(Say::new("entry-of-file")));
    }
    Ok(AuditEntry::new(Some(org), "entry.renew", id).with(json!({ "was": told(listed), "expires_ms": expires_ms, "note": note })))
}

/// Ends an entry now.
pub async fn end(tx: &mut Tx, listed: &Listed, now_ms: i64) -> Result<AuditEntry, Fault> {
    let (org, id) = (listed.org, EntryId(listed.entry.id));
    if listed.source == gateway::directory::sql::FROM_FILE {
        return Err(Fault::Conflict(Say::new("entry-of-file")));
    }
    if !entry::end(tx, OrgScope::One(org), id, now_ms).await? {
        return Err(Fault::Conflict(Say::new("entry-ended-already")));
    }
    Ok(AuditEntry::new(Some(org), "entry.end", id).with(told(listed)))
}
