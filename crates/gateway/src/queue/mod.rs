//! Queue: mail we have answered `250` for and still owe somebody.
//!
//! In: [`Accepted`] from `intake`, inserted in its transaction, then handed to [`Queue::start`] after the commit. Out: [`Job`]s
//! for `delivery`, taken from [`Lane`]s (one a destination), whose results return to [`Queue::settle`].
//! Invariant: the row is committed before the peer reads `250` (RFC 5321 §6.1), and a row that is not in memory is found in the
//! table when it is due: after a crash, after a release from quarantine, or when memory was full. The memory is bounded.
//! Not here: choosing a next hop and talking to it (`delivery`).

mod accepted;
mod job;
mod lane;
pub mod letter;
mod notice;
mod settings;
mod settle;
mod shape;
mod sql;
mod sweep;

pub use accepted::{Accepted, DsnWish, Edits, EnvelopeExtras, Fate, Recipient};
pub use job::{Body, Due, Job, LoadError, Owed};
pub use lane::{Destination, LaneKey, Seat, Seats};
pub use settings::{GiveUp, QueueSettings};
pub use settle::{Attempt, Outcome};
pub use sql::{Statement, Waiting, waiting};
pub use sweep::unreadable;

use crate::directory::ConnectorSettings;
use crate::scope::OrgScope;
use crate::signal::{Gauge, Signals, Tried};
use crate::trace::{self, Event, EventKind};
use lane::Lanes;
use mail::id::{EventId, IdMaker};
use mail::{MailId, OrgId};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use store::bodies::Bodies;
use store::{Db, Error, Tx};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

/// Bodies above this many octets go to a file before the transaction commits.
pub const INLINE_OCTETS_MAX: usize = 64 << 10;
/// How long a row belongs to the node that leased it, unless renewed.
pub const LEASE_MS: i64 = 300_000;
/// Settlements that may wait for their commit; beyond it workers wait.
const SETTLEMENTS_MAX: usize = 4_096;
/// Octets of messages read back for attempts that run at the same time. A single larger message passes alone.
const LOADING_OCTETS_MAX: usize = 64 << 20;
/// Memory is counted in pieces of this many octets.
const PIECE_OCTETS: usize = 1_024;
/// Octets of large messages that stay in memory although their files are near: the one or two that can be sent on at once.
const NEAR_OCTETS_MAX: usize = 1 << 20;

/// Rows made due in one transaction, and transactions; what is left is due in its own time.
const HURRY_ROWS_MAX: usize = 1_000;
const HURRY_BATCHES_MAX: usize = 1_000;

/// What queue and delivery ask the directory. Real: its snapshot. In tests: a fixed one.
pub trait Routes: Send + Sync + 'static {
    /// The connector of this name.
    fn connector(&self, name: &str) -> Option<Arc<ConnectorSettings>>;
    /// Name of the connector that mail to this domain takes; '' is its MX.
    fn route(&self, domain: &str) -> String;
    /// The envelope sender under which mail of an organisation leaves for this domain; `None`: the one it has.
    fn sender(&self, _org: OrgId, _sender: &str, _domain: &str, _now_ms: i64) -> Option<String> {
        None
    }
}

/// Where the octets of a mail lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyPlace {
    /// In the row, in the same transaction.
    Inline,
    /// In a file of the body store, by name.
    File(String),
}

impl BodyPlace {
    /// Decides by size, and writes the file where one is due. Before the transaction: what is never committed is swept later.
    pub async fn choose(bodies: &Bodies, accepted: &Accepted) -> Result<BodyPlace, Error> {
        if accepted.octets.len() <= INLINE_OCTETS_MAX || !accepted.needs_body() {
            return Ok(BodyPlace::Inline);
        }
        let name = store::bodies::name(accepted.id.0);
        bodies.put(&name, &accepted.octets).await?;
        Ok(BodyPlace::File(name))
    }
}

/// Puts body and recipients into the queue. The caller adds the `mail` row and the events in the same transaction.
pub async fn insert(tx: &mut Tx, accepted: &Accepted, body: BodyPlace) -> Result<(), Error> {
    tx.run_all(insert_statements(accepted, &body)?).await
}

