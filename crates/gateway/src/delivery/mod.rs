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
#[cfg(test)]
mod tests;
mod tls;
pub mod validate;

pub use guard::is_public;
pub use hello::ConnectError;
#[cfg(test)]
pub(crate) use message::base64;
pub(crate) use message::{edited, encoded_words};
pub use probe::{Probe, greet, probe};
pub use route::{Hop, RouteError, Router};
pub use tls::Tls;

use crate::directory::{ConnectorSettings, Protocol, TlsLevel};
use crate::follow;
use crate::queue::{Attempt, Due, Job, LaneKey, LoadError, Outcome, Queue, Seat, Seats};
use client::{Client, Stale, Transaction};
use hello::Hello;
use mail::dns::Dns;
use mail::smtp::Reply;
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
            let under_way = self.queue.under_way();
            let ended = self.attempt(&mut job).await;
            drop(under_way);
            match ended {
                None => {} // nothing is owed any more
                Some(Ended::Settled(attempts)) => self.queue.settle(job, attempts).await,
                Some(Ended::Unreached { hop, reply }) => match self.seat.cannot_connect(job, &hop, &reply, DOWN) {
                    Ok(()) => break, // others are connected and go on
                    Err(job) => {
                        let attempts = same(&job.recipients, &hop, &reply);
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
        let level = level(&job.mail.extras, self.connector.tls);
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
        let mut unreached = None;
        for hop in hops.iter().filter(|hop| tried.as_ref() != Some(hop)) {
            self.close();
            match self.connect(hop, level).instrument(tracing::trace_span!(target: follow::TARGET, "connect")).await {
                Ok(()) => {
                    let _ = self.transact(job, message, &mut results).await; // a new connection is never stale
                    if !is_any_waiting(&results) {
                        break;
                    }
                }
                Err(why) if why.is_loop && results.is_empty() => return Ended::Settled(same(&job.recipients, &why.hop, &why.reply)),
                Err(why) => unreached = Some((why.hop, why.reply)),
            }
        }
        match unreached {
            Some((hop, reply)) if results.is_empty() => Ended::Unreached { hop, reply },
            _ => Ended::Settled(results),
        }
    }

    async fn connect(&mut self, hop: &Hop, level: TlsLevel) -> Result<(), hello::ConnectError> {
        let is_mx = matches!(self.seat.key, LaneKey::Mx { .. });
        let hello = Hello { courier: &self.courier, connector: &self.connector, hop, level, is_mx };
        self.client = Some(hello.open().await?);
        self.seat.connected(true);
        Ok(())
    }

    /// Sends to those recipients that have no final result yet, over the open connection.
    async fn transact(&mut self, job: &Job, message: &message::Outgoing, results: &mut Vec<Attempt>) -> Result<(), Stale> {
        let Some(client) = self.client.as_mut() else { return Err(Stale) };
        let is_final = |due: &Due| results.iter().any(|attempt| attempt.n == due.n && attempt.outcome != Outcome::Deferred);
        let recipients: Vec<&Due> = job.recipients.iter().filter(|due| !is_final(due)).collect();
        let transaction = Transaction { mail: &job.mail, message, recipients: &recipients, times: &self.courier.timeouts };
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

    async fn hops(&self, job: &Job) -> Result<Vec<Hop>, RouteError> {
        let router = Router { dns: self.courier.dns.as_ref(), hostname: &self.courier.hostname, mail: job.mail.id };
        router.hops(&self.seat.key, &self.connector).await
    }
}

fn is_any_waiting(results: &[Attempt]) -> bool {
    results.iter().any(|attempt| attempt.outcome == Outcome::Deferred)
}

/// The same result for all recipients, by the class of the reply.
fn same(recipients: &[Due], hop: &str, reply: &Reply) -> Vec<Attempt> {
    let outcome = if reply.code >= 500 { Outcome::Refused } else { Outcome::Deferred };
    let attempt = |due: &Due| Attempt { n: due.n, outcome, reply: reply.clone(), hop: hop.to_string(), tls: String::new() };
    recipients.iter().map(attempt).collect()
}

/// An address that could end its command or begin another one. Intake let none in; the table is not trusted with it.
fn unsafe_address(job: &Job) -> Option<&str> {
    let is_safe = |address: &str| mail::Address::parse(address).is_ok();
    let sender = Some(job.mail.sender.as_str()).filter(|sender| !sender.is_empty() && !is_safe(sender));
    sender.or_else(|| job.recipients.iter().map(|due| due.address.as_str()).find(|address| !is_safe(address)))
}

/// How TLS is used for this mail: what it asks for itself raises what the connector says.
fn level(extras: &crate::queue::EnvelopeExtras, of_connector: TlsLevel) -> TlsLevel {
    match of_connector {
        _ if extras.require_tls => TlsLevel::Verified,
        TlsLevel::Off | TlsLevel::Opportunistic if extras.tls_by_rule => TlsLevel::Required,
        level => level,
    }
}
