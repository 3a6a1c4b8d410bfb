//! The deltas in memory, as the mail path reads them: a snapshot that is swapped when the table moves.

use super::sql;
use super::usual::UsualMail;
use arc_swap::ArcSwap;
use detect::classify::Delta;
use mail::OrgId;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Db, Error};

/// How soon a report taken elsewhere counts here.
const EVERY: Duration = Duration::from_secs(5);
/// Deltas kept in memory; those of organisations come first.
const DELTAS_MAX: usize = 5_000;

type Known = HashMap<(OrgId, Arc<str>), (i64, Arc<Delta>)>;

/// All deltas; cheap to clone.
#[derive(Clone, Default)]
pub struct Deltas {
    known: Arc<ArcSwap<Known>>,
    /// Whose rows are there and cannot be read.
    unreadable: Arc<Mutex<BTreeSet<OrgId>>>,
    /// What comes without a word about it.
    pub usual: UsualMail,
}

impl Deltas {
    /// Reads what is there and follows it until the runtime ends. Call it inside one.
    pub async fn follow(db: Db) -> Deltas {
        let deltas = Deltas::default();
        deltas.refresh(&db).await;
        let following = deltas.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                following.usual.flush(&db).await;
                following.refresh(&db).await;
            }
        });
        deltas
    }

    /// What was taught for mail to these recipients of an organisation: by all, and by the person if it is for one alone.
    pub fn of(&self, org: OrgId, only_recipient: Option<&str>) -> Vec<Arc<Delta>> {
        let known = self.known.load();
        if known.is_empty() {
            return Vec::new();
        }
        let names = std::iter::once("").chain(only_recipient);
        names.filter_map(|name| known.get(&(org, Arc::from(name)))).map(|(_, delta)| delta.clone()).collect()
    }

    /// Something was taught in this organisation that cannot be read, so it does not count.
    pub fn is_unreadable(&self, org: OrgId) -> bool {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).contains(&org)
    }

    pub(super) fn put(&self, org: OrgId, person: &str, version: i64, delta: Delta) {
        let (key, delta): (_, Arc<Delta>) = ((org, Arc::from(person)), delta.without_usual().into());
        self.known.rcu(|known| {
            let mut known: Known = Known::clone(known);
            if known.len() < DELTAS_MAX || known.contains_key(&key) {
                known.insert(key.clone(), (version, delta.clone()));
            }
            known
        });
    }

    /// Reads what changed in the table.
    pub async fn refresh(&self, db: &Db) {
        let versions: Result<_, Error> = db.read(|tx| Box::pin(async move { sql::versions(tx, DELTAS_MAX).await })).await;
        let versions = match versions {
            Ok(versions) => versions,
            Err(why) => return tracing::warn!(%why, "what people taught cannot be read; what was known before still counts"),
        };
        let mut unreadable = BTreeSet::new();
        for (org, person, version) in versions {
            let known = self.known.load().get(&(org, Arc::from(person.as_str()))).map(|(version, _)| *version);
            if known.is_some_and(|known| known >= version) {
                continue;
            }
            let name = person.clone();
            let stored: Result<_, Error> = db.read(move |tx| Box::pin(async move { sql::delta(tx, org, &name).await })).await;
            let Ok(Some((version, octets))) = stored else { continue };
            // Fitting its weights may take a tenth of a second.
            match tokio::task::spawn_blocking(move || Delta::from_octets(&octets)).await {
                Ok(Ok(delta)) => self.put(org, &person, version, delta),
                Ok(Err(why)) => {
                    tracing::error!(org = org.0, person, %why, "what was learned cannot be read");
                    unreadable.insert(org);
                }
                Err(why) => tracing::error!(%why, "a thread that reads what was learned ended"),
            }
        }
        *self.unreadable.lock().unwrap_or_else(PoisonError::into_inner) = unreadable;
    }
}
