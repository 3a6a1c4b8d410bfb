//! Who may connect: limits in all and per address, and the memory that messages under way may use.
//!
//! In: an address and the time. Out: a [`Permit`] that frees its place when dropped, or the reason why not. Invariant: what
//! is counted is given back on every way out, panics included. Not here: lists of bad addresses (`policy`).

use super::settings::LimitSettings;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Addresses whose rate is remembered. Above it, those without open connections are forgotten.
const ADDRESSES_MAX: usize = 100_000;
const MINUTE: Duration = Duration::from_secs(60);

/// Why a connection is not served now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// All places are taken.
    Full,
    /// This address holds too many connections.
    AddressFull,
    /// This address connects too often.
    TooFast,
}

/// Counts connections of all listeners.
#[derive(Debug)]
pub struct Admission {
    open_max: usize,
    per_address_max: usize,
    per_minute_max: u32,
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    open: usize,
    addresses: HashMap<IpAddr, Usage>,
}

#[derive(Debug)]
struct Usage {
    open: usize,
    /// Connections that may still be made at once; refilled over a minute.
    tokens: f64,
    counted: Instant,
}

/// A place for one connection.
#[derive(Debug)]
pub struct Permit {
    admission: Arc<Admission>,
    address: IpAddr,
}

impl Admission {
    pub fn new(limits: &LimitSettings) -> Arc<Admission> {
        Arc::new(Admission {
            open_max: limits.connections_max,
            per_address_max: limits.connections_per_address_max,
            per_minute_max: limits.connections_per_minute_max,
            seats: Mutex::default(),
        })
    }

    /// A place for a connection from `ip`. One holder of an IPv6 /64 counts as one address (RFC 6177).
    pub fn enter(self: &Arc<Admission>, ip: IpAddr, now: Instant) -> Result<Permit, Refusal> {
        let address = counted_address(ip);
        let mut seats = self.seats();
        if seats.open >= self.open_max {
            return Err(Refusal::Full);
        }
        if seats.addresses.len() >= ADDRESSES_MAX {
            self.forget_idle(&mut seats, now);
        }
        let burst = f64::from(self.per_minute_max);
        let usage = seats.addresses.entry(address).or_insert(Usage { open: 0, tokens: burst, counted: now });
        let refill = now.saturating_duration_since(usage.counted).as_secs_f64() / MINUTE.as_secs_f64() * burst;
        (usage.tokens, usage.counted) = ((usage.tokens + refill).min(burst), now);
        if usage.open >= self.per_address_max {
            return Err(Refusal::AddressFull);
        }
        if !is_near(ip) {
            if usage.tokens < 1.0 {
                return Err(Refusal::TooFast);
            }
            usage.tokens -= 1.0;
        }
        usage.open += 1;
        seats.open += 1;
        Ok(Permit { admission: self.clone(), address })
    }

    /// Connections open now.
    pub fn open(&self) -> usize {
        self.seats().open
    }

    fn forget_idle(&self, seats: &mut Seats, now: Instant) {
        seats.addresses.retain(|_, usage| usage.open > 0 || now.saturating_duration_since(usage.counted) < MINUTE);
        if seats.addresses.len() >= ADDRESSES_MAX {
            seats.addresses.retain(|_, usage| usage.open > 0); // a flood from everywhere: rates start anew, open connections count on
        }
    }

    fn leave(&self, address: IpAddr) {
        let mut seats = self.seats();
        seats.open = seats.open.saturating_sub(1);
        if let Some(usage) = seats.addresses.get_mut(&address) {
            usage.open = usage.open.saturating_sub(1);
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner) // numbers only; no half-done change can be seen
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.admission.leave(self.address);
    }
}

