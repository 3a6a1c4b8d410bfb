//! The job that moves copies: out of mailboxes, and back.
//!
//! In: copies that are due. Out: each removed, returned, gone, failed, or put off with the reason. Runs on every server; a copy is leased to the
//! one that took it, so a server that dies loses nothing. Copies behind one connector go one after another, so many a minute; a connector
//! whose server cannot be reached is asked once, and all its copies wait.

use super::sql::{self, Copy};
use super::{CopyState, start};
use crate::App;
use gateway::directory::ConnectorSettings;
use gateway::mailbox::{Access, MailboxError, Place, Returned, Session, Taken, Wanted};
use gateway::trace::{self, Event, EventKind};
use mail::id::{EventId, RemovalId};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Error;

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(1);
/// Copies taken at once.
const ROWS_MAX: usize = 60;
/// How long a copy belongs to the server that took it.
const LEASE_MS: i64 = 15 * 60 * 1000;
/// No new copy is begun when so much of the lease is over.
const ROUND_MAX: Duration = Duration::from_secs(8 * 60);
/// Attempts before a copy counts as failed: with the waits below, a little more than two days.
pub const TRIES_MAX: i64 = 54;
const RETRY_FIRST_MS: i64 = 30_000;
const RETRY_MAX_MS: i64 = 60 * 60 * 1000;
/// Characters of what a server said.
const SAID_CHARS_MAX: usize = 300;
/// Rounds of looking between two of forgetting.
const FORGET_EVERY: u32 = 3_600;
const FORGET_ROWS_MAX: usize = 200;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Moves what is due until the runtime ends.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut rounds: u32 = 0;
    loop {
        tick.tick().await;
        if let Err(why) = round(&app).await {
            tracing::warn!(%why, "mail could not be removed from mailboxes; it is tried again");
        }
        if rounds.is_multiple_of(FORGET_EVERY)
            && let Err(why) = forget(&app).await
        {
            tracing::warn!(%why, "old removals could not be forgotten; it is tried again in an hour");
        }
        rounds = rounds.wrapping_add(1);
    }
}

/// Forgets removals that are older than the trace.
async fn forget(app: &App) -> Result<(), Error> {
    let before = RemovalId(trace::first_id_at(app.now_ms() - i64::from(app.trace_days) * DAY_MS).0);
    while app.db.tx(move |tx| Box::pin(sql::forget_before(tx, before, FORGET_ROWS_MAX))).await? > 0 {
        tokio::task::yield_now().await;
    }
    Ok(())
}

/// Takes what is due and moves it; returns how many copies were looked at.
pub async fn round(app: &App) -> Result<usize, Error> {
    let now_ms = app.now_ms();
    if !app.db.read(move |tx| Box::pin(sql::is_any_due(tx, now_ms))).await? {
        return Ok(0);
    }
    let taken = app.db.tx(move |tx| Box::pin(sql::claim(tx, now_ms, now_ms + LEASE_MS, ROWS_MAX))).await?;
    let copies = app.db.read(move |tx| Box::pin(async move { sql::some(tx, &taken).await })).await.map_err(|why: Error| why)?;
    let count = copies.len();
    let mut ways: BTreeMap<String, Vec<Copy>> = BTreeMap::new();
    for copy in copies {
        ways.entry(copy.connector.clone()).or_default().push(copy);
    }
    let all = ways.into_iter().map(|(connector, copies)| way(app, connector, copies));
    futures_util::future::join_all(all).await;
    Ok(count)
}

/// All copies behind one connector, mailbox by mailbox.
async fn way(app: &App, name: String, mut copies: Vec<Copy>) {
    let directory = app.directory.snapshot();
    let Some(connector) = directory.connectors.get(&name).filter(|_| start::access(&directory, &name).is_some()).cloned() else {
        return all_put_off(app, copies.iter(), "the connector has no access to mailboxes any more").await;
    };
    copies.sort_by(|a, b| (&a.address, a.mail, a.n).cmp(&(&b.address, b.mail, b.n)));
    let pause = Duration::from_millis(60_000 / connector.mailbox.per_minute.max(1) as u64);
    let (started, mut rest) = (Instant::now(), copies.as_slice());
    while let Some(first) = rest.first() {
        let (of_mailbox, others) = rest.split_at(rest.iter().take_while(|copy| copy.address == first.address).count());
        rest = others;
        if started.elapsed() >= ROUND_MAX {
            return all_put_off(app, of_mailbox.iter().chain(rest), "there was more to do than fits into one round").await;
        }
        if let Err(why) = mailbox(app, &connector, of_mailbox, pause).await {
            // What concerns the server concerns all that is left.
            return all_put_off(app, rest.iter(), &why).await;
        }
    }
}

/// The copies of one mailbox. `Err`: why nothing behind this connector can be done now.
async fn mailbox(app: &App, connector: &Arc<ConnectorSettings>, copies: &[Copy], pause: Duration) -> Result<(), String> {
    let Some(first) = copies.first() else { return Ok(()) };
    let access = Access { courier: &app.courier, seal: &app.seal, connector };
    let mut session = match access.open(&first.address).await {
        Ok(session) => session,
        Err(why) => return failed(app, copies, &why).await,
    };
    for (at, copy) in copies.iter().enumerate() {
        match one(app, connector, &mut session, copy).await {
            Ok(()) => {}
            // The others of this mailbox are tried for themselves.
            Err(why) if !why.is_of_server() => noted(put_off(app, copy, &why.to_string()).await),
            Err(why) => return failed(app, &copies[at..], &why).await,
        }
        tokio::time::sleep(pause).await;
    }
    session.log_out().await;
    Ok(())
}

async fn all_put_off(app: &App, copies: impl Iterator<Item = &Copy>, why: &str) {
    for copy in copies {
        noted(put_off(app, copy, why).await);
    }
}

