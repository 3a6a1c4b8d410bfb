//! The recovery assistant: looks at the installation itself, also when the service does not start and the database is dead.
//!
//! In: where settings and data are. Out: [`Finding`]s in the order in which things depend on each other. Looking changes nothing;
//! what is safe to repair is a [`Repair`] that the command does after asking. Every wait has a limit. Not here: why one mail did
//! not arrive (the diagnostics of the pages).

mod bodies;
mod bucket;
pub mod bundle;
pub mod client;
mod clock;
mod database;
mod engine;
mod folder;
mod network;
pub mod redact;
mod repair;
mod room;
mod rows;
mod settings;
mod sql;
#[cfg(test)]
mod tests;
mod tls;

use crate::settings::Chosen;
use gateway::receipt::Language;
use serde::Serialize;
use std::path::PathBuf;

pub use repair::Repair;
pub use settings::open;

/// Names, rows and files listed as evidence of one finding.
const EVIDENCE_MAX: usize = 10;

/// What one look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Outcome {
    #[serde(rename = "ok")]
    Ok,
    #[serde(rename = "problem")]
    Problem,
    /// What would have to be looked at cannot be reached from here.
    #[serde(rename = "cannot tell")]
    CannotTell,
}

/// One sentence or two in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    english: String,
    chinese: String,
}

/// The same said twice.
pub fn two(english: impl Into<String>, chinese: impl Into<String>) -> Text {
    Text { english: english.into(), chinese: chinese.into() }
}

impl Text {
    pub fn say(&self, language: Language) -> &str {
        match language {
            Language::English => &self.english,
            Language::Chinese => &self.chinese,
        }
    }
}

/// One question about the installation and its answer.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Stable, such as "seal.mode".
    pub id: &'static str,
    pub outcome: Outcome,
    /// File, address or name that was looked at.
    pub looked_at: String,
    pub said: Text,
    /// What was seen, as it was seen.
    pub evidence: Vec<String>,
    /// What to do about a problem.
    pub todo: Option<Text>,
    pub repair: Option<Repair>,
}

impl Finding {
    fn new(id: &'static str, outcome: Outcome, looked_at: impl ToString, said: Text) -> Finding {
        Finding { id, outcome, looked_at: looked_at.to_string(), said, evidence: Vec::new(), todo: None, repair: None }
    }

    fn ok(id: &'static str, looked_at: impl ToString, said: Text) -> Finding {
        Finding::new(id, Outcome::Ok, looked_at, said)
    }

    fn cannot_tell(id: &'static str, looked_at: impl ToString, said: Text) -> Finding {
        Finding::new(id, Outcome::CannotTell, looked_at, said)
    }

    fn problem(id: &'static str, looked_at: impl ToString, said: Text, todo: Text) -> Finding {
        Finding { todo: Some(todo), ..Finding::new(id, Outcome::Problem, looked_at, said) }
    }

    fn seen<E: ToString>(mut self, evidence: E) -> Finding {
        if self.evidence.len() < EVIDENCE_MAX {
            self.evidence.push(evidence.to_string());
        }
        self
    }

    fn repaired_by(mut self, repair: Repair) -> Finding {
        self.repair = Some(repair);
        self
    }
}

/// One installation, as far as its settings can be read.
#[derive(Debug, Clone)]
pub struct Case {
    pub chosen: Chosen,
    pub config: Option<PathBuf>,
    /// Tables of the settings that could not be used; "*" stands for all of them.
    left_out: Vec<String>,
    /// What the settings file looked like.
    settings: Vec<Finding>,
    /// A web server to compare the clock with: `host` or `host:port`.
    pub ask_time: Option<String>,
    pub now_ms: i64,
}

impl Case {
    /// The settings of this table can be relied on.
    fn knows(&self, table: &str) -> bool {
        !self.left_out.iter().any(|left_out| left_out == "*" || left_out == table)
    }

    /// What there is to say about something whose settings cannot be used.
    fn unknown(&self, id: &'static str, table: &str) -> Finding {
        let said = two(
            format!("Not looked at: [{table}] of the settings cannot be used as it stands."),
            format!("未检查：设置中的 [{table}] 目前无法使用。"),
        );
        Finding::cannot_tell(id, format!("[{table}]"), said)
    }
}

/// Looks at everything, and calls `tell` with each finding as it comes.
pub async fn examine(case: &Case, mut tell: impl FnMut(&Finding)) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    let mut add = |found: Vec<Finding>| {
        found.iter().for_each(&mut tell);
        all.extend(found);
    };
    add(case.settings.clone());
    add(folder::look(case));
    add(room::look(case));
    add(network::look(case));
    add(tls::look(case));
    add(engine::look(case));
    add(bucket::look(case).await);
    add(bodies::look(case).await);
    add(clock::look(case));
    let (found, is_usable) = database::look(case).await;
    add(found);
    add(rows::look(case, is_usable).await);
    all
}
