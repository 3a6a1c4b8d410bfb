use super::*;
use crate::directory::{Directory, Effect, Entries, Entry, EntryKind, Organisation, OrganisationSettings, Subject};
use detect::{Class, Verdict};
use mail::auth::*;
use mail::{Address, OrgId};
use std::sync::Arc;

const ORG: OrgId = OrgId(1);

fn verdict(class: Class) -> Verdict {
    Verdict { class, runner_up: Class::Clean, scl: 5, bcl: 6, spam_probability: 0.5, phish_probability: 0.1, decided_by: None }
}

/// Nothing was authenticated and nothing failed; `dmarc` says what the owner asks for when it did.
fn auth(dmarc: Option<DmarcPolicy>) -> AuthResults {
    let none = DkimResult::None;
    AuthResults {
        spf: Spf { result: SpfResult::None, domain: "a.example".into(), by_helo: false, why: String::new() },
        dkim: Vec::new(),
        dmarc: Dmarc {
            result: if dmarc.is_some() { DmarcResult::Fail } else { DmarcResult::None },
            domain: "a.example".into(),
            policy_domain: Some("a.example".into()),
            policy: dmarc.unwrap_or(DmarcPolicy::None),
            sampled_out: false,
            why: String::new(),
        },
        arc: mail::auth::Arc { result: none, instances: 0, sealer: None, trusted: false, why: String::new() },
        composite: Composite { result: CompositeResult::Fail, reason: 0 },
        dns_lookups: 0,
    }
}

fn directory(preset: Preset, policies: Vec<PolicySettings>, entries: Vec<Entry>) -> Directory {
    let mut directory = Directory::default();
    let settings = OrganisationSettings { name: "one".into(), preset, ..Default::default() };
    directory.organisations.insert(ORG, Organisation { id: ORG, name: "one".into(), settings });
    directory.policies.insert(ORG, policies.into_iter().map(Arc::new).collect());
    let known = directory.entries.entry(ORG).or_insert_with(Entries::default);
    entries.into_iter().for_each(|entry| known.add(entry));
    directory
}

fn decided(directory: &Directory, verdict: &Verdict, auth: &AuthResults, authenticated: bool) -> Decision {
    let recipient = Address::parse("li@demo.example").expect("an address");
    let subject = Subject::of_senders("192.0.2.9".parse().expect("an address"), &[("ann@a.example", authenticated)]);
    decide(directory, Question { verdict, auth, subject: &subject, org: ORG, recipient: &recipient, now_ms: 0 })
}

fn allow() -> Entry {
    entry(Effect::Allow, EntryKind::Domain, "a.example")
}

fn entry(effect: Effect, kind: EntryKind, value: &str) -> Entry {
    Entry { id: 1, effect, kind, value: value.into(), scope: String::new(), expires_ms: None, note: String::new() }
}

#[test]
fn presets_do_what_service_md_lists() {
    use Class::*;
    use PolicyAction::{Junk, None, Quarantine, Reject};
    for (class, default, standard, strict) in [
        (Clean, None, Junk, Junk), // BCL 6 is bulk from "standard" on
        (Bulk, None, Junk, Quarantine),
        (Spam, Junk, Junk, Quarantine),
        (HighSpam, Junk, Quarantine, Quarantine),
        (Phish, Quarantine, Quarantine, Quarantine),
        (HighPhish, Quarantine, Quarantine, Quarantine),
        (Spoof, Junk, Junk, Quarantine),
        (Malware, Quarantine, Quarantine, Quarantine),
        (Uninspectable, Quarantine, Quarantine, Quarantine),
        (BlockedType, Reject, Reject, Reject),
    ] {
        for (preset, want) in [(Preset::Default, default), (Preset::Standard, standard), (Preset::Strict, strict)] {
            let want = if class == Clean && preset == Preset::Strict { Quarantine } else { want };
            let got = decided(&directory(preset, vec![], vec![]), &verdict(class), &auth(Option::None), false);
            assert_eq!(got.action, want, "{class:?} with {}", preset.name());
        }
    }
}

