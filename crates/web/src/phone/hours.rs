//! When somebody answers: weekly hours in a zone of their own, with public holidays, at any moment.
//!
//! The text is OpenStreetMap's `opening_hours` ("Mo-Fr 09:00-17:00; PH off"), read by the `opening-hours` crate in local time; moments and
//! zones are `jiff`'s, so that a change of the clocks neither loses nor repeats an opening.

use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, Timelike};
use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use opening_hours::localization::Country;
use opening_hours::{Context, ContextHolidays, OpeningHours, RuleKind};
use std::fmt::Write;
use std::ops::Range;

/// Characters of the text.
pub const CHARS_MAX: usize = 200;
/// How far the next change is looked for; what is further away is never for a caller.
const AHEAD_DAYS: i64 = 400;
/// Days of a week that is shown.
const WEEK_DAYS: i64 = 7;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days that may be closed beside what the text says.
pub const CLOSED_MAX: usize = 100;

/// Whether somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Until when, Unix milliseconds; `None`: around the clock.
    Open { until_ms: Option<i64> },
    /// Open again from; `None`: not within a year.
    Closed { next_ms: Option<i64> },
}

impl State {
    pub fn is_open(self) -> bool {
        matches!(self, State::Open { .. })
    }
}

/// Why hours cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongHours {
    #[error("these are no opening hours as OpenStreetMap writes them, such as Mo-Fr 09:00-17:00; PH off")]
    Text,
    #[error("there is no such time zone, such as Europe/Paris")]
    Zone,
    #[error("no public holidays are known for this country")]
    Holidays,
}

/// Hours that can be asked.
#[derive(Debug, Clone)]
pub struct Hours {
    week: OpeningHours,
    zone: TimeZone,
    holidays: Option<ContextHolidays>,
}

impl Hours {
    /// `text` in `zone` (IANA name); public holidays (`PH`) are those of the country `holidays` (ISO 3166-1 alpha-2; '' knows none).
    pub fn read(text: &str, zone: &str, holidays: &str) -> Result<Hours, WrongHours> {
        Hours::closed_on(text, zone, holidays, &[])
    }

    /// As [`Hours::read`], and closed on these days of the zone as well; those past [`CLOSED_MAX`] do not count.
    pub fn closed_on(text: &str, zone: &str, holidays: &str, closed: &[civil::Date]) -> Result<Hours, WrongHours> {
        if text.trim().is_empty() || text.chars().count() > CHARS_MAX {
            return Err(WrongHours::Text);
        }
        let zone = TimeZone::get(zone).map_err(|_| WrongHours::Zone)?;
        let mut whole = text.to_string();
        for day in closed.iter().take(CLOSED_MAX) {
            // Writing into a text never fails.
            let _ = write!(whole, "; {} off", day.strftime("%Y %b %d"));
        }
        let week: OpeningHours = whole.parse().map_err(|_| WrongHours::Text)?;
        let mut context = Context::default().approx_bound_interval_size(Duration::days(AHEAD_DAYS));
        let mut known = None;
        if !holidays.is_empty() {
            let country: Country = holidays.parse().map_err(|_| WrongHours::Holidays)?;
            known = Some(country.holidays());
            context = context.with_holidays(country.holidays());
        }
        Ok(Hours { week: week.with_context(context), zone, holidays: known })
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Whether a day of the zone is a public holiday of the country.
    pub fn is_holiday(&self, day: civil::Date) -> bool {
        self.holidays.as_ref().zip(chrono_day(day)).is_some_and(|(known, day)| known.get_public().contains(day))
    }

    /// Whether somebody answers at a moment, and until when that holds.
    pub fn at(&self, now_ms: i64) -> State {
        let horizon_ms = now_ms + AHEAD_DAYS * DAY_MS;
        match self.open_between(now_ms, horizon_ms).next() {
            Some(open) if open.start == now_ms => State::Open { until_ms: Some(open.end).filter(|end| *end < horizon_ms) },
            Some(open) => State::Closed { next_ms: Some(open.start) },
            None => State::Closed { next_ms: None },
        }
    }

    /// When somebody answers between two moments (Unix milliseconds), in order and clipped to them; spans that touch are one.
    ///
    /// A moment is open when the clocks of the zone show an open time at it. So what falls into an hour that the clocks skip is not there,
    /// and what falls into one that they show twice is there twice. What is unsure (`unknown`) is not promised to anybody.
    pub fn open_between(&self, from_ms: i64, until_ms: i64) -> impl Iterator<Item = Range<i64>> + '_ {
        let mut spans = self.pieces(from_ms, until_ms).flat_map(|piece| self.open_in(piece)).peekable();
        std::iter::from_fn(move || {
            let mut span = spans.next()?;
            while let Some(next) = spans.next_if(|next| next.start <= span.end) {
                span.end = span.end.max(next.end);
            }
            Some(span)
        })
    }

