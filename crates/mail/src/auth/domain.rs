//! Domains as authentication compares them: lower-case A-labels, by organisational domain where relaxed.

/// RFC 1035 §2.3.4, without the final dot.
const OCTETS_MAX: usize = 253;
const LABEL_OCTETS_MAX: usize = 63;

/// A domain or selector taken from a mail, as lower-case A-labels. `None` for anything that is not letters, digits, hyphens,
/// underscores and dots once converted: quotes, NUL and controls stop here (espoofer A3, A4).
pub(super) fn read(octets: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(octets).ok()?;
    let text = text.strip_suffix('.').unwrap_or(text);
    let name = if text.is_ascii() { text.to_ascii_lowercase() } else { crate::address::domain_to_ascii(text)? };
    let fits = !name.is_empty() && name.len() <= OCTETS_MAX;
    (fits && name.split('.').all(is_label)).then_some(name)
}

fn is_label(label: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    !label.is_empty() && label.len() <= LABEL_OCTETS_MAX && label.bytes().all(allowed)
}

/// The name can be asked for and has at least two labels (RFC 7208 §4.3).
pub(super) fn is_queryable(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.len() <= OCTETS_MAX && name.contains('.') && name.split('.').all(|label| !label.is_empty() && label.len() <= LABEL_OCTETS_MAX)
}

/// `name` is `parent` or lies below it.
pub(super) fn is_within(name: &str, parent: &str) -> bool {
    match name.len().checked_sub(parent.len()) {
        Some(0) => name.eq_ignore_ascii_case(parent),
        Some(ahead) => name.as_bytes()[ahead - 1] == b'.' && name.as_bytes()[ahead..].eq_ignore_ascii_case(parent.as_bytes()),
        None => false,
    }
}

/// RFC 7489 §3.2. A public suffix stands for itself.
pub(super) fn organisational(domain: &str) -> &str {
    crate::address::organisational_domain(domain).unwrap_or(domain)
}

/// RFC 7489 §3.1: relaxed compares organisational domains, strict whole names.
pub(super) fn is_aligned(one: &str, other: &str, strict: bool) -> bool {
    one == other || (!strict && organisational(one) == organisational(other))
}
