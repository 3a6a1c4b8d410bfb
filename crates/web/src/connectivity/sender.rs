//! Is an address fit to send for a domain: its name, what it calls itself, SPF, DMARC, lists. What a receiver looks at first.
//!
//! In: an address and the names it goes by. Out: steps. DNS only; nobody is connected to. Also what a refused sender is shown of their
//! own side (`help_desk`).

use super::{Step, millis};
use crate::App;
use crate::diagnostics::check::CheckResult::{Advice, CannotTell, Ok as Fine, Problem};
use crate::page::Say;
use gateway::intake::Listed;
use mail::auth::{AuthSettings, Dkim, DkimResult, SpfResult, authenticate};
use mail::dns::{Dns, DnsError, Record, RecordType, reverse_name};
use mail::envelope::{BodyType, Reverse};
use mail::message::Budget;
use mail::{Address, Envelope, Mail, Message, Peer};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// One question with all that it asks DNS.
const LOOK_WITHIN: Duration = Duration::from_secs(8);
/// Names of one address that are asked back.
const NAMES_MAX: usize = 4;
/// Labels that DMARC is looked for upwards.
const LABELS_MAX: usize = 5;
const SPF_LOOKUPS_MAX: u32 = 30;
/// Signatures of one mail that are told of.
const SIGNATURES_MAX: usize = 5;

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub ip: IpAddr,
    /// As said in EHLO; '' is not known.
    pub helo: String,
    /// The domain it sends for; '' is not known.
    pub domain: String,
}

/// Everything that can be looked at, all at once.
pub async fn look(app: &App, sender: &Sender) -> Vec<Step> {
    let dns = app.dns.as_ref();
    let (ptr, helo, spf, dmarc, lists) = tokio::join!(
        within("ptr", ptr(dns, sender.ip)),
        within("helo", helo(dns, sender, &app.hostname)),
        within("spf", spf(app, sender)),
        within("dmarc", dmarc(dns, &sender.domain)),
        listed(app, sender.ip),
    );
    [ptr, helo, spf, dmarc].into_iter().chain(lists).collect()
}

async fn within(id: &str, look: impl Future<Output = Step>) -> Step {
    let started = Instant::now();
    let late = || Step::new(id, CannotTell, "connectivity-dns-late");
    tokio::time::timeout(LOOK_WITHIN, look).await.unwrap_or_else(|_| late()).took(started)
}

fn silent(id: &str, why: &DnsError) -> Step {
    Step::new(id, CannotTell, "connectivity-dns-silent").seen(why.to_string())
}

/// Addresses of a name in the family of `like`; no such name is none.
async fn addresses(dns: &dyn Dns, name: &str, like: IpAddr) -> Result<Vec<IpAddr>, DnsError> {
    let kind = if like.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
    match dns.lookup(name, kind).await {
        Ok(records) => Ok(records.iter().filter_map(address).collect()),
        Err(why @ DnsError::Temporary { .. }) => Err(why),
        Err(_) => Ok(Vec::new()),
    }
}

fn address(record: &Record) -> Option<IpAddr> {
    match record {
        Record::A(ip) => Some(IpAddr::V4(*ip)),
        Record::Aaaa(ip) => Some(IpAddr::V6(*ip)),
        _ => None,
    }
}

/// RFC 1912 §2.1: every address has a name, and the name leads back.
async fn ptr(dns: &dyn Dns, ip: IpAddr) -> Step {
    let missing = || {
        let fix = Say::new("connectivity-do-ptr").with("what", ip.to_string());
        Step::new("ptr", Problem, "connectivity-ptr-missing").seen(ip.to_string()).fixed_by(fix)
    };
    let names = match dns.lookup(&reverse_name(ip), RecordType::Ptr).await {
        Ok(records) => records,
        Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) => return missing(),
        Err(why) => return silent("ptr", &why),
    };
    let names: Vec<String> = names
        .iter()
        .filter_map(|record| match record {
            Record::Ptr(name) => Some(name.trim_end_matches('.').to_ascii_lowercase()),
            _ => None,
        })
        .take(NAMES_MAX)
        .collect();
    for name in &names {
        match addresses(dns, name, ip).await {
            Ok(found) if found.contains(&ip) && is_generic(name, ip) => {
                let fix = Say::new("connectivity-do-ptr-generic").with("what", ip.to_string());
                return Step::new("ptr", Advice, "connectivity-ptr-generic").seen(name.as_str()).fixed_by(fix);
            }
            Ok(found) if found.contains(&ip) => return Step::new("ptr", Fine, "connectivity-ptr-ok").seen(name.as_str()),
            Ok(_) => {}
            Err(why) => return silent("ptr", &why),
        }
    }
    if names.is_empty() {
        return missing();
    }
    let fix = Say::new("connectivity-do-ptr-back").with("what", names[0].as_str()).with("ip", ip.to_string());
    Step::new("ptr", Problem, "connectivity-ptr-unconfirmed").seen(names.join(", ")).fixed_by(fix)
}

