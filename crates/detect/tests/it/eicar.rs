//! The test files of the suites, in every container they come in, and documents that are harmless.

use crate::scene::{attached, eicar};
use detect::malware::{Engine, signatures::Signatures};
use detect::settings::SignatureSettings;
use detect::verdict::{Class, Thresholds, judge};
use detect::{Finding, Kind};
use futures_util::FutureExt;
use mail::Message;
use mail::message::Budget;
use std::path::{Path, PathBuf};

fn scan(engine: &Signatures, message: &Message) -> Vec<Finding> {
    engine.scan(message).now_or_never().expect("small mail is scanned at once")
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the suites") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

fn class(findings: &[Finding]) -> Class {
    judge(findings, 0.0, 0.0, 0, &Thresholds::default()).class
}

#[test]
fn every_test_file_is_malware_as_an_attachment() {
    let Some(suites) = testkit::shared::suites() else { return };
    let engine = Signatures::built_in();
    let mut paths = Vec::new();
    files(&suites.join("C_attach/eicar_fire1ce"), &mut paths);
    paths.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("eicar")));
    assert!(paths.len() >= 28, "the suite has {} files", paths.len());
    let missed: Vec<String> = paths
        .iter()
        .filter_map(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            let findings = scan(&engine, &attached(&name, &std::fs::read(path).unwrap()));
            (class(&findings) != Class::Malware).then(|| format!("{name}: {findings:?}"))
        })
        .collect();
    assert!(missed.is_empty(), "{} of {} missed:\n{}", missed.len(), paths.len(), missed.join("\n"));
}

#[test]
fn the_test_string_in_the_text_is_malware_and_talk_about_it_is_not() {
    let engine = Signatures::built_in();
    let text = |text: &str| {
        let raw = format!("From: a@a.example\r\nSubject: x\r\n\r\n{text}\r\n");
        class(&scan(&engine, &Message::parse(raw.into_bytes().into(), &Budget::default())))
    };
    assert_eq!(text(&eicar()), Class::Malware);
    assert_eq!(text("The EICAR-STANDARD-ANTIVIRUS-TEST-FILE is harmless."), Class::Clean);
}

#[test]
fn real_documents_are_not_malware_by_guess() {
    let Some(suites) = testkit::shared::suites() else { return };
    let engine = Signatures::built_in();
    let mut paths = Vec::new();
    files(&suites.join("C_attach/zip2"), &mut paths);
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy();
        let findings = scan(&engine, &attached(&name, &std::fs::read(&path).unwrap()));
        assert!(!findings.iter().any(|finding| finding.kind == Kind::Malware), "{name}: {findings:?}");
    }
}

#[test]
fn rules_of_a_folder_are_added_and_broken_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let settings = SignatureSettings { folder: Some(folder.path().to_path_buf()), ..SignatureSettings::default() };
    std::fs::write(folder.path().join("own.yar"), "rule house_rule { strings: $a = \"purple elephant\" condition: $a }").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "not a rule").unwrap();
    let engine = Signatures::new(&settings).expect("both compile");
    let findings = scan(&engine, &attached("a.txt", b"the purple elephant walks"));
    assert_eq!(class(&findings), Class::Malware);
    assert!(findings[0].evidence.contains("house_rule in a.txt"), "{findings:?}");
    std::fs::write(folder.path().join("own.yar"), "rule broken {").unwrap();
    let error = Signatures::new(&settings).err().expect("it does not compile").to_string();
    assert!(error.contains("own.yar"), "{error}");
    let missing = SignatureSettings { folder: Some(folder.path().join("none")), ..SignatureSettings::default() };
    assert!(Signatures::new(&missing).err().expect("there is none").to_string().contains("none"));
}

#[test]
fn what_is_too_long_is_not_passed_unseen() {
    let settings = SignatureSettings { content_max_octets: 100, ..SignatureSettings::default() };
    let engine = Signatures::new(&settings).unwrap();
    let findings = scan(&engine, &attached("a.txt", &[b'a'; 101]));
    assert_eq!(class(&findings), Class::Uninspectable);
    let said: Vec<(&str, &str)> = findings.iter().map(|finding| (finding.check.as_ref(), finding.evidence.as_str())).collect();
    assert_eq!(said, [("malware.unfinished", "a.txt: it is longer than the settings allow")]);
    assert_eq!(class(&scan(&engine, &attached("a.txt", &[b'a'; 100]))), Class::Clean);
}
