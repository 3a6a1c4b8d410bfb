//! A domain that a text shows to its reader.

/// Endings that are public suffixes and file names alike; alone they are taken for files.
const FILE_LIKE: &[&str] = &["app", "bat", "cab", "md", "mov", "pl", "pm", "ps", "py", "rs", "sh", "so", "zip"];

/// The domain that `text` as a whole shows ("https://www.bank.example/login", "bank.example"), as written; `None` if it is
/// words, a file name or a number. Bare names need a suffix of the public suffix list.
pub fn shown_domain(text: &str) -> Option<&str> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | '(' | ')' | '[' | ']' | ',' | ';'));
    let with_scheme = strip_prefix_any_case(text, "https://").or_else(|| strip_prefix_any_case(text, "http://"));
    let rest = with_scheme.unwrap_or(text);
    let end = rest.find(|c: char| matches!(c, '/' | '?' | '#' | ':' | '\\') || c.is_whitespace()).unwrap_or(rest.len());
    let (host, after) = rest.split_at(end);
    let host = host.trim_end_matches('.');
    // With a scheme the rest may be anything; without one, words after it mean that it is a sentence.
    if with_scheme.is_none() && after.starts_with(char::is_whitespace) {
        return None;
    }
    let (before, last) = host.rsplit_once('.')?;
    let label = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if before.is_empty() || host.contains("..") || !host.chars().all(label) || last.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let certain = with_scheme.is_some() || strip_prefix_any_case(host, "www.").is_some();
    (certain || (has_known_suffix(host) && (before.contains('.') || !is_file_like(last)))).then_some(host)
}

fn has_known_suffix(host: &str) -> bool {
    // The list is in lower case; a name in capitals is shorter than any that is worth an allocation.
    let mut lower = [0u8; 253];
    let Some(lower) = lower.get_mut(..host.len()) else { return false };
    lower.copy_from_slice(host.as_bytes());
    lower.make_ascii_lowercase();
    psl::suffix(lower).is_some_and(|suffix| suffix.is_known())
}

fn is_file_like(ending: &str) -> bool {
    FILE_LIKE.iter().any(|file| ending.eq_ignore_ascii_case(file))
}

pub fn strip_prefix_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
