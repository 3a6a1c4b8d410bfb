//! `content.gtube`: the agreed test string for spam filters.

use crate::finding::{DECISIVE, Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};
use memchr::memmem::Finder;
use std::sync::LazyLock;

static STRING: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new("XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"));

pub struct Gtube;

impl Inspect for Gtube {
    fn name(&self) -> &'static str {
        "content.gtube"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        if mail.message.texts.iter().any(|text| STRING.find(text.visible.as_bytes()).is_some()) {
            findings.push(Finding::new("content.gtube", Kind::Spam, DECISIVE, "the text has the GTUBE test string"));
        }
    }
}
