//! Command lines of the server side (RFC 5321 §4.1.1, RFC 3030, 3207, 4954, 2033, XCLIENT).
//!
//! In: one line without CRLF, any octets. Out: a [`Command`] whose values are safe to log and to write into headers, or the
//! reply to send. Not here: whether the command may come now.

use super::{COMMAND_LINE_OCTETS_MAX, Command, CommandError, Reply, parameter, xclient};
use crate::Address;
use crate::address::{PathError, parse_path, split_path};

/// RFC 5321 §4.5.3.1.2.
const HELO_OCTETS_MAX: usize = 255;
/// RFC 4422 §3.1.
const MECHANISM_OCTETS_MAX: usize = 20;

/// Reads one command line, without its CRLF.
pub fn parse_command(line: &[u8]) -> Result<Command, CommandError> {
    if line.len() > COMMAND_LINE_OCTETS_MAX {
        return refuse(500, (5, 5, 2), "Line too long");
    }
    // NUL, bare CR and the other controls have no place in a command and forge lines in logs.
    if line.iter().any(|octet| *octet < b' ' || *octet == 0x7f) {
        return refuse(500, (5, 5, 2), "Control characters in command");
    }
    let Ok(line) = std::str::from_utf8(line) else {
        return refuse(500, (5, 5, 2), "Command is not ASCII or UTF-8");
    };
    let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
    let argument = argument.trim_matches(' ');
    let mut upper = [0u8; 8];
    let Some(upper) = upper_case(verb, &mut upper) else { return unknown() };
    match upper {
        b"HELO" => host_name(argument).map(Command::Helo),
        b"EHLO" => host_name(argument).map(Command::Ehlo),
        b"LHLO" => host_name(argument).map(Command::Lhlo),
        b"MAIL" => mail(argument),
        b"RCPT" => rcpt(argument),
        b"BDAT" => bdat(argument),
        b"AUTH" => auth(argument),
        b"DATA" => alone(argument, Command::Data),
        b"RSET" => alone(argument, Command::Rset),
        b"QUIT" => alone(argument, Command::Quit),
        b"STARTTLS" => alone(argument, Command::StartTls),
        // RFC 5321 §4.1.1.9 and §4.1.1.8 let these two carry text.
        b"NOOP" => Ok(Command::Noop),
        b"HELP" => Ok(Command::Help),
        b"VRFY" => named(argument).map(Command::Vrfy),
        b"EXPN" => named(argument).map(Command::Expn),
        b"XCLIENT" => xclient::read_attributes(argument).map(Command::Xclient).map_or_else(|| syntax("Bad XCLIENT attribute"), Ok),
        b"XFORWARD" => xclient::read_attributes(argument).map(Command::Xforward).map_or_else(|| syntax("Bad XFORWARD attribute"), Ok),
        _ => unknown(),
    }
}

pub(super) fn refuse<T>(code: u16, status: (u8, u16, u16), text: &str) -> Result<T, CommandError> {
    Err(CommandError { reply: Reply::new(code, status, text) })
}

/// RFC 5321 §4.2.3: 501, syntax error in parameters or arguments.
pub(super) fn syntax<T>(text: &str) -> Result<T, CommandError> {
    refuse(501, (5, 5, 4), text)
}

fn unknown<T>() -> Result<T, CommandError> {
    refuse(500, (5, 5, 1), "Command not recognised")
}

fn upper_case<'a>(verb: &str, into: &'a mut [u8; 8]) -> Option<&'a [u8]> {
    let into = into.get_mut(..verb.len())?;
    into.copy_from_slice(verb.as_bytes());
    into.make_ascii_uppercase();
    Some(into)
}

fn alone(argument: &str, command: Command) -> Result<Command, CommandError> {
    if argument.is_empty() { Ok(command) } else { syntax("This command takes no argument") }
}

fn named(argument: &str) -> Result<String, CommandError> {
    if argument.is_empty() { syntax("A name is missing") } else { Ok(argument.to_string()) }
}

