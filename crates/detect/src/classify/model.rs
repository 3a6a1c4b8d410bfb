//! The model file: quantised weights, used where they lie.
//!
//! Layout, little-endian (also in `docs/model.md`):
//!
//! | octets | what |
//! |---|---|
//! | 0..8 | `GPMODEL` and a zero octet |
//! | 8..10 | format, 2 |
//! | 10 | number of voices, at most 4 |
//! | 11 | zero |
//! | 12..16 | f32: length a message is brought to |
//! | 16..40 | f32 ×6: calibration (slope, shift) of the spam, the phish and the bulk head |
//! | 40..56 | u32 ×4: ham, spam, phish, bulk it was trained on |
//! | 56..64 | checksum over everything else |
//! | 64.. | per voice 32 octets: namespaces ([`Namespaces::bits`]), log2 of its slots, two zeros, f32 ×3 biases, f32 ×3 weights per quantum, four zeros |
//! | then | the voices' slots, three i8 each: spam, phish, bulk; spam −128 means "never learned" |
//!
//! Invariant: a [`Model`] that exists has been checked as a whole; scoring cannot fail.

use super::delta::Delta;
use super::evidence::{Evidence, Namespaces};
use super::feature::{BITS_MAX, BITS_MIN};
use super::learner::{Sums, VOICES_MAX, feature_value};
use super::{Label, Scores};
use mail::Message;
use std::cell::RefCell;
use std::path::Path;
use std::sync::{Arc, OnceLock};

const MAGIC: &[u8; 8] = b"GPMODEL\0";
const FORMAT: u16 = 2;
const HEAD_OCTETS: usize = 64;
const VOICE_OCTETS: usize = 32;
const SLOT_OCTETS: usize = 3;
const CHECKSUM: std::ops::Range<usize> = 56..64;
/// Spam weight of a slot that no training message had.
const UNKNOWN: i8 = i8::MIN;

static SHIPPED: &[u8] = include_bytes!("../../model/gatepost.model");
/// When the shipped model was trained, Unix milliseconds: 28 November 2026. A test asks for it anew when the file changes.
const SHIPPED_MS: i64 = 1_795_910_400_000;

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
    made_ms: Option<i64>,
}

enum Octets {
    Shipped(&'static [u8]),
    Loaded(Vec<u8>),
}

/// What a model file says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub length: f32,
    /// Of the spam, the phish and the bulk head.
    pub calibrations: [Calibration; 3],
    pub trained_on: Counts,
    pub voices: Vec<Voice>,
}

/// Calibrated log-odds are `slope × raw + shift`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    pub slope: f32,
    pub shift: f32,
}

/// One opinion: where it looks, and the scale of its weights per head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Voice {
    pub namespaces: Namespaces,
    /// log2 of the number of slots.
    pub bits: u32,
    pub biases: [f32; 3],
    pub quanta: [f32; 3],
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub ham: u32,
    pub spam: u32,
    pub phish: u32,
    pub bulk: u32,
}

impl Counts {
    pub fn add(&mut self, label: Label) {
        match label {
            Label::Ham => self.ham += 1,
            Label::Spam => self.spam += 1,
            Label::Phish => self.phish += 1,
            Label::Bulk => self.bulk += 1,
        }
    }
}

impl Calibration {
    pub fn apply(self, raw: f32) -> f32 {
        self.slope * raw + self.shift
    }
}

impl Model {
    /// The model this program was built with.
    pub fn built_in() -> Arc<Model> {
        static BUILT_IN: OnceLock<Arc<Model>> = OnceLock::new();
        let model = BUILT_IN.get_or_init(|| {
            let head = Head::read(SHIPPED).expect("the shipped model is whole: a test reads it");
            Arc::new(Model { octets: Octets::Shipped(SHIPPED), head, made_ms: Some(SHIPPED_MS) })
        });
        Arc::clone(model)
    }

