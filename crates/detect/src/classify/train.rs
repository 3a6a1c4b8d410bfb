//! From labelled mail to a model file: read, hold out and calibrate, learn, quantise.
//!
//! Reproducible: the same files, plan and program give the same octets. Every path given is a source of its own; sources
//! are brought nearer to each other in weight, and each is held out block by block in its own order, so near copies that
//! follow one another (a campaign, a thread) do not stand on both sides.

use super::corpus::{self, CorpusError};
use super::evidence::{Evidence, Namespaces};
use super::learner::{Habits, Learner};
use super::model::{Counts, Head, Scale};
use super::{Label, Scores, log_odds};
use std::path::PathBuf;

/// A file or folder of mail of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub label: Label,
    pub path: PathBuf,
}

/// How a model is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    pub habits: Habits,
    /// Times every message is learned.
    pub rounds: usize,
    /// A gram in fewer messages is not learned at all.
    pub messages_min: u8,
    /// Blocks each source is held out in, for calibration.
    pub blocks: usize,
    pub seed: u64,
    /// Share of held-out ham that may reach the junk threshold (0.9), and the high confidence one (0.99).
    pub lost_max: f64,
    pub lost_high_max: f64,
}

impl Default for Plan {
    fn default() -> Plan {
        let habits = Habits { bits: 20, namespaces: Namespaces::CONTENT, rate: 0.02, ..Habits::default() };
        Plan { habits, rounds: 3, messages_min: 4, blocks: 6, seed: 0x6761_7465, lost_max: 0.001, lost_high_max: 0.0002 }
    }
}

/// Weight of a source with this many messages is 1; larger ones count less each, smaller ones more.
const SOURCE_MESSAGES: f32 = 1_500.0;

/// Shown while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub step: &'static str,
    pub done: usize,
    pub of: usize,
}

/// A new model, and how its twins did on what they had not seen.
pub struct Trained {
    pub model: Vec<u8>,
    pub trained_on: Counts,
    /// Calibrated scores of every message by a learner that did not see its block.
    pub held_out: Vec<(Label, Scores)>,
}

