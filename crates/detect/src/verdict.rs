//! One judgement over all findings. Precedence and levels as `reference/service.md` §1.1 and §1.2 give them.

use crate::finding::{DECISIVE, Finding, Kind};
use std::borrow::Cow;

/// What a mail is, weakest first: a later class wins over an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Clean,
    Bulk,
    Spam,
    Impersonation,
    Spoof,
    HighSpam,
    Phish,
    HighPhish,
    /// Could not be looked at completely: over budget, unreadable container.
    Uninspectable,
    /// An attachment of a blocked type.
    BlockedType,
    Malware,
}

impl Class {
    /// The stable name, as receipts, headers and the trace write it.
    pub fn name(self) -> &'static str {
        match self {
            Class::Clean => "clean",
            Class::Bulk => "bulk",
            Class::Spam => "spam",
            Class::Impersonation => "impersonation",
            Class::Spoof => "spoof",
            Class::HighSpam => "high-spam",
            Class::Phish => "phish",
            Class::HighPhish => "high-phish",
            Class::Uninspectable => "uninspectable",
            Class::BlockedType => "blocked-type",
            Class::Malware => "malware",
        }
    }
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Verdict {
    pub class: Class,
    /// The class it would have been without the finding that decided.
    pub runner_up: Class,
    /// Spam confidence level: -1 bypassed, 0-1 clean, 5-6 spam, 7-9 high confidence spam.
    pub scl: i8,
    /// Bulk complaint level, 0-9.
    pub bcl: u8,
    pub spam_probability: f32,
    pub phish_probability: f32,
    /// Index into the findings of the one that decided, if one did.
    pub decided_by: Option<usize>,
}

/// Where probabilities become classes.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Spam from this probability on (SCL 5). Default 0.9.
    pub spam: f32,
    /// High confidence spam (SCL 9) from this probability on. Default 0.99.
    pub high_spam: f32,
    /// Phish from this probability on. Default 0.9.
    pub phish: f32,
    /// High confidence phish from this probability on. Default 0.99.
    pub high_phish: f32,
    /// Bulk from this bulk complaint level on. Default 7.
    pub bulk: u8,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { spam: 0.9, high_spam: 0.99, phish: 0.9, high_phish: 0.99, bulk: 7 }
    }
}

/// SCL of mail that was not to be judged; set by policy, never by [`judge`].
pub const SCL_BYPASSED: i8 = -1;

/// Findings of a kind other than spam and phish make their class from this sum on: a probability of 0.95 for the two
/// that are about identity, 0.99 for malware, which nobody can release alone.
const IDENTITY_SUM: f32 = 3.0;
const MALWARE_SUM: f32 = 4.6;
/// Findings of phish that together reach this are phish whatever the classifier thinks of the words: it has not seen the
/// trick. No ham of the corpora reaches it.
const TRICK_SUM: f32 = 4.0;
/// Findings together move a probability by at most this much (log-odds), decisive ones apart: many small ones of the
/// same cause must not outvote the classifier without limit.
const SUM_MAX: f32 = 8.0;
/// What speaks for a mail moves it less: who writes spam can also sign it.
const SUM_MIN: f32 = -4.0;

/// Judges. `spam_log_odds` and `phish_log_odds` are the classifier's opinions before findings; `bcl` is that of `bulk`.
pub fn judge(findings: &[Finding], spam_log_odds: f32, phish_log_odds: f32, bcl: u8, thresholds: &Thresholds) -> Verdict {
    let opinions = Opinions { spam: finite(spam_log_odds), phish: finite(phish_log_odds), bcl: bcl.min(9) };
    let sums = Sums::over(findings, |_| true);
    let class = classify(&sums, opinions, thresholds);
    let decided_by = deciding(findings, class, opinions, thresholds);
    let spam_probability = probability(opinions.spam, sums.spam);
    Verdict {
        class,
        runner_up: runner_up(findings, class, decided_by, opinions, thresholds),
        scl: scl(class, spam_probability, thresholds),
        bcl: opinions.bcl,
        spam_probability,
        phish_probability: probability(opinions.phish, sums.phish),
        decided_by,
    }
}

