//! Looks at what this node uses, every few seconds, each look under its own time limit.
//!
//! In: the parts of a running node. Out: a [`Sample`], and tallies of next hops in its [`Signals`]. Invariant: nothing here is on
//! the way of a mail, and nothing waits for long: what does not answer in time is what we wanted to know.

use super::lists::ListLooks;
use super::surely::{LOOK_AGAIN, LOOKS_MAX, Past, Votes, surely};
use super::waits::{self, Waits};
use super::{Facts, HealthSettings, Sample, Window};
use crate::connection::resolver::{DnsCounts, Live};
use crate::connection::tls::Keys;
use crate::delivery::{self, Courier};
use crate::directory::{ConnectorSettings, Protocol, Watch};
use crate::intake::ListSettings;
use crate::queue;
use crate::signal::{Counter, Gauge, Signals, Tried};
use detect::Detector;
use detect::malware::gauge::EngineHealth;
use mail::OrgId;
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Db;
use store::bodies::Bodies;
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// One look at one part.
const LOOK_MAX: Duration = Duration::from_secs(4);
/// One greeting of a next hop; shorter than the pause between two.
const GREET_MAX: Duration = Duration::from_secs(5);
/// Next hops greeted at the same time.
const GREET_AT_ONCE: usize = 64;
/// One that did not answer is asked again this soon.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// How often a bucket of large messages is looked at while nothing failed: each look costs money at some stores.
const BODIES_EVERY: Duration = Duration::from_secs(15);
/// The clock may differ by this much from the time that passed, between two looks.
const CLOCK_OFF_MS: i64 = 5_000;
/// How long a jump of the clock is spoken of.
const CLOCK_SPOKEN_MS: i64 = 5 * 60 * 1000;

/// The part that large messages are.
const BODIES: &str = "bodies";

/// What is looked at.
pub struct Parts {
    pub node: u8,
    pub signals: Arc<Signals>,
    pub settings: HealthSettings,
    /// `None` when DNS is off.
    pub live: Option<Arc<Live>>,
    pub detector: Arc<Detector>,
    pub keys: Option<Arc<Keys>>,
    pub courier: Arc<Courier>,
    pub directory: Arc<Watch>,
    /// The data folder.
    pub data: PathBuf,
    /// Where large messages lie.
    pub bodies: Bodies,
    /// Our own SMTP port.
    pub smtp: Option<SocketAddr>,
    /// Lists in DNS that mail is looked up in.
    pub lists: Vec<ListSettings>,
    /// Sessions open now.
    pub sessions: Box<dyn Fn() -> usize + Send + Sync>,
    /// Unix milliseconds.
    pub clock: fn() -> i64,
}

/// Takes samples of one node.
pub struct Measure {
    parts: Arc<Parts>,
    past: Arc<Past>,
    window: Window,
    dns: DnsCounts,
    engines: Option<tokio::task::JoinHandle<Vec<EngineHealth>>>,
    clock: (Instant, i64),
    jumped_ms: i64,
    /// How long the last small transaction took; told by whoever runs one.
    pub database_ms: Option<i64>,
    /// Told by [`waits::watch`].
    pub waits: Arc<Waits>,
    /// Told by [`super::lists::watch`].
    pub lists: Arc<ListLooks>,
    asked: u64,
    /// When the bucket of large messages was looked at last.
    bodies: Option<Instant>,
}

impl Measure {
    pub fn new(parts: Arc<Parts>) -> Measure {
        let clock = (Instant::now(), (parts.clock)());
        Measure {
            past: Arc::new(Past::new(parts.clone())),
            parts,
            window: Window::default(),
            dns: DnsCounts::default(),
            engines: None,
            clock,
            jumped_ms: 0,
            database_ms: None,
            waits: Arc::default(),
            lists: Arc::default(),
            asked: 0,
            bodies: None,
        }
    }

