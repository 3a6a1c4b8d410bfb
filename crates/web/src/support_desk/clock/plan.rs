//! A plan: what is promised, in which hours, by severity. Every change is a new version; a request keeps the version it was opened under.

use super::working::Working;
use super::{Kind, Severity, State};
use crate::page::fault::Wrong;
use crate::phone::hours::{Hours, WrongHours};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Characters of a plan's name.
pub const NAME_CHARS_MAX: usize = 60;
/// The longest promise, in minutes of working time: 2,000 hours, about a year of working days.
pub const MINUTES_MAX: u32 = 120_000;
/// Warnings before one promise ends.
pub const WARNINGS_MAX: usize = 4;
/// Extra closed days of a plan.
pub const CLOSED_MAX: usize = crate::phone::hours::CLOSED_MAX;

/// One promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub severity: Severity,
    pub clock: Kind,
    /// Of working time.
    pub minutes: u32,
    /// Counts around the clock, not in the plan's hours.
    #[serde(default)]
    pub is_around_the_clock: bool,
    /// Warn when so many minutes of working time are left.
    #[serde(default)]
    pub warn_minutes: Vec<u32>,
}

/// A plan as it is written and stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanBody {
    pub name: String,
    /// As OpenStreetMap writes opening hours: "Mo-Fr 09:00-17:00; PH off".
    pub hours: String,
    /// IANA name of the zone of the hours.
    pub zone: String,
    /// Country whose public holidays `PH` means; '' none.
    #[serde(default)]
    pub holidays: String,
    /// Days on which it is closed beside that, such as "2026-12-24".
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub closed_days: Vec<jiff::civil::Date>,
    /// At most one for a severity and a clock; what is missing is not promised.
    pub targets: Vec<Target>,
    /// Clocks that stand still while a request waits for its requester. The first answer is owed regardless, unless it is named here.
    #[serde(default = "paused_usually")]
    pub paused_while_waiting: Vec<Kind>,
}

fn paused_usually() -> Vec<Kind> {
    vec![Kind::NextResponse, Kind::Resolution]
}

/// A version of a plan, ready to be asked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Identifies the version.
    pub version: i64,
    pub body: PlanBody,
    hours: Hours,
}

impl Plan {
    /// # Errors
    /// [`WrongHours`]: the hours, their zone or the country of the holidays cannot be read.
    pub fn new(version: i64, body: PlanBody) -> Result<Plan, WrongHours> {
        let hours = Hours::closed_on(&body.hours, &body.zone, &body.holidays, &body.closed_days)?;
        Ok(Plan { version, body, hours })
    }

    pub fn hours(&self) -> &Hours {
        &self.hours
    }

    pub fn target(&self, severity: Severity, clock: Kind) -> Option<&Target> {
        self.body.targets.iter().find(|target| target.severity == severity && target.clock == clock)
    }

    pub fn working(&self, target: &Target) -> Working {
        if target.is_around_the_clock { Working::Always } else { Working::Hours(Box::new(self.hours.clone())) }
    }

    /// Whether a clock stands still in a state. What is solved owes nothing until it is opened again.
    pub fn is_paused(&self, clock: Kind, state: State) -> bool {
        match state {
            State::WaitingCustomer => self.body.paused_while_waiting.contains(&clock),
            State::Resolved | State::Closed => true,
            State::New | State::Open | State::WaitingUs => false,
        }
    }
}

impl PlanBody {
    /// The plan as somebody wrote it, with all that is wrong with it.
    pub fn checked(mut self) -> Result<PlanBody, Vec<Wrong>> {
        let mut wrong = Vec::new();
        self.name = self.name.trim().to_string();
        if self.name.is_empty() || self.name.chars().count() > NAME_CHARS_MAX {
            wrong.push(Wrong::new("name", "support-wrong-name"));
        }
        self.closed_days.sort();
        self.closed_days.dedup();
        if self.closed_days.len() > CLOSED_MAX {
            wrong.push(Wrong::new("closed_days", "support-wrong-closed-days"));
        }
        match Hours::closed_on(&self.hours, &self.zone, &self.holidays, &self.closed_days) {
            Ok(_) => {}
            Err(WrongHours::Text) => wrong.push(Wrong::new("hours", "support-wrong-hours")),
            Err(WrongHours::Zone) => wrong.push(Wrong::new("zone", "support-wrong-zone")),
            Err(WrongHours::Holidays) => wrong.push(Wrong::new("holidays", "support-wrong-holidays")),
        }
        let mut seen = BTreeSet::new();
        for target in &mut self.targets {
            target.warn_minutes.sort_unstable_by(|a, b| b.cmp(a));
            target.warn_minutes.dedup();
            let is_warned_late = target.warn_minutes.iter().any(|minutes| *minutes == 0 || *minutes >= target.minutes);
            if target.minutes == 0 || target.minutes > MINUTES_MAX || is_warned_late || target.warn_minutes.len() > WARNINGS_MAX {
                wrong.push(Wrong::new("targets", "support-wrong-target"));
            }
            if !seen.insert((target.severity, target.clock)) {
                wrong.push(Wrong::new("targets", "support-wrong-target-twice"));
            }
        }
        if self.targets.is_empty() {
            wrong.push(Wrong::new("targets", "support-wrong-no-target"));
        }
        wrong.dedup();
        if wrong.is_empty() { Ok(self) } else { Err(wrong) }
    }

    /// The plans that come with Gatepost: standard first, then premier.
    pub fn shipped() -> [PlanBody; 2] {
        // Minutes for severity A (around the clock), B and C (working hours), by clock.
        let plan = |name: &str, minutes: [[u32; 3]; 3]| {
            let target = |clock: Kind, severity: Severity, minutes: u32| Target {
                severity,
                clock,
                minutes,
                is_around_the_clock: severity == Severity::A,
                warn_minutes: vec![minutes / 4],
            };
            let of_clock = |(clock, [a, b, c]): (Kind, [u32; 3])| {
                [target(clock, Severity::A, a), target(clock, Severity::B, b), target(clock, Severity::C, c)]
            };
            PlanBody {
                name: name.into(),
                hours: "Mo-Fr 09:00-17:00; PH off".into(),
                zone: "UTC".into(),
                holidays: String::new(),
                closed_days: Vec::new(),
                targets: Kind::ALL.into_iter().zip(minutes).flat_map(of_clock).collect(),
                paused_while_waiting: paused_usually(),
            }
        };
        [
            plan("standard", [[60, 240, 480], [120, 480, 960], [1_440, 2_400, 4_800]]),
            plan("premier", [[30, 120, 240], [60, 240, 480], [720, 1_440, 2_400]]),
        ]
    }
}
