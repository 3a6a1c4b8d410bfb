//! Sending a message after DATA: dots stuffed, lines ended in CRLF (RFC 5321 §4.5.2).
//!
//! In: the message in any pieces. Out: octets for the wire, with the final CRLF "." CRLF.
//! Invariant: between `354` and the end we write, no receiver sees an end, however careless: every line end is CRLF, every
//! dot that begins a line is doubled, and NULs that begin a line are left out.

use memchr::memchr2;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    Text,
    /// A CR of the message: its line end is written already, an LF that follows is part of it.
    Cr,
}

/// Stuffs one message. `DotStuffer::new()`, [`DotStuffer::push`] for each piece, [`DotStuffer::finish`] once.
#[derive(Debug)]
pub struct DotStuffer {
    at: At,
}

impl Default for DotStuffer {
    fn default() -> DotStuffer {
        DotStuffer::new()
    }
}

impl DotStuffer {
    pub fn new() -> DotStuffer {
        DotStuffer { at: At::LineStart }
    }

    /// Appends the wire form of `piece` to `wire`. A bare CR or LF becomes CRLF: mail that came by SMTP has none, what we make
    /// or read from a folder might.
    pub fn push(&mut self, piece: &[u8], wire: &mut Vec<u8>) {
        wire.reserve(piece.len() + piece.len() / 64 + 8);
        let mut rest = piece;
        while let Some(first) = rest.first() {
            match (self.at, first) {
                (At::Cr, b'\n') => {
                    self.at = At::LineStart;
                    rest = &rest[1..];
                }
                (At::Cr, _) => self.at = At::LineStart,
                (At::LineStart, 0) => rest = &rest[1..],
                (At::LineStart, b'.') => {
                    wire.extend_from_slice(b"..");
                    self.at = At::Text;
                    rest = &rest[1..];
                }
                _ => rest = self.push_line(rest, wire),
            }
        }
    }

    /// Appends the last line end if it is missing, and the end of data.
    pub fn finish(self, wire: &mut Vec<u8>) {
        if self.at == At::Text {
            wire.extend_from_slice(b"\r\n");
        }
        wire.extend_from_slice(b".\r\n");
    }

    /// The common case: clean lines are appended together, up to one that needs a change.
    fn push_line<'a>(&mut self, text: &'a [u8], wire: &mut Vec<u8>) -> &'a [u8] {
        let mut at = 0;
        loop {
            let Some(found) = memchr2(b'\r', b'\n', &text[at..]) else {
                wire.extend_from_slice(text);
                self.at = At::Text;
                return &[];
            };
            at += found;
            if text[at] == b'\r' && text.get(at + 1) == Some(&b'\n') {
                at += 2;
                if text.get(at).is_some_and(|next| !matches!(next, b'.' | 0)) {
                    continue;
                }
                wire.extend_from_slice(&text[..at]);
                self.at = At::LineStart;
                return &text[at..];
            }
            wire.extend_from_slice(&text[..at]);
            wire.extend_from_slice(b"\r\n");
            self.at = if text[at] == b'\r' { At::Cr } else { At::LineStart };
            return &text[at + 1..];
        }
    }
}

/// The whole wire form of `message`, with the end of data.
pub fn dot_stuff(message: &[u8], wire: &mut Vec<u8>) {
    let mut stuffer = DotStuffer::new();
    stuffer.push(message, wire);
    stuffer.finish(wire);
}
