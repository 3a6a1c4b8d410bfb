use crate::{count, open};
use std::time::Duration;
use store::{Error, args};
use testkit::postgres::databases;

const ADD: &str = "INSERT INTO thing (id, name) VALUES ($1, $2)";

#[tokio::test(flavor = "multi_thread")]
async fn values_come_back_as_they_went_in() {
    for database in databases() {
        let db = open(&database).await;
        let row = db
            .tx(|tx| {
                Box::pin(async move {
                    tx.run(
                        "INSERT INTO thing (id, name, weight, octets, note) VALUES ($1, $2, $3, $4, $5)",
                        args![i64::MAX, "Grüße, 你好", 0.5, vec![0u8, 255, 10], None::<&str>],
                    )
                    .await?;
                    tx.row("SELECT id, name, weight, octets, note, id = $1, count(*) OVER () FROM thing WHERE id = $1", args![i64::MAX])
                        .await
                })
            })
            .await
            .unwrap_or_else(|why: Error| panic!("{}: {why}", database.engine))
            .expect("the row, inside its own transaction");
        assert_eq!(row.int(0), Ok(i64::MAX));
        assert_eq!(row.text(1), Ok("Grüße, 你好"));
        assert_eq!(row.real(2), Ok(0.5));
        assert_eq!(row.blob(3).unwrap().as_ref(), [0, 255, 10]);
        assert_eq!((row.text_opt(4), row.int_opt(0)), (Ok(None), Ok(Some(i64::MAX))));
        assert_eq!((row.int(5), row.int(6)), (Ok(1), Ok(1)), "{}: comparisons and counts are integers", database.engine);
        assert!(matches!(row.int(1), Err(Error::Shape(_))) && matches!(row.text(9), Err(Error::Shape(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_in_text_is_replaced_on_both_engines() {
    for database in databases() {
        let db = open(&database).await;
        db.tx(|tx| Box::pin(async move { tx.run(ADD, args![1, "a\0b"]).await }))
            .await
            .unwrap_or_else(|why: Error| panic!("{}: {why}", database.engine));
        let name = db
            .read(|tx| {
                Box::pin(async move { Ok::<_, Error>(tx.row("SELECT name FROM thing", vec![]).await?.unwrap().text(0)?.to_string()) })
            })
            .await;
        assert_eq!(name.as_deref(), Ok("a\u{fffd}b"), "{}", database.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_at_once_are_all_kept_and_a_failing_one_undoes_only_itself() {
    for database in databases() {
        let db = open(&database).await;
        let tasks: Vec<_> = (0..200i64)
            .map(|n| {
                let db = db.clone();
                tokio::spawn(async move {
                    db.tx(move |tx| {
                        Box::pin(async move {
                            tx.run(ADD, args![n, format!("n{n}")]).await?;
                            // Each tenth says no after writing, each tenth fails in a statement.
                            match n % 10 {
                                3 => Err(Error::Shape("changed its mind".into())),
                                7 => tx.run(ADD, args![n, "again"]).await.map(drop),
                                _ => Ok(()),
                            }
                        })
                    })
                    .await
                })
            })
            .collect();
        for (n, task) in tasks.into_iter().enumerate() {
            let result = task.await.expect("no panic");
            match n % 10 {
                3 => assert_eq!(result, Err(Error::Shape("changed its mind".into()))),
                7 => assert!(matches!(result, Err(Error::Exists(_))), "{}: {result:?}", database.engine),
                _ => assert_eq!(result, Ok(()), "{}", database.engine),
            }
        }
        assert_eq!(count(&db).await, 160, "{}", database.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_failed_ends_its_transaction_also_when_ignored() {
    for database in databases() {
        let db = open(&database).await;
        let result: Result<(), Error> = db
            .tx(|tx| {
                Box::pin(async move {
                    tx.run(ADD, args![1, "one"]).await?;
                    let _ = tx.run(ADD, args![1, "two"]).await;
                    let after = tx.rows("SELECT 1", vec![]).await;
                    assert!(after.is_err(), "nothing runs after a failure");
                    Ok(())
                })
            })
            .await;
        assert!(matches!(result, Err(Error::Exists(_))), "{}: {result:?}", database.engine);
        assert_eq!(count(&db).await, 0, "{}", database.engine);
        db.tx(|tx| Box::pin(async move { tx.run(ADD, args![1, "one"]).await })).await.expect("the next one is not touched by it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_read_and_order_is_kept() {
    for database in databases() {
        let db = open(&database).await;
        for n in 0..50i64 {
            db.tx(move |tx| Box::pin(async move { tx.run(ADD, args![n, format!("n{n}")]).await }))
                .await
                .unwrap_or_else(|why: Error| panic!("{why}"));
            assert_eq!(count(&db).await, n + 1, "{}", database.engine);
        }
        // Not awaited in between: on SQLite they run in the order they were handed in.
        if database.engine == "sqlite" {
            let update = "UPDATE thing SET note = $1 WHERE id = 0";
            let later: Vec<_> =
                (0..50i64).map(|n| db.later(move |tx| Box::pin(async move { tx.run(update, args![n.to_string()]).await }))).collect();
            for one in later {
                assert_eq!(one.await, Ok::<_, Error>(1));
            }
            let note = db.read(|tx| {
                Box::pin(async move {
                    Ok::<_, Error>(tx.row("SELECT note FROM thing WHERE id = 0", vec![]).await?.unwrap().text(0)?.to_string())
                })
            });
            assert_eq!(note.await.as_deref(), Ok("49"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn later_is_done_soon_though_nobody_waits_for_it() {
    for database in databases() {
        let db = open(&database).await;
        drop(db.later(|tx| Box::pin(async move { tx.run(ADD, args![1, "one"]).await.map_err(|why: Error| why) })));
        let give_up = tokio::time::Instant::now() + Duration::from_secs(10);
        while count(&db).await == 0 {
            assert!(tokio::time::Instant::now() < give_up, "{}", database.engine);
            tokio::task::yield_now().await;
        }
        assert_eq!(
            db.later(|tx| Box::pin(async move { tx.run(ADD, args![2, "two"]).await })).await,
            Ok::<_, Error>(1),
            "{}",
            database.engine
        );
        assert!(matches!(db.later(|tx| Box::pin(async move { tx.run(ADD, args![2, "two"]).await })).await, Err(Error::Exists(_))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_cannot_write() {
    for database in databases() {
        let db = open(&database).await;
        let result: Result<u64, Error> = db.read(|tx| Box::pin(async move { tx.run(ADD, args![1, "one"]).await })).await;
        assert!(result.is_err(), "{}", database.engine);
        assert_eq!(count(&db).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_statements_at_once_all_count_or_none() {
    for database in databases() {
        let db = open(&database).await;
        let all = |last: i64| (0..20i64).chain([last]).map(|n| (ADD, args![n, format!("n{n}")])).collect::<Vec<_>>();
        let (twice, once) = (all(3), all(20));
        let result: Result<(), Error> = db.tx(|tx| Box::pin(async move { tx.run_all(twice).await })).await;
        assert!(matches!(result, Err(Error::Exists(_))), "{}: {result:?}", database.engine);
        assert_eq!(count(&db).await, 0, "{}", database.engine);
        let result: Result<(), Error> = db.tx(|tx| Box::pin(async move { tx.run_all(once).await })).await;
        assert_eq!(result, Ok(()));
        assert_eq!(count(&db).await, 21, "{}", database.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite_waiting_for_something_else_and_panics_are_errors_not_the_end() {
    let database = testkit::postgres::sqlite();
    let db = open(&database).await;
    let result: Result<(), Error> = db
        .tx(|tx| {
            Box::pin(async move {
                tx.run(ADD, args![1, "one"]).await?;
                tokio::task::yield_now().await;
                Ok(())
            })
        })
        .await;
    assert!(matches!(result, Err(Error::Statement(_))), "{result:?}");
    let result: Result<(), Error> = db.tx(|_| Box::pin(async move { panic!("on purpose") })).await;
    assert!(matches!(result, Err(Error::Statement(_))), "{result:?}");
    assert_eq!(count(&db).await, 0);
    db.tx(|tx| Box::pin(async move { tx.run(ADD, args![1, "one"]).await })).await.unwrap_or_else(|why: Error| panic!("{why}"));
    assert_eq!(count(&db).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres_a_cancelled_transaction_leaves_nothing_behind() {
    let Some(database) = testkit::postgres::postgres() else { return };
    let db = open(&database).await;
    for _ in 0..20 {
        let never = db.tx(|tx| {
            Box::pin(async move {
                tx.run(ADD, args![1, "one"]).await?;
                std::future::pending::<Result<(), Error>>().await
            })
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), never).await.is_err());
    }
    assert_eq!(count(&db).await, 0);
    db.tx(|tx| Box::pin(async move { tx.run(ADD, args![1, "one"]).await })).await.unwrap_or_else(|why: Error| panic!("{why}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_close_nothing_is_accepted_and_nothing_is_lost() {
    let database = testkit::postgres::sqlite();
    let db = open(&database).await;
    for n in 0..100i64 {
        drop(db.later(move |tx| Box::pin(async move { tx.run(ADD, args![n, format!("n{n}")]).await.map_err(|why: Error| why) })));
    }
    db.clone().close();
    let late: Result<u64, Error> = db.tx(|tx| Box::pin(async move { tx.run(ADD, args![1000, "late"]).await })).await;
    assert!(matches!(late, Err(Error::Gone(_))), "{late:?}");
    assert_eq!(count(&open(&database).await).await, 100);
}