    /// Looks at everything and takes a sample.
    pub async fn sample(&mut self) -> Sample {
        let (parts, past) = (self.parts.clone(), self.past.clone());
        self.asked += 1;
        let number = self.asked;
        let dns = surely(past.known("dns"), |nth| look_at_dns(&parts, number, nth));
        let port = surely(past.known("smtp"), |_| look_at_port(&parts));
        let is_due = self.are_bodies_due();
        let bodies = async { if is_due { surely(past.known(BODIES), |_| look_at_bodies(&parts)).await } else { None } };
        let (dns, port, bodies) = tokio::join!(dns, port, bodies);
        let now_ms = (parts.clock)();
        for (name, found) in [("dns", dns), ("smtp", port), (BODIES, bodies)] {
            match found {
                None => {}
                Some(Ok(())) => parts.signals.part_up(name, now_ms),
                Some(Err(why)) => parts.signals.part_down(name, &why, now_ms),
            }
        }
        self.count_dns();
        let sessions = (parts.sessions)();
        parts.signals.set(Gauge::Sessions, i64::try_from(sessions).unwrap_or(i64::MAX));
        self.look_at_clock(now_ms);
        let mut facts = self.facts().await;
        facts.database_ms = self.database_ms;
        facts.lists = self.lists.now();
        let waited = self.waits.of(waits::span(&parts.settings), Instant::now());
        (facts.database_waited_percent, facts.database_mean_ms) =
            (waited.map(|waited| waited.percent), waited.map(|waited| waited.mean_ms));
        self.window.take(&parts.signals, facts, parts.node, now_ms)
    }

