//! Takes secrets out of a text before support sees it: values of keys that are called so, passwords in addresses, what programs sign in with,
//! and private keys. Mail addresses and IP addresses stay: they are what support needs. Pure.

const HIDDEN: &str = "(hidden)";
/// Octets of a line that is looked through; longer ones are hidden past it.
const LINE_OCTETS_MAX: usize = 4 << 10;
/// Secrets of a line; what stands behind more is hidden whole. Each costs a look through the rest of the line.
const OF_LINE_MAX: usize = 40;

/// A text without its secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    pub text: String,
    /// How many places were hidden.
    pub count: usize,
}

pub fn hidden(text: &str) -> Hidden {
    let mut out = Hidden::default();
    let mut in_key = false;
    for line in text.split_inclusive('\n') {
        let is_end = line.contains("-----END ");
        if in_key {
            in_key = !is_end;
            if is_end {
                out.text.push_str(line);
            }
            continue;
        }
        if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
            in_key = !is_end;
            out.count += 1;
            out.text.push_str(line);
            out.text.push_str(HIDDEN);
            out.text.push('\n');
            continue;
        }
        one_line(line, &mut out);
    }
    out
}

fn one_line(line: &str, out: &mut Hidden) {
    let (content, end) = line.split_at(line.trim_end_matches(['\r', '\n']).len());
    let cut = (0..=content.len().min(LINE_OCTETS_MAX)).rev().find(|at| content.is_char_boundary(*at)).unwrap_or(0);
    let (mut rest, over) = content.split_at(cut);
    let mut places = 0;
    while let Some((before, secret, after)) = next(rest) {
        out.text.push_str(before);
        places += 1;
        if places > OF_LINE_MAX {
            out.text.push_str(HIDDEN);
            out.count += 1;
            rest = "";
            break;
        }
        if secret == HIDDEN {
            out.text.push_str(secret);
        } else {
            out.text.push_str(HIDDEN);
            out.count += 1;
        }
        rest = after;
    }
    out.text.push_str(rest);
    if !over.is_empty() {
        out.text.push_str(HIDDEN);
        out.count += 1;
    }
    out.text.push_str(end);
}

const KEYS: [&str; 12] =
    ["password", "passwd", "pwd", "secret", "token", "api_key", "api-key", "apikey", "credential", "private_key", "cookie", "密码"];

/// What stands before the next secret of a line, the secret, and the rest.
fn next(line: &str) -> Option<(&str, &str, &str)> {
    [of_key(line), of_address(line), of_scheme(line)]
        .into_iter()
        .flatten()
        .filter(|(at, end)| end > at)
        .min()
        .map(|(at, end)| (&line[..at], &line[at..end], &line[end..]))
}

/// `password = "x"`, `"token": "x"`, `Set-Cookie: x`. Where in the line its value stands.
fn of_key(line: &str) -> Option<(usize, usize)> {
    let lower = line.to_ascii_lowercase();
    let after_key = |key: &str, from: usize| {
        let found = from + lower[from..].find(key)?;
        let rest = &line[found + key.len()..];
        // Up to the sign that gives the value, over the rest of the name and quotes.
        let name = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'' | ' '))).unwrap_or(rest.len());
        let sign = rest[name..].chars().next().filter(|c| matches!(c, '=' | ':' | '：'));
        Some((found + key.len(), sign.map(|sign| found + key.len() + name + sign.len_utf8())))
    };
    let value = |key: &&str| {
        let mut from = 0;
        while let Some((next, start)) = after_key(key, from) {
            if let Some(start) = start {
                let skip = line[start..].len() - line[start..].trim_start_matches([' ', '"', '\'']).len();
                let (at, is_quoted) = (start + skip, line[start..start + skip].ends_with(['"', '\'']));
                let stop = |c: char| {
                    if is_quoted { matches!(c, '"' | '\'') } else { matches!(c, ',' | ';' | '&' | '"' | '\'') || c.is_whitespace() }
                };
                let length = line[at..].find(stop).unwrap_or(line.len() - at);
                if length > 0 && !line[at..].starts_with(HIDDEN) {
                    return Some((at, at + length));
                }
            }
            from = next;
        }
        None
    };
    KEYS.iter().filter_map(value).min()
}

/// `scheme://user:password@host`.
fn of_address(line: &str) -> Option<(usize, usize)> {
    line.match_indices("://").find_map(|(at, _)| {
        let start = at + 3;
        let end = line[start..].find(['/', ' ', '"', '\'', '?', '>']).map_or(line.len(), |end| start + end);
        let (who, _) = line[start..end].rsplit_once('@')?;
        let colon = who.find(':')?;
        let found = (start + colon + 1, start + who.len());
        (!line[found.0..].starts_with(HIDDEN)).then_some(found)
    })
}

/// "Bearer x", "Basic x", and what follows AUTH PLAIN and AUTH LOGIN in a protocol.
fn of_scheme(line: &str) -> Option<(usize, usize)> {
    let lower = line.to_ascii_lowercase();
    ["bearer ", "basic ", "auth plain ", "auth login "]
        .iter()
        .filter_map(|scheme| {
            lower.match_indices(scheme).find_map(|(found, _)| {
                let at = found + scheme.len();
                let length = line[at..].find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',')).unwrap_or(line.len() - at);
                // Words of a sentence are not what programs sign in with.
                let is_code =
                    length >= 8 && line[at..at + length].bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'=');
                is_code.then_some((at, at + length))
            })
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_what_support_needs_stays() {
        for (text, want, count) in [
            ("smtp from li@acme.example to 192.0.2.1", "smtp from li@acme.example to 192.0.2.1", 0),
            ("password = \"hunter2 x\"\n", "password = \"(hidden)\"\n", 1),
            ("{\"api_key\": \"abc\", \"host\": \"mx\"}", "{\"api_key\": \"(hidden)\", \"host\": \"mx\"}", 1),
            ("smarthost_password: hunter2", "smarthost_password: (hidden)", 1),
            ("postgres://gate:s3cret@db/gatepost", "postgres://gate:(hidden)@db/gatepost", 1),
            ("Authorization: Bearer eyJhbGciOi.x", "Authorization: Bearer (hidden)", 1),
            ("AUTH PLAIN AGxpAGh1bnRlcjI=\r\n", "AUTH PLAIN (hidden)\r\n", 1),
            ("a basic setup works", "a basic setup works", 0),
            ("he forgot his password yesterday", "he forgot his password yesterday", 0),
            ("密码：一二三", "密码：(hidden)", 1),
            ("password=(hidden)", "password=(hidden)", 0),
            ("a token=1 and token=2", "a token=(hidden) and token=(hidden)", 2),
            (
                "x\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\ny\n",
                "x\n-----BEGIN RSA PRIVATE KEY-----\n(hidden)\n-----END RSA PRIVATE KEY-----\ny\n",
                1,
            ),
            ("", "", 0),
        ] {
            assert_eq!(hidden(text), Hidden { text: want.into(), count }, "{text}");
        }
        let long = hidden(&format!("{}é", "x".repeat(LINE_OCTETS_MAX - 1)));
        assert!(long.text.ends_with(HIDDEN));
    }
}
