//! How each way out does: one tally per organisation and connector, bounded, forgotten when idle.
//!
//! In: what came of each job, and of each look at the next hop. Out: [`Target`]s. A host that answers, even with a refusal, was
//! reached; only silence and broken connections count against it.

use crate::queue::{Attempt, Outcome};
use mail::OrgId;
use mail::smtp::Reply;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ways out that are kept; when there are more, those idle longest go.
pub const TARGETS_MAX: usize = 4_096;
/// Without an attempt for this long a way out is forgotten.
const IDLE_MS: i64 = 24 * 60 * 60 * 1000;
const REPLY_CHARS_MAX: usize = 200;

/// What came of a job, for the way it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The next hop answered; how many recipients it took, refused, put off.
    Reached { delivered: u64, refused: u64, deferred: u64 },
    /// Nobody was there, or the connection broke.
    Unreached(String),
}

/// Counts since the process began, and how it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub org: i64,
    pub connector: String,
    pub delivered: u64,
    pub refused: u64,
    pub deferred: u64,
    pub unreached: u64,
    /// Looks at the next hop, without mail, that found it well.
    #[serde(default)]
    pub looks: u64,
    /// How often it was lost: failures that followed a success.
    #[serde(default)]
    pub runs: u64,
    /// Failures since the next hop was last reached, and when the first of them was.
    pub unreached_in_row: u64,
    pub unreached_since_ms: i64,
    pub reached_ms: i64,
    pub tried_ms: i64,
    /// What was said about the last failure.
    pub why: String,
    /// It was lost and is back, and nobody has acted on that yet.
    #[serde(skip)]
    pub(crate) is_back: bool,
}

#[derive(Debug, Default)]
pub(super) struct Targets {
    map: Mutex<HashMap<(OrgId, Arc<str>), Target>>,
}

impl Tried {
    /// Of one job: the recipients of one mail that share a next hop. `None` when nothing was attempted.
    pub fn of(attempts: &[Attempt]) -> Option<Tried> {
        let unreached = attempts.iter().find(|attempt| attempt.outcome == Outcome::Deferred && is_of_connection(&attempt.reply));
        if let Some(attempt) = unreached {
            let why: String = format!("{} {}", attempt.hop, attempt.reply).trim().chars().take(REPLY_CHARS_MAX).collect();
            return Some(Tried::Unreached(why));
        }
        let count = |wanted: fn(&Outcome) -> bool| attempts.iter().filter(|attempt| wanted(&attempt.outcome)).count() as u64;
        (!attempts.is_empty()).then(|| Tried::Reached {
            delivered: count(|outcome| matches!(outcome, Outcome::Delivered { .. })),
            refused: count(|outcome| *outcome == Outcome::Refused),
            deferred: count(|outcome| *outcome == Outcome::Deferred),
        })
    }
}

/// Whether a temporary reply speaks of the connection or the whole host rather than of this mail: `421`, network and routing
/// (RFC 3463 §3.5), TLS that did not come about.
fn is_of_connection(reply: &Reply) -> bool {
    reply.code == 421 || matches!(reply.status, Some((4, 4, _))) || (reply.code == 454 && matches!(reply.status, Some((4, 7, _))))
}

impl Targets {
    fn lock(&self) -> MutexGuard<'_, HashMap<(OrgId, Arc<str>), Target>> {
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn tried(&self, org: OrgId, connector: &Arc<str>, tried: Tried, now_ms: i64) {
        let mut map = self.lock();
        if map.len() >= TARGETS_MAX && !map.contains_key(&(org, connector.clone())) {
            forget_one(&mut map);
        }
        let target = map.entry((org, connector.clone())).or_default();
        (target.org, target.connector, target.tried_ms) = (org.0, connector.to_string(), now_ms);
        match tried {
            Tried::Reached { delivered, refused, deferred } => {
                target.looks += u64::from(delivered + refused + deferred == 0);
                target.delivered += delivered;
                target.refused += refused;
                target.deferred += deferred;
                target.is_back |= target.unreached_in_row > 0;
                (target.unreached_in_row, target.unreached_since_ms, target.reached_ms) = (0, 0, now_ms);
            }
            Tried::Unreached(why) => {
                target.unreached += 1;
                target.runs += u64::from(target.unreached_in_row == 0);
                target.unreached_in_row += 1;
                if target.unreached_since_ms == 0 {
                    target.unreached_since_ms = now_ms;
                }
                target.why = why;
            }
        }
    }

