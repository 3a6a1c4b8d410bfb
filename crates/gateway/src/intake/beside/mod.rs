//! The main path for mail that another server keeps: it asks what we think (milter, rspamd's and spamd's protocol), and acts on it.
//!
//! In: a peer, an envelope, the octets, and what the server can do. Out: an [`Answered`]. The steps are those of [`super::receive`], in the
//! same order and by the same functions, so there is one verdict, one receipt and one trace. Invariants: what we answer for (held mail,
//! recipients that need another message) is durable before the answer; each recipient is in the trace once, with who delivers it.

mod said;
mod split;

pub use said::Said;
pub use split::Edits;

use super::judge::{Seen, judge, judge_unnoted};
use super::{Direction, Gate, Judged, Ruled, Target, action, commit, decide, gate as gates, receive, refuse, ruled, settling};
use crate::action::Action;
use crate::directory::Directory;
use crate::follow;
use crate::policy::Decision;
use crate::queue::Fate;
use crate::scope::OURS;
use crate::session::{Host, Stage};
use bytes::Bytes;
use futures_util::FutureExt;
use mail::envelope::EnvelopeRecipient;
use mail::smtp::Reply;
use mail::{Address, Envelope, Mail, MailId, Peer};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What the server that asks can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// What we say, to each recipient and each field of the header: a milter's server.
    Edits,
    /// It hears one word about all recipients.
    Word,
}

/// A mail that is asked about.
pub struct Question<'a> {
    pub peer: &'a Peer,
    pub envelope: Envelope,
    pub raw: Bytes,
    pub means: Means,
    /// Who asks, for the trace: "milter: mx.example.org, id 4bQ1".
    pub asker: Arc<str>,
    /// The organisation of mail that names none of ours, by name; empty: the only one there is.
    pub organisation: &'a str,
}

/// What the server shall do.
#[derive(Debug, Clone, PartialEq)]
pub enum Ruling {
    /// No organisation here has to do with the mail.
    NotOurs,
    /// Refuse it, now or for the moment.
    Refuse(Reply),
    /// We keep it for all recipients: the server drops it and says 250.
    Keep,
    /// Deliver it, with these changes.
    HandBack(Box<Edits>),
}

/// The ruling, and what was seen, if it came to be judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    pub ruling: Ruling,
    pub said: Option<Box<Said>>,
}

impl From<Ruling> for Answered {
    fn from(ruling: Ruling) -> Answered {
        Answered { ruling, said: None }
    }
}

/// Answers a question. A panic on the way is an answer too: come again later.
pub async fn ask(gate: &Gate, question: Question<'_>) -> Answered {
    match AssertUnwindSafe(answer(gate, question)).catch_unwind().await {
        Ok(answered) => answered,
        Err(_) => {
            tracing::error!("judging a mail for another server failed by a fault of ours; it is asked to come again");
            Ruling::Refuse(Reply::new(451, (4, 3, 0), "The message could not be judged; try again later")).into()
        }
    }
}

async fn answer(gate: &Gate, question: Question<'_>) -> Answered {
    if question.means == Means::Edits && is_for_us(gate, &question.envelope) {
        let reply = receive(gate, question.peer, question.envelope, question.raw, None).await;
        return if reply.is_positive() { Ruling::Keep.into() } else { Ruling::Refuse(reply).into() };
    }
    let id = MailId(gate.ids.next(gate.now_ms()));
    let directory = gate.directory.snapshot();
    let envelope = &question.envelope;
    let direction = gate.direction_beside(&directory, question.peer, envelope, question.organisation);
    let busy = || Ruling::Refuse(Reply::new(451, (4, 3, 0), format!("The message could not be read in time; try again later ({id})")));
    let Some(_turn) = gate.turn(question.raw.len()).await else { return busy().into() };
    let Some(message) = gate.read(question.raw.clone()).await else { return busy().into() };
    let now_ms = gate.now_ms();
    match direction {
        Some(direction) if !envelope.recipients.is_empty() => {
            follow::is_about(id, direction.org);
            let source = gate.source(&directory, question.peer, direction, &message);
            let mail = Mail { peer: source.as_ref().unwrap_or(question.peer), envelope, message: &message, now_ms };
            Case { gate, directory: &directory, id, direction, mail, question: &question }.settle().await
        }
        _ if question.means == Means::Edits => Ruling::NotOurs.into(),
        _ => {
            // As if it left, where nobody is it for: nothing that an organisation taught is asked.
            let direction = direction.unwrap_or(Direction { org: OURS, outbound: true });
            let mail = Mail { peer: question.peer, envelope, message: &message, now_ms };
            only_said(gate, &directory, direction, mail).await
        }
    }
}

