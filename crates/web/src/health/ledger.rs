//! The ledger of what is promised: each promise with its numerator, denominator and what is left out, computed from the tables.
//!
//! In: a month and an organisation. Out: [`Line`]s. Invariant: nothing is estimated; what cannot be counted is not claimed. The
//! promises are those of the service this is modelled on; an operator may promise less.

use super::message;
use gateway::health::{Service, Status};
use gateway::scope::OrgScope;
use gateway::trace;
use mail::MailId;
use store::{Error, Row, Tx, Value, args};

/// Deliveries of a month that are looked at; more are a sample of the newest.
const DELIVERIES_MAX: usize = 200_000;
const CHANGES_MAX: usize = 20_000;
const WINDOWS_MAX: usize = 1_000;
/// The slowest twentieth is left out, as the model service does.
const FASTEST_PERCENT: usize = 95;
const MINUTE_MS: i64 = 60_000;

/// One promise.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Line {
    /// uptime, spam, false-positive, malware, delivery; words `health-sla-…`.
    pub name: &'static str,
    pub numerator: i64,
    pub denominator: i64,
    /// Left out of both, by what they are.
    pub excluded: i64,
    /// Percent, except for delivery: minutes. `None` when there was nothing to measure.
    pub value: Option<f64>,
    pub promised: f64,
    pub is_kept: Option<bool>,
}

impl Line {
    fn share(name: &'static str, (numerator, denominator, excluded): (i64, i64, i64), promised: f64, at_least: bool) -> Line {
        let value = (denominator > 0).then(|| numerator as f64 * 100.0 / denominator as f64);
        let is_kept = value.map(|value| if at_least { value >= promised } else { value <= promised });
        Line { name, numerator, denominator, excluded, value, promised, is_kept }
    }
}

/// Every promise for the mails received from `span.0` until before `span.1`, Unix milliseconds.
pub async fn lines(tx: &mut Tx, scope: OrgScope, span: (i64, i64)) -> Result<Vec<Line>, Error> {
    let mails = (trace::first_id_at(span.0).0, trace::first_id_at(span.1).0);
    let org = if let OrgScope::One(org) = scope { org.0 } else { 0 };
    let (down, planned) = downtime(tx, org, span).await?;
    let minutes = ((span.1 - span.0) / MINUTE_MS - planned).max(0);
    let count = Counted { scope, mails };
    let caught = count.mails(tx, "verdict NOT IN ('clean', 'bulk')").await?;
    let missed = count.reports(tx, "('spam', 'phish')", "('clean', 'bulk')").await?;
    let wrong = count.reports(tx, "('ham')", "('spam', 'high-spam', 'phish', 'high-phish', 'spoof', 'impersonation', 'malware')").await?;
    let all = count.mails(tx, "1 = 1").await?;
    let malware = count.mails(tx, "verdict = 'malware'").await?;
    let through = count.recipients(tx, "r.state = 'delivered' AND m.verdict = 'malware'").await?;
    let reported = count.reports(tx, "('malware')", "('clean', 'bulk', 'spam', 'phish')").await?;
    Ok(vec![
        Line::share("uptime", (minutes - down, minutes, planned), 99.999, true),
        Line::share("spam", (caught, caught + missed, 0), 99.0, true),
        // One in 250,000.
        Line::share("false-positive", (wrong, all, 0), 0.0004, false),
        Line::share("malware", ((malware - through).max(0), malware + reported, 0), 100.0, true),
        delivery(tx, scope, mails).await?,
    ])
}

struct Counted {
    scope: OrgScope,
    mails: (i64, i64),
}

impl Counted {
    async fn one(&self, tx: &mut Tx, sql: &str, column: &str) -> Result<i64, Error> {
        let mut args = args![self.mails.0, self.mails.1];
        let whose = self.scope.condition(column, &mut args);
        tx.row(&format!("{sql} AND {whose}"), args).await?.map_or(Ok(0), |row| row.int(0))
    }

    async fn mails(&self, tx: &mut Tx, which: &str) -> Result<i64, Error> {
        self.one(tx, &format!("SELECT count(*) FROM mail WHERE id >= $1 AND id < $2 AND direction = 'inbound' AND {which}"), "org").await
    }

