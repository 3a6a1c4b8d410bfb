//! **Who may send for the domain?** An SPF record lists the hosts that may (RFC 7208). Receivers ask DNS at most ten times for one check;
//! a record that needs more counts as broken, and then nothing is authorised. `+all` lets everybody send.

use super::{Checked, Target, texts};
use crate::page::Say;
use futures_util::future::BoxFuture;
use mail::dns::{Dns, DnsError, RecordType};
use std::net::IpAddr;

/// RFC 7208 §4.6.4.
const LOOKUPS_MAX: usize = 10;
const VOID_MAX: usize = 2;
/// Lookups that are counted before we stop.
const COUNTED_MAX: usize = 60;
const TERMS_MAX: usize = 100;
const DEPTH_MAX: usize = 12;

/// What was counted on the way through a record and those it includes.
#[derive(Default)]
struct Walk {
    lookups: usize,
    voids: usize,
    /// "include:_spf.example" with its depth, in order.
    tree: Vec<String>,
    wrong: Vec<Say>,
    silent: Option<String>,
    uses_ptr: bool,
    /// Networks that are named, ours among them.
    covers: bool,
}

pub async fn spf(target: &Target, dns: &dyn Dns) -> Checked {
    let mut checked = Checked::new("domain.spf");
    let domain = target.domain.as_str();
    let found = match texts(dns, domain).await {
        Ok(found) => found,
        Err(why) => {
            checked.unknown(why);
            return checked;
        }
    };
    let records: Vec<String> = found.into_iter().filter(|text| is_spf(text)).collect();
    checked.see(domain, "TXT", records.clone());
    match records.as_slice() {
        [] => {
            checked.publish((domain, "TXT"), format!("v=spf1 a:{} ~all", target.hostname), false);
            checked.problem(Say::new("check-spf-none"));
            checked.fix(Say::new("check-spf-fix-none"));
        }
        [record] => judge(&mut checked, target, record, dns).await,
        several => {
            checked.problem(Say::new("check-spf-several").with("count", several.len())); // RFC 7208 §3.2
            checked.publish((domain, "TXT"), joined(several), false);
            checked.fix(Say::new("check-spf-fix-several"));
        }
    }
    checked
}

/// One record with the terms of all, and the strictest end of them.
fn joined(records: &[String]) -> String {
    let mut terms: Vec<&str> = Vec::new();
    let mut ends: Vec<&str> = Vec::new();
    for term in records.iter().flat_map(|record| record.split_whitespace().skip(1).take(TERMS_MAX)) {
        let is_all = term.trim_start_matches(['+', '-', '~', '?']).eq_ignore_ascii_case("all");
        let into = if is_all { &mut ends } else { &mut terms };
        if !into.contains(&term) {
            into.push(term);
        }
    }
    let end = ["-all", "~all"].into_iter().find(|end| ends.contains(end)).unwrap_or("~all");
    format!("v=spf1 {} {end}", terms.join(" ")).replace("  ", " ")
}

/// The record without the terms that lead nowhere; `None` when it has none of its own.
fn without_ghosts(record: &str, wrong: &[Say]) -> Option<String> {
    let ghosts: Vec<String> = wrong.iter().filter(|say| say.key == "check-spf-include-none").filter_map(|say| say.text("what")).collect();
    let is_ghost = |term: &str| ghosts.iter().any(|ghost| term.to_ascii_lowercase().ends_with(&format!("include:{ghost}")));
    let kept: Vec<&str> = record.split_whitespace().filter(|term| !is_ghost(term)).collect();
    (kept.len() < record.split_whitespace().count()).then(|| kept.join(" "))
}

async fn judge(checked: &mut Checked, target: &Target, record: &str, dns: &dyn Dns) {
    let mut walk = Walk::default();
    follow(&mut walk, (target, dns), (&target.domain, record), 0).await;
    if let Some(why) = walk.silent.take() {
        checked.unknown(why);
    }
    if let Some(mended) = without_ghosts(record, &walk.wrong) {
        checked.publish((&target.domain, "TXT"), mended, false);
    }
    for say in std::mem::take(&mut walk.wrong) {
        checked.problem(say);
    }
    let count = Say::new("check-spf-lookups").with("count", walk.lookups).with("most", LOOKUPS_MAX);
    if walk.lookups > LOOKUPS_MAX {
        checked.problem(Say::new("check-spf-too-many").with("count", walk.lookups).with("most", LOOKUPS_MAX));
        checked.fix(Say::new("check-spf-fix-too-many").with("what", walk.tree.join(", ")));
    } else if walk.lookups + 2 > LOOKUPS_MAX {
        checked.advice(count);
    } else {
        checked.ok(count);
    }
    if walk.voids > VOID_MAX {
        checked.problem(Say::new("check-spf-void").with("count", walk.voids).with("most", VOID_MAX));
    }
    if walk.uses_ptr {
        checked.advice(Say::new("check-spf-ptr"));
    }
    end_of(checked, record);
    sends_through_us(checked, target, record, walk.covers);
}

/// What the record says of everybody else.
fn end_of(checked: &mut Checked, record: &str) {
    let all = record.split_whitespace().map(str::to_ascii_lowercase).find(|term| term.trim_start_matches(['+', '-', '~', '?']) == "all");
    match all.as_deref() {
        Some("-all" | "~all") => checked.ok(Say::new("check-spf-closed")),
        Some("?all") => checked.advice(Say::new("check-spf-neutral")),
        Some(_) => {
            checked.problem(Say::new("check-spf-open"));
            checked.fix(Say::new("check-spf-fix-open"));
        }
        None if record.to_ascii_lowercase().contains("redirect=") => {}
        None => {
            checked.advice(Say::new("check-spf-no-end"));
            checked.fix(Say::new("check-spf-fix-end"));
        }
    }
}

