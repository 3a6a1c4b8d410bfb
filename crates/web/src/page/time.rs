//! Moments and sizes as a reader of a page wants them.

use super::View;
use super::words::Lang;
use jiff::Timestamp;
use jiff::tz::TimeZone;

const ZONE_CHARS_MAX: usize = 60;

/// A zone by its IANA name; UTC when there is none of that name.
pub fn zone(name: &str) -> TimeZone {
    let is_name = name.len() <= ZONE_CHARS_MAX && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
    if is_name { TimeZone::get(name).unwrap_or(TimeZone::UTC) } else { TimeZone::UTC }
}

/// "23 Nov 2026, 14:05:09" or "2026年11月23日 14:05:09", with the zone when it is UTC.
pub fn text(view: &View, at_ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else { return at_ms.to_string() };
    let shape = match view.lang {
        Lang::English => "%-d %b %Y, %H:%M:%S",
        Lang::Chinese => "%Y年%-m月%-d日 %H:%M:%S",
    };
    let local = at.to_zoned(view.zone.clone()).strftime(shape).to_string();
    if view.zone == TimeZone::UTC { format!("{local} UTC") } else { local }
}

/// `<time datetime=… title=UTC>local</time>`; what is in it is ours and needs no escaping.
pub fn element(view: &View, at_ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else { return at_ms.to_string() };
    let utc = at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    let title = at.strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("<time datetime=\"{utc}\" title=\"{title}\">{}</time>", text(view, at_ms))
}

/// RFC 3339 in UTC, as programs and files want it.
pub fn rfc3339(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| at_ms.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

/// A local moment as `<input type=datetime-local>` gives it (2026-11-23T14:05), in the reader's zone, or a whole day.
pub fn parse_local(view: &View, text: &str) -> Option<i64> {
    let moment = match text.parse::<jiff::civil::DateTime>() {
        Ok(moment) => moment,
        Err(_) => text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0),
    };
    Some(moment.to_zoned(view.zone.clone()).ok()?.timestamp().as_millisecond())
}

/// For the value of `<input type=datetime-local>`.
pub fn local_input(view: &View, at_ms: i64) -> String {
    let Ok(at) = Timestamp::from_millisecond(at_ms) else { return String::new() };
    at.to_zoned(view.zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// "812 B", "1.2 kB", "3.4 MB": powers of 1000, as people count.
pub fn octets(octets: i64) -> String {
    const UNITS: [&str; 4] = ["B", "kB", "MB", "GB"];
    let mut size = octets as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{octets} B") } else { format!("{size:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_local_with_utc_beside_it() {
        let mut view = View::plain(Lang::English, 0);
        assert_eq!(text(&view, 1_795_442_709_000), "23 Nov 2026, 14:05:09 UTC");
        view.zone = zone("Asia/Shanghai");
        view.lang = Lang::Chinese;
        assert_eq!(text(&view, 1_795_442_709_000), "2026年11月23日 22:05:09");
        assert!(element(&view, 1_795_442_709_000).contains("title=\"2026-11-23 14:05:09 UTC\""));
        assert_eq!(parse_local(&view, "2026-11-23T22:05"), Some(1_795_442_700_000));
        assert_eq!(zone("../../etc/passwd"), TimeZone::UTC);
    }
}
