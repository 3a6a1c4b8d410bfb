//! Digests: a letter to everybody for whom mail is held, about what is new, at the hour the organisation or they themselves chose.
//!
//! In: held rows, the organisation's schedule, the person's choice. Out: letters in the queue; pages behind their links. Invariants: a
//! letter, its links and the note that it was sent are one transaction, so that of several servers one sends; a link opens a page and
//! only that page's form does something; it can decide about one held row for the address it is held for, until it is used or old.

mod job;
mod letter;
pub mod page;
pub mod sql;

pub use job::{run, send_due};

use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::page::form::Form;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// How often digests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    Off,
    FourHours,
    Daily,
    /// On Mondays.
    Weekly,
}

impl Every {
    pub const ALL: [Every; 4] = [Every::Off, Every::FourHours, Every::Daily, Every::Weekly];

    /// As stored and in JSON; words `digest-every-…`.
    pub fn name(self) -> &'static str {
        match self {
            Every::Off => "off",
            Every::FourHours => "4h",
            Every::Daily => "daily",
            Every::Weekly => "weekly",
        }
    }

    pub fn parse(name: &str) -> Option<Every> {
        Every::ALL.into_iter().find(|every| every.name() == name)
    }
}

/// Zones that are proposed; any other of the IANA database can be named.
pub const ZONES: [&str; 10] = [
    "UTC",
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Hong_Kong",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Europe/Berlin",
    "Europe/London",
];

/// When an organisation's digests go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub every: Every,
    /// Of the day in `zone`, 0 to 23; for daily and weekly ones.
    pub hour: i8,
    pub zone: String,
}

impl Default for Schedule {
    fn default() -> Schedule {
        Schedule { every: Every::Daily, hour: 7, zone: "UTC".into() }
    }
}

impl Schedule {
    /// # Errors
    /// [`Fault::Invalid`] names each field that is wrong.
    pub fn checked(every: &str, hour: &str, zone: &str) -> Result<Schedule, Fault> {
        let mut wrong = Vec::new();
        let every = Every::parse(every).ok_or_else(|| wrong.push(Wrong::new("every", "digest-every-wrong")));
        let hour = hour.trim().parse::<i8>().ok().filter(|hour| (0..24).contains(hour));
        let hour = hour.ok_or_else(|| wrong.push(Wrong::new("hour", "digest-hour-wrong")));
        let zone = TimeZone::get(zone.trim()).map(|_| zone.trim().to_string());
        let zone = zone.map_err(|_| wrong.push(Wrong::new("zone", "digest-zone-wrong")));
        match (every, hour, zone) {
            (Ok(every), Ok(hour), Ok(zone)) => Ok(Schedule { every, hour, zone }),
            _ => Err(Fault::Invalid(wrong)),
        }
    }

    pub fn form(&self) -> Form {
        let values = [("every", self.every.name().to_string()), ("hour", self.hour.to_string()), ("zone", self.zone.clone())];
        Form { values: values.map(|(name, value)| (name.to_string(), value)).into(), wrong: Vec::new() }
    }

    /// The last moment at or before `now_ms` at which somebody who gets them `every` was to get one; `None` when they get none.
    /// Unix milliseconds.
    pub fn last_slot_ms(&self, every: Every, now_ms: i64) -> Option<i64> {
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone);
        let at_hour = |hour: i8| now.with().hour(hour).minute(0).second(0).subsec_nanosecond(0).build().ok();
        let slot: Zoned = match every {
            Every::Off => return None,
            Every::FourHours => at_hour(now.hour() - now.hour() % 4)?,
            Every::Daily => before(at_hour(self.hour)?, &now, 1)?,
            Every::Weekly => {
                let days = i64::from(now.weekday().since(Weekday::Monday));
                before(at_hour(self.hour)?.checked_sub(days.days()).ok()?, &now, 7)?
            }
        };
        Some(slot.timestamp().as_millisecond())
    }
}

/// `slot`, or so many days earlier when it is still to come.
fn before(slot: Zoned, now: &Zoned, days: i64) -> Option<Zoned> {
    if slot <= *now { Some(slot) } else { slot.checked_sub(days.days()).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_have_their_hours() {
        let ms = |text: &str| text.parse::<Timestamp>().expect("a moment").as_millisecond();
        let schedule = |zone: &str| Schedule { every: Every::Daily, hour: 7, zone: zone.into() };
        for (zone, every, now, want, why) in [
            ("UTC", Every::Daily, "2026-11-24T12:00:00Z", Some("2026-11-24T07:00:00Z"), "today"),
            ("UTC", Every::Daily, "2026-11-24T06:59:59Z", Some("2026-11-23T07:00:00Z"), "not yet"),
            ("Asia/Shanghai", Every::Daily, "2026-11-24T00:00:00Z", Some("2026-11-23T23:00:00Z"), "seven in Shanghai"),
            ("UTC", Every::FourHours, "2026-11-24T11:59:00Z", Some("2026-11-24T08:00:00Z"), "every four"),
            ("UTC", Every::Weekly, "2026-11-24T12:00:00Z", Some("2026-11-23T07:00:00Z"), "Monday"),
            ("UTC", Every::Weekly, "2026-11-23T06:00:00Z", Some("2026-11-16T07:00:00Z"), "Monday of last week"),
            ("UTC", Every::Off, "2026-11-24T12:00:00Z", None, "never"),
            ("Europe/Berlin", Every::Daily, "2026-03-29T12:00:00Z", Some("2026-03-29T05:00:00Z"), "the day summer time begins"),
        ] {
            assert_eq!(schedule(zone).last_slot_ms(every, ms(now)), want.map(ms), "{why}");
        }
    }

    #[test]
    fn a_schedule_is_checked() {
        for (every, hour, zone, is_good) in [
            ("daily", "7", "Asia/Shanghai", true),
            ("off", "0", "UTC", true),
            ("hourly", "7", "UTC", false),
            ("daily", "24", "UTC", false),
            ("daily", "", "UTC", false),
            ("daily", "7", "Moon/Base", false),
        ] {
            assert_eq!(Schedule::checked(every, hour, zone).is_ok(), is_good, "{every} {hour} {zone}");
        }
    }
}
