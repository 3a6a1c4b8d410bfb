//! Health checks by themselves: planned, run when they are due, followed up until what they found is gone or accepted.
//!
//! In: checks that are due, on whichever server takes them first. Out: fresh looks at every domain of the organisation, findings that are
//! open, fixed or accepted, the next check, a letter to the account manager that says that it is done, and nothing of what was found: that is
//! the organisation's to show. Invariant: a check that was broken off is begun again an hour later.

use super::posture::{self, CHECKS};
use super::sql::{self, Checkup};
use crate::App;
use crate::diagnostics::check::CheckResult;
use crate::diagnostics::sql as results;
use crate::domain::check::{Eyes, KIND, Report, look, practice};
use crate::domain::{Named, sql as domain_sql};
use crate::page::words::Lang;
use crate::page::{Fault, Say};
use crate::support_desk::{Month, sql as desk_sql, sql_work};
use gateway::dkim::{self, KeyState};
use gateway::queue::letter::{self, Letter};
use gateway::scope::OrgScope;
use mail::OrgId;
use mail::id::CheckupId;
use std::time::Duration;
use store::{Error, Tx};

const EVERY: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Checks that one server takes at once.
const TAKEN_MAX: usize = 5;
/// Domains of one organisation that are looked at.
const DOMAINS_MAX: usize = 200;
/// How long after a month its figures may still change, and its sums are surely there.
const SETTLES_MS: i64 = 36 * 60 * 60 * 1000;

/// Runs what is due, as long as the server runs.
pub async fn run(app: App) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(why) = run_due(&app).await {
            tracing::warn!(%why, "health checks of organisations were not run");
        }
        if let Err(why) = keep_month(&app).await {
            tracing::warn!(%why, "figures of the last month were not kept");
        }
    }
}

/// Runs checks that are due; returns how many.
pub async fn run_due(app: &App) -> Result<usize, Fault> {
    let now_ms = app.now_ms();
    let due: Result<Vec<Checkup>, Error> = app.db.tx(move |tx| Box::pin(async move { sql::take_due(tx, now_ms, TAKEN_MAX).await })).await;
    let due = due?;
    for one in &due {
        let reports = reports(app, one.org).await?;
        let (one, app_, next) = (one.clone(), app.clone(), CheckupId(app.fresh_id()));
        let done: Result<(), Error> =
            app.db.tx(move |tx| Box::pin(async move { settled(tx, &app_, (&one, reports.as_slice()), next).await })).await;
        done?;
    }
    if !due.is_empty() {
        app.health.ring();
    }
    Ok(due.len())
}

/// A fresh look at every served domain.
async fn reports(app: &App, org: OrgId) -> Result<Vec<(String, Report)>, Fault> {
    let all: Result<Vec<Named>, Error> =
        app.db.read(move |tx| Box::pin(async move { domain_sql::list(tx, OrgScope::One(org), "", "", DOMAINS_MAX).await })).await;
    let chain = app.door.chain();
    let mut found = Vec::new();
    for named in all?.iter().filter(|named| named.is_served()) {
        let name = named.name.clone();
        let keys: Result<Vec<_>, Error> =
            app.db.read(move |tx| Box::pin(async move { dkim::sql::of_domain(tx, OrgScope::One(org), &name).await })).await;
        let keys: Vec<_> = keys?.into_iter().filter(|key| key.state != KeyState::Retired).collect();
        let eyes = Eyes {
            dns: &app.dns,
            dns_at: &app.dns_at,
            tls: &app.courier.tls,
            hostname: &app.hostname,
            chain: &chain,
            practice: practice(&app.db, named, app.now_ms()).await?,
            now_ms: app.now_ms(),
        };
        found.push((named.name.clone(), look(&eyes, named, &keys).await));
    }
    Ok(found)
}

