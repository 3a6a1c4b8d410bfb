//! SQLite or PostgreSQL behind one seam: transactions, migrations, bodies. Knows no feature.
//!
//! One statement text serves both: `$1`…`$n`, each first used in order; BIGINT, DOUBLE PRECISION, TEXT and BYTEA columns only.
//! On SQLite a transaction's future runs on the writer thread and shares a commit with its neighbours (group commit);
//! it may await nothing but the database. On PostgreSQL it is an ordinary transaction.

use futures_util::future::BoxFuture;
use std::sync::Arc;

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db {}

/// One open transaction.
pub struct Tx {}

/// A value to bind or read.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Int(i64),
    Real(f64),
    Text(Arc<str>),
    Blob(bytes::Bytes),
}

/// One row of a result.
#[derive(Debug, Clone)]
pub struct Row {
    pub values: Vec<Value>,
}

impl Row {
    /// Column `index`; panics never: a wrong type or index is `Error::Shape`.
    pub fn int(&self, _index: usize) -> Result<i64, Error> { unimplemented!() }
    pub fn real(&self, _index: usize) -> Result<f64, Error> { unimplemented!() }
    pub fn text(&self, _index: usize) -> Result<&str, Error> { unimplemented!() }
    pub fn blob(&self, _index: usize) -> Result<bytes::Bytes, Error> { unimplemented!() }
    pub fn int_opt(&self, _index: usize) -> Result<Option<i64>, Error> { unimplemented!() }
    pub fn text_opt(&self, _index: usize) -> Result<Option<&str>, Error> { unimplemented!() }
}

/// Why the database did not do it. `Busy` and `Gone` may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database is not reachable: {0}")]
    Gone(String),
    #[error("the database is busy: {0}")]
    Busy(String),
    #[error("there is no space left for the database: {0}")]
    Full(String),
    #[error("a row has another shape than the code expects: {0}")]
    Shape(String),
    #[error("{0} exists already")]
    Exists(String),
    #[error("statement failed: {0}")]
    Statement(String),
    #[error("migration {number} failed: {why}")]
    Migration { number: u32, why: String },
}

/// One step of the schema; numbers are global over all crates.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub number: u32,
    pub name: &'static str,
    pub sql: &'static str,
}

/// Where the database is, and how it is used.
#[derive(Debug, Clone)]
pub struct DbSettings {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// PostgreSQL connections at most.
    pub connections_max: usize,
    /// SQLite: transactions that share one commit at most.
    pub group_max: usize,
}

impl Db {
    /// Opens, creating the SQLite file if it is not there, and runs the migrations that are missing.
    pub async fn open(_settings: &DbSettings, _migrations: &[Migration]) -> Result<Db, Error> { unimplemented!() }

    /// Runs `work` in a transaction and returns once it is durable. An `Err` from `work` rolls back.
    pub async fn tx<T, E, F>(&self, _work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    { unimplemented!() }

    /// Reads without holding up writers: a read-only snapshot (SQLite: a reader connection on its own thread).
    pub async fn read<T, E, F>(&self, _work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    { unimplemented!() }
}

impl Tx {
    /// Runs a statement; the number of rows it changed.
    pub async fn run(&mut self, _sql: &'static str, _args: Vec<Value>) -> Result<u64, Error> { unimplemented!() }
    /// Several statements; on PostgreSQL in one round trip.
    pub async fn run_all(&mut self, _statements: Vec<(&'static str, Vec<Value>)>) -> Result<(), Error> { unimplemented!() }
    pub async fn rows(&mut self, _sql: &str, _args: Vec<Value>) -> Result<Vec<Row>, Error> { unimplemented!() }
    pub async fn row(&mut self, _sql: &str, _args: Vec<Value>) -> Result<Option<Row>, Error> { unimplemented!() }
    /// `" FOR UPDATE SKIP LOCKED"` on PostgreSQL, `""` on SQLite, whose writer thread is the lock.
    pub fn skip_locked(&self) -> &'static str { unimplemented!() }
}

/// `args![a, b]`: values to bind, from anything that is `Into<Value>`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::Value::from($value)),*] };
}
