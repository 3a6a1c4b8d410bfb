//! What follows from a set of reports: weights, what is held back, and how far the whole is believed.
//!
//! Invariant: a function of the reports, in the order of their digests, and of what is usual. Nothing is carried from one fit to
//! the next, so a word that is taken back leaves nothing. To know what a report is worth, it is asked what *the rest* says of
//! its message: weights learned without it and without whatever else its reporter said (cross-fitting, in [`FOLDS`] parts).
//! Nobody vouches for himself. Rules and figures of doubt and trust are those of the online learner. Mail that nobody spoke of
//! ([`usual`](super::usual)) pulls what moves it back to where the model put it.

use super::{Digest, Report, Sketch, Usual};
use crate::classify::doubt::{CONTRADICTIONS_MAX, contradicts};
use crate::classify::learner::{HEADS, Head};
use crate::classify::trust::loss;
use crate::classify::{Label, probability};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Rounds over all reports when fitting.
const ROUNDS: usize = 8;
/// Rounds when asking what the rest says: its direction is what counts.
const ROUNDS_OF_REST: usize = 4;
/// Parts the reports are divided into; what is said of one comes from the others.
const FOLDS: usize = 4;
/// First step of a weight; later ones are shorter by the root of the sum of squares (AdaGrad).
const RATE: f32 = 0.4;
const GRADIENT_FLOOR: f32 = 0.02;
/// A report is content once its message has this many log-odds on the right side (0.95).
const CONTENT_LOG_ODDS: f32 = 3.0;
/// With fewer reports nobody can say what is usual.
const DOUBTED_FROM: usize = 100;
/// Where more than this share contradict, they are no slips: people report what is judged wrongly, and the judgement is at fault.
const SLIPS_MAX: f32 = 0.2;
/// Reports that the belief before any counts for.
const FIRST_COUNT: f32 = 20.0;
const FIRST_LOSS: f32 = 0.3;
/// Who shares this much of his sketch with a mail that was spoken of is a copy of it, and not usual: a campaign that only some
/// report must not stand up for itself. Two letters with the same long footer share less.
const ALIKE_SHARE: f32 = 0.8;
/// A usual mail counts as no more than a report: earlier issues of a newsletter that is reported today are among them.
const IMPORTANCE_MAX: f32 = 1.0;

/// What a delta's reports taught.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taught {
    /// Per feature: spam, phish, bulk.
    pub(super) weights: HashMap<u32, [f32; 3], Mixing>,
    /// How far it is believed, 0 to 1: 1 unless mail it did not learn from would be judged worse with it than without.
    pub(super) share: f32,
    /// In order.
    held_back: Vec<Digest>,
}

impl Default for Taught {
    fn default() -> Taught {
        Taught { weights: HashMap::default(), share: 1.0, held_back: Vec::new() }
    }
}

impl Taught {
    pub(super) fn by(reports: &BTreeMap<Digest, Report>, usual: &[Usual]) -> Taught {
        let lessons = Lessons::of(reports, usual);
        let rest = lessons.rest();
        let held: Vec<bool> = lessons.doubted(&rest);
        let weights = lessons.learned(ROUNDS, |at| !held[at]);
        let known = lessons.features.iter().zip(weights).filter(|(_, weights)| *weights != [0.0; 3]);
        Taught {
            weights: known.map(|(feature, weights)| (*feature, weights)).collect(),
            share: lessons.earned(&rest, &held),
            held_back: lessons.rows.iter().zip(&held).filter(|(_, held)| **held).map(|(row, _)| row.message).collect(),
        }
    }

    /// The sum of a message's weights, brought to one length as in the model, as far as it is believed.
    pub(super) fn moved(&self, sketch: &Sketch) -> [f32; 3] {
        let mut sums = [0.0; 3];
        for weight in sketch.features().iter().filter_map(|feature| self.weights.get(feature)) {
            for (sum, weight) in sums.iter_mut().zip(weight) {
                *sum += weight;
            }
        }
        sums.map(|sum: f32| sum * sketch.value() * self.share)
    }

    pub(super) fn is_held_back(&self, message: &Digest) -> bool {
        self.held_back.binary_search(message).is_ok()
    }
}

/// Reports and usual mails with their features numbered from 0.
struct Lessons {
    rows: Vec<Row>,
    usual: Vec<Placed>,
    features: Vec<u32>,
}

/// A report.
struct Row {
    message: Digest,
    label: Label,
    /// More than one reporter said so.
    is_seconded: bool,
    fold: usize,
    mail: Placed,
}

/// A message.
struct Placed {
    before: [f32; 3],
    /// Places in the list of features.
    places: Vec<u32>,
    value: f32,
}

/// Numbers features as they come in reports.
#[derive(Default)]
struct Places {
    known: HashMap<u32, u32, Mixing>,
    features: Vec<u32>,
}

impl Places {
    fn place(&mut self, before: [f32; 3], sketch: &Sketch) -> Placed {
        let Places { known, features } = self;
        let place = |feature: &u32| {
            *known.entry(*feature).or_insert_with(|| {
                features.push(*feature);
                features.len() as u32 - 1
            })
        };
        Placed { before, places: sketch.features().iter().map(place).collect(), value: sketch.value() }
    }

