//! Mails and recipients on their way: from a row, or fresh from intake, into the lanes and to a worker.
//!
//! Invariant: every row in memory is in `held` as long as its job lives, so that the table's sweep does not bring it twice; what
//! does not fit goes back to the table.

use super::lane::{LaneKey, Limits, lock};
use super::{Accepted, DsnWish, Edits, EnvelopeExtras, Fate, LEASE_MS, PIECE_OCTETS, Shared, now_ms, sql};
use crate::directory::Protocol;
use bytes::Bytes;
use mail::{MailId, OrgId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// Recipients in one transaction with a next hop. RFC 5321 §4.5.3.1.8: a server takes at least 100.
const RECIPIENTS_MAX: usize = 100;
/// How long what did not fit into its lane stays in the table.
const LANE_FULL_MS: i64 = 5_000;
/// After this long in memory, a row is looked up again before it is sent: somebody may have cancelled it.
const RECHECK_AFTER: Duration = Duration::from_secs(5);
/// Connections to one destination when no connector says otherwise.
const CONNECTIONS_MAX: usize = 20;

/// A mail as the queue owes it.
#[derive(Debug)]
pub struct Owed {
    pub id: MailId,
    pub org: OrgId,
    pub sender: String,
    pub extras: EnvelopeExtras,
    /// About how long the message is; for the order of memory, not for SIZE.
    pub octets_about: usize,
    /// Name of the body's file; '' when it lies in the table.
    pub(super) place: String,
    /// The message, when it is small and there was room for it.
    resident: Option<(Bytes, OwnedSemaphorePermit)>,
}

/// One recipient of a job.
#[derive(Debug, Clone)]
pub struct Due {
    pub n: i64,
    pub address: String,
    pub original: String,
    pub dsn: DsnWish,
    /// Attempts made before this one.
    pub tries: u32,
}

/// One transaction with a next hop: a mail, the recipients there, what is changed for them.
#[derive(Debug)]
pub struct Job {
    pub mail: Arc<Owed>,
    pub edits: Edits,
    pub recipients: Vec<Due>,
    /// The connector it goes over; '' is none.
    pub(super) connector: Arc<str>,
    entered: Instant,
    hold: Hold,
}

/// The octets of a message while they are being sent.
#[derive(Debug)]
pub struct Body {
    pub octets: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Why a job cannot be attempted.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Cancelled or taken over since it came into memory: nothing is owed by us.
    #[error("nothing is owed any more")]
    NotOurs,
    #[error("the message cannot be read")]
    Store(#[source] store::Error),
    #[error("the message is not in the store")]
    Missing,
}

/// Keeps rows in `held` as long as the job lives, whatever ends it.
struct Hold {
    shared: Arc<Shared>,
    mail: MailId,
    numbers: Vec<i64>,
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.mail, self.numbers)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = lock(&self.shared.lanes.held);
        for n in &self.numbers {
            held.remove(&(self.mail.0, *n));
        }
    }
}

/// A row as it comes into memory.
pub(super) struct Incoming {
    pub due: Due,
    pub edits: Edits,
    pub route: String,
}

impl Owed {
    pub(super) fn new(id: MailId, org: OrgId, sender: String, extras: EnvelopeExtras, place: String, octets_about: usize) -> Owed {
        Owed { id, org, sender, extras, octets_about, place, resident: None }
    }
}

impl Job {
    /// The message, from memory or read back.
    pub async fn load(&mut self) -> Result<Body, LoadError> {
        if self.entered.elapsed() > RECHECK_AFTER {
            self.recheck().await?;
        }
        if let Some((octets, _)) = &self.mail.resident {
            return Ok(Body { octets: octets.clone(), _room: None });
        }
        let shared = &self.hold.shared;
        let pieces = pieces(self.mail.octets_about).min(super::LOADING_OCTETS_MAX / PIECE_OCTETS) as u32;
        let room = shared.loading.clone().acquire_many_owned(pieces).await.ok();
        let octets = shared.read_body(self.mail.id).await.map_err(LoadError::Store)?.ok_or(LoadError::Missing)?;
        Ok(Body { octets, _room: room })
    }

