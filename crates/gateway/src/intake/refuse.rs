//! Refusals that need no judgement: what no mail may be, whoever sends it.

use super::{Direction, IntakeSettings};
use crate::directory::Directory;
use mail::Mail;
use mail::address::FromField;
use mail::message::DefectKind;
use mail::smtp::Reply;

/// The reply that refuses this content, if it must be refused.
pub fn content(mail: Mail<'_>, direction: Direction, directory: &Directory, settings: &IntakeSettings) -> Option<Reply> {
    let message = mail.message;
    // RFC 5321 §6.3: a hundred is the count it names; we follow the stricter setting.
    let hops = message.fields().filter(|(name, _)| name.eq_ignore_ascii_case(b"received")).count();
    if hops > settings.hops_max {
        return Some(Reply::new(554, (5, 4, 6), format!("This mail goes round in circles: it has passed {hops} servers")));
    }
    if memchr::memchr(0, message.raw()).is_some() {
        // RFC 5321 §4.5.2 and RFC 6152 §2: NUL is not text, and no next hop has to take it.
        return Some(Reply::new(550, (5, 6, 11), "The message holds a NUL octet, which mail must not"));
    }
    if message.has_defect(DefectKind::PartialMessage) {
        return Some(Reply::new(550, (5, 6, 1), "A piece of a message (message/partial) cannot be inspected; send it whole"));
    }
    if let FromField::Ambiguous { why, .. } = &message.from
        && settings.refuse_ambiguous_from
    {
        // RFC 7489 §6.6.1: such mail has no single author domain, so nothing could vouch for it.
        return Some(Reply::new(550, (5, 7, 1), format!("The From header must name exactly one sender: {why}")));
    }
    let login = mail.peer.authenticated.as_ref()?;
    let author = message.from.address();
    let own = author.and_then(|author| directory.domain_of(author)).is_some_and(|domain| domain.org == direction.org);
    if direction.outbound && !own {
        // RFC 6409 §6.1: submission may insist on a sender of its own.
        return Some(Reply::new(550, (5, 7, 1), format!("{login} may only send with a From address of its own organisation")));
    }
    None
}
