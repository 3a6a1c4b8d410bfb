//! How many mails a second can be made durable: `accept URL SECONDS TASKS…`.
//!
//! Each transaction is what accepting a 4 KB mail for one recipient writes: mail, body, recipient, three events. With
//! `settle` as the last word each is also delivered: state, one event, body gone.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::{Db, DbSettings, Error, Migration, Tx, args};

const SCHEMA: Migration = Migration { number: 1, name: "mail_path", sql: include_str!("../../gateway/src/migrations/0001_mail_path.sql") };
const MAIL: &str = "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
const BODY: &str = "INSERT INTO body (mail, place, octets) VALUES ($1, $2, $3)";
const RECIPIENT: &str = "INSERT INTO recipient (mail, n, org, address, original, state, edits, dsn, route, tries, next_ms, lease_node, lease_ms, \
                         last_reply, settled_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12, '', $13)";
const EVENTS: &str = "INSERT INTO event (id, mail, org, at_ms, kind, recipient, detail) VALUES ($1, $2, $3, $4, $5, $6, $7), \
                      ($8, $9, $10, $11, $12, $13, $14), ($15, $16, $17, $18, $19, $20, $21)";
const EVENT: &str = "INSERT INTO event (id, mail, org, at_ms, kind, recipient, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)";

struct Load {
    next: AtomicI64,
    body: Bytes,
    receipt: Arc<str>,
    done: AtomicU64,
    slowest_us: AtomicU64,
    settle: bool,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, seconds, tasks @ ..] = words.as_slice() else {
        eprintln!("accept URL SECONDS TASKS… [settle]");
        std::process::exit(2);
    };
    let db = Db::open(&DbSettings { url: url.clone(), ..DbSettings::default() }, &[SCHEMA]).await?;
    let load = Arc::new(Load {
        next: AtomicI64::new(1_795_000_000_000 << 21),
        body: Bytes::from(vec![b'x'; 4_096]),
        receipt: "{\"finding\":\"some text\"}".repeat(60).into(),
        done: AtomicU64::new(0),
        slowest_us: AtomicU64::new(0),
        settle: tasks.last().is_some_and(|word| word == "settle"),
    });
    for tasks in tasks.iter().filter_map(|word| word.parse::<usize>().ok()) {
        run(&db, &load, tasks, seconds.parse().unwrap_or(5)).await?;
    }
    Ok(())
}

async fn run(db: &Db, load: &Arc<Load>, tasks: usize, seconds: u64) -> Result<(), Error> {
    load.done.store(0, Ordering::Relaxed);
    load.slowest_us.store(0, Ordering::Relaxed);
    let (began, cpu) = (Instant::now(), cpu_ms());
    let end = began + Duration::from_secs(seconds);
    let running: Vec<_> = (0..tasks).map(|_| tokio::spawn(one(db.clone(), load.clone(), end))).collect();
    for task in running {
        task.await.unwrap_or_else(|why| Err(Error::Statement(why.to_string())))?;
    }
    let (done, took, cpu) = (load.done.load(Ordering::Relaxed), began.elapsed(), cpu_ms() - cpu);
    println!(
        "{tasks:4} tasks: {:7.0} tx/s, {:6.1} us CPU a tx, slowest {:6.1} ms, memory {} MiB",
        done as f64 / took.as_secs_f64(),
        cpu as f64 * 1_000.0 / done as f64,
        load.slowest_us.load(Ordering::Relaxed) as f64 / 1_000.0,
        resident_kib() / 1_024
    );
    Ok(())
}

async fn one(db: Db, load: Arc<Load>, end: Instant) -> Result<(), Error> {
    while Instant::now() < end {
        let began = Instant::now();
        let id = load.next.fetch_add(1 << 16, Ordering::Relaxed);
        let (body, receipt) = (load.body.clone(), load.receipt.clone());
        db.tx(move |tx| Box::pin(async move { accept(tx, id, body, receipt).await })).await?;
        load.slowest_us.fetch_max(began.elapsed().as_micros() as u64, Ordering::Relaxed);
        load.done.fetch_add(1, Ordering::Relaxed);
        if load.settle {
            drop(db.later(move |tx| Box::pin(settle(tx, id))));
        }
    }
    Ok(())
}

async fn accept(tx: &mut Tx, id: i64, body: Bytes, receipt: Arc<str>) -> Result<(), Error> {
    let at = id >> 21;
    let to = format!("person{}@acme.example", (id >> 16) % 500);
    let event = |n: i64, kind: &'static str| args![id + n, id, 1, at, kind, "", "{\"octets\":4096}"];
    let events = [event(1, "received"), event(2, "judged"), event(3, "queued")].concat();
    tx.run_all(vec![
        (
            MAIL,
            args![
                id,
                1,
                "inbound",
                "192.0.2.55",
                "mx.sender.example",
                format!("sender{id}@sender.example"),
                format!("<{id}.abc@sender.example>"),
                "Quarterly figures, second draft",
                4096,
                1,
                "clean",
                receipt,
                "{\"smtputf8\":false,\"ret\":\"\",\"envid\":\"\",\"language\":\"en\"}"
            ],
        ),
        (BODY, args![id, "", body]),
        (
            RECIPIENT,
            args![
                id,
                0,
                1,
                &to,
                &to,
                "queued",
                "{\"headers\":\"X-A: b\",\"subject_prefix\":\"\"}",
                "{}",
                "",
                at + 300_000,
                1,
                at + 300_000,
                None::<i64>
            ],
        ),
        (EVENTS, events),
    ])
    .await
}

async fn settle(tx: &mut Tx, id: i64) -> Result<(), Error> {
    let at = id >> 21;
    tx.run_all(vec![
        (
            "UPDATE recipient SET state = $1, tries = tries + 1, lease_node = 0, lease_ms = 0, last_reply = $2, settled_ms = $3 \
             WHERE mail = $4 AND n = $5 AND state = 'queued'",
            args!["delivered", "250 2.0.0 Ok: queued as 12345", at, id, 0],
        ),
        (EVENT, args![id + 9, id, 1, at, "delivered", "", "{\"hop\":\"mx.acme.example [192.0.2.1]:25\"}"]),
        (
            "DELETE FROM body WHERE mail = $1 AND NOT EXISTS (SELECT 1 FROM recipient WHERE mail = $1 AND state IN ('queued', 'held'))",
            args![id],
        ),
    ])
    .await
}

/// User and system time of this process, in milliseconds.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|number| number.parse::<u64>().ok()).sum();
    ticks * 10
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default().to_string();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default()
}
