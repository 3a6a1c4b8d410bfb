//! Links: found in plain text, and read as a browser would read them.
//!
//! In: text or a target from HTML. Out: [`Link`]s with the host in its one true form, whatever the spelling: userinfo,
//! backslashes, missing slashes, percent-encoding, full-width dots, numbers for an address.

use super::budget::Meter;
use super::html::{Page, PageLink};
use super::parameter::percent_decoded;
use super::style::floor_boundary;
use super::{Link, LinkOrigin};
use crate::address::domain_to_ascii;
use memchr::memchr2_iter;
use std::borrow::Cow;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::Ipv4Addr;
use std::ops::Range;

/// Longest link in plain text.
const TARGET_OCTETS_MAX: usize = 4 << 10;
/// Longest scheme looked back for.
const SCHEME_OCTETS_MAX: usize = 16;
/// Longest bare host (RFC 1035 §2.3.4).
const HOST_OCTETS_MAX: usize = 253;

/// Top-level domains that are far more often the end of a file name; bare names in them count only with a path.
const FILE_LIKE: [&str; 16] = ["zip", "mov", "md", "sh", "py", "rs", "pl", "so", "ps", "app", "name", "cc", "ai", "is", "it", "in"];

/// The links of one message, without doubles.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) list: Vec<Link>,
    seen: HashSet<u64>,
    hash: RandomState,
}

impl Links {
    pub(super) fn push(&mut self, target: &str, text: String, origin: LinkOrigin, meter: &mut Meter) {
        let key = self.hash.hash_one((target, &text, origin));
        if self.seen.contains(&key) {
            return;
        }
        if self.list.len() >= meter.budget.links_max {
            meter.over("links_max");
            return;
        }
        self.seen.insert(key);
        let (scheme, host) = destination(target);
        self.list.push(Link { target: target.to_owned(), text, origin, host, scheme });
        meter.spent.links = self.list.len();
    }

    /// Links of a page, and those that stand bare in its `visible` text.
    pub(super) fn push_page(&mut self, page: Page, visible: &str, origin: Option<LinkOrigin>, meter: &mut Meter) {
        for PageLink { target, text, origin: found } in page.links {
            self.push(&target, text, origin.unwrap_or(found), meter);
        }
        if page.has_more_links {
            meter.over("links_max");
        }
        let mut link_texts = page.link_texts.iter().peekable();
        for range in ranges_in_text(visible, meter.budget.links_max + 1) {
            while link_texts.next_if(|shown| shown.end <= range.start).is_some() {}
            if link_texts.peek().is_some_and(|shown| shown.start < range.end) {
                continue; // the text of a link, which leads where its target says
            }
            self.push(&visible[range], String::new(), origin.unwrap_or(LinkOrigin::Text), meter);
        }
    }

    pub(super) fn push_text(&mut self, text: &str, origin: LinkOrigin, meter: &mut Meter) {
        for range in ranges_in_text(text, meter.budget.links_max + 1) {
            self.push(&text[range], String::new(), origin, meter);
        }
    }
}

/// Links in plain text, with a scheme or without, at most `count_max` of them.
pub(super) fn ranges_in_text(text: &str, count_max: usize) -> Vec<Range<usize>> {
    let octets = text.as_bytes();
    let mut found = Vec::new();
    let mut done = 0;
    for at in memchr2_iter(b':', b'.', octets) {
        if at < done {
            continue;
        }
        if found.len() >= count_max {
            break;
        }
        let hit = if octets[at] == b':' { with_scheme(text, at, done) } else { bare_host(text, at, done) };
        match hit {
            Hit::Link(range) => {
                done = range.end;
                found.push(range);
            }
            Hit::Nothing { until } => done = done.max(until),
        }
    }
    found
}

enum Hit {
    Link(Range<usize>),
    /// No link up to this place.
    Nothing {
        until: usize,
    },
}

/// `scheme://` around the colon at `at`; a backslash or one slash missing does not stop a browser.
fn with_scheme(text: &str, at: usize, done: usize) -> Hit {
    let octets = text.as_bytes();
    let slashes = octets[at + 1..].iter().take(3).take_while(|octet| matches!(octet, b'/' | b'\\')).count();
    if slashes < 2 {
        return Hit::Nothing { until: at + 1 };
    }
    let floor = at.saturating_sub(SCHEME_OCTETS_MAX).max(done);
    let start = (floor..at).rev().take_while(|place| octets[*place].is_ascii_alphanumeric()).last().unwrap_or(at);
    if start == at || !octets[start..at].iter().any(u8::is_ascii_alphabetic) {
        return Hit::Nothing { until: at + 1 };
    }
    let end = end_of_link(text, at + 1 + slashes);
    if end <= at + 1 + slashes {
        return Hit::Nothing { until: at + 1 };
    }
    Hit::Link(start..end)
}

