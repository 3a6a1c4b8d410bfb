//! Directories: recipients and groups come from where an organisation keeps its people, by LDAP, by SCIM, or as a table.
//!
//! In: a directory's answers ([`ldap`]), a directory's requests ([`scim`]), pages and tables ([`group`]). Out: rows of
//! `known_recipient` and of groups, each owned by the source that wrote it, and a new version of the directory that the mail path follows.
//! Invariants: a source touches nothing of another one; a run that would take too much away does nothing until a person looked
//! ([`plan::Plan::stops`]); a run is one transaction. Not here: what groups are for (`gateway::policy`, `gateway::rules`).

pub mod api;
mod fault;
pub mod group;
mod job;
pub mod ldap;
mod letter;
mod page;
pub mod plan;
mod run;
pub mod scim;
pub mod settings;
mod source_page;
pub mod sql;
pub mod sql_rows;

pub use fault::{SyncError, Turn};
pub use job::{run_due, start};
pub use letter::{tell, tell_every_minute};
pub use run::{Ran, Reach, Tried, run, run_now, try_out};

use crate::App;
use crate::health::bell::Alert;
use crate::page::words::Source as Words;
use crate::page::{Fault, Say};
use crate::people::{May, Person, sql as people_sql};
use axum::Router;
use axum::routing::{get, post};
use gateway::directory::sql::FROM_LDAP;
use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use serde::{Deserialize, Serialize};
use settings::SourceSettings;
use store::{Error, Migration, Tx};

pub const WORDS: Words = Words { en: include_str!("words/en.ftl"), zh: include_str!("words/zh-CN.ftl") };

pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 41, name: "directory_sync", sql: include_str!("migrations/0041_directory_sync.sql") },
    Migration { number: 50, name: "directory_told", sql: include_str!("migrations/0050_directory_told.sql") },
];

/// A directory that cannot be read for so long is told about.
const FAILING_MS: i64 = 10 * 60 * 1000;

pub fn routes() -> Router<App> {
    Router::new()
        .route("/directory", get(page::list).post(source_page::create))
        .route("/directory/new", get(source_page::new))
        .route("/directory/scim-removals", post(page::allow_removals))
        .route("/directory/{source}", get(source_page::open).post(source_page::save))
        .route("/directory/{source}/try", post(source_page::try_saved))
        .route("/directory/{source}/sync", post(source_page::sync))
        .route("/directory/{source}/waiting", get(page::waiting).post(source_page::decide))
        .route("/directory/{source}/remove", post(source_page::remove))
        .merge(group::routes())
}

/// A directory that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub id: i64,
    pub org: OrgId,
    pub name: String,
    pub settings: SourceSettings,
    pub state: State,
    pub state_ms: i64,
    pub mark: String,
    pub whole_ms: i64,
    pub seen_ms: i64,
    pub next_ms: i64,
    pub failures: i64,
    pub lease_ms: i64,
}

impl Source {
    /// The name under which its rows stand.
    pub fn owner(&self) -> String {
        format!("{FROM_LDAP}{}", self.id)
    }
}

/// How a directory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    New,
    Well,
    Failing,
    /// Too much would go: somebody is asked.
    Waiting,
    /// Somebody said yes; the next run does it.
    Approved,
    /// Somebody said no: nothing is done until the directory is right again.
    Refused,
}

impl State {
    const ALL: [State; 6] = [State::New, State::Well, State::Failing, State::Waiting, State::Approved, State::Refused];

    /// As stored; words `directory-state-…`.
    pub fn name(self) -> &'static str {
        match self {
            State::New => "new",
            State::Well => "well",
            State::Failing => "failing",
            State::Waiting => "waiting",
            State::Approved => "approved",
            State::Refused => "refused",
        }
    }

    fn named(name: &str) -> State {
        State::ALL.into_iter().find(|state| state.name() == name).unwrap_or(State::New)
    }

    pub fn tone(self) -> &'static str {
        match self {
            State::New | State::Approved => "plain",
            State::Well => "good",
            State::Failing | State::Waiting => "bad",
            State::Refused => "warn",
        }
    }
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    Same,
    Stopped,
    Failed,
}

