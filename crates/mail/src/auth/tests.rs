//! Whole mails through [`authenticate`], and the field we write about them.

use super::*;
use crate::dns::{Record, Zone};
use crate::envelope::{BodyType, Envelope, Peer};
use crate::message::{Budget, Message};
use crate::{Address, Mail};
use std::collections::HashSet;

const NOW_MS: i64 = 1_700_000_000_000;
const ATTACKER_IP: &str = "203.0.113.66";
const VICTIM_IP: &str = "192.0.2.1";

fn settings() -> AuthSettings {
    AuthSettings {
        authserv_id: "mx.gate.example".into(),
        trusted_sealers: vec!["lists.example".into()],
        dkim_signatures_max: 10,
        dns_lookups_max: 60,
        own_domains: std::sync::Arc::new(HashSet::from(["own.example".to_string()])),
    }
}

fn peer(ip: &str, helo: &str) -> Peer {
    let at = Peer::at(ip.parse().expect("an address"));
    Peer { local: ([192, 0, 2, 250], 25).into(), helo: helo.into(), ..at }
}

fn envelope(sender: Option<&str>) -> Envelope {
    Envelope {
        sender: sender.map(|text| Address::parse(text).expect("an address")),
        recipients: Vec::new(),
        smtputf8: false,
        body: BodyType::default(),
        require_tls: false,
        ret: None,
        envid: None,
    }
}

struct Sent<'a> {
    ip: &'a str,
    helo: &'a str,
    sender: Option<&'a str>,
    raw: &'a [u8],
}

fn results(sent: &Sent<'_>, zone: &Zone) -> (AuthResults, String) {
    let message = Message::parse(bytes::Bytes::copy_from_slice(sent.raw), &Budget::default());
    let (peer, envelope) = (peer(sent.ip, sent.helo), envelope(sent.sender));
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: NOW_MS };
    let settings = settings();
    let results = futures_util::FutureExt::now_or_never(authenticate(mail, zone, &settings)).expect("a fixed zone answers at once");
    let field = authentication_results(&results, &settings, mail);
    (results, field)
}

/// A victim that asks for reject, an attacker with everything in order, and a key of the attacker.
fn world() -> (Zone, Signer) {
    let key = NewKey::generate(KeyKind::Ed25519).expect("a key");
    let signer = Signer::new("attacker.example", "s1", &key.private_pem).expect("a signer");
    let mut zone = Zone::new();
    zone.txt("victim.example", &format!("v=spf1 ip4:{VICTIM_IP} -all"))
        .txt("_dmarc.victim.example", "v=DMARC1; p=reject; aspf=r; adkim=r")
        .txt("attacker.example", "v=spf1 +all")
        .txt("a.attacker.example", "v=spf1 +all")
        .txt("any.attacker.example", "v=spf1 +all")
        .txt("_dmarc.attacker.example", "v=DMARC1; p=none")
        .txt("s1._domainkey.attacker.example", &key.record);
    (zone, signer)
}

