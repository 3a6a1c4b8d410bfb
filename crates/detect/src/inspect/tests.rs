use super::*;
use crate::finding::{DECISIVE, Kind};
use crate::fixture::{Scene, attached, html, plain};
use crate::verdict::{Class, Thresholds, judge};
use futures_util::FutureExt;
use mail::Message;
use mail::message::Budget;
use proptest::prelude::*;

fn inspect(detector: &Detector, raw: Vec<u8>) -> Inspected {
    let scene = Scene::default();
    let message = Message::parse(raw.into(), &Budget::default());
    let mail = Mail { peer: &scene.peer, envelope: &scene.envelope, message: &message, now_ms: scene.now_ms };
    detector.inspect(mail, &scene.auth, &scene.surroundings).now_or_never().expect("nothing to wait for")
}

fn eicar() -> Vec<u8> {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD", "-ANTIVIRUS-TEST-FILE!$H+H*"].concat().into_bytes()
}

#[test]
fn the_test_mails_get_their_classes() {
    let detector = Detector::built_in();
    let gtube = ["XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"].concat();
    for (raw, want, why) in [
        (attached("a.com", "application/octet-stream", &eicar()), Class::Malware, "EICAR wins over its blocked type"),
        (attached("a.vbs", "text/plain", b"MsgBox 1"), Class::BlockedType, "a blocked type"),
        (plain("", &gtube), Class::HighSpam, "GTUBE"),
    ] {
        let seen = inspect(&detector, raw);
        let verdict = judge(&seen.findings, seen.spam_log_odds, seen.phish_log_odds, seen.bcl, &Thresholds::default());
        assert_eq!(verdict.class, want, "{why}: {:?}", seen.findings);
        assert!(verdict.decided_by.is_some(), "{why}");
    }
}

#[test]
fn every_step_is_timed_and_engines_come_first() {
    let seen = inspect(&Detector::built_in(), attached("a.exe", "application/octet-stream", &eicar()));
    assert_eq!(seen.findings[0].check, "malware.signature");
    let mut steps: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
    steps.extend(["classify", "signatures"]);
    assert_eq!(seen.micros.iter().map(|(name, _)| *name).collect::<Vec<_>>(), steps);
}

#[test]
fn checks_can_be_left_out_and_must_exist() {
    let off = |check: &str| Detector::new(&DetectSettings { checks_off: vec![check.to_string()], ..DetectSettings::default() });
    let form = html("", "<p>Please tell us what you think</p><form action=\"https://a.example/\"></form>");
    let seen = |detector: &Detector| inspect(detector, form.clone()).findings.iter().any(|finding| finding.check == "content.html.form");
    assert!(seen(&Detector::built_in()));
    assert!(!seen(&off("content.html.form").expect("a check")));
    assert!(matches!(off("content.html.from"), Err(DetectError::UnknownCheck { .. })));
}

#[test]
fn the_weightiest_findings_stay_in_their_order() {
    let weights: Vec<f32> = (0..200).map(|at| if at % 50 == 7 { DECISIVE } else { (at % 10) as f32 }).collect();
    let kept = weightiest(weights.iter().map(|weight| Finding::new("link.data", Kind::Spam, *weight, "")).collect());
    assert_eq!(kept.len(), FINDINGS_MAX);
    assert_eq!(kept.iter().filter(|finding| finding.weight == DECISIVE).count(), 4);
    assert!(kept.iter().all(|finding| finding.weight >= 6.0));
    assert_eq!(weightiest(vec![Finding::new("link.data", Kind::Spam, f32::NAN, "")]).len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_header_or_text_stops_an_inspection(header in "[ -~\u{200b}\u{202e}äж中]{0,60}", text in "(<a href=\"[ -~ж]{0,30}\">[ -~中\u{200b}]{0,30}</a>|.){0,20}") {
        let raw = html(&format!("From: {header}\r\nReply-To: {header}\r\nPrecedence: {header}\r\n"), &text);
        for finding in Scene::default().look(&raw) {
            prop_assert!(!finding.evidence.chars().any(char::is_control));
            prop_assert!(finding.weight.is_finite());
        }
    }

    #[test]
    fn no_attachment_stops_an_inspection(start in prop::sample::select(vec!["%PDF-1.7\n1 0 obj<</FlateDecode>>stream\n", "PK\u{3}\u{4}", "{\\rt", "MZ", "<html>"]), rest in prop::collection::vec(any::<u8>(), 0..400), name in "[a-zA-Z.\u{202e} ]{0,20}") {
        let mut content = start.as_bytes().to_vec();
        content.extend(rest);
        Scene::default().look(&attached(&name, "application/octet-stream", &content));
    }
}
