//! Replies a server gives us (RFC 5321 §4.2.1), read without trust.
//!
//! In: octets as they arrive. Out: one [`Reply`] at a time. What follows a reply is left to the caller, who can tell a reply
//! that was injected ahead of TLS. Invariant: at most [`LINES_MAX`] lines and [`OCTETS_MAX`] octets a reply; its text has no
//! controls.

use super::Reply;
use memchr::memchr;

/// Lines of one reply.
pub const LINES_MAX: usize = 128;
/// Octets of one reply, over all its lines.
pub const OCTETS_MAX: usize = 32 << 10;
/// RFC 5321 §4.5.3.1.5 has 512; some servers write whole stories.
const LINE_OCTETS_MAX: usize = 2_048;

/// The server does not speak SMTP, or means harm. The connection is of no further use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    #[error("the server sent a line that is no reply: “{line}”")]
    NotAReply { line: String },
    #[error("the lines of one reply have different codes: {first} and {then}")]
    MixedCodes { first: u16, then: u16 },
    #[error("the reply is longer than {LINES_MAX} lines or {OCTETS_MAX} octets")]
    TooLong,
}

/// Collects the lines of one reply after the other.
#[derive(Debug, Default)]
pub struct ReplyReader {
    /// The line that has no end yet.
    partial: Vec<u8>,
    code: Option<u16>,
    status: Option<(u8, u16, u16)>,
    text: Vec<String>,
    octets: usize,
}

impl ReplyReader {
    pub fn new() -> ReplyReader {
        ReplyReader::default()
    }

    /// Takes octets up to the end of one reply at most; gives their number, and the reply when it is complete.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(usize, Option<Reply>), ReplyError> {
        let mut used = 0;
        while let Some(found) = memchr(b'\n', &chunk[used..]) {
            self.take(&chunk[used..used + found])?;
            used += found + 1;
            let line = std::mem::take(&mut self.partial);
            if self.line(&line)? {
                let text = std::mem::take(&mut self.text);
                let reply = Reply { code: self.code.take().unwrap_or_default(), status: self.status.take(), text };
                self.octets = 0;
                return Ok((used, Some(reply)));
            }
        }
        self.take(&chunk[used..])?;
        Ok((chunk.len(), None))
    }

    /// Whether part of a reply is waiting for the rest.
    pub fn is_midway(&self) -> bool {
        self.code.is_some() || !self.partial.is_empty()
    }

    fn take(&mut self, octets: &[u8]) -> Result<(), ReplyError> {
        self.octets += octets.len();
        if self.octets > OCTETS_MAX || self.partial.len() + octets.len() > LINE_OCTETS_MAX {
            return Err(ReplyError::TooLong);
        }
        self.partial.extend_from_slice(octets);
        Ok(())
    }

    /// One line without its LF; `true` if it is the last of the reply.
    fn line(&mut self, line: &[u8]) -> Result<bool, ReplyError> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (code, is_last, rest) = split(line).ok_or_else(|| ReplyError::NotAReply { line: clean(line).chars().take(200).collect() })?;
        let first = *self.code.get_or_insert(code);
        if first != code {
            return Err(ReplyError::MixedCodes { first, then: code });
        }
        if self.text.len() == LINES_MAX {
            return Err(ReplyError::TooLong);
        }
        let text = clean(rest);
        let (status, text) = split_status(code, &text);
        if self.text.is_empty() {
            self.status = status;
        }
        self.text.push(text.to_string());
        Ok(is_last)
    }
}

/// `250-text`, `250 text` or `250`.
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = digits.iter().try_fold(0u16, |code, digit| digit.is_ascii_digit().then(|| code * 10 + u16::from(digit - b'0')))?;
    // RFC 5321 §4.2: 2 to 5 first, 0 to 5 second.
    if !(200..600).contains(&code) {
        return None;
    }
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

/// RFC 2034 §4: `class.subject.detail` before the text, with the class of the code.
fn split_status(code: u16, text: &str) -> (Option<(u8, u16, u16)>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match parse_status(word) {
        Some(status) if u16::from(status.0) == code / 100 => (Some(status), rest.trim_start()),
        _ => (None, text),
    }
}

/// RFC 3463 §2: `2`, `4` or `5`, then two numbers of at most three digits.
pub(crate) fn parse_status(word: &str) -> Option<(u8, u16, u16)> {
    let mut numbers = word.split('.').map(|digits| (1..=3).contains(&digits.len()).then(|| digits.parse::<u16>().ok()).flatten());
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let is_plain = word.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    (numbers.next().is_none() && is_plain && matches!(class, 2 | 4 | 5)).then_some((class as u8, subject, detail))
}

fn clean(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