    async fn recipients(&self, tx: &mut Tx, which: &str) -> Result<i64, Error> {
        let sql = format!(
            "SELECT count(DISTINCT r.mail) FROM recipient r JOIN mail m ON m.id = r.mail WHERE r.mail >= $1 AND r.mail < $2 AND {which}"
        );
        self.one(tx, &sql, "r.org").await
    }

    /// Mails that people said something about, against the verdict; each mail once.
    async fn reports(&self, tx: &mut Tx, labels: &str, verdicts: &str) -> Result<i64, Error> {
        let sql = format!(
            "SELECT count(DISTINCT p.mail) FROM report p JOIN mail m ON m.id = p.mail WHERE p.mail >= $1 AND p.mail < $2 \
             AND p.label IN {labels} AND m.verdict IN {verdicts}"
        );
        self.one(tx, &sql, "p.org").await
    }
}

/// Minutes in which mail could not be taken, and minutes of planned maintenance of intake, which are left out.
async fn downtime(tx: &mut Tx, org: i64, span: (i64, i64)) -> Result<(i64, i64), Error> {
    let sql = "SELECT org, at_ms, status FROM health_change WHERE service = 'intake' AND (org = 0 OR org = $1) AND at_ms < $2 \
               ORDER BY at_ms, id LIMIT $3";
    let rows = tx.rows(sql, args![org, span.1, CHANGES_MAX]).await?;
    let changes = rows.iter().map(|row| Ok((row.int(1)?, Status::parse(row.text(2)?)))).collect::<Result<Vec<_>, Error>>()?;
    let windows = windows(tx, org, span).await?;
    Ok((minutes_down(&changes, &windows, span), windows.iter().map(|window| minutes_of(*window, span)).sum()))
}

/// Planned maintenance of intake that concerns an organisation, as spans that do not overlap.
async fn windows(tx: &mut Tx, org: i64, span: (i64, i64)) -> Result<Vec<(i64, i64)>, Error> {
    let sql = "SELECT starts_ms, ends_ms, body FROM service_message WHERE kind = 'maintenance' AND is_cancelled = 0 \
               AND starts_ms < $1 AND ends_ms > $2 AND (org = 0 OR org = $3) ORDER BY starts_ms LIMIT $4";
    let mut all: Vec<(i64, i64)> = Vec::new();
    for row in tx.rows(sql, args![span.1, span.0, org, WINDOWS_MAX]).await? {
        let body: message::Body = serde_json::from_str(row.text(2)?).unwrap_or_default();
        if body.services.is_empty() || body.services.contains(&Service::Intake) {
            all.push((row.int(0)?, row.int(1)?));
        }
    }
    Ok(joined(all))
}

/// Spans in the order of their beginnings, as spans that do not overlap.
fn joined(all: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    all.into_iter().fold(Vec::new(), |mut joined: Vec<(i64, i64)>, (from, to)| {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
        joined
    })
}

fn minutes_of(window: (i64, i64), span: (i64, i64)) -> i64 {
    (window.1.min(span.1) - window.0.max(span.0)).max(0) / MINUTE_MS
}

/// Begun minutes count as down.
fn minutes_down(changes: &[(i64, Option<Status>)], windows: &[(i64, i64)], span: (i64, i64)) -> i64 {
    let (mut down_ms, mut since) = (0, None);
    let over = [(span.1, None)];
    for (at_ms, status) in changes.iter().chain(&over) {
        if let Some(from) = since.take() {
            let (from, to): (i64, i64) = (i64::max(from, span.0), (*at_ms).min(span.1));
            let planned: i64 = windows.iter().map(|window| (window.1.min(to) - window.0.max(from)).max(0)).sum();
            down_ms += (to - from - planned).max(0);
        }
        if *status == Some(Status::ServiceInterruption) {
            since = Some(*at_ms);
        }
    }
    (down_ms + MINUTE_MS - 1) / MINUTE_MS
}

