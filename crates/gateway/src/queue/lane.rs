//! What waits in memory: one [`Lane`] a destination, first in, first out, served by as many workers as its connector allows.
//!
//! A worker holds a [`Seat`]. The queue hands out a new seat when a job comes and no worker is idle; the worker takes jobs from
//! it until it was idle long enough. Every row in memory is in `held`, so that the table's sweep does not bring it twice.

use super::{Accepted, DsnWish, Edits, EnvelopeExtras, Fate, LEASE_MS, PIECE_OCTETS, Shared, now_ms, sql};
use bytes::Bytes;
use mail::smtp::Reply;
use mail::{MailId, OrgId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc};

/// Recipients in one transaction with a next hop. RFC 5321 §4.5.3.1.8: a server takes at least 100.
const RECIPIENTS_MAX: usize = 100;
/// Connections to one destination when no connector says otherwise.
const CONNECTIONS_MAX: usize = 20;
/// How long what did not fit into its lane stays in the table.
const LANE_FULL_MS: i64 = 5_000;
/// After this long in memory, a row is looked up again before it is sent: somebody may have cancelled it.
const RECHECK_AFTER: Duration = Duration::from_secs(5);

/// Where jobs go that share connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LaneKey {
    Connector(Arc<str>),
    /// The MX records of this domain, in lower-case A-labels, or an address literal in brackets.
    Mx(Arc<str>),
}

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
    /// The message, while there was room for it.
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

/// All lanes of a queue.
pub(super) struct Lanes {
    map: Mutex<HashMap<LaneKey, Arc<Lane>>>,
    /// Rows in memory, and until when they are leased.
    held: Mutex<HashMap<(i64, i64), i64>>,
    seats: mpsc::UnboundedSender<(LaneKey, Arc<Lane>)>,
}

struct Lane {
    state: Mutex<LaneState>,
    wake: Notify,
}

#[derive(Default)]
struct LaneState {
    jobs: VecDeque<Job>,
    /// Recipients in `jobs`.
    waiting: usize,
    workers: usize,
    /// Workers that wait for a job.
    idle: usize,
    /// Workers with an open connection.
    connected: usize,
    workers_max: usize,
    /// Fewer workers until then, as the next hop did not want more.
    cut: Option<(Instant, usize)>,
    /// Nobody could connect; until then jobs are deferred with this reply of this hop.
    down: Option<(Instant, String, Reply)>,
    closed: bool,
}

/// Hands out a seat whenever a lane wants one more worker.
pub struct Seats {
    seats: mpsc::UnboundedReceiver<(LaneKey, Arc<Lane>)>,
}

impl Seats {
    /// `None` once the queue stops.
    pub async fn next(&mut self, queue: &super::Queue) -> Option<Seat> {
        let mut closing = queue.shared.closing.subscribe();
        let (key, lane) = tokio::select! {
            wanted = self.seats.recv() => wanted?,
            _ = closing.wait_for(|is_closing| *is_closing) => return None,
        };
        Some(Seat { shared: queue.shared.clone(), key, lane, is_connected: false })
    }
}

