//! What the mail path holds on to between mails.

use super::lists::Lists;
use super::{Direction, IntakeSettings};
use crate::delivery::Courier;
use crate::directory::{Directory, Standing, Watch};
use crate::dkim::Seal;
use crate::entry::Usage;
use crate::feedback::Feedback;
use crate::feedback::by_mail::FeedbackSettings;
use crate::intake::callout::CallOut;
use crate::intake::desk::Desk;
use crate::intake::probe::Probes;
use crate::mail_reports::MailReportSettings;
use crate::outflow::Outflow;
use crate::queue::Queue;
use crate::reputation::{Rates, Reputation, Threads};
use crate::return_path::{ReturnPaths, Returned};
use crate::signal::Signals;
use crate::trace::EventWriter;
use bytes::Bytes;
use detect::{Detector, Thresholds};
use mail::auth::AuthSettings;
use mail::dns::Dns;
use mail::id::IdMaker;
use mail::message::Budget;
use mail::{Envelope, Message, OrgId, Peer};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use store::Db;
use store::bodies::Bodies;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The mail path of one node.
pub struct Gate {
    /// Our name in Received and Authentication-Results.
    pub name: String,
    pub settings: IntakeSettings,
    pub thresholds: Thresholds,
    pub db: Db,
    pub bodies: Bodies,
    pub ids: Arc<IdMaker>,
    pub directory: Arc<Watch>,
    pub dns: Arc<dyn Dns>,
    pub detector: Arc<Detector>,
    pub queue: Queue,
    pub signals: Arc<Signals>,
    pub events: EventWriter,
    pub reputation: Reputation,
    pub feedback: Feedback,
    /// What allow and block entries did.
    pub usage: Usage,
    /// Mail that health sends to see whether mail goes through.
    pub probes: Arc<Probes>,
    /// Takes what people answer our letters with; `None` where there is nobody above us.
    pub desk: Option<Arc<dyn Desk>>,
    /// Where reports of other servers come to.
    pub mail_reports: MailReportSettings,
    pub(super) report_addresses: FeedbackSettings,
    pub(super) rates: Rates,
    pub(super) threads: Threads,
    pub(super) lists: Lists,
    pub(super) callout: CallOut,
    pub(super) logins: HashMap<String, String>,
    pub(super) signers: super::signer::Signers,
    /// Opens the private keys of domains.
    pub(super) seal: Arc<Seal>,
    /// How much each sender has sent out.
    pub(super) outflow: Outflow,
    /// Knows return paths of ours that come back.
    pub(super) return_paths: Arc<ReturnPaths>,
    pub(super) model_version: String,
    /// Turns of large messages, in KiB, so that what is decoded of them together is bounded.
    turns: Semaphore,
    /// Large messages are read on the blocking pool, this many at once, so that sessions stay quick.
    reading: Semaphore,
    clock: fn() -> i64,
}

/// What a [`Gate`] is made of.
pub struct Parts {
    pub name: String,
    pub settings: IntakeSettings,
    pub thresholds: Thresholds,
    pub lists: Vec<super::lists::ListSettings>,
    pub db: Db,
    pub bodies: Bodies,
    pub ids: Arc<IdMaker>,
    pub directory: Arc<Watch>,
    pub dns: Arc<dyn Dns>,
    pub detector: Arc<Detector>,
    pub queue: Queue,
    pub signals: Arc<Signals>,
    pub events: EventWriter,
    pub reputation: Reputation,
    pub feedback: Feedback,
    pub report_addresses: FeedbackSettings,
    /// Asks next hops whether a recipient exists.
    pub courier: Arc<Courier>,
    pub seal: Arc<Seal>,
    pub return_paths: Arc<ReturnPaths>,
    pub outflow: Outflow,
    pub clock: fn() -> i64,
}

/// Messages up to this size are read where they are: a hop to another thread would cost more than the reading.
const READ_INLINE_OCTETS_MAX: usize = 32 << 10;
/// Wait for a turn, and again for a thread: reading and judging are bounded by themselves.
const TURN_WAIT_MAX: Duration = Duration::from_secs(60);
/// Large messages between reading and commit: together as many KiB as this, so that some wait for DNS while others use the cores. One
/// counts for no more than an eighth: a huge one that waits for a slow name server must not keep all others out.
const TURNS_KIB_MAX: u32 = 6 << 10;
const TURN_KIB_MAX: u32 = TURNS_KIB_MAX / 8;
const READING_MAX: usize = 4;

/// Mail that comes back to a return path of ours.
pub(super) struct Back {
    pub envelope: Envelope,
    /// It goes on to a stranger, for this organisation.
    pub forwarded_for: Option<OrgId>,
    /// It carries a signature of ours.
    pub is_signed: bool,
}

