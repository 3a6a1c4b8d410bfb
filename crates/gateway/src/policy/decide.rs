//! The decision for one recipient.

use super::{PolicyAction, PolicySettings, Preset};
use crate::directory::{Directory, Effect, Entries, Entry, EntryKind, Membership, Subject};
use detect::{Class, Finding, Thresholds, Verdict};
use mail::auth::{AuthResults, CompositeResult, DmarcPolicy, DmarcResult};
use mail::id::EntryId;
use mail::{Address, OrgId};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// What is decided about.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub verdict: &'a Verdict,
    /// What the verdict was made of, for policies with thresholds of their own. `None`: somebody said what the mail is, such as a
    /// rule, and thresholds have no say any more.
    pub evidence: Option<Evidence<'a>>,
    pub auth: &'a AuthResults,
    pub subject: &'a Subject,
    pub org: OrgId,
    pub recipient: &'a Address,
    pub now_ms: i64,
}

/// What a verdict was made of.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    pub findings: &'a [Finding],
    pub spam_log_odds: f32,
    pub phish_log_odds: f32,
    /// The installation's thresholds.
    pub thresholds: &'a Thresholds,
}

/// What is to be done for one recipient, and how that came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub policy: Arc<PolicySettings>,
    pub action: PolicyAction,
    /// The class that the action answers; differs from the verdict's after an override.
    pub class: Class,
    /// Spam confidence level after overrides: -1 when an allow entry bypassed the filter.
    pub scl: i8,
    /// Policies that came before and did not apply, and overrides, in the order looked at.
    pub considered: Vec<Considered>,
}

/// One thing that could have changed the decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// "policy", "entry", "dmarc" or "rule".
    pub kind: String,
    /// Name of the policy, or effect, kind and value of the entry.
    pub name: String,
    pub won: bool,
    pub why: String,
    /// Which entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryId>,
    /// What the mail was before the entry spoke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Class>,
}

impl Considered {
    pub(crate) fn new(kind: &str, name: String, won: bool, why: &str) -> Considered {
        Considered { kind: kind.into(), name, won, why: why.into(), entry: None, over: None }
    }
}

/// Considered things kept in a receipt per recipient.
const CONSIDERED_MAX: usize = 20;

static PRESETS: LazyLock<[Arc<PolicySettings>; 3]> = LazyLock::new(|| Preset::ALL.map(|preset| Arc::new(preset.settings())));

/// Decides for one recipient.
pub fn decide(directory: &Directory, question: Question<'_>) -> Decision {
    let (policy, considered) = applying(directory, question.org, question.recipient);
    outcome(policy, considered, directory.entries.get(&question.org), question)
}

/// What this policy and these entries make of the mail. `considered` is what was looked at before.
pub(super) fn outcome(
    policy: Arc<PolicySettings>,
    mut considered: Vec<Considered>,
    entries: Option<&Entries>,
    question: Question<'_>,
) -> Decision {
    let (class, scl) = class_for(&policy, &question);
    let (mut class, scl) = overrides(entries, question, (class, scl), &mut considered);
    let mut action = policy.action(class);
    if policy.honor_dmarc
        && let Some(wish) = dmarc_wish(question.auth, class, &mut considered)
    {
        action = wish;
        class = class.max(Class::Spoof);
    }
    considered.truncate(CONSIDERED_MAX);
    Decision { policy, action, class, scl, considered }
}

/// Class and level of the mail as this policy sees it, before anything overrides them.
fn class_for(policy: &PolicySettings, question: &Question<'_>) -> (Class, i8) {
    let verdict = question.verdict;
    let (class, scl) = match question.evidence {
        Some(evidence) if policy.thresholds.is_own() => {
            let thresholds = policy.thresholds.over(evidence.thresholds);
            detect::verdict::class_of(evidence.findings, evidence.spam_log_odds, evidence.phish_log_odds, verdict.bcl, &thresholds)
        }
        _ => (verdict.class, verdict.scl),
    };
    (bulk_class(class, verdict.bcl, policy.bulk_level), scl)
}

/// Where bulk begins is the policy's to say.
fn bulk_class(class: Class, bcl: u8, bulk_level: u8) -> Class {
    match class {
        Class::Clean if bcl >= bulk_level => Class::Bulk,
        Class::Bulk if bcl < bulk_level => Class::Clean,
        class => class,
    }
}