/// Names that are no domain names are common and say something about the client, so they are taken as they are;
/// only what could forge text elsewhere is not.
fn host_name(argument: &str) -> Result<String, CommandError> {
    if argument.is_empty() {
        return syntax("A host name is missing");
    }
    if argument.len() > HELO_OCTETS_MAX || !argument.bytes().all(|octet| octet.is_ascii_graphic()) {
        return syntax("This is not a host name");
    }
    Ok(argument.to_string())
}

/// `FROM:<path> [parameters]` without its keyword. RFC 5321 §3.3 has no space after the colon; many senders write one.
fn after_keyword<'a>(argument: &'a str, keyword: &str) -> Result<&'a str, CommandError> {
    match argument.split_at_checked(keyword.len()) {
        Some((found, rest)) if found.eq_ignore_ascii_case(keyword) => Ok(rest.trim_start_matches(' ')),
        _ => refuse(501, (5, 5, 2), "The address is missing"),
    }
}

/// RFC 5321 §4.1.1.2.
fn mail(argument: &str) -> Result<Command, CommandError> {
    let bad_sender = |_: PathError| CommandError { reply: Reply::new(501, (5, 1, 7), "Bad sender address syntax") };
    let (path, rest) = split_path(after_keyword(argument, "FROM:")?).map_err(bad_sender)?;
    let sender = parse_path(path).map_err(bad_sender)?;
    let given = parameter::split(rest)?;
    let mail = parameter::mail(sender, &given)?;
    // RFC 6531 §3.4. A-labels would hide that the domain was written in UTF-8, so the text is asked.
    if !mail.smtputf8 && !path.is_ascii() {
        return refuse(553, (5, 6, 7), "Non-ASCII address needs SMTPUTF8");
    }
    Ok(Command::Mail(mail))
}

/// RFC 5321 §4.1.1.3.
fn rcpt(argument: &str) -> Result<Command, CommandError> {
    let bad_recipient = || CommandError { reply: Reply::new(553, (5, 1, 3), "Bad recipient address syntax") };
    let (path, rest) = split_path(after_keyword(argument, "TO:")?).map_err(|_| bad_recipient())?;
    let address = if path.eq_ignore_ascii_case("<postmaster>") {
        Address::bare_postmaster()
    } else {
        parse_path(path).ok().flatten().ok_or_else(bad_recipient)?
    };
    let given = parameter::split(rest)?;
    parameter::rcpt(address, &given).map(Command::Rcpt)
}

/// RFC 3030 §2: `BDAT octets [LAST]`.
fn bdat(argument: &str) -> Result<Command, CommandError> {
    let (octets, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    let last = match rest.trim_start_matches(' ') {
        "" => false,
        word if word.eq_ignore_ascii_case("LAST") => true,
        _ => return syntax("BDAT takes a number and LAST"),
    };
    match parameter::number(octets) {
        Some(octets) => Ok(Command::Bdat { octets, last }),
        None => syntax("BDAT takes a number and LAST"),
    }
}

/// RFC 4954 §4: `AUTH mechanism [initial-response]`.
fn auth(argument: &str) -> Result<Command, CommandError> {
    let (mechanism, initial) = match argument.split_once(' ') {
        Some((mechanism, initial)) => (mechanism, Some(initial)),
        None => (argument, None),
    };
    let is_name = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    if mechanism.is_empty() || mechanism.len() > MECHANISM_OCTETS_MAX || !mechanism.bytes().all(is_name) {
        return syntax("Bad mechanism name");
    }
    let is_base64 = |text: &str| text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(&octet));
    let initial = match initial {
        Some("=") => Some(String::new()),
        Some(text) if text.is_empty() || !is_base64(text) => return refuse(501, (5, 5, 2), "Initial response is not base64"),
        given => given.map(str::to_string),
    };
    Ok(Command::Auth { mechanism: mechanism.to_ascii_uppercase(), initial })
}
