//! A mail to an address for reports of other servers: what is in it is kept, accounted for, and goes to nobody.
//!
//! Invariants: reports are kept before `250`, so that a peer whose report could not be kept sends it again, and count once however often they
//! come; what is no report is kept as such with the reason, since nobody reads bounces of reports; reading is bounded in octets and happens
//! beside the threads that serve connections.

use super::commit::{self, Taken};
use super::judge::Judged;
use super::{Direction, Gate, Ruled};
use crate::action::Outcome;
use crate::directory::Directory;
use crate::mail_reports::{self, A_DAY_MAX, Arrival, DAY_MS, Ready};
use crate::queue::{Edits, Fate};
use crate::receipt::Receipt;
use detect::Class;
use mail::auth::{CompositeResult, DmarcResult};
use mail::report::received;
use mail::smtp::Reply;
use mail::{Address, Mail, MailId, Peer};
use tokio::sync::Semaphore;

/// Reports read at one time.
static READING: Semaphore = Semaphore::const_new(2);
/// Characters kept of a subject.
const SUBJECT_CHARS_MAX: usize = 256;

/// What [`receive`] takes.
#[derive(Clone, Copy)]
pub struct Arriving<'a> {
    pub id: MailId,
    pub direction: Direction,
    pub mail: Mail<'a>,
    /// Who connected, when a gateway stands in front of us.
    pub handed_by: &'a Peer,
    pub judged: &'a Judged,
}

/// Keeps the reports in a mail, then takes the mail itself, which ends as deleted.
pub async fn receive(gate: &Gate, directory: &Directory, arriving: Arriving<'_>) -> Reply {
    let Arriving { id, direction, mail, handed_by, judged } = arriving;
    let ruled = Ruled::of_envelope(mail); // reports are for us, so no rule is asked
    let receipt = judged.receipt(gate, (id, mail), &ruled, &[]).handed_by(handed_by);
    let busy = |why: &str| Reply::new(451, (4, 3, 0), format!("{why}; try again later ({id})"));
    match is_full(gate, direction).await {
        Ok(false) => {}
        Ok(true) => return busy("Too many reports in a day"),
        Err(why) => {
            tracing::warn!(%id, %why, "a report could not be kept; its sender keeps it");
            return busy("The report could not be kept");
        }
    }
    let ready = read(gate, directory, &arriving, &receipt).await;
    let (ids, now_ms) = (gate.ids.clone(), gate.now_ms());
    let kept = gate.db.tx(move |tx| Box::pin(async move { mail_reports::keep(tx, &ids, now_ms, ready).await })).await;
    if let Err(why) = kept as Result<_, store::Error> {
        tracing::warn!(%id, %why, "a report could not be kept; its sender keeps it");
        return busy("The report could not be kept");
    }
    let gone = |address: &Address| Outcome { fate: Fate::Deleted, address: address.clone(), edits: Edits::default() };
    let outcomes = mail.envelope.recipients.iter().map(|recipient| gone(&recipient.address)).collect();
    let taken = Taken { id, direction, mail, handed_by, judged, ruled: &ruled, receipt, outcomes };
    commit::take(gate, commit::prepare(gate, directory, taken), (handed_by, mail.envelope)).await
}

async fn is_full(gate: &Gate, direction: Direction) -> Result<bool, store::Error> {
    let since_ms = gate.now_ms() - DAY_MS;
    let count =
        gate.db.read(move |tx| Box::pin(async move { mail_reports::sql::count_since(tx, direction.org, since_ms, A_DAY_MAX).await }));
    Ok(count.await? >= A_DAY_MAX)
}

/// Reads what is in the mail, on a thread of its own.
async fn read(gate: &Gate, directory: &Directory, arriving: &Arriving<'_>, receipt: &Receipt) -> Vec<Ready> {
    let Arriving { id, direction, mail, judged, .. } = *arriving;
    let auth = &judged.auth;
    let arrival = Arrival {
        org: direction.org,
        mail: id,
        sender: mail.message.from.address().map(Address::to_string).unwrap_or_default(),
        is_proven: auth.dmarc.result == DmarcResult::Pass || auth.composite.result == CompositeResult::Pass,
        about: mail.message.subject.chars().take(SUBJECT_CHARS_MAX).collect(),
        digest: receipt.header.sha256.clone(),
        now_ms: gate.now_ms(),
    };
    if judged.verdict.class == Class::Malware {
        return vec![mail_reports::unusable(&arrival, 0, "malware", "")];
    }
    let raw = mail.message.raw().clone();
    let turn = READING.acquire().await;
    let found = tokio::task::spawn_blocking(move || received::read_mail(raw)).await;
    drop(turn);
    match found {
        Ok(found) => mail_reports::ready(directory, &arrival, gate.mail_reports.keep_days, found),
        Err(why) => {
            tracing::error!(%id, %why, "a report could not be read");
            vec![mail_reports::unusable(&arrival, 0, "unreadable", "")]
        }
    }
}

impl Gate {
    /// Whether mail to this address is a report of another server. A person of that name comes first.
    pub(super) fn is_mail_report(&self, directory: &Directory, recipient: &Address) -> bool {
        let is_named = self.mail_reports.is_address(recipient.local()) && directory.domain_of(recipient).is_some();
        is_named && !directory.recipients.contains_key(&recipient.key())
    }
}
