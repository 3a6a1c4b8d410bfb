//! The fields of a delivery status part (RFC 3464), read together with the words beside them.

use super::answer::Answer;
use super::{Bounce, FAILURES_MAX, Failure, Reason, failure, text, untyped};
use crate::address::decode_words;
use crate::smtp::parse_status;
use mail_parser::{Message, MimeHeaders};

/// Lines of a delivery status part that are read.
const LINES_MAX: usize = 4_000;
/// Characters of one field.
const VALUE_CHARS_MAX: usize = 4_000;

/// One group of fields about a recipient.
#[derive(Default)]
struct Group {
    recipient: String,
    original: String,
    action: String,
    status: Option<(u8, u16, u16)>,
    remote: Option<String>,
    diagnostic: String,
    /// What PowerMTA made of it, in words of its own.
    category: String,
}

/// What the delivery status part says; no failures when there is none.
pub(super) fn read(message: &Message<'_>, report: &str) -> Bounce {
    let mut bounce = Bounce::default();
    let mut groups = Vec::new();
    for part in &message.parts {
        let is_status = part.content_type().is_some_and(|kind| {
            kind.ctype().eq_ignore_ascii_case("message")
                && kind.subtype().is_some_and(|subtype| subtype.to_ascii_lowercase().ends_with("delivery-status"))
        });
        if is_status {
            groups_of(part.contents(), &mut bounce, &mut groups);
        }
    }
    if groups.is_empty() && report.contains("Final-Recipient:") {
        // The part stands in the text where somebody forgot to declare it.
        groups_of(report.as_bytes(), &mut bounce, &mut groups);
    }
    let told: Vec<Group> =
        groups.into_iter().filter(|group| !matches!(group.action.as_str(), "delivered" | "relayed" | "expanded")).collect();
    let is_one = told.len() == 1;
    bounce.failures = told.into_iter().take(FAILURES_MAX).map(|group| group.failure(report, is_one)).collect();
    bounce
}

/// Groups of fields between empty lines (RFC 3464 §2.1): the first is about the mail, each other about a recipient.
fn groups_of(content: &[u8], bounce: &mut Bounce, groups: &mut Vec<Group>) {
    let mut group = Group::default();
    for (name, value) in fields(content) {
        match name.as_str() {
            "reporting-mta" => bounce.reporting_mta = Some(super::one_line(&untyped(&value))),
            "final-recipient" => {
                // Some leave out the empty line.
                if !group.recipient.is_empty() {
                    groups.push(std::mem::take(&mut group));
                }
                group.recipient = untyped(&value);
            }
            "original-recipient" | "x-actual-recipient" if group.original.is_empty() => group.original = untyped(&value),
            "action" => group.action = value.split([' ', '(']).next().unwrap_or_default().to_ascii_lowercase(),
            "status" => group.status = value.split([' ', '(']).next().and_then(parse_status),
            "remote-mta" => group.remote = Some(untyped(&value)).filter(|name| !name.is_empty()),
            "diagnostic-code" => group.diagnostic = value,
            "x-powermta-bouncecategory" => group.category = value.to_ascii_lowercase(),
            "" if !group.is_empty() => groups.push(std::mem::take(&mut group)),
            _ => {}
        }
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups.truncate(FAILURES_MAX);
}

impl Group {
    fn is_empty(&self) -> bool {
        self.recipient.is_empty() && self.status.is_none() && self.diagnostic.is_empty() && self.action.is_empty()
    }

    fn failure(self, report: &str, is_one: bool) -> Failure {
        let recipient = if self.recipient.contains('@') { self.recipient } else { self.original };
        // "smtp; 550 …", "X-Unix; 77", "550 …" without a type.
        let (kind, said) = match self.diagnostic.split_once(';') {
            Some((kind, said)) if !kind.trim().contains(' ') => (kind.trim().to_ascii_lowercase(), said.trim()),
            _ => (String::new(), self.diagnostic.trim()),
        };
        let own = if is_one { report } else { text::about(report, &recipient) };
        let beside = Answer::of(own);
        let mut answer = Answer::of(said);
        answer.phase = answer.phase.or(beside.phase);
        if said.is_empty() || kind == "x-unix" {
            answer = beside;
        } else if answer.said.len() < beside.said.len() && beside.said.starts_with(answer.said.as_str()) {
            // The field has the first line of a longer answer.
            answer = Answer { phase: answer.phase, ..beside };
        }
        if let (None, Some(code), Some(status)) = (answer.phase, answer.code, answer.status) {
            answer.phase = super::answer::phase_in_transcript(report, code, status);
        }
        let mut given = self.status;
        if is_one && answer.status.is_none() && given.is_some_and(|status| matches!((status.1, status.2), (0, 0) | (5, 0))) {
            // sendmail makes x.5.0 up where the answer had none; another answer of the same server may say more.
            given = super::answer::status_in_transcript(report).or(given);
        }
        let around = if kind == "x-unix" { format!("x-unix; {own}") } else { own.to_string() };
        let mut failure = failure(recipient, answer, given, &around);
        failure.remote = self.remote.map(|name| super::one_line(&name));
        if matches!(failure.reason, Reason::Unknown | Reason::Filtered | Reason::OnHold) {
            failure.reason = by_category(&self.category).unwrap_or(failure.reason);
        }
        failure
    }
}

/// Where the answer itself says little, the server that sent may have known more.
fn by_category(category: &str) -> Option<Reason> {
    Some(match category {
        "bad-mailbox" => Reason::NoSuchUser,
        "inactive-mailbox" => Reason::Suspended,
        "quota-issues" => Reason::MailboxFull,
        "bad-domain" => Reason::NoSuchHost,
        "no-answer-from-host" | "message-expired" => Reason::Expired,
        "relaying-issues" => Reason::NoRelay,
        "bad-connection" | "routing-errors" => Reason::Network,
        "invalid-sender" => Reason::SenderRefused,
        "spam-related" => Reason::Spam,
        "virus-related" => Reason::Virus,
        "policy-related" => Reason::Policy,
        _ => return None,
    })
}

/// Unfolded fields with lower-case names; an empty name stands for an empty line.
fn fields(content: &[u8]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in content.split(|octet| *octet == b'\n').take(LINES_MAX) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            found.push((String::new(), String::new()));
        } else if line[0].is_ascii_whitespace() {
            if let Some((_, value)) = found.last_mut()
                && value.len() < VALUE_CHARS_MAX
            {
                value.push('\n');
                value.push_str(decode_words(line).trim());
            }
        } else if let Some(colon) = memchr::memchr(b':', line) {
            let name = String::from_utf8_lossy(&line[..colon]).trim().to_ascii_lowercase();
            found.push((name, decode_words(&line[colon + 1..]).trim().to_string()));
        }
    }
    found
}
