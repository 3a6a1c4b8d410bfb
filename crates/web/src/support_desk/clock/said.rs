//! Clocks in words: when it is due, what is left, and why it is this time.

use super::why::{ClosedDay, Pause, Why};
use super::{Due, Reached, Reading, Standing};
use crate::page::words::Lang;
use crate::page::{Say, View};
use jiff::civil::Date;

const MINUTE_MS: i64 = 60_000;
/// Reasons of one kind that are told.
const TOLD_MAX: usize = 12;

/// "2 h 30 min", "45 min"; less than a minute is "less than 1 min". Time below nothing is told as time.
pub fn length(view: &View, span_ms: i64) -> String {
    let minutes = span_ms.abs() / MINUTE_MS;
    let say = match (minutes / 60, minutes % 60) {
        (0, 0) => Say::new("clock-length-none"),
        (0, minutes) => Say::new("clock-length-minutes").with("minutes", minutes),
        (hours, 0) => Say::new("clock-length-hours").with("hours", hours),
        (hours, minutes) => Say::new("clock-length-both").with("hours", hours).with("minutes", minutes),
    };
    view.say(&say)
}

/// Where a clock stands, as one short text: "2 h left", "over by 10 min", "stands still, 3 h left".
pub fn left(view: &View, reading: &Reading) -> String {
    let left = length(view, reading.left_ms);
    let key = match (reading.standing, reading.is_open()) {
        (Standing::Running, _) if matches!(reading.due, Due::Never | Due::TooFar) => return view.t("clock-never"),
        (Standing::Running, _) => "clock-left",
        (Standing::Paused, _) => "clock-left-paused",
        (Standing::Met, _) => return view.w("clock-met-with", length(view, reading.used_ms)),
        (Standing::Breached, true) => "clock-over",
        (Standing::Breached, false) => "clock-over-done",
    };
    view.w(key, left)
}

/// The moment, or why there is none.
pub fn due(view: &View, reading: &Reading) -> String {
    match reading.due {
        Due::At(at_ms) => view.moment(at_ms),
        Due::Paused(Reached::At(at_ms)) => view.w("clock-due-if", view.moment(at_ms)),
        Due::Paused(_) => view.t("clock-due-paused"),
        Due::Never => view.t("clock-due-never"),
        Due::TooFar => view.t("clock-due-far"),
    }
}

/// Why it is due then, the most important first.
pub fn reasons(view: &View, reading: &Reading) -> Vec<String> {
    let (why, promised) = (&reading.why, length(view, reading.target_ms));
    let began = view.moment(reading.started_ms);
    let mut told = vec![match &why.hours {
        None => view.say(&Say::new("clock-because-always").with("length", promised).with("since", began)),
        Some((hours, zone)) => {
            let say = Say::new("clock-because-hours").with("length", promised).with("since", began);
            view.say(&say.with("hours", hours.as_str()).with("zone", zone.as_str()))
        }
    }];
    told.extend(why.opens_ms.map(|opens_ms| view.w("clock-because-opens", view.moment(opens_ms))));
    told.extend(weekdays(view, why));
    told.extend(why.days.iter().map(|day| closed(view, day)));
    told.extend(why.shifts.iter().map(|shift| {
        let key = if shift.minutes > 0 { "clock-because-forward" } else { "clock-because-back" };
        view.say(&Say::new(key).with("count", shift.minutes.abs()).with("what", view.moment(shift.at_ms)))
    }));
    told.extend(why.pauses.iter().rev().take(TOLD_MAX).rev().map(|pause| paused(view, pause)));
    told.extend(why.severities.iter().map(|(at_ms, severity)| {
        let say = Say::new("clock-because-severity").with("severity", severity.name().to_uppercase());
        view.say(&say.with("what", view.moment(*at_ms)))
    }));
    told
}

fn weekdays(view: &View, why: &Why) -> Option<String> {
    let names: Vec<String> = why.weekdays.iter().map(|day| view.of_kind("clock-day", &day.to_monday_one_offset().to_string())).collect();
    (!names.is_empty()).then(|| view.w("clock-because-weekdays", names.join(&view.t("clock-and"))))
}

fn closed(view: &View, day: &ClosedDay) -> String {
    view.w(if day.is_holiday { "clock-because-holiday" } else { "clock-because-closed" }, date(view, day.day))
}

fn paused(view: &View, pause: &Pause) -> String {
    let state = view.of_kind("clock-paused", pause.state.name());
    let say = |key| Say::new(key).with("length", length(view, pause.worked_ms)).with("state", state.clone());
    let say = match pause.until_ms {
        Some(until_ms) => say("clock-because-paused").with("until", view.moment(until_ms)),
        None => say("clock-because-pausing"),
    };
    view.say(&say.with("since", view.moment(pause.from_ms)))
}

/// "1 January 2027" or "2027年1月1日".
pub fn date(view: &View, day: Date) -> String {
    let shape = match view.lang {
        Lang::English => "%-d %B %Y",
        Lang::Chinese => "%Y年%-m月%-d日",
    };
    day.strftime(shape).to_string()
}
