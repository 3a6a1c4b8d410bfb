//! Delivery security: what the domain that mail goes to asks of the connection, and whether it was kept.
//!
//! In: a domain and one of its hosts. Out: a [`Guard`], which `hello` holds the connection to, or [`Blocked`]. Invariant: where a policy
//! forbids it, mail is never sent in clear text nor to a server that is not who it should be; when it cannot be found out what the policy
//! says, mail waits. DANE (RFC 7672) goes before MTA-STS (RFC 8461 §2). Not here: connections to next hops that a connector names.

pub mod dane;
pub mod fetch;
pub mod outcome;
pub mod policies;
pub mod proven;
pub mod report;
pub mod settings;
pub mod sql;
pub mod sts;
#[cfg(test)]
mod tests;

use super::Tls;
use dane::Dane;
use fetch::Places;
use mail::dns::{Dns, Record, RecordType};
use mail::smtp::Reply;
use outcome::{Failure, Outcomes, PolicyKind, Session};
use policies::Policies;
use proven::{ProvenDns, UnprovenError};
use std::sync::Arc;
use sts::{Mode, Policy};

/// What protects deliveries; without parts (the default) only what connectors and mails ask for.
pub struct Security {
    /// Where mail servers found by MX records may be.
    pub mx: Places,
    pub proven: Option<Arc<dyn ProvenDns>>,
    pub policies: Option<Policies>,
    /// Counts for reports.
    pub outcomes: Option<Outcomes>,
    /// "TLS-Required: No" of a mail counts (RFC 8689 §3).
    pub honours_no: bool,
}

impl Default for Security {
    fn default() -> Security {
        Security { mx: Places { port: 25, private: false }, proven: None, policies: None, outcomes: None, honours_no: true }
    }
}

/// What a connection to one host must come to.
#[derive(Debug, Clone, Default)]
pub enum Guard {
    /// The domain asks for nothing.
    #[default]
    Open,
    /// It would, and the sender of this mail does not want it to count.
    Waived,
    /// TLS with a certificate that fits (RFC 7672 §2.2).
    Dane(Arc<Dane>),
    /// TLS with any certificate: there are TLSA records, and none can be used.
    DaneTls,
    /// TLS with a certificate from a public root for the host's name (RFC 8461 §4).
    Sts(Arc<Policy>),
    /// As `Sts`, only looked at and reported. Whether the policy names the host.
    Testing(Arc<Policy>, bool),
}

/// The host or the domain must not be used now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub failure: Failure,
    pub policy: PolicyKind,
    pub lines: Vec<String>,
    pub why: String,
}

impl Blocked {
    /// In traces: which policy blocks.
    pub fn name(&self) -> &'static str {
        if self.policy == PolicyKind::Sts { "MTA-STS" } else { "DANE" }
    }

    /// For the queue: the mail waits (RFC 8461 §5, RFC 7672 §2.1.1).
    pub fn reply(&self) -> Reply {
        Reply::new(451, (4, 7, 5), self.why.clone())
    }
}

impl Guard {
    /// In traces: which policy applied.
    pub fn name(&self) -> &'static str {
        match self {
            Guard::Open => "",
            Guard::Waived => "TLS-Required: No",
            Guard::Dane(_) => "DANE",
            Guard::DaneTls => "DANE without a usable record",
            Guard::Sts(_) => "MTA-STS enforce",
            Guard::Testing(..) => "MTA-STS testing",
        }
    }

    pub fn kind(&self) -> PolicyKind {
        match self {
            Guard::Open | Guard::Waived => PolicyKind::None,
            Guard::Dane(_) | Guard::DaneTls => PolicyKind::Tlsa,
            Guard::Sts(_) | Guard::Testing(..) => PolicyKind::Sts,
        }
    }

    pub fn lines(&self) -> Vec<String> {
        match self {
            Guard::Open | Guard::Waived | Guard::DaneTls => Vec::new(),
            Guard::Dane(dane) => dane.records.iter().map(dane::Tlsa::shown).collect(),
            Guard::Sts(policy) | Guard::Testing(policy, _) => policy.lines(),
        }
    }

    /// Clear text is forbidden.
    pub fn needs_tls(&self) -> bool {
        matches!(self, Guard::Dane(_) | Guard::DaneTls | Guard::Sts(_))
    }
}

/// What is known of a domain before one of its hosts is tried.
pub struct Asked<'a> {
    security: &'a Security,
    domain: &'a str,
    /// Hosts that were proven to take its mail; `None`: nothing was proven.
    exchanges: Option<Vec<String>>,
    policy: Option<Arc<Policy>>,
}

