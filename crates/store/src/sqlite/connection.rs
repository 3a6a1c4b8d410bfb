//! One SQLite connection: how it is set up, how statements run on it, what its errors mean.

use crate::value::without_nul;
use crate::{Error, Row, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement, ffi};
use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

/// How long one process waits for another that writes to the same file.
const OTHER_PROCESS_WAIT: Duration = Duration::from_secs(5);
/// Different statement texts kept prepared; the product has about this many on the mail path.
const STATEMENTS_MAX: usize = 128;
/// Octets of one page of a new file. The log holds whole pages, so larger ones make every commit write more: 32 accepted mails of
/// 4 KB in one commit come to 10.5 KB of log each with this, 16 KB with 8,192, 17 KB with 16,384, with no less CPU.
const PAGE_OCTETS: u32 = 4_096;
/// Page cache of the writer and of the others, in KiB.
const WRITER_CACHE_KIB: u32 = 8_192;
const OTHER_CACHE_KIB: u32 = 1_024;
/// A log that grew longer than this is cut back once it starts over.
const LOG_OCTETS_KEPT: u32 = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Write,
    Read,
    Checkpoint,
}

pub(super) fn open(path: &Path, purpose: Purpose) -> Result<Connection, Error> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if purpose == Purpose::Write {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let opened = Connection::open_with_flags(path, flags).map_err(|why| unreachable_file(path, &why))?;
    set_up(&opened, purpose).map_err(|why| unreachable_file(path, &why))?;
    Ok(opened)
}

fn set_up(connection: &Connection, purpose: Purpose) -> rusqlite::Result<()> {
    connection.busy_timeout(OTHER_PROCESS_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let cache_kib = match purpose {
        Purpose::Write => WRITER_CACHE_KIB,
        Purpose::Read | Purpose::Checkpoint => OTHER_CACHE_KIB,
    };
    // page_size holds for a file that is still empty, and must come before WAL.
    // synchronous=FULL: a commit returns after the log is on the disk. Checkpoints are `checkpoint`'s.
    connection.execute_batch(&format!(
        "PRAGMA page_size={PAGE_OCTETS}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;
         PRAGMA cache_size=-{cache_kib}; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;
         PRAGMA journal_size_limit={LOG_OCTETS_KEPT};"
    ))?;
    match purpose {
        // Statistics, without which bound parameters can make it choose the wrong index.
        Purpose::Write => connection.execute_batch("PRAGMA optimize=0x10002;"),
        Purpose::Read => connection.execute_batch("PRAGMA query_only=ON;"),
        Purpose::Checkpoint => Ok(()),
    }
}

fn unreachable_file(path: &Path, why: &rusqlite::Error) -> Error {
    match error(why) {
        Error::Busy(text) => Error::Busy(text),
        Error::Full(text) => Error::Full(text),
        _ => Error::Gone(format!("{}: {why}", path.display())),
    }
}

/// A statement of ours without arguments or result, such as `SAVEPOINT`.
pub(super) fn command(connection: &Connection, sql: &str) -> Result<(), Error> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(|why| error(&why))
}

pub(crate) fn run(connection: &Connection, sql: &str, args: &[Value]) -> Result<u64, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(|why| in_statement(&why, sql))?;
    bind(&mut statement, args).map_err(|why| in_statement(&why, sql))?;
    // `raw_execute` refuses statements that return rows; RETURNING belongs to `rows`.
    statement.raw_execute().map(|count| count as u64).map_err(|why| in_statement(&why, sql))
}

pub(crate) fn rows(connection: &Connection, sql: &str, args: &[Value]) -> Result<Vec<Row>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(|why| in_statement(&why, sql))?;
    bind(&mut statement, args).map_err(|why| in_statement(&why, sql))?;
    let columns = statement.column_count();
    let mut found = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(|why| in_statement(&why, sql))? {
        let values = (0..columns).map(|index| row.get_ref(index).map_err(|why| error(&why)).and_then(|value| read(index, value)));
        found.push(Row { values: values.collect::<Result<_, _>>()? });
    }
    Ok(found)
}

/// SQLite takes `$1` for a name and numbers names as they come, so `$2` before `$1` would bind the wrong value.
fn bind(statement: &mut Statement<'_>, args: &[Value]) -> rusqlite::Result<()> {
    if statement.parameter_count() != args.len() {
        return Err(rusqlite::Error::InvalidParameterCount(args.len(), statement.parameter_count()));
    }
    for (at, value) in args.iter().enumerate() {
        debug_assert_eq!(statement.parameter_name(at + 1), Some(format!("${}", at + 1).as_str()), "use $1, $2, … first in this order");
        match value {
            Value::Null => statement.raw_bind_parameter(at + 1, rusqlite::types::Null)?,
            Value::Int(number) => statement.raw_bind_parameter(at + 1, number)?,
            Value::Real(number) => statement.raw_bind_parameter(at + 1, number)?,
            Value::Text(text) => match without_nul(text) {
                Cow::Borrowed(text) => statement.raw_bind_parameter(at + 1, text)?,
                Cow::Owned(text) => statement.raw_bind_parameter(at + 1, text)?,
            },
            Value::Blob(octets) => statement.raw_bind_parameter(at + 1, octets.as_ref())?,
        }
    }
    Ok(())
}

fn read(index: usize, value: ValueRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(octets) => {
            Value::Text(std::str::from_utf8(octets).map_err(|_| Error::Shape(format!("column {index} is text that is not UTF-8")))?.into())
        }
        ValueRef::Blob(octets) => Value::Blob(bytes::Bytes::copy_from_slice(octets)),
    })
}

/// As [`error`]; a statement that is wrong is named, so that the log says which.
fn in_statement(why: &rusqlite::Error, sql: &str) -> Error {
    match error(why) {
        Error::Statement(text) => Error::Statement(format!("{text}, in: {sql}")),
        other => other,
    }
}

pub(crate) fn error(why: &rusqlite::Error) -> Error {
    let rusqlite::Error::SqliteFailure(failure, text) = why else { return Error::Statement(why.to_string()) };
    let text = text.clone().unwrap_or_else(|| failure.to_string());
    match (failure.code, failure.extended_code) {
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => Error::Full(text),
        (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Error::Busy(text),
        (_, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_ROWID) => {
            Error::Exists(text.strip_prefix("UNIQUE constraint failed: ").unwrap_or(&text).to_string())
        }
        (
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase,
            _,
        ) => Error::Gone(text),
        _ => Error::Statement(text),
    }
}
