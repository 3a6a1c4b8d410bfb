//! Who is due, and what they are told.

use super::letter::{self, Told as ToldRow};
use super::sql::{self, Link, Told};
use super::{Every, Schedule};
use crate::App;
use crate::page::words::Lang;
use crate::people::session::Token;
use crate::quarantine::policy::{self, Power, Rules};
use gateway::directory::{Effect, Subject};
use gateway::quarantine::api::HeldBody;
use gateway::quarantine::{Filter, Waiting, waiting};
use gateway::queue::letter::post;
use gateway::scope::OrgScope;
use mail::{Address, OrgId};
use std::time::Duration;
use store::Error;

/// How often it is looked who is due.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// People looked at in one read.
const PAGE: usize = 200;
/// People looked at in one round.
const ROUND_MAX: usize = 100_000;
/// Rows of one letter; of what is more it says how much.
pub const ROWS_MAX: usize = 50;
/// Rows read for one letter.
const READ_MAX: usize = 1_000;
/// Mail this young may still have older mail beside it that is not committed: it waits for the next digest.
const YOUNG_MS: i64 = 2 * 60 * 1000;
/// How long a link holds at most; it ends with the held mail.
const LINK_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// Sends digests until the runtime ends.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        match send_due(&app).await {
            Ok(0) => {}
            Ok(sent) => tracing::info!(sent, "digests are on their way"),
            Err(why) => tracing::warn!(%why, "digests could not be sent; it is tried again in five minutes"),
        }
        let now_ms = app.now_ms();
        let expired = app.db.tx(move |tx| Box::pin(async move { sql::expire(tx, now_ms).await })).await;
        if let Err(why) = expired {
            tracing::warn!(%why, "old links of digests could not be forgotten; it is tried again in five minutes");
        }
    }
}

/// Sends what is due now; returns how many letters. One address whose letter cannot be made does not keep the others from theirs.
pub async fn send_due(app: &App) -> Result<usize, Error> {
    let before = gateway::trace::first_id_at(app.now_ms() - YOUNG_MS);
    let (mut after, mut sent) = ((OrgId(0), String::new()), 0);
    for _ in 0..ROUND_MAX / PAGE {
        let from = after.clone();
        let page: Vec<Waiting> = app.db.read(move |tx| Box::pin(async move { waiting(tx, before, (from.0, &from.1), PAGE).await })).await?;
        let Some(last) = page.last() else { break };
        after = (last.org, last.address.clone());
        for due in due(app, page).await? {
            match send(app, due).await {
                Ok(is_sent) => sent += usize::from(is_sent),
                Err(why) => tracing::warn!(%why, "a digest could not be made"),
            }
        }
    }
    Ok(sent)
}

/// Somebody who is to be told.
pub(super) struct Due {
    pub org: OrgId,
    pub address: String,
    pub told: Told,
    pub rules: Rules,
    /// Mail received before.
    pub until_ms: i64,
}

/// Those of a page whose hour has come and who have something new.
async fn due(app: &App, page: Vec<Waiting>) -> Result<Vec<Due>, Error> {
    let now_ms = app.now_ms();
    let (found, fresh) = app
        .db
        .read(move |tx| {
            Box::pin(async move {
                let (mut found, mut fresh): (Vec<Due>, Vec<Waiting>) = (Vec::new(), Vec::new());
                let mut of: Option<(OrgId, Schedule, Rules)> = None;
                for one in page {
                    if of.as_ref().is_none_or(|(org, ..)| *org != one.org) {
                        of = Some((one.org, sql::schedule(tx, one.org).await?, policy::sql::rules(tx, one.org).await?));
                    }
                    let Some((_, schedule, rules)) = &of else { continue };
                    match sql::told(tx, one.org, &one.address).await? {
                        None => fresh.push(one),
                        Some(told) if is_due(schedule, told, (&one, now_ms)) => {
                            let (rules, until_ms) = (rules.clone(), now_ms - YOUNG_MS);
                            found.push(Due { org: one.org, address: one.address, told, rules, until_ms });
                        }
                        Some(_) => {}
                    }
                }
                Ok::<_, Error>((found, fresh))
            })
        })
        .await?;
    if !fresh.is_empty() {
        let begun = app.db.tx(move |tx| {
            Box::pin(async move {
                for one in fresh {
                    sql::begin(tx, one.org, &one.address, now_ms).await?;
                }
                Ok::<_, Error>(())
            })
        });
        begun.await?;
    }
    Ok(found)
}

