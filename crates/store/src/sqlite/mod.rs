//! SQLite: one writer thread, a few reader threads, one that keeps the log short. All on one file in WAL mode.
//!
//! Invariant: only the writer thread writes, so a transaction needs no lock clause. Other processes may write to the same file
//! (a command line beside the server); they wait for each other a few seconds.

mod checkpoint;
pub(crate) mod connection;
mod jobs;
mod writer;

use crate::migrate::{self, Migration};
use crate::{Error, Tx};
use connection::Purpose;
use futures_util::future::BoxFuture;
use jobs::{Jobs, Queued, Taken, Work};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// Transactions that may wait for the writer; the next caller waits for a place, at most [`writer::GIVE_UP_AFTER`].
const WAITING_MAX: usize = 2_048;
/// Readers at the same time, and how many may wait for one.
const READERS: usize = 3;
const WAITING_READS_MAX: usize = 1_024;
/// A reader without work lets go of its connection after this: its schema, statements and pages take a megabyte or two.
const READER_IDLE_MAX: Duration = Duration::from_secs(30);

pub(crate) struct Sqlite {
    writes: Arc<Jobs>,
    reads: Arc<Jobs>,
    write_places: Arc<Semaphore>,
    read_places: Arc<Semaphore>,
    checkpoint: Arc<checkpoint::Bell>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Sqlite {
    /// Opens the file, creating it when missing, brings its schema up to date, starts the threads.
    pub async fn open(path: &Path, group_max: usize, migrations: Vec<Migration>) -> Result<Sqlite, Error> {
        let writes = Arc::new(Jobs::new(1));
        let reads = Arc::new(Jobs::new(READERS));
        let bell = Arc::new(checkpoint::Bell::default());
        let (opened, is_open) = oneshot::channel();
        let writer = {
            let (path, writes, bell) = (path.to_path_buf(), writes.clone(), bell.clone());
            thread("store-writer", move || write(&path, &migrations, opened, &writes, group_max, &bell))?
        };
        is_open.await.map_err(|_| Error::Gone("the writer thread ended while opening the database".into()))??;
        for seat in 0..READERS {
            let (path, reads) = (path.to_path_buf(), reads.clone());
            thread("store-reader", move || read(&path, &reads, seat))?;
        }
        {
            let (path, bell) = (path.to_path_buf(), bell.clone());
            thread("store-checkpoint", move || checkpoint::keep_short(&path, &bell))?;
        }
        let (write_places, read_places) = (Arc::new(Semaphore::new(WAITING_MAX)), Arc::new(Semaphore::new(WAITING_READS_MAX)));
        Ok(Sqlite { writes, reads, write_places, read_places, checkpoint: bell, writer: Mutex::new(Some(writer)) })
    }

    pub async fn tx<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let place = place(&self.write_places).await?;
        answer(queue(&self.writes, work, Kind::Now, Some(place))).await
    }

    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let place = place(&self.read_places).await?;
        answer(queue(&self.reads, work, Kind::Now, Some(place))).await
    }

    /// Queues the work at once. When the line is full it stands in it without a place: who calls this has work in hand that
    /// is bounded elsewhere (attempts under way), and refusing it would deliver twice.
    pub fn later<T, E, F>(&self, work: F) -> oneshot::Receiver<Result<T, E>>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        queue(&self.writes, work, Kind::Later, self.write_places.clone().try_acquire_owned().ok())
    }

    /// Does what waits, then lets go of the file.
    pub fn close(&self) {
        self.stop();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A writer that panicked has said so in the log already.
            let _ = writer.join();
        }
    }

    fn stop(&self) {
        self.writes.close();
        self.reads.close();
        self.checkpoint.stop();
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        // Not waited for: this may run on a thread of the runtime. The writer finishes what waits by itself.
        self.stop();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Now,
    Later,
}

fn queue<T, E, F>(jobs: &Jobs, work: F, kind: Kind, place: Option<OwnedSemaphorePermit>) -> oneshot::Receiver<Result<T, E>>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
{
    let (work, answered) = Work::new(work, kind == Kind::Later);
    jobs.push(Queued { job: Box::new(work), is_urgent: kind == Kind::Now, since: Instant::now(), _place: place });
    answered
}

async fn answer<T, E: From<Error>>(answered: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    answered.await.unwrap_or_else(|_| Err(stopped().into()))
}

pub(crate) fn stopped() -> Error {
    Error::Gone("the database was closed".into())
}

async fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Error> {
    if let Ok(place) = places.clone().try_acquire_owned() {
        return Ok(place);
    }
    match tokio::time::timeout(writer::GIVE_UP_AFTER, places.clone().acquire_owned()).await {
        Ok(Ok(place)) => Ok(place),
        Ok(Err(_)) => Err(stopped()),
        Err(_) => Err(Error::Busy("too many transactions wait already".into())),
    }
}

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new().name(name.into()).spawn(work).map_err(|why| Error::Gone(format!("starting thread {name}: {why}")))
}

fn write(
    path: &Path,
    migrations: &[Migration],
    opened: oneshot::Sender<Result<(), Error>>,
    jobs: &Jobs,
    group_max: usize,
    bell: &checkpoint::Bell,
) {
    let connection = connection::open(path, Purpose::Write).and_then(|connection| {
        migrate::sqlite(&connection, migrations)?;
        Ok(connection)
    });
    match connection {
        Ok(connection) => {
            let mut tx = Tx::from_sqlite(connection);
            // Nobody waits any more: then nobody will queue anything either.
            if opened.send(Ok(())).is_ok() {
                writer::write(&mut tx, jobs, group_max.max(1), bell);
            }
        }
        Err(why) => {
            let _ = opened.send(Err(why));
        }
    }
}

/// One reader: each transaction sees one snapshot. The connection is opened with the first one, and again after a rest.
fn read(path: &Path, jobs: &Jobs, seat: usize) {
    let mut tx = None;
    loop {
        // Without a connection there is nothing to let go of.
        let patience = tx.as_ref().map(|_| READER_IDLE_MAX);
        match jobs.take(seat, 1, Duration::ZERO, patience) {
            Taken::Closed => break,
            Taken::Nothing => tx = None,
            Taken::Work(taken) => {
                for mut queued in taken.into_iter().filter(|queued| !queued.job.is_given_up()) {
                    let undone = read_one(&mut tx, path, &mut queued).err();
                    queued.job.answer(undone);
                }
            }
        }
    }
}

fn read_one(tx: &mut Option<Tx>, path: &Path, queued: &mut Queued) -> Result<(), Error> {
    let tx = match tx {
        Some(tx) => tx,
        None => tx.insert(Tx::from_sqlite(connection::open(path, Purpose::Read)?)),
    };
    let connection = |tx: &Tx, sql| tx.sqlite().map_or(Ok(()), |connection| connection::command(connection, sql));
    connection(tx, "BEGIN")?;
    tx.start();
    queued.job.run(tx);
    connection(tx, "ROLLBACK")
}
