//! Spans and steps: which hours belong to which bar, in the viewer's zone.

use super::counting::{HOUR_MS, hour_of};
use crate::page::View;
use crate::page::words::Lang;
use jiff::tz::TimeZone;
use jiff::{Span as JiffSpan, Timestamp};
use serde::{Deserialize, Serialize};

/// How far back the overview looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Span {
    /// The last 24 hours, hour by hour.
    #[default]
    Day,
    /// Today and the six days before, day by day.
    Week,
    /// Today and the 29 days before, day by day.
    Month,
}

impl Span {
    pub const ALL: [Span; 3] = [Span::Day, Span::Week, Span::Month];

    pub fn name(self) -> &'static str {
        match self {
            Span::Day => "day",
            Span::Week => "week",
            Span::Month => "month",
        }
    }

    pub fn parse(name: &str) -> Option<Span> {
        Span::ALL.into_iter().find(|span| span.name() == name)
    }

    fn days_before(self) -> i64 {
        match self {
            Span::Day => 1,
            Span::Week => 6,
            Span::Month => 29,
        }
    }
}

/// Beginnings of the steps, oldest first, Unix milliseconds. Days begin at midnight of the zone; sums are by hours of UTC, so where the
/// zone is half an hour off, an hour belongs to the day it begins in.
pub fn steps(span: Span, zone: &TimeZone, now_ms: i64) -> Vec<i64> {
    if span == Span::Day {
        return (0..24).rev().map(|back| hour_of(now_ms) - back * HOUR_MS).collect();
    }
    let Ok(now) = Timestamp::from_millisecond(now_ms) else { return Vec::new() };
    let today = now.to_zoned(zone.clone()).date();
    let days = (0..=span.days_before()).rev().filter_map(|back| today.checked_sub(JiffSpan::new().days(back)).ok());
    days.filter_map(|day| day.to_zoned(zone.clone()).ok()).map(|day| day.timestamp().as_millisecond()).collect()
}

/// Which step an hour belongs to.
pub fn step_of(steps: &[i64], hour_ms: i64) -> Option<usize> {
    steps.partition_point(|begin| *begin <= hour_ms).checked_sub(1)
}

/// What stands below a bar.
pub fn label(view: &View, span: Span, at_ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else { return String::new() };
    let shape = match (span, view.lang) {
        (Span::Day, _) => "%H:%M",
        (_, Lang::English) => "%-d %b",
        (_, Lang::Chinese) => "%-m月%-d日",
    };
    at.to_zoned(view.zone.clone()).strftime(shape).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_521_600_000;

    #[test]
    fn days_begin_at_midnight_of_the_viewer() {
        let shanghai = crate::page::time::zone("Asia/Shanghai");
        let days = steps(Span::Week, &shanghai, NOON);
        assert_eq!((days.len(), *days.last().expect("today")), (7, NOON - 20 * HOUR_MS));
        assert_eq!(steps(Span::Month, &TimeZone::UTC, NOON).len(), 30);
        let hours = steps(Span::Day, &shanghai, NOON + 5);
        assert_eq!((hours.len(), hours.last()), (24, Some(&NOON)));
    }

    #[test]
    fn a_day_is_as_long_as_clocks_make_it() {
        // On 25 October 2026 Berlin's clocks go back: the day has 25 hours.
        let berlin = crate::page::time::zone("Europe/Berlin");
        let days = steps(Span::Week, &berlin, 1_793_016_000_000);
        assert!(days.windows(2).any(|pair| pair[1] - pair[0] == 25 * HOUR_MS), "{days:?}");
        let short = days.windows(2).filter(|pair| pair[1] - pair[0] == 24 * HOUR_MS).count();
        assert_eq!(short, 5);
    }

    #[test]
    fn an_hour_belongs_to_the_step_it_begins_in() {
        let steps = [100, 200, 300];
        for (hour, want) in [(99, None), (100, Some(0)), (199, Some(0)), (300, Some(2)), (900, Some(2))] {
            assert_eq!(step_of(&steps, hour), want);
        }
    }
}
