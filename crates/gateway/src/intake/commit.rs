//! The one transaction behind `250`, and the record of what was refused.

use super::judge::Judged;
use super::{Direction, Gate, compose};
use crate::action::Outcome;
use crate::directory::Directory;
use crate::queue::{self, Accepted, BodyPlace, DsnWish, EnvelopeExtras, Fate, Recipient};
use crate::receipt::Receipt;
use crate::session::Stage;
use crate::signal::{Counter, Timer};
use crate::trace::{self, Event, EventKind, Refusal};
use mail::auth::Signer;
use mail::id::EventId;
use mail::smtp::Reply;
use mail::{Envelope, Mail, MailId, OrgId, Peer};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use store::{Error, Value, args};

/// DKIM keys by organisation, read when first needed.
pub type Signers = Mutex<HashMap<OrgId, Option<Arc<Signer>>>>;

/// A mail that is to be taken.
pub struct Taken<'a> {
    pub id: MailId,
    pub direction: Direction,
    pub mail: Mail<'a>,
    pub judged: &'a Judged,
    pub receipt: Receipt,
    pub outcomes: Vec<Outcome>,
}

/// All that the transaction writes. Owns its octets, so that the message and what was decoded of it can go before the wait for the disk.
pub struct Prepared {
    accepted: Accepted,
    row: Vec<Value>,
    events: Vec<Event>,
}

/// What is to be written for a mail.
pub fn prepare(gate: &Gate, directory: &Directory, taken: Taken<'_>) -> Prepared {
    let accepted = accepted(gate, directory, &taken);
    let row = mail_row(taken.direction, taken.mail, &taken.receipt, taken.outcomes.len(), &accepted.extras);
    let events = first_events(gate, &taken);
    Prepared { accepted, row, events }
}

/// Commits and answers.
pub async fn take(gate: &Gate, prepared: Prepared) -> Reply {
    let id = prepared.accepted.id;
    let started = Instant::now();
    let done = durably(gate, prepared).await;
    gate.signals.took(Timer::Commit, started.elapsed());
    match done {
        Ok(accepted) => {
            gate.signals.accepted();
            count_fates(gate, &accepted);
            gate.queue.start(accepted);
            Reply::new(250, (2, 0, 0), format!("{id} is ours now"))
        }
        Err(why) => {
            tracing::error!(%id, %why, "a mail could not be stored; its sender keeps it");
            gate.signals.store_failed();
            match why {
                // RFC 3463 §3.4: 4.3.1 system full.
                Error::Full(_) => Reply::new(452, (4, 3, 1), format!("Our disk is full; try again later ({id})")),
                _ => Reply::new(451, (4, 3, 0), format!("The mail could not be stored; try again later ({id})")),
            }
        }
    }
}

fn count_fates(gate: &Gate, accepted: &Accepted) {
    let count = |wanted: fn(&Fate) -> bool| accepted.recipients.iter().filter(|recipient| wanted(&recipient.fate)).count() as u64;
    gate.signals.add(Counter::AcceptedOctets, accepted.octets.len() as u64);
    gate.signals.add(Counter::Held, count(|fate| matches!(fate, Fate::Held { .. })));
    gate.signals.add(Counter::Deleted, count(|fate| *fate == Fate::Deleted));
}

async fn durably(gate: &Gate, prepared: Prepared) -> Result<Accepted, Error> {
    let Prepared { accepted, row, events } = prepared;
    let place = BodyPlace::choose(&gate.bodies, &accepted).await?;
    gate.db
        .tx(move |tx| {
            Box::pin(async move {
                let mut statements = vec![(INSERT_MAIL, row)];
                statements.extend(queue::insert_statements(&accepted, &place)?);
                tx.run_all(statements).await?;
                trace::insert(tx, &events).await?;
                Ok(accepted)
            })
        })
        .await
}

const INSERT_MAIL: &str = "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// The row of `mail`. `recipients` is 0 for a mail that was refused: nothing is owed for it.
fn mail_row(direction: Direction, mail: Mail<'_>, receipt: &Receipt, recipients: usize, extras: &EnvelopeExtras) -> Vec<Value> {
    args![
        receipt.mail.0,
        direction.org.0,
        if direction.outbound { "outbound" } else { "inbound" },
        mail.peer.ip.to_string(),
        mail.peer.helo.as_str(),
        receipt.envelope.sender.as_str(),
        receipt.header.message_id.as_str(),
        receipt.header.subject.as_str(),
        mail.message.raw().len() as i64,
        recipients as i64,
        receipt.verdict.class.name(),
        // Both are our own shapes of strings and numbers: writing them as JSON cannot fail.
        serde_json::to_string(receipt).unwrap_or_default(),
        serde_json::to_string(extras).unwrap_or_default(),
    ]
}

