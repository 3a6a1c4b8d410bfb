//! What a large message needs on the disk, made ready while it still comes.

use super::Gate;
use crate::queue::INLINE_OCTETS_MAX;
use mail::MailId;
use std::time::{Duration, Instant};
use store::bodies::Reserved;

/// An id that is older than this when its message is whole is not used: lists are in the order of ids, and jobs go on from the last one.
const FRESH_MAX: Duration = Duration::from_secs(2);

/// The id of a mail and, where it is large, its file. What is not used goes away with it.
pub struct Room {
    pub(super) id: MailId,
    made: Instant,
    _file: Option<Reserved>,
}

impl Gate {
    /// A message has begun to come of which so many octets are here: room for it, once it is large.
    pub(super) fn room_ahead(&self, octets: usize) -> Option<Room> {
        (octets > INLINE_OCTETS_MAX).then(|| self.room(octets))
    }

    /// The room of a message of this size that is here: what was made ahead, if it is fresh.
    pub(super) fn room_for(&self, octets: usize, ahead: Option<Room>) -> Room {
        ahead.filter(|room| room.made.elapsed() < FRESH_MAX).unwrap_or_else(|| self.room(octets))
    }

    fn room(&self, octets: usize) -> Room {
        let id = MailId(self.ids.next(self.now_ms()));
        let file = (octets > INLINE_OCTETS_MAX).then(|| self.bodies.reserve(&store::bodies::name(id.0)).ok()).flatten();
        Room { id, made: Instant::now(), _file: file }
    }
}
