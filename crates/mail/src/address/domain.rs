//! Domain names: lower-case A-labels, address literals, the organisational domain.
//!
//! [`domain_to_ascii`] is the only way a name from outside becomes one we compare, look up or store.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::net::{Ipv4Addr, Ipv6Addr};

/// RFC 1035 §2.3.4, written without the final dot.
const DOMAIN_OCTETS_MAX: usize = 253;
const LABEL_OCTETS_MAX: usize = 63;
/// UTF-8 of a name that may still fit once it is A-labels; keeps the UTS 46 work small.
const UNICODE_OCTETS_MAX: usize = 1_000;

/// A domain as lower-case A-labels without a final dot; `None` if it is not a valid domain name (UTS 46, LDH labels, 253 octets).
///
/// Stricter than DNS: no underscore, and the last label is not a number (RFC 3696 §2), so `192.0.2.1` is no domain.
pub fn domain_to_ascii(domain: &str) -> Option<String> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if domain.is_ascii() && !has_a_label(domain) {
        return is_ldh_name(domain.as_bytes()).then(|| domain.to_ascii_lowercase());
    }
    if domain.len() > UNICODE_OCTETS_MAX {
        return None;
    }
    // An A-label that does not read back is refused here as well (attacks of the "xn--" kind end with no domain at all).
    let ascii = Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify).ok()?;
    is_ldh_name(ascii.as_bytes()).then(|| ascii.into_owned())
}

/// As people write it: U-labels where there are any; what cannot be converted stays.
pub fn domain_to_unicode(domain: &str) -> String {
    idna::domain_to_unicode(domain).0
}

/// The organisational domain by the public suffix list ("mail.example.co.uk" gives "example.co.uk"); A-labels in and out.
/// `None` for a public suffix itself and for address literals.
pub fn organisational_domain(domain: &str) -> Option<&str> {
    if domain.starts_with(['[', '.']) || domain.ends_with('.') || domain.contains("..") {
        return None;
    }
    psl::domain_str(domain)
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3) in its usual spelling. Other literals have no meaning on the Internet.
pub(super) fn parse_literal(text: &str) -> Option<String> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    if let Some((tag, address)) = inner.split_once(':')
        && tag.eq_ignore_ascii_case("ipv6")
    {
        return address.parse::<Ipv6Addr>().ok().map(|ip| format!("[IPv6:{ip}]"));
    }
    inner.parse::<Ipv4Addr>().ok().map(|ip| format!("[{ip}]"))
}

fn has_a_label(domain: &str) -> bool {
    domain.as_bytes().windows(4).any(|four| four.eq_ignore_ascii_case(b"xn--"))
}

/// RFC 1123 §2.1: letters, digits and hyphens, no hyphen at either end of a label.
fn is_ldh_name(domain: &[u8]) -> bool {
    if domain.is_empty() || domain.len() > DOMAIN_OCTETS_MAX {
        return false;
    }
    let mut last_is_number = false;
    for label in domain.split(|octet| *octet == b'.') {
        let (Some(first), Some(last)) = (label.first(), label.last()) else { return false };
        if label.len() > LABEL_OCTETS_MAX || *first == b'-' || *last == b'-' {
            return false;
        }
        if !label.iter().all(|octet| octet.is_ascii_alphanumeric() || *octet == b'-') {
            return false;
        }
        last_is_number = label.iter().all(u8::is_ascii_digit);
    }
    !last_is_number
}
