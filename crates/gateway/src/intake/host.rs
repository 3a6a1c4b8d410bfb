//! What a session may do, decided before there is a message.

use super::{Direction, Gate, Room, gate};
use crate::directory::{Directory, Effect, InboundSettings, SkipMode, Standing, Subject};
use crate::follow;
use crate::intake::callout::Known;
use crate::return_path::Returned;
use crate::session::{Host, Stage};
use crate::signal::{Counter, Timer};
use bytes::Bytes;
use detect::classify::Label;
use futures_util::future::BoxFuture;
use mail::envelope::EnvelopeRecipient;
use mail::smtp::{MailFrom, Reply};
use mail::{Address, Envelope, Peer};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

impl Host for Gate {
    fn connected<'a>(&'a self, _peer: &'a Peer) -> BoxFuture<'a, Result<(), Reply>> {
        self.signals.add(Counter::Connections, 1);
        // Whom an address may not reach depends on the recipient's organisation, so block entries act at RCPT.
        Box::pin(std::future::ready(Ok(())))
    }

    fn sign_in<'a>(&'a self, _peer: &'a Peer, login: &'a str, password: &'a str) -> BoxFuture<'a, Result<bool, Reply>> {
        Box::pin(async move {
            let hash = self.logins.get(&login.to_lowercase()).cloned();
            let password = password.to_string();
            let checked = tokio::task::spawn_blocking(move || is_password(hash.as_deref(), &password)).await;
            checked.map_err(|_| Reply::new(454, (4, 7, 0), "The password could not be checked; try again later"))
        })
    }

    fn sender<'a>(&'a self, _peer: &'a Peer, _mail: &'a MailFrom) -> BoxFuture<'a, Result<(), Reply>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn recipient<'a>(&'a self, peer: &'a Peer, so_far: &'a Envelope, next: &'a EnvelopeRecipient) -> BoxFuture<'a, Result<(), Reply>> {
        Box::pin(async move {
            if let Some(answer) = super::probe::may_receive(self, so_far, &next.address) {
                return answer;
            }
            if let Some(answer) = super::desk::may_receive(self, so_far, &next.address) {
                return answer;
            }
            let answer = match self.return_paths.read(&next.address, self.now_ms()) {
                Returned::Plain => self.may_receive(peer, so_far, &next.address).await,
                Returned::Own(address) => self.may_receive(peer, so_far, &address).await,
                Returned::Forwarded(_) => self.may_come_back(so_far, &next.address),
                Returned::Forged => self.not_a_return_path(peer, so_far, &next.address).await,
            };
            let Err(mut reply) = answer else { return Ok(()) };
            let asked = Envelope { recipients: vec![next.clone()], ..so_far.clone() };
            super::commit::note_refusal(self, peer, Some(&asked), Stage::Recipient, &mut reply);
            Err(reply)
        })
    }

    fn room_ahead(&self, octets: usize) -> Option<Room> {
        Gate::room_ahead(self, octets)
    }

    fn receive<'a>(&'a self, peer: &'a Peer, envelope: Envelope, raw: Bytes, ahead: Option<Room>) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            let started = Instant::now();
            let span = follow::receiving(raw.len(), envelope.recipients.len());
            let reply = super::receive(self, peer, envelope, raw, ahead).instrument(span.clone()).await;
            self.signals.took(Timer::Reply, started.elapsed());
            follow::answered(&span, &reply);
            reply
        })
    }

    fn refused(&self, peer: &Peer, envelope: Option<&Envelope>, stage: Stage, reply: &mut Reply) {
        super::commit::note_refusal(self, peer, envelope, stage, reply);
    }
}