    /// # Errors
    /// The file cannot be read, or is not a whole model of this format.
    pub fn load(path: &Path) -> Result<Model, ModelError> {
        let octets = std::fs::read(path).map_err(|source| ModelError::Read { path: path.display().to_string(), source })?;
        let written = std::fs::metadata(path).and_then(|facts| facts.modified()).ok();
        let since = written.and_then(|at| at.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
        let made_ms = since.and_then(|since| i64::try_from(since.as_millis()).ok());
        Ok(Model { made_ms, ..Model::from_octets(octets)? })
    }

    /// When it was trained, or its file written, Unix milliseconds; `None` when nothing says so. Mail changes: a model gets worse by itself.
    pub fn made_ms(&self) -> Option<i64> {
        self.made_ms
    }

    /// The same of that time.
    pub fn made_at(self, made_ms: i64) -> Model {
        Model { made_ms: Some(made_ms), ..self }
    }

    /// # Errors
    /// The octets are not a whole model of this format.
    pub fn from_octets(octets: Vec<u8>) -> Result<Model, ModelError> {
        let head = Head::read(&octets)?;
        Ok(Model { octets: Octets::Loaded(octets), head, made_ms: None })
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

    /// Everything the voices look at.
    pub fn namespaces(&self) -> Namespaces {
        self.head.namespaces()
    }

    pub fn score(&self, message: &Message) -> Scores {
        self.score_with(message, &[])
    }

    /// The model's opinion, moved by what an organisation and a person taught it.
    pub fn score_with(&self, message: &Message, deltas: &[&Delta]) -> Scores {
        EVIDENCE.with_borrow_mut(|evidence| {
            evidence.read(message, self.namespaces());
            self.score_evidence_with(evidence, deltas)
        })
    }

    pub fn score_evidence(&self, evidence: &Evidence) -> Scores {
        let weights = self.octets();
        let (mut sums, mut start) = (Sums::default(), self.head.octets_long());
        for voice in &self.head.voices {
            let long = SLOT_OCTETS << voice.bits;
            let found = voice.score(&weights[start..start + long], evidence, self.head.length);
            found.into_iter().enumerate().for_each(|(at, log_odds)| sums.add(at, log_odds));
            start += long;
        }
        let raw = sums.scores(self.head.voices.len());
        let [spam, phish, bulk] = self.head.calibrations;
        Scores {
            spam_log_odds: spam.apply(raw.spam_log_odds),
            phish_log_odds: phish.apply(raw.phish_log_odds),
            bulk_log_odds: bulk.apply(raw.bulk_log_odds),
        }
    }

    /// As [`Model::score_with`], of evidence that was read with at least this model's namespaces.
    pub fn score_evidence_with(&self, evidence: &Evidence, deltas: &[&Delta]) -> Scores {
        let mut scores = self.score_evidence(evidence);
        if deltas.iter().any(|delta| !delta.is_empty()) {
            let sketch = super::delta::Sketch::of(evidence);
            for delta in deltas {
                let moved = delta.score(&sketch);
                scores.spam_log_odds += moved.spam_log_odds;
                scores.phish_log_odds += moved.phish_log_odds;
                scores.bulk_log_odds += moved.bulk_log_odds;
            }
        }
        scores
    }
}

impl Voice {
    fn score(&self, weights: &[u8], evidence: &Evidence, length: f32) -> [f32; 3] {
        let (mut sums, mut known) = ([0i32; 3], 0usize);
        for feature in evidence.features(self.namespaces) {
            let at = (feature >> (32 - self.bits)) as usize * SLOT_OCTETS;
            let slot = &weights[at..at + SLOT_OCTETS];
            if slot[0] as i8 != UNKNOWN {
                for (sum, quanta) in sums.iter_mut().zip(slot) {
                    *sum += i32::from(*quanta as i8);
                }
                known += 1;
            }
        }
        let value = feature_value(length, known, evidence.len(self.namespaces));
        [0, 1, 2].map(|head| self.biases[head] + value * self.quanta[head] * sums[head] as f32)
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Model").field("head", &self.head).finish_non_exhaustive()
    }
}

thread_local! {
    /// Kept from mail to mail: scoring costs no allocation.
    static EVIDENCE: RefCell<Evidence> = RefCell::default();
}

impl Head {
    fn read(octets: &[u8]) -> Result<Head, ModelError> {
        let damaged = |what| ModelError::Damaged { what };
        let fixed: &[u8; HEAD_OCTETS] = octets.first_chunk().ok_or(ModelError::NotAModel)?;
        if !fixed.starts_with(MAGIC) {
            return Err(ModelError::NotAModel);
        }
        let found = u16::from_le_bytes([fixed[8], fixed[9]]);
        if found != FORMAT {
            return Err(ModelError::Format { found });
        }
        let voices = usize::from(fixed[10]);
        if !(1..=VOICES_MAX).contains(&voices) {
            return Err(damaged("the number of voices"));
        }
        let table = octets.get(HEAD_OCTETS..HEAD_OCTETS + voices * VOICE_OCTETS).ok_or(damaged("its length"))?;
        let voices = table.chunks_exact(VOICE_OCTETS).map(Voice::read).collect::<Option<Vec<Voice>>>().ok_or(damaged("a voice"))?;
        let calibration = |at| Calibration { slope: real(fixed, at), shift: real(fixed, at + 4) };
        let count = |at| real(fixed, at).to_bits();
        let head = Head {
            length: real(fixed, 12),
            calibrations: [16, 24, 32].map(calibration),
            trained_on: Counts { ham: count(40), spam: count(44), phish: count(48), bulk: count(52) },
            voices,
        };
        if octets.len() != head.octets_long() + head.voices.iter().map(|voice| SLOT_OCTETS << voice.bits).sum::<usize>() {
            return Err(damaged("its length"));
        }
        if fixed[CHECKSUM] != checksum(octets).to_le_bytes() {
            return Err(damaged("its checksum"));
        }
        if !head.reals().all(f32::is_finite) {
            return Err(damaged("its scale"));
        }
        Ok(head)
    }

    fn namespaces(&self) -> Namespaces {
        self.voices.iter().fold(self.voices[0].namespaces, |all, voice| all.and(voice.namespaces))
    }

    fn octets_long(&self) -> usize {
        HEAD_OCTETS + self.voices.len() * VOICE_OCTETS
    }

    /// Every number of the file that scoring multiplies with, in its order.
    fn reals(&self) -> impl Iterator<Item = f32> + '_ {
        let calibrations = self.calibrations.iter().flat_map(|one| [one.slope, one.shift]);
        let scales = self.voices.iter().flat_map(|voice| voice.biases.into_iter().chain(voice.quanta));
        std::iter::once(self.length).chain(calibrations).chain(scales)
    }

    /// The model file for these weights, in quanta per slot, the voices' one after the other.
    pub(super) fn with_weights(&self, quanta: impl Iterator<Item = Option<[i8; 3]>>) -> Vec<u8> {
        let mut octets = vec![0; HEAD_OCTETS];
        octets[..8].copy_from_slice(MAGIC);
        octets[8..10].copy_from_slice(&FORMAT.to_le_bytes());
        octets[10] = self.voices.len() as u8;
        for (at, real) in (12..40).step_by(4).zip(self.reals()) {
            octets[at..at + 4].copy_from_slice(&real.to_le_bytes());
        }
        let Counts { ham, spam, phish, bulk } = self.trained_on;
        for (at, count) in (40..).step_by(4).zip([ham, spam, phish, bulk]) {
            octets[at..at + 4].copy_from_slice(&count.to_le_bytes());
        }
        for voice in &self.voices {
            octets.extend([voice.namespaces.bits(), voice.bits as u8, 0, 0]);
            octets.extend(voice.biases.into_iter().chain(voice.quanta).flat_map(f32::to_le_bytes));
            octets.extend([0; 4]);
        }
        for slot in quanta {
            octets.extend(slot.unwrap_or([UNKNOWN, 0, 0]).map(|quanta| quanta as u8));
        }
        let sum = checksum(&octets);
        octets[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
        octets
    }
}

impl Voice {
    fn read(octets: &[u8]) -> Option<Voice> {
        let bits = u32::from(octets[1]);
        let namespaces = Namespaces::from_bits(octets[0]).filter(|_| (BITS_MIN..=BITS_MAX).contains(&bits))?;
        let reals = |first: usize| [0, 1, 2].map(|at| real(octets, first + 4 * at));
        Some(Voice { namespaces, bits, biases: reals(4), quanta: reals(16) })
    }
}

fn real(octets: &[u8], at: usize) -> f32 {
    f32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
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
