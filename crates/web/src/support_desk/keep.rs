//! Keeps what stands beside requests up to date: the plan of each, where its clocks stand, and who is told of warnings and breaches.
//!
//! Everything follows from events and can be made again. Invariant: each warning and each breach is told once, in the transaction that
//! notes it, on whichever server looks first.

use super::clock::{self, Clocks, Kind, Reading, Standing};
use super::sql::{self, Alarm, NEVER_MS, Plans, Stale, Standings, Version};
use super::{feed, sql_work, work};
use crate::App;
use crate::health::bell::Alert;
use crate::page::words::Lang;
use crate::page::{Fault, Say};
use crate::service_request::{self as request, Event, Request, Side, Via, What};
use gateway::queue::letter::{self, Letter};
use gateway::scope::OrgScope;
use mail::id::{PlanId, RequestEventId, RequestId};
use mail::{OrgId, PersonId};
use serde_json::json;
use std::time::Duration;
use store::{Error, Tx};

const EVERY: Duration = Duration::from_secs(5);
/// Requests whose clocks are read in one transaction.
const AT_ONCE: usize = 100;
/// Transactions of one round.
const ROUNDS_MAX: usize = 50;
/// What should have been told longer ago is noted without telling anybody: nobody can act on it any more.
const TELL_WITHIN_MS: i64 = 24 * 60 * 60 * 1000;
/// Engineers who are told of a request that is nobody's.
const TOLD_MAX: usize = 20;
/// Alarms that the bell looks at.
const RUNG_MAX: usize = 50;

/// Reads the clocks again of whatever moved, as long as the server runs.
pub async fn run(app: App) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    if let Err(why) = ship(&app).await {
        tracing::warn!(%why, "the plans that come with Gatepost were not written");
    }
    loop {
        every.tick().await;
        if let Err(why) = catch_up(&app).await {
            tracing::warn!(%why, "clocks of requests were not read");
        }
        if let Err(why) = share_out(&app).await {
            tracing::warn!(%why, "new requests were not shared out");
        }
    }
}

