//! What an inspection saw.

use std::borrow::Cow;

/// One observation. `check` is stable: it stands in settings, receipts and help articles (`"auth.dmarc.fail"`).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Finding {
    pub check: Cow<'static, str>,
    pub kind: Kind,
    /// Change of the log-odds (natural) of `kind`; negative speaks against it. [`DECISIVE`] settles it alone.
    pub weight: f32,
    /// What a person can check: the header, link, name or count seen. At most [`EVIDENCE_CHARS_MAX`] characters, no controls.
    pub evidence: String,
}

/// Weight of a finding that needs no other.
pub const DECISIVE: f32 = 100.0;
pub const EVIDENCE_CHARS_MAX: usize = 200;
/// Findings kept per mail; beyond it only the weightiest stay.
pub const FINDINGS_MAX: usize = 64;

/// What the finding speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Malware,
    /// An attachment of a blocked type.
    BlockedType,
    /// The mail could not be looked at completely.
    Uninspectable,
    Phish,
    Spoof,
    Impersonation,
    Spam,
    Bulk,
    /// Worth knowing, no weight.
    Note,
    /// A signal that should be here is missing (a list, an engine): the verdict is less certain.
    Unknown,
}

impl Finding {
    pub fn new(check: &'static str, kind: Kind, weight: f32, evidence: impl AsRef<str>) -> Finding {
        Finding { check: Cow::Borrowed(check), kind, weight, evidence: presentable(evidence.as_ref()) }
    }
}

/// Text from a mail, fit for a receipt: no controls or bidi marks, at most [`EVIDENCE_CHARS_MAX`] characters.
pub fn presentable(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}') {
            '\u{fffd}'
        } else {
            c
        }
    };
    let mut out: String = text.chars().take(EVIDENCE_CHARS_MAX).map(shown).collect();
    if text.chars().nth(EVIDENCE_CHARS_MAX).is_some() {
        out.pop();
        out.push('…');
    }
    out
}
