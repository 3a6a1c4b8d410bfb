//! The store on both engines.

mod bodies;
mod copy;
mod durable;
mod migrations;
mod transactions;

use store::{Db, DbSettings, Migration};
use testkit::postgres::Database;

const ROWS: Migration = Migration {
    number: 1,
    name: "rows",
    sql: "CREATE TABLE thing (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, weight DOUBLE PRECISION, octets BYTEA, note TEXT);",
};

fn settings(database: &Database) -> DbSettings {
    DbSettings { url: database.url.clone(), ..DbSettings::default() }
}

async fn open(database: &Database) -> Db {
    Db::open(&settings(database), &[ROWS]).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine))
}

async fn count(db: &Db) -> i64 {
    db.read(|tx| Box::pin(async move { tx.row("SELECT count(*) FROM thing", vec![]).await?.expect("one row").int(0) }))
        .await
        .expect("counts")
}
