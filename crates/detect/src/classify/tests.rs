//! Behaviour of learner, model file and training, on mail made here.

use super::corpus;
use super::evidence::{Evidence, Namespaces};
use super::learner::{Habits, Learner};
use super::model::{Model, ModelError};
use super::train::{self, Plan, Source, TrainError};
use super::{Label, log_odds, probability};
use proptest::prelude::*;
use std::path::Path;

fn evidence(subject: &str, text: &str) -> Evidence {
    Evidence::of_text(subject, text)
}

/// Message `at` of a label, from a small stock of phrases.
fn made(label: Label, at: usize) -> (String, String) {
    let (subjects, texts) = match label {
        Label::Ham => (
            ["Minutes of Tuesday", "Draft of the report", "会议纪要"],
            ["I attach the minutes; please correct them", "the build is green again, thanks", "附件是上次会议的纪要，请修改"],
        ),
        Label::Spam => (
            ["Cheap pills", "You have won", "优惠促销"],
            ["order now, lowest prices guaranteed", "claim your prize today, limited offer", "限时优惠，欢迎来电咨询，代开发票"],
        ),
        Label::Bulk => {
            (["News of March", "Our digest", "会员专享"], ["read on in our newsletter", "five articles our readers liked", "退订请点击"])
        }
        Label::Phish => (
            ["Account suspended", "Verify your password", "账户异常"],
            [
                "your account will be closed, sign in to verify",
                "confirm your card number within 24 hours",
                "您的账户存在异常，请立即登录验证",
            ],
        ),
    };
    (subjects[at % 3].to_owned(), format!("{} ({})\n{}", texts[at / 3 % 3], at, texts[at % 3]))
}

fn write_corpus(folder: &Path, messages: usize) -> Vec<Source> {
    let mut sources = Vec::new();
    for (label, name) in [(Label::Ham, "ham"), (Label::Spam, "spam"), (Label::Phish, "phish")] {
        let path = folder.join(name);
        std::fs::create_dir(&path).expect("a fresh folder");
        for at in 0..messages {
            let (subject, text) = made(label, at);
            let mail = format!(
                "From: a@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
            );
            std::fs::write(path.join(format!("{at:03}")), mail).expect("the folder can be written");
        }
        sources.push(Source::Real { label, path });
    }
    sources
}

fn small_plan() -> Plan {
    let plan = Plan::default();
    Plan { habits: Habits { bits: 14, rate: 0.05, ..plan.habits }, blocks: 3, ..plan }
}

#[test]
fn training_is_reproducible_and_tells_the_labels_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let sources = write_corpus(folder.path(), 30);
    let first = train::run(&sources, &small_plan(), &mut |_| {}).expect("trains");
    let second = train::run(&sources, &small_plan(), &mut |_| {}).expect("trains");
    assert!(first.model == second.model, "same files, same plan, same octets");
    assert_eq!((first.trained_on.ham, first.trained_on.spam, first.trained_on.phish), (30, 30, 30));
    let model = Model::from_octets(first.model).expect("what training writes can be read");
    for (label, at) in [(Label::Ham, 31), (Label::Spam, 32), (Label::Phish, 33)] {
        let (subject, text) = made(label, at);
        let scores = model.score_evidence(&evidence(&subject, &text));
        assert_eq!(scores.spam_log_odds > 0.0, label.is_junk(), "{label:?}: {scores:?}");
        assert_eq!(scores.phish_log_odds > 0.0, label == Label::Phish, "{label:?}: {scores:?}");
    }
}

#[test]
fn training_needs_both_sides() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sources = write_corpus(folder.path(), 4);
    sources.truncate(1);
    assert!(matches!(train::run(&sources, &small_plan(), &mut |_| {}), Err(TrainError::OneSided { ham: 4, spam: 0, phish: 0 })));
    let nowhere = [Source::Real { label: Label::Ham, path: folder.path().join("nowhere") }];
    assert!(matches!(train::run(&nowhere, &small_plan(), &mut |_| {}), Err(TrainError::Corpus(_))));
}

#[test]
fn the_shipped_model_is_whole_and_small() {
    let model = Model::built_in();
    assert!(model.octets().len() <= 4 << 20);
    let header = [Namespaces::WAY, Namespaces::LOOK, Namespaces::FIELDS, Namespaces::SHAPE];
    assert!(header.iter().all(|one| !model.namespaces().has(*one)), "a model that travels does not look at who received the mail");
    let again = Model::from_octets(model.octets().to_vec()).expect("the same octets, loaded");
    let mail = evidence("Minutes", "Please find the minutes of yesterday's meeting below. 10:00 budget, 10:30 hiring.");
    assert_eq!(again.score_evidence(&mail), model.score_evidence(&mail));
}

#[test]
fn the_shipped_model_says_when_it_was_trained() {
    /// Its checksum; with another one, `SHIPPED_MS` has to be looked at.
    const SUM: [u8; 8] = [215, 232, 26, 140, 4, 196, 188, 240];
    let model = Model::built_in();
    assert_eq!(model.octets()[56..64], SUM, "a new model: write its day into SHIPPED_MS, and its checksum here");
    assert!(model.made_ms().is_some_and(|made_ms| made_ms > 1_700_000_000_000));
}

