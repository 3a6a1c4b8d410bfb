//! One run: read the directory, compare, and do it or ask.
//!
//! In: a source that this run has ([`sql::take`] or [`sql::take_due`]). Out: rows, in one transaction with the run itself and its line in
//! the audit log. Nothing is held while the directory is read.

use super::ldap::Found;
use super::ldap::read::{self, Read};
use super::plan::{Allowed, LISTED_MAX, Plan, plan};
use super::settings::SourceSettings;
use super::sql::After;
use super::sql_rows::{self, By};
use super::{Counts, Outcome, Run, Source, State, SyncError, sql};
use crate::App;
use crate::audit::{self, Entry};
use crate::people::Person;
use gateway::directory::sql as directory_sql;
use gateway::dkim::Seal;
use mail::PersonId;
use mail::id::IdMaker;
use serde::Serialize;
use std::sync::Arc;
use store::{Db, Error, Tx};

/// However little changes, everything is read this often.
const WHOLE_EVERY_MS: i64 = 15 * 60 * 1000;
/// Pauses after failures grow to this.
const PAUSE_MS_MAX: i64 = 5 * 60 * 1000;
/// A run has the source for so much longer than it may read: comparing and writing.
const LEASE_MORE_MS: i64 = 120_000;
/// Rows that a person is asked about.
const PENDING_MAX: usize = 200_000;
/// Entries that are shown when a directory is tried.
const SHOWN_MAX: usize = 10;

/// What a run needs of the rest; commands have it too.
#[derive(Clone)]
pub struct Reach {
    pub db: Db,
    pub ids: Arc<IdMaker>,
    pub seal: Arc<Seal>,
    /// Unix milliseconds.
    pub clock: fn() -> i64,
}

impl Reach {
    pub fn of(app: &App) -> Reach {
        Reach { db: app.db.clone(), ids: app.ids.clone(), seal: app.seal.clone(), clock: app.clock }
    }
}

impl Source {
    /// Until when a run that begins now has it.
    pub fn lease_ms(&self, now_ms: i64) -> i64 {
        now_ms + i64::from(self.settings.within_s) * 1000 + LEASE_MORE_MS
    }
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    pub run: Run,
    pub state: State,
    /// The state is another than before: people may want to know.
    pub is_news: bool,
}

/// Reads a source that the caller has taken. `by`: somebody asked for it, so everything is read and a line says so; `None`: it was due.
/// # Errors
/// The database. What is wrong with the directory is in the run.
pub async fn run(reach: &Reach, source: Source, by: Option<Person>) -> Result<Ran, Error> {
    let began_ms = (reach.clock)();
    let is_whole = by.is_some() || source.state != State::Well || began_ms - source.whole_ms >= WHOLE_EVERY_MS;
    let mark = if is_whole { "" } else { source.mark.as_str() };
    let read = match sql::opened(&source, &reach.seal) {
        Some(settings) => read_guarded(settings, mark.to_string()).await,
        None => Err(SyncError::Sealed),
    };
    let came = came(reach, &source, read).await?;
    let run = Run {
        id: reach.ids.next(began_ms),
        org: source.org,
        source: source.id,
        made_ms: began_ms,
        took_ms: (reach.clock)() - began_ms,
        outcome: Outcome::Same,
        counts: Counts::default(),
        error: None,
    };
    let ids = reach.ids.clone();
    reach.db.tx(move |tx| Box::pin(async move { concluded(tx, Ground { source, run, by, ids }, came).await })).await
}

/// What a reading came to.
enum Came {
    Same,
    /// What is to be done, with what was found in numbers, what somebody allowed to go, and the mark.
    Planned(Box<(Plan, Counts, Allowed)>, String),
    Failed(SyncError),
}

/// Compares with what is here, beside the writers: what changes until it is written is minded there, row by row.
async fn came(reach: &Reach, source: &Source, read: Result<Read, SyncError>) -> Result<Came, Error> {
    let (found, mark) = match read {
        Ok(Read::Same) => return Ok(Came::Same),
        Ok(Read::Whole(found, mark)) => (found, mark),
        Err(why) => return Ok(Came::Failed(why)),
    };
    let of = source.clone();
    let looked = reach
        .db
        .read(move |tx| Box::pin(async move { Ok::<_, Error>((sql_rows::there(tx, of.org).await?, sql::allowed(tx, &of).await?)) }));
    let (there, allowed) = looked.await?;
    let plan = plan(&found, &there, &source.owner());
    let counts = counts(&plan, &found);
    Ok(Came::Planned(Box::new((plan, counts, allowed)), mark))
}

