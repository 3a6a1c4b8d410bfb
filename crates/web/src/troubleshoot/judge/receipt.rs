//! What a receipt says was decided for one recipient, and by what.

use crate::page::Say;
use crate::troubleshoot::cause::Cause;
use crate::troubleshoot::fix::{self, Fix};
use crate::troubleshoot::suspect::{Evidence, Strength, Suspect};
use detect::Class;
use gateway::policy::{Considered, PolicyAction};
use gateway::receipt::{self, Decided, Language, Receipt};
use gateway::rules::{ActionKind, NoteOutcome, RuleNote};
use mail::auth::{DkimResult, SpfResult};

/// Findings named as evidence.
const FINDINGS_MAX: usize = 3;
const ALLOW_DAYS: i64 = 30;

/// What was decided for this address; the first recipient's when there is none of it (a rule sent it elsewhere).
pub fn decided_for<'a>(receipt: &'a Receipt, address: &str) -> Option<&'a Decided> {
    receipt.recipients.iter().find(|one| one.address.eq_ignore_ascii_case(address)).or(receipt.recipients.first())
}

/// Causes behind an action that kept mail from its recipient or marked it; the one that decided first.
pub fn suspects(receipt: &Receipt, decided: &Decided) -> Vec<Suspect> {
    let mut found = Vec::new();
    let lost = decided.considered.iter().find(|one| one.kind == "entry" && !one.won && one.name.starts_with("allow"));
    if let Some(rule) = rule_of(receipt, decided) {
        found.push(rule);
    } else if let Some(dmarc) = won(decided, "dmarc") {
        found.push(not_authenticated(receipt, dmarc));
    } else if let Some(entry) = won(decided, "entry").filter(|entry| entry.name.starts_with("block")) {
        found.push(by_entry(Cause::BlockEntry, entry));
    } else if decided.action != PolicyAction::None {
        found.extend(by_class(receipt, decided));
    }
    if let Some(entry) = lost.filter(|_| decided.action != PolicyAction::None) {
        found.insert(0, lost_entry(receipt, entry));
    }
    found
}

fn won<'a>(decided: &'a Decided, kind: &str) -> Option<&'a Considered> {
    decided.considered.iter().rfind(|one| one.kind == kind && one.won)
}

/// The rule that decided for this recipient. One that only set the level did not decide: the level did.
fn rule_of(receipt: &Receipt, decided: &Decided) -> Option<Suspect> {
    let rule = decided.considered.iter().rfind(|one| one.kind == "rule" && one.won)?;
    let cause = match rule.why.as_str() {
        "a rule asks for approval" => Cause::AwaitingApproval,
        _ => Cause::MailFlowRule,
    };
    let say = Say::new("seen-rule").with("what", rule.name.as_str()).with("detail", conditions(receipt, &rule.name));
    let note = receipt.rules.iter().find(|note| note.name == rule.name);
    let off = note.map(|note| Fix::RuleOff { rule: note.rule.to_string(), name: note.name.clone() });
    let suspect = Suspect::new(cause, rule.name.as_str()).seen(Strength::Record, say);
    Some(suspect.fixes(off.filter(|_| cause == Cause::MailFlowRule)))
}

/// Conditions of a rule that held, with what they found.
fn conditions(receipt: &Receipt, name: &str) -> String {
    let note = receipt.rules.iter().find(|note| note.name == name);
    let evidence = note.map(|note| note.evidence.as_slice()).unwrap_or_default();
    let held = evidence.iter().filter(|one| one.holds == Some(true)).map(|one| one.found.clone()).filter(|found| !found.is_empty());
    held.take(FINDINGS_MAX).collect::<Vec<_>>().join(", ")
}

/// A rule that redirected the mail.
pub fn redirecting_rule(receipt: &Receipt) -> Option<&RuleNote> {
    receipt.rules.iter().find(|note| note.outcome == NoteOutcome::Matched && note.actions.contains(&ActionKind::Redirect))
}

/// What SPF and DKIM said, in short.
pub fn authentication(receipt: &Receipt) -> String {
    let word = |value: Result<serde_json::Value, serde_json::Error>| {
        value.ok().and_then(|word| word.as_str().map(str::to_string)).unwrap_or_default()
    };
    let spf = format!("SPF {} ({})", word(serde_json::to_value(receipt.auth.spf.result)), receipt.auth.spf.domain);
    let dkim = match receipt.auth.dkim.first() {
        None => "DKIM none".to_string(),
        Some(one) => format!("DKIM {} ({})", word(serde_json::to_value(one.result)), one.domain),
    };
    let dmarc = format!("DMARC {} ({})", word(serde_json::to_value(receipt.auth.dmarc.result)), receipt.auth.dmarc.domain);
    format!("{spf}, {dkim}, {dmarc}")
}

fn not_authenticated(receipt: &Receipt, dmarc: &Considered) -> Suspect {
    let domain = receipt.auth.dmarc.domain.as_str();
    let say = Say::new("seen-dmarc").with("what", dmarc.name.as_str()).with("detail", authentication(receipt));
    let text = Say::new("tell-authenticate")
        .with("what", domain)
        .with("detail", authentication(receipt))
        .with("ip", receipt.connection.ip.to_string());
    Suspect::new(Cause::SenderNotAuthenticated, domain).detail(authentication(receipt)).seen(Strength::Record, say).fix(fix::tell(text))
}

