//! How long the queue keeps trying, and when it tries again.

use crate::settings::Span;
use serde::{Deserialize, Serialize};

/// `[queue]`: how long we keep trying. The settings reference is printed from these comments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QueueSettings {
    /// Wait after the first temporary failure; each further wait is twice as long. Default "5m".
    pub retry_first: Span,
    /// Longest wait between two attempts. Default "1h".
    pub retry_max: Span,
    /// Age at which mail goes back to its sender. Default "5d".
    pub give_up_after: Span,
    /// Age at which the sender is told that the mail is still waiting; "0s" is never. Default "4h".
    pub warn_after: Span,
    /// Octets of messages kept in memory while they wait; above it a message is read back when its turn comes. Of those of more than 64 KiB
    /// that lie in a folder, 1 MiB is kept. Default 67108864.
    pub memory_octets_max: u64,
    /// Recipients kept in memory while they wait; the rest stays in the table. Default 20000.
    pub window_max: usize,
}

impl Default for QueueSettings {
    fn default() -> QueueSettings {
        QueueSettings {
            retry_first: Span::minutes(5),
            retry_max: Span::hours(1),
            give_up_after: Span::days(5),
            warn_after: Span::hours(4),
            memory_octets_max: 64 << 20,
            window_max: 20_000,
        }
    }
}

/// The mail is too old to go on; the caller owes the sender a DSN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GiveUp;

/// Attempts that are made at least, also when the mail waited for us and not for the next hop.
const TRIES_MIN: u32 = 3;
/// Waits are stretched by up to one part in so many, so that mail that failed together does not come back together.
const JITTER_PART: i64 = 8;

impl QueueSettings {
    /// When to try a deferred recipient again, in Unix milliseconds (UTC). `tries` counts attempts so far, from 1;
    /// `spread` is any number that differs between mails.
    ///
    /// # Errors
    /// [`GiveUp`] once [`QueueSettings::give_up_after`] has passed since `queued_ms`.
    ///
    /// # Source
    /// RFC 5321 §4.5.4.1: at least 30 minutes apart in the long run, 4 to 5 days or more before giving up. We begin sooner, as
    /// most temporary failures (greylisting, restarts) last minutes.
    pub fn next_try_ms(&self, queued_ms: i64, now_ms: i64, tries: u32, spread: i64) -> Result<i64, GiveUp> {
        if now_ms - queued_ms >= self.give_up_after.as_ms() && tries >= TRIES_MIN {
            return Err(GiveUp);
        }
        let doubled = self.retry_first.as_ms().saturating_mul(1 << tries.saturating_sub(1).min(20));
        let wait_ms = doubled.min(self.retry_max.as_ms()).max(1);
        // Multiplying by an odd constant mixes the low bits of time-ordered ids.
        let mixed = (spread as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        let jitter_ms = mixed as i64 % (wait_ms / JITTER_PART + 1);
        Ok(now_ms + wait_ms + jitter_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_end_after_five_days() {
        let settings = QueueSettings::default();
        let minute = 60_000;
        for (tries, wait) in [(1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (6, 60), (500, 60)] {
            for spread in [0, 7, i64::MAX] {
                let next = settings.next_try_ms(0, 1_000, tries, spread).expect("young enough") - 1_000;
                let range = wait * minute..=wait * minute + wait * minute / JITTER_PART;
                assert!(range.contains(&next), "after {tries}: {next} ms");
            }
        }
        let day = 86_400_000;
        assert_eq!(settings.next_try_ms(0, 5 * day, 100, 1), Err(GiveUp));
        assert!(settings.next_try_ms(0, 5 * day - 1, 100, 1).is_ok());
        assert!(settings.next_try_ms(0, 9 * day, 2, 1).is_ok(), "we were down, not the next hop");
    }
}
