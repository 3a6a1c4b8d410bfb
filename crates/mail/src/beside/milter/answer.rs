//! What we answer.

use super::command::Offer;
use crate::smtp::Reply;

/// Octets of body in one packet (`MILTER_CHUNK_SIZE`).
pub const BODY_CHUNK_OCTETS_MAX: usize = 65_535;

/// One answer, or one change on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// What we will do, and what need not be told us.
    Negotiate(Offer),
    Continue,
    /// Takes the rest of this mail, or of the connection, without asking us.
    Accept,
    /// Taken and not delivered to anybody; the client reads `250`.
    Discard,
    /// Try again later, in the server's own words.
    TryAgain,
    /// In our words.
    Reply(Reply),
    /// We are still at it: the server begins its wait anew.
    Progress,
    AddRecipient(String),
    DeleteRecipient(String),
    /// Before the field at this place, 0 is the top.
    InsertHeader {
        at: u32,
        name: String,
        value: Vec<u8>,
    },
    /// The `nth` field of this name, from 1; an empty value removes it.
    ChangeHeader {
        nth: u32,
        name: String,
        value: Vec<u8>,
    },
    /// A piece of the body that replaces the old one, at most [`BODY_CHUNK_OCTETS_MAX`].
    Body(Vec<u8>),
}

impl Answer {
    /// Appends the packet. Texts lose what would end them early.
    pub fn write_to(&self, wire: &mut Vec<u8>) {
        match self {
            Answer::Negotiate(offer) => {
                let numbers: Vec<u8> = [offer.version, offer.actions, offer.steps].iter().flat_map(|number| number.to_be_bytes()).collect();
                packet(wire, b'O', &[&numbers]);
            }
            Answer::Continue => packet(wire, b'c', &[]),
            Answer::Accept => packet(wire, b'a', &[]),
            Answer::Discard => packet(wire, b'd', &[]),
            Answer::TryAgain => packet(wire, b't', &[]),
            Answer::Reply(reply) => packet(wire, b'y', &[&reply_text(reply), &[0]]),
            Answer::Progress => packet(wire, b'p', &[]),
            Answer::AddRecipient(address) => packet(wire, b'+', &[&path(address), &[0]]),
            Answer::DeleteRecipient(path) => packet(wire, b'-', &[&plain(path.as_bytes()), &[0]]),
            Answer::InsertHeader { at, name, value } => {
                packet(wire, b'i', &[&at.to_be_bytes(), &plain(name.as_bytes()), &[0], &folded(value), &[0]]);
            }
            Answer::ChangeHeader { nth, name, value } => {
                packet(wire, b'm', &[&nth.to_be_bytes(), &plain(name.as_bytes()), &[0], &folded(value), &[0]]);
            }
            Answer::Body(octets) => packet(wire, b'b', &[&octets[..octets.len().min(BODY_CHUNK_OCTETS_MAX)]]),
        }
    }
}

fn packet(wire: &mut Vec<u8>, command: u8, parts: &[&[u8]]) {
    let octets = 1 + parts.iter().map(|part| part.len()).sum::<usize>();
    wire.extend_from_slice(&u32::try_from(octets).unwrap_or(u32::MAX).to_be_bytes());
    wire.push(command);
    parts.iter().for_each(|part| wire.extend_from_slice(part));
}

/// The reply as the client is to read it, lines ended by CRLF but for the last. Servers take `%` for the start of a format.
fn reply_text(reply: &Reply) -> Vec<u8> {
    let mut octets = Vec::new();
    reply.write_to(&mut octets);
    let lines = octets.strip_suffix(b"\r\n").unwrap_or(&octets);
    lines.iter().flat_map(|octet| std::iter::repeat_n(*octet, if *octet == b'%' { 2 } else { 1 })).collect()
}

fn path(address: &str) -> Vec<u8> {
    [b"<", plain(address.as_bytes()).as_slice(), b">"].concat()
}

/// Without NUL and line ends.
fn plain(octets: &[u8]) -> Vec<u8> {
    octets.iter().copied().filter(|octet| !matches!(octet, 0 | b'\r' | b'\n')).collect()
}

/// A folded value as servers want it: LF between its lines, and every line but the first begins with white space.
fn folded(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for line in value.split(|octet| *octet == b'\n') {
        let line: Vec<u8> = line.iter().copied().filter(|octet| !matches!(octet, 0 | b'\r')).collect();
        if line.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(b'\n');
            if !matches!(line[0], b' ' | b'\t') {
                out.push(b'\t');
            }
        }
        out.extend_from_slice(&line);
    }
    out
}