fn counted_address(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

/// Loopback and private addresses: our own machines, which we neither slow down nor make wait.
pub fn is_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Failed sign-ins per address, so that guessing does not go on in the next session.
#[derive(Debug)]
pub struct Guesses {
    max: u32,
    failures: Mutex<HashMap<IpAddr, (u32, Instant)>>,
}

/// How long an address's failures count together.
const GUESSES_KEPT: Duration = Duration::from_secs(3_600);

impl Guesses {
    pub fn new(limits: &LimitSettings) -> Arc<Guesses> {
        Arc::new(Guesses { max: limits.sign_in_failures_per_address_max, failures: Mutex::default() })
    }

    /// The address has failed too often within the hour.
    pub fn is_exhausted(&self, ip: IpAddr, now: Instant) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures
            .get(&counted_address(ip))
            .is_some_and(|(count, since)| *count >= self.max && now.saturating_duration_since(*since) < GUESSES_KEPT)
    }

    pub fn failed(&self, ip: IpAddr, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, (_, since)| now.saturating_duration_since(*since) < GUESSES_KEPT);
        }
        if failures.len() >= ADDRESSES_MAX {
            failures.clear(); // guessed from everywhere: the limits per session and the delays remain
        }
        let (count, since) = failures.entry(counted_address(ip)).or_insert((0, now));
        if now.saturating_duration_since(*since) >= GUESSES_KEPT {
            (*count, *since) = (0, now);
        }
        *count = count.saturating_add(1);
    }
}

/// A message is large beyond this many octets. Each that waits for its turn holds twice as many.
const LARGE_OCTETS: u64 = 16 * 1024;
/// Large messages that are received at the same time without waiting.
const LARGE_MAX: usize = 20;
/// How long a large message waits for one before it to be done. Slow peers must not keep others out, so it goes on then in any case.
const LARGE_WAIT: Duration = Duration::from_secs(2);

/// Octets that messages under way may hold in memory, together. Up to its limit nobody is refused, but large messages queue up:
/// two hundred peers that send 500 KB each at the same time are served no slower one after the other, and a third of the memory does.
#[derive(Debug)]
pub struct Memory {
    max: u64,
    used: AtomicU64,
    large: Arc<Semaphore>,
}

/// A part of [`Memory`], given back when dropped.
#[derive(Debug)]
pub struct Share {
    memory: Arc<Memory>,
    octets: u64,
    turn: Turn,
}

#[derive(Debug)]
enum Turn {
    /// Not large so far.
    Small,
    Held(#[allow(dead_code, reason = "given back when dropped")] OwnedSemaphorePermit),
    /// Waited long enough.
    Without,
}

impl Memory {
    pub fn new(max: u64) -> Arc<Memory> {
        Arc::new(Memory { max, used: AtomicU64::new(0), large: Arc::new(Semaphore::new(LARGE_MAX)) })
    }

    /// `None` when it does not fit now.
    pub fn share(self: &Arc<Memory>, octets: u64) -> Option<Share> {
        let mut share = Share { memory: self.clone(), octets: 0, turn: Turn::Small };
        share.grow_to(octets).then_some(share)
    }

    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

impl Share {
    /// Makes the share at least this large; false, and unchanged, when it does not fit now.
    pub fn grow_to(&mut self, octets: u64) -> bool {
        let more = octets.saturating_sub(self.octets);
        let fits = |used: u64| used.checked_add(more).filter(|sum| *sum <= self.memory.max);
        if more > 0 && self.memory.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            return false;
        }
        self.octets += more;
        true
    }

