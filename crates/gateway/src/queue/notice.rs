//! What the sender is told: delivery status notifications as mails of our own, queued in the transaction that makes them due.
//!
//! In: what happened to recipients of one job. Out: a [`Notice`], an ordinary mail from `<>` with its rows. Invariant: nothing is
//! told about a notice (RFC 5321 §6.1), so none breeds another.

use super::job::{Due, Job};
use super::settle::{Attempt, Outcome};
use super::sql::{self, Statement};
use super::{Accepted, BodyPlace, DsnWish, Edits, EnvelopeExtras, Fate, Recipient, Shared};
use crate::trace;
use bytes::Bytes;
use mail::envelope::Ret;
use mail::report::dsn::{self, Language, ORIGINAL_OCTETS_MAX};
use mail::smtp::Reply;
use mail::{Address, MailId};
use std::sync::Arc;
use store::Error;

/// One recipient a notice speaks of.
pub(super) struct Told {
    due: Due,
    reply: Reply,
    hop: String,
    what: What,
}

/// What is told, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Delivered,
    Relayed,
    Failed,
    /// No next hop took it in time.
    Expired,
    /// Tried on until then (Unix milliseconds).
    Delayed {
        until_ms: i64,
    },
}

/// A notice and the statements that queue it.
pub(super) struct Notice {
    pub accepted: Accepted,
    pub statements: Vec<Statement>,
}

impl Told {
    pub fn new(due: &Due, attempt: &Attempt, what: What) -> Told {
        Told { due: due.clone(), reply: attempt.reply.clone(), hop: attempt.hop.clone(), what }
    }

    /// What is owed for a recipient that was delivered: a word only to those who asked for it.
    pub fn of_success(due: &Due, attempt: &Attempt) -> Option<Told> {
        let Outcome::Delivered { is_final, dsn_passed_on } = attempt.outcome else { return None };
        // RFC 3461 §5.2.2: with a next hop that knows no DSN our part ends here, and we say so.
        let is_owed = due.dsn.success && !dsn_passed_on;
        is_owed.then(|| Told::new(due, attempt, if is_final { What::Delivered } else { What::Relayed }))
    }

    fn outcome(&self) -> dsn::Outcome {
        match self.what {
            What::Delivered => dsn::Outcome::Delivered,
            What::Relayed => dsn::Outcome::Relayed,
            What::Failed | What::Expired => dsn::Outcome::Failed,
            What::Delayed { until_ms } => dsn::Outcome::Delayed { until_ms },
        }
    }

    /// RFC 3463: the server's own status where it gave one, else what its code says.
    fn status(&self) -> (u8, u16, u16) {
        match (self.what, self.reply.status) {
            (What::Delivered | What::Relayed, _) => (2, 0, 0),
            (What::Expired, _) => (5, 4, 7),
            (_, Some(status)) => status,
            (What::Failed, None) => (5, 0, 0),
            (What::Delayed { .. }, None) => (4, 0, 0),
        }
    }
}

/// The notice about `told`, addressed to the sender of the job's mail; `None` when that is no address.
pub(super) async fn write(shared: &Arc<Shared>, job: &Job, told: &[Told], now: i64) -> Result<Option<Notice>, Error> {
    let Ok(to) = Address::parse(&job.mail.sender) else { return Ok(None) };
    let Ok(from) = Address::parse(&format!("mailer-daemon@{}", shared.hostname)) else {
        return Err(Error::Shape(format!("{} is not a host name that notices can come from", shared.hostname)));
    };
    let original = shared.body_of(&job.mail).await?.unwrap_or_default();
    let id = MailId(shared.ids.next(now));
    let notes: Vec<String> = told.iter().map(|one| one.reply.text.join(" ")).collect();
    let recipients: Vec<dsn::Told> = told.iter().zip(&notes).map(|(one, note)| recipient(one, note, now)).collect();
    let extras = &job.mail.extras;
    let built = dsn::build(&dsn::Notice {
        id,
        about: job.mail.id,
        language: Language::from_tag(&extras.language),
        host: &shared.hostname,
        from: &from,
        to: &to,
        smtputf8: extras.smtputf8,
        envid: Some(extras.envid.as_str()).filter(|envid| !envid.is_empty()),
        arrived_ms: trace::time_of(job.mail.id),
        now_ms: now,
        ret: match extras.ret.as_str() {
            "full" if !extras.require_tls => Some(Ret::Full), // RFC 8689 §5: the content stays under TLS
            "full" | "hdrs" => Some(Ret::Headers),
            _ => None,
        },
        original: &original[..original.len().min(ORIGINAL_OCTETS_MAX + 1)],
        recipients: &recipients,
    });
    let accepted = envelope(shared, job, (id, now), &to, built);
    let mut statements = vec![sql::notice_mail(&accepted, job.mail.id)?];
    // Into the row whatever its size: it is bounded, and there is no time for a file inside a commit.
    statements.extend(sql::insert(&accepted, &BodyPlace::Inline)?);
    Ok(Some(Notice { accepted, statements }))
}

fn recipient<'a>(told: &'a Told, note: &'a str, now: i64) -> dsn::Told<'a> {
    let orcpt = told.due.dsn.orcpt.as_str();
    let is_answer = !told.hop.is_empty();
    dsn::Told {
        // RFC 3464 §2.3.2: without ORCPT the sender knows only the address it gave, not where we sent it.
        address: &told.due.original,
        orcpt: Some(orcpt).filter(|orcpt| !orcpt.is_empty()),
        outcome: told.outcome(),
        status: told.status(),
        remote: is_answer.then(|| (told.hop.split(' ').next().unwrap_or_default(), &told.reply)),
        note: (!is_answer).then_some(note),
        last_attempt_ms: Some(now),
    }
}

fn envelope(shared: &Shared, job: &Job, made: (MailId, i64), to: &Address, built: dsn::Dsn) -> Accepted {
    let (id, at_ms) = made;
    let address = to.to_string();
    let recipient = Recipient {
        n: 0,
        original: address.clone(),
        route: shared.routes.route(to.domain()),
        address,
        fate: Fate::Queued,
        edits: Edits::default(),
        // RFC 3461 §5.2.4: a notice asks for none.
        dsn: DsnWish { given: true, ..DsnWish::default() },
    };
    let language = job.mail.extras.language.clone();
    let extras =
        EnvelopeExtras { smtputf8: built.smtputf8, eight_bit: built.eight_bit, language, is_notice: true, ..EnvelopeExtras::default() };
    Accepted { id, org: job.mail.org, at_ms, sender: String::new(), extras, octets: Bytes::from(built.octets), recipients: vec![recipient] }
}
