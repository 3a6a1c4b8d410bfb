//! DMARC aggregate reports (RFC 7489 Appendix C, and RFC 9990, its successor): how a receiver judged mail in a domain's name in one day.
//!
//! In: the XML, in any name space or none, as real programs write it. Out: [`Aggregate`]. A record that says nothing usable is passed over and
//! counted; what cannot be attributed at all is one [`ReportError`]. Not here: containers (`received`), what the numbers mean.

use super::received::ReportError;
use super::xml::{Step, walk};
use std::net::IpAddr;

/// Records of one report.
pub const RECORDS_MAX: usize = 50_000;
/// Signatures, SPF checks and reasons kept of one record; errors of one report.
const SEEN_MAX: usize = 20;
/// Seconds that look like milliseconds are.
const MILLIS_FROM: f64 = 1e11;
/// Nobody reports about the year 2200.
const SECONDS_MAX: f64 = 7_258_118_400.0;

/// One report. Texts are at most 500 characters and without controls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aggregate {
    /// Who reports; the domain of its address where it names itself not.
    pub reporter: String,
    pub contact: String,
    pub report_id: String,
    /// Unix milliseconds.
    pub begin_ms: i64,
    pub end_ms: i64,
    pub generator: String,
    pub errors: Vec<String>,
    pub policy: Published,
    pub records: Vec<Record>,
    /// Records that could not be used.
    pub unread: usize,
    /// The XML was broken, or an octet stood for nothing; what could be read was.
    pub is_repaired: bool,
}

/// The policy as the reporter found it; "" is not said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Published {
    pub domain: String,
    pub p: String,
    pub sp: String,
    pub np: String,
    pub pct: String,
    pub adkim: String,
    pub aspf: String,
    pub fo: String,
    pub testing: String,
    pub discovery: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Disposition {
    #[default]
    None,
    Quarantine,
    Reject,
}

/// Mail of one kind from one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub source: IpAddr,
    pub count: u64,
    pub disposition: Disposition,
    /// Passed, and in the name of the domain.
    pub dkim: bool,
    pub spf: bool,
    pub reasons: Vec<Reason>,
    pub header_from: String,
    pub envelope_from: String,
    pub envelope_to: String,
    pub signatures: Vec<Signature>,
    pub spf_checks: Vec<SpfCheck>,
}

/// Why something else was done than the policy says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reason {
    pub kind: String,
    pub comment: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    pub domain: String,
    pub selector: String,
    pub result: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SpfCheck {
    pub domain: String,
    pub scope: String,
    pub result: String,
}

/// Reads the XML of a report.
/// # Errors
/// What is missing or wrong, as one thing.
pub fn read(octets: &[u8]) -> Result<Aggregate, ReportError> {
    let mut made = Making::default();
    let is_repaired = walk(octets, &mut |step| made.take(&step))?;
    made.finished(is_repaired)
}

#[derive(Default)]
struct Making {
    report: Aggregate,
    begin: String,
    end: String,
    draft: Draft,
}

/// A record as far as it was read.
#[derive(Default)]
struct Draft {
    source: String,
    count: String,
    disposition: String,
    dkim: String,
    spf: String,
    reasons: Vec<Reason>,
    header_from: String,
    envelope_from: String,
    envelope_to: String,
    signatures: Vec<Signature>,
    spf_checks: Vec<SpfCheck>,
}

