//! From a destination to the hosts to try, in order.

use super::guard;
use super::security::fetch::Places;
use crate::directory::{ConnectorSettings, Protocol};
use crate::queue::LaneKey;
use mail::MailId;
use mail::dns::{Dns, DnsError, Record, RecordType};
use mail::smtp::Reply;
use std::net::{IpAddr, SocketAddr};

/// MX records considered.
const EXCHANGES_MAX: usize = 20;
/// Addresses tried for one attempt.
const HOPS_MAX: usize = 5;
/// Addresses taken of one host name.
const ADDRESSES_MAX: usize = 4;

/// One address of one next hop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Host name, for TLS and people.
    pub name: String,
    pub address: SocketAddr,
}

impl std::fmt::Display for Hop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [{}]:{}", self.name, self.address.ip(), self.address.port())
    }
}

/// No host to try. `reply` is what the sender reads: 5yz is final.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", .reply.text.join(" "))]
pub struct RouteError {
    pub reply: Reply,
}

fn stop(code: u16, status: (u8, u16, u16), text: String) -> RouteError {
    RouteError { reply: Reply::new(code, status, text) }
}

/// What finds hosts.
pub struct Router<'a> {
    pub dns: &'a dyn Dns,
    /// Our own name: MX records that name us are the end of the list (RFC 5321 §5.1).
    pub hostname: &'a str,
    pub mail: MailId,
    /// Where hosts of MX records may be.
    pub places: Places,
}

