//! One open transaction, on either engine.

use crate::postgres::Session;
use crate::sqlite::connection;
use crate::{Error, Row, Value};

/// One open transaction.
pub struct Tx {
    on: On,
    /// The first statement that failed; nothing runs after it.
    failed: Option<Error>,
}

enum On {
    Sqlite(rusqlite::Connection),
    Postgres(Session),
}

impl Tx {
    /// Runs a statement; the number of rows it changed. One that returns rows belongs to [`Tx::rows`].
    pub async fn run(&mut self, sql: &'static str, args: Vec<Value>) -> Result<u64, Error> {
        self.whole()?;
        let done = match &mut self.on {
            On::Sqlite(connection) => connection::run(connection, sql, &args),
            On::Postgres(session) => session.run(sql, &args).await,
        };
        self.note(done)
    }

    /// Several statements; on PostgreSQL in one round trip.
    pub async fn run_all(&mut self, statements: Vec<(&'static str, Vec<Value>)>) -> Result<(), Error> {
        self.whole()?;
        let done = match &mut self.on {
            On::Sqlite(connection) => statements.iter().try_for_each(|(sql, args)| connection::run(connection, sql, args).map(drop)),
            On::Postgres(session) => session.run_all(&statements).await,
        };
        self.note(done)
    }

    /// Runs a statement and reads what it returns, all of it: say LIMIT.
    pub async fn rows(&mut self, sql: &str, args: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.whole()?;
        let found = match &mut self.on {
            On::Sqlite(connection) => connection::rows(connection, sql, &args),
            On::Postgres(session) => session.rows(sql, &args).await,
        };
        self.note(found)
    }

    /// The first row, if there is one.
    pub async fn row(&mut self, sql: &str, args: Vec<Value>) -> Result<Option<Row>, Error> {
        Ok(self.rows(sql, args).await?.into_iter().next())
    }

    /// `" FOR UPDATE SKIP LOCKED"` on PostgreSQL, `""` on SQLite, whose writer thread is the lock.
    pub fn skip_locked(&self) -> &'static str {
        match self.on {
            On::Sqlite(_) => "",
            On::Postgres(_) => " FOR UPDATE SKIP LOCKED",
        }
    }

    pub(crate) fn from_sqlite(connection: rusqlite::Connection) -> Tx {
        Tx { on: On::Sqlite(connection), failed: None }
    }

    pub(crate) fn from_postgres(session: Session) -> Tx {
        Tx { on: On::Postgres(session), failed: None }
    }

    pub(crate) fn sqlite(&self) -> Option<&rusqlite::Connection> {
        match &self.on {
            On::Sqlite(connection) => Some(connection),
            On::Postgres(_) => None,
        }
    }

    pub(crate) fn postgres(&mut self) -> Option<&mut Session> {
        match &mut self.on {
            On::Sqlite(_) => None,
            On::Postgres(session) => Some(session),
        }
    }

    /// A new transaction begins on this connection.
    pub(crate) fn start(&mut self) {
        self.failed = None;
    }

    /// No statement failed so far. PostgreSQL refuses everything after a failed statement; SQLite would not, so we do.
    pub(crate) fn whole(&self) -> Result<(), Error> {
        self.failed.clone().map_or(Ok(()), Err)
    }

    fn note<T>(&mut self, done: Result<T, Error>) -> Result<T, Error> {
        done.inspect_err(|why| self.failed = Some(why.clone()))
    }
}
