//! `impersonation.brand-content`: the text speaks as a well-known name, the sender is somebody else, and the reader is led to a
//! third place.
//!
//! In: subject, text, pictures and links. Out: at most one finding, for the name that stands out most. Talk about a brand
//! (lists, answers, news with many names) is none.

use super::brand::{self, Brand};
use super::free_mail::is_free_mail;
use super::sender;
use crate::authentication::own_domain::is_own;
use crate::finding::{Finding, Kind};
use crate::inspect::{Inspect, Surroundings};
use crate::link::lead::{Lead, lead};
use mail::address::organisational_domain;
use mail::auth::DmarcResult;
use mail::message::LinkOrigin;
use mail::{AuthResults, Mail, Message};

/// Longer mails are letters and news, in which names are mentioned.
const LETTERS_MAX: usize = 4_000;
/// News and shops name many.
const BRANDS_MAX: usize = 3;
/// Signatures looked at.
const SIGNATURES_MAX: usize = 8;
/// Mentions in the text that make it the subject of the mail.
const MENTIONS_MANY: usize = 3;

pub struct BrandContent;

impl Inspect for BrandContent {
    fn name(&self) -> &'static str {
        "impersonation.brand-content"
    }

    fn inspect(&self, mail: &Mail<'_>, auth: &AuthResults, surroundings: &Surroundings, findings: &mut Vec<Finding>) {
        let message = mail.message;
        let Some(from) = sender::speaker(message, surroundings) else { return };
        let domain = from.domain.as_ref();
        if is_own(domain, surroundings) || sender::is_talk(message) {
            return;
        }
        let Some(text) = message.texts.iter().max_by_key(|text| text.visible.len()) else { return };
        if text.visible.len() > LETTERS_MAX {
            return;
        }
        let in_subject = brand::mentions(&message.subject);
        let in_text = brand::mentions(&text.visible);
        if in_text.len() > BRANDS_MAX {
            return;
        }
        let candidates = in_subject.iter().chain(&in_text).map(|(brand, _)| *brand);
        // What is passed on proves nothing of who wrote it, but the reader has only that.
        let is_proved = is_proved(auth) || is_signed(message, domain) || sender::passed_on(message, surroundings).is_some();
        let strangers = candidates.filter(|brand| !(is_proved && brand.owns(domain)));
        let spoken =
            strangers.map(|brand| Spoken::of(brand, message, &in_subject, &in_text)).max_by(|a, b| a.weight().total_cmp(&b.weight()));
        let Some(spoken) = spoken else { return };
        let (lead, place) = lead(message, surroundings, |host| spoken.brand.owns(host));
        let share = match lead {
            Lead::Hidden | Lead::Mailbox => 1.8,
            Lead::Elsewhere => 1.2,
            // Firms put what they write into the mail, and sign in their own name.
            Lead::Document => 1.3,
            Lead::Sender => 0.7,
            Lead::Nowhere if is_free_mail(domain) => 1.0,
            Lead::Nowhere | Lead::Many => return,
        };
        let led = if place.is_empty() { String::new() } else { format!(", and leads to {place}") };
        let evidence = format!("the {} {}, the sender is {}{led}", spoken.place(), spoken.brand.name, domain);
        findings.push(Finding::new("impersonation.brand-content", Kind::Phish, share * spoken.weight(), evidence));
    }
}

/// A brand, and where it stands.
struct Spoken {
    brand: &'static Brand,
    in_subject: bool,
    mentions: usize,
    /// Pictures come from the owner's own servers: copied from a real mail.
    pictures: bool,
}

impl Spoken {
    fn of(brand: &'static Brand, message: &Message, in_subject: &[(&'static Brand, usize)], in_text: &[(&'static Brand, usize)]) -> Spoken {
        let count =
            |found: &[(&'static Brand, usize)]| found.iter().find(|(other, _)| std::ptr::eq(*other, brand)).map_or(0, |(_, count)| *count);
        let is_picture =
            |link: &mail::message::Link| link.origin == LinkOrigin::Image && link.host.as_deref().is_some_and(|host| brand.owns(host));
        Spoken { brand, in_subject: count(in_subject) > 0, mentions: count(in_text), pictures: message.links.iter().any(is_picture) }
    }

    /// 0.3 for a name in passing to 1.3 for a mail that is all about it.
    fn weight(&self) -> f32 {
        let share = |holds: bool, share: f32| if holds { share } else { 0.0 };
        let mentioned = if self.mentions >= MENTIONS_MANY { 0.8 } else { 0.3 };
        (share(self.in_subject, 0.8) + share(self.mentions > 0, mentioned) + share(self.pictures, 0.5)).min(1.3)
    }

    fn place(&self) -> &'static str {
        match (self.in_subject, self.pictures) {
            (true, _) => "subject names",
            (false, true) => "text and pictures name",
            (false, false) => "text names",
        }
    }
}

/// A signature names the sender's domain, or none (a header that is cut short proves nothing against it).
fn is_signed(message: &Message, domain: &str) -> bool {
    message.all("DKIM-Signature").take(SIGNATURES_MAX).any(|signature| {
        let signed = super::tenant::signed_by(&String::from_utf8_lossy(signature));
        signed.is_none_or(|signed| organisational_domain(&signed) == organisational_domain(domain))
    })
}

/// Somebody vouches for the From domain. A signature that does not hold is for `authentication` to say.
fn is_proved(auth: &AuthResults) -> bool {
    matches!(auth.dmarc.result, DmarcResult::Pass | DmarcResult::BestGuessPass) || auth.arc.trusted
}
