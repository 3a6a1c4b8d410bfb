//! The week's or month's letter: what mail went through, and how the world judged mail in our names, for those who chose it.
//!
//! Every server looks once an hour. Invariant: a letter and the note that it was sent are one transaction, so one server sends; whoever may not
//! see the figures any more gets none.

use super::flow::{self, FlowReport};
use super::{DAY_MS, grouped, share, sql};
use crate::App;
use crate::page::{Fault, Say, View, time};
use crate::people::{May, Person, sql as people_sql};
use askama::Template;
use gateway::mail_reports::sql as reports_sql;
use gateway::queue::letter::{Letter, post};
use jiff::{Timestamp, ToSpan};
use mail::{Address, OrgId, PersonId};
use std::time::Duration;
use store::{Error, Tx};

const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
/// People looked at in one read, and in one look.
const PAGE: usize = 200;
const PAGES_MAX: usize = 500;
/// Names of one list.
const ROWS: usize = 10;

/// Looks as long as the process runs.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await; // start-up has other things to do
    loop {
        tick.tick().await;
        if let Err(why) = send_due(&app).await {
            tracing::warn!(%why, "letters with reports wait for an hour");
        }
    }
}

/// One look; how many letters were written.
pub async fn send_due(app: &App) -> Result<usize, Error> {
    let (mut after, mut sent) = (PersonId(0), 0);
    for _ in 0..PAGES_MAX {
        let page = app.db.read(move |tx| Box::pin(async move { sql::letters(tx, after, PAGE).await })).await?;
        let Some(last) = page.last() else { break };
        after = last.0;
        for (person, email, every, sent_ms) in page {
            sent += usize::from(send(app, person, (email, every, sent_ms)).await?);
        }
    }
    Ok(sent)
}

/// The week or month that ended last in a zone: its first day and the day after its last, as moments of UTC days, and when it ended.
pub fn period(every: &str, zone: &jiff::tz::TimeZone, now_ms: i64) -> Option<((i64, i64), i64)> {
    let today = Timestamp::from_millisecond(now_ms).ok()?.to_zoned(zone.clone()).date();
    let (first, after) = match every {
        "week" => {
            let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
            (monday.checked_sub(7.days()).ok()?, monday)
        }
        "month" => (today.first_of_month().checked_sub(1.month()).ok()?, today.first_of_month()),
        _ => return None,
    };
    let utc = |day: jiff::civil::Date| day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|at| at.timestamp().as_millisecond());
    let ended_ms = after.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond();
    Some(((utc(first)?, utc(after)?), ended_ms))
}

async fn send(app: &App, id: PersonId, (email, every, sent_ms): (String, String, i64)) -> Result<bool, Error> {
    let (all, now_ms) = (app.clone(), app.now_ms());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let Some(person) = people_sql::by_email(tx, &email).await?.filter(|person| person.id == id) else { return Ok(false) };
                let Some((span, ended_ms)) = period(&every, &time::zone(&person.zone), now_ms) else { return Ok(false) };
                if sent_ms >= ended_ms || !person.may(May::Overview) || !sql::take_letter(tx, id, sent_ms, now_ms).await? {
                    return Ok(false);
                }
                written(tx, &all, &person, (&every, span)).await
            })
        })
        .await
}

/// Sends the report of the last seven days at once.
pub async fn send_now(app: &App, person: &Person) -> Result<(), Fault> {
    let (all, who, now_ms) = (app.clone(), person.clone(), app.now_ms());
    let today = gateway::mail_reports::day_of(now_ms);
    let span = (today - 6 * DAY_MS, today + DAY_MS);
    let sent = app.db.tx(move |tx| Box::pin(async move { written(tx, &all, &who, ("week", span)).await }));
    sent.await.map(drop).map_err(|why: Error| Fault::from(why))
}

/// Writes a letter into the queue; false when its reader has no address that mail can go to.
async fn written(tx: &mut Tx, app: &App, person: &Person, (every, span): (&str, (i64, i64))) -> Result<bool, Error> {
    let (now_ms, directory) = (app.now_ms(), app.directory.snapshot());
    let Ok(to) = Address::parse(&person.email) else { return Ok(false) };
    let report = flow::of(tx, person.scope(), person.may(May::Trace), span).await?;
    let dmarc: (i64, i64) = reports_sql::dmarc_days(tx, person.scope(), span.0, "")
        .await?
        .iter()
        .filter(|day| day.day_ms < span.1)
        .fold((0, 0), |sum, day| (sum.0 + day.counts.messages, sum.1 + day.counts.passed));
    let mut view = View::plain(person.lang.or_else(|| org_lang(&directory, person.org)).unwrap_or_default(), now_ms);
    view.zone = time::zone(&person.zone);
    let letter = letter(app, &view, (person.org.unwrap_or(OrgId(0)), to), &Content { report: &report, dmarc, every })?;
    post(tx, &letter, &directory, &app.ids, now_ms).await.map(|_| true)
}

