//! Where a click on a link ends: at its host, or at what a redirector in it names.
//!
//! In: a [`Link`]. Out: hosts. Nothing is opened or resolved: only what stands in the link is read.

use mail::message::{Link, link_host};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Parameters of one link that are looked at.
const PARAMETERS_MAX: usize = 64;
/// A target may be percent-encoded again by each page it went through.
const ENCODED_MAX: usize = 3;

/// A target inside a link.
#[derive(Debug, PartialEq, Eq)]
pub struct Inner {
    pub target: String,
    pub host: String,
    /// The outer page is one of those that lead anybody anywhere.
    pub is_known: bool,
}

/// Other filters rewrite links on the way, so that a click asks them first; quoted mail is full of those.
pub fn is_rewriter(host: &str) -> bool {
    const REWRITERS: [&str; 6] = [
        "safelinks.protection.outlook.com",
        "urldefense.com",
        "urldefense.us",
        "urldefense.proofpoint.com",
        "linkprotect.cudasvc.com",
        "protection.sophos.com",
    ];
    REWRITERS.iter().any(|known| host.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

struct Page {
    path: &'static str,
    parameters: Vec<&'static str>,
}

/// By host; "google" for "google.*".
static REDIRECTORS: LazyLock<HashMap<&'static str, Vec<Page>>> = LazyLock::new(|| {
    let mut pages: HashMap<&str, Vec<Page>> = HashMap::new();
    for line in include_str!("../../data/redirectors.txt").lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(host), Some(path)) = (words.next(), words.next()) else { continue };
        pages.entry(host).or_default().push(Page { path, parameters: words.collect() });
    }
    pages
});

/// The target of another host that `link` carries in its path or a parameter.
pub fn inner(link: &Link) -> Option<Inner> {
    let host = link.host.as_deref()?;
    if !matches!(link.scheme.as_str(), "http" | "https" | "") {
        return None;
    }
    let after = after_host(&link.target)?;
    let page = redirector(host, after);
    if page.is_none() && !may_carry(after) {
        return None;
    }
    let (target, inner_host) = carried(after, page)?;
    (mail::address::organisational_domain(&inner_host) != mail::address::organisational_domain(host) || is_ip(&inner_host)).then(|| Inner {
        target,
        host: inner_host,
        is_known: page.is_some(),
    })
}

