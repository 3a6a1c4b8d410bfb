//! What is known of one name, how it fades, and what it says about a mail.

use super::{Kind, Outcome};
use detect::Finding;
use detect::acquaintance::{Familiarity, Volume};
use detect::connection::{REPUTATION_BAD, REPUTATION_GOOD};
use std::sync::Arc;

/// A mail counts half as much after this long.
const HALF_LIFE_MS: f64 = 30.0 * 24.0 * 60.0 * 60.0 * 1_000.0;
/// 2026-01-01 00:00 UTC. Sums are kept as they would have been worth then: a note made at time t weighs 2^((t - then) / half-life),
/// so adding needs no reading, and dividing by today's weight gives today's value. A double holds this for centuries.
const THEN_MS: i64 = 1_767_225_600_000;
/// Half-lives that are told apart; a clock that is far off does no harm beyond it.
const HALF_LIVES_MAX: f64 = 900.0;
/// Mails that must be known before an opinion has half its weight.
const DOUBT: f64 = 5.0;
/// Counted to both sides, so that few mails give no strong opinion.
const PRIOR: f64 = 0.5;
/// Fewer mails than this say nothing.
const COUNT_MIN: f64 = 2.0;

/// How many mails of a name were good and bad. In memory and table as worth at [`THEN_MS`]; after [`Standing::at`] as worth now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    pub good: f64,
    pub bad: f64,
    /// Unix milliseconds; 0 when it was never heard of.
    pub first_ms: i64,
    pub last_ms: i64,
}

impl Standing {
    pub(super) fn noted(outcome: Outcome, times: f64, now_ms: i64) -> Standing {
        let worth = times * weight(now_ms);
        let (good, bad) = match outcome {
            Outcome::Good => (worth, 0.0),
            Outcome::Bad => (0.0, worth),
        };
        Standing { good, bad, first_ms: now_ms, last_ms: now_ms }
    }

    pub(super) fn and(self, more: Standing) -> Standing {
        let first_ms = if self.first_ms == 0 { more.first_ms } else { self.first_ms.min(more.first_ms) };
        Standing { good: self.good + more.good, bad: self.bad + more.bad, first_ms, last_ms: self.last_ms.max(more.last_ms) }
    }

    /// As worth at this time.
    pub(super) fn at(self, now_ms: i64) -> Standing {
        let weight = weight(now_ms);
        Standing { good: self.good / weight, bad: self.bad / weight, ..self }
    }

    /// Change of the log-odds of spam, at most `limit` either way. Of a standing that was brought to now.
    fn opinion(&self, limit: f64) -> f64 {
        let count = self.good + self.bad;
        if count < COUNT_MIN {
            return 0.0;
        }
        let odds = ((self.bad + PRIOR) / (self.good + PRIOR)).ln();
        (odds * count / (count + DOUBT)).clamp(-limit, limit)
    }
}

fn weight(now_ms: i64) -> f64 {
    ((now_ms - THEN_MS) as f64 / HALF_LIFE_MS).clamp(-HALF_LIVES_MAX, HALF_LIVES_MAX).exp2()
}

/// What is known of all behind one mail.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub standings: Vec<(Kind, Arc<str>, Standing)>,
    /// The database answered in time.
    pub is_complete: bool,
}

impl Known {
    /// One finding a name that says something.
    pub fn findings(&self) -> Vec<Finding> {
        let told = self.standings.iter().filter_map(|(kind, name, standing)| {
            let opinion = standing.opinion(limit(*kind)) as f32;
            let check = if opinion > 0.0 { REPUTATION_BAD } else { REPUTATION_GOOD };
            let counts = format!("{name} ({}): {:.0} wanted, {:.0} unwanted", kind.name(), standing.good, standing.bad);
            (opinion.abs() >= OPINION_MIN).then(|| Finding::new(check, detect::Kind::Spam, opinion, counts))
        });
        told.collect()
    }

    /// How well the name of this kind is known; `Unknown` when there is none or the database did not say.
    pub fn familiarity(&self, wanted: Kind) -> Familiarity {
        match self.standings.iter().find(|(kind, _, _)| *kind == wanted) {
            None => Familiarity::Unknown,
            Some((_, _, standing)) if standing.first_ms == 0 && self.is_complete => Familiarity::New,
            Some((_, _, standing)) if standing.first_ms == 0 => Familiarity::Unknown,
            // Only wanted mail makes a friend.
            Some((_, _, Standing { good, first_ms, last_ms, .. })) => {
                Familiarity::Seen { mails: *good as u32, first_ms: *first_ms, last_ms: *last_ms }
            }
        }
    }

    /// What is known of the domain as a sender to many, over the time in which mails count.
    pub fn volume(&self) -> Volume {
        let of = |wanted: Kind| self.standings.iter().find(|(kind, _, _)| *kind == wanted).map(|(_, _, standing)| standing);
        let count = |count: f64| count.round() as u32;
        match (of(Kind::Domain), of(Kind::Word)) {
            (Some(domain), Some(word)) if self.is_complete => {
                Volume { mails: Some(count(domain.good + domain.bad)), complaints: Some(count(word.bad)), wanted: Some(count(word.good)) }
            }
            _ => Volume::default(),
        }
    }

    /// Wanted mail came from somebody behind this one.
    pub fn is_trusted(&self) -> bool {
        self.standings.iter().any(|(_, _, standing)| standing.opinion(1.0) < -OPINION_MIN as f64)
    }
}

/// Opinions weaker than this are not worth a line.
const OPINION_MIN: f32 = 0.2;

/// An address is shared by many; a person is one.
fn limit(kind: Kind) -> f64 {
    match kind {
        Kind::Address => 1.0,
        Kind::Signer => 1.0,
        Kind::Domain => 1.5,
        Kind::Author => 2.0,
        // It is part of the domain's standing already.
        Kind::Word | Kind::Correspondent => 0.0,
    }
}
