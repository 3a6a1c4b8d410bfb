//! Whether a part is up, said surely: a look that finds something else than was known is taken again.
//!
//! In: looks that may fail by chance. Out: the last of them, once enough agree. Invariants: a part that loses a tenth of what it is asked is
//! not called down for long, one that loses nine in ten is not called back; no part is looked at more than [`LOOKS_MAX`] times for one
//! sample. Not here: how long something has to be wrong before anybody is told (`engine`).

use super::measure::Parts;
use detect::Detector;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A look that found something else than is known is taken again after this: a lost packet or a refused connection is no fault, and one
/// answer among many lost ones no recovery.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// Looks that must agree on something new: of four, one sample in ten thousand calls a part down that loses every tenth question, and the
/// rules want that to last for `enter_after`.
const LOOKS: u8 = 4;
/// Looks that settle how a part does that changed just now, whichever they find: most of five. A chance that needed [`LOOKS`] to be taken
/// back would last, and one look is no news of a part that fails often.
const MOST: u8 = 3;
/// Looks of one sample.
pub(super) const LOOKS_MAX: u8 = 2 * MOST - 1;

/// What was known of a part before looking at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Up,
    /// Down for less than the rules want before anybody is told, or just back from longer.
    Changing,
    Down,
}

/// What the looks before found, as far as the next one needs it.
pub(super) struct Past {
    parts: Arc<Parts>,
    /// When a part was last known to be down for as long as the rules want, Unix milliseconds. As many as there are parts.
    lasted: Mutex<HashMap<&'static str, i64>>,
}

impl Past {
    pub(super) fn new(parts: Arc<Parts>) -> Past {
        Past { parts, lasted: Mutex::default() }
    }

    pub(super) fn detector(&self) -> &Detector {
        &self.parts.detector
    }

    pub(super) fn known(&self, part: &'static str) -> Known {
        let (settings, now_ms) = (&self.parts.settings, (self.parts.clock)());
        let mut lasted = self.lasted.lock().unwrap_or_else(PoisonError::into_inner);
        let since_ms = self.parts.signals.down_since_ms(part);
        if since_ms.is_some_and(|since_ms| now_ms - since_ms >= settings.enter_after.as_ms()) {
            lasted.insert(part, now_ms);
            return Known::Down;
        }
        let is_just_back = lasted.get(part).is_some_and(|last_ms| now_ms - last_ms < settings.leave_after.as_ms());
        if since_ms.is_some() || is_just_back { Known::Changing } else { Known::Up }
    }
}

/// How often a part was found well and ill within one sample.
pub(super) struct Votes {
    known: Known,
    good: u8,
    bad: u8,
}

impl Votes {
    pub(super) fn new(known: Known) -> Votes {
        Votes { known, good: 0, bad: 0 }
    }

    /// Counts one look. True when no other is needed, after [`LOOKS_MAX`] at most; then this one says how the part does.
    pub(super) fn add(&mut self, is_bad: bool) -> bool {
        *(if is_bad { &mut self.bad } else { &mut self.good }) += 1;
        match self.known {
            Known::Up => !is_bad || self.bad == LOOKS,
            Known::Changing => self.good.max(self.bad) == MOST,
            Known::Down => is_bad || self.good == LOOKS,
        }
    }
}

/// Takes a look, and again until enough of them agree.
pub(super) async fn surely<F: Future<Output = Option<Result<(), String>>>>(
    known: Known,
    look: impl Fn(u8) -> F,
) -> Option<Result<(), String>> {
    let mut votes = Votes::new(known);
    for nth in 1..=LOOKS_MAX {
        let found = look(nth).await?;
        if votes.add(found.is_err()) {
            return Some(found);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Known, LOOKS_MAX, Votes};
    use proptest::prelude::*;

    /// What looks like these say (true: ill), and how many of them were needed.
    fn said(known: Known, looks: &[bool]) -> Option<(bool, usize)> {
        let mut votes = Votes::new(known);
        looks.iter().position(|is_bad| votes.add(*is_bad)).map(|at| (looks[at], at + 1))
    }

    #[test]
    fn what_is_new_wants_four_looks_and_what_is_changing_most_of_five() {
        const GOOD: bool = false;
        const BAD: bool = true;
        for (known, looks, want) in [
            (Known::Up, [GOOD, BAD, BAD, BAD, BAD], (GOOD, 1)),
            (Known::Up, [BAD, BAD, BAD, GOOD, BAD], (GOOD, 4)),
            (Known::Up, [BAD, BAD, BAD, BAD, GOOD], (BAD, 4)),
            (Known::Changing, [GOOD, GOOD, GOOD, BAD, BAD], (GOOD, 3)),
            (Known::Changing, [GOOD, BAD, GOOD, BAD, GOOD], (GOOD, 5)),
            (Known::Changing, [BAD, GOOD, BAD, GOOD, BAD], (BAD, 5)),
            (Known::Changing, [BAD, BAD, BAD, GOOD, GOOD], (BAD, 3)),
            (Known::Down, [BAD, GOOD, GOOD, GOOD, GOOD], (BAD, 1)),
            (Known::Down, [GOOD, GOOD, GOOD, BAD, GOOD], (BAD, 4)),
            (Known::Down, [GOOD, GOOD, GOOD, GOOD, BAD], (GOOD, 4)),
        ] {
            assert_eq!(said(known, &looks), Some(want), "{known:?} {looks:?}");
        }
    }

    proptest! {
        #[test]
        fn no_part_is_looked_at_more_often_than_that(
            known in prop::sample::select(vec![Known::Up, Known::Changing, Known::Down]),
            looks in prop::collection::vec(any::<bool>(), usize::from(LOOKS_MAX)),
        ) {
            prop_assert!(said(known, &looks).is_some());
        }
    }

    /// A month of samples at which a part loses so much of what it is asked: how often it was called down for three samples in a row, which
    /// is as long as the rules want it with the settings that ship.
    fn told(lost_percent: u64) -> usize {
        let (mut seed, mut in_row, mut told) = (1u64, 0u32, 0);
        for _ in 0..30 * 24 * 3600 / 5 {
            let mut votes = Votes::new(match in_row {
                0 => Known::Up,
                1 | 2 => Known::Changing,
                _ => Known::Down,
            });
            let is_bad = loop {
                // Knuth's MMIX generator: the same month each time.
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let is_bad = (seed >> 33) % 100 < lost_percent;
                if votes.add(is_bad) {
                    break is_bad;
                }
            };
            in_row = if is_bad { in_row + 1 } else { 0 };
            told += usize::from(in_row == 3);
        }
        told
    }

    #[test]
    fn a_part_that_loses_a_tenth_is_no_fault_and_one_that_loses_half_is() {
        assert_eq!(told(0), 0);
        assert!(told(10) <= 1, "{} in a month", told(10));
        assert!(told(50) > 100, "{} in a month", told(50));
    }
}
