//! Working time: adding minutes of it to a moment, and measuring it between two.
//!
//! All moments are Unix milliseconds. Opening hours are evaluated by [`crate::phone::hours`], and only there.

use crate::phone::hours::Hours;
use std::ops::Range;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A promise further away than this is none: hours that are open too seldom for it.
pub const AHEAD_DAYS: i64 = 5 * 366;
/// When nothing is open for so long, it is taken for never.
const NEVER_DAYS: i64 = 800;

/// When the time of a promise runs.
#[derive(Debug, Clone)]
pub enum Working {
    /// Around the clock.
    Always,
    Hours(Box<Hours>),
}

/// The end of a span of working time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    At(i64),
    /// These hours never open.
    Never,
    /// Not within [`AHEAD_DAYS`].
    TooFar,
}

impl Reached {
    pub fn at(self) -> Option<i64> {
        match self {
            Reached::At(at_ms) => Some(at_ms),
            Reached::Never | Reached::TooFar => None,
        }
    }
}

impl Working {
    /// The first moment at which `wanted_ms` of working time have passed since `from_ms`. Nothing wanted is reached at once.
    pub fn after(&self, from_ms: i64, wanted_ms: i64) -> Reached {
        if wanted_ms <= 0 {
            return Reached::At(from_ms);
        }
        let hours = match self {
            Working::Always => return Reached::At(from_ms.saturating_add(wanted_ms)),
            Working::Hours(hours) => hours,
        };
        let mut left_ms = wanted_ms;
        for open in hours.open_between(from_ms, from_ms.saturating_add(AHEAD_DAYS * DAY_MS)) {
            let long_ms = open.end - open.start;
            if long_ms >= left_ms {
                return Reached::At(open.start + left_ms);
            }
            left_ms -= long_ms;
        }
        if self.opens_after(from_ms).is_none() { Reached::Never } else { Reached::TooFar }
    }

    /// Working time between two moments, in milliseconds; none when they stand the wrong way round.
    pub fn between(&self, from_ms: i64, until_ms: i64) -> i64 {
        match self {
            Working::Always => (until_ms - from_ms).max(0),
            Working::Hours(hours) => hours.open_between(from_ms, until_ms).map(|open| open.end - open.start).sum(),
        }
    }

    /// When it runs next: `from_ms` itself while it does; `None` never.
    pub fn opens_after(&self, from_ms: i64) -> Option<i64> {
        match self {
            Working::Always => Some(from_ms),
            Working::Hours(hours) => hours.open_between(from_ms, from_ms.saturating_add(NEVER_DAYS * DAY_MS)).next().map(|open| open.start),
        }
    }

    /// The end of a span of working time that only runs in these stretches, in order; the last of them goes on for ever when `is_open`.
    /// `None`: they are over before.
    pub fn over(&self, stretches: &[Range<i64>], is_open: bool, wanted_ms: i64) -> Option<Reached> {
        let mut left_ms = wanted_ms;
        for (n, stretch) in stretches.iter().enumerate() {
            if is_open && n + 1 == stretches.len() {
                return Some(self.after(stretch.start, left_ms));
            }
            let used_ms = self.between(stretch.start, stretch.end);
            if used_ms >= left_ms {
                return Some(self.after(stretch.start, left_ms));
            }
            left_ms -= used_ms;
        }
        None
    }
}
