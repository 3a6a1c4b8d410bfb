//! `impersonation.first-contact`, `impersonation.known-sender`: whether this organisation knows the sender.
//!
//! In: an [`Acquaintance`]. Out: findings; none while nothing is known. What is asked of the reader by somebody new is
//! judged together with the other findings.

use crate::acquaintance::{Acquaintance, Familiarity};
use crate::finding::{Finding, Kind};
use mail::auth::DmarcResult;
use mail::{AuthResults, Mail};

/// Checks that ask something of the reader; from a stranger they are worth more.
const ASKING: &[&str] = &["content.payment-change", "content.credential-lure", "content.callback", "link.qr", "attachment.html-password"];

/// Adds what is known about the sender of `mail` to what was found in it.
pub fn inspect(mail: &Mail<'_>, auth: &AuthResults, acquaintance: &Acquaintance, findings: &mut Vec<Finding>) {
    crate::bulk::inspect(mail.message, auth, &acquaintance.volume, findings);
    let Some(from) = mail.message.from.address() else { return };
    payment_in_thread(acquaintance, findings);
    let asks = findings.iter().any(|finding| finding.weight > 0.0 && ASKING.contains(&finding.check.as_ref()));
    match (acquaintance.address, acquaintance.domain) {
        (Familiarity::New, domain) => {
            let new_domain = domain == Familiarity::New;
            let whose = if new_domain { "nobody at its domain has" } else { "others at its domain have" };
            let evidence = format!("{from} never wrote here before; {whose}");
            // Everybody writes for the first time once; the tip is for the reader.
            let (kind, weight) = match (asks, new_domain) {
                (true, true) => (Kind::Phish, 1.0),
                (true, false) => (Kind::Phish, 0.5),
                (false, _) => (Kind::Note, 0.0),
            };
            findings.push(Finding::new("impersonation.first-contact", kind, weight, evidence));
        }
        (Familiarity::Seen { mails, .. }, _) if acquaintance.address.is_known(mail.now_ms) && is_proved(auth) => {
            // Accounts of known people are taken over too, so asking for something keeps its weight.
            let weight = if asks { 0.0 } else { -1.5 };
            let evidence = format!("{from} has written {mails} times, and DMARC confirms the address");
            findings.push(Finding::new("impersonation.known-sender", Kind::Phish, weight, evidence));
        }
        _ => {}
    }
}

/// New account details inside a thread that is known here: the one who asks has read it, or pretends to.
fn payment_in_thread(acquaintance: &Acquaintance, findings: &mut [Finding]) {
    let Some(is_known) = acquaintance.thread else { return };
    if let Some(finding) = findings.iter_mut().find(|finding| finding.check == "content.payment-change" && finding.weight > 0.0) {
        let (more, words) = if is_known { (1.0, "; the thread is known here") } else { (0.5, "; the thread it answers is not known here") };
        *finding = Finding::new("content.payment-change", finding.kind, finding.weight + more, format!("{}{words}", finding.evidence));
    }
}

fn is_proved(auth: &AuthResults) -> bool {
    matches!(auth.dmarc.result, DmarcResult::Pass | DmarcResult::BestGuessPass) || auth.arc.trusted
}
