//! The live side of the DNS seam: asks resolvers over UDP and TCP, and remembers what they said.
//!
//! In: names and types. Out: shared record lists, from memory where possible. Invariant: a question never takes longer than
//! [`QUESTION_WAIT_MAX`], and identical questions at the same time are asked once. Names are asked as they are: no search
//! list, no hosts file. Not here: what an answer means (`mail::auth`, `detect`, `delivery`).

use super::settings::{DnsSettings, Servers};
use futures_util::future::{BoxFuture, ready};
use hickory_resolver::config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError as WireError, NetError, NoRecords};
use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{self, Name, RData};
use hickory_resolver::{TokioResolver, lookup::Lookup};
use mail::dns::{Answer, Dns, DnsError, Record, RecordType};
use moka::future::Cache;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const DNS_PORT: u16 = 53;
/// One question, both attempts and the change to TCP included.
const QUESTION_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a failure is remembered, so that one mail's ten questions to a dead server wait once (RFC 2308 §7 allows 5 min).
const FAILURE_KEPT: Duration = Duration::from_secs(3);
/// Answers that may not be kept at all (TTL 0) still serve the questions of the same mail.
const KEPT_MIN: Duration = Duration::from_secs(1);
/// How long we remember that there is nothing, when the answer does not say (no SOA record).
const NOTHING_KEPT: Duration = Duration::from_secs(30);
/// Records of one answer; more than any honest name has, and 64 KiB of TCP answer can hold thousands.
const RECORDS_MAX: usize = 256;
/// Servers asked with signatures left unchecked, how long each may take, and the longest answer.
const UNCHECKED_SERVERS_MAX: usize = 2;
const UNCHECKED_WAIT_MAX: Duration = Duration::from_secs(2);
const UNCHECKED_OCTETS_MAX: usize = 4_096;
/// Questions under way to one server.
const QUESTIONS_MAX: usize = 4_096;

/// The settings name no resolver that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    #[error("no resolver found in /etc/resolv.conf ({0}); name one with [dns] servers = \"address\", or \"off\"")]
    System(String),
    #[error("starting the resolver: {0}")]
    Start(String),
}

/// How often DNS was asked since start, for health signals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DnsCounts {
    /// Questions asked by the mail path.
    pub questions: u64,
    /// Those that had to leave this machine.
    pub sent: u64,
    /// Those that ended without an answer.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Counters {
    questions: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
}

/// Implements [`Dns`] over the network. Cheap to share behind an `Arc`.
pub struct Live {
    resolver: TokioResolver,
    servers: Vec<SocketAddr>,
    cache: Cache<Key, Kept, std::hash::RandomState>,
    counters: Arc<Counters>,
    keep_max: Duration,
    keep_nothing_max: Duration,
}

type Key = (Box<str>, RecordType);

#[derive(Clone)]
struct Kept {
    answer: Answer,
    keep: Duration,
}

/// DNS switched off: every name does not exist.
#[derive(Debug, Clone, Copy, Default)]
pub struct Off;

impl Dns for Off {
    fn lookup<'a>(&'a self, name: &'a str, _kind: RecordType) -> BoxFuture<'a, Answer> {
        Box::pin(ready(Err(DnsError::NoSuchName(name.to_string()))))
    }
}

/// What `[dns]` asks for.
#[derive(Clone)]
pub struct Resolver {
    pub dns: Arc<dyn Dns>,
    /// The same with its counts; `None` when DNS is off.
    pub live: Option<Arc<Live>>,
}

/// # Errors
/// When the servers are left to the system and it names none.
pub fn from_settings(settings: &DnsSettings) -> Result<Resolver, ResolverError> {
    if settings.servers == Servers::Off {
        return Ok(Resolver { dns: Arc::new(Off), live: None });
    }
    let live = Arc::new(Live::new(settings)?);
    Ok(Resolver { dns: live.clone(), live: Some(live) })
}

impl Live {
    /// # Errors
    /// When the servers are left to the system and it names none.
    pub fn new(settings: &DnsSettings) -> Result<Live, ResolverError> {
        Live::with(servers(settings)?, settings, true)
    }

