//! How long things take: a histogram of powers of two, two additions a measurement.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets: up to 1 µs, 2 µs, 4 µs … and everything over half an hour in the last.
pub const BUCKETS: usize = 32;

/// Counts since the start of the process, by bucket.
#[derive(Debug)]
pub(super) struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    micros: AtomicU64,
}

/// What a histogram held at one moment; two of them make a window.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Times {
    pub buckets: Vec<u64>,
    /// Sum of all, in microseconds.
    pub micros: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: [const { AtomicU64::new(0) }; BUCKETS], micros: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub fn add(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - micros.leading_zeros()) as usize;
        self.buckets[bucket.min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub fn times(&self) -> Times {
        let buckets = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        Times { buckets, micros: self.micros.load(Ordering::Relaxed) }
    }
}

impl Times {
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// What came after `earlier`.
    pub fn since(&self, earlier: &Times) -> Times {
        let before = |at: usize| earlier.buckets.get(at).copied().unwrap_or(0);
        let buckets = self.buckets.iter().enumerate().map(|(at, count)| count.saturating_sub(before(at))).collect();
        Times { buckets, micros: self.micros.saturating_sub(earlier.micros) }
    }

    /// Both together.
    pub fn and(&self, other: &Times) -> Times {
        let at = |times: &Times, n: usize| times.buckets.get(n).copied().unwrap_or(0);
        let buckets = (0..self.buckets.len().max(other.buckets.len())).map(|n| at(self, n) + at(other, n)).collect();
        Times { buckets, micros: self.micros.saturating_add(other.micros) }
    }

    /// Upper end of the bucket in which the given share of measurements lies, in milliseconds; 0 when there are none.
    pub fn quantile_ms(&self, share: f64) -> i64 {
        let wanted = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return i64::try_from((1u64 << at) / 1_000).unwrap_or(i64::MAX);
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_a_factor_of_two() {
        let histogram = Histogram::default();
        (0..95).for_each(|_| histogram.add(Duration::from_millis(10)));
        (0..5).for_each(|_| histogram.add(Duration::from_secs(20)));
        let times = histogram.times();
        assert_eq!(times.count(), 100);
        assert!((10..20).contains(&times.quantile_ms(0.5)), "{}", times.quantile_ms(0.5));
        assert!((20_000..40_000).contains(&times.quantile_ms(0.99)), "{}", times.quantile_ms(0.99));
        histogram.add(Duration::from_secs(1));
        assert_eq!(histogram.times().since(&times).count(), 1);
        assert_eq!(Times::default().quantile_ms(0.5), 0);
    }
}
