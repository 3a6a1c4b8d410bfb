//! Cases worked out by hand, from calendars and the rules of each zone; each row says how.
//!
//! Calendar: 24 November 2026 is a Tuesday, 25 December 2026 and 1 January 2027 are Fridays, 29 February 2028 is a Tuesday. Clocks in 2026:
//! Europe forward on 29 March at 01:00 UTC and back on 25 October at 01:00 UTC; New York and St John's forward on 8 March at 02:00 and back on 1
//! November at 02:00; Lord Howe back half an hour on 5 April at 02:00 and forward on 4 October at 02:00; Chatham back on 5 April at 03:45 and
//! forward on 27 September at 02:45; Santiago back on 4 April at 24:00 and forward on 6 September at 00:00; Beirut forward on 29 March at 00:00;
//! Cairo forward on 24 April at 00:00 and back on 29 October at 24:00.

use super::plan::{Plan, PlanBody, Target};
use super::working::Working;
use super::{Due, Event, Kind, Reached, Severity, State, What, read};
use crate::phone::hours::Hours;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

const DAYS: &str = "Mo-Fr 09:00-17:00; PH off";
const SPLIT: &str = "Mo-Fr 09:00-12:00,13:30-18:00";
const EARLY: &str = "Mo-Su 00:00-06:00";

/// Hours, zone, holidays, beginning (local, or with its offset), minutes, end ("never", "far"), and how it was worked out.
type Row = (&'static str, &'static str, &'static str, &'static str, i64, &'static str, &'static str);

