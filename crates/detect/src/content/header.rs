//! `header.*`: what every honest program writes, and what only odd ones do.

use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::address::FromField;
use mail::message::{Defect, DefectKind};
use mail::{AuthResults, Mail};

/// A clock may be wrong by a day; mail may lie in a queue for five (RFC 5321 §4.5.4.1).
const AHEAD_MAX_MS: i64 = 26 * 60 * 60 * 1000;
const BEHIND_MAX_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Headers that a reader sees or that decide what is seen.
const SHOWN: &[&str] = &["subject", "to", "cc", "date", "sender", "reply-to", "content-type", "content-transfer-encoding", "mime-version"];

pub struct HeaderShape;

impl Inspect for HeaderShape {
    fn name(&self) -> &'static str {
        "header"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        from(&mail.message.from, findings);
        date(mail, findings);
        if mail.message.message_id.is_none() {
            // RFC 5322 §3.6.4: SHOULD. Scripts and devices forget it too.
            findings.push(Finding::new("header.message-id.missing", Kind::Spam, 0.7, "there is no Message-ID"));
        }
        if let Some(value) = sender::false_answer(mail.message) {
            findings.push(Finding::new("header.false-answer", Kind::Spam, 2.2, format!("In-Reply-To: {value}")));
        }
        for defect in &mail.message.defects {
            findings.extend(defect_finding(defect));
        }
    }
}

fn from(from: &FromField, findings: &mut Vec<Finding>) {
    match from {
        FromField::One { .. } => {}
        FromField::Missing => findings.push(Finding::new("header.from.missing", Kind::Spam, 1.5, "there is no From")),
        // Two readings of who wrote it are how authentication is got around (attacks.md §5.2). Past the 3 of spoofing.
        FromField::Ambiguous { why, raw } if may_hide_another(raw) => {
            findings.push(Finding::new("header.from.ambiguous", Kind::Spoof, 4.0, format!("{why}: {}", raw.trim())));
        }
        // One address with something after it, or none: old gateways and careless scripts.
        FromField::Ambiguous { why, raw } => {
            findings.push(Finding::new("header.from.unreadable", Kind::Spam, 2.0, format!("{why}: {}", raw.trim())));
        }
    }
}

/// Addresses of two domains, or one in encoded words only, where some programs look for it (RFC 2047 §5 forbids it).
fn may_hide_another(raw: &str) -> bool {
    let mut domains = raw.split('@').skip(1).map(|after| {
        let end = after.find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '.')).unwrap_or(after.len());
        &after[..end]
    });
    match domains.next() {
        Some(first) => domains.any(|other| !other.eq_ignore_ascii_case(first)),
        None => raw.contains("=?"),
    }
}

fn date(mail: &Mail<'_>, findings: &mut Vec<Finding>) {
    let Some(date_ms) = mail.message.date_ms else {
        // RFC 5322 §3.6: MUST, but some devices have no clock.
        let evidence = match mail.message.first("Date") {
            Some(value) => format!("cannot be read: {}", String::from_utf8_lossy(value).trim()),
            None => "there is no Date".to_string(),
        };
        findings.push(Finding::new("header.date.missing", Kind::Spam, 0.7, evidence));
        return;
    };
    let ahead_ms = date_ms.saturating_sub(mail.now_ms);
    if ahead_ms > AHEAD_MAX_MS {
        // Puts itself on top of the inbox; a wrong clock does so rarely.
        findings.push(Finding::new("header.date.ahead", Kind::Spam, 1.5, format!("Date is {} hours ahead", ahead_ms / 3_600_000)));
    } else if ahead_ms < -BEHIND_MAX_MS {
        // Old mail is sent on by hand too.
        findings.push(Finding::new("header.date.behind", Kind::Spam, 0.3, format!("Date is {} days ago", -(ahead_ms / 86_400_000))));
    }
}

fn defect_finding(defect: &Defect) -> Option<Finding> {
    Some(match defect.kind {
        // From has its own finding.
        DefectKind::DuplicateHeader if defect.detail.eq_ignore_ascii_case("from") => return None,
        // Programs show one of two Subjects and check the other. Two identifiers come from gateways that add their own.
        DefectKind::DuplicateHeader => {
            let shown = SHOWN.iter().any(|name| defect.detail.eq_ignore_ascii_case(name));
            let (kind, weight) = if shown { (Kind::Spam, 0.8) } else { (Kind::Note, 0.0) };
            Finding::new("header.duplicate", kind, weight, &defect.detail)
        }
        // Gateways break headers more often than senders do.
        DefectKind::MalformedHeader => Finding::new("header.malformed", Kind::Note, 0.0, &defect.detail),
        // RFC 5322 §3.5 forbids NUL; nothing honest writes it, and programs cut the text there.
        DefectKind::Nul => Finding::new("content.nul", Kind::Spam, 1.0, &defect.detail),
        // Old Asian and Cyrillic programs write raw octets: nothing to hold against them.
        DefectKind::RawEightBit => Finding::new("header.eight-bit", Kind::Note, 0.0, &defect.detail),
        _ => return None,
    })
}
