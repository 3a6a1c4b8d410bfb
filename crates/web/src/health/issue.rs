//! One issue: opened and closed by a rule, or by a person; read by those it concerns.

use super::{Text, cause};
use gateway::health::{Change, Evidence, Kind, Level, Service, Status, Track};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An issue that comes back within this time after its end is opened again.
pub const SAME_ISSUE_MS: i64 = 15 * 60 * 1000;

/// `EX100001`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct IssueId(pub i64);

impl fmt::Display for IssueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EX{}", self.0)
    }
}

impl FromStr for IssueId {
    type Err = ();

    fn from_str(text: &str) -> Result<IssueId, ()> {
        let number = text.strip_prefix("EX").filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit())).ok_or(())?;
        number.parse().map(IssueId).map_err(|_| ())
    }
}

/// What people read of an issue; kept as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Body {
    pub services: Vec<Service>,
    pub title: Text,
    pub impact: Text,
    pub workaround: Text,
    pub root_cause: Text,
    pub evidence: Evidence,
    /// When it is expected to be over, and when more will be said; Unix milliseconds.
    pub expected_ms: Option<i64>,
    pub next_update_ms: Option<i64>,
    /// Version that mends a known issue.
    pub fixed_in: String,
    /// Articles of the help that it explains, such as "check/auth.dmarc.fail".
    pub explains: Vec<String>,
    /// Planned maintenance that it fell into, such as MC100001.
    pub planned: String,
    /// 1 critical to 4 low; a person sets it.
    pub severity: u8,
    /// Who works on it; for those who run the service.
    pub assignee: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    pub id: IssueId,
    /// 0: everybody's.
    pub org: i64,
    /// "" was opened by a person.
    pub cause: String,
    pub what: String,
    pub status: Status,
    pub is_incident: bool,
    pub origin: String,
    /// Its cause is measured as wrong right now.
    pub is_measured: bool,
    pub is_open: bool,
    pub is_known: bool,
    /// Shown as a part of that issue; 0: stands for itself.
    pub merged_into: i64,
    /// Was a part of that issue before a person split it off; 0: never was.
    pub split_from: i64,
    pub started_ms: i64,
    pub updated_ms: i64,
    pub ended_ms: Option<i64>,
    pub body: Body,
}

/// What was said about an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub id: i64,
    pub at_ms: i64,
    /// regular, quick, strategic
    pub kind: String,
    pub status: Option<Status>,
    /// "" is a rule.
    pub who: String,
    pub text: Text,
}

impl Issue {
    /// Opened by a rule.
    pub fn of(track: &Track, id: IssueId, now_ms: i64) -> Issue {
        let what = track.what.as_str();
        Issue {
            id,
            org: track.org,
            cause: track.cause.clone(),
            what: track.what.clone(),
            status: track.status(),
            is_incident: track.level == Level::Interrupted,
            origin: cause::origin(&track.cause).into(),
            is_measured: true,
            is_open: true,
            is_known: false,
            merged_into: 0,
            split_from: 0,
            started_ms: track.since_ms,
            updated_ms: now_ms,
            ended_ms: None,
            body: Body {
                services: track.hits.iter().map(|(service, _)| service.clone()).collect(),
                title: cause::title(&track.cause, what),
                impact: cause::impact(&track.cause, what),
                workaround: cause::workaround(&track.cause, what),
                evidence: track.evidence.clone(),
                ..Body::default()
            },
        }
    }

    /// Opened by a person; everybody's, and without a number.
    pub fn by_person(services: Vec<Service>, now_ms: i64) -> Issue {
        Issue {
            id: IssueId(0),
            org: 0,
            cause: String::new(),
            what: String::new(),
            status: Status::Investigating,
            is_incident: false,
            origin: "microsoft".into(),
            is_measured: false,
            is_open: true,
            is_known: false,
            merged_into: 0,
            split_from: 0,
            started_ms: now_ms,
            updated_ms: now_ms,
            ended_ms: None,
            body: Body { services, severity: 3, ..Body::default() },
        }
    }

    /// Takes what was measured; returns what is to be said about it.
    pub fn take(&mut self, change: &Change, now_ms: i64) -> (&'static str, Text) {
        let track = &change.track;
        let kind = match change.kind {
            Kind::Began => "began",
            Kind::Relapsed => "relapsed",
            Kind::Worse => "worse",
            Kind::Better => "better",
            Kind::Restoring => "restoring",
            Kind::Back => "back",
            Kind::Over => "over",
        };
        self.status = track.status();
        self.is_measured = change.kind != Kind::Over;
        self.is_open = self.is_measured;
        self.ended_ms = (!self.is_open).then_some(now_ms);
        self.is_incident |= track.level == Level::Interrupted;
        self.updated_ms = now_ms;
        if change.kind != Kind::Over {
            self.body.evidence = track.evidence.clone();
        }
        (kind, cause::post(kind, track))
    }

    /// Whether a person may give it this status. What is measured as wrong is not called right, nor less wrong than it is.
    pub fn may_become(&self, status: Status) -> bool {
        match self.is_measured {
            true => {
                !status.is_over()
                    && (status.level() >= self.status.level()
                        || status == Status::ExtendedRecovery && self.status == Status::RestoringService)
            }
            false => status != Status::ServiceOperational,
        }
    }

    /// A person changed it: open is what is measured, or called not over.
    pub fn touched(&mut self, now_ms: i64) {
        self.is_open = self.is_measured || !self.status.is_over();
        self.ended_ms = if self.is_open { None } else { Some(self.ended_ms.unwrap_or(now_ms)) };
        // Whoever opened it may have looked at the clock before it began.
        self.updated_ms = now_ms.max(self.started_ms);
    }

    pub fn classification(&self) -> &'static str {
        if self.is_incident { "incident" } else { "advisory" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(is_measured: bool, status: Status) -> Issue {
        Issue {
            id: IssueId(100_001),
            org: 0,
            cause: "disk.low".into(),
            what: String::new(),
            status,
            is_incident: false,
            origin: "microsoft".into(),
            is_measured,
            is_open: true,
            is_known: false,
            merged_into: 0,
            split_from: 0,
            started_ms: 0,
            updated_ms: 0,
            ended_ms: None,
            body: Body::default(),
        }
    }

    #[test]
    fn nothing_is_changed_before_it_began() {
        let mut issue = Issue { started_ms: 1_001, ..issue(false, Status::Investigating) };
        for (now_ms, want_ms) in [(1_000, 1_001), (2_000, 2_000)] {
            issue.touched(now_ms);
            assert_eq!(issue.updated_ms, want_ms);
        }
    }

    #[test]
    fn nobody_calls_right_what_is_measured_as_wrong() {
        for status in Status::ALL {
            let measured = issue(true, Status::ServiceDegradation);
            let is_better = status.level() < Level::Degraded;
            assert_eq!(measured.may_become(*status), !is_better, "{} while it is measured", status.name());
            let over = issue(false, Status::ServiceRestored);
            assert_eq!(over.may_become(*status), *status != Status::ServiceOperational, "{} afterwards", status.name());
        }
    }

    #[test]
    fn ids_are_read_as_they_are_written() {
        assert_eq!("EX100001".parse(), Ok(IssueId(100_001)));
        for wrong in ["EX", "100001", "MC1", "EX-1", "EX99999999999999999999"] {
            assert!(wrong.parse::<IssueId>().is_err(), "{wrong}");
        }
    }
}