/// Class and spam confidence level alone, for a policy with thresholds of its own.
pub fn class_of(findings: &[Finding], spam_log_odds: f32, phish_log_odds: f32, bcl: u8, thresholds: &Thresholds) -> (Class, i8) {
    let opinions = Opinions { spam: finite(spam_log_odds), phish: finite(phish_log_odds), bcl: bcl.min(9) };
    let sums = Sums::over(findings, |_| true);
    let class = classify(&sums, opinions, thresholds);
    (class, scl(class, probability(opinions.spam, sums.spam), thresholds))
}

/// What a mail would have been without some findings.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counterfactual {
    /// Checks whose findings are left out; one, unless only several together change the class.
    pub without: Vec<Cow<'static, str>>,
    pub class: Class,
}

/// Every check whose absence alone changes the class; when there is none, the fewest of the weightiest that do so together.
/// Empty if findings do not matter: the mail is clean without any, or the classifier is sure alone.
pub fn counterfactual(
    findings: &[Finding],
    spam_log_odds: f32,
    phish_log_odds: f32,
    bcl: u8,
    thresholds: &Thresholds,
) -> Vec<Counterfactual> {
    let opinions = Opinions { spam: finite(spam_log_odds), phish: finite(phish_log_odds), bcl: bcl.min(9) };
    let class_without =
        |left_out: &[&str]| classify(&Sums::over(findings, |finding| !left_out.contains(&finding.check.as_ref())), opinions, thresholds);
    let class = class_without(&[]);
    let mut checks: Vec<(&str, f32)> = Vec::new();
    for finding in findings {
        match checks.iter_mut().find(|(check, _)| *check == finding.check) {
            Some((_, weight)) => *weight += finite(finding.weight),
            None => checks.push((&finding.check, finite(finding.weight))),
        }
    }
    checks.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    let owned = |left_out: &[&str]| left_out.iter().map(|check| Cow::Owned((*check).to_string())).collect();
    let single: Vec<Counterfactual> = checks
        .iter()
        .map(|(check, _)| Counterfactual { without: owned(&[check]), class: class_without(&[check]) })
        .filter(|changed| changed.class != class)
        .collect();
    if !single.is_empty() {
        return single;
    }
    let against: Vec<&str> = checks.iter().filter(|(_, weight)| *weight > 0.0).map(|(check, _)| *check).collect();
    (2..=against.len())
        .map(|count| Counterfactual { without: owned(&against[..count]), class: class_without(&against[..count]) })
        .find(|changed| changed.class != class)
        .into_iter()
        .collect()
}

