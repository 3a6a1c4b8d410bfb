//! Reads directories that are due, on whichever server comes first.

use super::run::{Reach, run};
use super::{Source, sql};
use crate::App;
use std::time::Duration;
use store::Error;
use tokio::task::JoinSet;

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Directories read at the same time by one server.
const TOGETHER_MAX: usize = 8;

/// Looks until the runtime ends. A slow directory keeps none of the others waiting: each is read in its own task.
pub fn start(app: App) {
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut reading: JoinSet<()> = JoinSet::new();
        loop {
            tick.tick().await;
            while reading.try_join_next().is_some() {}
            match due(&app, TOGETHER_MAX - reading.len().min(TOGETHER_MAX)).await {
                Ok(due) => due.into_iter().for_each(|source| drop(reading.spawn(one(app.clone(), source)))),
                Err(why) => tracing::debug!(%why, "directories wait for the database"),
            }
        }
    });
}

/// Reads what is due now, and waits for it; how many those were.
pub async fn run_due(app: &App) -> Result<usize, Error> {
    let due = due(app, TOGETHER_MAX).await?;
    let count = due.len();
    futures_util::future::join_all(due.into_iter().map(|source| one(app.clone(), source))).await;
    Ok(count)
}

async fn due(app: &App, limit: usize) -> Result<Vec<Source>, Error> {
    let now_ms = app.now_ms();
    if limit == 0 {
        return Ok(Vec::new());
    }
    // Most looks find nothing: they should not write.
    let is_any = app.db.read(move |tx| Box::pin(async move { sql::is_any_due(tx, now_ms).await })).await?;
    if !is_any {
        return Ok(Vec::new());
    }
    app.db.tx(move |tx| Box::pin(async move { sql::take_due(tx, now_ms, limit).await })).await
}

async fn one(app: App, source: Source) {
    let (id, name) = (source.id, source.name.clone());
    match run(&Reach::of(&app), source, None).await {
        Ok(ran) => {
            if let Some(why) = &ran.run.error {
                tracing::warn!(directory = name, %why, "a directory could not be read");
            }
            if ran.is_news {
                app.health.ring();
            }
        }
        Err(why) => tracing::warn!(directory = name, id, %why, "what a directory says could not be kept; it is tried again later"),
    }
}
