//! What this node counts and measures about itself: numbers for health, `/metrics` and the log.
//!
//! In: one call where something happens, on any thread; it adds to an atomic and never waits. Out: [`Signals::snapshot`].
//! Not here: judging whether the service is well (health does), and what happened to one mail (trace does).
//! Counters begin at 0 with the process and only grow; gauges say how it is now.

mod target;
mod timer;

pub use target::{TARGETS_MAX, Target, Tried};
pub use timer::Times;

use crate::session::Stage;
use mail::OrgId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use target::Targets;
use timer::Histogram;

/// Parts whose state is kept, at most; more are a mistake of ours and are not kept.
const PARTS_MAX: usize = 64;
/// Characters kept of the reason why a part is down.
const WHY_CHARS_MAX: usize = 300;

macro_rules! named {
    ($(#[$doc:meta])* $kind:ident { $($(#[$line:meta])* $variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kind { $($(#[$line])* $variant),* }

        impl $kind {
            pub const ALL: &[$kind] = &[$($kind::$variant),*];

            /// Stable name, as metrics and JSON print it.
            pub fn name(self) -> &'static str {
                match self { $($kind::$variant => $name),* }
            }
        }
    };
}

named!(
    /// What is counted.
    Counter {
        Connections = "connections",
        Accepted = "accepted",
        AcceptedOctets = "accepted_octets",
        RefusedConnect = "refused_connect",
        RefusedHelo = "refused_helo",
        RefusedStartTls = "refused_starttls",
        RefusedAuth = "refused_auth",
        RefusedSender = "refused_sender",
        RefusedRecipient = "refused_recipient",
        RefusedContent = "refused_content",
        RefusedProtocol = "refused_protocol",
        Held = "held",
        Deleted = "deleted",
        Delivered = "delivered",
        Deferred = "deferred",
        Bounced = "bounced",
        DsnSent = "dsn_sent",
        DnsQueries = "dns_queries",
        DnsFailures = "dns_failures",
        /// A mail could not be stored; its sender was asked to try later.
        StoreFailures = "store_failures",
        /// A trace event without a mail that was not kept, because more came than could be written.
        EventsDropped = "events_dropped",
        /// A mail that an inspection could not look at fully.
        NotInspectable = "not_inspectable",
        /// A large message that could not be put, read or removed, after all tries.
        BodyFailures = "body_failures",
    }
);

named!(
    /// What has a size now.
    Gauge {
        Sessions = "sessions",
        /// Recipients in memory on their way out.
        QueueInMemory = "queue_in_memory",
        /// Recipients queued in the table.
        QueueDepth = "queue_depth",
        /// Age of the oldest queued recipient, in milliseconds.
        QueueOldestMs = "queue_oldest_ms",
        DeliveriesUnderWay = "deliveries_under_way",
    }
);

named!(
    /// What takes time.
    Timer {
        /// From the end of a message to our reply: judged, and durable when taken.
        Reply = "reply",
        /// Inspection alone.
        Inspect = "inspect",
        /// The commit alone.
        Commit = "commit",
        /// A mail of our own, from its first octet at our port until it was delivered.
        Probe = "probe",
        /// A large message put into its folder or bucket until it is durable.
        BodyPut = "body_put",
        /// A large message read back.
        BodyRead = "body_read",
    }
);

/// The counters of one node; shared by `Arc`.
#[derive(Debug)]
pub struct Signals {
    counters: Box<[AtomicU64]>,
    gauges: Box<[AtomicI64]>,
    timers: Box<[Histogram]>,
    targets: Targets,
    parts: Mutex<BTreeMap<&'static str, PartState>>,
    probes: Mutex<Vec<ProbeState>>,
}

/// What became of the last probe that an organisation's connector was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeState {
    pub org: i64,
    pub connector: String,
    pub state: PartState,
}

/// Something outside or beside us that may be missing: "clamd", "dns", "database", "list zen.example".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartState {
    pub is_up: bool,
    /// Unix milliseconds since when it is as it is.
    pub since_ms: i64,
    /// Why it is down; empty when up.
    pub why: String,
}

/// All signals at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    pub counters: BTreeMap<&'static str, u64>,
    pub gauges: BTreeMap<&'static str, i64>,
    pub timers: BTreeMap<&'static str, Times>,
    pub parts: BTreeMap<&'static str, PartState>,
    pub probes: Vec<ProbeState>,
}

impl Default for Signals {
    fn default() -> Signals {
        Signals {
            counters: Counter::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            gauges: Gauge::ALL.iter().map(|_| AtomicI64::new(0)).collect(),
            timers: Timer::ALL.iter().map(|_| Histogram::default()).collect(),
            targets: Targets::default(),
            parts: Mutex::default(),
            probes: Mutex::default(),
        }
    }
}

impl Signals {
    pub fn add(&self, counter: Counter, by: u64) {
        self.counters[counter as usize].fetch_add(by, Ordering::Relaxed);
    }

    pub fn count(&self, counter: Counter) -> u64 {
        self.counters[counter as usize].load(Ordering::Relaxed)
    }

    /// A mail was committed, before `250`.
    pub fn accepted(&self) {
        self.add(Counter::Accepted, 1);
    }

    /// Something was refused at this stage.
    pub fn refused(&self, stage: Stage) {
        self.add(
            match stage {
                Stage::Connect => Counter::RefusedConnect,
                Stage::Helo => Counter::RefusedHelo,
                Stage::StartTls => Counter::RefusedStartTls,
                Stage::Auth => Counter::RefusedAuth,
                Stage::Sender => Counter::RefusedSender,
                Stage::Recipient => Counter::RefusedRecipient,
                Stage::Content => Counter::RefusedContent,
                Stage::Protocol => Counter::RefusedProtocol,
            },
            1,
        );
    }

