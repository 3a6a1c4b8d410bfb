//! What holds for all hours and all stories, and what stands beside the moment: warnings, who holds the ball, why.

use super::cases::{at, events, plans};
use super::plan::{Plan, PlanBody};
use super::working::Working;
use super::{Ball, Kind, Severity, Standing, State, read};
use crate::page::View;
use crate::page::words::Lang;
use crate::phone::hours::Hours;
use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use proptest::prelude::*;

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Asia/Kathmandu",
    "America/Santiago",
    "Africa/Cairo",
];
const HOURS: [&str; 6] =
    ["Mo-Fr 09:00-17:00", "24/7", "Mo-Su 00:00-06:00", "Mo-Fr 09:00-12:00,13:30-18:00", "Mo-Fr 22:00-02:00", "Sa,Su 01:00-04:00; PH off"];
const MINUTE_MS: i64 = 60_000;
/// 1 January 2026, and two years after it.
const FROM_MS: i64 = 1_767_225_600_000;
const LONG_MINUTES: i64 = 2 * 365 * 24 * 60;

fn working(zone: usize, hours: usize) -> Working {
    Working::Hours(Box::new(Hours::read(HOURS[hours], ZONES[zone], "FR").expect("hours")))
}

/// Whether these hours are open at a moment, by the calendar alone; for those of [`HOURS`] without holidays.
fn is_open(hours: usize, zone: &TimeZone, at_ms: i64) -> bool {
    let local = Timestamp::from_millisecond(at_ms).expect("a moment").to_zoned(zone.clone());
    let minutes = i64::from(local.hour()) * 60 + i64::from(local.minute());
    let is_week = |day: Weekday| day.to_monday_one_offset() <= 5;
    let yesterday = local.date().yesterday().expect("a day").weekday();
    match hours {
        0 => is_week(local.weekday()) && (540..1020).contains(&minutes),
        1 => true,
        2 => minutes < 360,
        3 => is_week(local.weekday()) && ((540..720).contains(&minutes) || (810..1080).contains(&minutes)),
        _ => is_week(local.weekday()) && minutes >= 1320 || is_week(yesterday) && minutes < 120,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// What is added is what is measured, the end is the first such moment, and it lies in open time.
    #[test]
    fn added_minutes_are_measured_again(zone in 0..ZONES.len(), hours in 0..HOURS.len(), at in 0..LONG_MINUTES * 60, wanted in 1..6_000_i64) {
        let working = working(zone, hours);
        let (from_ms, wanted_ms) = (FROM_MS + at * 1000, wanted * MINUTE_MS);
        let end_ms = working.after(from_ms, wanted_ms).at().expect("these hours open");
        prop_assert_eq!(working.between(from_ms, end_ms), wanted_ms);
        prop_assert!(working.between(from_ms, end_ms - 1) < wanted_ms);
    }

    /// More minutes end later, and a later beginning never ends earlier.
    #[test]
    fn ends_are_in_order(zone in 0..ZONES.len(), hours in 0..HOURS.len(), at in 0..LONG_MINUTES, later in 1..3_000_i64, wanted in 1..3_000_i64) {
        let working = working(zone, hours);
        let from_ms = FROM_MS + at * MINUTE_MS;
        let end = |from_ms: i64, minutes: i64| working.after(from_ms, minutes * MINUTE_MS).at();
        prop_assert!(end(from_ms, wanted) < end(from_ms, wanted + 1));
        prop_assert!(end(from_ms, wanted) <= end(from_ms + later * MINUTE_MS, wanted));
        // In two steps as in one.
        let half_ms = end(from_ms, wanted).expect("an end");
        prop_assert_eq!(end(half_ms, later), end(from_ms, wanted + later));
    }

    /// Counted minute by minute from the calendar, it is the same.
    #[test]
    fn minutes_are_those_of_the_calendar(zone in 0..ZONES.len(), hours in 0..5_usize, at in 0..LONG_MINUTES, long in 1..4_000_i64) {
        let from_ms = FROM_MS + at * MINUTE_MS;
        let place = TimeZone::get(ZONES[zone]).expect("a zone");
        let counted = (0..long).filter(|minute| is_open(hours, &place, from_ms + minute * MINUTE_MS)).count();
        let counted = i64::try_from(counted).expect("a count");
        prop_assert_eq!(working(zone, hours).between(from_ms, from_ms + long * MINUTE_MS) / MINUTE_MS, counted);
    }
}

#[test]
fn the_ball_and_what_is_due_first() {
    let plans = plans();
    for (story, now, ball, first) in [
        ("Tu10:00 open c", "Tu12:00", Ball::Support, Some(Kind::FirstResponse)),
        ("Tu10:00 open c; Tu11:00 answer; Tu11:00 wait", "Tu12:00", Ball::Requester, None),
        ("Tu10:00 open c; Tu11:00 answer; Tu11:00 wait; Tu12:00 word", "Tu12:30", Ball::Support, Some(Kind::NextResponse)),
        ("Tu10:00 open c; Tu11:00 answer; Tu12:00 solve", "Tu12:30", Ball::Requester, None),
        ("Tu10:00 open c; Tu11:00 answer; Tu12:00 solve; Tu13:00 close", "Tu14:00", Ball::Nobody, None),
    ] {
        let clocks = read(&plans, &events(story), at(now)).expect("it is open");
        assert_eq!((clocks.ball, clocks.first_due().map(|reading| reading.kind)), (ball, first), "{story}");
    }
}

#[test]
fn a_plan_that_is_not_known_reads_nothing() {
    assert_eq!(read(&plans()[1..], &events("Tu10:00 open c"), at("Tu12:00")), None);
    assert_eq!(read(&plans(), &[], 0), None);
}

fn warned(mut body: PlanBody, minutes: &[u32]) -> Plan {
    body.targets.iter_mut().for_each(|target| target.warn_minutes = minutes.to_vec());
    Plan::new(1, body).expect("a plan")
}

/// 480 minutes from Tue 10:00 end on Wed 10:00; 60 before is Tue 17:00, 120 before Tue 16:00.
#[test]
fn warnings_come_in_working_time_before_the_end() {
    let plan = warned(plans()[0].body.clone(), &[120, 60]);
    let story = events("Tu10:00 open c");
    let clocks = read(std::slice::from_ref(&plan), &story, at("Tu12:00")).expect("it is open");
    let first = clocks.reading(Kind::FirstResponse).expect("promised");
    let warnings: Vec<(u32, i64)> = first.warnings.iter().map(|warning| (warning.minutes, warning.at_ms)).collect();
    assert_eq!(warnings, [(120, at("Tu16:00")), (60, at("Tu17:00"))]);
    for (now, want) in [("Tu12:00", at("Tu16:00")), ("Tu16:00", at("Tu17:00")), ("Tu18:00", at("We10:00") + 1)] {
        assert_eq!(read(std::slice::from_ref(&plan), &story, at(now)).and_then(|clocks| clocks.next_ms(at(now))), Some(want), "{now}");
    }
}

#[test]
fn earlier_rounds_are_kept_with_what_came_of_them() {
    let story = "Tu10:00 open c; Tu11:00 answer; Tu12:00 word; Tu16:30 answer; We09:00 word; We10:00 answer; We11:00 word";
    let clocks = read(&plans(), &events(story), at("We12:00")).expect("it is open");
    let past: Vec<Standing> = clocks.past.iter().map(|reading| reading.standing).collect();
    assert_eq!(past, [Standing::Breached, Standing::Met]);
    assert_eq!(clocks.reading(Kind::NextResponse).map(|reading| reading.standing), Some(Standing::Running));
}

fn reasons(plan: &Plan, from: &str, lang: Lang) -> Vec<String> {
    let zone = plan.hours().zone().clone();
    let from_ms = super::cases::moment(from, &zone);
    let opened = super::Event { at_ms: from_ms, what: super::What::Opened { severity: Severity::C, plan: 1 } };
    let clocks = read(std::slice::from_ref(plan), &[opened], from_ms).expect("it is open");
    let view = View { zone, ..View::plain(lang, from_ms) };
    super::said::reasons(&view, clocks.reading(Kind::FirstResponse).expect("promised"))
}

#[test]
fn the_reasons_name_weekends_holidays_and_changes_of_the_clocks() {
    let body = |hours: &str| PlanBody {
        hours: hours.into(),
        zone: "Europe/Paris".into(),
        holidays: "FR".into(),
        closed_days: vec!["2027-01-04".parse().expect("a day")],
        ..PlanBody::shipped()[0].clone()
    };
    let plan = Plan::new(1, body("Mo-Fr 09:00-17:00; PH off")).expect("a plan");
    let told = reasons(&plan, "2026-12-31T16:30", Lang::English);
    assert!(told[0].starts_with("8 h of working time from 31 Dec 2026, 16:30:00"), "{told:?}");
    for want in ["closed on Saturdays and Sundays", "1 January 2027 is a public holiday", "closed on 4 January 2027"] {
        assert!(told.iter().any(|reason| reason == want), "{want}: {told:?}");
    }
    let told = reasons(&plan, "2026-12-31T16:30", Lang::Chinese);
    assert!(told.iter().any(|reason| reason.contains("2027年1月1日")), "{told:?}");
    let plan = Plan::new(1, body("Mo-Su 00:00-06:00")).expect("a plan");
    let told = reasons(&plan, "2026-03-28T23:00", Lang::English);
    assert!(told.iter().any(|reason| reason.starts_with("the clocks were put forward by 60 minutes")), "{told:?}");
}

#[test]
fn pauses_are_told_with_what_they_were_worth() {
    let story = "Tu10:00 open c; Tu11:00 answer; Tu16:00 wait; We10:00 word";
    let clocks = read(&plans(), &events(story), at("We12:00")).expect("it is open");
    let pauses = &clocks.reading(Kind::Resolution).expect("promised").why.pauses;
    // Tue 16:00 to 17:00 and Wed 09:00 to 10:00.
    assert_eq!((pauses.len(), pauses[0].worked_ms, pauses[0].until_ms), (1, 120 * MINUTE_MS, Some(at("We10:00"))));
    assert_eq!(pauses[0].state, State::WaitingCustomer);
}

#[test]
fn the_shipped_plans_can_be_kept_and_wrong_ones_cannot() {
    for body in PlanBody::shipped() {
        assert_eq!(body.clone().checked(), Ok(body.clone()));
        let promised = |severity, kind| Plan::new(1, body.clone()).expect("a plan").target(severity, kind).map(|target| target.minutes);
        for kind in Kind::ALL {
            let all: Vec<u32> = Severity::ALL.iter().filter_map(|severity| promised(*severity, kind)).collect();
            assert!(all.len() == 3 && all.is_sorted(), "{}: {all:?}", body.name);
        }
    }
    let body = PlanBody::shipped()[0].clone();
    for (wrong, field) in [
        (PlanBody { name: " ".into(), ..body.clone() }, "name"),
        (PlanBody { hours: "whenever".into(), ..body.clone() }, "hours"),
        (PlanBody { zone: "Mars/Olympus".into(), ..body.clone() }, "zone"),
        (PlanBody { holidays: "XX".into(), ..body.clone() }, "holidays"),
        (PlanBody { targets: Vec::new(), ..body.clone() }, "targets"),
        (PlanBody { targets: [body.targets.clone(), body.targets.clone()].concat(), ..body.clone() }, "targets"),
    ] {
        let found = wrong.checked().expect_err("it is wrong");
        assert!(found.iter().any(|wrong| wrong.field == field), "{field}: {found:?}");
    }
}
