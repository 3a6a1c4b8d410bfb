//! Online logistic regression in full precision: score a message, then learn it.
//!
//! Several *voices* look at different namespaces, each learns from its own error, and their log-odds are added up: grams and
//! words fail on different mail, so together they err less than either (measured in `docs/model.md`). Rates are per
//! coordinate (AdaGrad: Duchi, Hazan, Singer, JMLR 12, 2011), so a rare gram learns fast and a common one settles. Messages
//! are brought to one length, so a long mail is not surer than a short one. Same evidence in the same order gives the same
//! weights, bit for bit.

use super::evidence::{Evidence, Namespaces};
use super::feature::{BITS_MAX, BITS_MIN};
use super::{Label, Scores};

/// How a learner learns. The defaults are what measured best on mail of several sources (`docs/model.md`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Habits {
    /// log2 of the number of slots of each voice.
    pub bits: u32,
    /// What each voice looks at; at most [`VOICES_MAX`].
    pub voices: &'static [Namespaces],
    /// First step of each coordinate.
    pub rate: f32,
    /// Length that every message is brought to.
    pub length: f32,
    /// No step once the right side has this many log-odds: what is well known is not learned again.
    pub margin: f32,
}

pub const VOICES_MAX: usize = 4;

/// For a learner that works where it learns: the way a mail takes to us is evidence too.
pub const LOCAL: &[Namespaces] = &[
    Namespaces::WAY,
    Namespaces::LOOK,
    Namespaces::WORDS.and(Namespaces::LINKS).and(Namespaces::FILES).and(Namespaces::FIELDS).and(Namespaces::SHAPE),
    Namespaces::TEXT,
];

impl Default for Habits {
    fn default() -> Habits {
        Habits { bits: BITS_MAX, voices: LOCAL, rate: 0.05, length: 20.0, margin: 9.0 }
    }
}

impl Habits {
    /// Everything the voices look at.
    pub fn namespaces(&self) -> Namespaces {
        namespaces_of(self.voices)
    }
}

/// A very short message is not brought to full length: its few grams are no more than a hint.
const KNOWN_MIN: usize = 50;
/// A step is shorter than the rate where the error is small, also the first of a coordinate: one wrong label does less harm.
const GRADIENT_FLOOR: f32 = 0.05;
/// Lessons that came together are gone through several times, so each may begin with a full step.
const TOGETHER_FLOOR: f32 = 1e-3;
/// The bias belongs to every message, so it moves slower than a gram.
const BIAS_RATE: f32 = 0.1;
/// No voice counts more than this, however sure it is.
pub(super) const VOICE_LOG_ODDS_MAX: f32 = 12.0;
/// Log-odds of a head that never had an example to speak for.
pub(super) const SILENT: f32 = -20.0;

/// How much spam speaks against phish, compared with ham: the two share much, and taking one for the other is no great
/// loss, while phish of another year must not end as the spam of its time.
const SPAM_AGAINST_PHISH: f32 = 0.1;

/// What a score is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Spam,
    Phish,
    Bulk,
}

pub(super) const HEADS: [Head; 3] = [Head::Spam, Head::Phish, Head::Bulk];

impl Head {
    /// Whether a message of this label is what the head looks for, and how much it counts; `None` if it says nothing.
    pub(super) fn truth(self, label: Label) -> Option<(bool, f32)> {
        match (self, label) {
            (Head::Spam, label) => Some((label.is_junk(), 1.0)),
            (Head::Phish, Label::Spam) => Some((false, SPAM_AGAINST_PHISH)),
            (Head::Phish, label) => Some((label == Label::Phish, 1.0)),
            (Head::Bulk, Label::Bulk) => Some((true, 1.0)),
            (Head::Bulk, Label::Ham) => Some((false, 1.0)),
            (Head::Bulk, Label::Spam | Label::Phish) => None,
        }
    }
}

/// Weight and sum of squared gradients of one slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    weight: f32,
    squares: f32,
}

