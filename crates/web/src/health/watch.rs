//! The one who watches: takes samples, judges when it is this node's turn, opens and closes issues, writes the status site.
//!
//! In: the parts of a running node. Out: rows, files, a ring at every change. Invariant: the database may be gone: then this node
//! judges by itself from what it sees, shows that on the status site, and writes what happened once the database is back.

use super::issue::{Issue, Post};
use super::planned::{self, Planned};
use super::site::bucket::{self, Shown};
use super::{board, sql};
use crate::App;
use gateway::health::measure::{Measure, Parts};
use gateway::health::{Change, Engine, Kind, QueueOf, Sample, Seen, lists, rules, sql as measured, waits};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Error, Tx};
use tokio::sync::watch;
use tokio::time::timeout;

/// The database has this long for one turn; slower is not there.
const TURN_MAX: Duration = Duration::from_secs(6);
/// How long a node judges before another may.
const LEASE_MS: i64 = 20_000;
/// Changes that wait for the database; the newest go first when there are more.
const WAITING_MAX: usize = 1_000;
const EXPIRE_EVERY: Duration = Duration::from_secs(60 * 60);

/// What one turn read.
struct Turn {
    /// `None`: another node judges.
    engine: Option<Engine>,
    samples: Vec<Sample>,
    queues: Vec<QueueOf>,
    planned: Vec<Planned>,
}

struct Watcher {
    app: App,
    parts: Arc<Parts>,
    measure: Measure,
    /// What this node knows of the causes, from its last turn or read back.
    engine: Engine,
    is_ours: bool,
    /// Maintenance that goes on now, as it was read last.
    planned: Vec<Planned>,
    waiting: Vec<(i64, Change)>,
    board: board::Board,
    folder: std::path::PathBuf,
    expired: Option<Instant>,
    /// What the transaction at the end of the turn before took: of two, either may be the one that waits.
    wrote: Duration,
    signing: Option<Arc<super::site::Signing>>,
    /// To whoever copies the status pages elsewhere.
    copies: Option<watch::Sender<Shown>>,
}

/// Watches until the process ends.
pub async fn run(app: App, parts: Arc<Parts>, folder: std::path::PathBuf) {
    tokio::spawn(gateway::health::measure::greet_next_hops(parts.clone(), app.db.clone()));
    tokio::spawn(super::hook::send_due(app.clone()));
    tokio::spawn(super::hook::weekly::run(app.clone()));
    let signing = super::site::Signing::open(&parts.data).inspect_err(|why| tracing::warn!(%why, "the status pages are not signed")).ok();
    let signing = signing.map(Arc::new);
    if let Some(signing) = &signing {
        app.health.sign_with(signing.clone());
    }
    let copies = parts.settings.bucket.is_on().then(|| {
        let (sender, made) = watch::channel(Shown::default());
        tokio::spawn(bucket::run(app.clone(), parts.settings.bucket.clone(), made));
        sender
    });
    let mut watcher = Watcher {
        copies,
        measure: Measure::new(parts.clone()),
        engine: Engine::default(),
        is_ours: false,
        planned: Vec::new(),
        waiting: Vec::new(),
        board: board::Board::default(),
        folder,
        expired: None,
        wrote: Duration::ZERO,
        signing,
        app,
        parts,
    };
    tokio::spawn(waits::watch(watcher.app.db.clone(), watcher.measure.waits.clone(), watcher.parts.settings.clone()));
    tokio::spawn(lists::watch(watcher.parts.clone(), watcher.measure.lists.clone()));
    let mut tick = tokio::time::interval(watcher.parts.settings.every.duration().max(Duration::from_millis(100)));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        watcher.turn().await;
    }
}

impl Watcher {
    async fn turn(&mut self) {
        let mut sample = self.measure.sample().await;
        let began = Instant::now();
        let read = self.read(sample.clone()).await;
        let took = began.elapsed().max(std::mem::take(&mut self.wrote));
        sample.facts.database_ms = self.measure.database(took, read.as_ref().map(drop));
        let is_late = read.is_err() || took >= self.parts.settings.database_slow.duration();
        match read {
            Ok(turn) => self.judge_with(turn, sample, is_late).await,
            Err(why) => {
                tracing::warn!(%why, "health is judged without the database");
                self.judge_alone(sample);
                self.publish(is_late).await;
            }
        }
    }

    /// Writes the sample, takes or keeps the lease, and reads what is to be judged.
    async fn read(&self, sample: Sample) -> Result<Turn, Error> {
        let now_ms = sample.at_ms;
        let work = self.app.db.tx(move |tx| {
            Box::pin(async move {
                measured::put_sample(tx, &sample).await?;
                measured::lease(tx, sample.node, now_ms, now_ms + LEASE_MS).await
            })
        });
        let late = || Error::Busy(format!("no answer in {} s", TURN_MAX.as_secs()));
        let engine = timeout(TURN_MAX, work).await.unwrap_or_else(|_| Err(late()))?;
        if engine.is_none() {
            return Ok(Turn { engine, samples: Vec::new(), queues: Vec::new(), planned: Vec::new() });
        }
        // A long queue takes a while to count: beside the writers, not among them.
        let look = self.app.db.read(move |tx| {
            Box::pin(async move {
                let (samples, queues) = (measured::samples(tx).await?, measured::queues(tx).await?);
                Ok::<_, Error>((samples, queues, planned::now(tx, now_ms).await?))
            })
        });
        let (samples, queues, planned) = timeout(TURN_MAX, look).await.unwrap_or_else(|_| Err(late()))?;
        Ok(Turn { engine, samples, queues, planned })
    }

