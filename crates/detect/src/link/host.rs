//! Hosts that links lead to: addresses instead of names, names that look like others, places that hide their owner.

use super::destination::{self, Inner};
use super::place::{self, FreeHost};
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::impersonation::brand::{self, How};
use crate::impersonation::look_alike::{imitated, mixed_scripts};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::address::organisational_domain;
use mail::message::{Link, LinkOrigin};
use mail::{AuthResults, Mail, Message};
use std::net::IpAddr;

/// Different hosts looked at in one mail; a mail with more has told what it is.
const HOSTS_MAX: usize = 64;
/// Newsletters and digests have a dozen.
const MANY: usize = 25;

pub struct Hosts;

impl Inspect for Hosts {
    fn name(&self) -> &'static str {
        "link.host"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let mut hosts: Vec<&str> = Vec::with_capacity(16);
        let mut inners: Vec<(&Link, Inner)> = Vec::new();
        for link in mail.message.links.iter().filter(|link| link.origin != LinkOrigin::Image) {
            let Some(host) = link.host.as_deref() else { continue };
            if inners.len() < HOSTS_MAX
                && let Some(inner) = destination::inner(link)
            {
                inners.push((link, inner));
            }
            if hosts.len() < HOSTS_MAX && !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        if hosts.len() >= MANY {
            findings.push(Finding::new("link.many-hosts", Kind::Note, 0.0, format!("links lead to {} different hosts", hosts.len())));
        }
        redirected(mail.message, &inners, surroundings, findings);
        for (_, inner) in &inners {
            if hosts.len() < HOSTS_MAX && !hosts.contains(&inner.host.as_str()) {
                hosts.push(&inner.host);
            }
        }
        let mut seen = Seen::default();
        for host in hosts {
            let leads_there = |link: &Link| link.origin != LinkOrigin::Attachment && link.host.as_deref() == Some(host);
            let is_said = mail.message.links.iter().any(leads_there)
                || inners.iter().any(|(link, inner)| link.origin != LinkOrigin::Attachment && inner.host == host);
            seen.look((host, is_said), mail.message, surroundings, findings);
        }
    }
}

/// Checks reported already; one example of each is enough.
#[derive(Default)]
struct Seen(Vec<&'static str>);

impl Seen {
    fn report(&mut self, finding: Finding, findings: &mut Vec<Finding>, check: &'static str) {
        if !self.0.contains(&check) {
            self.0.push(check);
            findings.push(finding);
        }
    }

    fn look(&mut self, (host, is_said): (&str, bool), message: &Message, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        if host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| is_public(&ip)) {
            // Whoever has no name does not want to be found; test servers and devices are the exceptions.
            self.report(Finding::new("link.raw-ip", Kind::Phish, 1.6, host), findings, "link.raw-ip");
            return;
        }
        if is_said && place::is_rented(host) {
            // The name a renter of machines gives each of them: whoever wants to be visited takes one of their own.
            let (kind, weight) = if sender::is_talk(message) { (Kind::Note, 0.0) } else { (Kind::Phish, 1.6) };
            self.report(Finding::new("link.rented-host", kind, weight, host), findings, "link.rented-host");
            return;
        }
        // Names in other scripts are honest; several scripts in one label are not.
        if let Some(written) = mixed_scripts(host) {
            let evidence = format!("{host} is shown as “{written}”");
            self.report(Finding::new("link.mixed-script", Kind::Phish, 2.0, evidence), findings, "link.mixed-script");
        }
        if place::is_shortener(host) {
            // People shorten too, in letters; a firm that sends a page has a name of its own.
            let is_page = message.texts.iter().any(|text| text.is_html);
            let (kind, weight) = if is_page && is_said && !sender::is_talk(message) { (Kind::Phish, 0.5) } else { (Kind::Note, 0.0) };
            self.report(Finding::new("link.shortener", kind, weight, host), findings, "link.shortener");
        }
        if let Some(found) = imitated(host, surroundings) {
            let evidence = format!("{host} looks like {}", found.own);
            let weight = if found.same_looks { 5.0 } else { 4.0 };
            self.report(Finding::new("link.look-alike", Kind::Phish, weight, evidence), findings, "link.look-alike");
        } else if let Some(found) = brand::imitated(host) {
            self.report(brand_finding(host, &found, message), findings, "link.brand");
        }
        if !is_said {
            return; // documents that come along name pages of all kinds
        }
        if let Some(kind) = place::free_host(host) {
            self.report(free_host_finding(host, kind, message), findings, "link.free-host");
        } else if place::is_random(host) {
            self.report(Finding::new("link.random-host", Kind::Phish, 0.4, host), findings, "link.random-host");
        }
    }
}