#[test]
fn a_model_that_is_not_whole_is_refused() {
    let whole = Model::built_in().octets().to_vec();
    let with = |at: usize, octet: u8| {
        let mut octets = whole.clone();
        octets[at] ^= octet;
        octets
    };
    let check = |octets: Vec<u8>, want: &str, why: &str| {
        let error = Model::from_octets(octets).expect_err(why);
        assert!(error.to_string().contains(want), "{why}: {error}");
    };
    check(Vec::new(), "not a Gatepost model", "nothing");
    check(b"PK\x03\x04".repeat(100), "not a Gatepost model", "another file");
    check(with(8, 1), "has format 3", "a later format");
    check(with(10, 64), "the number of voices", "an impossible number");
    check(with(65, 64), "a voice", "an impossible size");
    check(whole[..whole.len() - 1].to_vec(), "its length", "cut short");
    check(with(13, 1), "its checksum", "a changed scale");
    check(with(whole.len() - 1, 1), "its checksum", "a changed weight");
    assert!(matches!(Model::load(Path::new("/nowhere/at.all")), Err(ModelError::Read { .. })));
}

#[test]
fn a_learner_learns_what_it_is_told_and_is_deterministic() {
    let habits = Habits { bits: 14, ..Habits::default() };
    let (mut one, mut two) = (Learner::new(habits), Learner::new(habits));
    for at in 0..60 {
        for label in [Label::Ham, Label::Spam] {
            let (subject, text) = made(label, at);
            let evidence = evidence(&subject, &text);
            assert_eq!(one.learn(&evidence, label, 1.0), two.learn(&evidence, label, 1.0));
        }
    }
    let (subject, text) = made(Label::Spam, 61);
    assert!(probability(one.score(&evidence(&subject, &text)).spam_log_odds) > 0.9);
    let (subject, text) = made(Label::Ham, 61);
    assert!(probability(one.score(&evidence(&subject, &text)).spam_log_odds) < 0.1);
    assert!((log_odds(probability(1.5)) - 1.5).abs() < 1e-5);
}

#[test]
fn evidence_stays_within_its_limits() {
    let everything = Namespaces::from_bits(255).expect("all of them");
    let mail = |fields: usize, words: usize| {
        let header: String = (0..fields).map(|at| format!("X-Long-{at}: {}\r\n", "x".repeat(500))).collect();
        let text: String = (0..words).map(|at| format!("word{at} http://host{at}.example/path{at} ")).collect();
        corpus::evidence(format!("{header}\r\n{text}").into(), everything)
    };
    let (large, larger) = (mail(2_000, 4_000), mail(3_000, 8_000));
    for namespace in (0..8).map(|bit| Namespaces::from_bits(1 << bit).expect("one of them")) {
        let (large, larger) = (large.len(namespace), larger.len(namespace));
        assert!(larger <= 60_000 && larger <= large + large / 10 + 2, "{namespace:?}: {large} and {larger} features");
    }
}

#[test]
fn each_feature_counts_once_and_namespaces_are_apart() {
    let once = evidence("", "cheap pills");
    let often = evidence("", "cheap pills cheap pills cheap pills");
    assert!(often.len(Namespaces::WORDS) < once.len(Namespaces::WORDS) * 4, "pairs grow, words do not");
    let numbers = |subject, text| Evidence::of_text(subject, text).features(Namespaces::TEXT.and(Namespaces::WORDS)).collect::<Vec<u32>>();
    assert!(numbers("prize money", "").iter().all(|number| !numbers("", "prize money").contains(number)));
}

#[test]
fn mailboxes_are_taken_apart_and_other_files_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("box");
    let line = "From a@example.org Thu Aug 22 12:36:23 2002\n";
    let check = |content: &str, want: &[&str], why: &str| {
        std::fs::write(&file, content).expect("the folder can be written");
        assert_eq!(corpus::messages(&file).expect("readable"), want, "{why}");
    };
    check("Subject: a\n\nb\n", &["Subject: a\n\nb\n"], "a plain message");
    check(&format!("{line}A: 1\n\nb\n"), &["A: 1\n\nb\n"], "one message with its envelope line");
    check(&format!("{line}A: 1\n\nb\n\n{line}A: 2\n\nc\n"), &["A: 1\n\nb\n\n", "A: 2\n\nc\n"], "two");
    check(&format!("{line}A: 1\n\nb\n\nFrom here on it rains\n"), &["A: 1\n\nb\n\nFrom here on it rains\n"], "prose is not an envelope");
    check(&format!("A: 1\n\nb\n\n{line}c\n"), &[&format!("A: 1\n\nb\n\n{line}c\n")], "a message that quotes a mailbox");
    check(line, &[""], "an envelope without a message");
    check("", &[""], "nothing");
}

proptest! {
    #[test]
    fn scoring_never_fails(octets in proptest::collection::vec(any::<u8>(), 0..4_000)) {
        let scores = Model::built_in().score_evidence(&corpus::evidence(octets.into(), Habits::default().namespaces().and(Model::built_in().namespaces())));
        prop_assert!(scores.spam_log_odds.is_finite() && scores.phish_log_odds.is_finite());
    }

    #[test]
    fn reading_a_model_never_panics(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut file = b"GPMODEL\0\x02\0\x01\0".to_vec();
        file.extend(octets);
        prop_assert!(Model::from_octets(file).is_err());
    }
}