impl Gate {
    /// Mail that we sent on comes back: only as a bounce, and alone, since it goes to a stranger.
    fn may_come_back(&self, so_far: &Envelope, address: &Address) -> Result<(), Reply> {
        if self.directory.snapshot().domain_of(address).is_none() {
            return Err(Reply::new(550, (5, 7, 1), "We do not relay mail for you to this domain"));
        }
        match (so_far.sender.is_none(), so_far.recipients.is_empty()) {
            (false, _) => Err(Reply::new(550, (5, 7, 1), "This address takes bounces only")),
            (true, false) => Err(Reply::new(452, (4, 5, 3), "Send to this recipient in a transaction of its own")),
            (true, true) => Ok(()),
        }
    }

    /// It looks like a return path, and is none of ours. Of a stranger's domain that is no concern of ours; and somebody may be called so.
    async fn not_a_return_path(&self, peer: &Peer, so_far: &Envelope, address: &Address) -> Result<(), Reply> {
        let directory = self.directory.snapshot();
        let is_ours = directory.domain_of(address).is_some() && !directory.recipients.contains_key(&address.key());
        match is_ours {
            true => Err(Reply::new(550, (5, 7, 7), "This return path was not signed here, or too long ago")),
            false => self.may_receive(peer, so_far, address).await,
        }
    }

    async fn may_receive(&self, peer: &Peer, so_far: &Envelope, recipient: &Address) -> Result<(), Reply> {
        let directory = self.directory.snapshot();
        let direction = self.may_send_to(&directory, peer, recipient).await?;
        one_organisation(&directory, peer, so_far, direction)?;
        self.reports_alone(&directory, so_far, recipient)?;
        match direction.outbound {
            true => self.outflow.may_send(&directory, (direction.org, peer), so_far, recipient, self.now_ms()),
            false => {
                fits_inbound(&directory, peer, so_far, direction)?;
                let is_behind = directory.inbound_from(direction.org, peer).any(|inbound| inbound.skip != SkipMode::Off);
                // Lists and entries are about where a mail came from. Behind a gateway in front of us that is known with the message only.
                if is_behind { Ok(()) } else { self.may_connect(&directory, peer, direction, recipient).await }
            }
        }
    }

    async fn may_send_to(&self, directory: &Directory, peer: &Peer, recipient: &Address) -> Result<Direction, Reply> {
        let Some(direction) = gate::direction(directory, peer, recipient) else {
            return Err(Reply::new(550, (5, 7, 1), "We do not relay mail for you to this domain"));
        };
        if self.report_label(directory, recipient).is_some() || self.is_mail_report(directory, recipient) {
            return Ok(direction);
        }
        match directory.standing(recipient) {
            Standing::Unknown(_) => Err(self.unknown_recipient(peer)),
            Standing::AskNextHop(domain, _) => match self.callout.ask(directory, domain, recipient).await {
                Known::Yes => Ok(direction),
                Known::No => Err(self.unknown_recipient(peer)),
                Known::NotNow => Err(Reply::new(451, (4, 4, 3), "Whether this recipient exists cannot be found out now; try again later")),
            },
            Standing::Ours(..) | Standing::Foreign => Ok(direction),
        }
    }

    /// What a mail to this address reports; `None` for every other address. A person of that name comes first.
    pub(super) fn report_label(&self, directory: &Directory, recipient: &Address) -> Option<Label> {
        directory.domain_of(recipient)?;
        let label = self.report_addresses.label(recipient.local())?;
        (!directory.recipients.contains_key(&recipient.key())).then_some(label)
    }

    /// RFC 5321 §4.5.3.1.10: a report is for nobody's mailbox, so it comes alone.
    fn reports_alone(&self, directory: &Directory, so_far: &Envelope, recipient: &Address) -> Result<(), Reply> {
        let is_report = |address: &Address| self.report_label(directory, address).is_some() || self.is_mail_report(directory, address);
        match so_far.recipients.first() {
            Some(first) if is_report(&first.address) != is_report(recipient) || is_report(recipient) => {
                Err(Reply::new(452, (4, 5, 3), "Send to this recipient in a transaction of its own"))
            }
            _ => Ok(()),
        }
    }

