//! Limits, and who is over them.

use super::*;
use crate::directory::{Domain, DomainSettings};
use crate::scope::OrgScope;
use mail::envelope::EnvelopeRecipient;
use mail::{Address, Mail, Message};
use store::DbSettings;
use testkit::postgres::{Database, databases, sqlite};

const NOW_MS: i64 = 1_795_000_000_000;

fn directory() -> Directory {
    let mut directory = Directory::default();
    let domain = Domain { name: "a.example".into(), org: OrgId(1), settings: DomainSettings::default() };
    directory.domains.insert("a.example".into(), domain);
    directory
}

fn address(text: &str) -> Address {
    Address::parse(text).expect(text)
}

fn envelope(sender: &str, to: &[&str]) -> Envelope {
    let recipients = to.iter().map(|to| EnvelopeRecipient { address: address(to), notify: Default::default(), orcpt: None }).collect();
    Envelope { sender: Address::parse(sender).ok(), recipients, ..Envelope::empty() }
}

async fn outflow(database: &Database, settings: OutboundSettings) -> Outflow {
    let db = Db::open(&DbSettings { url: database.url.clone(), ..DbSettings::default() }, crate::MIGRATIONS).await.expect("it opens");
    Outflow { db, settings: Arc::new(settings), state: Arc::default() }
}

/// Sends one mail; whether it was taken.
fn send(outflow: &Outflow, sender: &str, to: &[&str], class: Class, now_ms: i64) -> bool {
    let (directory, peer) = (directory(), Peer::at([127, 0, 0, 1].into()));
    for (n, next) in to.iter().enumerate() {
        let so_far = envelope(sender, &to[..n]);
        if let Err(reply) = outflow.may_send(&directory, (OrgId(1), &peer), &so_far, &address(next), now_ms) {
            assert_eq!((reply.code, reply.status), (550, Some((5, 1, 8))));
            return false;
        }
    }
    outflow.note(&directory, (OrgId(1), &peer), &envelope(sender, to), class, now_ms);
    true
}

#[tokio::test]
async fn a_sender_over_a_limit_is_restricted_until_its_time_is_over() {
    let settings = || OutboundSettings {
        outside_per_hour: 3,
        inside_per_hour: 5,
        recipients_per_day: 8,
        junk_per_day: 2,
        ..OutboundSettings::default()
    };
    for database in databases() {
        let outflow = outflow(&database, settings()).await;
        let out = |n: usize| vec!["x@far.example"; n];
        assert!(send(&outflow, "ann@a.example", &out(3), Class::Clean, NOW_MS));
        assert!(send(&outflow, "bo@a.example", &out(3), Class::Clean, NOW_MS), "each for itself");
        assert!(!send(&outflow, "ann@a.example", &out(1), Class::Clean, NOW_MS), "the fourth within the hour");
        assert!(!send(&outflow, "ann@a.example", &["bo@a.example"], Class::Clean, NOW_MS), "now it may write to nobody");
        assert!(send(&outflow, "bo@a.example", &["ann@a.example"; 5], Class::Clean, NOW_MS), "inside counts apart");
        assert!(!send(&outflow, "bo@a.example", &["ann@a.example"], Class::Clean, NOW_MS + 2 * HOUR_MS), "the ninth within the day");
        outflow.sync(NOW_MS).await.expect("written");
        // Another server, or this one after a restart.
        let other = self::outflow(&database, settings()).await;
        other.sync(NOW_MS).await.expect("read");
        assert!(!send(&other, "ann@a.example", &out(1), Class::Clean, NOW_MS), "{}", database.engine);
        assert!(send(&other, "ann@a.example", &out(1), Class::Clean, NOW_MS + 30 * HOUR_MS), "the day is over");
        let list = |scope| other.db.read(move |tx| Box::pin(async move { sql::restricted(tx, scope, NOW_MS, 10).await }));
        let found = list(OrgScope::One(OrgId(1))).await.expect("a list");
        assert_eq!(found.iter().map(|one| (one.sender.as_str(), one.reason)).collect::<Vec<_>>().len(), 2, "{found:?}");
        assert_eq!(list(OrgScope::One(OrgId(2))).await.expect("a list"), [], "another organisation's");
        let released = other.db.tx(|tx| Box::pin(async move { sql::release(tx, OrgId(1), "ann@a.example").await })).await;
        assert_eq!(released, Ok(1));
        other.sync(NOW_MS).await.expect("read");
        assert!(send(&other, "ann@a.example", &out(3), Class::Clean, NOW_MS), "released, its counts begin anew");
    }
}

