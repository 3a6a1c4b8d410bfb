//! Greylisting (RFC 6647): doubtful mail of strangers is asked to come again.
//!
//! In: a judged mail. Out: `451`, or nothing. It learns: a network that came again once is not asked again, and a sender whose
//! mail was wanted before never is. The mail is judged anew when it comes, with what lists and people have learned by then.
//! Invariant: mail that is sure to be good or bad is never delayed; a database that is away delays nothing.

mod sql;
#[cfg(test)]
mod tests;

use super::judge::Judged;
use aws_lc_rs::digest::{SHA256, digest};
use detect::{Class, Thresholds};
use mail::smtp::Reply;
use mail::{Envelope, Peer};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use store::{Db, Error};

/// When to ask mail to come again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Greylist {
    #[default]
    Off,
    /// Mail that could be spam, from senders without a record here.
    Doubtful,
}

/// RFC 6647 §5 finds one to five minutes enough for those who never come again.
const COME_AFTER_MS: i64 = 5 * 60 * 1_000;
/// Who comes later than this is asked once more.
const COME_BEFORE_MS: i64 = 2 * 24 * 60 * 60 * 1_000;
/// A network that came again is known for this long after its last mail.
const NETWORK_KNOWN_MS: i64 = 36 * 24 * 60 * 60 * 1_000;
/// How the reply begins, as receipts keep it.
pub const CODE: &str = "451 4.7.1";
/// Doubt begins at this spam probability; certainty at the threshold of high confidence spam.
const DOUBT_FROM: f32 = 0.5;

/// What the table says about a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    ComeAgain { wait_ms: i64 },
    Welcome,
}

/// The mail is doubtful: neither clean nor surely bad, by a stranger whose address tells something.
pub fn is_doubtful(judged: &Judged, thresholds: &Thresholds) -> bool {
    let verdict = &judged.verdict;
    let is_known = judged.inspected.findings.iter().any(|finding| finding.check == detect::connection::REPUTATION_GOOD);
    matches!(verdict.class, Class::Clean | Class::Bulk | Class::Spam)
        && (DOUBT_FROM..thresholds.high_spam).contains(&verdict.spam_probability)
        && judged.behind.address.is_some()
        && !is_known
}

/// The reply that asks a doubtful mail to come again; `None` when it may pass.
pub async fn ask(db: &Db, peer: &Peer, envelope: &Envelope, now_ms: i64) -> Option<Reply> {
    let (mail, network) = (name(peer, envelope), network(peer.ip));
    let standing: Result<Standing, Error> = db.tx(move |tx| Box::pin(async move { sql::meet(tx, &mail, &network, now_ms).await })).await;
    match standing {
        Ok(Standing::Welcome) => None,
        Ok(Standing::ComeAgain { wait_ms }) => {
            let minutes = (wait_ms / 60_000).max(1);
            // RFC 6647 §2.4: 451, or 450; RFC 3463 4.7.1.
            Some(Reply::new(451, (4, 7, 1), format!("We do not know you yet: send this mail again after {minutes} minutes")))
        }
        Err(why) => {
            tracing::warn!(%why, "greylisting is off as long as the database is away");
            None
        }
    }
}

/// Forgets what is too old to matter. For a job.
pub async fn expire(db: &Db, now_ms: i64) -> Result<u64, Error> {
    db.tx(move |tx| Box::pin(async move { sql::forget(tx, now_ms - NETWORK_KNOWN_MS).await })).await
}

fn name(peer: &Peer, envelope: &Envelope) -> String {
    let sender = envelope.sender.as_ref().map(|sender| sender.key()).unwrap_or_default();
    let recipient = envelope.recipients.first().map(|first| first.address.key()).unwrap_or_default();
    let digest = digest(&SHA256, format!("{}\n{sender}\n{recipient}", network(peer.ip)).as_bytes());
    digest.as_ref().iter().take(16).map(|octet| format!("{octet:02x}")).collect()
}

/// Large senders come again from a neighbour of the first address (RFC 6647 §5).
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
