//! Whose clock is wrong: one sender's, or ours.
//!
//! Mail says when it was written. Of one sender a difference is a delay or a clock there; where senders who have nothing to do with each
//! other are all off by the same, it is ours.

use crate::troubleshoot::ground::Ground;
use gateway::receipt::Receipt;
use gateway::trace::{self, Query};
use std::collections::BTreeMap;
use store::Error;

/// Recent mails that are compared.
const MAILS_MAX: usize = 60;
const BACK_MS: i64 = 6 * 60 * 60 * 1000;
/// Senders' domains that must agree.
const SENDERS_MIN: usize = 3;
/// Less than this is nobody's fault.
const OFF_MS: i64 = 5 * 60 * 1000;
/// Writing, sending and receiving take this long, no matter who does it.
const AGREE_MS: i64 = 2 * 60 * 1000;
/// Of a hundred senders so many must agree: some are off themselves.
const AGREE_PERCENT: usize = 80;

/// Minutes by which our clock is ahead of those who write to us; negative: behind. `None`: it is not, or too few tell.
pub async fn ahead_minutes(ground: &Ground) -> Result<Option<i64>, Error> {
    let (scope, since_ms) = (ground.scope, ground.now_ms - BACK_MS);
    let read = ground.db.read(move |tx| {
        Box::pin(async move {
            let query = Query { since_ms: Some(since_ms), limit: MAILS_MAX, ..Query::default() };
            let mut offs: Vec<(String, i64)> = Vec::new();
            for row in trace::search(tx, scope, &query).await?.rows.into_iter().filter(|row| row.direction == "inbound") {
                let json = trace::receipt_of(tx, scope, row.mail).await?;
                let receipt: Option<Receipt> = json.and_then(|json| serde_json::from_str(&json).ok());
                let domain = row.sender.rsplit('@').next().unwrap_or_default().to_lowercase();
                offs.extend(receipt.and_then(|receipt| receipt.header.written_ms).map(|written| (domain, row.at_ms - written)));
            }
            Ok::<_, Error>(offs)
        })
    });
    Ok(agreed(read.await?))
}

/// One word a sender: the one of its mails that took the least.
fn agreed(offs: Vec<(String, i64)>) -> Option<i64> {
    let mut by_sender: BTreeMap<String, i64> = BTreeMap::new();
    for (sender, off) in offs {
        let kept = by_sender.entry(sender).or_insert(off);
        if off.abs() < kept.abs() {
            *kept = off;
        }
    }
    let mut all: Vec<i64> = by_sender.into_values().collect();
    all.sort_unstable();
    let middle = *all.get(all.len() / 2)?;
    let agree = all.iter().filter(|off| (**off - middle).abs() <= AGREE_MS).count();
    let is_ours = agree >= SENDERS_MIN && agree * 100 >= all.len() * AGREE_PERCENT && middle.abs() > OFF_MS;
    is_ours.then_some(middle / 60_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_all_agree_on_is_ours() {
        let minutes = |all: &[(&str, i64)]| agreed(all.iter().map(|(sender, off)| (sender.to_string(), off * 60_000)).collect());
        for (all, want, why) in [
            (&[("a", 30), ("b", 30), ("c", 31)][..], Some(30), "three strangers"),
            (&[("a", -30), ("b", -31), ("c", -30), ("d", -30)], Some(-30), "behind"),
            (&[("a", 30), ("a", 30), ("a", 30)], None, "one sender is one word"),
            (&[("a", 30), ("b", 30)], None, "two are few"),
            (&[("a", 30), ("b", 0), ("c", 0), ("d", 0)], None, "one of four is its own fault"),
            (&[("a", 30), ("b", 95), ("c", 12)], None, "delays differ"),
            (&[("a", 2), ("b", 2), ("c", 2)], None, "that is nothing"),
            (&[("a", 90), ("a", 30), ("b", 30), ("c", 30)], Some(30), "a delayed mail beside one that was not"),
            (&[], None, "nothing"),
        ] {
            assert_eq!(minutes(all), want, "{why}");
        }
    }
}
