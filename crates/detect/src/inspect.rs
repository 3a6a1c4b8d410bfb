//! All inspections of one mail, in a fixed order.
//!
//! In: a mail, how its sender was authenticated, what is known about the receiving side. Out: [`Inspected`].
//! Invariant: the same mail gives the same findings in the same order, apart from engines that were not there. Not here:
//! what the findings mean together (`verdict`).

use crate::acquaintance::Memory;
use crate::classify::{Delta, Model};
use crate::finding::{FINDINGS_MAX, Finding, Kind};
use crate::impersonation::{acquainted, look_alike::NameIndex, people::PeopleIndex};
use crate::malware::gauge::{EngineHealth, Gauge};
use crate::malware::{Engine, clamd::Clamd, hashes::Hashes, icap::Icap, signatures::Signatures};
use crate::settings::DetectSettings;
use futures_util::future::{join, join_all};
use mail::{AuthResults, Mail, Message};
use std::collections::HashSet;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// Id of the finding that the gateway makes where looking at a mail did not come to its end.
pub const INCOMPLETE: &str = "inspection.incomplete";

/// One inspection: it looks and reports. Pure CPU; engines that need a socket or time are [`Engine`]s.
pub trait Inspect: Send + Sync {
    /// Stable name in settings and receipts, such as `"link.text-mismatch"`.
    fn name(&self) -> &'static str;
    fn inspect(&self, mail: &Mail<'_>, auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>);
}

/// What inspections know about the receiving side; a snapshot, shared by all mails until settings change.
#[derive(Debug, Default)]
pub struct Surroundings {
    /// Domains of the organisations served here, lower-case A-labels.
    pub own_domains: HashSet<String>,
    /// Display names of people to protect, with their real address.
    pub people: Vec<(String, String)>,
    /// Extensions blocked by the common attachments filter, lower case.
    pub blocked_types: HashSet<String>,
    /// Worked out from the others at first use; give it its default.
    pub derived: Derived,
}

/// What would cost too much to work out for every mail.
#[derive(Debug, Default)]
pub struct Derived {
    people: OnceLock<PeopleIndex>,
    own: OnceLock<NameIndex>,
}

impl Surroundings {
    pub fn new(own_domains: HashSet<String>, people: Vec<(String, String)>, blocked_types: HashSet<String>) -> Surroundings {
        Surroundings { own_domains, people, blocked_types, ..Surroundings::default() }
    }

    /// The protected people by name.
    pub(crate) fn people_index(&self) -> &PeopleIndex {
        self.derived.people.get_or_init(|| PeopleIndex::of(&self.people))
    }

    /// The own domains as look-alikes are compared with them.
    pub(crate) fn own_index(&self) -> &NameIndex {
        self.derived.own.get_or_init(|| NameIndex::of(self.own_domains.iter()))
    }
}

/// Everything that was seen in one mail.
#[derive(Debug, Clone, Default)]
pub struct Inspected {
    pub findings: Vec<Finding>,
    /// Natural log-odds by the classifier alone.
    pub spam_log_odds: f32,
    pub phish_log_odds: f32,
    /// 0-9
    pub bcl: u8,
    /// Microseconds per step, for the receipt.
    pub micros: Vec<(&'static str, u32)>,
}

/// The steps, in order. Their names stand in the receipt with the time each took.
pub const STEPS: &[(&str, &[&dyn Inspect])] = &[
    ("connection", crate::connection::INSPECTIONS),
    ("authentication", crate::authentication::INSPECTIONS),
    ("attachment", crate::attachment::INSPECTIONS),
    ("content", crate::content::INSPECTIONS),
    ("link", crate::link::INSPECTIONS),
    ("impersonation", crate::impersonation::INSPECTIONS),
    ("bulk", crate::bulk::INSPECTIONS),
];

/// Holds what inspections need: the model, compiled rules, engines.
pub struct Detector {
    pub model: Arc<Model>,
    engines: Vec<Gauged>,
    checks_off: HashSet<String>,
}

/// An engine, and how it does.
struct Gauged {
    engine: Arc<dyn Engine>,
    gauge: Gauge,
}

/// Why a detector could not be made; the settings are to blame.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    #[error("reading the signature folder {folder}")]
    Folder { folder: String, source: std::io::Error },
    #[error("{file} is not a rule file: {why}")]
    Rules { file: String, why: String },
    #[error("reading the hash list {list}: {why}")]
    List { list: String, why: String },
    #[error("“{address}” is not an address of ICAP, such as “icap://127.0.0.1:1344/avscan”")]
    Address { address: String },
    #[error("“{check}” is not a check; the list is in the help under “Checks”")]
    UnknownCheck { check: String },
}

impl Detector {
    /// The shipped model, the built-in rules, no outside engine.
    pub fn built_in() -> Detector {
        Detector::of(vec![Arc::new(Signatures::built_in())], HashSet::new())
    }

