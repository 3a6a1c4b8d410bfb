//! How encrypted connections went, counted by day and domain (RFC 8460 §4), in memory and written every few seconds.
//!
//! Invariant: memory and rows are bounded: what is beyond the limit is not counted. A crash loses [`FLUSH_EVERY`] of a statistic.

use super::sql;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Db, Error};

/// Counts that wait to be written; further ones are not counted until the next flush.
const PENDING_MAX: usize = 20_000;
/// Rows written in one transaction.
const BATCH_MAX: usize = 500;
const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Octets kept of the lines of a policy.
const LINES_OCTETS_MAX: usize = 4_096;
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What went wrong (RFC 8460 §4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    StarttlsNotSupported,
    CertificateHostMismatch,
    CertificateExpired,
    CertificateNotTrusted,
    ValidationFailure,
    TlsaInvalid,
    DnssecInvalid,
    StsPolicyFetchError,
    StsPolicyInvalid,
    StsWebpkiInvalid,
}

impl Failure {
    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Failure::StarttlsNotSupported => "starttls-not-supported",
            Failure::CertificateHostMismatch => "certificate-host-mismatch",
            Failure::CertificateExpired => "certificate-expired",
            Failure::CertificateNotTrusted => "certificate-not-trusted",
            Failure::ValidationFailure => "validation-failure",
            Failure::TlsaInvalid => "tlsa-invalid",
            Failure::DnssecInvalid => "dnssec-invalid",
            Failure::StsPolicyFetchError => "sts-policy-fetch-error",
            Failure::StsPolicyInvalid => "sts-policy-invalid",
            Failure::StsWebpkiInvalid => "sts-webpki-invalid",
        }
    }

    /// What a failed handshake means.
    pub fn of_tls(why: &rustls::Error) -> Failure {
        use rustls::CertificateError as Of;
        match why {
            rustls::Error::InvalidCertificate(Of::Expired | Of::ExpiredContext { .. }) => Failure::CertificateExpired,
            rustls::Error::InvalidCertificate(Of::NotValidForName | Of::NotValidForNameContext { .. }) => Failure::CertificateHostMismatch,
            rustls::Error::InvalidCertificate(Of::UnknownIssuer | Of::BadSignature) => Failure::CertificateNotTrusted,
            _ => Failure::ValidationFailure,
        }
    }
}

/// Which kind of policy a connection stood under (RFC 8460 §4.4 `policy-type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    Tlsa,
    Sts,
    None,
}

impl PolicyKind {
    pub fn name(self) -> &'static str {
        match self {
            PolicyKind::Tlsa => "tlsa",
            PolicyKind::Sts => "sts",
            PolicyKind::None => "no-policy-found",
        }
    }
}

/// One connection, or the lack of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub domain: String,
    pub policy: PolicyKind,
    /// The policy itself, line by line.
    pub lines: Vec<String>,
    /// Of whom; '' for successes, which are counted together.
    pub mx: String,
    pub ip: String,
    pub failure: Option<Failure>,
}

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub day: i64,
    pub domain: String,
    pub policy: PolicyKind,
    pub mx: String,
    pub ip: String,
    pub failure: Option<Failure>,
}

/// The counts of one node that are not written yet; cheap to clone.
#[derive(Clone)]
pub struct Outcomes {
    db: Db,
    pending: Arc<Mutex<HashMap<Key, (i64, String)>>>,
}

impl Outcomes {
    /// Begins to write what is counted, until the runtime ends. Call it inside one.
    pub fn start(db: Db) -> Outcomes {
        let outcomes = Outcomes { db, pending: Arc::default() };
        let writer = outcomes.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(FLUSH_EVERY).await;
                writer.flush().await;
            }
        });
        outcomes
    }

    pub fn note(&self, session: Session, now_ms: i64) {
        let is_success = session.failure.is_none();
        let of_whom = |text: String| if is_success { String::new() } else { text };
        let key = Key {
            day: now_ms.div_euclid(DAY_MS),
            domain: session.domain,
            policy: session.policy,
            mx: of_whom(session.mx),
            ip: of_whom(session.ip),
            failure: session.failure,
        };
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() >= PENDING_MAX && !pending.contains_key(&key) {
            return;
        }
        let lines = within(session.lines.join("\n"));
        let counted = pending.entry(key).or_default();
        *counted = (counted.0 + 1, lines);
    }

    /// Writes what is pending. A failed write puts it back.
    pub async fn flush(&self) {
        let taken = std::mem::take(&mut *self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        let rows: Vec<(Key, (i64, String))> = taken.into_iter().collect();
        for batch in rows.chunks(BATCH_MAX) {
            let statements: Vec<_> = batch.iter().map(|(key, (count, lines))| sql::count(key, *count, lines)).collect();
            let done: Result<(), Error> = self.db.later(move |tx| Box::pin(async move { tx.run_all(statements).await })).await;
            if let Err(why) = done {
                tracing::warn!(%why, "how encrypted connections went could not be counted; it is tried again");
                let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, (count, lines)) in batch {
                    let kept = pending.entry(key.clone()).or_default();
                    *kept = (kept.0 + count, lines.clone());
                }
            }
        }
    }
}

fn within(mut lines: String) -> String {
    if lines.len() > LINES_OCTETS_MAX {
        let end = (0..=LINES_OCTETS_MAX).rev().find(|at| lines.is_char_boundary(*at)).unwrap_or(0);
        lines.truncate(end);
    }
    lines
}
