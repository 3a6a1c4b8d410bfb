//! Sending mail on: from a destination to hosts, connections, and one result for each recipient.
//!
//! In: [`Seat`]s of the queue, one a worker. A worker keeps one connection, sends job after job over it, and gives every result
//! to [`Queue::settle`]. Invariant: a result is reported for every recipient of every job taken, or the job is dropped whole
//! and its lease brings it back. Not here: when to try again and what the sender is told (`queue`).

pub mod certificate;
mod client;
mod folder;
mod guard;
mod hello;
mod link;
mod message;
mod probe;
mod route;
pub mod security;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
pub mod validate;

pub use guard::is_public;
pub use hello::ConnectError;
pub(crate) use message::{base64, edited, encoded_words};
pub use probe::{Probe, greet, probe};
pub use route::{Hop, RouteError, Router};
pub use tls::Tls;

use crate::directory::{ConnectorSettings, Protocol, TlsLevel};
use crate::dkim::Seal;
use crate::follow;
use crate::queue::{Attempt, Due, EnvelopeExtras, Job, LaneKey, LoadError, Outcome, Queue, Seat, Seats};
use client::{Client, Stale, Transaction};
use hello::Hello;
use mail::MailId;
use mail::dns::Dns;
use mail::smtp::Reply;
use security::outcome::{Failure, Session};
use security::{Asked, Blocked, Guard, Security};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tracing::Instrument;

/// Connections to all next hops together.
const CONNECTIONS_MAX: usize = 500;
/// How long a connection without mail stays open.
const IDLE: Duration = Duration::from_secs(10);
/// How long a destination that cannot be reached is left alone.
const DOWN: Duration = Duration::from_secs(10);

/// How long a client waits (RFC 5321 §4.5.3.2).
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    pub connect: Duration,
    /// §4.5.3.2.1
    pub greeting: Duration,
    /// EHLO, MAIL and RCPT: §4.5.3.2.2 and §4.5.3.2.3
    pub command: Duration,
    /// §4.5.3.2.4
    pub data_begin: Duration,
    /// §4.5.3.2.5
    pub data_block: Duration,
    /// §4.5.3.2.6
    pub data_end: Duration,
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Timeouts {
            connect: Duration::from_secs(30),
            greeting: minutes(5),
            command: minutes(5),
            data_begin: minutes(2),
            data_block: minutes(3),
            data_end: minutes(10),
            quit: Duration::from_secs(2),
        }
    }
}

/// What deliveries share.
pub struct Courier {
    pub dns: Arc<dyn Dns>,
    pub tls: Tls,
    /// Our name in EHLO.
    pub hostname: String,
    /// Ports where this server listens, so that it does not send to itself.
    pub own_ports: Vec<u16>,
    pub timeouts: Timeouts,
    /// What the domains that mail goes to ask for.
    pub security: Arc<Security>,
    /// Opens passwords of connectors; `None` where there is no key.
    pub seal: Option<Arc<Seal>>,
}

impl Courier {
    /// What finds hosts for this mail.
    pub fn router(&self, mail: MailId) -> Router<'_> {
        Router { dns: self.dns.as_ref(), hostname: &self.hostname, mail, places: self.security.mx }
    }
}

/// Works for the queue until it stops; ends when every worker has ended.
pub fn run(queue: Queue, mut seats: Seats, courier: Arc<Courier>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        while let Some(seat) = seats.next(&queue).await {
            let Ok(place) = room.clone().acquire_owned().await else { return };
            let (courier, queue) = (courier.clone(), queue.clone());
            tokio::spawn(async move {
                Worker { courier, queue, seat, client: None, connector: Arc::default() }.work().await;
                drop(place);
            });
        }
        // Every worker has a place; having them all means that none is left.
        let _ = room.acquire_many(CONNECTIONS_MAX as u32).await;
    })
}

/// One connection's worth of work for one lane.
struct Worker {
    courier: Arc<Courier>,
    queue: Queue,
    seat: Seat,
    client: Option<Client>,
    /// The connector as it was when `client` connected.
    connector: Arc<ConnectorSettings>,
}

/// How an attempt ended as a whole.
enum Ended {
    Settled(Vec<Attempt>),
    /// Nobody was reached.
    Unreached {
        hop: String,
        reply: Reply,
        /// Which policy stood in the way; '' is none.
        policy: &'static str,
    },
}

