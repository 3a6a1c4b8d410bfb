//! DNS questions of one mail, counted against one limit.
//!
//! Everything in `auth` asks through [`Questions`], so that no mail, however written, costs more than
//! `dns_lookups_max` questions.

use crate::dns::{Answer, Dns, DnsError, RecordType};
use std::sync::atomic::{AtomicU32, Ordering};

pub(super) struct Questions<'a> {
    dns: &'a dyn Dns,
    asked: AtomicU32,
    asked_max: u32,
}

impl<'a> Questions<'a> {
    pub(super) fn new(dns: &'a dyn Dns, asked_max: u32) -> Questions<'a> {
        Questions { dns, asked: AtomicU32::new(0), asked_max }
    }

    /// Asks, unless the mail has used up its questions: then the answer is a temporary failure, never "no such name".
    pub(super) async fn ask(&self, name: &str, kind: RecordType) -> Answer {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= self.asked_max {
            self.asked.fetch_sub(1, Ordering::Relaxed);
            return Err(DnsError::Temporary { name: name.into(), why: "this mail needs too many DNS questions".into() });
        }
        self.dns.lookup(name, kind).await
    }

    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}
