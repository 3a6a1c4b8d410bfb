//! DNS with proof: answers that were validated by DNSSEC (RFC 4033 to 4035), for DANE.
//!
//! In: names and types. Out: records and whether they were proven. Invariant: an answer that is bogus, or of which it cannot be said whether
//! it is, is an error and never an empty or insecure answer (RFC 7672 §2.1.1). Not here: what the records mean (`dane`).

use super::settings::DaneMode;
use crate::connection::resolver::{self, ResolverError};
use crate::connection::settings::DnsSettings;
use futures_util::future::BoxFuture;
use hickory_resolver::TokioResolver;
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as WireError, NetError};
use hickory_resolver::proto::dnssec::{Proof, TrustAnchors};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{self, Name, RData};
use mail::dns::{Record, RecordType};
use moka::future::Cache;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// One question with all that has to be asked to prove its answer.
const QUESTION_WAIT_MAX: Duration = Duration::from_secs(15);
const KEPT_ANSWERS_MAX: u64 = 20_000;
const KEPT_MIN: Duration = Duration::from_secs(1);
const KEPT_MAX: Duration = Duration::from_secs(60 * 60);
const NOTHING_KEPT: Duration = Duration::from_secs(60);
const FAILURE_KEPT: Duration = Duration::from_secs(5);
/// How long we remember that the resolver passes no DNSSEC on.
const UNABLE_KEPT: Duration = Duration::from_secs(300);
/// Records of one answer.
const RECORDS_MAX: usize = 64;
/// CNAMEs followed within one answer.
const ALIASES_MAX: usize = 8;

/// An answer and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Empty when there are none of this type.
    pub records: Arc<[Record]>,
    /// Every record of the answer, aliases included, was proven; also true for what was found not to exist.
    pub is_secure: bool,
    /// Where the chain of CNAMEs ended, in lower case without the final dot; the name asked for when there was none.
    pub name: String,
    /// The first CNAME of the chain was proven, whatever follows.
    pub is_alias_secure: bool,
}

/// Why there is no answer that could be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnprovenError {
    /// Somebody changed it, or the zone is signed wrongly.
    #[error("the DNSSEC signatures of {0} are wrong or have ended")]
    Bogus(String),
    #[error("no answer for {name}: {why}")]
    Temporary { name: String, why: String },
}

pub type ProvenAnswer = Result<Proven, UnprovenError>;

/// Asks DNS for answers with proof. Real: [`Validating`]. In tests: fixed answers.
pub trait ProvenDns: Send + Sync {
    fn ask<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, ProvenAnswer>;
    /// Whether proof can be had at all; where it cannot, nobody is asked.
    fn is_able(&self) -> BoxFuture<'_, bool>;
}

/// Validates what the resolvers of `[dns]` pass on, from the trust anchors down.
pub struct Validating {
    resolver: TokioResolver,
    cache: Cache<(Box<str>, RecordType), (ProvenAnswer, Duration), std::hash::RandomState>,
    mode: DaneMode,
    /// The resolver was seen to pass DNSSEC on: from then on what is missing is an attack or a fault, not a lack.
    was_able: AtomicBool,
    unable_since: std::sync::Mutex<Option<Instant>>,
}

impl Validating {
    /// `anchors` is a file with DNSKEY records; `None` stands for the keys of the root zone.
    /// # Errors
    /// There is no resolver, or the file cannot be read.
    pub fn new(settings: &DnsSettings, mode: DaneMode, anchors: Option<&Path>) -> Result<Validating, ResolverError> {
        let start = |why: String| ResolverError::Start(why);
        let anchors = match anchors {
            Some(file) => TrustAnchors::from_file(file).map_err(|why| start(format!("{}: {why}", file.display())))?,
            None => TrustAnchors::default(),
        };
        let config = resolver::servers(settings)?;
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        resolver::set_options(builder.options_mut(), settings.wait.duration());
        builder.options_mut().preserve_intermediates = true; // where a chain of CNAMEs ends matters (RFC 7672 §2.2.2)
        let resolver = builder.with_trust_anchor(Arc::new(anchors)).build().map_err(|why| start(why.to_string()))?;
        let cache = Cache::builder().max_capacity(KEPT_ANSWERS_MAX).expire_after(ByAnswer).build();
        Ok(Validating { resolver, cache, mode, was_able: AtomicBool::new(false), unable_since: Default::default() })
    }