    /// Drops recipients that were cancelled, or taken over by another node, while the job waited.
    async fn recheck(&mut self) -> Result<(), LoadError> {
        let (mail, node) = (self.mail.id, self.hold.shared.node);
        let ours = self.hold.shared.db.read(move |tx| Box::pin(sql::still_ours(tx, mail, node))).await.map_err(LoadError::Store)?;
        self.recipients.retain(|due| ours.contains(&due.n));
        if self.recipients.is_empty() { Err(LoadError::NotOurs) } else { Ok(()) }
    }
}

impl Shared {
    pub(super) fn start(self: &Arc<Self>, accepted: Accepted) {
        let queued = accepted.recipients.into_iter().filter(|recipient| recipient.fate == Fate::Queued);
        let rows: Vec<Incoming> = queued
            .map(|recipient| Incoming {
                due: Due { n: recipient.n, address: recipient.address, original: recipient.original, dsn: recipient.dsn, tries: 0 },
                edits: recipient.edits,
                route: recipient.route,
            })
            .collect();
        if rows.is_empty() {
            return;
        }
        let octets = accepted.octets;
        let is_file = octets.len() > super::INLINE_OCTETS_MAX;
        let place = if is_file { store::bodies::name(accepted.id.0) } else { String::new() };
        let mut mail = Owed::new(accepted.id, accepted.org, accepted.sender, accepted.extras, place, octets.len());
        // A file was written just now: the kernel holds it, and reading it back is a copy without a disk, which the few that go out at once are
        // spared. A bucket is asked over the network.
        let is_near = is_file && self.bodies.folder().is_some();
        let rooms = if is_near { &self.near } else { &self.waiting };
        let room = rooms.clone().try_acquire_many_owned(pieces(octets.len()) as u32);
        mail.resident = room.ok().map(|room| (octets, room));
        self.enter(mail, rows, accepted.at_ms + LEASE_MS);
    }

    /// Takes rows of one mail, leased by us until `lease_ms`, into their lanes.
    pub(super) fn enter(self: &Arc<Self>, mail: Owed, rows: Vec<Incoming>, lease_ms: i64) {
        if *self.closing.borrow() {
            return self.give_back(rows.iter().map(|row| (mail.id.0, row.due.n)).collect(), now_ms());
        }
        let mail = Arc::new(mail);
        let (mut beyond_window, mut beyond_lane) = (Vec::new(), Vec::new());
        for (key, edits, recipients) in self.group(rows) {
            let Some(hold) = self.hold(mail.id, &recipients, lease_ms, &mut beyond_window) else { continue };
            let recipients = recipients.into_iter().filter(|due| hold.numbers.contains(&due.n)).collect();
            let limits = self.limits(&key);
            let connector = key.connector().into();
            let job = Job { mail: mail.clone(), edits, recipients, connector, entered: Instant::now(), hold };
            if let Err(job) = self.lanes.push(key, job, limits) {
                beyond_lane.extend(job.recipients.iter().map(|due| (mail.id.0, due.n)));
            }
        }
        self.give_back(beyond_window, now_ms());
        self.give_back(beyond_lane, now_ms() + LANE_FULL_MS);
    }

    /// Notes rows as being in memory; those that are there already are left out, those beyond the window are `refused`.
    fn hold(self: &Arc<Self>, mail: MailId, recipients: &[Due], lease_ms: i64, refused: &mut Vec<(i64, i64)>) -> Option<Hold> {
        let mut held = lock(&self.lanes.held);
        let mut numbers = Vec::with_capacity(recipients.len());
        for due in recipients {
            let row = (mail.0, due.n);
            if let Some(known_ms) = held.get_mut(&row) {
                *known_ms = lease_ms; // leased again as its lease had run out; it is on its way
            } else if held.len() >= self.settings.window_max {
                refused.push(row);
            } else {
                held.insert(row, lease_ms);
                numbers.push(due.n);
            }
        }
        drop(held);
        (!numbers.is_empty()).then(|| Hold { shared: self.clone(), mail, numbers })
    }