    /// `service.md` §1.1, directory edge blocking.
    fn unknown_recipient(&self, peer: &Peer) -> Reply {
        self.rates.unknown_recipient(peer.ip, self.now_ms());
        Reply::new(550, (5, 4, 1), "Recipient address rejected: Access denied")
    }

    /// Connection filter: block and allow entries for the address, then lists in DNS.
    async fn may_connect(&self, directory: &Directory, peer: &Peer, direction: Direction, recipient: &Address) -> Result<(), Reply> {
        let subject = Subject::connection(peer.ip);
        let entries = directory.entries.get(&direction.org);
        let matching = entries.map(|entries| entries.matching(&subject, &recipient.key(), self.now_ms())).unwrap_or_default();
        if let Some((entry, _)) = matching.iter().find(|(entry, _)| entry.effect == Effect::Block) {
            self.usage.refused(direction.org, entry.id, self.now_ms());
            return Err(Reply::new(550, (5, 7, 1), format!("{} is on the block list of the recipient's organisation", peer.ip)));
        }
        if !matching.is_empty() {
            return Ok(());
        }
        match self.lists.refusing(peer.ip).await {
            Some(zone) => Err(Reply::new(550, (5, 7, 1), format!("{} is listed in {zone}: ask its keepers to remove it", peer.ip))),
            None => Ok(()),
        }
    }
}

/// RFC 5321 §4.5.3.1.10 lets us put off recipients; mail of two organisations never shares a transaction here.
fn one_organisation(directory: &Directory, peer: &Peer, so_far: &Envelope, direction: Direction) -> Result<(), Reply> {
    let first = so_far.recipients.first().and_then(|first| gate::direction(directory, peer, &first.address));
    match first {
        Some(first) if first != direction => Err(Reply::new(452, (4, 5, 3), "Send to this recipient in a transaction of its own")),
        _ => Ok(()),
    }
}

/// What inbound connectors of the recipient's organisation ask of mail from their servers or from their domains.
fn fits_inbound(directory: &Directory, peer: &Peer, so_far: &Envelope, direction: Direction) -> Result<(), Reply> {
    let all = directory.inbound.get(&direction.org).map(Vec::as_slice).unwrap_or_default();
    let domain = so_far.sender.as_ref().map(Address::domain);
    let names = peer.tls.as_ref().map(|tls| tls.client_names.as_slice()).unwrap_or_default();
    let is_own = |inbound: &InboundSettings| inbound.is_from(peer.ip, names);
    let about: Vec<&InboundSettings> =
        all.iter().map(Arc::as_ref).filter(|inbound| domain.is_some_and(|domain| inbound.is_about(domain))).collect();
    let is_bound = about.iter().any(|inbound| inbound.only_from);
    if is_bound && !about.iter().any(|inbound| is_own(inbound)) {
        return Err(Reply::new(550, (5, 7, 1), "Mail of this sender's domain is only taken from its registered servers"));
    }
    let wants_tls =
        |inbound: &InboundSettings| inbound.require_tls && (is_own(inbound) || domain.is_some_and(|domain| inbound.is_about(domain)));
    // Whether the client used TLS with a server in front is that server's to ask.
    if peer.tls.is_none() && peer.via.is_none() && all.iter().any(|inbound| wants_tls(inbound)) {
        return Err(Reply::new(530, (5, 7, 0), "Say STARTTLS first: mail from you is only taken over TLS")); // RFC 3207 §4
    }
    Ok(())
}

/// Unknown logins cost as much time as known ones, so that trying names teaches nothing.
fn is_password(hash: Option<&str>, password: &str) -> bool {
    use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier};
    match hash.map(PasswordHash::new) {
        Some(Ok(hash)) => Argon2::default().verify_password(password.as_bytes(), &hash).is_ok(),
        Some(Err(_)) | None => {
            let _ = Argon2::default().hash_password(password.as_bytes());
            false
        }
    }
}
