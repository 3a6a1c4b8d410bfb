//! From labelled mail to a model file: read, hold out and calibrate, learn, quantise.
//!
//! Reproducible: the same files, plan and program give the same octets. Every path given is a source of its own; sources
//! are brought nearer to each other in weight, and each is held out block by block in its own order, so near copies that
//! follow one another (a campaign, a thread) do not stand on both sides. Mail made from patterns ([`made`]) is held out
//! pattern by pattern.

pub mod made;

use super::corpus::{self, CorpusError};
use super::dice::Dice;
use super::evidence::{Evidence, Namespaces};
use super::learner::{Habits, Learner, namespaces_of};
use super::model::{Calibration, Counts, Head, Voice};
use super::{Label, Scores, log_odds};
use made::MadeError;
use std::path::PathBuf;

/// Where mail to learn comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file or folder of mail of one label.
    Real { label: Label, path: PathBuf },
    /// A file of patterns.
    Made { path: PathBuf },
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

/// For a model that travels: nothing that depends on who received the mail or how it came.
pub const SHIPPED: &[Namespaces] = &[Namespaces::TEXT, Namespaces::WORDS.and(Namespaces::LINKS).and(Namespaces::FILES)];

impl Default for Plan {
    fn default() -> Plan {
        let habits = Habits { bits: 19, voices: SHIPPED, rate: 0.02, ..Habits::default() };
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
    /// Calibrated scores of every real message by a learner that did not see its block.
    pub held_out: Vec<(Label, Scores)>,
    /// The same of messages made from patterns, which calibration leaves out: twelve of a kind would bend the scale.
    pub held_out_made: Vec<(Label, Scores)>,
}

impl Trained {
    /// One line for a person: what it learned from, and what to expect at the thresholds 0.9 and 0.99.
    pub fn summary(&self) -> String {
        let Counts { ham, spam, phish, bulk } = self.trained_on;
        let shares = |of: &[(Label, Scores)]| {
            let share = |is_junk: bool, at: f32| {
                let of = of.iter().filter(|(label, _)| label.is_junk() == is_junk);
                let (over, all) =
                    of.fold((0u32, 0u32), |(over, all), (_, scores)| (over + u32::from(scores.junk_log_odds() >= log_odds(at)), all + 1));
                100.0 * f64::from(over) / f64::from(all.max(1))
            };
            format!(
                "{:.1} % of junk and {:.2} % of ham reach 0.9, {:.1} % and {:.3} % reach 0.99",
                share(true, 0.9),
                share(false, 0.9),
                share(true, 0.99),
                share(false, 0.99)
            )
        };
        let made = if self.held_out_made.is_empty() { String::new() } else { format!("; of made mail {}", shares(&self.held_out_made)) };
        format!("trained on {ham} ham, {spam} spam, {phish} phish, {bulk} bulk; of mail held out, {}{made}", shares(&self.held_out))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    #[error(transparent)]
    Made(#[from] MadeError),
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
    is_made: bool,
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
    let scored = held_out(&lessons, plan, progress);
    let of = |is_made: bool| -> Vec<(Label, Scores)> {
        lessons.iter().zip(&scored).filter(|(lesson, _)| lesson.is_made == is_made).map(|(_, scored)| *scored).collect()
    };
    let (mut held_out, mut held_out_made) = (of(false), of(true));
    let calibrations = calibrations(if held_out.is_empty() { &held_out_made } else { &held_out }, plan);
    for (_, scores) in held_out.iter_mut().chain(&mut held_out_made) {
        scores.spam_log_odds = calibrations[0].apply(scores.spam_log_odds);
        scores.phish_log_odds = calibrations[1].apply(scores.phish_log_odds);
        scores.bulk_log_odds = calibrations[2].apply(scores.bulk_log_odds);
    }
    let all: Vec<&Lesson> = lessons.iter().collect();
    let learner = learned(&all, plan, &mut |done| progress(Progress { step: "learning", done, of: plan.rounds * all.len() }));
    Ok(Trained { model: model(&learner, calibrations, trained_on), trained_on, held_out, held_out_made })
}

fn lessons(sources: &[Source], plan: &Plan, progress: &mut dyn FnMut(Progress)) -> Result<Vec<Lesson>, TrainError> {
    let mut lessons = Vec::new();
    for (at, source) in sources.iter().enumerate() {
        let first = lessons.len();
        let count = match source {
            Source::Real { label, path } => {
                for file in corpus::files(path)? {
                    for octets in corpus::messages(&file)? {
                        lessons.push(Lesson::new(octets, *label, lessons.len() - first, plan));
                    }
                }
                lessons.len() - first
            }
            Source::Made { path } => {
                let made = made::read(path)?;
                let patterns = made.last().map_or(0, |last| last.pattern + 1);
                lessons.extend(made.into_iter().map(|one| Lesson::new(one.octets, one.label, one.pattern, plan)));
                patterns
            }
        };
        let messages = lessons.len() - first;
        for lesson in &mut lessons[first..] {
            lesson.block = lesson.block * plan.blocks / count;
            lesson.is_made = matches!(source, Source::Made { .. });
            lesson.importance = (SOURCE_MESSAGES / messages as f32).sqrt();
        }
        progress(Progress { step: "reading", done: at + 1, of: sources.len() });
    }
    Ok(lessons)
}

impl Lesson {
    /// `block` is its place in the source; brought to the plan's blocks once the source's length is known.
    fn new(octets: bytes::Bytes, label: Label, block: usize, plan: &Plan) -> Lesson {
        Lesson { evidence: corpus::evidence(octets, namespaces_of(plan.habits.voices)), label, block, importance: 1.0, is_made: false }
    }
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

/// One scale per head, from scores of mail held out.
fn calibrations(held_out: &[(Label, Scores)], plan: &Plan) -> [Calibration; 3] {
    let of = |head: fn(&Scores) -> f32, is_wanted: fn(Label) -> bool, truth: fn(Label) -> bool| {
        let wanted = held_out.iter().filter(|(label, _)| is_wanted(*label));
        Calibration::fit(wanted.map(|(label, scores)| (head(scores), truth(*label))), plan)
    };
    [
        of(|scores| scores.spam_log_odds, |_| true, Label::is_junk),
        of(|scores| scores.phish_log_odds, |label| label != Label::Spam, |label| label == Label::Phish),
        of(|scores| scores.bulk_log_odds, |label| !label.is_junk(), |label| label == Label::Bulk),
    ]
}

impl Calibration {
    /// Fits held-out scores (score, truth), then gives way on the side of what is not meant until no more than the plan's
    /// shares of it reach the thresholds.
    fn fit(scored: impl Iterator<Item = (f32, bool)>, plan: &Plan) -> Calibration {
        const JUNK: f64 = 2.197_224_6; // log-odds of 0.9
        const HIGH: f64 = 4.595_119_9; // of 0.99
        let scored: Vec<(f64, bool)> = scored.map(|(score, truth)| (f64::from(score), truth)).collect();
        if scored.iter().all(|(_, truth)| !truth) {
            return Calibration { slope: 1.0, shift: 0.0 };
        }
        let (fitted, shift) = platt(&scored);
        let mut wrong: Vec<f64> = scored.iter().filter(|(_, truth)| !truth).map(|(score, _)| *score).collect();
        wrong.sort_by(|a, b| b.total_cmp(a));
        let lost_at = |share: f64| wrong.get((share * wrong.len() as f64) as usize).copied();
        let (Some(junk), Some(high)) = (lost_at(plan.lost_max), lost_at(plan.lost_high_max)) else {
            return Calibration { slope: fitted as f32, shift: shift as f32 };
        };
        // Two points bind the line: ham at `junk` may reach at most 0.9, ham at `high` at most 0.99.
        let slope = fitted.min((HIGH - JUNK) / (high - junk).max(1e-6));
        let shift = (JUNK - slope * junk).min(HIGH - slope * high).min(shift + (fitted - slope) * junk);
        Calibration { slope: slope as f32, shift: shift as f32 }
    }
}

/// Slope and shift of Platt scaling by Newton steps, with his targets for few examples (Platt 1999, Lin, Lin and Weng 2007).
fn platt(scored: &[(f64, bool)]) -> (f64, f64) {
    const STEPS: usize = 50;
    let positive = scored.iter().filter(|(_, truth)| *truth).count() as f64;
    let negative = scored.len() as f64 - positive;
    let (high, low) = ((positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0));
    let (mut slope, mut shift) = (1.0f64, 0.0f64);
    for _ in 0..STEPS {
        let (mut g, mut h) = ([0.0; 2], [1e-9, 0.0, 1e-9]);
        for (score, truth) in scored {
            let p = 1.0 / (1.0 + (-(slope * score + shift)).exp());
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
        slope = (slope - step[0].clamp(-0.5, 0.5)).clamp(0.05, 5.0);
        shift -= step[1].clamp(-1.0, 1.0);
    }
    (slope, shift)
}

fn model(learner: &Learner, calibrations: [Calibration; 3], trained_on: Counts) -> Vec<u8> {
    let habits = learner.habits();
    let slots = 1usize << habits.bits;
    let mut voices = Vec::new();
    for weights in learner.weights() {
        let mut most = [f32::MIN_POSITIVE * 128.0; 3];
        for slot in (0..slots).filter_map(|slot| weights.slot(slot)) {
            most = [0, 1, 2].map(|head| most[head].max(slot[head].abs()));
        }
        // One quantum, so that the largest weight is 127 quanta.
        let quanta = most.map(|most| most / 127.0);
        voices.push(Voice { namespaces: weights.namespaces(), bits: habits.bits, biases: weights.biases(), quanta });
    }
    let head = Head { length: habits.length, calibrations, trained_on, voices: voices.clone() };
    let rounded = |weights: [f32; 3], quanta: [f32; 3]| [0, 1, 2].map(|at| (weights[at] / quanta[at]).round().clamp(-127.0, 127.0) as i8);
    let of_voices = learner
        .weights()
        .zip(voices)
        .flat_map(|(weights, voice)| (0..slots).map(move |slot| weights.slot(slot).map(|weights| rounded(weights, voice.quanta))));
    head.with_weights(of_voices)
}
