//! Hosts that links lead to: addresses instead of names, names that look like others, shorteners, and how many.

use crate::finding::{Finding, Kind};
use crate::impersonation::look_alike::{LookAlike, imitated, mixed_scripts};
use crate::inspect::{Inspect, Surroundings};
use mail::message::LinkOrigin;
use mail::{AuthResults, Mail};
use std::net::IpAddr;

/// Different hosts looked at in one mail; a mail with more has told what it is.
const HOSTS_MAX: usize = 64;
/// Newsletters and digests have a dozen.
const MANY: usize = 25;

/// Services that hide where a link leads. Known to shorten for anybody, without sign-in.
const SHORTENERS: &[&str] = &[
    "bit.ly",
    "buff.ly",
    "cutt.ly",
    "goo.gl",
    "is.gd",
    "j.mp",
    "lnkd.in",
    "ow.ly",
    "rb.gy",
    "rebrand.ly",
    "shorturl.at",
    "shorturl.asia",
    "s.id",
    "t.co",
    "t.ly",
    "tiny.cc",
    "tinyurl.com",
    "url.cn",
    "t.cn",
    "dwz.cn",
    "suo.im",
    "v.gd",
    "x.co",
    "bl.ink",
    "urlz.fr",
    "qr.ae",
];

pub struct Hosts;

impl Inspect for Hosts {
    fn name(&self) -> &'static str {
        "link.host"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let mut hosts: Vec<&str> = Vec::with_capacity(16);
        for link in mail.message.links.iter().filter(|link| !matches!(link.origin, LinkOrigin::Image)) {
            let Some(host) = link.host.as_deref() else { continue };
            if hosts.len() < HOSTS_MAX && !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        let (mut raw, mut odd, mut short, mut alike) = (false, false, false, false);
        for host in &hosts {
            if !raw && host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| is_public(&ip)) {
                raw = true;
                // Whoever has no name does not want to be found; test servers and devices are the exceptions.
                findings.push(Finding::new("link.raw-ip", Kind::Phish, 1.0, *host));
            }
            if !odd && host.contains("xn--") {
                odd = punycode(host, findings);
            }
            if !short && SHORTENERS.contains(host) {
                short = true;
                // People shorten too, so it is only named.
                findings.push(Finding::new("link.shortener", Kind::Note, 0.0, *host));
            }
            if !alike && let Some(LookAlike { own, .. }) = imitated(host, surroundings) {
                alike = true;
                findings.push(Finding::new("link.look-alike", Kind::Phish, 3.0, format!("{host} looks like {own}")));
            }
        }
        if hosts.len() >= MANY {
            findings.push(Finding::new("link.many-hosts", Kind::Note, 0.0, format!("links lead to {} different hosts", hosts.len())));
        }
    }
}

/// Names in other scripts are honest; several scripts in one label are not.
fn punycode(host: &str, findings: &mut Vec<Finding>) -> bool {
    let Some(written) = mixed_scripts(host) else { return false };
    findings.push(Finding::new("link.mixed-script", Kind::Phish, 2.0, format!("{host} is shown as “{written}”")));
    true
}

fn is_public(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || ip.is_documentation()),
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()),
    }
}
