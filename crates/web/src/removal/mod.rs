//! Removal after delivery: mail that turns out bad is taken out of the mailboxes it was delivered to, and can be put back.
//!
//! In: a person who says so, or a verdict that changed ([`watch`]). Out: a removal, with one copy for each mailbox, which the job ([`run`])
//! moves by `gateway::mailbox`; an event in the story of the mail for each. Invariants: what a removal is made of stands in the database before a
//! mailbox is touched; too much at once waits for a person; nothing is deleted, so that everything can be put back; recipients stay
//! delivered, the balance does not move. What people move is read there, too ([`moves`]). Not here: IMAP and JMAP (`gateway::mailbox`), mail that is still ours (`quarantine`, `trace`).

pub mod access;
mod access_page;
pub mod api;
mod moves;
mod page;
pub mod run;
pub mod sql;
pub mod start;
pub mod watch;

pub use page::{Button, routes};
pub use run::run;
pub use watch::run as watch_delivered;

use crate::App;
use crate::audit::{self, Entry};
use crate::health::bell::Alert;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use gateway::scope::OrgScope;
use mail::id::{IdMaker, RemovalId};
use mail::{MailId, OrgId, PersonId};
use store::{Error, Migration, Tx};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 42, name: "removal", sql: include_str!("migrations/0042_removal.sql") }];

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($(#[$of:meta])* $variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kind { $($(#[$of])* $variant),* }

        impl $kind {
            pub const ALL: &[$kind] = &[$($kind::$variant),*];

            /// As stored and in JSON.
            pub fn name(self) -> &'static str {
                match self { $($kind::$variant => $name),* }
            }

            pub fn parse(name: &str) -> Option<$kind> {
                match name { $($name => Some($kind::$variant),)* _ => None }
            }
        }
    };
}

names!(
    /// How a removal stands as a whole.
    State {
        /// It is listed, and waits for a person.
        Asks = "asks",
        Going = "going",
        Refused = "refused",
    }
);
names!(
    /// What made it.
    Cause {
        Person = "person",
        /// The mail was judged again, and is something else now.
        JudgedAgain = "judged-again",
        /// People reported it.
        Reports = "reports",
        /// A block entry speaks about it that was made later.
        Entry = "entry",
    }
);
names!(
    /// How one copy stands.
    CopyState {
        Listed = "listed",
        Waiting = "waiting",
        Removed = "removed",
        /// Its owner deleted it, or had moved it there.
        Gone = "gone",
        Failed = "failed",
        /// A person decided against it.
        Refused = "refused",
        Returning = "returning",
        Returned = "returned",
    }
);

/// The identifier of a path; one that cannot be read is not there.
fn known(id: &str) -> Result<RemovalId, Fault> {
    id.parse().map_err(|_| Fault::NotFound)
}

/// One removal of the person's scope.
pub async fn find(app: &App, person: &Person, id: RemovalId) -> Result<sql::Removal, Fault> {
    person.require(May::Trace)?;
    let scope = person.scope();
    let found = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await.map_err(Fault::from)?;
    found.ok_or(Fault::NotFound)
}

/// Removals that the bell rings about at once.
const RUNG_MAX: usize = 20;

/// What the bell of this person rings about: removals that wait for a decision they may make.
pub async fn alerts(tx: &mut Tx, scope: OrgScope, person: PersonId) -> Result<Vec<Alert>, Error> {
    let asking = sql::asking(tx, scope, RUNG_MAX).await?;
    if asking.is_empty() || crate::people::sql::active(tx, person).await?.is_none_or(|person| !person.may(May::Release)) {
        return Ok(Vec::new());
    }
    let alert = |one: &sql::Removal| Alert {
        subject: one.id.to_string(),
        href: format!("/removals/{}", one.id),
        title: Say::new("removal-rings").with("count", one.copies).into(),
        at_ms: one.at_ms(),
        is_urgent: true,
        is_read: false,
        status: "removal-state-asks".into(),
        tone: "warn",
    };
    Ok(asking.iter().map(alert).collect())
}

/// What a person decides about a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// What is listed is removed.
    Approve,
    /// What is listed stays where it is.
    Refuse,
    /// What was removed is put back, and what waits stays.
    Undo,
}

impl Decision {
    fn action(self) -> &'static str {
        match self {
            Decision::Approve => "removal.approve",
            Decision::Refuse => "removal.refuse",
            Decision::Undo => "removal.undo",
        }
    }
}

