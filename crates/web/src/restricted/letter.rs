//! Letters to administrators when a sender was restricted: mostly an account was taken over, and minutes count.

use crate::App;
use crate::page::words::Lang;
use crate::page::{Say, View};
use crate::people::sql::{Filter, list};
use gateway::outflow::{ONLY_TOLD_MS, Restricted, sql};
use gateway::queue::letter::{Letter, post};
use gateway::scope::OrgScope;
use mail::Address;
use std::time::Duration;
use store::{Error, Tx};

const EVERY: Duration = Duration::from_secs(60);
/// Restrictions told in one round; the rest comes with the next.
const ROWS_MAX: usize = 50;
/// Administrators told of one.
const TOLD_MAX: usize = 20;

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
    let (app_of_work, now_ms) = (app.clone(), app.now_ms());
    app.db
        .tx(move |tx| {
            Box::pin(async move {
                let mut letters = 0;
                for one in sql::untold(tx, ROWS_MAX).await? {
                    letters += tell_of(tx, &app_of_work, &one, now_ms).await?;
                }
                Ok(letters)
            })
        })
        .await
}

async fn tell_of(tx: &mut Tx, app: &App, one: &Restricted, now_ms: i64) -> Result<usize, Error> {
    let filter = Filter { role: "administrator".into(), limit: TOLD_MAX, ..Filter::default() };
    let people = list(tx, OrgScope::One(one.org), &filter).await?;
    let directory = app.directory.snapshot();
    let language = directory.organisation(one.org).map(|org| org.settings.language.clone()).unwrap_or_default();
    let mut letters = 0;
    for person in people.iter().filter(|person| person.is_active).take(TOLD_MAX) {
        let Ok(to) = Address::parse(&person.person.email) else { continue };
        let lang = person.person.lang.or(Lang::parse(&language)).unwrap_or_default();
        // A host name that letters cannot come from keeps nobody restricted or free.
        match post(tx, &letter(app, &View::plain(lang, now_ms), one, to), &directory, &app.ids, now_ms).await {
            Err(Error::Shape(why)) => tracing::warn!(why, "an administrator was not told of a restricted sender"),
            done => {
                done?;
                letters += 1;
            }
        }
    }
    Ok(letters)
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