    /// The database answered, or did not; called after each write of a sample.
    /// Returns how long that took, as facts say it.
    pub fn database(&mut self, took: Duration, done: Result<(), &store::Error>) -> Option<i64> {
        let now_ms = (self.parts.clock)();
        self.database_ms = Some(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
        match done {
            Ok(()) => self.parts.signals.part_up("database", now_ms),
            Err(why) => self.parts.signals.part_down("database", &why.to_string(), now_ms),
        }
        self.database_ms
    }

    /// One that failed is looked at each time, until it is seen to work.
    fn are_bodies_due(&mut self) -> bool {
        let is_late = self.bodies.is_none_or(|looked| looked.elapsed() >= BODIES_EVERY);
        let is_due = is_late || self.parts.bodies.is_suspect() || self.parts.signals.is_down(BODIES);
        if is_due {
            self.bodies = Some(Instant::now());
        }
        is_due
    }

    fn count_dns(&mut self) {
        let Some(live) = &self.parts.live else { return };
        let now = live.counts();
        self.parts.signals.add(Counter::DnsQueries, now.sent.saturating_sub(self.dns.sent));
        self.parts.signals.add(Counter::DnsFailures, now.failed.saturating_sub(self.dns.failed));
        self.dns = now;
    }

    fn look_at_clock(&mut self, now_ms: i64) {
        let (was, was_ms) = self.clock;
        let off_ms = now_ms - was_ms - i64::try_from(was.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.clock = (Instant::now(), now_ms);
        if off_ms.abs() > CLOCK_OFF_MS {
            self.jumped_ms = now_ms;
            self.parts.signals.part_down("clock", &format!("the clock jumped by {off_ms} ms"), now_ms);
        } else if now_ms - self.jumped_ms > CLOCK_SPOKEN_MS {
            self.parts.signals.part_up("clock", now_ms);
        }
    }

    async fn facts(&mut self) -> Facts {
        let mut facts = Facts { certificate_until_ms: self.parts.keys.as_ref().and_then(|keys| keys.until_ms()), ..Facts::default() };
        let data = self.parts.data.clone();
        let disk = tokio::task::spawn_blocking(move || rustix::fs::statvfs(&data).ok());
        if let Ok(Ok(Some(disk))) = timeout(LOOK_MAX, disk).await {
            facts.disk_free = Some(disk.f_bavail * disk.f_frsize);
            facts.disk_total = Some(disk.f_blocks * disk.f_frsize);
        }
        self.look_at_engines(&mut facts).await;
        facts
    }

    /// Engines are asked one look after the other: one that hangs is asked once, and holds up nothing.
    async fn look_at_engines(&mut self, facts: &mut Facts) {
        let past = self.past.clone();
        let mut asked = self.engines.take().unwrap_or_else(|| tokio::spawn(async move { engines(&past).await }));
        match timeout(LOOK_MAX, &mut asked).await {
            Err(_) => self.engines = Some(asked),
            Ok(Err(why)) => tracing::warn!(%why, "the engines could not be asked how they do"),
            Ok(Ok(engines)) => engines.iter().for_each(|engine| self.engine(engine, facts)),
        }
    }

    fn engine(&self, engine: &EngineHealth, facts: &mut Facts) {
        let now_ms = (self.parts.clock)();
        match trouble(engine) {
            Some(why) => self.parts.signals.part_down(engine.name, why, now_ms),
            None => self.parts.signals.part_up(engine.name, now_ms),
        }
        if let Some(newest_ms) = engine.signatures.newest_ms {
            facts.signatures_ms.insert(engine.name.to_string(), newest_ms);
        }
    }
}

/// How every engine does; asked again until enough looks at each of them agree.
async fn engines(past: &Past) -> Vec<EngineHealth> {
    let detector = past.detector();
    let mut found = detector.engine_health().await;
    let mut open: Vec<Option<Votes>> = found.iter().map(|engine| Some(Votes::new(past.known(engine.name)))).collect();
    for (votes, engine) in open.iter_mut().zip(&found) {
        votes.take_if(|votes| votes.add(trouble(engine).is_some()));
    }
    for _ in 2..=LOOKS_MAX {
        if open.iter().all(Option::is_none) {
            break;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        let again = detector.engine_health().await;
        for ((votes, engine), again) in open.iter_mut().zip(&mut found).zip(again) {
            if votes.is_some() {
                votes.take_if(|votes| votes.add(trouble(&again).is_some()));
                *engine = again;
            }
        }
    }
    found
}

/// Why an engine counts as missing. What it says about its own signatures tells whether it is there; only those behind a socket
/// can fail at it.
fn trouble(engine: &EngineHealth) -> Option<&String> {
    let is_remote = matches!(engine.name, "clamd" | "icap");
    let silent = engine.signatures.error.as_ref().filter(|_| is_remote);
    silent.or(engine.error.as_ref().filter(|_| engine.failed_in_row > 0 && engine.signatures.version.is_none()))
}

/// Any answer is one, also that there is no such name. `None` when DNS is off.
async fn look_at_dns(parts: &Parts, number: u64, nth: u8) -> Option<Result<(), String>> {
    let live = parts.live.as_ref()?;
    // A name that nobody asked for before: a server that remembers would say nothing about those it asks.
    let name = format!("gatepost-health-{number}-{nth}.{}", parts.courier.hostname);
    Some(timeout(LOOK_MAX, live.look(&name)).await.unwrap_or_else(|_| Err("no answer in time".into())))
}

/// Whether the bucket of large messages can be used. `None` when they lie in a folder.
async fn look_at_bodies(parts: &Parts) -> Option<Result<(), String>> {
    match timeout(LOOK_MAX, parts.bodies.look()).await {
        Ok(looked) => Some(looked?.map_err(|why| why.to_string())),
        Err(_) => Some(Err("no answer in time".into())),
    }
}

/// Our own port as it is reached from here.
pub(super) fn own_port(parts: &Parts) -> Option<SocketAddr> {
    let mut address = parts.smtp?;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    Some(address)
}

/// Whether our own port greets.
async fn look_at_port(parts: &Parts) -> Option<Result<(), String>> {
    let address = own_port(parts)?;
    let greeted = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let mut code = [0u8; 3];
        stream.read_exact(&mut code).await?;
        Ok::<_, std::io::Error>(code)
    };
    Some(match timeout(LOOK_MAX, greeted).await {
        // 4yz is a greeting as well: too many connections, or stopping.
        Ok(Ok(code)) if code[0] == b'2' || code[0] == b'4' => Ok(()),
        Ok(Ok(code)) => Err(format!("the greeting begins with {}", String::from_utf8_lossy(&code))),
        Ok(Err(why)) => Err(why.to_string()),
        Err(_) => Err("no greeting in time".into()),
    })
}

/// Greets every next hop that a connector names, as long as the process runs. Nobody waits for one that is slow to answer.
pub async fn greet_next_hops(parts: Arc<Parts>, db: Db) {
    let every = parts.settings.probe_every.duration();
    if every.is_zero() {
        return;
    }
    let room = Arc::new(Semaphore::new(GREET_AT_ONCE));
    let mut last: HashMap<String, Instant> = HashMap::new();
    loop {
        let directory = parts.directory.snapshot();
        let failing: HashSet<String> = {
            let targets = parts.signals.targets((parts.clock)());
            targets.into_iter().filter(|target| target.unreached_in_row > 0).map(|target| target.connector).collect()
        };
        last.retain(|name, _| directory.connectors.contains_key(name));
        let is_due = |name: &str| {
            let wait = if failing.contains(name) { ASK_AGAIN.min(every) } else { every };
            last.get(name).is_none_or(|asked| asked.elapsed() >= wait)
        };
        let due: Vec<Arc<ConnectorSettings>> =
            directory.connectors.values().filter(|connector| can_be_greeted(connector) && is_due(&connector.name)).cloned().collect();
        for connector in due {
            let Ok(place) = room.clone().acquire_owned().await else { return };
            last.insert(connector.name.clone(), Instant::now());
            let (parts, db) = (parts.clone(), db.clone());
            tokio::spawn(async move {
                greet(parts, db, connector).await;
                drop(place);
            });
        }
        tokio::time::sleep(Duration::from_secs(1).min(every)).await;
    }
}

fn can_be_greeted(connector: &ConnectorSettings) -> bool {
    !connector.hosts.is_empty() && connector.protocol != Protocol::Folder
}

/// One look at one next hop. What it says goes on the account of every organisation that sends this way; mail that waited for it
/// is due as soon as it is back.
async fn greet(parts: Arc<Parts>, db: Db, connector: Arc<ConnectorSettings>) {
    let found = timeout(GREET_MAX, delivery::greet(&parts.courier, &connector)).await;
    let directory = parts.directory.snapshot();
    let name: Arc<str> = connector.name.as_str().into();
    let why = match found {
        Ok(Ok(())) => None,
        Ok(Err(why)) => Some(why.to_string()),
        Err(_) => Some("no answer in time".to_string()),
    };
    for org in owners(&directory, &connector) {
        let tried = match &why {
            None => Tried::Reached { delivered: 0, refused: 0, deferred: 0 },
            Some(why) => Tried::Unreached(why.clone()),
        };
        parts.signals.tried(org, &name, tried, (parts.clock)());
    }
    if why.is_none() && parts.signals.take_back(&name) {
        match queue::hurry(&db, &connector.name, (parts.clock)()).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!(connector = %connector.name, rows, "the next hop is back; what waited for it is due"),
            Err(why) => tracing::warn!(%why, "what waits for a next hop that is back was not hurried; it is due in its own time"),
        }
    }
}

/// The organisations whose mail goes over this connector.
pub(super) fn owners(directory: &crate::directory::Directory, connector: &ConnectorSettings) -> Vec<OrgId> {
    let uses = |organisation: &crate::directory::Organisation| {
        organisation.name == connector.organisation
            || organisation.settings.connector == connector.name
            || organisation.settings.outbound_connector == connector.name
    };
    let by_domain = directory.domains.values().filter(|domain| domain.settings.connector == connector.name).map(|domain| domain.org);
    let mut owners: Vec<OrgId> = directory.organisations.values().filter(|one| uses(one)).map(|one| one.id).chain(by_domain).collect();
    owners.sort_unstable();
    owners.dedup();
    owners
}