    /// Returns rows untried to the table. Not awaited: if it fails, their lease ends.
    pub(super) fn give_back(&self, rows: Vec<(i64, i64)>, due_ms: i64) {
        if rows.is_empty() {
            return;
        }
        let node = self.node;
        drop(self.db.later(move |tx| {
            Box::pin(async move { tx.run_all(rows.iter().map(|(mail, n)| sql::release(*mail, *n, node, due_ms)).collect()).await })
        }));
    }

    /// Recipients that share lane and edits, at most [`RECIPIENTS_MAX`] together.
    fn group(&self, rows: Vec<Incoming>) -> Vec<(LaneKey, Edits, Vec<Due>)> {
        let mut groups: Vec<(LaneKey, Edits, Vec<Due>)> = Vec::with_capacity(1);
        let mut open: HashMap<(LaneKey, Edits), usize> = HashMap::new();
        let is_single = rows.len() == 1;
        for row in rows {
            let key = self.lane_key(&row);
            if is_single {
                return vec![(key, row.edits, vec![row.due])];
            }
            let at = open.get(&(key.clone(), row.edits.clone())).copied().filter(|at| groups[*at].2.len() < RECIPIENTS_MAX);
            match at {
                Some(at) => groups[at].2.push(row.due),
                None => {
                    open.insert((key.clone(), row.edits.clone()), groups.len());
                    groups.push((key, row.edits, vec![row.due]));
                }
            }
        }
        groups
    }

    fn lane_key(&self, row: &Incoming) -> LaneKey {
        let connector: Arc<str> = row.route.as_str().into();
        // A connector without hosts says how to send, and leaves where to send to the recipient's domain.
        let is_mx = connector.is_empty()
            || self.routes.connector(&connector).is_some_and(|known| known.hosts.is_empty() && known.protocol != Protocol::Folder);
        if !is_mx {
            return LaneKey::Connector(connector);
        }
        let domain = row.due.address.rsplit_once('@').map_or("", |(_, domain)| domain);
        LaneKey::Mx { domain: domain.to_ascii_lowercase().into(), connector }
    }

    fn limits(&self, key: &LaneKey) -> Limits {
        let settings = self.routes.connector(key.connector());
        let workers_max = settings.map_or(CONNECTIONS_MAX, |connector| connector.connections_max);
        // While the last quarter of the window is in use, no destination may hold more than half of it: one that is stuck
        // leaves room for the others.
        let window_max = self.settings.window_max;
        let is_scarce = self.lanes.held_count() > window_max / 4 * 3;
        Limits { workers_max, waiting_max: if is_scarce { window_max / 2 } else { usize::MAX } }
    }

    /// The message, from memory or from the store.
    pub(super) async fn body_of(&self, mail: &Owed) -> Result<Option<Bytes>, store::Error> {
        match &mail.resident {
            Some((octets, _)) => Ok(Some(octets.clone())),
            None => self.read_body(mail.id).await,
        }
    }

    pub(super) async fn read_body(&self, mail: MailId) -> Result<Option<Bytes>, store::Error> {
        let row = self.db.read(move |tx| Box::pin(sql::body(tx, mail))).await?;
        let Some(row) = row else { return Ok(None) };
        match row.text(0)? {
            "" => row.blob(1).map(Some),
            place => self.bodies.read(place).await,
        }
    }
}

fn pieces(octets: usize) -> usize {
    octets.div_ceil(PIECE_OCTETS).max(1)
}
