//! The three presets: numbers and actions as `service.md` §1.2 lists them for default, standard and strict.

use super::settings::{PolicyAction, PolicySettings};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    #[default]
    Default,
    Standard,
    Strict,
}

impl Preset {
    pub const ALL: [Preset; 3] = [Preset::Default, Preset::Standard, Preset::Strict];

    pub fn named(name: &str) -> Option<Preset> {
        Preset::ALL.into_iter().find(|preset| preset.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Preset::Default => "default",
            Preset::Standard => "standard",
            Preset::Strict => "strict",
        }
    }

    /// The settings this preset stands for.
    pub fn settings(self) -> PolicySettings {
        use PolicyAction::Quarantine;
        let base = PolicySettings { name: self.name().into(), ..PolicySettings::default() };
        match self {
            Preset::Default => base,
            Preset::Standard => PolicySettings { high_spam: Quarantine, phish: Quarantine, bulk_level: 6, retention_days: 30, ..base },
            Preset::Strict => PolicySettings {
                spam: Quarantine,
                high_spam: Quarantine,
                phish: Quarantine,
                bulk: Quarantine,
                spoof: Quarantine,
                impersonation: Quarantine,
                bulk_level: 5,
                retention_days: 30,
                ..base
            },
        }
    }
}

/// Policies in the order they are asked: strict, standard, then the others by priority. A row with the name of a preset says for whom
/// it is; what it does is the preset's.
pub fn in_order(rows: Vec<PolicySettings>) -> Vec<PolicySettings> {
    let mut all: Vec<PolicySettings> = rows.into_iter().map(as_preset).collect();
    all.sort_by(|a, b| (rank(a), a.priority, &a.name).cmp(&(rank(b), b.priority, &b.name)));
    all
}

/// 0 is asked first; presets come before everything else whatever their priority.
fn rank(settings: &PolicySettings) -> u8 {
    match Preset::named(&settings.name) {
        Some(Preset::Strict) => 0,
        Some(Preset::Standard) => 1,
        Some(Preset::Default) | None => 2,
    }
}

fn as_preset(row: PolicySettings) -> PolicySettings {
    match Preset::named(&row.name) {
        Some(preset @ (Preset::Strict | Preset::Standard)) => {
            let PolicySettings { organisation, enabled, priority, applies_to, except, .. } = row;
            PolicySettings { organisation, enabled, priority, applies_to, except, ..preset.settings() }
        }
        _ => row,
    }
}
