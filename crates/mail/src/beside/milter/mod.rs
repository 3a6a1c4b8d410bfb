//! The milter protocol, version 6 and those before it down to 2: what a mail server tells a filter, and what the filter may answer.
//!
//! A packet is four octets of length (big-endian), one octet that names the command, and its data. [`PacketReader`] cuts packets,
//! [`Command::read`] reads them, [`Answer::write_to`] writes ours. Invariant: a packet that lies about its length is an error at once,
//! never a wait or a buffer that grows.

mod answer;
mod command;
mod packet;

pub use answer::{Answer, BODY_CHUNK_OCTETS_MAX};
pub use command::{Command, Family, Offer};
pub use packet::{Packet, PacketError, PacketReader};

/// The newest version of the protocol, and the one we speak.
pub const VERSION: u32 = 6;
/// Before it there was no negotiation of what the filter does.
pub const VERSION_MIN: u32 = 2;

/// What a filter may do with a message (`SMFIF_*`).
pub mod action {
    pub const ADD_HEADERS: u32 = 0x01;
    pub const CHANGE_BODY: u32 = 0x02;
    pub const ADD_RECIPIENTS: u32 = 0x04;
    pub const DELETE_RECIPIENTS: u32 = 0x08;
    pub const CHANGE_HEADERS: u32 = 0x10;
    pub const QUARANTINE: u32 = 0x20;
}

/// What the server leaves out, or need not wait for (`SMFIP_*`).
pub mod step {
    /// No answer to each header.
    pub const NO_REPLY_HEADER: u32 = 0x80;
    /// Unknown commands are not told.
    pub const NO_UNKNOWN: u32 = 0x100;
    /// DATA is not told.
    pub const NO_DATA: u32 = 0x200;
    pub const NO_REPLY_CONNECT: u32 = 0x1000;
    pub const NO_REPLY_HELO: u32 = 0x2000;
    pub const NO_REPLY_END_OF_HEADER: u32 = 0x4_0000;
    pub const NO_REPLY_BODY: u32 = 0x8_0000;
    /// Values of headers keep their leading space, so that signatures over them can be checked.
    pub const LEADING_SPACE: u32 = 0x10_0000;
}
