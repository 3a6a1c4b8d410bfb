//! Drafts: what somebody is about to save, kept with what it would have done to past mail, until they save it or let it go.
//!
//! In: a checked policy or entry. Out: a page that counts and lists the recipients for whom past mail would have been decided otherwise,
//! and then the saving. Invariants: a draft is its maker's alone; replaying reads a bounded part of the past and says how much; what
//! was changed by others meanwhile is not overwritten. Not here: deciding again (`gateway::policy::Replay`), the forms.

pub mod api;
pub mod page;
mod run;
pub mod sql;

pub use page::{mine, routes};
pub use run::{DAYS_DEFAULT, DAYS_MAX, begin};

use crate::entry::NewEntry;
use crate::page::words::Source;
use gateway::policy::{Change, PolicySettings};
use mail::id::DraftId;
use mail::{OrgId, PersonId};
use serde::{Deserialize, Serialize};

pub const WORDS: Source = Source { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

/// What is to be saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum What {
    /// `base` is the policy as it was when its form was opened; `None` is a new one.
    Policy {
        settings: Box<PolicySettings>,
        base: Option<Box<PolicySettings>>,
    },
    Entry {
        entry: NewEntry,
    },
}

/// One draft.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub id: DraftId,
    pub org: OrgId,
    pub person: PersonId,
    pub what: What,
    pub days: i64,
    pub state: State,
    pub progress: gateway::policy::Progress,
    pub outcome: Outcome,
    pub made_ms: i64,
    pub seen_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    Done,
    Failed,
    Saved,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
            State::Saved => "saved",
        }
    }

    pub fn parse(name: &str) -> Option<State> {
        [State::Running, State::Done, State::Failed, State::Saved].into_iter().find(|state| state.name() == name)
    }
}

/// What it would have done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Recipients of past mail for whom something else would have been done.
    pub changed: u64,
    /// How many, by what was done and what would have been.
    pub counts: Vec<Counted>,
    /// The latest of them, at most [`run::CHANGES_KEPT`].
    pub changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counted {
    pub was: String,
    pub would_be: String,
    pub count: u64,
}
