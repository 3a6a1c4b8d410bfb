//! The job that adds up what mail went through.
//!
//! In: mails in the order of their identifiers, once each. Out: rows of `flow_day`, and mail of other domains for DMARC reports of ours. Reading
//! is beside the mail path; sums and the place that was come to are one transaction, so that several servers and a stop in between count
//! nothing twice. A day lists so many names of a kind; the rest is one line.

use super::{outgoing, sql};
use crate::App;
use gateway::mail_reports::day_of;
use gateway::scope::OURS;
use gateway::trace::{first_id_at, time_of};
use mail::{MailId, OrgId};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use store::Error;

const EVERY: Duration = Duration::from_secs(30);
/// Mail this young may still have older mail beside it that is not committed.
const YOUNG_MS: i64 = 2 * 60 * 1000;
/// How far back is counted when nothing was yet.
const BACK_DAYS: i64 = 33;
/// Mails of one transaction, and transactions of one turn.
const MAILS: usize = 200;
const STEPS_A_TURN: usize = 100;

/// What is added: by organisation, kind, day and name, how many and how many of them unwanted.
pub type Sums = BTreeMap<(OrgId, &'static str, i64, String), (i64, i64)>;

/// Mail of other domains by day, domain where the policy was found, and record of a report.
pub type OutSums = BTreeMap<(i64, String, String), i64>;

/// A mail as it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub id: MailId,
    pub org: OrgId,
    pub direction: String,
    pub sender: String,
    pub verdict: String,
    pub receipt: String,
}

/// The part of a receipt that is counted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Receipt {
    recipients: Vec<Decided>,
    rules: Vec<Ruled>,
    refused: String,
    letter: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Decided {
    address: String,
    policy: String,
    action: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ruled {
    name: String,
    actions: Vec<serde::de::IgnoredAny>,
}

/// Counts as long as the process runs.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(why) = turn(&app).await {
            tracing::warn!(%why, "what mail went through could not be added up; it is tried again in {} s", EVERY.as_secs());
        }
    }
}

/// Counts what is due; returns how many mails.
pub async fn turn(app: &App) -> Result<usize, Error> {
    let mut counted = 0;
    for _ in 0..STEPS_A_TURN {
        let step = step(app).await?;
        counted += step;
        if step < MAILS {
            break;
        }
        tokio::task::yield_now().await;
    }
    Ok(counted)
}

async fn step(app: &App) -> Result<usize, Error> {
    let now_ms = app.now_ms();
    let (oldest, until) = (first_id_at(now_ms - BACK_DAYS * super::DAY_MS), first_id_at(now_ms - YOUNG_MS));
    let read = app.db.read(move |tx| {
        Box::pin(async move {
            let at = sql::counted(tx).await?;
            let from = at.unwrap_or(oldest);
            Ok::<_, Error>((at, sql::mails(tx, (from, until), MAILS).await?))
        })
    });
    let (at, mails) = read.await?;
    let Some(last) = mails.last().map(|mail| mail.id) else { return Ok(0) };
    let count = mails.len();
    let tells_others = app.reports.send_dmarc;
    let counting = move || (sums(&mails), if tells_others { out(&mails) } else { OutSums::new() });
    let (sums, out) = tokio::task::spawn_blocking(counting).await.map_err(|why| Error::Gone(why.to_string()))?;
    let done = app.db.tx(move |tx| {
        Box::pin(async move {
            // Another server was here first: it has counted these.
            if !sql::move_on(tx, at, last).await? {
                return Ok(false);
            }
            sql::add(tx, &sums).await?;
            sql::add_out(tx, &out).await?;
            Ok::<_, Error>(true)
        })
    });
    Ok(if done.await? { count } else { 0 })
}

/// What these mails add.
pub fn sums(mails: &[Mail]) -> Sums {
    let mut sums = Sums::new();
    for mail in mails.iter().filter(|mail| mail.org != OURS) {
        let receipt: Receipt = serde_json::from_str(&mail.receipt).unwrap_or_default();
        if receipt.letter.is_none() {
            add(&mut sums, mail, &receipt);
        }
    }
    sums
}

/// What these mails add to reports to other domains.
fn out(mails: &[Mail]) -> OutSums {
    let mut sums = OutSums::new();
    for mail in mails.iter().filter(|mail| mail.org != OURS) {
        let Some((domain, entry)) = outgoing::entry::of(mail) else { continue };
        let Ok(entry) = serde_json::to_string(&entry) else { continue };
        *sums.entry((day_of(time_of(mail.id)), domain, entry)).or_default() += 1;
    }
    sums
}

fn add(sums: &mut Sums, mail: &Mail, receipt: &Receipt) {
    let day_ms = day_of(time_of(mail.id));
    let is_unwanted = mail.verdict != "clean";
    let mut one = |kind: &'static str, name: &str, is_marked: bool| {
        let sum = sums.entry((mail.org, kind, day_ms, short(name))).or_default();
        *sum = (sum.0 + 1, sum.1 + i64::from(is_marked));
    };
    one("mails", &mail.direction, is_unwanted);
    if !receipt.refused.is_empty() {
        one("refused", &mail.direction, is_unwanted);
    }
    if mail.direction == "outbound" {
        one("out-sender", &mail.sender.to_lowercase(), is_unwanted);
    } else {
        one("verdict", &mail.verdict, is_unwanted);
        if !mail.sender.is_empty() {
            one("sender", &mail.sender.to_lowercase(), is_unwanted);
        }
    }
    for decided in &receipt.recipients {
        if mail.direction != "outbound" {
            one("target", &decided.address.to_lowercase(), is_unwanted);
        }
        if !decided.policy.is_empty() {
            one("policy", &decided.policy, decided.action != "none");
        }
    }
    for rule in receipt.rules.iter().filter(|rule| !rule.actions.is_empty()) {
        one("rule", &rule.name, false);
    }
}

/// Addresses are at most this long (RFC 5321 §4.5.3.1.3); names of policies and rules are shorter.
fn short(name: &str) -> String {
    const CHARS_MAX: usize = 256;
    name.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
}