/// The right to be one of a lane's workers; dropping it gives it back.
pub struct Seat {
    shared: Arc<Shared>,
    pub key: LaneKey,
    lane: Arc<Lane>,
    is_connected: bool,
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

impl Lanes {
    pub fn new() -> (Lanes, Seats) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Lanes { map: Mutex::default(), held: Mutex::default(), seats: sender }, Seats { seats: receiver })
    }

    pub fn held_count(&self) -> usize {
        lock(&self.held).len()
    }

    /// Rows whose lease ends before `before_ms`, as `(mail, n)`; their end is noted as `until_ms`.
    pub fn renew(&self, before_ms: i64, until_ms: i64) -> Vec<(i64, i64)> {
        let mut held = lock(&self.held);
        let old = held.iter_mut().filter(|(_, lease_ms)| **lease_ms < before_ms);
        old.map(|(row, lease_ms)| {
            *lease_ms = until_ms;
            *row
        })
        .collect()
    }

    /// Forgets what waits and lets workers end. The rows are in the table.
    pub fn close(&self) -> Vec<(i64, i64)> {
        let lanes: Vec<Arc<Lane>> = lock(&self.map).values().cloned().collect();
        let mut forgotten = Vec::new();
        for lane in lanes {
            let jobs = {
                let mut state = lane.lock();
                state.closed = true;
                state.waiting = 0;
                std::mem::take(&mut state.jobs)
            };
            forgotten.extend(jobs.iter().flat_map(|job| job.recipients.iter().map(|due| (job.mail.id.0, due.n))));
            lane.wake.notify_waiters();
        }
        forgotten
    }

    /// Puts a job at the end of its lane, waking or asking for a worker. Gives it back when the lane is full or closed.
    fn push(&self, key: LaneKey, job: Job, limits: Limits) -> Result<(), Job> {
        let mut map = lock(&self.map);
        let lane = map.entry(key.clone()).or_insert_with(|| Arc::new(Lane { state: Mutex::default(), wake: Notify::new() })).clone();
        let mut state = lane.lock();
        if state.closed || (state.waiting > 0 && state.waiting + job.recipients.len() > limits.waiting_max) {
            return Err(job);
        }
        state.workers_max = limits.workers_max;
        state.waiting += job.recipients.len();
        state.jobs.push_back(job);
        if state.jobs.len() <= state.idle {
            lane.wake.notify_one();
        } else if state.workers < state.limit() {
            state.workers += 1;
            drop(state);
            // Without a receiver nothing is delivered; the rows stay in the table.
            let _ = self.seats.send((key, lane));
        }
        Ok(())
    }
}

/// How much one lane may hold, and how many may work for it.
#[derive(Clone, Copy)]
struct Limits {
    workers_max: usize,
    waiting_max: usize,
}

impl LaneState {
    fn limit(&mut self) -> usize {
        match self.cut {
            Some((until, fewer)) if until > Instant::now() => fewer.clamp(1, self.workers_max.max(1)),
            _ => {
                self.cut = None;
                self.workers_max.max(1)
            }
        }
    }

    fn pop(&mut self) -> Option<Job> {
        let job = self.jobs.pop_front()?;
        self.waiting = self.waiting.saturating_sub(job.recipients.len());
        Some(job)
    }
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, LaneState> {
        lock(&self.state)
    }
}

impl Seat {
    /// The next job; `None` once there was none for `idle`, or the queue stops. The worker then ends.
    pub async fn take(&self, idle: Duration) -> Option<Job> {
        let until = tokio::time::Instant::now() + idle;
        loop {
            {
                let mut state = self.lane.lock();
                if let Some(job) = state.pop() {
                    return Some(job);
                }
                if state.closed {
                    return None;
                }
                state.idle += 1;
            }
            let woken = tokio::time::timeout_at(until, self.lane.wake.notified()).await;
            let mut state = self.lane.lock();
            state.idle -= 1;
            match state.pop() {
                Some(job) => return Some(job),
                None if woken.is_err() || state.closed => return None,
                None => {}
            }
        }
    }

    /// The worker has opened (or lost) its connection.
    pub fn connected(&mut self, is_connected: bool) {
        let mut state = self.lane.lock();
        match (self.is_connected, is_connected) {
            (false, true) => {
                state.connected += 1;
                state.down = None;
            }
            (true, false) => state.connected -= 1,
            _ => {}
        }
        self.is_connected = is_connected;
    }

    /// The reply that jobs of this lane get unasked for now, as nobody could connect a moment ago.
    pub fn down(&self) -> Option<(String, Reply)> {
        let mut state = self.lane.lock();
        match &state.down {
            Some((until, hop, reply)) if *until > Instant::now() => Some((hop.clone(), reply.clone())),
            _ => {
                state.down = None;
                None
            }
        }
    }