impl Worker {
    async fn work(mut self) {
        while let Some(mut job) = self.seat.take(IDLE).await {
            if let Some((hop, reply)) = self.seat.down() {
                let attempts = same(&job.recipients, &hop, &reply);
                self.queue.settle_untried(job, attempts).await;
                continue;
            }
            self.seat.turn().await;
            let under_way = self.queue.under_way();
            let ended = self.attempt(&mut job).await;
            drop(under_way);
            match ended {
                None => {} // nothing is owed any more
                Some(Ended::Settled(attempts)) => {
                    let is_one_too_many = self.seat.learn(&attempts);
                    self.queue.settle(job, attempts).await;
                    if is_one_too_many {
                        break;
                    }
                }
                Some(Ended::Unreached { hop, reply, policy }) => match self.seat.cannot_connect(job, &hop, &reply, DOWN) {
                    Ok(()) => break, // others are connected and go on
                    Err(job) => {
                        let attempts = under(policy, same(&job.recipients, &hop, &reply));
                        self.queue.settle(job, attempts).await;
                    }
                },
            }
        }
        if let Some(client) = self.client.take() {
            client.quit(&self.courier.timeouts).await;
        }
    }

    async fn attempt(&mut self, job: &mut Job) -> Option<Ended> {
        let body = match job.load().await {
            Ok(body) => body,
            Err(LoadError::NotOurs) => return None,
            Err(why) => {
                tracing::error!(%why, mail = %job.mail.id, "a queued message cannot be read");
                return Some(Ended::Settled(same(&job.recipients, "", &Reply::new(451, (4, 3, 0), why.to_string()))));
            }
        };
        if let Err(reply) = self.choose_connector() {
            return Some(Ended::Settled(same(&job.recipients, "", &reply)));
        }
        if self.connector.protocol == Protocol::Folder {
            let parts = message::edited(&body.octets, &job.edits);
            return Some(Ended::Settled(folder::deliver(&self.connector.folder, job.mail.id, &job.recipients, parts).await));
        }
        let message = match message::compose(&body.octets, &job.edits) {
            Ok(message) => message,
            Err(why) => return Some(Ended::Settled(same(&job.recipients, "", &Reply::new(554, (5, 6, 11), why.to_string())))),
        };
        if let Some(address) = unsafe_address(job) {
            let reply = Reply::new(553, (5, 1, 3), format!("{address:?} is not an address that can be sent"));
            return Some(Ended::Settled(same(&job.recipients, "", &reply)));
        }
        let span = follow::delivering(job.mail.id, job.mail.org, self.seat.key.connector(), job.recipients.len());
        let ended = self.send(job, &message).instrument(span.clone()).await;
        span.record("unreached", matches!(ended, Ended::Unreached { .. }));
        Some(ended)
    }

    /// The connector as it stands now; a connection made under other settings is closed.
    fn choose_connector(&mut self) -> Result<(), Reply> {
        let now = match self.seat.key.connector() {
            "" if self.client.is_some() => return Ok(()),
            "" => Arc::default(),
            name => {
                self.queue.routes().connector(name).ok_or_else(|| Reply::new(451, (4, 3, 5), format!("there is no connector “{name}”")))?
            }
        };
        if !Arc::ptr_eq(&now, &self.connector) && now != self.connector {
            self.close();
        }
        self.connector = now;
        Ok(())
    }

    fn close(&mut self) {
        self.client = None;
        self.seat.connected(false);
    }

