//! From symptoms to what is shown: a cause is shown when it lasts, and gone when it stays away. Pure; keeps itself as JSON.

use super::{Evidence, HealthSettings, Level, Service, Status, Symptom};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Causes that are followed at the same time; more than that is one cause seen many times.
const TRACKS_MAX: usize = 5_000;
/// A cause that comes back within this time is the same issue, and must stay away longer each time.
const RELAPSE_MS: i64 = 10 * 60 * 1000;
const RELAPSES_MAX: u32 = 4;
/// However often a cause came back, it need not stay away longer than so many times the usual.
const LEAVE_TIMES_MAX: i64 = 3;

/// One cause being followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    pub cause: String,
    pub what: String,
    pub org: i64,
    /// What is shown.
    pub level: Level,
    /// Shown as bad since then; 0 while it is not shown yet, or never was.
    pub since_ms: i64,
    /// First seen in this run, shown or not.
    seen_ms: i64,
    /// Waits to be shown: the least bad it was since then.
    pending: Option<(Level, i64)>,
    /// Better than shown since then, and the worst it was meanwhile.
    better: Option<(Level, i64)>,
    /// Has looked well for half the time that it takes to be over; one good look among bad ones is no recovery.
    #[serde(default)]
    restoring: bool,
    /// When it was last shown as over.
    ended_ms: i64,
    relapses: u32,
    pub hits: Vec<(Service, Level)>,
    pub evidence: Evidence,
}

/// What happened to a cause in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub kind: Kind,
    pub track: Track,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Began,
    /// The same cause within a while: the issue is opened again.
    Relapsed,
    Worse,
    Better,
    /// It looks well; not long enough yet to say so.
    Restoring,
    /// It looked well, and was not.
    Back,
    Over,
}

/// How one service is, for one organisation or for everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    pub status: Status,
    pub since_ms: i64,
    /// Of the cause that is worst: its name, which one, what was measured.
    pub cause: String,
    pub what: String,
    pub evidence: Evidence,
}

/// Every cause that is followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Engine {
    tracks: Vec<Track>,
}

impl Track {
    fn new(symptom: &Symptom, now_ms: i64) -> Track {
        Track {
            cause: symptom.cause.clone(),
            what: symptom.what.clone(),
            org: symptom.org,
            level: Level::Fine,
            since_ms: 0,
            seen_ms: now_ms,
            pending: None,
            better: None,
            restoring: false,
            ended_ms: 0,
            relapses: 0,
            hits: symptom.hits.clone(),
            evidence: symptom.evidence.clone(),
        }
    }

    fn is_of(&self, symptom: &Symptom) -> bool {
        self.cause == symptom.cause && self.what == symptom.what && self.org == symptom.org
    }

    /// Shown, and looking well again.
    pub fn is_restoring(&self) -> bool {
        self.level > Level::Fine && self.restoring
    }

    /// As `serviceHealthStatus` says it.
    pub fn status(&self) -> Status {
        match self.level {
            Level::Fine => Status::ServiceRestored,
            _ if self.is_restoring() => Status::RestoringService,
            Level::Advice => Status::Investigating,
            Level::Degraded => Status::ServiceDegradation,
            Level::Interrupted => Status::ServiceInterruption,
        }
    }

    /// One look; `seen` is how bad it is now.
    fn step(&mut self, seen: Level, now_ms: i64, settings: &HealthSettings) -> Option<Kind> {
        if seen < self.level {
            self.pending = None;
            return self.look_better(seen, now_ms, settings);
        }
        self.better = None;
        let back = std::mem::take(&mut self.restoring).then_some(Kind::Back);
        if seen == self.level {
            self.pending = None;
            return back;
        }
        let (level, since_ms) = self.pending.map_or((seen, now_ms), |(level, since)| (level.min(seen), since));
        self.pending = Some((level, since_ms));
        if now_ms - since_ms < settings.enter_after.as_ms() {
            return back;
        }
        Some(self.worsen(level, now_ms))
    }