/// A host without a scheme around the dot at `at`, such as `www.example.com/path`.
fn bare_host(text: &str, at: usize, done: usize) -> Hit {
    let octets = text.as_bytes();
    let is_host = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_';
    let next_is_host = octets.get(at + 1).is_some_and(|octet| is_host(*octet));
    if at == done || !is_host(octets[at - 1]) || !next_is_host {
        return Hit::Nothing { until: at + 1 };
    }
    let floor = at.saturating_sub(HOST_OCTETS_MAX).max(done);
    let start = (floor..at).rev().take_while(|place| is_host(octets[*place])).last().unwrap_or(at);
    let length = octets[at..].iter().take_while(|octet| is_host(**octet) || **octet == b'.').count();
    let run_end = at + length;
    let nothing = Hit::Nothing { until: run_end };
    let host = text[start..run_end].trim_end_matches(['.', '-', '_']);
    let before = start.checked_sub(1).map(|place| octets[place]);
    let after = octets.get(run_end).copied();
    if before == Some(b'@') || after == Some(b'@') || before == Some(b'.') || host.len() > HOST_OCTETS_MAX {
        return nothing;
    }
    let has_path = matches!(octets.get(start + host.len()), Some(b'/' | b'?' | b'#' | b':'));
    if !is_plausible_host(host, has_path) {
        return nothing;
    }
    let end = if has_path { end_of_link(text, start + host.len()) } else { start + host.len() };
    Hit::Link(start..end)
}

fn is_plausible_host(host: &str, has_path: bool) -> bool {
    let Some((_, top)) = host.rsplit_once('.') else { return false };
    if !top.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let is_www = host.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www."));
    let mut lower = [0u8; HOST_OCTETS_MAX];
    let room = &mut lower[..host.len()];
    room.copy_from_slice(host.as_bytes());
    room.make_ascii_lowercase();
    let is_known = psl::suffix(room).is_some_and(|suffix| suffix.is_known() && suffix.as_bytes().len() < room.len());
    let is_file_like = FILE_LIKE.iter().any(|file| top.eq_ignore_ascii_case(file));
    is_known && (is_www || has_path || !is_file_like)
}

/// Where a link that has begun ends: at white space, quotes, brackets; closing punctuation does not belong to it.
fn end_of_link(text: &str, from: usize) -> usize {
    let octets = text.as_bytes();
    let cap = floor_boundary(text, from + TARGET_OCTETS_MAX);
    let stop = octets[from..cap].iter().position(|octet| *octet <= b' ' || matches!(octet, b'<' | b'>' | b'"' | b'`' | 0x7f));
    let mut end = stop.map_or(cap, |stop| from + stop);
    if let Some(foreign) = octets[from..end].iter().position(|octet| !octet.is_ascii()) {
        end = from + foreign + foreign_tail(&text[from..end], foreign);
    }
    while end > from {
        let link = &octets[from..end];
        match link[link.len() - 1] {
            b'.' | b',' | b';' | b':' | b'!' | b'?' | b'\'' | b'*' | b'|' | b'\\' => end -= 1,
            b')' if count(link, b')') > count(link, b'(') => end -= 1,
            b']' if count(link, b']') > count(link, b'[') => end -= 1,
            b'}' if count(link, b'}') > count(link, b'{') => end -= 1,
            _ => break,
        }
    }
    end
}

/// How far text beyond ASCII belongs to the link: in the host as long as it makes a known domain, in a path not at all,
/// since Chinese and Japanese text follows a link without a space.
fn foreign_tail(link: &str, foreign: usize) -> usize {
    if link.as_bytes()[..foreign].iter().any(|octet| matches!(octet, b'/' | b'?' | b'#')) {
        return 0;
    }
    let host_end = link.find(['/', '?', '#', ':']).unwrap_or(link.len());
    let host = link[..host_end].trim_end_matches(['.', ',', '!', ')']);
    let ends_in_ascii = psl::suffix(&link.as_bytes()[..foreign]).is_some_and(|suffix| suffix.is_known());
    let is_domain = ascii_host(host).is_some_and(|ascii| psl::suffix(ascii.as_bytes()).is_some_and(|suffix| suffix.is_known()));
    if is_domain && !ends_in_ascii { link.len() - foreign } else { 0 }
}

fn count(link: &[u8], wanted: u8) -> usize {
    memchr::memchr_iter(wanted, link).count()
}

/// The host a target leads to, read as a browser would: lower-case A-labels or an IP address.
pub fn link_host(target: &str) -> Option<String> {
    destination(target).1
}

