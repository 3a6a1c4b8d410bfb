//! A length of time as people write it: "300ms", "5m", "1h30m", "5d".

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time in settings. Units are `ms`, `s`, `m`, `h` and `d`; several may follow each other, as in "1h30m".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(Duration);

/// The text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a length of time; write a number and ms, s, m, h or d, such as \"90s\" or \"1h30m\"")]
pub struct SpanError(String);

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Ten years: no setting means more, and sums with clock times stay far from overflow.
const SPAN_MS_MAX: u64 = 3_650 * 86_400_000;

impl Span {
    pub const fn ms(ms: u64) -> Span {
        Span(Duration::from_millis(ms))
    }

    pub const fn seconds(seconds: u64) -> Span {
        Span(Duration::from_secs(seconds))
    }

    pub const fn minutes(minutes: u64) -> Span {
        Span(Duration::from_secs(minutes * 60))
    }

    pub const fn hours(hours: u64) -> Span {
        Span(Duration::from_secs(hours * 3_600))
    }

    pub const fn days(days: u64) -> Span {
        Span(Duration::from_secs(days * 86_400))
    }

    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whole milliseconds, for sums with Unix times.
    pub const fn as_ms(self) -> i64 {
        self.0.as_millis() as i64 // at most SPAN_MS_MAX when read, and constants are small
    }

    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Duration {
        span.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Span, SpanError> {
        let wrong = || SpanError(text.chars().take(40).collect());
        let (mut rest, mut total_ms, mut smallest) = (text.trim(), 0u64, u64::MAX);
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            let letters = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
            let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == &rest[digits..digits + letters]).ok_or_else(wrong)?;
            if *unit_ms >= smallest {
                return Err(wrong()); // "5m5m", "5s1h": a slip of the pen more often than a wish
            }
            smallest = *unit_ms;
            total_ms = number.checked_mul(*unit_ms).and_then(|ms| total_ms.checked_add(ms)).ok_or_else(wrong)?;
            rest = &rest[digits + letters..];
        }
        if total_ms > SPAN_MS_MAX { Err(wrong()) } else { Ok(Span::ms(total_ms)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest_ms = self.0.as_millis() as u64;
        if rest_ms == 0 {
            return f.write_str("0s");
        }
        for (name, unit_ms) in UNITS.iter().rev() {
            if rest_ms >= *unit_ms {
                write!(f, "{}{name}", rest_ms / unit_ms)?;
                rest_ms %= unit_ms;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print_as_people_write_them() {
        for (text, ms, printed) in [
            ("300ms", 300, "300ms"),
            ("5m", 300_000, "5m"),
            ("1h30m", 5_400_000, "1h30m"),
            ("90s", 90_000, "1m30s"),
            (" 5d ", 432_000_000, "5d"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().expect(text);
            assert_eq!((span.as_ms(), span.to_string().as_str()), (ms, printed), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_span_is_refused() {
        for text in ["", "5", "m", "5 m", "-5m", "5w", "5m5m", "5s1h", "1.5h", "99999999999999999999s", "4000d", "5ſ"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
