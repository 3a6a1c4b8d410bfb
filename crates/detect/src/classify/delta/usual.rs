//! Mail that nobody spoke of: what is usual here.
//!
//! People report what annoys them and say nothing of the rest. Taught by such reports alone, a delta would take what junk has in
//! common with all mail of the place for a sign of junk. So it is shown some of the mail that came, without any word about it:
//! that mail is to stay where the model put it, whatever the reports do. It teaches nothing by itself (no opinion feeds on its
//! own), and its whole weight is at most that of the reports. Not here: which mail is shown (`gateway::feedback::usual`).

use super::octets::Rest;
use super::{Digest, Reading, Sketch};

/// Mails that are kept to be shown.
pub const USUAL_MAX: usize = 288;
/// A delta is shown a mail for each so many reports it may hold.
const REPORTS_EACH: usize = 4;

/// One mail nobody spoke of.
#[derive(Debug, Clone, PartialEq)]
pub struct Usual {
    pub(super) message: Digest,
    /// What the shipped model thought, per head.
    pub(super) before: [f32; 3],
    pub(super) sketch: Sketch,
}

impl Usual {
    pub fn of(reading: &Reading) -> Usual {
        Usual { message: reading.message, before: super::heads(reading.before), sketch: Sketch::of(&reading.evidence) }
    }

    /// 16 octets digest, f32 ×3 what the model thought, u16 number of features, u32 each; little-endian.
    pub fn to_octets(&self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.write(&mut octets);
        octets
    }

    /// `None` if the octets are not one such mail and nothing else.
    pub fn from_octets(octets: &[u8]) -> Option<Usual> {
        let mut rest = Rest(octets);
        rest.usual().filter(|_| rest.0.is_empty())
    }

    pub(super) fn write(&self, octets: &mut Vec<u8>) {
        octets.extend(self.message);
        super::octets::write_opinion(&self.before, &self.sketch, octets);
    }
}

/// Of a pool in the order of time, as many as go with a delta that may hold this number of reports, spread evenly.
pub(super) fn chosen(pool: &[Usual], reports_max: usize) -> Vec<Usual> {
    let count = (reports_max / REPORTS_EACH).min(USUAL_MAX).min(pool.len());
    (0..count).map(|at| pool[at * pool.len() / count].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(number: u8) -> Usual {
        Usual { message: [number; 16], before: [-3.0, -6.0, 0.5], sketch: Sketch::from_features(vec![u32::from(number), 7, 900]) }
    }

    #[test]
    fn some_of_the_pool_spread_over_it() {
        let pool: Vec<Usual> = (0..200).map(mail).collect();
        for (reports_max, want) in [(0, 0), (3, 0), (200, 50), (1_000, 200)] {
            let chosen = chosen(&pool, reports_max);
            assert_eq!(chosen.len(), want, "{reports_max}");
            let ends = chosen.first().zip(chosen.last()).map(|(first, last)| (first.message[0], last.message[0]));
            assert!(ends.is_none_or(|(first, last)| first == 0 && last >= 196), "from the oldest to about the newest: {ends:?}");
        }
        assert!(chosen(&[], 1_000).is_empty());
    }

    #[test]
    fn octets_hold_it_and_nothing_else_is_taken_for_it() {
        let octets = mail(9).to_octets();
        assert_eq!(Usual::from_octets(&octets), Some(mail(9)));
        assert!((0..octets.len()).all(|long| Usual::from_octets(&octets[..long]).is_none()));
        assert_eq!(Usual::from_octets(&[octets, vec![0]].concat()), None);
    }
}
