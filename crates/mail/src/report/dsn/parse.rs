//! Reading notices that other servers send.
//!
//! In: a whole message. Out: what its delivery-status part says, or, without one, the status codes in its text (many old
//! servers write only that). Invariant: at most [`RECIPIENTS_MAX`] recipients, values of at most [`VALUE_CHARS_MAX`] characters.

use crate::address::decode_words;
use crate::smtp::parse_status;
use mail_parser::{MessageParser, MimeHeaders, PartType};

pub const RECIPIENTS_MAX: usize = 1_000;
pub const VALUE_CHARS_MAX: usize = 1_000;
/// A longer message is no notice.
const OCTETS_MAX: usize = 2 << 20;
/// Octets of text searched for a status.
const TEXT_OCTETS_MAX: usize = 64 << 10;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub reporting_mta: Option<String>,
    /// Original-Envelope-Id, still in xtext.
    pub envid: Option<String>,
    pub recipients: Vec<ReportedRecipient>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReportedRecipient {
    /// Without its type.
    pub final_recipient: Option<String>,
    pub original_recipient: Option<String>,
    /// Lower case.
    pub action: Option<String>,
    pub status: Option<(u8, u16, u16)>,
    pub remote_mta: Option<String>,
    pub diagnostic: Option<String>,
}

/// What a message reports; `None` if it is no report on delivery.
pub fn parse(raw: &[u8]) -> Option<Report> {
    if raw.len() > OCTETS_MAX {
        return None;
    }
    let message = MessageParser::default().parse(raw)?;
    let mut text = String::new();
    for part in &message.parts {
        let is_status = part.content_type().is_some_and(|kind| {
            kind.ctype().eq_ignore_ascii_case("message")
                && kind.subtype().is_some_and(|subtype| subtype.to_ascii_lowercase().ends_with("delivery-status"))
        });
        if is_status {
            let report = read_fields(part.contents());
            if !report.recipients.is_empty() {
                return Some(report);
            }
        }
        if let PartType::Text(words) = &part.body
            && text.len() < TEXT_OCTETS_MAX
        {
            text.push_str(&words[..words.floor_char_boundary(TEXT_OCTETS_MAX - text.len())]);
            text.push('\n');
        }
    }
    let status = status_in(&text)?;
    let recipient = ReportedRecipient { status: Some(status), ..ReportedRecipient::default() };
    Some(Report { recipients: vec![recipient], ..Report::default() })
}

/// Groups of fields between empty lines (RFC 3464 §2.1): the first is about the mail, each other about a recipient.
fn read_fields(content: &[u8]) -> Report {
    let mut report = Report::default();
    let mut current = ReportedRecipient::default();
    for (name, value) in fields(content) {
        if name.is_empty() {
            finish(&mut report, &mut current);
            continue;
        }
        match name.as_str() {
            "reporting-mta" => report.reporting_mta = Some(untyped(&value)),
            "original-envelope-id" => report.envid = Some(value),
            "final-recipient" => current.final_recipient = Some(untyped(&value)),
            "original-recipient" => current.original_recipient = Some(untyped(&value)),
            "action" => current.action = value.split([' ', '(']).next().map(str::to_ascii_lowercase),
            "status" => current.status = value.split([' ', '(']).next().and_then(parse_status),
            "remote-mta" => current.remote_mta = Some(untyped(&value)),
            "diagnostic-code" => current.diagnostic = Some(value),
            _ => {}
        }
    }
    finish(&mut report, &mut current);
    report
}

fn finish(report: &mut Report, current: &mut ReportedRecipient) {
    let mut done = std::mem::take(current);
    if done.final_recipient.is_none() && done.original_recipient.is_none() && done.status.is_none() {
        return;
    }
    // A server that only says "5.0.0" often says more in the answer it got.
    let is_vague = done.status.is_none_or(|status| (status.1, status.2) == (0, 0));
    if is_vague && let Some(better) = done.diagnostic.as_deref().and_then(status_in) {
        done.status = Some(better);
    }
    if report.recipients.len() < RECIPIENTS_MAX {
        report.recipients.push(done);
    }
}

/// Unfolded fields with lower-case names; an empty name stands for an empty line.
fn fields(content: &[u8]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in content.split(|octet| *octet == b'\n').take(RECIPIENTS_MAX * 20) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            found.push((String::new(), String::new()));
        } else if line[0].is_ascii_whitespace() {
            if let Some((_, value)) = found.last_mut() {
                value.push(' ');
                value.push_str(&decode_words(line));
            }
        } else if let Some(colon) = memchr::memchr(b':', line) {
            found.push((String::from_utf8_lossy(&line[..colon]).trim().to_ascii_lowercase(), decode_words(&line[colon + 1..])));
        }
    }
    for (_, value) in &mut found {
        value.truncate(value.floor_char_boundary(VALUE_CHARS_MAX));
    }
    found
}

/// `rfc822; a@b` without its type, and without the brackets some write.
fn untyped(value: &str) -> String {
    let text = value.split_once(';').map_or(value, |(_, rest)| rest).trim();
    text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(text).to_string()
}

/// The first failure status in a text: `5.1.1`, `#5.1.1`, `(5.1.1)`, `550-5.1.1`.
fn status_in(text: &str) -> Option<(u8, u16, u16)> {
    text.split(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .map(|word| word.trim_end_matches('.'))
        .filter_map(parse_status)
        .find(|status| status.0 != 2)
}
