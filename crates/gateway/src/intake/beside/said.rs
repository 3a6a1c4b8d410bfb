//! What was seen of a mail, for protocols that tell it.

use crate::intake::Judged;
use crate::policy::{Decision, PolicyAction};
use detect::{Class, Finding};
use mail::auth::AuthResults;
use mail::{Mail, MailId};
use std::collections::BTreeSet;

/// Links and addresses that are told.
const TOLD_MAX: usize = 200;

/// One judged mail, in the words of the strictest of its recipients.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// `None`: it is not recorded.
    pub id: Option<MailId>,
    pub action: PolicyAction,
    pub class: Class,
    /// After overrides: -1 to 9.
    pub scl: i8,
    pub spam_probability: f32,
    pub phish_probability: f32,
    pub findings: Vec<Finding>,
    pub auth: AuthResults,
    /// Without angle brackets; may be empty.
    pub message_id: String,
    pub subject: String,
    /// Words that the policy puts before the subject.
    pub prefix: String,
    /// A line that the policy puts on top, as "Name: value"; empty: none.
    pub header: String,
    pub links: Vec<String>,
    pub addresses: Vec<String>,
}

impl Said {
    pub fn new(id: Option<MailId>, mail: Mail<'_>, judged: &Judged, decisions: &[Decision]) -> Said {
        let strictest = decisions.iter().max_by_key(|decision| rank(decision.action));
        let verdict = &judged.verdict;
        let is_marked = |decision: &&Decision| matches!(decision.action, PolicyAction::Junk | PolicyAction::AddHeader);
        Said {
            id,
            action: strictest.map_or(PolicyAction::None, |decision| decision.action),
            class: strictest.map_or(verdict.class, |decision| decision.class),
            scl: strictest.map_or(verdict.scl, |decision| decision.scl),
            spam_probability: verdict.spam_probability,
            phish_probability: verdict.phish_probability,
            findings: judged.inspected.findings.clone(),
            auth: judged.auth.clone(),
            message_id: mail.message.message_id.clone().unwrap_or_default().trim_matches(['<', '>']).to_string(),
            subject: mail.message.subject.clone(),
            prefix: strictest
                .filter(|one| one.action == PolicyAction::Prefix)
                .map(|one| one.policy.subject_prefix.clone())
                .unwrap_or_default(),
            header: strictest.filter(is_marked).map(|one| one.policy.header.clone()).unwrap_or_default(),
            links: links(mail),
            addresses: addresses(mail),
        }
    }
}

/// How far an action keeps a mail from its recipient.
fn rank(action: PolicyAction) -> u8 {
    match action {
        PolicyAction::None => 0,
        PolicyAction::Prefix => 1,
        PolicyAction::AddHeader => 2,
        PolicyAction::Junk => 3,
        PolicyAction::Redirect => 4,
        PolicyAction::Quarantine => 5,
        PolicyAction::Delete => 6,
        PolicyAction::Reject => 7,
    }
}

fn links(mail: Mail<'_>) -> Vec<String> {
    let all: BTreeSet<String> = mail.message.links.iter().take(TOLD_MAX).map(|link| link.target.to_string()).collect();
    all.into_iter().filter(|link| link.starts_with("http://") || link.starts_with("https://")).collect()
}

/// Addresses that stand in the message's fields and links.
fn addresses(mail: Mail<'_>) -> Vec<String> {
    let mailto = mail.message.links.iter().take(TOLD_MAX).filter_map(|link| link.target.strip_prefix("mailto:").map(str::to_string));
    let author = mail.message.from.address().map(ToString::to_string);
    let all: BTreeSet<String> = mailto.map(|link| link.split('?').next().unwrap_or_default().to_lowercase()).chain(author).collect();
    all.into_iter().filter(|address| address.contains('@')).collect()
}
