//! The help desk for senders outside: why was my mail refused, is it my side, please look again.
//!
//! In: a reply of ours, a bounce or a log line that quotes it; everybody may ask, nobody signs in. Out: what may be told ([`told`]), a look
//! at the asker's own side, and a [`sql::SecondLook`] in the queue of the organisation that refused. Invariants: a code is no secret, so what
//! concerns one mail is only told to who knows its sender or address; nothing of content, other senders, recipients or lists of an
//! organisation is told; everything is limited by source, by organisation and in all; nothing acts on GET. Not here: the decision
//! itself, which goes the way of entries and policies.

mod again;
pub mod api;
mod ask;
mod code;
mod page;
mod queue;
mod queue_page;
pub mod reason;
pub mod sql;
mod told;

pub use queue::{forget_every_hour, settle_draft};

use crate::App;
use crate::health::bell::Alert;
use crate::page::words::Source;
use crate::page::{Fault, Say};
use crate::people::limit::{self, Rate};
use crate::people::session::Peer;
use crate::people::{May, Person};
use axum::Router;
use axum::routing::{get, post};
use gateway::scope::OrgScope;
use mail::{MailId, PersonId};
use store::{Error, Migration, Tx};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[Migration { number: 27, name: "second_look", sql: include_str!("migrations/0027_second_look.sql") }];

/// Octets of what is pasted.
const PASTED_OCTETS_MAX: usize = 256 << 10;
/// Characters of what an asker and an administrator write.
const WORDS_CHARS_MAX: usize = 1_000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/refused", get(page::form).post(page::read))
        .route("/refused/{code}", get(page::one).post(page::known))
        .route("/refused/{code}/test", post(page::test))
        .route("/refused/{code}/ask", post(page::ask))
        .route("/refused/asks/{token}", get(page::state).post(page::act))
        .route("/second-looks", get(queue_page::list))
        .route("/second-looks/{look}", get(queue_page::one).post(queue_page::act))
}

/// What the bell of this person rings about: one line for all asks that wait for a decision they may make, new with each ask.
pub async fn alerts(tx: &mut Tx, scope: OrgScope, person: PersonId) -> Result<Vec<Alert>, Error> {
    let Some((count, newest)) = sql::rung(tx, scope).await? else { return Ok(Vec::new()) };
    let may_decide = |person: &Person| person.may(May::Release) || person.may(May::Entries);
    if !crate::people::sql::active(tx, person).await?.is_some_and(|person| may_decide(&person)) {
        return Ok(Vec::new());
    }
    Ok(vec![Alert {
        subject: "second-looks".into(),
        href: "/second-looks".into(),
        title: Say::new("desk-rings").with("count", count).into(),
        at_ms: gateway::trace::time_of(MailId(newest.0)),
        is_urgent: false,
        is_read: false,
        status: "desk-state-open".into(),
        tone: "warn",
    }])
}

/// What somebody does here, each with what one source and all together may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Look a code up.
    Look,
    /// Have one's own side tested.
    Test,
    /// Ask for another look.
    Ask,
}

impl Turn {
    fn rates(self) -> (&'static str, Rate, Rate) {
        match self {
            Turn::Look => ("desk-look", Rate { burst: 20, each_s: 6 }, Rate { burst: 600, each_s: 1 }),
            Turn::Test => ("desk-test", Rate { burst: 5, each_s: 60 }, Rate { burst: 60, each_s: 3 }),
            Turn::Ask => ("desk-ask", Rate { burst: 3, each_s: 600 }, Rate { burst: 60, each_s: 20 }),
        }
    }

    /// The source first: one alone cannot use up what all have.
    /// # Errors
    /// [`Fault::TooMany`] with the seconds until the next turn.
    fn take(self, app: &App, peer: &Peer) -> Result<(), Fault> {
        let (name, source, all) = self.rates();
        app.limits().take(&format!("{name} {}", limit::source(&peer.ip)), source, app.now_ms())?;
        app.limits().take(&format!("{name} all"), all, app.now_ms())
    }
}