#[rustfmt::skip]
const WORKING: &[Row] = &[
    // Days and weeks.
    (DAYS, "Europe/Paris", "FR", "2026-11-24T10:00", 60, "2026-11-24T11:00+01:00", "within one day"),
    (DAYS, "Europe/Paris", "FR", "2026-11-24T09:00", 480, "2026-11-24T17:00+01:00", "a whole day ends with the day, not with the next morning"),
    (DAYS, "Europe/Paris", "FR", "2026-11-24T09:00", 481, "2026-11-25T09:01+01:00", "one minute is left for the next day"),
    (DAYS, "Europe/Paris", "FR", "2026-11-27T16:30", 240, "2026-11-30T12:30+01:00", "Fri 30 min, Mon 210 min"),
    (DAYS, "Europe/Paris", "FR", "2026-11-28T11:00", 240, "2026-11-30T13:00+01:00", "Saturday counts from Mon 09:00"),
    (DAYS, "Europe/Paris", "FR", "2026-11-24T07:00", 60, "2026-11-24T10:00+01:00", "before opening counts from 09:00"),
    (DAYS, "Europe/Paris", "FR", "2026-11-24T17:00", 60, "2026-11-25T10:00+01:00", "at closing counts from the next morning"),
    (DAYS, "Europe/Paris", "FR", "2026-11-24T16:59", 1, "2026-11-24T17:00+01:00", "the last minute of a day"),
    (DAYS, "Europe/Paris", "FR", "2026-11-24T16:59:30", 1, "2026-11-25T09:00:30+01:00", "30 s on Tue, 30 s on Wed"),
    (DAYS, "Europe/Paris", "FR", "2026-11-23T09:00", 2400, "2026-11-27T17:00+01:00", "five days of 480"),
    (DAYS, "Europe/Paris", "FR", "2026-11-23T09:00", 2401, "2026-11-30T09:01+01:00", "and a minute of the next Monday"),
    ("We 12:00-13:00", "UTC", "", "2026-11-24T00:00", 150, "2026-12-09T12:30Z", "25 Nov 60, 2 Dec 60, 9 Dec 30"),
    ("Mo 00:00-24:00", "UTC", "", "2026-11-23T00:00", 1440, "2026-11-24T00:00Z", "one whole Monday"),
    ("Mo 00:00-24:00", "UTC", "", "2026-11-23T00:00", 1441, "2026-11-30T00:01Z", "and a minute of the next"),
    ("Mo-Fr 09:00-17:00", "UTC", "", "2026-11-23T09:00", 120_000, "2027-11-05T17:00Z", "50 weeks of 2400: the Friday of the 50th"),
    // Holidays.
    (DAYS, "Europe/Paris", "FR", "2026-12-31T16:30", 240, "2027-01-04T12:30+01:00", "Thu 30, Fri 1 Jan holiday, weekend, Mon 210"),
    (DAYS, "Europe/Paris", "FR", "2026-12-24T13:00", 480, "2026-12-28T13:00+01:00", "Thu 240, Fri Christmas, Mon 240"),
    (DAYS, "Europe/Paris", "FR", "2026-04-30T15:00", 960, "2026-05-05T15:00+02:00", "Thu 120, 1 May, Mon 480, Tue 360"),
    (DAYS, "Europe/Paris", "FR", "2026-05-07T09:00", 960, "2026-05-11T17:00+02:00", "Thu 480, 8 May, Mon 480"),
    (DAYS, "Europe/Paris", "FR", "2026-05-13T13:00", 480, "2026-05-15T13:00+02:00", "Wed 240, Ascension, Fri 240"),
    (DAYS, "Europe/Paris", "FR", "2026-05-25T10:00", 60, "2026-05-26T10:00+02:00", "opened on Whit Monday, counts from Tue"),
    (DAYS, "Europe/Paris", "FR", "2026-12-21T09:00", 4800, "2027-01-05T17:00+01:00", "4 days, Christmas, 4 days, New Year, Mon, Tue"),
    (DAYS, "America/New_York", "US", "2026-11-25T13:00", 480, "2026-11-27T13:00-05:00", "Wed 240, Thanksgiving, Fri 240"),
    (DAYS, "America/New_York", "US", "2026-07-02T15:00", 240, "2026-07-06T11:00-04:00", "Thu 120, 4 July kept on Fri 3, Mon 120"),
    (DAYS, "Europe/London", "GB", "2026-12-24T16:00", 120, "2026-12-29T10:00Z", "Thu 60, 25 Dec, 26 Dec kept on Mon 28, Tue 60"),
    ("Mo-Sa 09:00-17:00; PH off", "Europe/Berlin", "DE", "2026-12-24T16:00", 120, "2026-12-28T10:00+01:00", "Thu 60, 25 and Sat 26 Dec, Mon 60"),
    (DAYS, "America/Sao_Paulo", "BR", "2026-11-19T16:00", 120, "2026-11-23T10:00-03:00", "Thu 60, Fri 20 Nov, Mon 60"),
    (DAYS, "Asia/Tokyo", "JP", "2026-05-01T16:00", 120, "2026-05-07T10:00+09:00", "Fri 60, 4, 5 and 6 May, Thu 60"),
    (DAYS, "Asia/Shanghai", "CN", "2026-09-30T16:00", 120, "2026-10-02T10:00+08:00", "Wed 60, Thu 1 Oct, Fri 60"),
    ("Mo-Fr 09:00-17:00; PH 10:00-12:00", "Europe/Paris", "FR", "2026-12-24T16:00", 180, "2026-12-25T12:00+01:00", "Thu 60, two hours on Christmas"),
    ("Mo-Fr 09:00-17:00; Dec 24 09:00-12:00", "Europe/Paris", "", "2026-12-24T09:00", 240, "2026-12-25T10:00+01:00", "half a day, then Fri: no holidays are known"),
    ("Mo-Fr 09:00-17:00; 2026 Dec 24 off", "Europe/Paris", "", "2026-12-23T16:00", 120, "2026-12-25T10:00+01:00", "Wed 60, Thu off, Fri 60"),
    ("Mo-Fr 09:00-17:00; 2025 Dec 24 off", "Europe/Paris", "", "2026-12-23T16:00", 120, "2026-12-24T10:00+01:00", "off in another year"),
    // Breaks and nights.
    (SPLIT, "Europe/Paris", "", "2026-11-24T11:00", 240, "2026-11-24T16:30+01:00", "60 before the break, 180 from 13:30"),
    (SPLIT, "Europe/Paris", "", "2026-11-24T12:30", 60, "2026-11-24T14:30+01:00", "in the break counts from 13:30"),
    (SPLIT, "Europe/Paris", "", "2026-11-24T09:00", 450, "2026-11-24T18:00+01:00", "180 and 270"),
    (SPLIT, "Europe/Paris", "", "2026-11-24T09:00", 180, "2026-11-24T12:00+01:00", "ends with the morning, not after the break"),
    (SPLIT, "Europe/Paris", "", "2026-11-24T09:00", 451, "2026-11-25T09:01+01:00", "and a minute of Wed"),
    ("Mo-Fr 22:00-02:00", "Europe/Paris", "", "2026-11-24T23:00", 300, "2026-11-26T00:00+01:00", "180 until Wed 02:00, 120 from Wed 22:00"),
    ("Mo-Fr 22:00-02:00", "Europe/Paris", "", "2026-11-28T01:30", 60, "2026-11-30T22:30+01:00", "30 of Friday's night, 30 from Mon 22:00"),
    ("Mo-Fr 22:00-02:00; PH off", "Europe/Paris", "FR", "2026-12-24T23:00", 300, "2026-12-29T00:00+01:00", "Thursday's night 180, no night on Christmas, Mon 120"),
    // Around the clock, and midnight.
    ("24/7", "UTC", "", "2026-11-24T12:00", 1440, "2026-11-25T12:00Z", "24 hours"),
    ("24/7", "UTC", "", "2026-12-31T23:30", 60, "2027-01-01T00:30Z", "over the end of the year"),
    ("Mo-Fr 00:00-24:00", "UTC", "", "2026-11-24T23:30", 60, "2026-11-25T00:30Z", "over midnight"),
    ("Mo-Fr 00:00-24:00", "UTC", "", "2026-11-24T23:30", 30, "2026-11-25T00:00Z", "to midnight"),
    ("Mo-Fr 00:00-24:00", "Europe/Paris", "", "2026-11-27T12:00", 1500, "2026-11-30T13:00+01:00", "Fri 720, Mon 780"),
    // Leap day and end of February.
    (DAYS, "UTC", "", "2028-02-28T16:00", 120, "2028-02-29T10:00Z", "Mon 60, leap day 60"),
    ("Mo-Fr 09:00-17:00; Feb 29 off", "UTC", "", "2028-02-28T16:00", 120, "2028-03-01T10:00Z", "the leap day is off"),
    (DAYS, "UTC", "", "2027-02-26T16:00", 120, "2027-03-01T10:00Z", "Fri 60, Mon 60 of a year without one"),
    ("24/7", "UTC", "", "2028-02-28T12:00", 1440, "2028-02-29T12:00Z", "24 hours into the leap day"),
    // Europe changes its clocks.
    ("24/7", "Europe/Paris", "", "2026-03-28T12:00", 1440, "2026-03-29T13:00+02:00", "24 real hours over a day of 23"),
    ("24/7", "Europe/Paris", "", "2026-10-24T12:00", 1440, "2026-10-25T11:00+01:00", "24 real hours over a day of 25"),
    (DAYS, "Europe/Paris", "FR", "2026-03-27T16:00", 120, "2026-03-30T10:00+02:00", "Fri 60, Mon 60 by the new time"),
    (DAYS, "Europe/Paris", "FR", "2026-10-23T16:00", 120, "2026-10-26T10:00+01:00", "the same in autumn"),
    (DAYS, "Europe/Dublin", "", "2026-10-23T16:00", 120, "2026-10-26T10:00Z", "where winter time is the odd one"),
    (EARLY, "Europe/Paris", "", "2026-03-29T00:00", 360, "2026-03-30T01:00+02:00", "that day has 5 of the 6 hours, the sixth is the next day's"),
    (EARLY, "Europe/Paris", "", "2026-03-29T00:00", 300, "2026-03-29T06:00+02:00", "all 5 of them"),
    (EARLY, "Europe/Paris", "", "2026-10-25T00:00", 420, "2026-10-25T06:00+01:00", "that day has 7"),
    (EARLY, "Europe/Paris", "", "2026-10-25T00:00", 360, "2026-10-25T05:00+01:00", "6 of the 7"),
    (EARLY, "Europe/Paris", "", "2026-10-25T02:30+02:00", 60, "2026-10-25T02:30+01:00", "from the first 02:30 to the second"),
    (EARLY, "Europe/Paris", "", "2026-10-25T02:30+01:00", 60, "2026-10-25T03:30+01:00", "from the second 02:30"),
    ("Mo-Su 02:00-03:00", "Europe/Paris", "", "2026-03-28T02:30", 60, "2026-03-30T02:30+02:00", "Sat 30, no such hour on Sun, Mon 30"),
    ("Mo-Su 02:00-03:00", "Europe/Paris", "", "2026-10-25T00:00", 60, "2026-10-25T02:00+01:00", "the first of two such hours ends when the second begins"),
    ("Mo-Su 02:00-03:00", "Europe/Paris", "", "2026-10-25T00:00", 90, "2026-10-25T02:30+01:00", "half of the second"),
    ("Mo-Su 02:00-03:00", "Europe/Paris", "", "2026-10-25T00:00", 120, "2026-10-25T03:00+01:00", "both"),
    ("Mo-Su 01:30-02:30", "Europe/Paris", "", "2026-03-29T01:00", 60, "2026-03-30T02:00+02:00", "30 before the jump, 30 of Mon"),
    ("Mo-Su 00:00-02:30", "Europe/Paris", "", "2026-10-25T00:00", 180, "2026-10-25T02:30+01:00", "150 to the first 02:30, 30 from the second 02:00"),
    // America.
    (EARLY, "America/New_York", "", "2026-03-08T00:00", 300, "2026-03-08T06:00-04:00", "5 hours until 06:00"),
    (EARLY, "America/New_York", "", "2026-11-01T00:00", 420, "2026-11-01T06:00-05:00", "7 hours until 06:00"),
    (DAYS, "America/New_York", "US", "2026-03-06T16:00", 120, "2026-03-09T10:00-04:00", "Fri 60, Mon 60"),
    (EARLY, "America/St_Johns", "", "2026-03-08T00:00", 300, "2026-03-08T06:00-02:30", "a zone on the half hour, 5 hours"),
    (EARLY, "America/St_Johns", "", "2026-11-01T00:00", 420, "2026-11-01T06:00-03:30", "and 7"),
    ("Mo-Su 00:00-02:00", "America/Santiago", "", "2026-09-05T23:00", 120, "2026-09-07T01:00-03:00", "midnight is skipped: 60 on Sun, 60 on Mon"),
    ("Mo-Su 22:00-24:00", "America/Santiago", "", "2026-04-04T20:00", 180, "2026-04-05T00:00-04:00", "the hour before midnight comes twice: 180"),
    ("Mo-Su 22:00-24:00", "America/Santiago", "", "2026-04-04T20:00", 150, "2026-04-04T23:30-04:00", "half of the second"),
    (DAYS, "America/Santiago", "", "2026-09-04T16:00", 120, "2026-09-07T10:00-03:00", "Fri 60, Mon 60"),
    // Changes of half an hour, zones of three quarters.
    ("24/7", "Australia/Lord_Howe", "", "2026-04-04T12:00", 1440, "2026-04-05T11:30+10:30", "back half an hour"),
    ("24/7", "Australia/Lord_Howe", "", "2026-10-03T12:00", 1440, "2026-10-04T12:30+11:00", "forward half an hour"),
    (EARLY, "Australia/Lord_Howe", "", "2026-10-04T00:00", 360, "2026-10-05T00:30+11:00", "330 on that day, 30 on the next"),
    (EARLY, "Australia/Lord_Howe", "", "2026-04-05T00:00", 390, "2026-04-05T06:00+10:30", "six and a half hours"),
    ("Mo-Su 01:30-02:00", "Australia/Lord_Howe", "", "2026-04-05T00:00", 60, "2026-04-05T02:00+10:30", "the half hour comes twice"),
    (DAYS, "Pacific/Chatham", "", "2026-11-24T16:30", 60, "2026-11-25T09:30+13:45", "30 and 30"),
    ("24/7", "Pacific/Chatham", "", "2026-04-04T12:00", 1440, "2026-04-05T11:00+12:45", "back an hour"),
    ("24/7", "Pacific/Chatham", "", "2026-09-26T12:00", 1440, "2026-09-27T13:00+13:45", "forward an hour"),
    ("Mo-Su 02:00-04:00", "Pacific/Chatham", "", "2026-09-27T00:00", 90, "2026-09-28T02:30+13:45", "02:00-02:45 and 03:45-04:00 are 60; 30 on the next day"),
    ("Mo-Su 02:00-04:00", "Pacific/Chatham", "", "2026-04-05T00:00", 180, "2026-04-05T04:00+12:45", "105 to 03:45, 75 from 02:45"),
    ("Mo-Fr 10:00-18:00", "Asia/Kathmandu", "", "2026-11-24T17:30", 60, "2026-11-25T10:30+05:45", "30 and 30"),
    ("Su-Fr 10:00-17:00", "Asia/Kathmandu", "", "2026-11-27T16:00", 480, "2026-11-29T17:00+05:45", "Fri 60, Sun 420"),
    ("Mo-Fr 09:30-18:30", "Asia/Kolkata", "", "2026-11-24T09:30", 600, "2026-11-25T10:30+05:30", "540 and 60"),
    ("24/7", "Australia/Adelaide", "", "2026-10-03T12:00", 1440, "2026-10-04T13:00+10:30", "a zone on the half hour, forward an hour"),
    ("24/7", "Antarctica/Troll", "", "2026-03-28T12:00", 1440, "2026-03-29T14:00+02:00", "forward two hours at once"),
    // Other weekends, other midnights, far zones.
    ("Mo-Su 00:00-02:00", "Asia/Beirut", "", "2026-03-28T23:00", 120, "2026-03-30T01:00+03:00", "midnight is skipped"),
    ("Su-Th 09:00-17:00", "Africa/Cairo", "", "2026-04-23T16:00", 120, "2026-04-26T10:00+03:00", "Thu 60, clocks forward on Fri, Sun 60"),
    ("Su-Th 00:00-24:00", "Africa/Cairo", "", "2026-10-29T00:00", 1500, "2026-10-30T00:00+02:00", "a Thursday of 25 hours"),
    (DAYS, "Africa/Casablanca", "", "2026-02-13T16:00", 120, "2026-02-16T10:00Z", "clocks back for Ramadan on Sun 15 February"),
    (DAYS, "Pacific/Kiritimati", "", "2026-11-27T16:30", 60, "2026-11-30T09:30+14:00", "30 and 30, a day ahead of others"),
    ("Mo-Fr 08:00-16:00", "Pacific/Marquesas", "", "2026-11-27T15:30", 60, "2026-11-30T08:30-09:30", "30 and 30"),
    // No end.
    ("off", "Europe/Paris", "", "2026-11-24T10:00", 60, "never", "these hours never open"),
    ("2020 Jan 01-2020 Dec 31 09:00-17:00", "UTC", "", "2026-11-24T10:00", 60, "never", "they do not open any more"),
    ("Jan 01 09:00-10:00", "UTC", "", "2026-11-24T10:00", 600, "far", "an hour a year: ten years"),
    ("Jan 01 09:00-10:00", "UTC", "", "2026-11-24T10:00", 60, "2027-01-01T10:00Z", "the next such hour"),
];

