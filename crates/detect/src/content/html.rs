//! `content.html.*`: what the HTML of a mail wants to do beside being read.

use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use mail::message::Text;
use mail::{AuthResults, Mail};

pub struct HtmlWishes;

impl Inspect for HtmlWishes {
    fn name(&self) -> &'static str {
        "content.html"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let html: Vec<&Text> = mail.message.texts.iter().filter(|text| text.is_html).collect();
        if html.is_empty() {
            return;
        }
        let wants = |wish: fn(&Text) -> bool| html.iter().any(|text| wish(text));
        if wants(|text| text.traits.password_field) {
            // Mail programs do not send forms; who asks for a password here collects them.
            findings.push(Finding::new("content.html.password-field", Kind::Phish, 4.0, "the text has a field for a password"));
        } else if wants(|text| text.traits.form) {
            // Newsletters of the past had search boxes and surveys.
            findings.push(Finding::new("content.html.form", Kind::Phish, 0.6, "the text has a form"));
        }
        if wants(|text| text.traits.script) {
            // No mail program runs it, so it was written for something else.
            findings.push(Finding::new("content.html.script", Kind::Spam, 0.7, "the text has a script"));
        } else if wants(|text| text.traits.event_handler) {
            findings.push(Finding::new("content.html.event-handler", Kind::Note, 0.0, "elements of the text run script when touched"));
        }
        if wants(|text| text.traits.frame) {
            // Newsletters of web sites had advertisements in frames.
            findings.push(Finding::new("content.html.frame", Kind::Spam, 0.3, "the text shows another page in a frame"));
        }
        if wants(|text| text.traits.object) {
            findings.push(Finding::new("content.html.object", Kind::Spam, 0.8, "the text embeds a program or film"));
        }
        if wants(|text| text.traits.refresh) {
            findings.push(Finding::new("content.html.refresh", Kind::Phish, 1.5, "the text wants to lead to another page by itself"));
        }
        if html.len() == mail.message.texts.len() {
            // Half of all honest senders do so today.
            findings.push(Finding::new("content.html.only", Kind::Note, 0.0, "there is no plain text beside the HTML"));
        }
    }
}
