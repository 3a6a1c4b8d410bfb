//! Permissions: what a person may do, one by one. Roles are sets of them.

use serde::{Deserialize, Serialize};

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),* $(,)?) => {
        /// One permission. The names are stored, and have words `may-…` in every language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum May { $($(#[$doc])* #[serde(rename = $name)] $variant),* }

        impl May {
            pub const ALL: &[May] = &[$(May::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(May::$variant => $name),* }
            }

            pub fn parse(name: &str) -> Option<May> {
                match name { $($name => Some(May::$variant),)* _ => None }
            }
        }
    };
}

permissions!(
    /// The figures of the organisation.
    Overview = "overview",
    /// Who wrote to whom, when, and what became of it.
    Trace = "trace",
    /// The content of other people's mail.
    ReadMail = "read-mail",
    /// One's own held mail.
    OwnQuarantine = "own-quarantine",
    /// Held mail of everybody in the organisation.
    Quarantine = "quarantine",
    /// Decide about held mail, and about requests to release.
    Release = "release",
    /// One of the two who release malware.
    ReleaseMalware = "release-malware",
    /// Settings as they are.
    ReadSettings = "read-settings",
    /// Allow and block entries.
    Entries = "entries",
    Policies = "policies",
    Rules = "rules",
    Domains = "domains",
    Connectors = "connectors",
    /// Invite people, change roles, end sessions.
    People = "people",
    Audit = "audit",
    /// Ask support for the organisation, and follow what it asked.
    Requests = "requests",
    /// Ask, answer and vote in the community.
    Community = "community",
    /// Decide about posts of others in the community.
    Moderate = "moderate",
    /// API tokens of one's own.
    Tokens = "tokens",
    /// Answer service requests of every organisation.
    Support = "support",
    /// The service itself, and every organisation.
    Operate = "operate",
);

/// As stored: names with spaces between. Names that this version does not know give nothing.
pub fn read(names: &str) -> Vec<May> {
    names.split(' ').filter_map(May::parse).collect()
}

pub fn written(may: &[May]) -> String {
    may.iter().map(|may| may.name()).collect::<Vec<_>>().join(" ")
}

impl May {
    /// Whether it is about the service; no organisation gives it to its people.
    pub fn is_of_service(self) -> bool {
        matches!(self, May::Operate | May::Support)
    }
}