fn accepted(gate: &Gate, directory: &Directory, taken: &Taken<'_>) -> Accepted {
    let mail = taken.mail;
    let signature = match taken.direction.outbound {
        true => signer(gate, directory, taken.direction.org).map(|signer| signer.sign_at(mail.message.raw(), mail.now_ms)),
        false => None,
    };
    let settings = gate.auth_settings(directory);
    Accepted {
        id: taken.id,
        org: taken.direction.org,
        at_ms: mail.now_ms,
        sender: taken.receipt.envelope.sender.clone(),
        extras: extras(directory, taken.direction, mail.envelope),
        octets: compose::octets(gate, (taken.id, mail), &taken.judged.auth, &settings, signature.as_deref().unwrap_or_default()),
        recipients: recipients(directory, taken),
    }
}

fn extras(directory: &Directory, direction: Direction, envelope: &Envelope) -> EnvelopeExtras {
    let language = directory.organisation(direction.org).map(|org| org.settings.language.as_str()).unwrap_or("en");
    EnvelopeExtras::new(envelope, language)
}

fn recipients(directory: &Directory, taken: &Taken<'_>) -> Vec<Recipient> {
    let pairs = taken.mail.envelope.recipients.iter().zip(&taken.outcomes);
    pairs
        .enumerate()
        .map(|(n, (wanted, outcome))| Recipient {
            n: n as i64,
            address: outcome.address.to_string(),
            original: wanted.address.to_string(),
            fate: outcome.fate.clone(),
            edits: outcome.edits.clone(),
            dsn: DsnWish::new(wanted.notify, wanted.orcpt.as_deref()),
            route: route(directory, taken.direction, outcome.address.domain()).to_string(),
        })
        .collect()
}

/// Connector name; '' is MX.
fn route<'a>(directory: &'a Directory, direction: Direction, domain: &str) -> &'a str {
    match directory.domains.contains_key(domain) {
        true => directory.inbound_route(domain),
        false => directory.organisation(direction.org).map(|org| org.settings.outbound_connector.as_str()).unwrap_or_default(),
    }
}

/// The key of an organisation that signs; read once, and again after a restart.
fn signer(gate: &Gate, directory: &Directory, org: OrgId) -> Option<Arc<Signer>> {
    let mut signers = gate.signers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    signers.entry(org).or_insert_with(|| read_signer(directory, org)).clone()
}

fn read_signer(directory: &Directory, org: OrgId) -> Option<Arc<Signer>> {
    let settings = &directory.organisation(org)?.settings;
    if settings.dkim_selector.is_empty() {
        return None;
    }
    let domain = directory.domains.values().filter(|domain| domain.org == org).map(|domain| &domain.name).min()?;
    let key = std::fs::read_to_string(&settings.dkim_key).map_err(|why| why.to_string());
    match key.and_then(|key| Signer::new(domain, &settings.dkim_selector, &key).map_err(|why| why.to_string())) {
        Ok(signer) => Some(Arc::new(signer)),
        Err(why) => {
            tracing::error!(key = %settings.dkim_key, %why, "mail goes out unsigned: the DKIM key cannot be used");
            None
        }
    }
}

/// received, judged, then one event per recipient.
fn first_events(gate: &Gate, taken: &Taken<'_>) -> Vec<Event> {
    let at_ms = taken.mail.now_ms;
    let event = |kind, recipient: String, detail: String| Event {
        id: EventId(gate.ids.next(at_ms)),
        mail: taken.id,
        org: taken.direction.org,
        at_ms,
        kind,
        recipient,
        detail,
    };
    let verdict = &taken.receipt.verdict;
    let octets = taken.mail.message.raw().len();
    let mut events = Vec::with_capacity(2 + taken.outcomes.len());
    events.push(event(EventKind::Received, String::new(), format!("{{\"octets\":{octets}}}")));
    let judged = format!("{{\"verdict\":\"{}\",\"scl\":{},\"bcl\":{}}}", verdict.class.name(), verdict.scl, verdict.bcl);
    events.push(event(EventKind::Judged, String::new(), judged));
    for outcome in &taken.outcomes {
        let recipient = outcome.address.to_string();
        events.push(match &outcome.fate {
            Fate::Queued => event(EventKind::Queued, recipient, "{}".into()),
            Fate::Held { until_ms } => event(EventKind::Held, recipient, format!("{{\"until_ms\":{until_ms}}}")),
            Fate::Deleted => event(EventKind::Deleted, recipient, "{}".into()),
        });
    }
    events
}