    pub fn reached_ms(&self, connector: &str) -> i64 {
        let map = self.lock();
        map.iter().filter(|((_, name), _)| &**name == connector).map(|(_, target)| target.reached_ms).max().unwrap_or(0)
    }

    pub fn take_back(&self, connector: &Arc<str>) -> bool {
        let mut map = self.lock();
        let of_connector = map.iter_mut().filter(|((_, name), _)| name == connector);
        of_connector.fold(false, |was, (_, target)| std::mem::take(&mut target.is_back) || was)
    }

    pub fn all(&self, now_ms: i64) -> Vec<Target> {
        let mut map = self.lock();
        map.retain(|_, target| now_ms - target.tried_ms < IDLE_MS);
        map.values().cloned().collect()
    }
}

fn forget_one(map: &mut HashMap<(OrgId, Arc<str>), Target>) {
    let idle = map.iter().min_by_key(|(_, target)| target.tried_ms).map(|(key, _)| key.clone());
    if let Some(idle) = idle {
        map.remove(&idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(outcome: Outcome, reply: Reply) -> Attempt {
        Attempt { n: 0, outcome, reply, hop: String::new(), tls: String::new(), policy: String::new() }
    }

    #[test]
    fn only_silence_counts_against_a_host() {
        let delivered = || attempt(Outcome::Delivered { is_final: true, dsn_passed_on: false }, Reply::new(250, (2, 0, 0), "ok"));
        let later = |code, enhanced| attempt(Outcome::Deferred, Reply::new(code, enhanced, "later"));
        for (attempts, is_reached, why) in [
            (vec![delivered()], true, "taken"),
            (vec![attempt(Outcome::Refused, Reply::new(550, (5, 1, 1), "no"))], true, "a refusal is an answer"),
            (vec![later(452, (4, 2, 2))], true, "one full mailbox"),
            (vec![later(451, (4, 7, 1))], true, "greylisted"),
            (vec![later(421, (4, 4, 2))], false, "no connection"),
            (vec![later(451, (4, 4, 1))], false, "no answer"),
            (vec![later(454, (4, 7, 5))], false, "no TLS"),
        ] {
            assert_eq!(matches!(Tried::of(&attempts), Some(Tried::Reached { .. })), is_reached, "{why}");
        }
        assert_eq!(Tried::of(&[]), None);
    }

    #[test]
    fn tallies_are_bounded_and_know_since_when() {
        let targets = Targets::default();
        let name: Arc<str> = "next".into();
        targets.tried(OrgId(1), &name, Tried::Unreached("refused".into()), 10);
        targets.tried(OrgId(1), &name, Tried::Unreached("silent".into()), 20);
        let seen = targets.all(30).remove(0);
        assert_eq!((seen.unreached_in_row, seen.unreached_since_ms, seen.why.as_str()), (2, 10, "silent"));
        targets.tried(OrgId(1), &name, Tried::Reached { delivered: 1, refused: 0, deferred: 0 }, 30);
        let seen = targets.all(30).remove(0);
        assert_eq!((seen.unreached_in_row, seen.unreached, seen.reached_ms), (0, 2, 30));
        for n in 0..TARGETS_MAX + 10 {
            targets.tried(OrgId(n as i64), &name, Tried::Unreached("x".into()), n as i64);
        }
        assert_eq!(targets.all(0).len(), TARGETS_MAX);
        assert!(targets.all(IDLE_MS * 2).is_empty(), "idle ones are forgotten");
    }
}