fn brand_finding(host: &str, found: &brand::Imitated, message: &Message) -> Finding {
    let is_free = place::free_host(host).is_some();
    let is_senders = is_senders(host, message);
    // Agencies, fans and shops in a service's domain put a brand into a host honestly; nobody honest exchanges letters.
    let weight = match (found.how, is_free, is_senders) {
        (How::SameLooks | How::WholeDomain, ..) => 4.0,
        (_, true, _) => 1.5,
        (_, _, true) => 0.3,
        (How::InName, ..) => 1.2,
        (How::OtherSuffix | How::Near, ..) => 0.7,
        (How::InSubdomain, ..) => 0.5,
    };
    Finding::new(
        "link.brand",
        Kind::Phish,
        weight,
        format!("{host} {}; its own is {}", found.how.said(found.brand.name), found.brand.home()),
    )
}

fn free_host_finding(host: &str, kind: FreeHost, message: &Message) -> Finding {
    let (what, weight) = match kind {
        FreeHost::Ipfs => ("a gateway to IPFS, where nobody can take a page down", 1.5),
        FreeHost::Tunnel => ("a place for throw-away programs", 0.6),
        FreeHost::Store => ("a bucket of a cloud", 0.3),
        FreeHost::Page => ("a place for free pages", 0.3),
        FreeHost::Form => ("a maker of forms", 0.3),
    };
    // People on lists show each other their pages.
    let weight = if sender::is_talk(message) || is_senders(host, message) { 0.0 } else { weight };
    let kind = if weight == 0.0 { Kind::Note } else { Kind::Phish };
    Finding::new("link.free-host", kind, weight, format!("{host}: {what}"))
}

fn is_senders(host: &str, message: &Message) -> bool {
    let sender = message.from.address().and_then(|from| organisational_domain(from.domain()));
    sender.is_some_and(|sender| organisational_domain(host) == Some(sender))
}

/// `link.redirect`: a link that borrows a known name to lead elsewhere.
fn redirected(message: &Message, inners: &[(&Link, Inner)], surroundings: &Surroundings, findings: &mut Vec<Finding>) {
    let borrowed = |(link, inner): &&(&Link, Inner)| {
        let host = link.host.as_deref().unwrap_or_default();
        // Newsletters count clicks at their own host, and redirectors lead to their own pages.
        !destination::is_rewriter(host)
            && !is_senders(host, message)
            && !is_senders(&inner.host, message)
            && !is_own(host, surroundings)
            && !is_own(&inner.host, surroundings)
    };
    let Some((link, inner)) = inners.iter().filter(borrowed).max_by_key(|(_, inner)| inner.is_known) else { return };
    // People copy links out of search results; senders of newsletters pay others to count.
    let weight = if inner.is_known { 3.0 } else { 0.3 };
    let evidence = format!("{} leads on to {}", link.host.as_deref().unwrap_or_default(), inner.host);
    findings.push(Finding::new("link.redirect", Kind::Phish, weight, evidence));
}

fn is_public(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || ip.is_documentation()),
        IpAddr::V6(ip) => !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()),
    }
}
