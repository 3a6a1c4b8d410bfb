//! Quarantine: held mail, for those who may decide about it.
//!
//! Held mail is a recipient in state `held`, so it never left the account of its mail. In: a scope, and who asks. Out: lists, one
//! mail to look at, and decisions: released (the queue takes it from there, to the original recipients), deleted, expired.
//! Invariant: nothing leaves the scope it was asked with; malware is not released here. Not here: deciding what to hold
//! (`policy`), pages and digests (`web`).

pub mod api;
mod show;
mod sql;
#[cfg(test)]
mod tests;

pub use sql::{Cursor, Filter, Waiting, waiting};

use crate::scope::OrgScope;
use crate::trace::{self, Event, EventKind};
use api::{HeldBody, ShownBody};
use mail::id::{EventId, IdMaker};
use mail::{MailId, OrgId};
use serde_json::json;
use std::sync::Arc;
use store::bodies::Bodies;
use store::{Db, Error, Tx};

/// Held mails decided about in one transaction of [`Quarantine::expire`].
const EXPIRE_ROWS_MAX: usize = 200;
/// Characters kept of the name of who decided.
const WHO_CHARS_MAX: usize = 200;

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuarantineError {
    /// Also what another organisation's mail looks like.
    #[error("{0} is not held, or not for you to see")]
    NotHeld(MailId),
    /// The way out is a release by two persons, which is its own feature.
    #[error("{0} carries malware; one person alone cannot release it")]
    Malware(MailId),
    /// The row is there, the octets are not: the balance reports it.
    #[error("the content of {0} is missing from the store")]
    BodyMissing(MailId),
    #[error(transparent)]
    Store(#[from] Error),
}

/// The quarantine; cheap to clone.
#[derive(Clone)]
pub struct Quarantine {
    db: Db,
    bodies: Arc<Bodies>,
    ids: Arc<IdMaker>,
}

/// One decision about a held mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub scope: OrgScope,
    pub mail: MailId,
    /// Only this recipient; `None`: all that are held.
    pub recipient: Option<i64>,
    /// Who decided, as the event keeps it.
    pub who: String,
    /// Unix milliseconds.
    pub now_ms: i64,
}

impl Quarantine {
    pub fn new(db: Db, bodies: Arc<Bodies>, ids: Arc<IdMaker>) -> Quarantine {
        Quarantine { db, bodies, ids }
    }

    /// Held mail, newest first. The second value is where to go on, if there is more.
    pub async fn list(&self, scope: OrgScope, filter: Filter) -> Result<(Vec<HeldBody>, Option<Cursor>), QuarantineError> {
        self.db.read(move |tx| Box::pin(async move { Ok(sql::list(tx, scope, &filter).await?) })).await
    }

    /// How many held rows match; `None` when the database cannot tell, as for a word of the subject. Counts up to
    /// [`sql::COUNT_MAX`].
    pub async fn count(&self, scope: OrgScope, filter: Filter) -> Result<Option<usize>, QuarantineError> {
        self.db.read(move |tx| Box::pin(async move { Ok(sql::count(tx, scope, &filter).await?) })).await
    }

    /// One held mail: header, texts, attachments, receipt. Nothing of it runs or is fetched.
    pub async fn show(&self, scope: OrgScope, mail: MailId) -> Result<ShownBody, QuarantineError> {
        let held = self.db.read(move |tx| Box::pin(sql::held(tx, scope, mail))).await?;
        let octets = self.octets(scope, mail).await?;
        held.map(|held| show::shown(held, octets)).ok_or(QuarantineError::NotHeld(mail))
    }

    /// The held recipients of one mail; none when nothing of it is held in this scope.
    pub async fn rows(&self, scope: OrgScope, mail: MailId) -> Result<Vec<HeldBody>, QuarantineError> {
        let held = self.db.read(move |tx| Box::pin(sql::held(tx, scope, mail))).await?;
        Ok(held.map(|held| held.rows).unwrap_or_default())
    }

    /// Those of these rows that are held in this scope, in any order.
    pub async fn some(&self, scope: OrgScope, rows: Vec<(MailId, i64)>) -> Result<Vec<HeldBody>, QuarantineError> {
        Ok(self.db.read(move |tx| Box::pin(async move { sql::some(tx, scope, &rows).await })).await?)
    }

    /// The octets of one held mail, as they would be sent on.
    pub async fn octets(&self, scope: OrgScope, mail: MailId) -> Result<bytes::Bytes, QuarantineError> {
        let found: Option<(String, bytes::Bytes)> = self
            .db
            .read(move |tx| {
                Box::pin(async move {
                    if sql::recipients(tx, scope, mail, None).await?.is_empty() {
                        return Err(QuarantineError::NotHeld(mail));
                    }
                    Ok(sql::body(tx, mail).await?)
                })
            })
            .await?;
        match found {
            None => Err(QuarantineError::BodyMissing(mail)),
            Some((place, octets)) if place.is_empty() => Ok(octets),
            Some((place, _)) => self.bodies.read(&place).await?.ok_or(QuarantineError::BodyMissing(mail)),
        }
    }

