//! Identifiers made by us: time-ordered, 63 bit, printed with a letter.
//!
//! Layout: 42 bits of Unix milliseconds, 5 bits of node, 16 bits of sequence. Sorting by id sorts by time, so primary
//! keys append at the end of their index.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

const NODE_BITS: u32 = 5;
const SEQUENCE_BITS: u32 = 16;

/// Makes identifiers that never repeat on this node, also when the clock steps back.
#[derive(Debug)]
pub struct IdMaker {
    node: u64,
    last: AtomicU64,
}

impl IdMaker {
    /// `node` is 0 to 31 and differs between the nodes that share a database.
    pub fn new(node: u8) -> IdMaker {
        IdMaker { node: u64::from(node) & ((1 << NODE_BITS) - 1), last: AtomicU64::new(0) }
    }

    /// The next identifier for a mail, request or event that exists since `now_ms` (Unix milliseconds).
    pub fn next(&self, now_ms: i64) -> i64 {
        let floor = (now_ms.max(0) as u64) << SEQUENCE_BITS;
        // `last` holds time and sequence without the node, so that a full sequence spills into the next millisecond.
        let mut seen = self.last.load(Ordering::Relaxed);
        loop {
            let next = floor.max(seen + 1);
            match self.last.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => {
                    let (time, sequence) = (next >> SEQUENCE_BITS, next & ((1 << SEQUENCE_BITS) - 1));
                    let id = (time << (NODE_BITS + SEQUENCE_BITS)) | (self.node << SEQUENCE_BITS) | sequence;
                    return (id & i64::MAX as u64) as i64;
                }
                Err(now) => seen = now,
            }
        }
    }
}

/// The text is not an identifier of this kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{text}” is not an identifier that starts with “{letter}” and goes on in digits and lower-case letters")]
pub struct IdError {
    text: String,
    letter: char,
}

const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz"; // Crockford's alphabet: no i, l, o, u

fn print(letter: char, number: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [0u8; 13];
    let mut rest = number as u64;
    for slot in text.iter_mut().rev() {
        *slot = DIGITS[(rest & 31) as usize];
        rest >>= 5;
    }
    write!(f, "{letter}{}", std::str::from_utf8(&text).unwrap_or_default())
}

fn parse(letter: char, text: &str) -> Result<i64, IdError> {
    let wrong = || IdError { text: text.chars().take(40).collect(), letter };
    let digits = text.strip_prefix(letter).ok_or_else(wrong)?;
    if digits.len() != 13 {
        return Err(wrong());
    }
    let mut number: u64 = 0;
    for byte in digits.bytes() {
        let digit = DIGITS.iter().position(|d| *d == byte).ok_or_else(wrong)?;
        if number >> 59 != 0 {
            return Err(wrong());
        }
        number = (number << 5) | digit as u64;
    }
    i64::try_from(number).map_err(|_| wrong())
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $letter:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                print($letter, self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<$name, IdError> {
                parse($letter, text).map($name)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

identifier!(
    /// A report of another server about mail.
    MailReportId, 'b'
);
identifier!(
    /// One accepted transaction.
    MailId, 'm'
);
identifier!(
    /// One organisation.
    OrgId, 'o'
);
identifier!(
    /// One trace event.
    EventId, 'e'
);
identifier!(
    /// What one person said of one message.
    ReportId, 'f'
);
identifier!(
    /// Somebody who can sign in.
    PersonId, 'p'
);
identifier!(
    /// One line of the audit log.
    AuditId, 'a'
);
identifier!(
    /// One allow or block entry.
    EntryId, 'l'
);
identifier!(
    /// One mail flow rule.
    RuleId, 'u'
);
identifier!(
    /// What somebody is about to save, and what it would have done.
    DraftId, 'w'
);
identifier!(
    /// Somebody outside asks to look again at what was refused.
    SecondLookId, 's'
);
identifier!(
    /// Mail that is taken out of mailboxes, once.
    RemovalId, 'x'
);
identifier!(
    /// One API token.
    TokenId, 't'
);
identifier!(
    /// One entry of the phone directory.
    PhoneId, 'n'
);
identifier!(
    /// One service request.
    RequestId, 'r'
);
identifier!(
    /// One thing that happened to a service request.
    RequestEventId, 'v'
);
identifier!(
    /// One file of a service request.
    FileId, 'd'
);
identifier!(
    /// What an organisation lets support see.
    ConsentId, 'c'
);
identifier!(
    /// A change that support proposes.
    ProposalId, 'j'
);
identifier!(
    /// A solution that everybody may read.
    SolutionId, 'y'
);
identifier!(
    /// One version of a support plan.
    PlanId, 'h'
);
identifier!(
    /// Words and steps that support uses again.
    SavedReplyId, 'k'
);
identifier!(
    /// Hours of advice that were bought or used.
    AdvisoryId, 'g'
);
identifier!(
    /// One planned health check of an organisation.
    CheckupId, 'z'
);
identifier!(
    /// Somebody who wants to be called.
    CallBackId, 'q'
);
identifier!(
    /// What somebody wrote in the community.
    PostId, 'i'
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_unique_and_ordered_when_the_clock_steps_back() {
        let maker = IdMaker::new(3);
        let mut last = 0;
        for now_ms in [1_000, 1_000, 999, 1_001, 5] {
            for _ in 0..70_000 {
                let id = maker.next(now_ms);
                assert!(id > last, "{id} after {last}");
                last = id;
            }
        }
    }

    #[test]
    fn printed_identifiers_read_back_and_nothing_else_does() {
        for number in [0, 1, 1_795_000_000_000 << 21, i64::MAX] {
            assert_eq!(MailId(number).to_string().parse(), Ok(MailId(number)));
        }
        for text in ["", "m", "m0", "o0000000000000", "m000000000000u", "m0000000000000 ", "mzzzzzzzzzzzzz"] {
            assert!(text.parse::<MailId>().is_err(), "{text}");
        }
    }
}
