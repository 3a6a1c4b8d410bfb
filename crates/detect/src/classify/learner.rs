//! Online logistic regression in full precision: score a message, then learn it.
//!
//! Rates are per coordinate (AdaGrad: Duchi, Hazan, Singer, JMLR 12, 2011), so a rare gram learns fast and a common one
//! settles. Messages are brought to one length, so a long mail is not surer than a short one. Same evidence in the same
//! order gives the same weights, bit for bit.

use super::evidence::{Evidence, Namespaces};
use super::feature::{BITS_MAX, BITS_MIN, Features};
use super::{Label, Scores};

/// How a learner learns. The defaults are what measured best on mail of several sources (`docs/model.md`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// log2 of the number of slots.
    pub bits: u32,
    pub namespaces: Namespaces,
    /// First step of each coordinate.
    pub rate: f32,
    /// Length that every message is brought to.
    pub length: f32,
    /// No step once the right side has this many log-odds: what is well known is not learned again.
    pub margin: f32,
}

impl Default for Habits {
    fn default() -> Habits {
        Habits { bits: 22, namespaces: Namespaces::ALL, rate: 0.05, length: 20.0, margin: 9.0 }
    }
}

/// A very short message is not brought to full length: its few grams are no more than a hint.
pub(super) const KNOWN_MIN: usize = 50;
/// Keeps the first step of a coordinate finite.
const GRADIENT_FLOOR: f32 = 1e-3;
/// The bias belongs to every message, so it moves slower than a gram.
const BIAS_RATE: f32 = 0.1;

/// How much spam speaks against phish, compared with ham: the two share much, and taking one for the other is no great
/// loss, while phish of another year must not end as the spam of its time.
const SPAM_AGAINST_PHISH: f32 = 0.1;

/// Weight and sum of squared gradients of one slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    spam: f32,
    spam_squares: f32,
    phish: f32,
    phish_squares: f32,
}

#[derive(Debug)]
pub struct Learner {
    habits: Habits,
    features: Features,
    slots: Vec<Slot>,
    spam_bias: f32,
    phish_bias: f32,
    /// Bit per slot: may be used. `None` allows all.
    known: Option<Vec<u64>>,
}

/// One head before and after the sum over a message's slots.
#[derive(Clone, Copy)]
struct Step {
    score: f32,
    truth: bool,
    importance: f32,
}

impl Learner {
    /// Knows nothing yet. `bits` is brought into the range a model may have.
    pub fn new(habits: Habits) -> Learner {
        let habits = Habits { bits: habits.bits.clamp(BITS_MIN, BITS_MAX), ..habits };
        Learner {
            habits,
            features: Features::new(habits.bits),
            slots: vec![Slot::default(); 1 << habits.bits],
            spam_bias: 0.0,
            phish_bias: 0.0,
            known: None,
        }
    }

    /// Restricts learning and scoring to slots that at least `messages_min` of `evidence` have: what stands in two or
    /// three messages only is a name or an address, and says nothing about mail elsewhere.
    pub fn know_only<'a>(&mut self, evidence: impl Iterator<Item = &'a Evidence>, messages_min: u8) {
        let mut counts = vec![0u8; self.slots.len()];
        for message in evidence {
            for &slot in self.features.of(message, self.habits.namespaces) {
                counts[slot as usize] = counts[slot as usize].saturating_add(1);
            }
        }
        let mut known = vec![0u64; self.slots.len() / 64];
        for (slot, _) in counts.iter().enumerate().filter(|(_, count)| **count >= messages_min) {
            known[slot / 64] |= 1 << (slot % 64);
        }
        self.known = Some(known);
    }

    pub fn habits(&self) -> &Habits {
        &self.habits
    }

    pub fn score(&mut self, evidence: &Evidence) -> Scores {
        self.summed(evidence).0
    }

    /// Learns `evidence`, and returns what was thought of it before. `importance` scales the step; 1 is usual.
    pub fn learn(&mut self, evidence: &Evidence, label: Label, importance: f32) -> Scores {
        let (before, length) = self.summed(evidence);
        self.step(length, Head::Spam, Step { score: before.spam_log_odds, truth: label.is_junk(), importance });
        let against_phish = if label == Label::Spam { importance * SPAM_AGAINST_PHISH } else { importance };
        self.step(length, Head::Phish, Step { score: before.phish_log_odds, truth: label == Label::Phish, importance: against_phish });
        before
    }

    /// Scores, and the value each feature of this message has.
    fn summed(&mut self, evidence: &Evidence) -> (Scores, f32) {
        let all = self.features.of(evidence, self.habits.namespaces);
        let (mut spam, mut phish, mut known) = (0.0, 0.0, 0);
        for &slot in all.iter().filter(|slot| is_known(&self.known, **slot)) {
            let slot = self.slots[slot as usize];
            (spam, phish, known) = (spam + slot.spam, phish + slot.phish, known + 1);
        }
        let value = feature_value(self.habits.length, known, all.len());
        (Scores { spam_log_odds: self.spam_bias + value * spam, phish_log_odds: self.phish_bias + value * phish }, value)
    }

    fn step(&mut self, value: f32, head: Head, step: Step) {
        let towards = if step.truth { step.score } else { -step.score };
        if towards > self.habits.margin {
            return;
        }
        let error = (super::probability(step.score) - f32::from(u8::from(step.truth))) * step.importance;
        let gradient = error * value;
        for slot in self.features.last().iter().filter(|slot| is_known(&self.known, **slot)) {
            let (weight, squares) = head.of(&mut self.slots[*slot as usize]);
            *squares += gradient * gradient;
            *weight -= self.habits.rate * gradient / (squares.sqrt() + GRADIENT_FLOOR);
        }
        let bias = match head {
            Head::Spam => &mut self.spam_bias,
            Head::Phish => &mut self.phish_bias,
        };
        *bias -= self.habits.rate * BIAS_RATE * error;
    }

    /// Spam and phish bias, and the weights of each slot that is known, for making a model.
    pub(super) fn weights(&self) -> ([f32; 2], impl Iterator<Item = Option<[f32; 2]>>) {
        let slots = self.slots.iter().enumerate();
        let weights = slots.map(|(at, slot)| is_known(&self.known, at as u32).then_some([slot.spam, slot.phish]));
        ([self.spam_bias, self.phish_bias], weights)
    }
}

#[derive(Clone, Copy)]
enum Head {
    Spam,
    Phish,
}

impl Head {
    fn of(self, slot: &mut Slot) -> (&mut f32, &mut f32) {
        match self {
            Head::Spam => (&mut slot.spam, &mut slot.spam_squares),
            Head::Phish => (&mut slot.phish, &mut slot.phish_squares),
        }
    }
}

fn is_known(known: &Option<Vec<u64>>, slot: u32) -> bool {
    known.as_ref().is_none_or(|known| known[slot as usize / 64] >> (slot % 64) & 1 == 1)
}

/// Value of each known feature: all together have `length`, less by the share of the message that is not known, so an
/// unfamiliar language or subject ends near the bias instead of at a wild guess.
pub(super) fn feature_value(length: f32, known: usize, all: usize) -> f32 {
    length * (known as f32 / all.max(1) as f32) / (known.max(KNOWN_MIN) as f32).sqrt()
}
