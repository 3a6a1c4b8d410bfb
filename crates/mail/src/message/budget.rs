//! What one message may cost, and the meter that keeps to it.
//!
//! In: a [`Budget`] and the size of the message. Out: [`Spent`] and the defects noted on the way.
//! Invariant: every list that grows with the input asks here first.

use super::{Defect, DefectKind};

/// Limits for one message (`docs/attacks`, resource exhaustion, gives the reasons).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Octets decoded and unpacked, over all parts and archives: the larger of this and ten times the message.
    pub expanded_octets_max: u64,
    pub parts_max: usize,
    /// Multiparts, nested messages and archives in one another.
    pub depth_max: usize,
    pub archive_depth_max: usize,
    pub archive_files_max: usize,
    /// Unpacked to packed size of one archive member.
    pub archive_ratio_max: u64,
    pub header_fields_max: usize,
    pub header_octets_max: usize,
    pub header_line_octets_max: usize,
    pub addresses_max: usize,
    pub links_max: usize,
    /// Octets of decoded text kept for inspection, over all text parts.
    pub text_octets_max: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            expanded_octets_max: 200 << 20,
            parts_max: 1_000,
            depth_max: 32,
            archive_depth_max: 5,
            archive_files_max: 10_000,
            archive_ratio_max: 250,
            header_fields_max: 1_000,
            header_octets_max: 256 << 10,
            header_line_octets_max: 64 << 10,
            addresses_max: 1_000,
            links_max: 1_000,
            text_octets_max: 4 << 20,
        }
    }
}

/// What one message used of its budget; shown in the receipt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Spent {
    pub expanded_octets: u64,
    pub parts: usize,
    pub depth: usize,
    pub archive_files: usize,
    pub links: usize,
}

/// A message may always expand to this many times its own size.
const EXPANSION_FACTOR: u64 = 10;
/// Defects of one kind that are kept; more say nothing new.
const DEFECTS_PER_KIND_MAX: usize = 5;

#[derive(Debug)]
pub(super) struct Meter {
    pub(super) budget: Budget,
    pub(super) spent: Spent,
    pub(super) defects: Vec<Defect>,
    expanded_octets_max: u64,
    text_octets_left: usize,
    /// Octets that pictures may still unfold to; what is not covered is not looked into, and is no defect: photos are not.
    pub(super) picture_octets_left: usize,
}

impl Meter {
    pub(super) fn new(budget: Budget, message_octets: usize) -> Meter {
        Meter {
            budget,
            spent: Spent::default(),
            defects: Vec::new(),
            expanded_octets_max: budget.expanded_octets_max.max((message_octets as u64).saturating_mul(EXPANSION_FACTOR)),
            text_octets_left: budget.text_octets_max,
            picture_octets_left: super::qr::DECODED_OCTETS_MAX,
        }
    }

    /// Notes a defect; repeated ones are dropped.
    pub(super) fn note(&mut self, kind: DefectKind, detail: impl Into<String>) {
        if self.defects.iter().filter(|defect| defect.kind == kind).count() >= DEFECTS_PER_KIND_MAX {
            return;
        }
        let defect = Defect::new(kind, detail.into());
        if !self.defects.contains(&defect) {
            self.defects.push(defect);
        }
    }

    /// Notes that the limit of this name was reached.
    pub(super) fn over(&mut self, limit: &'static str) {
        self.note(DefectKind::OverBudget, limit);
    }

    /// Pays for octets decoded or unpacked. False when they are not covered.
    pub(super) fn pay_octets(&mut self, octets: usize) -> bool {
        if octets as u64 > self.octets_left() {
            self.over("expanded_octets_max");
            return false;
        }
        self.spent.expanded_octets += octets as u64;
        true
    }

    pub(super) fn octets_left(&self) -> u64 {
        self.expanded_octets_max.saturating_sub(self.spent.expanded_octets)
    }

    pub(super) fn pay_part(&mut self) -> bool {
        if self.spent.parts >= self.budget.parts_max {
            self.over("parts_max");
            return false;
        }
        self.spent.parts += 1;
        true
    }

    pub(super) fn pay_archive_file(&mut self) -> bool {
        if self.spent.archive_files >= self.budget.archive_files_max {
            self.over("archive_files_max");
            return false;
        }
        self.spent.archive_files += 1;
        true
    }

    /// Whether something may lie `depth` deep.
    pub(super) fn reach_depth(&mut self, depth: usize) -> bool {
        if depth > self.budget.depth_max {
            self.over("depth_max");
            return false;
        }
        self.spent.depth = self.spent.depth.max(depth);
        true
    }

    /// How many of `octets` of text may be kept.
    pub(super) fn pay_text(&mut self, octets: usize) -> usize {
        let kept = octets.min(self.text_octets_left);
        if kept < octets {
            self.over("text_octets_max");
        }
        self.text_octets_left -= kept;
        kept
    }
}
