//! What a diagnosis looked at, as it goes along: shown while it runs, kept with its answer.

use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// One thing looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// Mails, refusals and their stories.
    Records,
    /// Issues of the service.
    Service,
    Recipient,
    Mx,
    Connector,
    /// SPF, DKIM and DMARC of a domain of ours.
    Sending,
    /// Names of our addresses.
    Names,
    /// Mail servers of a foreign domain.
    Route,
    Bounce,
    Account,
    Digest,
    Header,
    /// Block lists, about our own addresses.
    Lists,
    /// Disk, database, DNS, certificate, engines and clock of this installation.
    Own,
}

impl Look {
    pub const ALL: [Look; 14] = [
        Look::Records,
        Look::Service,
        Look::Recipient,
        Look::Mx,
        Look::Connector,
        Look::Sending,
        Look::Names,
        Look::Route,
        Look::Bounce,
        Look::Account,
        Look::Digest,
        Look::Header,
        Look::Lists,
        Look::Own,
    ];

    /// In JSON; words `look-…`.
    pub fn name(self) -> &'static str {
        match self {
            Look::Records => "records",
            Look::Service => "service",
            Look::Recipient => "recipient",
            Look::Mx => "mx",
            Look::Connector => "connector",
            Look::Sending => "sending",
            Look::Names => "names",
            Look::Route => "route",
            Look::Bounce => "bounce",
            Look::Account => "account",
            Look::Digest => "digest",
            Look::Header => "header",
            Look::Lists => "lists",
            Look::Own => "own",
        }
    }
}

/// One step taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub look: Look,
    /// Nothing that explains anything was found there.
    pub is_well: bool,
    /// Since the beginning.
    pub ms: u32,
}

/// Steps so far, and who is told of each.
pub struct Steps {
    taken: Mutex<Vec<Step>>,
    began: Instant,
    tell: Box<dyn Fn(&[Step]) + Send + Sync>,
}

impl Steps {
    pub fn new(tell: impl Fn(&[Step]) + Send + Sync + 'static) -> Steps {
        Steps { taken: Mutex::default(), began: Instant::now(), tell: Box::new(tell) }
    }

    pub fn note(&self, look: Look, is_well: bool) {
        let ms = u32::try_from(self.began.elapsed().as_millis()).unwrap_or(u32::MAX);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.push(Step { look, is_well, ms });
        (self.tell)(&taken);
    }

    pub fn taken(&self) -> Vec<Step> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn ms(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_millis()).unwrap_or(u32::MAX)
    }
}
