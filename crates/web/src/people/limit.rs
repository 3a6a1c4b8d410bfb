//! How often somebody may try to sign in: buckets that fill with time, so nobody is ever shut out for good.
//!
//! In: what is tried, at which account, from where. Out: go on, or seconds to wait. Invariants: memory is bounded; the answer is the
//! same whether the account exists; strangers who guess at an account slow down neither a browser in which its owner signed in before,
//! nor passkeys and links by mail. Each server counts for itself.

use crate::page::Fault;
use moka::sync::Cache;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Buckets that are remembered; the ones used least lately are forgotten first.
const BUCKETS_MAX: u64 = 50_000;
/// A bucket that rests this long is full again, whatever its size.
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);
/// Octets of an IPv6 address that one household or server has (RFC 6177).
const V6_OCTETS: usize = 8;

/// How many at once, and after how many seconds there is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub each_s: u32,
}

/// Tries from one source, whatever they aim at.
pub const SOURCE: Rate = Rate { burst: 40, each_s: 10 };
/// Tries at one account from one source.
pub const PAIR: Rate = Rate { burst: 8, each_s: 60 };
/// Tries at one account from everywhere.
pub const ACCOUNT: Rate = Rate { burst: 50, each_s: 20 };
/// Tries at one account from a browser in which its owner signed in before.
pub const DEVICE: Rate = Rate { burst: 10, each_s: 30 };
/// Codes of second factors for one person, from everywhere: a code has a million values and three of them fit.
pub const CODE: Rate = Rate { burst: 10, each_s: 120 };
/// Links by mail to one address, and asked for from one source.
pub const LINK: Rate = Rate { burst: 3, each_s: 600 };
pub const LINK_SOURCE: Rate = Rate { burst: 20, each_s: 60 };

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at_ms: i64,
}

/// The buckets of this server; cheap to clone.
#[derive(Clone)]
pub struct Limits {
    buckets: Cache<String, Arc<Mutex<Bucket>>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { buckets: Cache::builder().max_capacity(BUCKETS_MAX).time_to_idle(IDLE).build() }
    }
}

impl Limits {
    /// Takes one try; `key` names what is counted, beginning with its kind.
    /// # Errors
    /// [`Fault::TooMany`] with the seconds until the next try.
    pub fn take(&self, key: &str, rate: Rate, now_ms: i64) -> Result<(), Fault> {
        let full = || Arc::new(Mutex::new(Bucket { left: f64::from(rate.burst), at_ms: now_ms }));
        let bucket = self.buckets.get_with_by_ref(key, full);
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let passed_s = (now_ms - bucket.at_ms).max(0) as f64 / 1000.0;
        bucket.left = (bucket.left + passed_s / f64::from(rate.each_s)).min(f64::from(rate.burst));
        bucket.at_ms = now_ms.max(bucket.at_ms);
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        // A hair less, so that a rounding does not make a whole second.
        let wait_s = ((1.0 - bucket.left) * f64::from(rate.each_s) - 1e-6).ceil().max(1.0);
        Err(Fault::TooMany(wait_s as u32))
    }

    /// Gives a try back: it was right.
    pub fn give_back(&self, key: &str) {
        if let Some(bucket) = self.buckets.get(key) {
            bucket.lock().unwrap_or_else(PoisonError::into_inner).left += 1.0;
        }
    }
}

/// A source as it is counted: an IPv4 address, or the /64 of an IPv6 address.
pub fn source(ip: &str) -> String {
    match ip.parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V6(ip)) => ip.octets()[..V6_OCTETS].iter().map(|octet| format!("{octet:02x}")).collect(),
        Ok(ip) => ip.to_string(),
        Err(_) => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_and_nobody_waits_for_good() {
        let (limits, rate) = (Limits::default(), Rate { burst: 2, each_s: 60 });
        for (now_ms, want, why) in [
            (0, Ok(()), "the first"),
            (0, Ok(()), "the second"),
            (0, Err(60), "none is left"),
            (59_000, Err(1), "a second too early"),
            (60_000, Ok(()), "one came back"),
            (0, Err(60), "a clock that goes back gives nothing"),
            (100_000_000, Ok(()), "full again"),
        ] {
            let taken = limits.take("k", rate, now_ms).map_err(|fault| match fault {
                Fault::TooMany(seconds) => seconds,
                other => panic!("{other}"),
            });
            assert_eq!(taken, want, "{why}");
        }
        limits.give_back("k");
        assert!(limits.take("other", rate, 0).is_ok(), "each has their own");
    }

    #[test]
    fn a_source_is_what_one_household_has() {
        for (ip, want) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "20010db800010002"),
            ("2001:db8:1:2::9", "20010db800010002"),
            ("", ""),
        ] {
            assert_eq!(source(ip), want);
        }
    }
}
