//! **Is our address, or the domain, on a block list?** Receivers ask lists in DNS (RFC 5782) about the address that connects, and about
//! domains in a message. Lists that are asked too often, or through a public resolver, answer with an error instead: then nothing is known.

use super::{Checked, Target};
use crate::page::Say;
use futures_util::future::join_all;
use gateway::delivery::is_public;
use mail::dns::{Dns, DnsError, Record, RecordType, reverse_name};
use std::net::{IpAddr, Ipv4Addr};

/// Lists of addresses that many receivers ask, with the page where each takes addresses off.
const OF_ADDRESSES: [(&str, &str); 4] = [
    ("zen.spamhaus.org", "https://check.spamhaus.org/"),
    ("bl.spamcop.net", "https://www.spamcop.net/bl.shtml"),
    ("b.barracudacentral.org", "https://www.barracudacentral.org/rbl/removal-request"),
    ("psbl.surriel.com", "https://psbl.org/remove"),
];
/// Lists of domains.
const OF_DOMAINS: [(&str, &str); 1] = [("dbl.spamhaus.org", "https://check.spamhaus.org/")];
/// Addresses of ours that are asked about.
const ADDRESSES_MAX: usize = 4;

/// What a list says.
enum Said {
    Not,
    Listed,
    /// It does not answer us.
    Mute,
}

pub async fn lists(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.lists");
    let public = target.addresses.iter().filter(|ip| is_public(**ip)).take(ADDRESSES_MAX);
    let of_addresses = public.flat_map(|ip| OF_ADDRESSES.map(|(zone, page)| (ip.to_string(), asked(*ip, zone), zone, page)));
    let of_domain = OF_DOMAINS.map(|(zone, page)| (target.domain.clone(), format!("{}.{zone}", target.domain), zone, page));
    let questions: Vec<_> = of_addresses.chain(of_domain).collect();
    let answers = join_all(questions.iter().map(|(_, name, ..)| said(dns, name))).await;
    let (mut clean, mut mute) = (0_usize, Vec::new());
    for ((what, _, zone, page), answer) in questions.iter().zip(answers) {
        match answer {
            Said::Not => clean += 1,
            Said::Mute => mute.push(*zone),
            Said::Listed => {
                checked.problem(Say::new("check-lists-listed").with("what", what.as_str()).with("where", *zone));
                checked.fix(Say::new("check-lists-fix").with("where", *zone).with("page", *page));
            }
        }
    }
    if clean > 0 {
        checked.ok(Say::new("check-lists-clean").with("count", clean));
    }
    mute.dedup();
    if !mute.is_empty() {
        // No problem of the domain, and nothing to worry about.
        checked.ok(Say::new("check-lists-mute").with("where", mute.join(", ")));
    }
    checked
}

/// RFC 5782 §2.1, §2.4: the address reversed, under the zone of the list.
fn asked(ip: IpAddr, zone: &str) -> String {
    let reversed = reverse_name(ip);
    let bare = reversed.trim_end_matches(".in-addr.arpa").trim_end_matches(".ip6.arpa");
    format!("{bare}.{zone}")
}

async fn said(dns: &dyn Dns, name: &str) -> Said {
    match dns.lookup(name, RecordType::A).await {
        Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) => Said::Not,
        Err(DnsError::Temporary { .. }) => Said::Mute,
        Ok(records) => {
            let codes: Vec<Ipv4Addr> = records.iter().filter_map(code).collect();
            match () {
                () if codes.is_empty() => Said::Not,
                // 127.255.255.0/24 is an error; outside 127.0.0.0/8 somebody answers for names that do not exist; 127.0.0.1 is no listing
                // (RFC 5782 §5).
                () if codes.iter().any(|ip| ip.octets()[0] == 127 && ip.octets()[1] != 255 && *ip != Ipv4Addr::LOCALHOST) => Said::Listed,
                () => Said::Mute,
            }
        }
    }
}

fn code(record: &Record) -> Option<Ipv4Addr> {
    match record {
        Record::A(ip) => Some(*ip),
        _ => None,
    }
}
