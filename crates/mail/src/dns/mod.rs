//! The one DNS seam. Live: `gateway::connection::resolver`. Fixed: [`Zone`], for tests and `scan --dns off`.

mod zone;

use futures_util::future::BoxFuture;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

pub use zone::Zone;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordType {
    A,
    Aaaa,
    Mx,
    Ns,
    Ptr,
    Txt,
    Tlsa,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    A(Ipv4Addr),
    Aaaa(Ipv6Addr),
    Mx {
        preference: u16,
        exchange: String,
    },
    /// Name of a server of the zone, without the final dot.
    Ns(String),
    /// Target of a PTR record, without the final dot.
    Ptr(String),
    /// The strings of one TXT record, joined without a separator (RFC 7208 §3.3).
    Txt(Vec<u8>),
    Tlsa {
        usage: u8,
        selector: u8,
        matching: u8,
        octets: Vec<u8>,
    },
}

/// Why there is no answer. An empty answer (the name exists, the type does not) is `Ok` of an empty list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnsError {
    #[error("{0} does not exist")]
    NoSuchName(String),
    /// Time-out, SERVFAIL, broken answer: the caller may try later.
    #[error("no answer for {name}: {why}")]
    Temporary { name: String, why: String },
    /// The name cannot be asked for (label over 63 octets, empty label, over 253 octets).
    #[error("“{0}” is not a name that DNS can hold")]
    BadName(String),
}

pub type Answer = Result<Arc<[Record]>, DnsError>;

/// Asks DNS. Names go in without the final dot, in any case, as A-labels. CNAMEs are followed by the implementation.
pub trait Dns: Send + Sync {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Answer>;

    /// The same with signatures left unchecked (the CD bit, RFC 4035 §3.2.2), for whoever wants to know why there is no answer; never
    /// for mail. `None`: it cannot be asked so.
    fn unchecked<'a>(&'a self, _name: &'a str, _kind: RecordType) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(std::future::ready(None))
    }
}

/// The name under which the PTR record of an address stands (RFC 1035 §3.5, RFC 3596 §2.5).
pub fn reverse_name(ip: std::net::IpAddr) -> String {
    match ip {
        std::net::IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        std::net::IpAddr::V6(ip) => {
            let mut name = String::with_capacity(72);
            for octet in ip.octets().iter().rev() {
                for nibble in [octet & 15, octet >> 4] {
                    name.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
                    name.push('.');
                }
            }
            name + "ip6.arpa"
        }
    }
}
