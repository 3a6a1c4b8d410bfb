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
    decide(directory, Question { verdict, evidence: None, auth, subject: &subject, org: ORG, recipient: &recipient, now_ms: 0 })
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
    let only_bo = RecipientFilter { addresses: vec!["bo@demo.example".into()], ..RecipientFilter::default() };
    let demo = RecipientFilter { domains: vec!["DEMO.example".into()], ..RecipientFilter::default() };
    let li = RecipientFilter { addresses: vec!["li@demo.example".into()], ..RecipientFilter::default() };
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
        (PolicySettings { name: "default".into(), ..Default::default() }, true),
        (PolicySettings { thresholds: PolicyThresholds { spam: 0.2, ..Default::default() }, ..Default::default() }, true),
        (PolicySettings { thresholds: PolicyThresholds { spam: 0.9, high_spam: 0.8, ..Default::default() }, ..Default::default() }, true),
        (
            PolicySettings { except: RecipientFilter { domains: vec!["not a domain".into()], ..Default::default() }, ..Default::default() },
            true,
        ),
    ] {
        assert_eq!(!settings.complaints().is_empty(), wrong, "{:?}", settings.complaints());
    }
}

#[test]
fn what_a_mail_holds_allows_nothing_and_blocks() {
    let hash = "ab".repeat(32);
    let subject = Subject::of_content(&["cdn.partner.example"], &[[0xab; 32]]);
    let recipient = Address::parse("li@demo.example").expect("an address");
    for (effect, kind, value, class, want, why) in [
        (Effect::Allow, EntryKind::Host, "partner.example", Class::HighSpam, Class::HighSpam, "anybody can link there"),
        (Effect::Allow, EntryKind::Hash, hash.as_str(), Class::HighSpam, Class::HighSpam, "anybody can attach it"),
        (Effect::Block, EntryKind::Host, "partner.example", Class::Clean, Class::HighPhish, "a blocked link"),
        (Effect::Block, EntryKind::Hash, hash.as_str(), Class::Clean, Class::Malware, "a blocked file"),
        (Effect::Block, EntryKind::Hash, "00", Class::Clean, Class::Clean, "another file"),
    ] {
        let directory = directory(Preset::Default, vec![], vec![entry(effect, kind, value)]);
        let (verdict, auth) = (Verdict { bcl: 0, ..verdict(class) }, auth(None));
        let question =
            Question { verdict: &verdict, evidence: None, auth: &auth, subject: &subject, org: ORG, recipient: &recipient, now_ms: 0 };
        let got = decide(&directory, question);
        assert_eq!(got.class, want, "{why}");
        let told = got.considered.iter().filter(|one| one.entry.is_some()).map(|one| one.over).collect::<Vec<_>>();
        assert_eq!(told, if value == "00" { vec![] } else { vec![Some(class)] }, "{why}");
    }
}

#[test]
fn a_policy_can_have_thresholds_of_its_own_unless_somebody_said_what_the_mail_is() {
    let thresholds = detect::Thresholds::default();
    let recipient = Address::parse("li@demo.example").expect("an address");
    let (subject, auth) = (Subject::default(), auth(None));
    let log_odds = |p: f32| (p / (1.0 - p)).ln();
    for (own, spam_probability, said, want) in [
        (0.0, 0.95, false, Class::Spam),
        (0.98, 0.95, false, Class::Clean),
        (0.7, 0.75, false, Class::Spam),
        (0.7, 0.75, true, Class::Clean),
        (0.995, 0.993, false, Class::Clean),
    ] {
        let policy = PolicySettings {
            bulk_level: 9,
            thresholds: PolicyThresholds { spam: own, ..PolicyThresholds::default() },
            ..PolicySettings::default()
        };
        let spam_log_odds = log_odds(spam_probability);
        let judged = detect::verdict::judge(&[], spam_log_odds, -9.0, 0, &thresholds);
        let evidence = Evidence { findings: &[], spam_log_odds, phish_log_odds: -9.0, thresholds: &thresholds };
        let evidence = (!said).then_some(evidence);
        let directory = directory(Preset::Default, vec![policy], vec![]);
        let question = Question { verdict: &judged, evidence, auth: &auth, subject: &subject, org: ORG, recipient: &recipient, now_ms: 0 };
        assert_eq!(decide(&directory, question).class, want, "{own} {spam_probability}");
    }
}

#[test]
fn presets_can_be_for_some_and_what_is_switched_off_is_passed_over() {
    let only = |address: &str| RecipientFilter { addresses: vec![address.into()], ..RecipientFilter::default() };
    let rows = vec![
        PolicySettings { name: "first".into(), priority: -5, enabled: false, ..Default::default() },
        PolicySettings { name: "second".into(), priority: 3, ..Default::default() },
        PolicySettings { name: "standard".into(), applies_to: only("li@demo.example"), spam: PolicyAction::Delete, ..Default::default() },
        PolicySettings { name: "strict".into(), applies_to: only("bo@demo.example"), ..Default::default() },
    ];
    let ordered = in_order(rows);
    let names: Vec<&str> = ordered.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["strict", "standard", "first", "second"]);
    let directory = directory(Preset::Default, ordered, vec![]);
    let applied = |address: &str| applying(&directory, ORG, &Address::parse(address).expect("an address"));
    let (li, passed) = applied("li@demo.example");
    assert_eq!(
        (li.name.as_str(), li.spam, li.high_spam),
        ("standard", PolicyAction::Junk, PolicyAction::Quarantine),
        "a preset's own numbers"
    );
    assert_eq!(passed.len(), 1);
    let (ann, passed) = applied("ann@demo.example");
    assert_eq!(ann.name, "second");
    assert_eq!(passed.last().map(|one| one.why.as_str()), Some("it is switched off"));
}
