//! House style that a machine can see. No exception list: what does not fit is split, not listed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const HOMELESS: [&str; 7] = ["utils", "util", "helpers", "common", "misc", "types", "manager"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files under `folder` with this extension, without build output.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | ".git" | "corpus" | "artifacts" | "node_modules") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn is_test_file(path: &Path) -> bool {
    // Below the root only: the way to the root leads through this crate.
    path.strip_prefix(root())
        .unwrap_or(path)
        .components()
        .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "examples" | "testkit")))
}

/// The lines before a closing `#[cfg(test)] mod tests {` block.
fn without_tests(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    lines[..tests.unwrap_or(lines.len())].to_vec()
}

/// Name and length of each function, by the indentation that rustfmt gives: from `fn` to the brace at the same depth.
fn functions(lines: &[&str]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let head = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").trim_start_matches("pub ");
        let head = head.trim_start_matches("const ").trim_start_matches("async ").trim_start_matches("unsafe ");
        let Some(name) = head.strip_prefix("fn ") else { continue };
        let close = format!("{}}}", " ".repeat(indent));
        let length = lines[at..].iter().position(|line| {
            *line == close || line.ends_with("{}") || line.ends_with(';') && line.len() - line.trim_start().len() == indent
        });
        let one_line = line.ends_with('}');
        let name = name.split(['(', '<']).next().unwrap_or_default().to_string();
        found.push((name, if one_line { 1 } else { length.unwrap_or(0) + 1 }));
    }
    found
}

#[test]
fn files_and_functions_stay_small() {
    let mut wrong = Vec::new();
    for path in files(&root().join("crates"), "rs") {
        let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
        if is_test_file(&path) {
            continue;
        }
        let lines = without_tests(&text);
        if lines.len() > FILE_LINES_MAX {
            wrong.push(format!("{} has {} lines, more than {FILE_LINES_MAX}", shown(&path), lines.len()));
        }
        for (name, length) in functions(&lines) {
            if length > FUNCTION_LINES_MAX {
                wrong.push(format!("{}: fn {name} has {length} lines, more than {FUNCTION_LINES_MAX}", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_file_has_a_home_and_a_header() {
    let mut wrong = Vec::new();
    for path in files(&root().join("crates"), "rs") {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_string();
        let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default().to_string();
        if HOMELESS.contains(&stem.as_str()) || HOMELESS.contains(&folder.as_str()) {
            wrong.push(format!("{}: say what it is about instead", shown(&path)));
        }
        let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
        if !is_test_file(&path) && !text.starts_with("//!") {
            wrong.push(format!("{}: no module header", shown(&path)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_unfinished() {
    let marks =
        [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["unimple", "mented!"].concat(), ["to", "do!("].concat(), ["db", "g!("].concat()];
    let mut wrong = Vec::new();
    for path in files(&root().join("crates"), "rs") {
        let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark.as_str())) {
                wrong.push(format!("{}:{}: {}", shown(&path), number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_cited_rfc_is_listed() {
    let standards = std::fs::read_to_string(root().join("docs/standards.md")).expect("docs/standards.md");
    let mut missing = BTreeSet::new();
    for path in files(&root().join("crates"), "rs") {
        let text = std::fs::read_to_string(&path).expect("a source file is UTF-8");
        for (at, _) in text.match_indices("RFC ") {
            let number: String = text[at + 4..].chars().take_while(char::is_ascii_digit).collect();
            if number.len() >= 3 && !standards.contains(&format!("| {number} |")) {
                missing.insert(format!("RFC {number} ({})", shown(&path)));
            }
        }
    }
    assert!(missing.is_empty(), "docs/standards.md does not list:\n{}", missing.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn migrations_have_numbers_of_their_own() {
    let mut numbers: Vec<u32> = files(&root().join("crates"), "sql")
        .iter()
        .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("migrations")))
        .map(|path| {
            path.file_name()
                .and_then(|name| name.to_str())
                .and_then(|name| name[..4].parse().ok())
                .expect("a migration starts with its number")
        })
        .collect();
    numbers.sort_unstable();
    let twice: Vec<u32> = numbers.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    assert!(twice.is_empty(), "these numbers are given twice: {twice:?}");
}

#[test]
fn both_languages_have_the_same_words() {
    let mut wrong = Vec::new();
    for english in files(&root().join("crates"), "ftl").iter().filter(|path| path.file_stem().is_some_and(|stem| stem == "en")) {
        let chinese = english.with_file_name("zh-CN.ftl");
        let keys = |path: &Path| -> BTreeSet<String> {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.lines()
                .filter_map(|line| line.split_once(" ="))
                .filter(|(key, _)| !key.starts_with([' ', '#']))
                .map(|(key, _)| key.to_string())
                .collect()
        };
        for key in keys(english).symmetric_difference(&keys(&chinese)) {
            wrong.push(format!("{}: “{key}” is only in one language", shown(english)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
