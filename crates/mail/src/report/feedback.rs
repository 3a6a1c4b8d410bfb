//! Reports about other mail: messages forwarded as attachments, and the abuse reporting format (RFC 5965).
//!
//! In: a message to a report address. Out: the messages it is about, as they stand in it. Not here: who may report, and what
//! is learned from it (`gateway::feedback`).

use crate::Message;
use crate::message::{Attachment, FileFamily};
use bytes::Bytes;

/// Messages taken out of one report; the rest is left alone.
pub const REPORTED_MAX: usize = 20;
/// Octets of a message/feedback-report part that are read; real ones have a few hundred.
const FIELDS_OCTETS_MAX: usize = 16 << 10;

/// RFC 5965 §7.3, as far as it says what the mail was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackType {
    Abuse,
    Fraud,
    Virus,
    /// RFC 6430.
    NotSpam,
    Other,
}

/// What one mail reports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reported {
    /// `None` unless it is in the abuse reporting format.
    pub kind: Option<FeedbackType>,
    /// The octets of each message, at most [`REPORTED_MAX`].
    pub messages: Vec<Bytes>,
}

/// Reads a report. One without messages is not an error: it says nothing.
pub fn read(message: &Message) -> Reported {
    let own = || message.attachments.iter().filter(|attachment| attachment.inside.is_empty());
    let kind = own().find(|attachment| attachment.declared_type == "message/feedback-report").map(|part| kind_of(&part.content));
    let messages = own().filter(|attachment| is_message(attachment)).map(|attachment| attachment.content.clone());
    Reported { kind, messages: messages.take(REPORTED_MAX).collect() }
}

fn is_message(attachment: &Attachment) -> bool {
    let is_declared = matches!(attachment.declared_type.as_str(), "message/rfc822" | "message/global");
    let is_saved = attachment.name.as_deref().is_some_and(|name| name.to_ascii_lowercase().ends_with(".eml"));
    !attachment.content.is_empty() && (is_declared || is_saved && attachment.true_type.family == FileFamily::Message)
}

/// The Feedback-Type field (RFC 5965 §3.1).
fn kind_of(part: &[u8]) -> FeedbackType {
    let part = &part[..part.len().min(FIELDS_OCTETS_MAX)];
    let value = part.split(|octet| *octet == b'\n').find_map(|line| {
        let colon = line.iter().position(|octet| *octet == b':')?;
        let (name, value) = line.split_at(colon);
        name.trim_ascii().eq_ignore_ascii_case(b"feedback-type").then(|| value[1..].trim_ascii())
    });
    let is = |name: &[u8]| value.is_some_and(|value| value.eq_ignore_ascii_case(name));
    if is(b"abuse") {
        FeedbackType::Abuse
    } else if is(b"fraud") {
        FeedbackType::Fraud
    } else if is(b"virus") {
        FeedbackType::Virus
    } else if is(b"not-spam") {
        FeedbackType::NotSpam
    } else {
        FeedbackType::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Budget;

    const ORIGINAL: &str = "From: a@sender.example\r\nSubject: Win\r\n\r\nA prize for you.\r\n";

    fn check(raw: &str, kind: Option<FeedbackType>, count: usize, why: &str) {
        let found = read(&Message::parse(raw.replace("ORIGINAL", ORIGINAL).into_bytes().into(), &Budget::default()));
        assert_eq!((found.kind, found.messages.len()), (kind, count), "{why}");
        for octets in found.messages {
            assert!(octets.starts_with(b"From: a@sender.example\r\nSubject: Win"), "{why}: as it stood");
        }
    }

    fn parts(parts: &[(&str, &str)]) -> String {
        let parts: String = parts.iter().map(|(head, body)| format!("--b\r\n{head}\r\n\r\n{body}\r\n")).collect();
        format!("From: me@own.example\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n{parts}--b--\r\n")
    }

    #[test]
    fn what_is_reported_is_found() {
        let text = ("Content-Type: text/plain", "Please look.");
        let attached = ("Content-Type: message/rfc822", "ORIGINAL");
        check(&parts(&[text, attached]), None, 1, "forwarded as an attachment");
        check(&parts(&[text, attached, attached]), None, 2, "two at once");
        check(&parts(&[text]), None, 0, "nothing attached");
        for (value, kind) in [
            ("abuse", FeedbackType::Abuse),
            ("FRAUD", FeedbackType::Fraud),
            ("virus", FeedbackType::Virus),
            ("not-spam", FeedbackType::NotSpam),
            ("opt-out", FeedbackType::Other),
        ] {
            let fields = format!("Feedback-Type: {value}\r\nUser-Agent: x/1\r\nVersion: 1");
            let report = ("Content-Type: message/feedback-report", fields.as_str());
            check(&parts(&[text, report, attached]), Some(kind), 1, value);
        }
        check(&parts(&[("Content-Type: message/feedback-report", "nothing"), attached]), Some(FeedbackType::Other), 1, "no type");
        let saved = ("Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"mail.EML\"", "ORIGINAL");
        check(&parts(&[text, saved]), None, 1, "saved to a file and attached");
        let many = vec![attached; REPORTED_MAX + 5];
        check(&parts(&many), None, REPORTED_MAX, "no more than the limit");
    }
}
