//! Names of addresses: PTR, confirmed by asking back (RFC 8601 §3 "iprev").

use mail::dns::{Dns, Record, RecordType, reverse_name};
use std::net::IpAddr;
use std::time::Duration;

/// Names of one address that are asked back. RFC 7208 §4.6.4 stops at ten for `ptr`; honest addresses have one.
const NAMES_MAX: usize = 4;
/// The name is a hint; mail does not wait longer for it.
const WAIT_MAX: Duration = Duration::from_secs(4);

/// The name that the reverse zone gives for `ip`, if asking for that name gives `ip` back. `None` also when DNS fails.
pub async fn confirmed_name(dns: &dyn Dns, ip: IpAddr) -> Option<String> {
    tokio::time::timeout(WAIT_MAX, ask(dns, ip.to_canonical())).await.unwrap_or_default()
}

async fn ask(dns: &dyn Dns, ip: IpAddr) -> Option<String> {
    let names = dns.lookup(&reverse_name(ip), RecordType::Ptr).await.ok()?;
    let kind = if ip.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
    for record in names.iter().take(NAMES_MAX) {
        let Record::Ptr(name) = record else { continue };
        let Some(name) = mail::address::domain_to_ascii(name) else { continue };
        let Ok(addresses) = dns.lookup(&name, kind).await else { continue };
        let is_confirmed = addresses.iter().any(|record| match record {
            Record::A(back) => IpAddr::V4(*back) == ip,
            Record::Aaaa(back) => IpAddr::V6(*back) == ip,
            _ => false,
        });
        if is_confirmed {
            return Some(name);
        }
    }
    None
}