/// Probability that belongs to natural log-odds.
pub fn sigmoid(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

/// Everything but findings that a class rests on.
#[derive(Clone, Copy)]
struct Opinions {
    spam: f32,
    phish: f32,
    bcl: u8,
}

/// Weights added up per kind. Notes and missing signals count nothing: what is unknown never lowers a verdict.
#[derive(Default)]
struct Sums {
    malware: f32,
    blocked_type: f32,
    uninspectable: f32,
    phish: f32,
    spoof: f32,
    impersonation: f32,
    spam: f32,
}

impl Sums {
    fn over(findings: &[Finding], wanted: impl Fn(&Finding) -> bool) -> Sums {
        let mut sums = Sums::default();
        for finding in findings.iter().filter(|finding| wanted(finding)) {
            let sum = match finding.kind {
                Kind::Malware => &mut sums.malware,
                Kind::BlockedType => &mut sums.blocked_type,
                Kind::Uninspectable => &mut sums.uninspectable,
                Kind::Phish => &mut sums.phish,
                Kind::Spoof => &mut sums.spoof,
                Kind::Impersonation => &mut sums.impersonation,
                Kind::Spam => &mut sums.spam,
                // Bulk is judged by its level, the others have no weight.
                Kind::Bulk | Kind::Note | Kind::Unknown => continue,
            };
            *sum += finite(finding.weight);
        }
        sums
    }
}

/// The highest class that holds.
fn classify(sums: &Sums, opinions: Opinions, thresholds: &Thresholds) -> Class {
    let spam = probability(opinions.spam, sums.spam);
    let phish = probability(opinions.phish, sums.phish);
    let safe = thresholds.finite();
    if sums.malware >= MALWARE_SUM {
        Class::Malware
    } else if sums.blocked_type > 0.0 {
        Class::BlockedType
    } else if sums.uninspectable > 0.0 {
        Class::Uninspectable
    } else if phish >= safe.high_phish {
        Class::HighPhish
    } else if phish >= safe.phish || sums.phish >= TRICK_SUM {
        Class::Phish
    } else if spam >= safe.high_spam {
        Class::HighSpam
    } else if sums.spoof >= IDENTITY_SUM {
        Class::Spoof
    } else if sums.impersonation >= IDENTITY_SUM {
        Class::Impersonation
    } else if spam >= safe.spam {
        Class::Spam
    } else if opinions.bcl >= safe.bulk {
        Class::Bulk
    } else {
        Class::Clean
    }
}

fn probability(log_odds: f32, sum: f32) -> f32 {
    // A decisive finding is not held back by the cap.
    let moved = if sum >= DECISIVE / 2.0 { DECISIVE } else { sum.clamp(SUM_MIN, SUM_MAX) };
    sigmoid(log_odds + moved)
}

/// The finding that made the class: the weightiest of its kind, if without it the class is another or if it weighs more
/// than the classifier's own opinion.
fn deciding(findings: &[Finding], class: Class, opinions: Opinions, thresholds: &Thresholds) -> Option<usize> {
    let kind = class.kind()?;
    let (at, finding) = findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| finding.kind == kind && finite(finding.weight) > 0.0)
        .max_by(|a, b| finite(a.1.weight).total_cmp(&finite(b.1.weight)).then(b.0.cmp(&a.0)))?;
    let opinion = match kind {
        Kind::Phish => opinions.phish,
        Kind::Spam => opinions.spam,
        Kind::Bulk => return Some(at),
        _ => 0.0,
    };
    let pivotal = || classify(&Sums::over(findings, |other| !std::ptr::eq(other, finding)), opinions, thresholds) != class;
    (finding.weight > opinion || pivotal()).then_some(at)
}

/// Without the deciding finding; where the classifier or the bulk level decided, without that.
fn runner_up(findings: &[Finding], class: Class, decided_by: Option<usize>, opinions: Opinions, thresholds: &Thresholds) -> Class {
    let kept = Sums::over(findings, |finding| decided_by.is_none_or(|at| !std::ptr::eq(finding, &findings[at])));
    let opinions = match (class, decided_by) {
        (Class::Bulk, _) => Opinions { bcl: 0, ..opinions },
        (Class::Phish | Class::HighPhish, None) => Opinions { phish: opinions.phish.min(0.0), ..opinions },
        (Class::Spam | Class::HighSpam, None) => Opinions { spam: opinions.spam.min(0.0), ..opinions },
        _ => opinions,
    };
    classify(&kept, opinions, thresholds)
}

/// Spam confidence level as `reference/service.md` §1.2 gives it. What is worse than spam is at least as certain as its class.
fn scl(class: Class, spam_probability: f32, thresholds: &Thresholds) -> i8 {
    let safe = thresholds.finite();
    let by_spam = match spam_probability {
        p if p >= safe.high_spam => 9,
        p if p >= (safe.spam + safe.high_spam) / 2.0 => 6,
        p if p >= safe.spam => 5,
        p if p >= 0.1 => 1,
        _ => 0,
    };
    let by_class = match class {
        Class::Clean => 0,
        Class::Bulk => 6, // "MarkAsSpamBulkMail"
        Class::Spam | Class::Impersonation | Class::Spoof => 5,
        Class::Phish | Class::Uninspectable | Class::BlockedType => 8,
        Class::HighSpam | Class::HighPhish | Class::Malware => 9,
    };
    by_spam.max(by_class)
}

