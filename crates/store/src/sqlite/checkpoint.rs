//! Keeps SQLite's write-ahead log short without making the writer wait for it.
//!
//! A thread with its own connection copies the log into the file (PASSIVE: nobody waits). Under load new pages keep coming, so
//! the log would never be copied whole and never start over; so once the thread has copied nearly all, the writer copies the
//! rest between two commits, which is short, and its next commit starts at the beginning of the log.

use super::connection::{self, Purpose};
use crate::Error;
use rusqlite::Connection;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Pages in the log that are worth copying (4 KiB each: 16 MiB).
const PAGES_WORTH_IT: i64 = 4_096;
/// How often the thread looks while there are commits.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks without a commit after which a short log is copied too.
const QUIET_LOOKS: u32 = 8;

/// Rung by the writer after each commit; almost always nobody is asleep and ringing costs one counter.
#[derive(Default)]
pub(super) struct Bell {
    commits: AtomicU64,
    is_asleep: AtomicBool,
    /// The thread copied what it could: the writer should copy the rest.
    finish: AtomicBool,
    stopped: Mutex<bool>,
    rang: Condvar,
}

impl Bell {
    pub fn committed(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
        if self.is_asleep.load(Ordering::SeqCst) {
            drop(self.lock());
            self.rang.notify_all();
        }
    }

    pub fn stop(&self) {
        *self.lock() = true;
        self.rang.notify_all();
    }

    /// Asked by the writer between two commits.
    pub fn should_finish(&self) -> bool {
        self.finish.load(Ordering::Relaxed) && self.finish.swap(false, Ordering::Relaxed)
    }

    /// Sleeps until there is a commit after `seen`. `false`: stopped.
    fn sleep(&self, seen: u64) -> bool {
        let mut stopped = self.lock();
        self.is_asleep.store(true, Ordering::SeqCst);
        while self.commits.load(Ordering::SeqCst) == seen && !*stopped {
            stopped = self.rang.wait(stopped).unwrap_or_else(PoisonError::into_inner);
        }
        self.is_asleep.store(false, Ordering::SeqCst);
        !*stopped
    }

    /// Lets [`LOOK_EVERY`] pass. `false`: stopped.
    fn pause(&self) -> bool {
        let end = Instant::now() + LOOK_EVERY;
        let mut stopped = self.lock();
        while !*stopped {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            stopped = self.rang.wait_timeout(stopped, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread: until the bell is stopped.
pub(super) fn keep_short(path: &Path, bell: &Bell) {
    let mut connection = None;
    let (mut seen, mut quiet) = (0, 0);
    loop {
        let is_running = if quiet > QUIET_LOOKS { bell.sleep(seen) } else { bell.pause() };
        if !is_running {
            return;
        }
        let commits = bell.commits.load(Ordering::SeqCst);
        quiet = if commits == seen { quiet + 1 } else { 0 };
        seen = commits;
        if let Err(why) = look(path, &mut connection, bell, quiet == QUIET_LOOKS) {
            tracing::warn!("copying the log of {} into the file: {why}; it grows until that works", path.display());
            connection = None;
        }
    }
}

fn look(path: &Path, connection: &mut Option<Connection>, bell: &Bell, even_if_short: bool) -> Result<(), Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(connection::open(path, Purpose::Checkpoint)?),
    };
    let log = log(connection, "PRAGMA wal_checkpoint(NOOP)")?;
    let waiting = log.pages - log.copied;
    if waiting < PAGES_WORTH_IT && !(even_if_short && waiting > 0) {
        return Ok(());
    }
    self::log(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    // Also when it copied all it saw: the writer has added to the log meanwhile, unless it was idle.
    bell.finish.store(!even_if_short, Ordering::Relaxed);
    Ok(())
}

/// What the writer does when [`Bell::should_finish`]. A failure is the thread's to report: it meets it next.
pub(super) fn finish(connection: &Connection) {
    if let Err(why) = log(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
        tracing::debug!("copying the rest of the log: {why}");
    }
}

struct Log {
    pages: i64,
    copied: i64,
}

fn log(connection: &Connection, pragma: &str) -> Result<Log, Error> {
    connection
        .prepare_cached(pragma)
        .and_then(|mut statement| statement.query_row([], |row| Ok(Log { pages: row.get(1)?, copied: row.get(2)? })))
        .map_err(|why| connection::error(&why))
}
