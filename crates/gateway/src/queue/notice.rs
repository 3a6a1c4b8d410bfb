//! What the sender is told: delivery status notifications as mails of our own, queued in the transaction that makes them due.

use super::lane::{Due, Job};
use super::settle::Attempt;
use super::sql::{self, Statement};
use super::{Accepted, Shared};
use mail::smtp::Reply;
use std::sync::Arc;
use store::Error;

/// One recipient a notice speaks of.
pub(super) struct Told {
    pub due: Due,
    pub reply: Reply,
    pub hop: String,
    pub what: What,
}

/// RFC 3464 §2.3.3, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Delivered,
    Relayed,
    Failed,
    /// No next hop took it in time.
    Expired,
    /// Tried on until then.
    Delayed { until_ms: i64 },
}

impl Told {
    pub fn new(due: &Due, attempt: &Attempt, what: What) -> Told {
        Told { due: due.clone(), reply: attempt.reply.clone(), hop: attempt.hop.clone(), what }
    }
}

/// A notice and the statements that queue it.
pub(super) struct Notice {
    pub accepted: Accepted,
    pub statements: Vec<Statement>,
}

/// The notice about `told`, addressed to the sender of the job's mail.
pub(super) async fn write(shared: &Arc<Shared>, job: &Job, told: &[Told], _now: i64) -> Result<Notice, Error> {
    let _ = (shared, told, sql::notice_mail);
    Err(Error::Shape(format!("{}: notices are not built yet", job.mail.id)))
}