    /// The time between two moments in pieces throughout which the clocks of the zone run evenly, each with how far they are ahead of UTC.
    fn pieces(&self, from_ms: i64, until_ms: i64) -> impl Iterator<Item = (Range<i64>, i64)> + '_ {
        let first = Timestamp::from_millisecond(from_ms).ok().filter(|_| from_ms < until_ms);
        let mut open = first.map(|at| (from_ms, ahead_ms(self.zone.to_offset(at)), self.zone.following(at)));
        std::iter::from_fn(move || {
            let (start_ms, ahead, mut changes) = open.take()?;
            let Some(change) = changes.next().filter(|change| change.timestamp().as_millisecond() < until_ms) else {
                return Some((start_ms..until_ms, ahead));
            };
            let at_ms = change.timestamp().as_millisecond();
            open = Some((at_ms, ahead_ms(change.offset()), changes));
            Some((start_ms..at_ms, ahead))
        })
    }

    /// What is open in a piece.
    fn open_in(&self, (piece, ahead): (Range<i64>, i64)) -> impl Iterator<Item = Range<i64>> + use<> {
        let local = |ms: i64| DateTime::from_timestamp_millis(ms + ahead).map(|at| at.naive_utc());
        let ends = local(piece.start).and_then(|from| from.with_second(0)?.with_nanosecond(0)).zip(local(piece.end));
        // The last minute counts as a whole, and is clipped again below.
        let spans = ends.map(|(from, until)| self.week.iter_range(from, until + Duration::minutes(1)));
        let open = spans.into_iter().flatten().filter(|span| span.kind == RuleKind::Open);
        let moment = move |at: NaiveDateTime| at.and_utc().timestamp_millis() - ahead;
        let clipped = open.map(move |span| moment(span.range.start).max(piece.start)..moment(span.range.end).min(piece.end));
        clipped.filter(|span| span.start < span.end)
    }

    fn zoned(&self, at_ms: i64) -> Option<Zoned> {
        Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(self.zone.clone()))
    }

    /// The next seven days from a moment on: each day with the hours of it, local time, as "09:00–12:00".
    pub fn week(&self, from_ms: i64) -> Vec<(civil::Date, Vec<String>)> {
        let Some(today) = self.zoned(from_ms).map(|now| now.date()) else { return Vec::new() };
        let days = (0..WEEK_DAYS).filter_map(|n| today.checked_add(jiff::Span::new().days(n)).ok());
        days.map(|day| (day, self.spans(day))).collect()
    }

    fn spans(&self, day: civil::Date) -> Vec<String> {
        let Some(start) = chrono_day(day).and_then(|day| day.and_hms_opt(0, 0, 0)) else { return Vec::new() };
        let open = self.week.iter_range(start, start + Duration::days(1)).filter(|span| span.kind == RuleKind::Open);
        open.map(|span| {
            let end = if span.range.end.date() > start.date() { "24:00".to_string() } else { span.range.end.format("%H:%M").to_string() };
            format!("{}–{end}", span.range.start.format("%H:%M"))
        })
        .collect()
    }
}

fn ahead_ms(offset: jiff::tz::Offset) -> i64 {
    i64::from(offset.seconds()) * 1000
}

