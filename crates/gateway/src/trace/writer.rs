//! Events without a transaction of their own: refusals, which must cost a hostile peer more than us.
//!
//! Invariant: [`EventWriter::note`] never waits. What does not fit is counted, and the count is itself written as an event, so
//! that trace can say that it is not complete there.

use super::{Event, EventKind};
use crate::signal::{Counter, Signals};
use mail::id::{EventId, IdMaker};
use mail::{MailId, OrgId};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Db;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Events that may wait to be written.
const WAITING_MAX: usize = 4_096;
/// Events written in one transaction.
const BATCH_MAX: usize = 256;

/// A handle to the writer's queue; cheap to clone.
#[derive(Clone)]
pub struct EventWriter {
    queue: mpsc::Sender<Event>,
    lost: Arc<Lost>,
}

struct Lost {
    signals: Arc<Signals>,
    /// Lost since the last time that was written down.
    unwritten: AtomicU64,
}

impl EventWriter {
    /// Starts the writer; it ends once every handle is dropped and what waited is written.
    pub fn start(db: Db, ids: Arc<IdMaker>, signals: Arc<Signals>) -> (EventWriter, JoinHandle<()>) {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let lost = Arc::new(Lost { signals, unwritten: AtomicU64::new(0) });
        let writing = tokio::spawn(write(db, ids, lost.clone(), waiting));
        (EventWriter { queue, lost }, writing)
    }

    /// Hands an event over; never waits.
    pub fn note(&self, event: Event) {
        if self.queue.try_send(event).is_err() {
            self.lost.count(1);
        }
    }
}

impl Lost {
    fn count(&self, events: u64) {
        self.signals.add(Counter::EventsDropped, events);
        self.unwritten.fetch_add(events, Ordering::Relaxed);
    }
}

async fn write(db: Db, ids: Arc<IdMaker>, lost: Arc<Lost>, mut waiting: mpsc::Receiver<Event>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let mut events: Vec<Event> = std::mem::take(&mut batch);
        let told = lost.unwritten.swap(0, Ordering::Relaxed);
        if let (1.., Some(last)) = (told, events.last()) {
            events.push(not_recorded(&ids, last.at_ms, told));
        }
        let count = events.len() as u64 - u64::from(told > 0);
        // Nobody waits for these, so they ride in somebody else's commit.
        let written = db.later(move |tx| Box::pin(async move { super::insert(tx, &events).await })).await;
        if let Err(why) = written {
            let why: store::Error = why;
            tracing::warn!(count, "events of refused connections were not kept: {why}");
            lost.unwritten.fetch_add(told, Ordering::Relaxed);
            lost.count(count);
        }
    }
}

fn not_recorded(ids: &IdMaker, at_ms: i64, count: u64) -> Event {
    Event {
        id: EventId(ids.next(at_ms)),
        mail: MailId(0),
        org: OrgId(0),
        at_ms,
        kind: EventKind::NotRecorded,
        recipient: String::new(),
        detail: format!("{{\"count\":{count}}}"),
    }
}