/// The 19 compositions of espoofer against a server: none may pass DMARC for the victim.
#[test]
fn espoofer_compositions_never_pass_for_the_victim() {
    let (zone, signer) = world();
    let plain = "From: <admin@victim.example>\r\n";
    let long = "x".repeat(300);
    let evil = Some("any@attacker.example");
    let cases: Vec<(&str, Option<&str>, String)> = vec![
        ("A1", Some("any@mailfrom.notexist.victim.example"), plain.into()),
        ("A2: the gate refuses the path; at worst it is empty", None, plain.into()),
        (
            "A3",
            evil,
            format!(
                "DKIM-Signature: v=1; a=rsa-sha256; d=victim.example; s=s1._domainkey.attacker.example.\0.any; h=From; bh=YQ==; b=YQ==\r\n{plain}"
            ),
        ),
        (
            "A4",
            evil,
            format!("DKIM-Signature: v=1; a=rsa-sha256; d=victim.example(.attacker.example; s=s1; h=From; bh=YQ==; b=YQ==\r\n{plain}"),
        ),
        (
            "A4 with quotes",
            evil,
            format!("DKIM-Signature: v=1; a=rsa-sha256; d=victim.example\"a.attacker.example; s=s1; h=From; bh=YQ==; b=YQ==\r\n{plain}"),
        ),
        ("A5: the gate refuses the path", Some("any@a.attacker.example"), plain.into()),
        ("A6", Some("\"any@victim.example'\"@any.attacker.example"), plain.into()),
        ("A7: the gate drops the route", Some("any@attacker.example"), plain.into()),
        ("A8", evil, format!("From: <any@attacker.example>\r\n{plain}")),
        ("A8 turned", evil, format!("{plain}From: <any@attacker.example>\r\n")),
        ("A9", evil, format!(" From: <any@attacker.example>\r\n{plain}")),
        ("A10", evil, format!("From : <any@attacker.example>\r\n{plain}")),
        ("A11", evil, format!("From\r\n : <any@attacker.example>\r\n{plain}")),
        ("A12", evil, "From: <any@attacker.example\r\nSender: <admin@victim.example>\r\n".into()),
        ("A13", evil, "From: <any@attacker.example\r\nResent-From: <admin@victim.example>\r\n".into()),
        ("A14", evil, "From: <any@attacker.example>, <admin@victim.example>\r\n".into()),
        ("A14 turned", evil, "From: <admin@victim.example>, <any@attacker.example>\r\n".into()),
        ("A15", evil, "From: =?utf-8?B?PGFkbWluQHZpY3RpbS5leGFtcGxlPg==?= <any@attacker.example>\r\n".into()),
        ("A16", evil, "From: <@attacker.example,@any.example:admin@victim.example>\r\n".into()),
        ("A17", evil, "From: <any@attacker.example>\\,<admin@victim.example>\r\n".into()),
        ("A18", evil, "From: admin@victim.example,<any@attacker.example>\r\n".into()),
        ("A19", evil, "From: <any@attacker.example>admin@victim.example\r\n".into()),
        ("long", evil, format!("From: \"{long}\" <admin@victim.example>\r\n")),
    ];
    for (name, sender, head) in cases {
        let bare = format!(
            "{head}To: <bo@own.example>\r\nSubject: hello\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@x>\r\n\r\nhello\r\n"
        );
        for raw in [bare.clone(), signer.sign(bare.as_bytes()) + &bare] {
            let sent = Sent { ip: ATTACKER_IP, helo: "attacker.example", sender, raw: raw.as_bytes() };
            let (results, field) = results(&sent, &zone);
            let for_victim = results.dmarc.domain == "victim.example" || results.dmarc.domain.is_empty();
            assert!(!(for_victim && results.dmarc.result == DmarcResult::Pass), "{name}: {results:#?}");
            let passes_as_victim = field.contains("dmarc=pass") && field.contains("header.from=victim.example");
            assert!(!passes_as_victim, "{name}: {field}");
            assert!(results.dkim.iter().all(|dkim| dkim.result != DkimResult::Pass || dkim.domain == "attacker.example"), "{name}");
            assert!(field.split("\r\n").all(|line| line.len() < 998) && !field.contains('\0'), "{name}: {field}");
        }
    }
}

#[test]
fn honest_mail_passes() {
    let (mut zone, signer) = world();
    zone.txt("_dmarc.attacker.example", "unrelated"); // other text at the name does not hurt
    let bare = "From: Any <any@attacker.example>\r\nTo: <bo@own.example>\r\nSubject: hello\r\n\r\nhello\r\n";
    let signed = signer.sign(bare.as_bytes()) + bare;
    for (sender, raw, reason) in [
        (Some("any@attacker.example"), bare.to_string(), 102),
        (Some("any@victim.example"), signed.clone(), 101),
        (Some("any@attacker.example"), signed.clone(), 100),
        (None, signed, 100),
    ] {
        let (results, field) = results(&Sent { ip: ATTACKER_IP, helo: "attacker.example", sender, raw: raw.as_bytes() }, &zone);
        assert_eq!((results.dmarc.result, results.composite.reason), (DmarcResult::Pass, reason), "{results:#?}");
        assert!(field.contains("dmarc=pass policy.action=none header.from=attacker.example"), "{field}");
        assert!(field.ends_with(&format!("compauth=pass reason={reason}\r\n")), "{field}");
    }
}

