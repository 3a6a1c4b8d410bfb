//! Packets out of what a socket delivers.

use bytes::{Buf, Bytes, BytesMut};

/// Postfix sends a header as a whole, up to `header_size_limit` (102,400 octets), and body in pieces of up to 65,535.
pub const PACKET_OCTETS_MAX: usize = 1 << 20;
const LENGTH_OCTETS: usize = 4;

/// One packet: which command, and its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    pub command: u8,
    pub data: Bytes,
}

/// The other end does not speak this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    #[error("a packet of no octets")]
    Empty,
    #[error("a packet of {0} octets; {PACKET_OCTETS_MAX} are the most")]
    TooLong(u32),
    #[error("the data of command {:?} are malformed: {what}", char::from(*command))]
    Malformed { command: u8, what: &'static str },
    #[error("version {0} of the protocol is older than any we speak")]
    Version(u32),
}

/// Buffer and position of one connection.
#[derive(Debug, Default)]
pub struct PacketReader {
    buffer: BytesMut,
}

impl PacketReader {
    /// Where to read the socket into.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next packet, if it is all there.
    /// # Errors
    /// The length cannot be right; nothing that follows can be understood.
    pub fn next_packet(&mut self) -> Result<Option<Packet>, PacketError> {
        let Some(length) = self.buffer.first_chunk::<LENGTH_OCTETS>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length);
        if length == 0 {
            return Err(PacketError::Empty);
        }
        let octets = usize::try_from(length).ok().filter(|octets| *octets <= PACKET_OCTETS_MAX).ok_or(PacketError::TooLong(length))?;
        if self.buffer.len() < LENGTH_OCTETS + octets {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_OCTETS);
        let mut data = self.buffer.split_to(octets).freeze();
        Ok(Some(Packet { command: data.get_u8(), data }))
    }

    /// Octets of a packet that began and did not end yet.
    pub fn is_within(&self) -> bool {
        !self.buffer.is_empty()
    }
}
