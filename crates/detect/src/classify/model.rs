//! The model file: quantised weights, used where they lie.
//!
//! Layout, little-endian (also in `docs/model.md`):
//!
//! | octets | what |
//! |---|---|
//! | 0..8 | `GPMODEL` and a zero octet |
//! | 8..10 | format, 1 |
//! | 10 | namespaces ([`Namespaces::bits`]) |
//! | 11 | log2 of the number of slots |
//! | 12..16 | f32: length a message is brought to |
//! | 16..24 | f32 ×2: bias and weight per quantum of the spam head |
//! | 24..32 | f32 ×2: the same of the phish head |
//! | 32..44 | u32 ×3: ham, spam, phish it was trained on |
//! | 44..56 | zero |
//! | 56..64 | checksum over everything else |
//! | 64.. | per slot two i8: spam, phish; spam −128 means "never learned" |
//!
//! Invariant: a [`Model`] that exists has been checked as a whole; scoring cannot fail.

use super::evidence::{Evidence, Namespaces};
use super::feature::{BITS_MAX, BITS_MIN, Features};
use super::learner::feature_value;
use super::{Label, Scores};
use mail::Message;
use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, OnceLock};

const MAGIC: &[u8; 8] = b"GPMODEL\0";
const FORMAT: u16 = 1;
const HEAD_OCTETS: usize = 64;
const CHECKSUM: std::ops::Range<usize> = 56..64;
/// Spam weight of a slot that no training message had.
const UNKNOWN: i8 = i8::MIN;

static SHIPPED: &[u8] = include_bytes!("../../model/gatepost.model");

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("reading the model {path}")]
    Read { path: String, source: std::io::Error },
    #[error("this is not a Gatepost model")]
    NotAModel,
    #[error("the model has format {found}, this version reads format {FORMAT}; train it again with `gatepost train`")]
    Format { found: u16 },
    #[error("the model is damaged ({what}); copy it again, or train it again with `gatepost train`")]
    Damaged { what: &'static str },
}

/// A trained model, shared by all that score.
pub struct Model {
    octets: Octets,
    head: Head,
}

enum Octets {
    Shipped(&'static [u8]),
    Loaded(Vec<u8>),
}

/// The model's first 64 octets, read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Head {
    pub namespaces: Namespaces,
    /// log2 of the number of slots.
    pub bits: u32,
    pub length: f32,
    pub spam: Scale,
    pub phish: Scale,
    pub trained_on: Counts,
}

/// From a sum of quanta to log-odds: `bias + quantum × sum`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    pub bias: f32,
    pub quantum: f32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub ham: u32,
    pub spam: u32,
    pub phish: u32,
}

impl Counts {
    pub fn add(&mut self, label: Label) {
        match label {
            Label::Ham => self.ham += 1,
            Label::Spam => self.spam += 1,
            Label::Phish => self.phish += 1,
        }
    }
}

impl Model {
    /// The model this program was built with.
    pub fn built_in() -> Arc<Model> {
        static BUILT_IN: OnceLock<Arc<Model>> = OnceLock::new();
        let model = BUILT_IN.get_or_init(|| {
            let head = Head::read(SHIPPED).expect("the shipped model is whole: a test reads it");
            Arc::new(Model { octets: Octets::Shipped(SHIPPED), head })
        });
        Arc::clone(model)
    }

    /// # Errors
    /// The file cannot be read, or is not a whole model of this format.
    pub fn load(path: &Path) -> Result<Model, ModelError> {
        let octets = std::fs::read(path).map_err(|source| ModelError::Read { path: path.display().to_string(), source })?;
        Model::from_octets(octets)
    }

    /// # Errors
    /// The octets are not a whole model of this format.
    pub fn from_octets(octets: Vec<u8>) -> Result<Model, ModelError> {
        let head = Head::read(&octets)?;
        Ok(Model { octets: Octets::Loaded(octets), head })
    }

