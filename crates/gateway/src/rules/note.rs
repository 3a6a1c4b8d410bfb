//! What a receipt says of a rule. Serialised, so promised: fields are added, never changed.

use super::{ActionKind, ConditionKind, Mode};
use mail::RuleId;
use serde::{Deserialize, Serialize};

/// One rule that was looked at for a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleNote {
    pub rule: RuleId,
    pub name: String,
    pub mode: Mode,
    pub outcome: NoteOutcome,
    /// What made it so: the conditions that held with what they found, or the one that decided against it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What it did, or in audit mode would have done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionKind>,
    /// For whom it applied; empty when it was for nobody or for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// What could not be done or found out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteOutcome {
    /// It applied.
    Matched,
    /// A condition did not hold.
    NotMatched,
    /// An exception held.
    Excepted,
    /// It is switched off, or its time has not come or is over.
    Off,
    /// It could not be said; its error action was taken.
    Failed,
    /// A rule before it ended the processing.
    Stopped,
    /// Malware: no rule is looked at.
    Malware,
}

impl NoteOutcome {
    pub fn name(self) -> &'static str {
        match self {
            NoteOutcome::Matched => "matched",
            NoteOutcome::NotMatched => "not-matched",
            NoteOutcome::Excepted => "excepted",
            NoteOutcome::Off => "off",
            NoteOutcome::Failed => "failed",
            NoteOutcome::Stopped => "stopped",
            NoteOutcome::Malware => "malware",
        }
    }
}

/// One condition and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub test: ConditionKind,
    /// Whether it is an exception.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_exception: bool,
    /// `None`: it could not be said.
    pub holds: Option<bool>,
    /// What was found, as the mail has it, at most [`FOUND_CHARS_MAX`] characters; empty when nothing was.
    pub found: String,
}

/// Characters of evidence kept.
pub const FOUND_CHARS_MAX: usize = 120;
/// Rules named in a receipt: those that applied or failed first.
pub const NOTES_MAX: usize = 30;
/// Recipients named with a rule.
pub const NOTE_RECIPIENTS_MAX: usize = 20;

impl RuleNote {
    /// Applied ones are never left out for others.
    pub fn bounded(mut notes: Vec<RuleNote>) -> Vec<RuleNote> {
        if notes.len() > NOTES_MAX {
            let matters = |note: &RuleNote| matches!(note.outcome, NoteOutcome::Matched | NoteOutcome::Failed);
            let mut room = NOTES_MAX.saturating_sub(notes.iter().filter(|note| matters(note)).count());
            notes.retain(|note| {
                matters(note) || {
                    let is_kept = room > 0;
                    room = room.saturating_sub(1);
                    is_kept
                }
            });
            notes.truncate(super::RULES_MAX);
        }
        notes
    }
}
