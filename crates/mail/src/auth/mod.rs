//! Authentication of the sender: SPF (RFC 7208), DKIM (RFC 6376, 8301, 8463), DMARC (RFC 7489), ARC (RFC 8617).
//!
//! In: a mail and [`crate::dns::Dns`]. Out: [`AuthResults`]. DNS is asked for everything at once, then everything is judged
//! without waiting. Invariant: no result is better than `none` unless its RFC says so for these octets; a failed DNS
//! question is `temperror`, never `pass` and never `fail`.
//! Not here: what to do about a result (`detect`, `gateway`).

mod arc;
mod composite;
mod content;
mod dkim;
mod dmarc;
mod domain;
mod questions;
mod results;
mod sign;
mod spf;
#[cfg(test)]
mod suites;
#[cfg(test)]
mod tests;

use crate::dns::{Answer, Dns, RecordType};
use crate::envelope::Mail;
use futures_util::future::{join_all, join3};
use questions::Questions;

pub use arc::seal::Sealer;
pub use results::{authentication_results, strip_ours};
pub use sign::{KeyError, KeyKind, NewKey, Signer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SpfResult {
    None,
    Neutral,
    Pass,
    Fail,
    SoftFail,
    TempError,
    PermError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DkimResult {
    None,
    Pass,
    Fail,
    /// The signature is fine but we do not accept it (RFC 8601 §2.7.1): key too short, `l=` short of the body.
    Policy,
    Neutral,
    TempError,
    PermError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcResult {
    None,
    Pass,
    Fail,
    /// No record, but it would have passed one.
    BestGuessPass,
    TempError,
    PermError,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmarcPolicy {
    None,
    Quarantine,
    Reject,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spf {
    pub result: SpfResult,
    /// The domain checked: that of MAIL FROM, else of HELO.
    pub domain: String,
    /// HELO was the identity checked (null reverse-path).
    pub by_helo: bool,
    /// For people: the mechanism that matched, or what failed.
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dkim {
    pub result: DkimResult,
    /// `d=`, lower-case A-labels.
    pub domain: String,
    pub selector: String,
    /// "rsa-sha256", "ed25519-sha256", …
    pub algorithm: String,
    pub aligned: bool,
    pub why: String,
    /// First 8 characters of `b=`, to tell signatures apart (RFC 6008).
    pub b: String,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Dmarc {
    pub result: DmarcResult,
    /// Domain of the From header.
    pub domain: String,
    /// Where the record was found.
    pub policy_domain: Option<String>,
    /// The policy that applies to `domain` (`sp` where it is a subdomain, after `pct`).
    pub policy: DmarcPolicy,
    /// The mail fell outside `pct`, so `policy` is one step lower than the domain asks.
    pub sampled_out: bool,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Arc {
    /// `none`, `pass` or `fail` (RFC 8617 §5.2 "cv").
    pub result: DkimResult,
    pub instances: u32,
    /// `d=` of the newest ARC-Seal.
    pub sealer: Option<String>,
    /// The chain passed and the sealer is one this service trusts.
    pub trusted: bool,
    pub why: String,
}

/// Composite authentication (`reference/service.md` §1.2): one answer with a three-digit reason.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Composite {
    pub result: CompositeResult,
    pub reason: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CompositeResult {
    None,
    Pass,
    SoftPass,
    Fail,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuthResults {
    pub spf: Spf,
    pub dkim: Vec<Dkim>,
    pub dmarc: Dmarc,
    pub arc: Arc,
    pub composite: Composite,
    /// Questions asked, for the budget in the receipt.
    pub dns_lookups: u32,
}

impl AuthResults {
    /// What is known when nobody was asked about this domain, as without a network.
    pub fn not_asked(domain: &str) -> AuthResults {
        AuthResults {
            spf: Spf { result: SpfResult::None, domain: domain.into(), by_helo: false, why: String::new() },
            dkim: Vec::new(),
            dmarc: Dmarc {
                result: DmarcResult::None,
                domain: domain.into(),
                policy_domain: None,
                policy: DmarcPolicy::None,
                sampled_out: false,
                why: String::new(),
            },
            arc: Arc { result: DkimResult::None, instances: 0, sealer: None, trusted: false, why: String::new() },
            composite: Composite { result: CompositeResult::None, reason: 300 },
            dns_lookups: 0,
        }
    }
}

/// Settings of authentication.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Our authserv-id in Authentication-Results (RFC 8601 §2.5).
    pub authserv_id: String,
    /// Domains whose ARC seals count.
    pub trusted_sealers: Vec<String>,
    /// RFC 6376 §8.4: more signatures than this are not looked at.
    pub dkim_signatures_max: usize,
    pub dns_lookups_max: u32,
    /// Domains that belong to the receiving organisations, for reason 010.
    pub own_domains: std::sync::Arc<std::collections::HashSet<String>>,
}

/// Checks everything there is to check. Never fails: what cannot be found out is `TempError` in its place.
pub async fn authenticate(mail: Mail<'_>, dns: &dyn Dns, settings: &AuthSettings) -> AuthResults {
    let ask = Questions::new(dns, settings.dns_lookups_max);
    let content = content::Content::of(mail.message);
    let candidates = dkim::candidates(&content, settings.dkim_signatures_max);
    let chain = arc::find(&content);
    let names = key_names(&candidates, &chain);
    let (spf, policy, answers) =
        join3(check_spf(mail, &ask, settings), dmarc::find(&mail.message.from, &ask), fetch_keys(&names, &ask)).await;

    let answer = |name: &str| names.iter().position(|known| known == name).and_then(|at| answers.get(at));
    let mut verifier = dkim::Verifier::new(&content, mail.now_ms);
    let mut dkim: Vec<Dkim> = candidates
        .into_iter()
        .map(|candidate| {
            let answer = candidate.key_name().and_then(|name| answer(&name));
            verifier.judge(candidate, answer)
        })
        .collect();
    let mut arc = chain.judge(&mut verifier, answer);
    arc.trusted = arc.result == DkimResult::Pass && arc.sealer.as_ref().is_some_and(|sealer| is_trusted(sealer, settings));
    let dmarc = dmarc::judge(&mail.message.from, policy, &spf, &mut dkim, mail.message.message_id.as_deref());
    let evidence = composite::Evidence { spf: &spf, dkim: &dkim, dmarc: &dmarc, arc: &arc, peer: mail.peer };
    let composite = composite::judge(&evidence, settings);
    AuthResults { spf, dkim, dmarc, arc, composite, dns_lookups: ask.asked() }
}

/// RFC 7208 §2.4: MAIL FROM, or postmaster at the name in HELO where MAIL FROM is empty.
async fn check_spf(mail: Mail<'_>, ask: &Questions<'_>, settings: &AuthSettings) -> Spf {
    let sender = mail.envelope.sender.as_ref();
    let domain = sender.map_or(mail.peer.helo.as_str(), |sender| sender.domain());
    let query = spf::Query {
        ip: mail.peer.ip,
        helo: &mail.peer.helo,
        local: sender.map(|sender| sender.local()).filter(|local| !local.is_empty()).unwrap_or("postmaster"),
        domain,
        receiver: &settings.authserv_id,
        now_ms: mail.now_ms,
        explain: false,
    };
    let outcome = spf::check_host(&query, ask).await;
    Spf { result: outcome.result, domain: domain.to_ascii_lowercase(), by_helo: sender.is_none(), why: outcome.why }
}

/// Every key that DKIM and ARC need, once.
fn key_names(candidates: &[dkim::Candidate<'_>], chain: &arc::Found<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in candidates.iter().filter_map(dkim::Candidate::key_name).chain(chain.key_names()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

async fn fetch_keys(names: &[String], ask: &Questions<'_>) -> Vec<Answer> {
    match names {
        [] => Vec::new(),
        _ => join_all(names.iter().map(|name| ask.ask(name, RecordType::Txt))).await,
    }
}

fn is_trusted(sealer: &str, settings: &AuthSettings) -> bool {
    settings.trusted_sealers.iter().any(|trusted| trusted.eq_ignore_ascii_case(sealer))
}
