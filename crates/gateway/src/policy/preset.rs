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