impl Trained {
    /// One line for a person: what it learned from, and what to expect at the thresholds 0.9 and 0.99.
    pub fn summary(&self) -> String {
        let Counts { ham, spam, phish } = self.trained_on;
        let share = |is_junk: bool, at: f32| {
            let of = self.held_out.iter().filter(|(label, _)| label.is_junk() == is_junk);
            let (over, all) =
                of.fold((0u32, 0u32), |(over, all), (_, scores)| (over + u32::from(scores.junk_log_odds() >= log_odds(at)), all + 1));
            100.0 * f64::from(over) / f64::from(all.max(1))
        };
        format!(
            "trained on {ham} ham, {spam} spam, {phish} phish; of mail held out, {:.1} % of junk and {:.2} % of ham reach 0.9, {:.1} % and {:.3} % reach 0.99",
            share(true, 0.9),
            share(false, 0.9),
            share(true, 0.99),
            share(false, 0.99)
        )
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    #[error("training needs ham and spam: found {ham} ham, {spam} spam and {phish} phish")]
    OneSided { ham: u32, spam: u32, phish: u32 },
}

/// One message to learn.
struct Lesson {
    evidence: Evidence,
    label: Label,
    /// Block of its source in which it is held out.
    block: usize,
    importance: f32,
}

/// Trains on `sources`.
/// # Errors
/// A path cannot be read, or there is not both ham and junk.
pub fn run(sources: &[Source], plan: &Plan, progress: &mut dyn FnMut(Progress)) -> Result<Trained, TrainError> {
    let lessons = lessons(sources, plan, progress)?;
    let mut trained_on = Counts::default();
    lessons.iter().for_each(|lesson| trained_on.add(lesson.label));
    if trained_on.ham == 0 || trained_on.spam + trained_on.phish == 0 {
        return Err(TrainError::OneSided { ham: trained_on.ham, spam: trained_on.spam, phish: trained_on.phish });
    }
    let mut held_out = held_out(&lessons, plan, progress);
    let spam = Calibration::fit(held_out.iter().map(|(label, scores)| (scores.spam_log_odds, label.is_junk(), *label)), plan);
    let phish_or_ham = held_out.iter().filter(|(label, _)| *label != Label::Spam);
    let phish = Calibration::fit(phish_or_ham.map(|(label, scores)| (scores.phish_log_odds, *label == Label::Phish, *label)), plan);
    for (_, scores) in &mut held_out {
        scores.spam_log_odds = spam.apply(scores.spam_log_odds);
        scores.phish_log_odds = phish.apply(scores.phish_log_odds);
    }
    let all: Vec<&Lesson> = lessons.iter().collect();
    let learner = learned(&all, plan, &mut |done| progress(Progress { step: "learning", done, of: plan.rounds * all.len() }));
    Ok(Trained { model: model(&learner, [spam, phish], trained_on), trained_on, held_out })
}

fn lessons(sources: &[Source], plan: &Plan, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Lesson>, TrainError> {
    let mut lessons = Vec::new();
    let listed = sources.iter().map(|source| corpus::files(&source.path)).collect::<Result<Vec<_>, _>>()?;
    let of = listed.iter().map(Vec::len).sum();
    let mut done = 0;
    for (source, files) in sources.iter().zip(listed) {
        let first = lessons.len();
        for file in files {
            for octets in corpus::messages(&file)? {
                let evidence = corpus::evidence(octets, plan.habits.namespaces);
                lessons.push(Lesson { evidence, label: source.label, block: 0, importance: 1.0 });
            }
            done += 1;
            progress(Progress { step: "reading", done, of });
        }
        let count = lessons.len() - first;
        for (at, lesson) in lessons[first..].iter_mut().enumerate() {
            lesson.block = at * plan.blocks / count;
            lesson.importance = (SOURCE_MESSAGES / count as f32).sqrt();
        }
    }
    Ok(lessons)
}

/// Every message scored by a learner that did not see its block; not calibrated yet.
fn held_out(lessons: &[Lesson], plan: &Plan, progress: &mut dyn FnMut(Progress)) -> Vec<(Label, Scores)> {
    let mut scored = vec![(Label::Ham, Scores::default()); lessons.len()];
    for block in 0..plan.blocks {
        let seen: Vec<&Lesson> = lessons.iter().filter(|lesson| lesson.block != block).collect();
        let (before, of) = (block * plan.rounds * lessons.len(), plan.blocks * plan.rounds * lessons.len());
        let mut learner = learned(&seen, plan, &mut |done| progress(Progress { step: "calibrating", done: before + done, of }));
        for (at, lesson) in lessons.iter().enumerate().filter(|(_, lesson)| lesson.block == block) {
            scored[at] = (lesson.label, learner.score(&lesson.evidence));
        }
    }
    scored
}

fn learned(lessons: &[&Lesson], plan: &Plan, done: &mut dyn FnMut(usize)) -> Learner {
    let mut learner = Learner::new(plan.habits);
    learner.know_only(lessons.iter().map(|lesson| &lesson.evidence), plan.messages_min);
    let mut order: Vec<usize> = (0..lessons.len()).collect();
    let mut dice = Dice(plan.seed);
    for round in 0..plan.rounds {
        dice.shuffle(&mut order);
        for (at, lesson) in order.iter().map(|&at| lessons[at]).enumerate() {
            learner.learn(&lesson.evidence, lesson.label, lesson.importance);
            done(round * lessons.len() + at + 1);
        }
    }
    learner
}

/// Calibrated log-odds are `slope × raw + shift`.
#[derive(Debug, Clone, Copy)]
struct Calibration {
    slope: f64,
    shift: f64,
}

impl Calibration {
    /// Fits held-out scores (score, truth, label), then gives way on the side of ham until no more than the plan's shares of
    /// it reach the thresholds.
    fn fit(scored: impl Iterator<Item = (f32, bool, Label)>, plan: &Plan) -> Calibration {
        const JUNK: f64 = 2.197_224_6; // log-odds of 0.9
        const HIGH: f64 = 4.595_119_9; // of 0.99
        let scored: Vec<(f64, bool, Label)> = scored.map(|(score, truth, label)| (f64::from(score), truth, label)).collect();
        let fitted = Calibration::platt(&scored);
        let mut ham: Vec<f64> = scored.iter().filter(|(_, _, label)| *label == Label::Ham).map(|(score, ..)| *score).collect();
        ham.sort_by(|a, b| b.total_cmp(a));
        let lost_at = |share: f64| ham.get((share * ham.len() as f64) as usize).copied();
        let (Some(junk), Some(high)) = (lost_at(plan.lost_max), lost_at(plan.lost_high_max)) else {
            return fitted;
        };
        // Two points bind the line: ham at `junk` may reach at most 0.9, ham at `high` at most 0.99.
        let slope = fitted.slope.min((HIGH - JUNK) / (high - junk).max(1e-6));
        Calibration { slope, shift: (JUNK - slope * junk).min(HIGH - slope * high).min(fitted.shift + (fitted.slope - slope) * junk) }
    }

    /// Platt scaling by Newton steps, with his targets for few examples (Platt 1999, Lin, Lin and Weng 2007).
    fn platt(scored: &[(f64, bool, Label)]) -> Calibration {
        const STEPS: usize = 50;
        let positive = scored.iter().filter(|(_, truth, _)| *truth).count() as f64;
        let negative = scored.len() as f64 - positive;
        let (high, low) = ((positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0));
        let mut line = Calibration { slope: 1.0, shift: 0.0 };
        for _ in 0..STEPS {
            let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
            for (score, truth, _) in scored {
                let p = 1.0 / (1.0 + (-(line.slope * score + line.shift)).exp());
                let (error, curve) = (p - if *truth { high } else { low }, p * (1.0 - p));
                g = [g[0] + error * score, g[1] + error];
                h = [h[0] + curve * score * score, h[1] + curve * score, h[2] + curve];
            }
            let determinant = h[0] * h[2] - h[1] * h[1];
            if determinant < 1e-12 {
                break;
            }
            let step = [(h[2] * g[0] - h[1] * g[1]) / determinant, (h[0] * g[1] - h[1] * g[0]) / determinant];
            // A full step can overshoot where the classes hardly overlap.
            line.slope = (line.slope - step[0].clamp(-0.5, 0.5)).clamp(0.05, 5.0);
            line.shift -= step[1].clamp(-1.0, 1.0);
        }
        line
    }

    fn apply(self, raw: f32) -> f32 {
        (self.slope * f64::from(raw) + self.shift) as f32
    }

    /// The calibrated scale of a head with this bias and largest weight.
    fn scale(self, bias: f32, weight_max: f32) -> Scale {
        Scale { bias: self.apply(bias), quantum: (self.slope * f64::from(quantum(weight_max))) as f32 }
    }
}

fn model(learner: &Learner, [spam, phish]: [Calibration; 2], trained_on: Counts) -> Vec<u8> {
    let (biases, weights) = learner.weights();
    let mut most = [0f32; 2];
    for weight in weights.flatten() {
        most = [most[0].max(weight[0].abs()), most[1].max(weight[1].abs())];
    }
    let habits = learner.habits();
    let head = Head {
        namespaces: habits.namespaces,
        bits: habits.bits,
        length: habits.length,
        spam: spam.scale(biases[0], most[0]),
        phish: phish.scale(biases[1], most[1]),
        trained_on,
    };
    let rounded = |weight: f32, most: f32| (weight / quantum(most)).round().clamp(-127.0, 127.0) as i8;
    let (_, weights) = learner.weights();
    head.with_weights(weights.map(|slot| slot.map(|weight| [rounded(weight[0], most[0]), rounded(weight[1], most[1])])))
}

/// Weight of one quantum, so that the largest is 127 quanta.
fn quantum(weight_max: f32) -> f32 {
    weight_max.max(f32::MIN_POSITIVE * 128.0) / 127.0
}

/// A small seeded generator (xorshift64, Marsaglia 2003): order, not secrets.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.max(1);
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for at in (1..order.len()).rev() {
            order.swap(at, (self.next() % (at as u64 + 1)) as usize);
        }
    }
}
