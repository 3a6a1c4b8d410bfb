//! Complaints over time (ARF, RFC 5965): who of ours is complained about, over which campaign, by whom; and what people here had told to others.
//! What is serialised here is promised.
//!
//! A complaint says what it wants. That a mail was ours is believed when it names it by our own identifier and the trace knows it as one that
//! left; the sender is then the trace's, not the complaint's.

use super::Days;
use super::sql as own_sql;
use crate::App;
use crate::page::Fault;
use crate::people::{May, Person};
use gateway::mail_reports::{Row, day_of, sql};
use gateway::outflow;
use gateway::scope::OrgScope;
use mail::{MailId, OrgId};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use store::{Error, Tx};
use utoipa::ToSchema;

/// Complaints added up at most, the latest.
const READ_MAX: usize = 2_000;
/// Senders, campaigns and reporters that are listed.
const LISTED_MAX: usize = 50;
const RESTRICTED_MAX: usize = 20_000;
const SUBJECT_CHARS_MAX: usize = 120;

/// A sender that was complained about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComplaintSender {
    /// Envelope sender, by the trace where it knows the mail.
    pub sender: String,
    pub complaints: i64,
    /// Of those, about mail that the trace knows.
    pub known: i64,
    pub last_ms: i64,
    /// It is of a domain served here.
    pub is_own: bool,
    /// It may not send out now.
    pub is_restricted: bool,
}

/// Mails that have a subject in common, numbers in it aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComplaintCampaign {
    /// The latest of its subjects.
    pub subject: String,
    pub complaints: i64,
    pub senders: i64,
    pub last_ms: i64,
}

/// Who complains: a mailbox service, or the domain that reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComplaintReporter {
    pub reporter: String,
    pub complaints: i64,
}

/// One day; days without complaints are not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComplaintDay {
    /// Beginning of the day of UTC, Unix milliseconds.
    pub day_ms: i64,
    pub complaints: i64,
}

/// An operator who was told of complaints of people here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComplaintSent {
    pub address: String,
    pub complaints: i64,
    pub last_ms: i64,
}

/// Complaints in both directions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ComplaintReport {
    pub since_ms: i64,
    pub complaints: i64,
    /// Whether those are all; false: the latest 2000.
    pub is_all: bool,
    pub days: Vec<ComplaintDay>,
    /// Those with most complaints first.
    pub senders: Vec<ComplaintSender>,
    pub campaigns: Vec<ComplaintCampaign>,
    pub reporters: Vec<ComplaintReporter>,
    /// What was sent to others in the last two days, which is how long it is kept.
    pub sent: Vec<ComplaintSent>,
}

/// What is said about one mail.
struct One {
    at_ms: i64,
    sender: String,
    is_known: bool,
    subject: String,
    reporter: String,
}

/// The complaints of a span, added up.
pub async fn read(app: &App, person: &Person, days: Days) -> Result<ComplaintReport, Fault> {
    person.require(May::Trace)?;
    let (scope, now_ms) = (person.scope(), app.now_ms());
    let since_ms = days.since_ms(now_ms);
    let found = app.db.read(move |tx| Box::pin(async move { rows(tx, scope, since_ms, now_ms).await })).await;
    let (rows, known, restricted, sent) = found.map_err(|why: Error| Fault::from(why))?;
    let is_all = rows.len() <= READ_MAX;
    let all: Vec<One> = rows.iter().take(READ_MAX).map(|row| one(row, &known)).collect();
    let directory = app.directory.snapshot();
    let is_own = |sender: &str| {
        mail::Address::parse(sender).is_ok_and(|address| directory.domain_of(&address).is_some_and(|domain| scope.allows(domain.org)))
    };
    Ok(ComplaintReport {
        since_ms,
        complaints: all.len() as i64,
        is_all,
        days: by_day(&all),
        senders: by_sender(&all, &restricted, is_own),
        campaigns: by_campaign(&all),
        reporters: by_reporter(&all),
        sent,
    })
}

type Known = HashMap<MailId, String>;

async fn rows(
    tx: &mut Tx,
    scope: OrgScope,
    since_ms: i64,
    now_ms: i64,
) -> Result<(Vec<Row>, Known, BTreeSet<String>, Vec<ComplaintSent>), Error> {
    let rows = sql::complaints(tx, scope, since_ms, READ_MAX + 1).await?;
    let named: Vec<MailId> = rows.iter().filter_map(ours).collect();
    let orgs: HashMap<MailId, OrgId> = rows.iter().filter_map(|row| Some((ours(row)?, row.org))).collect();
    let senders = sql::senders_of(tx, scope, &named).await?;
    let known = senders.into_iter().filter(|(mail, org, _)| orgs.get(mail) == Some(org)).map(|(mail, _, sender)| (mail, sender)).collect();
    let restricted = outflow::sql::restricted(tx, scope, now_ms, RESTRICTED_MAX).await?.into_iter().map(|one| one.sender).collect();
    Ok((rows, known, restricted, own_sql::complaints_sent(tx, scope, LISTED_MAX).await?))
}

fn detail(row: &Row) -> Value {
    serde_json::from_str(&row.detail).unwrap_or_default()
}

