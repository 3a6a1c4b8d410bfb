//! From the last octet of a message to `250`: the main path, one function of named steps.
//!
//! In: a peer, an envelope, the octets. Out: the reply. Invariant: `250` is sent only after mail, queue rows, receipt and first
//! events are committed durably in one transaction; every other reply leaves nothing owed. Steps up to the action write nothing.
//! A step that panics or runs over its time ends in quarantine ("not fully inspectable") or in `451`, never in a pass.

pub mod again;
pub mod beside;
mod callout;
mod commit;
mod compose;
pub mod desk;
mod gate;
pub mod grey;
mod host;
mod judge;
mod lists;
mod mail_report;
pub mod probe;
mod refuse;
mod report;
mod room;
mod ruled;
pub mod settings;
pub mod signer;
mod source;

pub use compose::date;
pub use gate::{Gate, Parts, fingerprint};
pub use judge::{Judged, Seen, judge};
pub use lists::{ListSettings, Listed, Lists};
pub use room::Room;
pub use ruled::{Ruled, Target};
pub use settings::{IntakeSettings, LoginSettings};
pub use signer::signed;
pub use source::first_public;

use crate::action::{self, Action};
use crate::directory::Directory;
use crate::follow;
use crate::policy::{self, Decision};
use crate::session::Stage;
use bytes::Bytes;
use detect::Thresholds;
use mail::smtp::Reply;
use mail::{Envelope, Mail, OrgId, Peer};
use std::borrow::Cow;

/// Which way a mail goes, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Direction {
    pub org: OrgId,
    pub outbound: bool,
}

/// Takes one message, or refuses it. The steps stand in the order of the prose in docs/ARCHITECTURE.md.
pub async fn receive(gate: &Gate, peer: &Peer, envelope: Envelope, raw: Bytes, ahead: Option<Room>) -> Reply {
    if let Some(way) = envelope.recipients.first().and_then(|first| gate.probes.way(&first.address)) {
        return probe::receive(gate, peer, &envelope, raw, way).await;
    }
    if envelope.recipients.first().is_some_and(|first| gate.is_for_desk(&first.address)) {
        return desk::receive(gate, peer, &envelope, raw, ahead).await;
    }
    let room = gate.room_for(raw.len(), ahead);
    let id = room.id;
    let directory = gate.directory.snapshot();
    let gate::Back { envelope, forwarded_for, is_signed } = gate.back(&directory, envelope);
    let forwarded = forwarded_for.map(|org| Direction { org, outbound: true });
    let Some(direction) = forwarded.or_else(|| gate.direction(&directory, peer, &envelope)) else {
        let gone = Reply::new(451, (4, 3, 5), "The organisation this mail is for was just removed; try again later");
        return gate.put_off((peer, &envelope), gone);
    };
    follow::is_about(id, direction.org);
    let busy = || gate.put_off((peer, &envelope), Reply::new(451, (4, 3, 0), "The message could not be read in time; try again later"));
    let Some(turn) = gate.turn(raw.len()).await else { return busy() };
    let Some(message) = gate.read(raw).await else { return busy() };
    let source = gate.source(&directory, peer, direction, &message);
    let seen_peer = source.as_ref().unwrap_or(peer);
    let mail = Mail { peer: seen_peer, envelope: &envelope, message: &message, now_ms: gate.now_ms() };
    let unsigned = || gate.return_paths.refuses(mail.message, mail.envelope, mail.now_ms).filter(|_| !direction.outbound && !is_signed);
    if let Some(reply) = refuse::content(mail, direction, &directory, &gate.settings).or_else(unsigned) {
        return gate.refuse_content(&directory, commit::Refused::new(id, direction, mail, reply)).await;
    }
    let seen = Seen { directory: &directory, direction, lists: gate.lists.answers(seen_peer.ip).await };
    let judged = judge(gate, mail, seen).await;
    if let Some(label) = envelope.recipients.first().and_then(|first| gate.report_label(&directory, &first.address)) {
        return report::receive(gate, &directory, report::ReportMail { id, direction, mail, handed_by: peer, judged: &judged, label })
            .await;
    }
    if envelope.recipients.first().is_some_and(|first| gate.is_mail_report(&directory, &first.address)) {
        return mail_report::receive(gate, &directory, mail_report::Arriving { id, direction, mail, handed_by: peer, judged: &judged })
            .await;
    }
    if let Some(reply) = gate.come_again(mail, direction, &judged).await {
        let receipt = Some(judged.receipt(gate, (id, mail), &Ruled::default(), &[]).handed_by(peer));
        return gate.refuse_content(&directory, commit::Refused { receipt, ..commit::Refused::new(id, direction, mail, reply) }).await;
    }
    let ruled = match ruled::rule(&directory, direction, mail, &judged).await {
        Ok(ruled) => ruled,
        Err((reply, ruled)) => {
            let receipt = Some(judged.receipt(gate, (id, mail), &ruled, &[]).handed_by(peer));
            return gate.refuse_content(&directory, commit::Refused { receipt, ..commit::Refused::new(id, direction, mail, reply) }).await;
        }
    };
    let decisions = decide(&directory, &gate.thresholds, direction, mail, (&judged, &ruled));
    gate.usage.note(direction.org, &decisions, mail.now_ms);
    let receipt = judged.receipt(gate, (id, mail), &ruled, &decisions).handed_by(peer);
    let forefront = gate.settings.forefront_headers.then_some((seen_peer.ip, direction.outbound));
    let report = |decision| action::report_lines(id, &judged.verdict, decision, forefront);
    let reports: Vec<String> = decisions.iter().map(report).collect();
    match action::settle(&settling(&ruled, &decisions, &reports), mail.now_ms) {
        Action::Refuse(reply) => {
            let aside =
                commit::Aside { letters: ruled.letters(gate, &directory, direction, mail, &judged), rows: ruled.hits(id, direction.org) };
            let refused = commit::Refused { receipt: Some(receipt), aside, ..commit::Refused::new(id, direction, mail, reply) };
            gate.refuse_content(&directory, refused).await
        }
        Action::Take(outcomes) => {
            let taken = commit::Taken { id, direction, mail, handed_by: peer, judged: &judged, ruled: &ruled, receipt, outcomes };
            let prepared = commit::prepare(gate, &directory, taken);
            drop((message, judged, ruled, turn)); // a large mail is not held three times while the disk works
            commit::take(gate, prepared, (peer, &envelope)).await
        }
    }
}

