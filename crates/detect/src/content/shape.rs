//! `content.empty`, `content.image-only`: mail that says nothing a filter could read.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::message::FileFamily;
use mail::{AuthResults, Mail};

/// Fewer letters than this beside an image are a caption.
const CAPTION_LETTERS_MAX: usize = 20;

pub struct Shape;

impl Inspect for Shape {
    fn name(&self) -> &'static str {
        "content.shape"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let long = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(CAPTION_LETTERS_MAX + 1).count();
        if message.texts.iter().any(|text| long(&text.visible) > CAPTION_LETTERS_MAX) {
            return;
        }
        let blank = message.texts.iter().all(|text| long(&text.visible) == 0);
        let images = message.texts.iter().any(|text| text.traits.images_remote > 0)
            || message.attachments.iter().any(|attachment| attachment.true_type.family == FileFamily::Image);
        if blank && message.attachments.is_empty() && !images {
            // People send a subject alone; programs that probe addresses send nothing at all.
            let weight = if message.subject.trim().is_empty() { 1.0 } else { 0.3 };
            findings.push(Finding::new("content.empty", Kind::Spam, weight, "there is no text, image or attachment"));
        } else if images && !message.links.is_empty() && message.texts.iter().any(|text| text.is_html) {
            // The offer stands in the picture, where words are not looked for.
            findings.push(Finding::new("content.image-only", Kind::Spam, 1.0, "the text is an image that can be clicked"));
        }
    }
}
