//! There and back.

use super::*;
use crate::directory::{Domain, DomainSettings};
use bytes::Bytes;
use mail::{Envelope, Message};

const NOW_MS: i64 = 1_795_000_000_000;

fn paths() -> ReturnPaths {
    let seal = Arc::new(Seal::new(&[3; 32]).expect("a key"));
    ReturnPaths::new(seal, ReturnPathSettings { signed: vec!["signed.example".into()], ..ReturnPathSettings::default() })
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    for (name, org) in [("signed.example", 1), ("a.example", 1), ("other.example", 2)] {
        directory.domains.insert(name.into(), Domain { name: name.into(), org: OrgId(org), settings: DomainSettings::default() });
    }
    directory
}

fn address(text: &str) -> Address {
    Address::parse(text).expect(text)
}

fn out(sender: &str) -> Option<String> {
    paths().outgoing(&directory(), OrgId(1), sender, NOW_MS)
}

#[test]
fn what_is_sent_on_comes_back_to_who_sent_it() {
    let paths = paths();
    for sender in ["ann@far.example", "x=y@far.example", "Mixed.Case@far.example", "a+b@far.example"] {
        let there = out(sender).expect(sender);
        assert!(there.starts_with("SRS0=") && there.ends_with("@a.example"), "{there}");
        assert_eq!(paths.read(&address(&there), NOW_MS), Returned::Forwarded(address(sender)), "{there}");
        let lower = there.to_ascii_lowercase();
        assert!(matches!(paths.read(&address(&lower), NOW_MS), Returned::Forwarded(_)), "in lower case");
        for (days, want) in [(FORWARDED_DAYS, true), (FORWARDED_DAYS + 1, false), (-1, false)] {
            let then = paths.read(&address(&there), NOW_MS + days * DAY_MS);
            assert_eq!(matches!(then, Returned::Forwarded(_)), want, "after {days} days");
        }
    }
}

#[test]
fn what_was_sent_on_before_leads_to_the_first_who_did() {
    let paths = paths();
    for (sender, first) in [
        ("SRS0=HHH=TT=orig.example=ann@fwd.example", "SRS0=HHH=TT=orig.example=ann@fwd.example"),
        ("SRS1=XXX=fwd.example==HHH=TT=o.example=ann@two.example", "SRS0=HHH=TT=o.example=ann@fwd.example"),
    ] {
        let there = out(sender).expect(sender);
        assert!(there.starts_with("SRS1=") && there.ends_with("@a.example"), "{there}");
        assert_eq!(paths.read(&address(&there), NOW_MS), Returned::Forwarded(address(first)), "{there}");
        assert_eq!(paths.read(&address(&there), NOW_MS + 90 * DAY_MS), Returned::Forged, "keys change");
    }
}

#[test]
fn nothing_is_sent_on_that_was_not_signed_here() {
    let paths = paths();
    let real = out("ann@far.example").expect("a sender");
    let other = ReturnPaths::new(Arc::new(Seal::new(&[4; 32]).expect("a key")), ReturnPathSettings::default());
    for (text, want) in [
        (real.replace("ann", "bob"), Returned::Forged),
        (real.replace("far.example", "for.example"), Returned::Forged),
        ("SRS0=AAAAAA=AA=far.example=ann@a.example".into(), Returned::Forged),
        ("SRS0=x@a.example".into(), Returned::Forged),
        ("SRS1=AAAAAA=far.example==x@a.example".into(), Returned::Forged),
        ("prvs=1234AAAAAA=ann@signed.example".into(), Returned::Forged),
        ("prvs=1234AAAAAA=ann@a.example".into(), Returned::Plain),
        ("srs@a.example".into(), Returned::Plain),
        ("ann@a.example".into(), Returned::Plain),
    ] {
        assert_eq!(paths.read(&address(&text), NOW_MS), want, "{text}");
    }
    assert_eq!(other.read(&address(&real), NOW_MS), Returned::Forged, "another installation's key");
}

#[test]
fn senders_of_ours_are_signed_where_that_is_switched_on() {
    let paths = paths();
    let there = out("ann@signed.example").expect("signed");
    assert!(there.starts_with("prvs=") && there.ends_with("=ann@signed.example"), "{there}");
    for (days, want) in [(0, true), (SIGNED_DAYS, true), (SIGNED_DAYS + 1, false), (400, false)] {
        let found = paths.read(&address(&there), NOW_MS + days * DAY_MS);
        assert_eq!(found == Returned::Own(address("ann@signed.example")), want, "after {days} days");
    }
    for (sender, why) in [("", "the empty sender"), ("ann@a.example", "not switched on"), ("ann@other.example", "another organisation's")] {
        assert_eq!(out(sender), None, "{why}");
    }
    let long = format!("{}@signed.example", "x".repeat(60));
    assert_eq!(out(&long), None, "no room");
}

#[test]
fn bounces_of_mail_that_was_never_sent_are_refused_when_the_grace_is_over() {
    let (paths, since) = (paths(), NOW_MS);
    paths.since.lock().expect("fresh").insert("signed.example".into(), since);
    let bounce =
        "From: MAILER-DAEMON@x.example\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b--\r\n";
    let answer = "From: ann@x.example\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n";
    let later = since + 8 * DAY_MS;
    for (to, sender, text, now_ms, want, why) in [
        ("ann@signed.example", "", bounce, later, true, "a bounce without a signature"),
        ("ann@signed.example", "", bounce, since + DAY_MS, false, "within the grace"),
        ("ann@signed.example", "", answer, later, false, "an answer of a program"),
        ("ann@signed.example", "x@x.example", bounce, later, false, "it has a sender"),
        ("postmaster@signed.example", "", bounce, later, false, "postmaster"),
        ("ann@a.example", "", bounce, later, false, "a domain that does not sign"),
    ] {
        let mut envelope = Envelope::empty();
        envelope.sender = Address::parse(sender).ok();
        envelope.recipients.push(mail::envelope::EnvelopeRecipient { address: address(to), notify: Default::default(), orcpt: None });
        let message = Message::parse(Bytes::from(text), &Default::default());
        assert_eq!(paths.refuses(&message, &envelope, now_ms).is_some(), want, "{why}");
    }
}
