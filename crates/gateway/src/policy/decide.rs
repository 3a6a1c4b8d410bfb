//! The decision for one recipient.

use super::{PolicyAction, PolicySettings, Preset};
use crate::directory::{Directory, Effect, Entry, Subject};
use detect::{Class, Verdict};
use mail::auth::{AuthResults, CompositeResult, DmarcPolicy, DmarcResult};
use mail::{Address, OrgId};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};

/// What is decided about.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub verdict: &'a Verdict,
    pub auth: &'a AuthResults,
    pub subject: &'a Subject,
    pub org: OrgId,
    pub recipient: &'a Address,
    pub now_ms: i64,
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
    /// "policy", "entry" or "dmarc".
    pub kind: String,
    /// Name of the policy, or effect, kind and value of the entry.
    pub name: String,
    pub won: bool,
    pub why: String,
}

impl Considered {
    fn new(kind: &str, name: String, won: bool, why: &str) -> Considered {
        Considered { kind: kind.into(), name, won, why: why.into() }
    }
}

/// Considered things kept in a receipt per recipient.
const CONSIDERED_MAX: usize = 20;

static PRESETS: LazyLock<[Arc<PolicySettings>; 3]> =
    LazyLock::new(|| [Preset::Default, Preset::Standard, Preset::Strict].map(|preset| Arc::new(preset.settings())));

/// Decides for one recipient.
pub fn decide(directory: &Directory, question: Question<'_>) -> Decision {
    let mut considered = Vec::new();
    let policy = applying(directory, question, &mut considered);
    let mut class = question.verdict.class;
    let mut scl = question.verdict.scl;
    class = bulk_class(class, question.verdict.bcl, policy.bulk_level);
    (class, scl) = overrides(directory, question, class, scl, &mut considered);
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

/// Where bulk begins is the policy's to say.
pub(super) fn bulk_class(class: Class, bcl: u8, bulk_level: u8) -> Class {
    match class {
        Class::Clean if bcl >= bulk_level => Class::Bulk,
        Class::Bulk if bcl < bulk_level => Class::Clean,
        class => class,
    }
}

/// Strict preset, standard preset, custom by priority, default: the first that matches.
fn applying(directory: &Directory, question: Question<'_>, considered: &mut Vec<Considered>) -> Arc<PolicySettings> {
    let preset = directory.organisation(question.org).map(|org| org.settings.preset).unwrap_or_default();
    if preset != Preset::Default {
        return PRESETS[preset as usize].clone();
    }
    for policy in directory.policies.get(&question.org).into_iter().flatten() {
        match policy.passes_over(question.recipient) {
            None => return policy.clone(),
            Some(why) => considered.push(Considered::new("policy", policy.name.clone(), false, why)),
        }
    }
    PRESETS[Preset::Default as usize].clone()
}

/// Allow and block entries. Block beats allow; nothing beats malware, and an allow entry does not beat high confidence phish.
fn overrides(directory: &Directory, question: Question<'_>, class: Class, scl: i8, considered: &mut Vec<Considered>) -> (Class, i8) {
    let Some(entries) = directory.entries.get(&question.org) else { return (class, scl) };
    let matching = entries.matching(question.subject, &question.recipient.key(), question.now_ms);
    let blocked = matching.iter().find(|(entry, _)| entry.effect == Effect::Block).map(|(entry, _)| entry.id);
    let mut outcome = (class, scl);
    for (entry, may) in matching {
        let (won, why) = weigh(entry, may, class, blocked);
        if won && entry.effect == Effect::Block {
            outcome = (class.max(Class::HighPhish), 9); // service.md §1.2: a blocked sender is high confidence phish
        } else if won && outcome == (class, scl) {
            outcome = (Class::Clean, -1);
        }
        let name = format!("{} {} {}", entry.effect.name(), entry.kind.name(), entry.value);
        considered.push(Considered::new("entry", name, won, why));
    }
    outcome
}

fn weigh(entry: &Entry, may: bool, class: Class, blocked: Option<i64>) -> (bool, &'static str) {
    match entry.effect {
        Effect::Block if blocked == Some(entry.id) => (true, "a block entry holds the mail"),
        Effect::Block => (false, "another block entry decided already"),
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
pub(super) fn dmarc_wish(auth: &AuthResults, class: Class, considered: &mut Vec<Considered>) -> Option<PolicyAction> {
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
