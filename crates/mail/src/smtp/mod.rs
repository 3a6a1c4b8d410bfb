//! SMTP grammar, both sides: commands, replies, end of data, BDAT, PROXY protocol, XCLIENT. No I/O.

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
    Bdat { octets: u64, last: bool },
    Rset,
    Noop,
    Quit,
    Vrfy(String),
    Expn(String),
    Help,
    StartTls,
    Auth { mechanism: String, initial: Option<String> },
    Xclient(Vec<(String, String)>),
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
    pub address: Address,
    pub notify: Notify,
    pub orcpt: Option<String>,
}

/// One reply: code, enhanced status (RFC 3463), text. Written as one or more lines, each at most 512 octets.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reply {
    pub code: u16,
    pub status: Option<(u8, u16, u16)>,
    /// Lines of text without CR or LF; never empty.
    pub text: Vec<String>,
}

impl Reply {
    /// A reply of one line, such as `Reply::new(550, (5, 4, 1), "Recipient address rejected: Access denied")`.
    pub fn new(code: u16, status: (u8, u16, u16), text: impl Into<String>) -> Reply {
        Reply { code, status: Some(status), text: vec![text.into()] }
    }

    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// 4yz.
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.code)
    }
}

/// Why a command was not understood; `reply` is what the peer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandError {
    pub reply: Reply,
}

/// Reads one command line, without its CRLF.
pub fn parse_command(_line: &[u8]) -> Result<Command, CommandError> {
    unimplemented!()
}