    /// One look that is better than what is shown.
    fn look_better(&mut self, seen: Level, now_ms: i64, settings: &HealthSettings) -> Option<Kind> {
        let (level, since_ms) = self.better.map_or((seen, now_ms), |(level, since)| (level.max(seen), since));
        self.better = Some((level, since_ms));
        let leave_ms = settings.leave_after.as_ms();
        let (passed_ms, wanted_ms) = (now_ms - since_ms, (leave_ms << self.relapses).min(leave_ms * LEAVE_TIMES_MAX));
        if passed_ms < wanted_ms {
            let was = std::mem::replace(&mut self.restoring, level == Level::Fine && passed_ms >= wanted_ms / 2);
            return match (was, self.restoring) {
                (false, true) => Some(Kind::Restoring),
                (true, false) => Some(Kind::Back),
                _ => None,
            };
        }
        (self.level, self.better, self.restoring) = (level, None, false);
        if level > Level::Fine {
            return Some(Kind::Better);
        }
        self.ended_ms = now_ms;
        Some(Kind::Over)
    }

    fn worsen(&mut self, level: Level, now_ms: i64) -> Kind {
        let was = self.level;
        (self.level, self.pending) = (level, None);
        if was > Level::Fine {
            return Kind::Worse;
        }
        let is_relapse = self.ended_ms > 0 && now_ms - self.ended_ms < RELAPSE_MS;
        self.relapses = if is_relapse { (self.relapses + 1).min(RELAPSES_MAX) } else { 0 };
        if !is_relapse {
            self.since_ms = self.seen_ms;
        }
        if is_relapse { Kind::Relapsed } else { Kind::Began }
    }

    /// Not shown, and nothing to remember about it.
    fn is_idle(&self, now_ms: i64) -> bool {
        self.level == Level::Fine && self.pending.is_none() && (self.ended_ms == 0 || now_ms - self.ended_ms >= RELAPSE_MS)
    }
}

impl Engine {
    /// Whether this is shown as wrong already.
    pub fn shows(&self, symptom: &Symptom) -> bool {
        self.tracks.iter().any(|track| track.is_of(symptom) && track.level > Level::Fine)
    }

    /// Takes what is wrong now, and says what changed for those who look.
    pub fn step(&mut self, symptoms: &[Symptom], now_ms: i64, settings: &HealthSettings) -> Vec<Change> {
        for symptom in symptoms {
            if let Some(track) = self.tracks.iter_mut().find(|track| track.is_of(symptom)) {
                if track.level == Level::Fine && track.pending.is_none() {
                    track.seen_ms = now_ms;
                }
                (track.hits, track.evidence) = (symptom.hits.clone(), symptom.evidence.clone());
            } else if self.tracks.len() < TRACKS_MAX {
                self.tracks.push(Track::new(symptom, now_ms));
            }
        }
        let mut changes = Vec::new();
        for track in &mut self.tracks {
            let seen = symptoms.iter().find(|symptom| track.is_of(symptom)).map_or(Level::Fine, Symptom::level);
            if let Some(kind) = track.step(seen, now_ms, settings) {
                changes.push(Change { kind, track: track.clone() });
            }
        }
        self.tracks.retain(|track| !track.is_idle(now_ms));
        changes
    }

    /// Causes that are shown.
    pub fn shown(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().filter(|track| track.level > Level::Fine)
    }

    /// How each service is that is not well, by organisation (0: for everybody) and service.
    pub fn states(&self) -> BTreeMap<(i64, Service), State> {
        let mut states: BTreeMap<(i64, Service), State> = BTreeMap::new();
        for track in self.shown() {
            for (service, hit) in track.hits.iter().filter(|(_, hit)| *hit > Level::Advice) {
                // Shown no worse than the cause as a whole is shown.
                let status = match (*hit).min(track.level) {
                    _ if track.is_restoring() => Status::RestoringService,
                    Level::Interrupted => Status::ServiceInterruption,
                    Level::Degraded => Status::ServiceDegradation,
                    _ => continue,
                };
                let state = State {
                    status,
                    since_ms: track.since_ms,
                    cause: track.cause.clone(),
                    what: track.what.clone(),
                    evidence: track.evidence.clone(),
                };
                let kept = states.entry((track.org, service.clone())).or_insert_with(|| state.clone());
                if worse(state.status, kept.status) {
                    *kept = state;
                }
            }
        }
        states
    }
}

fn worse(a: Status, b: Status) -> bool {
    let rank = |status: Status| (status.level(), status != Status::RestoringService);
    rank(a) > rank(b)
}
