//! Every fault of a next hop ends in the right state.

use super::*;
use crate::directory::TlsLevel;
use testkit::postgres::{databases, sqlite};
use testkit::sink::{Fault, SinkSettings};

const EIGHT_BIT: &str = "Subject: hello\r\n\r\nGr\u{fc}\u{df}e\r\n";

/// One mail to one recipient: the state it ends in, what the last reply says, how often the sink took it.
async fn check(why: &str, sink: SinkSettings, change: impl Fn(&mut Setup, &mut Accepted), state: &str, reply: &str, taken: usize) {
    let sink = Sink::start(sink).await;
    let database = sqlite();
    let mut setup = Setup::to(&sink).patient();
    let mut accepted = {
        let ids = IdMaker::new(1);
        Accepted {
            id: MailId(ids.next(now_ms())),
            org: OrgId(7),
            at_ms: now_ms(),
            sender: "sender@example.org".into(),
            extras: EnvelopeExtras::default(),
            octets: Bytes::from_static(MESSAGE.as_bytes()),
            recipients: vec![recipient(0, "bo@example.net")],
        }
    };
    change(&mut setup, &mut accepted);
    let gate = setup.open(&database).await;
    let id = gate.send(accepted).await;
    let rows = gate.settles(id, &[state], why).await;
    assert!(rows[0].2.contains(reply), "{why}: {:?} should have {reply:?}", rows[0].2);
    let mails = sink.taken().iter().filter(|taken| !taken.mail.starts_with("MAIL FROM:<>")).count(); // notices come on top
    assert_eq!(mails, taken, "{why}");
    let event = if state == "queued" { "deferred" } else { state };
    assert!(gate.events(id).await.iter().any(|kind| kind == event), "{why}: {:?}", gate.events(id).await);
    gate.close().await;
}

fn nothing(_: &mut Setup, _: &mut Accepted) {}

#[tokio::test]
async fn a_next_hop_that_takes_it_or_refuses_it() {
    check("all is well", SinkSettings::default(), nothing, "delivered", "250 2.6.0 taken", 1).await;
    let refused = |_: &mut Setup, mail: &mut Accepted| mail.recipients[0].address = "refused@example.net".into();
    check("no such user", SinkSettings::default(), refused, "bounced", "550 5.1.1 no such user", 0).await;
    check("MAIL refused", SinkSettings::with(Fault::RefuseMail), nothing, "bounced", "554 5.7.1", 0).await;
    check("greylisted", SinkSettings::with(Fault::TemporaryRcpt(1)), nothing, "queued", "450 4.2.0 greylisted", 0).await;
    check("too busy", SinkSettings::with(Fault::Busy), nothing, "queued", "421 4.3.2", 0).await;
    check("slow", SinkSettings::with(Fault::Slow(Duration::from_millis(50))), nothing, "delivered", "250", 1).await;
}

#[tokio::test]
async fn a_next_hop_that_breaks_off() {
    check("closed after data", SinkSettings::with(Fault::CloseAfterData), nothing, "queued", "4.4.2", 0).await;
    check("closed in data", SinkSettings::with(Fault::CloseInData(9)), nothing, "queued", "4.4.2", 0).await;
    for at in ["greeting", "EHLO", "MAIL", "DATA", "."] {
        check(at, SinkSettings::with(Fault::Stall(at)), nothing, "queued", "did not answer in time", 0).await;
    }
    let nobody = |setup: &mut Setup, _: &mut Accepted| setup.connector.hosts = vec!["127.0.0.1:1".into()];
    check("nobody listens", SinkSettings::default(), nobody, "queued", "421 4.4.1 cannot connect", 0).await;
}

#[tokio::test]
async fn a_next_hop_that_does_not_keep_to_smtp() {
    check("a reply without end", SinkSettings::with(Fault::EndlessReply), nothing, "queued", "4.4.2", 0).await;
    check("a line without end", SinkSettings::with(Fault::EndlessLine), nothing, "queued", "4.4.2", 0).await;
    check("a web server", SinkSettings::with(Fault::Garbage), nothing, "queued", "4.4.2", 0).await;
}

