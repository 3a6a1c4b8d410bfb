//! Where a mail really came from when a gateway stands in front of us (`service.md` §1.2, enhanced filtering for connectors).
//!
//! In: the peer, an inbound connector with skip-listing, the Received fields. Out: the address that handed the mail to the gateways in
//! front. Invariant: a field is only believed when the host that wrote it is one that was to be skipped: the first field is the peer's,
//! the next is believed only when the first names a skipped address, and so on. What cannot be read ends the search: the peer's own
//! address stays, which can make a good mail look worse, never a forged one better.

use crate::delivery::is_public;
use crate::directory::{InboundSettings, SkipMode};
use mail::Message;
use std::net::IpAddr;

/// Received fields that are followed.
const HOPS_MAX: usize = 20;
/// Octets of one field that are read.
const FIELD_OCTETS_MAX: usize = 2_000;

/// The address behind the gateways in front; `None` when there is none to be found.
pub fn behind(message: &Message, connector: &InboundSettings) -> Option<IpAddr> {
    behind_fields(message.all("Received"), connector)
}

/// The address that handed the mail over to the first server with a public one, as the Received fields say, and the name it gave itself.
/// For mail that comes without its connection: nothing vouches for the fields.
pub fn first_public<'a>(received: impl Iterator<Item = &'a [u8]>) -> Option<(IpAddr, String)> {
    for field in received.take(HOPS_MAX) {
        let from = from_address(field)?;
        if is_public(from) {
            let text = String::from_utf8_lossy(&field[..field.len().min(FIELD_OCTETS_MAX)]);
            let helo = text.split_ascii_whitespace().nth(1).unwrap_or_default().trim_matches(['[', ']']).to_string();
            return Some((from, helo));
        }
    }
    None
}

fn behind_fields<'a>(fields: impl Iterator<Item = &'a [u8]>, connector: &InboundSettings) -> Option<IpAddr> {
    let is_skipped = |ip: IpAddr| match connector.skip {
        SkipMode::Listed => connector.addresses.contains(ip) || connector.skip_addresses.contains(ip) || !is_public(ip),
        SkipMode::Last => !is_public(ip), // hops inside the gateway
        SkipMode::Off => false,
    };
    if connector.skip == SkipMode::Off {
        return None;
    }
    for field in fields.take(HOPS_MAX) {
        let from = from_address(field)?;
        if !is_skipped(from) {
            return Some(from);
        }
    }
    None
}

/// The address that the writer of a Received field saw (RFC 5321 §4.4, TCP-info). The name that the client gave itself is not
/// looked at: it is the client's to choose. `None` when there is no address, or more than one that it could be.
fn from_address(field: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(&field[..field.len().min(FIELD_OCTETS_MAX)]).ok()?;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let rest = text.strip_prefix("from ").or_else(|| text.strip_prefix("From "))?;
    let (outside, comments) = split_comments(rest)?;
    let seen: Vec<IpAddr> = comments.iter().flat_map(|comment| addresses_seen(comment)).collect();
    match seen.as_slice() {
        [first, others @ ..] if others.iter().all(|other| other == first) => Some(*first),
        [] => literal(outside.split(' ').next()?),
        _ => None,
    }
}

/// The words up to `by`, and the comments among them. `None` when a comment does not end.
fn split_comments(text: &str) -> Option<(String, Vec<String>)> {
    let (mut outside, mut comments, mut depth) = (String::new(), Vec::new(), 0_usize);
    for c in text.chars() {
        match c {
            '(' => {
                if depth == 0 {
                    comments.push(String::new());
                }
                depth += 1;
            }
            ')' if depth > 0 => depth -= 1,
            c if depth > 0 => comments.last_mut()?.push(c),
            c => outside.push(c),
        }
        if depth == 0 && outside.ends_with(" by ") {
            outside.truncate(outside.len() - 4);
            return Some((outside, comments));
        }
    }
    None // a field without "by" was written by nobody we know
}

/// Addresses in a comment, without those that the client said itself (`helo=`, `HELO `).
fn addresses_seen(comment: &str) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut is_said = false;
    for word in comment.split([' ', ',', ';']) {
        let lower = word.to_ascii_lowercase();
        if lower == "helo" || lower == "ehlo" {
            is_said = true;
            continue;
        }
        if !is_said && !lower.starts_with("helo=") && !lower.starts_with("ehlo=") {
            found.extend(literal(word));
        }
        is_said = false;
    }
    found
}

