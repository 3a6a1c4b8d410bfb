//! Looks at a database without changing it, for whoever has to say why it does not open.
//!
//! In: the address and the steps this program knows. Out: [`Seen`], or the error that stands in the way. Nothing is created and no
//! step runs; on SQLite the lock of a writer is taken for a moment and given back.

use crate::migrate::{RAN, Ran, missing};
use crate::{Error, Migration, postgres};
use std::path::Path;
use std::time::Duration;

/// How long a writer may hold the lock before it counts as held.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Damages that are named.
const DAMAGE_MAX: usize = 10;

/// What a database says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Name and version of the engine.
    pub engine: String,
    /// Steps that ran on it.
    pub ran: usize,
    /// Number and name of the steps that did not.
    pub missing: Vec<(u32, String)>,
    /// Why this program cannot bring it up to date: it is newer, or a step was edited.
    pub unfit: Option<String>,
    /// What is broken in the file, as the engine says it; empty: whole. SQLite only.
    pub damage: Vec<String>,
    /// Another process holds the lock of the writer. SQLite only.
    pub is_locked: bool,
    /// The file cannot be written. SQLite only.
    pub is_read_only: bool,
}

/// Looks at the database at `url`, as [`crate::DbSettings`] writes it.
/// # Errors
/// It is not there, not reachable, refuses us, is damaged or no database (`Gone`), or is locked for readers too (`Busy`).
pub async fn look(url: &str, migrations: &[Migration]) -> Result<Seen, Error> {
    match url.strip_prefix("sqlite:") {
        Some(path) => {
            let (path, migrations) = (Path::new(path).to_path_buf(), migrations.to_vec());
            let looked = tokio::task::spawn_blocking(move || sqlite(&path, &migrations)).await;
            looked.map_err(|why| Error::Gone(why.to_string()))?
        }
        None => {
            let (engine, ran) = postgres::look(url).await?;
            Ok(steps(Seen { engine, ..Seen::default() }, migrations, &ran))
        }
    }
}

/// A whole copy of an SQLite file as it is now, its log included, readable by its owner alone.
/// # Errors
/// The file cannot be read, or `to` exists or cannot be written.
pub async fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let (from, to) = (from.to_path_buf(), to.to_path_buf());
    let copied = tokio::task::spawn_blocking(move || {
        use crate::sqlite::connection::error;
        use std::os::unix::fs::OpenOptionsExt;
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to);
        made.map_err(|why| Error::Gone(format!("{}: {why}", to.display())))?;
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(&from, flags).map_err(|why| error(&why))?;
        connection.busy_timeout(LOCK_WAIT).map_err(|why| error(&why))?;
        connection.backup("main", &to, None::<fn(rusqlite::backup::Progress)>).map_err(|why| error(&why))
    });
    copied.await.map_err(|why| Error::Gone(why.to_string()))?
}

fn sqlite(path: &Path, migrations: &[Migration]) -> Result<Seen, Error> {
    use crate::sqlite::connection::{error, rows};
    use rusqlite::{Connection, OpenFlags};
    let open = |flags| Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|why| error(&why));
    let connection = open(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(LOCK_WAIT).map_err(|why| error(&why))?;
    let table = rows(&connection, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'", &[])?;
    let ran = if table.is_empty() { Vec::new() } else { read(&rows(&connection, RAN, &[])?)? };
    let said = rows(&connection, &format!("PRAGMA quick_check({DAMAGE_MAX})"), &[])?;
    let damage = said.iter().filter_map(|row| row.text(0).ok()).filter(|line| *line != "ok").map(str::to_string).collect();
    let mut seen = Seen { engine: format!("SQLite {}", rusqlite::version()), damage, ..Seen::default() };
    drop(connection);
    let writer = open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    writer.busy_timeout(LOCK_WAIT).map_err(|why| error(&why))?;
    seen.is_read_only = writer.is_readonly("main").unwrap_or(false);
    seen.is_locked = match writer.execute_batch("BEGIN IMMEDIATE; ROLLBACK") {
        Err(why) => matches!(error(&why), Error::Busy(_)),
        Ok(()) => false,
    };
    Ok(steps(seen, migrations, &ran))
}

pub(crate) fn read(rows: &[crate::Row]) -> Result<Vec<Ran>, Error> {
    rows.iter().map(Ran::read).collect()
}

fn steps(mut seen: Seen, migrations: &[Migration], ran: &[Ran]) -> Seen {
    seen.ran = ran.len();
    match missing(migrations, ran) {
        Ok(open) => seen.missing = open.into_iter().map(|step| (step.number, step.name.to_string())).collect(),
        Err(why) => seen.unfit = Some(why.to_string()),
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::checksum;

    const STEPS: [Migration; 2] = [
        Migration { number: 1, name: "one", sql: "CREATE TABLE a (b TEXT)" },
        Migration { number: 2, name: "two", sql: "CREATE TABLE c (d TEXT)" },
    ];

    #[test]
    fn steps_are_missing_fit_or_do_not() {
        let ran = |number, name: &str, sql: &str| Ran { number, name: name.into(), checksum: checksum(sql) };
        let one = || ran(1, "one", STEPS[0].sql);
        for (rows, missing, is_unfit, why) in [
            (vec![], 2, false, "a new database"),
            (vec![one()], 1, false, "an older one"),
            (vec![one(), ran(2, "two", STEPS[1].sql)], 0, false, "up to date"),
            (vec![one(), ran(9, "nine", "")], 0, true, "a newer one"),
            (vec![ran(1, "one", "CREATE TABLE b (a TEXT)")], 0, true, "an edited step"),
        ] {
            let seen = steps(Seen::default(), &STEPS, &rows);
            assert_eq!((seen.missing.len(), seen.unfit.is_some()), (missing, is_unfit), "{why}: {seen:?}");
        }
    }

    #[tokio::test]
    async fn looking_creates_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("none.db");
        assert!(look(&format!("sqlite:{}", file.display()), &STEPS).await.is_err());
        assert!(!file.exists());
        assert!(matches!(look("postgres://x@127.0.0.1:1/none", &STEPS).await, Err(Error::Gone(_))));
    }
}
