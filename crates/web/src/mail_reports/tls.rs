//! TLS reports over time: by domain, by policy, by kind of failure and server. What is serialised here is promised.

use super::Days;
use super::dmarc::is_served;
use crate::App;
use crate::page::Fault;
use crate::people::{May, Person};
use gateway::mail_reports::sql::{self, TlsSum};
use serde::Serialize;
use std::collections::BTreeMap;
use store::Error;
use utoipa::ToSchema;

/// Failures shown of one domain.
const FAILURES_MAX: usize = 200;

/// Sessions of some kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sessions {
    pub succeeded: i64,
    pub failed: i64,
}

impl Sessions {
    fn add(&mut self, sum: &TlsSum) {
        self.succeeded += sum.succeeded;
        self.failed += sum.failed;
    }

    pub fn all(&self) -> i64 {
        self.succeeded + self.failed
    }
}

/// A domain that reports came for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TlsDomain {
    pub domain: String,
    pub sessions: Sessions,
}

/// One day; days without reports are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TlsDay {
    /// Beginning of the day of UTC, Unix milliseconds.
    pub day_ms: i64,
    pub sessions: Sessions,
}

/// Sessions under one kind of policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TlsPolicySum {
    /// sts, tlsa, no-policy-found, or what the reporter wrote.
    pub kind: String,
    pub sessions: Sessions,
}

/// Sessions that failed alike at one server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TlsFailureSum {
    /// Result type of RFC 8460 §4.3, such as certificate-expired.
    pub kind: String,
    /// The server; "" is not said.
    pub mx: String,
    pub failed: i64,
    /// The last day it was reported.
    pub last_day_ms: i64,
}

/// Everything about one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TlsDomainReport {
    pub domain: String,
    pub since_ms: i64,
    pub total: Sessions,
    pub days: Vec<TlsDay>,
    pub policies: Vec<TlsPolicySum>,
    /// Those with most sessions first.
    pub failures: Vec<TlsFailureSum>,
}

/// Sums of failures have this before their kind; those of policies count each session once.
const FAILURE: char = '!';

/// All domains, and all days of all of them together.
pub async fn domains(app: &App, person: &Person, days: Days) -> Result<(Vec<TlsDomain>, Vec<TlsDay>), Fault> {
    let sums = sums(app, person, String::new(), days).await?;
    let mut by_domain: BTreeMap<&str, Sessions> = BTreeMap::new();
    for sum in sums.iter().filter(|sum| !sum.kind.starts_with(FAILURE)) {
        by_domain.entry(&sum.domain).or_default().add(sum);
    }
    let mut found: Vec<TlsDomain> = by_domain.into_iter().map(|(domain, sessions)| TlsDomain { domain: domain.into(), sessions }).collect();
    found.sort_by(|a, b| b.sessions.failed.cmp(&a.sessions.failed).then_with(|| a.domain.cmp(&b.domain)));
    Ok((found, by_day(&sums)))
}

/// Everything about one domain.
/// # Errors
/// [`Fault::NotFound`] when it is no domain of the scope and there are no reports about it.
pub async fn domain(app: &App, person: &Person, domain: &str, days: Days) -> Result<TlsDomainReport, Fault> {
    let name = mail::address::domain_to_ascii(domain).ok_or(Fault::NotFound)?;
    let sums = sums(app, person, name.clone(), days).await?;
    if sums.is_empty() && !is_served(app, person.scope(), &name) {
        return Err(Fault::NotFound);
    }
    let mut total = Sessions::default();
    let mut policies: BTreeMap<&str, Sessions> = BTreeMap::new();
    let mut failures: BTreeMap<(&str, &str), (i64, i64)> = BTreeMap::new();
    for sum in &sums {
        match sum.kind.strip_prefix(FAILURE) {
            Some(kind) => {
                let of = failures.entry((kind, &sum.mx)).or_default();
                *of = (of.0 + sum.failed, of.1.max(sum.day_ms));
            }
            None => {
                total.add(sum);
                policies.entry(&sum.kind).or_default().add(sum);
            }
        }
    }
    let one = |((kind, mx), (failed, last_day_ms)): ((&str, &str), (i64, i64))| TlsFailureSum {
        kind: kind.into(),
        mx: mx.into(),
        failed,
        last_day_ms,
    };
    let mut failures: Vec<TlsFailureSum> = failures.into_iter().map(one).collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.failed));
    failures.truncate(FAILURES_MAX);
    let policies = policies.into_iter().map(|(kind, sessions)| TlsPolicySum { kind: kind.into(), sessions }).collect();
    Ok(TlsDomainReport { domain: name, since_ms: days.since_ms(app.now_ms()), total, days: by_day(&sums), policies, failures })
}

async fn sums(app: &App, person: &Person, domain: String, days: Days) -> Result<Vec<TlsSum>, Fault> {
    person.require(May::Overview)?;
    let (scope, since_ms) = (person.scope(), days.since_ms(app.now_ms()));
    let read = app.db.read(move |tx| Box::pin(async move { sql::tls_days(tx, scope, since_ms, &domain).await }));
    read.await.map_err(|why: Error| Fault::from(why))
}

fn by_day(sums: &[TlsSum]) -> Vec<TlsDay> {
    let mut days: BTreeMap<i64, Sessions> = BTreeMap::new();
    for sum in sums.iter().filter(|sum| !sum.kind.starts_with(FAILURE)) {
        days.entry(sum.day_ms).or_default().add(sum);
    }
    days.into_iter().map(|(day_ms, sessions)| TlsDay { day_ms, sessions }).collect()
}
