//! `impersonation.reply-to`, `impersonation.reply-to-look-alike`: answers would go to a free mailbox that has nothing to do with the sender.

use super::free_mail::is_free_mail;
use super::look_alike::{looks_of, one_letter_apart};
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use crate::link::lead;
use mail::address::organisational_domain;
use mail::{AuthResults, Mail, Message};

/// More letters than this say what they are about.
const OPENING_LETTERS_MAX: usize = 260;

pub struct ReplyTo;

impl Inspect for ReplyTo {
    fn name(&self) -> &'static str {
        "impersonation.reply-to"
    }

    fn inspect(&self, mail: &Mail<'_>, _auth: &AuthResults, _surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let Some(from) = mail.message.from.address() else { return };
        let Some(reply_to) = mail.message.first("Reply-To").and_then(address_in) else { return };
        let Some((_, domain)) = reply_to.rsplit_once('@') else { return };
        let domain = domain.to_ascii_lowercase();
        if let Some(above) = near_the_sender(&domain, from.domain()) {
            // The answer goes to a name made to be mistaken for the sender's: how a thread is taken over.
            let evidence = format!("From: {from}, Reply-To: {reply_to}, which looks like {above}");
            findings.push(Finding::new("impersonation.reply-to-look-alike", Kind::Impersonation, 4.0, evidence));
            return;
        }
        let from_free = is_free_mail(from.domain());
        let is_note = is_free_mail(&domain) && is_opening(mail.message) && !is_one_person(from.local(), reply_to);
        let is_same = domain == from.domain() && !is_note || !from_free && organisational_domain(from.domain()) == Some(domain.as_str());
        if !(is_free_mail(&domain) || from_free) || is_same {
            return;
        }
        // Lists set Reply-To to whoever wrote; that is their purpose.
        if mail.message.first("List-Id").is_some() || mail.message.first("List-Post").is_some() {
            return;
        }
        // People with two addresses write from one free mailbox to another, and so does fraud whose first one will be closed.
        let weight = match (is_note, from_free) {
            (true, _) => 2.5,
            (false, true) => 0.8,
            (false, false) => 1.0,
        };
        let note = if is_note { ", and hardly a word" } else { "" };
        let evidence = format!("From: {from}, Reply-To: {reply_to}{note}");
        findings.push(Finding::new("impersonation.reply-to", Kind::Phish, weight, evidence));
    }
}

/// A few words to somebody for the first time, with nothing to open: all they can be for is an answer.
fn is_opening(message: &Message) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(OPENING_LETTERS_MAX + 1).count();
    let is_short = message.texts.iter().all(|text| letters(&text.visible) <= OPENING_LETTERS_MAX);
    let is_answer = message.first("In-Reply-To").is_some() || message.first("References").is_some();
    is_short && !is_answer && message.attachments.is_empty() && !message.links.iter().any(lead::is_click)
}

/// Two mailboxes of the same name, or of a part of it.
fn is_one_person(local: &str, reply_to: &str) -> bool {
    let letters = |text: &str| text.chars().filter(char::is_ascii_alphabetic).map(|c| c.to_ascii_lowercase()).collect::<String>();
    let (one, other) = (letters(local), letters(reply_to.split('@').next().unwrap_or_default()));
    !one.is_empty() && !other.is_empty() && (one.contains(&other) || other.contains(&one))
}

/// The sender's organisational domain, if `domain` is another that can be taken for it.
fn near_the_sender<'a>(domain: &str, sender: &'a str) -> Option<&'a str> {
    let (name, own) = (organisational_domain(domain)?, organisational_domain(sender)?);
    (name != own && (looks_of(name) == looks_of(own) || one_letter_apart(name, own))).then_some(own)
}

/// The address in a header value, without its display name; good enough to compare domains, not to send mail.
fn address_in(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    let address = match (text.rfind('<'), text.rfind('>')) {
        (Some(start), Some(end)) if start < end => &text[start + 1..end],
        _ => text,
    };
    let address = address.trim();
    (address.contains('@') && !address.contains(char::is_whitespace)).then_some(address)
}
