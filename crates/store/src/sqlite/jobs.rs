//! Transactions on their way to a thread that owns a connection: what waits, and how its caller is answered.

use crate::{Error, Tx};
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A transaction that waits; the types of its work and result are hidden behind it.
pub(super) trait Job: Send {
    /// Runs the work, once. `true` when its changes shall stay.
    fn run(&mut self, tx: &mut Tx) -> bool;
    /// Tells the caller its own result, or `undone`, which overrules it.
    fn answer(self: Box<Self>, undone: Option<Error>);
    /// Nobody waits for the result and nobody asked for it to be done regardless.
    fn is_given_up(&self) -> bool;
}

pub(super) struct Queued {
    pub job: Box<dyn Job>,
    /// Somebody waits: commit now, not with the next one who does.
    pub is_urgent: bool,
    pub since: Instant,
    /// Its place in the queue, free again once it is answered.
    pub _place: Option<OwnedSemaphorePermit>,
}

/// What waits for one thread, or for a few that share it.
#[derive(Default)]
pub(super) struct Jobs {
    line: Mutex<Line>,
    came: Condvar,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Queued>,
    urgent: usize,
    closed: bool,
}

impl Jobs {
    /// Puts a transaction at the end of the line. `false` when nobody will run it any more.
    pub fn push(&self, queued: Queued) -> bool {
        let mut line = self.line();
        if line.closed {
            return false;
        }
        line.urgent += usize::from(queued.is_urgent);
        line.waiting.push_back(queued);
        drop(line);
        self.came.notify_one();
        true
    }

    /// The next transactions, in order, at most `count_max`. Waits until one is urgent, or the first has waited `later_max`,
    /// or `count_max` are there. `None` once the line is closed and empty.
    pub fn take(&self, count_max: usize, later_max: Duration) -> Option<Vec<Queued>> {
        let mut line = self.line();
        loop {
            let Some(first) = line.waiting.front() else {
                if line.closed {
                    return None;
                }
                line = self.came.wait(line).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = first.since.elapsed();
            if line.urgent > 0 || line.closed || line.waiting.len() >= count_max || waited >= later_max {
                break;
            }
            line = self.came.wait_timeout(line, later_max - waited).unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = line.waiting.len().min(count_max);
        let taken: Vec<Queued> = line.waiting.drain(..count).collect();
        line.urgent -= taken.iter().filter(|queued| queued.is_urgent).count();
        Some(taken)
    }

    /// No more is let in; what waits is still done.
    pub fn close(&self) {
        self.line().closed = true;
        self.came.notify_all();
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // Nothing that can panic runs under the lock, so a poisoned line is still a whole one.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The only kind of [`Job`].
pub(super) struct Work<T, E, F> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
    regardless: bool,
}

impl<T, E, F> Work<T, E, F> {
    /// `regardless`: run it also when the caller stopped waiting.
    pub fn new(work: F, regardless: bool) -> (Work<T, E, F>, oneshot::Receiver<Result<T, E>>) {
        let (answer, answered) = oneshot::channel();
        (Work { work: Some(work), result: None, answer, regardless }, answered)
    }
}

impl<T, E, F> Job for Work<T, E, F>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
{
    fn run(&mut self, tx: &mut Tx) -> bool {
        let Some(work) = self.work.take() else { return false };
        let polled = catch_unwind(AssertUnwindSafe(|| work(tx).as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        let result = match polled {
            Ok(Poll::Ready(Ok(value))) => tx.whole().map(|()| value).map_err(E::from),
            Ok(Poll::Ready(Err(why))) => Err(why),
            Ok(Poll::Pending) => Err(Error::Statement("a transaction awaited something that is not the database".into()).into()),
            Err(_) => Err(Error::Statement("a transaction panicked; nothing of it was kept".into()).into()),
        };
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn answer(self: Box<Self>, undone: Option<Error>) {
        let result = match (undone, self.result) {
            (Some(why), Some(Ok(_)) | None) => Err(why.into()),
            (_, Some(result)) => result,
            (None, None) => Err(Error::Statement("a transaction was answered before it ran".into()).into()),
        };
        // A caller that went away does not need to know.
        let _ = self.answer.send(result);
    }

    fn is_given_up(&self) -> bool {
        !self.regardless && self.answer.is_closed()
    }
}
