//! Synthetic mail: what health sends through the real port to know whether mail goes through.
//!
//! A probe comes in like every mail and is read, judged, committed and queued; only rules, policies and what is remembered of senders
//! are left out. Invariants: nobody can send to a probe's address who was not told it (128 random bits, forgotten after the probe);
//! its rows are the gateway's own ([`crate::scope::OURS`]), so that no organisation's figures hold it, and go away afterwards.
//! Not here: when probes are sent and what their failure means (`health::synthetic`).

use super::judge::{Seen, judge};
use super::{Direction, Gate, Ruled, commit};
use crate::queue::{Accepted, DsnWish, Edits, EnvelopeExtras, Fate, Recipient};
use crate::scope::OURS;
use bytes::Bytes;
use detect::Class;
use mail::smtp::Reply;
use mail::{Address, Envelope, Mail, MailId, Peer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The domain of probes' addresses; RFC 2606 §2: nobody has it.
const DOMAIN: &str = "probe.invalid";
/// Probes under way at the same time.
const PROBES_MAX: usize = 256;

/// Where a probe goes once it was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Connector name.
    pub route: Arc<str>,
    pub address: String,
}

/// Probes that are expected; shared between those who send and those who receive.
#[derive(Debug, Default)]
pub struct Probes(Mutex<HashMap<String, (Way, Option<MailId>)>>);

impl Probes {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Way, Option<MailId>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An address that takes one probe; `None` when too many are under way, or the system has no random numbers.
    pub fn expect(&self, way: Way) -> Option<String> {
        let mut octets = [0u8; 16];
        aws_lc_rs::rand::fill(&mut octets).ok()?;
        let local: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let mut expected = self.lock();
        (expected.len() < PROBES_MAX).then(|| expected.insert(local.clone(), (way, None)))?;
        Some(format!("{local}@{DOMAIN}"))
    }

    /// Where a probe to this address goes; `None` for everybody else's mail.
    pub(super) fn way(&self, address: &Address) -> Option<Way> {
        if !address.domain().eq_ignore_ascii_case(DOMAIN) {
            return None;
        }
        self.lock().get(address.local()).map(|(way, _)| way.clone())
    }

    fn took(&self, address: &Address, mail: MailId) {
        if let Some((_, taken)) = self.lock().get_mut(address.local()) {
            *taken = Some(mail);
        }
    }

    /// Ends a probe; the mail that it became.
    pub fn forget(&self, address: &str) -> Option<MailId> {
        self.lock().remove(address.split('@').next().unwrap_or_default()).and_then(|(_, mail)| mail)
    }
}

/// Whether a recipient is a probe's; it then has to come alone. `None` when no probe is concerned.
pub(super) fn may_receive(gate: &Gate, so_far: &Envelope, next: &Address) -> Option<Result<(), Reply>> {
    let is_probe = |address: &Address| gate.probes.way(address).is_some();
    match (so_far.recipients.first(), is_probe(next)) {
        (None, true) => Some(Ok(())),
        (Some(first), is_one) if is_one || is_probe(&first.address) => {
            Some(Err(Reply::new(452, (4, 5, 3), "Send to this recipient in a transaction of its own")))
        }
        _ => None,
    }
}

/// Takes a probe: the steps of every mail, without those that are an organisation's.
pub(super) async fn receive(gate: &Gate, peer: &Peer, envelope: &Envelope, raw: Bytes, way: Way) -> Reply {
    let id = MailId(gate.ids.next(gate.now_ms()));
    let Some(message) = gate.read(raw.clone()).await else {
        return Reply::new(451, (4, 3, 0), "The message could not be read in time; try again later");
    };
    let directory = gate.directory.snapshot();
    let mail = Mail { peer, envelope, message: &message, now_ms: gate.now_ms() };
    // As if it left: nothing is remembered of its sender.
    let direction = Direction { org: OURS, outbound: true };
    let judged = judge(gate, mail, Seen { directory: &directory, direction, lists: Vec::new() }).await;
    if judged.verdict.class == Class::Uninspectable {
        return Reply::new(451, (4, 3, 0), "The message could not be inspected; try again later");
    }
    let receipt = judged.receipt(gate, (id, mail), &Ruled::of_envelope(mail), &[]);
    let accepted = Accepted {
        id,
        org: OURS,
        at_ms: mail.now_ms,
        sender: String::new(),
        // Never bounced: nobody would read it.
        extras: EnvelopeExtras { is_notice: true, ..EnvelopeExtras::new(envelope, "en") },
        octets: raw,
        recipients: vec![Recipient {
            n: 0,
            address: way.address,
            original: envelope.recipients[0].address.to_string(),
            fate: Fate::Queued,
            edits: Edits::default(),
            dsn: DsnWish { given: true, ..DsnWish::default() },
            route: way.route.to_string(),
        }],
    };
    let row = commit::mail_row(direction, mail, &receipt, 1, &accepted.extras);
    let reply = commit::take_alone(gate, accepted, row).await;
    if reply.is_positive() {
        gate.probes.took(&envelope.recipients[0].address, id);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_told_the_address_reaches_it_and_only_once() {
        let probes = Probes::default();
        let way = Way { route: "own".into(), address: "probe@own".into() };
        let address = probes.expect(way.clone()).expect("room");
        let parsed = |text: &str| Address::parse(text).expect("an address");
        assert_eq!(probes.way(&parsed(&address)), Some(way.clone()));
        for other in ["x@probe.invalid", "0@probe.invalid", &address.replace("invalid", "example")] {
            assert_eq!(probes.way(&parsed(other)), None, "{other}");
        }
        probes.took(&parsed(&address), MailId(7));
        assert_eq!(probes.forget(&address), Some(MailId(7)));
        assert_eq!((probes.forget(&address), probes.way(&parsed(&address))), (None, None));
        let all: Vec<_> = (0..PROBES_MAX + 1).map(|_| probes.expect(way.clone())).collect();
        assert!(all[PROBES_MAX - 1].is_some() && all[PROBES_MAX].is_none(), "bounded");
    }
}
