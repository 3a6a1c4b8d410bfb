//! Bounces of other servers, whatever they look like: who refused, why, for good or for now, and whose turn it is.
//!
//! In: a whole message (RFC 3464, or the free words of the many servers that never read it), or only a reply such as
//! `550 5.7.1 …`. Out: a [`Bounce`] with one [`Failure`] a recipient, each with its [`Reason`]. Invariant: reading never fails and is
//! bounded; a reason follows from what the server said and from the command it answered, never from the name of the server alone.
//! Not here: notices of our own (`dsn`), words for people (`gateway::receipt` and the help).

mod answer;
mod fields;
mod known;
mod pattern;
mod reason;
mod text;

#[cfg(test)]
mod replies;
#[cfg(test)]
mod tests;

pub use answer::Phase;
pub use reason::{Party, Reason};

use crate::address::decode_words;
use answer::Answer;
use mail_parser::{HeaderValue, Message, MessageParser};

/// Recipients of one bounce that are told of.
pub const FAILURES_MAX: usize = 100;
/// Characters kept of what a server said.
pub const SAID_CHARS_MAX: usize = 1_000;
/// A longer message is no bounce worth reading whole; what comes after is not looked at.
const OCTETS_MAX: usize = 2 << 20;

/// What a message tells about mail that did not arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounce {
    /// The server that wrote it, where it says so.
    pub reporting_mta: Option<String>,
    pub failures: Vec<Failure>,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Empty when the bounce names none.
    pub recipient: String,
    /// Enhanced status (RFC 3463); `None` when nobody gave one.
    pub status: Option<(u8, u16, u16)>,
    /// SMTP reply code (RFC 5321 §4.2).
    pub code: Option<u16>,
    /// The server that refused.
    pub remote: Option<String>,
    /// The command it answered.
    pub phase: Option<Phase>,
    /// What it said, on one line.
    pub said: String,
    pub reason: Reason,
}

impl Failure {
    /// Whether trying again later may help: a reply 4yz, or a reason that passes by itself.
    pub fn is_temporary(&self) -> bool {
        match (self.status, self.code) {
            (Some(status), _) if status.0 == 4 => true,
            (None, Some(code)) => code < 500,
            _ => self.reason.passes(),
        }
    }

    /// Who can do something about it.
    pub fn party(&self) -> Party {
        self.reason.party()
    }
}

/// Reads a whole message. `None` when it tells nothing about delivery.
pub fn read(raw: &[u8]) -> Option<Bounce> {
    let raw = &raw[..raw.len().min(OCTETS_MAX)];
    let message = MessageParser::default().parse(raw)?;
    let bounce = bounce_of(&message);
    (!bounce.failures.is_empty()).then_some(bounce)
}

fn bounce_of(message: &Message<'_>) -> Bounce {
    let report = text::report(message);
    let mut bounce = fields::read(message, &report);
    if bounce.failures.is_empty() {
        bounce.failures = text::failures(&report);
    }
    if bounce.failures.is_empty() {
        // Parts that nobody can find, because their header is broken.
        bounce.failures = text::failures(&text::unparted(message));
    }
    let tells_nothing = bounce.failures.iter().all(|one| one.code.is_none() && one.status.is_none() && one.reason != Reason::SenderRefused);
    if tells_nothing && is_automatic_answer(message) {
        bounce.failures = vec![automatic(message, &report)];
    }
    if tells_nothing && let Some(inner) = passed_on(message) {
        return inner;
    }
    bounce.failures.truncate(FAILURES_MAX);
    bounce
}

/// A bounce that some gateway attached to a bounce of its own.
fn passed_on(message: &Message<'_>) -> Option<Bounce> {
    let inner = message.parts.iter().find_map(|part| part.message())?;
    let bounce = fields::read(inner, &text::report(inner));
    (!bounce.failures.is_empty()).then_some(bounce)
}

/// Explains one reply as it stands in a log or was read out on the phone: `550 5.7.1 … blocked using …`, or only `5.1.1`.
pub fn explain(reply: &str) -> Failure {
    let line = one_line(reply);
    failure(String::new(), Answer::of(&line), None, &line)
}

/// One failure from an answer, what the fields say, and the words around it.
fn failure(recipient: String, answer: Answer, status: Option<(u8, u16, u16)>, around: &str) -> Failure {
    // What the server said is nearer to the truth than what the server that gave up made of it, unless it says nothing (x.0.0).
    let tells = |status: &(u8, u16, u16)| (status.1, status.2) != (0, 0);
    let status = answer.status.filter(tells).or(status.filter(tells)).or(answer.status).or(status);
    // A queue that gave up tells what it met last (Exchange: "4.4.7 message expired … returned '441 4.4.1 …'").
    let status = match status {
        Some((_, 4, 7)) => answer::status_after(&answer.said, (4, 7)).or(status),
        status => status,
    };
    let reason = reason::of(&reason::Evidence { said: &answer.said, around, status, code: answer.code, phase: answer.phase });
    let (recipient, said) = (one_line(&recipient), one_line(&answer.said));
    Failure { recipient, status, code: answer.code, remote: None, phase: answer.phase, said, reason }
}

/// Without line ends and other controls, and not too long.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(SAID_CHARS_MAX).collect()
}

/// RFC 3834 §5, and those who answer without saying so.
fn is_automatic_answer(message: &Message<'_>) -> bool {
    let has = |name: &'static str, words: &[&str]| {
        message.header(name).and_then(HeaderValue::as_text).is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            words.iter().any(|word| value.contains(word))
        })
    };
    let subject = message.subject().unwrap_or_default().to_lowercase();
    let from = message.from().and_then(|from| from.first()).and_then(|from| from.address()).unwrap_or_default().to_lowercase();
    if from.starts_with("mailer-daemon") || from.starts_with("postmaster") {
        return false; // exim writes Auto-Submitted: auto-replied into its bounces
    }
    has("Auto-Submitted", &["auto-replied"])
        || has("X-Auto-Response-Suppress", &["oof"])
        || message.header("X-Autoreply").is_some()
        || has("Precedence", &["auto_reply"])
        || pattern::ABSENT.iter().any(|word| subject.contains(word))
}

fn automatic(message: &Message<'_>, report: &str) -> Failure {
    let from = message.from().and_then(|from| from.first()).and_then(|from| from.address()).unwrap_or_default();
    Failure {
        recipient: one_line(from),
        status: None,
        code: None,
        remote: None,
        phase: None,
        said: one_line(report),
        reason: Reason::AutomaticReply,
    }
}

/// `rfc822; a@b` without its type, and without the brackets some write.
fn untyped(value: &str) -> String {
    let text = value.split_once(';').map_or(value, |(_, rest)| rest).trim();
    let text = text.trim_start_matches('<').trim_end_matches('>');
    decode_words(text.as_bytes())
}