#[test]
fn what_was_signed_cannot_be_added_to() {
    let (zone, signer) = world();
    let bare = "From: Any <any@attacker.example>\r\nTo: <bo@own.example>\r\nSubject: hello\r\n\r\nhello\r\n";
    let signed = signer.sign(bare.as_bytes()) + bare;
    let pass = DkimResult::Pass;
    for (raw, want, why) in [
        (signed.clone(), pass, "as signed"),
        (format!("X-Added: 1\r\n{signed}"), pass, "a field that is not signed"),
        (signed.replace("Subject: hello", "Subject:  hello \t"), pass, "white space"),
        (signed.replace("\r\n", "\n"), pass, "a file on disk"),
        (format!("{signed} \t\r\n\r\n \r\n"), pass, "blank lines at the end"),
        (format!("Subject: other\r\n{signed}"), DkimResult::Fail, "an oversigned field added"),
        (format!("From: <admin@victim.example>\r\n{signed}"), DkimResult::Fail, "a second From"),
        (format!("{signed}more\r\n"), DkimResult::Fail, "text added"),
        (signed.replace("hello\r\n\r\nhello", "hello\r\n\r\nHello"), DkimResult::Fail, "text changed"),
    ] {
        let (results, _) = results(&Sent { ip: ATTACKER_IP, helo: "h.example", sender: None, raw: raw.as_bytes() }, &zone);
        assert_eq!(results.dkim[0].result, want, "{why}: {results:#?}");
    }
}

#[test]
fn dmarc_policy_is_found_and_sampled() {
    let raw = |from: &str| format!("From: <x@{from}>\r\nMessage-ID: <sampled@x>\r\n\r\nhello\r\n");
    let cases: [(&str, &str, &str, DmarcResult, DmarcPolicy, u16); 10] = [
        ("a.example", "v=DMARC1; p=reject", "a.example", DmarcResult::Fail, DmarcPolicy::Reject, 0),
        ("sub.a.example", "v=DMARC1; p=reject; sp=quarantine", "a.example", DmarcResult::Fail, DmarcPolicy::Quarantine, 0),
        ("sub.a.example", "v=DMARC1; p=reject", "a.example", DmarcResult::Fail, DmarcPolicy::Reject, 0),
        ("a.example", "v=DMARC1; p=reject; pct=0", "a.example", DmarcResult::Fail, DmarcPolicy::Quarantine, 0),
        ("a.example", "v=DMARC1; p=quarantine; pct=0", "a.example", DmarcResult::Fail, DmarcPolicy::None, 0),
        ("a.example", "v=DMARC1; p=none", "a.example", DmarcResult::Fail, DmarcPolicy::None, 1),
        ("a.example", "v=dmarc1; p=reject", "a.example", DmarcResult::None, DmarcPolicy::None, 1),
        ("a.example", "v=DMARC1; p=bogus; rua=mailto:r@a.example", "a.example", DmarcResult::Fail, DmarcPolicy::None, 1),
        ("a.example", "v=DMARC1; p=bogus", "a.example", DmarcResult::None, DmarcPolicy::None, 1),
        ("own.example", "v=DMARC1; p=reject", "own.example", DmarcResult::Fail, DmarcPolicy::Reject, 10),
    ];
    for (from, record, at, result, policy, reason) in cases {
        let mut zone = Zone::new();
        zone.txt(&format!("_dmarc.{at}"), record);
        let (results, _) = results(&Sent { ip: ATTACKER_IP, helo: "h.example", sender: None, raw: raw(from).as_bytes() }, &zone);
        assert_eq!((results.dmarc.result, results.dmarc.policy), (result, policy), "{from}: {record}: {results:#?}");
        assert_eq!(results.composite.reason, reason, "{from}: {record}");
    }
}

#[test]
fn two_records_are_none_and_no_answer_is_temporary() {
    let raw = b"From: <x@a.example>\r\n\r\nhello\r\n";
    let sent = Sent { ip: ATTACKER_IP, helo: "h.example", sender: Some("x@a.example"), raw };
    let mut zone = Zone::new();
    zone.txt("_dmarc.a.example", "v=DMARC1; p=reject").txt("_dmarc.a.example", "v=DMARC1; p=none");
    assert_eq!(results(&sent, &zone).0.dmarc.result, DmarcResult::None);
    let mut zone = Zone::new();
    zone.fails("_dmarc.a.example", RecordType::Txt).fails("a.example", RecordType::Txt);
    let (results, field) = results(&sent, &zone);
    assert_eq!((results.spf.result, results.dmarc.result), (SpfResult::TempError, DmarcResult::TempError));
    assert_eq!((results.composite.result, results.composite.reason), (CompositeResult::None, 300));
    assert!(field.contains("spf=temperror") && field.contains("dmarc=temperror policy.action=temperror"), "{field}");
}