/// What was seen becomes findings; the next check is planned.
async fn settled(tx: &mut Tx, app: &App, (one, reports): (&Checkup, &[(String, Report)]), next: CheckupId) -> Result<(), Error> {
    let now_ms = app.now_ms();
    for (name, report) in reports {
        results::put(tx, one.org, (KIND, name.as_str()), report.at_ms, &serde_json::to_string(report).unwrap_or_default()).await?;
        for checked in report.checks.iter().filter(|checked| CHECKS.contains(&checked.id.as_str()) || checked.id == "domain.mx") {
            match checked.result {
                CheckResult::Ok => sql::fixed(tx, one.org, (name.as_str(), checked.id.as_str()), now_ms).await?,
                // What cannot be told now is as it was.
                CheckResult::CannotTell => {}
                result => sql::seen(tx, one.org, (name.as_str(), checked.id.as_str(), result.name()), now_ms).await?,
            }
        }
    }
    // Nothing is to be done about a domain that is not theirs any more.
    let open = sql::findings(tx, OrgScope::One(one.org)).await?;
    for gone in open.iter().filter(|finding| finding.state != "fixed" && reports.iter().all(|(name, _)| *name != finding.subject)) {
        sql::fixed(tx, one.org, (gone.subject.as_str(), gone.kind.as_str()), now_ms).await?;
    }
    let left = sql::findings(tx, OrgScope::One(one.org)).await?.iter().filter(|finding| finding.state == "open").count();
    let counted = (i64::try_from(reports.len()).unwrap_or(i64::MAX), i64::try_from(left).unwrap_or(i64::MAX));
    sql::done(tx, one, counted, now_ms).await?;
    if one.every_days > 0 {
        sql::plan(tx, &Checkup { id: next, due_ms: now_ms + one.every_days * DAY_MS, ..one.clone() }, now_ms).await?;
    }
    tell(tx, app, one.org, now_ms).await
}

/// The account manager learns that it is done.
async fn tell(tx: &mut Tx, app: &App, org: OrgId, now_ms: i64) -> Result<(), Error> {
    let contract = desk_sql::contract_of(tx, OrgScope::All, org).await?;
    let Some(manager) = contract.manager else { return Ok(()) };
    let Some(manager) = sql_work::one_engineer(tx, manager).await? else { return Ok(()) };
    let (Ok(to), directory) = (mail::Address::parse(&manager.email), app.directory.snapshot()) else { return Ok(()) };
    let (lang, name) = (manager.lang.unwrap_or(Lang::English), directory.organisation(org).map(|org| org.name.clone()).unwrap_or_default());
    let say = Say::new("premier-check-letter").with("what", name);
    let letter = Letter {
        org: OrgId(0),
        to,
        from_name: "Gatepost".into(),
        subject: say.in_lang(lang),
        text: format!("{}\r\n\r\n{}\r\n", say.in_lang(lang), app.link(&format!("/support/premier/{org}"))),
        html: String::new(),
        language: lang.tag().into(),
        kind: "alert",
        host: app.hostname.clone(),
    };
    // A host name that letters cannot come from keeps nobody from working.
    if let Err(why) = letter::post(tx, &letter, &directory, &app.ids, now_ms).await {
        tracing::warn!(%why, "an account manager was not told of a health check");
    }
    Ok(())
}

/// Keeps the figures of the month that ended, while the sums that they come from are there.
async fn keep_month(app: &App) -> Result<(), Error> {
    let now_ms = app.now_ms();
    let Some(last) = Month::of(now_ms).back(2).pop() else { return Ok(()) };
    let span = last.span();
    if now_ms - span.1 > SETTLES_MS {
        return Ok(());
    }
    let contracts = app.db.read(move |tx| Box::pin(async move { desk_sql::contracts(tx, OrgScope::All).await })).await?;
    for contract in contracts {
        let org = contract.org;
        let done: Result<(), Error> = app
            .db
            .tx(move |tx| {
                Box::pin(async move {
                    let figures = posture::figures(tx, org, span).await?;
                    let text = serde_json::to_string(&figures).map_err(|why| Error::Shape(why.to_string()))?;
                    sql::put_month(tx, org, (span.0, text.as_str()), now_ms).await
                })
            })
            .await;
        done?;
    }
    Ok(())
}
