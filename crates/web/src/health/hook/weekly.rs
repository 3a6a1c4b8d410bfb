//! The week's letter: what is not well, what was, what is planned and what is new, for those who chose it.
//!
//! Every server looks once an hour. Invariant: a letter and the note that it was sent are one transaction, so one server sends; who has
//! nothing to read gets no letter and is looked at again in a week.

use super::sql;
use crate::App;
use crate::health::bell::Choice;
use crate::health::issue::Issue;
use crate::health::message::{self, Message};
use crate::health::sql::{self as issue_sql, Wanted};
use crate::page::time::rfc3339;
use crate::page::words::{Lang, text};
use fluent_bundle::FluentValue;
use gateway::queue::letter::Letter;
use gateway::scope::OrgScope;
use mail::{Address, OrgId, PersonId};
use std::time::Duration;
use store::{Error, Tx};

const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// People written to in one look; the rest in the next.
const PEOPLE_MAX: usize = 500;
const ISSUES_MAX: usize = 50;
const MESSAGES_MAX: usize = 50;

/// Looks as long as the process runs.
pub async fn run(app: App) {
    let mut tick = tokio::time::interval(LOOK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await; // start-up has other things to do
    loop {
        tick.tick().await;
        if let Err(why) = send_once(&app).await {
            tracing::warn!(%why, "the week's letters about health wait for an hour");
        }
    }
}

/// One look; how many letters were written.
pub async fn send_once(app: &App) -> Result<usize, Error> {
    let now_ms = app.now_ms();
    let due = app.db.read(move |tx| Box::pin(async move { sql::weekly_due(tx, now_ms - WEEK_MS, PEOPLE_MAX).await })).await?;
    let mut count = 0;
    for (person, reader) in due {
        let choice: Choice = serde_json::from_str(&reader.settings).unwrap_or_default();
        let Ok(to) = Address::parse(&reader.email) else { continue };
        if !choice.weekly {
            continue;
        }
        let (all, lang) = (app.clone(), Lang::parse(&reader.language).unwrap_or_default());
        let work = app.db.tx(move |tx| {
            Box::pin(async move {
                if !sql::take_week(tx, person, now_ms, now_ms - WEEK_MS).await? {
                    return Ok(0);
                }
                let Some(letter) = letter(tx, &all, (person, OrgId(reader.org), to), &choice, (lang, now_ms)).await? else { return Ok(0) };
                super::post(tx, &super::Ground::of(&all), &letter, now_ms).await?;
                Ok::<_, Error>(1)
            })
        });
        count += work.await?;
    }
    Ok(count)
}

/// `None` when there is nothing to read.
async fn letter(
    tx: &mut Tx,
    app: &App,
    (person, org, to): (PersonId, OrgId, Address),
    choice: &Choice,
    (lang, now_ms): (Lang, i64),
) -> Result<Option<Letter>, Error> {
    // Those of the service read what concerns everybody.
    let scope = OrgScope::One(org);
    let wanted = Wanted { since_ms: now_ms - WEEK_MS, rows_max: ISSUES_MAX, ..Wanted::default() };
    let issues: Vec<Issue> = issue_sql::issues(tx, scope, wanted).await?.into_iter().filter(|issue| choice.wants(issue)).collect();
    let is_new =
        |message: &Message| message.updated_ms >= now_ms - WEEK_MS || message.is_maintenance && message.phase(now_ms) == "scheduled";
    let messages = message::list(tx, scope, person, MESSAGES_MAX).await?;
    let messages: Vec<Message> = messages.into_iter().filter(|message| !message.is_archived && is_new(message)).collect();
    if issues.is_empty() && messages.is_empty() {
        return Ok(None);
    }
    let (open, over): (Vec<&Issue>, Vec<&Issue>) = issues.iter().partition(|issue| issue.is_open);
    let (planned, news): (Vec<&Message>, Vec<&Message>) = messages.iter().partition(|message| message.is_maintenance);
    let of_issue = |issue: &&Issue| {
        let status = text(lang, &format!("health-status-{}", issue.status.name()), &[]);
        format!("{}: {} ({status})\n{}", issue.id, issue.body.title.in_lang(lang), app.link(&format!("/health/issues/{}", issue.id)))
    };
    let of_message = |message: &&Message| {
        let when = if message.is_maintenance { format!("{} ", rfc3339(message.starts_ms)) } else { String::new() };
        format!("{}: {when}{}\n{}", message.id(), message.body.title.in_lang(lang), app.link(&format!("/health/messages/{}", message.id())))
    };
    let parts = [
        ("health-weekly-open", open.iter().map(of_issue).collect::<Vec<_>>()),
        ("health-weekly-over", over.iter().map(of_issue).collect()),
        ("health-weekly-planned", planned.iter().map(of_message).collect()),
        ("health-weekly-news", news.iter().map(of_message).collect()),
    ];
    let written = parts.iter().filter(|(_, lines)| !lines.is_empty());
    let body: Vec<String> = written.map(|(key, lines)| format!("{}\n\n{}", text(lang, key, &[]), lines.join("\n\n"))).collect();
    let end = text(lang, "health-weekly-end", &[("link", FluentValue::from(app.link("/bell")))]);
    let count = FluentValue::from(open.len() as i64);
    Ok(Some(Letter {
        org,
        to,
        from_name: "Gatepost".into(),
        subject: text(lang, "health-weekly-subject", &[("count", count)]),
        text: format!("{}\n\n{end}\n", body.join("\n\n\n")),
        html: String::new(),
        language: lang.tag().into(),
        kind: "alert",
        host: app.hostname.clone(),
    }))
}
