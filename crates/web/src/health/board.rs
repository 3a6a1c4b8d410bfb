//! The public board: what concerns everybody, as the status site shows it. Nothing of an organisation is on it.

use super::issue::{Issue, IssueId, Post};
use super::message::{self, Message};
use super::sql::{self, Wanted};
use crate::App;
use gateway::health::{Engine, Level, Service, State, Status, sql as measured};
use gateway::scope::OrgScope;
use mail::{OrgId, PersonId};
use std::collections::BTreeMap;
use store::Error;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days of the history bars.
pub const DAYS: usize = 90;
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
    /// Worst of each of the last [`DAYS`] days, oldest first, by service.
    pub days: BTreeMap<Service, Vec<Level>>,
    /// The database does not answer: issues are those known before, states those this node measures.
    pub is_alone: bool,
}

/// Everybody's rows and no organisation's: none has this number.
const EVERYBODY: OrgScope = OrgScope::One(OrgId(0));

/// Reads what concerns everybody.
pub async fn read(app: &App) -> Result<Board, Error> {
    let now_ms = app.now_ms();
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
                let changes = measured::changes_of(tx, 0, now_ms - DAYS as i64 * DAY_MS).await?;
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
                    days: history(&changes, now_ms),
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

/// The worst of each day, oldest first, for the services whose changes are given in order.
pub fn history(changes: &[(i64, String, i64, String)], now_ms: i64) -> BTreeMap<Service, Vec<Level>> {
    let first_ms = now_ms - now_ms.rem_euclid(DAY_MS) - (DAYS as i64 - 1) * DAY_MS;
    let mut days: BTreeMap<Service, Vec<Level>> = BTreeMap::new();
    let mut now: BTreeMap<(i64, Service), (i64, Level)> = BTreeMap::new();
    let mut paint = |service: &Service, from_ms: i64, to_ms: i64, level: Level| {
        let row = days.entry(service.clone()).or_insert_with(|| vec![Level::Fine; DAYS]);
        let day = |at_ms: i64| ((at_ms - first_ms).div_euclid(DAY_MS)).clamp(0, DAYS as i64 - 1) as usize;
        if level > Level::Fine && to_ms >= first_ms {
            row[day(from_ms)..=day(to_ms)].iter_mut().for_each(|worst| *worst = level.max(*worst));
        }
    };
    for (org, name, at_ms, status) in changes {
        let (Ok(service), Some(status)) = (name.parse::<Service>(), Status::parse(status)) else { continue };
        if let Some((since_ms, level)) = now.insert((*org, service.clone()), (*at_ms, status.level())) {
            paint(&service, since_ms, *at_ms, level);
        }
    }
    for ((_, service), (since_ms, level)) in now {
        paint(&service, since_ms, now_ms, level);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_as_bad_as_its_worst_minute() {
        let now_ms = 1_795_521_600_000;
        let change = |days_ago: i64, status: &str| (0, "intake".to_string(), now_ms - days_ago * DAY_MS, status.to_string());
        let changes = [
            change(40, "serviceDegradation"),
            change(38, "serviceOperational"),
            change(3, "serviceInterruption"),
            change(3, "restoringService"),
            change(3, "serviceOperational"),
            change(0, "serviceDegradation"),
        ];
        let days = history(&changes, now_ms).remove(&Service::Intake).expect("a row");
        let bad: Vec<(usize, Level)> =
            days.iter().enumerate().filter(|(_, level)| **level > Level::Fine).map(|(n, level)| (DAYS - 1 - n, *level)).collect();
        let want = [(40, Level::Degraded), (39, Level::Degraded), (38, Level::Degraded), (3, Level::Interrupted), (0, Level::Degraded)];
        assert_eq!(bad, want);
    }
}
