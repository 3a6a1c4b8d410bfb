//! What surrounds a message: who connected, who sends, who shall receive.

use crate::{Address, Message};
use std::net::{IpAddr, SocketAddr};

/// The host on the other end of a connection, as far as we know it at this point of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The address that connected, or the one a trusted proxy named (PROXY protocol, XCLIENT).
    pub ip: IpAddr,
    pub port: u16,
    /// Our end of the connection.
    pub local: SocketAddr,
    /// What the reverse zone says about `ip`.
    pub reverse: Reverse,
    /// Argument of HELO or EHLO, as given (at most 255 octets, no control characters).
    pub helo: String,
    pub esmtp: bool,
    pub tls: Option<Tls>,
    /// Login name after AUTH.
    pub authenticated: Option<String>,
    /// The server that handed the mail over and said that it has it from `ip` (XFORWARD, milter).
    pub via: Option<IpAddr>,
}

impl Peer {
    /// One of whom nothing is known but the address, and that it speaks ESMTP: for mail from files, and tests.
    pub fn at(ip: IpAddr) -> Peer {
        Peer {
            ip,
            port: 0,
            local: (ip, 25).into(),
            reverse: Reverse::NotAsked,
            helo: String::new(),
            esmtp: true,
            tls: None,
            authenticated: None,
            via: None,
        }
    }
}

impl Envelope {
    /// The null reverse-path and nobody yet.
    pub fn empty() -> Envelope {
        Envelope {
            sender: None,
            recipients: Vec::new(),
            smtputf8: false,
            body: BodyType::default(),
            require_tls: false,
            ret: None,
            envid: None,
        }
    }
}

/// What the reverse zone says about an address (RFC 8601 §3 "iprev").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Reverse {
    /// Nobody asked, as for a mail that is read from a file.
    #[default]
    NotAsked,
    /// A name that resolves back to the address.
    Confirmed(String),
    /// There is a name, but it does not lead back to the address.
    Unconfirmed,
    /// DNS knows no name.
    Missing,
    /// DNS did not answer in time.
    Unavailable,
}

impl Reverse {
    /// The confirmed name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Reverse::Confirmed(name) => Some(name),
            _ => None,
        }
    }
}

/// Facts about an encrypted connection, for `Received` and the receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// "TLSv1.3"
    pub version: String,
    /// IANA name of the cipher suite.
    pub cipher: String,
    /// Names of a verified client certificate; empty without one.
    pub client_names: Vec<String>,
}

/// RFC 5321 §2.3.1: what MAIL and RCPT said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `None` is the null reverse-path `<>`.
    pub sender: Option<Address>,
    pub recipients: Vec<EnvelopeRecipient>,
    /// RFC 6531 §3.4: the SMTPUTF8 parameter was given.
    pub smtputf8: bool,
    pub body: BodyType,
    /// RFC 8689: REQUIRETLS was given.
    pub require_tls: bool,
    pub ret: Option<Ret>,
    /// ENVID, decoded from xtext (RFC 3461 §4.4).
    pub envid: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeRecipient {
    pub address: Address,
    pub notify: Notify,
    /// ORCPT as `addr-type;xtext`, decoded (RFC 3461 §4.2).
    pub orcpt: Option<String>,
}

/// RFC 6152 BODY parameter, RFC 3030 for BINARYMIME (which we do not offer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyType {
    #[default]
    SevenBit,
    EightBit,
}

/// RFC 3461 §4.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    Full,
    Headers,
}

/// RFC 3461 §4.1. `Default` is what holds without the parameter: failure and delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notify {
    pub success: bool,
    pub failure: bool,
    pub delay: bool,
    /// NOTIFY was given by the client; otherwise the defaults hold and are not passed on.
    pub given: bool,
}

impl Default for Notify {
    fn default() -> Notify {
        Notify { success: false, failure: true, delay: true, given: false }
    }
}

impl Notify {
    /// NOTIFY=NEVER.
    pub const NEVER: Notify = Notify { success: false, failure: false, delay: false, given: true };
}

/// Everything inspections may look at.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    pub peer: &'a Peer,
    pub envelope: &'a Envelope,
    pub message: &'a Message,
    /// Unix milliseconds.
    pub now_ms: i64,
}
