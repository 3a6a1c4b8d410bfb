//! The job that keeps the hourly sums.
//!
//! In: an hour. Out: its rows in `hour_sum`, replaced as a whole in one transaction. What is counted again is what may have changed:
//! the hour that runs, and hours with recipients that still wait for something. One server counts at a time, by a lease; after a stop
//! the next one goes on, newest hour first. Reading is a snapshot beside the mail path; only the small result is written.

use super::{balance, sql};
use crate::App;
use gateway::trace::first_id_at;
use mail::OrgId;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use store::{Db, Error};

pub const HOUR_MS: i64 = 3_600_000;
/// Hours that are kept and caught up with: a month and what a day at its edge may need.
pub const HOURS_KEPT: i64 = 33 * 24;
/// How often the job looks for work.
const EVERY: Duration = Duration::from_secs(10);
/// How long a server that says nothing keeps the others from counting.
const LEASE_MS: i64 = 90_000;
/// A mail is committed at most this long after its identifier was made.
const SETTLED_AFTER_MS: i64 = 600_000;
/// How often an hour is counted again: the one that runs, one of the last day, an older one with mail that waits.
const RUNNING_EVERY_MS: i64 = 10_000;
const RECENT_EVERY_MS: i64 = 300_000;
const OLD_EVERY_MS: i64 = 6 * HOUR_MS;
/// An hour that takes long to count is counted more seldom: at most this part of the time goes into it.
const SHARE: i64 = 20;
/// Receipts read in one step.
const RECEIPTS_READ: usize = 500;
/// Hours counted in one turn, so that the lease is renewed between.
const HOURS_A_TURN: usize = 50;
/// Different reasons and names kept of one organisation and hour; the rest is rare.
const NAMES_MAX: usize = 200;

/// Sums of one hour: `(org, kind, name)` to how many.
pub type Sums = BTreeMap<(OrgId, &'static str, String), i64>;

/// What is counted: everything, or only what became of recipients, when nothing else can change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Outcomes,
}

/// Starts the job of this server; it ends with the runtime.
pub fn start(app: &App) {
    let app = app.clone();
    tokio::spawn(async move {
        let holder = app.fresh_id();
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match turn(&app.db, holder, app.clock).await {
                // There is more to catch up with.
                Ok(hours) if hours >= HOURS_A_TURN => tick.reset_immediately(),
                Ok(_) => {}
                Err(why) => tracing::warn!(%why, "the sums of the overview could not be kept; it is tried again in {} s", EVERY.as_secs()),
            }
        }
    });
}

/// Counts whatever is due, if it is this server's turn; returns how many hours were counted.
pub async fn turn(db: &Db, holder: i64, clock: fn() -> i64) -> Result<usize, Error> {
    let now_ms = clock();
    if !db.tx(move |tx| Box::pin(sql::take_lease(tx, holder, now_ms, LEASE_MS))).await? {
        return Ok(0);
    }
    balance::take_if_missing(db, now_ms).await?;
    let oldest = hour_of(now_ms) - HOURS_KEPT * HOUR_MS;
    let counted = db.read(move |tx| Box::pin(sql::counted(tx, oldest))).await?;
    let due = due(&counted, now_ms);
    for (hour_ms, part) in &due {
        count(db, *hour_ms, *part, clock).await?;
    }
    if due.len() < HOURS_A_TURN {
        db.tx(move |tx| Box::pin(sql::forget_before(tx, oldest))).await?;
    }
    Ok(due.len())
}

pub fn hour_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(HOUR_MS) * HOUR_MS
}

/// When an hour was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub at_ms: i64,
    pub outcomes_open: i64,
    pub took_ms: i64,
}

/// Hours to count now, newest first.
fn due(counted: &BTreeMap<i64, Counted>, now_ms: i64) -> Vec<(i64, Part)> {
    let newest = hour_of(now_ms);
    let hours = (0..HOURS_KEPT).map(|back| newest - back * HOUR_MS);
    hours.filter_map(|hour| part_due(hour, counted.get(&hour), now_ms).map(|part| (hour, part))).take(HOURS_A_TURN).collect()
}

fn part_due(hour_ms: i64, counted: Option<&Counted>, now_ms: i64) -> Option<Part> {
    let Some(counted) = counted else { return Some(Part::All) };
    let (age_ms, settled_ms) = (now_ms - counted.at_ms, hour_ms + HOUR_MS + SETTLED_AFTER_MS);
    if counted.at_ms < settled_ms {
        let is_over = now_ms >= settled_ms;
        return (is_over || age_ms >= RUNNING_EVERY_MS.max(counted.took_ms * SHARE)).then_some(Part::All);
    }
    let every_ms = if now_ms - hour_ms < 24 * HOUR_MS { RECENT_EVERY_MS } else { OLD_EVERY_MS };
    (counted.outcomes_open > 0 && age_ms >= every_ms.max(counted.took_ms * SHARE)).then_some(Part::Outcomes)
}