/// Only who sends through us needs us in the record, so it is advice.
fn sends_through_us(checked: &mut Checked, target: &Target, record: &str, covers: bool) {
    if covers {
        checked.ok(Say::new("check-spf-us").with("host", target.hostname.as_str()));
    } else {
        checked.line(super::CheckResult::Ok, Say::new("check-spf-not-us").with("host", target.hostname.as_str()));
        let (first, rest) = record.split_once(' ').unwrap_or((record, ""));
        checked.publish((&target.domain, "TXT"), format!("{first} a:{} {rest}", target.hostname).trim().to_string(), false);
    }
}

/// One record and what it includes. Boxed, since includes come back here; depth and count bound it.
fn follow<'a>(walk: &'a mut Walk, by: (&'a Target, &'a dyn Dns), at: (&'a str, &'a str), depth: usize) -> BoxFuture<'a, ()> {
    Box::pin(async move {
        let (domain, record) = at;
        for term in record.split_whitespace().skip(1).take(TERMS_MAX) {
            if walk.lookups > COUNTED_MAX {
                return;
            }
            one_term(walk, by, (domain, term), depth).await;
        }
    })
}

async fn one_term(walk: &mut Walk, by: (&Target, &dyn Dns), (domain, term): (&str, &str), depth: usize) {
    let (target, dns) = by;
    let lower = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
    let (name, value) = match lower.find([':', '=', '/']) {
        Some(at) if lower.as_bytes()[at] == b'/' => (&lower[..at], ""),
        Some(at) => (&lower[..at], &lower[at + 1..]),
        None => (lower.as_str(), ""),
    };
    let named = value.split('/').next().unwrap_or_default();
    let host = if named.is_empty() { domain } else { named };
    match name {
        "all" | "exp" => {}
        "ip4" | "ip6" => match value.parse::<gateway::settings::Network>() {
            Ok(network) => walk.covers |= target.addresses.iter().any(|ip| network.contains(*ip)),
            Err(_) => walk.wrong.push(Say::new("check-spf-term").with("what", term).with("where", domain)),
        },
        "include" | "redirect" if !value.is_empty() => include(walk, by, (value, term), depth).await,
        "a" => {
            walk.lookups += 1;
            walk.tree.push(term.to_string());
            walk.covers |= host.eq_ignore_ascii_case(&target.hostname);
            is_void(walk, dns, host, RecordType::A, &target.addresses).await;
        }
        "mx" => {
            walk.lookups += 1;
            walk.tree.push(term.to_string());
            hosts_of(walk, by, host).await;
        }
        "ptr" => (walk.lookups, walk.uses_ptr) = (walk.lookups + 1, true),
        "exists" if !value.is_empty() => walk.lookups += 1,
        _ if lower.contains('=') => {} // RFC 7208 §6: unknown modifiers are passed over
        _ => walk.wrong.push(Say::new("check-spf-term").with("what", term).with("where", domain)),
    }
}

async fn include(walk: &mut Walk, by: (&Target, &dyn Dns), (name, term): (&str, &str), depth: usize) {
    walk.lookups += 1;
    walk.tree.push(term.to_string());
    if name.contains('%') {
        return; // depends on the mail
    }
    if depth >= DEPTH_MAX {
        walk.wrong.push(Say::new("check-spf-circle").with("what", name));
        return;
    }
    match texts(by.1, name).await {
        Err(why) => walk.silent = Some(why),
        Ok(found) => match found.into_iter().find(|text| is_spf(text)) {
            Some(record) => follow(walk, by, (name, &record), depth + 1).await,
            None => walk.wrong.push(Say::new("check-spf-include-none").with("what", name)),
        },
    }
}

async fn is_void(walk: &mut Walk, dns: &dyn Dns, host: &str, kind: RecordType, ours: &[IpAddr]) {
    if host.contains('%') {
        return;
    }
    match dns.lookup(host, kind).await {
        Ok(records) if records.is_empty() => walk.voids += 1,
        Ok(records) => {
            let addresses = records.iter().map(super::shown).filter_map(|text| text.parse::<IpAddr>().ok());
            walk.covers |= addresses.into_iter().any(|ip| ours.contains(&ip));
        }
        Err(DnsError::Temporary { why, .. }) => walk.silent = Some(why),
        Err(_) => walk.voids += 1,
    }
}

/// Hosts of an `mx` term: ten at most count (RFC 7208 §4.6.4).
async fn hosts_of(walk: &mut Walk, (target, dns): (&Target, &dyn Dns), domain: &str) {
    match dns.lookup(domain, RecordType::Mx).await {
        Ok(records) if records.is_empty() => walk.voids += 1,
        Ok(records) => {
            let hosts: Vec<String> =
                records.iter().map(super::shown).filter_map(|text| text.split_once(' ').map(|(_, host)| host.to_string())).collect();
            walk.covers |= hosts.iter().any(|host| host.eq_ignore_ascii_case(&target.hostname));
        }
        Err(DnsError::Temporary { why, .. }) => walk.silent = Some(why),
        Err(_) => walk.voids += 1,
    }
}

/// RFC 7208 §4.5.
fn is_spf(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower == "v=spf1" || lower.starts_with("v=spf1 ")
}
