//! Synthetic mails with one trick each, and their twins without it (`testkit::cases`).

use detect::acquaintance::Memory;
use detect::attachment::BLOCKED_TYPES;
use detect::impersonation::correspondent::Correspondents;
use detect::verdict::{Class, Thresholds, judge};
use detect::{Detector, Inspected, Surroundings};
use futures_util::FutureExt;
use mail::message::Budget;
use mail::{AuthResults, Envelope, Mail, Message, Peer};
use std::collections::BTreeMap;
use testkit::cases::{self, Case};

/// 2026-01-15 12:00:00 UTC, a minute after every mail here.
const NOW_MS: i64 = 1_768_478_400_000;
/// The share that must be caught with the finding that names the trick.
const CAUGHT_MIN: f64 = 0.98;

fn surroundings() -> Surroundings {
    Surroundings {
        own_domains: [cases::OWN_DOMAIN.to_string()].into(),
        people: vec![(cases::PROTECTED_NAME.to_string(), cases::PROTECTED_ADDRESS.to_string())],
        blocked_types: BLOCKED_TYPES.iter().map(|extension| (*extension).to_string()).collect(),
        ..Surroundings::default()
    }
}

fn inspect(detector: &Detector, surroundings: &Surroundings, raw: &[u8]) -> Inspected {
    let message = Message::parse(raw.to_vec().into(), &Budget::default());
    let peer = Peer { helo: "mail.example".into(), ..Peer::at([192, 0, 2, 20].into()) };
    let envelope = Envelope::empty();
    let domain = message.from.address().map(|from| from.domain().to_string()).unwrap_or_default();
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: NOW_MS };
    let partner = Correspondents::of([cases::PARTNER_DOMAIN.to_string()].iter());
    let memory = Memory { correspondents: Some(partner.into()), ..Memory::default() };
    detector.inspect_with(mail, &AuthResults::not_asked(&domain), surroundings, &memory).now_or_never().expect("nothing waits for a socket")
}

/// By findings alone, and with the opinion of the shipped classifier.
fn classes(inspected: &Inspected) -> [Class; 2] {
    let judged = |spam, phish| judge(&inspected.findings, spam, phish, inspected.bcl, &Thresholds::default()).class;
    [judged(0.0, 0.0), judged(inspected.spam_log_odds, inspected.phish_log_odds)]
}

#[derive(Default)]
struct Row {
    cases: usize,
    named: usize,
    /// By findings alone, and with the classifier.
    caught: [usize; 2],
    clean_twins: [usize; 2],
}

fn is_kept_out(class: Class) -> bool {
    !matches!(class, Class::Clean | Class::Bulk)
}

fn measure(all: &[Case]) -> (BTreeMap<&'static str, Row>, Vec<String>) {
    let (detector, surroundings) = (Detector::built_in(), surroundings());
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in all {
        let row = rows.entry(case.kind).or_default();
        let seen = inspect(&detector, &surroundings, &case.mail);
        let twin = inspect(&detector, &surroundings, &case.twin);
        for finding in seen.findings.iter().chain(&twin.findings) {
            assert!(!finding.evidence.trim().is_empty(), "{}: {} says nothing that a person can check", case.name, finding.check);
        }
        let is_named = seen.findings.iter().any(|finding| finding.check == case.check);
        row.cases += 1;
        row.named += usize::from(is_named);
        for (way, class) in classes(&seen).into_iter().enumerate() {
            row.caught[way] += usize::from(is_named && is_kept_out(class));
        }
        for (way, class) in classes(&twin).into_iter().enumerate() {
            row.clean_twins[way] += usize::from(!is_kept_out(class));
        }
        let said = |inspected: &Inspected| -> String {
            let findings = inspected.findings.iter().map(|finding| format!("{} {}", finding.check, finding.weight));
            format!("{:?} phish {:.1}: {}", classes(inspected), inspected.phish_log_odds, findings.collect::<Vec<_>>().join(", "))
        };
        if !is_named || classes(&seen).into_iter().any(|class| !is_kept_out(class)) {
            wrong.push(format!("{} wants {}: {}", case.name, case.check, said(&seen)));
        }
        if classes(&twin).into_iter().any(is_kept_out) {
            wrong.push(format!("twin of {}: {}", case.name, said(&twin)));
        }
    }
    (rows, wrong)
}

#[test]
fn tricks_are_caught_by_name_and_their_twins_are_clean() {
    let all = cases::all(1);
    assert!(all.len() >= 300);
    let (rows, wrong) = measure(&all);
    println!("{:40} {:>5} {:>6} {:>7} {:>7} {:>6} {:>6}", "synthetic cases", "cases", "named", "caught", "+model", "twins", "+model");
    for (kind, row) in &rows {
        let [caught, with_model] = row.caught;
        let [clean, clean_with_model] = row.clean_twins;
        println!("{kind:40} {:5} {:6} {caught:7} {with_model:7} {clean:6} {clean_with_model:6}", row.cases, row.named);
    }
    for line in &wrong {
        println!("{line}");
    }
    let sum = |count: fn(&Row) -> usize| rows.values().map(count).sum::<usize>();
    println!(
        "{} cases: {} named, {} caught, {} twins clean",
        all.len(),
        sum(|row| row.named),
        sum(|row| row.caught[0]),
        sum(|row| row.clean_twins[0])
    );
    assert!(sum(|row| row.caught[0]) as f64 >= CAUGHT_MIN * all.len() as f64, "too many tricks were missed");
    assert_eq!(sum(|row| row.clean_twins[0]), all.len(), "a twin without the trick was kept out");
}
