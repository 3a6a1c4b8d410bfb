//! Server-sent events, which stay open while somebody looks: how they are asked for and answered. They are counted, so that they cannot be
//! opened without end.

use super::Fault;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Whether whoever asks takes events: the script of a page. htmx says so with everything it asks for.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The events as an answer. Something is said at least every `alive_every`, so that both ends know of each other.
pub fn answer(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static, alive_every: Duration) -> Response {
    let mut answer = Sse::new(events).keep_alive(KeepAlive::new().interval(alive_every)).into_response();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would hold it back.
    answer.headers_mut().insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    answer
}

/// Streams of one kind that are open in this process.
pub struct Seats {
    taken: AtomicUsize,
    most: usize,
}

/// Seconds after which whoever found no seat may come back.
const COME_BACK_S: u32 = 60;

impl Seats {
    pub const fn new(most: usize) -> Seats {
        Seats { taken: AtomicUsize::new(0), most }
    }

    /// # Errors
    /// [`Fault::TooMany`] when all are taken.
    pub fn take(&'static self) -> Result<Seat, Fault> {
        let seat = Seat(self);
        match self.taken.fetch_add(1, Ordering::Relaxed) < self.most {
            true => Ok(seat),
            false => Err(Fault::TooMany(COME_BACK_S)),
        }
    }
}

/// Counts an open stream down when it ends, however it ends.
pub struct Seat(&'static Seats);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Seats;

    #[test]
    fn a_seat_is_free_again_once_its_stream_ended() {
        static SEATS: Seats = Seats::new(1);
        let first = SEATS.take();
        assert!(first.is_ok() && SEATS.take().is_err() && SEATS.take().is_err());
        drop(first);
        assert!(SEATS.take().is_ok());
    }
}
