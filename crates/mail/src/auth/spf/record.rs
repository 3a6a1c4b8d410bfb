//! Syntax of an SPF record (RFC 7208 §4.6.1, §5, §6, §7.1). The whole record is read before any of it is applied, since an
//! error anywhere makes it all void.

use super::macros;
use crate::auth::SpfResult;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A record with more terms than this is an error; ten of them may ask DNS at most.
const TERMS_MAX: usize = 200;

#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) directives: Vec<Directive<'a>>,
    pub(super) redirect: Option<&'a str>,
    pub(super) exp: Option<&'a str>,
}

#[derive(Debug)]
pub(super) struct Directive<'a> {
    pub(super) result: SpfResult,
    pub(super) mechanism: Mechanism<'a>,
    /// As written, with its qualifier.
    pub(super) text: &'a str,
}

/// Domain-specs are checked here and expanded when they are needed.
#[derive(Debug)]
pub(super) enum Mechanism<'a> {
    All,
    Include(&'a str),
    A(Hosts<'a>),
    Mx(Hosts<'a>),
    Ptr(Option<&'a str>),
    Ip4(Ipv4Addr, u8),
    Ip6(Ipv6Addr, u8),
    Exists(&'a str),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Hosts<'a> {
    /// `None` is the domain whose record this is.
    pub(super) spec: Option<&'a str>,
    pub(super) bits4: u8,
    pub(super) bits6: u8,
}

/// The term that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError(pub(super) String);

/// RFC 7208 §4.5: the octets are an SPF record of version 1.
pub(super) fn is_spf(txt: &[u8]) -> bool {
    txt.len() >= 6 && txt[..6].eq_ignore_ascii_case(b"v=spf1") && matches!(txt.get(6), None | Some(b' '))
}

/// Reads a record that [`is_spf`].
pub(super) fn read(txt: &[u8]) -> Result<Record<'_>, SyntaxError> {
    // RFC 7208 §3.1: US-ASCII; terms are separated by spaces and nothing else.
    let odd = txt.iter().any(|octet| !matches!(octet, 0x20..=0x7e));
    let text = match std::str::from_utf8(txt) {
        Ok(text) if !odd => text,
        _ => return Err(SyntaxError("characters that a record may not have".into())),
    };
    let mut record = Record { directives: Vec::with_capacity(8), redirect: None, exp: None };
    for (place, term) in text[6..].split(' ').filter(|term| !term.is_empty()).enumerate() {
        if place == TERMS_MAX {
            return Err(SyntaxError("too many terms".into()));
        }
        read_term(&mut record, term).ok_or_else(|| SyntaxError(term.chars().take(80).collect()))?;
    }
    Ok(record)
}

fn read_term<'a>(record: &mut Record<'a>, term: &'a str) -> Option<()> {
    let name_end = term.find([':', '/', '=']).unwrap_or(term.len());
    if term.as_bytes().get(name_end) == Some(&b'=') {
        return read_modifier(record, &term[..name_end], &term[name_end + 1..]);
    }
    let (result, bare) = match term.as_bytes()[0] {
        b'+' => (SpfResult::Pass, &term[1..]),
        b'-' => (SpfResult::Fail, &term[1..]),
        b'~' => (SpfResult::SoftFail, &term[1..]),
        b'?' => (SpfResult::Neutral, &term[1..]),
        _ => (SpfResult::Pass, term),
    };
    let mechanism = read_mechanism(bare)?;
    record.directives.push(Directive { result, mechanism, text: term });
    Some(())
}

fn read_modifier<'a>(record: &mut Record<'a>, name: &str, value: &'a str) -> Option<()> {
    let mut octets = name.bytes();
    let starts_well = octets.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !starts_well || !octets.all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.')) {
        return None;
    }
    // RFC 7208 §6: redirect and exp may stand once each.
    let slot = match name {
        _ if name.eq_ignore_ascii_case("redirect") => &mut record.redirect,
        _ if name.eq_ignore_ascii_case("exp") => &mut record.exp,
        _ => return macros::is_macro_string(value).then_some(()),
    };
    (slot.is_none() && macros::is_domain_spec(value)).then(|| *slot = Some(value))
}

fn read_mechanism(text: &str) -> Option<Mechanism<'_>> {
    let name_end = text.find([':', '/']).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let spec = rest.strip_prefix(':');
    match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Some(Mechanism::All),
        "include" => spec.filter(|spec| macros::is_domain_spec(spec)).map(Mechanism::Include),
        "exists" => spec.filter(|spec| macros::is_domain_spec(spec)).map(Mechanism::Exists),
        "a" => read_hosts(rest).map(Mechanism::A),
        "mx" => read_hosts(rest).map(Mechanism::Mx),
        "ptr" if rest.is_empty() => Some(Mechanism::Ptr(None)),
        "ptr" => spec.filter(|spec| macros::is_domain_spec(spec)).map(|spec| Mechanism::Ptr(Some(spec))),
        "ip4" => {
            let (net, bits) = read_bits(spec?, "/", 32)?;
            Some(Mechanism::Ip4(net.parse().ok()?, bits))
        }
        "ip6" => {
            let (net, bits) = read_bits(spec?, "/", 128)?;
            Some(Mechanism::Ip6(net.parse().ok()?, bits))
        }
        _ => None,
    }
}

/// `[":" domain-spec] ["/" bits4] ["//" bits6]` (RFC 7208 §5.3, §5.4, §5.6).
fn read_hosts(rest: &str) -> Option<Hosts<'_>> {
    let (rest, bits6) = read_bits(rest, "//", 128)?;
    let (rest, bits4) = read_bits(rest, "/", 32)?;
    let spec = match rest {
        "" => None,
        _ => Some(rest.strip_prefix(':').filter(|spec| macros::is_domain_spec(spec))?),
    };
    Some(Hosts { spec, bits4, bits6 })
}

/// Takes a prefix length off the end. `None` if there is one that is not valid.
fn read_bits<'a>(text: &'a str, before: &str, bits_max: u8) -> Option<(&'a str, u8)> {
    let Some(at) = text.rfind(before) else { return Some((text, bits_max)) };
    let digits = &text[at + before.len()..];
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Some((text, bits_max)); // a slash of the domain-spec, or a mistake that its reader finds
    }
    let bits = digits.parse::<u8>().ok().filter(|bits| *bits <= bits_max)?;
    (digits == "0" || !digits.starts_with('0')).then_some((&text[..at], bits))
}
