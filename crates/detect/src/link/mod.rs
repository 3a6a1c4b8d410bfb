//! Links: where they lead, and where they say they lead.
//!
//! In: `Message::links`, already found and decoded. Out: findings with ids under `link.`. No link is ever opened or
//! resolved here. Nothing is allocated for a link that gives no finding.

pub mod destination;
mod host;
pub(crate) mod lead;
mod lone;
mod mail_button;
mod mismatch;
mod picture;
pub(crate) mod place;
mod qr;
mod recipient;
mod shown;
mod spelled_out;
mod target;

pub use shown::shown_domain;

use crate::checks::CheckDoc;
use crate::inspect::Inspect;

pub const INSPECTIONS: &[&dyn Inspect] = &[
    &mismatch::TextMismatch,
    &target::Target,
    &host::Hosts,
    &lone::LoneLink,
    &mail_button::MailButton,
    &picture::Pictures,
    &qr::QrCodes,
    &recipient::Recipient,
    &spelled_out::SpelledOut,
];

pub const CHECKS: &[CheckDoc] = crate::checks::link::CHECKS;

#[cfg(test)]
mod tests;
