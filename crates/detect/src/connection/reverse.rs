//! The name of the peer's address (RFC 8601 §3, "iprev").

use super::is_stranger;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::envelope::Reverse;
use mail::{AuthResults, Mail};
use std::net::IpAddr;

/// Most large receivers ask every sender for a name; those without are few and mostly unwanted.
const MISSING: f32 = 1.0;
const UNCONFIRMED: f32 = 0.6;
/// A name that its provider made of the address belongs to a line, not to a mail server.
const GENERIC: f32 = 0.8;

pub struct ReverseName;

impl Inspect for ReverseName {
    fn name(&self) -> &'static str {
        "connection.reverse"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        if !is_stranger(mail.peer) {
            return;
        }
        let ip = mail.peer.ip.to_canonical();
        let mut spam = |check, weight, evidence: String| findings.push(Finding::new(check, Kind::Spam, weight, evidence));
        match &mail.peer.reverse {
            Reverse::Missing => spam("connection.reverse.missing", MISSING, format!("{ip} has no name in DNS")),
            Reverse::Unconfirmed => {
                spam("connection.reverse.unconfirmed", UNCONFIRMED, format!("the name of {ip} does not lead back to it"))
            }
            Reverse::Confirmed(name) if is_generic(name, ip) => {
                spam("connection.reverse.generic", GENERIC, format!("{ip} is called {name}"))
            }
            Reverse::Confirmed(_) | Reverse::NotAsked | Reverse::Unavailable => {}
        }
    }
}

/// The name spells the address: at least three of its four numbers, each once, in order or in reverse.
fn is_generic(name: &str, ip: IpAddr) -> bool {
    let IpAddr::V4(ip) = ip else { return false };
    let numbers: Vec<u16> = name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    let octets = ip.octets().map(u16::from);
    let reversed = [octets[3], octets[2], octets[1], octets[0]];
    [octets, reversed].iter().any(|order| [&order[..3], &order[1..]].iter().any(|three| numbers.windows(3).any(|seen| seen == *three)))
        || spelled_out(name, ip)
}

/// Eight hexadecimal digits, or twelve decimal ones, in a row.
fn spelled_out(name: &str, ip: std::net::Ipv4Addr) -> bool {
    let [a, b, c, d] = ip.octets();
    let name = name.to_ascii_lowercase();
    name.contains(&format!("{a:02x}{b:02x}{c:02x}{d:02x}")) || name.contains(&format!("{a:03}{b:03}{c:03}{d:03}"))
}