fn is_ip(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

/// Path and query.
fn after_host(target: &str) -> Option<&str> {
    let start = target.find(':').map_or(0, |at| at + 1);
    let rest = target[start..].trim_start_matches(['/', '\\']);
    rest.find(['/', '?', '\\']).map(|at| &rest[at..])
}

/// Cheap way out: most links name no second address.
fn may_carry(after: &str) -> bool {
    let octets = after.as_bytes();
    memchr::memchr2_iter(b'h', b'H', octets).any(|at| {
        let rest = &octets[at..];
        starts_with_any_case(rest, b"http") || starts_with_any_case(rest, b"hr0c")
    }) || memchr::memmem::find(octets, b"=//").is_some()
        || memchr::memmem::find(octets, b"=%2").is_some()
        || memchr::memmem::find(octets, b"/amp/").is_some()
        || memchr::memmem::find(octets, b"=www.").is_some()
}

fn starts_with_any_case(octets: &[u8], start: &[u8]) -> bool {
    octets.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn redirector(host: &str, after: &str) -> Option<&'static Page> {
    let mut name = host;
    loop {
        let found = REDIRECTORS.get(name).and_then(|pages| pages.iter().find(|page| after.starts_with(page.path)));
        if found.is_some() {
            return found;
        }
        match name.split_once('.') {
            Some((first, rest)) if first == "google" && rest.split('.').count() <= 2 => {
                return REDIRECTORS.get("google.*").and_then(|pages| pages.iter().find(|page| after.starts_with(page.path)));
            }
            Some((_, rest)) => name = rest,
            None => return None,
        }
    }
}

/// The address in the parameters that the page reads, then in any parameter, then in the path.
fn carried(after: &str, page: Option<&Page>) -> Option<(String, String)> {
    let (path, query) = after.split_once('?').unwrap_or((after, ""));
    let query = query.split('#').next().unwrap_or(query);
    let parameters = || query.split(['&', ';']).take(PARAMETERS_MAX).map(|pair| pair.split_once('=').unwrap_or(("", pair)));
    let read_by_page = |name: &str| page.is_some_and(|page| page.parameters.iter().any(|known| known.eq_ignore_ascii_case(name)));
    parameters()
        .filter(|(name, _)| read_by_page(name))
        .chain(parameters().filter(|(name, _)| !read_by_page(name)))
        .find_map(|(name, value)| address(value, read_by_page(name)))
        .or_else(|| in_path(path, page.is_some()))
}

/// An address in a parameter: plain, percent-encoded, in base64, or without its scheme where the page adds that.
fn address(value: &str, is_read_by_page: bool) -> Option<(String, String)> {
    let mut value = Cow::Borrowed(value);
    for _ in 0..ENCODED_MAX {
        if !value.contains('%') {
            break;
        }
        value = Cow::Owned(percent_decoded(&value));
    }
    let value = value.trim();
    if let Some(plain) = base64_address(value) {
        let host = link_host(&plain)?;
        return Some((plain, host));
    }
    let has_scheme = value.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http")) && value.contains(':');
    if has_scheme || value.starts_with("//") || (is_read_by_page && value.contains('.')) {
        let target = if has_scheme || value.starts_with("//") { value.to_string() } else { format!("https://{value}") };
        let host = link_host(&target)?;
        return host.contains(['.', ':']).then_some((target, host));
    }
    None
}

/// `https://host/https://other/` and Google's `/amp/s/other/`.
fn in_path(path: &str, is_redirector: bool) -> Option<(String, String)> {
    if let Some(rest) = path.strip_prefix("/amp/").filter(|_| is_redirector) {
        let rest = rest.strip_prefix("s/").unwrap_or(rest);
        let host = link_host(&format!("https://{rest}"))?;
        return host.contains('.').then(|| (rest.to_string(), host));
    }
    let decoded = if path.contains('%') { Cow::Owned(percent_decoded(path)) } else { Cow::Borrowed(path) };
    let at = decoded.get(1..)?.to_ascii_lowercase().find("http").map(|at| at + 1)?;
    let rest = decoded.get(at..)?;
    let is_address = rest.get(4..).is_some_and(|rest| rest.starts_with(":/") || rest.starts_with("s:/"));
    let host = link_host(rest).filter(|_| is_address)?;
    host.contains('.').then(|| (rest.to_string(), host))
}

/// "aHR0c" is "http" in base64; one page puts "a1" before it.
fn base64_address(value: &str) -> Option<String> {
    const VALUE_OCTETS_MAX: usize = 2_000;
    let at = value.find("aHR0c")?;
    if at > 2 {
        return None;
    }
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0u32);
    for octet in value[at..].bytes().take(VALUE_OCTETS_MAX) {
        let six = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8); // the low eight bits are the octet
        }
    }
    String::from_utf8(out).ok()
}

pub(super) fn percent_decoded(text: &str) -> String {
    let octets = text.as_bytes();
    let digit = |at: usize| octets.get(at).and_then(|octet| char::from(*octet).to_digit(16));
    let mut out = Vec::with_capacity(octets.len());
    let mut at = 0;
    while at < octets.len() {
        match (octets[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high << 4 | low) as u8); // two digits fit
                at += 3;
            }
            (octet, ..) => {
                out.push(octet);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::message::LinkOrigin;

    fn check(target: &str, want: Option<(&str, bool)>) {
        let link = Link {
            target: target.into(),
            text: String::new(),
            origin: LinkOrigin::Anchor,
            host: link_host(target),
            scheme: target.split(':').next().unwrap_or_default().into(),
        };
        let found = inner(&link);
        assert_eq!(found.as_ref().map(|inner| (inner.host.as_str(), inner.is_known)), want, "{target}");
    }

    #[test]
    fn targets_inside_links_are_read() {
        check("https://www.google.com/url?sa=t&q=https%3A%2F%2Fevil.test%2Fx&ved=1", Some(("evil.test", true)));
        check("https://www.google.co.uk/amp/s/evil.test/x", Some(("evil.test", true)));
        check("https://www.bing.com/ck/a?!&&p=1&u=a1aHR0cHM6Ly9ldmlsLnRlc3Qv&ntb=1", Some(("evil.test", true)));
        check("https://www.youtube.com/redirect?q=evil.test%2Fx", Some(("evil.test", true)));
        check("https://shop.example/go?url=https%253A%252F%252Fevil.test", Some(("evil.test", false)));
        check("https://shop.example/go?to=//evil.test/", Some(("evil.test", false)));
        check("https://shop.example/https://evil.test/", Some(("evil.test", false)));
        check("https://shop.example/go?url=https://www.shop.example/x", None);
        check("https://shop.example/article?title=http-basics", None);
        check("https://www.google.com/search?q=weather", None);
        check("https://shop.example/a/b", None);
        check("mailto:a@b.example?body=https://evil.test", None);
    }
}
