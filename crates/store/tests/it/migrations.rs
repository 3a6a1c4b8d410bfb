use crate::{ROWS, settings};
use store::{Db, Error, Migration, args};
use testkit::postgres::databases;

const MORE: Migration = Migration {
    number: 2,
    name: "more",
    sql: "CREATE TABLE pair (a BIGINT NOT NULL, b BIGINT NOT NULL, PRIMARY KEY (a, b)) /*sqlite WITHOUT ROWID*/; INSERT INTO pair VALUES (1, 2);",
};

#[tokio::test(flavor = "multi_thread")]
async fn each_step_runs_once() {
    for database in databases() {
        for steps in [vec![ROWS], vec![ROWS], vec![MORE, ROWS], vec![ROWS, MORE]] {
            let db = Db::open(&settings(&database), &steps).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
            let ran = db.read(|tx| Box::pin(async move { tx.rows("SELECT number FROM migration ORDER BY number", vec![]).await })).await;
            assert_eq!(ran.map(|rows| rows.len()), Ok::<_, Error>(steps.len()), "{}", database.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_knows_when_it_was_made() {
    for database in databases() {
        let opened = |steps: Vec<Migration>| {
            let settings = settings(&database);
            async move { Db::open(&settings, &steps).await.expect("opens").born_ms().await.expect("a time") }
        };
        let born = opened(vec![ROWS]).await;
        assert!(born > 1_700_000_000_000, "{}: {born}", database.engine);
        assert_eq!(opened(vec![ROWS, MORE]).await, born, "{}: a later step changes nothing", database.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_brought_up_to_date_is_refused_in_words() {
    let edited = Migration { sql: "CREATE TABLE thing (id BIGINT PRIMARY KEY)", ..ROWS };
    let broken = Migration { number: 3, name: "broken", sql: "CREATE TABLE third (id BIGINT PRIMARY KEY); CREATE NONSENSE;" };
    for database in databases() {
        Db::open(&settings(&database), &[ROWS, MORE]).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
        for (steps, number, says) in [
            (vec![ROWS], 2, "newer version"),
            (vec![edited, MORE], 1, "never edited"),
            (vec![ROWS, MORE, broken], 3, "NONSENSE"),
            (vec![ROWS, MORE, MORE], 0, "same number"),
        ] {
            match Db::open(&settings(&database), &steps).await {
                Err(Error::Migration { number: found, why }) => {
                    assert_eq!(found, number, "{}: {why}", database.engine);
                    assert!(why.contains(says), "{}: {why}", database.engine);
                }
                Err(other) => panic!("{}: {other}", database.engine),
                Ok(_) => panic!("{}: {says}", database.engine),
            }
        }
        let db = Db::open(&settings(&database), &[ROWS, MORE]).await.expect("nothing of the broken step stayed");
        let third = db.read(|tx| Box::pin(async move { tx.rows("SELECT id FROM third", vec![]).await })).await;
        assert!(matches!(third, Err(Error::Statement(_))), "{}: {third:?}", database.engine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_open_at_once_migrate_once() {
    for database in databases() {
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let settings = settings(&database);
                tokio::spawn(async move { Db::open(&settings, &[ROWS, MORE]).await.map(drop) })
            })
            .collect();
        for one in opening {
            assert_eq!(one.await.expect("no panic"), Ok(()), "{}", database.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_work_says_why() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "this is not a database, it is a text of some length; nobody should write into it").expect("writes");
    for (url, says) in [
        ("mysql://somewhere/db".to_string(), "begins with sqlite: or postgres://"),
        ("sqlite:".to_string(), "begins with sqlite: or postgres://"),
        ("sqlite:/nonexistent/folder/mail.db".to_string(), "/nonexistent/folder/mail.db"),
        (format!("sqlite:{}", text.display()), "notes.txt"),
        ("postgres://nobody@127.0.0.1:1/none".to_string(), "not reachable"),
        ("postgres://nobody@127.0.0.1:1/none?colour=blue".to_string(), "not understood"),
    ] {
        let why = Db::open(&store::DbSettings { url: url.clone(), ..store::DbSettings::default() }, &[ROWS]).await.err().expect(&url);
        assert!(why.to_string().contains(says), "{url}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_uses_the_rows_own_number_on_sqlite() {
    let database = testkit::postgres::sqlite();
    let db = Db::open(&settings(&database), &[ROWS]).await.expect("opens");
    let plan =
        db.read(|tx| Box::pin(async move { tx.row("EXPLAIN QUERY PLAN SELECT name FROM thing WHERE id = $1", args![1]).await })).await;
    let plan: Result<_, Error> = plan;
    assert!(plan.expect("a plan").expect("a row").text(3).expect("text").contains("INTEGER PRIMARY KEY"));
}
