//! Filters as directories send them (RFC 7644 §3.4.2.2): comparisons with `eq`, joined by `and`.

use super::error::ScimError;

/// Octets of a filter.
const OCTETS_MAX: usize = 4_000;
/// Comparisons of one filter.
const CLAUSES_MAX: usize = 10;

/// `userName eq "bo"`: the attribute in lower case without its schema, and the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    pub path: String,
    pub value: String,
}

/// Reads a filter; "" is none.
pub fn clauses(text: &str) -> Result<Vec<Clause>, ScimError> {
    let wrong = || ScimError::bad("invalidFilter", "filters compare attributes with eq, joined by and");
    if text.len() > OCTETS_MAX {
        return Err(wrong());
    }
    let mut rest = text.trim();
    let mut found = Vec::new();
    while !rest.is_empty() {
        if found.len() >= CLAUSES_MAX {
            return Err(wrong());
        }
        let (path, after) = path(rest).ok_or_else(wrong)?;
        let after = word(after, "eq").ok_or_else(wrong)?;
        let (value, after) = value(after).ok_or_else(wrong)?;
        found.push(Clause { path: plain(&path), value });
        let after = after.trim_start();
        rest = if after.is_empty() {
            ""
        } else {
            word(after, "and").map(str::trim_start).filter(|rest| !rest.is_empty()).ok_or_else(wrong)?
        };
    }
    Ok(found)
}

/// Up to a blank that is not within brackets. Begins with a letter (RFC 7643 §2.1): what is grouped in parentheses is not understood.
fn path(text: &str) -> Option<(String, &str)> {
    if !text.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return None;
    }
    let mut is_inside = false;
    for (at, c) in text.char_indices() {
        match c {
            '[' => is_inside = true,
            ']' => is_inside = false,
            c if c.is_whitespace() && !is_inside => return (at > 0).then(|| (text[..at].to_string(), &text[at..])),
            _ => {}
        }
    }
    None
}

fn word<'a>(text: &'a str, wanted: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let head = text.get(..wanted.len())?;
    let rest = &text[wanted.len()..];
    (head.eq_ignore_ascii_case(wanted) && rest.starts_with(char::is_whitespace)).then_some(rest)
}

/// A JSON string, or a bare word such as `true`.
fn value(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    if !text.starts_with('"') {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_string(), &text[end..]));
    }
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return serde_json::from_str(&text[..=at]).ok().map(|value| (value, &text[at + 1..])),
            _ => {}
        }
    }
    None
}

/// `urn:…:User:emails[type eq "work"].value` as `emails.value`.
pub fn plain(path: &str) -> String {
    let path = strip_schema(path);
    let mut made = String::new();
    let mut is_inside = false;
    for c in path.chars() {
        match c {
            '[' => is_inside = true,
            ']' => is_inside = false,
            c if !is_inside => made.extend(c.to_lowercase()),
            _ => {}
        }
    }
    made
}

/// A path without the name of its schema, which ends in a colon.
pub fn strip_schema(path: &str) -> &str {
    let path = path.trim();
    if !path.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("urn:")) {
        return path;
    }
    // The version holds a dot, and what comes after the last colon before a bracket is the attribute.
    let end = path.find('[').unwrap_or(path.len());
    path[..end].rfind(':').map_or(path, |at| &path[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_as_they_are_sent() {
        for (text, want) in [
            ("userName eq \"bo@a.example\"", &[("username", "bo@a.example")][..]),
            ("userName Eq \"Bo \\\"B\\\"\"", &[("username", "Bo \"B\"")]),
            ("externalId eq \"a b\"", &[("externalid", "a b")]),
            ("emails[type eq \"work\"].value eq \"bo@a.example\"", &[("emails.value", "bo@a.example")]),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"bo\"", &[("username", "bo")]),
            ("id eq \"1\" and members eq \"2\"", &[("id", "1"), ("members", "2")]),
            ("active eq true", &[("active", "true")]),
            ("", &[]),
        ] {
            let want: Vec<Clause> = want.iter().map(|(path, value)| Clause { path: path.to_string(), value: value.to_string() }).collect();
            assert_eq!(clauses(text), Ok(want), "{text}");
        }
        for text in
            ["userName", "userName eq", "userName co \"b\"", "userName eq \"b", "a eq 1 or b eq 2", "a eq 1 and", "(a eq 1)", " eq 1"]
        {
            assert!(clauses(text).is_err(), "{text}");
        }
    }
}
