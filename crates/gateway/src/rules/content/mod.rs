//! Changes that rules make in a message: fields of its header, words before its subject, disclaimers in its texts.
//!
//! In: complete octets and a [`Content`]. Out: octets that every reader takes for the same message, changed. Invariant: what cannot be
//! edited without breaking it (signed, encrypted, a report, odd structure) is left alone, and the disclaimer's fallback holds.

mod disclaimer;
mod encoding;
mod header;
mod part;
mod wrap;

pub use disclaimer::Disclaimer;
pub use part::NotEditable;

use super::{Fallback, ruling::Copied};
use crate::queue::Edits;
use bytes::Bytes;
use mail::Address;
use std::sync::Arc;

/// What is changed in the message for some recipients. Recipients with the same content share one mail.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Content {
    /// Fields set (`Some`) and removed, in order.
    pub headers: Vec<(String, Option<String>)>,
    /// Addresses that the message is to show as recipients.
    pub shown: Vec<(Copied, Address)>,
    /// Put before the subject, the first said nearest to it.
    pub prefixes: Vec<String>,
    pub disclaimers: Vec<Arc<Disclaimer>>,
    /// Every next hop must speak TLS.
    pub require_tls: bool,
}

impl Content {
    pub fn is_unchanged(&self) -> bool {
        *self == Content::default()
    }

    pub(super) fn set_header(&mut self, name: &str, value: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_string(), Some(value.to_string())));
    }

    pub(super) fn remove_header(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_string(), None));
    }

    /// The octets with all of it. `name` is unique for this mail; it stands in boundaries.
    pub fn apply(&self, octets: Bytes, name: &str) -> Bytes {
        let mut octets = octets;
        for disclaimer in &self.disclaimers {
            octets = match (disclaimer::add(&octets, disclaimer), disclaimer.fallback) {
                (Ok(changed), _) => Bytes::from(changed),
                (Err(_), Fallback::Wrap) => Bytes::from(wrap::wrap(&octets, disclaimer, name)),
                // Who wants such mail refused has been asked before; what comes here all the same goes on as it is.
                (Err(_), Fallback::Ignore | Fallback::Reject) => octets,
            };
        }
        for (name, value) in &self.headers {
            octets = Bytes::from(header::set(&octets, name, value.as_deref()));
        }
        for (how, address) in &self.shown {
            let field = if *how == Copied::To { "To" } else { "Cc" };
            octets = Bytes::from(header::add_address(&octets, field, &address.to_string()));
        }
        for prefix in &self.prefixes {
            let edits = Edits { subject_prefix: prefix.as_str().into(), ..Edits::default() };
            octets = Bytes::from(crate::delivery::edited(&octets, &edits).concat());
        }
        octets
    }

    /// A disclaimer that asks for refusal where it cannot be written, and why it cannot.
    pub fn refuses(&self, octets: &[u8]) -> Option<NotEditable> {
        let refusing = self.disclaimers.iter().find(|one| one.fallback == Fallback::Reject)?;
        disclaimer::add(octets, refusing).err()
    }

    /// Why the disclaimers cannot be written, if there are any and they cannot.
    pub fn not_editable(&self, octets: &[u8]) -> Option<NotEditable> {
        self.disclaimers.iter().find_map(|one| disclaimer::add(octets, one).err())
    }
}