/// A mail refused after its content was seen.
pub struct Refused<'a> {
    pub id: MailId,
    pub direction: Direction,
    pub mail: Mail<'a>,
    /// `None` when it was refused before it was judged.
    pub receipt: Option<Receipt>,
    pub reply: Reply,
}

/// Keeps receipt and event of a refusal. Nothing is owed for it, so it rides in the next commit and a database that is away costs
/// the record, not the mail.
pub async fn refused(gate: &Gate, directory: &Directory, refused: Refused<'_>) {
    gate.signals.refused(Stage::Content);
    let (mail, direction) = (refused.mail, refused.direction);
    let shown = shown(&refused.reply);
    let event = Refusal {
        subject: mail.message.subject.clone(),
        message_id: mail.message.message_id.clone().unwrap_or_default(),
        check: refused.receipt.as_ref().and_then(deciding_check).unwrap_or_default(),
        ..refusal(mail.peer, Some(mail.envelope), &refused.reply)
    }
    .event(EventId(gate.ids.next(mail.now_ms)), refused.id, direction.org, mail.now_ms, Stage::Content);
    let Some(receipt) = refused.receipt else {
        gate.events.note(event);
        return;
    };
    let receipt = Receipt { refused: shown, ..receipt };
    let row = mail_row(direction, mail, &receipt, 0, &extras(directory, direction, mail.envelope));
    let kept: Result<(), Error> = gate
        .db
        .later(move |tx| {
            Box::pin(async move {
                tx.run(INSERT_MAIL, row).await?;
                trace::insert(tx, &[event]).await
            })
        })
        .await;
    if let Err(why) = kept {
        tracing::warn!(id = %refused.id, %why, "the record of a refused mail was not kept");
    }
}

fn deciding_check(receipt: &Receipt) -> Option<String> {
    let honoured = receipt.recipients.iter().flat_map(|one| &one.considered).any(|one| one.kind == "dmarc" && one.won);
    if honoured {
        return Some("auth.dmarc.fail".into());
    }
    let decided = receipt.verdict.decided_by.and_then(|at| receipt.findings.get(at))?;
    Some(decided.check.to_string())
}

/// A refusal before or without a mail. Puts the id of its event into the reply, for those who ask about it. Must not wait.
pub fn note_refusal(gate: &Gate, peer: &Peer, envelope: Option<&Envelope>, stage: Stage, reply: &mut Reply) {
    gate.signals.refused(stage);
    let now_ms = gate.now_ms();
    let directory = gate.directory.snapshot();
    let org = envelope
        .and_then(|envelope| envelope.recipients.last())
        .and_then(|last| directory.domain_of(&last.address))
        .map(|domain| domain.org);
    let id = EventId(gate.ids.next(now_ms));
    if let Some(last) = reply.text.last_mut() {
        last.push_str(&format!(" ({id})"));
    }
    gate.events.note(refusal(peer, envelope, reply).event(id, MailId(0), org.unwrap_or(OrgId(0)), now_ms, stage));
}

fn refusal(peer: &Peer, envelope: Option<&Envelope>, reply: &Reply) -> Refusal {
    let sender = envelope.and_then(|envelope| envelope.sender.as_ref()).map(ToString::to_string);
    let recipients = envelope.map(|envelope| envelope.recipients.iter().map(|one| one.address.to_string()).collect());
    Refusal {
        ip: peer.ip.to_string(),
        helo: peer.helo.clone(),
        sender: sender.unwrap_or_default(),
        recipients: recipients.unwrap_or_default(),
        reply: shown(reply),
        ..Refusal::default()
    }
}

/// `550 5.7.1 text`
fn shown(reply: &Reply) -> String {
    let status = reply.status.map(|(class, subject, detail)| format!(" {class}.{subject}.{detail}")).unwrap_or_default();
    format!("{}{status} {}", reply.code, reply.text.join(" "))
}
