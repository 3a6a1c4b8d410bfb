//! Clocks as programs and templates read them.

use super::clock::{Clocks, Due, Kind, Reached, Reading, Standing, said};
use super::sql::Plans;
use crate::page::{Fault, View, time};
use crate::service_request::{Ball, Request, Severity, State};
use askama::Template;
use serde::Serialize;
use utoipa::ToSchema;

/// A moment at which somebody is told.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WarningBody {
    /// Of working time that are left then.
    pub minutes: u32,
    pub at_ms: i64,
}

/// One clock of a request.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ClockBody {
    pub clock: Kind,
    pub standing: Standing,
    /// What it is judged by.
    pub severity: Severity,
    /// Unix milliseconds.
    pub started_ms: i64,
    /// When it was done.
    pub ended_ms: Option<i64>,
    /// null: it stands still, or has no end.
    pub due_ms: Option<i64>,
    /// The same, RFC 3339 in UTC.
    pub due: Option<String>,
    /// While it stands still: when it would be due if it went on now.
    pub due_if_resumed_ms: Option<i64>,
    /// The hours of the plan never open, or too seldom.
    pub has_no_end: bool,
    /// Working time in minutes, rounded down: promised, used, and left (below nothing when it is over).
    pub target_minutes: i64,
    pub used_minutes: i64,
    pub left_minutes: i64,
    pub warnings: Vec<WarningBody>,
    /// In words, in the language of the asker.
    pub says: String,
    /// Why it is due then, in the language of the asker.
    pub why: Vec<String>,
}

/// All clocks of a request.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ClocksBody {
    pub state: State,
    /// Since when.
    pub since_ms: i64,
    pub severity: Severity,
    /// Who has to act next.
    pub ball: Ball,
    /// Of next answers the latest.
    pub clocks: Vec<ClockBody>,
    /// Next answers before it.
    pub past: Vec<ClockBody>,
}

const MINUTE_MS: i64 = 60_000;

impl ClockBody {
    pub fn of(view: &View, reading: &Reading) -> ClockBody {
        ClockBody {
            clock: reading.kind,
            standing: reading.standing,
            severity: reading.severity,
            started_ms: reading.started_ms,
            ended_ms: reading.ended_ms,
            due_ms: reading.due_ms(),
            due: reading.due_ms().map(time::rfc3339),
            due_if_resumed_ms: match reading.due {
                Due::Paused(reached) => reached.at(),
                _ => None,
            },
            has_no_end: matches!(reading.due, Due::Never | Due::TooFar | Due::Paused(Reached::Never | Reached::TooFar)),
            target_minutes: reading.target_ms / MINUTE_MS,
            used_minutes: reading.used_ms / MINUTE_MS,
            left_minutes: reading.left_ms.div_euclid(MINUTE_MS),
            warnings: reading.warnings.iter().map(|one| WarningBody { minutes: one.minutes, at_ms: one.at_ms }).collect(),
            says: said::left(view, reading),
            why: said::reasons(view, reading),
        }
    }
}

impl ClocksBody {
    /// Of a request for which nothing is promised, as there is no plan.
    pub fn without(request: &Request) -> ClocksBody {
        ClocksBody {
            state: request.state,
            since_ms: request.last_ms,
            severity: request.severity,
            ball: request.state.ball(),
            clocks: Vec::new(),
            past: Vec::new(),
        }
    }

    pub fn of(view: &View, clocks: &Clocks) -> ClocksBody {
        let bodies = |readings: &[Reading]| readings.iter().map(|reading| ClockBody::of(view, reading)).collect();
        ClocksBody {
            state: clocks.state,
            since_ms: clocks.since_ms,
            severity: clocks.severity,
            ball: clocks.ball,
            clocks: bodies(&clocks.now),
            past: bodies(&clocks.past),
        }
    }
}

/// One clock as a template shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockLine {
    pub kind: &'static str,
    pub tone: &'static str,
    pub standing: &'static str,
    pub left: String,
    pub due: String,
    pub why: Vec<String>,
}

pub fn lines(view: &View, clocks: &Clocks) -> Vec<ClockLine> {
    clocks.now.iter().map(|reading| line(view, reading)).collect()
}

fn line(view: &View, reading: &Reading) -> ClockLine {
    let is_warned = reading.warnings.iter().any(|warning| warning.at_ms <= view.now_ms);
    ClockLine {
        kind: reading.kind.name(),
        tone: match reading.standing {
            Standing::Running if is_warned => "warn",
            Standing::Running => "info",
            Standing::Paused => "plain",
            Standing::Met => "good",
            Standing::Breached => "bad",
        },
        standing: reading.standing.name(),
        left: said::left(view, reading),
        due: said::due(view, reading),
        why: said::reasons(view, reading),
    }
}

#[derive(Template)]
#[template(path = "support_desk/templates/clocks.html")]
struct Panel<'a> {
    view: &'a View,
    clocks: &'a Clocks,
    lines: Vec<ClockLine>,
    plan: String,
}

/// All clocks as HTML.
pub fn panel(view: &View, clocks: &Clocks, plans: &Plans) -> Result<String, Fault> {
    let plan = plans.known.iter().find(|plan| plan.version == clocks.plan).map(|plan| plan.body.name.clone()).unwrap_or_default();
    let panel = Panel { view, clocks, lines: lines(view, clocks), plan };
    panel.render().map_err(|why| Fault::Ours(format!("clocks could not be written: {why}")))
}
