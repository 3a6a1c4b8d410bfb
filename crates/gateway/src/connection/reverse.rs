//! Names of addresses: PTR, confirmed by asking back (RFC 8601 §3 "iprev").

use mail::dns::{Dns, DnsError, Record, RecordType, reverse_name};
use mail::envelope::Reverse;
use std::net::IpAddr;
use std::time::Duration;

/// Names of one address that are asked back. RFC 7208 §4.6.4 stops at ten for `ptr`; honest addresses have one.
const NAMES_MAX: usize = 4;
/// The name is a hint; mail does not wait longer for it.
const WAIT_MAX: Duration = Duration::from_secs(4);

/// What the reverse zone says about `ip`; the name in it counts if asking for that name gives `ip` back.
pub async fn ask(dns: &dyn Dns, ip: IpAddr) -> Reverse {
    tokio::time::timeout(WAIT_MAX, there_and_back(dns, ip.to_canonical())).await.unwrap_or(Reverse::Unavailable)
}

async fn there_and_back(dns: &dyn Dns, ip: IpAddr) -> Reverse {
    let names = match dns.lookup(&reverse_name(ip), RecordType::Ptr).await {
        Ok(names) => names,
        Err(DnsError::NoSuchName(_)) => return Reverse::Missing,
        Err(DnsError::Temporary { .. } | DnsError::BadName(_)) => return Reverse::Unavailable,
    };
    let kind = if ip.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
    let mut without = Reverse::Missing;
    for record in names.iter().take(NAMES_MAX) {
        let Record::Ptr(name) = record else { continue };
        without = Reverse::Unconfirmed;
        let Some(name) = mail::address::domain_to_ascii(name) else { continue };
        let addresses = match dns.lookup(&name, kind).await {
            Ok(addresses) => addresses,
            Err(DnsError::Temporary { .. }) => return Reverse::Unavailable,
            Err(_) => continue,
        };
        let is_confirmed = addresses.iter().any(|record| match record {
            Record::A(back) => IpAddr::V4(*back) == ip,
            Record::Aaaa(back) => IpAddr::V6(*back) == ip,
            _ => false,
        });
        if is_confirmed {
            return Reverse::Confirmed(name);
        }
    }
    without
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::dns::Zone;

    fn zone() -> Zone {
        let mut zone = Zone::new();
        let ptr = |n: u8| format!("{n}.2.0.192.in-addr.arpa");
        zone.add(&ptr(1), Record::Ptr("Mx.Client.Example".into()));
        zone.add("mx.client.example", Record::A([192, 0, 2, 1].into()));
        zone.add(&ptr(2), Record::Ptr("bank.example".into()));
        zone.add("bank.example", Record::A([198, 51, 100, 1].into()));
        zone.add(&ptr(3), Record::Ptr("not a name".into()));
        zone.add(&ptr(4), Record::Ptr("bank.example".into())).add(&ptr(4), Record::Ptr("four.example".into()));
        zone.add("four.example", Record::A([192, 0, 2, 4].into()));
        zone.fails(&ptr(5), RecordType::Ptr);
        for n in 0..=NAMES_MAX {
            zone.add(&ptr(6), Record::Ptr(if n == NAMES_MAX { "six.example".into() } else { "bank.example".into() }));
        }
        zone.add("six.example", Record::A([192, 0, 2, 6].into()));
        let six = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1]);
        zone.add(&reverse_name(six), Record::Ptr("v6.example".into()));
        zone.add("v6.example", Record::Aaaa([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()));
        zone
    }

    #[tokio::test]
    async fn a_name_counts_only_when_it_leads_back() {
        let zone = zone();
        let confirmed = |name: &str| Reverse::Confirmed(name.into());
        for (ip, want, why) in [
            ("192.0.2.1", confirmed("mx.client.example"), "there and back, in lower case"),
            ("::ffff:192.0.2.1", confirmed("mx.client.example"), "a mapped address is its IPv4 one"),
            ("192.0.2.2", Reverse::Unconfirmed, "the name belongs to another address"),
            ("192.0.2.3", Reverse::Unconfirmed, "not a host name"),
            ("192.0.2.4", confirmed("four.example"), "the second name leads back"),
            ("192.0.2.5", Reverse::Unavailable, "DNS fails"),
            ("192.0.2.6", Reverse::Unconfirmed, "behind more names than are asked"),
            ("192.0.2.9", Reverse::Missing, "no name"),
            ("2001:db8::1", confirmed("v6.example"), "IPv6"),
        ] {
            assert_eq!(ask(&zone, ip.parse().expect(ip)).await, want, "{ip}: {why}");
        }
    }
}
