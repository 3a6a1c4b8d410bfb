//! Why a clock is due at this time and no other: facts, which [`super::said`] puts into words.

use super::plan::Plan;
use super::working::Working;
use super::{Severity, State};
use crate::phone::hours::Hours;
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use std::ops::Range;

/// Days that are looked through for closed ones.
const DAYS_MAX: usize = 400;
/// Single closed days and changes of the clocks that are named.
const NAMED_MAX: usize = 12;

/// Time in which a clock stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    pub from_ms: i64,
    /// `None`: still.
    pub until_ms: Option<i64>,
    /// Working time in it, so far: what the pause was worth.
    pub worked_ms: i64,
    pub state: State,
}

/// A day on which the hours are closed out of turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedDay {
    pub day: Date,
    pub is_holiday: bool,
}

/// The clocks of the zone were put forward (minutes above nothing) or back while it was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    pub at_ms: i64,
    pub minutes: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Why {
    /// Text and zone of the hours; `None`: around the clock.
    pub hours: Option<(String, String)>,
    /// It began in closed time, and ran from then on.
    pub opens_ms: Option<i64>,
    /// Days of the week that are always closed.
    pub weekdays: Vec<Weekday>,
    pub days: Vec<ClosedDay>,
    pub shifts: Vec<Shift>,
    pub pauses: Vec<Pause>,
    /// Changes of severity: when, and to what.
    pub severities: Vec<(i64, Severity)>,
}

impl Why {
    pub fn with(mut self, pauses: Vec<Pause>, severities: Vec<(i64, Severity)>) -> Why {
        self.pauses = pauses;
        self.severities = severities;
        self
    }
}

/// What of the hours matters between the beginning of a clock and its due moment.
pub fn why(plan: &Plan, working: &Working, span: Range<i64>) -> Why {
    let hours = match working {
        Working::Always => return Why::default(),
        Working::Hours(hours) => hours,
    };
    let closed: Vec<(Date, Option<ClosedDay>)> = days(hours, &span).filter_map(|day| closed(hours, day)).collect();
    let mut weekdays: Vec<Weekday> = closed.iter().filter(|(_, single)| single.is_none()).map(|(day, _)| day.weekday()).collect();
    weekdays.sort_by_key(|day| day.to_monday_one_offset());
    weekdays.dedup();
    Why {
        hours: Some((plan.body.hours.clone(), plan.body.zone.clone())),
        opens_ms: working.opens_after(span.start).filter(|opens_ms| *opens_ms > span.start),
        weekdays,
        days: closed.into_iter().filter_map(|(_, single)| single).take(NAMED_MAX).collect(),
        shifts: shifts(hours, &span),
        ..Why::default()
    }
}

fn day_of(zone: &TimeZone, at_ms: i64) -> Option<Date> {
    Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(zone.clone()).date())
}

/// The days of the zone that a span touches.
fn days(hours: &Hours, span: &Range<i64>) -> impl Iterator<Item = Date> {
    let first = day_of(hours.zone(), span.start);
    let last = day_of(hours.zone(), span.end);
    let all = std::iter::successors(first, |day| day.tomorrow().ok());
    all.take_while(move |day| last.is_some_and(|last| *day <= last)).take(DAYS_MAX)
}

fn is_open_on(hours: &Hours, day: Date) -> bool {
    let start = |day: Date| day.to_zoned(hours.zone().clone()).ok().map(|at| at.timestamp().as_millisecond());
    let ends = start(day).zip(day.tomorrow().ok().and_then(start));
    ends.is_some_and(|(from_ms, until_ms)| hours.open_between(from_ms, until_ms).next().is_some())
}

/// Whether a day is closed: every week (`None` beside it), or out of turn.
fn closed(hours: &Hours, day: Date) -> Option<(Date, Option<ClosedDay>)> {
    if is_open_on(hours, day) {
        return None;
    }
    let near = |weeks: i64| day.checked_add(jiff::Span::new().weeks(weeks)).is_ok_and(|other| is_open_on(hours, other));
    let is_single = [1, -1, 2, -2].into_iter().any(near);
    Some((day, is_single.then(|| ClosedDay { day, is_holiday: hours.is_holiday(day) })))
}

/// Changes of the clocks that fall into open time.
fn shifts(hours: &Hours, span: &Range<i64>) -> Vec<Shift> {
    let Ok(from) = Timestamp::from_millisecond(span.start) else { return Vec::new() };
    let mut ahead = hours.zone().to_offset(from).seconds();
    let mut found = Vec::new();
    for change in hours.zone().following(from).take(NAMED_MAX) {
        let at_ms = change.timestamp().as_millisecond();
        if at_ms >= span.end {
            break;
        }
        let minutes = i64::from(change.offset().seconds() - ahead) / 60;
        ahead = change.offset().seconds();
        let is_open = hours.open_between(at_ms - 1, at_ms + 1).next().is_some();
        if minutes != 0 && is_open {
            found.push(Shift { at_ms, minutes });
        }
    }
    found
}
