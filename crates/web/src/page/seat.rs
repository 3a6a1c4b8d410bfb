//! Streams that stay open while somebody looks are counted, so that they cannot be opened without end.

use super::Fault;
use std::sync::atomic::{AtomicUsize, Ordering};

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