/// A name that only spells the address, as providers give to customers that should not send mail.
fn is_generic(name: &str, ip: IpAddr) -> bool {
    let IpAddr::V4(v4) = ip else { return false };
    let numbers: Vec<String> = name
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .map(|part| part.trim_start_matches('0').to_string())
        .collect();
    let wanted = v4.octets();
    wanted.iter().filter(|octet| numbers.iter().any(|number| *number == octet.to_string())).count() >= 3 && numbers.len() >= 3
}

/// RFC 5321 §4.1.1.1 and §2.3.5: the name is a full one and has an address.
async fn helo(dns: &dyn Dns, sender: &Sender, own: &str) -> Step {
    let name = sender.helo.trim_end_matches('.').to_ascii_lowercase();
    let fix = || Say::new("connectivity-do-helo");
    match name.as_str() {
        "" => return Step::new("helo", CannotTell, "connectivity-helo-unknown"),
        literal if literal.starts_with('[') => {
            return Step::new("helo", Advice, "connectivity-helo-literal").seen(&sender.helo).fixed_by(fix());
        }
        own_name if own_name.eq_ignore_ascii_case(own) => {
            return Step::new("helo", Problem, "connectivity-helo-ours").seen(&sender.helo).fixed_by(fix());
        }
        bare if !bare.contains('.') || bare.parse::<IpAddr>().is_ok() => {
            return Step::new("helo", Problem, "connectivity-helo-bare").seen(&sender.helo).fixed_by(fix());
        }
        _ => {}
    }
    match addresses(dns, &name, sender.ip).await {
        Ok(found) if found.contains(&sender.ip) => Step::new("helo", Fine, "connectivity-helo-ok").seen(&sender.helo),
        Ok(found) if found.is_empty() => Step::new("helo", Problem, "connectivity-helo-none").seen(&sender.helo).fixed_by(fix()),
        Ok(_) => Step::new("helo", Advice, "connectivity-helo-other").seen(&sender.helo).fixed_by(fix()),
        Err(why) => silent("helo", &why),
    }
}

/// RFC 7208, for a mail from the domain over this address.
async fn spf(app: &App, sender: &Sender) -> Step {
    if sender.domain.is_empty() {
        return Step::new("spf", CannotTell, "connectivity-spf-no-domain");
    }
    let domain = sender.domain.as_str();
    let Ok(from) = Address::parse(&format!("postmaster@{domain}")) else {
        return Step::new("spf", CannotTell, "connectivity-spf-no-domain");
    };
    let spf = spf_of(app, sender, from).await;
    let fix = |key| Say::new(key).with("what", domain).with("ip", sender.ip.to_string());
    let step = match spf.result {
        SpfResult::Pass => Step::new("spf", Fine, "connectivity-spf-pass"),
        SpfResult::None => Step::new("spf", Problem, "connectivity-spf-none").fixed_by(fix("connectivity-do-spf-none")),
        SpfResult::Neutral => Step::new("spf", Advice, "connectivity-spf-neutral").fixed_by(fix("connectivity-do-spf")),
        SpfResult::SoftFail => Step::new("spf", Problem, "connectivity-spf-softfail").fixed_by(fix("connectivity-do-spf")),
        SpfResult::Fail => Step::new("spf", Problem, "connectivity-spf-fail").fixed_by(fix("connectivity-do-spf")),
        SpfResult::PermError => Step::new("spf", Problem, "connectivity-spf-permerror").fixed_by(fix("connectivity-do-spf-mend")),
        SpfResult::TempError => Step::new("spf", CannotTell, "connectivity-dns-silent"),
    };
    let why = if spf.why.contains(domain) { spf.why } else { format!("{domain} {}", spf.why).trim_end().to_string() };
    step.seen(why)
}

async fn spf_of(app: &App, sender: &Sender, from: Address) -> mail::auth::Spf {
    let peer = Peer {
        ip: sender.ip,
        port: 0,
        local: (std::net::Ipv4Addr::LOCALHOST, 0).into(),
        reverse: Reverse::NotAsked,
        helo: sender.helo.clone(),
        esmtp: true,
        tls: None,
        authenticated: None,
        via: None,
    };
    let envelope = Envelope {
        sender: Some(from),
        recipients: Vec::new(),
        smtputf8: false,
        body: BodyType::default(),
        require_tls: false,
        ret: None,
        envid: None,
    };
    // No From: nothing but SPF is asked about.
    let message = Message::parse(bytes::Bytes::from_static(b"Subject: \r\n\r\n"), &Budget::default());
    let settings = AuthSettings {
        authserv_id: app.hostname.clone(),
        trusted_sealers: Vec::new(),
        dkim_signatures_max: 0,
        dns_lookups_max: SPF_LOOKUPS_MAX,
        own_domains: Default::default(),
    };
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: app.now_ms() };
    authenticate(mail, app.dns.as_ref(), &settings).await.spf
}