impl Making {
    fn take(&mut self, step: &Step<'_>) -> Result<(), ReportError> {
        match step {
            Step::Open(path) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                match path.as_slice() {
                    ["record"] => self.draft = Draft::default(),
                    ["record", rest @ ..] => self.draft.open(rest),
                    _ => {}
                }
            }
            Step::Close(path, text) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                match path.as_slice() {
                    ["record"] => self.keep()?,
                    ["record", rest @ ..] => self.draft.close(rest, text),
                    ["report_metadata", rest @ ..] => self.metadata(rest, text),
                    ["policy_published", name] => self.published(name, text),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn metadata(&mut self, path: &[&str], text: &str) {
        let report = &mut self.report;
        match path {
            ["org_name"] => put(&mut report.reporter, text),
            ["email"] => put(&mut report.contact, text),
            ["report_id"] => put(&mut report.report_id, text),
            ["generator"] => put(&mut report.generator, text),
            ["error"] if !text.is_empty() && report.errors.len() < SEEN_MAX => report.errors.push(text.to_string()),
            ["date_range", "begin"] => put(&mut self.begin, text),
            ["date_range", "end"] => put(&mut self.end, text),
            _ => {}
        }
    }

    fn published(&mut self, name: &str, text: &str) {
        let policy = &mut self.report.policy;
        let field = match name {
            "domain" => &mut policy.domain,
            "p" => &mut policy.p,
            "sp" => &mut policy.sp,
            "np" => &mut policy.np,
            "pct" => &mut policy.pct,
            "adkim" => &mut policy.adkim,
            "aspf" => &mut policy.aspf,
            "fo" => &mut policy.fo,
            "testing" => &mut policy.testing,
            "discovery_method" => &mut policy.discovery,
            _ => return,
        };
        put(field, text);
    }

    fn keep(&mut self) -> Result<(), ReportError> {
        if self.report.records.len() + self.report.unread >= RECORDS_MAX {
            return Err(ReportError::TooMany);
        }
        match std::mem::take(&mut self.draft).record() {
            Some(record) => self.report.records.push(record),
            None => self.report.unread += 1,
        }
        Ok(())
    }

    fn finished(self, is_repaired: bool) -> Result<Aggregate, ReportError> {
        let mut report = Aggregate { is_repaired, ..self.report };
        report.policy.domain = crate::address::domain_to_ascii(report.policy.domain.trim_end_matches('.'))
            .filter(|domain| domain.contains('.'))
            .ok_or(ReportError::Missing("policy_published/domain"))?;
        if report.reporter.is_empty() {
            report.reporter = report.contact.rsplit('@').next().unwrap_or_default().to_string();
        }
        if report.reporter.is_empty() {
            return Err(ReportError::Missing("report_metadata/org_name"));
        }
        if report.report_id.is_empty() {
            return Err(ReportError::Missing("report_metadata/report_id"));
        }
        report.begin_ms = moment(&self.begin).ok_or(ReportError::Missing("date_range/begin"))?;
        report.end_ms = moment(&self.end).ok_or(ReportError::Missing("date_range/end"))?.max(report.begin_ms);
        if report.records.is_empty() && report.unread > 0 {
            return Err(ReportError::Missing("record/row/source_ip"));
        }
        Ok(report)
    }
}

impl Draft {
    fn open(&mut self, path: &[&str]) {
        match path {
            ["row", "policy_evaluated", "reason"] if self.reasons.len() < SEEN_MAX => self.reasons.push(Reason::default()),
            ["auth_results", "dkim"] if self.signatures.len() < SEEN_MAX => self.signatures.push(Signature::default()),
            ["auth_results", "spf"] if self.spf_checks.len() < SEEN_MAX => self.spf_checks.push(SpfCheck::default()),
            _ => {}
        }
    }

    fn close(&mut self, path: &[&str], text: &str) {
        match path {
            ["row", "source_ip"] => put(&mut self.source, text),
            ["row", "count"] => put(&mut self.count, text),
            ["row", "policy_evaluated", "disposition"] => put(&mut self.disposition, text),
            ["row", "policy_evaluated", "dkim"] => put(&mut self.dkim, text),
            ["row", "policy_evaluated", "spf"] => put(&mut self.spf, text),
            ["row", "policy_evaluated", "reason", field] => {
                let Some(reason) = self.reasons.last_mut() else { return };
                match *field {
                    "type" => put(&mut reason.kind, text),
                    "comment" => put(&mut reason.comment, text),
                    _ => {}
                }
            }
            // Drafts of RFC 7489 called it so.
            ["identifiers" | "identities", "header_from"] => put(&mut self.header_from, text),
            ["identifiers" | "identities", "envelope_from"] => put(&mut self.envelope_from, text),
            ["identifiers" | "identities", "envelope_to"] => put(&mut self.envelope_to, text),
            ["auth_results", kind, field] => self.seen(kind, field, text),
            _ => {}
        }
    }

    fn seen(&mut self, kind: &str, field: &str, text: &str) {
        let lower = text.to_ascii_lowercase();
        match (kind, self.signatures.last_mut(), self.spf_checks.last_mut()) {
            ("dkim", Some(signature), _) => match field {
                "domain" => put(&mut signature.domain, &lower),
                "selector" => put(&mut signature.selector, text),
                "result" => put(&mut signature.result, &lower),
                _ => {}
            },
            ("spf", _, Some(check)) => match field {
                "domain" => put(&mut check.domain, &lower),
                "scope" => put(&mut check.scope, &lower),
                "result" => put(&mut check.result, &lower),
                _ => {}
            },
            _ => {}
        }
    }

    /// `None` when nobody can say from where, or how many.
    fn record(self) -> Option<Record> {
        let source = self.source.trim_matches(['[', ']']).parse::<IpAddr>().ok()?.to_canonical();
        let count = self.count.parse::<u64>().ok().filter(|count| *count > 0 && *count < u64::from(u32::MAX))?;
        let is_pass = |text: &str| text.eq_ignore_ascii_case("pass");
        let disposition = match self.disposition.to_ascii_lowercase().as_str() {
            "quarantine" => Disposition::Quarantine,
            "reject" => Disposition::Reject,
            _ => Disposition::None,
        };
        let mut reasons = self.reasons;
        reasons.retain(|reason| !reason.kind.is_empty() || !reason.comment.is_empty());
        let mut signatures = self.signatures;
        signatures.retain(|signature| !signature.domain.is_empty());
        let mut spf_checks = self.spf_checks;
        spf_checks.retain(|check| !check.domain.is_empty());
        Some(Record {
            source,
            count,
            disposition,
            dkim: is_pass(&self.dkim),
            spf: is_pass(&self.spf),
            reasons,
            header_from: self.header_from.to_ascii_lowercase(),
            envelope_from: self.envelope_from.to_ascii_lowercase(),
            envelope_to: self.envelope_to.to_ascii_lowercase(),
            signatures,
            spf_checks,
        })
    }
}

/// The first word counts: a second one was smuggled in, or is a mistake.
fn put(field: &mut String, text: &str) {
    if field.is_empty() {
        field.push_str(text);
    }
}

/// Unix seconds as RFC 7489 wants it; with a fraction, in milliseconds or as RFC 3339 as some write it.
fn moment(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<f64>() {
        let seconds = if number > MILLIS_FROM { number / 1000.0 } else { number };
        return (seconds.is_finite() && (0.0..SECONDS_MAX).contains(&seconds)).then_some((seconds * 1000.0) as i64);
    }
    text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond())
}
