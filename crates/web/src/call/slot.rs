//! Half hours in which somebody can be called. Pure.

use crate::phone::hours::Hours;
use std::collections::HashMap;

pub const SLOT_MS: i64 = 30 * 60 * 1000;
/// Nobody is called sooner than this.
const SOONEST_MS: i64 = 15 * 60 * 1000;
const AHEAD_MS: i64 = 14 * 24 * 60 * 60 * 1000;
/// Half hours that are offered.
pub const OFFERED_MAX: usize = 40;

/// The free half hours of these working hours, the first first: those that lie wholly within them, where fewer than `most` wait already.
pub fn free(hours: &Hours, taken: &[(i64, i64)], most: i64, now_ms: i64) -> Vec<i64> {
    let taken: HashMap<i64, i64> = taken.iter().copied().collect();
    let mut found = Vec::new();
    for span in hours.open_between(now_ms + SOONEST_MS, now_ms + AHEAD_MS) {
        let first = (span.start + SLOT_MS - 1).div_euclid(SLOT_MS) * SLOT_MS;
        let slots = (0..).map(|n| first + n * SLOT_MS).take_while(|slot| slot + SLOT_MS <= span.end);
        let open = slots.filter(|slot| taken.get(slot).copied().unwrap_or_default() < most);
        found.extend(open.take(OFFERED_MAX - found.len()));
        if found.len() >= OFFERED_MAX {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 60 * 60 * 1000;
    /// Tuesday, 24 November 2026, 12:00 UTC.
    const NOW_MS: i64 = 1_795_521_600_000;

    #[test]
    fn half_hours_lie_within_the_hours_and_are_not_full() {
        let hours = Hours::read("Mo-Fr 09:00-17:00", "UTC", "").expect("hours");
        let free_ = |taken: &[(i64, i64)], now_ms| free(&hours, taken, 2, now_ms);
        let all = free_(&[], NOW_MS);
        assert_eq!((all[0], all.len()), (NOW_MS + SLOT_MS, OFFERED_MAX), "not in a moment");
        assert!(all.iter().all(|slot| slot % SLOT_MS == 0) && all.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(all[9], NOW_MS + 21 * HOUR_MS, "after 16:30 comes 9:00");
        assert_eq!(free_(&[(NOW_MS + SLOT_MS, 2), (NOW_MS + HOUR_MS, 1)], NOW_MS)[0], NOW_MS + HOUR_MS, "what is full is not offered");
        assert_eq!(free_(&[], NOW_MS + 4 * HOUR_MS + SLOT_MS)[0], NOW_MS + 21 * HOUR_MS, "too late for today");
        let never = Hours::read("off", "UTC", "").expect("hours");
        assert_eq!(free(&never, &[], 2, NOW_MS), Vec::<i64>::new());
    }
}