#[derive(Debug, Default)]
struct Weights {
    /// Empty until the first message this head speaks for.
    slots: Vec<Slot>,
    bias: f32,
}

#[derive(Debug)]
struct Voice {
    namespaces: Namespaces,
    heads: [Weights; 3],
    /// Bit per slot: may be used. `None` allows all.
    known: Option<Vec<u64>>,
    /// Slots of the message at hand.
    slots: Vec<u32>,
    /// Value of each of them.
    value: f32,
}

/// One head towards the truth.
struct Step {
    truth: bool,
    importance: f32,
    floor: f32,
}

#[derive(Debug)]
pub struct Learner {
    habits: Habits,
    voices: Vec<Voice>,
    floor: f32,
}

impl Learner {
    /// Knows nothing yet. `bits` is brought into the range a model may have.
    pub fn new(habits: Habits) -> Learner {
        let habits = Habits { bits: habits.bits.clamp(BITS_MIN, BITS_MAX), ..habits };
        let voice = |namespaces: &Namespaces| Voice {
            namespaces: *namespaces,
            heads: Default::default(),
            known: None,
            slots: Vec::new(),
            value: 0.0,
        };
        Learner { habits, floor: GRADIENT_FLOOR, voices: habits.voices.iter().take(VOICES_MAX).map(voice).collect() }
    }

    pub fn habits(&self) -> &Habits {
        &self.habits
    }

    /// Restricts learning and scoring to slots that at least `messages_min` of `evidence` have: what stands in two or
    /// three messages only is a name or an address, and says nothing about mail elsewhere.
    pub fn know_only<'a>(&mut self, evidence: impl Iterator<Item = &'a Evidence>, messages_min: u8) {
        let (bits, slots) = (self.habits.bits, 1usize << self.habits.bits);
        let mut counts = vec![vec![0u8; slots]; self.voices.len()];
        for message in evidence {
            for (voice, counts) in self.voices.iter().zip(&mut counts) {
                for feature in message.features(voice.namespaces) {
                    let count = &mut counts[(feature >> (32 - bits)) as usize];
                    *count = count.saturating_add(1);
                }
            }
        }
        for (voice, counts) in self.voices.iter_mut().zip(counts) {
            let mut known = vec![0u64; slots / 64];
            for (slot, _) in counts.iter().enumerate().filter(|(_, count)| **count >= messages_min) {
                known[slot / 64] |= 1 << (slot % 64);
            }
            voice.known = Some(known);
        }
    }

    pub fn score(&mut self, evidence: &Evidence) -> Scores {
        let mut sums = Sums::default();
        for voice in &mut self.voices {
            voice.look(evidence, &self.habits);
            for (at, weights) in voice.heads.iter().enumerate().filter(|(_, weights)| !weights.slots.is_empty()) {
                sums.add(at, voice.score(weights));
            }
        }
        sums.scores(self.voices.len())
    }

    /// Learns `evidence`, and returns what was thought of it before. `importance` scales the step; 1 is usual.
    pub fn learn(&mut self, evidence: &Evidence, label: Label, importance: f32) -> Scores {
        self.learn_weighed(evidence, label, |_| importance)
    }

    /// The same where the importance depends on what was thought of it.
    pub fn learn_weighed(&mut self, evidence: &Evidence, label: Label, importance: impl FnOnce(Scores) -> f32) -> Scores {
        let before = self.score(evidence);
        let importance = importance(before);
        for voice in &mut self.voices {
            for (at, head) in HEADS.into_iter().enumerate() {
                if let Some((truth, share)) = head.truth(label) {
                    voice.step(at, Step { truth, importance: importance * share, floor: self.floor }, &self.habits);
                }
            }
        }
        before
    }

    /// Learns all of `lessons` in rounds, each in an order of its own: what came together in time or by label must not be
    /// forgotten for what came last.
    pub fn learn_all(&mut self, lessons: &[(Evidence, Label)], rounds: usize, seed: u64) {
        let mut order: Vec<usize> = (0..lessons.len()).collect();
        let mut dice = super::dice::Dice(seed);
        self.floor = TOGETHER_FLOOR;
        for _ in 0..rounds {
            dice.shuffle(&mut order);
            for &at in &order {
                self.learn(&lessons[at].0, lessons[at].1, 1.0);
            }
        }
        self.floor = GRADIENT_FLOOR;
    }

    /// Of each voice: bias, and weight of each slot that is known, per head; for making a model.
    pub(super) fn weights(&self) -> impl Iterator<Item = VoiceWeights<'_>> {
        self.voices.iter().map(VoiceWeights)
    }
}