/// Counts one hour and writes what was found.
async fn count(db: &Db, hour_ms: i64, part: Part, clock: fn() -> i64) -> Result<(), Error> {
    let (began, at_ms) = (Instant::now(), clock());
    let (from, under) = (first_id_at(hour_ms), first_id_at(hour_ms + HOUR_MS));
    let mut sums = Sums::new();
    let outcomes = db.read(move |tx| Box::pin(sql::outcomes(tx, from, under))).await?;
    let is_open = |name: &str| matches!(name, "queued" | "held");
    let outcomes_open = outcomes.iter().filter(|(_, name, _)| is_open(name)).map(|(_, _, count)| count).sum();
    add(&mut sums, "outcome", outcomes);
    if part == Part::All {
        add(&mut sums, "verdict", db.read(move |tx| Box::pin(sql::verdicts(tx, from, under))).await?);
        add(&mut sums, "refused", db.read(move |tx| Box::pin(sql::refused(tx, from, under))).await?);
        add(&mut sums, "report", db.read(move |tx| Box::pin(sql::reports(tx, from, under))).await?);
        add_reasons(db, &mut sums, (from, under)).await?;
    }
    add_all(&mut sums);
    let counted = Counted { at_ms, outcomes_open, took_ms: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX) };
    let kind = (part == Part::Outcomes).then_some("outcome");
    db.tx(move |tx| Box::pin(async move { sql::replace(tx, hour_ms, kind, &sums, counted).await })).await
}

fn add(sums: &mut Sums, kind: &'static str, rows: Vec<(OrgId, String, i64)>) {
    for (org, name, count) in rows {
        *sums.entry((org, kind, name)).or_default() += count;
    }
}

/// The sums of all organisations, beside theirs.
fn add_all(sums: &mut Sums) {
    sums.retain(|(org, _, _), _| *org != gateway::scope::OURS); // what probes send is no mail
    let mut all: BTreeMap<(&'static str, String), i64> = BTreeMap::new();
    for ((_, kind, name), count) in sums.iter() {
        *all.entry((kind, name.clone())).or_default() += count;
    }
    sums.extend(all.into_iter().map(|((kind, name), count)| ((sql::ALL, kind, name), count)));
}

/// Why mail was not let through as it was: the check that decided, or weighed most.
async fn add_reasons(db: &Db, sums: &mut Sums, (from, under): (mail::MailId, mail::MailId)) -> Result<(), Error> {
    let mut found: BTreeMap<(OrgId, String), i64> = BTreeMap::new();
    let mut after = from;
    loop {
        let page = db.read(move |tx| Box::pin(sql::receipts(tx, after, under, RECEIPTS_READ))).await?;
        for (_, org, receipt) in &page {
            if let Some(check) = reason(receipt) {
                *found.entry((*org, check)).or_default() += 1;
            }
        }
        let Some((last, _, _)) = page.last().filter(|_| page.len() == RECEIPTS_READ) else { break };
        after = mail::MailId(last.0 + 1);
    }
    let mut of_org: BTreeMap<OrgId, Vec<(String, i64)>> = BTreeMap::new();
    for ((org, check), count) in found {
        of_org.entry(org).or_default().push((check, count));
    }
    for (org, mut checks) in of_org {
        checks.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        add(sums, "reason", checks.into_iter().take(NAMES_MAX).map(|(check, count)| (org, check, count)).collect());
    }
    Ok(())
}

/// As much of a receipt as this needs.
#[derive(Deserialize)]
struct ReceiptPart {
    #[serde(default)]
    findings: Vec<FindingPart>,
    verdict: VerdictPart,
}

#[derive(Deserialize)]
struct FindingPart {
    check: String,
    weight: f32,
}

#[derive(Deserialize)]
struct VerdictPart {
    decided_by: Option<usize>,
}

/// The check that decided, else the one that weighed most against the mail.
fn reason(receipt: &str) -> Option<String> {
    let part: ReceiptPart = serde_json::from_str(receipt).ok()?;
    let decided = part.verdict.decided_by.and_then(|at| part.findings.get(at));
    let heaviest = || part.findings.iter().filter(|one| one.weight > 0.0).max_by(|a, b| a.weight.total_cmp(&b.weight));
    decided.or_else(heaviest).map(|finding| finding.check.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_521_600_000;

    #[test]
    fn an_hour_is_counted_when_something_in_it_may_have_changed() {
        let counted = |ago_ms: i64, outcomes_open: i64, took_ms: i64| Some(Counted { at_ms: NOW - ago_ms, outcomes_open, took_ms });
        for (hours_ago, counted, want, why) in [
            (0, None, Some(Part::All), "never counted"),
            (700, None, Some(Part::All), "never counted, however old"),
            (0, counted(9_000, 0, 5), None, "the hour that runs was counted just now"),
            (0, counted(30_000, 0, 5), Some(Part::All), "the hour that runs"),
            (0, counted(30_000, 0, 60_000), None, "counting it takes long, so seldom"),
            (2, counted(2 * HOUR_MS, 0, 5), Some(Part::All), "it was not over when it was counted"),
            (5, counted(HOUR_MS, 0, 5), None, "nothing can change any more"),
            (5, counted(HOUR_MS, 3, 5), Some(Part::Outcomes), "three recipients still wait"),
            (5, counted(60_000, 3, 5), None, "looked at a minute ago"),
            (50, counted(HOUR_MS, 3, 5), None, "old mail that waits is looked at seldom"),
            (50, counted(7 * HOUR_MS, 3, 5), Some(Part::Outcomes), "old mail that waits"),
        ] {
            assert_eq!(part_due(NOW - hours_ago * HOUR_MS, counted.as_ref(), NOW), want, "{why}");
        }
    }

    #[test]
    fn the_reason_is_what_decided_or_weighed_most() {
        let findings = r#""findings":[{"check":"a","weight":1.5},{"check":"b","weight":4.0},{"check":"c","weight":-9.0}]"#;
        for (verdict, want) in
            [(r#"{"decided_by":0}"#, Some("a")), (r#"{"decided_by":null}"#, Some("b")), (r#"{"decided_by":9}"#, Some("b"))]
        {
            assert_eq!(reason(&format!("{{{findings},\"verdict\":{verdict}}}")).as_deref(), want);
        }
        assert_eq!(reason("{\"version\":1}"), None);
    }
}
