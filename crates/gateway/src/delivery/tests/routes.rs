//! From destinations to hosts.

use crate::delivery::Router;
use crate::delivery::security::Security;
use crate::directory::{ConnectorSettings, Protocol};
use crate::queue::LaneKey;
use mail::MailId;
use mail::dns::{Record, RecordType, Zone};

fn zone() -> Zone {
    let mut zone = Zone::new();
    let mut mx = |name: &str, preference, exchange: &str| {
        zone.add(name, Record::Mx { preference, exchange: exchange.into() });
    };
    mx("two.example", 20, "B.example.");
    mx("two.example", 10, "a.example");
    mx("null.example", 0, ".");
    mx("inside.example", 10, "inside.example");
    mx("mixed.example", 10, "inside.example");
    mx("mixed.example", 20, "a.example");
    mx("loop.example", 10, "gate.example");
    mx("loop.example", 20, "a.example");
    mx("backup.example", 10, "a.example");
    mx("backup.example", 20, "Gate.Example");
    mx("backup.example", 30, "b.example");
    mx("dead.example", 10, "nowhere.example");
    mx("later.example", 10, "slow.example");
    zone.add("a.example", Record::A([8, 8, 8, 1].into()));
    zone.add("b.example", Record::A([8, 8, 8, 2].into()));
    zone.add("b.example", Record::Aaaa("2606:4700::2".parse().expect("an address")));
    zone.add("implicit.example", Record::A([8, 8, 8, 3].into()));
    zone.add("inside.example", Record::A([127, 0, 0, 1].into()));
    zone.add("inside.example", Record::Aaaa("::ffff:10.0.0.1".parse().expect("an address")));
    zone.add("inside.example", Record::A([169, 254, 169, 254].into()));
    zone.fails("slow.example", RecordType::A).fails("slow.example", RecordType::Aaaa).fails("broken.example", RecordType::Mx);
    zone
}

fn mx(domain: &str) -> LaneKey {
    LaneKey::Mx { domain: domain.into(), connector: "".into() }
}

fn text(found: Result<Vec<crate::delivery::Hop>, crate::delivery::RouteError>) -> String {
    match found {
        Ok(hops) => hops.iter().map(|hop| hop.address.to_string()).collect::<Vec<_>>().join(" "),
        Err(why) => why.reply.to_string(),
    }
}

#[tokio::test]
async fn mail_exchangers_are_tried_as_the_standards_say() {
    let zone = zone();
    let router = Router { dns: &zone, hostname: "gate.example", mail: MailId(1), places: Security::default().mx };
    for (domain, want) in [
        ("two.example", "8.8.8.1:25 8.8.8.2:25 [2606:4700::2]:25"),
        ("implicit.example", "8.8.8.3:25"),
        ("null.example", "556 5.1.10"),
        ("missing.example", "550 5.1.2"),
        ("inside.example", "550 5.4.4"),
        ("mixed.example", "8.8.8.1:25"),
        ("loop.example", "554 5.4.6"),
        ("backup.example", "8.8.8.1:25"),
        ("dead.example", "550 5.4.4"),
        ("later.example", "451 4.4.3"),
        ("broken.example", "451 4.4.3"),
        ("[8.8.4.4]", "8.8.4.4:25"),
        ("[IPv6:2606:4700::9]", "[2606:4700::9]:25"),
        ("[127.0.0.1]", "550 5.4.4"),
        ("[IPv6:::1]", "550 5.4.4"),
        ("[x]", "550 5.1.2"),
    ] {
        let found = text(router.hops(&mx(domain), &ConnectorSettings::default()).await);
        assert!(found == want || found.starts_with(&format!("{want} ")), "{domain}: {found}, wanted {want}");
    }
}

#[tokio::test]
async fn equal_preferences_are_shared_between_mails() {
    let mut zone = Zone::new();
    for n in 1..=3 {
        zone.add("many.example", Record::Mx { preference: 10, exchange: format!("mx{n}.example") });
        zone.add(&format!("mx{n}.example"), Record::A([8, 8, 8, n].into()));
    }
    let mut firsts = std::collections::HashSet::new();
    for id in 0..50 {
        let router = Router { dns: &zone, hostname: "gate.example", mail: MailId(id << 16), places: Security::default().mx };
        let hops = router.hops(&mx("many.example"), &ConnectorSettings::default()).await.expect("hosts");
        assert_eq!(hops.len(), 3);
        firsts.insert(hops[0].address);
    }
    assert_eq!(firsts.len(), 3);
}

#[tokio::test]
async fn connectors_name_hosts_in_any_form() {
    let zone = zone();
    let router = Router { dns: &zone, hostname: "gate.example", mail: MailId(1), places: Security::default().mx };
    for (hosts, protocol, allow_private, want) in [
        (&["a.example:2525", "b.example"][..], Protocol::Smtp, false, "8.8.8.1:2525 8.8.8.2:25 [2606:4700::2]:25"),
        (&["127.0.0.1:24"], Protocol::Lmtp, true, "127.0.0.1:24"),
        (&["localhost"], Protocol::Lmtp, true, "127.0.0.1:24"),
        (&["[::1]:2525"], Protocol::Smtp, true, "[::1]:2525"),
        (&["::1"], Protocol::Smtp, true, "[::1]:25"),
        (&["127.0.0.1:24"], Protocol::Lmtp, false, "451 4.3.5"),
        (&["localhost"], Protocol::Smtp, false, "451 4.3.5"),
        (&["inside.example"], Protocol::Smtp, false, "451 4.3.5"),
        (&["missing.example"], Protocol::Smtp, false, "451 4.4.3"),
        (&[], Protocol::Smtp, false, "451 4.3.5"),
    ] {
        let hosts: Vec<String> = hosts.iter().map(|host| host.to_string()).collect();
        let connector = ConnectorSettings { name: "c".into(), hosts, protocol, allow_private, ..ConnectorSettings::default() };
        let found = text(router.hops(&LaneKey::Connector("c".into()), &connector).await);
        assert!(found == want || found.starts_with(&format!("{want} ")), "{:?}: {found}, wanted {want}", connector.hosts);
    }
}
