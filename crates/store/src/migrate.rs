//! Bringing a database's schema up to date. One text for both engines; a step that ran is never edited.
//!
//! Two spellings make the text fit SQLite: `BIGINT PRIMARY KEY` becomes `INTEGER PRIMARY KEY` there (the row's own number, one
//! tree less), and what stands in `/*sqlite … */` is read by SQLite only, what stands in `/*postgres … */` by PostgreSQL only.

use crate::Error;
use std::collections::BTreeMap;

/// One step of the schema; numbers are global over all crates.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub number: u32,
    pub name: &'static str,
    pub sql: &'static str,
}

impl Migration {
    /// What a database keeps of a step that ran there.
    pub fn checksum(&self) -> String {
        checksum(self.sql)
    }
}

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS migration (
    number BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, at_ms BIGINT NOT NULL)";
pub(crate) const RAN: &str = "SELECT number, name, checksum FROM migration ORDER BY number";
pub(crate) const BORN: &str = "SELECT at_ms FROM migration ORDER BY number LIMIT 1";
pub(crate) const NOTE: &str = "INSERT INTO migration (number, name, checksum, at_ms) VALUES ($1, $2, $3, $4)";

/// A row of `migration`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    pub number: i64,
    pub name: String,
    pub checksum: String,
}

/// The steps still to run, in order.
/// # Errors
/// A step that ran was edited since, or the database knows steps that this program does not.
pub(crate) fn missing(all: &[Migration], ran: &[Ran]) -> Result<Vec<Migration>, Error> {
    let mut open: BTreeMap<i64, Migration> = all.iter().map(|step| (i64::from(step.number), *step)).collect();
    if open.len() != all.len() {
        return Err(Error::Migration { number: 0, why: "two steps have the same number".into() });
    }
    for done in ran {
        let number = u32::try_from(done.number).unwrap_or(u32::MAX);
        match open.remove(&done.number) {
            None => {
                let why = format!(
                    "the database was made by a newer version (its step {} is \"{}\"); start that version, or restore the copy made before",
                    done.number, done.name
                );
                return Err(Error::Migration { number, why });
            }
            Some(step) if checksum(step.sql) != done.checksum => {
                let why = format!("step \"{}\" is not the one that ran on this database; a step is never edited, add a new one", done.name);
                return Err(Error::Migration { number, why });
            }
            Some(_) => {}
        }
    }
    Ok(open.into_values().collect())
}

/// FNV-1a, 64 bit, over the text without white space at line ends: it finds edits, not attacks.
pub(crate) fn checksum(sql: &str) -> String {
    let mut sum: u64 = 0xcbf2_9ce4_8422_2325;
    for line in sql.lines() {
        for octet in line.trim_end().bytes().chain([b'\n']) {
            sum = (sum ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    format!("{sum:016x}")
}

/// Runs what is missing in one transaction; another process that opens the same file waits for it.
pub(crate) fn sqlite(connection: &rusqlite::Connection, all: &[Migration]) -> Result<(), Error> {
    use crate::sqlite::connection::{error, rows, run};
    let batch = |sql: &str| connection.execute_batch(sql).map_err(|why| error(&why));
    batch("BEGIN IMMEDIATE")?;
    let bring_up = || -> Result<(), Error> {
        batch(TABLE)?;
        let ran = rows(connection, RAN, &[])?.iter().map(Ran::read).collect::<Result<Vec<_>, _>>()?;
        for step in missing(all, &ran)? {
            batch(&for_sqlite(step.sql)).map_err(|why| step.failed(&why))?;
            run(connection, NOTE, &step.note())?;
        }
        batch("COMMIT")
    };
    bring_up().inspect_err(|_| {
        // The error that is returned says more than one of the rollback could.
        let _ = batch("ROLLBACK");
    })
}

fn for_sqlite(sql: &str) -> String {
    uncommented(&sql.replace("BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY"), "/*sqlite")
}

pub(crate) fn for_postgres(sql: &str) -> String {
    uncommented(sql, "/*postgres")
}

/// The text with what stands in comments that begin with `opening`.
fn uncommented(sql: &str, opening: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once(opening) {
        let (only_here, after) = after.split_once("*/").unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(only_here);
        rest = after;
    }
    out.push_str(rest);
    out
}

impl Ran {
    pub(crate) fn read(row: &crate::Row) -> Result<Ran, Error> {
        Ok(Ran { number: row.int(0)?, name: row.text(1)?.to_string(), checksum: row.text(2)?.to_string() })
    }
}

impl Migration {
    pub(crate) fn failed(&self, why: &Error) -> Error {
        Error::Migration { number: self.number, why: format!("step \"{}\": {why}", self.name) }
    }

    pub(crate) fn note(&self) -> Vec<crate::Value> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
        crate::args![self.number, self.name, checksum(self.sql), now]
    }
}
