//! `main.cf` and the text files its tables are made from.

use crate::migrate::file;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `$name` within `$name` is followed this deep.
const DEPTH_MAX: usize = 10;
/// A value grows no longer than this by what it names.
const VALUE_CHARS_MAX: usize = 1 << 20;

/// One parameter as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub value: String,
    pub line: usize,
}

/// `main.cf` (postconf(5)).
#[derive(Debug, Default)]
pub struct MainCf {
    pub folder: PathBuf,
    pub parameters: BTreeMap<String, Parameter>,
}

impl MainCf {
    /// # Errors
    /// The folder has no `main.cf`, or it cannot be read.
    pub fn open(folder: &Path) -> anyhow::Result<MainCf> {
        let path = folder.join("main.cf");
        let text = file(&path)?.ok_or_else(|| anyhow::anyhow!("{} is not there; name the folder of Postfix' settings", path.display()))?;
        Ok(MainCf { folder: folder.to_path_buf(), parameters: parameters(&text) })
    }

    /// The value with what it names put in; empty when it is not set.
    pub fn get(&self, name: &str) -> String {
        self.parameters.get(name).map(|parameter| self.expanded(&parameter.value, 0)).unwrap_or_default()
    }

    pub fn at(&self, name: &str) -> String {
        format!("main.cf:{}", self.parameters.get(name).map_or(0, |parameter| parameter.line))
    }

    /// Words of a list, separated by commas and blanks. Braces keep what belongs together.
    pub fn list(&self, name: &str) -> Vec<String> {
        words(&self.get(name))
    }

    fn expanded(&self, text: &str, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let bare = after.trim_start_matches(['{', '(']);
            let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(bare.len());
            let name = &bare[..end];
            rest = bare[end..].strip_prefix(['}', ')']).filter(|_| bare.len() < after.len()).unwrap_or(&bare[end..]);
            let value = match self.parameters.get(name) {
                Some(parameter) if depth < DEPTH_MAX => self.expanded(&parameter.value, depth + 1),
                _ => self.usual(name),
            };
            if out.len() + value.len() < VALUE_CHARS_MAX {
                out.push_str(&value);
            }
        }
        out.push_str(rest);
        out
    }

    /// What Postfix takes when it is not set, for names that others are made of.
    fn usual(&self, name: &str) -> String {
        match name {
            "mydomain" => self.get("myhostname").split_once('.').map(|(_, domain)| domain.to_string()).unwrap_or_default(),
            "myorigin" => self.get("myhostname"),
            "config_directory" => "/etc/postfix".into(),
            _ => String::new(),
        }
    }

    /// The file on this machine that a path of the settings means: `/etc/postfix` is the folder that was named.
    pub fn path(&self, written: &str) -> PathBuf {
        match written.strip_prefix("/etc/postfix/") {
            Some(rest) => self.folder.join(rest),
            None => self.folder.join(written),
        }
    }
}

fn parameters(text: &str) -> BTreeMap<String, Parameter> {
    let mut found: BTreeMap<String, Parameter> = BTreeMap::new();
    for (line, text) in logical_lines(text) {
        if let Some((name, value)) = text.split_once('=') {
            // The last one counts.
            found.insert(name.trim().to_string(), Parameter { value: value.trim().to_string(), line });
        }
    }
    found
}

/// Lines with those that go on (they begin with a blank) put together, without comments and empty ones; with the number of the first.
pub fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let shown = line.trim();
        if shown.is_empty() || shown.starts_with('#') {
            continue;
        }
        match found.last_mut() {
            Some((_, last)) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(shown);
            }
            _ => found.push((at + 1, shown.to_string())),
        }
    }
    found
}

pub fn words(text: &str) -> Vec<String> {
    let (mut found, mut word, mut depth) = (Vec::new(), String::new(), 0_usize);
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if depth == 0 && (c == ',' || c.is_whitespace()) => {
                if !word.is_empty() {
                    found.push(std::mem::take(&mut word));
                }
                continue;
            }
            _ => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

/// Rows of a table: key and value, with where they stand.
pub enum Rows {
    /// From a text file, or written in place.
    Text(Vec<Row>),
    /// A kind that has no text beside it: what it is.
    Elsewhere(String),
    /// The text that it was made from is not there.
    Missing(PathBuf),
}

pub struct Row {
    pub at: String,
    pub key: String,
    pub value: String,
}

/// Reads `type:name` (postfix DATABASE_README).
/// # Errors
/// A file is there and cannot be read.
pub fn table(main: &MainCf, written: &str) -> anyhow::Result<Rows> {
    let (kind, name) = written.split_once(':').unwrap_or(("file", written));
    match kind {
        "hash" | "btree" | "texthash" | "lmdb" | "cdb" | "dbm" | "sdbm" | "cidr" | "regexp" | "pcre" | "file" => {
            let path = main.path(name);
            let shown = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(text) = file(&path)? else { return Ok(Rows::Missing(path)) };
            let rows = logical_lines(&text)
                .into_iter()
                .take(crate::migrate::ROWS_MAX)
                .map(|(line, text)| row(format!("{shown}:{line}"), &text, kind));
            Ok(Rows::Text(rows.collect()))
        }
        "inline" => {
            let inner = name.trim().trim_start_matches('{').trim_end_matches('}');
            let pairs = words(inner).into_iter().filter_map(|pair| {
                pair.trim_matches(['{', '}']).split_once('=').map(|(key, value)| (key.trim().to_string(), value.trim().to_string()))
            });
            Ok(Rows::Text(pairs.map(|(key, value)| Row { at: "main.cf".into(), key, value }).collect()))
        }
        other => Ok(Rows::Elsewhere(other.to_string())),
    }
}

/// A pattern keeps its slashes and flags.
fn row(at: String, text: &str, kind: &str) -> Row {
    let split = match kind {
        "regexp" | "pcre" => crate::migrate::slashed(text).map(|(_, rest)| {
            let key = text.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            text.split_at(key)
        }),
        _ => text.split_once(char::is_whitespace),
    };
    let (key, value) = split.unwrap_or((text, ""));
    Row { at, key: key.trim().to_string(), value: value.trim().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_go_on_over_lines_and_name_each_other() {
        let text = "# c\nmyhostname = mx.shop.example\nmydestination = $myhostname,\n  localhost.${mydomain}\n# between\n\tlast.example\nmydestination_x=1\nmyhostname = mail.shop.example\nloop = $loop\n";
        let main = MainCf { folder: "/x".into(), parameters: parameters(text) };
        assert_eq!(main.list("mydestination"), ["mail.shop.example", "localhost.shop.example", "last.example"]);
        assert_eq!(main.at("mydestination"), "main.cf:3");
        assert_eq!(main.get("loop"), "");
        assert_eq!(main.path("/etc/postfix/a"), Path::new("/x/a"));
        assert_eq!(main.path("/var/b"), Path::new("/var/b"));
    }

    #[test]
    fn words_keep_braces_together() {
        assert_eq!(words("a, b {c d} inline:{ {x=1} }"), ["a", "b", "{c d}", "inline:{ {x=1} }"]);
    }

    #[test]
    fn rows_of_patterns_keep_them() {
        let row = row("f:1".into(), "/^Subject: .*a b\\/c/i REJECT go away", "pcre");
        assert_eq!((row.key.as_str(), row.value.as_str()), ("/^Subject: .*a b\\/c/i", "REJECT go away"));
    }
}
