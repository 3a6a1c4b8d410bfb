//! **Do our own addresses have good names?** Receivers look up the name of the address that connects (PTR), whether that name leads back to
//! it, and what the server calls itself in HELO (RFC 5321 §4.1.1.1). Where one is missing, or looks like that of a home connection, large
//! providers refuse mail or put it into junk.

use super::{Checked, Target, addresses};
use crate::page::Say;
use mail::dns::{Dns, DnsError, Record, RecordType, reverse_name};
use std::net::IpAddr;

/// Addresses of ours that are looked at, and names of each.
const ADDRESSES_MAX: usize = 4;
const NAMES_MAX: usize = 4;
/// What names of home connections contain.
const HOME: [&str; 8] = ["dynamic", "dyn-", "dsl", "dialup", "dhcp", "pool-", "ppp", "cable"];

pub async fn names(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.names");
    let hostname = target.hostname.as_str();
    if !hostname.contains('.') || hostname.parse::<IpAddr>().is_ok() || hostname.ends_with(".local") || hostname.ends_with(".localdomain") {
        checked.problem(Say::new("check-names-helo").with("what", hostname));
        checked.fix(Say::new("check-names-fix-helo"));
    }
    if target.addresses.is_empty() {
        checked.advice(Say::new("check-names-no-address").with("what", hostname));
    }
    for ip in target.addresses.iter().take(ADDRESSES_MAX) {
        one(&mut checked, target, *ip, dns).await;
    }
    checked
}

async fn one(checked: &mut Checked, target: &Target, ip: IpAddr, dns: &dyn Dns) {
    let at = reverse_name(ip);
    let answer = dns.lookup(&at, RecordType::Ptr).await;
    let found: Vec<String> = match &answer {
        Ok(records) => records.iter().filter_map(pointer).take(NAMES_MAX).collect(),
        Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) => Vec::new(),
        Err(why) => {
            checked.unknown(why.to_string());
            return;
        }
    };
    checked.see(&at, "PTR", found.clone());
    let Some(name) = found.first() else {
        checked.problem(Say::new("check-names-none").with("what", ip.to_string()));
        checked.publish((&at, "PTR"), target.hostname.as_str(), false);
        checked.fix(Say::new("check-names-fix-ptr"));
        return;
    };
    let mut leads_back = false;
    for name in &found {
        match addresses(dns, name).await {
            Err(why) => {
                checked.unknown(why);
                return;
            }
            Ok(known) => leads_back |= known.contains(&ip),
        }
    }
    let say = |key: &'static str| Say::new(key).with("what", ip.to_string()).with("name", name.as_str());
    match (leads_back, looks_like_home(name, ip)) {
        (false, _) => {
            checked.problem(say("check-names-forward"));
            checked.publish((&at, "PTR"), target.hostname.as_str(), false);
            checked.fix(Say::new("check-names-fix-ptr"));
        }
        (true, true) => checked.advice(say("check-names-home")),
        (true, false) => checked.ok(say("check-names-ok")),
    }
}

fn pointer(record: &Record) -> Option<String> {
    match record {
        Record::Ptr(name) => Some(name.trim_end_matches('.').to_string()),
        _ => None,
    }
}

/// The address is written in its name, or the name says what kind of line it is.
fn looks_like_home(name: &str, ip: IpAddr) -> bool {
    let name = name.to_ascii_lowercase();
    let written = match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            let parts = [format!("{a}-{b}-{c}-{d}"), format!("{a}.{b}.{c}.{d}"), format!("{d}.{c}.{b}.{a}"), format!("{d}-{c}-{b}-{a}")];
            parts.iter().any(|part| name.contains(part))
        }
        IpAddr::V6(_) => false,
    };
    written || HOME.iter().any(|part| name.contains(part))
}