/// Writes the plans that come with Gatepost where there are none. They have the same identifiers on every server, so that servers that start
/// at the same time write them once.
pub async fn ship(app: &App) -> Result<(), Error> {
    let now_ms = app.now_ms();
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::plans(tx).await?.is_empty() {
                    return Ok(());
                }
                for (id, body) in (1..).map(PlanId).zip(clock::PlanBody::shipped()) {
                    let is_default = id == PlanId(1);
                    let new = Version { id, plan: id, body, is_latest: true, is_default, by_whom: String::new(), made_ms: now_ms };
                    sql::ship_version(tx, &new).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Gives new requests to engineers who want them by themselves.
pub async fn share_out(app: &App) -> Result<(), Fault> {
    let found: Result<_, Error> = app
        .db
        .read(|tx| {
            Box::pin(async move {
                let mut all = sql_work::engineers(tx).await?;
                all.retain(|one| one.takes_new && !one.is_away);
                let fresh = if all.is_empty() { Vec::new() } else { sql_work::unshared(tx, AT_ONCE).await? };
                Ok((fresh, all))
            })
        })
        .await;
    let (fresh, engineers) = found?;
    work::share_new(app, fresh, engineers).await
}

/// Reads the clocks of every request that moved, or whose time has come. Queues call it before they list, so that they are never behind.
pub async fn catch_up(app: &App) -> Result<(), Error> {
    for _ in 0..ROUNDS_MAX {
        let (work, now_ms) = (app.clone(), app.now_ms());
        let some: Vec<Stale> = app.db.read(move |tx| Box::pin(async move { behind(tx, now_ms).await })).await?;
        if some.is_empty() {
            return Ok(());
        }
        let is_all = some.len() < AT_ONCE;
        if app.db.tx(move |tx| Box::pin(async move { read_again(tx, &work, some, now_ms).await })).await? {
            app.health.ring();
        }
        if is_all {
            return Ok(());
        }
    }
    Ok(())
}

async fn behind(tx: &mut Tx, now_ms: i64) -> Result<Vec<Stale>, Error> {
    let mut all = sql::stale_requests(tx, AT_ONCE).await?;
    if all.len() < AT_ONCE {
        let due = sql::due_requests(tx, now_ms, AT_ONCE - all.len()).await?;
        all.extend(due.into_iter().filter(|due| all.iter().all(|one| one.request != due.request)).collect::<Vec<_>>());
    }
    Ok(all)
}

/// Whether somebody was told something.
async fn read_again(tx: &mut Tx, app: &App, some: Vec<Stale>, now_ms: i64) -> Result<bool, Error> {
    let (mut plans, mut rings) = (Plans::default(), false);
    for stale in some {
        let Some(mut request) = request::sql::one(tx, OrgScope::One(stale.org), stale.request).await? else { continue };
        let stale = give_plan(tx, app, &mut request, stale, now_ms).await?;
        let clocks = clocks_with(tx, &mut plans, &request, now_ms).await?;
        sql::put_clock(tx, &stale, &standings(clocks.as_ref(), now_ms)).await?;
        let Some(clocks) = clocks else { continue };
        let all: Vec<&Reading> = clocks.past.iter().chain(&clocks.now).collect();
        sql::put_promises(tx, &stale, &all).await?;
        for alarm in alarms(&request, &clocks, now_ms) {
            let is_new = sql::add_alarm(tx, &alarm).await?;
            if is_new && now_ms - alarm.at_ms < TELL_WITHIN_MS {
                tell(tx, app, &request, &alarm, now_ms).await?;
                rings = true;
            }
        }
    }
    Ok(rings)
}

/// A request that has none gets the plan of its organisation, in the version of this moment.
async fn give_plan(tx: &mut Tx, app: &App, request: &mut Request, stale: Stale, now_ms: i64) -> Result<Stale, Error> {
    if request.plan != 0 {
        return Ok(stale);
    }
    let Some(version) = sql::version_for(tx, request.org).await? else { return Ok(stale) };
    request::sql::set_plan(tx, request, version.0).await?;
    request.plan = version.0;
    let id = RequestEventId(app.ids.next(now_ms));
    request::sql::add_event(tx, &by_rule(request, (id, now_ms), What::Plan, json!({ "version": version.0 }))).await?;
    Ok(Stale { last: id.0, last_ms: now_ms, ..stale })
}

fn by_rule(request: &Request, (id, at_ms): (RequestEventId, i64), what: What, detail: serde_json::Value) -> Event {
    Event {
        id,
        org: request.org,
        request: request.id,
        at_ms,
        what,
        side: Side::System,
        person: PersonId(0),
        who: String::new(),
        via: Via::Rule,
        is_internal: true,
        is_automatic: true,
        body: String::new(),
        quoted: String::new(),
        detail,
        message_id: String::new(),
    }
}

/// The clocks of a request now. `None`: no plan is known for it.
pub async fn clocks_of(tx: &mut Tx, request: &Request, now_ms: i64) -> Result<Option<(Clocks, Plans)>, Error> {
    let mut plans = Plans::default();
    let clocks = clocks_with(tx, &mut plans, request, now_ms).await?;
    Ok(clocks.map(|clocks| (clocks, plans)))
}

async fn clocks_with(tx: &mut Tx, plans: &mut Plans, request: &Request, now_ms: i64) -> Result<Option<Clocks>, Error> {
    let events = request::sql::events(tx, OrgScope::One(request.org), request.id, true).await?;
    let holds = if request.plan == 0 { sql::version_for(tx, request.org).await?.map_or(0, |version| version.0) } else { request.plan };
    let events = feed::events(&events, holds);
    plans.ensure(tx, holds).await?;
    for event in &events {
        if let clock::What::Plan(version) = event.what {
            plans.ensure(tx, version).await?;
        }
    }
    Ok(clock::read(&plans.known, &events, now_ms))
}

fn standings(clocks: Option<&Clocks>, now_ms: i64) -> Standings {
    let first = clocks.and_then(Clocks::first_due);
    Standings {
        due_ms: first.and_then(Reading::due_ms).unwrap_or(NEVER_MS),
        due_kind: first.map(|reading| reading.kind),
        is_breached: first.is_some_and(|reading| reading.standing == Standing::Breached),
        next_ms: clocks.and_then(|clocks| clocks.next_ms(now_ms)).unwrap_or(NEVER_MS),
    }
}

/// Warnings whose moment has come, of what still runs, the narrowest only; and breaches.
fn alarms(request: &Request, clocks: &Clocks, now_ms: i64) -> Vec<Alarm> {
    let alarm = |reading: &Reading, minutes: i64, at_ms: i64| Alarm {
        request: request.id,
        org: request.org,
        clock: reading.kind,
        started_ms: reading.started_ms,
        minutes,
        due_ms: reading.due_ms().unwrap_or_default(),
        at_ms,
    };
    let of = |reading: &Reading| match reading.standing {
        Standing::Breached if reading.is_open() => reading.due_ms().map(|due_ms| alarm(reading, 0, due_ms + 1)),
        Standing::Running => {
            let come = reading.warnings.iter().filter(|warning| warning.at_ms <= now_ms).min_by_key(|warning| warning.minutes);
            come.map(|warning| alarm(reading, i64::from(warning.minutes), warning.at_ms))
        }
        _ => None,
    };
    clocks.now.iter().filter_map(of).collect()
}

/// Letters to whoever works on it; to engineers who are there when it is nobody's.
async fn tell(tx: &mut Tx, app: &App, request: &Request, alarm: &Alarm, now_ms: i64) -> Result<(), Error> {
    let directory = app.directory.snapshot();
    let mut people = sql_work::engineers(tx).await?;
    people.retain(|one| request.assignee.map_or(!one.is_away, |person| person == one.person));
    for engineer in people.iter().take(TOLD_MAX) {
        let Ok(to) = mail::Address::parse(&engineer.email) else { continue };
        let lang = engineer.lang.unwrap_or(Lang::English);
        let say = said(alarm).with("title", request.title.as_str()).with("request", request.id.to_string());
        let letter = Letter {
            org: OrgId(0),
            to,
            from_name: "Gatepost".into(),
            subject: say.in_lang(lang),
            text: format!("{}\r\n\r\n{}\r\n", say.in_lang(lang), app.link(&format!("/support/{}", request.id))),
            html: String::new(),
            language: lang.tag().into(),
            kind: "alert",
            host: app.hostname.clone(),
        };
        // A host name that letters cannot come from keeps nobody from working.
        if let Err(why) = letter::post(tx, &letter, &directory, &app.ids, now_ms).await {
            tracing::warn!(%why, "an engineer was not told of a clock");
        }
    }
    Ok(())
}

fn said(alarm: &Alarm) -> Say {
    let key = match (alarm.minutes, alarm.clock) {
        (0, Kind::FirstResponse) => "support-breach-first-response",
        (0, Kind::NextResponse) => "support-breach-next-response",
        (0, Kind::Resolution) => "support-breach-resolution",
        (_, Kind::FirstResponse) => "support-warning-first-response",
        (_, Kind::NextResponse) => "support-warning-next-response",
        (_, Kind::Resolution) => "support-warning-resolution",
    };
    Say::new(key).with("count", alarm.minutes)
}

/// What the bell of an engineer rings about; nothing for anybody else.
pub async fn alerts(tx: &mut Tx, person: PersonId, since_ms: i64) -> Result<Vec<Alert>, Error> {
    let told = sql::alarms(tx, person, since_ms, RUNG_MAX).await?;
    let alert = |told: sql::Told| Alert {
        subject: format!("{} {}", told.alarm.request, told.alarm.clock.name()),
        href: format!("/support/{}", told.alarm.request),
        title: said(&told.alarm).with("title", told.title).with("request", told.alarm.request.to_string()).into(),
        at_ms: told.alarm.at_ms,
        is_urgent: told.alarm.minutes == 0,
        is_read: false,
        status: if told.alarm.minutes == 0 { "support-late".into() } else { "support-soon".into() },
        tone: if told.alarm.minutes == 0 { "bad" } else { "warn" },
    };
    let mut alerts: Vec<Alert> = Vec::new();
    for one in told.into_iter().map(alert) {
        // The latest of each clock.
        if alerts.iter().all(|other| other.subject != one.subject) {
            alerts.push(one);
        }
    }
    Ok(alerts)
}

/// A request that this person may see, with its clocks now.
/// # Errors
/// [`Fault::NotFound`] outside the scope.
pub async fn seen(app: &App, scope: OrgScope, id: RequestId) -> Result<(Request, Option<(Clocks, Plans)>), Fault> {
    let now_ms = app.now_ms();
    let found: Result<_, Error> = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let Some(request) = request::sql::one(tx, scope, id).await? else { return Ok(None) };
                let clocks = clocks_of(tx, &request, now_ms).await?;
                Ok(Some((request, clocks)))
            })
        })
        .await;
    found?.ok_or(Fault::NotFound)
}
