//! One mail on its way to us: the message as the client sent it, put together again from header fields and pieces of body.

use crate::connection::limits::{Memory, Share};
use bytes::Bytes;
use mail::smtp::Reply;
use mail::{Envelope, Peer};
use std::sync::Arc;

/// Memory is asked for in steps of this.
const SHARE_STEP_OCTETS: u64 = 64 << 10;

/// From MAIL to the end of the message.
pub(super) struct Incoming {
    pub peer: Peer,
    pub envelope: Envelope,
    /// For each recipient, how the server names it; more than once when it was named more than once.
    pub paths: Vec<Vec<String>>,
    octets: Vec<u8>,
    is_body: bool,
    octets_max: u64,
    share: Option<Share>,
    memory: Arc<Memory>,
    /// Why the message is not kept any more.
    trouble: Option<Reply>,
}

/// A whole mail.
pub(super) struct Arrival {
    pub peer: Peer,
    pub envelope: Envelope,
    pub paths: Vec<Vec<String>>,
    pub octets: Bytes,
    /// Given back with the mail.
    pub _share: Option<Share>,
}

impl Incoming {
    pub fn new(peer: Peer, envelope: Envelope, (octets_max, memory): (u64, Arc<Memory>)) -> Incoming {
        let paths = Vec::new();
        Incoming { peer, envelope, paths, octets: Vec::new(), is_body: false, octets_max, share: None, memory, trouble: None }
    }

    /// One field. `is_spaced`: the value begins with the space that the client wrote, or without if it wrote none.
    pub fn header(&mut self, name: &[u8], value: &[u8], is_spaced: bool) {
        if !self.has_room(name.len() + value.len() * 2 + 4) {
            return;
        }
        self.octets.extend_from_slice(name);
        self.octets.extend_from_slice(if is_spaced { b":" } else { b": " });
        for (n, line) in value.split(|octet| *octet == b'\n').enumerate() {
            if n > 0 {
                self.octets.extend_from_slice(b"\r\n");
            }
            self.octets.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        }
        self.octets.extend_from_slice(b"\r\n");
    }

    pub fn body(&mut self, octets: &[u8]) {
        if octets.is_empty() || !self.has_room(octets.len() + 2) {
            return;
        }
        if !std::mem::replace(&mut self.is_body, true) {
            self.octets.extend_from_slice(b"\r\n");
        }
        self.octets.extend_from_slice(octets);
    }

    /// Room for so many octets more; where there is none, what came is forgotten and the message will be refused.
    fn has_room(&mut self, more: usize) -> bool {
        if self.trouble.is_some() {
            return false;
        }
        let wanted = (self.octets.len() + more) as u64;
        let trouble = if wanted > self.octets_max.saturating_add(SHARE_STEP_OCTETS) {
            Some(too_large(self.octets_max))
        } else if !self.grow(wanted.next_multiple_of(SHARE_STEP_OCTETS)) {
            Some(Reply::new(452, (4, 3, 1), "Too many messages at once, try again later"))
        } else {
            None
        };
        if trouble.is_some() {
            (self.octets, self.share, self.trouble) = (Vec::new(), None, trouble);
        }
        self.trouble.is_none()
    }

    fn grow(&mut self, octets: u64) -> bool {
        match &mut self.share {
            Some(share) => share.grow_to(octets),
            None => {
                self.share = self.memory.share(octets);
                self.share.is_some()
            }
        }
    }

    /// The message is complete.
    /// # Errors
    /// The reply for the client, when it cannot be taken.
    pub fn finish(mut self) -> Result<Arrival, Reply> {
        if let Some(reply) = self.trouble.take() {
            return Err(reply);
        }
        if !self.is_body {
            self.octets.extend_from_slice(b"\r\n");
        }
        if self.octets.len() as u64 > self.octets_max {
            return Err(too_large(self.octets_max));
        }
        if self.envelope.recipients.is_empty() {
            return Err(Reply::new(554, (5, 5, 1), "No valid recipients"));
        }
        let Incoming { peer, envelope, paths, octets, share, .. } = self;
        Ok(Arrival { peer, envelope, paths, octets: octets.into(), _share: share })
    }
}

/// RFC 1870 §6.2.
fn too_large(max: u64) -> Reply {
    Reply::new(552, (5, 3, 4), format!("Messages may have {max} octets here"))
}