    /// Only with the features that a report has: no others move anything.
    fn known(&self, before: [f32; 3], sketch: &Sketch) -> Placed {
        let places = sketch.features().iter().filter_map(|feature| self.known.get(feature).copied()).collect();
        Placed { before, places, value: sketch.value() }
    }
}

impl Lessons {
    fn of(reports: &BTreeMap<Digest, Report>, usual: &[Usual]) -> Lessons {
        let standing = reports.iter().filter_map(|(message, report)| report.standing().map(|word| (message, report, word)));
        let reporters: BTreeSet<Digest> = standing.clone().map(|(_, _, word)| word.reporter).collect();
        let reporters: Vec<Digest> = reporters.into_iter().collect();
        let mut places = Places::default();
        let mut rows = Vec::with_capacity(reports.len());
        for (at, (message, report, word)) in standing.enumerate() {
            // All that one person said is one part; who is alone is parted by message.
            let part = if reporters.len() > 1 { reporters.binary_search(&word.reporter).unwrap_or_default() } else { at };
            rows.push(Row {
                message: *message,
                label: word.label,
                is_seconded: report.words.iter().filter(|other| other.label == word.label).count() > 1,
                fold: part % FOLDS,
                mail: places.place(report.before, &report.sketch),
            });
        }
        let usual = usual.iter().map(|usual| (usual, places.known(usual.before, &usual.sketch)));
        let usual = unlike(usual, &rows, places.features.len());
        Lessons { rows, usual, features: places.features }
    }

    /// The weights that these reports ask for, from nothing; between them the usual mails, evenly, together at most as heavy.
    fn learned(&self, rounds: usize, counts: impl Fn(usize) -> bool) -> Vec<[f32; 3]> {
        let mut weights = Weights::new(self.features.len());
        let importance = (self.rows.len() as f32 / self.usual.len().max(1) as f32).min(IMPORTANCE_MAX);
        for _ in 0..rounds {
            let (mut is_content, mut shown) = (true, 0);
            for (at, row) in self.rows.iter().enumerate() {
                if counts(at) {
                    is_content &= !weights.step(&row.mail, row.gradients(row.mail.moved(&weights.sums)));
                }
                let due = (at + 1) * self.usual.len() / self.rows.len();
                for usual in &self.usual[shown..due] {
                    weights.step(usual, usual.moved_back(usual.moved(&weights.sums)).map(|gradient| gradient * importance));
                }
                shown = due;
            }
            if is_content {
                break;
            }
        }
        weights.sums
    }

    /// By how much the rest moves the message of each report: what others said of its like.
    fn rest(&self) -> Vec<[f32; 3]> {
        let mut rest = vec![[0.0; 3]; self.rows.len()];
        for fold in 0..FOLDS {
            let is_mixed = self.rows.iter().any(|row| row.fold == fold) && self.rows.iter().any(|row| row.fold != fold);
            if !is_mixed {
                continue;
            }
            let weights = self.learned(ROUNDS_OF_REST, |at| self.rows[at].fold != fold);
            for (rest, row) in rest.iter_mut().zip(&self.rows).filter(|(_, row)| row.fold == fold) {
                *rest = row.mail.moved(&weights);
            }
        }
        rest
    }

    /// Which reports are held back: those that the rest speaks against firmly; and, where a few among many contradict
    /// what is thought with the rest, these few. What a second person said too is never doubted.
    fn doubted(&self, rest: &[[f32; 3]]) -> Vec<bool> {
        let opinion = |(row, rest): (&Row, &[f32; 3])| contradicts(row.mail.before[SPAM] + rest[SPAM], row.label);
        let contradicting: Vec<bool> = self.rows.iter().zip(rest).map(opinion).collect();
        let count = contradicting.iter().filter(|contradicts| **contradicts).count();
        let share = count as f32 / self.rows.len().max(1) as f32;
        let are_slips = self.rows.len() >= DOUBTED_FROM && share > CONTRADICTIONS_MAX && share < SLIPS_MAX;
        let of_row = |((row, rest), contradicting): ((&Row, &[f32; 3]), bool)| {
            !row.is_seconded && contradicting && (are_slips || contradicts(rest[SPAM], row.label))
        };
        self.rows.iter().zip(rest).zip(contradicting).map(of_row).collect()
    }

    /// How far what was taught is believed: whole, unless with it the loss on what it was not taught is higher than without.
    fn earned(&self, rest: &[[f32; 3]], held: &[bool]) -> f32 {
        let (mut without, mut with) = (FIRST_COUNT * FIRST_LOSS, FIRST_COUNT * FIRST_LOSS);
        for (row, rest) in self.rows.iter().zip(rest).zip(held).filter(|(_, held)| !**held).map(|(pair, _)| pair) {
            without += loss(row.mail.before[SPAM], row.label);
            with += loss(row.mail.before[SPAM] + rest[SPAM], row.label);
        }
        (without / with).min(1.0)
    }
}