/// One decision per target, in their order.
fn decide(
    directory: &Directory,
    thresholds: &Thresholds,
    direction: Direction,
    mail: Mail<'_>,
    (judged, ruled): (&Judged, &Ruled),
) -> Vec<Decision> {
    let subject = judged.subject(mail);
    let evidence = policy::Evidence {
        findings: &judged.inspected.findings,
        spam_log_odds: judged.inspected.spam_log_odds,
        phish_log_odds: judged.inspected.phish_log_odds,
        thresholds,
    };
    let decided = |target: &Target| {
        let verdict = ruled.verdict(target, &judged.verdict);
        let question = policy::Question {
            verdict: &verdict,
            // Where a rule set the level, a policy's own thresholds do not set it again.
            evidence: matches!(verdict, Cow::Borrowed(_)).then_some(evidence),
            auth: &judged.auth,
            subject: &subject,
            org: direction.org,
            recipient: &target.address,
            now_ms: mail.now_ms,
        };
        let mut decision = match direction.outbound {
            true => policy::decide_outbound(question),
            false => policy::decide(directory, question),
        };
        ruled.over(target, &mut decision);
        decision
    };
    ruled.targets.iter().map(decided).collect()
}

/// Targets as the action wants them.
fn settling<'a>(ruled: &'a Ruled, decisions: &'a [Decision], reports: &'a [String]) -> Vec<action::Settling<'a>> {
    let all = ruled.targets.iter().zip(decisions).zip(reports);
    all.map(|((target, decision), report)| action::Settling { address: &target.address, decision, report, reply: ruled.reply(target) })
        .collect()
}

impl Gate {
    /// The peer as it is to be seen when a gateway stands in front of us: where the mail came from. `None`: the peer itself.
    /// What was said in this connection (HELO, TLS, reverse name) belongs to the gateway and is left out.
    fn source(&self, directory: &Directory, peer: &Peer, direction: Direction, message: &mail::Message) -> Option<Peer> {
        if direction.outbound {
            return None;
        }
        let found = directory.inbound_from(direction.org, peer).find_map(|inbound| source::behind(message, inbound))?;
        Some(Peer { ip: found, port: 0, reverse: Default::default(), ..peer.clone() })
    }

    /// Asks doubtful mail of strangers to come again, where that is switched on; and refuses what may not be forwarded to the outside.
    async fn come_again(&self, mail: Mail<'_>, direction: Direction, judged: &Judged) -> Option<Reply> {
        if direction.outbound {
            return self.outflow.refuses_forward(&self.directory.snapshot(), mail, judged.verdict.class);
        }
        let is_on = self.settings.greylist == grey::Greylist::Doubtful;
        match is_on && grey::is_doubtful(judged, &self.thresholds) {
            true => grey::ask(&self.db, mail.peer, mail.envelope, mail.now_ms).await,
            false => None,
        }
    }

    /// A message that we cannot take now, through no fault of its own: keeps an event of it, for those who ask where it stays, and answers.
    fn put_off(&self, (peer, envelope): (&Peer, &Envelope), mut reply: Reply) -> Reply {
        commit::note_refusal(self, peer, Some(envelope), Stage::Content, &mut reply);
        reply
    }

    /// Puts the id into the reply, keeps the receipt and an event of the refusal, and answers.
    async fn refuse_content(&self, directory: &Directory, mut refused: commit::Refused<'_>) -> Reply {
        if let Some(last) = refused.reply.text.last_mut() {
            last.push_str(&self.settings.code_of_refusal(refused.id));
        }
        let reply = refused.reply.clone();
        commit::refused(self, directory, refused).await;
        reply
    }
}