/// Strict preset, standard preset, custom by priority, default: the first that matches, and those before it with why not.
pub fn applying(directory: &Directory, org: OrgId, recipient: &Address) -> (Arc<PolicySettings>, Vec<Considered>) {
    let preset = directory.organisation(org).map(|org| org.settings.preset).unwrap_or_default();
    let policies = directory.policies.get(&org).map(Vec::as_slice).unwrap_or_default();
    first_of(preset, policies, recipient, &directory.membership(org, recipient))
}

/// The same over policies in their order. `everybody` is the preset that the whole organisation has.
pub(super) fn first_of(
    everybody: Preset,
    policies: &[Arc<PolicySettings>],
    recipient: &Address,
    membership: &Membership<'_>,
) -> (Arc<PolicySettings>, Vec<Considered>) {
    let mut considered = Vec::new();
    if everybody != Preset::Default {
        return (PRESETS[everybody as usize].clone(), considered);
    }
    for policy in policies {
        match policy.passes_over(recipient, membership) {
            None => return (policy.clone(), considered),
            Some(why) => considered.push(Considered::new("policy", policy.name.clone(), false, why)),
        }
    }
    (PRESETS[Preset::Default as usize].clone(), considered)
}

/// Allow and block entries. Block beats allow; nothing beats malware, and an allow entry does not beat high confidence phish.
fn overrides(entries: Option<&Entries>, question: Question<'_>, was: (Class, i8), considered: &mut Vec<Considered>) -> (Class, i8) {
    let Some(entries) = entries else { return was };
    let matching = entries.matching(question.subject, &question.recipient.key(), question.now_ms);
    // A file that is blocked is the strongest thing an entry can say.
    let blocks = matching.iter().filter(|(entry, _)| entry.effect == Effect::Block);
    let blocked = blocks.max_by_key(|(entry, _)| entry.kind == EntryKind::Hash).map(|(entry, _)| entry.id);
    let (class, scl) = was;
    let mut outcome = was;
    for (entry, may) in matching {
        let (won, why) = weigh(entry, may, class, blocked);
        if won && entry.effect == Effect::Block {
            // service.md §1.2: a blocked sender or link is high confidence phish, a blocked file malware.
            let least = if entry.kind == EntryKind::Hash { Class::Malware } else { Class::HighPhish };
            outcome = (class.max(least), 9);
        } else if won && outcome == (class, scl) {
            outcome = (Class::Clean, -1);
        }
        let name = format!("{} {} {}", entry.effect.name(), entry.kind.name(), entry.value);
        let told = Considered::new("entry", name, won, why);
        considered.push(Considered { entry: Some(EntryId(entry.id)), over: Some(class), ..told });
    }
    outcome
}

fn weigh(entry: &Entry, may: bool, class: Class, blocked: Option<i64>) -> (bool, &'static str) {
    match entry.effect {
        Effect::Block if blocked == Some(entry.id) => (true, "a block entry holds the mail"),
        Effect::Block => (false, "another block entry decided already"),
        Effect::Allow if !entry.kind.can_allow() => (false, "whoever writes a mail chooses its links and files, so they allow nothing"),
        Effect::Allow if blocked.is_some() => (false, "a block entry beats it"),
        Effect::Allow if class >= Class::Uninspectable => {
            (false, "nothing allows malware, blocked types or mail that could not be inspected")
        }
        Effect::Allow if class >= Class::HighPhish => (false, "high confidence phish is held whatever is allowed"),
        Effect::Allow if !may => (false, "the sender was not authenticated, so anybody could have written this name"),
        Effect::Allow => (true, "the sender is allowed"),
    }
}

/// What the owner of the From domain asks for (RFC 7489 §6.3), unless something stronger is to be done or somebody trusted vouches.
fn dmarc_wish(auth: &AuthResults, class: Class, considered: &mut Vec<Considered>) -> Option<PolicyAction> {
    if auth.dmarc.result != DmarcResult::Fail {
        return None;
    }
    let (action, wish) = match auth.dmarc.policy {
        // What is worse than forged is kept for those who look after it.
        DmarcPolicy::Reject if class <= Class::HighPhish => (PolicyAction::Reject, "p=reject"),
        // Spam may have a milder action than its owner asks for; phish never has.
        DmarcPolicy::Quarantine if class <= Class::HighSpam => (PolicyAction::Quarantine, "p=quarantine"),
        _ => return None,
    };
    let name = format!("{wish} of {}", auth.dmarc.policy_domain.as_deref().unwrap_or(&auth.dmarc.domain));
    if auth.composite.result == CompositeResult::Pass {
        considered.push(Considered::new("dmarc", name, false, "a trusted ARC sealer vouches for the original authentication"));
        return None;
    }
    considered.push(Considered::new("dmarc", name, true, "DMARC failed and the owner of the domain asks for this"));
    Some(action)
}
