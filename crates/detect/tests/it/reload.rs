//! Rules and hash lists are read again when they change; what cannot be read changes nothing and is said.

use crate::scene::{attached, inspect};
use detect::settings::{HashSettings, SignatureSettings};
use detect::{DetectSettings, Detector};
use futures_util::FutureExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Changes are taken over within a second; slow machines get more.
const TAKEN_MAX: Duration = Duration::from_secs(30);

fn rule(name: &str, word: &str) -> String {
    format!("rule {name} {{ strings: $a = \"{word}\" condition: $a }}")
}

fn is_found(detector: &Detector, content: &str, check: &str) -> bool {
    let seen = inspect(detector, &attached("a.txt", content.as_bytes()));
    seen.findings.iter().any(|finding| finding.check == check)
}

fn error_of(detector: &Detector, engine: &str) -> Option<String> {
    let health = detector.engine_health().now_or_never().expect("no engine here waits");
    health.into_iter().find(|one| one.name == engine).expect("the engine is there").signatures.error
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < TAKEN_MAX, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn detector(rules: &Path, list: &Path) -> Detector {
    let signatures = SignatureSettings { folder: Some(rules.to_path_buf()), ..SignatureSettings::default() };
    let hashes = HashSettings { files: vec![list.to_path_buf()] };
    Detector::new(&DetectSettings { signatures, hashes, ..DetectSettings::default() }).expect("both can be read")
}

#[test]
fn rules_and_lists_are_read_again() {
    let (rules, lists) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let list = lists.path().join("known.txt");
    std::fs::write(&list, "# none yet\n").unwrap();
    let detector = detector(rules.path(), &list);
    assert!(!is_found(&detector, "purple elephant", "malware.signature"));

    let file = rules.path().join("own.yar");
    std::fs::write(&file, rule("elephant", "purple elephant")).unwrap();
    wait_for("a new rule is taken over", || is_found(&detector, "purple elephant", "malware.signature"));
    assert_eq!(error_of(&detector, "signatures"), None);

    std::fs::write(rules.path().join("broken.yar"), "rule broken {").unwrap();
    wait_for("a broken rule is said", || error_of(&detector, "signatures").is_some_and(|error| error.contains("broken.yar")));
    assert!(is_found(&detector, "purple elephant", "malware.signature"), "the rules stay as they were");

    std::fs::remove_file(rules.path().join("broken.yar")).unwrap();
    std::fs::write(&file, rule("giraffe", "green giraffe")).unwrap();
    wait_for("a changed rule is taken over", || is_found(&detector, "green giraffe", "malware.signature"));
    assert!(!is_found(&detector, "purple elephant", "malware.signature"));

    // SHA-256 of "abc" (FIPS 180-2, appendix B.1). Lists are replaced by renaming, as downloads do.
    let next = lists.path().join("next.txt");
    std::fs::write(&next, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a.exe\n").unwrap();
    std::fs::rename(&next, &list).unwrap();
    wait_for("a changed list is taken over", || is_found(&detector, "abc", "malware.hash"));
    std::fs::remove_file(&list).unwrap();
    wait_for("a missing list is said", || error_of(&detector, "hashes").is_some());
    assert!(is_found(&detector, "abc", "malware.hash"), "the lists stay as they were");
}

#[test]
fn health_counts_scans_and_names_what_is_loaded() {
    let detector = Detector::built_in();
    inspect(&detector, &attached("a.txt", b"words"));
    let health = detector.engine_health().now_or_never().expect("no engine here waits");
    assert_eq!(health.len(), 1);
    assert_eq!((health[0].name, health[0].asked, health[0].failed), ("signatures", 1, 0));
    assert!(health[0].answered_ago.is_some() && health[0].signatures.version.is_some(), "{health:?}");
}
