//! A mail followed step by step, and a request to the pages, for OpenTelemetry: spans of one target, which nobody asks for unless the
//! operator configured it.
//!
//! In: a mail that comes in or goes out, a request. Out: spans named `mail.receive` (below it `authenticate`, `inspect`, `commit`),
//! `mail.deliver` (below it `connect`, `transact`) and [`REQUEST`]. Invariants: no address, subject or content stands in a span, nor who
//! asked for which of the pages, only numbers, names of connectors, reply codes and templates of routes; while nobody listens a span is
//! one look at a flag. Not here: who collects them (the binary).

use mail::smtp::Reply;
use mail::{MailId, OrgId};
use std::fmt;
use tracing::Span;
use tracing::field::Empty;

/// What these spans are asked for by.
pub const TARGET: &str = "gatepost.follow";

/// A message that came in, before it has an identifier.
pub fn receiving(octets: usize, recipients: usize) -> Span {
    tracing::trace_span!(target: TARGET, "mail.receive", mail = Empty, org = Empty, octets, recipients, reply = Empty)
}

/// Says which mail the span around us is about; without it nothing of the span is kept.
pub fn is_about(mail: MailId, org: OrgId) {
    let span = Span::current();
    span.record("mail", mail.0);
    span.record("org", org.0);
}

/// How it ended.
pub fn answered(span: &Span, reply: &Reply) {
    span.record("reply", u64::from(reply.code));
}

/// One attempt for recipients of one mail that share a next hop.
pub fn delivering(mail: MailId, org: OrgId, connector: &str, recipients: usize) -> Span {
    tracing::trace_span!(target: TARGET, "mail.deliver", mail = mail.0, org = org.0, connector, recipients, unreached = Empty)
}

/// Name of the span of one request to the pages or the API.
pub const REQUEST: &str = "web.request";

/// One request: its method, and the template of its route ("" where none fits), so that no identifier stands in it.
pub fn requested(method: &'static str, route: &str) -> Span {
    tracing::trace_span!(target: TARGET, "web.request", method, route, remote = Empty, status = Empty)
}

/// The trace that a request is a part of, as somebody before us says (W3C Trace Context §3.2, `traceparent`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remote {
    pub trace: u128,
    /// Span that the request hangs under.
    pub parent: u64,
    /// They keep what belongs to this trace.
    pub is_kept: bool,
}

impl Remote {
    /// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`; later versions may have more behind it.
    pub fn parse(text: &str) -> Option<Remote> {
        let mut parts = text.trim().split('-');
        let mut hex = |digits: usize| {
            let part = parts.next()?;
            let is_hex = part.len() == digits && part.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'));
            if is_hex { u128::from_str_radix(part, 16).ok() } else { None }
        };
        let (version, trace, parent, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        let is_whole = version != 0xff && (version != 0 || parts.next().is_none());
        let parent = u64::try_from(parent).ok().filter(|parent| *parent != 0)?;
        (is_whole && trace != 0).then_some(Remote { trace, parent, is_kept: flags & 1 == 1 })
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.parent, u8::from(self.is_kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of W3C Trace Context §3.2.
    #[test]
    fn a_trace_of_somebody_else_is_read_as_written() {
        const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let read = Remote::parse(GOOD).expect("it is one");
        assert_eq!((read.parent, read.is_kept, read.to_string().as_str()), (0x00f0_67aa_0ba9_02b7, true, GOOD));
        for (text, is_one, why) in [
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true, "not kept"),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what", true, "a later version has more"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what", false, "this version has no more"),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false, "no version"),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, "no trace"),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false, "no parent"),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false, "capitals"),
            ("00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false, "too short"),
            ("", false, "nothing"),
            ("00-é", false, "no hex"),
        ] {
            assert_eq!(Remote::parse(text).is_some(), is_one, "{why}");
        }
    }
}