    /// This worker could not connect. If others can, the job goes back, fewer work for a while, and the worker should end
    /// (`Ok`); else the destination is down for `wait` and the job is to be deferred (`Err`).
    pub fn cannot_connect(&self, job: Job, hop: &str, reply: &Reply, wait: Duration) -> Result<(), Job> {
        let mut state = self.lane.lock();
        let others = state.connected - usize::from(self.is_connected);
        if others == 0 || state.closed {
            state.down = Some((Instant::now() + wait, hop.to_string(), reply.clone()));
            return Err(job);
        }
        state.cut = Some((Instant::now() + wait, others));
        state.waiting += job.recipients.len();
        state.jobs.push_front(job);
        Ok(())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let lanes = &self.shared.lanes;
        let mut map = lock(&lanes.map);
        let mut state = self.lane.lock();
        state.workers -= 1;
        if self.is_connected {
            state.connected -= 1;
        }
        if state.jobs.len() > state.idle && state.workers < state.limit() {
            state.workers += 1;
            let _ = lanes.seats.send((self.key.clone(), self.lane.clone()));
        } else if !state.jobs.is_empty() && state.idle > 0 {
            self.lane.wake.notify_one();
        } else if state.workers == 0 && state.jobs.is_empty() {
            map.remove(&self.key);
        }
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
        let is_file = accepted.octets.len() > super::INLINE_OCTETS_MAX;
        let place = if is_file { store::bodies::name(accepted.id.0) } else { String::new() };
        let mut mail = Owed::new(accepted.id, accepted.org, accepted.sender, accepted.extras, place, accepted.octets.len());
        let room = self.waiting.clone().try_acquire_many_owned(pieces(accepted.octets.len()) as u32);
        mail.resident = room.ok().map(|room| (accepted.octets, room));
        self.enter(mail, rows, accepted.at_ms + LEASE_MS);
    }

    /// Takes rows of one mail, leased by us until `lease_ms`, into their lanes.
    pub(super) fn enter(self: &Arc<Self>, mail: Owed, rows: Vec<Incoming>, lease_ms: i64) {
        if *self.closing.borrow() {
            return self.give_back(rows.iter().map(|row| (mail.id.0, row.due.n)).collect(), now_ms());
        }
        let mail = Arc::new(mail);
        let (mut beyond_window, mut beyond_lane) = (Vec::new(), Vec::new());
        for (key, edits, recipients) in group(rows) {
            let Some(hold) = self.hold(mail.id, &recipients, lease_ms, &mut beyond_window) else { continue };
            let recipients = recipients.into_iter().filter(|due| hold.numbers.contains(&due.n)).collect();
            let limits = self.limits(&key);
            let job = Job { mail: mail.clone(), edits, recipients, entered: Instant::now(), hold };
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

    fn limits(&self, key: &LaneKey) -> Limits {
        let settings = match key {
            LaneKey::Connector(name) => self.routes.connector(name),
            LaneKey::Mx(_) => None,
        };
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

/// Recipients that share lane and edits, at most [`RECIPIENTS_MAX`] together.
fn group(rows: Vec<Incoming>) -> Vec<(LaneKey, Edits, Vec<Due>)> {
    let mut groups: Vec<(LaneKey, Edits, Vec<Due>)> = Vec::with_capacity(1);
    let mut open: HashMap<(LaneKey, Edits), usize> = HashMap::new();
    let is_single = rows.len() == 1;
    for row in rows {
        let key = lane_key(&row);
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

fn lane_key(row: &Incoming) -> LaneKey {
    match row.route.as_str() {
        "" => LaneKey::Mx(row.due.address.rsplit_once('@').map_or("", |(_, domain)| domain).to_ascii_lowercase().into()),
        name => LaneKey::Connector(name.into()),
    }
}

fn pieces(octets: usize) -> usize {
    octets.div_ceil(PIECE_OCTETS).max(1)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
