//! SMTP TLS reports (RFC 8460): how a sender's connections to a domain's servers went in one day.
//!
//! In: the JSON. Out: [`TlsReport`]. Lists are bounded while they are read, so that a small file never becomes a large value.

use super::received::ReportError;
use super::xml::cleaned;
use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// Octets of one document.
pub const JSON_OCTETS_MAX: usize = 16 << 20;
/// Policies of one report, failures of one policy, lines of one policy.
pub const POLICIES_MAX: usize = 1_000;
pub const FAILURES_MAX: usize = 5_000;
const LINES_MAX: usize = 100;

/// One report.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsReport {
    pub reporter: String,
    pub contact: String,
    pub report_id: String,
    /// Unix milliseconds.
    pub begin_ms: i64,
    pub end_ms: i64,
    pub policies: Vec<TlsPolicy>,
}

/// Sessions under one policy of one domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsPolicy {
    pub domain: String,
    /// sts, tlsa, no-policy-found.
    pub kind: String,
    /// Lines of the policy as the sender found it.
    pub lines: Vec<String>,
    pub mx: Vec<String>,
    pub succeeded: u64,
    pub failed: u64,
    pub failures: Vec<TlsFailure>,
}

/// Sessions that failed alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsFailure {
    /// Result type of RFC 8460 §4.3, such as certificate-expired.
    pub kind: String,
    pub sending_ip: String,
    pub mx: String,
    pub helo: String,
    pub receiving_ip: String,
    pub count: u64,
    pub reason: String,
    pub more: String,
}

