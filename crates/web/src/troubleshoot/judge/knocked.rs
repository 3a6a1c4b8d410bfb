//! Servers of the sender that came to our door and were turned away before they said for whom: such a refusal belongs to no organisation,
//! and without it their mail would seem never to have come.
//!
//! In: the sender that is asked about. Out: what their servers were told. Invariant: only refusals without a recipient and without a sender
//! of ours are looked at, whoever asks, and only of addresses that the sender's domain names as its own in DNS (MX, A, SPF). That they
//! were about this mail is not known, so nothing here is ever certain.

use super::refusal;
use crate::troubleshoot::gather::{Facts, Refused};
use crate::troubleshoot::ground::Ground;
use crate::troubleshoot::question::{End, Question};
use crate::troubleshoot::suspect::Suspect;
use futures_util::future::join_all;
use gateway::scope::OrgScope;
use gateway::trace::api::EventBody;
use gateway::trace::{self, Refusal, RefusalQuery};
use mail::dns::{Record, RecordType};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use store::Error;

/// Finding the addresses of a domain.
const WITHIN: Duration = Duration::from_secs(4);
const HOSTS_MAX: usize = 4;
const ADDRESSES_MAX: usize = 5;
/// Looking through the refusals for one address.
const LOOK_WITHIN: Duration = Duration::from_millis(400);
/// Refusals of one address, and of all that are judged.
const REFUSALS_MAX: usize = 20;
const JUDGED_MAX: usize = 5;
/// Replies to commands that come too early, such as DATA after every recipient was refused (RFC 5321 §4.1.4): why is told by the refusal
/// before them.
const OUT_OF_ORDER: [&str; 2] = ["503 ", "554 5.5.1 "];
/// How well such a refusal fits: it is of their server, and says nothing of the mail.
const FIT: f64 = 0.7;

/// What servers of the sender's domain were told, the newest of each kind.
pub async fn suspects(ground: &Ground, question: &Question, facts: &Facts) -> Result<Vec<Suspect>, Error> {
    let foreign = question.sender.as_ref().map(End::domain).filter(|domain| ground.directory.domain_named(domain).is_none());
    let Some(domain) = foreign else { return Ok(Vec::new()) };
    let addresses = tokio::time::timeout(WITHIN, addresses(ground, domain)).await.unwrap_or_default();
    let (since_ms, until_ms) = (facts.since_ms, facts.until_ms);
    let read = ground.db.read(move |tx| {
        Box::pin(async move {
            let base = RefusalQuery {
                since_ms: Some(since_ms),
                until_ms: Some(until_ms),
                limit: REFUSALS_MAX,
                within: LOOK_WITHIN,
                ..RefusalQuery::default()
            };
            let mut rows: Vec<EventBody> = Vec::new();
            for ip in addresses {
                // Of all organisations: those of none are told apart below.
                let found = trace::refusals(tx, OrgScope::All, &RefusalQuery { ip: Some(ip), ..base.clone() }).await?;
                rows.extend(found.rows);
            }
            Ok::<_, Error>(rows)
        })
    });
    let mut rows = read.await?;
    rows.sort_by_key(|event| std::cmp::Reverse(event.event));
    let refused = rows.into_iter().filter_map(|event| {
        let detail: Refusal = serde_json::from_value(event.detail.clone()).ok()?;
        is_nobodys(ground, &detail).then_some(Refused { event, detail, receipt: None, fit: FIT })
    });
    let mut seen = BTreeSet::new();
    let newest = refused.filter(|one| seen.insert(status(&one.detail.reply))).take(JUDGED_MAX).collect::<Vec<_>>();
    Ok(newest.iter().flat_map(|one| refusal::suspects(ground, question, one)).collect())
}

/// Neither to anybody of ours nor from anybody of ours.
fn is_nobodys(ground: &Ground, detail: &Refusal) -> bool {
    let of_sender = detail.sender.rsplit('@').next().unwrap_or_default();
    let is_answer_to_refusal = OUT_OF_ORDER.iter().any(|start| detail.reply.starts_with(start));
    detail.recipients.is_empty()
        && !is_answer_to_refusal
        && (detail.sender.is_empty() || ground.directory.domain_named(of_sender).is_none())
}

fn status(reply: &str) -> String {
    reply.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// Where mail of the domain comes from, as far as it says so: its mail servers, its own address, single addresses in its SPF record.
async fn addresses(ground: &Ground, domain: &str) -> BTreeSet<IpAddr> {
    let dns = ground.dns.as_ref();
    let (exchanges, texts) = tokio::join!(dns.lookup(domain, RecordType::Mx), dns.lookup(domain, RecordType::Txt));
    let exchange = |record: &Record| match record {
        Record::Mx { exchange, .. } => Some(exchange.clone()),
        _ => None,
    };
    let mut hosts: Vec<String> = exchanges.iter().flat_map(|all| all.iter().filter_map(exchange)).take(HOSTS_MAX).collect();
    hosts.push(domain.to_string());
    let asked = hosts.iter().flat_map(|host| [RecordType::A, RecordType::Aaaa].map(|kind| dns.lookup(host, kind)));
    let answers = join_all(asked).await;
    let address = |record: &Record| match record {
        Record::A(ip) => Some(IpAddr::V4(*ip)),
        Record::Aaaa(ip) => Some(IpAddr::V6(*ip)),
        _ => None,
    };
    let of_hosts = answers.iter().flatten().flat_map(|records| records.iter().filter_map(address));
    let of_texts = texts.iter().flat_map(|all| all.iter().flat_map(named_in_spf));
    of_hosts.chain(of_texts).take(ADDRESSES_MAX).collect()
}

/// `ip4:192.0.2.1` and `ip6:…` of single addresses (RFC 7208 §5.6).
fn named_in_spf(record: &Record) -> Vec<IpAddr> {
    let Record::Txt(octets) = record else { return Vec::new() };
    let text = String::from_utf8_lossy(octets);
    let address = |word: &str| word.strip_prefix("ip4:").or_else(|| word.strip_prefix("ip6:")).and_then(|ip| ip.parse().ok());
    match text.starts_with("v=spf1") {
        true => text.split_whitespace().filter_map(address).collect(),
        false => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_addresses_of_a_record_are_read() {
        for (text, want) in [
            ("v=spf1 ip4:192.0.2.1 ip4:198.51.100.0/24 ip6:2001:db8::1 -all", vec!["192.0.2.1", "2001:db8::1"]),
            ("ip4:192.0.2.1", vec![]),
            ("v=spf1 mx -all", vec![]),
        ] {
            let found: Vec<String> = named_in_spf(&Record::Txt(text.as_bytes().to_vec())).iter().map(ToString::to_string).collect();
            assert_eq!(found, want, "{text}");
        }
    }
}