pub fn moment(text: &str, zone: &TimeZone) -> i64 {
    if let Ok(at) = text.parse::<Timestamp>() {
        return at.as_millisecond();
    }
    let local: DateTime = text.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
    local.to_zoned(zone.clone()).expect("a moment").timestamp().as_millisecond()
}

fn shown(reached: Reached, zone: &TimeZone) -> String {
    match reached {
        Reached::At(at_ms) => Timestamp::from_millisecond(at_ms).expect("a moment").to_zoned(zone.clone()).to_string(),
        Reached::Never => "never".into(),
        Reached::TooFar => "far".into(),
    }
}

/// Each case is asked of working time and of the first clock of a request opened then; and measuring gives the minutes back.
#[test]
fn promises_end_when_they_should() {
    assert!(WORKING.len() >= 100, "only {} cases", WORKING.len());
    for (text, name, holidays, from, minutes, want, how) in WORKING {
        let hours = Hours::read(text, name, holidays).unwrap_or_else(|why| panic!("{text} in {name}: {why}"));
        let zone = hours.zone().clone();
        let (from_ms, wanted_ms) = (moment(from, &zone), minutes * 60_000);
        let want = match *want {
            "never" => Reached::Never,
            "far" => Reached::TooFar,
            moment => Reached::At(self::moment(moment, &zone)),
        };
        let working = Working::Hours(Box::new(hours));
        let reached = working.after(from_ms, wanted_ms);
        let case = format!("{text} in {name} from {from}, {minutes} min ({how})");
        assert_eq!(shown(reached, &zone), shown(want, &zone), "{case}");
        if let Reached::At(end_ms) = reached {
            assert_eq!(working.between(from_ms, end_ms), wanted_ms, "{case}: measured");
        }
        let targets = vec![target(Severity::C, Kind::FirstResponse, *minutes, false)];
        let plan = plan(7, (text, name, holidays), targets);
        let opened = Event { at_ms: from_ms, what: What::Opened { severity: Severity::C, plan: 7 } };
        let clocks = read(&[plan], &[opened], from_ms).expect("it is open");
        let due = clocks.reading(Kind::FirstResponse).expect("it is promised").due;
        let want = match want {
            Reached::At(at_ms) => Due::At(at_ms),
            Reached::Never => Due::Never,
            Reached::TooFar => Due::TooFar,
        };
        assert_eq!(due, want, "{case}: as a clock");
    }
}

