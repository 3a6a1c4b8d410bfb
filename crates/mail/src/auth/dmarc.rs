//! DMARC (RFC 7489): the policy of the domain in From, and whether SPF or DKIM speaks for that domain.
//!
//! The domain comes from [`FromField::One`] and from nowhere else: a From that can be read in two ways never passes.

use super::dkim::tags::trim;
use super::domain::{is_aligned, organisational};
use super::questions::Questions;
use super::{Dkim, DkimResult, Dmarc, DmarcPolicy, DmarcResult, Spf, SpfResult};
use crate::address::FromField;
use crate::dns::{DnsError, Record as DnsRecord, RecordType};

/// Tags of one record that are looked at.
const TAGS_MAX: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    policy: DmarcPolicy,
    subdomain_policy: Option<DmarcPolicy>,
    strict_dkim: bool,
    strict_spf: bool,
    percent: u8,
}

/// RFC 7489 §6.6.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Nothing(String),
    At { domain: String, record: Record },
    NoAnswer(String),
}

/// Asks for the record of the domain in From, then for that of its organisation.
pub(super) async fn find(from: &FromField, ask: &Questions<'_>) -> Found {
    let Some(domain) = from.address().map(crate::Address::domain).filter(|domain| !domain.starts_with('[')) else {
        return Found::Nothing("there is no domain to ask for".into());
    };
    match fetch(domain, ask).await {
        Found::Nothing(why) if organisational(domain) == domain || !why.is_empty() => Found::Nothing(why),
        Found::Nothing(_) => fetch(organisational(domain), ask).await,
        found => found,
    }
}

/// [`Found::Nothing`] with a reason ends the search.
async fn fetch(domain: &str, ask: &Questions<'_>) -> Found {
    let answer = match ask.ask(&format!("_dmarc.{domain}"), RecordType::Txt).await {
        Ok(answer) => answer,
        Err(error @ DnsError::Temporary { .. }) => return Found::NoAnswer(error.to_string()),
        Err(_) => return Found::Nothing(String::new()),
    };
    let mut records = answer.iter().filter_map(|record| match record {
        DnsRecord::Txt(txt) if is_dmarc(txt) => Some(txt),
        _ => None,
    });
    match (records.next(), records.next()) {
        (None, _) => Found::Nothing(String::new()),
        // RFC 7489 §6.6.3 step 5: DMARC is not applied.
        (Some(_), Some(_)) => Found::Nothing(format!("{domain} has more than one DMARC record")),
        (Some(txt), None) => match Record::read(txt) {
            Some(record) => Found::At { domain: domain.to_string(), record },
            None => Found::Nothing(format!("the DMARC record of {domain} has no policy")),
        },
    }
}

/// RFC 7489 §6.3: "v" comes first and is "DMARC1", in capitals.
fn is_dmarc(txt: &[u8]) -> bool {
    let first = txt.split(|octet| *octet == b';').next().unwrap_or_default();
    let Some(equals) = memchr::memchr(b'=', first) else { return false };
    trim(&first[..equals]) == b"v" && trim(&first[equals + 1..]) == b"DMARC1"
}

impl Record {
    /// RFC 7489 §6.3: errors after `v=` are ignored tag by tag. `None` if no policy can be made out (§6.6.3 step 6).
    fn read(txt: &[u8]) -> Option<Record> {
        let value = |wanted: &str| {
            txt.split(|octet| *octet == b';').take(TAGS_MAX).find_map(|tag| {
                let equals = memchr::memchr(b'=', tag)?;
                trim(&tag[..equals]).eq_ignore_ascii_case(wanted.as_bytes()).then(|| trim(&tag[equals + 1..]))
            })
        };
        let is = |wanted: &str, text: &str| value(wanted).is_some_and(|value| value.eq_ignore_ascii_case(text.as_bytes()));
        let policy = |name: &str| value(name).map(read_policy);
        let reports = value("rua").is_some_and(|uri| uri.len() > 7 && uri[..7].eq_ignore_ascii_case(b"mailto:"));
        let (policy, subdomain_policy) = match (policy("p"), policy("sp")) {
            (Some(Some(policy)), None) => (policy, None),
            (Some(Some(policy)), Some(Some(subdomain))) => (policy, Some(subdomain)),
            _ if reports => (DmarcPolicy::None, None),
            _ => return None,
        };
        let percent = value("pct").and_then(|text| std::str::from_utf8(text).ok()?.parse().ok()).filter(|percent| *percent <= 100);
        Some(Record {
            policy,
            subdomain_policy,
            strict_dkim: is("adkim", "s"),
            strict_spf: is("aspf", "s"),
            percent: percent.unwrap_or(100),
        })
    }
}

