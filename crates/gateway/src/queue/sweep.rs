//! What the table owes and memory does not have: found every second, leased in batches, brought into the lanes.
//!
//! Also here: leases renewed while rows wait in memory, rows taken back at the start, rows given back at the end, and bodies
//! that nobody needs any more.

use super::job::{Due, Incoming, Owed};
use super::{LEASE_MS, Shared, now_ms, sql};
use crate::signal::Gauge;
use crate::trace;
use mail::{MailId, OrgId};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Error, Row, Tx};

/// How often the table is looked at: mail released by another process waits no longer.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Rows leased in one transaction.
const CLAIM_ROWS_MAX: usize = 500;
/// Rows whose lease is renewed in one transaction.
const RENEW_ROWS_MAX: usize = 1_000;
const RENEW_EVERY: Duration = Duration::from_secs(30);
/// A lease is renewed when less than this is left of it.
const RENEW_BEFORE_MS: i64 = LEASE_MS / 2;
const COLLECT_EVERY: Duration = Duration::from_secs(3_600);
/// Bodies dropped in one transaction.
const COLLECT_ROWS_MAX: usize = 500;
/// Bodies younger than this may belong to a transaction that is still open.
const COLLECT_AGE: Duration = Duration::from_secs(3_600);
/// Runs until the queue stops, then gives back what is in memory.
pub async fn run(shared: Arc<Shared>) {
    let mut closing = shared.closing.subscribe();
    let (mut renewed, mut collected) = (Instant::now(), Instant::now());
    let mut has_taken_back = false;
    while !*closing.borrow_and_update() {
        let swept = sweep(&shared, &mut has_taken_back).await;
        if let Err(why) = swept {
            tracing::warn!(%why, "queued mail cannot be read from the database; trying again");
        }
        shared.signals.set(Gauge::QueueInMemory, shared.lanes.held_count() as i64);
        if renewed.elapsed() > RENEW_EVERY {
            renewed = Instant::now();
            renew(&shared).await;
            measure(&shared).await;
        }
        if collected.elapsed() > COLLECT_EVERY {
            collected = Instant::now();
            if let Err(why) = collect(&shared).await {
                tracing::warn!(%why, "bodies that nobody needs could not be removed");
            }
        }
        tokio::select! {
            _ = tokio::time::sleep(LOOK_EVERY) => {}
            () = shared.look.notified() => {}
            _ = closing.changed() => {}
        }
    }
    // Rows whose attempt runs settle by themselves; what only waited is anybody's at once.
    shared.give_back(shared.lanes.close(), now_ms());
}

async fn sweep(shared: &Arc<Shared>, has_taken_back: &mut bool) -> Result<(), Error> {
    if !*has_taken_back {
        take_back(shared).await?;
        *has_taken_back = true;
    }
    while !*shared.closing.borrow() {
        let room = shared.settings.window_max.saturating_sub(shared.lanes.held_count());
        let now = now_ms();
        if room < CLAIM_ROWS_MAX.min(shared.settings.window_max) || !shared.db.read(move |tx| Box::pin(sql::is_any_due(tx, now))).await? {
            return Ok(());
        }
        let rows_max = room.min(CLAIM_ROWS_MAX);
        if claim(shared, now, rows_max).await? < rows_max {
            return Ok(());
        }
    }
    Ok(())
}

/// Rows that this node leased before it stopped are due again now; what is in memory by now keeps its lease.
async fn take_back(shared: &Arc<Shared>) -> Result<(), Error> {
    let (node, now) = (shared.node, now_ms());
    let held: Vec<_> = shared.lanes.renew(i64::MAX, now + LEASE_MS);
    let rows = shared
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let (statement, args) = sql::take_back(node, now);
                let rows = tx.run(statement, args).await?;
                tx.run_all(held.iter().map(|(mail, n)| sql::lease(*mail, *n, node, now + LEASE_MS)).collect()).await?;
                Ok::<_, Error>(rows)
            })
        })
        .await?;
    if rows > 0 {
        tracing::info!(rows, "queued recipients were taken back after a restart");
    }
    Ok(())
}

/// Leases one batch of due rows and brings them into their lanes; returns how many rows were leased.
async fn claim(shared: &Arc<Shared>, now: i64, rows_max: usize) -> Result<usize, Error> {
    let (node, lease_ms) = (shared.node, now + LEASE_MS);
    let (rows, mails) = shared
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let rows = sql::claim(tx, node, now, lease_ms, rows_max).await?;
                let ids: HashSet<i64> = rows.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
                let mails = sql::mails(tx, &ids.into_iter().collect::<Vec<_>>()).await?;
                Ok::<_, Error>((rows, mails))
            })
        })
        .await?;
    let mut by_mail: HashMap<i64, Vec<Incoming>> = HashMap::new();
    let mut org = HashMap::new();
    for row in &rows {
        let mail = row.int(0)?;
        org.insert(mail, row.int(2)?);
        // One that cannot be read waits alone; what was leased with it goes on.
        match incoming(row) {
            Ok(one) => by_mail.entry(mail).or_default().push(one),
            Err(why) => tracing::error!(mail = %MailId(mail), %why, "a row of the queue cannot be read and is not delivered"),
        }
    }
    let readable = |row: &Row| read_mail(row, &org).inspect_err(|why| tracing::error!(%why, "a mail of the queue cannot be read")).ok();
    let mut owed: Vec<Owed> = mails.iter().filter_map(readable).collect();
    owed.sort_by_key(|mail| mail.id);
    for mail in owed {
        let mut rows = by_mail.remove(&mail.id.0).unwrap_or_default();
        if rows.is_empty() {
            continue;
        }
        rows.sort_by_key(|row| row.due.n);
        shared.enter(mail, rows, lease_ms);
    }
    Ok(rows.len())
}

