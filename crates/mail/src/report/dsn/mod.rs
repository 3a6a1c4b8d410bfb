//! Delivery status notifications (RFC 3461, 3462, 3464, 6533) in English and 简体中文.
//!
//! In: [`Notice`], everything that is to be told about one mail to its sender. Out: [`Dsn`], a whole message for the queue.
//! [`parse`] reads those that others send. Text from outside is cut short and cannot add lines.
//! Invariant: the same notice gives the same octets. Not here: whether a notice is owed (`gateway::queue`).

mod cause;
mod parse;
pub mod words;
mod write;

#[cfg(test)]
mod tests;

pub use cause::Cause;
pub use parse::{RECIPIENTS_MAX, Report, ReportedRecipient, parse};
pub use words::Language;
pub use write::build;

use crate::envelope::Ret;
use crate::smtp::Reply;
use crate::{Address, MailId};

/// A message returned in full has at most this many octets; of a longer one the header is returned (RFC 3461 §6.2 lets us).
pub const ORIGINAL_OCTETS_MAX: usize = 256 << 10;
/// Octets of a returned header.
pub const HEADER_OCTETS_MAX: usize = 32 << 10;
/// Characters of a server's answer that are told.
pub const ANSWER_CHARS_MAX: usize = 500;
/// Recipients a person is told of by name; the fields for programs have all.
pub const SHOWN_RECIPIENTS_MAX: usize = 50;

/// What is to be told about one mail.
#[derive(Debug, Clone)]
pub struct Notice<'a> {
    /// Id of the notice itself: its Message-ID and boundary are made of it.
    pub id: MailId,
    /// The mail it is about.
    pub about: MailId,
    pub language: Language,
    /// Our host name, for Reporting-MTA and Message-ID.
    pub host: &'a str,
    /// Who the notice is from, such as `mailer-daemon@mx.example`.
    pub from: &'a Address,
    /// The sender of the mail it is about.
    pub to: &'a Address,
    /// The sender's own mail system takes UTF-8 in headers (its mail came with SMTPUTF8).
    pub smtputf8: bool,
    pub envid: Option<&'a str>,
    /// Unix milliseconds.
    pub arrived_ms: i64,
    pub now_ms: i64,
    pub ret: Option<Ret>,
    /// The mail it is about, as received.
    pub original: &'a [u8],
    /// Not empty; recipients of one notice may differ in what happened.
    pub recipients: &'a [Told<'a>],
}

/// What happened for one recipient.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    pub address: &'a str,
    /// ORCPT as `addr-type;address`, decoded.
    pub orcpt: Option<&'a str>,
    pub outcome: Outcome,
    /// The enhanced status that counts (RFC 3463); of `Delivered` and `Relayed` usually (2, 0, 0).
    pub status: (u8, u16, u16),
    /// The server that answered, and its answer.
    pub remote: Option<(&'a str, &'a Reply)>,
    /// What we know without a server's answer ("connection refused"), in English; for Diagnostic-Code.
    pub note: Option<&'a str>,
    /// Unix milliseconds.
    pub last_attempt_ms: Option<i64>,
}

/// RFC 3464 §2.3.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Failed,
    /// We go on trying until then (Unix milliseconds).
    Delayed {
        until_ms: i64,
    },
    Delivered,
    /// Handed to a server that will not report (RFC 3461 §6.2.3).
    Relayed,
}

impl Outcome {
    fn action(self) -> &'static str {
        match self {
            Outcome::Failed => "failed",
            Outcome::Delayed { .. } => "delayed",
            Outcome::Delivered => "delivered",
            Outcome::Relayed => "relayed",
        }
    }
}

/// A finished notice. It goes out with the null reverse-path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsn {
    pub octets: Vec<u8>,
    /// It has 8-bit octets and needs 8BITMIME.
    pub eight_bit: bool,
    /// It has UTF-8 in headers and needs SMTPUTF8.
    pub smtputf8: bool,
}
