use super::*;
use regex::Regex;
use std::collections::BTreeSet;
use std::path::Path;

/// Ids that stand in the sources of the inspections, apart from their own names and tests.
fn ids_in(folder: &Path, ids: &mut BTreeSet<String>) {
    let id = Regex::new(
        r#""((?:connection|auth|spoof|content|header|mime|attachment|link|impersonation|bulk|malware|inspection)\.[a-z0-9.-]+)""#,
    )
    .unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !["checks", "classify", "eval"].contains(&name.as_str()) {
                ids_in(&path, ids);
            }
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "finding.rs" && name != "settings.rs" {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut is_name = false;
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                if !is_name {
                    ids.extend(id.captures_iter(line).map(|found| found[1].to_string()));
                }
                is_name = line.contains("fn name(");
            }
        }
    }
}

#[test]
fn every_check_has_an_article_and_every_article_a_check() {
    let mut used = BTreeSet::new();
    ids_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut used);
    let listed: BTreeSet<String> = CHECKS.iter().map(|check| check.id.to_string()).collect();
    assert_eq!(used, listed);
    assert_eq!(listed.len(), CHECKS.len(), "an id is listed twice");
}

#[test]
fn articles_are_complete_in_both_languages() {
    for check in CHECKS {
        let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert!(check.text_en.len() > 40 && check.text_en.is_char_boundary(0) && !chinese(check.text_en), "{}", check.id);
        assert!(!check.title_en.is_empty() && !check.title_en.ends_with('.'), "{}", check.id);
        assert!(chinese(check.title_zh) && chinese(check.text_zh) && check.text_zh.ends_with('。'), "{}", check.id);
    }
    assert!(find("auth.dmarc.fail").is_some() && find("auth.dmarc").is_none());
}

/// What stands in tests below `folder`: in files of them, and at the end of sources.
fn tests_in(folder: &Path, is_test: bool, texts: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            tests_in(&path, is_test || name == "tests", texts);
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let own = text.split("#[cfg(test)]\nmod ").skip(1).filter(|after| after.lines().next().is_some_and(|line| line.ends_with('{')));
            if is_test || name == "tests.rs" { texts.push_str(&text) } else { texts.extend(own) }
        }
    }
}

#[test]
fn every_check_is_named_by_a_test() {
    let (root, mut texts) = (Path::new(env!("CARGO_MANIFEST_DIR")), String::new());
    for (folder, is_test) in [("src", false), ("tests", true), ("../testkit/src/cases", true)] {
        tests_in(&root.join(folder), is_test, &mut texts);
    }
    let ours = CHECKS.iter().map(|check| check.id).filter(|id| !OF_GATEWAY.contains(id));
    let untested: Vec<&str> = ours.filter(|id| !texts.contains(&format!("\"{id}\""))).collect();
    assert_eq!(untested, Vec::<&str>::new(), "a test says what each finds, and what it leaves alone");
}