impl Class {
    /// The kind of finding that makes this class.
    fn kind(self) -> Option<Kind> {
        Some(match self {
            Class::Clean => return None,
            Class::Bulk => Kind::Bulk,
            Class::Spam | Class::HighSpam => Kind::Spam,
            Class::Impersonation => Kind::Impersonation,
            Class::Spoof => Kind::Spoof,
            Class::Phish | Class::HighPhish => Kind::Phish,
            Class::Uninspectable => Kind::Uninspectable,
            Class::BlockedType => Kind::BlockedType,
            Class::Malware => Kind::Malware,
        })
    }
}

impl Thresholds {
    /// A threshold that is not a number would let everything pass; the default stands in for it.
    fn finite(&self) -> Thresholds {
        let default = Thresholds::default();
        let sound = |value: f32, default: f32| if value.is_finite() { value } else { default };
        Thresholds {
            spam: sound(self.spam, default.spam),
            high_spam: sound(self.high_spam, default.high_spam),
            phish: sound(self.phish, default.phish),
            high_phish: sound(self.high_phish, default.high_phish),
            bulk: self.bulk,
        }
    }
}

/// Weights come from models and rule files too: what is not a number counts nothing, infinity is decisive.
fn finite(weight: f32) -> f32 {
    if weight.is_nan() { 0.0 } else { weight.clamp(-DECISIVE, DECISIVE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(kind: Kind, weight: f32) -> Finding {
        Finding::new("test.check", kind, weight, "")
    }

    fn judged(findings: &[Finding], spam: f32, phish: f32, bcl: u8) -> Verdict {
        judge(findings, spam, phish, bcl, &Thresholds::default())
    }

    #[test]
    fn the_worst_class_that_holds_wins() {
        let all = [
            (Kind::Malware, Class::Malware),
            (Kind::BlockedType, Class::BlockedType),
            (Kind::Uninspectable, Class::Uninspectable),
            (Kind::Phish, Class::HighPhish),
            (Kind::Spam, Class::HighSpam),
            (Kind::Spoof, Class::Spoof),
            (Kind::Impersonation, Class::Impersonation),
        ];
        for first in 0..all.len() {
            let findings: Vec<Finding> = all[first..].iter().rev().map(|(kind, _)| seen(*kind, DECISIVE)).collect();
            let verdict = judged(&findings, 0.0, 0.0, 9);
            assert_eq!(verdict.class, all[first].1);
            assert_eq!(verdict.decided_by, Some(findings.len() - 1));
            assert_eq!(verdict.runner_up, all.get(first + 1).map_or(Class::Bulk, |next| next.1));
        }
    }

    #[test]
    fn findings_and_the_classifier_add_up_to_a_class() {
        use Class::*;
        for (findings, spam, phish, bcl, class, scl, why) in [
            (vec![], 0.0, 0.0, 0, Clean, 1, "nothing seen"),
            (vec![], -5.0, -5.0, 0, Clean, 0, "sure that it is not"),
            (vec![], 2.3, 0.0, 0, Spam, 5, "0.909"),
            (vec![], 3.5, 0.0, 0, Spam, 6, "0.971"),
            (vec![], 5.0, 0.0, 0, HighSpam, 9, "0.993"),
            (vec![], 5.0, 2.5, 0, Phish, 9, "phish wins over high spam"),
            (vec![], 0.0, 5.0, 0, HighPhish, 9, "0.993"),
            (vec![seen(Kind::Spam, 1.5)], 1.0, 0.0, 0, Spam, 5, "2.5 together"),
            (vec![seen(Kind::Spam, -100.0)], 9.0, 0.0, 0, HighSpam, 9, "what speaks for it is capped"),
            (vec![seen(Kind::Spam, 7.0), seen(Kind::Spam, 7.0)], -7.0, 0.0, 0, Clean, 1, "many small ones are capped"),
            (vec![seen(Kind::Spam, DECISIVE)], -20.0, 0.0, 0, HighSpam, 9, "a decisive one is not"),
            (vec![seen(Kind::Phish, 4.0)], 0.0, -9.0, 0, Phish, 8, "a trick settles it"),
            (vec![seen(Kind::Phish, 3.9)], 0.0, -9.0, 0, Clean, 1, "short of a trick"),
            (vec![seen(Kind::Spoof, 2.0)], 0.0, 0.0, 0, Clean, 1, "short of 3"),
            (vec![seen(Kind::Spoof, 2.0), seen(Kind::Spoof, 1.0)], 0.0, 0.0, 0, Spoof, 5, "3 together"),
            (vec![], 0.0, 0.0, 7, Bulk, 6, "at the level"),
            (vec![], 0.0, 0.0, 6, Clean, 1, "below the level"),
            (vec![], 0.0, 0.0, 200, Bulk, 6, "levels end at 9"),
            (vec![seen(Kind::Malware, 4.0)], 0.0, 0.0, 0, Clean, 1, "a heuristic alone holds no mail"),
            (vec![seen(Kind::Unknown, -50.0)], 3.0, 0.0, 0, Spam, 6, "what is unknown does not lower"),
            (vec![seen(Kind::Spam, f32::NAN)], 3.0, f32::NAN, 0, Spam, 6, "what is not a number counts nothing"),
            (vec![seen(Kind::Phish, f32::INFINITY)], 0.0, 0.0, 0, HighPhish, 9, "infinity is decisive"),
        ] {
            let verdict = judged(&findings, spam, phish, bcl);
            assert_eq!((verdict.class, verdict.scl), (class, scl), "{why}");
            assert!((0.0..=1.0).contains(&verdict.spam_probability) && (0.0..=1.0).contains(&verdict.phish_probability), "{why}");
        }
    }

    #[test]
    fn the_one_that_decided_is_named() {
        let small = [seen(Kind::Spam, 0.5)];
        assert_eq!(judged(&small, 6.0, 0.0, 0).decided_by, None, "the classifier was sure alone");
        assert_eq!(judged(&small, 6.0, 0.0, 0).runner_up, Class::Clean);
        assert_eq!(judged(&small, 2.0, 0.0, 0).decided_by, Some(0), "it tipped the scale");
        let twice = [seen(Kind::Malware, DECISIVE), seen(Kind::Malware, DECISIVE)];
        assert_eq!(judged(&twice, 0.0, 0.0, 0).decided_by, Some(0), "the first of equals");
        assert_eq!(judged(&[], 0.0, 0.0, 9).runner_up, Class::Clean);
    }

    #[test]
    fn a_threshold_that_is_no_number_is_the_default() {
        let thresholds = Thresholds { spam: f32::NAN, ..Thresholds::default() };
        assert_eq!(judge(&[], 2.5, 0.0, 0, &thresholds).class, Class::Spam);
    }

    #[test]
    fn counterfactuals_name_what_made_the_class() {
        let named = |check: &'static str, kind, weight| Finding::new(check, kind, weight, "");
        let ask = |findings: &[Finding], spam: f32| counterfactual(findings, spam, 0.0, 0, &Thresholds::default());
        let one = ask(&[named("a", Kind::Spoof, 6.0), named("b", Kind::Spam, 0.1)], 0.0);
        assert_eq!(one, [Counterfactual { without: vec!["a".into()], class: Class::Clean }]);
        let both = ask(&[named("a", Kind::Malware, DECISIVE), named("b", Kind::Malware, DECISIVE), named("c", Kind::Spam, 1.0)], 0.0);
        assert_eq!(both, [Counterfactual { without: vec!["a".into(), "b".into()], class: Class::Clean }]);
        let same = ask(&[named("a", Kind::Spam, DECISIVE), named("a", Kind::Spam, DECISIVE)], 0.0);
        assert_eq!(same, [Counterfactual { without: vec!["a".into()], class: Class::Clean }], "one check, however often");
        let saved = ask(&[named("good", Kind::Spam, -1.0)], 3.0);
        assert_eq!(saved, [Counterfactual { without: vec!["good".into()], class: Class::Spam }], "also what spoke for it");
        assert_eq!(ask(&[named("a", Kind::Spam, 0.1)], 9.0), []);
    }
}
