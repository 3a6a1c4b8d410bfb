//! Mail to ourselves that people answer our letters with: it becomes a word of a conversation and goes to nobody.
//!
//! In: mail to an address that a [`Desk`] signed. Out: the reply. Invariants: such mail comes alone; it is judged like every mail; the word is
//! kept durably before `250`, so that a peer whose answer could not be kept sends it again, and who may not answer is told at once, by the
//! peer's own server. Not here: what the conversation is (the desk, above us).

use super::commit::{self, Taken};
use super::judge::{Seen, judge};
use super::{Direction, Gate, Room, Ruled};
use crate::action::Outcome;
use crate::queue::{Edits, Fate};
use crate::scope::OURS;
use bytes::Bytes;
use detect::Class;
use futures_util::future::BoxFuture;
use mail::auth::AuthResults;
use mail::smtp::Reply;
use mail::{Address, Envelope, Mail, MailId, OrgId, Peer};
use std::time::Duration;

/// How long keeping a word may take.
const TAKE_MAX: Duration = Duration::from_secs(60);

/// Takes answers; lives above the mail path.
pub trait Desk: Send + Sync {
    /// Whether this is an address that answers go to. Looks nothing up and waits for nothing.
    fn knows(&self, address: &Address) -> bool;

    /// Keeps the answer and says whose it is.
    /// # Errors
    /// The reply for the peer: who may not answer, or that it could not be kept now.
    fn take<'a>(&'a self, answer: Answer<'a>) -> BoxFuture<'a, Result<OrgId, Reply>>;
}

/// A judged answer.
#[derive(Clone, Copy)]
pub struct Answer<'a> {
    pub id: MailId,
    pub to: &'a Address,
    pub mail: Mail<'a>,
    pub auth: &'a AuthResults,
    /// Whose own server or login handed it over, where From is a domain of theirs.
    pub handed_by: Option<OrgId>,
}

/// Whether a recipient is the desk's; it then has to come alone. `None` when the desk is not concerned.
pub(super) fn may_receive(gate: &Gate, so_far: &Envelope, next: &Address) -> Option<Result<(), Reply>> {
    match (so_far.recipients.first(), gate.is_for_desk(next)) {
        (None, true) => Some(Ok(())),
        (Some(first), is_one) if is_one || gate.is_for_desk(&first.address) => {
            Some(Err(Reply::new(452, (4, 5, 3), "Send to this recipient in a transaction of its own")))
        }
        _ => None,
    }
}

/// Takes one answer.
pub(super) async fn receive(gate: &Gate, peer: &Peer, envelope: &Envelope, raw: Bytes, ahead: Option<Room>) -> Reply {
    let room = gate.room_for(raw.len(), ahead);
    let id = room.id;
    let busy = || Reply::new(451, (4, 3, 0), format!("The message could not be read in time; try again later ({id})"));
    let (Some(desk), Some(first)) = (gate.desk.as_ref(), envelope.recipients.first()) else { return busy() };
    let Some(turn) = gate.turn(raw.len()).await else { return busy() };
    let Some(message) = gate.read(raw).await else { return busy() };
    let directory = gate.directory.snapshot();
    let mail = Mail { peer, envelope, message: &message, now_ms: gate.now_ms() };
    // As if it left: nothing is remembered of its sender.
    let seen = Seen { directory: &directory, direction: Direction { org: OURS, outbound: true }, lists: Vec::new() };
    let judged = judge(gate, mail, seen).await;
    if matches!(judged.verdict.class, Class::Malware | Class::Uninspectable) {
        return Reply::new(550, (5, 7, 1), format!("What is attached is harmful or cannot be looked into ({id})"));
    }
    let author = message.from.address().and_then(|from| directory.domain_of(from)).map(|domain| domain.org);
    let handed_by = directory.relays_for_peer(peer).map(|org| org.id).filter(|org| author == Some(*org));
    let answer = Answer { id, to: &first.address, mail, auth: &judged.auth, handed_by };
    let org = match tokio::time::timeout(TAKE_MAX, desk.take(answer)).await {
        Ok(Ok(org)) => org,
        Ok(Err(reply)) => return reply,
        Err(_) => return Reply::new(451, (4, 3, 0), format!("The answer could not be kept in time; try again later ({id})")),
    };
    let (direction, ruled) = (Direction { org, outbound: false }, Ruled::of_envelope(mail));
    let receipt = judged.receipt(gate, (id, mail), &ruled, &[]);
    let gone = |address: &Address| Outcome { fate: Fate::Deleted, address: address.clone(), edits: Edits::default() };
    let outcomes = envelope.recipients.iter().map(|recipient| gone(&recipient.address)).collect();
    let taken = Taken { id, direction, mail, handed_by: peer, judged: &judged, ruled: &ruled, receipt, outcomes };
    let prepared = commit::prepare(gate, &directory, taken);
    drop(turn);
    commit::take(gate, prepared, (peer, envelope)).await
}

impl Gate {
    /// Whether an answer to one of our own letters goes there.
    pub(super) fn is_for_desk(&self, address: &Address) -> bool {
        self.desk.as_ref().is_some_and(|desk| desk.knows(address))
    }
}