#[test]
fn days_of_a_plan_are_closed_beside_its_hours() {
    let days: [Date; 4] = ["2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"].map(|day| day.parse().expect("a day"));
    let hours = Hours::closed_on(DAYS, "Asia/Shanghai", "CN", &days).expect("hours");
    let zone = hours.zone().clone();
    // Wed 60; Thu is the holiday, Fri, Mon, Tue and Wed are closed; Thu 8 October 60.
    let end = Working::Hours(Box::new(hours)).after(moment("2026-09-30T16:00", &zone), 120 * 60_000);
    assert_eq!(end, Reached::At(moment("2026-10-08T10:00", &zone)));
}

fn target(severity: Severity, clock: Kind, minutes: i64, is_around_the_clock: bool) -> Target {
    Target { severity, clock, minutes: u32::try_from(minutes).expect("minutes"), is_around_the_clock, warn_minutes: Vec::new() }
}

fn plan(version: i64, (hours, zone, holidays): (&str, &str, &str), targets: Vec<Target>) -> Plan {
    let body = PlanBody {
        name: "a plan".into(),
        hours: hours.into(),
        zone: zone.into(),
        holidays: holidays.into(),
        closed_days: Vec::new(),
        targets,
        paused_while_waiting: vec![Kind::NextResponse, Kind::Resolution],
    };
    Plan::new(version, body).expect("a plan")
}

