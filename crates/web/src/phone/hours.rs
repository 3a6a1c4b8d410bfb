//! When somebody answers: weekly hours in a zone of their own, with public holidays, at any moment.
//!
//! The text is OpenStreetMap's `opening_hours` ("Mo-Fr 09:00-17:00; PH off"), read by the `opening-hours` crate in local time; moments and
//! zones are `jiff`'s, so that a change of the clocks neither loses nor repeats an opening.

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, Timelike};
use jiff::civil;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use opening_hours::localization::Country;
use opening_hours::{Context, OpeningHours, RuleKind};

/// Characters of the text.
pub const CHARS_MAX: usize = 200;
/// How far the next change is looked for; what is further away is never for a caller.
const AHEAD_DAYS: i64 = 400;
/// Days of a week that is shown.
const WEEK_DAYS: i64 = 7;

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
}

impl Hours {
    /// `text` in `zone` (IANA name); public holidays (`PH`) are those of the country `holidays` (ISO 3166-1 alpha-2; '' knows none).
    pub fn read(text: &str, zone: &str, holidays: &str) -> Result<Hours, WrongHours> {
        if text.trim().is_empty() || text.chars().count() > CHARS_MAX {
            return Err(WrongHours::Text);
        }
        let zone = TimeZone::get(zone).map_err(|_| WrongHours::Zone)?;
        let week: OpeningHours = text.parse().map_err(|_| WrongHours::Text)?;
        let mut context = Context::default().approx_bound_interval_size(Duration::days(AHEAD_DAYS));
        if !holidays.is_empty() {
            let country: Country = holidays.parse().map_err(|_| WrongHours::Holidays)?;
            context = context.with_holidays(country.holidays());
        }
        Ok(Hours { week: week.with_context(context), zone })
    }

    /// Whether somebody answers at a moment, and until when that holds.
    pub fn at(&self, now_ms: i64) -> State {
        let Some(now) = self.local(now_ms) else { return State::Closed { next_ms: None } };
        // What is unsure (`unknown`) is not promised to a caller.
        let is_open = self.week.is_open(now);
        let change_ms = self.change_after(now, is_open).and_then(|change| self.moment(change, now_ms));
        if is_open { State::Open { until_ms: change_ms } } else { State::Closed { next_ms: change_ms } }
    }

    /// The first local minute after `from` at which it is no longer `is_open`.
    fn change_after(&self, from: NaiveDateTime, is_open: bool) -> Option<NaiveDateTime> {
        let end = from.checked_add_signed(Duration::days(AHEAD_DAYS))?;
        let changed = self.week.iter_range(from, end).find(|span| (span.kind == RuleKind::Open) != is_open && span.range.start > from);
        changed.map(|span| span.range.start)
    }

    fn zoned(&self, at_ms: i64) -> Option<Zoned> {
        Some(Timestamp::from_millisecond(at_ms).ok()?.to_zoned(self.zone.clone()))
    }

    fn local(&self, at_ms: i64) -> Option<NaiveDateTime> {
        let at = self.zoned(at_ms)?.datetime();
        let day = NaiveDate::from_ymd_opt(at.year().into(), at.month().try_into().ok()?, at.day().try_into().ok()?)?;
        day.and_hms_opt(at.hour().try_into().ok()?, at.minute().try_into().ok()?, at.second().try_into().ok()?)
    }

    /// The moment of a local time after `now_ms`: a time that the clocks skip is the moment they do, of one they show twice it is the
    /// first that is not past.
    fn moment(&self, local: NaiveDateTime, now_ms: i64) -> Option<i64> {
        let time = civil_of(local)?;
        let ms = |offset: Offset| offset.to_timestamp(time).ok().map(Timestamp::as_millisecond);
        match self.zone.to_ambiguous_timestamp(time).offset() {
            AmbiguousOffset::Unambiguous { offset } => ms(offset),
            AmbiguousOffset::Fold { before, after } => ms(before).filter(|first| *first > now_ms).or_else(|| ms(after)),
            AmbiguousOffset::Gap { after, .. } => {
                // Read with the offset that comes, a skipped time lies before the change.
                let before = Timestamp::from_millisecond(ms(after)?).ok()?;
                self.zone.following(before).next().map(|change| change.timestamp().as_millisecond())
            }
        }
    }

    /// The next seven days from a moment on: each day with the hours of it, local time, as "09:00–12:00".
    pub fn week(&self, from_ms: i64) -> Vec<(civil::Date, Vec<String>)> {
        let Some(today) = self.zoned(from_ms).map(|now| now.date()) else { return Vec::new() };
        let days = (0..WEEK_DAYS).filter_map(|n| today.checked_add(jiff::Span::new().days(n)).ok());
        days.map(|day| (day, self.spans(day))).collect()
    }

    fn spans(&self, day: civil::Date) -> Vec<String> {
        let local = NaiveDate::from_ymd_opt(day.year().into(), day.month().unsigned_abs().into(), day.day().unsigned_abs().into());
        let Some(start) = local.and_then(|day| day.and_hms_opt(0, 0, 0)) else { return Vec::new() };
        let open = self.week.iter_range(start, start + Duration::days(1)).filter(|span| span.kind == RuleKind::Open);
        open.map(|span| {
            let end = if span.range.end.date() > start.date() { "24:00".to_string() } else { span.range.end.format("%H:%M").to_string() };
            format!("{}–{end}", span.range.start.format("%H:%M"))
        })
        .collect()
    }
}

fn civil_of(local: NaiveDateTime) -> Option<civil::DateTime> {
    civil::DateTime::new(
        local.year().try_into().ok()?,
        local.month().try_into().ok()?,
        local.day().try_into().ok()?,
        local.hour().try_into().ok()?,
        local.minute().try_into().ok()?,
        local.second().try_into().ok()?,
        0,
    )
    .ok()
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
