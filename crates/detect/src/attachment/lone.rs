//! `attachment.lone`: nearly nothing is said, everything is in one document.

use crate::finding::{Finding, Kind};
use crate::impersonation::free_mail::is_free_mail;
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

/// More letters than this are a letter with an enclosure.
const LETTERS_MAX: usize = 160;

pub struct LoneDocument;

impl Inspect for LoneDocument {
    fn name(&self) -> &'static str {
        "attachment.lone"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let mut documents = message.attachments.iter().filter(|attachment| attachment.inside.is_empty());
        let (Some(document), None) = (documents.next(), documents.next()) else { return };
        if document.true_type.extension != "pdf" || ["List-Id", "In-Reply-To"].iter().any(|name| message.first(name).is_some()) {
            return;
        }
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(LETTERS_MAX + 1).count();
        if message.texts.iter().any(|text| letters(&text.visible) > LETTERS_MAX) {
            return;
        }
        let Some(from) = sender::shown(message) else { return };
        // People send each other documents without a word too, and scanners do, so it is a hint.
        let weight = if is_free_mail(&from.domain) { 1.2 } else { 0.5 };
        let name = document.name.as_deref().unwrap_or("a document");
        findings.push(Finding::new(
            "attachment.lone",
            Kind::Phish,
            weight,
            format!("{name} from {}, and hardly a word beside it", from.address),
        ));
    }
}
