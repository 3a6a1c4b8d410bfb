//! What the mail server tells.

use super::packet::{Packet, PacketError};
use super::{VERSION, VERSION_MIN};
use bytes::Bytes;
use std::net::IpAddr;

/// Macros in one packet; Postfix and sendmail send about ten.
const MACROS_MAX: usize = 256;
/// Words of MAIL and RCPT: the address and its parameters.
const ARGUMENTS_MAX: usize = 64;

/// What the server can do, and which version it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub version: u32,
    /// [`super::action`]
    pub actions: u32,
    /// [`super::step`]
    pub steps: u32,
}

/// How the client reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The server does not know, or it was no connection.
    Unknown,
    Unix,
    Ip(IpAddr, u16),
}

/// One command. Texts are as the server sent them, without the NUL behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Negotiate(Offer),
    /// Values that belong to the command `of`, which follows.
    Macros {
        of: u8,
        values: Vec<(String, String)>,
    },
    Connect {
        host: String,
        family: Family,
    },
    Helo(String),
    /// The path with its angle brackets, and the parameters.
    Mail(Vec<String>),
    Rcpt(Vec<String>),
    Data,
    /// The value has LF where the message has CRLF.
    Header {
        name: Bytes,
        value: Bytes,
    },
    EndOfHeader,
    Body(Bytes),
    /// The end of the message, and perhaps its last octets.
    EndOfBody(Bytes),
    /// The mail is over without an end; the connection goes on.
    Abort,
    Quit,
    /// The session is over; another follows on this connection.
    QuitSession,
    /// A command of the client that the server does not know.
    Unknown(String),
}

impl Command {
    /// Reads a packet. Unknown commands are an error: without knowing whether they want an answer, nothing right can be done.
    pub fn read(packet: Packet) -> Result<Command, PacketError> {
        let Packet { command, data } = packet;
        let wrong = |what| PacketError::Malformed { command, what };
        match command {
            b'O' => negotiate(&data),
            b'D' => macros(&data).ok_or(wrong("macros are pairs of texts")),
            b'C' => connect(&data).ok_or(wrong("not a name, a family, a port and an address")),
            b'H' => Ok(Command::Helo(one_text(&data).ok_or(wrong("not one text"))?)),
            b'M' => arguments(&data).map(Command::Mail).ok_or(wrong("not a path and parameters")),
            b'R' => arguments(&data).map(Command::Rcpt).ok_or(wrong("not a path and parameters")),
            b'T' => Ok(Command::Data),
            b'L' => header(&data).ok_or(wrong("not a name and a value")),
            b'N' => Ok(Command::EndOfHeader),
            b'B' => Ok(Command::Body(data)),
            b'E' => Ok(Command::EndOfBody(data)),
            b'A' => Ok(Command::Abort),
            b'Q' => Ok(Command::Quit),
            b'K' => Ok(Command::QuitSession),
            b'U' => Ok(Command::Unknown(one_text(&data).ok_or(wrong("not one text"))?)),
            _ => Err(wrong("there is no such command")),
        }
    }
}

/// Three numbers of four octets. What newer servers put behind them is not for us.
fn negotiate(data: &[u8]) -> Result<Command, PacketError> {
    let mut numbers = data.as_chunks::<4>().0.iter().map(|octets| u32::from_be_bytes(*octets));
    let (Some(version), Some(actions), Some(steps)) = (numbers.next(), numbers.next(), numbers.next()) else {
        return Err(PacketError::Malformed { command: b'O', what: "not three numbers" });
    };
    if version < VERSION_MIN {
        return Err(PacketError::Version(version));
    }
    Ok(Command::Negotiate(Offer { version: version.min(VERSION), actions, steps }))
}

/// Texts that each end in NUL. A last one without NUL is an error: its end was cut off.
fn texts(data: &[u8], texts_max: usize) -> Option<Vec<&[u8]>> {
    let Some(inner) = data.strip_suffix(&[0]) else { return data.is_empty().then(Vec::new) };
    let texts: Vec<&[u8]> = inner.split(|octet| *octet == 0).take(texts_max + 1).collect();
    (texts.len() <= texts_max).then_some(texts)
}

/// Lossy: what is no UTF-8 cannot be an address or a name.
fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

fn one_text(data: &[u8]) -> Option<String> {
    match texts(data, 1)?.as_slice() {
        [] => Some(String::new()),
        [one] => Some(text(one)),
        _ => None,
    }
}

fn macros(data: &[u8]) -> Option<Command> {
    let (of, rest) = data.split_first()?;
    let texts = texts(rest, MACROS_MAX * 2)?;
    if texts.len() % 2 != 0 {
        return None;
    }
    let bare = |name: &[u8]| {
        let name = text(name);
        name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).map(str::to_string).unwrap_or(name)
    };
    let values = texts.chunks_exact(2).map(|pair| (bare(pair[0]), text(pair[1]))).collect();
    Some(Command::Macros { of: *of, values })
}

/// `host NUL family`, then for all but unknown families a port and an address.
fn connect(data: &[u8]) -> Option<Command> {
    let end = memchr::memchr(0, data)?;
    let (host, rest) = (text(&data[..end]), &data[end + 1..]);
    let (family, rest) = rest.split_first()?;
    let family = match family {
        b'U' => Family::Unknown,
        b'L' => Family::Unix,
        b'4' | b'6' => {
            let (port, address) = rest.split_first_chunk::<2>()?;
            let address = std::str::from_utf8(address.strip_suffix(&[0])?).ok()?;
            // Sendmail writes "IPv6:" in front.
            let address = address.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).map_or(address, |_| &address[5..]);
            Family::Ip(address.parse::<IpAddr>().ok()?.to_canonical(), u16::from_be_bytes(*port))
        }
        _ => return None,
    };
    Some(Command::Connect { host, family })
}

fn arguments(data: &[u8]) -> Option<Vec<String>> {
    let texts = texts(data, ARGUMENTS_MAX)?;
    (!texts.is_empty()).then(|| texts.into_iter().map(text).collect())
}

fn header(data: &Bytes) -> Option<Command> {
    let end = memchr::memchr(0, data)?;
    let value = data.slice(end + 1..);
    let last = value.len().checked_sub(1)?;
    let is_whole = end > 0 && value[last] == 0 && memchr::memchr(0, &value[..last]).is_none();
    is_whole.then(|| Command::Header { name: data.slice(..end), value: value.slice(..last) })
}
