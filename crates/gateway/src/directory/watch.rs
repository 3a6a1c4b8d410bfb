//! Keeps the snapshot fresh.

use super::{Directory, load, sql};
use arc_swap::ArcSwap;
use detect::inspect::Surroundings;
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Error};

/// How long a change made by another process stays unseen at most.
pub const POLL: Duration = Duration::from_millis(1_000);

/// Holds the present snapshot; cheap to read from every session.
pub struct Watch {
    db: Db,
    base: Arc<Surroundings>,
    now: ArcSwap<Directory>,
}

impl Watch {
    /// Loads the first snapshot.
    pub async fn open(db: Db, base: Surroundings) -> Result<Arc<Watch>, Error> {
        let watch = Watch { db, base: Arc::new(base), now: ArcSwap::default() };
        watch.reload().await?;
        Ok(Arc::new(watch))
    }

    pub fn snapshot(&self) -> Arc<Directory> {
        self.now.load_full()
    }

    /// Reads everything again, now.
    pub async fn reload(&self) -> Result<(), Error> {
        let (base, before) = (self.base.clone(), self.snapshot());
        let fresh = self.db.read(move |tx| Box::pin(async move { load(tx, &base, &before).await })).await?;
        self.now.store(Arc::new(fresh));
        Ok(())
    }

    /// Polls the version until the task is dropped. A database that is away leaves the old snapshot in force.
    pub async fn follow(self: Arc<Watch>) {
        let mut tick = tokio::time::interval(POLL);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let seen = self.db.read(|tx| Box::pin(async move { sql::version(tx).await })).await;
            let outcome: Result<(), Error> = match seen {
                Ok(version) if version == self.now.load().version => Ok(()),
                Ok(_) => self.reload().await,
                Err(why) => Err(why),
            };
            if let Err(why) = outcome {
                tracing::warn!(%why, "the directory could not be read again; the last good one stays in force");
            }
        }
    }
}
