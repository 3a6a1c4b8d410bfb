//! MTA-STS policies of the domains we send to: looked up, fetched, and kept in the database for as long as they say (RFC 8461 §3 and §5).
//!
//! Invariant: a policy that was fetched counts until its time is over, whatever becomes of the TXT record, of the policy host, or of this
//! server meanwhile (RFC 8461 §3.3 and §5.1): taking it away is what an attacker would do. Not here: what it asks of a connection (`super`).

use super::fetch::{self, FetchError, Places};
use super::outcome::Failure;
use super::sql::{self, Kept};
use super::sts::{Policy, id_of};
use crate::delivery::Tls;
use mail::dns::{Dns, Record, RecordType};
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Error};

/// How long what was found is not looked up again.
const MEMORY_KEPT: Duration = Duration::from_secs(60);
const MEMORY_MAX: u64 = 20_000;
/// A policy is fetched again this long after the last time, so that it does not run out while it is in use (RFC 8461 §3.3).
const REFRESH_MS: i64 = 24 * 60 * 60 * 1_000;
/// A fetch that failed is not tried again sooner (RFC 8461 §3.3).
const FAILED_MS: i64 = 5 * 60 * 1_000;

/// What is known of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The policy that counts now.
    pub policy: Option<Arc<Policy>>,
    /// Why the policy that the domain announces could not be had.
    pub failure: Option<Failure>,
}

/// The policies of all domains.
pub struct Policies {
    db: Db,
    places: Places,
    memory: Cache<String, Result<Found, Error>, std::hash::RandomState>,
}

/// What one look-up works with.
struct Look<'a> {
    domain: &'a str,
    dns: &'a dyn Dns,
    tls: &'a Tls,
    now_ms: i64,
}

impl Policies {
    pub fn new(db: Db, places: Places) -> Policies {
        Policies { db, places, memory: Cache::builder().max_capacity(MEMORY_MAX).time_to_live(MEMORY_KEPT).build() }
    }

    /// The policy of `domain` at this moment (Unix milliseconds).
    /// # Errors
    /// The database cannot be read: whether there is a policy is not known, so nothing may be sent.
    pub async fn of(&self, domain: &str, (dns, tls): (&dyn Dns, &Tls), now_ms: i64) -> Result<Found, Error> {
        let look = Look { domain, dns, tls, now_ms };
        let found = self.memory.get_with(domain.to_string(), self.find(&look)).await;
        if found.is_err() {
            self.memory.invalidate(domain).await;
        }
        found
    }

    async fn find(&self, look: &Look<'_>) -> Result<Found, Error> {
        let name = look.domain.to_string();
        let kept = self.db.read(move |tx| Box::pin(async move { sql::policy(tx, &name).await })).await?;
        let valid = kept.as_ref().filter(|kept| kept.until_ms > look.now_ms).and_then(|kept| Policy::read(&kept.policy).ok()).map(Arc::new);
        let announced = announced(look).await;
        let Some(id) = announced else { return Ok(Found { policy: valid, failure: None }) };
        if let Some(kept) = &kept {
            let is_fresh = kept.id == id && look.now_ms - kept.fetched_ms < REFRESH_MS && valid.is_some();
            let failed_just_now = look.now_ms - kept.failed_ms < FAILED_MS;
            if is_fresh || failed_just_now {
                let failed = if kept.is_invalid { Failure::StsPolicyInvalid } else { Failure::StsPolicyFetchError };
                let failure = (failed_just_now && !is_fresh).then_some(failed);
                return Ok(Found { policy: valid, failure });
            }
        }
        self.fetch(look, id, valid).await
    }

    /// Asks the policy host. What was valid before stays so when it does not answer.
    async fn fetch(&self, look: &Look<'_>, id: String, valid: Option<Arc<Policy>>) -> Result<Found, Error> {
        let host = format!("mta-sts.{}", look.domain);
        let served = fetch::https_at(&host, "/.well-known/mta-sts.txt", (look.dns, look.tls), self.places).await;
        let read = served.map_err(|why| (failure_of(&why), why.to_string())).and_then(|text| {
            let policy = Policy::read(&text).map_err(|why| (Failure::StsPolicyInvalid, why))?;
            Ok((text, policy))
        });
        let (domain, now_ms) = (look.domain.to_string(), look.now_ms);
        match read {
            Ok((text, policy)) => {
                let until_ms = now_ms.saturating_add(i64::try_from(policy.max_age_s).unwrap_or(i64::MAX).saturating_mul(1_000));
                let row = Kept { id, policy: text, fetched_ms: now_ms, until_ms, failed_ms: 0, is_invalid: false };
                self.db.tx(move |tx| Box::pin(async move { sql::put_policy(tx, &domain, &row).await })).await?;
                Ok(Found { policy: Some(Arc::new(policy)), failure: None })
            }
            Err((failure, why)) => {
                tracing::info!(domain, why, "the MTA-STS policy that the domain announces cannot be had");
                let is_invalid = failure == Failure::StsPolicyInvalid;
                self.db.tx(move |tx| Box::pin(async move { sql::policy_failed(tx, &domain, now_ms, is_invalid).await })).await?;
                Ok(Found { policy: valid, failure: Some(failure) })
            }
        }
    }
}

/// The id of the policy that the domain announces; `None` when it announces none, or that cannot be found out now.
async fn announced(look: &Look<'_>) -> Option<String> {
    let records = look.dns.lookup(&format!("_mta-sts.{}", look.domain), RecordType::Txt).await.ok()?;
    id_of(records.iter().filter_map(|record| if let Record::Txt(text) = record { Some(text.as_slice()) } else { None }))
}

fn failure_of(why: &FetchError) -> Failure {
    match why {
        FetchError::Tls(_) => Failure::StsWebpkiInvalid,
        _ => Failure::StsPolicyFetchError,
    }
}