#[test]
fn without_a_record_an_aligned_mail_is_a_best_guess() {
    let mut zone = Zone::new();
    zone.txt("a.example", "v=spf1 ip4:203.0.113.0/24 -all");
    let raw = b"From: <x@mail.a.example>\r\n\r\nhello\r\n";
    let (results, field) = results(&Sent { ip: ATTACKER_IP, helo: "h.example", sender: Some("x@a.example"), raw }, &zone);
    assert_eq!((results.dmarc.result, results.composite.reason), (DmarcResult::BestGuessPass, 109));
    assert!(field.contains("dmarc=bestguesspass policy.action=none"), "{field}");
}

#[test]
fn a_mail_cannot_spend_more_questions_than_the_limit() {
    let mut head = String::new();
    for number in 0..40 {
        head += &format!("DKIM-Signature: v=1; a=rsa-sha256; d=d{number}.example; s=s; h=From; bh=YQ==; b=YQ==\r\n");
    }
    let raw = head + "From: <x@a.example>\r\n\r\nhello\r\n";
    let (results, field) = results(&Sent { ip: ATTACKER_IP, helo: "h.example", sender: None, raw: raw.as_bytes() }, &Zone::new());
    assert_eq!(results.dkim.len(), 10, "RFC 6376 §8.4");
    assert!(results.dns_lookups <= 13, "ten keys, one SPF, two DMARC: {}", results.dns_lookups);
    assert!(field.split("\r\n").all(|line| line.len() < 998));
}

#[test]
fn signatures_we_do_not_take_are_policy() {
    let key = NewKey::generate(KeyKind::Ed25519).expect("a key");
    let mut zone = Zone::new();
    zone.txt("s1._domainkey.a.example", &key.record);
    let bare = "From: <x@a.example>\r\nSubject: one\r\n\r\nhello\r\n";
    for (tags, body, extra, want) in [
        ("", "hello\r\n", "", DkimResult::Pass),
        (" l=7;", "hello\r\n", "", DkimResult::Pass),
        (" l=7;", "hello\r\nand more\r\n", "", DkimResult::Policy),
        (" l=9;", "hello\r\n", "", DkimResult::PermError),
        (" t=1600000000; x=1600000060;", "hello\r\n", "", DkimResult::Fail),
        (" t=1600000060; x=1600000000;", "hello\r\n", "", DkimResult::PermError),
        (" i=@b.example;", "hello\r\n", "", DkimResult::PermError),
        ("", "hello\r\n", "Subject: two\r\n", DkimResult::Policy),
        ("", "hello\r\n", "From: <admin@victim.example>\r\n", DkimResult::Policy),
    ] {
        let signature = sign::tests_only_field(&key.private_pem, tags, bare.as_bytes());
        let raw = format!("{extra}{signature}{}", bare.replace("hello\r\n", body));
        let (results, _) = results(&Sent { ip: ATTACKER_IP, helo: "h.example", sender: None, raw: raw.as_bytes() }, &zone);
        assert_eq!(results.dkim[0].result, want, "{tags} {body:?} {extra}: {results:#?}");
        assert_ne!((want == DkimResult::Pass, results.dmarc.result), (false, DmarcResult::BestGuessPass));
    }
}

