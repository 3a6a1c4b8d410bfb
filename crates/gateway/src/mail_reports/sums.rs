//! What a report adds up to: per day and source, per day and kind of failure; and what is kept of it to be looked at.

use super::{Arrival, Row};
use mail::OrgId;
use mail::report::aggregate::{Aggregate, Disposition, Record};
use mail::report::arf::Feedback;
use mail::report::received::Report;
use mail::report::tls::TlsReport;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Sources of one report that are added up one by one; the rest together as [`OTHERS`].
const SOURCES_MAX: usize = 1_000;
/// Kinds of failure and servers of one report that are added up one by one.
const FAILURES_MAX: usize = 500;
/// Records and failures kept of one report, the greatest first.
const KEPT_MAX: usize = 2_000;

/// The sources that are not listed one by one.
pub const OTHERS: &str = "";
/// All sources of a day together.
pub const TOGETHER: &str = "*";

/// Beginning of the day of UTC.
pub fn day_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(DAY_MS) * DAY_MS
}

/// Mails of one source in one day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub messages: i64,
    pub passed: i64,
    pub dkim: i64,
    pub spf: i64,
    pub quarantined: i64,
    pub rejected: i64,
    /// Of most of the mails.
    pub signer: String,
    pub bounce_domain: String,
}

/// What a report adds to the sums of its day. Kept with it as JSON, so that it can be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sums {
    pub org: i64,
    pub domain: String,
    pub day_ms: i64,
    /// By source.
    pub dmarc: BTreeMap<String, Counts>,
    /// By domain, kind and server: sessions that succeeded and that failed.
    #[serde(with = "by_list")]
    pub tls: BTreeMap<(String, String, String), (i64, i64)>,
}

impl Sums {
    /// As it is kept with the report; "" where a report adds nothing.
    pub(super) fn json(&self) -> String {
        if self.dmarc.is_empty() && self.tls.is_empty() { String::new() } else { serde_json::to_string(self).unwrap_or_default() }
    }

    /// What takes it back.
    pub(super) fn negated(mut self) -> Sums {
        for counts in self.dmarc.values_mut() {
            let Counts { messages, passed, dkim, spf, quarantined, rejected, signer, bounce_domain } = counts;
            for number in [messages, passed, dkim, spf, quarantined, rejected] {
                *number = -*number;
            }
            // Names say nothing about how many.
            signer.clear();
            bounce_domain.clear();
        }
        for (succeeded, failed) in self.tls.values_mut() {
            (*succeeded, *failed) = (-*succeeded, -*failed);
        }
        self
    }

    /// The sums of a report, of the domains that are `own`.
    pub(super) fn of(report: &Report, own: &[String]) -> Sums {
        match report {
            Report::Aggregate(report) => Sums {
                domain: report.policy.domain.clone(),
                day_ms: day_of(report.begin_ms),
                dmarc: by_source(&report.records),
                ..Sums::default()
            },
            Report::Tls(report) => Sums { day_ms: day_of(report.begin_ms), tls: by_failure(report, own), ..Sums::default() },
            Report::Feedback(_) => Sums::default(),
        }
    }

    pub(super) fn for_org(self, org: OrgId) -> Sums {
        Sums { org: org.0, ..self }
    }
}

/// JSON has no maps whose keys are lists.
mod by_list {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    type Map = BTreeMap<(String, String, String), (i64, i64)>;

    pub fn serialize<S: Serializer>(map: &Map, to: S) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Map, D::Error> {
        Ok(Vec::<((String, String, String), (i64, i64))>::deserialize(from)?.into_iter().collect())
    }
}