/// Mail that we take ourselves: probes, answers to our letters, reports of people.
fn is_for_us(gate: &Gate, envelope: &Envelope) -> bool {
    let Some(first) = envelope.recipients.first().map(|first| &first.address) else { return false };
    gate.probes.way(first).is_some() || gate.is_for_desk(first) || gate.report_label(&gate.directory.snapshot(), first).is_some()
}

/// A mail that is recorded.
struct Case<'a> {
    gate: &'a Gate,
    directory: &'a Directory,
    id: MailId,
    direction: Direction,
    mail: Mail<'a>,
    question: &'a Question<'a>,
}

/// What was judged and decided.
struct Weighed {
    judged: Judged,
    ruled: Ruled,
    decisions: Vec<Decision>,
    reports: Vec<String>,
}

impl Case<'_> {
    async fn settle(&self) -> Answered {
        let Case { gate, directory, direction, mail, .. } = *self;
        if let Some(reply) = refuse::content(mail, direction, directory, &gate.settings) {
            return self.refuse(commit::Refused::new(self.id, direction, mail, reply), None).await;
        }
        let lists = gate.lists.answers(mail.peer.ip).await;
        let judged = judge(gate, mail, Seen { directory, direction, lists }).await;
        if let Some(reply) = gate.come_again(mail, direction, &judged).await {
            return self.unsettled(judged, Ruled::default(), reply).await;
        }
        let ruled = match ruled::rule(directory, direction, mail, &judged).await {
            Ok(ruled) => ruled,
            Err((reply, ruled)) => return self.unsettled(judged, ruled, reply).await,
        };
        let decisions = decide(directory, &gate.thresholds, direction, mail, (&judged, &ruled));
        gate.usage.note(direction.org, &decisions, mail.now_ms);
        let forefront = gate.settings.forefront_headers.then_some((mail.peer.ip, direction.outbound));
        let report = |decision: &Decision| action::report_lines(self.id, &judged.verdict, decision, forefront);
        let reports: Vec<String> = decisions.iter().map(report).collect();
        let weighed = Weighed { judged, ruled, decisions, reports };
        let said = Some(Box::new(Said::new(Some(self.id), mail, &weighed.judged, &weighed.decisions)));
        match self.action(&weighed) {
            Action::Refuse(reply) => {
                let letters = weighed.ruled.letters(gate, directory, direction, mail, &weighed.judged);
                let aside = commit::Aside { letters, rows: weighed.ruled.hits(self.id, direction.org) };
                let receipt = Some(self.receipt(&weighed.judged, &weighed.ruled, &weighed.decisions));
                self.refuse(commit::Refused { receipt, aside, ..commit::Refused::new(self.id, direction, mail, reply) }, said).await
            }
            Action::Take(outcomes) => Answered { ruling: self.take(&weighed, outcomes).await, said },
        }
    }

    /// One action for all. A server that only hears a word keeps from everybody what it should keep from everybody, and we have no copy:
    /// that is a refusal.
    fn action(&self, weighed: &Weighed) -> Action {
        let settling = settling(&weighed.ruled, &weighed.decisions, &weighed.reports);
        let action = action::settle(&settling, self.mail.now_ms);
        match action {
            Action::Take(outcomes) if self.question.means == Means::Word && outcomes.iter().all(|one| one.fate != Fate::Queued) => {
                let class = weighed.judged.verdict.class.name();
                Action::Refuse(Reply::new(554, (5, 7, 1), format!("Kept away by the policy of the recipient's organisation ({class})")))
            }
            action => action,
        }
    }

    fn receipt(&self, judged: &Judged, ruled: &Ruled, decisions: &[Decision]) -> crate::receipt::Receipt {
        judged.receipt(self.gate, (self.id, self.mail), ruled, decisions).handed_by(self.question.peer)
    }

    /// The mail is to come again.
    async fn unsettled(&self, judged: Judged, ruled: Ruled, reply: Reply) -> Answered {
        let said = Said::new(Some(self.id), self.mail, &judged, &[]);
        let receipt = Some(self.receipt(&judged, &ruled, &[]));
        let refused = commit::Refused { receipt, ..commit::Refused::new(self.id, self.direction, self.mail, reply) };
        self.refuse(refused, Some(Box::new(said))).await
    }

    async fn refuse(&self, refused: commit::Refused<'_>, said: Option<Box<Said>>) -> Answered {
        Answered { ruling: Ruling::Refuse(self.gate.refuse_content(self.directory, refused).await), said }
    }

    /// Writes down what becomes of everybody, then says what the server shall do.
    async fn take(&self, weighed: &Weighed, mut outcomes: Vec<action::Outcome>) -> Ruling {
        let (directory, org) = (self.directory, self.direction.org);
        let goes_our_way = |target: &Target| weighed.ruled.connector(directory, org, target).is_some();
        let split = split::split(&weighed.ruled, (&weighed.decisions, &outcomes), self.question.means, goes_our_way);
        let by = &self.question.asker;
        split.back.iter().for_each(|at| outcomes[*at].fate = Fate::HandedBack { by: by.clone() });
        let shape = split.shape;
        let edits = split.back.first().map(|at| outcomes[*at].edits.clone());
        let change = edits.map(|edits| split::Change::new(&self.question.envelope, &split.back, &outcomes, edits));
        let taken = commit::Taken {
            id: self.id,
            direction: self.direction,
            mail: self.mail,
            handed_by: self.question.peer,
            judged: &weighed.judged,
            ruled: &weighed.ruled,
            receipt: self.receipt(&weighed.judged, &weighed.ruled, &weighed.decisions),
            outcomes,
        };
        let prepared = commit::prepare(self.gate, self.directory, taken);
        let octets = prepared.shape(shape).map(|(_, octets)| octets);
        let reply = commit::take(self.gate, prepared, (self.question.peer, &self.question.envelope)).await;
        match (reply.is_positive(), change, octets) {
            (false, ..) => Ruling::Refuse(reply),
            (true, Some(change), Some(octets)) => Ruling::HandBack(Box::new(change.of(self.mail.message.raw(), &octets))),
            (true, ..) => Ruling::Keep,
        }
    }
}

