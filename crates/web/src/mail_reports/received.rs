//! Reports one by one: listed, looked at, uploaded, forgotten.

use crate::App;
use crate::audit::{self, Entry};
use crate::page::Fault;
use crate::page::fault::Wrong;
use crate::people::{May, Person};
use bytes::Bytes;
use gateway::mail_reports::{self, A_DAY_MAX, Arrival, DAY_MS, Kept, Row, sql};
use mail::MailId;
use mail::id::MailReportId;
use mail::report::received::{FILE_OCTETS_MAX, read_file};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::Error;
use tokio::sync::Semaphore;

/// Rows of a page.
pub const ROWS: usize = 50;
/// Files read at one time.
static READING: Semaphore = Semaphore::const_new(2);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Reports forgotten in one transaction.
const FORGET_MAX: usize = 500;
const NAME_CHARS_MAX: usize = 200;

/// Kinds that can be asked for; "" is all.
pub const KINDS: [&str; 6] = ["", "dmarc", "tls", "failure", "complaint", "problem"];

/// Which reports are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// dmarc, tls, failure, complaint; or problem: what could not be used.
    pub kind: String,
    /// The domain it is about.
    pub domain: String,
    /// Go on after this report of an earlier answer.
    pub before: String,
}

/// Reports, the latest first, and the one to go on after.
pub async fn list(app: &App, person: &Person, asked: &Asked, limit: usize) -> Result<(Vec<Row>, Option<MailReportId>), Fault> {
    person.require(May::Trace)?;
    let mut wrong = Vec::new();
    if !KINDS.contains(&asked.kind.as_str()) {
        wrong.push(Wrong::new("kind", "reports-wrong-kind"));
    }
    let before = match asked.before.as_str() {
        "" => None,
        text => text.parse::<MailReportId>().map_err(|_| wrong.push(Wrong::new("before", "reports-wrong-cursor"))).ok(),
    };
    if !wrong.is_empty() {
        return Err(Fault::Invalid(wrong));
    }
    let domain = asked.domain.trim().to_ascii_lowercase();
    let (scope, wanted) = (person.scope(), sql::Wanted { kind: asked.kind.clone(), domain, before, limit: limit + 1 });
    let mut rows: Vec<Row> =
        app.db.read(move |tx| Box::pin(async move { sql::list(tx, scope, &wanted).await })).await.map_err(|why: Error| Fault::from(why))?;
    let next = (rows.len() > limit).then(|| rows[limit - 1].id);
    rows.truncate(limit);
    Ok((rows, next))
}

/// One report. Reading one about a single mail is noted: it says who wrote to whom.
pub async fn one(app: &App, person: &Person, id: &str) -> Result<Row, Fault> {
    person.require(May::Trace)?;
    let id: MailReportId = id.parse().map_err(|_| Fault::NotFound)?;
    let scope = person.scope();
    let row = app.db.read(move |tx| Box::pin(async move { sql::one(tx, scope, id).await })).await.map_err(|why: Error| Fault::from(why))?;
    let row = row.ok_or(Fault::NotFound)?;
    if matches!(row.kind.as_str(), "failure" | "complaint") {
        let (entry, ids, now_ms, person) = (Entry::new(Some(row.org), "reports.read", id), app.ids.clone(), app.now_ms(), person.clone());
        let noted = app.db.tx(move |tx| Box::pin(async move { audit::note(tx, &person, &ids, now_ms, entry).await }));
        noted.await.map_err(|why: Error| Fault::from(why))?;
    }
    Ok(row)
}