impl Counts {
    fn add(&mut self, record: &Record) {
        let count = i64::try_from(record.count).unwrap_or(i64::MAX);
        let when = |is: bool| if is { count } else { 0 };
        self.messages += count;
        self.passed += when(record.dkim || record.spf);
        self.dkim += when(record.dkim);
        self.spf += when(record.spf);
        self.quarantined += when(record.disposition == Disposition::Quarantine);
        self.rejected += when(record.disposition == Disposition::Reject);
        let signer = record.signatures.iter().find(|signature| signature.result == "pass").map(|signature| &signature.domain);
        let bounce = record.spf_checks.iter().find(|check| check.result == "pass").map(|check| &check.domain);
        for (field, found) in [(&mut self.signer, signer), (&mut self.bounce_domain, bounce)] {
            if let Some(found) = found.filter(|_| field.is_empty()) {
                field.clone_from(found);
            }
        }
    }

    fn join(&mut self, other: &Counts) {
        self.messages += other.messages;
        self.passed += other.passed;
        self.dkim += other.dkim;
        self.spf += other.spf;
        self.quarantined += other.quarantined;
        self.rejected += other.rejected;
    }
}

fn by_source(records: &[Record]) -> BTreeMap<String, Counts> {
    let mut all: BTreeMap<String, Counts> = BTreeMap::new();
    let mut together = Counts::default();
    for record in records {
        all.entry(record.source.to_string()).or_default().add(record);
        together.add(record);
    }
    let mut ordered: Vec<(String, Counts)> = all.into_iter().collect();
    ordered.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.messages));
    let mut others = Counts::default();
    for (_, counts) in ordered.drain(SOURCES_MAX.min(ordered.len())..) {
        others.join(&counts);
    }
    let mut sums: BTreeMap<String, Counts> = ordered.into_iter().collect();
    if others.messages > 0 {
        sums.insert(OTHERS.into(), others);
    }
    let plain = Counts { signer: String::new(), bounce_domain: String::new(), ..together };
    sums.insert(TOGETHER.into(), plain);
    sums
}

fn by_failure(report: &TlsReport, own: &[String]) -> BTreeMap<(String, String, String), (i64, i64)> {
    let mut sums: BTreeMap<(String, String, String), (i64, i64)> = BTreeMap::new();
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    for policy in report.policies.iter().filter(|policy| own.contains(&policy.domain)) {
        let sum = sums.entry((policy.domain.clone(), short(&policy.kind), String::new())).or_default();
        sum.0 += number(policy.succeeded);
        sum.1 += number(policy.failed);
        for failure in &policy.failures {
            let key = (policy.domain.clone(), format!("!{}", short(&failure.kind)), short(&failure.mx));
            if sums.len() < FAILURES_MAX || sums.contains_key(&key) {
                sums.entry(key).or_default().1 += number(failure.count);
            }
        }
    }
    sums
}

/// Names of strangers in keys, which indexes limit.
fn short(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    text.chars().filter(|c| c.is_ascii_graphic()).take(CHARS_MAX).collect()
}

/// What is kept of a report to be looked at, as JSON.
pub struct Detail(Value);

impl Detail {
    pub(super) fn of(report: &Report) -> Detail {
        Detail(match report {
            Report::Aggregate(report) => aggregate(report),
            Report::Tls(report) => tls(report),
            Report::Feedback(report) => feedback(report),
        })
    }

    pub(super) fn json(&self) -> String {
        self.0.to_string()
    }

    pub(super) fn row(&self, arrival: &Arrival, report: &Report) -> Row {
        let row = Row { detail: self.json(), kind: super::kind_of(report).into(), ..Row::of(arrival) };
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        match report {
            Report::Aggregate(found) => Row {
                domain: found.policy.domain.clone(),
                reporter: found.reporter.clone(),
                report_id: found.report_id.clone(),
                begin_ms: found.begin_ms,
                end_ms: found.end_ms,
                messages: number(found.records.iter().map(|record| record.count).sum()),
                failed: number(found.records.iter().filter(|record| !record.dkim && !record.spf).map(|record| record.count).sum()),
                ..row
            },
            Report::Tls(found) => Row {
                domain: found.policies.first().map(|policy| policy.domain.clone()).unwrap_or_default(),
                reporter: found.reporter.clone(),
                report_id: found.report_id.clone(),
                begin_ms: found.begin_ms,
                end_ms: found.end_ms,
                messages: number(found.policies.iter().map(|policy| policy.succeeded + policy.failed).sum()),
                failed: number(found.policies.iter().map(|policy| policy.failed).sum()),
                ..row
            },
            Report::Feedback(found) => Row {
                domain: found.reported_domain.clone(),
                reporter: arrival.sender.rsplit('@').next().unwrap_or_default().to_string(),
                report_id: found.message_id.clone(),
                begin_ms: found.arrival_ms.unwrap_or(arrival.now_ms),
                end_ms: found.arrival_ms.unwrap_or(arrival.now_ms),
                messages: number(found.incidents),
                failed: number(found.incidents),
                about: found.subject.clone(),
                ..row
            },
        }
    }
}