    /// Asks these servers of a zone and nobody else, without asking them to ask others: what the domain itself says now.
    /// # Errors
    /// When the resolver cannot be started.
    pub fn at(servers: &[std::net::SocketAddr], settings: &DnsSettings) -> Result<Live, ResolverError> {
        Live::with(ResolverConfig::from_name_servers(servers.iter().map(|server| name_server(*server)).collect()), settings, false)
    }

    fn with(config: ResolverConfig, settings: &DnsSettings, is_recursive: bool) -> Result<Live, ResolverError> {
        let place = |server: &NameServerConfig| SocketAddr::new(server.ip, server.connections.first().map_or(DNS_PORT, |one| one.port));
        let servers = config.name_servers().iter().map(place).take(UNCHECKED_SERVERS_MAX).collect();
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        set_options(builder.options_mut(), settings.wait.duration());
        builder.options_mut().recursion_desired = is_recursive;
        let resolver = builder.build().map_err(|error| ResolverError::Start(error.to_string()))?;
        Ok(Live {
            resolver,
            servers,
            cache: Cache::builder().max_capacity(settings.cache_max).expire_after(ByAnswer).build(),
            counters: Arc::default(),
            keep_max: settings.keep_max.duration(),
            keep_nothing_max: settings.keep_nothing_max.duration(),
        })
    }

    pub fn counts(&self) -> DnsCounts {
        DnsCounts {
            questions: self.counters.questions.load(Ordering::Relaxed),
            sent: self.counters.sent.load(Ordering::Relaxed),
            failed: self.counters.failed.load(Ordering::Relaxed),
        }
    }

    /// Whether anybody answers at all, be it that there is nothing: asks for a name that is neither kept nor counted.
    /// # Errors
    /// Why not, in words.
    pub async fn look(&self, name: &str) -> Result<(), String> {
        let wire_name = wire_name(name).map_err(|why| why.to_string())?;
        let asked = tokio::time::timeout(QUESTION_WAIT_MAX, self.resolver.lookup(wire_name, wire_type(RecordType::Txt))).await;
        match asked {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => nothing(&error).map(drop),
            Err(_) => Err("time-out".into()),
        }
    }

    /// Answers from memory or asks; the same question asked meanwhile waits for the same answer.
    async fn ask(&self, name: &str, kind: RecordType) -> Answer {
        self.counters.questions.fetch_add(1, Ordering::Relaxed);
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase().into_boxed_str();
        let key = (name, kind);
        if let Some(kept) = self.cache.get(&key).await {
            return kept.answer;
        }
        let wire_name = wire_name(&key.0)?;
        let asking = self.send(key.0.clone(), wire_name, kind);
        self.cache.get_with(key, asking).await.answer
    }

    async fn send(&self, name: Box<str>, wire_name: Name, kind: RecordType) -> Kept {
        self.counters.sent.fetch_add(1, Ordering::Relaxed);
        let asked = tokio::time::timeout(QUESTION_WAIT_MAX, self.resolver.lookup(wire_name, wire_type(kind))).await;
        match asked {
            Ok(Ok(lookup)) => self.keep_records(&lookup, kind),
            Ok(Err(error)) => self.keep_error(&name, error),
            Err(_) => self.keep_failure(&name, "time-out"),
        }
    }

    async fn ask_unchecked(&self, name: &str, kind: RecordType) -> Option<Answer> {
        let wire_name = wire_name(name.strip_suffix('.').unwrap_or(name)).ok()?;
        for server in &self.servers {
            let asked = tokio::time::timeout(UNCHECKED_WAIT_MAX, exchange_unchecked(*server, wire_name.clone(), kind)).await;
            let Ok(Ok(answer)) = asked else { continue };
            return Some(match answer.metadata.response_code {
                ResponseCode::NoError => Ok(answer.answers.iter().filter_map(|one| read(&one.data, kind)).take(RECORDS_MAX).collect()),
                ResponseCode::NXDomain => Err(DnsError::NoSuchName(name.to_string())),
                code => Err(DnsError::Temporary { name: name.to_string(), why: code.to_string() }),
            });
        }
        None
    }