/// What we think of a mail that is nobody's: nothing is written down.
async fn only_said(gate: &Gate, directory: &Directory, direction: Direction, mail: Mail<'_>) -> Answered {
    let lists = gate.lists.answers(mail.peer.ip).await;
    let judged = judge_unnoted(gate, mail, Seen { directory, direction, lists }).await;
    let somebody = [EnvelopeRecipient { address: Address::bare_postmaster(), notify: Default::default(), orcpt: None }];
    let envelope = Envelope { recipients: somebody.into(), ..mail.envelope.clone() };
    let ruled = Ruled::of_envelope(Mail { envelope: &envelope, ..mail });
    let inbound = Direction { outbound: false, ..direction };
    let decisions = decide(directory, &gate.thresholds, inbound, mail, (&judged, &ruled));
    let said = Said::new(None, mail, &judged, &decisions);
    Answered { ruling: Ruling::NotOurs, said: Some(Box::new(said)) }
}

impl Gate {
    /// Whose mail this is, when the server that asks has it already and decided itself whom it relays for.
    pub(super) fn direction_beside(&self, directory: &Directory, peer: &Peer, envelope: &Envelope, named: &str) -> Option<Direction> {
        let first = envelope.recipients.first();
        if let Some(found) = first.and_then(|first| gates::direction(directory, peer, &first.address)) {
            return Some(found);
        }
        if let (Some(sender), Some(_)) = (envelope.sender.as_ref().and_then(|sender| directory.domain_of(sender)), first) {
            return Some(Direction { org: sender.org, outbound: true });
        }
        let inbound = first.and_then(|first| directory.domain_of(&first.address)).map(|domain| domain.org);
        let only = || match (named, directory.organisations.len()) {
            ("", 1) => directory.organisations.keys().next().copied(),
            ("", _) => None,
            (named, _) => directory.organisation_named(named).map(|found| found.id),
        };
        inbound.or_else(only).map(|org| Direction { org, outbound: false })
    }

    /// May this recipient have the mail, as far as we decide? The rules of the port hold for who is served here (the directory, block
    /// entries, lists); where the server relays to is its own matter, but one mail is of one organisation.
    /// # Errors
    /// The reply for this recipient.
    pub async fn recipient_beside(
        &self,
        peer: &Peer,
        so_far: &Envelope,
        next: &EnvelopeRecipient,
        organisation: &str,
    ) -> Result<(), Reply> {
        let directory = self.directory.snapshot();
        let alone = |next: &EnvelopeRecipient| Envelope { recipients: vec![next.clone()], ..so_far.clone() };
        let of = |envelope: &Envelope| self.direction_beside(&directory, peer, envelope, organisation);
        if !so_far.recipients.is_empty() && of(so_far) != of(&alone(next)) {
            let mut reply = Reply::new(452, (4, 5, 3), "Send to this recipient in a transaction of its own");
            commit::note_refusal(self, peer, Some(&alone(next)), Stage::Recipient, &mut reply);
            return Err(reply);
        }
        let is_served = directory.domain_of(&next.address).is_some() && peer.authenticated.is_none();
        match is_served || self.is_for_desk(&next.address) {
            true => self.recipient(peer, so_far, next).await,
            false => Ok(()),
        }
    }
}
