//! The last balance, kept so that the page need not take one.

use super::sql;
use gateway::trace::balance::{self, Report};
use mail::OrgId;
use store::{Db, Error};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Longer ago than the job that takes it every hour can be late.
const STALE_MS: i64 = 2 * 60 * 60 * 1000;

/// Writes down what a balance found.
pub async fn keep(db: &Db, report: &Report, now_ms: i64) -> Result<(), Error> {
    let (span, total, problems) = ((report.since_ms, report.until_ms), report.total, report.problems_count);
    let organisations = report.organisations.clone();
    db.tx(move |tx| {
        Box::pin(async move {
            sql::keep_balance(tx, OrgId(0), now_ms, span, (total, problems)).await?;
            for (org, account) in organisations.into_iter().filter(|(org, _)| org.0 != 0) {
                sql::keep_balance(tx, org, now_ms, span, (account, 0)).await?;
            }
            Ok(())
        })
    })
    .await
}

/// Takes one when there is none, or none of late: after a start the hourly job has yet to come round.
pub async fn take_if_missing(db: &Db, now_ms: i64) -> Result<(), Error> {
    let last = db.read(|tx| Box::pin(sql::balance(tx, gateway::scope::OrgScope::All))).await?;
    if last.is_some_and(|last| now_ms - last.at_ms < STALE_MS) {
        return Ok(());
    }
    let report = balance::check(db, None, now_ms - DAY_MS, now_ms).await?;
    keep(db, &report, now_ms).await
}