/// Decides; returns for how many copies.
/// # Errors
/// [`Fault::Conflict`] when it does not stand so that this could be decided; [`Fault::Denied`] for malware without the permission.
pub async fn decide(app: &App, person: &Person, id: RemovalId, what: Decision) -> Result<u64, Fault> {
    person.require(May::Release)?;
    let removal = find(app, person, id).await?;
    if what == Decision::Undo && removal.class == "malware" {
        person.require(May::ReleaseMalware)?;
    }
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let done: Result<u64, Error> =
        app.db.tx(move |tx| Box::pin(async move { decide_in(tx, &person, &removal, what, (&ids, now_ms)).await })).await;
    match done? {
        0 if what == Decision::Undo => Err(Fault::Conflict(Say::new("removal-nothing-to-undo"))),
        0 => Err(Fault::Conflict(Say::new("removal-not-asked"))),
        count => Ok(count),
    }
}

/// Decides in the caller's transaction, with its line in the audit log; returns for how many copies. The caller has checked who may.
pub async fn decide_in(
    tx: &mut Tx,
    person: &Person,
    removal: &sql::Removal,
    what: Decision,
    (ids, now_ms): (&IdMaker, i64),
) -> Result<u64, Error> {
    let id = removal.id;
    let count = match what {
        Decision::Approve => settle_asked(tx, person, id, (State::Going, CopyState::Waiting), now_ms).await?,
        Decision::Refuse => settle_asked(tx, person, id, (State::Refused, CopyState::Refused), now_ms).await?,
        Decision::Undo => {
            sql::note_decision(tx, id, &person.email, now_ms).await?;
            sql::turn(tx, id, (CopyState::Removed, CopyState::Returning), now_ms).await? + sql::withdraw(tx, id, now_ms).await?
        }
    };
    if count > 0 {
        let entry = Entry::new(Some(removal.org), what.action(), id).with(serde_json::json!({ "copies": count }));
        audit::note(tx, person, ids, now_ms, entry).await?;
    }
    Ok(count)
}

async fn settle_asked(tx: &mut Tx, person: &Person, id: RemovalId, to: (State, CopyState), now_ms: i64) -> Result<u64, Error> {
    match sql::decide(tx, id, (State::Asks, to.0), &person.email, now_ms).await? {
        true => sql::turn(tx, id, (CopyState::Listed, to.1), now_ms).await,
        false => Ok(0),
    }
}

/// Puts all copies of one mail back, whichever removals took them.
/// # Errors
/// As [`decide`].
pub async fn put_back(app: &App, person: &Person, mail: MailId) -> Result<usize, Fault> {
    person.require(May::Release)?;
    let scope = person.scope();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let org = gateway::trace::org_of(tx, scope, mail).await?;
            let mut classes = Vec::new();
            for copy in sql::copies_of(tx, scope, mail).await? {
                classes.extend(sql::one(tx, scope, copy.removal).await?.map(|removal| removal.class));
            }
            Ok::<_, Error>((org, classes))
        })
    });
    let (org, classes) = read.await.map_err(Fault::from)?;
    let org = org.ok_or(Fault::NotFound)?;
    if classes.iter().any(|class| class == "malware") {
        person.require(May::ReleaseMalware)?;
    }
    let (ids, now_ms, person) = (app.ids.clone(), app.now_ms(), person.clone());
    let done: Result<usize, Error> =
        app.db.tx(move |tx| Box::pin(async move { put_back_in(tx, &person, (org, mail), (&ids, now_ms)).await })).await;
    match done? {
        0 => Err(Fault::Conflict(Say::new("removal-nothing-to-undo"))),
        count => Ok(count),
    }
}

/// The same in the caller's transaction. The caller has checked who may.
pub async fn put_back_in(
    tx: &mut Tx,
    person: &Person,
    (org, mail): (OrgId, MailId),
    (ids, now_ms): (&IdMaker, i64),
) -> Result<usize, Error> {
    let back = sql::withdraw_mail(tx, OrgScope::One(org), mail, now_ms).await?;
    for (_, removal) in &back {
        sql::note_decision(tx, *removal, &person.email, now_ms).await?;
    }
    if !back.is_empty() {
        let entry = Entry::new(Some(org), "removal.undo", mail).with(serde_json::json!({ "copies": back.len() }));
        audit::note(tx, person, ids, now_ms, entry).await?;
    }
    Ok(back.len())
}
