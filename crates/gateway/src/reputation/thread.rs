//! Conversations: which messages this organisation has sent or received lately.
//!
//! In memory only, so a thread that is not found is not known to be none. Kept by a hash: what it answers is evidence, no proof.

use mail::{Message, OrgId};
use std::hash::{BuildHasher, RandomState};

/// Message-IDs remembered.
const MESSAGES_MAX: u64 = 50_000;
/// Message-IDs looked at in the In-Reply-To and References of one mail, the last ones.
const NAMED_MAX: usize = 20;

/// Message-IDs seen; a node's own.
pub struct Threads {
    seen: moka::sync::Cache<(OrgId, u64), ()>,
    hasher: RandomState,
}

impl Default for Threads {
    fn default() -> Threads {
        Threads { seen: moka::sync::Cache::new(MESSAGES_MAX), hasher: RandomState::new() }
    }
}

impl Threads {
    /// A mail was taken.
    pub fn note(&self, org: OrgId, message: &Message) {
        if let Some(id) = &message.message_id {
            self.seen.insert((org, self.hasher.hash_one(id.as_bytes())), ());
        }
    }

    /// Whether this message answers one that was seen; `None` when none of those it names is known here.
    pub fn answers(&self, org: OrgId, message: &Message) -> Option<bool> {
        let named =
            message.fields().filter(|(name, _)| name.eq_ignore_ascii_case(b"in-reply-to") || name.eq_ignore_ascii_case(b"references"));
        let ids = named.flat_map(|(_, value)| value.split(|octet| octet.is_ascii_whitespace()).rev().take(NAMED_MAX));
        let mut ids = ids.filter(|id| id.starts_with(b"<") && id.ends_with(b">"));
        ids.any(|id| self.seen.contains_key(&(org, self.hasher.hash_one(id)))).then_some(true)
    }
}
