//! Letters to administrators about a directory that stopped and asks, or cannot be read for a while: mail may be refused for somebody who
//! is there, and nobody looks at the bell by chance.

use super::{FAILING_MS, Source, State, scim, sql};
use crate::App;
use crate::page::{Say, View};
use crate::people::told;
use gateway::queue::letter::Letter;
use gateway::scope::OrgScope;
use mail::{Address, OrgId};
use std::time::Duration;
use store::{Error, Tx};

const EVERY: Duration = Duration::from_secs(60);

/// Something that somebody should look at.
struct Trouble {
    org: OrgId,
    /// As the bell calls it.
    subject: String,
    at_ms: i64,
    title: Say,
    /// Words of what happens meanwhile.
    about: &'static str,
    href: String,
}

impl Trouble {
    fn of_source(source: Source) -> Trouble {
        let is_waiting = source.state == State::Waiting;
        let (title, about) = if is_waiting {
            ("directory-alert-waiting", "directory-alert-text")
        } else {
            ("directory-alert-failing", "directory-letter-failing")
        };
        Trouble {
            org: source.org,
            subject: format!("directory {}", source.id),
            at_ms: source.state_ms,
            href: if is_waiting { format!("/directory/{}/waiting", source.id) } else { format!("/directory/{}", source.id) },
            title: Say::new(title).with("name", source.name),
            about,
        }
    }

    fn of_scim((org, at_ms): (OrgId, i64)) -> Trouble {
        Trouble {
            org,
            subject: "scim".into(),
            at_ms,
            title: Say::new("directory-alert-scim"),
            about: "directory-letter-scim",
            href: "/directory".into(),
        }
    }
}

/// Tells administrators every minute, until the runtime ends.
pub async fn tell_every_minute(app: App) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(why) = tell(&app).await {
            tracing::warn!(%why, "administrators could not be told of directories that need them; it is tried again in a minute");
        }
    }
}

/// Writes to the administrators of each organisation with a directory in need that they were not told of; how many letters. Of several
/// servers one writes.
pub async fn tell(app: &App) -> Result<usize, Error> {
    let now_ms = app.now_ms();
    // Most looks find nothing: they should not write.
    let found = app.db.read(move |tx| Box::pin(async move { in_trouble(tx, now_ms).await })).await?;
    if found.is_empty() {
        return Ok(0);
    }
    let of_work = app.clone();
    let told = app.db.tx(move |tx| {
        Box::pin(async move {
            let mut letters = 0;
            for one in &found {
                if sql::note_told(tx, one.org, &one.subject, one.at_ms).await? > 0 {
                    letters += told::administrators(tx, &of_work, one.org, |view, to| letter(&of_work, view, one, to)).await?;
                }
            }
            Ok::<_, Error>(letters)
        })
    });
    told.await
}

async fn in_trouble(tx: &mut Tx, now_ms: i64) -> Result<Vec<Trouble>, Error> {
    let sources = sql::in_need(tx, OrgScope::All, now_ms - FAILING_MS).await?;
    let asked = scim::guard::asked(tx, OrgScope::All).await?;
    let all = sources.into_iter().map(Trouble::of_source).chain(asked.into_iter().map(Trouble::of_scim));
    let mut untold = Vec::new();
    for one in all {
        if sql::told_ms(tx, one.org, &one.subject).await? < one.at_ms {
            untold.push(one);
        }
    }
    Ok(untold)
}

fn letter(app: &App, view: &View, one: &Trouble, to: Address) -> Letter {
    let title = view.say(&one.title);
    Letter {
        org: one.org,
        to,
        from_name: "Gatepost".into(),
        text: format!("{title}.\r\n\r\n{}\r\n\r\n{}\r\n", view.t(one.about), app.link(&one.href)),
        subject: title,
        html: String::new(),
        language: view.lang.tag().into(),
        kind: "alert",
        host: app.hostname.clone(),
    }
}
