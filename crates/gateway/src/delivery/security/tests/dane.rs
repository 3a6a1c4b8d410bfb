//! DANE against a signed lab zone.

use super::lab::{Lab, Signed, ZoneText};
use super::*;
use crate::delivery::certificate;
use crate::delivery::security::proven::{ProvenDns, UnprovenError};
use aws_lc_rs::digest::{SHA256, digest};
use mail::dns::RecordType;
use std::sync::Arc;
use testkit::postgres::sqlite;
use testkit::sink::Fault;

const DOMAIN: &str = "shop.test";
const HOST: &str = "mx.shop.test";

fn key_digest(sink: &Sink) -> Vec<u8> {
    digest(&SHA256, certificate::public_key(&sink.certificate).expect("a key")).as_ref().to_vec()
}

/// One case: a server, the zone for it, what becomes of a mail.
struct Case {
    why: &'static str,
    sink: SinkSettings,
    signed: Signed,
    zone: fn(ZoneText, &[u8]) -> ZoneText,
    extras: EnvelopeExtras,
    state: &'static str,
    /// In the reply or as the policy of the attempt.
    says: &'static str,
    may_be_clear: bool,
}

fn case(why: &'static str, sink: SinkSettings, zone: fn(ZoneText, &[u8]) -> ZoneText, state: &'static str, says: &'static str) -> Case {
    Case { why, sink, signed: Signed::Well, zone, extras: EnvelopeExtras::default(), state, says, may_be_clear: false }
}

fn good(zone: ZoneText, digest: &[u8]) -> ZoneText {
    zone.tlsa(HOST, (3, 1, 1), digest)
}

fn mismatch(zone: ZoneText, _: &[u8]) -> ZoneText {
    zone.tlsa(HOST, (3, 1, 1), &[7; 32])
}

fn cases() -> Vec<Case> {
    let expired = || SinkSettings { expired: true, ..speaking_tls("anything.test") };
    let waived = EnvelopeExtras { tls_optional: true, ..EnvelopeExtras::default() };
    vec![
        case("a record that fits, whatever name and age of the certificate", expired(), good, "delivered", "DANE"),
        case("a record that fits none", speaking_tls(HOST), mismatch, "queued", "fits none of the TLSA records"),
        case(
            "one that fits beside one that does not",
            speaking_tls(HOST),
            |zone, digest| good(mismatch(zone, digest), digest),
            "delivered",
            "DANE",
        ),
        case("STARTTLS was stripped", SinkSettings::default(), good, "queued", "TLS is required here"),
        case("the handshake is dropped", SinkSettings { fault: Fault::DropTls, ..speaking_tls(HOST) }, good, "queued", "4.7.5"),
        case(
            "none can be used: any certificate",
            speaking_tls("x.test"),
            |zone, _| zone.tlsa(HOST, (0, 0, 1), &[7; 32]),
            "delivered",
            "without a usable",
        ),
        case(
            "none can be used, and no TLS",
            SinkSettings::default(),
            |zone, _| zone.tlsa(HOST, (1, 0, 1), &[7; 32]),
            "queued",
            "TLS is required",
        ),
        case(
            "a record that nobody signed",
            speaking_tls(HOST),
            |zone, digest| zone.forged_tlsa(HOST, (3, 1, 1), digest),
            "queued",
            "DNSSEC",
        ),
        Case { signed: Signed::Wrongly, ..case("a zone signed by a stranger", speaking_tls(HOST), good, "queued", "DNSSEC") },
        Case { signed: Signed::Past, ..case("signatures past their end", speaking_tls(HOST), good, "queued", "DNSSEC") },
        Case {
            signed: Signed::Not,
            may_be_clear: true,
            ..case("a zone that is not signed", SinkSettings::default(), mismatch, "delivered", "")
        },
        case("no records", speaking_tls("x.test"), |zone, _| zone, "delivered", ""),
        Case {
            extras: waived,
            may_be_clear: true,
            ..case("the sender waives it", SinkSettings::default(), mismatch, "delivered", "TLS-Required: No")
        },
    ]
}

#[tokio::test]
async fn dane_is_kept_and_nothing_leaves_in_clear() {
    for case in cases() {
        let sink = Sink::start(case.sink).await;
        let zone = ZoneText::new("test", case.signed).mx(DOMAIN, HOST).here(HOST);
        let lab = Lab::start(vec![(case.zone)(zone, &key_digest(&sink))]).await;
        if case.signed == Signed::Past {
            tokio::time::sleep(std::time::Duration::from_millis(2_100)).await; // the end of a signature is counted in seconds
        }
        let security = Security { proven: Some(Arc::new(lab.validating())), ..at(&sink) };
        let setup = Setup::protected(Arc::new(lab.plain()), security, Vec::new());
        let database = sqlite();
        let gate = setup.open(&database).await;
        let came = send(&gate, DOMAIN, case.extras, case.state).await;
        let said = format!("{} / {}", came.reply, came.policy);
        assert!(said.contains(case.says) && came.state == case.state, "{}: {said}", case.why);
        assert_eq!(sink.count(), usize::from(case.state == "delivered"), "{}", case.why);
        if !case.may_be_clear {
            nothing_in_clear(&sink, case.why);
        }
        gate.close().await;
    }
}

#[tokio::test]
async fn answers_are_proven_or_not() {
    let zones = vec![
        ZoneText::new("good.test", Signed::Well)
            .mx("good.test", "mx.good.test")
            .here("mx.good.test")
            .alias("www.good.test", "mx.plain.test"),
        ZoneText::new("plain.test", Signed::Not).mx("plain.test", "mx.plain.test").here("mx.plain.test"),
        ZoneText::new("bad.test", Signed::Wrongly).mx("bad.test", "mx.bad.test"),
    ];
    let lab = Lab::start(zones).await;
    let dns = lab.validating();
    assert!(dns.is_able().await, "the root is signed");
    let good = dns.ask("good.test", RecordType::Mx).await.expect("an answer");
    assert!(good.is_secure && good.records.len() == 1, "{good:?}");
    let plain = dns.ask("plain.test", RecordType::Mx).await.expect("an answer");
    assert!(!plain.is_secure && plain.records.len() == 1, "{plain:?}");
    let alias = dns.ask("www.good.test", RecordType::A).await.expect("an answer");
    assert!(!alias.is_secure && alias.is_alias_secure && alias.name == "mx.plain.test", "{alias:?}");
    assert!(matches!(dns.ask("bad.test", RecordType::Mx).await, Err(UnprovenError::Bogus(_))));
    let none = dns.ask("_25._tcp.mx.good.test", RecordType::Tlsa).await.expect("proven not to be there");
    assert_eq!(none.records.len(), 0);
}
