use crate::fixture::{Scene, plain};
use mail::envelope::Reverse;

fn found(ip: &str, helo: &str, reverse: Reverse) -> Vec<String> {
    let mut scene = Scene::default();
    scene.peer.ip = ip.parse().expect("an address");
    scene.peer.helo = helo.into();
    scene.peer.reverse = reverse;
    let findings = scene.look(&plain("", "Shall we meet on Thursday?"));
    findings.iter().map(|finding| finding.check.to_string()).filter(|check| check.starts_with("connection.")).collect()
}

#[test]
fn what_a_peer_calls_itself() {
    for (ip, helo, want) in [
        ("192.0.2.7", "mx.sender.example", None),
        ("192.0.2.7", "example.com", Some("connection.helo.ours")),
        ("192.0.2.7", "EXAMPLE.com.", Some("connection.helo.ours")),
        ("192.0.2.7", "mail.example.com", None),
        ("192.0.2.7", "localhost", Some("connection.helo.not-qualified")),
        ("192.0.2.7", "[192.0.2.7]", None),
        ("192.0.2.7", "[192.0.2.8]", Some("connection.helo.wrong-address")),
        ("192.0.2.7", "[nonsense]", Some("connection.helo.wrong-address")),
        ("192.0.2.7", "192.0.2.7", Some("connection.helo.bare-address")),
        ("2001:db8::1", "[IPv6:2001:db8::1]", None),
        ("2001:db8::1", "[ipv6:2001:db8::2]", Some("connection.helo.wrong-address")),
        ("192.0.2.7", "[ü]", Some("connection.helo.wrong-address")),
        ("10.0.0.5", "localhost", None),
        ("127.0.0.1", "example.com", None),
        ("192.0.2.7", "", None),
    ] {
        assert_eq!(found(ip, helo, Reverse::NotAsked), want.into_iter().collect::<Vec<_>>(), "{ip} {helo}");
    }
}

#[test]
fn the_name_of_an_address() {
    let confirmed = |name: &str| Reverse::Confirmed(name.into());
    for (ip, reverse, want) in [
        ("192.0.2.7", Reverse::NotAsked, None),
        ("192.0.2.7", Reverse::Unavailable, None),
        ("192.0.2.7", Reverse::Missing, Some("connection.reverse.missing")),
        ("192.168.2.7", Reverse::Missing, None),
        ("192.0.2.7", Reverse::Unconfirmed, Some("connection.reverse.unconfirmed")),
        ("192.0.2.7", confirmed("mx7.sender.example"), None),
        ("192.0.2.7", confirmed("192-0-2-7.pool.example"), Some("connection.reverse.generic")),
        ("192.0.2.7", confirmed("7.2.0.192.dyn.example"), Some("connection.reverse.generic")),
        ("192.0.2.7", confirmed("host-0-2-7.example"), Some("connection.reverse.generic")),
        ("192.0.2.7", confirmed("c0000207.example"), Some("connection.reverse.generic")),
        ("192.0.2.7", confirmed("p192000002007.example"), Some("connection.reverse.generic")),
        ("192.0.2.7", confirmed("mail-2-7.example"), None),
        ("2001:db8::1", confirmed("mx.example"), None),
    ] {
        assert_eq!(found(ip, "mx.sender.example", reverse.clone()), want.into_iter().collect::<Vec<_>>(), "{ip} {reverse:?}");
    }
}
