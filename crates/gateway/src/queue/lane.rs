//! What waits in memory: one [`Lane`] a destination, first in, first out, served by as many workers as its connector allows.
//!
//! A worker holds a [`Seat`]. The queue hands out a new seat when a job comes and no worker is idle; the worker takes jobs from
//! it until it was idle long enough. Every row in memory is in `held`, so that the table's sweep does not bring it twice.

use super::Shared;
use super::job::Job;
use super::settle::Attempt;
use super::shape::Shape;
use mail::smtp::Reply;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};

/// Where jobs go that share connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LaneKey {
    Connector(Arc<str>),
    /// The MX records of this domain, in lower-case A-labels, or an address literal in brackets; as a connector says, '' is none.
    Mx {
        domain: Arc<str>,
        connector: Arc<str>,
    },
}

/// Destinations that are remembered for what they taught although nothing waits for them.
const LEARNED_MAX: usize = 10_000;

impl LaneKey {
    /// Name of the connector; '' is none.
    pub fn connector(&self) -> &str {
        match self {
            LaneKey::Connector(name) => name,
            LaneKey::Mx { connector, .. } => connector,
        }
    }
}

/// All lanes of a queue.
pub(super) struct Lanes {
    map: Mutex<HashMap<LaneKey, Arc<Lane>>>,
    /// Rows in memory, and until when they are leased.
    pub(super) held: Mutex<HashMap<(i64, i64), i64>>,
    seats: mpsc::UnboundedSender<(LaneKey, Arc<Lane>)>,
}

struct Lane {
    state: Mutex<LaneState>,
    wake: Notify,
}

/// Until then jobs are deferred with this reply of this hop, unless it was reached in another way since.
struct Down {
    since_ms: i64,
    until: Instant,
    hop: String,
    reply: Reply,
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
    /// Nobody could connect.
    down: Option<Down>,
    /// What the destination has taught.
    shape: Shape,
    /// The next mail may not begin before.
    next_at: Option<Instant>,
    /// What was said last, and when.
    last: Option<(String, i64)>,
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

impl Lanes {
    pub fn new() -> (Lanes, Seats) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Lanes { map: Mutex::default(), held: Mutex::default(), seats: sender }, Seats { seats: receiver })
    }

    pub fn destinations(&self) -> Vec<Destination> {
        let mut all: Vec<Destination> = lock(&self.map).iter().map(|(key, lane)| lane.lock().shown(key)).collect();
        all.sort_by(|a, b| b.waiting.cmp(&a.waiting).then(b.in_flight.cmp(&a.in_flight)));
        all
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
    #[expect(clippy::result_large_err, reason = "the job is given back, it is no error")]
    pub(super) fn push(&self, key: LaneKey, job: Job, limits: Limits) -> Result<(), Job> {
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

/// How one destination is served at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub key: LaneKey,
    /// Recipients in memory that wait for their turn.
    pub waiting: usize,
    /// Workers with a mail.
    pub in_flight: usize,
    pub connected: usize,
    pub workers_allowed: usize,
    /// Between two mails.
    pub wait_ms: i64,
    /// What limits it: "down", "connections-refused", "learned", "connections-max", or "".
    pub limit_by: &'static str,
    /// The reply that says so.
    pub why: String,
    /// What was said last, and when (Unix milliseconds); '' and 0 for nothing yet.
    pub last_reply: String,
    pub last_ms: i64,
}

/// How much one lane may hold, and how many may work for it.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub workers_max: usize,
    pub waiting_max: usize,
}

impl LaneState {
    fn limit(&mut self) -> usize {
        let allowed = self.shape.workers.unwrap_or(usize::MAX).min(self.workers_max).max(1);
        match self.cut {
            Some((until, fewer)) if until > Instant::now() => fewer.clamp(1, allowed),
            _ => {
                self.cut = None;
                allowed
            }
        }
    }

    /// How long this mail has to wait for its turn; the turn is taken.
    fn turn(&mut self) -> Duration {
        let wait = self.shape.wait;
        if wait.is_zero() {
            return Duration::ZERO;
        }
        let now = Instant::now();
        let at = self.next_at.filter(|at| *at > now).unwrap_or(now);
        // No turn lies further ahead than all workers need, one after the other.
        self.next_at = Some((at + wait).min(now + wait * u32::try_from(self.workers.max(1)).unwrap_or(1)));
        at - now
    }

    fn shown(&mut self, key: &LaneKey) -> Destination {
        let is_cut = self.cut.is_some_and(|(until, _)| until > Instant::now());
        let down = self.down.as_ref().filter(|down| down.until > Instant::now());
        let limit_by = match (down, is_cut, self.shape.is_learned()) {
            (Some(_), ..) => "down",
            (None, true, _) => "connections-refused",
            (None, false, true) => "learned",
            (None, false, false) if self.workers >= self.workers_max.max(1) && !self.jobs.is_empty() => "connections-max",
            _ => "",
        };
        let why = match limit_by {
            "down" => down.map(|down| down.reply.to_string()).unwrap_or_default(),
            "learned" => self.shape.reply.clone(),
            _ => String::new(),
        };
        let (last_reply, last_ms) = self.last.clone().unwrap_or_default();
        Destination {
            key: key.clone(),
            waiting: self.waiting,
            in_flight: self.workers - self.idle.min(self.workers),
            connected: self.connected,
            workers_allowed: self.limit(),
            wait_ms: i64::try_from(self.shape.wait.as_millis()).unwrap_or(i64::MAX),
            limit_by,
            why,
            last_reply,
            last_ms,
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

    /// Waits until the destination may get the next mail; ends early when the queue stops.
    pub async fn turn(&self) {
        let wait = self.lane.lock().turn();
        if !wait.is_zero() {
            let mut closing = self.shared.closing.subscribe();
            let _ = tokio::time::timeout(wait, closing.wait_for(|is_closing| *is_closing)).await;
        }
    }

    /// Learns from what an attempt came to; whether this worker should end, as fewer are wanted.
    pub fn learn(&self, attempts: &[Attempt]) -> bool {
        let mut state = self.lane.lock();
        let (allowed, used) = (state.workers_max.max(1), state.connected.max(1));
        state.shape.learn(attempts, allowed, used);
        if let Some(last) = attempts.last() {
            state.last = Some((super::settle::reply_line(&last.reply), super::now_ms()));
        }
        state.workers > state.limit()
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
        // A look at the next hop may have found it back, and made due what waits: that is not to be deferred once more.
        let is_back = |down: &Down| self.shared.signals.reached_ms(self.key.connector()) > down.since_ms;
        match &state.down {
            Some(down) if down.until > Instant::now() && !is_back(down) => Some((down.hop.clone(), down.reply.clone())),
            _ => {
                state.down = None;
                None
            }
        }
    }

    /// This worker could not connect. If others can, the job goes back, fewer work for a while, and the worker should end
    /// (`Ok`); else the destination is down for `wait` and the job is to be deferred (`Err`).
    #[expect(clippy::result_large_err, reason = "the job is given back, it is no error")]
    pub fn cannot_connect(&self, job: Job, hop: &str, reply: &Reply, wait: Duration) -> Result<(), Job> {
        let mut state = self.lane.lock();
        let others = state.connected - usize::from(self.is_connected);
        if others == 0 || state.closed {
            let since_ms = super::now_ms();
            state.down = Some(Down { since_ms, until: Instant::now() + wait, hop: hop.to_string(), reply: reply.clone() });
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
        } else if state.workers == 0 && state.jobs.is_empty() && !(state.shape.is_learned() && map.len() < LEARNED_MAX) {
            map.remove(&self.key);
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
