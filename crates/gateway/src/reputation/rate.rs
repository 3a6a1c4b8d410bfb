//! How an address behaves right now: recipients it guesses, and how much it sends. In memory only.

use super::Known;
use detect::connection::{RATE_BURST, RATE_UNKNOWN_RECIPIENTS};
use detect::{Finding, Kind};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What is counted lies within this window, in two halves.
const WINDOW_MS: i64 = 10 * 60 * 1_000;
/// Addresses remembered.
const ADDRESSES_MAX: u64 = 50_000;
/// Recipients that do not exist, from which on an address counts as guessing, if they are also half of all it asked for.
const UNKNOWN_MIN: u32 = 10;
const UNKNOWN_WEIGHT: f32 = 1.5;
/// Mails within the window, from which on an address that is new here sends a burst.
const BURST_MIN: u32 = 50;
const BURST_WEIGHT: f32 = 1.0;

/// Counters of one half of the window.
#[derive(Debug, Clone, Copy, Default)]
struct Half {
    mails: u32,
    unknown: u32,
}

#[derive(Debug, Default)]
struct Counts {
    began_ms: i64,
    now: Half,
    before: Half,
}

/// Counters by address.
pub struct Rates {
    addresses: moka::sync::Cache<String, Arc<Mutex<Counts>>>,
}

impl Default for Rates {
    fn default() -> Rates {
        let age = std::time::Duration::from_millis(WINDOW_MS as u64);
        Rates { addresses: moka::sync::Cache::builder().max_capacity(ADDRESSES_MAX).time_to_idle(age).build() }
    }
}

impl Rates {
    /// A recipient that does not exist was asked for.
    pub fn unknown_recipient(&self, ip: IpAddr, now_ms: i64) {
        self.count(ip, now_ms, |half| half.unknown = half.unknown.saturating_add(1));
    }

    /// A mail came. Gives what its address has been doing, this mail included.
    pub fn mail(&self, ip: IpAddr, known: &Known, now_ms: i64) -> Vec<Finding> {
        let seen = self.count(ip, now_ms, |half| half.mails = half.mails.saturating_add(1));
        let minutes = WINDOW_MS / 60_000;
        let mut findings = Vec::new();
        if seen.unknown >= UNKNOWN_MIN && seen.unknown >= seen.mails {
            let evidence = format!("{ip} asked for {} recipients that do not exist within {minutes} minutes", seen.unknown);
            findings.push(Finding::new(RATE_UNKNOWN_RECIPIENTS, Kind::Spam, UNKNOWN_WEIGHT, evidence));
        }
        if seen.mails >= BURST_MIN && !known.is_trusted() {
            let evidence = format!("{ip} sent {} mails within {minutes} minutes and is new here", seen.mails);
            findings.push(Finding::new(RATE_BURST, Kind::Spam, BURST_WEIGHT, evidence));
        }
        findings
    }

    fn count(&self, ip: IpAddr, now_ms: i64, add: impl FnOnce(&mut Half)) -> Half {
        let counts = self.addresses.get_with(super::behind::network(ip.to_canonical()), Default::default);
        let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let age_ms = now_ms - counts.began_ms;
        if age_ms >= WINDOW_MS / 2 {
            counts.before = if age_ms < WINDOW_MS { counts.now } else { Half::default() };
            (counts.began_ms, counts.now) = (now_ms, Half::default());
        }
        add(&mut counts.now);
        Half {
            mails: counts.now.mails.saturating_add(counts.before.mails),
            unknown: counts.now.unknown.saturating_add(counts.before.unknown),
        }
    }
}
