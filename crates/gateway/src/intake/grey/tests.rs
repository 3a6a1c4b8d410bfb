use super::*;
use crate::MIGRATIONS;
use mail::Address;
use mail::envelope::{BodyType, EnvelopeRecipient, Notify};
use store::DbSettings;
use testkit::postgres::databases;

const NOON_MS: i64 = 1_795_000_000_000;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

fn peer(ip: &str) -> Peer {
    let ip = ip.parse().expect("an address");
    let local = (ip, 25).into();
    Peer { ip, port: 40_000, local, reverse: Default::default(), helo: "mx".into(), esmtp: true, tls: None, authenticated: None, via: None }
}

fn envelope(sender: &str) -> Envelope {
    let address = Address::parse("bo@own.example").expect("an address");
    Envelope {
        sender: Address::parse(sender).ok(),
        recipients: vec![EnvelopeRecipient { address, notify: Notify::default(), orcpt: None }],
        smtputf8: false,
        body: BodyType::SevenBit,
        require_tls: false,
        ret: None,
        envid: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_again_is_let_in_and_not_asked_again() {
    for database in databases() {
        let settings = DbSettings { url: database.url.clone(), ..DbSettings::default() };
        let db = Db::open(&settings, MIGRATIONS).await.unwrap_or_else(|why| panic!("{}: {why}", database.engine));
        for (after_ms, ip, sender, want, why) in [
            (0, "192.0.2.7", "a@x.example", Some(451), "never seen"),
            (MINUTE_MS, "192.0.2.7", "a@x.example", Some(451), "too soon"),
            (2 * MINUTE_MS, "198.51.100.1", "a@x.example", Some(451), "from elsewhere it is another mail"),
            (6 * MINUTE_MS, "192.0.2.9", "A@x.example", None, "from a neighbour, in time"),
            (7 * MINUTE_MS, "192.0.2.200", "other@y.example", None, "the network comes again"),
            (3 * DAY_MS, "198.51.100.1", "a@x.example", Some(451), "too late: asked once more"),
            (3 * DAY_MS + 6 * MINUTE_MS, "198.51.100.1", "a@x.example", None, "then in time"),
            (30 * DAY_MS, "192.0.2.7", "third@z.example", None, "known for 36 days after its last mail"),
            (90 * DAY_MS, "192.0.2.7", "third@z.example", Some(451), "forgotten"),
        ] {
            let reply = ask(&db, &peer(ip), &envelope(sender), NOON_MS + after_ms).await;
            assert_eq!(reply.map(|reply| reply.code), want, "{}: {why}", database.engine);
        }
        assert!(expire(&db, NOON_MS + 60 * DAY_MS).await.expect("works") > 0);
        db.clone().close();
        assert_eq!(ask(&db, &peer("203.0.113.1"), &envelope("a@x.example"), NOON_MS).await, None, "no database, no delay");
    }
}
