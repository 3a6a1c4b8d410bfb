//! The one transaction behind `250`, and the record of what was refused.

use super::judge::Judged;
use super::ruled::{Ruled, Target};
use super::{Direction, Gate, compose};
use crate::action::Outcome;
use crate::directory::Directory;
use crate::follow;
use crate::queue::letter::{self, Letter};
use crate::queue::{self, Accepted, BodyPlace, DsnWish, EnvelopeExtras, Fate, Recipient, Statement};
use crate::receipt::Receipt;
use crate::rules::{self, content::Content};
use crate::session::Stage;
use crate::signal::{Counter, Timer};
use crate::trace::{self, Event, EventKind, Refusal};
use bytes::Bytes;
use mail::auth::Signer;
use mail::id::{EventId, IdMaker};
use mail::smtp::Reply;
use mail::{Envelope, Mail, MailId, OrgId, Peer};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;
use store::{Error, Tx, Value, args};
use tracing::Instrument;

/// A mail that is to be taken.
pub struct Taken<'a> {
    pub id: MailId,
    pub direction: Direction,
    pub mail: Mail<'a>,
    /// Who connected; differs from the mail's peer when a gateway stands in front of us.
    pub handed_by: &'a Peer,
    pub judged: &'a Judged,
    pub ruled: &'a Ruled,
    pub receipt: Receipt,
    pub outcomes: Vec<Outcome>,
}

/// What is written besides a mail because rules ask for it.
#[derive(Debug, Default)]
pub struct Aside {
    pub letters: Vec<Letter>,
    pub rows: Vec<Statement>,
}

/// All that the transaction writes. Owns its octets, so that the message and what was decoded of it can go before the wait for the disk.
pub struct Prepared {
    /// One, or one for each shape that rules give the message.
    mails: Vec<Shaped>,
    aside: Aside,
    /// Where letters go.
    directory: Arc<Directory>,
}

struct Shaped {
    accepted: Accepted,
    row: Vec<Value>,
    events: Vec<Event>,
}

/// What is to be written for a mail.
pub fn prepare(gate: &Gate, directory: &Directory, taken: Taken<'_>) -> Prepared {
    let mut aside = Aside {
        letters: taken.ruled.letters(gate, directory, taken.direction, taken.mail, taken.judged),
        rows: taken.ruled.hits(taken.id, taken.direction.org),
    };
    if taken.direction.outbound {
        let class = taken.judged.verdict.class;
        gate.outflow.note(directory, (taken.direction.org, taken.handed_by), taken.mail.envelope, class, taken.mail.now_ms);
    }
    let mut mails = Vec::with_capacity(1);
    for (n, (content, targets)) in taken.ruled.shapes().into_iter().enumerate() {
        let id = if n == 0 { taken.id } else { MailId(gate.ids.next(taken.mail.now_ms)) };
        let shape = Shape { id, content, targets };
        let receipt = shape.receipt(&taken);
        let accepted = accepted(gate, directory, &taken, &shape);
        aside.rows.extend(shape.approvals(&taken));
        let row = mail_row(taken.direction, taken.mail, &receipt, shape.targets.len(), &accepted.extras);
        mails.push(Shaped { row, events: first_events(gate, &taken, &shape), accepted });
    }
    Prepared { mails, aside, directory: gate.directory.snapshot() }
}

/// One shape of the message and who gets it (places in the list of targets).
struct Shape {
    id: MailId,
    content: Content,
    targets: Vec<usize>,
}

impl Shape {
    fn of<'t>(&self, taken: &'t Taken<'_>) -> impl Iterator<Item = (&'t Target, &'t Outcome)> {
        self.targets.iter().map(|at| (&taken.ruled.targets[*at], &taken.outcomes[*at]))
    }

    /// The receipt with the recipients of this shape.
    fn receipt<'t>(&self, taken: &'t Taken<'_>) -> Cow<'t, Receipt> {
        if self.targets.len() == taken.ruled.targets.len() {
            return Cow::Borrowed(&taken.receipt);
        }
        let recipients = self.targets.iter().filter_map(|at| taken.receipt.recipients.get(*at)).cloned().collect();
        let split_from = (self.id != taken.id).then_some(taken.id);
        Cow::Owned(Receipt { mail: self.id, recipients, split_from, ..taken.receipt.clone() })
    }

    /// Who may approve what is held of it.
    fn approvals(&self, taken: &Taken<'_>) -> Vec<Statement> {
        let mut rows = Vec::new();
        for (n, (target, outcome)) in self.of(taken).enumerate() {
            let is_held = matches!(outcome.fate, Fate::Held { .. });
            let Some((moderators, rule)) = taken.ruled.moderators(target, is_held) else { continue };
            let row = |one: &mail::Address| rules::sql::await_approval(self.id, n as i64, taken.direction.org, &one.key(), rule);
            rows.extend(moderators.iter().map(row));
        }
        rows
    }
}