    pub fn store_failed(&self) {
        self.add(Counter::StoreFailures, 1);
    }

    pub fn set(&self, gauge: Gauge, value: i64) {
        self.gauges[gauge as usize].store(value, Ordering::Relaxed);
    }

    /// Moves a gauge up or down.
    pub fn step(&self, gauge: Gauge, by: i64) {
        self.gauges[gauge as usize].fetch_add(by, Ordering::Relaxed);
    }

    /// Something took this long.
    pub fn took(&self, timer: Timer, took: Duration) {
        self.timers[timer as usize].add(took);
    }

    /// Something was tried on this way out; connector '' is the MX records of recipients' domains.
    pub fn tried(&self, org: OrgId, connector: &Arc<str>, tried: Tried, now_ms: i64) {
        self.targets.tried(org, connector, tried, now_ms);
    }

    /// Every way out that was used of late.
    pub fn targets(&self, now_ms: i64) -> Vec<Target> {
        self.targets.all(now_ms)
    }

    /// When this way out was last reached, Unix milliseconds; 0 when it never was.
    pub fn reached_ms(&self, connector: &str) -> i64 {
        self.targets.reached_ms(connector)
    }

    /// Whether this way out was lost and is back; says so once.
    pub fn take_back(&self, connector: &Arc<str>) -> bool {
        self.targets.take_back(connector)
    }

    pub fn part_up(&self, part: &'static str, now_ms: i64) {
        self.part(part, PartState { is_up: true, since_ms: now_ms, why: String::new() });
    }

    pub fn part_down(&self, part: &'static str, why: &str, now_ms: i64) {
        self.part(part, PartState { is_up: false, since_ms: now_ms, why: why.chars().take(WHY_CHARS_MAX).collect() });
    }

    /// Whether the last look at this part found it down.
    pub fn is_down(&self, part: &str) -> bool {
        self.down_since_ms(part).is_some()
    }

    /// Since when this part is down, Unix milliseconds.
    pub fn down_since_ms(&self, part: &str) -> Option<i64> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.get(part).filter(|state| !state.is_up).map(|state| state.since_ms)
    }

    /// A probe through this connector arrived, or did not: then `why` says so.
    pub fn probed(&self, org: OrgId, connector: &str, why: &str, now_ms: i64) {
        let state = PartState { is_up: why.is_empty(), since_ms: now_ms, why: why.chars().take(WHY_CHARS_MAX).collect() };
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = probes.iter().position(|probe| probe.org == org.0 && probe.connector == connector);
        match known {
            // `since_ms` is when it changed, not when it was last seen.
            Some(at) if probes[at].state.is_up == state.is_up => probes[at].state.why = state.why,
            Some(at) => probes[at].state = state,
            None if probes.len() < PARTS_MAX => probes.push(ProbeState { org: org.0, connector: connector.into(), state }),
            None => {}
        }
    }

    fn part(&self, part: &'static str, now: PartState) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = parts.len();
        match parts.get_mut(part) {
            // `since_ms` is when it changed, not when it was last seen.
            Some(was) if was.is_up == now.is_up => was.why = now.why,
            Some(was) => *was = now,
            None if count < PARTS_MAX => drop(parts.insert(part, now)),
            None => {}
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        let gauge = |gauge: Gauge| self.gauges[gauge as usize].load(Ordering::Relaxed);
        Snapshot {
            counters: Counter::ALL.iter().map(|counter| (counter.name(), self.count(*counter))).collect(),
            gauges: Gauge::ALL.iter().map(|one| (one.name(), gauge(*one))).collect(),
            timers: Timer::ALL.iter().map(|one| (one.name(), self.timers[*one as usize].times())).collect(),
            parts: self.parts.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            probes: self.probes.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_is_counted_under_its_own_name() {
        let signals = Signals::default();
        for (n, counter) in Counter::ALL.iter().enumerate() {
            signals.add(*counter, n as u64 + 1);
        }
        for (n, gauge) in Gauge::ALL.iter().enumerate() {
            signals.set(*gauge, 10);
            signals.step(*gauge, -(n as i64));
        }
        let seen = signals.snapshot();
        assert_eq!(seen.counters.len(), Counter::ALL.len(), "no name twice");
        for (n, counter) in Counter::ALL.iter().enumerate() {
            assert_eq!(seen.counters[counter.name()], n as u64 + 1, "{}", counter.name());
        }
        for (n, gauge) in Gauge::ALL.iter().enumerate() {
            assert_eq!(seen.gauges[gauge.name()], 10 - n as i64, "{}", gauge.name());
        }
    }

    #[test]
    fn a_part_is_down_since_it_went_down() {
        let signals = Signals::default();
        signals.part_down("clamd", "connection refused", 10);
        signals.part_down("clamd", "no answer", 20);
        let state = signals.snapshot().parts["clamd"].clone();
        assert_eq!(state, PartState { is_up: false, since_ms: 10, why: "no answer".into() });
        signals.part_up("clamd", 30);
        assert_eq!(signals.snapshot().parts["clamd"], PartState { is_up: true, since_ms: 30, why: String::new() });
    }

    #[test]
    fn refusals_count_by_stage() {
        let signals = Signals::default();
        for stage in [Stage::Connect, Stage::Recipient, Stage::Recipient] {
            signals.refused(stage);
        }
        assert_eq!((signals.count(Counter::RefusedConnect), signals.count(Counter::RefusedRecipient)), (1, 2));
    }
}
