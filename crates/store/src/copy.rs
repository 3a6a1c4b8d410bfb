//! Whole tables in a form that either engine reads: for backups, restoring, and moving from one engine to the other.
//!
//! In: an open transaction. Out: [`tables`], pages of their rows in the order of their keys, or rows put back. Every table of ours has a
//! primary key; what a page returned last is where the next one begins, so a table of any size goes through in bounded memory.

use crate::{Error, Row, Tx, Value};
use std::fmt::Write;

/// Parameters of one statement; both engines take more (SQLite 32,766).
const PARAMETERS_MAX: usize = 8_000;
/// Rows that one statement puts in.
const ROWS_A_STATEMENT_MAX: usize = 200;

/// A table as the database describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// In the order of the table.
    pub columns: Vec<String>,
    /// Positions in `columns` of the primary key, in its order.
    pub key: Vec<usize>,
}

/// All tables but the one that keeps which steps ran, by name.
/// # Errors
/// Those of the database; a table without a primary key is `Shape`.
pub async fn tables(tx: &mut Tx) -> Result<Vec<Table>, Error> {
    let names = match tx.sqlite() {
        Some(_) => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'migration' ORDER BY name",
        None => {
            "SELECT table_name::TEXT FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND table_name <> 'migration' ORDER BY 1"
        }
    };
    let mut tables = Vec::new();
    for row in tx.rows(names, vec![]).await? {
        tables.push(described(tx, row.text(0)?).await?);
    }
    Ok(tables)
}

async fn described(tx: &mut Tx, name: &str) -> Result<Table, Error> {
    // The second column is the place in the primary key, from 1; 0: not in it.
    let described = match tx.sqlite() {
        Some(_) => "SELECT name, pk FROM pragma_table_info($1) ORDER BY cid",
        None => {
            "SELECT a.attname::TEXT, coalesce(array_position(i.indkey::INT2[], a.attnum), -1)::BIGINT + 1
             FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
             WHERE a.attrelid = (quote_ident($1))::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        }
    };
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for (at, row) in tx.rows(described, crate::args![name]).await?.iter().enumerate() {
        columns.push(row.text(0)?.to_string());
        match row.int(1)? {
            0 => {}
            place => key.push((place, at)),
        }
    }
    if key.is_empty() {
        return Err(Error::Shape(format!("table {name} has no primary key")));
    }
    key.sort_unstable();
    Ok(Table { name: name.to_string(), columns, key: key.into_iter().map(|(_, at)| at).collect() })
}

/// How many rows it has.
/// # Errors
/// Those of the database.
pub async fn count(tx: &mut Tx, table: &Table) -> Result<i64, Error> {
    let counted = tx.row(&format!("SELECT count(*) FROM {}", quoted(&table.name)), vec![]).await?;
    counted.ok_or_else(|| Error::Shape("no count".into()))?.int(0)
}

/// At most `limit` rows that come after `last` in the order of the key; the first ones without it. Values are in the order of the columns.
/// # Errors
/// Those of the database.
pub async fn page(tx: &mut Tx, table: &Table, last: Option<&Row>, limit: usize) -> Result<Vec<Row>, Error> {
    let key: Vec<String> = table.key.iter().filter_map(|at| table.columns.get(*at)).map(|name| quoted(name)).collect();
    let key = key.join(", ");
    let columns = list(&table.columns);
    let (after, args) = match last {
        None => (String::new(), vec![]),
        Some(row) => {
            let args: Vec<Value> = table.key.iter().filter_map(|at| row.values.get(*at).cloned()).collect();
            let places: Vec<String> = (1..=args.len()).map(|at| format!("${at}")).collect();
            (format!("WHERE ({key}) > ({})", places.join(", ")), args)
        }
    };
    tx.rows(&format!("SELECT {columns} FROM {} {after} ORDER BY {key} LIMIT {limit}", quoted(&table.name)), args).await
}

/// Puts rows in whose values are in the order of the columns.
/// # Errors
/// Those of the database; `Shape` for a row of another length.
pub async fn put(tx: &mut Tx, table: &Table, rows: &[Row]) -> Result<(), Error> {
    let width = table.columns.len();
    if let Some(odd) = rows.iter().find(|row| row.values.len() != width) {
        return Err(Error::Shape(format!("a row of {} has {} values, not {width}", table.name, odd.values.len())));
    }
    for some in rows.chunks((PARAMETERS_MAX / width.max(1)).clamp(1, ROWS_A_STATEMENT_MAX)) {
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", quoted(&table.name), list(&table.columns));
        for row in 0..some.len() {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..width {
                let comma = if column == 0 { "" } else { ", " };
                // Writing into text cannot fail.
                let _ = write!(sql, "{comma}${}", row * width + column + 1);
            }
            sql.push(')');
        }
        tx.rows(&sql, some.iter().flat_map(|row| row.values.iter().cloned()).collect()).await?;
    }
    Ok(())
}

/// Takes out what is in a table, if there is anything: some tables refuse the very statement.
/// # Errors
/// Those of the database.
pub async fn empty(tx: &mut Tx, table: &Table) -> Result<(), Error> {
    if count(tx, table).await? > 0 {
        tx.rows(&format!("DELETE FROM {}", quoted(&table.name)), vec![]).await?;
    }
    Ok(())
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
}

/// A name as SQL; ours have no quotation marks, one from elsewhere cannot leave its own.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