#[tokio::test]
async fn a_next_hop_that_can_do_less() {
    check("no PIPELINING", SinkSettings::lacking("PIPELINING"), nothing, "delivered", "250", 1).await;
    check("only HELO", SinkSettings { only_helo: true, ..SinkSettings::default() }, nothing, "delivered", "250", 1).await;
    let eight_bit = |_: &mut Setup, mail: &mut Accepted| mail.octets = EIGHT_BIT.into();
    check("no 8BITMIME, 7-bit mail", SinkSettings::lacking("8BITMIME"), nothing, "delivered", "250", 1).await;
    check("no 8BITMIME, 8-bit mail", SinkSettings::lacking("8BITMIME"), eight_bit, "bounced", "554 5.6.3", 0).await;
    check("8BITMIME, 8-bit mail", SinkSettings::default(), eight_bit, "delivered", "250", 1).await;
    let utf8 = |_: &mut Setup, mail: &mut Accepted| mail.sender = "jos\u{e9}@example.org".into();
    check("no SMTPUTF8", SinkSettings::lacking("SMTPUTF8"), utf8, "bounced", "553 5.6.7", 0).await;
    check("SMTPUTF8", SinkSettings::default(), utf8, "delivered", "250", 1).await;
    let mut small = SinkSettings::lacking("SIZE");
    small.keywords.push("SIZE 20".into());
    check("too large", small, nothing, "bounced", "552 5.3.4", 0).await;
}

#[tokio::test]
async fn what_may_not_leave() {
    for (body, why) in [("a\n.\r\nMAIL", "bare LF"), ("a\r\n.\r\r\nb", "CR CR LF"), ("a\0b\r\n", "NUL")] {
        let smuggled = |_: &mut Setup, mail: &mut Accepted| mail.octets = body.into();
        check(why, SinkSettings::default(), smuggled, "bounced", "554 5.6.11", 0).await;
    }
    for address in ["bo@example.net>\r\nRCPT TO:<eve@example.net", "bo", "bo@example.net> NOTIFY=NEVER"] {
        let forged = |_: &mut Setup, mail: &mut Accepted| mail.recipients[0].address = address.into();
        check(address, SinkSettings::default(), forged, "bounced", "553 5.1.3", 0).await;
    }
    let ourselves = |setup: &mut Setup, _: &mut Accepted| {
        setup.own_ports = vec![setup.connector.hosts[0].parse::<std::net::SocketAddr>().expect("an address").port()]
    };
    check("our own port", SinkSettings::default(), ourselves, "bounced", "554 5.4.6", 0).await;
    let no_hosts = |setup: &mut Setup, _: &mut Accepted| setup.connector.hosts.clear();
    check("a connector that asks DNS", SinkSettings::default(), no_hosts, "bounced", "550 5.1.2", 0).await;
    let not_private = |setup: &mut Setup, _: &mut Accepted| setup.connector.allow_private = false;
    check("a private address", SinkSettings::default(), not_private, "queued", "allow_private", 0).await;
}

#[tokio::test]
async fn tls_is_what_its_level_says() {
    let with_tls = || SinkSettings { tls: true, ..SinkSettings::default() };
    let level = |level: TlsLevel| move |setup: &mut Setup, _: &mut Accepted| setup.connector.tls = level;
    let broken = |fault| SinkSettings { tls: true, fault, ..SinkSettings::default() };
    check("opportunistic", with_tls(), level(TlsLevel::Opportunistic), "delivered", "250", 1).await;
    check("opportunistic without", SinkSettings::default(), level(TlsLevel::Opportunistic), "delivered", "250", 1).await;
    check("opportunistic, broken", broken(Fault::DropTls), level(TlsLevel::Opportunistic), "delivered", "250", 1).await;
    check("required", with_tls(), level(TlsLevel::Required), "delivered", "250", 1).await;
    check("required, not offered", SinkSettings::default(), level(TlsLevel::Required), "queued", "4.7.4", 0).await;
    check("required, broken", broken(Fault::DropTls), level(TlsLevel::Required), "queued", "4.7.5", 0).await;
    check("required, injected", broken(Fault::InjectAfterStartTls), level(TlsLevel::Required), "queued", "between its reply", 0).await;
    check("verified, unknown certificate", with_tls(), level(TlsLevel::Verified), "queued", "4.7.5", 0).await;
    let requires = |_: &mut Setup, mail: &mut Accepted| mail.extras.require_tls = true;
    check("REQUIRETLS, no TLS", SinkSettings::default(), requires, "bounced", "5.7.30", 0).await;
    let secret = |setup: &mut Setup, _: &mut Accepted| setup.connector.login = "gate".into();
    check("a login in clear text", SinkSettings::knowing("AUTH PLAIN"), secret, "queued", "4.7.0", 0).await;
}

