//! A mail followed step by step, for OpenTelemetry: spans of one target, which nobody asks for unless the operator configured it.
//!
//! In: a mail that comes in or goes out. Out: spans named `mail.receive` (below it `authenticate`, `inspect`, `commit`) and
//! `mail.deliver` (below it `connect`, `transact`). Invariants: no address, subject or content stands in a span, only numbers, names of
//! connectors and reply codes; while nobody listens a span is one look at a flag. Not here: who collects them (the binary).

use mail::smtp::Reply;
use mail::{MailId, OrgId};
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
