//! A moment in somebody's words: "at 3 pm", "on Sunday", "明天上午9点". Read in the zone of who is asked about.

use crate::help::search::words::plain;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// What was said of a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    day: Option<Day>,
    time: Option<Time>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Day {
    /// Days from today.
    After(i32),
    Next(Weekday),
}

const DAYS: &[(&str, i32)] = &[("today", 0), ("tonight", 0), ("tomorrow", 1), ("今天", 0), ("今晚", 0), ("明天", 1), ("后天", 2)];
const WEEKDAYS: [(&str, &str, Weekday); 7] = [
    ("monday", "一", Weekday::Monday),
    ("tuesday", "二", Weekday::Tuesday),
    ("wednesday", "三", Weekday::Wednesday),
    ("thursday", "四", Weekday::Thursday),
    ("friday", "五", Weekday::Friday),
    ("saturday", "六", Weekday::Saturday),
    ("sunday", "日", Weekday::Sunday),
];

/// `None` when nothing is said of a moment.
pub fn read(text: &str) -> Option<Said> {
    let lower = plain(text);
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').filter(|word| !word.is_empty()).collect();
    let is_said = |word: &str| if word.is_ascii() { words.contains(&word) } else { lower.contains(word) };
    let relative = DAYS.iter().find(|(word, _)| is_said(word)).map(|(_, after)| Day::After(*after));
    let weekday = WEEKDAYS.iter().find(|(english, chinese, _)| {
        is_said(english) || ["周", "星期", "礼拜"].iter().any(|week| lower.contains(&format!("{week}{chinese}")))
    });
    let sunday = ["周天", "星期天", "礼拜天"].iter().any(|word| lower.contains(word)).then_some(Day::Next(Weekday::Sunday));
    let said =
        Said { day: weekday.map(|(_, _, day)| Day::Next(*day)).or(sunday).or(relative), time: english(&words).or_else(|| chinese(&lower)) };
    (said.day.is_some() || said.time.is_some()).then_some(said)
}

fn english(words: &[&str]) -> Option<Time> {
    if words.contains(&"noon") || words.contains(&"midnight") {
        return Time::new(if words.contains(&"noon") { 12 } else { 0 }, 0, 0, 0).ok();
    }
    for (at, word) in words.iter().enumerate() {
        let half = ["am", "pm"].iter().find(|half| word.ends_with(**half) || words.get(at + 1) == Some(*half));
        let digits = word.trim_end_matches("am").trim_end_matches("pm");
        let is_after_at = at > 0 && words[at - 1] == "at";
        if (half.is_none() && !is_after_at && !digits.contains(':')) || !digits.starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        let (hour, minute) = digits.split_once(':').unwrap_or((digits, "0"));
        let (Ok(hour), Ok(minute)) = (hour.parse::<i8>(), minute.parse::<i8>()) else { continue };
        return Time::new(of_half(hour, half.copied() == Some("pm"), half.copied() == Some("am")), minute, 0, 0).ok();
    }
    None
}

/// 12 am is midnight, 12 pm is noon.
fn of_half(hour: i8, is_pm: bool, is_am: bool) -> i8 {
    match hour {
        12 if is_am => 0,
        1..=11 if is_pm => hour + 12,
        hour => hour,
    }
}

const NUMERALS: [&str; 13] = ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"];

fn chinese(lower: &str) -> Option<Time> {
    let (before, after) = lower.split_once('点')?;
    let digits: String = before.chars().rev().take_while(char::is_ascii_digit).collect::<Vec<_>>().into_iter().rev().collect();
    let spoken =
        || NUMERALS.iter().enumerate().rev().find(|(_, numeral)| before.ends_with(**numeral)).and_then(|(hour, _)| i8::try_from(hour).ok());
    // "两点" is two o'clock.
    let hour = digits.parse::<i8>().ok().or_else(|| before.ends_with('两').then_some(2)).or_else(spoken)?;
    let is_pm = ["下午", "晚上", "傍晚", "今晚"].iter().any(|half| before.contains(half));
    let is_am = ["凌晨", "半夜"].iter().any(|half| before.contains(half));
    Time::new(of_half(hour, is_pm, is_am), if after.starts_with('半') { 30 } else { 0 }, 0, 0).ok()
}

impl Said {
    /// The next such moment after `now_ms`, Unix milliseconds; `now_ms` where it cannot be told.
    pub fn at_ms(&self, now_ms: i64, zone: &str) -> i64 {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        self.of(now_ms, zone).map_or(now_ms, |at| at.timestamp().as_millisecond())
    }

    fn of(&self, now_ms: i64, zone: TimeZone) -> Option<Zoned> {
        let now = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone.clone());
        let date = match &self.day {
            None => now.date(),
            Some(Day::After(days)) => now.date().checked_add(days.days()).ok()?,
            Some(Day::Next(weekday)) if now.date().weekday() == *weekday => now.date(),
            Some(Day::Next(weekday)) => now.date().nth_weekday(1, *weekday).ok()?,
        };
        let at = date.to_datetime(self.time.unwrap_or(now.time())).to_zoned(zone).ok()?;
        if self.day.is_none() && at.timestamp() < now.timestamp() { at.checked_add(1.day()).ok() } else { Some(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tuesday, 24 November 2026, 12:00 UTC.
    const NOON_MS: i64 = 1_795_521_600_000;

    #[test]
    fn moments_are_read_in_the_zone_of_the_number() {
        for (text, zone, want) in [
            ("at 3 pm", "Europe/Berlin", Some("2026-11-24T14:00:00Z")),
            ("at 9", "Asia/Tokyo", Some("2026-11-25T00:00:00Z")),
            ("on sunday at 10am", "UTC", Some("2026-11-29T10:00:00Z")),
            ("tomorrow 08:30", "UTC", Some("2026-11-25T08:30:00Z")),
            ("at midnight", "UTC", Some("2026-11-25T00:00:00Z")),
            ("明天上午9点", "Asia/Shanghai", Some("2026-11-25T01:00:00Z")),
            ("下午三点半", "UTC", Some("2026-11-24T15:30:00Z")),
            ("周日", "UTC", Some("2026-11-29T12:00:00Z")),
            ("error 550", "UTC", None),
        ] {
            let at = read(text).map(|said| Timestamp::from_millisecond(said.at_ms(NOON_MS, zone)).expect("a moment").to_string());
            assert_eq!(at.as_deref(), want, "{text}");
        }
    }
}