/// Version 1: A around the clock, B and C Monday to Friday 09:00 to 17:00 UTC. Version 2: a better one, around the clock.
pub fn plans() -> Vec<Plan> {
    use Kind::{FirstResponse as First, NextResponse as Next, Resolution as Solved};
    use Severity::{A, B, C};
    let first = [(A, First, 60), (B, First, 240), (C, First, 480), (A, Next, 60), (B, Next, 120), (C, Next, 240), (A, Solved, 480)];
    let rest = [(B, Solved, 960), (C, Solved, 2400)];
    let ones = first.into_iter().chain(rest).map(|(severity, clock, minutes)| target(severity, clock, minutes, severity == A));
    let better = [(A, First, 30), (B, First, 120), (C, First, 240)];
    let twos = better.map(|(severity, clock, minutes)| target(severity, clock, minutes, true));
    let hours = ("Mo-Fr 09:00-17:00", "UTC", "");
    vec![plan(1, hours, ones.collect()), plan(2, hours, twos.to_vec())]
}

/// What happened, which clock, at what moment, how it stands then, and how that was worked out. Moments: a day of the week from Monday, 23
/// November 2026 ("+" of the week after) and a time of UTC.
type Story = (&'static str, &'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const STORIES: &[Story] = &[
    ("Tu10:00 open c", "first", "Tu12:00", "running We10:00 left 360", "Tue 420, Wed 60; 120 used"),
    ("Tu10:00 open c; Tu11:00 note", "first", "Tu12:00", "running We10:00 left 360", "a note stops nothing"),
    ("Tu10:00 open c; Tu11:00 auto", "first", "Tu12:00", "running We10:00 left 360", "nor does a machine"),
    ("Tu10:00 open c; Tu11:00 answer", "first", "Tu12:00", "met We10:00 left 420", "60 used"),
    ("Tu10:00 open c; We10:00 answer", "first", "We12:00", "met We10:00 left 0", "at the moment itself is in time"),
    ("Tu10:00 open c; We10:01 answer", "first", "We12:00", "breached We10:00 left -1", "a minute later is not"),
    ("Tu10:00 open c", "first", "We10:00", "running We10:00 left 0", "the moment itself"),
    ("Tu10:00 open c", "first", "We10:01", "breached We10:00 left -1", "a minute over"),
    ("Tu10:00 open c", "first", "We20:00", "breached We10:00 left -420", "Tue 420 and Wed 480 of 480; the evening does not count"),
    ("Tu10:00 open c; Tu11:00 wait", "first", "Tu12:00", "running We10:00 left 360", "the first answer is owed whatever the state"),
    ("Tu10:00 open c", "first", "Tu09:00", "none", "it was not opened yet"),
    ("Tu10:00 open c; Tu15:00 answer", "first", "Tu12:00", "running We10:00 left 360", "what comes later does not count yet"),
    ("Sa12:00 open b", "first", "+Mo08:00", "running +Mo13:00 left 240", "counts from Mon 09:00"),
    ("Tu23:00 open a", "first", "Tu23:30", "running We00:00 left 30", "A counts at night"),
    ("Tu23:00 open c", "first", "We08:00", "running We17:00 left 480", "C does not"),
    // Pauses.
    ("Tu10:00 open c; Tu12:00 answer; Tu12:00 wait", "resolution", "We12:00", "paused if +We10:00 left 2280", "120 used; from Wed 12:00: 300, 480, 480, 480, 480, 60"),
    ("Tu10:00 open c; Tu12:00 answer; Tu12:00 wait; Th10:00 word", "resolution", "Th11:00", "running +We16:00 left 2220", "2280 from Thu 10:00: 420, 480, 480, 480, 420"),
    ("Tu10:00 open c; Tu12:00 answer; Tu17:00 wait; We09:00 word", "resolution", "We10:00", "running +Tu10:00 left 1920", "a pause in closed time is worth nothing"),
    ("Tu10:00 open c; Tu11:00 answer; Tu11:00 wait", "resolution", "Th10:00", "paused if +We17:00 left 2340", "60 used; 420, 480, 480, 480, 480"),
    ("Tu10:00 open c; Tu11:00 answer; Tu11:00 wait; Tu13:00 work; Tu14:00 wait; Tu16:00 work", "resolution", "Tu17:00", "running +Tu14:00 left 2220", "three hours used; 2280 from Tue 16:00: 60, 480, 480, 480, 480, 300"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu13:00 wait", "next", "Tu15:00", "paused if We10:00 left 180", "60 used; 120 and 60"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu13:00 wait; Tu15:00 work", "next", "Tu16:00", "running We10:00 left 120", "180 from Tue 15:00"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu16:30 wait", "next", "We12:00", "breached Tu16:00 left -30", "waiting does not undo a breach"),
    // The next answer.
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word", "next", "Tu13:00", "running Tu16:00 left 180", "240 from the word"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu14:00 word", "next", "Tu15:00", "running Tu16:00 left 60", "a second word does not begin again"),
    ("Tu10:00 open c; Tu11:00 word", "next", "Tu12:00", "none", "before the first answer there is no next"),
    ("Tu10:00 open c; Tu11:00 answer", "next", "Tu12:00", "none", "nothing was asked since"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 autoword", "next", "Tu13:00", "none", "an absence note asks nothing"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu13:00 answer", "next", "Tu14:00", "met Tu16:00 left 180", "60 used"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu13:00 auto", "next", "Tu14:00", "running Tu16:00 left 120", "a machine does not answer"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu13:00 note", "next", "Tu14:00", "running Tu16:00 left 120", "nor does a note"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu13:00 answer; Tu14:00 word", "next", "Tu15:00", "running We10:00 left 180", "begins again: 180 and 60"),
    ("Tu10:00 open c; Tu11:00 answer; Tu11:00 wait; Tu12:00 word", "next", "Tu13:00", "running Tu16:00 left 180", "who was waited for has spoken"),
    // Severity and plan.
    ("Tu10:00 open c; Tu10:20 severity a", "first", "Tu10:30", "running Tu11:00 left 30", "recomputed from the opening"),
    ("Tu10:00 open c; Tu11:00 severity a", "first", "Tu11:30", "breached Tu11:00 left -30", "already over then"),
    ("Tu10:00 open a; Tu10:30 severity c", "first", "Tu12:00", "running We10:00 left 360", "lowered, by working hours"),
    ("Tu10:00 open c; Tu10:10 severity a; Tu10:20 severity b", "first", "Tu11:00", "running Tu14:00 left 180", "the last one counts"),
    ("Tu10:00 open c; Tu12:00 answer; Tu13:00 severity a", "first", "Tu14:00", "met We10:00 left 360", "what is done is judged by what held then"),
    ("Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu12:30 severity a", "next", "Tu12:40", "running Tu13:00 left 20", "the next answer from its own beginning"),
    ("Tu10:00 open c; Tu11:00 plan 2", "first", "Tu12:00", "running Tu14:00 left 120", "a better plan, from the opening"),
    ("Tu10:00 open c; Tu12:00 answer; Tu13:00 plan 2", "first", "Tu14:00", "met We10:00 left 360", "done under the old one"),
    ("Tu10:00 open c; Tu11:00 plan 2", "resolution", "Tu12:00", "none", "that plan promises no solution"),
    // Solved, and opened again.
    ("Tu10:00 open c; Tu12:00 answer; Tu15:00 solve", "resolution", "We12:00", "met +Tu10:00 left 2100", "300 used"),
    ("Tu10:00 open c; Tu12:00 answer; Tu15:00 solve; We10:00 close", "resolution", "Th12:00", "met +Tu10:00 left 2100", "closing changes nothing"),
    ("Tu10:00 open c; Tu12:00 answer; Tu15:00 solve; Th09:00 work", "resolution", "Th10:00", "running +We12:00 left 2040", "2100 from Thu 09:00: 480, 480, 480, 480, 180"),
    ("Tu10:00 open c; Tu12:00 answer; Tu15:00 solve; Th09:00 work; Th10:00 solve", "resolution", "Fr10:00", "met +We12:00 left 2040", "solved a second time: both runs count"),
    ("Tu10:00 open c; Tu11:00 solve", "first", "We12:00", "paused if Th11:00 left 420", "solved without an answer: nothing is owed, nothing was kept"),
    ("Tu10:00 open c; Tu11:00 solve; Th09:00 work", "first", "Th10:00", "running Th16:00 left 360", "opened again, it is owed"),
];

const NAMES: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const MONDAY: &str = "2026-11-23T00:00Z";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

pub fn at(text: &str) -> i64 {
    let (weeks, text) = text.strip_prefix('+').map_or((0, text), |rest| (1, rest));
    let (day, time) = text.split_at(2);
    let day = NAMES.iter().position(|name| *name == day).unwrap_or_else(|| panic!("{text} begins with a day"));
    let (hour, minute) = time.split_once(':').expect("a time");
    let minutes: i64 = hour.parse::<i64>().expect("an hour") * 60 + minute.parse::<i64>().expect("a minute");
    moment(MONDAY, &TimeZone::UTC) + (weeks * 7 + i64::try_from(day).expect("a day")) * DAY_MS + minutes * 60_000
}

fn written(at_ms: i64) -> String {
    let since_ms = at_ms - moment(MONDAY, &TimeZone::UTC);
    let (days, minutes) = (since_ms.div_euclid(DAY_MS), since_ms.rem_euclid(DAY_MS) / 60_000);
    let week = if days >= 7 { "+" } else { "" };
    format!("{week}{}{:02}:{:02}", NAMES[usize::try_from(days % 7).expect("a day of ours")], minutes / 60, minutes % 60)
}

pub fn events(story: &str) -> Vec<Event> {
    let event = |text: &str| {
        let mut parts = text.split_whitespace();
        let at_ms = at(parts.next().expect("a moment"));
        let (what, with) = (parts.next().expect("what happened"), parts.next().unwrap_or_default());
        let severity = || Severity::parse(with).expect("a severity");
        let what = match what {
            "open" => What::Opened { severity: severity(), plan: 1 },
            "answer" => What::Answer { is_automatic: false },
            "auto" => What::Answer { is_automatic: true },
            "word" => What::Word { is_automatic: false },
            "autoword" => What::Word { is_automatic: true },
            "note" => What::Note,
            "wait" => What::State(State::WaitingCustomer),
            "work" => What::State(State::WaitingUs),
            "solve" => What::State(State::Resolved),
            "close" => What::State(State::Closed),
            "severity" => What::Severity(severity()),
            "plan" => What::Plan(with.parse().expect("a version")),
            other => panic!("{other} does not happen"),
        };
        Event { at_ms, what }
    };
    story.split(';').map(event).collect()
}

#[test]
fn clocks_stand_as_they_should_after_what_happened() {
    let plans = plans();
    for (story, clock, now, want, how) in STORIES {
        let kind = match *clock {
            "first" => Kind::FirstResponse,
            "next" => Kind::NextResponse,
            "resolution" => Kind::Resolution,
            other => panic!("{other} is no clock"),
        };
        let clocks = read(&plans, &events(story), at(now));
        let found = clocks.as_ref().and_then(|clocks| clocks.reading(kind)).map_or("none".to_string(), |reading| {
            let due = match reading.due {
                Due::At(at_ms) => written(at_ms),
                Due::Paused(Reached::At(at_ms)) => format!("if {}", written(at_ms)),
                other => format!("{other:?}"),
            };
            format!("{} {due} left {}", reading.standing.name(), reading.left_ms / 60_000)
        });
        assert_eq!(found, *want, "{story} | {clock} at {now} ({how})");
    }
}