    fn keep_records(&self, lookup: &Lookup, kind: RecordType) -> Kept {
        let records: Vec<Record> = lookup.answers().iter().filter_map(|record| read(&record.data, kind)).take(RECORDS_MAX).collect();
        let left = lookup.valid_until().saturating_duration_since(Instant::now());
        Kept { answer: Ok(records.into()), keep: left.clamp(KEPT_MIN, self.keep_max.max(KEPT_MIN)) }
    }

    fn keep_error(&self, name: &str, error: NetError) -> Kept {
        let nothing = match nothing(&error) {
            Ok(nothing) => nothing,
            Err(why) => return self.keep_failure(name, &why),
        };
        let answer = match nothing.response_code {
            ResponseCode::NXDomain => Err(DnsError::NoSuchName(name.to_string())),
            _ => Ok([].into()),
        };
        let ttl = nothing.negative_ttl.map_or(NOTHING_KEPT, |seconds| Duration::from_secs(u64::from(seconds)));
        Kept { answer, keep: ttl.clamp(KEPT_MIN, self.keep_nothing_max.max(KEPT_MIN)) }
    }

    fn keep_failure(&self, name: &str, why: &str) -> Kept {
        self.counters.failed.fetch_add(1, Ordering::Relaxed);
        Kept { answer: Err(DnsError::Temporary { name: name.to_string(), why: why.to_string() }), keep: FAILURE_KEPT }
    }
}

impl Dns for Live {
    fn lookup<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Answer> {
        Box::pin(self.ask(name, kind))
    }

    fn unchecked<'a>(&'a self, name: &'a str, kind: RecordType) -> BoxFuture<'a, Option<Answer>> {
        Box::pin(self.ask_unchecked(name, kind))
    }
}

/// The answer that there is no such name, or nothing of that type.
/// # Errors
/// Why it is no answer.
fn nothing(error: &NetError) -> Result<&NoRecords, String> {
    match error {
        NetError::Dns(WireError::NoRecordsFound(nothing)) => match nothing.response_code {
            ResponseCode::NXDomain | ResponseCode::NoError => Ok(nothing),
            code => Err(code.to_string()),
        },
        _ => Err(error.to_string()),
    }
}

