//! Tells whoever made an entry that it ends soon, once, where their organisation wants that.

use super::{DAY_MS, sql};
use crate::App;
use crate::page::words::Lang;
use crate::page::{Say, View};
use gateway::entry::{self, Listed};
use gateway::queue::letter::{Letter, post};
use mail::id::EntryId;
use mail::{Address, OrgId};
use std::collections::BTreeMap;
use std::time::Duration;
use store::Error;

const EVERY: Duration = Duration::from_secs(60 * 60);
/// Organisations looked at in one round, and entries of one.
const ORGS_MAX: usize = 10_000;
const ENTRIES_MAX: usize = 1_000;

/// Looks once an hour, until the runtime ends.
pub async fn tell_every_hour(app: App) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    tick.tick().await; // the first comes at once; start-up has other things to do
    loop {
        tick.tick().await;
        if let Err(why) = tell(&app).await {
            tracing::warn!(%why, "makers of entries that end soon could not be told; it is tried again in an hour");
        }
    }
}

/// Writes to everybody whose entries end soon; returns how many letters.
pub async fn tell(app: &App) -> Result<usize, Error> {
    let orgs = app.db.read(|tx| Box::pin(async move { sql::telling(tx, ORGS_MAX).await })).await?;
    let mut letters = 0;
    for (org, days) in orgs {
        letters += tell_in(app, org, days).await?;
    }
    Ok(letters)
}

async fn tell_in(app: &App, org: OrgId, days: i64) -> Result<usize, Error> {
    let (now_ms, app_of_work) = (app.now_ms(), app.clone());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let app = app_of_work;
                let ending = entry::ending(tx, org, (now_ms, now_ms + days * DAY_MS), ENTRIES_MAX).await?;
                let mut by_maker: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
                for one in ending {
                    by_maker.entry(one.made_by.clone()).or_default().push(one);
                }
                let letters = by_maker.len();
                let directory = app.directory.snapshot();
                for (maker, entries) in by_maker {
                    for one in &entries {
                        entry::warned(tx, org, EntryId(one.entry.id), now_ms).await?;
                    }
                    let Ok(to) = Address::parse(&maker) else { continue };
                    let language = directory.organisation(org).map(|org| org.settings.language.clone()).unwrap_or_default();
                    let view = View::plain(Lang::parse(&language).unwrap_or_default(), now_ms);
                    post(tx, &letter(&app, &view, (org, to), &entries), &directory, &app.ids, now_ms).await?;
                }
                Ok(letters)
            })
        })
        .await
}

fn letter(app: &App, view: &View, (org, to): (OrgId, Address), entries: &[Listed]) -> Letter {
    let line = |one: &Listed| {
        let entry = &one.entry;
        let say = Say::new("entry-letter-line")
            .with("effect", view.of_kind("entry-effect", entry.effect.name()))
            .with("value", entry.value.as_str())
            .with("until", view.moment(entry.expires_ms.unwrap_or_default()));
        let link =
            if app.settings.url.is_empty() { String::new() } else { format!("\r\n  {}/entries/{}", app.settings.url, EntryId(entry.id)) };
        format!("- {}{link}", view.say(&say))
    };
    let lines: Vec<String> = entries.iter().map(line).collect();
    Letter {
        org,
        to,
        from_name: "Gatepost".into(),
        subject: view.n("entry-letter-subject", entries.len()),
        text: format!("{}\r\n\r\n{}\r\n\r\n{}\r\n", view.t("entry-letter-opening"), lines.join("\r\n"), view.t("entry-letter-closing")),
        html: String::new(),
        language: view.lang.tag().into(),
        kind: "alert",
        host: app.hostname.clone(),
    }
}