/// Scheme (lower case, empty without one) and host of a target.
pub(super) fn destination(target: &str) -> (String, Option<String>) {
    let target = target.trim_matches(|one: char| one.is_ascii_whitespace() || one.is_control());
    let scheme = scheme_of(target).unwrap_or_default();
    let rest = if scheme.is_empty() { target } else { &target[scheme.len() + 1..] };
    let scheme = scheme.to_ascii_lowercase();
    if !leads_to_host(&scheme) {
        return (scheme, None);
    }
    // URL Standard §4.4: special schemes take any number of slashes of either kind.
    let after = rest.trim_start_matches(['/', '\\']);
    let authority = &after[..after.find(['/', '\\', '?', '#']).unwrap_or(after.len())];
    let host_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = read_host(host_port);
    if scheme.is_empty() && after.len() == rest.len() {
        let is_domain =
            host.as_deref().is_some_and(|host| host.contains('.') && psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known()));
        return (scheme, host.filter(|_| is_domain));
    }
    (scheme, host)
}

fn scheme_of(target: &str) -> Option<&str> {
    let colon = target.bytes().take(SCHEME_OCTETS_MAX * 2).position(|octet| octet == b':')?;
    let scheme = &target[..colon];
    let is_scheme = scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'));
    // "example.com:8080/x" has a port, not a scheme.
    let is_port = scheme.contains('.') && target.as_bytes().get(colon + 1).is_some_and(u8::is_ascii_digit);
    (is_scheme && !is_port).then_some(scheme)
}

fn leads_to_host(scheme: &str) -> bool {
    matches!(
        scheme,
        "" | "http"
            | "https"
            | "ftp"
            | "ftps"
            | "sftp"
            | "hxxp"
            | "hxxps"
            | "ws"
            | "wss"
            | "file"
            | "smb"
            | "feed"
            | "news"
            | "webcal"
            | "search-ms"
    )
}

/// `host:port` to a host in its one form.
fn read_host(host_port: &str) -> Option<String> {
    if let Some(literal) = host_port.strip_prefix('[') {
        let address = literal.split(']').next()?;
        return address.parse::<std::net::Ipv6Addr>().ok().map(|address| address.to_string());
    }
    let host = host_port.split(':').next()?;
    let host = if host.contains('%') { Cow::Owned(String::from_utf8(percent_decoded(host.as_bytes())).ok()?) } else { Cow::Borrowed(host) };
    let ascii = ascii_host(&host)?;
    let last = ascii.rsplit('.').next()?;
    if last.bytes().all(|octet| octet.is_ascii_digit()) || last.starts_with("0x") {
        return ipv4_number(&ascii).map(|address| address.to_string());
    }
    Some(ascii)
}

/// Lower-case A-labels without a final dot. Plain names, the common case, need no mapping.
fn ascii_host(host: &str) -> Option<String> {
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() || host.len() > HOST_OCTETS_MAX * 4 {
        return None;
    }
    let is_plain = host.len() <= HOST_OCTETS_MAX
        && host.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_'))
        && host.split('.').all(|label| !label.is_empty() && label.len() <= 63 && label.get(2..4) != Some("--"));
    if is_plain {
        return Some(host.to_ascii_lowercase());
    }
    // UTS 46 maps full-width letters and the dots of East Asian scripts; names it cannot map stay unread.
    domain_to_ascii(host).or_else(|| idna::domain_to_ascii(host).ok().filter(|ascii| !ascii.is_empty() && ascii.len() <= HOST_OCTETS_MAX))
}

/// URL Standard §3.5: one to four numbers, decimal, octal (0…) or hexadecimal (0x…), the last filling what is left.
fn ipv4_number(host: &str) -> Option<Ipv4Addr> {
    let mut numbers = [0u64; 4];
    let mut count = 0;
    for part in host.split('.') {
        let (digits, radix) = match part.strip_prefix("0x") {
            Some(hex) => (hex, 16),
            None if part.len() > 1 && part.starts_with('0') => (&part[1..], 8),
            None => (part, 10),
        };
        let number = if digits.is_empty() { 0 } else { u64::from_str_radix(digits, radix).ok()? };
        *numbers.get_mut(count)? = number;
        count += 1;
    }
    let (last, first) = numbers[..count].split_last()?;
    let room = 1u64 << (8 * (5 - count));
    if *last >= room || first.iter().any(|number| *number > 255) {
        return None;
    }
    let high = first.iter().enumerate().fold(0u64, |sum, (place, number)| sum | number << (8 * (3 - place)));
    u32::try_from(high | last).ok().map(Ipv4Addr::from)
}