async fn failed(app: &App, copies: &[Copy], why: &MailboxError) -> Result<(), String> {
    all_put_off(app, copies.iter(), &why.to_string()).await;
    match why.is_of_server() {
        true => Err(why.to_string()),
        false => Ok(()),
    }
}

/// A result that could not be stored: the lease ends, and the copy is looked for again.
fn noted(done: Result<(), Error>) {
    if let Err(why) = done {
        tracing::warn!(%why, "what became of a copy in a mailbox could not be stored; it is looked for again");
    }
}

async fn one(app: &App, connector: &ConnectorSettings, session: &mut Session, copy: &Copy) -> Result<(), MailboxError> {
    let wanted = Wanted { mail: copy.mail, message_id: &copy.message_id, received_ms: trace::time_of(copy.mail) };
    let place: Place = serde_json::from_str(&copy.place).unwrap_or_default();
    match copy.state {
        CopyState::Waiting => {
            let folder = connector.mailbox.folder(copy.is_dangerous);
            let taken = session.take(wanted, folder).await?;
            noted(taken_away(app, copy, taken).await);
        }
        CopyState::Returning => {
            // Begun and not finished: it may lie where it was to go.
            let place = match place.to.is_empty() {
                true => Place { from: "INBOX".into(), to: connector.mailbox.folder(copy.is_dangerous).into(), ..Place::default() },
                false => place,
            };
            let returned = session.put_back(wanted, &place).await?;
            noted(put_back(app, copy, returned).await);
        }
        _ => {}
    }
    Ok(())
}

async fn taken_away(app: &App, copy: &Copy, taken: Taken) -> Result<(), Error> {
    match taken {
        Taken::Moved(place) => settle(app, copy, Ended::moved(CopyState::Removed, place)).await,
        // An earlier attempt of ours may have got so far; else its owner did.
        Taken::AlreadyIn(folder) if copy.tries > 1 => {
            let place = Place { from: "INBOX".into(), to: folder, ..Place::default() };
            settle(app, copy, Ended::moved(CopyState::Removed, place)).await
        }
        Taken::AlreadyIn(_) => settle(app, copy, Ended::gone("in-junk")).await,
        Taken::Absent(why) => settle(app, copy, Ended::gone(why.name())).await,
    }
}

async fn put_back(app: &App, copy: &Copy, returned: Returned) -> Result<(), Error> {
    match returned {
        Returned::Moved { to } => settle(app, copy, Ended::moved(CopyState::Returned, Place { to, ..Place::default() })).await,
        Returned::AlreadyThere => settle(app, copy, Ended::moved(CopyState::Returned, Place::default())).await,
        Returned::Absent(why) => settle(app, copy, Ended::gone(why.name())).await,
    }
}

/// How an attempt ended.
struct Ended {
    state: CopyState,
    kind: EventKind,
    place: Place,
    said: String,
}

impl Ended {
    fn moved(state: CopyState, place: Place) -> Ended {
        let kind = if state == CopyState::Removed { EventKind::Removed } else { EventKind::PutBack };
        Ended { state, kind, place, said: String::new() }
    }

    fn gone(why: &str) -> Ended {
        Ended { state: CopyState::Gone, kind: EventKind::NotRemoved, place: Place::default(), said: why.to_string() }
    }

    fn failed(said: String) -> Ended {
        Ended { state: CopyState::Failed, kind: EventKind::NotRemoved, place: Place::default(), said }
    }
}

/// Writes the end and its event in one transaction.
async fn settle(app: &App, copy: &Copy, ended: Ended) -> Result<(), Error> {
    let (copy, now_ms, id) = (copy.clone(), app.now_ms(), EventId(app.fresh_id()));
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let place = serde_json::to_string(&ended.place).unwrap_or_default();
                let is_ours = sql::settle(tx, &copy, ended.state, (&place, &ended.said), now_ms).await?;
                if !is_ours {
                    // Somebody wants it back meanwhile: where it lies is all that counts.
                    return match ended.state {
                        CopyState::Removed => sql::keep_place(tx, &copy, &place).await,
                        _ => Ok(()),
                    };
                }
                let removal = sql::one(tx, gateway::scope::OrgScope::One(copy.org), copy.removal).await?;
                let by = removal.map(|removal| if removal.decided_by.is_empty() { removal.who } else { removal.decided_by });
                let detail = json!({
                    "removal": copy.removal,
                    "by": by.filter(|by| !by.is_empty()).unwrap_or_else(|| "Gatepost".into()),
                    "from": ended.place.from,
                    "to": ended.place.to,
                    "why": ended.said,
                });
                let event = Event {
                    id,
                    mail: copy.mail,
                    org: copy.org,
                    at_ms: now_ms,
                    kind: ended.kind,
                    recipient: copy.address.clone(),
                    detail: detail.to_string(),
                };
                trace::insert(tx, &[event]).await
            })
        })
        .await
}

async fn put_off(app: &App, copy: &Copy, why: &str) -> Result<(), Error> {
    let said: String = why.chars().filter(|c| !c.is_control()).take(SAID_CHARS_MAX).collect();
    if copy.tries >= TRIES_MAX {
        return settle(app, copy, Ended::failed(said)).await;
    }
    let wait_ms = RETRY_FIRST_MS.checked_shl(u32::try_from(copy.tries - 1).unwrap_or(0).min(20)).unwrap_or(RETRY_MAX_MS);
    let (copy, next_ms) = (copy.clone(), app.now_ms() + wait_ms.clamp(RETRY_FIRST_MS, RETRY_MAX_MS));
    app.db.tx(move |tx| Box::pin(async move { sql::put_off(tx, &copy, &said, next_ms).await })).await
}
