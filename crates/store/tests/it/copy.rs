//! Tables go from either engine to either.

use crate::ROWS;
use store::copy::{self, Table};
use store::{Db, DbSettings, Error, Migration, Row, Value, args};
use testkit::postgres::{Database, databases};

const MORE: Migration = Migration {
    number: 2,
    name: "more",
    sql: "CREATE TABLE place (org BIGINT NOT NULL, name TEXT NOT NULL, of_kind BIGINT NOT NULL, weight DOUBLE PRECISION NOT NULL, PRIMARY KEY (name, org));
          INSERT INTO place (org, name, of_kind, weight) VALUES (0, 'first', 1, 0.5);",
};

async fn open(database: &Database) -> Db {
    let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
    Db::open(&settings, &[ROWS, MORE]).await.expect("opens")
}

/// All tables with all rows, read in pages of `page`.
async fn whole(db: &Db, page: usize) -> Vec<(Table, Vec<Row>)> {
    let read = db.read(move |tx| {
        Box::pin(async move {
            let mut whole = Vec::new();
            for table in copy::tables(tx).await? {
                let mut rows: Vec<Row> = Vec::new();
                loop {
                    let some = copy::page(tx, &table, rows.last(), page).await?;
                    let is_end = some.len() < page;
                    rows.extend(some);
                    if is_end {
                        break;
                    }
                }
                assert_eq!(copy::count(tx, &table).await?, rows.len() as i64);
                whole.push((table, rows));
            }
            Ok::<_, Error>(whole)
        })
    });
    read.await.expect("reads")
}

fn values(whole: &[(Table, Vec<Row>)]) -> Vec<(&str, Vec<&Vec<Value>>)> {
    let sorted = |rows: &'_ [Row]| -> Vec<usize> {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|at| format!("{:?}", rows[*at].values));
        order
    };
    whole.iter().map(|(table, rows)| (table.name.as_str(), sorted(rows).into_iter().map(|at| &rows[at].values).collect())).collect()
}

async fn filled(database: &Database) -> Db {
    let db = open(database).await;
    let done = db.tx(|tx| {
        Box::pin(async move {
            for id in 0_i64..230 {
                let (weight, octets, note) = match id % 3 {
                    0 => (Value::Null, Value::Null, Value::Null),
                    1 => (Value::from(id as f64 / 7.0), Value::from(vec![0_u8, 255, id as u8]), Value::from("汉字 \u{1f600} ' \" \\")),
                    _ => (Value::from(-0.0), Value::from(Vec::<u8>::new()), Value::from("")),
                };
                let name = format!("thing {id}");
                tx.run(
                    "INSERT INTO thing (id, name, weight, octets, note) VALUES ($1, $2, $3, $4, $5)",
                    args![id - 100, name, weight, octets, note],
                )
                .await?;
                let place = args![id % 5, format!("p{}", id % 50), id, 1.0];
                if id < 200 && id % 10 < 5 {
                    tx.run(
                        "INSERT INTO place (org, name, of_kind, weight) VALUES ($1, $2, $3, $4) ON CONFLICT (name, org) DO NOTHING",
                        place,
                    )
                    .await?;
                }
            }
            Ok::<_, Error>(())
        })
    });
    done.await.expect("fills");
    db
}

#[tokio::test]
async fn a_copy_has_the_same_rows_on_either_engine() {
    for from in databases() {
        let source = filled(&from).await;
        let all = whole(&source, 1000).await;
        for page in [1, 7, 230] {
            assert_eq!(values(&whole(&source, page).await), values(&all), "{}: pages of {page}", from.engine);
        }
        for to in databases() {
            let target = open(&to).await;
            let put = all.clone();
            let done = target.tx(move |tx| {
                Box::pin(async move {
                    for (table, rows) in &put {
                        copy::empty(tx, table).await?;
                        copy::put(tx, table, rows).await?;
                    }
                    Ok::<_, Error>(())
                })
            });
            done.await.unwrap_or_else(|why| panic!("{} to {}: {why}", from.engine, to.engine));
            assert_eq!(values(&whole(&target, 50).await), values(&all), "{} to {}", from.engine, to.engine);
        }
    }
}

#[tokio::test]
async fn keys_are_known_in_their_order_and_odd_rows_refused() {
    for database in databases() {
        let db = open(&database).await;
        let tables: Vec<Table> = whole(&db, 10).await.into_iter().map(|(table, _)| table).collect();
        let names: Vec<(&str, &[usize])> = tables.iter().map(|table| (table.name.as_str(), table.key.as_slice())).collect();
        assert_eq!(names, [("place", [1, 0].as_slice()), ("thing", [0].as_slice())], "{}", database.engine);
        let put = db.tx(move |tx| Box::pin(async move { copy::put(tx, &tables[0], &[Row { values: vec![Value::Null] }]).await })).await;
        assert!(matches!(put, Err(Error::Shape(_))), "{}: {put:?}", database.engine);
    }
}
