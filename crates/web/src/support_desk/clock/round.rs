//! Events folded into rounds: when each clock began, what stopped it, and the states between.

use super::plan::{Plan, Target};
use super::why::{self, Pause};
use super::working::{Reached, Working};
use super::{Clocks, Due, Event, Kind, Reading, Severity, Standing, State, Warning, What};
use std::ops::Range;

/// Rounds of next answers that are kept: the latest.
const ROUNDS_MAX: usize = 200;

/// What held when a clock ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Judge {
    severity: Severity,
    plan: i64,
}

/// One run of one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Round {
    kind: Kind,
    started_ms: i64,
    ended: Option<(i64, Judge)>,
}

/// Time spent in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    from_ms: i64,
    state: State,
}

/// What happened to a request, as far as clocks are concerned.
#[derive(Debug)]
pub struct Story {
    judge: Judge,
    /// In order; each lasts until the next begins. Never empty.
    stretches: Vec<Stretch>,
    first: Round,
    next: Vec<Round>,
    resolution: Round,
    /// When severity or plan changed, and to what severity.
    changes: Vec<(i64, Severity)>,
}

impl Story {
    pub fn of<'e>(events: impl Iterator<Item = &'e Event>) -> Option<Story> {
        let mut events = events.skip_while(|event| !matches!(event.what, What::Opened { .. }));
        let opened = events.next()?;
        let What::Opened { severity, plan } = opened.what else { return None };
        let round = |kind| Round { kind, started_ms: opened.at_ms, ended: None };
        let mut story = Story {
            judge: Judge { severity, plan },
            stretches: vec![Stretch { from_ms: opened.at_ms, state: State::New }],
            first: round(Kind::FirstResponse),
            next: Vec::new(),
            resolution: round(Kind::Resolution),
            changes: Vec::new(),
        };
        events.for_each(|event| story.take(event));
        Some(story)
    }

    fn state(&self) -> State {
        self.stretches.last().map_or(State::New, |stretch| stretch.state)
    }

    fn take(&mut self, event: &Event) {
        // What is written down late did not happen before what stands there already.
        let at_ms = event.at_ms.max(self.stretches.last().map_or(event.at_ms, |stretch| stretch.from_ms));
        match event.what {
            What::Answer { is_automatic: false } => self.answered(at_ms),
            What::Word { is_automatic: false } => self.asked(at_ms),
            What::State(state) => self.became(at_ms, state),
            What::Severity(severity) => {
                if severity != self.judge.severity {
                    self.changes.push((at_ms, severity));
                }
                self.judge.severity = severity;
            }
            What::Plan(plan) => self.judge.plan = plan,
            // Machines and notes stop nothing, and nothing is opened twice.
            What::Answer { is_automatic: true } | What::Word { is_automatic: true } | What::Note | What::Opened { .. } => {}
        }
    }

    fn answered(&mut self, at_ms: i64) {
        let ended = Some((at_ms, self.judge));
        if self.first.ended.is_none() {
            self.first.ended = ended;
        }
        if let Some(round) = self.next.last_mut().filter(|round| round.ended.is_none()) {
            round.ended = ended;
        }
    }

    fn asked(&mut self, at_ms: i64) {
        let is_owed = self.next.last().is_some_and(|round| round.ended.is_none());
        // Before the first answer it is the first clock that counts.
        if self.first.ended.is_some() && !is_owed {
            if self.next.len() == ROUNDS_MAX {
                self.next.remove(0);
            }
            self.next.push(Round { kind: Kind::NextResponse, started_ms: at_ms, ended: None });
        }
        // Who was waited for has spoken.
        if self.state() == State::WaitingCustomer {
            self.became(at_ms, State::WaitingUs);
        }
    }

    fn became(&mut self, at_ms: i64, state: State) {
        if state == self.state() {
            return;
        }
        self.stretches.push(Stretch { from_ms: at_ms, state });
        match (state.is_over(), self.resolution.ended) {
            (true, None) => self.resolution.ended = Some((at_ms, self.judge)),
            // Opened again: it was not solved.
            (false, Some(_)) => self.resolution.ended = None,
            _ => {}
        }
    }

    /// All clocks at a moment after the last event.
    pub fn read(&self, plans: &[Plan], now_ms: i64) -> Option<Clocks> {
        plans.iter().find(|plan| plan.version == self.judge.plan)?;
        let mut next: Vec<Reading> = self.next.iter().filter_map(|round| self.reading(plans, round, now_ms)).collect();
        let latest = next.pop();
        let now = [self.reading(plans, &self.first, now_ms), latest, self.reading(plans, &self.resolution, now_ms)];
        Some(Clocks {
            state: self.state(),
            severity: self.judge.severity,
            plan: self.judge.plan,
            ball: self.state().ball(),
            since_ms: self.stretches.last().map_or(now_ms, |stretch| stretch.from_ms),
            now: now.into_iter().flatten().collect(),
            past: next,
        })
    }

    fn reading(&self, plans: &[Plan], round: &Round, now_ms: i64) -> Option<Reading> {
        let judge = round.ended.map_or(self.judge, |(_, judge)| judge);
        let plan = plans.iter().find(|plan| plan.version == judge.plan)?;
        let target = plan.target(judge.severity, round.kind)?;
        let run = self.run(plan, round, now_ms);
        Some(run.measured(plan, target, round, judge, &self.changes))
    }

    /// The stretches of a round in which its clock runs, and those in which it stands still.
    fn run(&self, plan: &Plan, round: &Round, now_ms: i64) -> Run {
        let until_ms = round.ended.map_or(now_ms, |(at_ms, _)| at_ms);
        let mut run = Run { until_ms, ..Run::default() };
        for (n, stretch) in self.stretches.iter().enumerate() {
            let end_ms = self.stretches.get(n + 1).map_or(i64::MAX, |next| next.from_ms);
            let span = stretch.from_ms.max(round.started_ms)..end_ms.min(until_ms);
            // What begins when the clock is done does not concern it, unless nothing came before.
            if round.ended.is_some() && stretch.from_ms >= until_ms && !run.is_empty() {
                break;
            }
            let is_last = end_ms > until_ms || n + 1 == self.stretches.len();
            if span.start > span.end || stretch.from_ms > until_ms || (span.start == span.end && !is_last) {
                continue;
            }
            let is_paused = plan.is_paused(round.kind, stretch.state);
            run.push(span, is_paused.then_some(stretch.state));
            if is_last {
                break;
            }
        }
        run
    }
}