#[test]
fn rsa_signatures_hold_and_short_keys_are_refused() {
    let key = NewKey::generate(KeyKind::Rsa2048).expect("a key");
    let signer = Signer::new("A.example", "s1", &key.private_pem).expect("a signer");
    assert_eq!(signer.record().expect("a record"), key.record);
    let mut zone = Zone::new();
    zone.txt("s1._domainkey.a.example", &key.record);
    let bare = "From: <x@a.example>\r\nTo: <y@b.example>\r\nSubject: one\r\n\r\nhello\r\n";
    let field = signer.sign_at(bare.as_bytes(), NOW_MS);
    assert!(field.split("\r\n").all(|line| line.len() <= 100) && !field.contains(" l="), "{field}");
    let raw = field + bare;
    let (results, _) = results(&Sent { ip: ATTACKER_IP, helo: "h.example", sender: None, raw: raw.as_bytes() }, &zone);
    assert_eq!(results.dkim[0].result, DkimResult::Pass, "{results:#?}");
    assert!(matches!(Signer::new("a.example", "s\0", &key.private_pem), Err(KeyError::BadName(_))));
    assert!(matches!(Signer::new("a.example", "s", "no key"), Err(KeyError::NotPem)));
}

#[test]
fn a_trusted_sealer_counts_and_others_do_not() {
    let key = NewKey::generate(KeyKind::Rsa2048).expect("a key");
    let bare = "Authentication-Results: relay.example; spf=pass smtp.mailfrom=victim.example;\r\n\tdmarc=pass header.from=victim.example\r\nFrom: <admin@victim.example>\r\nSubject: one\r\n\r\nhello\r\n";
    for (sealer, reason) in [("lists.example", 130), ("evil.example", 0)] {
        let (mut zone, _) = world();
        zone.txt(&format!("s1._domainkey.{sealer}"), &key.record);
        let arc = Arc { result: DkimResult::None, instances: 0, sealer: None, trusted: false, why: String::new() };
        let set = Sealer::new(sealer, "s1", &key.private_pem, "relay.example").expect("a sealer").seal(bare.as_bytes(), &arc, NOW_MS);
        let raw = set.expect("a set") + bare;
        let sent = Sent { ip: ATTACKER_IP, helo: "h.example", sender: Some("any@attacker.example"), raw: raw.as_bytes() };
        let (results, field) = results(&sent, &zone);
        assert_eq!((results.arc.result, results.composite.reason), (DkimResult::Pass, reason), "{results:#?}");
        assert_eq!(results.dmarc.result, DmarcResult::Fail);
        assert!(field.contains(&format!("arc=pass (i=1) header.d={sealer}")), "{field}");
    }
}

#[test]
fn fields_that_claim_to_be_ours_are_found() {
    for (value, is_ours) in [
        (" mx.gate.example; dmarc=pass", true),
        (" MX.Gate.Example; dmarc=pass", true),
        ("\r\n\t(hi (there)) mx.gate.example (x) 1; dmarc=pass", true),
        (" \"mx.gate.example\"; dmarc=pass", true),
        (" \"mx.gate\\.example\" 1; dmarc=pass", true),
        (" mx.gate.example/1; none", true),
        (" mx.gate.example", true),
        (" mx.gate.example.evil.example; dmarc=pass", false),
        (" other.example; x=mx.gate.example", false),
        (" (mx.gate.example) other.example; none", false),
        ("", false),
    ] {
        let fields: [(&[u8], &[u8]); 2] = [(b"Subject", b" mx.gate.example; x"), (b"AUTHENTICATION-results", value.as_bytes())];
        let wanted: &[usize] = if is_ours { &[1] } else { &[] };
        assert_eq!(strip_ours(fields.into_iter(), "mx.gate.example"), wanted, "{value:?}");
    }
}

#[test]
fn a_verified_name_of_the_host_is_a_soft_pass() {
    let mut zone = Zone::new();
    zone.add("host.a.example", Record::A(ATTACKER_IP.parse().expect("an address")));
    let message = Message::parse(bytes::Bytes::from_static(b"From: <x@a.example>\r\n\r\nhello\r\n"), &Budget::default());
    let mut peer = peer(ATTACKER_IP, "host.a.example");
    peer.reverse = crate::envelope::Reverse::Confirmed("host.a.example".into());
    let (envelope, settings) = (envelope(None), settings());
    let mail = Mail { peer: &peer, envelope: &envelope, message: &message, now_ms: NOW_MS };
    let results = futures_util::FutureExt::now_or_never(authenticate(mail, &zone, &settings)).expect("at once");
    assert_eq!((results.composite.result, results.composite.reason), (CompositeResult::SoftPass, 202));
}