/// Everything these voices look at.
pub(super) fn namespaces_of(voices: &[Namespaces]) -> Namespaces {
    voices.iter().fold(voices[0], |all, voice| all.and(*voice))
}

pub(super) struct VoiceWeights<'a>(&'a Voice);

impl VoiceWeights<'_> {
    pub(super) fn namespaces(&self) -> Namespaces {
        self.0.namespaces
    }

    pub(super) fn biases(&self) -> [f32; 3] {
        [0, 1, 2].map(|head| if self.0.heads[head].slots.is_empty() { SILENT } else { self.0.heads[head].bias })
    }

    pub(super) fn slot(&self, slot: usize) -> Option<[f32; 3]> {
        let weight = |head: usize| self.0.heads[head].slots.get(slot).map_or(0.0, |slot| slot.weight);
        is_known(&self.0.known, slot as u32).then(|| [0, 1, 2].map(weight))
    }
}

impl Voice {
    /// Finds the slots of a message, and the value each has.
    fn look(&mut self, evidence: &Evidence, habits: &Habits) {
        self.slots.clear();
        let slots = evidence.features(self.namespaces).map(|feature| feature >> (32 - habits.bits));
        self.slots.extend(slots.filter(|slot| is_known(&self.known, *slot)));
        self.value = feature_value(habits.length, self.slots.len(), evidence.len(self.namespaces));
    }

    fn score(&self, weights: &Weights) -> f32 {
        let sum: f32 = self.slots.iter().map(|slot| weights.slots[*slot as usize].weight).sum();
        weights.bias + self.value * sum
    }

    fn step(&mut self, head: usize, Step { truth, importance, floor }: Step, habits: &Habits) {
        if self.heads[head].slots.is_empty() {
            if !truth && head != Head::Spam as usize {
                return;
            }
            self.heads[head].slots = vec![Slot::default(); 1 << habits.bits];
        }
        let score = self.score(&self.heads[head]);
        if (if truth { score } else { -score }) > habits.margin {
            return;
        }
        let error = (super::probability(score) - f32::from(u8::from(truth))) * importance;
        let gradient = error * self.value;
        let weights = &mut self.heads[head];
        for slot in &self.slots {
            let slot = &mut weights.slots[*slot as usize];
            slot.squares += gradient * gradient;
            slot.weight -= habits.rate * gradient / (slot.squares.sqrt() + floor);
        }
        weights.bias -= habits.rate * BIAS_RATE * error;
    }
}

/// Log-odds of the voices, added up per head.
#[derive(Default)]
pub(super) struct Sums {
    sums: [f32; 3],
    voices: [usize; 3],
}

impl Sums {
    pub(super) fn add(&mut self, head: usize, log_odds: f32) {
        self.sums[head] += log_odds.clamp(-VOICE_LOG_ODDS_MAX, VOICE_LOG_ODDS_MAX);
        self.voices[head] += 1;
    }

    /// Voices repeat each other in part, so the sum is brought half way to the mean: n voices count as the root of n.
    pub(super) fn scores(&self, voices: usize) -> Scores {
        let share = 1.0 / (voices.max(1) as f32).sqrt();
        let of = |head: usize| match (self.voices[head], head) {
            (0, 0) => 0.0,
            (0, _) => SILENT,
            _ => share * self.sums[head],
        };
        Scores { spam_log_odds: of(0), phish_log_odds: of(1), bulk_log_odds: of(2) }
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
