//! What account managers, operators and the organisation do here. Each is one transaction with its line of the log.

use super::sql::{self, Block, Checkup, Use};
use crate::App;
use crate::audit::{self, Entry};
use crate::page::fault::Wrong;
use crate::page::{Fault, Say};
use crate::people::{May, Person};
use crate::service_request::{See, sql_consent};
use crate::support_desk::{desk, sql as desk_sql};
use gateway::scope::OrgScope;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use mail::OrgId;
use mail::id::{AdvisoryId, CheckupId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Error, Tx};

/// Minutes of one block and of one use: 2,000 and 24 hours.
const BLOCK_MINUTES_MAX: i64 = 2_000 * 60;
const USE_MINUTES_MAX: i64 = 24 * 60;
const WORDS_CHARS_MAX: usize = 500;
const EVERY_DAYS_MAX: i64 = 366;

/// One thing that support does for an organisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PremierAction {
    /// "buy" (operators), "use", "take-back" (a use noted by mistake), "plan", "cancel" (a planned check).
    pub verb: String,
    /// buy and use: minutes.
    pub minutes: String,
    /// buy: the order; use: what for.
    pub what: String,
    /// use: whom of the organisation it was with.
    pub whom: String,
    /// use and plan: the day, such as "2026-11-24"; buy: the first day. '' today.
    pub day: String,
    /// buy: the last day.
    pub until: String,
    /// plan: again after so many days; '' or 0 once.
    pub every_days: String,
    /// take-back, cancel: which one.
    pub id: String,
}

/// Whom support works for here: the account manager or their deputy, operators for all.
/// # Errors
/// [`Fault::NotFound`] for an organisation that is not there, or not theirs.
pub async fn managed(app: &App, person: &Person, id: &str) -> Result<OrgId, Fault> {
    let scope = desk(person)?;
    let org: OrgId = id.parse().map_err(|_| Fault::NotFound)?;
    app.directory.snapshot().organisation(org).filter(|_| scope.allows(org)).ok_or(Fault::NotFound)?;
    let found: Result<_, Error> = app.db.read(move |tx| Box::pin(async move { desk_sql::contract_of(tx, scope, org).await })).await;
    let contract = found?;
    let is_theirs = person.may(May::Operate) || contract.manager == Some(person.id) || contract.deputy == Some(person.id);
    if is_theirs { Ok(org) } else { Err(Fault::NotFound) }
}

/// Whether the organisation lets this person of support look at its settings now.
pub async fn may_see(tx: &mut Tx, person: &Person, org: OrgId, now_ms: i64) -> Result<bool, Error> {
    if person.may(May::Operate) {
        return Ok(true);
    }
    let standing = sql_consent::standing(tx, OrgScope::One(org), person.id, now_ms).await?;
    Ok(standing.iter().any(|consent| consent.what.contains(&See::Settings)))
}

fn wrong(field: &'static str, key: &'static str) -> Fault {
    Fault::Invalid(vec![Wrong::new(field, key)])
}

fn number(text: &str, most: i64, (field, key): (&'static str, &'static str)) -> Result<i64, Fault> {
    text.trim().parse().ok().filter(|number| (1..=most).contains(number)).ok_or_else(|| wrong(field, key))
}

fn words(text: &str, (field, key): (&'static str, &'static str)) -> Result<String, Fault> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > WORDS_CHARS_MAX { Err(wrong(field, key)) } else { Ok(text.to_string()) }
}

/// The beginning of a day of UTC, Unix milliseconds; '' is today.
fn day(text: &str, now_ms: i64, field: &'static str) -> Result<i64, Fault> {
    let today = || jiff::Timestamp::from_millisecond(now_ms).ok().map(|at| at.to_zoned(TimeZone::UTC).date());
    let found = if text.trim().is_empty() { today() } else { text.trim().parse::<Date>().ok() };
    let begin = found.and_then(|day| day.to_zoned(TimeZone::UTC).ok());
    begin.map(|at| at.timestamp().as_millisecond()).ok_or_else(|| wrong(field, "premier-wrong-day"))
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Does it.
/// # Errors
/// [`Fault::Invalid`] names the field; [`Fault::Denied`] when only operators may.
pub async fn act(app: &App, person: &Person, (org, action): (OrgId, PremierAction)) -> Result<(), Fault> {
    if action.verb == "buy" {
        person.require(May::Operate)?;
    }
    let (now_ms, ids, id, by) = (app.now_ms(), app.ids.clone(), app.fresh_id(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let entry = done(tx, &by, (org, &action), (id, now_ms)).await?;
                audit::note(tx, &by, &ids, now_ms, entry).await.map_err(Fault::from)
            })
        })
        .await
}