/// RFC 7489 §6.6.3, upwards from the domain.
async fn dmarc(dns: &dyn Dns, domain: &str) -> Step {
    if domain.is_empty() {
        return Step::new("dmarc", CannotTell, "connectivity-dmarc-no-domain");
    }
    let names = std::iter::successors(Some(domain), |name| name.split_once('.').map(|(_, above)| above));
    for name in names.take(LABELS_MAX).filter(|name| name.contains('.')) {
        let records = match dns.lookup(&format!("_dmarc.{name}"), RecordType::Txt).await {
            Ok(records) => records,
            Err(DnsError::Temporary { name, why }) => return silent("dmarc", &DnsError::Temporary { name, why }),
            Err(_) => continue,
        };
        let texts: Vec<String> = records.iter().filter_map(text).filter(|text| text.trim_start().starts_with("v=DMARC1")).collect();
        match texts.as_slice() {
            [] => {}
            [one] => return Step::new("dmarc", Fine, "connectivity-dmarc-ok").seen(format!("_dmarc.{name}: {one}")),
            _ => {
                let fix = Say::new("connectivity-do-dmarc-many").with("what", format!("_dmarc.{name}"));
                return Step::new("dmarc", Problem, "connectivity-dmarc-many").seen(texts.join(" | ")).fixed_by(fix);
            }
        }
    }
    let fix = Say::new("connectivity-do-dmarc").with("what", format!("_dmarc.{domain}"));
    Step::new("dmarc", Advice, "connectivity-dmarc-none").seen(domain).fixed_by(fix)
}