/// What [`insert`] runs, for a caller that has more to run in the same round trip.
pub fn insert_statements(accepted: &Accepted, body: &BodyPlace) -> Result<Vec<Statement>, Error> {
    sql::insert(accepted, body)
}

/// Makes the deferred recipients of a mail due now; returns their addresses.
pub async fn retry_now(tx: &mut Tx, scope: OrgScope, mail: MailId, now_ms: i64, ids: &IdMaker) -> Result<Vec<String>, Error> {
    let hurried = sql::retry_now(tx, scope, mail, now_ms).await?;
    note(tx, mail, hurried, EventKind::Requeued, (now_ms, ids)).await
}

/// Makes everything due that waits for this connector; returns how many rows. Batch after batch, so that nobody waits for it long.
pub async fn hurry(db: &Db, connector: &str, now_ms: i64) -> Result<u64, Error> {
    let mut all = 0;
    for _ in 0..HURRY_BATCHES_MAX {
        let name = connector.to_string();
        let rows = db.tx(move |tx| Box::pin(async move { sql::hurry(tx, &name, now_ms, HURRY_ROWS_MAX).await })).await?;
        all += rows;
        if rows < HURRY_ROWS_MAX as u64 {
            break;
        }
    }
    Ok(all)
}

/// Ends the queued recipients of a mail without delivering them; returns their addresses. What is being sent in this very
/// moment may still arrive, and is then traced as delivered.
pub async fn cancel(tx: &mut Tx, scope: OrgScope, mail: MailId, now_ms: i64, ids: &IdMaker) -> Result<Vec<String>, Error> {
    let ended = sql::cancel(tx, scope, mail, now_ms).await?;
    let (statement, args) = sql::drop_body(mail);
    tx.run(statement, args).await?;
    note(tx, mail, ended, EventKind::Cancelled, (now_ms, ids)).await
}

/// Where the octets of a mail are, and the octets when they stand in the database. The caller has checked whose mail it is.
pub async fn body_of(tx: &mut Tx, mail: MailId) -> Result<Option<(String, bytes::Bytes)>, Error> {
    let row = sql::body(tx, mail).await?;
    row.map(|row| Ok((row.text(0)?.to_string(), row.blob(1)?))).transpose()
}

/// One event for each recipient; returns their addresses.
async fn note(tx: &mut Tx, mail: MailId, rows: Vec<(OrgId, String)>, kind: EventKind, now: (i64, &IdMaker)) -> Result<Vec<String>, Error> {
    let (at_ms, ids) = now;
    let event = |(org, recipient): &(OrgId, String)| {
        let id = EventId(ids.next(at_ms));
        Event { id, mail, org: *org, at_ms, kind, recipient: recipient.clone(), detail: "{}".into() }
    };
    let events: Vec<Event> = rows.iter().map(event).collect();
    trace::insert(tx, &events).await?;
    Ok(rows.into_iter().map(|(_, address)| address).collect())
}

/// What a queue works with.
pub struct QueueParts {
    pub db: Db,
    pub bodies: Bodies,
    pub routes: Arc<dyn Routes>,
    pub ids: Arc<IdMaker>,
    pub signals: Arc<Signals>,
    /// Number of this node, as its [`IdMaker`] has it.
    pub node: u8,
    /// Our name in notices: the host name the outside knows.
    pub hostname: String,
    pub settings: QueueSettings,
}

/// The queue of one node; cheap to clone.
#[derive(Clone)]
pub struct Queue {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    db: Db,
    bodies: Bodies,
    routes: Arc<dyn Routes>,
    ids: Arc<IdMaker>,
    signals: Arc<Signals>,
    node: i64,
    hostname: String,
    settings: QueueSettings,
    lanes: Lanes,
    /// Room for messages that wait, and for messages read back for an attempt; in pieces of [`PIECE_OCTETS`].
    waiting: Arc<Semaphore>,
    /// Room for large messages whose files are near, in such pieces.
    near: Arc<Semaphore>,
    loading: Arc<Semaphore>,
    settlements: mpsc::Sender<settle::Settlement>,
    /// Rings when the table should be looked at before the next second.
    look: Notify,
    closing: watch::Sender<bool>,
}