async fn done(tx: &mut Tx, by: &Person, (org, action): (OrgId, &PremierAction), (id, now_ms): (i64, i64)) -> Result<Entry, Fault> {
    let entry = |what: &'static str, detail| Entry::new(Some(org), what, org).with(detail);
    match action.verb.as_str() {
        "buy" => {
            let block = bought(by, action, (id, now_ms))?;
            sql::add_block(tx, org, &block, now_ms).await?;
            Ok(entry("premier.buy", json!({ "minutes": block.minutes, "what": block.what, "until_ms": block.until_ms })))
        }
        "use" => {
            let one = used(by, action, (id, now_ms))?;
            sql::add_use(tx, org, &one).await?;
            Ok(entry("premier.use", json!({ "minutes": one.minutes, "what": one.what, "whom": one.whom })))
        }
        "take-back" => {
            let id: AdvisoryId = action.id.parse().map_err(|_| Fault::NotFound)?;
            if !sql::drop_use(tx, org, id).await? {
                return Err(Fault::NotFound);
            }
            Ok(entry("premier.take-back", json!({ "use": id.to_string() })))
        }
        "plan" => {
            let one = planned(by, (org, action), (id, now_ms))?;
            sql::plan(tx, &one, now_ms).await?;
            Ok(entry("premier.plan", json!({ "due_ms": one.due_ms, "every_days": one.every_days })))
        }
        "cancel" => {
            let id: CheckupId = action.id.parse().map_err(|_| Fault::NotFound)?;
            if !sql::cancel(tx, org, id).await? {
                return Err(Fault::Conflict(Say::new("premier-not-planned")));
            }
            Ok(entry("premier.cancel", json!({ "check": id.to_string() })))
        }
        _ => Err(wrong("verb", "support-wrong-verb")),
    }
}

fn bought(by: &Person, action: &PremierAction, (id, now_ms): (i64, i64)) -> Result<Block, Fault> {
    let minutes = number(&action.minutes, BLOCK_MINUTES_MAX, ("minutes", "premier-wrong-minutes"))?;
    let what = words(&action.what, ("what", "premier-wrong-what"))?;
    let (from_ms, last_ms) = (day(&action.day, now_ms, "day")?, day(&action.until, now_ms, "until")?);
    if last_ms < from_ms || action.until.trim().is_empty() {
        return Err(wrong("until", "premier-wrong-until"));
    }
    Ok(Block { id: AdvisoryId(id), minutes, from_ms, until_ms: last_ms + DAY_MS, what, by_whom: by.email.clone() })
}

fn used(by: &Person, action: &PremierAction, (id, now_ms): (i64, i64)) -> Result<Use, Fault> {
    let minutes = number(&action.minutes, USE_MINUTES_MAX, ("minutes", "premier-wrong-minutes"))?;
    let what = words(&action.what, ("what", "premier-wrong-what"))?;
    let whom = words(&action.whom, ("whom", "premier-wrong-whom"))?;
    let day_ms = day(&action.day, now_ms, "day")?;
    if day_ms > now_ms {
        return Err(wrong("day", "premier-wrong-day"));
    }
    Ok(Use { id: AdvisoryId(id), day_ms, minutes, what, whom, by_whom: by.email.clone() })
}

fn planned(by: &Person, (org, action): (OrgId, &PremierAction), (id, now_ms): (i64, i64)) -> Result<Checkup, Fault> {
    let every_days = match action.every_days.trim() {
        "" | "0" => 0,
        days => number(days, EVERY_DAYS_MAX, ("every_days", "premier-wrong-days"))?,
    };
    let due_ms = day(&action.day, now_ms, "day")?.max(now_ms);
    let (id, by_whom, state) = (CheckupId(id), by.email.clone(), String::new());
    Ok(Checkup { id, org, due_ms, every_days, state, domains: 0, findings: 0, done_ms: 0, by_whom })
}

/// What the organisation says about a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FindingDecision {
    /// "accept" or "reopen".
    pub verb: String,
    pub subject: String,
    pub kind: String,
    /// accept: why.
    pub words: String,
}

/// Accepts a finding as it is, or takes that back.
pub async fn decide(app: &App, person: &Person, decision: FindingDecision) -> Result<(), Fault> {
    person.require(May::Domains)?;
    let org = person.acting_org()?;
    let (state, why) = match decision.verb.as_str() {
        "accept" => ("accepted", words(&decision.words, ("words", "premier-wrong-why"))?),
        "reopen" => ("open", String::new()),
        _ => return Err(wrong("verb", "support-wrong-verb")),
    };
    let (now_ms, ids, by) = (app.now_ms(), app.ids.clone(), person.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let one = (decision.subject.as_str(), decision.kind.as_str());
                if !sql::decide(tx, org, one, (state, why.as_str(), by.shown())).await? {
                    return Err(Fault::NotFound);
                }
                let detail = json!({ "kind": decision.kind, "state": state, "why": why });
                audit::note(tx, &by, &ids, now_ms, Entry::new(Some(org), "premier.finding", &decision.subject).with(detail)).await?;
                Ok(())
            })
        })
        .await
}
