//! One judgement over all findings. Precedence and levels as `reference/service.md` §1.1 and §1.2 give them.

use crate::finding::Finding;

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

/// Judges. `spam_log_odds` and `phish_log_odds` are the classifier's opinions before findings; `bcl` is that of `bulk`.
pub fn judge(_findings: &[Finding], _spam_log_odds: f32, _phish_log_odds: f32, _bcl: u8, _thresholds: &Thresholds) -> Verdict {
    unimplemented!()
}