/// Takes an uploaded file; what became of each report in it.
pub async fn upload(app: &App, person: &Person, (name, octets): (&str, Bytes)) -> Result<Vec<Kept>, Fault> {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    if octets.trim_ascii().is_empty() {
        return Err(Fault::Invalid(vec![Wrong::new("file", "reports-wrong-empty")]));
    }
    if octets.len() > FILE_OCTETS_MAX {
        return Err(Fault::TooLarge);
    }
    let now_ms = app.now_ms();
    let since_ms = now_ms - DAY_MS;
    let count = app.db.read(move |tx| Box::pin(async move { sql::count_since(tx, org, since_ms, A_DAY_MAX).await }));
    if count.await.map_err(|why: Error| Fault::from(why))? >= A_DAY_MAX {
        return Err(Fault::TooMany(3_600));
    }
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &octets);
    let arrival = Arrival {
        org,
        mail: MailId(0),
        sender: person.email.clone(),
        is_proven: true,
        about: name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect(),
        digest: hash.as_ref().iter().map(|octet| format!("{octet:02x}")).collect(),
        now_ms,
    };
    let turn = READING.acquire().await;
    let found =
        tokio::task::spawn_blocking(move || read_file(octets)).await.map_err(|why| Fault::Ours(format!("reading a report: {why}")))?;
    drop(turn);
    let ready = mail_reports::ready(&app.directory.snapshot(), &arrival, app.reports.keep_days, found);
    let (ids, person) = (app.ids.clone(), person.clone());
    let kept = app.db.tx(move |tx| {
        Box::pin(async move {
            let kept = mail_reports::keep(tx, &ids, now_ms, ready).await?;
            let fresh = kept.iter().filter(|one| !one.is_known && one.problem.is_empty()).count();
            let entry =
                Entry::new(Some(org), "reports.upload", &arrival.about).with(serde_json::json!({ "reports": kept.len(), "new": fresh }));
            audit::note(tx, &person, &ids, now_ms, entry).await?;
            Ok::<_, Error>(kept)
        })
    });
    kept.await.map_err(Fault::from)
}

/// Takes a report away, with what it added to the figures. It may come again: nothing of it is known then.
/// # Errors
/// [`Fault::NotFound`]: there is none in this person's scope.
pub async fn delete(app: &App, person: &Person, id: &str) -> Result<Row, Fault> {
    person.require(May::Domains)?;
    let id: MailReportId = id.parse().map_err(|_| Fault::NotFound)?;
    let (scope, ids, now_ms, person) = (person.scope(), app.ids.clone(), app.now_ms(), person.clone());
    let gone = app.db.tx(move |tx| {
        Box::pin(async move {
            let takes_back = sql::has_sums(tx, scope, id).await?;
            let row = sql::remove(tx, scope, id).await?.ok_or(Fault::NotFound)?;
            let detail = serde_json::json!({
                "kind": row.kind, "domain": row.domain, "reporter": row.reporter, "report_id": row.report_id, "begin_ms": row.begin_ms,
                "messages": row.messages, "failed": row.failed, "figures": if takes_back { "taken back" } else { "left" },
            });
            audit::note(tx, &person, &ids, now_ms, Entry::new(Some(row.org), "reports.delete", id).with(detail)).await?;
            Ok::<_, Fault>(row)
        })
    });
    gone.await
}

/// Forgets old reports and sums as long as the process runs.
pub async fn forget_every_hour(app: App) {
    let mut tick = tokio::time::interval(HOUR);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await; // start-up has other things to do
    loop {
        tick.tick().await;
        let before_ms = gateway::mail_reports::day_of(app.now_ms()) - i64::from(app.reports.keep_days) * DAY_MS;
        let sums: Result<(), Error> = app.db.tx(move |tx| Box::pin(async move { super::sql::forget(tx, before_ms).await })).await;
        if let Err(why) = sums {
            tracing::warn!(%why, "old sums of mail could not be forgotten; it is tried again in an hour");
        }
        loop {
            let gone: Result<u64, Error> = app.db.tx(move |tx| Box::pin(async move { sql::forget(tx, before_ms, FORGET_MAX).await })).await;
            match gone {
                Ok(gone) if gone >= FORGET_MAX as u64 => {}
                Ok(_) => break,
                Err(why) => {
                    tracing::warn!(%why, "old reports could not be forgotten; it is tried again in an hour");
                    break;
                }
            }
        }
    }
}
