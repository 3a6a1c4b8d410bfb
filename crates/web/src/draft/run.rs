//! Replays a draft beside the request, writes how far it has come, and keeps what it found.

use super::{Counted, Draft, Outcome, State, What, sql};
use crate::App;
use crate::page::{Fault, Say};
use crate::people::Person;
use gateway::policy::{self, Bounds, Change, PolicyAction, Progress, Replay};
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::DraftId;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use store::Error;
use tokio::sync::Semaphore;

pub const DAYS_DEFAULT: i64 = 7;
pub const DAYS_MAX: i64 = 90;
/// Receipts one replay reads: some minutes of work at most.
const RECEIPTS_MAX: u64 = 200_000;
/// Changes that are listed; all are counted.
pub const CHANGES_KEPT: usize = 1_000;
/// Replays at once on this server; further ones wait for their turn.
const AT_ONCE: usize = 2;
/// Replays of one person that may be under way.
const OF_PERSON_MAX: i64 = 3;
/// A request waits so long for a replay to end before it answers with progress.
const WAIT: Duration = Duration::from_millis(1_500);
/// How often progress is written, in receipts.
const NOTE_EVERY: u64 = 5_000;
/// A replay not heard of for so long has ended with its server.
pub const LOST_AFTER_MS: i64 = 120_000;
const KEPT_MS: i64 = 24 * 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Keeps a draft and begins to replay it. Small ones are done when this returns.
pub async fn begin(app: &App, person: &Person, what: What, days: i64) -> Result<DraftId, Fault> {
    let (now_ms, org) = (app.now_ms(), person.acting_org()?);
    let draft = Draft {
        id: DraftId(app.fresh_id()),
        org,
        person: person.id,
        what,
        days: days.clamp(1, DAYS_MAX),
        state: State::Running,
        progress: Progress::default(),
        outcome: Outcome::default(),
        made_ms: now_ms,
        seen_ms: now_ms,
    };
    let (row, person) = (draft.clone(), person.id);
    let begun: Result<bool, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                sql::expire(tx, now_ms - KEPT_MS).await?;
                if sql::running(tx, person, now_ms - LOST_AFTER_MS).await? >= OF_PERSON_MAX {
                    return Ok(false);
                }
                sql::insert(tx, &row).await?;
                Ok(true)
            })
        })
        .await;
    if !begun? {
        return Err(Fault::Conflict(Say::new("draft-too-many")));
    }
    let id = draft.id;
    let mut work = tokio::spawn(replay(app.clone(), draft));
    // It goes on by itself when it takes longer.
    let _ = tokio::time::timeout(WAIT, &mut work).await;
    Ok(id)
}

async fn replay(app: App, draft: Draft) {
    let Ok(_turn) = TURNS.acquire().await else { return };
    let id = draft.id;
    let done = read(&app, &draft).await;
    if let Err(why) = &done {
        tracing::warn!(%why, %id, "a replay did not come to its end");
    }
    let done = done.ok();
    let kept: Result<(), Error> = app
        .db
        .tx(move |tx| Box::pin(async move { sql::finish(tx, id, done.as_ref().map(|(progress, outcome)| (progress, outcome))).await }))
        .await;
    if let Err(why) = kept {
        tracing::warn!(%why, %id, "what a replay found could not be kept");
    }
}

async fn read(app: &App, draft: &Draft) -> Result<(Progress, Outcome), Error> {
    let now_ms = app.now_ms();
    let Some(what) = ready(app, draft.org, &draft.what).await? else {
        return Ok((Progress { is_complete: true, ..Progress::default() }, Outcome::default()));
    };
    let replay = Replay::new(what, app.directory.snapshot(), app.thresholds, now_ms);
    let bounds = Bounds { since_ms: now_ms - draft.days * DAY_MS, receipts_max: RECEIPTS_MAX };
    let (mut outcome, mut counts, mut noted) = (Outcome::default(), BTreeMap::new(), 0);
    let (id, db) = (draft.id, app.db.clone());
    let progress = replay
        .run(&app.db, OrgScope::One(draft.org), bounds, |progress, changes| {
            take(&mut outcome, &mut counts, changes);
            if progress.receipts - noted >= NOTE_EVERY {
                noted = progress.receipts;
                let (progress, now_ms) = (progress.clone(), app.now_ms());
                // Nobody waits for it: the next one comes soon.
                drop(db.later::<(), Error, _>(move |tx| Box::pin(async move { sql::note_progress(tx, id, &progress, now_ms).await })));
            }
            true
        })
        .await?;
    let counted =
        |((was, would_be), count): ((&'static str, &'static str), u64)| Counted { was: was.into(), would_be: would_be.into(), count };
    outcome.counts = counts.into_iter().map(counted).collect();
    outcome.counts.sort_by_key(|one| std::cmp::Reverse(one.count));
    Ok((progress, outcome))
}

fn take(outcome: &mut Outcome, counts: &mut BTreeMap<(&'static str, &'static str), u64>, changes: Vec<Change>) {
    outcome.changed += changes.len() as u64;
    let name = |action: PolicyAction| action.name();
    for change in changes {
        *counts.entry((name(change.was), name(change.would_be))).or_default() += 1;
        if outcome.changes.len() < CHANGES_KEPT {
            outcome.changes.push(change);
        }
    }
}

/// The draft as the mail path would have it; `None`: past receipts cannot say what it would have done.
async fn ready(app: &App, org: OrgId, what: &What) -> Result<Option<policy::Draft>, Error> {
    match what {
        What::Entry { entry } if !entry.can_be_replayed() => Ok(None),
        What::Entry { entry } => Ok(Some(policy::Draft::Entry(entry.as_entry(i64::MAX, None)))),
        What::Policy { settings, .. } => {
            let rows = app.db.read(move |tx| Box::pin(async move { policy::sql::list(tx, org).await })).await?;
            let mut policies: Vec<_> = rows.into_iter().map(|row: policy::sql::Stored| row.settings).collect();
            match policies.iter_mut().find(|policy| policy.name == settings.name) {
                Some(there) => *there = policy::PolicySettings { priority: there.priority, ..(**settings).clone() },
                None => policies.push(policy::PolicySettings { priority: i64::MAX, ..(**settings).clone() }),
            }
            let policies = policy::in_order(policies).into_iter().map(Arc::new).collect();
            Ok(Some(policy::Draft::Order { policies, changed: vec![settings.name.clone()] }))
        }
    }
}
