//! Trace: what happened to every mail, and to connections that never became one.
//!
//! In: [`Event`]s, written in the transaction of the step they tell of ([`insert`]), or handed to an [`EventWriter`] when
//! there is no transaction (refusals). Out: [`search`], [`events_of`], [`refusals`], and the nightly [`balance`].
//! Invariant: an answer says whether it is complete, and if not, why. Not here: explaining a decision (`receipt`).

pub mod api;
pub mod balance;
mod event;
pub(crate) mod pace;
mod search;
pub(crate) mod sql;
#[cfg(test)]
mod tests;
mod writer;

pub use event::{Event, EventKind, Refusal, RefusalCode, first_id_at, time_of};
pub use search::{Answer, LIMIT_MAX, Query, RefusalQuery, refusals, search};
pub use sql::search::{hops_of, recipients_of};
pub use sql::{IS_REFUSAL, IS_REST, events_of, insert, org_of, receipt_of, receipts_after, refusal};
pub use writer::EventWriter;

use store::{Db, Error};

/// Rows read at once by [`body_files`].
const BODY_FILES_PAGE: usize = 10_000;
/// Mails whose rows go in one transaction of [`expire`].
const EXPIRE_MAILS_MAX: usize = 200;

/// Names of all body files that a row still needs.
pub async fn body_files(tx: &mut store::Tx) -> Result<std::collections::HashSet<String>, Error> {
    let (mut names, mut after) = (std::collections::HashSet::new(), mail::MailId(0));
    loop {
        let page = sql::balance::files_after(tx, after, BODY_FILES_PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(names) };
        after = *last;
        names.extend(page.into_iter().map(|(_, name)| name));
    }
}

/// Forgets mails and events from before `before_ms`, in small transactions; mail still owed or held stays. Returns how many mails
/// and events without a mail went.
pub async fn expire(db: &Db, before_ms: i64) -> Result<u64, Error> {
    let before = first_id_at(before_ms);
    let mut gone = 0;
    loop {
        let some = db.tx(move |tx| Box::pin(sql::expire(tx, before, EXPIRE_MAILS_MAX))).await?;
        gone += some;
        if some == 0 {
            return Ok(gone);
        }
        // Room for mail between two steps of housekeeping.
        tokio::task::yield_now().await;
    }
}
