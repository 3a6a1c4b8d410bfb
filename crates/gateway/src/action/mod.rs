//! What is done: one [`Outcome`] per recipient, or a refusal of the whole mail.
//!
//! In: the decisions of `policy`. Out: rows for the queue and the quarantine, or the reply that refuses. Writes nothing.
//! Invariant: a refusal refuses for everybody. After DATA there is one reply (RFC 5321 §4.2.5), so where recipients differ, those who
//! would refuse hold instead: refusing late by a bounce would hit the forged sender (RFC 3834, backscatter).

mod edits;

#[cfg(test)]
mod tests;
pub use edits::{junk_edits, report_lines, report_value};

use crate::policy::{Decision, PolicyAction};
use crate::queue::{Edits, Fate};
use detect::Class;
use mail::Address;
use mail::smtp::Reply;

/// What happens for one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub fate: Fate,
    /// Where it goes; differs from the recipient after a redirect.
    pub address: Address,
    pub edits: Edits,
}

/// What happens to the whole mail.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Take it; outcomes in the order of the recipients.
    Take(Vec<Outcome>),
    Refuse(Reply),
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// One target of a mail: whom it goes to, what was decided, the report lines, and a refusal in a rule's own words.
#[derive(Debug, Clone, Copy)]
pub struct Settling<'a> {
    pub address: &'a Address,
    pub decision: &'a Decision,
    pub report: &'a str,
    pub reply: Option<&'a Reply>,
}

/// One action out of the decisions for all targets.
pub fn settle(targets: &[Settling<'_>], now_ms: i64) -> Action {
    let is_refusing = |target: &Settling<'_>| target.decision.action == PolicyAction::Reject;
    if let Some(first) = targets.first().filter(|_| targets.iter().all(is_refusing)) {
        return Action::Refuse(first.reply.cloned().unwrap_or_else(|| refusal(first.decision)));
    }
    Action::Take(targets.iter().map(|target| outcome(target.address, target.decision, target.report, now_ms)).collect())
}

fn outcome(recipient: &Address, decision: &Decision, report: &str, now_ms: i64) -> Outcome {
    let policy = &decision.policy;
    let plain = |fate| Outcome { fate, address: recipient.clone(), edits: junk_edits(report, None, "") };
    let header = Some(policy.header.as_str());
    match decision.action {
        PolicyAction::None => plain(Fate::Queued),
        PolicyAction::Junk | PolicyAction::AddHeader => Outcome { edits: junk_edits(report, header, ""), ..plain(Fate::Queued) },
        PolicyAction::Prefix => Outcome { edits: junk_edits(report, None, &policy.subject_prefix), ..plain(Fate::Queued) },
        PolicyAction::Redirect => match Address::parse(&policy.redirect_to) {
            Ok(address) => Outcome { address, ..plain(Fate::Queued) },
            // Settings are checked when they are saved; should one slip through, hold rather than lose or pass.
            Err(_) => plain(hold(policy.retention_days, now_ms)),
        },
        PolicyAction::Delete => plain(Fate::Deleted),
        PolicyAction::Quarantine | PolicyAction::Reject => plain(hold(policy.retention_days, now_ms)),
    }
}

fn hold(days: u32, now_ms: i64) -> Fate {
    Fate::Held { until_ms: now_ms + i64::from(days.max(1)) * DAY_MS }
}

/// The refusal of the first recipient's decision; the id of the mail is put behind it by `intake`.
fn refusal(decision: &Decision) -> Reply {
    let dmarc = decision.considered.iter().find(|considered| considered.kind == "dmarc" && considered.won);
    match (decision.class, dmarc) {
        (_, Some(dmarc)) => Reply::new(
            550,
            (5, 7, 1),
            format!("DMARC failed: the From domain asks for {}, and neither SPF nor DKIM passed for it", dmarc.name),
        ),
        (Class::BlockedType, _) => Reply::new(550, (5, 7, 1), "An attachment is of a type that is not accepted here"),
        _ => Reply::new(550, (5, 7, 1), "Refused by the policy of the recipient's organisation"),
    }
}
