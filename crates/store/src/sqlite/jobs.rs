//! Transactions on their way to the threads that own connections: what waits, who does it, and how its caller is answered.

use crate::{Error, Tx};
use futures_util::future::BoxFuture;
use std::collections::{BTreeSet, VecDeque};
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

/// What waits for one thread, or for a few that share it. Of those that idle the first is woken: as few as the work wants are busy, and
/// the others may let go of what they hold.
pub(super) struct Jobs {
    line: Mutex<Line>,
    /// One for each thread.
    seats: Vec<Condvar>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Queued>,
    urgent: usize,
    closed: bool,
    /// Seats of threads that wait and were not called yet.
    idle: BTreeSet<usize>,
}

/// What a thread gets.
pub(super) enum Taken {
    Work(Vec<Queued>),
    /// Nothing came for as long as it wanted to wait.
    Nothing,
    /// The line is closed and empty.
    Closed,
}

impl Jobs {
    /// For so many threads, each with a seat of its own.
    pub fn new(seats: usize) -> Jobs {
        Jobs { line: Mutex::default(), seats: (0..seats).map(|_| Condvar::new()).collect() }
    }

    /// Puts a transaction at the end of the line. `false` when nobody will run it any more.
    pub fn push(&self, queued: Queued) -> bool {
        let mut line = self.line();
        if line.closed {
            return false;
        }
        line.urgent += usize::from(queued.is_urgent);
        line.waiting.push_back(queued);
        // All busy: whoever is done first looks at the line.
        let seat = line.idle.pop_first();
        drop(line);
        seat.into_iter().for_each(|seat| self.seats[seat].notify_one());
        true
    }

    /// The next transactions for the thread in `seat`, in order, at most `count_max`. Waits until one is urgent, or the first has waited
    /// `later_max`, or `count_max` are there; for the first at most `patience`.
    pub fn take(&self, seat: usize, count_max: usize, later_max: Duration, patience: Option<Duration>) -> Taken {
        let (mut line, begun) = (self.line(), Instant::now());
        loop {
            let Some(first) = line.waiting.front() else {
                if line.closed {
                    return Taken::Closed;
                }
                let left = patience.map(|patience| patience.saturating_sub(begun.elapsed()));
                if left == Some(Duration::ZERO) {
                    return Taken::Nothing;
                }
                line = self.wait(line, seat, left);
                continue;
            };
            let waited = first.since.elapsed();
            if line.urgent > 0 || line.closed || line.waiting.len() >= count_max || waited >= later_max {
                break;
            }
            line = self.wait(line, seat, Some(later_max - waited));
        }
        let count = line.waiting.len().min(count_max);
        let taken: Vec<Queued> = line.waiting.drain(..count).collect();
        line.urgent -= taken.iter().filter(|queued| queued.is_urgent).count();
        Taken::Work(taken)
    }

    /// Until the seat is called, or time is up.
    fn wait<'a>(&'a self, mut line: MutexGuard<'a, Line>, seat: usize, limit: Option<Duration>) -> MutexGuard<'a, Line> {
        line.idle.insert(seat);
        let came = &self.seats[seat];
        let mut line = match limit {
            None => came.wait(line).unwrap_or_else(PoisonError::into_inner),
            Some(limit) => came.wait_timeout(line, limit).unwrap_or_else(PoisonError::into_inner).0,
        };
        line.idle.remove(&seat);
        line
    }

    /// No more is let in; what waits is still done.
    pub fn close(&self) {
        self.line().closed = true;
        self.seats.iter().for_each(Condvar::notify_all);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn nothing(_: &mut Tx) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn queued() -> Queued {
        let (work, _) = Work::new(nothing, false);
        Queued { job: Box::new(work), is_urgent: true, since: Instant::now(), _place: None }
    }

    #[test]
    fn the_first_that_idles_is_called_and_the_next_when_it_is_busy() {
        const LONG: Option<Duration> = Some(Duration::from_secs(60));
        let jobs = Arc::new(Jobs::new(2));
        let (told, heard) = std::sync::mpsc::channel();
        let threads: Vec<_> = (0..2)
            .map(|seat| {
                let (jobs, told) = (jobs.clone(), told.clone());
                std::thread::spawn(move || {
                    while let Taken::Work(_) = jobs.take(seat, 1, Duration::ZERO, LONG) {
                        told.send(seat).expect("the test listens");
                    }
                })
            })
            .collect();
        let both_idle = || {
            while jobs.line().idle.len() < 2 {
                std::thread::yield_now()
            }
        };
        for _ in 0..20 {
            both_idle();
            assert!(jobs.push(queued()));
            assert_eq!(heard.recv(), Ok(0), "one at a time is the first one's");
        }
        both_idle();
        {
            // As if the first had been called already.
            let mut line = jobs.line();
            line.idle.remove(&0);
        }
        assert!(jobs.push(queued()));
        assert_eq!(heard.recv(), Ok(1), "the first was called already");
        jobs.close();
        threads.into_iter().for_each(|thread| thread.join().expect("it ends"));
        assert!(!jobs.push(queued()));
    }

    #[test]
    fn a_thread_that_gets_nothing_is_told_so() {
        let jobs = Jobs::new(1);
        assert!(matches!(jobs.take(0, 1, Duration::ZERO, Some(Duration::from_millis(1))), Taken::Nothing));
        assert!(jobs.push(queued()));
        assert!(matches!(jobs.take(0, 1, Duration::ZERO, Some(Duration::ZERO)), Taken::Work(work) if work.len() == 1));
        jobs.close();
        assert!(matches!(jobs.take(0, 1, Duration::ZERO, None), Taken::Closed));
    }
}