    /// Over the open connection if there is one, then over new ones, host by host, until nobody is left to be tried again.
    async fn send(&mut self, job: &Job, message: &message::Outgoing) -> Ended {
        let mut results: Vec<Attempt> = Vec::with_capacity(job.recipients.len());
        let mut tried = None;
        if let Some(client) = self.client.as_mut().filter(|client| client.is_enough_for(&job.mail.extras)) {
            let hop = client.hop.clone();
            if self.transact(job, message, &mut results).await.is_ok() {
                tried = Some(hop);
            }
        }
        if tried.is_some() && !is_any_waiting(&results) {
            return Ended::Settled(results);
        }
        let hops = match self.hops(job).await {
            Ok(hops) => hops,
            Err(_) if tried.is_some() => return Ended::Settled(results),
            Err(why) => return Ended::Settled(same(&job.recipients, "", &why.reply)),
        };
        let (courier, key) = (self.courier.clone(), self.seat.key.clone());
        let asked = match asked(&courier, &key, &job.mail.extras).await {
            Ok(asked) => asked,
            Err(blocked) => {
                courier.note(&key, "", Err(&blocked));
                return Ended::Settled(under(blocked.name(), same(&job.recipients, "", &blocked.reply())));
            }
        };
        let mut unreached = None;
        for hop in hops.iter().filter(|hop| tried.as_ref() != Some(hop)) {
            self.close();
            match self.connect(hop, &job.mail.extras, &asked).instrument(tracing::trace_span!(target: follow::TARGET, "connect")).await {
                Ok(()) => {
                    let _ = self.transact(job, message, &mut results).await; // a new connection is never stale
                    if !is_any_waiting(&results) && !is_any_lacking(&results) {
                        break;
                    }
                }
                Err(why) if why.is_loop && results.is_empty() => return Ended::Settled(same(&job.recipients, &why.hop, &why.reply)),
                Err(why) => unreached = Some(why),
            }
        }
        match unreached {
            Some(why) if results.is_empty() && job.mail.extras.require_tls && why.failure == Some(Failure::StarttlsNotSupported) => {
                Ended::Settled(same(&job.recipients, &why.hop, &client::lacks_require_tls()))
            }
            Some(why) if results.is_empty() => Ended::Unreached { hop: why.hop, reply: why.reply, policy: why.policy },
            _ => Ended::Settled(results),
        }
    }

    async fn connect(&mut self, hop: &Hop, extras: &EnvelopeExtras, asked: &Wanted<'_>) -> Result<(), hello::ConnectError> {
        let is_mx = matches!(self.seat.key, LaneKey::Mx { .. });
        let guard = match asked {
            Wanted::Nothing => Guard::Open,
            Wanted::Waived => Guard::Waived,
            Wanted::By(asked) => match asked.of_host(&hop.name).await {
                Ok(guard) => guard,
                Err(blocked) => {
                    self.courier.note(&self.seat.key, &hop.name, Err(&blocked));
                    let (hop, reply) = (hop.to_string(), blocked.reply());
                    return Err(hello::ConnectError { hop, reply, is_loop: false, failure: Some(blocked.failure), policy: blocked.name() });
                }
            },
        };
        let (level, require_tls) = (level(extras, self.connector.tls), extras.require_tls);
        let hello = Hello { courier: &self.courier, connector: &self.connector, hop, level, require_tls, guard: guard.clone(), is_mx };
        let opened = hello.open().await;
        let failure = match &opened {
            Ok(client) => Some(client.failure),
            Err(why) => why.failure.map(Some),
        };
        if let Some(failure) = failure {
            self.courier.note(&self.seat.key, &hop.address.ip().to_string(), Ok((&guard, &hop.name, failure)));
        }
        self.client = Some(opened?);
        self.seat.connected(true);
        Ok(())
    }

    /// Sends to those recipients that have no final result yet, over the open connection.
    async fn transact(&mut self, job: &Job, message: &message::Outgoing, results: &mut Vec<Attempt>) -> Result<(), Stale> {
        let left_under = self.sender(job);
        let Some(client) = self.client.as_mut() else { return Err(Stale) };
        let lacks = |attempt: &Attempt| attempt.reply.status == Some(client::LACKS_REQUIRE_TLS);
        let is_final = |due: &Due| results.iter().any(|one| one.n == due.n && one.outcome != Outcome::Deferred && !lacks(one));
        let recipients: Vec<&Due> = job.recipients.iter().filter(|due| !is_final(due)).collect();
        let sender = left_under.as_deref().unwrap_or(&job.mail.sender);
        let transaction = Transaction { mail: &job.mail, sender, message, recipients: &recipients, times: &self.courier.timeouts };
        let sent = client.send(&transaction).instrument(tracing::trace_span!(target: follow::TARGET, "transact")).await;
        if !client.is_open() || client.is_spent() || client.mails >= self.connector.mails_per_connection_max.max(1) {
            if let Some(client) = self.client.take().filter(Client::is_open) {
                client.quit(&self.courier.timeouts).await;
            }
            self.seat.connected(false);
        }
        let fresh = sent?;
        results.retain(|old| fresh.iter().all(|new| new.n != old.n));
        results.extend(fresh);
        Ok(())
    }