impl Router<'_> {
    /// The hosts to try for this lane, best first.
    pub async fn hops(&self, lane: &LaneKey, connector: &ConnectorSettings) -> Result<Vec<Hop>, RouteError> {
        match lane {
            LaneKey::Connector(_) if !connector.hosts.is_empty() => self.connector_hops(connector).await,
            LaneKey::Connector(name) => Err(stop(451, (4, 3, 5), format!("connector “{name}” names no next hop"))),
            LaneKey::Mx { domain, .. } => self.domain_hops(domain).await,
        }
    }

    pub async fn domain_hops(&self, domain: &str) -> Result<Vec<Hop>, RouteError> {
        if let Some(literal) = domain.strip_prefix('[') {
            return self.literal(literal);
        }
        let exchanges = self.exchanges(domain).await?;
        let (mut hops, mut inside, mut failed) = (Vec::new(), false, None);
        for host in exchanges {
            match self.addresses(&host).await {
                Ok(addresses) => {
                    let may_be = |ip: &IpAddr| self.places.private || guard::is_public(*ip);
                    let (public, other): (Vec<IpAddr>, Vec<IpAddr>) = addresses.into_iter().partition(may_be);
                    inside |= !other.is_empty();
                    hops.extend(public.into_iter().map(|ip| Hop { name: host.clone(), address: SocketAddr::new(ip, self.places.port) }));
                }
                Err(why) => failed = Some(why),
            }
            if hops.len() >= HOPS_MAX {
                break;
            }
        }
        hops.truncate(HOPS_MAX);
        match (hops.is_empty(), failed, inside) {
            (false, ..) => Ok(hops),
            (true, Some(DnsError::Temporary { .. }), _) => {
                Err(stop(451, (4, 4, 3), format!("the mail servers of {domain} cannot be looked up now")))
            }
            (true, _, true) => Err(stop(550, (5, 4, 4), format!("the mail servers of {domain} have no public address"))),
            (true, _, false) => Err(stop(550, (5, 4, 4), format!("the mail servers of {domain} have no address"))),
        }
    }

    /// Hosts of a domain by preference (RFC 5321 §5.1).
    async fn exchanges(&self, domain: &str) -> Result<Vec<String>, RouteError> {
        let records = match self.dns.lookup(domain, RecordType::Mx).await {
            Ok(records) => records,
            Err(DnsError::NoSuchName(_)) => return Err(stop(550, (5, 1, 2), format!("the domain {domain} does not exist"))),
            Err(DnsError::BadName(_)) => return Err(stop(550, (5, 1, 2), format!("{domain} is not a domain name"))),
            Err(DnsError::Temporary { .. }) => {
                return Err(stop(451, (4, 4, 3), format!("the mail servers of {domain} cannot be looked up now")));
            }
        };
        let mut exchanges: Vec<(u16, String)> = records
            .iter()
            .filter_map(|record| match record {
                Record::Mx { preference, exchange } => Some((*preference, exchange.trim_end_matches('.').to_ascii_lowercase())),
                _ => None,
            })
            .take(EXCHANGES_MAX)
            .collect();
        if exchanges.is_empty() {
            return Ok(vec![domain.to_string()]); // the implicit MX
        }
        if exchanges.iter().all(|(_, exchange)| exchange.is_empty()) {
            // RFC 7505 §3: the domain takes no mail at all.
            return Err(stop(556, (5, 1, 10), format!("the domain {domain} accepts no mail")));
        }
        exchanges.sort_by_key(|(preference, exchange)| (*preference, self.shuffle(exchange)));
        if let Some(us) = exchanges.iter().find(|(_, exchange)| exchange.eq_ignore_ascii_case(self.hostname)).map(|(at, _)| *at) {
            exchanges.retain(|(preference, _)| *preference < us);
            if exchanges.is_empty() {
                return Err(stop(554, (5, 4, 6), format!("mail for {domain} would come back to us: we are its best mail server")));
            }
        }
        Ok(exchanges.into_iter().map(|(_, exchange)| exchange).filter(|exchange| !exchange.is_empty()).collect())
    }

    /// RFC 5321 §5.1: hosts of equal preference are tried in random order; here the order differs from mail to mail.
    fn shuffle(&self, exchange: &str) -> u64 {
        let mut mixed = self.mail.0 as u64 ^ 0xcbf2_9ce4_8422_2325;
        for octet in exchange.bytes() {
            mixed = (mixed ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        }
        mixed ^ (mixed >> 29)
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, DnsError> {
        let (v4, v6) = tokio::join!(self.dns.lookup(host, RecordType::A), self.dns.lookup(host, RecordType::Aaaa));
        let mut found = Vec::new();
        for records in [&v4, &v6].into_iter().flatten() {
            found.extend(records.iter().filter_map(|record| match record {
                Record::A(ip) => Some(IpAddr::V4(*ip)),
                Record::Aaaa(ip) => Some(IpAddr::V6(*ip)),
                _ => None,
            }));
        }
        found.truncate(ADDRESSES_MAX);
        match (found.is_empty(), v4, v6) {
            (false, ..) => Ok(found),
            (true, Err(why @ DnsError::Temporary { .. }), _) | (true, _, Err(why @ DnsError::Temporary { .. })) => Err(why),
            _ => Ok(found),
        }
    }

    fn literal(&self, literal: &str) -> Result<Vec<Hop>, RouteError> {
        let inner = literal.trim_end_matches(']');
        let text = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:")).map_or(inner, |_| &inner[5..]);
        let ip: IpAddr = text.parse().map_err(|_| stop(550, (5, 1, 2), format!("[{inner} is not an address")))?;
        if !self.places.private && !guard::is_public(ip) {
            return Err(stop(550, (5, 4, 4), format!("[{inner}] is not a public address")));
        }
        Ok(vec![Hop { name: format!("[{inner}]"), address: SocketAddr::new(ip, self.places.port) }])
    }

    async fn connector_hops(&self, connector: &ConnectorSettings) -> Result<Vec<Hop>, RouteError> {
        let (mut hops, mut inside) = (Vec::new(), None);
        for written in &connector.hosts {
            let (host, port) = host_port(written, connector.protocol);
            let addresses = match host.parse::<IpAddr>() {
                Ok(ip) => vec![ip],
                Err(_) if host.eq_ignore_ascii_case("localhost") => vec![IpAddr::from([127, 0, 0, 1])], // RFC 6761 §6.3
                Err(_) => self.addresses(host).await.unwrap_or_default(),
            };
            for ip in addresses {
                if connector.allow_private || guard::is_public(ip) {
                    hops.push(Hop { name: host.to_string(), address: SocketAddr::new(ip, port) });
                } else {
                    inside = Some(host);
                }
            }
        }
        hops.truncate(HOPS_MAX);
        // Temporary: the administrator can change the connector, and the mail then goes on.
        match (hops.is_empty(), inside) {
            (false, _) => Ok(hops),
            (true, Some(host)) => Err(stop(
                451,
                (4, 3, 5),
                format!("{host} has a private address, which connector “{}” does not allow (allow_private)", connector.name),
            )),
            (true, None) => Err(stop(451, (4, 4, 3), format!("the next hops of connector “{}” have no address", connector.name))),
        }
    }
}

/// `host:port`, `host`, `[v6]:port`, `v6`. The port defaults to 25, and to 24 for LMTP.
pub(super) fn host_port(written: &str, protocol: Protocol) -> (&str, u16) {
    let usual = if protocol == Protocol::Lmtp { 24 } else { 25 };
    if written.parse::<std::net::Ipv6Addr>().is_ok() {
        return (written, usual);
    }
    let (host, port) = match written.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().unwrap_or(usual)),
        None => (written, usual),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}
