//! What a peer calls itself (RFC 5321 §4.1.1.1, §4.1.3).

use super::is_stranger;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};
use std::net::IpAddr;

/// Nobody else has a reason to call himself by our name; a rented machine that is set up badly might.
const OURS: f32 = 3.0;
const WRONG_ADDRESS: f32 = 1.5;
/// RFC 5321 §4.1.3 wants brackets; some old appliances leave them out.
const BARE_ADDRESS: f32 = 1.0;
/// Common among spam programs, and among printers and home servers.
const NOT_QUALIFIED: f32 = 0.7;

pub struct Helo;

impl Inspect for Helo {
    fn name(&self) -> &'static str {
        "connection.helo"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let helo = mail.peer.helo.trim_end_matches('.');
        // Without a name there was no session: a mail read from a file.
        if helo.is_empty() || !is_stranger(mail.peer) {
            return;
        }
        let mut spam = |check, weight, evidence: String| findings.push(Finding::new(check, Kind::Spam, weight, evidence));
        let ip = mail.peer.ip.to_canonical();
        if let Some(literal) = literal(helo) {
            if literal != Some(ip) {
                spam("connection.helo.wrong-address", WRONG_ADDRESS, format!("{ip} says that it is {helo}"));
            }
        } else if helo.parse::<IpAddr>().is_ok() {
            spam("connection.helo.bare-address", BARE_ADDRESS, format!("{ip} says {helo}, without brackets"));
        } else if !helo.contains('.') {
            spam("connection.helo.not-qualified", NOT_QUALIFIED, format!("{ip} says {helo}, which is no full name"));
        } else if surroundings.own_domains.contains(helo.to_ascii_lowercase().as_str()) {
            spam("connection.helo.ours", OURS, format!("{ip} says that it is {helo}, which is served here"));
        }
    }
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]`; the inner `None` is brackets without an address.
fn literal(helo: &str) -> Option<Option<IpAddr>> {
    let inner = helo.strip_prefix('[')?.strip_suffix(']')?;
    let tagged = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
    let address = tagged.map_or(inner, |tag| &inner[tag.len()..]);
    Some(address.parse::<IpAddr>().ok().map(|ip| ip.to_canonical()))
}
