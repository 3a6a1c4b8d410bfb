//! A mail to a report address: it is learned from, accounted for, and goes to nobody.
//!
//! Invariant: the reports are taken before `250`, so that a peer whose report could not be kept sends it again; a report that comes
//! twice counts once.

use super::commit::{self, Taken};
use super::judge::Judged;
use super::{Direction, Gate, Ruled};
use crate::action::Outcome;
use crate::directory::Directory;
use crate::feedback::{Report, by_mail};
use crate::queue::{Edits, Fate};
use detect::classify::Label;
use mail::smtp::Reply;
use mail::{Mail, MailId, Peer};

/// What [`receive`] takes.
#[derive(Clone, Copy)]
pub struct ReportMail<'a> {
    pub id: MailId,
    pub direction: Direction,
    pub mail: Mail<'a>,
    /// Who connected, when a gateway stands in front of us.
    pub handed_by: &'a Peer,
    pub judged: &'a Judged,
    pub label: Label,
}

/// Takes the reports in a mail, then the mail itself, which ends as deleted.
pub async fn receive(gate: &Gate, directory: &Directory, report: ReportMail<'_>) -> Reply {
    let ReportMail { id, direction, mail, handed_by, judged, label } = report;
    let ruled = Ruled::of_envelope(mail); // reports are for us, so no rule is asked
    let receipt = judged.receipt(gate, (id, mail), &ruled, &[]).handed_by(handed_by);
    let found = match by_mail::accept(directory, direction.org, (mail, &judged.auth), label) {
        Ok(found) => found,
        Err(reply) => {
            return gate
                .refuse_content(directory, commit::Refused { receipt: Some(receipt), ..commit::Refused::new(id, direction, mail, reply) })
                .await;
        }
    };
    for octets in found.reported.messages {
        let (org, reporter) = (direction.org, found.reporter.clone());
        let taken = gate.feedback.take(Report { org, reporter, label: found.label, octets, now_ms: gate.now_ms() }).await;
        if let Err(why) = taken {
            tracing::warn!(%id, %why, "a report could not be taken; its sender keeps it");
            return Reply::new(451, (4, 3, 0), format!("The report could not be taken; try again later ({id})"));
        }
    }
    let gone = |address: &mail::Address| Outcome { fate: Fate::Deleted, address: address.clone(), edits: Edits::default() };
    let outcomes = mail.envelope.recipients.iter().map(|recipient| gone(&recipient.address)).collect();
    let taken = Taken { id, direction, mail, handed_by, judged, ruled: &ruled, receipt, outcomes };
    commit::take(gate, commit::prepare(gate, directory, taken), (handed_by, mail.envelope)).await
}