    /// Waits, once and not for ever, when the message has become large and many large ones are under way.
    pub async fn turn(&mut self, octets: u64) {
        if octets > LARGE_OCTETS && matches!(self.turn, Turn::Small) {
            let waited = tokio::time::timeout(LARGE_WAIT, self.memory.large.clone().acquire_owned()).await;
            self.turn = waited.ok().and_then(Result::ok).map_or(Turn::Without, Turn::Held);
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.octets, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn admission(open: usize, per_address: usize, per_minute: u32) -> Arc<Admission> {
        Admission::new(&LimitSettings {
            connections_max: open,
            connections_per_address_max: per_address,
            connections_per_minute_max: per_minute,
            ..LimitSettings::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn places_are_counted_in_all_and_per_address_and_given_back() {
        let (admission, now) = (admission(3, 2, 100), Instant::now());
        let first = admission.enter(ip("192.0.2.1"), now).expect("free");
        let _second = admission.enter(ip("192.0.2.1"), now).expect("free");
        assert_eq!(admission.enter(ip("192.0.2.1"), now).err(), Some(Refusal::AddressFull));
        let _third = admission.enter(ip("192.0.2.2"), now).expect("free");
        assert_eq!(admission.enter(ip("192.0.2.3"), now).err(), Some(Refusal::Full));
        drop(first);
        assert_eq!(admission.open(), 2);
        assert!(admission.enter(ip("192.0.2.1"), now).is_ok());
    }

    #[test]
    fn an_ipv6_network_of_64_bits_is_one_address() {
        let (admission, now) = (admission(10, 1, 100), Instant::now());
        let _held = admission.enter(ip("2001:db8::1"), now).expect("free");
        assert_eq!(admission.enter(ip("2001:db8::ffff:2"), now).err(), Some(Refusal::AddressFull));
        assert!(admission.enter(ip("2001:db8:0:1::1"), now).is_ok());
        let _mapped = admission.enter(ip("::ffff:192.0.2.1"), now).expect("free");
        assert_eq!(admission.enter(ip("192.0.2.1"), now).err(), Some(Refusal::AddressFull), "a mapped address is its IPv4 one");
    }

    #[test]
    fn connections_come_at_a_rate_that_refills() {
        let (admission, now) = (admission(100, 100, 60), Instant::now());
        for _ in 0..60 {
            drop(admission.enter(ip("192.0.2.1"), now).expect("within the burst"));
            drop(admission.enter(ip("10.0.0.1"), now).expect("near"));
        }
        assert_eq!(admission.enter(ip("192.0.2.1"), now).err(), Some(Refusal::TooFast));
        assert!(admission.enter(ip("10.0.0.1"), now).is_ok(), "near addresses have no rate");
        assert!(admission.enter(ip("192.0.2.1"), now + Duration::from_millis(1_100)).is_ok());
    }

    #[test]
    fn guesses_from_one_address_run_out_for_an_hour() {
        let guesses = Guesses::new(&LimitSettings { sign_in_failures_per_address_max: 2, ..LimitSettings::default() });
        let now = Instant::now();
        guesses.failed(ip("192.0.2.1"), now);
        assert!(!guesses.is_exhausted(ip("192.0.2.1"), now));
        guesses.failed(ip("192.0.2.1"), now);
        assert!(guesses.is_exhausted(ip("192.0.2.1"), now));
        assert!(!guesses.is_exhausted(ip("192.0.2.2"), now));
        let later = now + GUESSES_KEPT;
        assert!(!guesses.is_exhausted(ip("192.0.2.1"), later));
        guesses.failed(ip("192.0.2.1"), later);
        assert!(!guesses.is_exhausted(ip("192.0.2.1"), later), "the count begins anew");
    }

    #[tokio::test]
    async fn large_messages_take_turns() {
        let memory = Memory::new(u64::MAX);
        let mut shares: Vec<Share> = (0..LARGE_MAX + 1).filter_map(|_| memory.share(0)).collect();
        let (mut last, large) = (shares.pop().expect("made above"), LARGE_OCTETS + 1);
        for share in &mut shares {
            assert!(share.turn(large).now_or_never().is_some(), "the first ones do not wait");
            assert!(share.turn(large + 1).now_or_never().is_some(), "and only ever once");
        }
        assert!(last.turn(LARGE_OCTETS).now_or_never().is_some(), "small ones do not wait");
        assert!(last.turn(large).now_or_never().is_none(), "the next large one does");
        shares.pop();
        assert!(last.turn(large).now_or_never().is_some(), "until one is done");
    }

    #[test]
    fn memory_is_shared_and_given_back() {
        let memory = Memory::new(100);
        let mut one = memory.share(60).expect("fits");
        assert!(memory.share(41).is_none());
        let two = memory.share(40).expect("fits");
        assert!(!one.grow_to(61));
        drop(two);
        assert!(one.grow_to(100));
        assert_eq!(memory.used(), 100);
        drop(one);
        assert_eq!(memory.used(), 0);
        assert!(memory.share(u64::MAX).is_none());
    }
}
