//! The virtual agent: answers questions from the sources of the installation, and from nothing else.
//!
//! In: what somebody said, and what they said before. Out: a [`reply::Reply`]: text of a source with the source, the number to call
//! ([`crate::phone::book::call`]), what can be run, or that it does not know. Invariants: every sentence of an answer stands in a source
//! that is named beside it; nothing is looked up about anybody's mail and nothing is changed: what reads mail is a form that the asker
//! sends. The conversation is kept by the asker's page, not here. Not here: the search ([`crate::help::search`]).

pub mod api;
mod caller;
mod intent;
mod moment;
mod page;
pub mod reply;
pub mod state;
#[cfg(test)]
mod tests;

use crate::App;
use crate::page::Fault;
use crate::page::words::Source;
use crate::people::limit::Rate;
use crate::people::session::Peer;
use axum::Router;
use axum::routing::{get, post};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// Characters of one question, and questions of one conversation.
pub const TEXT_CHARS_MAX: usize = 2_000;
pub const TURNS_MAX: usize = 20;

/// Questions of one source, and of all together.
const OF_SOURCE: Rate = Rate { burst: 60, each_s: 1 };
const OF_ALL: Rate = Rate { burst: 1_200, each_s: 1 };

pub fn routes() -> Router<App> {
    Router::new().route("/help/agent", get(page::form).post(page::ask)).route("/help/agent/transcript", post(page::transcript))
}

/// Takes one turn of a source; one alone cannot use up what all have.
fn take(app: &App, peer: &Peer) -> Result<(), Fault> {
    app.limits().take(&format!("agent {}", peer.ip), OF_SOURCE, app.now_ms())?;
    app.limits().take("agent", OF_ALL, app.now_ms())
}
