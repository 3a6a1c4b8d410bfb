//! Letters to administrators when a sender was restricted: mostly an account was taken over, and minutes count.

use crate::App;
use crate::page::{Say, View};
use crate::people::told;
use gateway::outflow::{ONLY_TOLD_MS, Restricted, sql};
use gateway::queue::letter::Letter;
use mail::Address;
use std::time::Duration;
use store::Error;

const EVERY: Duration = Duration::from_secs(60);
/// Restrictions told in one round; the rest comes with the next.
const ROWS_MAX: usize = 50;

/// Tells administrators every minute, until the runtime ends.
pub async fn tell_every_minute(app: App) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(why) = tell(&app).await {
            tracing::warn!(%why, "administrators could not be told of restricted senders; it is tried again in a minute");
        }
    }
}

/// Writes to the administrators of each sender's organisation that was restricted since; returns how many letters.
pub async fn tell(app: &App) -> Result<usize, Error> {
    let of_work = app.clone();
    let told: Result<usize, Error> = app
        .db
        .tx(move |tx| {
            Box::pin(async move {
                let mut letters = 0;
                for one in sql::untold(tx, ROWS_MAX).await? {
                    letters += told::administrators(tx, &of_work, one.org, |view, to| letter(&of_work, view, &one, to)).await?;
                }
                Ok(letters)
            })
        })
        .await;
    if told.as_ref().is_ok_and(|letters| *letters > 0) {
        app.health.ring();
    }
    told
}

fn letter(app: &App, view: &View, one: &Restricted, to: Address) -> Letter {
    let why =
        view.say(&Say { key: format!("restricted-why-{}", one.reason.name()).into(), args: Vec::new() }.with("count", one.detail.as_str()));
    // With `over_limit = "alert"` nobody is restricted.
    let is_only_told = one.until_ms == ONLY_TOLD_MS;
    let (subject, opening) = match is_only_told {
        true => ("restricted-letter-over-subject", "restricted-letter-over-opening"),
        false => ("restricted-letter-subject", "restricted-letter-opening"),
    };
    let said = |key: &'static str| view.say(&Say::new(key).with("sender", one.sender.as_str()));
    let closing =
        if is_only_told { String::new() } else { format!("\r\n{}\r\n{}\r\n", view.t("restricted-hint"), app.link("/restricted")) };
    Letter {
        org: one.org,
        to,
        from_name: "Gatepost".into(),
        subject: said(subject),
        text: format!("{}\r\n{why}\r\n{closing}", said(opening)),
        html: String::new(),
        language: view.lang.tag().into(),
        kind: "alert",
        host: app.hostname.clone(),
    }
}