impl Prepared {
    /// Id and octets of one shape, in the order of [`Ruled::shapes`].
    pub(super) fn shape(&self, place: usize) -> Option<(MailId, Bytes)> {
        self.mails.get(place).map(|shaped| (shaped.accepted.id, shaped.accepted.octets.clone()))
    }
}

/// Commits and answers. What cannot be stored is put off, and that is noted once the database takes it.
pub async fn take(gate: &Gate, prepared: Prepared, from: (&Peer, &Envelope)) -> Reply {
    let not_now = || gate.put_off(from, Reply::new(451, (4, 3, 0), "The mail could not be stored; try again later"));
    let Some(id) = prepared.mails.first().map(|first| first.accepted.id) else { return not_now() };
    let started = Instant::now();
    let done = durably(gate, prepared).instrument(tracing::trace_span!(target: follow::TARGET, "commit")).await;
    gate.signals.took(Timer::Commit, started.elapsed());
    match done {
        Ok(accepted) => {
            gate.signals.accepted();
            accepted.iter().for_each(|accepted| count_fates(gate, accepted));
            accepted.into_iter().for_each(|accepted| gate.queue.start(accepted));
            Reply::new(250, (2, 0, 0), format!("{id} is ours now"))
        }
        Err(why) => {
            tracing::error!(%id, %why, "a mail could not be stored; its sender keeps it");
            gate.signals.store_failed();
            match why {
                // RFC 3463 §3.4: 4.3.1 system full.
                Error::Full(_) => gate.put_off(from, Reply::new(452, (4, 3, 1), "Our disk is full; try again later")),
                _ => not_now(),
            }
        }
    }
}

/// Commits a mail that is ours and that no organisation's figures hold, and answers.
pub(super) async fn take_alone(gate: &Gate, accepted: Accepted, row: Vec<Value>) -> Reply {
    let id = accepted.id;
    let mails = vec![Shaped { accepted, row, events: Vec::new() }];
    match durably(gate, Prepared { mails, aside: Aside::default(), directory: gate.directory.snapshot() }).await {
        Ok(accepted) => {
            accepted.into_iter().for_each(|accepted| gate.queue.start(accepted));
            Reply::new(250, (2, 0, 0), format!("{id} is ours now"))
        }
        Err(why) => Reply::new(451, (4, 3, 0), format!("The mail could not be stored: {why}")),
    }
}

fn count_fates(gate: &Gate, accepted: &Accepted) {
    let count = |wanted: fn(&Fate) -> bool| accepted.recipients.iter().filter(|recipient| wanted(&recipient.fate)).count() as u64;
    gate.signals.add(Counter::AcceptedOctets, accepted.octets.len() as u64);
    gate.signals.add(Counter::Held, count(|fate| matches!(fate, Fate::Held { .. })));
    gate.signals.add(Counter::Deleted, count(|fate| *fate == Fate::Deleted));
}

async fn durably(gate: &Gate, prepared: Prepared) -> Result<Vec<Accepted>, Error> {
    let Prepared { mails, aside, directory } = prepared;
    let mut placed = Vec::with_capacity(mails.len());
    for shaped in mails {
        let place = BodyPlace::choose(&gate.bodies, &shaped.accepted).await?;
        placed.push((shaped, place));
    }
    let (ids, now_ms) = (gate.ids.clone(), gate.now_ms());
    gate.db
        .tx(move |tx| {
            Box::pin(async move {
                let mut accepted = Vec::with_capacity(placed.len());
                for (shaped, place) in placed {
                    let mut statements = vec![(INSERT_MAIL, shaped.row)];
                    statements.extend(queue::insert_statements(&shaped.accepted, &place)?);
                    tx.run_all(statements).await?;
                    trace::insert(tx, &shaped.events).await?;
                    accepted.push(shaped.accepted);
                }
                besides(tx, aside, &directory, (&ids, now_ms)).await?;
                Ok(accepted)
            })
        })
        .await
}

