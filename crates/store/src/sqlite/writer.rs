//! The writer thread: the one connection that writes, and group commit.
//!
//! In: transactions from [`Jobs`], in order. Each runs in a SAVEPOINT, so that one that fails undoes only itself; one COMMIT,
//! hence one fsync, makes all of them durable. Invariant: no caller is told `Ok` before that COMMIT returned.

use super::checkpoint::{self, Bell};
use super::connection::command;
use super::jobs::{Job, Jobs, Queued, Taken};
use crate::{Error, Tx};
use std::time::Duration;

/// How long [`crate::Db::later`] work waits for somebody else's commit.
pub(super) const LATER_MAX: Duration = Duration::from_millis(20);
/// A transaction that waited this long is not begun: its caller can say "try later" to whoever waits for it.
pub(super) const GIVE_UP_AFTER: Duration = Duration::from_secs(15);

/// Runs until the line is closed and empty.
pub(super) fn write(tx: &mut Tx, jobs: &Jobs, group_max: usize, bell: &Bell) {
    while let Taken::Work(group) = jobs.take(0, group_max, LATER_MAX, None) {
        Group { tx, done: Vec::with_capacity(group.len()), is_open: false }.settle(group);
        bell.committed();
        if bell.should_finish()
            && let Some(connection) = tx.sqlite()
        {
            checkpoint::finish(connection);
        }
    }
}

struct Group<'w> {
    tx: &'w mut Tx,
    /// Done and kept, not yet committed.
    done: Vec<Queued>,
    is_open: bool,
}

impl Group<'_> {
    fn settle(mut self, group: Vec<Queued>) {
        let mut group = group.into_iter();
        while let Some(queued) = group.next() {
            if queued.job.is_given_up() {
                continue;
            }
            if queued.is_urgent && queued.since.elapsed() > GIVE_UP_AFTER {
                queued.job.answer(Some(Error::Busy(format!("it waited {} s for its turn", GIVE_UP_AFTER.as_secs()))));
                continue;
            }
            if !self.is_open
                && let Err(why) = self.command("BEGIN IMMEDIATE")
            {
                // Another process writes, or the file is gone: what holds for one holds for all that wait.
                queued.job.answer(Some(why.clone()));
                group.by_ref().for_each(|next| next.job.answer(Some(why.clone())));
                break;
            }
            self.is_open = true;
            self.one(queued);
        }
        self.commit();
    }

    fn one(&mut self, mut queued: Queued) {
        match self.in_savepoint(queued.job.as_mut()) {
            Ok(true) => self.done.push(queued),
            Ok(false) => queued.job.answer(None),
            Err(why) => {
                self.undo_all(&why);
                queued.job.answer(Some(why));
            }
        }
    }

    /// Whether the changes stay. `Err`: the whole transaction is gone, which SQLite does by itself when the disk is full.
    fn in_savepoint(&mut self, job: &mut dyn Job) -> Result<bool, Error> {
        self.command("SAVEPOINT one")?;
        self.tx.start();
        if job.run(self.tx) {
            self.command("RELEASE one")?;
            return Ok(true);
        }
        if self.connection().is_autocommit() {
            return Err(self.tx.whole().err().unwrap_or_else(|| Error::Statement("the transaction was rolled back".into())));
        }
        self.command("ROLLBACK TO one")?;
        self.command("RELEASE one")?;
        Ok(false)
    }

    fn commit(mut self) {
        if !self.is_open {
            return;
        }
        match self.command("COMMIT") {
            Ok(()) => self.done.drain(..).for_each(|queued| queued.job.answer(None)),
            Err(why) => self.undo_all(&why),
        }
    }

    fn undo_all(&mut self, why: &Error) {
        if !self.connection().is_autocommit()
            && let Err(rollback) = self.command("ROLLBACK")
        {
            tracing::error!(%rollback, "rolling back after: {why}");
        }
        self.is_open = false;
        self.done.drain(..).for_each(|queued| queued.job.answer(Some(why.clone())));
    }

    fn command(&self, sql: &str) -> Result<(), Error> {
        command(self.connection(), sql)
    }

    fn connection(&self) -> &rusqlite::Connection {
        self.tx.sqlite().expect("the writer thread made this Tx from a SQLite connection")
    }
}
