//! Suspects: causes with the evidence for them, and how likely they are by it.
//!
//! Invariant: likelihood follows from evidence by [`Strength`] alone. Only what our own records say of the very mail in question, or a
//! check that shows the fault itself, makes a cause certain; hints never add up to more than "possible".

use super::cause::{Cause, Turn};
use super::fix::Fix;
use crate::page::Say;
use mail::MailId;
use serde::{Deserialize, Serialize};

/// How much one piece of evidence says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// It speaks against the cause.
    Against,
    /// Fits, and so would many other things.
    Hint,
    /// Fits this symptom, and is known only indirectly.
    Fits,
    /// Seen now: the fault is there, and it explains the symptom.
    Shown,
    /// Our record of the very mail in question says it.
    Record,
}

impl Strength {
    /// Natural log-odds it adds.
    fn weight(self) -> f64 {
        match self {
            Strength::Against => -2.5,
            Strength::Hint => 0.5,
            Strength::Fits => 1.8,
            Strength::Shown => 3.6,
            Strength::Record => 7.0,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Strength::Against => "against",
            Strength::Hint => "hint",
            Strength::Fits => "fits",
            Strength::Shown => "shown",
            Strength::Record => "record",
        }
    }
}

/// Log-odds of any one cause before anything is known.
const BEFORE: f64 = -2.2;
/// However many hints there are, they add no more than this.
const HINTS_MAX: f64 = 1.2;
/// What is known indirectly adds no more than this.
const FITS_MAX: f64 = 2.6;
/// Evidence kept of one suspect.
const EVIDENCE_MAX: usize = 12;

/// One thing that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule that says it counts: the key of its words.
    pub rule: String,
    pub strength: Strength,
    pub say: Say,
    /// When it happened, Unix milliseconds.
    pub at_ms: Option<i64>,
    /// The mail it is about.
    pub mail: Option<MailId>,
}

impl Evidence {
    pub fn new(strength: Strength, say: Say) -> Evidence {
        Evidence { rule: say.key.to_string(), strength, say, at_ms: None, mail: None }
    }

    pub fn at(mut self, at_ms: i64) -> Evidence {
        self.at_ms = Some(at_ms);
        self
    }

    pub fn of_mail(mut self, mail: Option<MailId>) -> Evidence {
        self.mail = mail;
        self
    }
}

/// How sure the answer is of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    Possible,
    Likely,
    Certain,
}

impl Confidence {
    /// In JSON; words `confidence-…`.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Possible => "possible",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// A cause and what speaks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    pub cause: Cause,
    /// Whom or what it is about: a connector, a domain, an address, a rule; "" when that is clear.
    pub what: String,
    /// More of it: a reply, a verdict, a list.
    pub detail: String,
    pub turn: Turn,
    pub evidence: Vec<Evidence>,
    pub fixes: Vec<Fix>,
    /// 0 to 1.
    pub probability: f64,
    pub confidence: Confidence,
    /// Settles who comes first between causes that are equally likely: the greater, the nearer to what was asked.
    #[serde(skip)]
    pub nearness: f64,
}

