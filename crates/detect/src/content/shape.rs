//! `content.empty`, `content.image-only`: mail that says nothing a filter could read.

use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use crate::link::lead::{Lead, lead};
use mail::message::FileFamily;
use mail::{AuthResults, Mail, Message};

/// Fewer letters than this beside an image are a caption.
const CAPTION_LETTERS_MAX: usize = 20;
/// Fewer than this are a caption and a line about leaving a list: honest senders write more below.
const FOOTER_LETTERS_MAX: usize = 240;

pub struct Shape;

impl Inspect for Shape {
    fn name(&self) -> &'static str {
        "content.shape"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let long = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(FOOTER_LETTERS_MAX + 1).count();
        let letters = message.texts.iter().map(|text| long(&text.visible)).max().unwrap_or(0);
        if letters > CAPTION_LETTERS_MAX {
            findings.extend(Some(()).filter(|()| letters <= FOOTER_LETTERS_MAX).and_then(|()| picture_elsewhere(message, surroundings)));
            return;
        }
        let blank = message.texts.iter().all(|text| long(&text.visible) == 0);
        let images = message.texts.iter().any(|text| text.traits.images_remote > 0)
            || message.attachments.iter().any(|attachment| attachment.true_type.family == FileFamily::Image);
        if blank && message.attachments.is_empty() && !images {
            // People send a subject alone; programs that probe addresses send nothing at all.
            let weight = if message.subject.trim().is_empty() { 2.5 } else { 0.3 };
            findings.push(Finding::new("content.empty", Kind::Spam, weight, "there is no text, image or attachment"));
        } else if images && !message.links.is_empty() && message.texts.iter().any(|text| text.is_html) {
            // The offer stands in the picture, where words are not looked for.
            let finding = Finding::new("content.image-only", Kind::Spam, 1.0, "the text is an image that can be clicked");
            findings.push(picture_elsewhere(message, surroundings).unwrap_or(finding));
        }
    }
}

/// A picture to be clicked, hardly a word, and the way leads to somebody else.
fn picture_elsewhere(message: &Message, surroundings: &Surroundings) -> Option<Finding> {
    let is_page = message.texts.iter().any(|text| text.is_html && text.traits.images_remote > 0);
    if !is_page || sender::is_talk(message) {
        return None;
    }
    let (weight, place) = match lead(message, surroundings, |_| false) {
        (Lead::Hidden, place) => (2.0, place),
        (Lead::Elsewhere, place) => (1.5, place),
        _ => return None,
    };
    Some(Finding::new("content.image-only", Kind::Spam, weight, format!("the text is an image that can be clicked, and leads to {place}")))
}
