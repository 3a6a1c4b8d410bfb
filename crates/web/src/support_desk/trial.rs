//! A plan tried on a request that never was: what every clock would say.

use super::clock::{self, Clocks, Event, Plan, PlanBody, What};
use crate::page::fault::Wrong;
use crate::page::{Fault, View, time};
use crate::service_request::{Severity, State};
use serde::Deserialize;
use utoipa::ToSchema;

/// Events of one trial.
const EVENTS_MAX: usize = 500;

/// What happens in a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = TrialWhat)]
pub enum Happens {
    /// With `severity`. The first event.
    Opened,
    /// A public word of support.
    Answer,
    /// One that a machine wrote.
    AutomaticAnswer,
    /// A word of the requester.
    Word,
    AutomaticWord,
    /// Seen by support only.
    Note,
    /// With `state`.
    State,
    /// With `severity`.
    Severity,
}

impl Happens {
    fn named(name: &str) -> Option<Happens> {
        serde_json::from_value(serde_json::Value::String(name.into())).ok()
    }
}

/// One event of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrialEvent {
    /// RFC 3339.
    pub at: String,
    pub what: Happens,
    pub severity: Option<Severity>,
    pub state: Option<State>,
}

/// A plan and a story.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    pub plan: PlanBody,
    /// In the order they happen.
    pub events: Vec<TrialEvent>,
    /// The moment at which the clocks are read, RFC 3339.
    pub now: String,
}

fn moment(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

fn event(one: &TrialEvent, version: i64) -> Option<Event> {
    let at_ms = moment(&one.at)?;
    what(one.what, one.severity, one.state, version).map(|what| Event { at_ms, what })
}

fn what(happens: Happens, severity: Option<Severity>, state: Option<State>, plan: i64) -> Option<What> {
    Some(match happens {
        Happens::Opened => What::Opened { severity: severity?, plan },
        Happens::Answer => What::Answer { is_automatic: false },
        Happens::AutomaticAnswer => What::Answer { is_automatic: true },
        Happens::Word => What::Word { is_automatic: false },
        Happens::AutomaticWord => What::Word { is_automatic: true },
        Happens::Note => What::Note,
        Happens::State => What::State(state?),
        Happens::Severity => What::Severity(severity?),
    })
}

impl Trial {
    /// # Errors
    /// [`Fault::Invalid`] names what cannot be read, or is missing.
    pub fn read(self) -> Result<Clocks, Fault> {
        const VERSION: i64 = 1;
        let body = self.plan.checked().map_err(Fault::Invalid)?;
        let plan = Plan::new(VERSION, body).map_err(|_| Fault::Invalid(vec![Wrong::new("hours", "support-wrong-hours")]))?;
        let wrong = |field| Fault::Invalid(vec![Wrong::new(field, "support-wrong-trial")]);
        if self.events.len() > EVENTS_MAX {
            return Err(wrong("events"));
        }
        let events: Vec<Event> = self.events.iter().map(|one| event(one, VERSION)).collect::<Option<_>>().ok_or_else(|| wrong("events"))?;
        let now_ms = moment(&self.now).ok_or_else(|| wrong("now"))?;
        clock::read(&[plan], &events, now_ms).ok_or_else(|| wrong("events"))
    }
}

/// A trial as the page has it: local moments of the reader, one event a line ("2026-12-31 17:00 answer", "… state resolved").
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(default)]
pub struct Typed {
    pub opened: String,
    pub severity: String,
    pub story: String,
    pub now: String,
}

impl Typed {
    /// Clocks under a kept plan.
    /// # Errors
    /// The fields that cannot be read.
    pub fn read(&self, view: &View, version: i64, body: PlanBody) -> Result<Clocks, Vec<Wrong>> {
        let plan = Plan::new(version, body).map_err(|_| vec![Wrong::new("", "support-wrong-hours")])?;
        let mut wrong = Vec::new();
        let opened_ms = time::parse_local(view, self.opened.trim());
        if opened_ms.is_none() {
            wrong.push(Wrong::new("opened", "support-wrong-moment"));
        }
        let severity = Severity::parse(&self.severity).unwrap_or(Severity::C);
        let lines = self.story.lines().map(str::trim).filter(|line| !line.is_empty()).take(EVENTS_MAX);
        let events: Option<Vec<Event>> = lines.map(|line| typed_event(view, line, version)).collect();
        if events.is_none() {
            wrong.push(Wrong::new("story", "support-wrong-story"));
        }
        let (Some(opened_ms), Some(mut events)) = (opened_ms, events) else { return Err(wrong) };
        events.sort_by_key(|event| event.at_ms);
        let last_ms = events.last().map_or(opened_ms, |event| event.at_ms);
        events.insert(0, Event { at_ms: opened_ms, what: What::Opened { severity, plan: version } });
        let now_ms = match self.now.trim() {
            "" => last_ms,
            text => time::parse_local(view, text).ok_or_else(|| vec![Wrong::new("now", "support-wrong-moment")])?,
        };
        clock::read(&[plan], &events, now_ms).ok_or_else(|| vec![Wrong::new("now", "support-wrong-now")])
    }
}

fn typed_event(view: &View, line: &str, version: i64) -> Option<Event> {
    let mut parts = line.split_whitespace();
    let (first, second) = (parts.next()?, parts.next()?);
    // "2026-12-31T17:00 answer" and "2026-12-31 17:00 answer" alike.
    let (moment, name) = if first.contains('T') { (first.to_string(), second) } else { (format!("{first}T{second}"), parts.next()?) };
    let with = parts.next().unwrap_or_default();
    let what = what(Happens::named(name)?, Severity::parse(with), State::parse(with), version)?;
    Some(Event { at_ms: time::parse_local(view, &moment)?, what })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::words::Lang;
    use crate::support_desk::clock::Kind;

    #[test]
    fn a_story_is_read_line_by_line() {
        let view = View::plain(Lang::English, 0);
        let typed =
            |story: &str| Typed { opened: "2026-11-24T10:00".into(), severity: "c".into(), story: story.into(), now: String::new() };
        let plan = || PlanBody::shipped()[0].clone();
        let clocks = typed("2026-11-24 11:00 answer\n2026-11-24T12:00 state waiting-customer").read(&view, 1, plan()).expect("a story");
        assert_eq!(clocks.state, State::WaitingCustomer);
        assert_eq!(clocks.reading(Kind::FirstResponse).map(|reading| reading.used_ms), Some(60 * 60 * 1000));
        for (story, why) in
            [("yesterday answer", "no moment"), ("2026-11-24 11:00 sings", "nothing that happens"), ("2026-11-24 11:00 state", "no state")]
        {
            assert!(typed(story).read(&view, 1, plan()).is_err(), "{why}");
        }
    }
}
