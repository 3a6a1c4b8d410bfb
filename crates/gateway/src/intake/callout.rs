//! Asks the next hop whether a recipient exists, and remembers the answer.

use crate::delivery::{Courier, Probe, probe};
use crate::directory::Directory;
use mail::Address;
use moka::future::Cache;
use std::sync::Arc;
use std::time::Duration;

/// What a next hop says about a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    Yes,
    No,
    /// No connection, or a temporary reply.
    NotNow,
}

/// Answers kept; the oldest unused go first.
const ANSWERS_MAX: u64 = 100_000;
const YES_KEPT: Duration = Duration::from_secs(6 * 60 * 60);
/// A new mailbox must not stay unreachable for long.
const NO_KEPT: Duration = Duration::from_secs(10 * 60);

pub struct CallOut {
    courier: Arc<Courier>,
    yes: Cache<String, ()>,
    no: Cache<String, ()>,
}

impl CallOut {
    pub fn new(courier: Arc<Courier>) -> CallOut {
        let cache = |kept| Cache::builder().max_capacity(ANSWERS_MAX).time_to_live(kept).build();
        CallOut { courier, yes: cache(YES_KEPT), no: cache(NO_KEPT) }
    }

    pub async fn ask(&self, directory: &Directory, domain: &str, recipient: &Address) -> Known {
        let key = recipient.key();
        if self.yes.get(&key).await.is_some() {
            return Known::Yes;
        }
        if self.no.get(&key).await.is_some() {
            return Known::No;
        }
        let Some(connector) = directory.connectors.get(directory.inbound_route(domain)) else { return Known::NotNow };
        match probe(&self.courier, connector, recipient).await {
            Probe::Accepted => {
                self.yes.insert(key, ()).await;
                Known::Yes
            }
            Probe::Refused(_) => {
                self.no.insert(key, ()).await;
                Known::No
            }
            Probe::NotNow(_) => Known::NotNow,
        }
    }
}
