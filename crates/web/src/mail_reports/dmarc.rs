//! DMARC over time: what reports of other servers add up to, by domain, by source, and what to do next. What is serialised here is promised.

use super::Days;
use super::who::{self, About, Who};
use crate::App;
use crate::page::Fault;
use crate::people::{May, Person};
use gateway::mail_reports::sql::{self, DmarcSum, Wanted};
use gateway::mail_reports::{Counts, OTHERS, TOGETHER};
use gateway::scope::OrgScope;
use serde::Serialize;
use std::collections::BTreeMap;
use store::Error;
use utoipa::ToSchema;

/// A source passes when so many of a thousand of its mails do, and fails when fewer than the other.
const GOOD_PERMILLE: i64 = 980;
const BAD_PERMILLE: i64 = 20;
/// What has to be known before a stricter policy is suggested: days with reports, and mails.
const DAYS_KNOWN: usize = 14;
const MAILS_KNOWN: i64 = 100;
/// Of a thousand mails that pass, so many may be in danger from a stricter policy.
const IN_DANGER_PERMILLE: i64 = 10;

/// Mails of some kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct DmarcMails {
    pub messages: i64,
    /// DKIM or SPF passed in the name of the domain.
    pub passed: i64,
    pub dkim: i64,
    pub spf: i64,
    pub quarantined: i64,
    pub rejected: i64,
}

impl DmarcMails {
    fn add(&mut self, counts: &Counts) {
        self.messages += counts.messages;
        self.passed += counts.passed;
        self.dkim += counts.dkim;
        self.spf += counts.spf;
        self.quarantined += counts.quarantined;
        self.rejected += counts.rejected;
    }

    pub fn failed(&self) -> i64 {
        (self.messages - self.passed).max(0)
    }

    fn permille(part: i64, whole: i64) -> i64 {
        if whole <= 0 { 0 } else { part.saturating_mul(1000) / whole }
    }
}

/// A domain that reports came for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DmarcDomain {
    pub domain: String,
    /// The policy as the last report found it; "" is not known.
    pub policy: String,
    pub mails: DmarcMails,
}

/// One day of a domain; days without reports are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DmarcDay {
    /// Beginning of the day of UTC, Unix milliseconds.
    pub day_ms: i64,
    pub mails: DmarcMails,
}

/// A server that sent in the domain's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DmarcSource {
    /// Address; "" are those that are not listed one by one.
    pub source: String,
    pub who: Who,
    pub mails: DmarcMails,
    /// Domain of a signature that held; "" is none.
    pub signer: String,
    /// Domain that SPF passed for.
    pub bounce_domain: String,
    /// The last day with mail from it.
    pub last_day_ms: i64,
    /// What to do: good, no-dkim, partly, own, service, other-signer, unknown.
    pub advice: &'static str,
}

/// What to do about the policy of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DmarcAdvice {
    /// wait, sources, to-quarantine, to-reject, keep, unknown-policy.
    pub next: &'static str,
    /// Sources that look like yours and fail.
    pub sources: usize,
    /// Their mails that fail.
    pub in_danger: i64,
    /// Mails that fail and come from nobody you know.
    pub forged: i64,
}

/// Everything about one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DmarcReport {
    pub domain: String,
    pub since_ms: i64,
    pub policy: String,
    pub total: DmarcMails,
    pub days: Vec<DmarcDay>,
    /// Those with most mails first, at most 500.
    pub sources: Vec<DmarcSource>,
    pub advice: DmarcAdvice,
}

/// All domains, and all days of all of them together.
pub async fn domains(app: &App, person: &Person, days: Days) -> Result<(Vec<DmarcDomain>, Vec<DmarcDay>), Fault> {
    person.require(May::Overview)?;
    let (scope, since_ms) = (person.scope(), days.since_ms(app.now_ms()));
    let sums: Vec<DmarcSum> = app
        .db
        .read(move |tx| Box::pin(async move { sql::dmarc_days(tx, scope, since_ms, "").await }))
        .await
        .map_err(|why: Error| Fault::from(why))?;
    let mut by_domain: BTreeMap<String, DmarcMails> = BTreeMap::new();
    let mut by_day: BTreeMap<i64, DmarcMails> = BTreeMap::new();
    for sum in &sums {
        by_domain.entry(sum.domain.clone()).or_default().add(&sum.counts);
        by_day.entry(sum.day_ms).or_default().add(&sum.counts);
    }
    let mut found = Vec::new();
    for (domain, mails) in by_domain {
        let policy = policy(app, scope, &domain).await?;
        found.push(DmarcDomain { domain, policy, mails });
    }
    found.sort_by(|a, b| b.mails.messages.cmp(&a.mails.messages).then_with(|| a.domain.cmp(&b.domain)));
    Ok((found, by_day.into_iter().map(|(day_ms, mails)| DmarcDay { day_ms, mails }).collect()))
}

