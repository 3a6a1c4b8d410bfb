//! Templates hold no words and nothing inline.

use std::path::{Path, PathBuf};

/// Text between tags and expressions that is the same in every language.
const NAMES: [&str; 1] = ["Gatepost"];

fn templates() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "html") {
                found.push(path);
            }
        }
    }
    found
}

/// What is left when tags, expressions and statements are taken out.
fn text(template: &str) -> String {
    let mut left = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['<', '{']) {
        left.push_str(&rest[..at]);
        let closing = match &rest[at..] {
            tail if tail.starts_with("{{") => "}}",
            tail if tail.starts_with("{%") => "%}",
            tail if tail.starts_with("{#") => "#}",
            tail if tail.starts_with('<') => ">",
            _ => "{",
        };
        let mut from = at + 1;
        if closing == ">" {
            // An expression inside a tag may hold a “>” of its own.
            while let (Some(end), Some(open)) = (rest[from..].find('>'), rest[from..].find("{{").or(rest[from..].find("{%"))) {
                if open > end {
                    break;
                }
                let close = if rest[from + open..].starts_with("{{") { "}}" } else { "%}" };
                from += open + rest[from + open..].find(close).expect("an expression is closed") + 2;
            }
        }
        match rest[from..].find(closing) {
            Some(end) => rest = &rest[from + end + closing.len()..],
            None => break,
        }
    }
    left.push_str(rest);
    left
}

#[test]
fn templates_hold_no_words() {
    let mut wrong = Vec::new();
    for path in templates() {
        let template = std::fs::read_to_string(&path).expect("a template is UTF-8");
        for word in text(&template).split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)) {
            if !NAMES.contains(&word) && !word.starts_with('&') {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "these words belong into words/:\n{}", wrong.join("\n"));
}

#[test]
fn templates_have_nothing_inline() {
    for path in templates() {
        let template = std::fs::read_to_string(&path).expect("a template is UTF-8");
        for inline in [" style=", " onclick=", " onchange=", "javascript:", "<style", "hx-on"] {
            assert!(!template.contains(inline), "{}: {inline} does not pass our Content-Security-Policy", path.display());
        }
        assert!(!template.contains("<script>"), "{}: scripts are files", path.display());
    }
}