    /// Ends what was held longer than it should be; returns for how many recipients. For a job.
    pub async fn expire(&self, now_ms: i64) -> Result<usize, QuarantineError> {
        let mut count = 0;
        loop {
            let ids = self.ids.clone();
            let done: Ended = self.db.tx(move |tx| Box::pin(async move { expire(tx, &ids, now_ms).await })).await?;
            self.remove(done.files).await;
            if done.count == 0 {
                return Ok(count);
            }
            count += done.count;
        }
    }

    /// After the commit that unnamed them. A file that stays is found by the sweep.
    pub async fn remove(&self, files: Vec<String>) {
        for file in files {
            if let Err(why) = self.bodies.remove(&file).await {
                tracing::warn!("the body {file} stays for now: {why}");
            }
        }
    }
}

/// Rows that ended, and files that nobody names any more: for [`Quarantine::remove`] after the commit.
pub struct Ended {
    pub count: usize,
    pub files: Vec<String>,
}

/// Puts a held mail into the queue for its original recipients, in the caller's transaction; returns how many.
pub async fn release_in(tx: &mut Tx, decision: &Decision, ids: &IdMaker) -> Result<usize, QuarantineError> {
    let rows = sql::recipients(tx, decision.scope, decision.mail, decision.recipient).await?;
    if rows.first().is_some_and(|first| first.verdict == MALWARE) {
        return Err(QuarantineError::Malware(decision.mail));
    }
    to_queue(tx, rows, decision, ids).await
}

/// Releases what carries malware: `decision.who` asked for it, `second` agrees. The event names both.
/// # Errors
/// [`QuarantineError::Malware`] when both are the same person.
pub async fn release_by_two(tx: &mut Tx, decision: &Decision, second: &str, ids: &IdMaker) -> Result<usize, QuarantineError> {
    if decision.who.eq_ignore_ascii_case(second) || decision.who.is_empty() || second.is_empty() {
        return Err(QuarantineError::Malware(decision.mail));
    }
    let rows = sql::recipients(tx, decision.scope, decision.mail, decision.recipient).await?;
    let by_both = Decision { who: format!("{}, {second}", decision.who), ..decision.clone() };
    to_queue(tx, rows, &by_both, ids).await
}

const MALWARE: &str = "malware";

async fn to_queue(tx: &mut Tx, rows: Vec<sql::HeldRow>, decision: &Decision, ids: &IdMaker) -> Result<usize, QuarantineError> {
    if rows.is_empty() {
        return Err(QuarantineError::NotHeld(decision.mail));
    }
    let mut events = Vec::with_capacity(rows.len());
    for row in &rows {
        let edits = show::released_edits(&row.edits, decision.mail, decision.now_ms)?;
        sql::to_queue(tx, row, edits, decision.now_ms).await?;
        events.push(event(ids, row, EventKind::Released, decision));
    }
    trace::insert(tx, &events).await?;
    Ok(rows.len())
}

/// Deletes a held mail, in the caller's transaction; the files go after its commit.
pub async fn delete_in(tx: &mut Tx, decision: &Decision, ids: &IdMaker) -> Result<Ended, QuarantineError> {
    let rows = sql::recipients(tx, decision.scope, decision.mail, decision.recipient).await?;
    if rows.is_empty() {
        return Err(QuarantineError::NotHeld(decision.mail));
    }
    let events: Vec<Event> = rows.iter().map(|row| event(ids, row, EventKind::Deleted, decision)).collect();
    Ok(end(tx, &rows, "deleted", &events, decision.now_ms).await?)
}

async fn expire(tx: &mut Tx, ids: &IdMaker, now_ms: i64) -> Result<Ended, QuarantineError> {
    let rows = sql::over(tx, now_ms, EXPIRE_ROWS_MAX).await?;
    let by = |row: &sql::HeldRow| Decision { scope: OrgScope::All, mail: row.mail, recipient: Some(row.n), who: String::new(), now_ms };
    let events: Vec<Event> = rows.iter().map(|row| event(ids, row, EventKind::Expired, &by(row))).collect();
    Ok(end(tx, &rows, "expired", &events, now_ms).await?)
}

async fn end(tx: &mut Tx, rows: &[sql::HeldRow], state: &'static str, events: &[Event], now_ms: i64) -> Result<Ended, Error> {
    let mut files = Vec::new();
    for row in rows {
        sql::end(tx, row, state, now_ms).await?;
    }
    trace::insert(tx, events).await?;
    for (at, row) in rows.iter().enumerate() {
        // Rows of one mail lie together: its body once, after its last row.
        if rows.get(at + 1).is_none_or(|next| next.mail != row.mail) {
            files.extend(sql::drop_body(tx, row.mail).await?);
        }
    }
    Ok(Ended { count: rows.len(), files })
}

fn event(ids: &IdMaker, row: &sql::HeldRow, kind: EventKind, decision: &Decision) -> Event {
    let who: String = decision.who.chars().take(WHO_CHARS_MAX).collect();
    let detail = if who.is_empty() { json!({}) } else { json!({ "by": who }) };
    Event {
        id: EventId(ids.next(decision.now_ms)),
        mail: row.mail,
        org: OrgId(row.org),
        at_ms: decision.now_ms,
        kind,
        recipient: row.address.clone(),
        detail: detail.to_string(),
    }
}
