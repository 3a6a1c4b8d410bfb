//! Validation of connectors against next hops with faults.

use crate::delivery::validate::{StepResult, Validation, What, Wish, may_connect_to, validate};
use crate::delivery::{Courier, Timeouts, Tls};
use crate::directory::{ConnectorKind, ConnectorSettings, Protocol, TlsLevel};
use mail::dns::Zone;
use std::sync::Arc;
use testkit::sink::{Fault, Sink, SinkSettings};

const NOW_MS: i64 = 1_795_521_600_000;

async fn run(sink: &Sink, change: impl FnOnce(&mut Wish)) -> Validation {
    let mut zone = Zone::new();
    zone.add("sink.example", mail::dns::Record::A([127, 0, 0, 1].into()));
    let courier = Courier {
        dns: Arc::new(zone),
        tls: Tls::new(std::slice::from_ref(&sink.certificate)).expect("roots"),
        hostname: "gate.example".into(),
        own_ports: Vec::new(),
        timeouts: Timeouts::default(),
        security: Default::default(),
        seal: None,
    };
    let mut wish = Wish {
        connector: ConnectorSettings {
            name: "c".into(),
            hosts: vec![format!("sink.example:{}", sink.address.port())],
            allow_private: true,
            ..ConnectorSettings::default()
        },
        recipient: mail::Address::parse("li@a.example").ok(),
        send: false,
        manners: None,
        subject: "测试".into(),
        text: ".\r\nline".into(),
        now_ms: NOW_MS,
    };
    change(&mut wish);
    validate(&courier, &wish).await
}

/// The last step of the first host: what, result, why.
fn last(done: &Validation) -> (What, StepResult, &str) {
    let step = done.hosts[0].steps.last().expect("a step");
    (step.what, step.result, step.why.as_str())
}

#[tokio::test]
async fn a_good_server_is_shown_whole_and_gets_the_test_mail() {
    let sink = Sink::start(SinkSettings { tls: true, ..SinkSettings::knowing("AUTH PLAIN") }).await;
    let done = run(&sink, |wish| {
        wish.send = true;
        wish.connector.tls = TlsLevel::Verified;
        (wish.connector.login, wish.connector.password) = ("me".into(), "top-secret".into());
    })
    .await;
    assert_eq!(done.result(), StepResult::Ok, "{done:#?}");
    let host = &done.hosts[0];
    let tls = host.tls.as_ref().expect("TLS");
    assert_eq!(tls.version, "TLSv1.3");
    assert_eq!(tls.chain[0].names, ["sink.example"]);
    assert_eq!(host.size_max, 10_000_000);
    let text: Vec<&str> = host.lines.iter().map(|line| line.text.as_str()).collect();
    assert!(text.contains(&"AUTH PLAIN ********") && text.contains(&"RCPT TO:<li@a.example>"), "{text:?}");
    assert!(!format!("{done:?}").contains("top-secret") && !format!("{done:?}").contains("dG9wLXNlY3JldA"), "secrets are masked");
    let taken = sink.taken();
    assert_eq!(taken.len(), 1, "one mail, although the host was tried before");
    let octets = String::from_utf8(taken[0].octets.clone()).expect("ASCII");
    assert!(octets.contains("To: <li@a.example>") && octets.contains("Subject: =?utf-8?B?5rWL6K+V?="), "{octets}");
    assert_eq!(done.sent.expect("a mail").steps.last().map(|step| (step.what, step.result)), Some((What::Mail, StepResult::Ok)));
}

#[tokio::test]
async fn every_fault_is_named_where_it_is() {
    use StepResult::{Advice, Ok as Good, Problem};
    let plain = SinkSettings::default;
    let secure = || SinkSettings { tls: true, ..SinkSettings::default() };
    let wrong_name = || SinkSettings { tls: true, tls_name: "other.example".into(), ..SinkSettings::default() };
    for (settings, level, want, why) in [
        (plain(), TlsLevel::Opportunistic, (What::Recipient, Good, "ok"), "no TLS is not needed"),
        (plain(), TlsLevel::Required, (What::Tls, Problem, "not-offered"), "no STARTTLS"),
        (secure(), TlsLevel::Required, (What::Recipient, Good, "ok"), "TLS"),
        (wrong_name(), TlsLevel::Verified, (What::Certificate, Problem, "name"), "a certificate for another name"),
        (wrong_name(), TlsLevel::Required, (What::Recipient, Good, "ok"), "which is not looked at"),
        (
            SinkSettings { tls: true, ..SinkSettings::with(Fault::DropTls) },
            TlsLevel::Required,
            (What::Tls, Problem, "handshake"),
            "drops TLS",
        ),
        (
            SinkSettings { tls: true, ..SinkSettings::with(Fault::InjectAfterStartTls) },
            TlsLevel::Required,
            (What::Tls, Problem, "injected"),
            "text before TLS",
        ),
        (SinkSettings::with(Fault::RefuseMail), TlsLevel::Off, (What::Sender, Problem, "refused"), "refuses the sender"),
        (SinkSettings { refuse: "li@".into(), ..plain() }, TlsLevel::Off, (What::Recipient, Problem, "refused"), "refuses the recipient"),
        (SinkSettings::with(Fault::TemporaryRcpt(1)), TlsLevel::Off, (What::Recipient, Problem, "greylists"), "greylisting"),
        (
            SinkSettings { replies: vec![("RCPT".into(), "452 4.2.2 mailbox full".into())], ..plain() },
            TlsLevel::Off,
            (What::Recipient, Problem, "later"),
            "a full mailbox",
        ),
        (SinkSettings::with(Fault::Busy), TlsLevel::Off, (What::Greeting, Problem, "refused"), "too busy"),
        (SinkSettings::with(Fault::Garbage), TlsLevel::Off, (What::Greeting, Problem, "no-smtp"), "no SMTP"),
        (SinkSettings::with(Fault::Stall("RCPT")), TlsLevel::Off, (What::Recipient, Problem, "no-answer"), "hangs"),
        (SinkSettings::with(Fault::EndlessLine), TlsLevel::Off, (What::Sender, Problem, "no-smtp"), "a line without end"),
        (SinkSettings { only_helo: true, ..plain() }, TlsLevel::Off, (What::Recipient, Good, "ok"), "an old server"),
    ] {
        let sink = Sink::start(settings).await;
        let done = run(&sink, |wish| wish.connector.tls = level).await;
        assert_eq!(last(&done), want, "{why}: {:#?}", done.hosts[0].steps);
        assert_eq!(done.hosts[0].is_ok(), want.1 == Good || want.1 == Advice, "{why}");
        assert!(sink.taken().is_empty(), "{why}: nothing was sent");
    }
}