/// Hits, approvals and letters. A letter that cannot be written costs the letter, never the mail.
async fn besides(tx: &mut Tx, aside: Aside, directory: &Directory, (ids, now_ms): (&IdMaker, i64)) -> Result<(), Error> {
    if !aside.rows.is_empty() {
        tx.run_all(aside.rows).await?;
    }
    for letter in &aside.letters {
        match letter::post(tx, letter, directory, ids, now_ms).await {
            Err(Error::Shape(why)) => tracing::warn!(why, to = %letter.to, "a notice of a rule could not be written"),
            done => {
                done?;
            }
        }
    }
    Ok(())
}

const INSERT_MAIL: &str = "INSERT INTO mail (id, org, direction, peer_ip, helo, sender, message_id, subject, octets, recipients, verdict, receipt, envelope) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

/// The row of `mail`. `recipients` is 0 for a mail that was refused: nothing is owed for it.
pub(super) fn mail_row(direction: Direction, mail: Mail<'_>, receipt: &Receipt, recipients: usize, extras: &EnvelopeExtras) -> Vec<Value> {
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

fn accepted(gate: &Gate, directory: &Directory, taken: &Taken<'_>, shape: &Shape) -> Accepted {
    let mail = taken.mail;
    let mut extras = extras(directory, taken.direction, mail.envelope);
    extras.tls_optional = says_tls_optional(mail.message);
    extras.tls_by_rule = shape.content.require_tls;
    Accepted {
        id: shape.id,
        org: taken.direction.org,
        at_ms: mail.now_ms,
        sender: taken.receipt.envelope.sender.clone(),
        extras,
        octets: octets(gate, directory, taken, shape),
        recipients: recipients(directory, taken, shape),
    }
}

/// What is stored and sent on. Mail that leaves is signed as it leaves: after what rules change in it.
fn octets(gate: &Gate, directory: &Directory, taken: &Taken<'_>, shape: &Shape) -> Bytes {
    let mail = taken.mail;
    let handed = Mail { peer: taken.handed_by, ..mail };
    let settings = gate.auth_settings(directory);
    let signers: Vec<Arc<Signer>> = match taken.direction.outbound {
        true => gate.signers.of(directory, &gate.seal, taken.direction.org, mail),
        false => Vec::new(),
    };
    let signatures = |octets: &[u8]| -> String { signers.iter().map(|signer| signer.sign_at(octets, mail.now_ms)).collect() };
    let composed = |signatures: &str| compose::octets(gate, (shape.id, handed), &taken.judged.auth, &settings, signatures);
    if !taken.direction.outbound {
        return sealed(gate, directory, taken, shape, composed(""));
    }
    if shape.content.is_unchanged() {
        return composed(&signatures(mail.message.raw()));
    }
    let changed = shape.content.apply(composed(""), &shape.id.to_string());
    let signatures = signatures(&changed);
    if signatures.is_empty() { changed } else { [signatures.as_bytes(), &changed].concat().into() }
}

/// Mail that comes in, with what rules change in it; where it is changed or goes on to strangers, with an ARC set of ours, so that who gets it
/// can believe what we saw of its signatures (RFC 8617 §5.1).
fn sealed(gate: &Gate, directory: &Directory, taken: &Taken<'_>, shape: &Shape, composed: Bytes) -> Bytes {
    let is_changed = !shape.content.is_unchanged();
    let octets = if is_changed { shape.content.apply(composed, &shape.id.to_string()) } else { composed };
    let goes_on = || shape.of(taken).any(|(_, outcome)| directory.domain_of(&outcome.address).is_none());
    if !is_changed && !goes_on() {
        return octets;
    }
    let domain = taken.mail.envelope.recipients.first().map(|one| one.address.domain()).unwrap_or_default();
    let sealer = gate.signers.sealer(directory, &gate.seal, domain, &gate.name);
    match sealer.and_then(|sealer| sealer.seal(&octets, &taken.judged.auth.arc, taken.mail.now_ms)) {
        Some(set) => [set.as_bytes(), &octets].concat().into(),
        None => octets,
    }
}

/// RFC 8689 §3: "No" is the only value there is; two fields, or another value, say nothing.
fn says_tls_optional(message: &mail::Message) -> bool {
    let mut fields = message.fields().filter(|(name, _)| name.eq_ignore_ascii_case(b"tls-required"));
    let is_no = fields.next().is_some_and(|(_, value)| value.trim_ascii().eq_ignore_ascii_case(b"no"));
    is_no && fields.next().is_none()
}

fn extras(directory: &Directory, direction: Direction, envelope: &Envelope) -> EnvelopeExtras {
    let language = directory.organisation(direction.org).map(|org| org.settings.language.as_str()).unwrap_or("en");
    EnvelopeExtras::new(envelope, language)
}

fn recipients(directory: &Directory, taken: &Taken<'_>, shape: &Shape) -> Vec<Recipient> {
    let recipient = |(n, (target, outcome)): (usize, (&Target, &Outcome))| {
        let wanted = &taken.mail.envelope.recipients[target.of];
        let by_rule = taken.ruled.connector(directory, taken.direction.org, target);
        Recipient {
            n: n as i64,
            address: outcome.address.to_string(),
            original: if target.is_added { outcome.address.to_string() } else { wanted.address.to_string() },
            fate: outcome.fate.clone(),
            edits: outcome.edits.clone(),
            dsn: match target.is_added {
                // The sender knows nothing of them, so it is told nothing of them.
                true => DsnWish { given: true, ..DsnWish::default() },
                false => DsnWish::new(wanted.notify, wanted.orcpt.as_deref()),
            },
            route: by_rule.unwrap_or_else(|| route(directory, taken.direction, outcome.address.domain())).to_string(),
        }
    };
    shape.of(taken).enumerate().map(recipient).collect()
}

/// Connector name; '' is MX.
fn route<'a>(directory: &'a Directory, direction: Direction, domain: &str) -> &'a str {
    match directory.domain_named(domain).is_some() {
        true => directory.inbound_route(domain),
        false => directory.outbound_route(direction.org, domain),
    }
}

