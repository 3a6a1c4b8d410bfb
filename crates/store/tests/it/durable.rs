//! What was acknowledged is there: after kill -9, beside another process, on a full disk.

use crate::{ROWS, count, open, settings};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use store::{Db, DbSettings, Error, args};
use testkit::postgres::{Database, databases, sqlite};

const ADD: &str = "INSERT INTO thing (id, name, octets) VALUES ($1, $2, $3)";
/// The child of these tests is this program with these variables set.
const URL: &str = "STORE_TEST_URL";
const FIRST: &str = "STORE_TEST_FIRST";
const LAST: &str = "STORE_TEST_LAST";
const TASKS: i64 = 8;

async fn add(db: &Db, id: i64, octets: usize) -> Result<u64, Error> {
    db.tx(move |tx| Box::pin(async move { tx.run(ADD, args![id, format!("n{id}"), vec![7u8; octets]]).await })).await
}

/// Not a test by itself: what the child does. Prints `+ID` for each row acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let number = |name| std::env::var(name).expect(name).parse::<i64>().expect(name);
    let (first, last) = (number(FIRST), number(LAST));
    let db = Db::open(&DbSettings { url, ..DbSettings::default() }, &[ROWS]).await.expect("the child opens");
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let db = db.clone();
            tokio::spawn(async move {
                for id in (first + task..last).step_by(TASKS as usize) {
                    add(&db, id, 3_000).await.expect("the child writes");
                    println!("+{id}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

fn spawn(database: &Database, first: i64, last: i64) -> Child {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "durable::child", "--nocapture", "--test-threads=1"]);
    child.env(URL, &database.url).env(FIRST, first.to_string()).env(LAST, last.to_string());
    child.stdout(Stdio::piped()).spawn().expect("a child")
}

/// Rows the child has told of, until it ends or `enough` are there; what it printed before being killed counts too.
fn acknowledged(child: &mut Child, enough: usize) -> BTreeSet<i64> {
    let mut told = BTreeSet::new();
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    for line in lines.map_while(Result::ok) {
        if let Some((_, id)) = line.split_once('+') {
            told.extend(id.parse::<i64>());
        }
        if told.len() == enough {
            child.kill().expect("kill -9");
        }
    }
    child.wait().expect("it ended");
    told
}

async fn present(db: &Db) -> BTreeSet<i64> {
    let rows = db.read(|tx| Box::pin(async move { tx.rows("SELECT id FROM thing", vec![]).await })).await;
    rows.unwrap_or_else(|why: Error| panic!("{why}")).iter().map(|row| row.int(0).expect("a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_kill_9_every_acknowledged_row_is_there() {
    for database in databases() {
        let mut all = BTreeSet::new();
        for round in 0..3i64 {
            let mut child = spawn(&database, round * 1_000_000, (round + 1) * 1_000_000);
            all.extend(tokio::task::spawn_blocking(move || acknowledged(&mut child, 300)).await.expect("no panic"));
            let there = present(&open(&database).await).await;
            let lost: Vec<_> = all.difference(&there).collect();
            assert!(all.len() >= 300 * (round as usize + 1), "{}: only {} acknowledged", database.engine, all.len());
            assert!(lost.is_empty(), "{}: acknowledged and lost: {lost:?}", database.engine);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_write_to_one_file_at_once() {
    for database in databases() {
        let db = open(&database).await;
        let mut child = spawn(&database, 0, 400);
        let told = tokio::task::spawn_blocking(move || acknowledged(&mut child, usize::MAX));
        for id in 1_000..1_200 {
            add(&db, id, 100).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
        }
        assert_eq!(told.await.expect("no panic").len(), 400, "{}", database.engine);
        assert_eq!(count(&db).await, 600, "{}", database.engine);
    }
}

/// A file system of a few megabytes; `None` where this user may not mount one.
struct SmallDisk<'a>(&'a Path);

impl SmallDisk<'_> {
    fn mount(at: &Path) -> Option<SmallDisk<'_>> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(at).stderr(Stdio::null()).status();
        let is_mounted = mounted.is_ok_and(|status| status.success());
        assert!(is_mounted || std::env::var_os("CI").is_none(), "CI needs the right to mount a tmpfs");
        is_mounted.then_some(SmallDisk(at))
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=32m"]).arg(self.0).status();
        assert!(grown.is_ok_and(|status| status.success()));
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_said_so_loses_nothing_and_is_survived() {
    let database = sqlite();
    let Some(disk) = SmallDisk::mount(database.folder.path()) else {
        eprintln!("skipped: a full disk needs the right to mount a tmpfs");
        return;
    };
    let db = open(&database).await;
    let tasks: Vec<_> = (0..200)
        .map(|id| {
            let db = db.clone();
            tokio::spawn(async move { (id, add(&db, id, 20_000).await) })
        })
        .collect();
    let (mut kept, mut full) = (BTreeSet::new(), 0);
    for task in tasks {
        match task.await.expect("no panic") {
            (id, Ok(_)) => drop(kept.insert(id)),
            (_, Err(Error::Full(_))) => full += 1,
            (id, Err(other)) => panic!("{id}: {other}"),
        }
    }
    assert!(full > 0, "4 MB do not fit");
    assert_eq!(present(&db).await, kept, "reading works and shows what was acknowledged");
    assert!(matches!(add(&db, 900, 8_000_000).await, Err(Error::Full(_))), "this does not fit whatever the log gave back");
    disk.grow();
    add(&db, 901, 500_000).await.expect("there is room again");
    kept.insert(901);
    db.close();
    assert_eq!(present(&Db::open(&settings(&database), &[ROWS]).await.expect("opens again")).await, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_starts_over_under_load() {
    let database = sqlite();
    let db = open(&database).await;
    let log = database.folder.path().join("test.db-wal");
    let octets = |path: &Path| std::fs::metadata(path).map(|facts| facts.len()).unwrap_or_default();
    // 500 MB at most; it ends once twice as much was written as the log ever held.
    for round in 0..500i64 {
        let writing = (0..4).map(|n| {
            let db = db.clone();
            tokio::spawn(async move { add(&db, round * 4 + n, 250_000).await })
        });
        for one in writing.collect::<Vec<_>>() {
            one.await.expect("no panic").unwrap_or_else(|why| panic!("{why}"));
        }
        let written = (round as u64 + 1) * 1_000_000;
        if written > 60_000_000 && octets(&log) < written / 2 {
            return;
        }
    }
    panic!("the log has {} octets", octets(&log));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_gone_and_comes_back() {
    let Some(server) = testkit::postgres::Server::start(testkit::postgres::Durability::Off) else { return };
    let url = server.create("comes_back");
    let db = Db::open(&DbSettings { url, ..DbSettings::default() }, &[ROWS]).await.expect("opens");
    add(&db, 1, 10).await.expect("writes");
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    });
    let _server = server.await.expect("no panic");
    let mut tries = 0;
    while let Err(why) = add(&db, 2, 10).await {
        assert!(why.is_passing(), "{why}");
        tries += 1;
        assert!(tries < 50, "it does not come back: {why}");
    }
    assert_eq!(count(&db).await, 2);
}
