//! Bounces without fields: what the server wrote for people, up to the mail it returns, recipient by recipient.

use super::answer::Answer;
use super::{FAILURES_MAX, Failure, failure, pattern};
use mail_parser::{Message, MimeHeaders, PartType};

/// Octets of words that are read.
const REPORT_OCTETS_MAX: usize = 128 << 10;
const LINES_MAX: usize = 4_000;
/// A line longer than this announces no returned mail.
const RETURNED_CHARS_MAX: usize = 80;

/// The words of a bounce, without the mail that it returns.
pub(super) fn report(message: &Message<'_>) -> String {
    let mut report = String::new();
    for part in &message.parts {
        let is_returned = part.content_type().is_some_and(|kind| {
            let is = |top: &str, sub: &str| {
                kind.ctype().eq_ignore_ascii_case(top) && kind.subtype().is_some_and(|s| s.eq_ignore_ascii_case(sub))
            };
            is("text", "rfc822-headers") || is("message", "rfc822") || is("message", "delivery-status")
        });
        let words = match &part.body {
            _ if is_returned => continue,
            PartType::Text(text) => text.to_string(),
            PartType::Html(html) => mail_parser::decoders::html::html_to_text(html),
            _ => continue,
        };
        report.push_str(until_returned(&words));
        report.push('\n');
        if report.len() > REPORT_OCTETS_MAX {
            report.truncate(report.floor_char_boundary(REPORT_OCTETS_MAX));
            break;
        }
    }
    report.replace('\r', "")
}

/// The body as it stands, decoded by nobody.
pub(super) fn unparted(message: &Message<'_>) -> String {
    let raw = message.raw_message();
    let body = memchr::memmem::find(raw, b"\r\n\r\n").or_else(|| memchr::memmem::find(raw, b"\n\n")).unwrap_or(raw.len());
    let body = String::from_utf8_lossy(&raw[body..raw.len().min(body + REPORT_OCTETS_MAX)]);
    until_returned(body.trim_start()).replace('\r', "")
}

/// What stands before the returned mail.
fn until_returned(words: &str) -> &str {
    let mut at = 0;
    for (n, line) in words.split_inclusive('\n').enumerate().take(LINES_MAX) {
        let bare = line.trim().trim_matches(['-', '=', '*', '_', ' ', ':', '.', '#']).to_lowercase();
        let is_ruled = line.trim_start().starts_with(['-', '=', '*', '_', '#'])
            || line.starts_with("Original message")
            || bare.len() < RETURNED_CHARS_MAX && line.trim_end().ends_with(':');
        let is_header = ["Return-Path: ", "Received: from ", "Received: by ", "Delivered-To: "].iter().any(|name| line.starts_with(name));
        if n > 0 && (is_header || is_ruled && pattern::RETURNED.iter().any(|mark| bare.contains(mark))) {
            return &words[..at];
        }
        at += line.len();
    }
    words
}

/// The failures that the words tell of.
pub(super) fn failures(report: &str) -> Vec<Failure> {
    let is_about_delivery = {
        let lower = report.to_lowercase();
        pattern::DELIVERY.iter().any(|cue| lower.contains(cue))
    };
    let heads = heads(report);
    if heads.is_empty() {
        let answer = Answer::of(report);
        if answer.code.is_none() && answer.status.is_none() && !is_about_delivery {
            return Vec::new();
        }
        return vec![failure(first_address(report).unwrap_or_default(), answer, None, report)];
    }
    let mut found = Vec::new();
    for (n, head) in heads.iter().enumerate().take(FAILURES_MAX) {
        let until = heads.get(n + 1).map_or(report.len(), |next| next.at);
        // The first one also has what stands before it: "Unknown user:" comes before the address.
        let from = if n == 0 { 0 } else { head.at };
        let answer = Answer::of(&report[head.at..until]);
        // With one recipient, what was answered may stand above its name.
        let answer = if heads.len() == 1 && answer.code.is_none() && answer.status.is_none() { Answer::of(report) } else { answer };
        found.push(failure(head.address.clone(), answer, None, &report[from..until]));
    }
    found
}

/// The words about one recipient of several.
pub(super) fn about<'a>(report: &'a str, recipient: &str) -> &'a str {
    let heads = heads(report);
    match heads.iter().position(|head| head.address.eq_ignore_ascii_case(recipient)) {
        Some(n) => &report[heads[n].at..heads.get(n + 1).map_or(report.len(), |next| next.at)],
        None => "",
    }
}

/// A line that names a recipient, before what is told about it.
struct Head {
    at: usize,
    address: String,
}

fn heads(report: &str) -> Vec<Head> {
    let mut heads: Vec<Head> = Vec::new();
    let mut at = 0;
    for line in report.split_inclusive('\n').take(LINES_MAX) {
        if let Some(address) = named(line.trim())
            && heads.iter().all(|head| !head.address.eq_ignore_ascii_case(&address))
        {
            heads.push(Head { at, address });
        }
        at += line.len();
    }
    heads
}

/// The recipient that a line names: an address alone, with a colon behind it, or after words that announce one.
fn named(line: &str) -> Option<String> {
    const ANNOUNCED: &[&str] =
        &["recipient:", "error delivering your mail to", "address:", "unknown user:", "userid:", "allowed size:", "attempts:", "to:"];
    let bare = line.trim_start_matches(['*', '-', '•', ' ', '"', '\'']).trim();
    let first = bare.split([' ', '\t']).next()?;
    let rest = bare[first.len()..].trim_start();
    if let Some(address) = address(first) {
        let is_head = rest.is_empty()
            || first.ends_with(':')
            || rest.starts_with(['(', ':', '"', '['])
            || rest.starts_with("delivery failed")
            || rest.starts_with("Invalid Address")
            || rest.starts_with("Error, ERROR_CODE");
        return is_head.then_some(address);
    }
    let lower = line.to_lowercase();
    if lower.starts_with("from:") || lower.starts_with("reply-to:") {
        return None;
    }
    let after = ANNOUNCED.iter().find_map(|cue| lower.find(cue).map(|at| at + cue.len()))?;
    line.get(after..)?.split_whitespace().next().and_then(address)
}

/// `<a@b>:`, `"a@b"`, `a@b.` as an address.
fn address(word: &str) -> Option<String> {
    let word = word.trim_matches(['<', '>', ':', '"', '\'', ',', '.', ';', '(', ')', '[', ']']);
    let (local, domain) = word.rsplit_once('@')?;
    let is_domain = domain.len() > 2 && domain.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'));
    (!local.is_empty() && is_domain && !local.contains(['<', '>', '=', '/'])).then(|| word.to_string())
}

fn first_address(report: &str) -> Option<String> {
    report.split_whitespace().filter_map(address).find(|address| !address.to_lowercase().starts_with("mailer-daemon"))
}