#[tokio::test]
async fn manners_are_found_out_without_sending_mail() {
    use StepResult::{Advice, Ok as Good, Problem};
    let named = |done: &Validation| -> Vec<(What, StepResult, String)> {
        let is_manner = |what: What| matches!(what, What::Pace | What::Size | What::Relay | What::Anybody | What::Smuggling);
        done.hosts[0].steps.iter().filter(|step| is_manner(step.what)).map(|step| (step.what, step.result, step.why.clone())).collect()
    };
    let strict = || SinkSettings { refuse: "example.org".into(), ..SinkSettings::default() };
    for (settings, kind, want) in [
        (
            strict(),
            ConnectorKind::Server,
            [(What::Size, Advice, "less"), (What::Relay, Good, "ok"), (What::Anybody, Advice, "open"), (What::Smuggling, Good, "ok")],
        ),
        (
            SinkSettings::default(),
            ConnectorKind::Server,
            [(What::Size, Advice, "less"), (What::Relay, Advice, "open"), (What::Anybody, Advice, "open"), (What::Smuggling, Good, "ok")],
        ),
        (
            SinkSettings::lacking("SIZE"),
            ConnectorKind::Outbound,
            [(What::Size, Good, "unnamed"), (What::Relay, Good, "wanted"), (What::Anybody, Advice, "open"), (What::Smuggling, Good, "ok")],
        ),
        (
            SinkSettings { refuse: "nobody".into(), ..SinkSettings::default() },
            ConnectorKind::Outbound,
            [(What::Size, Advice, "less"), (What::Relay, Good, "wanted"), (What::Anybody, Good, "ok"), (What::Smuggling, Good, "ok")],
        ),
        (
            SinkSettings { ends_at_lf: true, ..strict() },
            ConnectorKind::Outbound,
            [
                (What::Size, Advice, "less"),
                (What::Relay, Advice, "refused"),
                (What::Anybody, Advice, "open"),
                (What::Smuggling, Problem, "open"),
            ],
        ),
    ] {
        let is_careless = settings.ends_at_lf;
        let sink = Sink::start(settings).await;
        let done = run(&sink, |wish| (wish.manners, wish.connector.kind) = (Some(20_000_000), kind)).await;
        let want = want.map(|(what, result, why)| (what, result, why.to_string()));
        assert_eq!(named(&done)[1..], want, "{:#?}", done.hosts[0].steps);
        assert_eq!(named(&done)[0], (What::Pace, Good, "ok".into()));
        assert_eq!(sink.taken().len(), usize::from(is_careless), "only who takes a false end takes the mail");
    }
}

#[tokio::test]
async fn protocol_pin_and_login_are_checked() {
    let sink = Sink::start(SinkSettings { tls: true, ..SinkSettings::default() }).await;
    let done = run(&sink, |wish| wish.connector.pin = "00".repeat(32)).await;
    assert_eq!(last(&done), (What::Certificate, StepResult::Problem, "pin"));
    let pin = crate::delivery::certificate::fingerprint(&sink.certificate);
    let done = run(&sink, |wish| wish.connector.pin = pin).await;
    assert_eq!(last(&done), (What::Recipient, StepResult::Ok, "ok"));
    let done = run(&sink, |wish| wish.connector.login = "me".into()).await;
    assert_eq!(last(&done), (What::Login, StepResult::Problem, "not-offered"));
    let done = run(&sink, |wish| wish.connector.protocol = Protocol::Lmtp).await;
    assert_eq!(last(&done), (What::Hello, StepResult::Problem, "no-lmtp"));
}

#[tokio::test]
async fn nobody_scans_a_network_with_it() {
    let sink = Sink::start(SinkSettings::default()).await;
    let done = run(&sink, |wish| wish.connector.allow_private = false).await;
    assert!(done.hosts.is_empty() && done.no_host.contains("private"), "{done:?}");
    assert_eq!(sink.connections(), 0);
    let with =
        |hosts: &[&str]| ConnectorSettings { hosts: hosts.iter().map(|host| host.to_string()).collect(), ..ConnectorSettings::default() };
    for (draft, saved, want) in [
        (with(&["a.example"]), None, true),
        (with(&["a.example:587", "[2001:db8::1]:2525"]), None, true),
        (with(&["a.example:22"]), None, false),
        (with(&["a.example:25", "a.example:6379"]), None, false),
        (with(&["b.example:10025"]), Some(with(&["a.example:10025"])), true),
        (with(&["b.example:10026"]), Some(with(&["a.example:10025"])), false),
    ] {
        assert_eq!(may_connect_to(&draft, saved.as_ref()), want, "{:?}", draft.hosts);
    }
}
