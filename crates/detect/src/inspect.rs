//! All inspections of one mail, in a fixed order.

use crate::classify::Model;
use crate::finding::Finding;
use crate::malware::Engine;
use mail::{AuthResults, Mail};
use std::sync::Arc;

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
    pub own_domains: std::collections::HashSet<String>,
    /// Display names of people to protect, with their real address.
    pub people: Vec<(String, String)>,
    /// Extensions blocked by the common attachments filter, lower case.
    pub blocked_types: std::collections::HashSet<String>,
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

/// Holds what inspections need: the model, compiled rules, engines.
pub struct Detector {
    pub model: Arc<Model>,
    pub engines: Vec<Arc<dyn Engine>>,
}

impl Detector {
    /// The shipped model, the built-in rules, no outside engine.
    pub fn built_in() -> Detector {
        unimplemented!()
    }

    /// Runs every inspection and engine. Never fails; what is missing is a finding of kind `Unknown`.
    pub async fn inspect(&self, _mail: Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings) -> Inspected {
        unimplemented!()
    }
}