/// The mail that a complaint names by our own field: `id=m…; verdict=…`.
fn ours(row: &Row) -> Option<MailId> {
    let detail = detail(row);
    let id = detail["ours"].as_str()?.split(';').find_map(|part| part.trim().strip_prefix("id="))?;
    id.trim().parse().ok()
}

fn one(row: &Row, known: &Known) -> One {
    let detail = detail(row);
    let text = |name: &str| detail[name].as_str().unwrap_or_default().trim().to_string();
    let sender = ours(row).and_then(|mail| known.get(&mail).cloned());
    let said = [text("mail_from"), text("from")].into_iter().map(|text| bare(&text)).find(|text| !text.is_empty()).unwrap_or_default();
    let reporter =
        if row.reporter.is_empty() { row.sender.rsplit('@').next().unwrap_or_default().to_string() } else { row.reporter.clone() };
    One {
        at_ms: row.at_ms(),
        is_known: sender.is_some(),
        sender: sender.unwrap_or(said).to_lowercase(),
        subject: text("subject").chars().take(SUBJECT_CHARS_MAX).collect(),
        reporter,
    }
}

/// `Ann <ann@acme.example>` is `ann@acme.example`.
fn bare(text: &str) -> String {
    let inside = text.rsplit_once('<').map_or(text, |(_, rest)| rest);
    inside.trim_end_matches('>').trim().to_string()
}

/// A subject without what differs between the mails of a campaign: numbers, case, marks of answers.
fn campaign(subject: &str) -> String {
    let mut text = String::with_capacity(subject.len());
    for c in subject.trim().to_lowercase().chars() {
        match c {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            c if c.is_whitespace() && text.ends_with(' ') => {}
            c if c.is_whitespace() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

fn by_day(all: &[One]) -> Vec<ComplaintDay> {
    let mut days: BTreeMap<i64, i64> = BTreeMap::new();
    all.iter().for_each(|one| *days.entry(day_of(one.at_ms)).or_default() += 1);
    days.into_iter().map(|(day_ms, complaints)| ComplaintDay { day_ms, complaints }).collect()
}

fn by_sender(all: &[One], restricted: &BTreeSet<String>, is_own: impl Fn(&str) -> bool) -> Vec<ComplaintSender> {
    let mut found: BTreeMap<&str, ComplaintSender> = BTreeMap::new();
    for one in all.iter().filter(|one| !one.sender.is_empty()) {
        let sender = found.entry(&one.sender).or_insert_with(|| ComplaintSender {
            sender: one.sender.clone(),
            complaints: 0,
            known: 0,
            last_ms: 0,
            is_own: is_own(&one.sender),
            is_restricted: restricted.contains(&one.sender),
        });
        sender.complaints += 1;
        sender.known += i64::from(one.is_known);
        sender.last_ms = sender.last_ms.max(one.at_ms);
    }
    first(found.into_values().collect(), |one| one.complaints)
}

fn by_campaign(all: &[One]) -> Vec<ComplaintCampaign> {
    let mut found: BTreeMap<String, (ComplaintCampaign, BTreeSet<&str>)> = BTreeMap::new();
    for one in all.iter().filter(|one| !one.subject.is_empty()) {
        let fresh = || (ComplaintCampaign { subject: one.subject.clone(), complaints: 0, senders: 0, last_ms: 0 }, BTreeSet::new());
        let (campaign, senders) = found.entry(campaign(&one.subject)).or_insert_with(fresh);
        campaign.complaints += 1;
        campaign.last_ms = campaign.last_ms.max(one.at_ms);
        senders.insert(&one.sender);
    }
    let counted = found.into_values().map(|(campaign, senders)| ComplaintCampaign { senders: senders.len() as i64, ..campaign });
    first(counted.collect(), |one| one.complaints)
}

fn by_reporter(all: &[One]) -> Vec<ComplaintReporter> {
    let mut found: BTreeMap<&str, i64> = BTreeMap::new();
    all.iter().filter(|one| !one.reporter.is_empty()).for_each(|one| *found.entry(&one.reporter).or_default() += 1);
    let reporter = |(name, complaints): (&str, i64)| ComplaintReporter { reporter: name.to_string(), complaints };
    first(found.into_iter().map(reporter).collect(), |one| one.complaints)
}

/// Those with most first, as many as are listed.
fn first<T>(mut all: Vec<T>, count: impl Fn(&T) -> i64) -> Vec<T> {
    all.sort_by_key(|one| std::cmp::Reverse(count(one)));
    all.truncate(LISTED_MAX);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_of_one_campaign_are_one() {
        for (a, b, is_same) in [
            ("Offer 1234 for you", "offer  98 for you", true),
            ("Offer for you", "Offer for us", false),
            ("发票 2026-11", "发票 2025-03", true),
            ("", "", true),
        ] {
            assert_eq!(campaign(a) == campaign(b), is_same, "{a} / {b}");
        }
    }

    #[test]
    fn addresses_are_taken_out_of_fields() {
        for (text, want) in
            [("Ann <ann@a.example>", "ann@a.example"), ("<ann@a.example>", "ann@a.example"), ("ann@a.example", "ann@a.example"), ("<>", "")]
        {
            assert_eq!(bare(text), want);
        }
    }
}
