//! Checks of what a domain publishes. One file each; its first comment is its article.
//!
//! Each takes a [`Target`] and a DNS seam and gives a [`Checked`]. Invariant: DNS that does not answer is "cannot tell", never "problem".

mod bimi;
mod dane;
mod delegation;
mod dkim;
mod dmarc;
mod dnssec;
mod docs;
mod lists;
mod mta_sts;
mod mx;
mod names;
mod ownership;
mod spf;
#[cfg(test)]
mod tests;
mod tls_rpt;

pub use bimi::bimi;
pub use dane::dane;
pub use delegation::delegation;
pub use dkim::dkim;
pub use dmarc::dmarc;
pub use dnssec::dnssec;
pub use docs::{DOCS, Doc};
pub use lists::lists;
pub use mta_sts::{mta_sts, policy_id, policy_text};
pub use mx::mx;
pub use names::names;
pub use ownership::{OWNERSHIP_LABEL, ownership, ownership_value};
pub use spf::spf;
pub use tls_rpt::tls_rpt;

use crate::page::Say;
use mail::dns::{Dns, DnsError, Record, RecordType};
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Values shown of one name, and characters of each.
const VALUES_MAX: usize = 20;
const VALUE_CHARS_MAX: usize = 2_000;

/// What is looked at, and what is known of it here.
#[derive(Debug, Clone, Default)]
pub struct Target {
    /// Lower-case A-labels.
    pub domain: String,
    /// What shows that the domain is its organisation's; empty: nothing to show.
    pub token: String,
    /// Name under which mail servers reach us.
    pub hostname: String,
    /// Addresses that we send from, as our name says.
    pub addresses: Vec<IpAddr>,
    /// Keys that are made here, without those that are retired.
    pub keys: Vec<PublicKey>,
    /// The MTA-STS policy that we serve for it; empty: none.
    pub policy: String,
    /// The certificate that we show, with those that vouch for it; empty: not known.
    pub chain: Vec<CertificateDer<'static>>,
    /// What other servers reported of mail in its name of late; `None`: not known.
    pub practice: Option<Practice>,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// Mail in the name of a domain as receivers saw it, by their DMARC reports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Practice {
    pub messages: i64,
    pub passed: i64,
}

/// A DKIM key as a check wants it.
#[derive(Debug, Clone, Default)]
pub struct PublicKey {
    pub selector: String,
    /// Text of its TXT record.
    pub record: String,
    /// "made", "published", "active" or "retiring".
    pub state: String,
}

/// How a check ended; of several the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    Ok,
    /// Works, and could be better.
    Advice,
    CannotTell,
    Problem,
}

impl CheckResult {
    /// Its word, in words `check-result-…` and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            CheckResult::Ok => "ok",
            CheckResult::Advice => "advice",
            CheckResult::CannotTell => "cannot-tell",
            CheckResult::Problem => "problem",
        }
    }

    /// Colour and shape.
    pub fn tone(self) -> &'static str {
        match self {
            CheckResult::Ok => "good",
            CheckResult::Advice => "info",
            CheckResult::CannotTell => "warn",
            CheckResult::Problem => "bad",
        }
    }
}

/// One thing seen, and whether it is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub result: CheckResult,
    pub say: Say,
}

/// A record to publish, to the letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publish {
    pub name: String,
    /// "TXT", "MX", "CNAME", "TLSA".
    pub kind: String,
    pub value: String,
    /// Whether exactly this, or something as good, is published already.
    pub is_there: bool,
}

impl Publish {
    /// A name for the place on a page where it stands.
    pub fn anchor(&self) -> String {
        format!("{}-{}", self.kind, self.name).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
    }
}

/// What stands at a name now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub name: String,
    pub kind: String,
    pub values: Vec<String>,
    /// What the domain's own servers say; `None` when they could not be asked.
    pub outside: Option<Vec<String>>,
}

impl Seen {
    /// Our resolver and the domain's own servers do not say the same.
    pub fn differs(&self) -> bool {
        let sorted = |values: &[String]| {
            let mut values = values.to_vec();
            values.sort();
            values
        };
        self.outside.as_ref().is_some_and(|outside| sorted(outside) != sorted(&self.values))
    }
}