impl Gate {
    /// The envelope with the addresses that stand behind return paths of ours. `host` let them in at RCPT.
    pub(super) fn back(&self, directory: &Directory, mut envelope: Envelope) -> Back {
        let (mut forwarded_for, mut is_signed) = (None, false);
        for recipient in &mut envelope.recipients {
            let Some(domain) = directory.domain_of(&recipient.address) else { continue };
            match self.return_paths.read(&recipient.address, self.now_ms()) {
                Returned::Own(address) => (recipient.address, is_signed) = (address, true),
                Returned::Forwarded(address) => (recipient.address, forwarded_for) = (address, Some(domain.org)),
                Returned::Plain | Returned::Forged => {}
            }
        }
        Back { envelope, forwarded_for, is_signed }
    }

    pub fn new(parts: Parts) -> Gate {
        let logins = parts.settings.login.iter().map(|login| (login.name.to_lowercase(), login.hash.clone())).collect();
        let usage = Usage::start(parts.db.clone());
        Gate {
            lists: Lists::new(parts.dns.clone(), parts.lists),
            callout: CallOut::new(parts.courier),
            logins,
            signers: Default::default(),
            seal: parts.seal,
            return_paths: parts.return_paths,
            outflow: parts.outflow,
            model_version: fingerprint(parts.detector.model.octets()),
            turns: Semaphore::new(TURNS_KIB_MAX as usize),
            reading: Semaphore::new(READING_MAX),
            name: parts.name,
            thresholds: parts.thresholds,
            settings: parts.settings,
            db: parts.db,
            bodies: parts.bodies,
            ids: parts.ids,
            directory: parts.directory,
            dns: parts.dns,
            detector: parts.detector,
            queue: parts.queue,
            signals: parts.signals,
            events: parts.events,
            reputation: parts.reputation,
            feedback: parts.feedback,
            usage,
            probes: Arc::default(),
            desk: None,
            mail_reports: MailReportSettings::default(),
            report_addresses: parts.report_addresses,
            rates: Rates::default(),
            threads: Threads::default(),
            clock: parts.clock,
        }
    }

    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// Whose mail this is. All recipients of one mail belong together: `host` made sure of that at RCPT.
    pub(super) fn direction(&self, directory: &Directory, peer: &Peer, envelope: &Envelope) -> Option<Direction> {
        let first = envelope.recipients.first()?;
        direction(directory, peer, &first.address)
    }

    pub(super) fn auth_settings(&self, directory: &Directory) -> AuthSettings {
        AuthSettings {
            authserv_id: self.name.clone(),
            trusted_sealers: self.settings.trusted_sealers.clone(),
            dkim_signatures_max: self.settings.dkim_signatures_max,
            dns_lookups_max: self.settings.dns_lookups_max,
            own_domains: directory.own_domains.clone(),
        }
    }

    /// The turn of a message of this size, to be held until it is committed; `None` when it did not come in time.
    pub(super) async fn turn(&self, octets: usize) -> Option<Option<SemaphorePermit<'_>>> {
        if octets <= READ_INLINE_OCTETS_MAX {
            return Some(None);
        }
        let kib = u32::try_from(octets >> 10).unwrap_or(TURN_KIB_MAX).min(TURN_KIB_MAX);
        let turn = tokio::time::timeout(TURN_WAIT_MAX, self.turns.acquire_many(kib)).await.ok()?;
        turn.ok().map(Some)
    }

    /// The message, read within its budget; `None` when no thread was free in time, or reading panicked.
    pub(super) async fn read(&self, raw: Bytes) -> Option<Message> {
        if raw.len() <= READ_INLINE_OCTETS_MAX {
            return parsed(raw);
        }
        let turn = tokio::time::timeout(TURN_WAIT_MAX, self.reading.acquire()).await.ok()?.ok()?;
        // On the few threads that may block, not in the place of the session: each further thread that reads keeps memory of its own.
        let message = tokio::task::spawn_blocking(|| parsed(raw)).await.ok().flatten();
        drop(turn);
        message
    }
}

fn parsed(raw: Bytes) -> Option<Message> {
    let message = std::panic::catch_unwind(AssertUnwindSafe(|| Message::parse(raw, &Budget::default())));
    message.inspect_err(|_| tracing::error!("reading a message panicked; it is put off")).ok()
}

/// The first 8 hex digits of SHA-256: tells models apart in receipts.
pub fn fingerprint(model: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, model);
    digest.as_ref().iter().take(4).map(|octet| format!("{octet:02x}")).collect()
}

/// Which way a mail to this recipient goes; `None` when the peer may not send it there.
pub(super) fn direction(directory: &Directory, peer: &Peer, recipient: &mail::Address) -> Option<Direction> {
    if peer.authenticated.is_none() {
        match directory.standing(recipient) {
            Standing::Ours(_, org) | Standing::AskNextHop(_, org) | Standing::Unknown(org) => {
                return Some(Direction { org, outbound: false });
            }
            Standing::Foreign => {}
        }
    }
    let sender_org = directory.relays_for_peer(peer)?;
    Some(Direction { org: sender_org.id, outbound: true })
}