/// Takes a source and reads it, for somebody who asked; `None`: a run has it already.
/// # Errors
/// The database.
pub async fn run_now(reach: &Reach, source: Source, by: Person) -> Result<Option<Ran>, Error> {
    let (id, now_ms, lease_ms) = (source.id, (reach.clock)(), source.lease_ms((reach.clock)()));
    if !reach.db.tx(move |tx| Box::pin(async move { sql::take(tx, id, now_ms, lease_ms).await })).await? {
        return Ok(None);
    }
    run(reach, source, Some(by)).await.map(Some)
}

/// A panic while outside octets are read ends the run, not the server.
async fn read_guarded(settings: SourceSettings, mark: String) -> Result<Read, SyncError> {
    let reading = tokio::spawn(async move { read::read(&settings, &mark).await });
    reading.await.unwrap_or_else(|why| Err(SyncError::Ours(why.to_string())))
}

struct Ground {
    source: Source,
    run: Run,
    by: Option<Person>,
    ids: Arc<IdMaker>,
}

async fn concluded(tx: &mut Tx, ground: Ground, came: Came) -> Result<Ran, Error> {
    let Ground { source, mut run, by, ids } = ground;
    let now_ms = run.made_ms + run.took_ms;
    let mut after = After {
        state: State::Well,
        state_ms: now_ms,
        mark: source.mark.clone(),
        whole_ms: source.whole_ms,
        seen_ms: now_ms,
        next_ms: now_ms + i64::from(source.settings.every_s) * 1000,
        failures: 0,
    };
    match came {
        Came::Same => {}
        Came::Planned(planned, mark) => {
            (after.mark, after.whole_ms) = (mark, now_ms);
            let (plan, counts, allowed) = *planned;
            run.counts = counts;
            after.state = done(tx, &source, &mut run, (&plan, &allowed, &ids)).await?;
        }
        Came::Failed(why) => {
            after.failures = source.failures + 1;
            after.seen_ms = source.seen_ms;
            let pause_ms = i64::from(source.settings.every_s) * 1000 * (1 << after.failures.min(4));
            after.next_ms = now_ms + pause_ms.min(PAUSE_MS_MAX.max(i64::from(source.settings.every_s) * 1000));
            // Somebody's answer outlives a directory that is away for a while.
            after.state =
                if matches!(source.state, State::Approved | State::Waiting | State::Refused) { source.state } else { State::Failing };
            (run.outcome, run.error) = (Outcome::Failed, Some(why));
        }
    }
    let is_news = after.state != source.state;
    if !is_news {
        after.state_ms = source.state_ms;
    }
    sql::settle(tx, source.id, &after).await?;
    if is_told(tx, &source, &run, by.is_some()).await? {
        sql::put_run(tx, &run).await?;
    }
    note(tx, &source, &run, (by, &ids, now_ms)).await?;
    Ok(Ran { run, state: after.state, is_news })
}

/// Does it or asks; the state it leaves.
async fn done(tx: &mut Tx, source: &Source, run: &mut Run, with: (&Plan, &Allowed, &IdMaker)) -> Result<State, Error> {
    let (plan, allowed, ids) = with;
    let owner = source.owner();
    if plan.stops(source.settings.stop_percent, allowed) {
        run.outcome = Outcome::Stopped;
        let asked = asked_about(plan);
        let is_same = sql::pending(tx, source.id, PENDING_MAX as i64).await?.len() == asked.len();
        sql::put_pending(tx, source, asked).await?;
        // Who said no is not asked again about the same.
        return Ok(if source.state == State::Refused && is_same { State::Refused } else { State::Waiting });
    }
    sql::put_pending(tx, source, Vec::new()).await?;
    if !plan.is_empty() {
        run.outcome = Outcome::Applied;
        let by = By { org: source.org, owner: &owner, ids, now_ms: run.made_ms };
        sql_rows::apply(tx, plan, by).await?;
        directory_sql::bump(tx).await?;
    }
    Ok(State::Well)
}

