//! SQLite or PostgreSQL behind one seam: transactions, migrations; bodies in a folder or a bucket. Knows no feature.
//!
//! One statement text serves both: `$1`…`$n`, each first used in order; BIGINT, DOUBLE PRECISION, TEXT and BYTEA columns only.
//! On SQLite a transaction's future runs on the writer thread and shares a commit with its neighbours (group commit);
//! it may await nothing but the database. On PostgreSQL it is an ordinary transaction.
//! On both, a statement that failed ends its transaction: what was caught and ignored still rolls back.

pub mod bodies;
pub mod copy;
mod error;
pub mod look;
mod migrate;
mod postgres;
pub mod s3;
mod sqlite;
mod tx;
mod value;

pub use error::Error;
pub use migrate::Migration;
pub use tx::Tx;
pub use value::{Row, Value};

use futures_util::future::BoxFuture;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    engine: Arc<Engine>,
}

enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// Where the database is, and how it is used.
#[derive(Debug, Clone)]
pub struct DbSettings {
    /// `sqlite:PATH` or `postgres://…`. PostgreSQL: `?sslmode=require` asks for TLS with a certificate that is checked against
    /// the public roots, or against those in the file `&sslrootcert=PATH`; without it there is no TLS.
    pub url: String,
    /// PostgreSQL connections at most.
    pub connections_max: usize,
    /// SQLite: transactions that share one commit at most.
    pub group_max: usize,
}

impl Default for DbSettings {
    fn default() -> DbSettings {
        DbSettings { url: "sqlite:gatepost.db".into(), connections_max: 16, group_max: 128 }
    }
}

impl Db {
    /// Opens, creating the SQLite file if it is not there, and runs the migrations that are missing.
    pub async fn open(settings: &DbSettings, migrations: &[Migration]) -> Result<Db, Error> {
        let engine = match settings.url.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => {
                Engine::Sqlite(sqlite::Sqlite::open(Path::new(path), settings.group_max, migrations.to_vec()).await?)
            }
            Some(("postgres" | "postgresql", _)) => {
                Engine::Postgres(postgres::Postgres::open(&settings.url, settings.connections_max, migrations).await?)
            }
            _ => return Err(Error::Gone("the address of a database begins with sqlite: or postgres://".into())),
        };
        Ok(Db { engine: Arc::new(engine) })
    }

    /// Runs `work` in a transaction and returns once it is durable. An `Err` from `work` rolls back.
    pub async fn tx<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        match self.engine.as_ref() {
            Engine::Sqlite(sqlite) => sqlite.tx(work).await,
            Engine::Postgres(postgres) => postgres.tx(work, postgres::Access::Write).await,
        }
    }

    /// As [`Db::tx`], for work whose caller need not wait: it is begun now, also when the result is not awaited, and on SQLite
    /// rides in the next commit, at most 20 ms later. Call it inside a Tokio runtime.
    pub fn later<T, E, F>(&self, work: F) -> Later<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        match self.engine.as_ref() {
            Engine::Sqlite(sqlite) => Later { answered: sqlite.later(work) },
            Engine::Postgres(_) => {
                let (answer, answered) = oneshot::channel();
                let db = self.clone();
                tokio::spawn(async move {
                    // Whoever did not wait has dropped the other end.
                    let _ = answer.send(db.tx(work).await);
                });
                Later { answered }
            }
        }
    }

    /// Reads without holding up writers: a read-only snapshot (SQLite: a reader connection on its own thread).
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        match self.engine.as_ref() {
            Engine::Sqlite(sqlite) => sqlite.read(work).await,
            Engine::Postgres(postgres) => postgres.tx(work, postgres::Access::Read).await,
        }
    }

    /// When this database was made, Unix milliseconds. A copy that is restored into another one is born anew, so this tells databases apart.
    pub async fn born_ms(&self) -> Result<i64, Error> {
        let none = || Error::Shape("no step of the schema has run".into());
        self.read(|tx| Box::pin(async move { tx.row(migrate::BORN, Vec::new()).await })).await?.ok_or_else(none)?.int(0)
    }

    /// Does what was handed in so far and closes. Blocks shortly; later calls on other handles are `Gone`.
    pub fn close(self) {
        match self.engine.as_ref() {
            Engine::Sqlite(sqlite) => sqlite.close(),
            Engine::Postgres(postgres) => postgres.close(),
        }
    }
}

/// The result of [`Db::later`]; may be dropped.
pub struct Later<T, E> {
    answered: oneshot::Receiver<Result<T, E>>,
}

impl<T, E: From<Error>> Future for Later<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, E>> {
        let closed = |_| Err(Error::Gone("the database was closed".into()).into());
        Pin::new(&mut self.answered).poll(context).map(|answer| answer.unwrap_or_else(closed))
    }
}

/// `args![a, b]`: values to bind, from anything that is `Into<Value>`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}
