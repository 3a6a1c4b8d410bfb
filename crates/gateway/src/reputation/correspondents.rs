//! Whom each organisation writes to: domains that nobody may imitate towards it.
//!
//! In: what reputation noted of outgoing mail. Out: one list an organisation, read from the table every few minutes, so that the
//! mail path only looks it up. Invariant: an organisation's list is never shown to another.

use super::sql;
use arc_swap::ArcSwap;
use detect::impersonation::correspondent::{CORRESPONDENTS_MAX, Correspondents};
use mail::OrgId;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::{Db, Error};

/// How often the lists are read again; a new correspondent is not imitated sooner.
const EVERY: Duration = Duration::from_secs(300);
/// Domains of all organisations together; those written to last come first.
const DOMAINS_MAX: usize = 100_000;

/// The lists of all organisations; cheap to clone.
#[derive(Clone, Default)]
pub struct Written {
    lists: Arc<ArcSwap<HashMap<OrgId, Arc<Correspondents>>>>,
}

impl Written {
    /// Reads the lists and follows them until the runtime ends. Call it inside one.
    pub fn follow(db: Db) -> Written {
        let written = Written::default();
        let following = written.clone();
        tokio::spawn(async move {
            loop {
                if let Err(why) = following.refresh(&db).await {
                    tracing::warn!(%why, "whom organisations write to cannot be read; what was known before still counts");
                }
                tokio::time::sleep(EVERY).await;
            }
        });
        written
    }

    /// Whom this organisation writes to; `None` while nobody is known.
    pub fn of(&self, org: OrgId) -> Option<Arc<Correspondents>> {
        self.lists.load().get(&org).cloned()
    }

    /// Reads everything again.
    /// # Errors
    /// The database does not answer.
    pub async fn refresh(&self, db: &Db) -> Result<(), Error> {
        let rows = db.read(|tx| Box::pin(async move { sql::written(tx, DOMAINS_MAX).await })).await?;
        let mut lists: HashMap<OrgId, Vec<String>> = HashMap::new();
        for (org, domain) in rows {
            let list = lists.entry(org).or_default();
            if list.len() < CORRESPONDENTS_MAX {
                list.push(domain);
            }
        }
        self.lists.store(Arc::new(lists.into_iter().map(|(org, list)| (org, Correspondents::of(list.iter()).into())).collect()));
        Ok(())
    }
}
