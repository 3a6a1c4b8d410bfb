//! The message after DATA, and where it ends (RFC 5321 §4.1.1.4, §4.5.2).
//!
//! In: octets as they arrive. Out: the message with dots unstuffed, its last CRLF kept; or why it must be refused.
//! Invariant: only CRLF "." CRLF ends data. A bare CR or LF anywhere, or a NUL around a lone dot, is never an end and never
//! repaired: the message is read to its true end and then refused (`550 5.6.11`), because the next server might see an
//! end there ("SMTP smuggling", CERT VU#302671).

use memchr::memchr2;

/// What the client announces with SIZE is reserved at once only up to here; the rest grows as octets arrive.
const RESERVED_OCTETS_MAX: u64 = 1 << 20;
const RESERVED_OCTETS_DEFAULT: u64 = 16 << 10;

/// Why a message that was read to its end cannot be taken. When several hold, the first of this order is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum DataError {
    /// A CR without LF or an LF without CR: `550 5.6.11`.
    #[error("a line ends in a bare CR or LF")]
    BareLineEnd,
    /// A line of NULs and one dot, which a careless server takes for the end: `550 5.6.11`.
    #[error("a NUL stands around a lone dot")]
    Nul,
    /// `552 5.3.4`.
    #[error("the message is larger than {octets_max} octets")]
    TooBig { octets_max: u64 },
}

/// What one [`DataReader::feed`] or [`super::BdatReader::feed`] took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    /// Octets of the chunk that belong to the message and its end; the rest are the next commands.
    pub used: usize,
    pub is_done: bool,
}

/// Where we stand in a line. Names say what the last octets were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    Text,
    /// A CR that is not yet a line end.
    Cr,
    /// The dot that began the line; it is not stored.
    Dot,
    DotCr,
    /// Only NULs and at most one dot so far, at least one NUL.
    Nuls {
        has_dot: bool,
    },
    NulsCr {
        has_dot: bool,
    },
    End,
}

/// Reads the octets after `354`. Feed chunks until `is_done`, then call [`DataReader::finish`].
#[derive(Debug)]
pub struct DataReader {
    at: At,
    store: Store,
}

impl DataReader {
    /// `size` is what MAIL announced; `octets_max` the most we take (as unstuffed).
    pub fn new(size: Option<u64>, octets_max: u64) -> DataReader {
        DataReader { at: At::LineStart, store: Store::new(size, octets_max) }
    }

    /// Takes octets up to the end of data at most.
    pub fn feed(&mut self, chunk: &[u8]) -> Fed {
        let mut cursor = Cursor { chunk, at: 0, keep_from: 0 };
        while cursor.at < chunk.len() && self.at != At::End {
            self.at = if self.at == At::Text { self.text(&mut cursor) } else { self.one(&mut cursor) };
        }
        if self.at != At::End {
            self.store.keep(&chunk[cursor.keep_from..]);
        }
        Fed { used: cursor.at, is_done: self.at == At::End }
    }

    /// Octets of the message so far, stored or not; a session that has had enough of them may hang up.
    pub fn octets(&self) -> u64 {
        self.store.octets
    }

    /// The message, or why it is refused. Before `is_done` it gives what there is.
    pub fn finish(self) -> Result<Vec<u8>, DataError> {
        self.store.finish()
    }

    /// The common case: runs to the next CR or LF without looking at single octets.
    fn text(&mut self, cursor: &mut Cursor<'_>) -> At {
        let rest = &cursor.chunk[cursor.at..];
        let Some(found) = memchr2(b'\r', b'\n', rest) else {
            cursor.at = cursor.chunk.len();
            return At::Text;
        };
        cursor.at += found + 1;
        if rest[found] == b'\n' {
            self.store.refuse(DataError::BareLineEnd);
            return At::Text;
        }
        match rest.get(found + 1) {
            Some(b'\n') => {
                cursor.at += 1;
                At::LineStart
            }
            _ => At::Cr,
        }
    }

    /// One octet where lines begin or end.
    fn one(&mut self, cursor: &mut Cursor<'_>) -> At {
        let octet = cursor.chunk[cursor.at];
        let next = match (self.at, octet) {
            (At::LineStart, b'.') => {
                self.store.keep(&cursor.chunk[cursor.keep_from..cursor.at]);
                cursor.keep_from = cursor.at + 1;
                At::Dot
            }
            (At::LineStart, 0) => At::Nuls { has_dot: false },
            (At::Dot, b'\r') => {
                cursor.keep_from = cursor.at + 1; // part of the end, or of a message that is refused
                At::DotCr
            }
            (At::Dot, 0) => At::Nuls { has_dot: true },
            (At::DotCr, b'\n') => At::End,
            (At::Cr, b'\n') => At::LineStart,
            (At::Nuls { has_dot }, 0) => At::Nuls { has_dot },
            (At::Nuls { has_dot: false }, b'.') => At::Nuls { has_dot: true },
            (At::Nuls { has_dot }, b'\r') => At::NulsCr { has_dot },
            (At::NulsCr { has_dot }, b'\n') => {
                if has_dot {
                    self.store.refuse(DataError::Nul);
                }
                At::LineStart
            }
            (At::Cr | At::DotCr | At::NulsCr { .. }, _) => {
                self.store.refuse(DataError::BareLineEnd);
                return At::Text; // the octet is looked at again, as text
            }
            _ => return At::Text,
        };
        cursor.at += 1;
        next
    }
}

/// A chunk, how far it was read, and from where it is still to be stored.
struct Cursor<'a> {
    chunk: &'a [u8],
    at: usize,
    keep_from: usize,
}

/// The octets kept so far. Once they are of no use they are dropped and only counted.
#[derive(Debug)]
pub(super) struct Store {
    kept: Vec<u8>,
    octets: u64,
    octets_max: u64,
    why: Option<DataError>,
}

impl Store {
    pub(super) fn new(size: Option<u64>, octets_max: u64) -> Store {
        let reserve = size.unwrap_or(RESERVED_OCTETS_DEFAULT).min(octets_max).min(RESERVED_OCTETS_MAX);
        Store { kept: Vec::with_capacity(reserve as usize), octets: 0, octets_max, why: None }
    }

    pub(super) fn keep(&mut self, octets: &[u8]) {
        self.octets = self.octets.saturating_add(octets.len() as u64);
        if self.octets > self.octets_max {
            self.refuse(DataError::TooBig { octets_max: self.octets_max });
        }
        if self.why.is_none() {
            self.kept.extend_from_slice(octets);
        }
    }

    pub(super) fn refuse(&mut self, why: DataError) {
        self.why = Some(self.why.map_or(why, |earlier| earlier.min(why)));
        self.kept = Vec::new();
    }

    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, DataError> {
        match self.why {
            Some(why) => Err(why),
            None => Ok(self.kept),
        }
    }
}
