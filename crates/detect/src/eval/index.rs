//! The index file: one labelled message a line, in the order it came.

use crate::classify::Label;
use std::path::{Path, PathBuf};

/// One message to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub label: Label,
    pub path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("reading the index {path}")]
    Read { path: String, source: std::io::Error },
    #[error("{path} line {line}: expected `ham`, `spam` or `phish`, a tab, and a path")]
    Line { path: String, line: usize },
}

/// Reads an index. A path is taken from the folder of the index, or, if nothing is there, from the working folder. Empty
/// lines and lines that start with `#` are skipped; a blank does for the tab, as in the indexes of TREC.
/// # Errors
/// The file cannot be read, or a line is not an entry.
pub fn read_index(path: &Path) -> Result<Vec<Entry>, IndexError> {
    let name = || path.display().to_string();
    let octets = std::fs::read(path).map_err(|source| IndexError::Read { path: name(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&String::from_utf8_lossy(&octets), folder).map_err(|line| IndexError::Line { path: name(), line })
}

/// The entries, or the number of the first line that is none.
fn parse(text: &str, folder: &Path) -> Result<Vec<Entry>, usize> {
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end_matches('\r');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (label, path) = line.split_once(['\t', ' ']).ok_or(at + 1)?;
        let label = Label::read(label).ok_or(at + 1)?;
        let beside = folder.join(path.trim_start());
        let path = if beside.exists() { beside } else { PathBuf::from(path.trim_start()) };
        entries.push(Entry { label, path });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_entries_or_are_named() {
        let ham = Entry { label: Label::Ham, path: "a/1".into() };
        let phish = Entry { label: Label::Phish, path: "b c".into() };
        for (text, want, why) in [
            ("ham\ta/1\nphish\tb c\n", Ok(vec![ham.clone(), phish.clone()]), "tab; a path may have blanks"),
            ("# made by hand\n\nham a/1\r\n", Ok(vec![ham.clone()]), "comment, empty line, blank, CRLF"),
            ("HAM\ta/1", Ok(vec![ham.clone()]), "any case"),
            ("ham\ta/1\nspan\tb\n", Err(2), "a label that does not exist"),
            ("ham", Err(1), "no path"),
        ] {
            assert_eq!(parse(text, Path::new("nowhere")), want, "{why}");
        }
    }
}
