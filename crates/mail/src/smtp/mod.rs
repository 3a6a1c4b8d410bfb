//! SMTP grammar, both sides: commands, replies, end of data, BDAT, PROXY protocol, XCLIENT. No I/O.
//!
//! Server side: [`LineReader`] cuts command lines, [`parse_command`] reads them, [`DataReader`] and [`BdatReader`] take the
//! message, [`Reply::write_to`] answers, [`proxy`] and [`xclient`] tell who the client is, [`sasl`] reads credentials.
//! Client side: [`ReplyReader`], [`Capabilities`], [`DotStuffer`]. All are fed with octets as they arrive, in any pieces, and
//! give the same result however the pieces fall. Invariant: nothing but CRLF ends a line, nothing but CRLF.CRLF ends data.
//! Not here: sockets, time-outs, the order of commands (`gateway::session`, `gateway::delivery`).

mod bdat;
mod capabilities;
mod command;
mod data;
mod line;
mod parameter;
pub mod proxy;
mod reply;
mod reply_reader;
pub mod sasl;
mod stuff;
pub mod xclient;
pub mod xforward;
mod xtext;

#[cfg(test)]
mod tests;

pub use bdat::BdatReader;
pub use capabilities::Capabilities;
pub use command::parse_command;
pub use data::{DataError, DataReader, Fed};
pub use line::{Line, LineReader};
pub use reply::{REPLY_LINE_OCTETS_MAX, Reply};
pub(crate) use reply_reader::parse_status;
pub use reply_reader::{ReplyError, ReplyReader};
pub use stuff::{DotStuffer, dot_stuff};
pub use xtext::{decode_xtext, encode_xtext};

use crate::Address;
use crate::envelope::{BodyType, Notify, Ret};

/// RFC 5321 §4.5.3.1.4, and RFC 4954, 3461 and 6531 which lengthen it.
pub const COMMAND_LINE_OCTETS_MAX: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Helo(String),
    Ehlo(String),
    /// Only where the listener speaks LMTP (RFC 2033).
    Lhlo(String),
    Mail(MailFrom),
    Rcpt(RcptTo),
    Data,
    Bdat {
        octets: u64,
        last: bool,
    },
    Rset,
    Noop,
    Quit,
    Vrfy(String),
    Expn(String),
    Help,
    StartTls,
    Auth {
        /// Upper case.
        mechanism: String,
        /// Still base64; `Some("")` is the empty initial response "=" (RFC 4954 §4).
        initial: Option<String>,
    },
    /// Attribute names in upper case, values decoded; [`xclient::Client::read`] gives them meaning.
    Xclient(Vec<(String, String)>),
    /// The same for [`xforward::Forwarded::add`].
    Xforward(Vec<(String, String)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFrom {
    pub sender: Option<Address>,
    pub size: Option<u64>,
    pub body: BodyType,
    pub smtputf8: bool,
    pub require_tls: bool,
    pub ret: Option<Ret>,
    pub envid: Option<String>,
    /// AUTH= of RFC 4954 §5, decoded; kept for the trace only.
    pub auth: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RcptTo {
    /// [`Address::bare_postmaster`] for `RCPT TO:<postmaster>`.
    pub address: Address,
    pub notify: Notify,
    pub orcpt: Option<String>,
}

/// Why a command was not understood; `reply` is what the peer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    pub reply: Reply,
}