fn chrono_day(day: civil::Date) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(day.year().into(), day.month().unsigned_abs().into(), day.day().unsigned_abs().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> i64 {
        text.parse::<Timestamp>().expect(text).as_millisecond()
    }

    fn at(hours: &str, (zone, holidays): (&str, &str), now: &str) -> String {
        let shown = |ms: Option<i64>| ms.map_or("never".to_string(), |ms| Timestamp::from_millisecond(ms).expect("a time").to_string());
        match Hours::read(hours, zone, holidays).expect(hours).at(ms(now)) {
            State::Open { until_ms } => format!("open {}", shown(until_ms)),
            State::Closed { next_ms } => format!("closed {}", shown(next_ms)),
        }
    }

    #[test]
    fn hours_hold_in_their_zone_over_nights_pauses_holidays_and_changes_of_the_clocks() {
        const PARIS: (&str, &str) = ("Europe/Paris", "FR");
        for (hours, place, now, want) in [
            ("24/7", PARIS, "2026-11-24T12:00:00Z", "open never"),
            ("Mo-Fr 09:00-12:00,13:30-18:00", PARIS, "2026-11-24T11:15:00Z", "closed 2026-11-24T12:30:00Z"),
            ("Mo-Fr 22:00-02:00", PARIS, "2026-11-24T23:30:00Z", "open 2026-11-25T01:00:00Z"),
            ("Mo-Fr 09:00-18:00; PH off", PARIS, "2026-12-24T17:30:00Z", "closed 2026-12-28T08:00:00Z"),
            ("Mo-Fr 09:00-18:00; 2026 Dec 24 off", PARIS, "2026-12-24T10:00:00Z", "closed 2026-12-25T08:00:00Z"),
            // 2026-03-29: 02:00 becomes 03:00. What opens at 02:30 opens when the clocks are put forward.
            ("02:30-05:00", PARIS, "2026-03-29T00:30:00Z", "closed 2026-03-29T01:00:00Z"),
            // 2026-10-25: 03:00 becomes 02:00. What closes at 02:30 closes twice.
            ("00:00-02:30", PARIS, "2026-10-25T00:10:00Z", "open 2026-10-25T00:30:00Z"),
            ("00:00-02:30", PARIS, "2026-10-25T01:10:00Z", "open 2026-10-25T01:30:00Z"),
            // Between the two, it opens when the clocks show 02:00 for the second time.
            ("00:00-02:30", PARIS, "2026-10-25T00:40:00Z", "closed 2026-10-25T01:00:00Z"),
            ("Mo-Fr 09:00-18:00", ("Asia/Kathmandu", ""), "2026-11-24T03:15:00Z", "open 2026-11-24T12:15:00Z"),
            ("Mo-Fr 00:00-24:00", PARIS, "2026-11-27T12:00:00Z", "open 2026-11-27T23:00:00Z"),
            ("off", PARIS, "2026-11-27T12:00:00Z", "closed never"),
        ] {
            assert_eq!(at(hours, place, now), want, "{hours} at {now}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for (hours, zone, holidays, why) in [
            ("", "UTC", "", WrongHours::Text),
            ("whenever", "UTC", "", WrongHours::Text),
            ("Mo-Fr 09:00-17:00", "Europe/Nowhere", "", WrongHours::Zone),
            ("Mo-Fr 09:00-17:00; PH off", "UTC", "XX", WrongHours::Holidays),
        ] {
            assert_eq!(Hours::read(hours, zone, holidays).err(), Some(why), "{hours}");
        }
        assert_eq!(Hours::read(&"24/7;".repeat(99), "UTC", "").err(), Some(WrongHours::Text));
    }

    #[test]
    fn the_week_ahead_is_listed_day_by_day() {
        let hours = Hours::read("Mo-Fr 09:00-12:00,13:30-18:00; PH off", "Europe/Paris", "FR").expect("hours");
        let week = hours.week(ms("2026-12-24T10:00:00Z"));
        assert_eq!(week.len(), 7);
        assert_eq!(week[0].1, ["09:00–12:00", "13:30–18:00"]);
        assert!(week[1].1.is_empty() && week[2].1.is_empty(), "Christmas, and a Saturday");
    }
}
