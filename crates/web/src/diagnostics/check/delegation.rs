//! **Is the domain in good hands?** The zone above a domain names the servers that answer for it (RFC 1034 §4.2.2 asks for two or more).
//! A server without an address answers nobody, and whoever registers its name can answer in the domain's place. When a registration ends,
//! registrars put servers of their own in: mail then goes astray for weeks before anybody notices.

use super::{CheckResult, Checked, Target, addresses, shown};
use crate::page::Say;
use mail::dns::{Dns, DnsError, RecordType};
use std::net::IpAddr;

/// Servers that are looked up, and labels walked upwards until a zone is found.
const SERVERS_MAX: usize = 13;
const LABELS_MAX: usize = 8;
/// Parts of names of servers that registrars give a domain whose registration ended, or that is only parked.
const PARKED: [&str; 12] = [
    "expired",
    "pendingrenewal",
    "pendingdelete",
    "pending-renewal",
    "renewyourname",
    "domain-suspended",
    "suspended-domain",
    "parking",
    "parked",
    "sedoparking",
    "bodis.com",
    "redemption",
];

pub async fn delegation(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.delegation");
    let (zone, servers) = match find(&target.domain, dns).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            checked.ok(Say::new("check-delegation-unknown"));
            return checked;
        }
        Err(Gone::No) => {
            checked.problem(Say::new("check-delegation-gone").with("what", target.domain.as_str()));
            checked.fix(Say::new("check-delegation-fix-renew"));
            return checked;
        }
        Err(Gone::Silent(why)) => {
            checked.unknown(why);
            return checked;
        }
    };
    checked.see(&zone, "NS", servers.clone());
    if let Some(parked) = servers.iter().find(|server| PARKED.iter().any(|part| server.to_ascii_lowercase().contains(part))) {
        checked.problem(Say::new("check-delegation-parked").with("what", parked.as_str()).with("where", zone.as_str()));
        checked.fix(Say::new("check-delegation-fix-renew"));
    }
    if servers.len() == 1 {
        checked.advice(Say::new("check-delegation-one").with("what", servers[0].as_str()));
    }
    let known = reach(&mut checked, &servers, dns).await;
    if servers.len() > 1 && is_one_network(&known) {
        checked.advice(Say::new("check-delegation-near"));
    }
    if checked.result == CheckResult::Ok {
        checked.ok(Say::new("check-delegation-ok").with("what", zone.as_str()).with("count", servers.len()));
    }
    checked
}

/// Why no servers were found.
enum Gone {
    No,
    Silent(String),
}

/// The zone that the domain is in, and its servers.
async fn find(domain: &str, dns: &dyn Dns) -> Result<Option<(String, Vec<String>)>, Gone> {
    let names = std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, above)| above));
    for zone in names.take(LABELS_MAX).filter(|name| name.contains('.')) {
        match dns.lookup(zone, RecordType::Ns).await {
            Ok(records) if !records.is_empty() => {
                return Ok(Some((zone.to_string(), records.iter().map(shown).filter(|name| !name.is_empty()).take(SERVERS_MAX).collect())));
            }
            Ok(_) => {}
            Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) if zone == domain => return Err(Gone::No),
            Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) => {}
            Err(why) => return Err(Gone::Silent(why.to_string())),
        }
    }
    Ok(None)
}

async fn reach(checked: &mut Checked, servers: &[String], dns: &dyn Dns) -> Vec<IpAddr> {
    let mut known = Vec::new();
    for server in servers {
        match addresses(dns, server).await {
            Err(why) => checked.unknown(why),
            Ok(found) if found.is_empty() => {
                checked.problem(Say::new("check-delegation-dangling").with("what", server.as_str()));
                checked.fix(Say::new("check-delegation-fix-dangling").with("what", server.as_str()));
            }
            Ok(found) => known.extend(found),
        }
    }
    known
}

/// All in one /24: one cut cable silences the domain.
fn is_one_network(known: &[IpAddr]) -> bool {
    let network = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => Some(<[u8; 3]>::try_from(&ip.octets()[..3]).unwrap_or_default()),
        IpAddr::V6(_) => None,
    };
    let networks: Vec<_> = known.iter().map(network).collect();
    networks.len() > 1 && networks.iter().all(|one| one.is_some() && *one == networks[0])
}