/// `[192.0.2.1]`, `192.0.2.1`, `[IPv6:2001:db8::1]`, `[192.0.2.1]:1234`, each also behind `user@`.
fn literal(word: &str) -> Option<IpAddr> {
    let word = word.rsplit_once('@').map_or(word, |(_, after)| after);
    let inner = match word.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?.0,
        None => word,
    };
    let inner = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).map_or(inner, |_| &inner[5..]);
    inner.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Networks;

    fn connector(skip: SkipMode, listed: &[&str]) -> InboundSettings {
        let networks = |texts: &[&str]| Networks(texts.iter().map(|text| text.parse().expect("a network")).collect());
        InboundSettings { skip, addresses: networks(&["198.18.5.1"]), skip_addresses: networks(listed), ..InboundSettings::default() }
    }

    #[test]
    fn the_address_is_the_one_that_was_seen_not_the_one_that_was_said() {
        for (field, want, why) in [
            ("from mx.a.example (mx.a.example [8.8.8.8]) by gw with ESMTP", Some("8.8.8.8"), "Postfix"),
            ("from [10.0.0.1] (unknown [8.8.8.8]) by gw with ESMTP", Some("8.8.8.8"), "a HELO with an address"),
            ("from NAME (8.8.8.8) by GW (10.0.0.1) with Microsoft SMTP", Some("8.8.8.8"), "Exchange"),
            ("from [8.8.8.8] (helo=[1.1.1.1]) by gw with esmtp (Exim 4)", Some("8.8.8.8"), "Exim without a name"),
            ("from a.example ([8.8.8.8]:1234 helo=[1.1.1.1]) by gw", Some("8.8.8.8"), "Exim with a name"),
            ("from unknown (HELO 1.1.1.1) (8.8.8.8) by gw with SMTP", Some("8.8.8.8"), "qmail"),
            ("from a.example (a.example [IPv6:2606:4700::1111]) by gw", Some("2606:4700::1111"), "IPv6"),
            ("from a (b [8.8.8.8]\r\n\t) by gw", Some("8.8.8.8"), "folded"),
            ("from a (b [8.8.8.8]) (c [1.1.1.1]) by gw", None, "two addresses: nobody knows which"),
            ("from a (b [8.8.8.8] by gw", None, "a comment that does not end"),
            ("from a by gw", None, "no address"),
            ("by gw with LMTP", None, "not from anywhere"),
            ("from a (b [8.8.8.8.9]) by gw", None, "no address"),
            ("", None, "empty"),
        ] {
            assert_eq!(from_address(field.as_bytes()), want.map(|ip| ip.parse().expect("an address")), "{why}: {field}");
        }
    }

    #[test]
    fn only_what_a_skipped_host_wrote_is_believed() {
        let (last, listed) = (connector(SkipMode::Last, &[]), connector(SkipMode::Listed, &["9.9.9.0/24"]));
        let by = |ip: &str| format!("from x (x [{ip}]) by gw");
        for (connector, hops, want, why) in [
            (&last, vec!["8.8.8.8"], Some("8.8.8.8"), "behind the peer"),
            (&last, vec!["10.0.0.5", "8.8.8.8"], Some("8.8.8.8"), "hops inside the gateway are skipped"),
            (&last, vec!["8.8.8.8", "1.1.1.1"], Some("8.8.8.8"), "what the stranger wrote below is not read"),
            (&last, vec!["9.9.9.9", "1.1.1.1"], Some("9.9.9.9"), "“last” skips one server only"),
            (&listed, vec!["9.9.9.9", "8.8.8.8", "1.1.1.1"], Some("8.8.8.8"), "listed gateways are skipped, then no more"),
            (&listed, vec!["9.9.9.9"], None, "nothing behind the gateways"),
            (&listed, vec![], None, "no Received at all"),
            (&connector(SkipMode::Off, &["9.9.9.0/24"]), vec!["8.8.8.8"], None, "switched off"),
        ] {
            let fields: Vec<String> = hops.iter().map(|ip| by(ip)).collect();
            let got = behind_fields(fields.iter().map(|field| field.as_bytes()), connector);
            assert_eq!(got, want.map(|ip| ip.parse().expect("an address")), "{why}");
        }
    }

    #[test]
    fn hostile_fields_end_the_search_and_cost_little() {
        let listed = connector(SkipMode::Listed, &["9.9.9.0/24"]);
        let trusted = "from x (x [9.9.9.9]) by gw".to_string();
        let endless = format!("from x {} by gw", "(".repeat(100_000));
        let binary = vec![0xff_u8; 3_000];
        let many: Vec<String> = vec![trusted.clone(); 10_000];
        for (fields, why) in [
            (vec![trusted.as_bytes(), endless.as_bytes(), b"from x (x [8.8.8.8]) by gw"], "nested comments"),
            (vec![trusted.as_bytes(), binary.as_slice(), b"from x (x [8.8.8.8]) by gw"], "octets that are no text"),
            (many.iter().map(|field| field.as_bytes()).collect(), "more hops than are followed"),
        ] {
            assert_eq!(behind_fields(fields.into_iter(), &listed), None, "{why}");
        }
    }
}
