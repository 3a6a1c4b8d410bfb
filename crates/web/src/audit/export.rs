//! The audit log for programs that keep it elsewhere: every line once, in order, and where to go on.
//!
//! In: the last line that the program has. Out: lines as NDJSON, oldest first, read in pages of their own so that no transaction stays open
//! for a slow reader. Invariants: an answer has a bound; lines that are younger than [`SETTLED_MS`] wait, since one with a smaller number
//! may still be on its way into the database.

use super::api::LineBody;
use super::{Asked, Query, sql};
use crate::page::fault::Wrong;
use crate::page::{Fault, View};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use gateway::scope::OrgScope;
use mail::id::AuditId;
use serde::{Deserialize, Serialize};
use store::{Db, Error};

/// What was begun before has committed by then.
pub const SETTLED_MS: i64 = 10_000;
/// Lines of one answer, when nothing is said and at most.
pub const LINES_MAX: usize = 100_000;
/// Lines read at once.
const PAGE_LINES: usize = 500;

/// What can be asked; what is '' does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct AskedExport {
    /// Go on after this line: the `id` of the last one that you have.
    pub after: String,
    /// At or after: RFC 3339, or a local date and time of the reader's zone.
    pub since: String,
    /// Before.
    pub until: String,
    /// Part of the address of who did it.
    pub who: String,
    /// What was done, such as `people.role`; or a feature, such as `people`.
    pub action: String,
    /// Part of what it was done to, or of the detail.
    pub subject: String,
    /// Lines of the answer: 1 to 100000, which is also usual.
    #[param(value_type = Option<String>)]
    pub limit: String,
}

/// An export that can be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    pub scope: OrgScope,
    pub query: Query,
    pub after: AuditId,
    /// Lines that are still wanted.
    pub left: usize,
}

impl Export {
    /// # Errors
    /// [`Fault::Invalid`] names each field that cannot be read.
    pub fn read(asked: &AskedExport, view: &View, scope: OrgScope, now_ms: i64) -> Result<Export, Fault> {
        let AskedExport { after, since, until, who, action, subject, limit } = asked.clone();
        let read = Asked { who, action, subject, since, until, before: String::new() }.query(view, PAGE_LINES);
        let (query, mut wrong) = match read {
            Ok(query) => (query, Vec::new()),
            Err(Fault::Invalid(wrong)) => (Query::default(), wrong),
            Err(other) => return Err(other),
        };
        let after = match after.trim() {
            "" => Some(AuditId(0)),
            text => text.parse().ok(),
        };
        let left = match limit.trim() {
            "" => Some(LINES_MAX),
            text => text.parse().ok().filter(|limit| (1..=LINES_MAX).contains(limit)),
        };
        if after.is_none() {
            wrong.push(Wrong::new("after", "log-wrong-cursor"));
        }
        if left.is_none() {
            wrong.push(Wrong::new("limit", "log-wrong-limit"));
        }
        match (after, left) {
            (Some(after), Some(left)) if wrong.is_empty() => Ok(Export { scope, query, after, left }.settled(now_ms)),
            _ => Err(Fault::Invalid(wrong)),
        }
    }

    /// The same, without what may not be whole yet.
    pub fn settled(mut self, now_ms: i64) -> Export {
        let settled_ms = now_ms - SETTLED_MS;
        self.query.until_ms = Some(self.query.until_ms.map_or(settled_ms, |until_ms| until_ms.min(settled_ms)));
        self
    }

    /// The next lines as NDJSON; `None` at the end.
    /// # Errors
    /// Those of the database.
    pub async fn next(&mut self, db: &Db) -> Result<Option<Bytes>, Error> {
        let (scope, after, query) = (self.scope, self.after, Query { limit: self.left.min(PAGE_LINES), ..self.query.clone() });
        if query.limit == 0 {
            return Ok(None);
        }
        let lines = db.read(move |tx| Box::pin(async move { sql::onward(tx, scope, &query, after).await })).await?;
        let Some(last) = lines.last() else { return Ok(None) };
        (self.after, self.left) = (last.id, self.left - lines.len());
        let mut text = Vec::new();
        for line in &lines {
            serde_json::to_writer(&mut text, &LineBody::of(line)).map_err(|why| Error::Shape(why.to_string()))?;
            text.push(b'\n');
        }
        Ok(Some(text.into()))
    }
}

/// All lines of an export, page by page. One that cannot be read ends the answer in the middle, which the other end notices.
pub fn lines(db: Db, export: Export) -> impl Stream<Item = Result<Bytes, Error>> {
    futures_util::stream::unfold(Some((db, export)), |open| async move {
        let (db, mut export) = open?;
        match export.next(&db).await {
            Ok(None) => None,
            Ok(Some(lines)) => Some((Ok(lines), Some((db, export)))),
            Err(why) => Some((Err(why), None)),
        }
    })
    // What compresses an answer asks once more after the end.
    .fuse()
}