    /// The sender under which the mail leaves, when that is another than it came with.
    fn sender(&self, job: &Job) -> Option<String> {
        let domain = job.recipients.first().and_then(|due| due.address.rsplit_once('@')).map(|(_, domain)| domain)?;
        self.queue.routes().sender(job.mail.org, &job.mail.sender, domain, crate::queue::now_ms())
    }

    async fn hops(&self, job: &Job) -> Result<Vec<Hop>, RouteError> {
        self.courier.router(job.mail.id).hops(&self.seat.key, &self.connector).await
    }
}

/// What is to be asked of the recipients' domain for this mail.
enum Wanted<'a> {
    /// A connector names the hosts.
    Nothing,
    /// The sender does not want policies to count (RFC 8689 §3).
    Waived,
    By(Asked<'a>),
}

async fn asked<'a>(courier: &'a Courier, key: &'a LaneKey, extras: &EnvelopeExtras) -> Result<Wanted<'a>, Blocked> {
    match key {
        LaneKey::Connector(_) => Ok(Wanted::Nothing),
        LaneKey::Mx { domain, .. } if domain.starts_with('[') => Ok(Wanted::Nothing),
        LaneKey::Mx { .. } if courier.security.honours_no && extras.waives_tls() => Ok(Wanted::Waived),
        LaneKey::Mx { domain, .. } => {
            let asked = courier.security.of_domain(domain, (courier.dns.as_ref(), &courier.tls), crate::queue::now_ms()).await?;
            Ok(Wanted::By(asked))
        }
    }
}

impl Courier {
    /// Counts how a connection to a host of the lane's domain went: guard, host and what was wrong; or why none was tried.
    fn note(&self, key: &LaneKey, whom: &str, how: Result<(&Guard, &str, Option<Failure>), &Blocked>) {
        let LaneKey::Mx { domain, .. } = key else { return };
        let (policy, lines, mx, ip, failure) = match how {
            Ok((guard, host, failure)) => (guard.kind(), guard.lines(), host, whom, failure),
            Err(blocked) => (blocked.policy, blocked.lines.clone(), whom, "", Some(blocked.failure)),
        };
        let session = Session { domain: domain.to_string(), policy, lines, mx: mx.to_string(), ip: ip.to_string(), failure };
        self.security.note(session, crate::queue::now_ms());
    }
}

/// Some next hop lacks what the mail must have: another may have it (RFC 8689 §4.2.1).
fn is_any_lacking(results: &[Attempt]) -> bool {
    results.iter().any(|attempt| attempt.reply.status == Some(client::LACKS_REQUIRE_TLS))
}

fn is_any_waiting(results: &[Attempt]) -> bool {
    results.iter().any(|attempt| attempt.outcome == Outcome::Deferred)
}

/// The same result for all recipients, by the class of the reply.
fn same(recipients: &[Due], hop: &str, reply: &Reply) -> Vec<Attempt> {
    let outcome = if reply.code >= 500 { Outcome::Refused } else { Outcome::Deferred };
    let attempt =
        |due: &Due| Attempt { n: due.n, outcome, reply: reply.clone(), hop: hop.to_string(), tls: String::new(), policy: String::new() };
    recipients.iter().map(attempt).collect()
}

/// Attempts with the policy that they stood under.
fn under(policy: &str, mut attempts: Vec<Attempt>) -> Vec<Attempt> {
    attempts.iter_mut().for_each(|attempt| attempt.policy = policy.to_string());
    attempts
}

/// An address that could end its command or begin another one. Intake let none in; the table is not trusted with it.
fn unsafe_address(job: &Job) -> Option<&str> {
    let is_safe = |address: &str| mail::Address::parse(address).is_ok();
    let sender = Some(job.mail.sender.as_str()).filter(|sender| !sender.is_empty() && !is_safe(sender));
    sender.or_else(|| job.recipients.iter().map(|due| due.address.as_str()).find(|address| !is_safe(address)))
}

/// How TLS is used for this mail: what it asks for itself raises what the connector says.
fn level(extras: &EnvelopeExtras, of_connector: TlsLevel) -> TlsLevel {
    match of_connector {
        TlsLevel::Off | TlsLevel::Opportunistic if extras.tls_by_rule => TlsLevel::Required,
        level => level,
    }
}
