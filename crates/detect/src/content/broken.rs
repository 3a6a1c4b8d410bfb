//! `mime.*`: bodies that programs read differently, and those that could not be read to their end.
//!
//! Ambiguity is how payloads pass scanners (attacks.md §5.3), but old programs are sloppy too: what changes the reading
//! weighs, what does not is a note.

use crate::finding::{DECISIVE, Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::message::{Defect, DefectKind};
use mail::{AuthResults, Mail};

pub struct BrokenMime;

impl Inspect for BrokenMime {
    fn name(&self) -> &'static str {
        "mime"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let mut seen: Vec<DefectKind> = Vec::new();
        for defect in &mail.message.defects {
            // The same oddity a hundred times is one finding.
            if !seen.contains(&defect.kind) {
                seen.push(defect.kind);
                findings.extend(finding(defect));
            }
        }
    }
}

fn finding(defect: &Defect) -> Option<Finding> {
    let detail = defect.detail.as_str();
    Some(match defect.kind {
        DefectKind::OverBudget => Finding::new("mime.over-budget", Kind::Uninspectable, DECISIVE, detail),
        DefectKind::BrokenArchive => Finding::new("mime.broken-archive", Kind::Uninspectable, DECISIVE, detail),
        // RFC 2046 §5.2.2: the parts make sense only together, and each comes alone.
        DefectKind::PartialMessage => Finding::new("mime.partial", Kind::Uninspectable, DECISIVE, detail),
        // RFC 2046 §5.2.3: the content lies elsewhere.
        DefectKind::ExternalBody => Finding::new("mime.external-body", Kind::Phish, 1.0, detail),
        DefectKind::BadBoundary => Finding::new("mime.boundary", Kind::Spam, 2.3, detail),
        // Collectors and servers cut mail off.
        DefectKind::MissingBoundary => Finding::new("mime.boundary.missing", Kind::Note, 0.0, detail),
        DefectKind::ConflictingEncoding => Finding::new("mime.encoding.conflict", Kind::Spam, 2.3, detail),
        DefectKind::UnknownEncoding => Finding::new("mime.encoding.unknown", Kind::Spam, 0.5, detail),
        DefectKind::BrokenEncoding => Finding::new("mime.encoding.broken", Kind::Note, 0.0, detail),
        DefectKind::BadCharset => Finding::new("mime.charset", Kind::Note, 0.0, detail),
        DefectKind::BadFileName => Finding::new("attachment.name.ambiguous", Kind::Phish, 1.0, detail),
        DefectKind::LongLine => Finding::new("mime.long-line", Kind::Note, 0.0, detail),
        // Reported with more context by `header` and `attachment`, or harmless.
        DefectKind::DuplicateHeader
        | DefectKind::MalformedHeader
        | DefectKind::MissingHeader
        | DefectKind::Nul
        | DefectKind::RawEightBit
        | DefectKind::PreambleText
        | DefectKind::Encrypted => return None,
    })
}
