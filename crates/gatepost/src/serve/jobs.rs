//! Housekeeping: what ends by itself, and the balance that must add up every day.

use crate::open::Store;
use crate::output::now_ms;
use crate::settings::Settings;
use gateway::delivery::Courier;
use gateway::delivery::security::{self, report::Reporter};
use gateway::directory::Watch;
use gateway::dkim::{Seal, rotate};
use gateway::feedback;
use gateway::intake::grey;
use gateway::quarantine::Quarantine;
use gateway::reputation;
use gateway::trace::{self, balance};
use mail::dns::Dns;
use std::sync::Arc;
use std::time::Duration;
use store::Db;
use store::bodies::Bodies;

const EVERY: Duration = Duration::from_secs(60 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A file this old that no row names was never committed.
const ORPHAN_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Starts the jobs of this node; they end with the runtime.
pub fn start(store: &Store, trace_days: u32) {
    let (db, bodies, ids) = (store.db.clone(), store.bodies.clone(), store.ids.clone());
    let quarantine = Quarantine::new(db.clone(), bodies.clone().into(), ids);
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        tick.tick().await; // the first comes at once; start-up has other things to do
        loop {
            tick.tick().await;
            report("expiring held mail", quarantine.expire(now_ms()).await);
            report("forgetting what was usual where no mail comes", feedback::expire(&db, now_ms()).await);
            report("forgetting senders not heard of", reputation::expire(&db, now_ms()).await);
            let ended_ms = now_ms() - gateway::entry::KEPT_AFTER_END_MS;
            let forgotten = db.tx(move |tx| Box::pin(async move { gateway::entry::forget(tx, ended_ms).await })).await;
            report::<u64, store::Error>("forgetting ended entries", forgotten);
            let before_hour = (now_ms() - 2 * DAY_MS).div_euclid(60 * 60 * 1_000);
            let counted = db.tx(move |tx| Box::pin(async move { gateway::outflow::sql::forget(tx, before_hour, now_ms()).await })).await;
            report::<u64, store::Error>("forgetting what senders sent", counted);
            report("forgetting old greylisting", grey::expire(&db, now_ms()).await);
            report("forgetting old trace", trace::expire(&db, now_ms() - i64::from(trace_days) * DAY_MS).await);
            balance_of_yesterday(&db, &bodies).await;
        }
    });
}

/// Takes the steps of DKIM keys that are due, hourly.
pub fn rotate_keys(store: &Store, seal: Arc<Seal>, dns: Arc<dyn Dns>) {
    let (db, ids) = (store.db.clone(), store.ids.clone());
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            match rotate::round(&db, &seal, dns.as_ref(), &ids, now_ms()).await {
                Ok(round) if round != rotate::Round::default() => tracing::info!(?round, "DKIM keys were rotated"),
                Ok(_) => {}
                Err(why) => tracing::warn!(%why, "DKIM keys could not be looked at; it is tried again in an hour"),
            }
        }
    });
}

/// Tells other domains, when a day is over, how encrypted connections to them went; forgets policies that ended.
pub fn tls_reports(store: &Store, directory: &Arc<Watch>, (seal, courier): (Arc<Seal>, Arc<Courier>), settings: &Settings) {
    let (db, ids, directory) = (store.db.clone(), store.ids.clone(), directory.clone());
    let (settings, places) = (settings.tls_reports.clone(), super::security::policy_places(&settings.delivery));
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let snapshot = directory.snapshot();
            let reporter =
                Reporter { db: &db, ids: &ids, directory: &snapshot, seal: &seal, courier: &courier, settings: &settings, places };
            match security::report::round(&reporter, now_ms()).await {
                Ok(0) => {}
                Ok(sent) => tracing::info!(sent, "TLS reports were sent"),
                Err(why) => tracing::warn!(%why, "TLS reports could not be made; it is tried again in an hour"),
            }
            let ended_ms = now_ms() - DAY_MS;
            let forgotten = db.tx(move |tx| Box::pin(async move { security::sql::forget_policies(tx, ended_ms).await })).await;
            report::<u64, store::Error>("forgetting ended MTA-STS policies", forgotten);
        }
    });
}

fn report<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) {
    if let Err(why) = result {
        tracing::warn!(%why, "{what} did not work; it is tried again in an hour");
    }
}

/// Adds up the last day. A balance that does not add up is an error in the log with the mails named.
async fn balance_of_yesterday(db: &Db, bodies: &Bodies) {
    let until_ms = now_ms();
    let found = balance::check(db, Some(bodies), until_ms - DAY_MS, until_ms).await;
    if let Ok(found) = &found {
        report("keeping the balance", web::overview::keep_balance(db, found, until_ms).await);
    }
    match found {
        Ok(found) if found.adds_up => {
            tracing::info!(mails = found.mails, accepted = found.total.accepted, "the balance of the last day adds up")
        }
        Ok(found) => {
            tracing::error!(problems = found.problems_count, first = ?found.problems.first(), "the balance of the last day does NOT add up; see gatepost trace balance")
        }
        Err(why) => tracing::warn!(%why, "the balance could not be taken; it is tried again in an hour"),
    }
    let names = db.read(|tx| Box::pin(async move { trace::body_files(tx).await })).await;
    let swept = match names {
        Ok(names) => bodies.sweep(move |name| names.contains(name), ORPHAN_AGE).await,
        Err(why) => Err(why),
    };
    report("sweeping bodies", swept);
}