#[test]
fn the_first_policy_that_matches_applies_and_the_others_say_why_not() {
    let only_bo = RecipientFilter { addresses: vec!["bo@demo.example".into()], domains: vec![] };
    let demo = RecipientFilter { addresses: vec![], domains: vec!["DEMO.example".into()] };
    let li = RecipientFilter { addresses: vec!["li@demo.example".into()], domains: vec![] };
    let named = |name: &str, applies_to: &RecipientFilter, except: &RecipientFilter| PolicySettings {
        name: name.into(),
        applies_to: applies_to.clone(),
        except: except.clone(),
        spam: PolicyAction::Delete,
        ..Default::default()
    };
    let nobody = RecipientFilter::default();
    let policies =
        vec![named("bo", &only_bo, &nobody), named("not li", &demo, &li), named("all", &demo, &nobody), named("late", &nobody, &nobody)];
    let got = decided(&directory(Preset::Default, policies.clone(), vec![]), &verdict(Class::Spam), &auth(None), false);
    assert_eq!((got.policy.name.as_str(), got.action), ("all", PolicyAction::Delete));
    let passed: Vec<&str> = got.considered.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(passed, ["bo", "not li"]);
    let strict = decided(&directory(Preset::Strict, policies, vec![]), &verdict(Class::Spam), &auth(None), false);
    assert_eq!(strict.policy.name, "strict", "a preset comes before custom policies");
}

#[test]
fn allow_entries_beat_spam_and_nothing_worse() {
    for (class, authenticated, want, why) in [
        (Class::HighSpam, true, PolicyAction::None, "allowed"),
        (Class::Phish, true, PolicyAction::None, "allowed"),
        (Class::HighSpam, false, PolicyAction::Junk, "anybody could have written the name"),
        (Class::HighPhish, true, PolicyAction::Quarantine, "high confidence phish is held"),
        (Class::Malware, true, PolicyAction::Quarantine, "nothing allows malware"),
        (Class::BlockedType, true, PolicyAction::Reject, "nothing allows a blocked type"),
        (Class::Uninspectable, true, PolicyAction::Quarantine, "nothing allows what was not seen"),
    ] {
        let got = decided(&directory(Preset::Default, vec![], vec![allow()]), &verdict(class), &auth(None), authenticated);
        assert_eq!(got.action, want, "{class:?}: {why}");
        assert_eq!(got.scl == -1, want == PolicyAction::None, "{class:?}: SCL -1 says bypassed");
        assert_eq!(got.considered.iter().filter(|one| one.kind == "entry").count(), 1, "the receipt names it either way");
    }
}

#[test]
fn block_beats_allow() {
    let both = vec![allow(), entry(Effect::Block, EntryKind::Ip, "192.0.2.9")];
    let got = decided(&directory(Preset::Default, vec![], both), &verdict(Class::Clean), &auth(None), true);
    assert_eq!((got.action, got.class, got.scl), (PolicyAction::Quarantine, Class::HighPhish, 9));
}

#[test]
fn the_wish_of_the_domain_owner_counts_unless_switched_off_or_vouched_for() {
    let check = |policy: PolicySettings, auth: &AuthResults, class: Class| {
        decided(&directory(Preset::Default, vec![policy], vec![]), &verdict(class), auth, false).action
    };
    let honours = PolicySettings { bulk_level: 9, ..Default::default() };
    let does_not = PolicySettings { honor_dmarc: false, ..honours.clone() };
    let (reject, hold, none) = (auth(Some(DmarcPolicy::Reject)), auth(Some(DmarcPolicy::Quarantine)), auth(Some(DmarcPolicy::None)));
    assert_eq!(check(honours.clone(), &reject, Class::Clean), PolicyAction::Reject);
    assert_eq!(check(honours.clone(), &hold, Class::Clean), PolicyAction::Quarantine);
    assert_eq!(check(honours.clone(), &none, Class::Clean), PolicyAction::None);
    assert_eq!(check(does_not, &reject, Class::Clean), PolicyAction::None);
    assert_eq!(check(honours.clone(), &reject, Class::Malware), PolicyAction::Quarantine, "malware is kept for inspection");
    assert_eq!(check(honours.clone(), &reject, Class::Phish), PolicyAction::Reject, "a forged phish goes back too");
    assert_eq!(check(honours.clone(), &hold, Class::HighSpam), PolicyAction::Quarantine, "junk is milder than the owner asks for");
    let mut vouched = reject.clone();
    vouched.composite = Composite { result: CompositeResult::Pass, reason: 130 };
    assert_eq!(check(honours, &vouched, Class::Clean), PolicyAction::None, "a trusted ARC sealer vouches");
}

#[test]
fn settings_that_cannot_work_are_named() {
    for (settings, wrong) in [
        (PolicySettings::default(), false),
        (PolicySettings { spam: PolicyAction::Redirect, ..Default::default() }, true),
        (PolicySettings { spam: PolicyAction::Redirect, redirect_to: "li@demo.example".into(), ..Default::default() }, false),
        (PolicySettings { header: "no colon".into(), ..Default::default() }, true),
        (PolicySettings { header: "X: y\r\nBcc: z".into(), ..Default::default() }, true),
        (PolicySettings { bulk_level: 0, ..Default::default() }, true),
    ] {
        assert_eq!(!settings.complaints().is_empty(), wrong, "{:?}", settings.complaints());
    }
}
