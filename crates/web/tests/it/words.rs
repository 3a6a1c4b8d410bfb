//! Every visible string is written, in every language, and used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use web::page::words::{Lang, SOURCES};

/// Families whose keys are put together from a word at run time: `verdict-spam`.
#[rustfmt::skip]
const FAMILIES: &[&str] = &[
    "verdict-",
    "submission-label-", "second-factor-",
    "restricted-why-", "destinations-limit-",
    "role-",
    "may-",
    "fault-",
    "shell-colours-",
    "audit-",
    "nav-",
    "state-",
    "event-",
    "why-",
    "considered-",
    "request-state-",
    "health-status-",
    "health-sla-",
    "health-how-",
    "health-service-",
    "health-cause-",
    "health-impact-",
    "health-do-",
    "health-post-",
    "health-kind-",
    "health-hook-kind-",
    "health-origin-",
    "health-severity-",
    "health-message-kind-",
    "health-message-severity-",
    "health-category-",
    "health-window-",
    "health-measure-",
    "health-series-",
    "overview-span-",
    "help-kind-",
    "help-topic-",
    "help-group-", "help-tile-", "agent-example-",
    "overview-group-",
    "overview-chart-",
    "overview-balance-word-",
    "power-",
    "quarantine-preset-",
    "digest-every-",
    "policy-action-", "policy-preset-", "policy-because-", "policy-span-", "entry-effect-", "entry-kind-", "entry-state-", "entry-days-", "entry-source-", "entry-warn-",
    "people-state-",
    "phone-kind-",
    "phone-purpose-",
    "phone-reason-",
    "session-by-",
    "letter-",
    "provider-error-",
    "check-",
    "clock-",
    "support-state-", "support-area-", "support-view-", "support-event-", "support-side-", "support-see-",
    "cause-", "symptom-", "turn-", "confidence-", "outcome-", "need-", "look-", "verified-", "fix-", "seen-", "tell-", "diagnosis-state-", "bounce-",
    "connectivity-", "desk-", "doctor-",
    "removal-state-", "removal-cause-", "removal-copy-", "removal-said-", "removal-asks-", "removal-error-", "removal-security-", "removal-mailbox-",
    "removal-protocol-", "removal-sign-in-",
    "removal-automatic-",
    "connector-kind-",
    "connector-protocol-",
    "connector-step-",
    "connector-tls-",
    "connector-who-",
    "connector-why-",
    "domain-check-",
    "domain-kind-",
    "domain-mta-sts-mode-",
    "domain-recipients-",
    "domain-source-",
    "domain-step-",
    "directory-",
    "inbound-skip-mode-",
    "key-kind-",
    "key-state-",
    "rule-",
    "rules-tried-",
    "rules-why-",
    "rules-not-editable-",
    "rules-note-",
    "request-",
    "premier-check-", "premier-state-", "premier-finding-", "support-until-", "call-state-",
    "reports-",
    "community-kind-", "community-state-", "community-staff-", "community-reason-", "community-told-", "community-change-", "community-found-", "community-pick-",
];

/// Keys of a source, with the names of what stands in each text.
fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some((key, _)) = line.split_once(" =").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase())) {
            assert!(found.insert(key.to_string(), BTreeSet::new()).is_none(), "{key} is written twice in one language");
            last = key.to_string();
        }
        for name in line.split('$').skip(1) {
            let name: String = name.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '-').collect();
            found.get_mut(&last).expect("an argument stands in a text").insert(name);
        }
    }
    found
}

fn all(pick: impl Fn(&web::page::words::Source) -> &'static str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for source in SOURCES {
        for (key, args) in keys(pick(source)) {
            assert!(all.insert(key.clone(), args).is_none(), "{key} is written by two features");
        }
    }
    all
}

/// Sources and templates of this crate, as one text.
fn sources() -> String {
    let mut text = String::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of sources").flatten() {
            let path: PathBuf = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs" || kind == "html" || kind == "txt") {
                text.push_str(&std::fs::read_to_string(&path).expect("a source is UTF-8"));
            }
        }
    }
    text
}

#[test]
fn all_languages_have_the_same_keys_and_put_the_same_things_into_them() {
    let (english, chinese) = (all(|source| source.en), all(|source| source.zh));
    let missing: Vec<&String> = english.keys().filter(|key| !chinese.contains_key(*key)).collect();
    let extra: Vec<&String> = chinese.keys().filter(|key| !english.contains_key(*key)).collect();
    assert!(missing.is_empty() && extra.is_empty(), "only in English: {missing:?}; only in Chinese: {extra:?}");
    for (key, args) in &english {
        assert_eq!(args, &chinese[key], "{key} puts different things into its text");
        for lang in Lang::ALL {
            assert!(web::page::words::has(lang, key), "{key} cannot be read in {}", lang.tag());
        }
    }
}

#[test]
fn chinese_is_written_in_chinese() {
    for (key, _) in all(|source| source.zh) {
        let (english, chinese) = (web::page::words::text(Lang::English, &key, &[]), web::page::words::text(Lang::Chinese, &key, &[]));
        let words = english.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() > 3 && word.chars().any(char::is_lowercase));
        assert!(words.count() < 3 || english != chinese, "{key} is not translated");
    }
}

#[test]
fn every_key_that_is_asked_for_is_written_and_every_written_key_is_asked_for() {
    let (written, sources) = (all(|source| source.en), sources());
    let mut missing = BTreeSet::new();
    for opening in ["view.t(\"", "view.n(\"", "view.w(\"", "Say::new(\"", ".t(\"", "title: \""] {
        for (at, _) in sources.match_indices(opening) {
            let key: String = sources[at + opening.len()..].chars().take_while(|c| *c != '"').collect();
            if key.contains('-') && !key.contains(['{', ' ']) && !written.contains_key(&key) {
                missing.insert(key);
            }
        }
    }
    assert!(missing.is_empty(), "nobody wrote the words for {missing:?}");
    let is_asked = |key: &str| sources.contains(&format!("\"{key}\"")) || FAMILIES.iter().any(|family| key.starts_with(family));
    let idle: Vec<&String> = written.keys().filter(|key| !is_asked(key)).collect();
    assert!(idle.is_empty(), "nobody asks for the words {idle:?}");
}
