//! What the organisation knows about the sender of one mail before it is judged.
//!
//! In: facts that the gateway keeps (who wrote before, which threads there are, how much a sender sends). Out: an
//! [`Acquaintance`] for inspections. Invariant: what nobody looked up is `Unknown` and changes no finding. Not here: keeping
//! those facts.

use crate::classify::Delta;
use crate::impersonation::correspondent::Correspondents;
use std::sync::Arc;

/// One mail's sender, as this organisation knows them. The default is that nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Acquaintance {
    /// The exact address of From.
    pub address: Familiarity,
    /// The organisational domain of From.
    pub domain: Familiarity,
    /// Whether In-Reply-To or References names a mail that this organisation sent or got.
    pub thread: Option<bool>,
    /// What is known about the domain as a sender to many.
    pub volume: Volume,
}

/// What is remembered for one mail, whoever sent it. The default is nothing.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    pub acquaintance: Acquaintance,
    /// What the organisation, and the person if the mail is for one alone, taught the classifier.
    pub deltas: Vec<Arc<Delta>>,
    /// Whom the organisation writes to.
    pub correspondents: Option<Arc<Correspondents>>,
}

/// How well an address or domain is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Familiarity {
    /// Nobody looked it up.
    #[default]
    Unknown,
    /// It never wrote here before.
    New,
    /// It wrote `mails` mails that were delivered, or was written to; times in Unix milliseconds.
    Seen { mails: u32, first_ms: i64, last_ms: i64 },
}

/// Counts over the last thirty days for the domain of From; `None` where nobody counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Volume {
    /// Mails to recipients served here.
    pub mails: Option<u32>,
    /// How many of them a recipient called junk.
    pub complaints: Option<u32>,
    /// How many of them a recipient took out of the junk folder or asked for.
    pub wanted: Option<u32>,
}

impl Familiarity {
    /// It has written often enough, and long enough ago, to be called known: one mail a day before is how fraud makes
    /// itself known.
    pub fn is_known(self, now_ms: i64) -> bool {
        const MAILS_MIN: u32 = 3;
        const SINCE_MS: i64 = 7 * 24 * 60 * 60 * 1000;
        matches!(self, Familiarity::Seen { mails, first_ms, .. } if mails >= MAILS_MIN && now_ms.saturating_sub(first_ms) >= SINCE_MS)
    }
}

#[cfg(test)]
#[test]
fn known_means_often_and_for_long() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    for (familiarity, want) in [
        (Familiarity::Unknown, false),
        (Familiarity::New, false),
        (Familiarity::Seen { mails: 5, first_ms: 0, last_ms: 0 }, true),
        (Familiarity::Seen { mails: 1, first_ms: 0, last_ms: 0 }, false),
        (Familiarity::Seen { mails: 5, first_ms: 29 * DAY_MS, last_ms: 0 }, false),
    ] {
        assert_eq!(familiarity.is_known(30 * DAY_MS), want, "{familiarity:?}");
    }
}
