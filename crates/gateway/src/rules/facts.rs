//! What a rule may ask about: one judged mail and the directory it came to.

use crate::directory::Directory;
use detect::Verdict;
use mail::auth::AuthResults;
use mail::{Address, Mail, OrgId};

/// One mail as rules see it: as it came.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub mail: Mail<'a>,
    pub directory: &'a Directory,
    pub org: OrgId,
    pub auth: &'a AuthResults,
    pub verdict: &'a Verdict,
    /// The octets are gone: only what a receipt keeps can be asked. Then the message is empty.
    pub is_receipt_only: bool,
    /// Somebody pasted it: nobody connected, and nothing was authenticated or judged.
    pub is_unjudged: bool,
    pub is_outbound: bool,
    /// Octets of the message; of its receipt when it is gone.
    pub octets: u64,
}

impl Facts<'_> {
    /// The address is of a domain of this organisation.
    pub fn is_inside(&self, address: &Address) -> bool {
        self.directory.domain_of(address).is_some_and(|domain| domain.org == self.org)
    }
}

/// Text of which a part is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub text: &'a str,
    /// There was more than is looked at.
    pub is_cut: bool,
}

/// Octets of one text that are searched.
pub(super) const TEXT_OCTETS_MAX: usize = 2 << 20;

impl<'a> Seen<'a> {
    pub fn of(text: &'a str) -> Seen<'a> {
        let mut end = text.len().min(TEXT_OCTETS_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Seen { text: &text[..end], is_cut: end < text.len() }
    }
}
