//! The part of rspamd's settings language (UCL) that its files use: `key = value;`, `key { … }`, lists, strings, comments.

use std::collections::BTreeMap;

/// Nesting that is followed.
const DEPTH_MAX: usize = 16;
const VALUES_MAX: usize = 100_000;

/// A value; a key that comes twice makes a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Text(String),
    List(Vec<Value>),
    Table(BTreeMap<String, Value>),
}

impl Value {
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Table(table) => table.get(key),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// One text, or all of a list.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Value::Text(text) => vec![text],
            Value::List(values) => values.iter().filter_map(Value::text).collect(),
            Value::Table(_) => Vec::new(),
        }
    }

    pub fn table(&self) -> impl Iterator<Item = (&str, &Value)> {
        let table = match self {
            Value::Table(table) => Some(table),
            _ => None,
        };
        table.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    pub fn is_off(&self, key: &str) -> bool {
        self.get(key).and_then(Value::text).is_some_and(|text| ["false", "no", "off"].contains(&text.to_ascii_lowercase().as_str()))
    }
}

/// Reads a file: the table of its keys. What does not parse is skipped up to the next statement, and its lines are told.
pub fn read(text: &str) -> (Value, Vec<usize>) {
    let mut reader = Reader { tokens: tokens(text), at: 0, odd: Vec::new() };
    let mut whole = BTreeMap::new();
    while reader.at < reader.tokens.len() {
        merge(&mut whole, reader.table(0));
        // A closing brace too many.
        reader.at += 1;
    }
    (Value::Table(whole), reader.odd)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Mark(char),
}

struct Reader {
    tokens: Vec<(Token, usize)>,
    at: usize,
    odd: Vec<usize>,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    /// Up to the brace that closes it, which is left.
    fn table(&mut self, depth: usize) -> BTreeMap<String, Value> {
        let mut table = BTreeMap::new();
        while let Some((token, line)) = self.tokens.get(self.at).cloned() {
            match token {
                Token::Mark('}') => break,
                Token::Mark(',' | ';') => self.at += 1,
                Token::Word(key) => {
                    self.at += 1;
                    match self.after_key(depth) {
                        Some(value) => add(&mut table, key, value),
                        None => self.odd.push(line),
                    }
                }
                Token::Mark(_) => {
                    self.odd.push(line);
                    self.at += 1;
                }
            }
        }
        table
    }