fn org_lang(directory: &gateway::directory::Directory, org: Option<OrgId>) -> Option<crate::page::words::Lang> {
    directory.organisation(org?).and_then(|org| crate::page::words::Lang::parse(&org.settings.language))
}

struct Content<'a> {
    report: &'a FlowReport,
    /// Mails in reports of others, and those of them that pass.
    dmarc: (i64, i64),
    every: &'a str,
}

#[derive(Template)]
#[template(path = "mail_reports/templates/letter_html.txt", escape = "html")]
struct Html<'a> {
    view: &'a View,
    subject: &'a str,
    facts: &'a [(String, String)],
    lists: &'a [(String, Vec<(String, String)>)],
    all: String,
    choice: String,
}

fn letter(app: &App, view: &View, (org, to): (OrgId, Address), content: &Content<'_>) -> Result<Letter, Error> {
    let report = content.report;
    let last_day = report.until_ms - DAY_MS;
    let key = if content.every == "month" { "reports-letter-subject-month" } else { "reports-letter-subject-week" };
    let subject = view.say(&Say::new(key).with("from", super::day(view, report.since_ms)).with("until", super::day(view, last_day)));
    let (facts, lists) = (facts(view, content), lists(view, report));
    let (all, choice) = (app.link("/reports"), app.link("/reports#letter"));
    let mut text = format!("{subject}\n\n");
    facts.iter().for_each(|(title, value)| text.push_str(&format!("{title}: {value}\n")));
    for (title, rows) in &lists {
        text.push_str(&format!("\n{title}\n"));
        rows.iter().for_each(|(name, value)| text.push_str(&format!("  {name}: {value}\n")));
    }
    text.push_str(&format!("\n{}: {all}\n{}: {choice}\n", view.t("reports-letter-all"), view.t("reports-letter-choice")));
    let html = Html { view, subject: &subject, facts: &facts, lists: &lists, all, choice };
    let html = html.render().map_err(|why| Error::Shape(format!("writing a report: {why}")))?;
    Ok(Letter {
        org,
        to,
        from_name: "Gatepost".into(),
        subject,
        text,
        html,
        language: view.lang.tag().into(),
        kind: "report",
        host: app.hostname.clone(),
    })
}

fn facts(view: &View, content: &Content<'_>) -> Vec<(String, String)> {
    let (total, (reported, passed)) = (&content.report.total, content.dmarc);
    let mut facts = vec![
        (view.t("reports-flow-inbound"), grouped(total.inbound)),
        (view.t("reports-flow-unwanted"), format!("{} ({})", grouped(total.unwanted), share(total.unwanted, total.inbound))),
        (view.t("reports-flow-refused"), grouped(total.refused)),
        (view.t("reports-flow-outbound"), grouped(total.outbound)),
    ];
    if reported > 0 {
        facts.push((view.t("reports-letter-dmarc"), format!("{} ({})", share(passed, reported), grouped(reported))));
    }
    facts
}

fn lists(view: &View, report: &FlowReport) -> Vec<(String, Vec<(String, String)>)> {
    let verdicts = report.verdicts.iter().map(|one| (view.of_kind("verdict", &one.name), grouped(one.mails))).collect();
    let unwanted = |names: &[flow::FlowName]| names.iter().take(ROWS).map(|one| (one.name.clone(), grouped(one.unwanted))).collect();
    let policies = report.policies.iter().take(ROWS).map(|one| (one.name.clone(), grouped(one.unwanted))).collect();
    let all: [(&str, Vec<(String, String)>); 4] = [
        ("reports-flow-verdicts", verdicts),
        ("reports-flow-policies", policies),
        ("reports-flow-targets", unwanted(&report.targets)),
        ("reports-flow-unwanted-senders", unwanted(&report.unwanted_senders)),
    ];
    all.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(key, rows)| (view.t(key), rows)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_ends_on_monday_and_a_month_on_its_first_day_where_the_reader_is() {
        const NOW_MS: i64 = 1_795_521_600_000; // Tuesday, 24 November 2026, 12:00 UTC
        let day = |date: &str| {
            date.parse::<jiff::civil::Date>()
                .expect("a date")
                .to_zoned(jiff::tz::TimeZone::UTC)
                .expect("a day")
                .timestamp()
                .as_millisecond()
        };
        let shanghai = time::zone("Asia/Shanghai");
        let found = period("week", &shanghai, NOW_MS).expect("a week");
        assert_eq!(found, ((day("2026-11-16"), day("2026-11-23")), day("2026-11-23") - 8 * 3_600_000));
        let found = period("month", &jiff::tz::TimeZone::UTC, NOW_MS).expect("a month");
        assert_eq!(found, ((day("2026-10-01"), day("2026-11-01")), day("2026-11-01")));
        assert_eq!(period("", &shanghai, NOW_MS), None);
    }
}