fn is_due(schedule: &Schedule, told: Told, (one, now_ms): (&Waiting, i64)) -> bool {
    let every: Every = told.every.unwrap_or(schedule.every);
    let has_come = schedule.last_slot_ms(every, now_ms).is_some_and(|slot| told.sent_ms < slot);
    has_come && gateway::trace::time_of(one.newest) >= told.told_ms
}

/// Writes one letter, or moves on when there is nothing to tell. False when there was nothing, or another server was first.
pub(super) async fn send(app: &App, due: Due) -> Result<bool, Error> {
    let (now_ms, directory) = (app.now_ms(), app.directory.snapshot());
    let told_ms = due.until_ms.min(now_ms - YOUNG_MS);
    let filter = Filter {
        recipient: Some(due.address.clone()),
        since_ms: Some(due.told.told_ms),
        until_ms: Some(due.until_ms),
        limit: READ_MAX,
        ..Filter::default()
    };
    let (rows, _) = app.quarantine.list(OrgScope::One(due.org), filter).await.map_err(|why| Error::Gone(why.to_string()))?;
    let rows: Vec<HeldBody> =
        rows.into_iter().filter(|row| due.rules.powers(&row.verdict).has(Power::Notify) && !is_blocked(&directory, row, now_ms)).collect();
    let to = Address::parse(&due.address).ok();
    let (Some(to), false) = (to, rows.is_empty()) else {
        let moved =
            app.db.tx(move |tx| Box::pin(async move { sql::claim(tx, (due.org, &due.address), due.told, (told_ms, now_ms)).await }));
        moved.await?;
        return Ok(false);
    };
    let lang = lang_of(app, &directory, &due).await?;
    let left_out = rows.len().saturating_sub(ROWS_MAX);
    let mut told = Vec::new();
    let mut links = Vec::new();
    for row in rows.into_iter().take(ROWS_MAX) {
        let token = Token::fresh()?;
        let until_ms = row.until_ms.min(now_ms + LINK_MS);
        links.push((token.digest, Link { org: due.org, row: Some((row.mail, row.n)), address: due.address.clone(), until_ms }));
        told.push(ToldRow { url: app.link(&format!("/digest/{}", token.plain)), powers: due.rules.powers(&row.verdict), row });
    }
    let choice = Token::fresh()?;
    links.push((choice.digest, Link { org: due.org, row: None, address: due.address.clone(), until_ms: now_ms + LINK_MS }));
    let letter = letter::letter(
        app,
        lang,
        &letter::Content { org: due.org, to, rows: told, left_out, choice: app.link(&format!("/digest/{}", choice.plain)) },
    )?;
    let ids = app.ids.clone();
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                if !sql::claim(tx, (due.org, &due.address), due.told, (told_ms, now_ms)).await? {
                    return Ok(false);
                }
                for (digest, link) in &links {
                    sql::put_link(tx, digest, link).await?;
                }
                post(tx, &letter, &directory, &ids, now_ms).await?;
                Ok::<_, Error>(true)
            })
        })
        .await
}

/// Whether a block entry of today would hold it anyway: people said that they do not want to hear of it.
fn is_blocked(directory: &gateway::directory::Directory, row: &HeldBody, now_ms: i64) -> bool {
    let (Some(entries), Ok(sender)) = (directory.entries.get(&row.org), Address::parse(&row.sender)) else { return false };
    let found = entries.matching(&Subject::of_sender(&sender), &row.recipient.to_lowercase(), now_ms);
    found.iter().any(|(entry, _)| entry.effect == Effect::Block)
}

/// Their own language, else the organisation's.
async fn lang_of(app: &App, directory: &gateway::directory::Directory, due: &Due) -> Result<Lang, Error> {
    let (org, email) = (due.org, due.address.clone());
    let own = app.db.read(move |tx| Box::pin(async move { crate::people::sql::lang_of(tx, org, &email).await })).await?;
    let of_org = || directory.organisation(due.org).and_then(|org| Lang::parse(&org.settings.language));
    Ok(own.or_else(of_org).unwrap_or_default())
}