fn read_policy(text: &[u8]) -> Option<DmarcPolicy> {
    let known = [("none", DmarcPolicy::None), ("quarantine", DmarcPolicy::Quarantine), ("reject", DmarcPolicy::Reject)];
    known.into_iter().find(|(name, _)| text.eq_ignore_ascii_case(name.as_bytes())).map(|(_, policy)| policy)
}

/// Brings policy, SPF and DKIM together, and notes on each signature whether it is aligned.
pub(super) fn judge(from: &FromField, found: Found, spf: &Spf, dkim: &mut [Dkim], message_id: Option<&str>) -> Dmarc {
    let address = match from {
        FromField::One { address, .. } => address,
        FromField::Missing => return unusable("there is no From"),
        FromField::Ambiguous { why, .. } => return unusable(why),
    };
    let domain = address.domain();
    let (strict_dkim, strict_spf) = match &found {
        Found::At { record, .. } => (record.strict_dkim, record.strict_spf),
        _ => (false, false),
    };
    for signature in dkim.iter_mut() {
        signature.aligned = !signature.domain.is_empty() && is_aligned(&signature.domain, domain, strict_dkim);
    }
    let speaks = Alignment {
        dkim: dkim.iter().any(|signature| signature.aligned && signature.result == DkimResult::Pass),
        spf: spf.result == SpfResult::Pass && is_aligned(&spf.domain, domain, strict_spf),
        unknown: dkim.iter().any(|signature| signature.aligned && signature.result == DkimResult::TempError)
            || spf.result == SpfResult::TempError && is_aligned(&spf.domain, domain, strict_spf),
    };
    conclude(domain, found, &speaks, message_id)
}

/// What speaks for the domain in From.
struct Alignment {
    dkim: bool,
    spf: bool,
    /// A failed DNS question keeps us from knowing.
    unknown: bool,
}

fn conclude(domain: &str, found: Found, speaks: &Alignment, message_id: Option<&str>) -> Dmarc {
    let passes = speaks.dkim || speaks.spf;
    let dmarc = |result, why: String| Dmarc {
        result,
        domain: domain.to_string(),
        policy_domain: None,
        policy: DmarcPolicy::None,
        sampled_out: false,
        why,
    };
    let (policy_domain, record) = match found {
        Found::At { domain, record } => (domain, record),
        Found::NoAnswer(why) => return dmarc(DmarcResult::TempError, why),
        Found::Nothing(_) if passes => return dmarc(DmarcResult::BestGuessPass, "there is no record; it would have passed".into()),
        Found::Nothing(why) if why.is_empty() => return dmarc(DmarcResult::None, "there is no record".into()),
        Found::Nothing(why) => return dmarc(DmarcResult::None, why),
    };
    let (result, why) = match (speaks.dkim, speaks.spf) {
        (true, true) => (DmarcResult::Pass, "DKIM and SPF are aligned"),
        (true, false) => (DmarcResult::Pass, "DKIM is aligned"),
        (false, true) => (DmarcResult::Pass, "SPF is aligned"),
        // RFC 7489 §6.6.2: a DNS error is neither a pass nor a fail.
        (false, false) if speaks.unknown => (DmarcResult::TempError, "DNS did not answer for what could have been aligned"),
        (false, false) => (DmarcResult::Fail, "neither SPF nor DKIM speaks for the domain"),
    };
    let asked = match &record.subdomain_policy {
        Some(subdomain) if policy_domain != domain => *subdomain,
        _ => record.policy,
    };
    let sampled_out = asked != DmarcPolicy::None && sample(message_id) >= record.percent;
    let policy = if sampled_out { next_lower(asked) } else { asked };
    Dmarc { policy_domain: Some(policy_domain), policy, sampled_out, ..dmarc(result, why.into()) }
}

fn unusable(why: &str) -> Dmarc {
    Dmarc {
        result: DmarcResult::PermError,
        domain: String::new(),
        policy_domain: None,
        policy: DmarcPolicy::None,
        sampled_out: false,
        why: why.to_string(),
    }
}

/// RFC 7489 §6.6.4: mail outside the sample gets the next lower policy.
fn next_lower(policy: DmarcPolicy) -> DmarcPolicy {
    match policy {
        DmarcPolicy::Reject => DmarcPolicy::Quarantine,
        DmarcPolicy::Quarantine | DmarcPolicy::None => DmarcPolicy::None,
    }
}

/// 0 to 99, the same for the same mail wherever and whenever it is judged: the sample of RFC 7489 §6.6.4 is drawn by a hash
/// (FNV-1a) of Message-ID, so that a replay of receipts decides as the gate did.
fn sample(message_id: Option<&str>) -> u8 {
    let hash = message_id
        .unwrap_or_default()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3));
    (hash % 100) as u8
}
