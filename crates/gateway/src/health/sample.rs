//! What one node saw of late: counters over a window, everything else as it is now.

use crate::signal::{PartState, ProbeState, Signals, Snapshot, Target, Times};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// How far back counters are looked at.
const WINDOW_MS: i64 = 60_000;
/// Snapshots that make the window; more often is not looked.
const SNAPSHOTS_MAX: usize = 120;

/// One node's signals at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sample {
    pub node: u8,
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Over how long counters and timers count, in milliseconds.
    pub window_ms: i64,
    pub counters: BTreeMap<String, u64>,
    pub gauges: BTreeMap<String, i64>,
    pub timers: BTreeMap<String, Times>,
    pub parts: BTreeMap<String, PartState>,
    /// Counts over the window; runs of failures and times as they are now.
    pub targets: Vec<Target>,
    /// What became of the last probe through each connector that has them.
    pub probes: Vec<ProbeState>,
    pub facts: Facts,
}

/// What was looked up rather than counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Octets on the disk of the data folder.
    pub disk_free: Option<u64>,
    pub disk_total: Option<u64>,
    /// When our certificate ends, Unix milliseconds.
    pub certificate_until_ms: Option<i64>,
    /// How long a small transaction took last, in milliseconds.
    pub database_ms: Option<i64>,
    /// Share of the last looks' time that went into waiting for the database, in percent, and how long one wait was on the mean.
    pub database_waited_percent: Option<i64>,
    pub database_mean_ms: Option<i64>,
    /// Newest signature of each engine, Unix milliseconds.
    pub signatures_ms: BTreeMap<String, i64>,
    /// The lists in DNS, by zone.
    pub lists: BTreeMap<String, ListFact>,
}

/// How one list in DNS answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListFact {
    /// Its last answer, in milliseconds.
    pub took_ms: i64,
    /// Questions without a usable answer since then.
    pub failed_in_row: u32,
}

struct Kept {
    at_ms: i64,
    seen: Snapshot,
    targets: Vec<Target>,
}

/// Remembers what was counted a minute ago.
#[derive(Default)]
pub struct Window {
    kept: VecDeque<Kept>,
}

impl Window {
    /// Takes a sample now; its counters count from the oldest snapshot that is at most a minute old.
    pub fn take(&mut self, signals: &Signals, facts: Facts, node: u8, now_ms: i64) -> Sample {
        let now = Kept { at_ms: now_ms, seen: signals.snapshot(), targets: signals.targets(now_ms) };
        let is_old = |kept: &Kept| now_ms - kept.at_ms > WINDOW_MS || kept.at_ms > now_ms;
        while self.kept.len() >= SNAPSHOTS_MAX || self.kept.front().is_some_and(is_old) {
            self.kept.pop_front();
        }
        let sample = sample(self.kept.front(), &now, facts, node);
        self.kept.push_back(now);
        sample
    }
}

fn sample(first: Option<&Kept>, now: &Kept, facts: Facts, node: u8) -> Sample {
    let before = |name: &str| first.and_then(|first| first.seen.counters.get(name)).copied().unwrap_or(0);
    let nothing = Times::default();
    let times = |name: &str| first.and_then(|first| first.seen.timers.get(name)).unwrap_or(&nothing);
    Sample {
        node,
        at_ms: now.at_ms,
        window_ms: first.map_or(0, |first| now.at_ms - first.at_ms),
        counters: now.seen.counters.iter().map(|(name, count)| (name.to_string(), count.saturating_sub(before(name)))).collect(),
        gauges: now.seen.gauges.iter().map(|(name, value)| (name.to_string(), *value)).collect(),
        timers: now.seen.timers.iter().map(|(name, all)| (name.to_string(), all.since(times(name)))).collect(),
        parts: now.seen.parts.iter().map(|(name, part)| (name.to_string(), part.clone())).collect(),
        targets: now.targets.iter().map(|target| of_window(target, first)).collect(),
        probes: now.seen.probes.clone(),
        facts,
    }
}

fn of_window(target: &Target, first: Option<&Kept>) -> Target {
    let is_same = |was: &&Target| was.org == target.org && was.connector == target.connector;
    let Some(was) = first.and_then(|first| first.targets.iter().find(is_same)) else { return target.clone() };
    Target {
        delivered: target.delivered.saturating_sub(was.delivered),
        refused: target.refused.saturating_sub(was.refused),
        deferred: target.deferred.saturating_sub(was.deferred),
        unreached: target.unreached.saturating_sub(was.unreached),
        looks: target.looks.saturating_sub(was.looks),
        runs: target.runs.saturating_sub(was.runs),
        ..target.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{Counter, Tried};
    use mail::OrgId;

    #[test]
    fn counters_count_the_last_minute() {
        let (signals, mut window) = (Signals::default(), Window::default());
        let next = "next".into();
        for second in 0..200 {
            signals.add(Counter::Accepted, 1);
            signals.tried(OrgId(1), &next, Tried::Reached { delivered: 1, refused: 0, deferred: 0 }, second * 1_000);
            let sample = window.take(&signals, Facts::default(), 1, second * 1_000);
            if second > 60 {
                assert_eq!(sample.counters["accepted"], 60, "second {second}");
                assert_eq!((sample.window_ms, sample.targets[0].delivered), (60_000, 60));
            }
        }
        assert!(window.kept.len() <= SNAPSHOTS_MAX);
    }
}
