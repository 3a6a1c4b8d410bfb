//! Who a source of mail is: one of our own servers, a service that sends for many, or nobody we know.
//!
//! In: an address, and what reports say of its mail. Out: [`Who`] with the reason. Names from DNS count only when they lead back to the address;
//! DNS has a short time for all of them together, and what it did not say is not known.

use super::known::{self, Service};
use crate::App;
use gateway::scope::OrgScope;
use mail::dns::{Record, RecordType, reverse_name};
use serde::Serialize;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use utoipa::ToSchema;

/// Sources whose names are asked for one page.
const NAMES_MAX: usize = 40;
/// For all names of a page; answers stay in the cache of the resolver for the next.
const NAMES_WITHIN: Duration = Duration::from_millis(400);

/// Who sends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Who {
    /// own: a server of yours; service: one that sends for many; unknown.
    pub kind: &'static str,
    /// Of the service; "" for others.
    pub name: String,
    /// Why: network, signature, bounces, host; "" when nobody is known.
    pub because: &'static str,
    /// Name of the server by reverse DNS that leads back to it; "" is none.
    pub host: String,
    /// What its customers include in SPF; "" is not known.
    pub include: String,
    /// Whether the SPF record of the domain has this include.
    pub is_in_spf: bool,
}

/// What is known of the domain beforehand.
pub struct About<'a> {
    pub scope: OrgScope,
    pub hosts: HashMap<IpAddr, String>,
    pub spf: &'a str,
}

pub fn who(app: &App, about: &About<'_>, (source, signer, bounces): (&str, &str, &str)) -> Who {
    let ip = source.parse::<IpAddr>().ok();
    let host = ip.and_then(|ip| about.hosts.get(&ip).cloned()).unwrap_or_default();
    if ip.is_some_and(|ip| is_own(app, about.scope, ip)) {
        return Who { kind: "own", because: "network", host, ..Who::default() };
    }
    let by = |found: Option<&'static Service>, because| found.map(|service| (service, because));
    let found = by(known::by_domain(signer), "signature")
        .or_else(|| by(known::by_domain(bounces), "bounces"))
        .or_else(|| by(known::by_host(&host), "host"));
    match found {
        Some((service, because)) => Who {
            kind: "service",
            name: service.name.into(),
            because,
            host,
            include: service.include.into(),
            is_in_spf: !service.include.is_empty() && about.spf.contains(&format!("include:{}", service.include)),
        },
        None => Who { kind: "unknown", host, ..Who::default() },
    }
}

/// An address that an organisation of the scope sends from: a network it may relay from, or one of its connectors.
fn is_own(app: &App, scope: OrgScope, ip: IpAddr) -> bool {
    let directory = app.directory.snapshot();
    let relays = directory.relays_for(ip, None).is_some_and(|org| scope.allows(org.id));
    let connects = || {
        let own = directory.inbound.iter().filter(|(org, _)| scope.allows(**org));
        own.flat_map(|(_, all)| all).any(|inbound| inbound.is_from(ip, &[]))
    };
    relays || connects()
}

/// Confirmed names of the first of these addresses, as far as DNS says them in time.
pub async fn hosts<'s>(app: &App, sources: impl Iterator<Item = &'s str>) -> HashMap<IpAddr, String> {
    let ips: Vec<IpAddr> = sources.filter_map(|source| source.parse().ok()).take(NAMES_MAX).collect();
    let asked = ips
        .into_iter()
        .map(|ip| async move { tokio::time::timeout(NAMES_WITHIN, host(app, ip)).await.ok().flatten().map(|name| (ip, name)) });
    futures_util::future::join_all(asked).await.into_iter().flatten().collect()
}

async fn host(app: &App, ip: IpAddr) -> Option<String> {
    let answer = app.dns.lookup(&reverse_name(ip), RecordType::Ptr).await.ok()?;
    let name = answer.iter().find_map(|record| if let Record::Ptr(name) = record { Some(name.to_ascii_lowercase()) } else { None })?;
    let kind = if ip.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
    let back = app.dns.lookup(&name, kind).await.ok()?;
    let is_back = back.iter().any(|record| match record {
        Record::A(found) => IpAddr::from(*found) == ip,
        Record::Aaaa(found) => IpAddr::from(*found) == ip,
        _ => false,
    });
    is_back.then_some(name)
}

/// The SPF record of a domain in lower case; "" when there is none, or not in time.
pub async fn spf(app: &App, domain: &str) -> String {
    let answer = tokio::time::timeout(NAMES_WITHIN, app.dns.lookup(domain, RecordType::Txt)).await;
    let Ok(Ok(records)) = answer else { return String::new() };
    let text =
        |record: &Record| if let Record::Txt(text) = record { Some(String::from_utf8_lossy(text).to_ascii_lowercase()) } else { None };
    records.iter().filter_map(text).find(|text| text.starts_with("v=spf1")).unwrap_or_default()
}
