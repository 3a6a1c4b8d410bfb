//! Decides again about past mail with a draft policy, from its receipts alone.
//!
//! What an allow or block entry or a mail flow rule decided stays as it was: a draft policy does not change those.

use super::decide::{bulk_class, dmarc_wish};
use super::{PolicyAction, PolicySettings};
use crate::receipt::Receipt;
use detect::Class;
use mail::Address;
use serde::Serialize;

/// One recipient of one past mail for whom the draft decides otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub mail: mail::MailId,
    pub at_ms: i64,
    pub sender: String,
    pub subject: String,
    pub recipient: String,
    pub class: Class,
    pub was: PolicyAction,
    pub would_be: PolicyAction,
}

/// What would change for the recipients of this mail.
pub fn replay(draft: &PolicySettings, receipt: &Receipt) -> Vec<Change> {
    let verdict = &receipt.verdict;
    let mut changes = Vec::new();
    for decided in &receipt.recipients {
        let Ok(recipient) = Address::parse(&decided.address) else { continue };
        let by_entry = decided.considered.iter().any(|one| matches!(one.kind.as_str(), "entry" | "rule") && one.won);
        if by_entry || draft.passes_over(&recipient).is_some() {
            continue;
        }
        let class = bulk_class(verdict.class, verdict.bcl, draft.bulk_level);
        let wish = draft.honor_dmarc.then(|| dmarc_wish(&receipt.auth, class, &mut Vec::new())).flatten();
        let would_be = wish.unwrap_or_else(|| draft.action(class));
        if would_be != decided.action {
            changes.push(Change {
                mail: receipt.mail,
                at_ms: receipt.at_ms,
                sender: receipt.envelope.sender.clone(),
                subject: receipt.header.subject.clone(),
                recipient: decided.address.clone(),
                class,
                was: decided.action,
                would_be,
            });
        }
    }
    changes
}
