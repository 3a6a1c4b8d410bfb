//! Borrowed names: people, addresses and domains that a mail pretends to be.
//!
//! In: the From header, and who is to be protected. Out: findings with ids under `impersonation.`. Not here: whether the
//! domain itself is proved (`authentication`).

pub mod acquainted;
pub mod brand;
mod brand_content;
pub(crate) mod brand_name;
mod coded_reader;
pub mod correspondent;
mod display;
pub(crate) mod forwarded;
pub(crate) mod free_mail;
mod inside;
pub mod look_alike;
pub(crate) mod people;
mod reply_to;
pub(crate) mod sender;
mod sender_place;
mod tenant;

use crate::checks::CheckDoc;
use crate::inspect::Inspect;

pub const INSPECTIONS: &[&dyn Inspect] = &[
    &people::People,
    &display::DisplayName,
    &brand_name::BrandName,
    &brand_content::BrandContent,
    &look_alike::FromLookAlike,
    &reply_to::ReplyTo,
    &forwarded::Forwarded,
    &inside::Inside,
    &sender_place::SenderPlace,
    &tenant::ForeignTenant,
    &coded_reader::CodedReader,
];

pub const CHECKS: &[CheckDoc] = crate::checks::impersonation::CHECKS;

#[cfg(test)]
mod tests;
