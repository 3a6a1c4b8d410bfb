//! A delta as octets and back. The weights are not kept: they follow from the reports.
//!
//! Little-endian: `GPDELTA` and the format (1), u32 ×2 limits, u64 ages, u32 number of reports; each report: 16 octets digest,
//! 16 octets reporter, label, u64 age, f32 ×3 what the model thought, u16 number of features, u32 each.

use super::sketch::{FEATURES_MAX, Sketch};
use super::{Delta, Digest, Limits, Report};
use crate::classify::Label;

const MAGIC: &[u8; 8] = b"GPDELTA\x01";
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
        for limit in [self.limits.reports_max, self.limits.reporter_max] {
            octets.extend((limit.min(REPORTS_MAX) as u32).to_le_bytes());
        }
        octets.extend(self.ages.to_le_bytes());
        octets.extend((self.reports.len() as u32).to_le_bytes());
        for (message, report) in &self.reports {
            octets.extend(message);
            octets.extend(report.reporter);
            octets.push(LABELS.iter().position(|label| *label == report.label).unwrap_or(0) as u8);
            octets.extend(report.age.to_le_bytes());
            octets.extend(report.before.iter().flat_map(|log_odds| log_odds.to_le_bytes()));
            octets.extend((report.sketch.features().len() as u16).to_le_bytes());
            octets.extend(report.sketch.features().iter().flat_map(|feature| feature.to_le_bytes()));
        }
        octets
    }

    /// # Errors
    /// The octets are not a whole delta of this version.
    pub fn from_octets(octets: &[u8]) -> Result<Delta, DeltaError> {
        let damaged = |what| DeltaError::Damaged { what };
        let mut rest = Rest(octets.strip_prefix(MAGIC).ok_or(DeltaError::NotADelta)?);
        let mut limit = || Some(u32::from_le_bytes(rest.take()?) as usize).filter(|limit| *limit <= REPORTS_MAX);
        let limits = Limits { reports_max: limit().ok_or(damaged("its limits"))?, reporter_max: limit().ok_or(damaged("its limits"))? };
        let mut delta = Delta::new(limits);
        delta.ages = rest.take().map(u64::from_le_bytes).ok_or(damaged("its length"))?;
        let count = rest.take().map(u32::from_le_bytes).ok_or(damaged("its length"))? as usize;
        if count > limits.reports_max {
            return Err(damaged("the number of its reports"));
        }
        for _ in 0..count {
            let (message, report) = rest.report().ok_or(damaged("a report"))?;
            delta.reports.insert(message, report);
        }
        if !rest.0.is_empty() || delta.reports.len() != count {
            return Err(damaged("its length"));
        }
        delta.fit();
        Ok(delta)
    }
}

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const LONG: usize>(&mut self) -> Option<[u8; LONG]> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*first)
    }

    fn report(&mut self) -> Option<(Digest, Report)> {
        let message = self.take()?;
        let reporter = self.take()?;
        let label = *LABELS.get(usize::from(self.take::<1>()?[0]))?;
        let age = u64::from_le_bytes(self.take()?);
        let mut before = [0.0; 3];
        for log_odds in &mut before {
            *log_odds = super::finite(f32::from_le_bytes(self.take()?));
        }
        let count = usize::from(u16::from_le_bytes(self.take()?));
        if count > FEATURES_MAX {
            return None;
        }
        let features = (0..count).map(|_| self.take().map(u32::from_le_bytes)).collect::<Option<Vec<u32>>>()?;
        Some((message, Report { reporter, label, age, before, sketch: Sketch::from_features(features) }))
    }
}
