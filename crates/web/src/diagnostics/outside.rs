//! The outside-in view: what the domain's own servers say now, past every cache between us and them.
//!
//! In: a domain. Out: [`View`], which asks those servers first and our resolver for what they do not know. Invariant: only public
//! addresses are asked, at the port of DNS: a zone cannot send us into our own network.

use futures_util::future::{BoxFuture, join_all};
use gateway::delivery::is_public;
use mail::dns::{Answer, Dns, Record, RecordType};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Makes a seam that asks exactly these servers; `None` where DNS is off.
pub type DnsAt = Arc<dyn Fn(&[SocketAddr]) -> Option<Arc<dyn Dns>> + Send + Sync>;

/// Servers of a zone that are asked.
const SERVERS_MAX: usize = 4;
/// Labels walked upwards until somebody has servers.
const LABELS_MAX: usize = 8;
/// Finding them all.
const FIND_WITHIN: Duration = Duration::from_secs(6);
const DNS_PORT: u16 = 53;

/// Two views in one.
pub struct View {
    zone: String,
    own: Option<Arc<dyn Dns>>,
    rest: Arc<dyn Dns>,
    /// Names of the servers that were found; empty when the domain's own servers cannot be asked.
    pub servers: Vec<String>,
}

impl View {
    /// Looks for the servers of the zone that `domain` is in. Where they cannot be found or asked, the view is the resolver's alone.
    pub async fn of(domain: &str, dns: &Arc<dyn Dns>, dns_at: &DnsAt) -> View {
        let found = tokio::time::timeout(FIND_WITHIN, find(domain, dns.as_ref())).await.ok().flatten();
        let (zone, servers, addresses) = found.unwrap_or_default();
        let own = if addresses.is_empty() { None } else { dns_at(&addresses) };
        View { zone, servers: if own.is_some() { servers } else { Vec::new() }, own, rest: dns.clone() }
    }

    /// What the domain's own servers say; `None` when they cannot be asked.
    pub async fn outside(&self, name: &str, kind: RecordType) -> Option<Answer> {
        Some(self.own.as_ref()?.lookup(name, kind).await)
    }

    async fn ask(&self, name: &str, kind: RecordType) -> Answer {
        if is_within(name, &self.zone)
            && let Some(Ok(records)) = self.outside(name, kind).await
            && !records.is_empty()
        {
            return Ok(records);
        }
        // A name delegated further, an alias into another zone, servers that do not answer: the resolver knows the way.
        self.rest.lookup(name, kind).await
    }
}

impl Dns for View {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Answer> {
        Box::pin(self.ask(name, kind))
    }
}

/// Zone, names of its servers, their public addresses.
async fn find(domain: &str, dns: &dyn Dns) -> Option<(String, Vec<String>, Vec<SocketAddr>)> {
    let names = std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, above)| above));
    for zone in names.take(LABELS_MAX).filter(|name| name.contains('.')) {
        let Ok(records) = dns.lookup(zone, RecordType::Ns).await else { continue };
        let servers: Vec<String> = records.iter().filter_map(server).take(SERVERS_MAX).collect();
        if servers.is_empty() {
            continue;
        }
        let addresses = join_all(servers.iter().map(|server| addresses(server, dns))).await.concat();
        let public = addresses.into_iter().filter(|ip| is_public(*ip)).map(|ip| SocketAddr::new(ip, DNS_PORT)).take(SERVERS_MAX);
        return Some((zone.to_string(), servers, public.collect()));
    }
    None
}

fn server(record: &Record) -> Option<String> {
    match record {
        Record::Ns(name) => Some(name.clone()),
        _ => None,
    }
}

async fn addresses(host: &str, dns: &dyn Dns) -> Vec<IpAddr> {
    let Ok(records) = dns.lookup(host, RecordType::A).await else { return Vec::new() };
    let address = |record: &Record| match record {
        Record::A(ip) => Some(IpAddr::V4(*ip)),
        _ => None,
    };
    records.iter().filter_map(address).collect()
}

fn is_within(name: &str, zone: &str) -> bool {
    !zone.is_empty() && (name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::dns::Zone;

    #[tokio::test]
    async fn the_domains_own_servers_are_asked_first_and_never_inside() {
        let mut resolver = Zone::new();
        resolver.add("a.example", Record::Ns("ns.a.example".into())).txt("a.example", "old").txt("elsewhere.example", "other zone");
        resolver.add("ns.a.example", Record::A([8, 8, 8, 8].into()));
        resolver.add("inside.example", Record::Ns("ns.inside.example".into())).txt("inside.example", "cached");
        resolver.add("ns.inside.example", Record::A([10, 0, 0, 1].into()));
        let mut own = Zone::new();
        own.txt("a.example", "new").txt("elsewhere.example", "not theirs to say").txt("inside.example", "stolen");
        let own: Arc<dyn Dns> = Arc::new(own);
        let dns: Arc<dyn Dns> = Arc::new(resolver);
        let at: DnsAt = Arc::new(move |servers| {
            assert!(servers.iter().all(|server| server.port() == 53 && is_public(server.ip())), "{servers:?}");
            Some(own.clone())
        });
        for (domain, name, want, servers, why) in [
            ("a.example", "a.example", Some("new"), 1, "its own servers know better"),
            ("sub.a.example", "a.example", Some("new"), 1, "the zone is found upwards"),
            ("a.example", "elsewhere.example", Some("other zone"), 1, "another zone is the resolver's"),
            ("inside.example", "inside.example", Some("cached"), 0, "private servers are not asked"),
            ("nowhere.example", "a.example", Some("old"), 0, "no servers found"),
        ] {
            let view = View::of(domain, &dns, &at).await;
            let text = match view.lookup(name, RecordType::Txt).await.as_deref() {
                Ok([Record::Txt(text)]) => Some(String::from_utf8_lossy(text).into_owned()),
                _ => None,
            };
            assert_eq!((text.as_deref(), view.servers.len()), (want, servers), "{why}");
        }
    }
}