/// Average minutes from acceptance to delivery, of the fastest 95 %. Mail that was held or put off first is left out.
async fn delivery(tx: &mut Tx, scope: OrgScope, mails: (i64, i64)) -> Result<Line, Error> {
    let mut args = args![mails.0, mails.1];
    let whose = scope.condition("org", &mut args);
    args.push(Value::from(DELIVERIES_MAX));
    let sql = format!(
        "SELECT mail, settled_ms, tries FROM recipient WHERE mail >= $1 AND mail < $2 AND state = 'delivered' AND {whose} ORDER BY mail DESC LIMIT ${}",
        args.len()
    );
    let rows = tx.rows(&sql, args).await?;
    let (mut took, mut excluded) = (Vec::with_capacity(rows.len()), 0);
    for row in &rows {
        match took_ms(row)? {
            Some(ms) => took.push(ms),
            None => excluded += 1,
        }
    }
    took.sort_unstable();
    let fastest = &took[..(took.len() * FASTEST_PERCENT).div_ceil(100)];
    let total: i64 = fastest.iter().sum();
    let value = (!fastest.is_empty()).then(|| total as f64 / fastest.len() as f64 / MINUTE_MS as f64);
    excluded += (took.len() - fastest.len()) as i64;
    let is_kept = value.map(|minutes| minutes <= 1.0);
    Ok(Line { name: "delivery", numerator: total / 1_000, denominator: fastest.len() as i64, excluded, value, promised: 1.0, is_kept })
}

fn took_ms(row: &Row) -> Result<Option<i64>, Error> {
    let settled = row.int_opt(1)?.filter(|_| row.int(2).is_ok_and(|tries| tries <= 1));
    Ok(settled.map(|at_ms| (at_ms - trace::time_of(MailId(row.int(0).unwrap_or(0)))).max(0)))
}

/// A month such as "2026-11" as its first and last moment, UTC; the present one ends now.
pub fn month(text: &str, now_ms: i64) -> Option<(i64, i64)> {
    let first: jiff::civil::Date = format!("{text}-01").parse().ok()?;
    let at = |date: jiff::civil::Date| Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond());
    let next = first.checked_add(jiff::Span::new().months(1)).ok()?;
    let (from, to) = (at(first)?, at(next)?.min(now_ms));
    (from < to).then_some((from, to))
}

/// The month of this moment, such as "2026-11", UTC.
pub fn this_month(now_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms).map_or_else(|_| String::new(), |at| at.strftime("%Y-%m").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn downtime_is_what_was_interrupted_and_not_planned() {
        let minute = |n: i64| n * MINUTE_MS;
        let down = Some(Status::ServiceInterruption);
        for (changes, windows, want, why) in [
            (vec![], vec![], 0, "nothing happened"),
            (vec![(minute(10), down), (minute(13), None)], vec![], 3, "three minutes"),
            (vec![(minute(10), down), (minute(12) + 1, Some(Status::RestoringService))], vec![], 3, "a begun minute counts"),
            (vec![(minute(10), Some(Status::ServiceDegradation)), (minute(20), None)], vec![], 0, "slow is not down"),
            (vec![(minute(-5), down)], vec![], 60, "from before, and still"),
            (vec![(minute(10), down), (minute(20), None)], vec![(minute(15), minute(40))], 5, "half of it was planned"),
        ] {
            assert_eq!(minutes_down(&changes, &windows, (0, minute(60))), want, "{why}");
        }
    }

    #[test]
    fn what_was_planned_twice_is_left_out_once() {
        for (all, want) in [
            (vec![(0, 10), (5, 20), (20, 30), (40, 50)], vec![(0, 30), (40, 50)]),
            (vec![(0, 50), (10, 20), (30, 60)], vec![(0, 60)]),
            (vec![], vec![]),
        ] {
            assert_eq!(joined(all.clone()), want, "{all:?}");
        }
    }

    #[test]
    fn a_month_is_read() {
        assert_eq!(month("2026-11", 1_795_521_600_000), Some((1_793_491_200_000, 1_795_521_600_000)));
        assert_eq!(month("2026-10", 1_795_521_600_000).map(|(from, to)| (to - from) / 86_400_000), Some(31));
        for wrong in ["2026-13", "2027-01", "", "x", "2026-1"] {
            assert_eq!(month(wrong, 1_795_521_600_000), None, "{wrong}");
        }
    }
}
