//! How bad each of the last days was, by service.
//!
//! In: changes of states. Out: bars. Days that are over change no more, so they are added up once a day and organisation and kept;
//! a page then reads what changed today.

use super::bus::Health;
use gateway::health::{Level, Service, Status, sql as measured};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use store::{Error, Tx};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Days of the bars.
pub const DAYS: usize = 90;
/// Organisations whose past is kept; when there are more, all are added up again.
const KEPT_MAX: usize = 1_000;
/// What is written late about a day that is over is seen after this.
const KEPT_MS: i64 = 10 * 60 * 1000;

/// The worst of each day, oldest first, by service.
pub type Days = BTreeMap<Service, Vec<Level>>;

/// A change as it is stored: whose, service, when, status.
type Changed = (i64, String, i64, String);

/// Days so far, and what each service was when the changes ended.
#[derive(Debug, Clone, Default)]
struct Past {
    days: Days,
    now: BTreeMap<(i64, Service), (i64, Level)>,
}

/// What was added up, by organisation.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<i64, (i64, Arc<Past>)>>);

fn today(now_ms: i64) -> i64 {
    now_ms - now_ms.rem_euclid(DAY_MS)
}

impl Past {
    fn take(&mut self, changes: &[Changed], first_ms: i64) {
        for (org, name, at_ms, status) in changes {
            let (Ok(service), Some(status)) = (name.parse::<Service>(), Status::parse(status)) else { continue };
            if let Some((since_ms, level)) = self.now.insert((*org, service.clone()), (*at_ms, status.level())) {
                paint(&mut self.days, &service, since_ms..*at_ms, (level, first_ms));
            }
        }
    }

    fn until(mut self, now_ms: i64, first_ms: i64) -> Days {
        for ((_, service), (since_ms, level)) in std::mem::take(&mut self.now) {
            paint(&mut self.days, &service, since_ms..now_ms, (level, first_ms));
        }
        self.days
    }
}

fn paint(days: &mut Days, service: &Service, span: std::ops::Range<i64>, (level, first_ms): (Level, i64)) {
    if !days.contains_key(service) {
        days.insert(service.clone(), vec![Level::Fine; DAYS]);
    }
    let Some(row) = days.get_mut(service).filter(|_| level > Level::Fine && span.end >= first_ms) else { return };
    let day = |at_ms: i64| ((at_ms - first_ms).div_euclid(DAY_MS)).clamp(0, DAYS as i64 - 1) as usize;
    row[day(span.start)..=day(span.end)].iter_mut().for_each(|worst| *worst = level.max(*worst));
}

impl Kept {
    fn get(&self, org: i64, now_ms: i64) -> Option<Arc<Past>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_of_today = |at_ms: &i64| today(*at_ms) == today(now_ms) && (0..KEPT_MS).contains(&(now_ms - at_ms));
        kept.get(&org).filter(|(at_ms, _)| is_of_today(at_ms)).map(|(_, past)| past.clone())
    }

    fn put(&self, org: i64, now_ms: i64, past: Arc<Past>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX && !kept.contains_key(&org) {
            kept.clear();
        }
        kept.insert(org, (now_ms, past));
    }
}

/// The days of an organisation (0: what concerns everybody), up to now.
pub async fn days(tx: &mut Tx, health: &Health, org: i64, now_ms: i64) -> Result<Days, Error> {
    let today_ms = today(now_ms);
    let first_ms = today_ms - (DAYS as i64 - 1) * DAY_MS;
    let past = match health.history().get(org, now_ms) {
        Some(past) => past,
        None => {
            let mut past = Past::default();
            past.take(&measured::changes_of(tx, org, first_ms - DAY_MS..today_ms).await?, first_ms);
            let past = Arc::new(past);
            health.history().put(org, now_ms, past.clone());
            past
        }
    };
    let mut whole = (*past).clone();
    whole.take(&measured::changes_of(tx, org, today_ms..now_ms + 1).await?, first_ms);
    Ok(whole.until(now_ms, first_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_521_600_000;

    fn change(days_ago: i64, status: &str) -> Changed {
        (0, "intake".to_string(), NOW_MS - days_ago * DAY_MS, status.to_string())
    }

    #[test]
    fn a_day_is_as_bad_as_its_worst_minute() {
        let changes = [
            change(40, "serviceDegradation"),
            change(38, "serviceOperational"),
            change(3, "serviceInterruption"),
            change(3, "restoringService"),
            change(3, "serviceOperational"),
            change(0, "serviceDegradation"),
        ];
        let first_ms = today(NOW_MS) - (DAYS as i64 - 1) * DAY_MS;
        // In one go, and the past added up before what changed today.
        for cut in [0, 3, 5, 6] {
            let mut past = Past::default();
            past.take(&changes[..cut], first_ms);
            past.take(&changes[cut..], first_ms);
            let days = past.until(NOW_MS, first_ms).remove(&Service::Intake).expect("a row");
            let bad: Vec<(usize, Level)> =
                days.iter().enumerate().filter(|(_, level)| **level > Level::Fine).map(|(n, level)| (DAYS - 1 - n, *level)).collect();
            let want = [(40, Level::Degraded), (39, Level::Degraded), (38, Level::Degraded), (3, Level::Interrupted), (0, Level::Degraded)];
            assert_eq!(bad, want, "cut at {cut}");
        }
    }

    #[test]
    fn what_is_kept_is_of_today_and_bounded() {
        let kept = Kept::default();
        kept.put(7, NOW_MS, Arc::default());
        assert!(kept.get(7, NOW_MS + KEPT_MS - 1).is_some() && kept.get(7, NOW_MS + KEPT_MS).is_none() && kept.get(8, NOW_MS).is_none());
        let midnight = today(NOW_MS) + DAY_MS;
        kept.put(7, midnight - 1, Arc::default());
        assert!(kept.get(7, midnight).is_none(), "yesterday is over, and so is what was added up before");
        (0..=KEPT_MAX as i64).for_each(|org| kept.put(org, NOW_MS, Arc::default()));
        assert!(kept.0.lock().expect("nobody panicked").len() <= KEPT_MAX);
    }
}