impl Queue {
    /// Starts looking after the table. `delivery` takes the seats; [`Queue::close`] ends it.
    pub fn open(parts: QueueParts) -> (Queue, Seats, QueueTasks) {
        let (settlements, to_settle) = mpsc::channel(SETTLEMENTS_MAX);
        let (lanes, seats) = Lanes::new();
        let pieces = parts.settings.memory_octets_max / PIECE_OCTETS as u64;
        let shared = Arc::new(Shared {
            db: parts.db,
            bodies: parts.bodies,
            routes: parts.routes,
            ids: parts.ids,
            signals: parts.signals,
            node: i64::from(parts.node) + 1,
            hostname: parts.hostname,
            settings: parts.settings,
            lanes,
            waiting: Arc::new(Semaphore::new((pieces as usize).min(Semaphore::MAX_PERMITS))),
            near: Arc::new(Semaphore::new(NEAR_OCTETS_MAX / PIECE_OCTETS)),
            loading: Arc::new(Semaphore::new(LOADING_OCTETS_MAX / PIECE_OCTETS)),
            settlements,
            look: Notify::new(),
            closing: watch::Sender::new(false),
        });
        let tasks = QueueTasks {
            sweeping: tokio::spawn(sweep::run(shared.clone())),
            settling: tokio::spawn(settle::run(shared.clone(), to_settle)),
        };
        (Queue { shared }, seats, tasks)
    }

    /// Begins delivery of a mail whose transaction has committed. Recipients that are not [`Fate::Queued`] are left alone.
    pub fn start(&self, accepted: Accepted) {
        self.shared.start(accepted);
    }

    /// Takes the results of a job. Returns as soon as they are on their way to the table; waits only when the table is far behind.
    pub async fn settle(&self, job: Job, attempts: Vec<Attempt>) {
        if let Some(tried) = Tried::of(&attempts).filter(|_| job.mail.org != crate::scope::OURS) {
            self.shared.signals.tried(job.mail.org, &job.connector, tried, now_ms());
        }
        self.settle_untried(job, attempts).await;
    }

    /// As [`Queue::settle`], for a job that was put off without trying: that says nothing new about the next hop.
    pub async fn settle_untried(&self, job: Job, attempts: Vec<Attempt>) {
        // The settling task ends last; if it is gone the rows are still leased and come back after a restart.
        let _ = self.shared.settlements.send(settle::Settlement { job, attempts }).await;
    }

    /// Counts an attempt as under way until it is dropped.
    pub fn under_way(&self) -> UnderWay {
        self.shared.signals.step(Gauge::DeliveriesUnderWay, 1);
        UnderWay(self.shared.signals.clone())
    }

    /// The directory's answers, for `delivery`.
    pub fn routes(&self) -> &Arc<dyn Routes> {
        &self.shared.routes
    }

    pub fn hostname(&self) -> &str {
        &self.shared.hostname
    }

    /// Looks at the table now instead of within the next second.
    pub fn look(&self) {
        self.shared.look.notify_one();
    }

    /// How each destination that has mail in memory is served at this moment, those with the most waiting first.
    pub fn destinations(&self) -> Vec<Destination> {
        self.shared.lanes.destinations()
    }

    /// Recipients in memory: waiting, being sent or being settled.
    pub fn in_memory(&self) -> usize {
        self.shared.lanes.held_count()
    }

    /// No new attempts from now on; those that run may settle.
    pub fn stop(&self) {
        self.shared.closing.send_replace(true);
    }
}

/// An attempt while it lasts, however it ends.
pub struct UnderWay(Arc<Signals>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.step(Gauge::DeliveriesUnderWay, -1);
    }
}

/// What works for a queue in the background.
pub struct QueueTasks {
    sweeping: JoinHandle<()>,
    settling: JoinHandle<()>,
}

impl QueueTasks {
    /// After [`Queue::stop`]: waits until what is in memory is in the table again.
    pub async fn ended(self) {
        let _ = self.sweeping.await;
        let _ = self.settling.await;
    }
}

/// Which node made this identifier, as rows name it (0 is nobody).
fn lease_node(mail: MailId) -> i64 {
    ((mail.0 >> 16) & 31) + 1
}

pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
