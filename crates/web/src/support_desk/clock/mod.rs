//! The clocks of a request: what was promised, what is left of it, who holds the ball, and why it is this time and no other.
//!
//! In: plans, the events of a request (append-only), and now. Out: [`Clocks`]. Pure: no database, no clock, so any past or future moment can be
//! asked. Rules: the first answer is measured from the opening; the next answer from the first word of the requester that follows an answer;
//! the solution from the opening, without the time in which the request was solved. Only public answers of people stop the first two: not
//! automatic ones, not notes. Running clocks are recomputed from their beginning when severity or plan change; ended ones keep what held
//! when they ended. Exactly at the due moment is in time.

#[cfg(test)]
mod cases;
pub mod plan;
mod round;
pub mod said;
#[cfg(test)]
mod tests;
mod why;
pub mod working;

pub use crate::service_request::{Ball, Severity, State};
pub use plan::{Plan, PlanBody, Target};
pub use why::Why;
pub use working::Reached;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Events of one request that are read; later ones are not (a request has some dozens).
pub const EVENTS_MAX: usize = 20_000;

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ClockKind)]
pub enum Kind {
    FirstResponse,
    NextResponse,
    Resolution,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::FirstResponse, Kind::NextResponse, Kind::Resolution];

    /// As stored, in JSON and in words `clock-kind-…`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::FirstResponse => "first-response",
            Kind::NextResponse => "next-response",
            Kind::Resolution => "resolution",
        }
    }

    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Something that happened to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Unix milliseconds.
    pub at_ms: i64,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The first event.
    Opened {
        severity: Severity,
        plan: i64,
    },
    /// A public word of support.
    Answer {
        is_automatic: bool,
    },
    /// A word of the requester, or of somebody who speaks for them.
    Word {
        is_automatic: bool,
    },
    /// Seen by support only.
    Note,
    State(State),
    Severity(Severity),
    /// Another version of a plan holds from here on.
    Plan(i64),
}

/// How a clock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ClockStanding)]
pub enum Standing {
    Running,
    /// Stands still: it waits for the requester, or the request is solved.
    Paused,
    /// Done in time.
    Met,
    /// The due moment passed before it was done.
    Breached,
}

impl Standing {
    /// As stored, in JSON and in words `clock-standing-…`.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Running => "running",
            Standing::Paused => "paused",
            Standing::Met => "met",
            Standing::Breached => "breached",
        }
    }

    pub fn parse(name: &str) -> Option<Standing> {
        [Standing::Running, Standing::Paused, Standing::Met, Standing::Breached].into_iter().find(|one| one.name() == name)
    }
}

/// When a clock is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    At(i64),
    /// It stands still; with the moment at which it would be due if it went on now.
    Paused(Reached),
    /// The hours of the plan never open.
    Never,
    /// Further away than [`working::AHEAD_DAYS`].
    TooFar,
}

/// A moment at which somebody is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning {
    /// Of working time that are left then.
    pub minutes: u32,
    pub at_ms: i64,
}

/// One clock, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub kind: Kind,
    /// What it is judged by.
    pub severity: Severity,
    pub plan: i64,
    pub standing: Standing,
    pub started_ms: i64,
    /// When it was done.
    pub ended_ms: Option<i64>,
    pub due: Due,
    /// Working time, in milliseconds: promised, used, and what is left (below nothing when it is over).
    pub target_ms: i64,
    pub used_ms: i64,
    pub left_ms: i64,
    /// Those of the plan whose moment is known, in order.
    pub warnings: Vec<Warning>,
    pub why: Why,
}

impl Reading {
    pub fn due_ms(&self) -> Option<i64> {
        match self.due {
            Due::At(at_ms) => Some(at_ms),
            Due::Paused(_) | Due::Never | Due::TooFar => None,
        }
    }

    /// Nobody has done yet what it measures.
    pub fn is_open(&self) -> bool {
        self.ended_ms.is_none()
    }
}

/// All clocks of a request at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Clocks {
    pub state: State,
    pub severity: Severity,
    pub plan: i64,
    pub ball: Ball,
    /// Since when the state is this one.
    pub since_ms: i64,
    /// One of each kind that is promised and has begun; of next answers the latest.
    pub now: Vec<Reading>,
    /// Next answers before the latest, in order.
    pub past: Vec<Reading>,
}

impl Clocks {
    pub fn reading(&self, kind: Kind) -> Option<&Reading> {
        self.now.iter().find(|reading| reading.kind == kind)
    }

    /// What is due first of what still runs, or is over and still owed.
    pub fn first_due(&self) -> Option<&Reading> {
        let owed =
            self.now.iter().filter(|reading| reading.is_open() && matches!(reading.standing, Standing::Running | Standing::Breached));
        owed.filter(|reading| reading.due_ms().is_some()).min_by_key(|reading| reading.due_ms())
    }

    /// The next moment after `now_ms` at which a warning or a breach is due without anything happening before.
    pub fn next_ms(&self, now_ms: i64) -> Option<i64> {
        let running = || self.now.iter().filter(|reading| reading.standing == Standing::Running);
        let warnings = running().flat_map(|reading| reading.warnings.iter().map(|warning| warning.at_ms));
        // The due moment itself is still in time.
        let breaches = running().filter_map(|reading| reading.due_ms().map(|due_ms| due_ms + 1));
        warnings.chain(breaches).filter(|at_ms| *at_ms > now_ms).min()
    }
}

/// The clocks of a request at `now_ms`, from its events in the order they happened. Events after now do not count.
/// `None`: it was not opened yet, or no plan of its versions is among `plans`.
pub fn read(plans: &[Plan], events: &[Event], now_ms: i64) -> Option<Clocks> {
    let past = events.iter().take(EVENTS_MAX).filter(|event| event.at_ms <= now_ms);
    let story = round::Story::of(past)?;
    story.read(plans, now_ms)
}
