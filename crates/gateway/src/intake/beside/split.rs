//! Who gets the mail from the server that asks, who from us, and what that server has to change. Pure.
//!
//! A server has one message for all its recipients. Those who are to have another one (another disclaimer, another prefix, the junk
//! header) get theirs from us. Invariant: every target is in exactly one of the two.

use super::Means;
use crate::action::Outcome;
use crate::intake::{Ruled, Target};
use crate::policy::{Decision, PolicyAction};
use crate::queue::{self, Fate};
use bytes::Bytes;
use mail::beside::header_edits::{HeaderEdit, between, body_of};
use mail::{Address, Envelope};

/// What the server changes before it delivers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edits {
    /// In the order to make them.
    pub headers: Vec<HeaderEdit>,
    /// A new body.
    pub body: Option<Bytes>,
    /// Places of the recipients that the server shall not serve.
    pub drop: Vec<usize>,
    pub add: Vec<Address>,
    /// The lines that are put on top, and the words before the subject, for servers that do that themselves.
    pub lines: String,
    pub subject_prefix: String,
}

/// Targets that the server serves, all of one shape.
pub(super) struct Split {
    pub back: Vec<usize>,
    pub shape: usize,
}

/// What makes the message of one target another one than its neighbour's.
#[derive(PartialEq)]
struct Look<'a> {
    shape: usize,
    header: &'a str,
    prefix: &'a str,
}

/// The largest group of targets that get the same message goes back; of groups as large, the first. Who a rule sends by a connector of
/// ours goes that way.
pub(super) fn split(
    ruled: &Ruled,
    (decisions, outcomes): (&[Decision], &[Outcome]),
    means: Means,
    goes_our_way: impl Fn(&Target) -> bool,
) -> Split {
    if means == Means::Word {
        // One word: all are served by the server, or the mail would be there twice.
        return Split { back: (0..outcomes.len()).collect(), shape: 0 };
    }
    let shapes = ruled.shapes();
    let mut groups: Vec<(Look<'_>, Vec<usize>)> = Vec::new();
    for (at, (decision, outcome)) in decisions.iter().zip(outcomes).enumerate() {
        if outcome.fate != Fate::Queued || goes_our_way(&ruled.targets[at]) {
            continue;
        }
        let is_marked = matches!(decision.action, PolicyAction::Junk | PolicyAction::AddHeader);
        let shape = shapes.iter().position(|(_, targets)| targets.contains(&at)).unwrap_or_default();
        if shapes.get(shape).is_some_and(|(content, _)| content.require_tls) {
            continue; // the server would not know that every next hop must speak TLS
        }
        let look = Look { shape, header: if is_marked { &decision.policy.header } else { "" }, prefix: &outcome.edits.subject_prefix };
        match groups.iter_mut().find(|(known, _)| *known == look) {
            Some((_, targets)) => targets.push(at),
            None => groups.push((look, vec![at])),
        }
    }
    let largest = groups.into_iter().reduce(|best, next| if next.1.len() > best.1.len() { next } else { best });
    largest.map_or(Split { back: Vec::new(), shape: 0 }, |(look, back)| Split { shape: look.shape, back })
}

/// Recipients and lines; the rest follows from the octets.
pub(super) struct Change {
    edits: queue::Edits,
    drop: Vec<usize>,
    add: Vec<Address>,
}

impl Change {
    pub fn new(envelope: &Envelope, back: &[usize], outcomes: &[Outcome], edits: queue::Edits) -> Change {
        let served: Vec<&Address> = back.iter().map(|at| &outcomes[*at].address).collect();
        let recipients = envelope.recipients.iter().enumerate();
        let drop = recipients.filter(|(_, one)| !served.contains(&&one.address)).map(|(at, _)| at).collect();
        let is_new = |address: &&Address| !envelope.recipients.iter().any(|one| one.address == **address);
        Change { edits, drop, add: served.into_iter().filter(is_new).cloned().collect() }
    }

    /// The changes that make of the octets `raw` what we would have sent on: `composed` with its edits, without our Received, since the
    /// server writes its own.
    pub fn of(self, raw: &[u8], composed: &Bytes) -> Edits {
        let ours = crate::delivery::edited(composed, &self.edits).concat();
        let headers = between(raw, &ours, |name, value| name.eq_ignore_ascii_case(b"received") && is_our_received(value));
        let (old, new) = (body_of(raw), body_of(&ours));
        let body = (old != new).then(|| Bytes::copy_from_slice(new));
        let (lines, subject_prefix) = (self.edits.headers.to_string(), self.edits.subject_prefix.to_string());
        Edits { headers, body, drop: self.drop, add: self.add, lines, subject_prefix }
    }
}

/// `(Gatepost) with`, as [`super::super::compose`] writes it.
fn is_our_received(value: &[u8]) -> bool {
    memchr::memmem::find(value, b" (Gatepost) with ").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edits(headers: &str, prefix: &str) -> queue::Edits {
        queue::Edits { headers: headers.into(), subject_prefix: prefix.into() }
    }

    #[test]
    fn what_the_server_changes_is_what_we_would_have_sent() {
        let raw = b"Authentication-Results: gate.test; spf=pass\r\nSubject: hi\r\nFrom: a@b.example\r\n\r\nbody\r\n";
        let composed = Bytes::from_static(
            b"Received: from x (y [192.0.2.1])\r\n\tby gate.test (Gatepost) with ESMTP id m1;\r\n\tnow\r\n\
              Authentication-Results: gate.test; spf=fail\r\nSubject: hi\r\nFrom: a@b.example\r\n\r\nbody\r\n",
        );
        let change = Change { edits: edits("X-Gatepost-Report: id=m1\r\n", "[SPAM] "), drop: vec![1], add: Vec::new() };
        let made = change.of(raw, &composed);
        let insert = |at, name: &str, value: &str| HeaderEdit::Insert { at, name: name.into(), value: value.into() };
        let want = vec![
            HeaderEdit::Replace { name: "Subject".into(), nth: 1, value: b" [SPAM] hi".to_vec() },
            HeaderEdit::Remove { name: "Authentication-Results".into(), nth: 1 },
            insert(0, "X-Gatepost-Report", " id=m1"),
            insert(1, "Authentication-Results", " gate.test; spf=fail"),
        ];
        assert_eq!(made.headers, want);
        assert_eq!((made.body, made.drop), (None, vec![1]));
    }
}
