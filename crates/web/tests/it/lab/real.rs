//! Real servers beside the sinks: Postfix and Dovecot as next hops, unbound as the resolver.

use super::scenario::{Hop, World};
use super::zone::is_left_out;
use gateway::connection::resolver::Live;
use gateway::connection::settings::DnsSettings;
use std::net::SocketAddr;
use std::sync::Arc;
use testkit::dovecot::Dovecot;
use testkit::postfix::Postfix;
use testkit::unbound::{Setup, Unbound};

/// What every Postfix of the lab is: the server of acme.example, which asks nobody about names.
const POSTFIX: &str = "mydestination = acme.example\nsmtpd_peername_lookup = no\nsmtpd_banner = mail.acme.example ESMTP Postfix\n";
/// Names that a resolver still knows when it is cut off from the world: our own.
const OWN: [&str; 2] = ["gatepost.example", "2.0.192.in-addr.arpa"];

/// A server that runs as long as this lives.
pub enum Real {
    Postfix(Postfix),
    Dovecot(Dovecot),
}

impl Real {
    /// `None`: it is not installed here, outside CI.
    pub fn start(hop: &Hop) -> Option<Real> {
        match hop.real.as_str() {
            "postfix" => Postfix::start_as(&format!("{POSTFIX}{}\n", hop.lines)).map(Real::Postfix),
            "dovecot" => {
                let mailboxes: Vec<&str> = hop.mailboxes.iter().map(String::as_str).collect();
                // Nobody moves mail here, so nobody is told of it.
                Dovecot::start_with(&mailboxes, SocketAddr::from(([127, 0, 0, 1], 9)), &hop.lines).map(Real::Dovecot)
            }
            other => panic!("there is no real “{other}”"),
        }
    }

    pub fn address(&self) -> SocketAddr {
        match self {
            Real::Postfix(postfix) => SocketAddr::from(([127, 0, 0, 1], postfix.port)),
            Real::Dovecot(dovecot) => dovecot.lmtp,
        }
    }
}

/// The resolver that the scenario asks for, and what asks it; `None` without one, or where it is not installed, outside CI.
pub fn resolver(world: &World) -> Option<(Unbound, Arc<Live>)> {
    let lines: Vec<&String> = world.dns.iter().chain(&world.dns_more).filter(|line| !is_left_out(world, line)).collect();
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_string();
    let is_in = |line: &str, zone: &str| name(line) == zone || name(line).ends_with(&format!(".{zone}"));
    let is_cut_off = world.resolver == "cut-off";
    let records = lines.iter().filter(|line| !world.bogus.iter().any(|zone| is_in(line, zone)));
    let records = records
        .filter(|line| !is_cut_off || OWN.iter().any(|zone| is_in(line, zone)))
        .filter_map(|line| record(line))
        .collect::<Vec<String>>();
    let of_zone = |zone: &String| {
        (zone.clone(), lines.iter().filter(|line| is_in(line, zone)).filter_map(|line| record(line)).collect::<Vec<String>>())
    };
    let mut unbound = Unbound::start(&Setup { records, bogus: world.bogus.iter().map(of_zone).collect(), is_cut_off })?;
    let settings = format!("servers = \"{}\"\nwait = \"1s\"", unbound.address);
    let settings: DnsSettings = toml::from_str(&settings).expect("settings of DNS");
    if world.resolver == "stopped" {
        unbound.stop();
    }
    Some((unbound, Arc::new(Live::new(&settings).expect("a resolver"))))
}

/// A line of the scenario as zone files have it.
fn record(line: &str) -> Option<String> {
    let mut words = line.splitn(3, ' ');
    let (name, kind, value) = (words.next()?, words.next()?, words.next().unwrap_or_default());
    let value = match kind {
        "TXT" => format!("\"{value}\""),
        "MX" | "NS" | "PTR" => format!("{}.", value.trim_end_matches('.')),
        "A" | "AAAA" | "TLSA" => value.to_string(),
        _ => return None,
    };
    Some(format!("{name}. 60 IN {kind} {value}"))
}