fn counts(plan: &Plan, found: &Found) -> Counts {
    let first_of = |list: &[String]| list.iter().take(LISTED_MAX).cloned().collect();
    Counts {
        people: found.people.len(),
        groups: found.groups.len(),
        added: plan.added,
        changed: plan.changed,
        removed: plan.gone.len(),
        groups_written: plan.groups.len(),
        groups_removed: plan.groups_gone.len(),
        conflicts: plan.conflicts.len(),
        elsewhere: plan.elsewhere.len(),
        unreadable: plan.unreadable,
        conflicts_first: plan.conflicts.iter().take(LISTED_MAX).cloned().collect(),
        elsewhere_first: first_of(&plan.elsewhere),
    }
}

fn asked_about(plan: &Plan) -> Vec<(&'static str, String)> {
    let recipients = plan.gone.iter().take(PENDING_MAX).map(|address| ("recipient", address.clone()));
    let groups = plan.groups_gone.iter().take(PENDING_MAX).map(|(_, name)| ("group", name.clone()));
    let members = (plan.members_gone > 0).then(|| ("members", plan.members_gone.to_string()));
    recipients.chain(groups).chain(members).collect()
}

/// Runs that say nothing new are not kept: nothing to do, the same failure as before, the same question as before.
async fn is_told(tx: &mut Tx, source: &Source, run: &Run, is_asked_for: bool) -> Result<bool, Error> {
    if is_asked_for || run.outcome == Outcome::Applied {
        return Ok(true);
    }
    let last = sql::runs(tx, source.id, 1).await?.into_iter().next();
    let Some(last) = last else { return Ok(true) };
    Ok(match run.outcome {
        Outcome::Same => matches!(last.outcome, Outcome::Failed | Outcome::Stopped),
        _ => (last.outcome, &last.error, last.counts.removed) != (run.outcome, &run.error, run.counts.removed),
    })
}

/// The line in the audit log: whoever asked for the run, or the directory itself when it changed something.
async fn note(tx: &mut Tx, source: &Source, run: &Run, (by, ids, now_ms): (Option<Person>, &IdMaker, i64)) -> Result<(), Error> {
    let counts = &run.counts;
    let detail = serde_json::json!({
        "directory": source.name, "outcome": run.outcome.name(), "added": counts.added, "changed": counts.changed,
        "removed": counts.removed, "groups": counts.groups_written, "groups_removed": counts.groups_removed,
    });
    let entry = Entry::new(Some(source.org), "directory.sync", source.id).with(detail);
    match by {
        Some(person) => audit::note(tx, &person, ids, now_ms, entry).await,
        None if run.outcome == Outcome::Applied
            || run.outcome == Outcome::Stopped && !matches!(source.state, State::Waiting | State::Refused) =>
        {
            let address = format!("{}, directory", source.name);
            audit::note_by(tx, audit::sql::Who { person: PersonId(0), address: &address, ip: "" }, ids, now_ms, entry).await
        }
        None => Ok(()),
    }
}

/// What a try found; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    pub counts: Counts,
    /// It would stop and ask.
    pub stops: bool,
    /// The first entries.
    pub people: Vec<TriedPerson>,
    pub groups: Vec<TriedGroup>,
    pub took_ms: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriedPerson {
    pub name: String,
    pub addresses: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TriedGroup {
    pub name: String,
    pub members: usize,
}

/// Connects, binds, reads and compares, and writes nothing.
/// # Errors
/// What is wrong with the directory or with the settings.
pub async fn try_out(reach: &Reach, source: &Source, settings: SourceSettings) -> Result<Tried, SyncError> {
    let began_ms = (reach.clock)();
    let Read::Whole(found, _) = read_guarded(settings.clone(), String::new()).await? else { return Err(SyncError::NotLdap) };
    let org = source.org;
    let there = reach.db.read(move |tx| Box::pin(async move { sql_rows::there(tx, org).await })).await;
    let there = there.map_err(|why: Error| SyncError::Ours(why.to_string()))?;
    let plan = plan(&found, &there, &source.owner());
    let counts = counts(&plan, &found);
    let person = |one: &super::ldap::Account| TriedPerson { name: one.name.clone(), addresses: one.addresses.clone() };
    let group = |one: &super::ldap::FoundGroup| TriedGroup { name: one.name.clone(), members: one.members.len() };
    Ok(Tried {
        stops: plan.stops(settings.stop_percent, &Allowed::default()),
        counts,
        people: found.people.iter().take(SHOWN_MAX).map(person).collect(),
        groups: found.groups.iter().take(SHOWN_MAX).map(group).collect(),
        took_ms: (reach.clock)() - began_ms,
    })
}