impl Security {
    /// Finds out what `domain` asks for. Domains are in lower case, as A-labels.
    /// # Errors
    /// It cannot be found out, or what DNS says is bogus.
    pub async fn of_domain<'a>(&'a self, domain: &'a str, (dns, tls): (&dyn Dns, &Tls), now_ms: i64) -> Result<Asked<'a>, Blocked> {
        let exchanges = self.exchanges(domain).await?;
        let mut policy = None;
        if let Some(policies) = &self.policies {
            let found = policies.of(domain, (dns, tls), now_ms).await.map_err(|why| Blocked {
                failure: Failure::StsPolicyFetchError,
                policy: PolicyKind::Sts,
                lines: Vec::new(),
                why: format!("whether {domain} has an MTA-STS policy cannot be found out: {why}"),
            })?;
            if let Some(failure) = found.failure {
                let lines = found.policy.as_ref().map(|policy| policy.lines()).unwrap_or_default();
                self.note(
                    Session {
                        domain: domain.into(),
                        policy: PolicyKind::Sts,
                        lines,
                        mx: String::new(),
                        ip: String::new(),
                        failure: Some(failure),
                    },
                    now_ms,
                );
            }
            policy = found.policy.filter(|policy| policy.mode != Mode::None);
        }
        Ok(Asked { security: self, domain, exchanges, policy })
    }

    pub fn note(&self, session: Session, now_ms: i64) {
        if let Some(outcomes) = &self.outcomes {
            outcomes.note(session, now_ms);
        }
    }

    /// Hosts of the domain that were proven (RFC 7672 §2.2.1).
    async fn exchanges(&self, domain: &str) -> Result<Option<Vec<String>>, Blocked> {
        let Some(dns) = &self.proven else { return Ok(None) };
        if !dns.is_able().await {
            return Ok(None);
        }
        let found = dns.ask(domain, RecordType::Mx).await.map_err(|why| unproven(domain, &why))?;
        let names: Vec<String> = found
            .records
            .iter()
            .filter_map(|record| match record {
                Record::Mx { exchange, .. } => Some(exchange.trim_end_matches('.').to_ascii_lowercase()),
                _ => None,
            })
            .collect();
        Ok(match (found.is_secure, names.is_empty()) {
            (false, _) => None,
            (true, true) => Some(vec![domain.to_string()]), // RFC 5321 §5.1: the implicit MX
            (true, false) => Some(names),
        })
    }
}

impl Asked<'_> {
    /// What a connection to `host` must come to.
    /// # Errors
    /// The host must not be used now.
    pub async fn of_host(&self, host: &str) -> Result<Guard, Blocked> {
        if let (Some(exchanges), Some(dns)) = (&self.exchanges, &self.security.proven) {
            if !exchanges.iter().any(|exchange| exchange == host) {
                return Err(Blocked {
                    failure: Failure::DnssecInvalid,
                    policy: PolicyKind::Tlsa,
                    lines: Vec::new(),
                    why: format!("{host} is no mail server of {} by its signed zone (DNSSEC)", self.domain),
                });
            }
            match dane::of_host(dns.as_ref(), self.domain, host).await.map_err(|why| unproven(host, &why))? {
                dane::Tls::Checked(dane) => return Ok(Guard::Dane(Arc::new(dane))),
                dane::Tls::AnyCertificate => return Ok(Guard::DaneTls),
                dane::Tls::Unsaid => {}
            }
        }
        let Some(policy) = &self.policy else { return Ok(Guard::Open) };
        match (policy.mode, policy.names(host)) {
            (Mode::None, _) => Ok(Guard::Open),
            (Mode::Testing, is_named) => Ok(Guard::Testing(policy.clone(), is_named)),
            (Mode::Enforce, true) => Ok(Guard::Sts(policy.clone())),
            (Mode::Enforce, false) => Err(Blocked {
                failure: Failure::ValidationFailure,
                policy: PolicyKind::Sts,
                lines: policy.lines(),
                why: format!("{host} is no mail server of {} by its MTA-STS policy", self.domain),
            }),
        }
    }
}

fn unproven(name: &str, why: &UnprovenError) -> Blocked {
    let why = format!("whether mail to {name} must be encrypted cannot be proven (DANE): {why}");
    Blocked { failure: Failure::DnssecInvalid, policy: PolicyKind::Tlsa, lines: Vec::new(), why }
}