/// The answer of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Stable: "domain.mx".
    pub id: String,
    pub result: CheckResult,
    pub lines: Vec<Line>,
    /// What to do, in order; empty when nothing is to be done.
    pub fixes: Vec<Say>,
    pub publish: Vec<Publish>,
    pub seen: Vec<Seen>,
}

impl Checked {
    fn new(id: &'static str) -> Checked {
        Checked { id: id.into(), result: CheckResult::Ok, lines: Vec::new(), fixes: Vec::new(), publish: Vec::new(), seen: Vec::new() }
    }

    fn line(&mut self, result: CheckResult, say: Say) {
        self.result = self.result.max(result);
        self.lines.push(Line { result, say });
    }

    fn ok(&mut self, say: Say) {
        self.line(CheckResult::Ok, say);
    }

    fn advice(&mut self, say: Say) {
        self.line(CheckResult::Advice, say);
    }

    fn problem(&mut self, say: Say) {
        self.line(CheckResult::Problem, say);
    }

    fn unknown(&mut self, why: String) {
        self.line(CheckResult::CannotTell, Say::new("check-dns-silent").with("what", why));
    }

    fn fix(&mut self, say: Say) {
        self.fixes.push(say);
    }

    fn publish(&mut self, (name, kind): (&str, &'static str), value: impl Into<String>, is_there: bool) {
        self.publish.push(Publish { name: name.into(), kind: kind.into(), value: value.into(), is_there });
    }

    fn see(&mut self, name: &str, kind: &'static str, values: Vec<String>) {
        self.seen.push(Seen { name: name.into(), kind: kind.into(), values, outside: None });
    }
}

/// Texts at a name, as checks want them: none is no error; no answer is.
async fn texts(dns: &dyn Dns, name: &str) -> Result<Vec<String>, String> {
    match dns.lookup(name, RecordType::Txt).await {
        Ok(records) => Ok(records.iter().filter_map(text_of).take(VALUES_MAX).collect()),
        Err(DnsError::NoSuchName(_) | DnsError::BadName(_)) => Ok(Vec::new()),
        Err(why) => Err(why.to_string()),
    }
}

fn text_of(record: &Record) -> Option<String> {
    match record {
        Record::Txt(text) => Some(String::from_utf8_lossy(text).chars().take(VALUE_CHARS_MAX).collect()),
        _ => None,
    }
}

/// Any record as its text in a zone.
pub fn shown(record: &Record) -> String {
    match record {
        Record::Mx { preference, exchange } => format!("{preference} {}", if exchange.is_empty() { "." } else { exchange }),
        Record::A(ip) => ip.to_string(),
        Record::Aaaa(ip) => ip.to_string(),
        Record::Ns(name) | Record::Ptr(name) => name.clone(),
        other => text_of(other).unwrap_or_default(),
    }
}

/// Addresses of a host; none is no error.
async fn addresses(dns: &dyn Dns, host: &str) -> Result<Vec<IpAddr>, String> {
    let mut found = Vec::new();
    let mut failed = None;
    for kind in [RecordType::A, RecordType::Aaaa] {
        match dns.lookup(host, kind).await {
            Ok(records) => found.extend(records.iter().filter_map(|record| match record {
                Record::A(ip) => Some(IpAddr::V4(*ip)),
                Record::Aaaa(ip) => Some(IpAddr::V6(*ip)),
                _ => None,
            })),
            Err(DnsError::Temporary { why, .. }) => failed = Some(why),
            Err(_) => {}
        }
    }
    match (found.is_empty(), failed) {
        (true, Some(why)) => Err(why),
        _ => Ok(found),
    }
}

/// Value of a tag in `a=b; c=d` records, names in any case.
fn tag<'a>(record: &'a str, wanted: &str) -> Option<&'a str> {
    const TAGS_MAX: usize = 40;
    record.split(';').take(TAGS_MAX).find_map(|tag| {
        let (name, value) = tag.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}
