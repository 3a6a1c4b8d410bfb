//! Command lines out of what a socket delivers.
//!
//! In: octets, read straight into [`LineReader::buffer`]. Out: one line at a time, without its CRLF. What follows a line stays in
//! the buffer, so a session sees pipelining, can hand the rest to a [`super::DataReader`] and can refuse octets that were
//! sent ahead of STARTTLS.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

/// What [`LineReader::next_line`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// No line end yet: read more.
    Pending,
    /// One line, without its CRLF. It may hold any other octet.
    Complete(Bytes),
    /// Over the limit: told once (`500 5.5.2`), the rest of the line is skipped.
    TooLong,
    /// An LF without CR. RFC 5321 §2.3.8: it ends no line; a session answers `500 5.5.2` and closes.
    BareLf,
}

/// Buffer and position of one connection.
#[derive(Debug)]
pub struct LineReader {
    buffer: BytesMut,
    /// No LF in the buffer before here.
    searched: usize,
    octets_max: usize,
    is_skipping: bool,
}

impl LineReader {
    /// `octets_max` counts the line with its CRLF.
    pub fn new(octets_max: usize) -> LineReader {
        LineReader { buffer: BytesMut::with_capacity(4 << 10), searched: 0, octets_max, is_skipping: false }
    }

    /// Where to read the socket into.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Octets that arrived and were not taken.
    pub fn waiting(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes `octets` off the front, after a data reader used them.
    pub fn advance(&mut self, octets: usize) {
        self.buffer.advance(octets.min(self.buffer.len()));
        self.searched = 0;
    }

    /// Forgets what arrived; the number of octets says whether there was any (RFC 3207 §4.2: nothing survives STARTTLS).
    pub fn discard(&mut self) -> usize {
        let octets = self.buffer.len();
        self.advance(octets);
        self.is_skipping = false;
        octets
    }

    /// The next line, if it is all there.
    pub fn next_line(&mut self) -> Line {
        loop {
            let Some(found) = memchr(b'\n', &self.buffer[self.searched..]) else { return self.pending() };
            let end = self.searched + found;
            let has_cr = end > 0 && self.buffer[end - 1] == b'\r';
            let mut line = self.buffer.split_to(end + 1);
            self.searched = 0;
            if std::mem::take(&mut self.is_skipping) {
                continue; // the tail of a line that was told to be too long
            }
            if !has_cr {
                return Line::BareLf;
            }
            if line.len() > self.octets_max {
                return Line::TooLong;
            }
            line.truncate(end - 1);
            return Line::Complete(line.freeze());
        }
    }

    fn pending(&mut self) -> Line {
        self.searched = self.buffer.len();
        if self.buffer.len() < self.octets_max {
            return Line::Pending;
        }
        self.buffer.clear();
        self.searched = 0;
        if std::mem::replace(&mut self.is_skipping, true) { Line::Pending } else { Line::TooLong }
    }
}
