//! How an organisation stands: what its domains publish, what others say of its mail, and how often the filter was wrong.
//!
//! In: the last looks at its domains, sums of a month. Out: [`Posture`]. Figures of a month are kept when the month is over, as the sums
//! they come from are not kept as long. Nothing here is typed by a person.

use super::sql;
use crate::diagnostics::sql as results;
use crate::domain::{self, check::KIND};
use gateway::mail_reports::sql as reports_sql;
use gateway::scope::OrgScope;
use mail::OrgId;
use serde::{Deserialize, Serialize};
use store::{Error, Tx};
use utoipa::ToSchema;

/// What is looked at of a domain for a review, in this order.
pub const CHECKS: [&str; 6] = ["domain.spf", "domain.dkim", "domain.dmarc", "domain.mta-sts", "domain.tls-rpt", "domain.dane"];

/// One domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DomainPosture {
    pub domain: String,
    /// When it was looked at.
    pub at_ms: i64,
    /// Check and result ("ok", "advice", "cannot-tell", "problem"), SPF, DKIM, DMARC and TLS.
    pub results: Vec<DomainResult>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DomainResult {
    /// Such as "domain.spf".
    pub check: String,
    pub result: String,
}

/// Figures of a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MonthFigures {
    /// Mails that were judged.
    pub mails: i64,
    /// Of those, found unwanted.
    pub unwanted: i64,
    /// Found unwanted, and reported as good: false positives.
    pub false_positives: i64,
    /// Let through, and reported as unwanted.
    pub missed: i64,
    /// Mails that others reported about by DMARC, and those that passed.
    pub dmarc_mails: i64,
    pub dmarc_passed: i64,
    /// Sessions that others reported about by TLS reports.
    pub tls_succeeded: i64,
    pub tls_failed: i64,
}

/// How an organisation stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Posture {
    pub domains: Vec<DomainPosture>,
    pub figures: MonthFigures,
}

/// Of a month by its span.
pub async fn read(tx: &mut Tx, org: OrgId, span: (i64, i64)) -> Result<Posture, Error> {
    let scope = OrgScope::One(org);
    let mut domains = Vec::new();
    for (_, name, at_ms, json) in results::all(tx, scope, KIND).await? {
        // One of another version is looked at again soon.
        let Ok(report) = serde_json::from_str::<domain::Report>(&json) else { continue };
        let result =
            |check: &&str| report.of(check).map(|checked| DomainResult { check: (*check).into(), result: checked.result.name().into() });
        domains.push(DomainPosture { domain: name, at_ms, results: CHECKS.iter().filter_map(result).collect() });
    }
    let kept = sql::month(tx, scope, span.0).await?.and_then(|text| serde_json::from_str(&text).ok());
    let figures = match kept {
        Some(figures) => figures,
        None => figures(tx, org, span).await?,
    };
    Ok(Posture { domains, figures })
}

/// Figures of a span, from the sums that are there now.
pub async fn figures(tx: &mut Tx, org: OrgId, span: (i64, i64)) -> Result<MonthFigures, Error> {
    let mut figures = MonthFigures::default();
    for (kind, name, count) in sql::sums(tx, org, span).await? {
        match (kind.as_str(), name.as_str()) {
            ("verdict", name) => {
                figures.mails += count;
                figures.unwanted += if name == "clean" { 0 } else { count };
            }
            (_, "good") => figures.false_positives += count,
            _ => figures.missed += count,
        }
    }
    let scope = OrgScope::One(org);
    for day in reports_sql::dmarc_days(tx, scope, span.0, "").await?.iter().filter(|day| day.day_ms < span.1) {
        figures.dmarc_mails += day.counts.messages;
        figures.dmarc_passed += day.counts.passed;
    }
    // Failures are told beside the sessions that they belong to.
    for day in reports_sql::tls_days(tx, scope, span.0, "").await?.iter().filter(|day| day.day_ms < span.1 && !day.kind.starts_with('!')) {
        figures.tls_succeeded += day.succeeded;
        figures.tls_failed += day.failed;
    }
    Ok(figures)
}
