//! SPF (RFC 7208): may this host send for this domain?
//!
//! In: address, HELO, MAIL FROM. Out: [`Outcome`]. Limits of §4.6.4 hold over all records of one check: ten terms that ask
//! DNS, ten MX hosts, ten PTR names, two questions without an answer. Not here: alignment with From (`dmarc`).

mod macros;
mod record;
#[cfg(test)]
mod tests;

use super::SpfResult;
use super::domain::{is_queryable, is_within};
use super::questions::Questions;
use crate::dns::{Answer, DnsError, Record as DnsRecord, RecordType, reverse_name};
use futures_util::future::BoxFuture;
use macros::Letters;
use record::{Hosts, Mechanism};
use std::net::IpAddr;
use std::sync::Arc;

/// RFC 7208 §4.6.4.
const TERMS_MAX: u32 = 10;
const VOID_MAX: u32 = 2;
const MX_MAX: usize = 10;
const PTR_MAX: usize = 10;

/// Who asks to send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a> {
    pub(super) ip: IpAddr,
    pub(super) helo: &'a str,
    /// RFC 7208 §4.3: "postmaster" where MAIL FROM has none.
    pub(super) local: &'a str,
    pub(super) domain: &'a str,
    /// Our name, for `%{r}`.
    pub(super) receiver: &'a str,
    pub(super) now_ms: i64,
    /// Fetch the domain's explanation of a fail; costs a question.
    pub(super) explain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) result: SpfResult,
    pub(super) why: String,
    pub(super) explanation: Option<String>,
}

/// RFC 7208 §4: `check_host()`.
pub(super) async fn check_host(query: &Query<'_>, ask: &Questions<'_>) -> Outcome {
    if !is_queryable(query.domain) {
        return Outcome { result: SpfResult::None, why: "not a domain that can have a record".into(), explanation: None };
    }
    // RFC 7208 §5: an IPv4-mapped address is an IPv4 address.
    let query = Query { ip: query.ip.to_canonical(), ..*query };
    let mut run = Run { query: &query, ask, terms: 0, voids: 0, names: None };
    match run.check(query.domain.to_ascii_lowercase()).await {
        Ok(ended) => {
            let explanation = match &ended.exp {
                Some(exp) if query.explain => run.explanation(exp).await,
                _ => None,
            };
            Outcome { result: ended.result, why: ended.why, explanation }
        }
        Err(stop) => Outcome { result: stop.result, why: stop.why, explanation: None },
    }
}

/// How one record ended.
struct Ended {
    result: SpfResult,
    why: String,
    exp: Option<Exp>,
}

/// `exp=` of the record that said fail, with the domain it stands in.
struct Exp {
    domain: String,
    spec: String,
}

/// Ends the whole check: `permerror` or `temperror`.
struct Stop {
    result: SpfResult,
    why: String,
}

fn broken(why: impl Into<String>) -> Stop {
    Stop { result: SpfResult::PermError, why: why.into() }
}

fn no_answer(error: &DnsError) -> Stop {
    Stop { result: SpfResult::TempError, why: error.to_string() }
}

struct Run<'a> {
    query: &'a Query<'a>,
    ask: &'a Questions<'a>,
    terms: u32,
    voids: u32,
    /// Names of the host that resolve back to it (RFC 7208 §5.5); asked for once.
    names: Option<Arc<[String]>>,
}

