//! The message in counted chunks (RFC 3030 §2).
//!
//! In: what `BDAT n [LAST]` announced, then octets. Out: the union of the chunks, checked like [`super::DataReader`]'s: a message
//! that could smuggle when it goes on by DATA is refused, wherever its chunks were cut.

use super::data::{DataError, Fed, Store};
use memchr::memchr2;

/// Reads one message over several BDAT commands.
#[derive(Debug)]
pub struct BdatReader {
    store: Store,
    /// Octets of the current chunk still to come.
    missing: u64,
    line: Line,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Start,
    Text,
    Cr,
    /// Only NULs and at most one dot so far.
    Lone {
        has_nul: bool,
        has_dot: bool,
    },
    LoneCr {
        is_lure: bool,
    },
}

impl BdatReader {
    pub fn new(size: Option<u64>, octets_max: u64) -> BdatReader {
        BdatReader { store: Store::new(size, octets_max), missing: 0, line: Line::Start }
    }

    /// A BDAT command came. Its chunk is complete at once when `octets` is 0.
    pub fn begin(&mut self, octets: u64) -> Fed {
        self.missing = octets;
        Fed { used: 0, is_done: octets == 0 }
    }

    /// Takes octets of the current chunk; `is_done` says the chunk is complete.
    pub fn feed(&mut self, chunk: &[u8]) -> Fed {
        let used = usize::try_from(self.missing).unwrap_or(usize::MAX).min(chunk.len());
        self.missing -= used as u64;
        self.check(&chunk[..used]);
        self.store.keep(&chunk[..used]);
        Fed { used, is_done: self.missing == 0 }
    }

    /// Octets of the message so far, stored or not.
    pub fn octets(&self) -> u64 {
        self.store.octets()
    }

    /// After the chunk with LAST: the message, or why it is refused.
    pub fn finish(mut self) -> Result<Vec<u8>, DataError> {
        match self.line {
            Line::Cr | Line::LoneCr { .. } => self.store.refuse(DataError::BareLineEnd),
            // The sender's CRLF "." CRLF would follow, and make it the end a careless server sees.
            Line::Lone { has_nul: true, has_dot: true } => self.store.refuse(DataError::Nul),
            _ => {}
        }
        self.store.finish()
    }

    fn check(&mut self, chunk: &[u8]) {
        let mut at = 0;
        while at < chunk.len() {
            if self.line != Line::Text {
                at += self.one(chunk[at]);
                continue;
            }
            let Some(found) = memchr2(b'\r', b'\n', &chunk[at..]) else { return };
            at += found;
            if chunk[at] == b'\n' {
                self.store.refuse(DataError::BareLineEnd);
                at += 1;
            } else if chunk.get(at + 1) == Some(&b'\n') {
                self.line = Line::Start;
                at += 2;
            } else {
                self.line = Line::Cr;
                at += 1;
            }
        }
    }

    /// One octet where lines begin or end; 0 when it is to be looked at again, as text.
    fn one(&mut self, octet: u8) -> usize {
        self.line = match (self.line, octet) {
            (Line::Start, 0) => Line::Lone { has_nul: true, has_dot: false },
            (Line::Start, b'.') => Line::Lone { has_nul: false, has_dot: true },
            (Line::Lone { has_dot, .. }, 0) => Line::Lone { has_nul: true, has_dot },
            (Line::Lone { has_nul, has_dot: false }, b'.') => Line::Lone { has_nul, has_dot: true },
            (Line::Lone { has_nul, has_dot }, b'\r') => Line::LoneCr { is_lure: has_nul && has_dot },
            (Line::Cr, b'\n') => Line::Start,
            (Line::LoneCr { is_lure }, b'\n') => {
                if is_lure {
                    self.store.refuse(DataError::Nul);
                }
                Line::Start
            }
            (before, _) => {
                if matches!(before, Line::Cr | Line::LoneCr { .. }) {
                    self.store.refuse(DataError::BareLineEnd);
                }
                self.line = Line::Text;
                return 0;
            }
        };
        1
    }
}