    async fn send(&self, name: &str, kind: RecordType) -> (ProvenAnswer, Duration) {
        let temporary = |why: String| (Err(UnprovenError::Temporary { name: name.to_string(), why }), FAILURE_KEPT);
        let Ok(wire) = resolver::wire_name(name) else {
            return (Ok(nothing(name, true)), NOTHING_KEPT);
        };
        match tokio::time::timeout(QUESTION_WAIT_MAX, self.resolver.lookup(wire, resolver::wire_type(kind))).await {
            Err(_) => temporary("time-out".into()),
            Ok(Ok(lookup)) => self.keep(name, kind, &lookup),
            Ok(Err(NetError::Dns(WireError::DnssecBogus))) => (Err(UnprovenError::Bogus(name.to_string())), FAILURE_KEPT),
            Ok(Err(NetError::Dns(WireError::Nsec { proof: Proof::Insecure, .. }))) => (Ok(nothing(name, false)), NOTHING_KEPT),
            Ok(Err(NetError::Dns(WireError::Nsec { .. }))) => (Err(UnprovenError::Bogus(name.to_string())), FAILURE_KEPT),
            Ok(Err(NetError::Dns(WireError::NoRecordsFound(none))))
                if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
            {
                (Ok(nothing(name, true)), NOTHING_KEPT)
            }
            Ok(Err(why)) => temporary(why.to_string()),
        }
    }

    fn keep(&self, name: &str, kind: RecordType, lookup: &Lookup) -> (ProvenAnswer, Duration) {
        let answers = || lookup.answers().iter().filter(|record| record.record_type() != rr::RecordType::RRSIG);
        if answers().any(|record| matches!(record.proof, Proof::Bogus)) {
            return (Err(UnprovenError::Bogus(name.to_string())), FAILURE_KEPT);
        }
        if answers().any(|record| matches!(record.proof, Proof::Indeterminate)) {
            let why = "it cannot be found out whether the answer is genuine".to_string();
            return (Err(UnprovenError::Temporary { name: name.to_string(), why }), FAILURE_KEPT);
        }
        let records: Vec<Record> = answers().filter_map(|record| resolver::read(&record.data, kind)).take(RECORDS_MAX).collect();
        let (end, is_alias_secure) = end_of_aliases(name, lookup);
        let found =
            Proven { is_secure: answers().all(|record| record.proof.is_secure()), records: records.into(), name: end, is_alias_secure };
        let left = lookup.valid_until().saturating_duration_since(Instant::now());
        (Ok(found), left.clamp(KEPT_MIN, KEPT_MAX))
    }

    /// The keys of the root zone come with a signature that fits.
    async fn probe(&self) -> bool {
        let asked = self.resolver.lookup(Name::root(), rr::RecordType::DNSKEY);
        match tokio::time::timeout(QUESTION_WAIT_MAX, asked).await {
            Ok(Ok(lookup)) => lookup.answers().iter().any(|record| record.proof.is_secure()),
            _ => false,
        }
    }

    async fn look_whether_able(&self) -> bool {
        if self.mode == DaneMode::Always || self.was_able.load(Ordering::Relaxed) {
            return true;
        }
        let unable = || self.unable_since.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if unable().is_some_and(|since| since.elapsed() < UNABLE_KEPT) {
            return false;
        }
        let is_able = self.probe().await;
        if is_able {
            self.was_able.store(true, Ordering::Relaxed);
        } else if unable().replace(Instant::now()).is_none() {
            tracing::warn!("the resolver passes no DNSSEC on: TLSA records of other domains are not looked at ([delivery] dane)");
        }
        is_able
    }
}

impl ProvenDns for Validating {
    fn ask<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, ProvenAnswer> {
        Box::pin(async move {
            let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
            let key = (name.clone().into_boxed_str(), kind);
            self.cache.get_with(key, self.send(&name, kind)).await.0
        })
    }

    fn is_able(&self) -> BoxFuture<'_, bool> {
        Box::pin(self.look_whether_able())
    }
}

/// There is nothing of this type under this name.
fn nothing(name: &str, is_secure: bool) -> Proven {
    Proven { records: [].into(), is_secure, name: name.to_string(), is_alias_secure: false }
}

/// Where the aliases of an answer lead, and whether the first one was proven.
fn end_of_aliases(name: &str, lookup: &Lookup) -> (String, bool) {
    let (mut at, mut is_first_secure) = (name.to_string(), false);
    for n in 0..ALIASES_MAX {
        let alias = lookup.answers().iter().find_map(|record| match &record.data {
            RData::CNAME(target) if resolver::plain(&record.name) == at => Some((resolver::plain(&target.0), record.proof.is_secure())),
            _ => None,
        });
        let Some((target, is_secure)) = alias else { break };
        is_first_secure |= n == 0 && is_secure;
        at = target;
    }
    (at, is_first_secure)
}

struct ByAnswer;

impl moka::Expiry<(Box<str>, RecordType), (ProvenAnswer, Duration)> for ByAnswer {
    fn expire_after_create(&self, _: &(Box<str>, RecordType), kept: &(ProvenAnswer, Duration), _: Instant) -> Option<Duration> {
        Some(kept.1)
    }
}