fn text(record: &Record) -> Option<String> {
    match record {
        Record::Txt(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

/// The lists that this installation asks.
async fn listed(app: &App, ip: IpAddr) -> Vec<Step> {
    let started = Instant::now();
    let found = app.lists.all(ip).await;
    let step = |list: Listed| {
        let step = match list.is_listed {
            Some(true) => {
                let fix = Say::new("connectivity-do-list").with("what", list.zone.as_str()).with("ip", ip.to_string());
                Step::new("list", Problem, if list.refuses { "connectivity-list-refuses" } else { "connectivity-list-counts" })
                    .fixed_by(fix)
            }
            Some(false) => Step::new("list", Fine, "connectivity-list-clear"),
            None => Step::new("list", CannotTell, "connectivity-list-silent"),
        };
        Step { ms: millis(started), ..step.seen(list.zone) }
    };
    match found.is_empty() {
        true => vec![Step::new("list", Fine, "connectivity-list-none")],
        false => found.into_iter().map(step).collect(),
    }
}

/// What the signatures of a mail came to, and whether their keys are published now. `None`: the mail was not seen.
pub async fn signatures(dns: &dyn Dns, seen: Option<&[Dkim]>) -> Vec<Step> {
    let Some(seen) = seen else { return vec![Step::new("dkim", CannotTell, "connectivity-dkim-not-seen")] };
    if seen.is_empty() {
        return vec![Step::new("dkim", Problem, "connectivity-dkim-unsigned").fixed_by(Say::new("connectivity-do-dkim"))];
    }
    futures_util::future::join_all(seen.iter().take(SIGNATURES_MAX).map(|one| within("dkim", signature(dns, one)))).await
}

async fn signature(dns: &dyn Dns, one: &Dkim) -> Step {
    let name = format!("{}._domainkey.{}", one.selector, one.domain);
    let is_published = match dns.lookup(&name, RecordType::Txt).await {
        Ok(records) => records.iter().filter_map(text).any(|text| has_key(&text)),
        Err(why @ DnsError::Temporary { .. }) => return silent("dkim", &why),
        Err(_) => false,
    };
    let fix = |key| Say::new(key).with("what", name.as_str());
    let step = match (one.result, is_published) {
        (DkimResult::Pass, true) => Step::new("dkim", Fine, "connectivity-dkim-pass"),
        (_, false) => Step::new("dkim", Problem, "connectivity-dkim-no-key").fixed_by(fix("connectivity-do-dkim-key")),
        (DkimResult::TempError, true) => Step::new("dkim", Advice, "connectivity-dkim-late"),
        (_, true) => Step::new("dkim", Problem, "connectivity-dkim-fail").fixed_by(fix("connectivity-do-dkim-fail")),
    };
    step.seen(name)
}

/// A key that is not revoked (RFC 6376 §3.6.1).
fn has_key(record: &str) -> bool {
    record.split(';').filter_map(|tag| tag.split_once('=')).any(|(name, value)| name.trim() == "p" && !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::check::CheckResult;
    use mail::dns::Zone;

    fn zone() -> Zone {
        let mut zone = Zone::new();
        zone.add("7.113.0.203.in-addr.arpa", Record::Ptr("mx.a.example".into()));
        zone.add("mx.a.example", Record::A([203, 0, 113, 7].into()));
        zone.add("8.113.0.203.in-addr.arpa", Record::Ptr("mx.b.example".into()));
        zone.add("mx.b.example", Record::A([203, 0, 113, 99].into()));
        zone.add("9.113.0.203.in-addr.arpa", Record::Ptr("203-0-113-9.dsl.example".into()));
        zone.add("203-0-113-9.dsl.example", Record::A([203, 0, 113, 9].into()));
        zone.fails("11.113.0.203.in-addr.arpa", RecordType::Ptr);
        zone.txt("_dmarc.a.example", "v=DMARC1; p=none");
        zone.txt("_dmarc.twice.example", "v=DMARC1; p=none").txt("_dmarc.twice.example", "v=DMARC1; p=reject");
        zone.txt("s._domainkey.a.example", "v=DKIM1; p=abc").txt("old._domainkey.a.example", "v=DKIM1; p=");
        zone
    }

    #[tokio::test]
    async fn the_name_of_an_address_leads_back() {
        for (last, want, key) in [
            (7, CheckResult::Ok, "connectivity-ptr-ok"),
            (8, CheckResult::Problem, "connectivity-ptr-unconfirmed"),
            (9, CheckResult::Advice, "connectivity-ptr-generic"),
            (10, CheckResult::Problem, "connectivity-ptr-missing"),
            (11, CheckResult::CannotTell, "connectivity-dns-silent"),
        ] {
            let step = ptr(&zone(), IpAddr::from([203, 0, 113, last])).await;
            assert_eq!((step.result, step.say.key.as_ref()), (want, key), "{last}");
            assert_eq!(step.fix.is_some(), matches!(want, CheckResult::Problem | CheckResult::Advice), "{last}");
        }
    }

    #[tokio::test]
    async fn what_a_server_calls_itself_has_an_address() {
        for (name, want) in [
            ("mx.a.example", CheckResult::Ok),
            ("MX.A.example.", CheckResult::Ok),
            ("mx.b.example", CheckResult::Advice),
            ("nowhere.example", CheckResult::Problem),
            ("localhost", CheckResult::Problem),
            ("203.0.113.7", CheckResult::Problem),
            ("[203.0.113.7]", CheckResult::Advice),
            ("gate.example", CheckResult::Problem),
            ("", CheckResult::CannotTell),
        ] {
            let sender = Sender { ip: [203, 0, 113, 7].into(), helo: name.into(), domain: String::new() };
            assert_eq!(helo(&zone(), &sender, "gate.example").await.result, want, "{name}");
        }
    }

    #[tokio::test]
    async fn dmarc_is_found_upwards() {
        for (domain, want) in [
            ("a.example", CheckResult::Ok),
            ("deep.sub.a.example", CheckResult::Ok),
            ("twice.example", CheckResult::Problem),
            ("c.example", CheckResult::Advice),
            ("", CheckResult::CannotTell),
        ] {
            assert_eq!(dmarc(&zone(), domain).await.result, want, "{domain}");
        }
    }

    #[tokio::test]
    async fn signatures_are_measured_against_what_is_published_now() {
        let one = |selector: &str, result| Dkim {
            result,
            domain: "a.example".into(),
            selector: selector.into(),
            algorithm: "rsa-sha256".into(),
            aligned: true,
            why: String::new(),
            b: String::new(),
        };
        for (seen, want) in [
            (None, CheckResult::CannotTell),
            (Some(vec![]), CheckResult::Problem),
            (Some(vec![one("s", DkimResult::Pass)]), CheckResult::Ok),
            (Some(vec![one("s", DkimResult::Fail)]), CheckResult::Problem),
            (Some(vec![one("old", DkimResult::Pass)]), CheckResult::Problem),
            (Some(vec![one("gone", DkimResult::Pass)]), CheckResult::Problem),
        ] {
            assert_eq!(signatures(&zone(), seen.as_deref()).await[0].result, want, "{seen:?}");
        }
    }
}