impl Suspect {
    pub fn new(cause: Cause, what: impl Into<String>) -> Suspect {
        Suspect {
            cause,
            what: what.into(),
            detail: String::new(),
            turn: cause.turn(),
            evidence: Vec::new(),
            fixes: Vec::new(),
            probability: 0.0,
            confidence: Confidence::Possible,
            nearness: 0.0,
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Suspect {
        self.detail = detail.into();
        self
    }

    pub fn turn(mut self, turn: Turn) -> Suspect {
        self.turn = turn;
        self
    }

    pub fn near(mut self, nearness: f64) -> Suspect {
        self.nearness = nearness;
        self
    }

    pub fn seen(mut self, strength: Strength, say: Say) -> Suspect {
        self.evidence.push(Evidence::new(strength, say));
        self
    }

    pub fn with(mut self, evidence: Evidence) -> Suspect {
        self.evidence.push(evidence);
        self
    }

    pub fn fix(mut self, fix: Fix) -> Suspect {
        self.fixes.push(fix);
        self
    }

    pub fn fixes(mut self, fixes: impl IntoIterator<Item = Fix>) -> Suspect {
        self.fixes.extend(fixes);
        self
    }

    /// The strongest evidence there is.
    pub fn strongest(&self) -> Strength {
        self.evidence.iter().map(|one| one.strength).max().unwrap_or(Strength::Hint)
    }

    /// The same cause, found another time.
    fn take(&mut self, other: Suspect) {
        for evidence in other.evidence {
            let is_there = self.evidence.iter().any(|one| one.say == evidence.say && one.mail == evidence.mail);
            if !is_there && self.evidence.len() < EVIDENCE_MAX {
                self.evidence.push(evidence);
            }
        }
        for fix in other.fixes {
            if !self.fixes.contains(&fix) {
                self.fixes.push(fix);
            }
        }
        self.nearness = self.nearness.max(other.nearness);
        if self.detail.is_empty() {
            self.detail = other.detail;
        }
    }

    /// Natural log-odds by its evidence: the strongest record counts once, indirect evidence is bounded however much there is.
    fn log_odds(&self) -> f64 {
        let sum =
            |wanted: Strength| self.evidence.iter().filter(|one| one.strength == wanted).map(|one| one.strength.weight()).sum::<f64>();
        let once = |wanted: Strength| if self.evidence.iter().any(|one| one.strength == wanted) { wanted.weight() } else { 0.0 };
        let indirect = sum(Strength::Fits).min(FITS_MAX) + sum(Strength::Hint).min(HINTS_MAX);
        BEFORE + once(Strength::Record) + once(Strength::Shown) + indirect + sum(Strength::Against)
    }

    fn weigh(&mut self) {
        let odds = self.log_odds().exp();
        self.probability = odds / (1.0 + odds);
        let is_against = self.evidence.iter().any(|one| one.strength == Strength::Against);
        self.confidence = match self.strongest() {
            Strength::Record if !is_against && self.probability >= 0.9 => Confidence::Certain,
            Strength::Record | Strength::Shown if self.probability >= 0.6 => Confidence::Likely,
            Strength::Fits if self.probability >= 0.55 && !is_against => Confidence::Likely,
            _ => Confidence::Possible,
        };
    }
}

/// Puts suspects of the same cause together and the likeliest first. Where a record explains the mail, what is merely wrong besides
/// comes after it, less likely: it did not do this.
pub fn ranked(found: Vec<Suspect>) -> Vec<Suspect> {
    let mut all: Vec<Suspect> = Vec::new();
    for suspect in found {
        match all.iter_mut().find(|one| one.cause == suspect.cause && one.what == suspect.what) {
            Some(there) => there.take(suspect),
            None => all.push(suspect),
        }
    }
    let is_explained = all.iter().any(|one| one.strongest() == Strength::Record);
    for suspect in &mut all {
        suspect.weigh();
        if is_explained && suspect.strongest() != Strength::Record {
            suspect.probability *= 0.1;
            suspect.confidence = Confidence::Possible;
        }
    }
    all.sort_by(|a, b| {
        let sure = b.confidence.cmp(&a.confidence);
        // A hair between two probabilities says nothing.
        let bucket = |suspect: &Suspect| (suspect.probability * 20.0).round();
        sure.then(bucket(b).total_cmp(&bucket(a))).then(b.nearness.total_cmp(&a.nearness)).then(b.probability.total_cmp(&a.probability))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspect(cause: Cause, evidence: &[Strength]) -> Suspect {
        let mut number = 0;
        evidence.iter().fold(Suspect::new(cause, ""), |suspect, strength| {
            number += 1;
            suspect.seen(*strength, Say::new("seen-hop").with("count", i64::from(number)))
        })
    }

    #[test]
    fn a_cause_is_as_sure_as_its_evidence() {
        use Strength::*;
        for (evidence, want, why) in [
            (&[Record][..], Confidence::Certain, "our record says so"),
            (&[Record, Against], Confidence::Likely, "something speaks against it"),
            (&[Shown], Confidence::Likely, "the fault is there, but whether it did this is not on record"),
            (&[Shown, Fits, Fits, Hint], Confidence::Likely, "however much fits, it is not on record"),
            (&[Fits], Confidence::Possible, "one indirect thing"),
            (&[Hint, Hint, Hint, Hint, Hint, Hint], Confidence::Possible, "hints do not add up"),
            (&[], Confidence::Possible, "nothing"),
        ] {
            let mut suspect = suspect(Cause::MxElsewhere, evidence);
            suspect.weigh();
            assert_eq!(suspect.confidence, want, "{why}: {}", suspect.probability);
        }
    }

    #[test]
    fn what_is_wrong_besides_comes_after_what_is_on_record() {
        use Strength::*;
        let other = Suspect::new(Cause::MailboxFull, "").seen(Fits, Say::new("seen-hop").with("count", 9_i64));
        let found = vec![suspect(Cause::SpfMissing, &[Shown, Fits]), suspect(Cause::MailboxFull, &[Record]), other];
        let ranked = ranked(found);
        assert_eq!(ranked.iter().map(|one| one.cause).collect::<Vec<_>>(), [Cause::MailboxFull, Cause::SpfMissing]);
        assert_eq!((ranked[0].evidence.len(), ranked[1].confidence), (2, Confidence::Possible));
    }
}
