//! The host that hands a mail over: its name, what it calls itself.
//!
//! In: the peer. Out: findings with ids under `connection.`. A peer at a private address, or one that signed in, gives none:
//! it is somebody's own server or program, whose name says nothing. Not here: lists in DNS, reputation and rates, which need
//! the network or a memory (`gateway::intake`, `gateway::reputation`); their ids stand here so that all have one home.

mod helo;
mod reverse;

use crate::checks::CheckDoc;
use crate::inspect::Inspect;
use mail::Peer;
use std::net::IpAddr;

pub const INSPECTIONS: &[&dyn Inspect] = &[&helo::Helo, &reverse::ReverseName];

pub const CHECKS: &[CheckDoc] = crate::checks::connection::CHECKS;

/// Ids of findings that the gateway makes.
pub const DNS_LIST: &str = "connection.dns-list";
pub const DNS_LIST_UNAVAILABLE: &str = "connection.dns-list.unavailable";
pub const REPUTATION_GOOD: &str = "connection.reputation.good";
pub const REPUTATION_BAD: &str = "connection.reputation.bad";
pub const RATE_UNKNOWN_RECIPIENTS: &str = "connection.rate.unknown-recipients";
pub const RATE_BURST: &str = "connection.rate.burst";

/// The peer is a stranger on the public network, so what it says about itself is evidence.
pub fn is_stranger(peer: &Peer) -> bool {
    peer.authenticated.is_none() && is_public(peer.ip.to_canonical())
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified()),
        IpAddr::V6(ip) => !(ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified()),
    }
}

#[cfg(test)]
mod tests;