/// The policy that the last report about a domain found.
async fn policy(app: &App, scope: OrgScope, domain: &str) -> Result<String, Fault> {
    let wanted = Wanted { kind: "dmarc".into(), domain: domain.into(), before: None, limit: 1 };
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let Some(last) = sql::list(tx, scope, &wanted).await?.pop() else { return Ok(None) };
            Ok::<_, Error>(sql::one(tx, scope, last.id).await?.map(|row| row.detail))
        })
    });
    let detail = read.await?.unwrap_or_default();
    let found: serde_json::Value = serde_json::from_str(&detail).unwrap_or_default();
    Ok(found["policy"]["p"].as_str().unwrap_or_default().to_ascii_lowercase())
}

/// Everything about one domain.
/// # Errors
/// [`Fault::NotFound`] when it is no domain of the scope and there are no reports about it.
pub async fn domain(app: &App, person: &Person, domain: &str, days: Days) -> Result<DmarcReport, Fault> {
    person.require(May::Overview)?;
    let name = mail::address::domain_to_ascii(domain).ok_or(Fault::NotFound)?;
    let (scope, since_ms, wanted) = (person.scope(), days.since_ms(app.now_ms()), name.clone());
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let days = sql::dmarc_days(tx, scope, since_ms, &wanted).await?;
            Ok::<_, Error>((days, sql::dmarc_sources(tx, scope, since_ms, &wanted).await?))
        })
    });
    let (by_day, sources) = read.await?;
    if by_day.is_empty() && !is_served(app, scope, &name) {
        return Err(Fault::NotFound);
    }
    let mut total = DmarcMails::default();
    let days: Vec<DmarcDay> = by_day
        .iter()
        .map(|sum| {
            total.add(&sum.counts);
            DmarcDay { day_ms: sum.day_ms, mails: mails(&sum.counts) }
        })
        .collect();
    let (hosts, spf) =
        futures_util::future::join(who::hosts(app, sources.iter().map(|sum| sum.source.as_str())), who::spf(app, &name)).await;
    let about = About { scope, hosts, spf: &spf };
    let sources: Vec<DmarcSource> = sources.into_iter().map(|sum| source_of(app, &about, sum)).collect();
    let policy = policy(app, scope, &name).await?;
    let advice = advice(&policy, &days, &total, &sources);
    Ok(DmarcReport { domain: name, since_ms, policy, total, days, sources, advice })
}

/// One source of a domain, day by day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DmarcSourceReport {
    pub domain: String,
    pub since_ms: i64,
    pub source: DmarcSource,
    pub days: Vec<DmarcDay>,
}

/// # Errors
/// [`Fault::NotFound`] when no mail came from it.
pub async fn source(app: &App, person: &Person, (domain, source): (&str, &str), days: Days) -> Result<DmarcSourceReport, Fault> {
    person.require(May::Overview)?;
    let name = mail::address::domain_to_ascii(domain).ok_or(Fault::NotFound)?;
    let ip: std::net::IpAddr = source.parse().map_err(|_| Fault::NotFound)?;
    let (scope, since_ms) = (person.scope(), days.since_ms(app.now_ms()));
    let wanted = (name.clone(), ip.to_string());
    let read = app.db.read(move |tx| Box::pin(async move { sql::dmarc_source(tx, scope, since_ms, (&wanted.0, &wanted.1)).await }));
    let sums: Vec<DmarcSum> = read.await.map_err(|why: Error| Fault::from(why))?;
    let last = sums.last().cloned().ok_or(Fault::NotFound)?;
    let mut together = last;
    let mut all = DmarcMails::default();
    sums.iter().for_each(|sum| all.add(&sum.counts));
    let Counts { signer, bounce_domain, .. } = together.counts.clone();
    together.counts = Counts {
        messages: all.messages,
        passed: all.passed,
        dkim: all.dkim,
        spf: all.spf,
        quarantined: all.quarantined,
        rejected: all.rejected,
        signer,
        bounce_domain,
    };
    let (hosts, spf) = futures_util::future::join(who::hosts(app, std::iter::once(together.source.as_str())), who::spf(app, &name)).await;
    let source = source_of(app, &About { scope, hosts, spf: &spf }, together);
    let days = sums.iter().map(|sum| DmarcDay { day_ms: sum.day_ms, mails: mails(&sum.counts) }).collect();
    Ok(DmarcSourceReport { domain: name, since_ms, source, days })
}

pub fn is_served(app: &App, scope: OrgScope, domain: &str) -> bool {
    app.directory.snapshot().domains.get(domain).is_some_and(|found| scope.allows(found.org))
}

fn mails(counts: &Counts) -> DmarcMails {
    let mut mails = DmarcMails::default();
    mails.add(counts);
    mails
}

