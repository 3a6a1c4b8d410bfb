//! A message as people report it: the one way from octets to a lesson, for the service and for the evaluation alike.

use super::{Delta, Digest, Lesson};
use crate::classify::{Evidence, Label, Model, Scores};
use mail::Message;

/// The first 16 octets of SHA-256.
pub fn digest(octets: &[u8]) -> Digest {
    let whole = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, octets);
    let mut first = [0; 16];
    first.copy_from_slice(&whole.as_ref()[..16]); // SHA-256 has 32
    first
}

/// What there is to know of a message before anybody says what it is.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Of the body: forwarded, or received by somebody else, it is the same message.
    pub message: Digest,
    pub evidence: Evidence,
    /// The shipped model's opinion.
    pub before: Scores,
}

impl Reading {
    pub fn of(message: &Message, model: &Model) -> Reading {
        let evidence = Evidence::of(message, model.namespaces());
        let before = model.score_evidence(&evidence);
        Reading { message: digest(&message.body()), evidence, before }
    }

    /// As a report of `reporter`, any name that is always the same.
    pub fn lesson(&self, reporter: &str, label: Label) -> Lesson<'_> {
        Lesson { message: self.message, reporter: digest(reporter.as_bytes()), label, evidence: &self.evidence, before: self.before }
    }

    /// The opinion with what was taught, as the mail path forms it.
    pub fn scores(&self, model: &Model, deltas: &[&Delta]) -> Scores {
        model.score_evidence_with(&self.evidence, deltas)
    }
}