/// One question over UDP with the CD bit (RFC 4035 §3.2.2). An answer too long for it is one all the same: there is data.
async fn exchange_unchecked(server: SocketAddr, name: Name, kind: RecordType) -> std::io::Result<Message> {
    let own: SocketAddr = if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.metadata.checking_disabled = true;
    question.add_query(Query::query(name, wire_type(kind)));
    let socket = tokio::net::UdpSocket::bind(own).await?;
    socket.connect(server).await?;
    socket.send(&question.to_vec().map_err(std::io::Error::other)?).await?;
    let mut octets = vec![0; UNCHECKED_OCTETS_MAX];
    let length = socket.recv(&mut octets).await?;
    let answer = Message::from_vec(octets.get(..length).unwrap_or_default()).map_err(std::io::Error::other)?;
    if answer.metadata.id == question.metadata.id { Ok(answer) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}

struct ByAnswer;

impl moka::Expiry<Key, Kept> for ByAnswer {
    fn expire_after_create(&self, _key: &Key, kept: &Kept, _now: Instant) -> Option<Duration> {
        Some(kept.keep)
    }
}

/// The resolvers of `[dns]`.
/// # Errors
/// When the servers are left to the system and it names none.
pub(crate) fn servers(settings: &DnsSettings) -> Result<ResolverConfig, ResolverError> {
    match &settings.servers {
        Servers::These(servers) => Ok(ResolverConfig::from_name_servers(servers.iter().map(|server| name_server(*server)).collect())),
        Servers::System | Servers::Off => system_servers(),
    }
}

pub(crate) fn set_options(options: &mut ResolverOpts, wait: Duration) {
    options.timeout = wait;
    options.attempts = 1; // hickory counts repetitions: asked twice in all
    options.ndots = 0;
    options.cache_size = 0; // `Live::cache` keeps answers in the form that is handed out
    options.use_hosts_file = ResolveHosts::Never;
    options.num_concurrent_reqs = 1;
    options.max_active_requests = QUESTIONS_MAX;
    options.preserve_intermediates = false;
    options.try_tcp_on_error = true;
    options.edns0 = true;
}

fn name_server(server: std::net::SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    for connection in &mut config.connections {
        connection.port = server.port();
    }
    config
}

fn system_servers() -> Result<ResolverConfig, ResolverError> {
    let (config, _) = hickory_resolver::system_conf::read_system_conf().map_err(|error| ResolverError::System(error.to_string()))?;
    let (_, _, servers) = config.into_parts(); // the search list is for people's browsers, not for mail domains
    if servers.is_empty() {
        return Err(ResolverError::System("it has no “nameserver” line".to_string()));
    }
    Ok(ResolverConfig::from_name_servers(servers))
}

/// RFC 1035 §2.3.4: labels of 63 octets, 255 octets on the wire. Octets stand for themselves; there are no escapes.
pub(crate) fn wire_name(name: &str) -> Result<Name, DnsError> {
    let bad = || DnsError::BadName(name.to_string());
    if name.is_empty() || name.len() > 253 || name.split('.').any(|label| label.is_empty() || label.len() > 63) {
        return Err(bad());
    }
    let mut wire = Name::from_labels(name.split('.').map(str::as_bytes)).map_err(|_| bad())?;
    wire.set_fqdn(true);
    Ok(wire)
}

pub(crate) fn wire_type(kind: RecordType) -> rr::RecordType {
    match kind {
        RecordType::A => rr::RecordType::A,
        RecordType::Aaaa => rr::RecordType::AAAA,
        RecordType::Mx => rr::RecordType::MX,
        RecordType::Ns => rr::RecordType::NS,
        RecordType::Ptr => rr::RecordType::PTR,
        RecordType::Txt => rr::RecordType::TXT,
        RecordType::Tlsa => rr::RecordType::TLSA,
    }
}

/// One record as we use it; records of another type (the CNAMEs on the way) are left out.
pub(crate) fn read(data: &RData, kind: RecordType) -> Option<Record> {
    match (data, kind) {
        (RData::A(ip), RecordType::A) => Some(Record::A(ip.0)),
        (RData::AAAA(ip), RecordType::Aaaa) => Some(Record::Aaaa(ip.0)),
        (RData::MX(mx), RecordType::Mx) => Some(Record::Mx { preference: mx.preference, exchange: plain(&mx.exchange) }),
        (RData::NS(name), RecordType::Ns) => Some(Record::Ns(plain(&name.0))),
        (RData::PTR(name), RecordType::Ptr) => Some(Record::Ptr(plain(&name.0))),
        (RData::TXT(txt), RecordType::Txt) => Some(Record::Txt(txt.txt_data.concat())),
        (RData::TLSA(tlsa), RecordType::Tlsa) => Some(Record::Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            octets: tlsa.cert_data.clone(),
        }),
        _ => None,
    }
}

pub(crate) fn plain(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').unwrap_or(&text).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_dns_cannot_hold_are_refused_before_asking() {
        for name in ["", ".", "a..b", ".a", &"x".repeat(64), &["a"; 128].join(".")] {
            assert!(matches!(wire_name(name), Err(DnsError::BadName(_))), "{name}");
        }
    }

    #[test]
    fn octets_of_a_name_stand_for_themselves() {
        let name = wire_name(r"a\046b.example").expect("a name");
        assert_eq!(name.iter().map(<[u8]>::to_vec).collect::<Vec<_>>(), [br"a\046b".to_vec(), b"example".to_vec()]);
        assert!(name.is_fqdn());
        assert!(wire_name("_dmarc.example.com").is_ok());
    }
}