    /// `own` is this node's sample with how the database did just now. While that is slow, what is known is shown before it is written.
    async fn judge_with(&mut self, mut turn: Turn, own: Sample, is_late: bool) {
        let Some(stored) = turn.engine else {
            (self.is_ours, self.engine) = (false, Engine::default());
            self.waiting.clear(); // whoever judges sees the same
            return self.publish(is_late).await;
        };
        if !self.is_ours {
            (self.is_ours, self.engine) = (true, stored);
        }
        turn.samples.retain(|sample| sample.node != own.node);
        turn.samples.push(own);
        self.planned = turn.planned;
        let now_ms = self.app.now_ms();
        self.step(&Seen { now_ms, samples: turn.samples, queues: turn.queues });
        if is_late {
            self.publish(true).await;
        }
        let began = Instant::now();
        let written = self.write(now_ms).await;
        self.wrote = began.elapsed();
        if let Err(why) = written {
            tracing::warn!(%why, "changes of health wait for the database");
        }
        if !is_late {
            self.publish(false).await;
        }
    }

    /// Only what this node sees; what the queue owes is not known.
    fn judge_alone(&mut self, mut sample: Sample) {
        // The sample was taken before the database failed us.
        sample.parts.extend(self.parts.signals.snapshot().parts.into_iter().map(|(name, part)| (name.to_string(), part)));
        let seen = Seen { now_ms: self.app.now_ms(), samples: vec![sample], queues: Vec::new() };
        self.is_ours = true;
        self.step(&seen);
    }

    fn step(&mut self, seen: &Seen) {
        let mut symptoms = rules::judge(seen, &self.parts.settings);
        symptoms.retain(|symptom| !planned::is_expected(&self.planned, symptom, &self.engine));
        let changes = self.engine.step(&symptoms, seen.now_ms, &self.parts.settings);
        for change in changes {
            tracing::info!(cause = change.track.cause, what = change.track.what, kind = ?change.kind, "health changed");
            if self.waiting.len() < WAITING_MAX {
                self.waiting.push((seen.now_ms, change));
            }
        }
    }

    /// Issues, states and what is followed, in one transaction.
    async fn write(&mut self, now_ms: i64) -> Result<(), Error> {
        let (changes, engine, app, ids) = (self.waiting.clone(), self.engine.clone(), self.app.clone(), self.app.ids.clone());
        let planned = self.planned.clone();
        let is_expiring = self.expired.is_none_or(|at| at.elapsed() > EXPIRE_EVERY);
        let work = self.app.db.tx(move |tx| {
            Box::pin(async move {
                for (at_ms, change) in &changes {
                    apply(tx, (change, &planned), *at_ms, &app).await?;
                }
                measured::put_engine(tx, &engine).await?;
                if is_expiring {
                    measured::expire(tx, now_ms).await?;
                }
                let is_changed = measured::put_states(tx, &engine.states(), now_ms, || ids.next(now_ms)).await?;
                Ok::<_, Error>(is_changed || !changes.is_empty())
            })
        });
        let is_changed = timeout(TURN_MAX, work).await.unwrap_or_else(|_| Err(Error::Busy("no answer in time".into())))?;
        self.waiting.clear();
        if is_expiring {
            self.expired = Some(Instant::now());
        }
        if is_changed {
            self.app.health.ring();
        }
        Ok(())
    }

    /// The status site, from the tables, or from memory with what is known here.
    async fn publish(&mut self, is_alone: bool) {
        // A database that is late, or may be read and not written, says what was before.
        let read = if is_alone { None } else { timeout(TURN_MAX, board::read(&self.app)).await.ok() };
        match read {
            Some(Ok(board)) => {
                // Somebody wrote: on this node or on another.
                if board.newest_ms != self.board.newest_ms {
                    self.app.health.ring();
                }
                self.board = board;
            }
            _ => self.board.overlay(&self.engine, self.app.now_ms()),
        }
        let files = super::site::files(&self.board, &self.app, self.signing.as_deref());
        let (folder, copy) = (self.folder.clone(), files.clone());
        if let Some(copies) = &self.copies {
            // One of several servers copies: the one that judges.
            copies.send_replace(match self.is_ours {
                true => Shown { files: Some(Arc::new(files.clone())), news: self.board.news().max(1) },
                false => Shown::default(),
            });
        }
        self.app.health.put_files(files);
        let written = tokio::task::spawn_blocking(move || copy.write(&folder)).await;
        if let Ok(Err(why)) = written {
            tracing::warn!(%why, "the status pages could not be written to their folder; they are served from memory");
        }
    }
}

/// One change of a cause: its issue is opened, changed, closed, and says so.
async fn apply(tx: &mut Tx, (change, planned): (&Change, &[Planned]), now_ms: i64, app: &App) -> Result<(), Error> {
    let found = sql::of_track(tx, &change.track, now_ms).await?;
    let mut issue = match found {
        Some(issue) => issue,
        // It ended without anybody having been told that it began.
        None if change.kind == Kind::Over => return Ok(()),
        None => Issue::of(&change.track, sql::next_number(tx).await?, now_ms),
    };
    let (_, text) = issue.take(change, now_ms);
    let services = change.track.hits.iter().map(|(service, _)| service);
    if let Some(window) = planned::of(planned, change.track.org, services).filter(|_| change.kind != Kind::Over) {
        issue.body.planned = window.id.clone();
    }
    sql::put(tx, &issue).await?;
    let post =
        Post { id: app.ids.next(now_ms), at_ms: now_ms, kind: "regular".into(), status: Some(issue.status), who: String::new(), text };
    sql::put_post(tx, &issue, &post).await?;
    match change.kind {
        // Said on the page; a letter and a call for it would be one too many.
        Kind::Restoring | Kind::Back | Kind::Better => Ok(()),
        _ => super::hook::tell(tx, &super::hook::Ground::of(app), &issue, &post.text, now_ms).await,
    }
}
