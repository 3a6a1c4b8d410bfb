//! How often one person's programs may ask: a bucket of a minute's requests that fills evenly.
//!
//! Out: `RateLimit-Policy` and `RateLimit` on every answer (draft-ietf-httpapi-ratelimit-headers), 429 with `Retry-After` when the
//! bucket is empty. Invariant: memory is bounded; a bucket that was not used for a minute is full and forgotten. Each server counts
//! for itself. Whoever is not signed in gets nothing here, so nothing is counted.

use crate::App;
use crate::page::Fault;
use crate::people::Person;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use moka::sync::Cache;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// Seconds in which an empty bucket is full again.
const WINDOW_S: u32 = 60;
/// People whose buckets are remembered.
const BUCKETS_MAX: u64 = 10_000;

/// One person's requests.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    left: f64,
    at_ms: i64,
}

/// What one more request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    is_allowed: bool,
    left: u32,
    /// Seconds until the bucket is full; when it is empty, until the next request.
    wait_s: u32,
}

impl Bucket {
    /// Fills up for the time that passed and takes one.
    fn take(&mut self, per_window: u32, now_ms: i64) -> Taken {
        let (size, each_ms) = (f64::from(per_window), f64::from(per_window) / f64::from(WINDOW_S * 1_000));
        let passed_ms = (now_ms - self.at_ms).max(0) as f64;
        self.left = (self.left + passed_ms * each_ms).min(size);
        self.at_ms = now_ms;
        let is_allowed = self.left >= 1.0;
        if is_allowed {
            self.left -= 1.0;
        }
        let missing = if is_allowed { size - self.left } else { 1.0 - self.left };
        Taken { is_allowed, left: self.left as u32, wait_s: (missing / each_ms / 1_000.0).ceil().max(1.0) as u32 }
    }
}

/// The buckets of this server.
#[derive(Clone)]
pub(super) struct Limiter {
    app: App,
    per_window: u32,
    buckets: Cache<i64, Arc<Mutex<Bucket>>>,
}

impl Limiter {
    pub fn new(app: App) -> Limiter {
        let idle = Duration::from_secs(u64::from(WINDOW_S));
        let buckets = Cache::builder().max_capacity(BUCKETS_MAX).time_to_idle(idle).build();
        Limiter { per_window: app.settings.api_per_minute.max(1), app, buckets }
    }

    fn take(&self, person: i64) -> Taken {
        let now_ms = self.app.now_ms();
        let full = || Arc::new(Mutex::new(Bucket { left: f64::from(self.per_window), at_ms: now_ms }));
        let bucket = self.buckets.get_with(person, full);
        bucket.lock().unwrap_or_else(PoisonError::into_inner).take(self.per_window, now_ms)
    }
}

/// Takes one from the person's bucket, or answers 429.
pub(super) async fn limited(State(limiter): State<Limiter>, request: Request, next: Next) -> Response {
    let Some(person) = request.extensions().get::<Person>().map(|person| person.id.0) else { return next.run(request).await };
    let taken = limiter.take(person);
    let mut answer = if taken.is_allowed { next.run(request).await } else { Fault::TooMany(taken.wait_s).into_response() };
    let policy = format!("\"person\";q={};w={WINDOW_S}", limiter.per_window);
    let left = format!("\"person\";r={};t={}", taken.left, taken.wait_s);
    for (name, text) in [(POLICY, policy), (LEFT, left)] {
        answer.headers_mut().extend(HeaderValue::from_str(&text).ok().map(|value| (name, value)));
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let mut bucket = Bucket { left: 2.0, at_ms: 0 };
        for (now_ms, want, why) in [
            (0, (true, 1, 30), "one of two is left, full in half a minute"),
            (0, (true, 0, 60), "none is left"),
            (0, (false, 0, 30), "the next comes after half a minute"),
            (29_000, (false, 0, 1), "a second too early"),
            (30_000, (true, 0, 60), "there it is"),
            (10_000, (false, 0, 30), "a clock that goes back gives nothing"),
            (600_000, (true, 1, 30), "never more than the size"),
        ] {
            let taken = bucket.take(2, now_ms);
            assert_eq!((taken.is_allowed, taken.left, taken.wait_s), want, "{why}");
        }
    }
}