impl Outcome {
    const ALL: [Outcome; 4] = [Outcome::Applied, Outcome::Same, Outcome::Stopped, Outcome::Failed];

    /// As stored; words `directory-outcome-…`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Applied => "applied",
            Outcome::Same => "same",
            Outcome::Stopped => "stopped",
            Outcome::Failed => "failed",
        }
    }

    fn named(name: &str) -> Outcome {
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == name).unwrap_or(Outcome::Failed)
    }

    pub fn tone(self) -> &'static str {
        match self {
            Outcome::Applied => "good",
            Outcome::Same => "plain",
            Outcome::Stopped => "warn",
            Outcome::Failed => "bad",
        }
    }
}

/// What a run counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Counts {
    pub people: usize,
    pub groups: usize,
    pub added: usize,
    pub changed: usize,
    pub removed: usize,
    pub groups_written: usize,
    pub groups_removed: usize,
    /// Addresses that another source has here.
    pub conflicts: usize,
    /// Addresses of domains that are not served for the organisation.
    pub elsewhere: usize,
    /// Values that are no addresses.
    pub unreadable: usize,
    /// The first of those with a conflict, each with its source.
    pub conflicts_first: Vec<(String, String)>,
    pub elsewhere_first: Vec<String>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: i64,
    pub org: OrgId,
    pub source: i64,
    pub made_ms: i64,
    pub took_ms: i64,
    pub outcome: Outcome,
    pub counts: Counts,
    pub error: Option<SyncError>,
}

impl Run {
    /// What became of recipients.
    pub fn said(&self) -> Say {
        let counts = &self.counts;
        Say::new("directory-did").with("added", counts.added).with("changed", counts.changed).with("removed", counts.removed)
    }

    pub fn said_groups(&self) -> Say {
        Say::new("directory-did-groups").with("written", self.counts.groups_written).with("removed", self.counts.groups_removed)
    }
}

/// The directory of this number in the person's scope, as long as they may see settings.
pub(crate) async fn find(app: &App, person: &Person, id: &str) -> Result<Source, Fault> {
    person.require(May::ReadSettings)?;
    let id: i64 = id.parse().map_err(|_| Fault::NotFound)?;
    let scope = person.scope();
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await;
    found?.ok_or(Fault::NotFound)
}

pub(crate) async fn find_to_change(app: &App, person: &Person, id: &str) -> Result<Source, Fault> {
    let source = find(app, person, id).await?;
    person.require(May::Domains)?;
    Ok(source)
}

/// What the bell says of directories: one that waits for an answer, one that cannot be read for a while. For who may do something.
pub async fn alerts(tx: &mut Tx, scope: OrgScope, person: PersonId, now_ms: i64) -> Result<Vec<Alert>, Error> {
    let in_need = sql::in_need(tx, scope, now_ms - FAILING_MS).await?;
    let asked = scim::guard::asked(tx, scope).await?;
    if (in_need.is_empty() && asked.is_empty()) || !people_sql::active(tx, person).await?.is_some_and(|person| person.may(May::Domains)) {
        return Ok(Vec::new());
    }
    let alert = |source: Source| {
        let is_waiting = source.state == State::Waiting;
        let key = if is_waiting { "directory-alert-waiting" } else { "directory-alert-failing" };
        Alert {
            subject: format!("directory {}", source.id),
            href: if is_waiting { format!("/directory/{}/waiting", source.id) } else { format!("/directory/{}", source.id) },
            title: Say::new(key).with("name", source.name).into(),
            at_ms: source.state_ms,
            is_urgent: true,
            is_read: false,
            status: format!("directory-state-{}", source.state.name()),
            tone: source.state.tone(),
        }
    };
    let removals = asked.into_iter().map(|(org, at_ms)| Alert {
        subject: format!("scim {org}"),
        href: "/directory".into(),
        title: Say::new("directory-alert-scim").into(),
        at_ms,
        is_urgent: true,
        is_read: false,
        status: "directory-state-waiting".into(),
        tone: State::Waiting.tone(),
    });
    Ok(removals.chain(in_need.into_iter().map(alert)).collect())
}
