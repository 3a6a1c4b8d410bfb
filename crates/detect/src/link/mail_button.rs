//! `link.mail-button`: what looks like a link to a page writes to somebody's free mailbox.

use super::lead;
use crate::finding::{Finding, Kind};
use crate::impersonation::sender;
use crate::inspect::{Inspect, Surroundings};
use mail::{AuthResults, Mail};

pub struct MailButton;

impl Inspect for MailButton {
    fn name(&self) -> &'static str {
        "link.mail-button"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        if sender::is_talk(message) {
            return;
        }
        let Some(address) = lead::mailbox(message) else { return };
        // Clubs and shops have “write to us” like this; where every button is one, nobody is there to be visited.
        let weight = if message.links.iter().any(lead::is_click) { 0.5 } else { 1.5 };
        findings.push(Finding::new("link.mail-button", Kind::Phish, weight, format!("a button writes to {address}")));
    }
}