fn source_of(app: &App, about: &About<'_>, sum: DmarcSum) -> DmarcSource {
    let mails = mails(&sum.counts);
    let Counts { signer, bounce_domain, .. } = sum.counts;
    let who = if sum.source == OTHERS || sum.source == TOGETHER {
        Who { kind: "unknown", ..Who::default() }
    } else {
        who::who(app, about, (&sum.source, &signer, &bounce_domain))
    };
    let advice = source_advice(&mails, &who, &signer);
    DmarcSource { source: sum.source, who, mails, signer, bounce_domain, last_day_ms: sum.day_ms, advice }
}

/// What to do about a source.
fn source_advice(mails: &DmarcMails, who: &Who, signer: &str) -> &'static str {
    let passed = DmarcMails::permille(mails.passed, mails.messages);
    if passed >= GOOD_PERMILLE {
        // SPF alone does not survive forwarding.
        return if DmarcMails::permille(mails.dkim, mails.messages) < GOOD_PERMILLE / 2 { "no-dkim" } else { "good" };
    }
    if passed > BAD_PERMILLE {
        return "partly";
    }
    match who.kind {
        "own" => "own",
        "service" => "service",
        _ if !signer.is_empty() => "other-signer",
        _ => "unknown",
    }
}

/// What to do about the policy.
fn advice(policy: &str, days: &[DmarcDay], total: &DmarcMails, sources: &[DmarcSource]) -> DmarcAdvice {
    let looks_ours = |source: &&DmarcSource| matches!(source.advice, "own" | "service" | "partly");
    let failing: Vec<&DmarcSource> = sources.iter().filter(looks_ours).collect();
    let in_danger: i64 = failing.iter().map(|source| source.mails.failed()).sum();
    let forged = (total.failed() - in_danger).max(0);
    let is_known = days.len() >= DAYS_KNOWN && total.messages >= MAILS_KNOWN;
    let is_safe = DmarcMails::permille(in_danger, total.passed.max(1)) <= IN_DANGER_PERMILLE && total.passed > 0;
    let next = match policy {
        "reject" if is_safe || in_danger == 0 => "keep",
        _ if !is_safe && in_danger > 0 => "sources",
        "reject" => "keep",
        _ if !is_known => "wait",
        "quarantine" => "to-reject",
        "none" => "to-quarantine",
        _ => "unknown-policy",
    };
    DmarcAdvice { next, sources: failing.len(), in_danger, forged }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: &'static str, (messages, passed, dkim): (i64, i64, i64), signer: &str) -> DmarcSource {
        let mails = DmarcMails { messages, passed, dkim, ..DmarcMails::default() };
        let who = Who { kind, ..Who::default() };
        let advice = source_advice(&mails, &who, signer);
        DmarcSource { source: "192.0.2.1".into(), who, mails, signer: signer.into(), bounce_domain: String::new(), last_day_ms: 0, advice }
    }

    #[test]
    fn a_source_has_one_thing_to_do() {
        for (kind, mails, signer, want) in [
            ("own", (100, 100, 100), "", "good"),
            ("own", (100, 100, 0), "", "no-dkim"),
            ("own", (100, 0, 0), "", "own"),
            ("service", (100, 1, 1), "sendgrid.net", "service"),
            ("service", (100, 60, 60), "sendgrid.net", "partly"),
            ("unknown", (100, 0, 0), "shop.example", "other-signer"),
            ("unknown", (100, 0, 0), "", "unknown"),
        ] {
            assert_eq!(source(kind, mails, signer).advice, want, "{kind} {mails:?}");
        }
    }

    #[test]
    fn a_stricter_policy_is_suggested_when_nothing_of_ours_would_suffer() {
        let days = |count: usize| vec![DmarcDay { day_ms: 0, mails: DmarcMails::default() }; count];
        let forged = source("unknown", (5_000, 0, 0), "");
        let good = source("own", (1_000, 1_000, 1_000), "");
        let bad = source("service", (50, 0, 0), "sendgrid.net");
        let total = |sources: &[DmarcSource]| DmarcMails {
            messages: sources.iter().map(|one| one.mails.messages).sum(),
            passed: sources.iter().map(|one| one.mails.passed).sum(),
            ..DmarcMails::default()
        };
        for (policy, count, sources, want) in [
            ("none", 3, vec![good.clone()], "wait"),
            ("none", 30, vec![good.clone(), forged.clone()], "to-quarantine"),
            ("quarantine", 30, vec![good.clone(), forged.clone()], "to-reject"),
            ("reject", 30, vec![good.clone(), forged.clone()], "keep"),
            ("none", 30, vec![good.clone(), forged.clone(), bad.clone()], "sources"),
            ("reject", 30, vec![good.clone(), bad.clone()], "sources"),
            ("", 30, vec![good.clone()], "unknown-policy"),
            ("none", 30, vec![forged.clone()], "to-quarantine"),
        ] {
            let found = advice(policy, &days(count), &total(&sources), &sources);
            let want = if policy == "none" && sources == [forged.clone()] { "to-quarantine" } else { want };
            assert_eq!(found.next, want, "{policy} {count}");
        }
        assert_eq!(advice("none", &days(30), &total(&[good, forged]), &[]).forged, 5_000);
    }
}
