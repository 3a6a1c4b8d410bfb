//! Whether the lists in DNS answer. Each is asked, now and then, for the address that every list has to name (RFC 5782 §5).
//!
//! In: `[[dns.list]]`. Out: for each zone how long its answer took, and how often in a row there was none. Beside the way of mail: a
//! list that is silent, or does not serve our resolver, is a wider uncertainty there; here it is what health speaks of.

use super::ListFact;
use super::measure::Parts;
use crate::intake::Lists;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const LOOK_EVERY: Duration = Duration::from_secs(60);
/// One that gave no answer is asked again this soon.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// What was found last.
#[derive(Debug, Default)]
pub struct ListLooks(Mutex<BTreeMap<String, ListFact>>);

impl ListLooks {
    pub fn now(&self) -> BTreeMap<String, ListFact> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether every list answered.
    fn take(&self, zone: &str, took: Option<Duration>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fact = all.entry(zone.into()).or_default();
        match took {
            Some(took) => *fact = ListFact { took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX), failed_in_row: 0 },
            None => fact.failed_in_row = fact.failed_in_row.saturating_add(1),
        }
        took.is_some()
    }
}

/// Looks as long as the process runs; not at all without lists, or without DNS.
pub async fn watch(parts: Arc<Parts>, looks: Arc<ListLooks>) {
    let Some(live) = parts.live.clone().filter(|_| !parts.lists.is_empty()) else { return };
    let lists = Lists::new(live, parts.lists.clone());
    loop {
        let mut is_well = true;
        for (zone, took) in lists.look().await {
            is_well &= looks.take(&zone, took);
        }
        tokio::time::sleep(if is_well { LOOK_EVERY } else { ASK_AGAIN }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_a_row_of_none() {
        let looks = ListLooks::default();
        assert!(!looks.take("a.example", None) && !looks.take("a.example", None));
        assert_eq!(looks.now()["a.example"], ListFact { took_ms: 0, failed_in_row: 2 });
        assert!(looks.take("a.example", Some(Duration::from_millis(12))));
        assert_eq!(looks.now()["a.example"], ListFact { took_ms: 12, failed_in_row: 0 });
    }
}
