//! Some of the mail that comes, without a word about it: what deltas are shown as usual (`detect::classify::delta::Usual`).
//!
//! In: mail as it is judged. Out: rows of `usual_mail`, one for each five minutes of a day and organisation, the newest in place
//! of yesterday's. Invariants: no mail waits for it; memory is bounded; of a mail nothing is kept but hashed features. A crash
//! loses seconds of a sample. Not here: what a delta does with it.

use super::sql;
use detect::classify::Model;
use detect::classify::delta::{Reading, USUAL_MAX, Usual};
use mail::{Message, OrgId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::{Db, Error};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// One mail is taken of each.
pub(super) const SPAN_MS: i64 = DAY_MS / USUAL_MAX as i64;
/// Organisations a sample is taken for on one node.
const ORGANISATIONS_MAX: usize = 10_000;
/// Rows written in one transaction.
const BATCH_MAX: usize = 500;
/// Longer messages are passed over: they would be read once more on the way of the mail.
const OCTETS_MAX: usize = 1024 * 1024;
/// Where no mail came for so long, what was usual then is forgotten.
pub const FORGET_AFTER_MS: i64 = 30 * DAY_MS;

/// What is taken on this node; cheap to clone.
#[derive(Clone, Default)]
pub struct UsualMail {
    taken: Arc<Mutex<HashMap<OrgId, Taken>>>,
}

/// Of one organisation.
struct Taken {
    /// When the last was taken, counted in spans.
    span: i64,
    /// Not written yet.
    waiting: Option<Row>,
}

/// One mail as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) org: OrgId,
    /// Of the day: 0 to [`USUAL_MAX`].
    pub(super) span: i64,
    pub(super) at_ms: i64,
    pub(super) usual: Usual,
}

impl UsualMail {
    /// Takes the mail if it is the first of its span. Never waits.
    pub fn see(&self, org: OrgId, message: &Message, model: &Model, now_ms: i64) {
        let span = now_ms.div_euclid(SPAN_MS);
        if message.raw().len() > OCTETS_MAX || !self.is_first(org, span) {
            return;
        }
        let usual = Usual::of(&Reading::of(message, model));
        let row = Row { org, span: span.rem_euclid(USUAL_MAX as i64), at_ms: now_ms, usual };
        if let Some(taken) = self.taken.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&org) {
            taken.waiting = Some(row);
        }
    }

    fn is_first(&self, org: OrgId, span: i64) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = taken.len() >= ORGANISATIONS_MAX;
        match taken.get_mut(&org) {
            Some(taken) if taken.span == span => false,
            Some(taken) => {
                taken.span = span;
                true
            }
            None if is_full => false,
            None => taken.insert(org, Taken { span, waiting: None }).is_none(),
        }
    }

    /// Writes what waits; also before the database is closed.
    pub async fn flush(&self, db: &Db) {
        let rows: Vec<Row> = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            taken.values_mut().filter_map(|taken| taken.waiting.take()).collect()
        };
        for batch in rows.chunks(BATCH_MAX).map(<[Row]>::to_vec) {
            let written: Result<(), Error> = db.later(move |tx| Box::pin(async move { sql::put_usual(tx, &batch).await })).await;
            if let Err(why) = written {
                return tracing::warn!(%why, "some of the mail that is shown to what people teach was not kept");
            }
        }
    }
}

/// Forgets what was usual where no mail comes any more. For a job.
pub async fn expire(db: &Db, now_ms: i64) -> Result<u64, Error> {
    db.tx(move |tx| Box::pin(async move { sql::forget_usual(tx, now_ms - FORGET_AFTER_MS).await })).await
}
