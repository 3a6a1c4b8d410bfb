//! `link.recipient`: a link that takes the reader's address to a stranger.
//!
//! The pages of phishing kits fill in whose password they ask for, and show the look of that person's firm. They read the address
//! from behind “#”, where no server and no filter on the way sees it, or from letters that say it in base64. Whoever sends news does
//! know whom he writes to and puts a number of his own into the link, or the address in plain sight of his own server.

use super::destination::percent_decoded;
use super::lead::{hides, is_click};
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::address::organisational_domain;
use mail::message::Link;
use mail::{AuthResults, Mail};

/// Clicks looked at in one mail.
const CLICKS_MAX: usize = 64;
/// Octets of a target looked at.
const TARGET_OCTETS_MAX: usize = 2_000;
/// Shorter runs of letters say no address in base64.
const BASE64_OCTETS_MIN: usize = 12;

pub struct Recipient;

impl Inspect for Recipient {
    fn name(&self) -> &'static str {
        "link.recipient-address"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(from) = sender::speaker(message, surroundings) else { return };
        if is_own(&from.domain, surroundings) || sender::is_talk(message) {
            return;
        }
        let sender = organisational_domain(&from.domain);
        let is_strange = |host: &str| organisational_domain(host) != sender && !is_own(host, surroundings);
        let is_reader = |address: &str| {
            mail.envelope.recipients.iter().any(|recipient| recipient.address.key().eq_ignore_ascii_case(address))
                || address.rsplit_once('@').is_some_and(|(_, domain)| is_own(&domain.to_ascii_lowercase(), surroundings))
        };
        let clicks = message.links.iter().filter(|link| is_click(link)).take(CLICKS_MAX);
        for link in clicks {
            let Some(host) = link.host.as_deref().filter(|host| is_strange(host)) else { continue };
            let Some(carried) = Carried::by(link) else { continue };
            let weight = match (carried.way, is_reader(&carried.address), hides(link, host)) {
                (Way::Fragment, true, _) => 3.0,
                // A few who send for others write so what their own pages read.
                (Way::Encoded, true, _) => 2.5,
                (Way::Plain, true, true) => 1.8,
                (Way::Fragment, false, _) if !carried.address.eq_ignore_ascii_case(&from.address) => 1.5,
                // A link to unsubscribe says the address to whoever sends for others.
                _ => continue,
            };
            let evidence = format!("the link to {host} carries {}, {}", carried.address, carried.way.said());
            findings.push(Finding::new("link.recipient", Kind::Phish, weight, evidence));
            return;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Behind “#”.
    Fragment,
    /// In base64, anywhere.
    Encoded,
    Plain,
}

impl Way {
    fn said(self) -> &'static str {
        match self {
            Way::Fragment => "behind the # where only its page sees it",
            Way::Encoded => "written in base64",
            Way::Plain => "in plain letters",
        }
    }
}

#[derive(Debug)]
struct Carried {
    way: Way,
    address: String,
}

impl Carried {
    fn by(link: &Link) -> Option<Carried> {
        let target = &link.target[..link.target.floor_char_boundary(TARGET_OCTETS_MAX)];
        // The name of a user in front of the host is `link.userinfo`.
        let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
        let after = &rest[rest.find(['/', '?', '#'])?..];
        let (before, fragment) = after.split_once('#').unwrap_or((after, ""));
        let encoded = |text: &str| text.split(['/', '?', '#', '&', ';', '=', '.', '*', '$', '!']).find_map(base64_address);
        let found = |way: Way| move |address: String| Carried { way, address };
        plain_address(fragment)
            .map(found(Way::Fragment))
            .or_else(|| encoded(fragment).map(found(Way::Fragment)))
            .or_else(|| encoded(before).map(found(Way::Encoded)))
            .or_else(|| plain_address(before).map(found(Way::Plain)))
    }
}

/// The first address in `text`, which may be percent-encoded.
fn plain_address(text: &str) -> Option<String> {
    if !(text.contains('@') || text.contains("%40")) {
        return None;
    }
    let text = percent_decoded(text);
    let at = text.find('@')?;
    let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    let start =
        text[..at].rfind(|c: char| !is_local(c)).map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
    let domain = &text[at + 1..];
    let end = domain.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(domain.len());
    let (local, domain) = (&text[start..at], domain[..end].trim_end_matches('.'));
    let is_name = domain.contains('.') && organisational_domain(&domain.to_ascii_lowercase()).is_some();
    (!local.is_empty() && is_name).then(|| format!("{local}@{domain}"))
}

/// The address that a run of letters says in base64; nothing else may stand in it.
fn base64_address(word: &str) -> Option<String> {
    let word = word.trim_end_matches("%3D").trim_end_matches("%3d");
    if word.len() < BASE64_OCTETS_MIN {
        return None;
    }
    let mut out = Vec::with_capacity(word.len());
    let (mut bits, mut count) = (0u32, 0u32);
    for octet in word.bytes() {
        let six = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' | b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8); // the low eight bits are the octet
        }
    }
    let text = String::from_utf8(out).ok()?;
    plain_address(&text).filter(|address| *address == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::message::{LinkOrigin, link_host};

    #[test]
    fn addresses_in_links_are_read() {
        for (target, want) in [
            ("https://evil.test/#bo@example.com", Some((Way::Fragment, "bo@example.com"))),
            ("https://evil.test/a/b#bo%40example.com", Some((Way::Fragment, "bo@example.com"))),
            ("https://evil.test/x?e=bo.li+a@example.com&y=1", Some((Way::Plain, "bo.li+a@example.com"))),
            ("https://evil.test/#Ym9AZXhhbXBsZS5jb20=", Some((Way::Fragment, "bo@example.com"))),
            ("https://evil.test/x/Ym9AZXhhbXBsZS5jb20", Some((Way::Encoded, "bo@example.com"))),
            ("https://evil.test/x?u=Ym9AZXhhbXBsZS5jb20%3D", Some((Way::Encoded, "bo@example.com"))),
            ("https://evil.test/#section-2", None),
            ("https://evil.test/@bo/status", None),
            ("https://evil.test/bo@2x.png", Some((Way::Plain, "bo@2x.png"))),
            ("https://bo@example.com/", None),
            ("https://evil.test/dGhpcyBpcyBubyBhZGRyZXNz", None),
            ("https://evil.test", None),
            ("https://evil.test/#é@example.com", None),
        ] {
            let link = Link {
                target: target.into(),
                text: String::new(),
                origin: LinkOrigin::Anchor,
                host: link_host(target),
                scheme: "https".into(),
            };
            let found = Carried::by(&link);
            assert_eq!(found.as_ref().map(|found| (found.way, found.address.as_str())), want, "{target}");
        }
    }
}