    /// The model file.
    pub fn octets(&self) -> &[u8] {
        match &self.octets {
            Octets::Shipped(octets) => octets,
            Octets::Loaded(octets) => octets,
        }
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    pub fn score(&self, message: &Message) -> Scores {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut evidence = std::mem::take(&mut scratch.evidence);
            evidence.read(message, self.head.namespaces);
            let scores = self.scored(&evidence, scratch.features(self.head.bits));
            scratch.evidence = evidence;
            scores
        })
    }

    pub fn score_evidence(&self, evidence: &Evidence) -> Scores {
        SCRATCH.with_borrow_mut(|scratch| self.scored(evidence, scratch.features(self.head.bits)))
    }

    fn scored(&self, evidence: &Evidence, features: &mut Features) -> Scores {
        let weights = &self.octets()[HEAD_OCTETS..];
        let all = features.of(evidence, self.head.namespaces);
        let (mut spam, mut phish, mut known) = (0i32, 0i32, 0usize);
        for &slot in all {
            let at = slot as usize * 2;
            let spam_quanta = weights[at] as i8;
            if spam_quanta != UNKNOWN {
                spam += i32::from(spam_quanta);
                phish += i32::from(weights[at + 1] as i8);
                known += 1;
            }
        }
        let value = feature_value(self.head.length, known, all.len());
        Scores { spam_log_odds: self.head.spam.log_odds(value, spam), phish_log_odds: self.head.phish.log_odds(value, phish) }
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Model").field("head", &self.head).finish_non_exhaustive()
    }
}

/// Buffers for scoring, one per thread: a mail costs no allocation.
#[derive(Default)]
struct Scratch {
    evidence: Evidence,
    features: Option<(u32, Features)>,
}

impl Scratch {
    fn features(&mut self, bits: u32) -> &mut Features {
        if self.features.as_ref().is_none_or(|(found, _)| *found != bits) {
            self.features = None;
        }
        &mut self.features.get_or_insert_with(|| (bits, Features::new(bits))).1
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Scale {
    fn log_odds(self, value: f32, quanta: i32) -> f32 {
        self.bias + self.quantum * value * quanta as f32
    }
}

impl Head {
    fn read(octets: &[u8]) -> Result<Head, ModelError> {
        let damaged = |what| ModelError::Damaged { what };
        let head: &[u8; HEAD_OCTETS] = octets.first_chunk().ok_or(ModelError::NotAModel)?;
        if !head.starts_with(MAGIC) {
            return Err(ModelError::NotAModel);
        }
        let found = u16::from_le_bytes([head[8], head[9]]);
        if found != FORMAT {
            return Err(ModelError::Format { found });
        }
        let bits = u32::from(head[11]);
        if !(BITS_MIN..=BITS_MAX).contains(&bits) {
            return Err(damaged("the number of slots"));
        }
        if octets.len() != HEAD_OCTETS + (2 << bits) {
            return Err(damaged("its length"));
        }
        if head[CHECKSUM] != checksum(octets).to_le_bytes() {
            return Err(damaged("its checksum"));
        }
        let real = |at: usize| f32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let count = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if [12, 16, 20, 24, 28].into_iter().any(|at| !real(at).is_finite()) {
            return Err(damaged("its scale"));
        }
        Ok(Head {
            namespaces: Namespaces::from_bits(head[10]).ok_or(damaged("its namespaces"))?,
            bits,
            length: real(12),
            spam: Scale { bias: real(16), quantum: real(20) },
            phish: Scale { bias: real(24), quantum: real(28) },
            trained_on: Counts { ham: count(32), spam: count(36), phish: count(40) },
        })
    }

    /// The model file for these weights, in quanta per slot.
    pub(super) fn with_weights(&self, quanta: impl Iterator<Item = Option<[i8; 2]>>) -> Vec<u8> {
        let mut octets = vec![0; HEAD_OCTETS];
        octets.reserve_exact(2 << self.bits);
        octets[..8].copy_from_slice(MAGIC);
        octets[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        octets[10] = self.namespaces.bits();
        octets[11] = self.bits as u8;
        let reals = [self.length, self.spam.bias, self.spam.quantum, self.phish.bias, self.phish.quantum];
        for (at, real) in (12..).step_by(4).zip(reals) {
            octets[at..at + 4].copy_from_slice(&real.to_le_bytes());
        }
        for (at, count) in (32..).step_by(4).zip([self.trained_on.ham, self.trained_on.spam, self.trained_on.phish]) {
            octets[at..at + 4].copy_from_slice(&count.to_le_bytes());
        }
        for slot in quanta {
            let [spam, phish] = slot.unwrap_or([UNKNOWN, 0]);
            octets.extend([spam as u8, phish as u8]);
        }
        let sum = checksum(&octets);
        octets[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
        octets
    }
}

/// FNV-1a, taken over words of 8 octets, over all but the checksum itself. It finds damage, not forgery: whoever may
/// write the model file may write any model.
fn checksum(octets: &[u8]) -> u64 {
    let words = |octets: &[u8], sum: u64| {
        octets.chunks(8).fold(sum, |sum, chunk| {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
        })
    };
    words(&octets[CHECKSUM.end..], words(&octets[..CHECKSUM.start], 0xcbf2_9ce4_8422_2325))
}