    /// As the settings say.
    /// # Errors
    /// [`DetectError`] when a rule file cannot be read or a check is named that does not exist.
    pub fn new(settings: &DetectSettings) -> Result<Detector, DetectError> {
        if let Some(check) = settings.checks_off.iter().find(|check| crate::checks::find(check).is_none()) {
            return Err(DetectError::UnknownCheck { check: check.clone() });
        }
        let mut engines: Vec<Arc<dyn Engine>> = vec![Arc::new(Signatures::new(&settings.signatures)?)];
        if !settings.hashes.files.is_empty() {
            engines.push(Arc::new(Hashes::new(&settings.hashes)?));
        }
        if let Some(clamd) = &settings.clamd {
            engines.push(Arc::new(Clamd::new(clamd)));
        }
        if let Some(icap) = &settings.icap {
            engines.push(Arc::new(Icap::new(icap)?));
        }
        Ok(Detector::of(engines, settings.checks_off.iter().cloned().collect()))
    }

    fn of(engines: Vec<Arc<dyn Engine>>, checks_off: HashSet<String>) -> Detector {
        let engines = engines.into_iter().map(|engine| Gauged { engine, gauge: Gauge::default() }).collect();
        Detector { model: Model::built_in(), engines, checks_off }
    }

    /// How each engine does, for the health page. Engines behind a socket are asked for their version.
    pub async fn engine_health(&self) -> Vec<EngineHealth> {
        let asked = self.engines.iter().map(|gauged| async {
            let signatures = gauged.engine.signatures().await;
            gauged.gauge.health(gauged.engine.name(), signatures, Instant::now())
        });
        join_all(asked).await
    }

    /// The same detector with another model, such as one trained by the operator.
    #[must_use]
    pub fn with_model(mut self, model: Arc<Model>) -> Detector {
        self.model = model;
        self
    }

    /// Runs every inspection and engine. Never fails; what is missing is a finding of kind `Unknown`.
    pub async fn inspect(&self, mail: Mail<'_>, auth: &AuthResults, surroundings: &Surroundings) -> Inspected {
        self.inspect_with(mail, auth, surroundings, &Memory::default()).await
    }

    /// As [`Detector::inspect`], for a gateway that remembers who wrote before, and what people taught it.
    pub async fn inspect_with(&self, mail: Mail<'_>, auth: &AuthResults, surroundings: &Surroundings, memory: &Memory) -> Inspected {
        // Engines are polled first: one that waits for its socket has been asked before the inspections use the CPU.
        let engines = join_all(self.engines.iter().map(|gauged| gauged.scan(mail.message)));
        let (scans, mut inspected) = join(engines, async { self.look(&mail, auth, surroundings, memory) }).await;
        let mut findings = Vec::with_capacity(inspected.findings.len());
        for (name, seen, micros) in scans {
            findings.extend(seen);
            inspected.micros.push((name, micros));
        }
        findings.append(&mut inspected.findings);
        if !self.checks_off.is_empty() {
            findings.retain(|finding| !self.checks_off.contains(finding.check.as_ref()));
        }
        inspected.findings = weightiest(findings);
        inspected
    }

    fn look(&self, mail: &Mail<'_>, auth: &AuthResults, surroundings: &Surroundings, memory: &Memory) -> Inspected {
        let acquaintance = &memory.acquaintance;
        let mut inspected = Inspected { micros: Vec::with_capacity(STEPS.len() + 1 + self.engines.len()), ..Inspected::default() };
        let mut last = Instant::now();
        let mut lap = |name, micros: &mut Vec<(&'static str, u32)>| {
            let now = Instant::now();
            micros.push((name, u32::try_from((now - last).as_micros()).unwrap_or(u32::MAX)));
            last = now;
        };
        for (name, inspections) in STEPS {
            for inspection in *inspections {
                inspection.inspect(mail, auth, surroundings, &mut inspected.findings);
            }
            lap(name, &mut inspected.micros);
        }
        if let Some(correspondents) = &memory.correspondents {
            correspondents.inspect(mail, surroundings, acquaintance.domain, &mut inspected.findings);
        }
        acquainted::inspect(mail, auth, acquaintance, &mut inspected.findings);
        let deltas: Vec<&Delta> = memory.deltas.iter().map(Arc::as_ref).collect();
        let scores = self.model.score_with(mail.message, &deltas);
        (inspected.spam_log_odds, inspected.phish_log_odds) = (scores.spam_log_odds, scores.phish_log_odds);
        lap("classify", &mut inspected.micros);
        inspected.bcl = crate::bulk::level(mail.message, auth, &acquaintance.volume);
        inspected
    }
}

impl Gauged {
    /// Asks the engine, and keeps count.
    async fn scan(&self, message: &Message) -> (&'static str, Vec<Finding>, u32) {
        let start = Instant::now();
        let name = self.engine.name();
        let findings = self.engine.scan(message).await;
        let end = Instant::now();
        let micros = u32::try_from((end - start).as_micros()).unwrap_or(u32::MAX);
        match findings.iter().find(|finding| finding.kind == Kind::Unknown) {
            Some(missing) => self.gauge.failed(&missing.evidence),
            None => self.gauge.answered(micros, end),
        }
        (name, findings, micros)
    }
}

/// At most [`FINDINGS_MAX`], the weightiest, in their order.
fn weightiest(mut findings: Vec<Finding>) -> Vec<Finding> {
    if findings.len() > FINDINGS_MAX {
        let mut order: Vec<usize> = (0..findings.len()).collect();
        order.sort_by(|a, b| findings[*b].weight.abs().total_cmp(&findings[*a].weight.abs()).then(a.cmp(b)));
        let kept: HashSet<usize> = order.into_iter().take(FINDINGS_MAX).collect();
        let mut at = 0..;
        findings.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
    }
    findings
}

#[cfg(test)]
mod tests;