fn by_entry(cause: Cause, entry: &Considered) -> Suspect {
    let say = Say::new("seen-entry").with("what", entry.name.as_str());
    let end = entry.entry.map(|id| Fix::EndEntry { entry: id.to_string(), name: entry.name.clone() });
    Suspect::new(cause, entry.name.as_str()).seen(Strength::Record, say).fixes(end)
}

fn lost_entry(receipt: &Receipt, entry: &Considered) -> Suspect {
    let say = Say::new("seen-entry-lost").with("what", entry.name.as_str()).with("detail", authentication(receipt));
    let why = Say::new("seen-entry-why").with("what", entry.why.as_str());
    let suspect = Suspect::new(Cause::AllowEntryLost, entry.name.as_str()).detail(entry.why.as_str());
    let suspect = suspect.seen(Strength::Record, say).with(Evidence::new(Strength::Fits, why)).near(0.2);
    match entry.why.contains("not authenticated") {
        true => suspect.fix(fix::tell(
            Say::new("tell-authenticate")
                .with("what", receipt.header.from.rsplit('@').next().unwrap_or_default())
                .with("detail", authentication(receipt))
                .with("ip", receipt.connection.ip.to_string()),
        )),
        false => suspect,
    }
}

/// What the mail was judged to be.
pub fn by_class(receipt: &Receipt, decided: &Decided) -> Option<Suspect> {
    let cause = match decided.class {
        Class::Clean => return None,
        Class::Bulk => Cause::JudgedBulk,
        Class::Spam | Class::HighSpam => Cause::JudgedSpam,
        Class::Phish | Class::HighPhish => Cause::JudgedPhish,
        Class::Spoof => Cause::JudgedSpoof,
        Class::Impersonation => Cause::JudgedImpersonation,
        Class::Uninspectable => Cause::NotInspected,
        Class::BlockedType => Cause::BlockedAttachment,
        Class::Malware => Cause::JudgedMalware,
    };
    let percent = |p: f32| format!("{:.0} %", p * 100.0);
    let figures = format!("{} / {}", percent(receipt.verdict.spam_probability), percent(receipt.verdict.phish_probability));
    let say = Say::new("seen-verdict").with("what", decided.class.name()).with("policy", decided.policy.as_str()).with("detail", figures);
    let mut suspect = Suspect::new(cause, decided.class.name()).seen(Strength::Record, say);
    for finding in receipt::strongest(receipt).into_iter().take(FINDINGS_MAX) {
        let title = receipt::title(&finding.check, Language::English);
        let say =
            Say::new("seen-finding").with("what", title).with("check", finding.check.to_string()).with("detail", finding.evidence.as_str());
        suspect = suspect.with(Evidence::new(Strength::Fits, say));
    }
    if cause == Cause::JudgedSpoof {
        let text = Say::new("tell-authenticate")
            .with("what", receipt.header.from.rsplit('@').next().unwrap_or_default())
            .with("detail", authentication(receipt))
            .with("ip", receipt.connection.ip.to_string());
        suspect = suspect.fix(fix::tell(text));
    }
    Some(suspect)
}

/// An allow entry for the author, where it would help: the sender proved who they are, and the class is one that can be allowed.
pub fn allow(receipt: &Receipt, decided: &Decided) -> Option<Fix> {
    let is_authenticated = receipt.auth.spf.result == SpfResult::Pass || receipt.auth.dkim.iter().any(|one| one.result == DkimResult::Pass);
    let can_allow = decided.class < Class::HighPhish && !receipt.header.from.is_empty();
    (is_authenticated && can_allow).then(|| Fix::Allow { value: receipt.header.from.clone(), scope: String::new(), days: ALLOW_DAYS })
}

/// Why bad mail was not kept: what spoke for it, or nothing did.
pub fn why_it_passed(receipt: &Receipt, decided: &Decided) -> Suspect {
    if let Some(entry) = won(decided, "entry").filter(|entry| entry.name.starts_with("allow")) {
        return by_entry(Cause::AllowedByEntry, entry);
    }
    let level = decided.considered.iter().rfind(|one| one.kind == "rule" && one.won && one.why.contains("confidence level"));
    if let Some(rule) = level.filter(|_| receipt.verdict.class > decided.class || decided.scl < 0) {
        let say = Say::new("seen-rule").with("what", rule.name.as_str()).with("detail", conditions(receipt, &rule.name));
        let note = receipt.rules.iter().find(|note| note.name == rule.name);
        let off = note.map(|note| Fix::RuleOff { rule: note.rule.to_string(), name: note.name.clone() });
        return Suspect::new(Cause::AllowedByRule, rule.name.as_str()).seen(Strength::Record, say).fixes(off);
    }
    if decided.class != Class::Clean {
        let say = Say::new("seen-policy").with("what", decided.policy.as_str()).with("detail", decided.class.name());
        return Suspect::new(Cause::LenientPolicy, decided.policy.as_str())
            .detail(decided.class.name())
            .seen(Strength::Record, say)
            .fix(fix::open("/policies", "fix-open-policies"));
    }
    let say = Say::new("seen-judged-clean").with("detail", authentication(receipt));
    Suspect::new(Cause::MissedByFilter, "")
        .seen(Strength::Record, say)
        .fix(fix::open(format!("/trace/{}", receipt.mail), "fix-open-report"))
}