impl Run<'_> {
    /// Applies the record of `domain`. Boxed, since include and redirect come back here; ten terms bound the depth.
    fn check(&mut self, domain: String) -> BoxFuture<'_, Result<Ended, Stop>> {
        Box::pin(async move {
            let Some(txt) = self.fetch(&domain).await? else {
                return Ok(Ended { result: SpfResult::None, why: format!("{domain} has no SPF record"), exp: None });
            };
            let record = record::read(&txt).map_err(|error| broken(format!("{domain}: cannot read “{}”", error.0)))?;
            for directive in &record.directives {
                if self.matches(&directive.mechanism, &domain).await? {
                    let exp = record.exp.filter(|_| directive.result == SpfResult::Fail);
                    let exp = exp.map(|spec| Exp { domain: domain.clone(), spec: spec.into() });
                    return Ok(Ended { result: directive.result, why: format!("{domain}: {}", directive.text), exp });
                }
            }
            match record.redirect {
                Some(spec) => self.redirect(spec, &domain).await,
                None => Ok(Ended { result: SpfResult::Neutral, why: format!("{domain}: nothing matches"), exp: None }),
            }
        })
    }

    /// RFC 7208 §4.4, §4.5. `None` if the domain has no record.
    async fn fetch(&mut self, domain: &str) -> Result<Option<Vec<u8>>, Stop> {
        let answer = match self.ask.ask(domain, RecordType::Txt).await {
            Ok(answer) => answer,
            Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) => return Ok(None),
            Err(error) => return Err(no_answer(&error)),
        };
        let mut found = answer.iter().filter_map(|record| match record {
            DnsRecord::Txt(txt) if record::is_spf(txt) => Some(txt),
            _ => None,
        });
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(broken(format!("{domain} has more than one SPF record"))),
            (one, _) => Ok(one.cloned()),
        }
    }

    /// RFC 7208 §6.1.
    async fn redirect(&mut self, spec: &str, domain: &str) -> Result<Ended, Stop> {
        self.count_term()?;
        let target = self.name(spec, domain).await;
        let ended = self.check(target.clone()).await?;
        match ended.result {
            SpfResult::None => Err(broken(format!("{domain}: redirect to {target}, which has no SPF record"))),
            _ => Ok(ended),
        }
    }

    async fn matches(&mut self, mechanism: &Mechanism<'_>, domain: &str) -> Result<bool, Stop> {
        match *mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4(net, bits) => Ok(in_net(self.query.ip, IpAddr::V4(net), bits)),
            Mechanism::Ip6(net, bits) => Ok(in_net(self.query.ip, IpAddr::V6(net), bits)),
            Mechanism::Include(spec) => self.include(spec, domain).await,
            Mechanism::A(hosts) => self.a(hosts, domain).await,
            Mechanism::Mx(hosts) => self.mx(hosts, domain).await,
            Mechanism::Ptr(spec) => self.ptr(spec, domain).await,
            Mechanism::Exists(spec) => {
                self.count_term()?;
                let name = self.name(spec, domain).await;
                // RFC 7208 §5.7: type A also where the host has an IPv6 address.
                Ok(!self.answer(&name, RecordType::A).await?.is_empty())
            }
        }
    }

    /// RFC 7208 §5.2.
    async fn include(&mut self, spec: &str, domain: &str) -> Result<bool, Stop> {
        self.count_term()?;
        let target = self.name(spec, domain).await;
        match self.check(target.clone()).await?.result {
            SpfResult::Pass => Ok(true),
            SpfResult::None => Err(broken(format!("{domain}: includes {target}, which has no SPF record"))),
            _ => Ok(false),
        }
    }

    async fn a(&mut self, hosts: Hosts<'_>, domain: &str) -> Result<bool, Stop> {
        self.count_term()?;
        let name = self.name_or(hosts.spec, domain).await;
        let answer = self.answer(&name, address_type(self.query.ip)).await?;
        Ok(holds(&answer, self.query.ip, hosts))
    }

    /// RFC 7208 §5.4; §4.6.4 for the limit.
    async fn mx(&mut self, hosts: Hosts<'_>, domain: &str) -> Result<bool, Stop> {
        self.count_term()?;
        let name = self.name_or(hosts.spec, domain).await;
        let exchanges = self.answer(&name, RecordType::Mx).await?;
        if exchanges.len() > MX_MAX {
            return Err(broken(format!("{name} has more than {MX_MAX} MX records")));
        }
        for record in exchanges.iter() {
            let DnsRecord::Mx { exchange, .. } = record else { continue };
            let exchange = exchange.trim_end_matches('.');
            if exchange.is_empty() {
                continue; // RFC 7505: no mail here
            }
            match self.ask.ask(exchange, address_type(self.query.ip)).await {
                Ok(answer) if holds(&answer, self.query.ip, hosts) => return Ok(true),
                Err(error @ DnsError::Temporary { .. }) => return Err(no_answer(&error)),
                _ => {}
            }
        }
        Ok(false)
    }

    /// RFC 7208 §5.5.
    async fn ptr(&mut self, spec: Option<&str>, domain: &str) -> Result<bool, Stop> {
        self.count_term()?;
        let target = self.name_or(spec, domain).await;
        Ok(self.validated().await.iter().any(|name| is_within(name, &target)))
    }

    /// Names from the reverse zone that resolve back to the address. A failed question means no name (RFC 7208 §5.5).
    async fn validated(&mut self) -> Arc<[String]> {
        if let Some(names) = &self.names {
            return names.clone();
        }
        let mut names = Vec::new();
        let answer = self.ask.ask(&reverse_name(self.query.ip), RecordType::Ptr).await;
        for record in answer.iter().flat_map(|records| records.iter()).take(PTR_MAX) {
            let DnsRecord::Ptr(name) = record else { continue };
            let back = self.ask.ask(name.trim_end_matches('.'), address_type(self.query.ip)).await;
            if back.is_ok_and(|back| holds(&back, self.query.ip, Hosts { spec: None, bits4: 32, bits6: 128 })) {
                names.push(name.trim_end_matches('.').to_ascii_lowercase());
            }
        }
        self.names.insert(names.into()).clone()
    }

    /// RFC 7208 §7.3 `%{p}`: the domain itself, else a name below it, else any, else "unknown".
    async fn ptr_name(&mut self, domain: &str) -> String {
        let names = self.validated().await;
        let exact = names.iter().find(|name| *name == domain);
        let below = || names.iter().find(|name| is_within(name, domain));
        exact.or_else(below).or(names.first()).cloned().unwrap_or_else(|| "unknown".into())
    }

    async fn name_or(&mut self, spec: Option<&str>, domain: &str) -> String {
        match spec {
            Some(spec) => self.name(spec, domain).await,
            None => domain.to_string(),
        }
    }

    async fn name(&mut self, spec: &str, domain: &str) -> String {
        let ptr = if macros::asks_for_ptr(spec) { self.ptr_name(domain).await } else { String::new() };
        macros::expand_name(spec, &self.letters(domain, &ptr)).into_owned()
    }

    fn letters<'s>(&'s self, domain: &'s str, ptr: &'s str) -> Letters<'s> {
        let query = self.query;
        Letters {
            local: query.local,
            sender_domain: query.domain,
            domain,
            ip: query.ip,
            helo: query.helo,
            ptr,
            receiver: query.receiver,
            now_ms: query.now_ms,
        }
    }

    fn count_term(&mut self) -> Result<(), Stop> {
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(broken(format!("more than {TERMS_MAX} terms that ask DNS")));
        }
        Ok(())
    }

    /// The answer for a mechanism: nothing and "no such name" are the same, and counted (RFC 7208 §4.6.4).
    async fn answer(&mut self, name: &str, kind: RecordType) -> Result<Arc<[DnsRecord]>, Stop> {
        match self.ask.ask(name, kind).await {
            Ok(answer) if !answer.is_empty() => return Ok(answer),
            Err(error @ DnsError::Temporary { .. }) => return Err(no_answer(&error)),
            Err(DnsError::BadName(_)) => return Ok([].into()),
            _ => self.voids += 1,
        }
        if self.voids > VOID_MAX {
            return Err(broken(format!("more than {VOID_MAX} questions without an answer")));
        }
        Ok([].into())
    }

    /// RFC 7208 §6.2: whatever is wrong with an explanation, it is as if there were none.
    async fn explanation(&mut self, exp: &Exp) -> Option<String> {
        let name = self.name(&exp.spec, &exp.domain).await;
        let answer: Answer = self.ask.ask(&name, RecordType::Txt).await;
        let [DnsRecord::Txt(txt)] = &*answer.ok()? else { return None };
        let text = std::str::from_utf8(txt).ok().filter(|text| text.bytes().all(|octet| matches!(octet, 0x20..=0x7e)))?;
        let ptr = if macros::asks_for_ptr(text) { self.ptr_name(&exp.domain).await } else { String::new() };
        macros::expand(text, &self.letters(&exp.domain, &ptr))
    }
}

fn address_type(ip: IpAddr) -> RecordType {
    if ip.is_ipv4() { RecordType::A } else { RecordType::Aaaa }
}

fn holds(answer: &[DnsRecord], ip: IpAddr, hosts: Hosts<'_>) -> bool {
    answer.iter().any(|record| match record {
        DnsRecord::A(address) => in_net(ip, IpAddr::V4(*address), hosts.bits4),
        DnsRecord::Aaaa(address) => in_net(ip, IpAddr::V6(*address), hosts.bits6),
        _ => false,
    })
}

/// `bits` is at most 32 or 128, as the reader of the record checks.
fn in_net(ip: IpAddr, net: IpAddr, bits: u8) -> bool {
    match (ip, net) {
        (IpAddr::V4(ip), IpAddr::V4(net)) => bits == 0 || (u32::from(ip) ^ u32::from(net)) >> (32 - bits.min(32)) == 0,
        (IpAddr::V6(ip), IpAddr::V6(net)) => bits == 0 || (u128::from(ip) ^ u128::from(net)) >> (128 - bits.min(128)) == 0,
        _ => false,
    }
}
