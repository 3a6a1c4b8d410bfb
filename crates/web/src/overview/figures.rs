//! The figures of one scope and span: what page, live part and API show alike.

use super::counting::HOURS_KEPT;
use super::sql::{self, State, Sum, Taken};
use super::when::{self, Span};
use crate::App;
use crate::help_desk;
use crate::page::Fault;
use crate::people::{May, Person};
use crate::quarantine;
use gateway::scope::OrgScope;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;
use store::Error;
use utoipa::ToSchema;

/// Reasons shown.
const REASONS_MAX: usize = 10;
/// Entries that end within this are worth a look.
const ENDING_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What happened to mail in a span, and what waits now. Times are Unix milliseconds, UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Figures {
    pub span: Span,
    pub since_ms: i64,
    pub until_ms: i64,
    /// When the newest of the sums was counted; `null` before the first time.
    pub counted_ms: Option<i64>,
    /// Whether every hour of the span was counted; it takes a while after a new start.
    pub is_complete: bool,
    /// By hour or by day, oldest first.
    pub steps: Vec<Step>,
    /// The sum of all steps.
    pub total: Step,
    /// Checks that decided about mail which was not found clean, most frequent first.
    pub reasons: Vec<Reason>,
    pub waiting: Waiting,
    /// The last balance; `null` before the first one.
    pub balance: Option<Taken>,
}

/// What happened in one hour or day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Step {
    /// Its beginning.
    pub at_ms: i64,
    /// Mails received, by verdict.
    pub verdicts: BTreeMap<String, i64>,
    /// Recipients of those mails, by what became of them so far.
    pub outcomes: BTreeMap<String, i64>,
    /// Connections and mails turned away, by step.
    pub refused: BTreeMap<String, i64>,
    /// Reports that mail found unwanted was good.
    pub reported_good: i64,
    /// Reports that mail found clean was not.
    pub reported_missed: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reason {
    /// Its article is `/help/check/{check}`.
    pub check: String,
    pub mails: i64,
}

/// What waits right now, each counted up to 100000.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Waiting {
    /// Recipients whose mail is held.
    pub held: i64,
    /// Recipients whose mail waits for delivery.
    pub queued: i64,
    /// Open requests to release, at most 200; `null` for those who may not see them.
    pub requests: Option<i64>,
    /// Allow and block entries that end within seven days; `null` for those who may not see them.
    pub entries_ending: Option<i64>,
    /// Refused senders who wait for an answer, at most 1000; `null` for those who may not see them.
    pub second_looks: Option<i64>,
}

/// Kinds of verdict, as the chart groups them; every verdict is in one.
pub const GROUPS: [(&str, &[&str]); 6] = [
    ("clean", &["clean"]),
    ("bulk", &["bulk"]),
    ("spam", &["spam", "high-spam"]),
    ("forged", &["spoof", "impersonation"]),
    ("phish", &["phish", "high-phish"]),
    ("dangerous", &["malware", "blocked-type", "uninspectable"]),
];

/// What can become of a recipient, in the order of the chart.
pub const OUTCOMES: [&str; 6] = ["delivered", "queued", "held", "bounced", "deleted", "expired"];

impl Step {
    pub fn mails(&self) -> i64 {
        self.verdicts.values().sum()
    }

    /// Mails that were not found clean.
    pub fn unwanted(&self) -> i64 {
        self.mails() - self.verdicts.get("clean").copied().unwrap_or(0)
    }

    pub fn refused_count(&self) -> i64 {
        self.refused.values().sum()
    }

    pub fn group(&self, names: &[&str]) -> i64 {
        names.iter().filter_map(|name| self.verdicts.get(*name)).sum()
    }

    pub fn outcome(&self, name: &str) -> i64 {
        self.outcomes.get(name).copied().unwrap_or(0)
    }

    fn add(&mut self, sum: &Sum) {
        let into = match (sum.kind.as_str(), sum.name.as_str()) {
            ("verdict", name) => self.verdicts.entry(name.to_string()).or_default(),
            ("outcome", name) => self.outcomes.entry(name.to_string()).or_default(),
            ("refused", name) => self.refused.entry(name.to_string()).or_default(),
            ("report", "good") => &mut self.reported_good,
            ("report", _) => &mut self.reported_missed,
            _ => return,
        };
        *into += sum.count;
    }
}

/// Reads the figures that this person may see.
pub async fn read(app: &App, person: &Person, span: Span, zone: &TimeZone) -> Result<Figures, Fault> {
    person.require(May::Overview)?;
    let (scope, now_ms) = (person.scope(), app.now_ms());
    let sees = (person.may(May::Release), person.may(May::ReadSettings), person.may(May::Trace));
    let begins = when::steps(span, zone, now_ms);
    let since_ms = begins.first().copied().unwrap_or(now_ms);
    let wanted = begins.clone();
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let sums = sql::sums(tx, scope, &wanted).await?;
            let fresh = sql::freshness(tx, since_ms).await?;
            let waiting = waiting(tx, scope, now_ms, sees).await?;
            Ok::<_, Error>((sums, fresh, waiting, sql::balance(tx, scope).await?))
        })
    });
    let (sums, (counted_ms, hours), waiting, balance) = read.await?;
    let mut steps: Vec<Step> = begins.iter().map(|at_ms| Step { at_ms: *at_ms, ..Step::default() }).collect();
    let mut total = Step { at_ms: since_ms, ..Step::default() };
    for sum in &sums {
        total.add(sum);
        if let Some(at) = when::step_of(&begins, sum.begin_ms) {
            steps[at].add(sum);
        }
    }
    let hours_wanted = (now_ms - since_ms) / super::counting::HOUR_MS;
    let is_complete = hours >= hours_wanted.min(HOURS_KEPT);
    Ok(Figures { span, since_ms, until_ms: now_ms, counted_ms, is_complete, steps, total, reasons: reasons(&sums), waiting, balance })
}

async fn waiting(tx: &mut store::Tx, scope: OrgScope, now_ms: i64, sees: (bool, bool, bool)) -> Result<Waiting, Error> {
    let (sees_requests, sees_entries, sees_looks) = sees;
    Ok(Waiting {
        held: sql::waiting(tx, scope, State::Held).await?,
        queued: sql::waiting(tx, scope, State::Queued).await?,
        requests: match sees_requests {
            true => i64::try_from(quarantine::sql::open(tx, scope, now_ms).await?.len()).ok(),
            false => None,
        },
        entries_ending: match sees_entries {
            true => Some(sql::entries_ending(tx, scope, now_ms, now_ms + ENDING_MS).await?),
            false => None,
        },
        second_looks: match sees_looks {
            true => Some(help_desk::sql::waiting(tx, scope).await?),
            false => None,
        },
    })
}

fn reasons(sums: &[Sum]) -> Vec<Reason> {
    let of_reasons = sums.iter().filter(|sum| sum.kind == "reason");
    let mut reasons: Vec<Reason> = of_reasons.map(|sum| Reason { check: sum.name.clone(), mails: sum.count }).collect();
    reasons.sort_by(|a, b| b.mails.cmp(&a.mails).then_with(|| a.check.cmp(&b.check)));
    reasons.truncate(REASONS_MAX);
    reasons
}