    /// `= value`, `: value`, `{ … }`, `name { … }` (a table with a name of its own), or a word that stands alone after a key.
    fn after_key(&mut self, depth: usize) -> Option<Value> {
        if matches!(self.peek(), Some(Token::Mark('=' | ':'))) {
            self.at += 1;
        }
        match self.peek()?.clone() {
            Token::Word(word) => {
                self.at += 1;
                if self.peek() != Some(&Token::Mark('{')) {
                    return Some(Value::Text(word));
                }
                let inner = self.value(depth)?;
                Some(Value::Table(BTreeMap::from([(word, inner)])))
            }
            Token::Mark('{' | '[') => self.value(depth),
            Token::Mark(_) => None,
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let token = self.peek()?.clone();
        if depth >= DEPTH_MAX {
            return None;
        }
        self.at += 1;
        match token {
            Token::Word(word) => Some(Value::Text(word)),
            Token::Mark('{') => {
                let table = self.table(depth + 1);
                self.at += 1;
                Some(Value::Table(table))
            }
            Token::Mark('[') => {
                let mut values = Vec::new();
                while let Some(token) = self.peek().cloned() {
                    match token {
                        Token::Mark(']') => break,
                        Token::Mark(',' | ';') => self.at += 1,
                        _ => match self.value(depth + 1) {
                            Some(value) => values.push(value),
                            None => break,
                        },
                    }
                }
                self.at += 1;
                Some(Value::List(values))
            }
            Token::Mark(_) => None,
        }
    }
}

fn merge(into: &mut BTreeMap<String, Value>, from: BTreeMap<String, Value>) {
    for (key, value) in from {
        add(into, key, value);
    }
}

/// Tables of one name become one; other values of one name a list.
fn add(table: &mut BTreeMap<String, Value>, key: String, value: Value) {
    match (table.get_mut(&key), value) {
        (None, value) => drop(table.insert(key, value)),
        (Some(Value::Table(there)), Value::Table(more)) => merge(there, more),
        (Some(Value::List(there)), value) => there.push(value),
        (Some(there), value) => *there = Value::List(vec![there.clone(), value]),
    }
}

/// A colon with a blank behind it stands between key and value; one within a word does not.
fn is_colon(text: &str, at: usize) -> bool {
    text[at..].strip_prefix(':').is_some_and(|rest| rest.chars().next().is_none_or(char::is_whitespace))
}

fn tokens(text: &str) -> Vec<(Token, usize)> {
    let mut found = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut line = 1;
    while let Some((at, c)) = chars.next() {
        if found.len() >= VALUES_MAX {
            break;
        }
        let next = text[at..].chars().nth(1);
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() => {}
            '#' => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '/' if next == Some('*') => {
                let end = text[at..].find("*/").map_or(text.len(), |end| at + end + 2);
                while let Some((_, c)) = chars.next_if(|(at, _)| *at < end) {
                    line += usize::from(c == '\n');
                }
            }
            '"' | '\'' => {
                let (mut word, mut is_escaped, began) = (String::new(), false, line);
                for (_, inner) in chars.by_ref() {
                    line += usize::from(inner == '\n');
                    match (inner, is_escaped) {
                        ('\\', false) => is_escaped = true,
                        (inner, false) if inner == c => break,
                        (inner, true) => {
                            if inner != c && inner != '\\' {
                                word.push('\\');
                            }
                            word.push(inner);
                            is_escaped = false;
                        }
                        (inner, false) => word.push(inner),
                    }
                }
                found.push((Token::Word(word), began));
            }
            '{' | '}' | '[' | ']' | '=' | ';' | ',' => found.push((Token::Mark(c), line)),
            ':' if is_colon(text, at) => found.push((Token::Mark(':'), line)),
            first => {
                let mut word = String::from(first);
                while let Some((_, c)) = chars.next_if(|(at, c)| !c.is_whitespace() && !"{}[]=;,#".contains(*c) && !is_colon(text, *at)) {
                    word.push(c);
                }
                found.push((Token::Word(word), line));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_rspamd_are_read() {
        let text = "# comment\nreject = 15; # more\nadd_header: 6\n/* a\n block */\nwhite {\n  type = \"from\";\n  map = [\"/a\", '/b'];\n}\nrule \"clam\" { servers = \"127.0.0.1:3310\"; }\nservers = a:1,\nservers = b\n";
        let (whole, odd) = read(text);
        assert!(odd.is_empty(), "{odd:?}");
        assert_eq!(whole.get("reject").and_then(Value::text), Some("15"));
        assert_eq!(whole.get("add_header").and_then(Value::text), Some("6"));
        assert_eq!(whole.get("white").and_then(|white| white.get("map")).map(Value::texts), Some(vec!["/a", "/b"]));
        let clam = whole.get("rule").and_then(|rule| rule.get("clam")).and_then(|clam| clam.get("servers"));
        assert_eq!(clam.and_then(Value::text), Some("127.0.0.1:3310"));
        assert_eq!(whole.get("servers").map(Value::texts), Some(vec!["a:1", "b"]));
    }

    #[test]
    fn what_is_broken_ends() {
        for text in
            ["}", "{", "a {", "a = [", "a = \"", "= = =", "a { b { c", "[[[[", "a = {{{{{{{{{{{{{{{{{{{{{{{{{{", "/*", "a = ]", "]]]]"]
        {
            let _ = read(text);
        }
    }
}