/// Reads the JSON of a report.
/// # Errors
/// What is missing or wrong, as one thing.
pub fn read(octets: &[u8]) -> Result<TlsReport, ReportError> {
    if octets.len() > JSON_OCTETS_MAX {
        return Err(ReportError::TooLarge);
    }
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    let found: ReportJson = serde_json::from_slice(octets).map_err(|why| {
        let text = why.to_string();
        if text.starts_with(TOO_MANY) {
            ReportError::TooMany
        } else if why.is_eof() {
            ReportError::Truncated
        } else if text.starts_with("recursion limit") {
            ReportError::TooDeep
        } else {
            ReportError::BrokenJson
        }
    })?;
    found.report()
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ReportJson {
    #[serde(default, deserialize_with = "word")]
    organization_name: String,
    #[serde(default, deserialize_with = "word")]
    contact_info: String,
    #[serde(default, deserialize_with = "word")]
    report_id: String,
    date_range: Option<RangeJson>,
    policies: Option<Bounded<PolicyJson, POLICIES_MAX>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RangeJson {
    #[serde(default, deserialize_with = "word")]
    start_datetime: String,
    #[serde(default, deserialize_with = "word")]
    end_datetime: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PolicyJson {
    policy: Option<NamedJson>,
    summary: Option<SummaryJson>,
    failure_details: Option<Bounded<FailureJson, FAILURES_MAX>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct NamedJson {
    #[serde(default, deserialize_with = "word")]
    policy_type: String,
    #[serde(default, deserialize_with = "word")]
    policy_domain: String,
    policy_string: Option<Lines>,
    mx_host: Option<Lines>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SummaryJson {
    // Microsoft and others leave out "session".
    #[serde(default, alias = "total-success-session-count", deserialize_with = "number")]
    total_successful_session_count: u64,
    #[serde(default, deserialize_with = "number")]
    total_failure_session_count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FailureJson {
    #[serde(default, deserialize_with = "word")]
    result_type: String,
    #[serde(default, deserialize_with = "word")]
    sending_mta_ip: String,
    #[serde(default, deserialize_with = "word")]
    receiving_mx_hostname: String,
    #[serde(default, deserialize_with = "word")]
    receiving_mx_helo: String,
    #[serde(default, deserialize_with = "word")]
    receiving_ip: String,
    #[serde(default, deserialize_with = "number")]
    failed_session_count: u64,
    #[serde(default, deserialize_with = "word")]
    failure_reason_code: String,
    #[serde(default, alias = "additional-info-uri", deserialize_with = "word")]
    additional_information: String,
}

impl ReportJson {
    fn report(self) -> Result<TlsReport, ReportError> {
        let policies = self.policies.ok_or(ReportError::NotReport)?;
        let range = self.date_range.ok_or(ReportError::Missing("date-range"))?;
        let moment = |text: &str| text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
        let begin_ms = moment(&range.start_datetime).ok_or(ReportError::Missing("date-range/start-datetime"))?;
        let end_ms = moment(&range.end_datetime).ok_or(ReportError::Missing("date-range/end-datetime"))?.max(begin_ms);
        if self.report_id.is_empty() {
            return Err(ReportError::Missing("report-id"));
        }
        let contact = self.contact_info.trim_start_matches("mailto:").to_string();
        let named = Some(self.organization_name).filter(|name| !name.is_empty());
        let reporter = named.unwrap_or_else(|| contact.rsplit('@').next().unwrap_or_default().to_string());
        if reporter.is_empty() {
            return Err(ReportError::Missing("organization-name"));
        }
        let policies: Vec<TlsPolicy> = policies.list.into_iter().filter_map(PolicyJson::policy).collect();
        if policies.is_empty() {
            return Err(ReportError::Missing("policies/policy/policy-domain"));
        }
        Ok(TlsReport { reporter, contact, report_id: self.report_id, begin_ms, end_ms, policies })
    }
}

impl PolicyJson {
    fn policy(self) -> Option<TlsPolicy> {
        let named = self.policy?;
        let domain = crate::address::domain_to_ascii(named.policy_domain.trim_end_matches('.'))?;
        let summary = self.summary.unwrap_or(SummaryJson { total_successful_session_count: 0, total_failure_session_count: 0 });
        let lines = |lines: Option<Lines>| lines.map(|lines| lines.0).unwrap_or_default();
        let failures = self.failure_details.map(|all| all.list).unwrap_or_default();
        Some(TlsPolicy {
            domain,
            kind: named.policy_type.to_ascii_lowercase(),
            lines: lines(named.policy_string),
            mx: lines(named.mx_host),
            succeeded: summary.total_successful_session_count,
            failed: summary.total_failure_session_count,
            failures: failures.into_iter().map(FailureJson::failure).collect(),
        })
    }
}

impl FailureJson {
    fn failure(self) -> TlsFailure {
        TlsFailure {
            kind: self.result_type.to_ascii_lowercase(),
            sending_ip: self.sending_mta_ip,
            mx: self.receiving_mx_hostname.to_ascii_lowercase(),
            helo: self.receiving_mx_helo,
            receiving_ip: self.receiving_ip,
            count: self.failed_session_count,
            reason: self.failure_reason_code,
            more: self.additional_information,
        }
    }
}

const TOO_MANY: &str = "too many";

/// A list of at most so many.
struct Bounded<T, const MAX: usize> {
    list: Vec<T>,
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for Bounded<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reading<T, const MAX: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Reading<T, MAX> {
            type Value = Vec<T>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Vec<T>, A::Error> {
                let mut list = Vec::new();
                while let Some(one) = all.next_element()? {
                    if list.len() >= MAX {
                        return Err(A::Error::custom(TOO_MANY));
                    }
                    list.push(one);
                }
                Ok(list)
            }
        }
        from.deserialize_seq(Reading::<T, MAX>(PhantomData)).map(|list| Bounded { list })
    }
}

/// One line or several: RFC 8460 says several, programs write one.
struct Lines(Vec<String>);

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Lines, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Lines;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a text or a list of texts")
            }

            fn visit_str<E>(self, one: &str) -> Result<Lines, E> {
                Ok(Lines(vec![cleaned(one)]))
            }

            fn visit_unit<E>(self) -> Result<Lines, E> {
                Ok(Lines(Vec::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Lines, A::Error> {
                let mut lines = Vec::new();
                while lines.len() < LINES_MAX {
                    match all.next_element::<Word>()? {
                        Some(line) => lines.push(line.0),
                        None => return Ok(Lines(lines)),
                    }
                }
                while all.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Lines(lines))
            }
        }
        from.deserialize_any(Reading)
    }
}

/// A text, or what some write in its place; at most 500 characters are kept.
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Word, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Word;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Word, E> {
                Ok(Word(cleaned(text)))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Word, E> {
                Ok(Word(number.to_string()))
            }

            fn visit_unit<E>(self) -> Result<Word, E> {
                Ok(Word(String::new()))
            }
        }
        from.deserialize_any(Reading)
    }
}

fn word<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Word::deserialize(from).map(|word| word.0)
}

/// A count, also where it is written as a text; what is none is 0.
fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = word(from)?;
    let count = text.parse::<u64>().unwrap_or_else(|_| text.parse::<f64>().map_or(0, |count| count.clamp(0.0, 1e15) as u64));
    Ok(count.min(u64::from(u32::MAX)))
}