/// The head doubt and trust go by: what is phish is spam to it too.
const SPAM: usize = Head::Spam as usize;

/// The usual mails that nobody spoke of, nor of their kind.
fn unlike<'a>(usual: impl Iterator<Item = (&'a Usual, Placed)>, rows: &[Row], features: usize) -> Vec<Placed> {
    let mut holders: Vec<Vec<u32>> = vec![Vec::new(); features];
    for (at, row) in rows.iter().enumerate() {
        row.mail.places.iter().for_each(|place| holders[*place as usize].push(at as u32));
    }
    let mut shared = vec![0u32; rows.len()];
    let is_unlike = |(usual, mail): &(&Usual, Placed)| {
        shared.fill(0);
        mail.places.iter().flat_map(|place| &holders[*place as usize]).for_each(|row| shared[*row as usize] += 1);
        let most = shared.iter().max().copied().unwrap_or(0);
        (most as f32) < ALIKE_SHARE * usual.sketch.features().len().max(1) as f32
    };
    usual.filter(is_unlike).map(|(_, mail)| mail).collect()
}

/// Weights while they are learned.
struct Weights {
    sums: Vec<[f32; 3]>,
    squares: Vec<[f32; 3]>,
}

impl Weights {
    fn new(long: usize) -> Weights {
        Weights { sums: vec![[0.0; 3]; long], squares: vec![[0.0; 3]; long] }
    }

    /// A step against these gradients; `false` when there is none to take.
    fn step(&mut self, mail: &Placed, gradients: [f32; 3]) -> bool {
        if gradients == [0.0; 3] {
            return false;
        }
        for place in &mail.places {
            let (sums, squares) = (&mut self.sums[*place as usize], &mut self.squares[*place as usize]);
            for head in 0..3 {
                squares[head] += gradients[head] * gradients[head];
                sums[head] -= RATE * gradients[head] / (squares[head].sqrt() + GRADIENT_FLOOR);
            }
        }
        true
    }
}

impl Placed {
    fn moved(&self, weights: &[[f32; 3]]) -> [f32; 3] {
        let mut sums = [0.0; 3];
        for place in &self.places {
            for (sum, weight) in sums.iter_mut().zip(&weights[*place as usize]) {
                *sum += weight;
            }
        }
        sums.map(|sum: f32| sum * self.value)
    }

    /// The way back to what the model thought, as far as the opinion changed.
    fn moved_back(&self, moved: [f32; 3]) -> [f32; 3] {
        let mut gradients = [0.0; 3];
        for (at, gradient) in gradients.iter_mut().enumerate() {
            *gradient = (probability(self.before[at] + moved[at]) - probability(self.before[at])) * self.value;
        }
        gradients
    }
}

impl Row {
    /// Where each head is wrong about this message, and by how much; 0 where it is right enough.
    fn gradients(&self, moved: [f32; 3]) -> [f32; 3] {
        let mut gradients = [0.0; 3];
        for (at, head) in HEADS.into_iter().enumerate() {
            let score = self.mail.before[at] + moved[at];
            gradients[at] = match head.truth(self.label) {
                Some((true, share)) if score < CONTENT_LOG_ODDS => share * (probability(score) - 1.0),
                Some((false, share)) if score > -CONTENT_LOG_ODDS && (head == Head::Spam || score > 0.0) => share * probability(score),
                _ => 0.0,
            } * self.mail.value;
        }
        gradients
    }
}

/// Features are hashes already: one multiplication spreads them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mixer(u64);

pub(super) type Mixing = BuildHasherDefault<Mixer>;

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        octets.iter().for_each(|octet| self.write_u32(u32::from(*octet)));
    }

    fn write_u32(&mut self, feature: u32) {
        self.0 = (self.0 ^ u64::from(feature)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 ^= self.0 >> 32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_judges_other_mail_worse_is_believed_less() {
        for (before, rest, want, why) in [
            (2.0, 0.0, 1.0..=1.0, "nothing was taught about it"),
            (-2.0, 4.0, 1.0..=1.0, "it judges better than the model"),
            (2.0, -4.0, 0.1..=0.5, "it judges worse"),
            (2.0, -1.0, 0.5..=0.9, "a little worse"),
        ] {
            let row = |label: Label| Row {
                message: [0; 16],
                label,
                is_seconded: false,
                fold: 0,
                mail: Placed { before: [if label == Label::Spam { before } else { -before }, 0.0, 0.0], places: Vec::new(), value: 1.0 },
            };
            let rows: Vec<Row> = (0..60).map(|at| row(if at % 2 == 0 { Label::Spam } else { Label::Ham })).collect();
            let rest: Vec<[f32; 3]> = (0..60).map(|at| [if at % 2 == 0 { rest } else { -rest }, 0.0, 0.0]).collect();
            let lessons = Lessons { rows, usual: Vec::new(), features: Vec::new() };
            let earned = lessons.earned(&rest, &[false; 60]);
            assert!(want.contains(&earned), "{why}: {earned}");
            assert_eq!(lessons.earned(&rest, &[true; 60]), 1.0, "what is held back is no measure");
        }
    }
}
