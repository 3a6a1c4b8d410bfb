//! Where a domain wants its reports: its record, read again when the report goes out, and whether each address agreed.

use crate::App;
use gateway::delivery::is_public;
use mail::Address;
use mail::address::organisational_domain;
use mail::dns::{Record, RecordType};
use std::net::IpAddr;

/// Addresses of one record that get reports (RFC 7489 §6.2: at least two are to be supported).
const TARGETS_MAX: usize = 3;
/// Addresses of one record that are looked at.
const URIS_MAX: usize = 10;
/// Tags of a record, and servers of a domain that are looked at.
const TAGS_MAX: usize = 32;
const SERVERS_MAX: usize = 5;

/// The policy as found, and who gets the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Tag and value, in the order of the record.
    pub tags: Vec<(String, String)>,
    pub targets: Vec<Target>,
}

impl Policy {
    pub fn tag(&self, name: &str) -> &str {
        self.tags.iter().find(|(tag, _)| tag == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub address: Address,
    pub octets_max: Option<usize>,
}

/// # Errors
/// Why nobody gets a report, as a word.
pub async fn find(app: &App, domain: &str) -> Result<Policy, &'static str> {
    if app.directory.snapshot().domain_named(domain).is_some() {
        return Err("served-here");
    }
    let record = txt(app, &format!("_dmarc.{domain}")).await.into_iter().find(|text| is_dmarc(text)).ok_or("no-record")?;
    let tags = tags(&record);
    let wanted: Vec<Target> = tags.iter().filter(|(tag, _)| tag == "rua").flat_map(|(_, value)| targets(value)).collect();
    if wanted.is_empty() {
        return Err("no-address");
    }
    let mut agreed = Vec::new();
    for target in wanted.into_iter().take(URIS_MAX) {
        if agreed.len() < TARGETS_MAX
            && may_get(app, domain, target.address.domain()).await
            && is_reachable(app, target.address.domain()).await
        {
            agreed.push(target);
        }
    }
    if agreed.is_empty() { Err("not-agreed") } else { Ok(Policy { tags, targets: agreed }) }
}

/// RFC 7489 §7.1: an address of another organisation has to say in DNS that it takes reports about this domain.
async fn may_get(app: &App, domain: &str, elsewhere: &str) -> bool {
    let own = organisational_domain(domain);
    if own.is_some() && own == organisational_domain(elsewhere) {
        return true;
    }
    txt(app, &format!("{domain}._report._dmarc.{elsewhere}")).await.iter().any(|text| is_dmarc(text))
}

/// Whether mail to this domain leaves for the Internet: no server of it has a private address.
async fn is_reachable(app: &App, domain: &str) -> bool {
    let mut servers: Vec<String> = Vec::new();
    if let Ok(found) = app.dns.lookup(domain, RecordType::Mx).await {
        servers
            .extend(found.iter().filter_map(|record| if let Record::Mx { exchange, .. } = record { Some(exchange.clone()) } else { None }));
    }
    if servers.is_empty() {
        servers.push(domain.to_string());
    }
    let mut addresses: Vec<IpAddr> = Vec::new();
    for server in servers.iter().take(SERVERS_MAX) {
        for kind in [RecordType::A, RecordType::Aaaa] {
            let Ok(found) = app.dns.lookup(server, kind).await else { continue };
            addresses.extend(found.iter().filter_map(|record| match record {
                Record::A(ip) => Some(IpAddr::from(*ip)),
                Record::Aaaa(ip) => Some(IpAddr::from(*ip)),
                _ => None,
            }));
        }
    }
    !addresses.is_empty() && addresses.iter().all(|ip| is_public(*ip))
}

async fn txt(app: &App, name: &str) -> Vec<String> {
    let Ok(found) = app.dns.lookup(name, RecordType::Txt).await else { return Vec::new() };
    let text = |record: &Record| if let Record::Txt(text) = record { Some(String::from_utf8_lossy(text).into_owned()) } else { None };
    found.iter().filter_map(text).collect()
}

fn is_dmarc(text: &str) -> bool {
    text.split(';')
        .next()
        .is_some_and(|first| first.chars().filter(|c| !c.is_whitespace()).collect::<String>().eq_ignore_ascii_case("v=DMARC1"))
}

fn tags(record: &str) -> Vec<(String, String)> {
    let pairs = record.split(';').take(TAGS_MAX).filter_map(|pair| pair.split_once('='));
    pairs.map(|(tag, value)| (tag.trim().to_ascii_lowercase(), value.trim().to_string())).collect()
}

/// Addresses of a `rua`: "mailto:a@b.example!10m, …"; anything but mail is passed over.
fn targets(value: &str) -> Vec<Target> {
    let one = |uri: &str| {
        let uri = uri.trim();
        let rest = uri.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).and_then(|_| uri.get(7..))?;
        let (address, size) = rest.split_once('!').unwrap_or((rest, ""));
        let address = address.split('?').next().unwrap_or_default();
        let address = Address::parse(address).ok().filter(|address| !address.domain().starts_with('['))?;
        Some(Target { address, octets_max: octets(size) })
    };
    value.split(',').filter_map(one).take(URIS_MAX).collect()
}

/// "10m" (RFC 7489 §6.2).
fn octets(size: &str) -> Option<usize> {
    let digits: String = size.chars().take_while(char::is_ascii_digit).collect();
    let shift = match size.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    digits.parse::<usize>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_record_are_read() {
        for (value, want) in [
            ("mailto:a@b.example", vec![("a@b.example", None)]),
            ("mailto:a@b.example!10m,MAILTO:c@d.example!50k", vec![("a@b.example", Some(10 << 20)), ("c@d.example", Some(50 << 10))]),
            ("https://b.example/r, mailto:x, mailto:a@[192.0.2.1]", vec![]),
            ("mailto:a@b.example!x", vec![("a@b.example", None)]),
            ("é", vec![]),
        ] {
            let found = targets(value);
            let found: Vec<(String, Option<usize>)> = found.into_iter().map(|one| (one.address.to_string(), one.octets_max)).collect();
            let want: Vec<(String, Option<usize>)> = want.into_iter().map(|(address, most)| (address.into(), most)).collect();
            assert_eq!(found, want, "{value}");
        }
        assert!(is_dmarc("v=DMARC1; p=none") && is_dmarc(" v = dmarc1 ") && !is_dmarc("v=DMARC12") && !is_dmarc("v=spf1"));
    }
}