#[tokio::test]
async fn a_certificate_counts_for_its_name_only() {
    let sink = Sink::start(SinkSettings { tls: true, ..SinkSettings::knowing("AUTH PLAIN") }).await;
    for (name, login, require_tls, state, reply) in [
        ("sink.example", "", false, "delivered", "250"),
        ("sink.example", "gate", false, "delivered", "250"),
        ("sink.example", "", true, "bounced", "554 5.7.30"),
        ("other.example", "", false, "queued", "4.7.5"),
    ] {
        let mut setup = Setup::to(&sink).patient();
        setup.roots = vec![sink.certificate.clone()];
        setup.connector.tls = TlsLevel::Verified;
        setup.connector.tls_name = name.into();
        setup.connector.login = login.into();
        let database = sqlite();
        let gate = setup.open(&database).await;
        let mut mail = gate.mail(&["bo@example.net"]);
        mail.extras.require_tls = require_tls;
        let id = gate.send(mail).await;
        let rows = gate.settles(id, &[state], name).await;
        assert!(rows[0].2.contains(reply), "{name}: {rows:?}");
        gate.close().await;
    }
    assert!(sink.taken().iter().all(|taken| taken.tls), "nothing went in clear text");
    assert!(sink.heard().iter().any(|line| line == "AUTH PLAIN AGdhdGUA"), "{:?}", sink.heard());
}

#[tokio::test]
async fn a_sealed_password_is_said_in_clear_and_never_without_its_key() {
    let sink = Sink::start(SinkSettings { tls: true, ..SinkSettings::knowing("AUTH PLAIN") }).await;
    let key = |octet: u8| Arc::new(Seal::new(&[octet; 32]).expect("a key"));
    for (seal, state, reply, why) in [
        (Some(key(7)), "delivered", "250", "the key it was sealed with"),
        (None, "queued", "the seal file is not there", "no key"),
        (Some(key(8)), "queued", "sealed with another key", "another key"),
    ] {
        let mut setup = Setup::to(&sink).patient();
        setup.roots = vec![sink.certificate.clone()];
        (setup.connector.tls, setup.connector.tls_name) = (TlsLevel::Verified, "sink.example".into());
        (setup.connector.login, setup.connector.password) = ("gate".into(), "pw".into());
        setup.connector = setup.connector.sealed(&key(7)).expect("sealed");
        assert!(!setup.connector.password.contains("pw") && !setup.connector.is_open());
        setup.seal = seal;
        let database = sqlite();
        let gate = setup.open(&database).await;
        let id = gate.send(gate.mail(&["bo@example.net"])).await;
        let rows = gate.settles(id, &[state], why).await;
        assert!(rows[0].2.contains(reply), "{why}: {rows:?}");
        gate.close().await;
    }
    let heard = sink.heard();
    assert_eq!(heard.iter().filter(|line| line.starts_with("AUTH")).collect::<Vec<_>>(), ["AUTH PLAIN AGdhdGUAcHc="], "{heard:?}");
}

#[tokio::test]
async fn a_passing_fault_passes() {
    for database in databases() {
        for (fault, tries) in [(Fault::TemporaryRcpt(2), 3), (Fault::CloseInData(1), 2)] {
            let sink = Sink::start(SinkSettings::with(fault)).await;
            let gate = Setup::to(&sink).open(&database).await;
            let id = gate.send(gate.mail(&["bo@example.net"])).await;
            let rows = gate.settles(id, &["delivered"], database.engine).await;
            assert_eq!(rows[0].1, tries, "{fault:?}");
            let kinds = gate.events(id).await;
            assert_eq!(kinds.iter().filter(|kind| *kind == "deferred").count() as i64, tries - 1, "{kinds:?}");
            assert_eq!(sink.count(), 1);
            gate.close().await;
        }
    }
}
