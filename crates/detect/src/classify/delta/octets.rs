//! A delta as octets and back. The weights are not kept: they follow from the reports.
//!
//! Little-endian: `GPDELTA` and the format (3), u32 ×2 limits, u64 ages, u32 number of reports; each report: 16 octets digest,
//! u8 number of words, each word 16 octets reporter, label, u64 age; f32 ×3 what the model thought, u16 number of features,
//! u32 each. Then u32 number of usual mails, each as [`Usual::to_octets`] says. Formats 1 and 2 are read too: 2 has no usual
//! mails, 1 in addition one word a report and no number of words.

use super::sketch::{FEATURES_MAX, Sketch};
use super::usual::{USUAL_MAX, Usual};
use super::{Delta, Digest, Limits, Report, WORDS_MAX, Word};
use crate::classify::Label;

const MAGIC: &[u8; 7] = b"GPDELTA";
const FORMAT: u8 = 3;
/// The one before: of reports alone.
const FORMAT_OF_REPORTS: u8 = 2;
/// The first: each message had the word of one reporter only.
const FORMAT_OF_ONE_WORD: u8 = 1;
/// Most reports a delta may be made for; what claims more is damaged.
const REPORTS_MAX: usize = 10_000;
const LABELS: [Label; 4] = [Label::Ham, Label::Spam, Label::Phish, Label::Bulk];

/// Why octets are not a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    #[error("this is not a delta of this version")]
    NotADelta,
    #[error("the delta is damaged ({what}); it can be built again from the reports")]
    Damaged { what: &'static str },
}

impl Delta {
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = MAGIC.to_vec();
        octets.push(FORMAT);
        for limit in [self.limits.reports_max, self.limits.reporter_max] {
            octets.extend((limit.min(REPORTS_MAX) as u32).to_le_bytes());
        }
        octets.extend(self.ages.to_le_bytes());
        octets.extend((self.reports.len() as u32).to_le_bytes());
        for (message, report) in &self.reports {
            octets.extend(message);
            octets.push(report.words.len() as u8); // at most WORDS_MAX
            for word in &report.words {
                octets.extend(word.reporter);
                octets.push(LABELS.iter().position(|label| *label == word.label).unwrap_or(0) as u8);
                octets.extend(word.age.to_le_bytes());
            }
            write_opinion(&report.before, &report.sketch, &mut octets);
        }
        octets.extend((self.usual.len() as u32).to_le_bytes());
        self.usual.iter().for_each(|usual| usual.write(&mut octets));
        octets
    }

    /// # Errors
    /// The octets are not a whole delta of this version.
    pub fn from_octets(octets: &[u8]) -> Result<Delta, DeltaError> {
        let damaged = |what| DeltaError::Damaged { what };
        let mut rest = Rest(octets.strip_prefix(MAGIC).ok_or(DeltaError::NotADelta)?);
        let [format] = rest.take().ok_or(DeltaError::NotADelta)?;
        if !(FORMAT_OF_ONE_WORD..=FORMAT).contains(&format) {
            return Err(DeltaError::NotADelta);
        }
        let mut limit = || Some(u32::from_le_bytes(rest.take()?) as usize).filter(|limit| *limit <= REPORTS_MAX);
        let limits = Limits { reports_max: limit().ok_or(damaged("its limits"))?, reporter_max: limit().ok_or(damaged("its limits"))? };
        let mut delta = Delta::new(limits);
        delta.ages = rest.take().map(u64::from_le_bytes).ok_or(damaged("its length"))?;
        let count = rest.take().map(u32::from_le_bytes).ok_or(damaged("its length"))? as usize;
        if count > limits.reports_max {
            return Err(damaged("the number of its reports"));
        }
        for _ in 0..count {
            let (message, report) = rest.report(format).ok_or(damaged("a report"))?;
            delta.reports.insert(message, report);
        }
        if format > FORMAT_OF_REPORTS {
            let count = rest.take().map(u32::from_le_bytes).ok_or(damaged("its length"))? as usize;
            if count > USUAL_MAX {
                return Err(damaged("the number of usual mails"));
            }
            delta.usual = (0..count).map(|_| rest.usual()).collect::<Option<Vec<Usual>>>().ok_or(damaged("a usual mail"))?;
        }
        if !rest.0.is_empty() || delta.reports.len() != count {
            return Err(damaged("its length"));
        }
        delta.fit();
        Ok(delta)
    }
}

/// What the model thought of a message, and its sketch.
pub(super) fn write_opinion(before: &[f32; 3], sketch: &Sketch, octets: &mut Vec<u8>) {
    octets.extend(before.iter().flat_map(|log_odds| log_odds.to_le_bytes()));
    octets.extend((sketch.features().len() as u16).to_le_bytes()); // at most FEATURES_MAX
    octets.extend(sketch.features().iter().flat_map(|feature| feature.to_le_bytes()));
}

/// What has not been read yet.
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl Rest<'_> {
    fn take<const LONG: usize>(&mut self) -> Option<[u8; LONG]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn report(&mut self, format: u8) -> Option<(Digest, Report)> {
        let message = self.take()?;
        let count = if format == FORMAT_OF_ONE_WORD { 1 } else { usize::from(self.take::<1>()?[0]) };
        if !(1..=WORDS_MAX).contains(&count) {
            return None;
        }
        let words = (0..count).map(|_| self.word()).collect::<Option<Vec<Word>>>()?;
        let (before, sketch) = self.opinion()?;
        Some((message, Report { words, before, sketch }))
    }

    pub(super) fn usual(&mut self) -> Option<Usual> {
        let message = self.take()?;
        let (before, sketch) = self.opinion()?;
        Some(Usual { message, before, sketch })
    }

    fn opinion(&mut self) -> Option<([f32; 3], Sketch)> {
        let mut before = [0.0; 3];
        for log_odds in &mut before {
            *log_odds = super::finite(f32::from_le_bytes(self.take()?));
        }
        let count = usize::from(u16::from_le_bytes(self.take()?));
        if count > FEATURES_MAX {
            return None;
        }
        let features = (0..count).map(|_| self.take().map(u32::from_le_bytes)).collect::<Option<Vec<u32>>>()?;
        Some((before, Sketch::from_features(features)))
    }

    fn word(&mut self) -> Option<Word> {
        let reporter = self.take()?;
        let label = *LABELS.get(usize::from(self.take::<1>()?[0]))?;
        Some(Word { reporter, label, age: u64::from_le_bytes(self.take()?) })
    }
}