#[tokio::test]
async fn a_restriction_whose_time_is_over_begins_anew_and_one_that_holds_stays() {
    for database in databases() {
        let outflow = outflow(&database, OutboundSettings::default()).await;
        let restrict = |since_ms: i64, until_ms: i64| {
            let (org, sender, detail) = (OrgId(1), "ann@a.example".to_string(), "1".to_string());
            let one = Restricted { org, sender, since_ms, until_ms, reason: Reason::Day, detail };
            outflow.db.tx(move |tx| Box::pin(async move { sql::restrict(tx, &one).await }))
        };
        for (since_ms, until_ms, want, why) in [
            (NOW_MS, ONLY_TOLD_MS, 1, "told of"),
            (NOW_MS + 1, ONLY_TOLD_MS, 0, "told of once a day"),
            (NOW_MS + 2, NOW_MS + 100, 1, "restricted"),
            (NOW_MS + 3, NOW_MS + 200, 0, "it is already"),
            (NOW_MS + 100, 0, 1, "its time was over"),
            (NOW_MS + 200, NOW_MS + 300, 0, "until released"),
        ] {
            assert_eq!(restrict(since_ms, until_ms).await, Ok(want), "{}: {why}", database.engine);
        }
    }
}

#[tokio::test]
async fn who_sends_junk_is_restricted_until_released() {
    let database = sqlite();
    let outflow =
        outflow(&database, OutboundSettings { junk_per_day: 2, unlimited: vec!["@b.example".into()], ..OutboundSettings::default() }).await;
    assert!(send(&outflow, "ann@a.example", &["x@far.example"], Class::HighPhish, NOW_MS));
    assert!(send(&outflow, "ann@a.example", &["x@far.example"], Class::Clean, NOW_MS));
    assert!(send(&outflow, "ann@a.example", &["x@far.example"], Class::Malware, NOW_MS));
    assert!(!send(&outflow, "ann@a.example", &["x@far.example"], Class::Clean, NOW_MS));
    assert!(
        !send(&outflow, "ann@a.example", &["x@far.example"], Class::Clean, NOW_MS + 100 * DAY_HOURS * HOUR_MS),
        "it does not end by itself"
    );
    assert!(send(&outflow, "", &["x@far.example"], Class::Clean, NOW_MS), "bounces have no sender to restrict");
}

#[tokio::test]
async fn mail_forwarded_to_the_outside_is_known_as_such() {
    let database = sqlite();
    for (mode, class, headers, from, to, want, why) in [
        (AutoForward::Off, Class::Clean, "", "x@far.example", "y@far.example", true, "of a stranger to a stranger"),
        (AutoForward::Off, Class::Clean, "Auto-Submitted: auto-forwarded\r\n", "ann@a.example", "y@far.example", true, "it says so"),
        (AutoForward::Off, Class::Clean, "", "ann@a.example", "y@far.example", false, "of our own"),
        (AutoForward::Off, Class::Clean, "", "x@far.example", "ann@a.example", false, "it stays inside"),
        (AutoForward::Automatic, Class::Clean, "", "x@far.example", "y@far.example", false, "clean"),
        (AutoForward::Automatic, Class::Phish, "", "x@far.example", "y@far.example", true, "phishing is not passed on"),
        (AutoForward::On, Class::Phish, "", "x@far.example", "y@far.example", false, "as other mail"),
    ] {
        let outflow = outflow(&database, OutboundSettings { auto_forward: mode, ..OutboundSettings::default() }).await;
        let raw = format!("{headers}From: {from}\r\nSubject: hi\r\n\r\ntext\r\n");
        let (message, peer) = (Message::parse(raw.into_bytes().into(), &Default::default()), Peer::at([127, 0, 0, 1].into()));
        let envelope = envelope("ann@a.example", &[to]);
        let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: NOW_MS };
        assert_eq!(outflow.refuses_forward(&directory(), mail, class).is_some(), want, "{why}");
    }
}