/// When a clock ran and when it stood still, up to its end or to now.
#[derive(Debug, Default)]
struct Run {
    running: Vec<Range<i64>>,
    paused: Vec<(Range<i64>, State)>,
    /// It runs at the end.
    is_running: bool,
    until_ms: i64,
}

impl Run {
    fn is_empty(&self) -> bool {
        self.running.is_empty() && self.paused.is_empty()
    }

    fn push(&mut self, span: Range<i64>, paused: Option<State>) {
        self.is_running = paused.is_none();
        match (paused, self.running.last_mut()) {
            (Some(state), _) => self.paused.push((span, state)),
            (None, Some(last)) if last.end == span.start => last.end = span.end,
            (None, _) => self.running.push(span),
        }
    }

    fn due(&self, working: &Working, wanted_ms: i64) -> Due {
        match working.over(&self.running, self.is_running, wanted_ms) {
            Some(Reached::At(at_ms)) => Due::At(at_ms),
            Some(Reached::Never) => Due::Never,
            Some(Reached::TooFar) => Due::TooFar,
            None => Due::Paused(working.after(self.until_ms, wanted_ms - self.used(working))),
        }
    }

    fn used(&self, working: &Working) -> i64 {
        self.running.iter().map(|span| working.between(span.start, span.end)).sum()
    }

    fn measured(&self, plan: &Plan, target: &Target, round: &Round, judge: Judge, changes: &[(i64, Severity)]) -> Reading {
        let working = plan.working(target);
        let target_ms = i64::from(target.minutes) * 60_000;
        let (due, used_ms) = (self.due(&working, target_ms), self.used(&working));
        let is_over = matches!(due, Due::At(due_ms) if due_ms < self.until_ms);
        let standing = match round.ended {
            _ if is_over => Standing::Breached,
            Some(_) => Standing::Met,
            None if self.is_running => Standing::Running,
            None => Standing::Paused,
        };
        let warned = |minutes: &u32| {
            let wanted_ms = target_ms - i64::from(*minutes) * 60_000;
            let at_ms = working.over(&self.running, self.is_running, wanted_ms)?.at()?;
            Some(Warning { minutes: *minutes, at_ms })
        };
        let pauses = self.paused.iter().map(|(span, state)| Pause {
            from_ms: span.start,
            until_ms: (span.end < self.until_ms || round.ended.is_some()).then_some(span.end),
            worked_ms: working.between(span.start, span.end),
            state: *state,
        });
        let end_ms = match due {
            Due::At(at_ms) | Due::Paused(Reached::At(at_ms)) => at_ms.max(round.started_ms),
            _ => self.until_ms,
        };
        let severities = changes.iter().filter(|(at_ms, _)| round.ended.is_none_or(|(ended_ms, _)| *at_ms <= ended_ms)).copied();
        Reading {
            kind: round.kind,
            severity: judge.severity,
            plan: judge.plan,
            standing,
            started_ms: round.started_ms,
            ended_ms: round.ended.map(|(at_ms, _)| at_ms),
            due,
            target_ms,
            used_ms,
            left_ms: target_ms - used_ms,
            warnings: target.warn_minutes.iter().filter_map(warned).collect(),
            why: why::why(plan, &working, round.started_ms..end_ms).with(pauses.collect(), severities.collect()),
        }
    }
}
