//! **Does the world deliver to us?** The MX records of a domain name the hosts that take its mail (RFC 5321 §5.1). All of them should be
//! ours: a host beside us is a way around the filter, and senders of spam look for it. A host without an address loses mail.

use super::{Checked, Target, addresses};
use crate::page::Say;
use mail::dns::{Dns, DnsError, Record, RecordType};

/// Hosts that are looked up.
const HOSTS_MAX: usize = 20;

pub async fn mx(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.mx");
    let domain = target.domain.as_str();
    let records = match dns.lookup(domain, RecordType::Mx).await {
        Ok(records) => records,
        Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) => {
            checked.publish((domain, "MX"), format!("10 {}", target.hostname), false);
            checked.problem(Say::new("check-mx-no-domain").with("what", domain));
            checked.fix(Say::new("check-mx-fix-domain"));
            return checked;
        }
        Err(why) => {
            checked.publish((domain, "MX"), format!("10 {}", target.hostname), false);
            checked.unknown(why.to_string());
            return checked;
        }
    };
    let mut hosts: Vec<(u16, String)> = records.iter().filter_map(exchange).take(HOSTS_MAX).collect();
    hosts.sort();
    checked.see(domain, "MX", records.iter().map(super::shown).take(HOSTS_MAX).collect());
    let is_ours = |host: &str| host.eq_ignore_ascii_case(&target.hostname);
    let has_ours = hosts.iter().any(|(_, host)| is_ours(host));
    checked.publish((domain, "MX"), format!("10 {}", target.hostname), has_ours);
    if hosts.is_empty() {
        checked.problem(Say::new("check-mx-none"));
        checked.fix(Say::new("check-mx-fix"));
        return checked;
    }
    if hosts.iter().any(|(_, host)| host.is_empty()) {
        checked.problem(Say::new("check-mx-null")); // RFC 7505
        checked.fix(Say::new("check-mx-fix"));
        return checked;
    }
    ours(&mut checked, target, &hosts, dns).await;
    for (_, host) in &hosts {
        reachable(&mut checked, host, dns).await;
    }
    checked
}

fn exchange(record: &Record) -> Option<(u16, String)> {
    match record {
        Record::Mx { preference, exchange } => Some((*preference, exchange.trim_end_matches('.').to_ascii_lowercase())),
        _ => None,
    }
}

/// Whether mail comes to us, first and only. A host of another name that has one of our addresses is ours as well.
async fn ours(checked: &mut Checked, target: &Target, hosts: &[(u16, String)], dns: &dyn Dns) {
    let mut theirs: Vec<&str> = Vec::new();
    let mut best_of_ours = None;
    for (preference, host) in hosts {
        let same_address = !host.eq_ignore_ascii_case(&target.hostname)
            && addresses(dns, host).await.is_ok_and(|found| found.iter().any(|ip| target.addresses.contains(ip)));
        if host.eq_ignore_ascii_case(&target.hostname) || same_address {
            best_of_ours = best_of_ours.or(Some(*preference));
        } else {
            theirs.push(host);
        }
    }
    match (best_of_ours, theirs.is_empty()) {
        (None, _) => {
            checked.problem(Say::new("check-mx-not-ours").with("what", theirs.join(", ")).with("host", target.hostname.as_str()));
            checked.fix(Say::new("check-mx-fix"));
        }
        (Some(_), true) => checked.ok(Say::new("check-mx-ours").with("host", target.hostname.as_str())),
        (Some(_), false) => {
            checked.problem(Say::new("check-mx-beside").with("what", theirs.join(", ")));
            checked.fix(Say::new("check-mx-fix-beside").with("what", theirs.join(", ")));
        }
    }
}

async fn reachable(checked: &mut Checked, host: &str, dns: &dyn Dns) {
    if host.parse::<std::net::IpAddr>().is_ok() {
        checked.problem(Say::new("check-mx-address").with("what", host)); // RFC 5321 §5.1: a name, never an address
        return;
    }
    match addresses(dns, host).await {
        Err(why) => checked.unknown(why),
        Ok(found) if found.is_empty() => checked.problem(Say::new("check-mx-dangling").with("what", host)),
        Ok(found) => {
            let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
            checked.ok(Say::new("check-mx-reachable").with("what", host).with("addresses", shown.join(", ")));
        }
    }
}
