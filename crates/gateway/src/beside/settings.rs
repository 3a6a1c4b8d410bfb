//! `[beside]`: which neighbours may ask us, and for whom.

use crate::settings::Networks;
use serde::{Deserialize, Serialize};

/// `[beside]`: mail servers beside us that keep their mail and ask what to do with it (`[listen] milter, spamd, rspamd`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BesideSettings {
    /// Networks that may ask. They are believed about who sent a mail, so name your own servers only. Default ["127.0.0.0/8", "::1"].
    pub from: Networks,
    /// Organisation of mail in which no domain served here takes part, by name; empty: the only organisation there is, or none.
    pub organisation: String,
    /// What rspamc has to give with --password before it may teach (/learnspam, /learnham); empty: whoever may ask may teach. Default "".
    pub password: String,
    /// Connections of neighbours open at the same time, for each protocol. Default 500.
    pub connections_max: usize,
}

/// Seats that a semaphore can hold are more; so many connections no server makes.
const CONNECTIONS_MAX: usize = 100_000;

impl BesideSettings {
    /// What is wrong although every key is right.
    pub fn complaint(&self, is_organisation: impl Fn(&str) -> bool) -> Option<String> {
        if !(1..=CONNECTIONS_MAX).contains(&self.connections_max) {
            return Some(format!("[beside] connections_max: {} is not between 1 and {CONNECTIONS_MAX}", self.connections_max));
        }
        let name = &self.organisation;
        (!name.is_empty() && !is_organisation(name)).then(|| format!("[beside] organisation: there is no [[organisation]] named “{name}”"))
    }
}

impl Default for BesideSettings {
    fn default() -> BesideSettings {
        let local = ["127.0.0.0/8", "::1/128"].iter().filter_map(|text| text.parse().ok()).collect();
        BesideSettings { from: Networks(local), organisation: String::new(), password: String::new(), connections_max: 500 }
    }
}