/// received, judged, then one event per recipient.
fn first_events(gate: &Gate, taken: &Taken<'_>, shape: &Shape) -> Vec<Event> {
    let at_ms = taken.mail.now_ms;
    let event = |kind, recipient: String, detail: String| Event {
        id: EventId(gate.ids.next(at_ms)),
        mail: shape.id,
        org: taken.direction.org,
        at_ms,
        kind,
        recipient,
        detail,
    };
    let verdict = &taken.receipt.verdict;
    let octets = taken.mail.message.raw().len();
    let mut events = Vec::with_capacity(2 + shape.targets.len());
    events.push(event(EventKind::Received, String::new(), format!("{{\"octets\":{octets}}}")));
    let judged = format!("{{\"verdict\":\"{}\",\"scl\":{},\"bcl\":{}}}", verdict.class.name(), verdict.scl, verdict.bcl);
    events.push(event(EventKind::Judged, String::new(), judged));
    for (_, outcome) in shape.of(taken) {
        let recipient = outcome.address.to_string();
        events.push(match &outcome.fate {
            Fate::Queued => event(EventKind::Queued, recipient, "{}".into()),
            Fate::Held { until_ms } => event(EventKind::Held, recipient, format!("{{\"until_ms\":{until_ms}}}")),
            Fate::Deleted => event(EventKind::Deleted, recipient, "{}".into()),
            Fate::HandedBack { by } => event(EventKind::HandedBack, recipient, serde_json::json!({ "hop": &**by }).to_string()),
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
    pub aside: Aside,
}

impl<'a> Refused<'a> {
    /// Refused before it was judged.
    pub fn new(id: MailId, direction: Direction, mail: Mail<'a>, reply: Reply) -> Refused<'a> {
        Refused { id, direction, mail, receipt: None, reply, aside: Aside::default() }
    }
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
    let mail_now_ms = mail.now_ms;
    let (aside, directory, ids) = (refused.aside, gate.directory.snapshot(), gate.ids.clone());
    let kept: Result<(), Error> = gate
        .db
        .later(move |tx| {
            Box::pin(async move {
                tx.run(INSERT_MAIL, row).await?;
                trace::insert(tx, &[event]).await?;
                besides(tx, aside, &directory, (&ids, mail_now_ms)).await
            })
        })
        .await;
    if let Err(why) = kept {
        tracing::warn!(id = %refused.id, %why, "the record of a refused mail was not kept");
    }
}

fn deciding_check(receipt: &Receipt) -> Option<String> {
    let by_rule = receipt.recipients.iter().flat_map(|one| &one.considered).any(|one| one.kind == "rule" && one.won);
    if by_rule {
        return None; // the organisation's own words stand in the reply
    }
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
        // Mail to strangers concerns whoever it claims to come from: they ask why it was not sent.
        .or_else(|| envelope.and_then(|envelope| envelope.sender.as_ref()).and_then(|sender| directory.domain_of(sender)))
        .map(|domain| domain.org);
    let id = EventId(gate.ids.next(now_ms));
    if let Some(last) = reply.text.last_mut() {
        last.push_str(&gate.settings.code_of_refusal(id));
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
