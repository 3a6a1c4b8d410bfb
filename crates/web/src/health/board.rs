//! The public board: what concerns everybody, as the status site shows it. Nothing of an organisation is on it.

use super::history;
use super::issue::{Issue, IssueId, Post};
use super::message::{self, Message};
use super::sql::{self, Wanted};
use crate::App;
use gateway::health::{Engine, Level, Service, State, Status, sql as measured};
use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use store::Error;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Issues that ended are shown this long.
const SHOWN_MS: i64 = 30 * DAY_MS;
const ISSUES_MAX: usize = 50;
const MESSAGES_MAX: usize = 200;
/// Posts of one issue on the board.
const POSTS_MAX: usize = 20;

/// What is shown, and since when it is known.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Unix milliseconds of what is shown.
    pub at_ms: i64,
    /// When something was last written; for whoever waits for changes.
    pub newest_ms: i64,
    pub states: BTreeMap<Service, State>,
    pub issues: Vec<(Issue, Vec<Post>)>,
    pub maintenance: Vec<Message>,
    pub days: history::Days,
    /// The database does not answer: issues are those known before, states those this node measures.
    pub is_alone: bool,
}

/// Everybody's rows and no organisation's: none has this number.
const EVERYBODY: OrgScope = OrgScope::One(OrgId(0));

/// Reads what concerns everybody.
pub async fn read(app: &App) -> Result<Board, Error> {
    let (now_ms, health) = (app.now_ms(), app.health.clone());
    app.db
        .read(move |tx| {
            Box::pin(async move {
                let states = measured::states_of(tx, 0).await?.into_iter().map(|((_, service), state)| (service, state)).collect();
                let wanted = Wanted { since_ms: now_ms - SHOWN_MS, rows_max: ISSUES_MAX, ..Wanted::default() };
                let found = sql::issues(tx, EVERYBODY, wanted).await?;
                let ids: Vec<IssueId> = found.iter().map(|issue| issue.id).collect();
                let mut said = sql::posts_of(tx, &ids).await?;
                let with_posts = |issue: Issue| {
                    let mut posts = said.remove(&issue.id).unwrap_or_default();
                    posts.truncate(POSTS_MAX);
                    (issue, posts)
                };
                let issues = found.into_iter().map(with_posts).collect();
                let messages = message::list(tx, EVERYBODY, PersonId(0), MESSAGES_MAX).await?;
                let days = history::days(tx, &health, 0, now_ms).await?;
                let newest = tx
                    .row(
                        "SELECT coalesce((SELECT max(updated_ms) FROM issue), 0), coalesce((SELECT max(updated_ms) FROM service_message), 0)",
                        vec![],
                    )
                    .await?;
                let newest_ms = newest.map_or(Ok(0), |row| Ok::<_, Error>(row.int(0)?.max(row.int(1)?)))?;
                Ok::<_, Error>(Board {
                    at_ms: now_ms,
                    newest_ms,
                    states,
                    issues,
                    maintenance: messages.into_iter().filter(|message| message.is_maintenance).collect(),
                    days,
                    is_alone: false,
                })
            })
        })
        .await
}

impl Board {
    /// Without the database: states as this node measures them.
    pub fn overlay(&mut self, engine: &Engine, now_ms: i64) {
        self.at_ms = now_ms;
        self.is_alone = true;
        self.states = engine.states().into_iter().filter(|((org, _), _)| *org == 0).map(|((_, service), state)| (service, state)).collect();
    }

    /// Another number when something happened, and not only time went by.
    pub fn news(&self) -> u64 {
        let mut news = DefaultHasher::new();
        (self.newest_ms, self.is_alone).hash(&mut news);
        for (service, state) in &self.states {
            (service.kind(), state.status.name()).hash(&mut news);
        }
        news.finish()
    }

    /// How a service is: as measured, or worse when people say so.
    pub fn status(&self, service: &Service) -> Status {
        let issues = self.issues.iter().map(|(issue, _)| issue);
        status_of(service, self.states.get(service).map(|state| state.status), issues)
    }

    pub fn worst(&self) -> Level {
        Service::SHARED.iter().map(|service| self.status(service).level()).max().unwrap_or_default()
    }
}

/// As measured, or worse when an open issue that people opened or changed says so; never better.
pub fn status_of<'a>(service: &Service, measured: Option<Status>, issues: impl Iterator<Item = &'a Issue>) -> Status {
    let said = issues.filter(|issue| issue.is_open && !issue.is_measured && !issue.is_known && issue.body.services.contains(service));
    let worst = said.map(|issue| issue.status).max_by_key(|status| status.level());
    let measured = measured.unwrap_or(Status::ServiceOperational);
    match worst {
        Some(said) if said.level() > measured.level() => said,
        _ => measured,
    }
}