/// Mails asked for at once when the queue is looked through.
const MAILS_AT_ONCE: usize = 200;

/// What is owed and cannot be read, for whoever looks at an installation: it is never delivered. Each with its mail and why; an empty list
/// is a queue in order.
/// # Errors
/// The rows cannot be had at all.
pub async fn unreadable(tx: &mut Tx, rows_max: usize) -> Result<Vec<String>, Error> {
    let rows = sql::owed(tx, rows_max).await?;
    let mut wrong = Vec::new();
    let mut org = HashMap::new();
    for row in &rows {
        let mail = MailId(row.int(0)?);
        org.insert(mail.0, row.int(2)?);
        wrong.extend(incoming(row).err().map(|why| format!("{mail}: {why}")));
    }
    let ids: Vec<i64> = org.keys().copied().collect();
    let mut there = 0;
    for some in ids.chunks(MAILS_AT_ONCE) {
        let mails = sql::mails(tx, some).await?;
        there += mails.len();
        for row in &mails {
            wrong.extend(read_mail(row, &org).err().map(|why| format!("{}: {why}", MailId(row.int(0).unwrap_or(0)))));
        }
    }
    if there < ids.len() {
        wrong.push(format!("{} mails that recipients wait for have no row", ids.len() - there));
    }
    wrong.sort();
    Ok(wrong)
}

fn incoming(row: &Row) -> Result<Incoming, Error> {
    let due = Due {
        n: row.int(1)?,
        address: row.text(3)?.to_string(),
        original: row.text(4)?.to_string(),
        dsn: serde_json::from_str(row.text(6)?).map_err(|why| shape("dsn", &why))?,
        tries: u32::try_from(row.int(8)?).unwrap_or(u32::MAX),
    };
    let edits = serde_json::from_str(row.text(5)?).map_err(|why| shape("edits", &why))?;
    Ok(Incoming { due, edits, route: row.text(7)?.to_string() })
}

fn read_mail(row: &Row, org: &HashMap<i64, i64>) -> Result<Owed, Error> {
    let id = row.int(0)?;
    let extras = serde_json::from_str(row.text(2)?).map_err(|why| shape("envelope", &why))?;
    let place = row.text_opt(3)?.unwrap_or_default().to_string();
    let octets = usize::try_from(row.int(4)?).unwrap_or(0);
    let org = OrgId(org.get(&id).copied().unwrap_or(0));
    Ok(Owed::new(MailId(id), org, row.text(1)?.to_string(), extras, place, octets))
}

fn shape(column: &str, why: &serde_json::Error) -> Error {
    Error::Shape(format!("column {column}: {why}"))
}

async fn renew(shared: &Arc<Shared>) {
    let (node, now) = (shared.node, now_ms());
    let rows = shared.lanes.renew(now + RENEW_BEFORE_MS, now + LEASE_MS);
    for some in rows.chunks(RENEW_ROWS_MAX) {
        let some = some.to_vec();
        let done = shared.db.tx(move |tx| {
            Box::pin(async move { tx.run_all(some.iter().map(|(mail, n)| sql::renew(*mail, *n, node, now + LEASE_MS)).collect()).await })
        });
        if let Err(why) = done.await {
            tracing::warn!(%why, "leases of queued mail could not be renewed");
        }
    }
}

/// How much is owed, and for how long.
async fn measure(shared: &Arc<Shared>) {
    match shared.db.read(|tx| Box::pin(sql::depth(tx))).await {
        Ok((rows, oldest)) => {
            shared.signals.set(Gauge::QueueDepth, rows);
            shared.signals.set(Gauge::QueueOldestMs, oldest.map_or(0, |mail| now_ms() - trace::time_of(mail)));
        }
        Err(why) => tracing::debug!(%why, "the queue could not be measured"),
    }
}

/// Removes bodies whose recipients are all final, and files that no row names.
async fn collect(shared: &Arc<Shared>) -> Result<(), Error> {
    let before = trace::first_id_at(now_ms() - COLLECT_AGE.as_millis() as i64);
    loop {
        let places = shared.db.tx(move |tx| Box::pin(sql::drop_orphans(tx, before, COLLECT_ROWS_MAX))).await?;
        for place in places.iter().filter(|place| !place.is_empty()) {
            shared.bodies.remove(place).await?;
        }
        if places.len() < COLLECT_ROWS_MAX {
            break;
        }
    }
    let named: HashSet<String> = shared.db.read(|tx| Box::pin(sql::body_files(tx))).await?.into_iter().collect();
    shared.bodies.sweep(move |name| named.contains(name), COLLECT_AGE).await?;
    Ok(())
}
