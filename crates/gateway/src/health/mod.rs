//! Whether the service is well, by rule: signals of every node in, states with their evidence out.
//!
//! [`measure`] looks at what this node uses (engines, DNS, database, disk, certificate, next hops) and makes a [`Sample`];
//! [`rules::judge`] turns the samples of all nodes into [`Symptom`]s; [`Engine`] keeps them apart by cause and changes what is shown
//! only when a change lasts. All but `measure` is pure: no clock, no socket, no table. Invariant: what is shown comes from measured
//! causes alone; nobody can set it. Not here: issues, posts, pages, who is told (`web::health`).

mod engine;
pub mod lists;
pub mod measure;
pub mod rules;
mod sample;
mod settings;
pub mod sql;
mod status;
mod surely;
pub mod synthetic;
#[cfg(test)]
mod tests;
pub mod waits;

pub use engine::{Change, Engine, Kind, State, Track};
pub use rules::{QueueOf, Seen};
pub use sample::{Facts, ListFact, Sample, Window};
pub use settings::{BucketSettings, HealthSettings, ProbeThrough};
pub use status::{Level, Service, Status};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something that is wrong now, as one rule sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Symptom {
    /// The rule, such as "connector.unreachable"; stable, in words and JSON.
    pub cause: String,
    /// Which one: a connector, an engine; "" when there is only one.
    pub what: String,
    /// Whose; 0 is everybody's.
    pub org: i64,
    /// What it does to which service.
    pub hits: Vec<(Service, Level)>,
    pub evidence: Evidence,
}

/// What was measured, for people to check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Named numbers: counts, milliseconds (`…_ms`), octets, percent.
    pub numbers: BTreeMap<String, i64>,
    /// What somebody else said about it, such as the reply of a next hop; "" is nothing.
    pub said: String,
}

impl Symptom {
    pub fn level(&self) -> Level {
        self.hits.iter().map(|(_, level)| *level).max().unwrap_or(Level::Advice)
    }
}
