//! What mail went through in some days: by day, verdict, policy, rule, sender and target. What is serialised here is promised.

use super::{DAY_MS, sql};
use crate::App;
use crate::page::Fault;
use crate::people::{May, Person};
use gateway::scope::OrgScope;
use serde::Serialize;
use std::collections::BTreeMap;
use store::{Error, Tx};
use utoipa::ToSchema;

/// Names shown of one kind.
const TOP: usize = 20;

/// One day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlowDay {
    /// Beginning of the day of UTC, Unix milliseconds.
    pub day_ms: i64,
    /// Mails that came in for people here, and those within.
    pub inbound: i64,
    /// Of those, found unwanted or dangerous.
    pub unwanted: i64,
    pub outbound: i64,
    /// Mails refused after their content was seen; they are among the others.
    pub refused: i64,
}

/// A name with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlowName {
    pub name: String,
    pub mails: i64,
    /// Found unwanted; of policies: recipients for whom it did something.
    pub unwanted: i64,
}

/// What mail went through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlowReport {
    pub since_ms: i64,
    pub until_ms: i64,
    pub total: FlowDay,
    pub days: Vec<FlowDay>,
    pub verdicts: Vec<FlowName>,
    /// Policies by recipients they applied to.
    pub policies: Vec<FlowName>,
    /// Mail flow rules by mails they did something to.
    pub rules: Vec<FlowName>,
    /// Who sent most; empty for those who may not see who wrote to whom.
    pub senders: Vec<FlowName>,
    /// Who sent most unwanted mail.
    pub unwanted_senders: Vec<FlowName>,
    /// Who got most unwanted mail.
    pub targets: Vec<FlowName>,
    /// Who sent most out.
    pub out_senders: Vec<FlowName>,
}

/// The report that a person may see of some days, the last one today.
pub async fn read(app: &App, person: &Person, days: super::Days) -> Result<FlowReport, Fault> {
    person.require(May::Overview)?;
    let (scope, sees_names, now_ms) = (person.scope(), person.may(May::Trace), app.now_ms());
    let span = (days.since_ms(now_ms), gateway::mail_reports::day_of(now_ms) + DAY_MS);
    let read = app.db.read(move |tx| Box::pin(async move { of(tx, scope, sees_names, span).await }));
    read.await.map_err(|why: Error| Fault::from(why))
}

/// The report of a scope from one day to another.
pub async fn of(tx: &mut Tx, scope: OrgScope, sees_names: bool, span: (i64, i64)) -> Result<FlowReport, Error> {
    let mut days: BTreeMap<i64, FlowDay> = BTreeMap::new();
    for (day_ms, direction, count, unwanted) in sql::days(tx, scope, "mails", span).await? {
        let day = days.entry(day_ms).or_default();
        match direction.as_str() {
            "outbound" => day.outbound += count,
            _ => (day.inbound, day.unwanted) = (day.inbound + count, day.unwanted + unwanted),
        }
    }
    for (day_ms, _, count, _) in sql::days(tx, scope, "refused", span).await? {
        days.entry(day_ms).or_default().refused += count;
    }
    let days: Vec<FlowDay> = days.into_iter().map(|(day_ms, day)| FlowDay { day_ms, ..day }).collect();
    let mut total = FlowDay { day_ms: span.0, ..FlowDay::default() };
    for day in &days {
        total.inbound += day.inbound;
        total.unwanted += day.unwanted;
        total.outbound += day.outbound;
        total.refused += day.refused;
    }
    let mut report = FlowReport { since_ms: span.0, until_ms: span.1, total, days, ..FlowReport::default() };
    report.verdicts = top(tx, scope, ("verdict", false), span).await?;
    report.policies = top(tx, scope, ("policy", false), span).await?;
    report.rules = top(tx, scope, ("rule", false), span).await?;
    if sees_names {
        report.senders = top(tx, scope, ("sender", false), span).await?;
        report.unwanted_senders = top(tx, scope, ("sender", true), span).await?;
        report.targets = top(tx, scope, ("target", true), span).await?;
        report.out_senders = top(tx, scope, ("out-sender", false), span).await?;
    }
    Ok(report)
}

async fn top(tx: &mut Tx, scope: OrgScope, (kind, by_unwanted): (&str, bool), span: (i64, i64)) -> Result<Vec<FlowName>, Error> {
    let rows = sql::top(tx, scope, (kind, by_unwanted, TOP), span).await?;
    Ok(rows.into_iter().map(|(name, mails, unwanted)| FlowName { name, mails, unwanted }).collect())
}
