//! How much of the time the database is waited for: a small transaction after each pause, measured and remembered for a while.
//!
//! One transaction may be quick because it came at the right moment; somebody who holds the database again and again is seen in the
//! share of time that goes into waiting. Nothing is written: a transaction that only takes its turn costs no disk.

use super::HealthSettings;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use store::{Db, Error};
use tokio::time::timeout;

/// One wait counts up to here; what takes longer is told by whoever writes.
const WAIT_MAX: Duration = Duration::from_secs(6);
/// Pauses of one look of health, and looks that are remembered.
const PAUSES_A_LOOK: u32 = 5;
const LOOKS: u32 = 4;
const KEPT_MAX: usize = 200;
/// At least this long between two.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The last waits.
#[derive(Debug, Default)]
pub struct Waits(Mutex<VecDeque<(Instant, Duration)>>);

/// What they were, over the span that is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waited {
    /// Share of the time, in percent.
    pub percent: i64,
    /// Mean of one wait, in milliseconds.
    pub mean_ms: i64,
}

/// How far back waits count.
pub fn span(settings: &HealthSettings) -> Duration {
    settings.every.duration() * LOOKS
}

impl Waits {
    fn add(&self, began: Instant, took: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((began, took));
    }

    /// `None` before half the span was watched.
    pub fn of(&self, span: Duration, now: Instant) -> Option<Waited> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.front().is_some_and(|(began, took)| now.saturating_duration_since(*began + *took) > span) {
            kept.pop_front();
        }
        let watched = now.saturating_duration_since(kept.front()?.0).min(span);
        if watched < span / 2 {
            return None;
        }
        let total: Duration = kept.iter().map(|(_, took)| *took).sum();
        let percent = (total.min(watched).as_millis() * 100 / watched.as_millis().max(1)) as i64;
        Some(Waited { percent, mean_ms: (total.as_millis() / kept.len().max(1) as u128) as i64 })
    }
}

/// Waits for the database as long as the process runs.
pub async fn watch(db: Db, waits: Arc<Waits>, settings: HealthSettings) {
    let pause = (settings.every.duration() / PAUSES_A_LOOK).max(PAUSE_MIN);
    loop {
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        let turn = db.tx(|tx| Box::pin(async move { tx.row("SELECT CAST(1 AS BIGINT)", vec![]).await.map(drop) }));
        let _: Result<Result<(), Error>, _> = timeout(WAIT_MAX, turn).await;
        waits.add(began, began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_time_is_what_counts() {
        let (waits, begun) = (Waits::default(), Instant::now());
        let second = |n: f64| Duration::from_secs_f64(n);
        assert_eq!(waits.of(second(20.0), begun), None);
        waits.add(begun, second(1.6));
        assert_eq!(waits.of(second(20.0), begun + second(2.0)), None, "too early to say");
        for n in 1..12 {
            waits.add(begun + second(f64::from(n) * 2.6), second(1.6));
        }
        let found = waits.of(second(20.0), begun + second(31.0)).expect("watched long enough");
        assert!((55..75).contains(&found.percent) && found.mean_ms == 1_600, "{found:?}");
        for n in 0..20 {
            waits.add(begun + second(40.0 + f64::from(n)), second(if n % 10 == 0 { 2.5 } else { 0.002 }));
        }
        let found = waits.of(second(20.0), begun + second(60.0)).expect("watched long enough");
        assert!(found.percent < 30, "a tenth of noise: {found:?}");
    }
}