fn aggregate(report: &Aggregate) -> Value {
    let policy = &report.policy;
    let mut order: Vec<&Record> = report.records.iter().collect();
    order.sort_by_key(|record| std::cmp::Reverse(record.count));
    let records: Vec<Value> = order.iter().take(KEPT_MAX).map(|record| one_record(record)).collect();
    json!({
        "contact": report.contact, "generator": report.generator, "errors": report.errors,
        "policy": { "p": policy.p, "sp": policy.sp, "np": policy.np, "pct": policy.pct, "adkim": policy.adkim, "aspf": policy.aspf,
            "fo": policy.fo, "testing": policy.testing, "discovery": policy.discovery },
        "records": records, "left_out": report.records.len().saturating_sub(KEPT_MAX), "unread": report.unread,
        "is_repaired": report.is_repaired,
    })
}

fn one_record(record: &Record) -> Value {
    let disposition = match record.disposition {
        Disposition::None => "none",
        Disposition::Quarantine => "quarantine",
        Disposition::Reject => "reject",
    };
    json!({
        "source": record.source.to_string(), "count": record.count, "disposition": disposition, "dkim": record.dkim, "spf": record.spf,
        "from": record.header_from, "envelope_from": record.envelope_from, "envelope_to": record.envelope_to,
        "reasons": record.reasons.iter().map(|reason| json!({ "type": reason.kind, "comment": reason.comment })).collect::<Vec<_>>(),
        "signatures": record.signatures.iter().map(|one| json!({ "domain": one.domain, "selector": one.selector, "result": one.result }))
            .collect::<Vec<_>>(),
        "spf_checks": record.spf_checks.iter().map(|one| json!({ "domain": one.domain, "scope": one.scope, "result": one.result }))
            .collect::<Vec<_>>(),
    })
}

fn tls(report: &TlsReport) -> Value {
    let policy = |policy: &mail::report::tls::TlsPolicy| {
        let failure = |one: &mail::report::tls::TlsFailure| {
            json!({ "kind": one.kind, "sending_ip": one.sending_ip, "mx": one.mx, "helo": one.helo, "receiving_ip": one.receiving_ip,
                "count": one.count, "reason": one.reason, "more": one.more })
        };
        json!({ "domain": policy.domain, "kind": policy.kind, "lines": policy.lines, "mx": policy.mx, "succeeded": policy.succeeded,
            "failed": policy.failed, "failures": policy.failures.iter().take(KEPT_MAX).map(failure).collect::<Vec<_>>() })
    };
    let policies: Vec<Value> = report.policies.iter().take(KEPT_MAX).map(policy).collect();
    json!({ "contact": report.contact, "policies": policies })
}

fn feedback(report: &Feedback) -> Value {
    json!({
        "kind": report.kind, "user_agent": report.user_agent, "source": report.source.map(|ip| ip.to_string()).unwrap_or_default(),
        "mail_from": report.mail_from, "recipients": report.recipients, "arrival_ms": report.arrival_ms,
        "links": report.links, "auth_results": report.auth_results, "auth_failure": report.auth_failure,
        "delivery_result": report.delivery_result, "dkim_domain": report.dkim_domain, "alignment": report.alignment,
        "incidents": report.incidents, "from": report.from, "subject": report.subject, "message_id": report.message_id,
        "ours": report.ours, "is_prose": report.is_prose,
    })
}
