use super::*;
use ConditionKind as Kind;

const PLAIN: &str = "From: Ann <ann@partner.example>\nTo: Li <li@demo.example>\nCc: bo@demo.example\nSubject: Your invoice 2026-117\nX-Priority: 1\n\
X-Team: sales, north\nList-Id: <l.partner.example>\nContent-Type: text/plain; charset=utf-8\n\nPlease pay 4711 EUR. 请尽快付款，谢谢。\n";

const PARTS: &str = "From: ann@partner.example\nTo: li@demo.example\nSubject: files\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n\
--b\nContent-Type: text/plain\n\nsee below\n--b\nContent-Type: application/octet-stream; name=\"report.PDF.exe\"\n\
Content-Disposition: attachment; filename=\"report.PDF.exe\"\nContent-Transfer-Encoding: base64\n\nTVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAAA\n--b\n\
Content-Type: text/plain; name=\"plan.txt\"\nContent-Disposition: attachment; filename=\"plan.txt\"\n\nproject nightingale\n--b--\n";

/// Every kind: something that matches, something that does not.
#[tokio::test]
async fn each_condition_holds_and_does_not_hold() {
    let header = |kind, name: &str, value: &str| Condition { header: name.into(), ..condition(kind, &[value]) };
    for (text, wanted, yes, no) in [
        (PLAIN, Kind::Sender, &["x@y.example", "ANN@partner.example"][..], &["ann@other.example"][..]),
        (PLAIN, Kind::SenderDomain, &["partner.example"], &["artner.example", "mail.partner.example"]),
        (PLAIN, Kind::SenderScope, &["outside"], &["inside"]),
        (PLAIN, Kind::SenderWords, &["ann"], &["an"]),
        (PLAIN, Kind::SenderPatterns, &["^a.n@"], &["^b"]),
        (PLAIN, Kind::SenderIp, &["10.0.0.1", "192.0.2.0/28"], &["192.0.2.10"]),
        (PLAIN, Kind::Recipient, &["Li@demo.example"], &["bo@demo.example"]),
        (PLAIN, Kind::RecipientDomain, &["demo.example"], &["other.example"]),
        (PLAIN, Kind::RecipientScope, &["inside"], &["outside"]),
        (PLAIN, Kind::RecipientGroup, &["nobody", "ALL staff"], &["Managers"]),
        (PLAIN, Kind::SenderGroup, &["Partners"], &["sales"]),
        (PLAIN, Kind::RecipientWords, &["li"], &["l"]),
        (PLAIN, Kind::RecipientPatterns, &["li@.*example$"], &["^demo"]),
        (PLAIN, Kind::AnyRecipientWords, &["demo"], &["partner"]),
        (PLAIN, Kind::AnyRecipientPatterns, &["^li"], &["^bo"]),
        (PLAIN, Kind::ToHeader, &["li@demo.example"], &["bo@demo.example"]),
        (PLAIN, Kind::CcHeader, &["bo@demo.example"], &["li@demo.example"]),
        (PLAIN, Kind::ToCcHeader, &["bo@demo.example"], &["x@demo.example"]),
        (PLAIN, Kind::SubjectWords, &["offer", "INVOICE"], &["voice"]),
        (PLAIN, Kind::SubjectPatterns, &[r"\d{4}-\d{3}"], &[r"^\d"]),
        (PLAIN, Kind::TextWords, &["尽快付款"], &["退款"]),
        (PLAIN, Kind::TextWords, &["your invoice"], &["your offer"]),
        (PLAIN, Kind::TextPatterns, &["pay .* eur"], &["pay .* usd"]),
        (PARTS, Kind::HasAttachment, &[], &[]),
        (PARTS, Kind::AttachmentNamePatterns, &[r"\.pdf\.exe$"], &[r"\.docm$"]),
        (PARTS, Kind::AttachmentExtension, &[".EXE"], &["pdf"]),
        (PARTS, Kind::AttachmentType, &["exe"], &["zip"]),
        (PARTS, Kind::AttachmentType, &["executable"], &["archive"]),
        (PARTS, Kind::AttachmentSize, &["10"], &["1 MB"]),
        (PARTS, Kind::AttachmentWords, &["nightingale"], &["night"]),
        (PARTS, Kind::AttachmentPatterns, &["night.*gale"], &["^gale"]),
        (PARTS, Kind::AttachmentExecutable, &[], &[]),
        (PLAIN, Kind::MessageSize, &["100"], &["1 MB"]),
        (PLAIN, Kind::Charset, &["utf-8"], &["gbk"]),
        (PLAIN, Kind::Importance, &["high"], &["low", "normal"]),
        (
            PLAIN,
            Kind::MessageType,
            &["calendar", "mailing-list"],
            &["auto-reply", "encrypted", "signed", "read-receipt", "delivery-report"],
        ),
        (PLAIN, Kind::Scl, &["1"], &["2"]),
        (PLAIN, Kind::Bcl, &["3"], &["4"]),
        (PLAIN, Kind::Verdict, &["clean", "bulk"], &["spam"]),
        (PLAIN, Kind::Authentication, &["spf-pass"], &["spf-fail", "dmarc-pass", "dkim-pass"]),
        (PLAIN, Kind::Authentication, &["dmarc-fail"], &["composite-pass"]),
    ] {
        let case = Case::new(text);
        assert_eq!(case.outcome(rule(vec![condition(wanted, yes)])).await, NoteOutcome::Matched, "{wanted:?} {yes:?}");
        let other = if no.is_empty() { Case::new("From: ann@partner.example\nSubject: x\n\nnothing\n") } else { case };
        assert_eq!(other.outcome(rule(vec![condition(wanted, no)])).await, NoteOutcome::NotMatched, "{wanted:?} {no:?}");
    }
    let case = Case::new(PLAIN);
    for (kind, name, value, want) in [
        (Kind::HeaderWords, "x-team", "north", NoteOutcome::Matched),
        (Kind::HeaderWords, "X-Team", "nor", NoteOutcome::NotMatched),
        (Kind::HeaderPatterns, "X-Team", "sales, .", NoteOutcome::Matched),
        (Kind::HeaderPatterns, "X-None", ".+", NoteOutcome::NotMatched),
    ] {
        assert_eq!(case.outcome(rule(vec![header(kind, name, value)])).await, want, "{kind:?} {name} {value}");
    }
}

#[tokio::test]
async fn archives_with_a_password_count_as_encrypted_and_not_readable() {
    let mut case = Case::new(PARTS);
    assert_eq!(case.outcome(rule(vec![condition(Kind::AttachmentEncrypted, &[])])).await, NoteOutcome::NotMatched);
    assert_eq!(case.outcome(rule(vec![condition(Kind::AttachmentUnreadable, &[])])).await, NoteOutcome::NotMatched);
    case.message.attachments[0].encrypted = true;
    assert_eq!(case.outcome(rule(vec![condition(Kind::AttachmentEncrypted, &[])])).await, NoteOutcome::Matched);
    assert_eq!(case.outcome(rule(vec![condition(Kind::AttachmentUnreadable, &[])])).await, NoteOutcome::Matched);
}

#[tokio::test]
async fn every_kind_has_a_test_above() {
    let source = include_str!("conditions.rs");
    for kind in Kind::ALL {
        assert!(source.contains(&format!("Kind::{kind:?}")), "{kind:?}");
    }
}

#[tokio::test]
async fn conditions_are_and_values_are_or_exceptions_are_or() {
    let subject = || condition(Kind::SubjectWords, &["invoice", "offer"]);
    let never = || condition(Kind::SubjectWords, &["offer"]);
    let outside = || condition(Kind::SenderScope, &["outside"]);
    let case = Case::new(PLAIN);
    for (conditions, exceptions, want, why) in [
        (vec![], vec![], NoteOutcome::Matched, "no condition: every mail"),
        (vec![subject(), outside()], vec![], NoteOutcome::Matched, "both hold"),
        (vec![never(), outside()], vec![], NoteOutcome::NotMatched, "one does not"),
        (vec![subject()], vec![never(), outside()], NoteOutcome::Excepted, "one exception is enough"),
        (vec![subject()], vec![never()], NoteOutcome::Matched, "no exception holds"),
    ] {
        let rule = RuleSettings { exceptions, ..rule(conditions) };
        assert_eq!(case.outcome(rule).await, want, "{why}");
    }
}

#[tokio::test]
async fn the_sender_is_read_where_the_rule_says() {
    let case = Case::new(PLAIN);
    for (location, domain, want) in [
        (SenderLocation::Header, "mail.partner.example", NoteOutcome::NotMatched),
        (SenderLocation::Envelope, "mail.partner.example", NoteOutcome::Matched),
        (SenderLocation::Either, "mail.partner.example", NoteOutcome::Matched),
        (SenderLocation::Envelope, "partner.example", NoteOutcome::Matched),
    ] {
        let rule = RuleSettings { sender_location: location, ..rule(vec![condition(Kind::SenderDomain, &[domain])]) };
        assert_eq!(case.outcome(rule).await, want, "{location:?} {domain}");
    }
}

#[tokio::test]
async fn switched_off_early_late_or_behind_a_stop_a_rule_does_nothing() {
    let case = Case::new(PLAIN); // it is the first second of 1970
    for (change, want) in [
        (RuleSettings { enabled: false, ..rule(vec![]) }, NoteOutcome::Off),
        (RuleSettings { starts: "1970-01-02".into(), ..rule(vec![]) }, NoteOutcome::Off),
        (RuleSettings { starts: "1970-01-01T00:00:01".into(), ..rule(vec![]) }, NoteOutcome::Matched),
        (RuleSettings { ends: "1969-12-31".into(), ..rule(vec![]) }, NoteOutcome::Off),
        (RuleSettings { ends: "1970-01-01".into(), ..rule(vec![]) }, NoteOutcome::Matched),
    ] {
        assert_eq!(case.outcome(change.clone()).await, want, "{change:?}");
    }
    let second = case.evaluated(vec![rule(vec![]), rule(vec![])]).await.notes[1].outcome;
    assert_eq!(second, NoteOutcome::Stopped);
}

#[tokio::test]
async fn what_is_too_much_is_the_rules_error_action() {
    let mut case = Case::new(PLAIN);
    case.message.texts[0].visible = "x".repeat(3 << 20);
    let words = || rule(vec![condition(Kind::TextWords, &["needle"])]);
    let ignored = case.evaluated(vec![words()]).await;
    assert_eq!((ignored.notes[0].outcome, ignored.defer), (NoteOutcome::Failed, None));
    let deferred = case.evaluated(vec![RuleSettings { on_error: OnError::Defer, ..words() }]).await;
    assert_eq!(deferred.defer.as_deref(), Some("r"));
    let audited = case.evaluated(vec![RuleSettings { on_error: OnError::Defer, mode: Mode::Audit, ..words() }]).await;
    assert_eq!(audited.defer, None, "a rule that is only watched holds nothing up");
    let many: Vec<RuleSettings> =
        (0..100).map(|_| RuleSettings { stop: false, actions: vec![action(ActionKind::RequireTls)], ..words() }).collect();
    let last = case.evaluated(many).await;
    assert_eq!(last.notes.last().map(|note| note.outcome), Some(NoteOutcome::Failed), "all rules share one budget");
}

#[tokio::test]
async fn malware_is_decided_before_rules() {
    let mut case = Case::new(PLAIN);
    case.verdict.class = Class::Malware;
    let bypass = RuleSettings { actions: vec![Action { scl: -1, ..action(ActionKind::SetScl) }], ..rule(vec![]) };
    let done = case.evaluated(vec![bypass]).await;
    assert_eq!(done.notes[0].outcome, NoteOutcome::Malware);
    assert!(done.rulings.iter().all(Ruling::is_nothing));
}

#[test]
fn what_is_wrong_is_named_beside_its_field() {
    let of = |conditions: Vec<Condition>| RuleSettings { actions: vec![action(ActionKind::Delete)], ..rule(conditions) };
    let with = |change: fn(&mut Action), kind| {
        let mut one = action(kind);
        change(&mut one);
        RuleSettings { actions: vec![one], ..rule(vec![]) }
    };
    for (settings, field, name) in [
        (RuleSettings { name: " ".into(), ..of(vec![]) }, "name", "empty"),
        (RuleSettings { stop: false, ..rule(vec![]) }, "actions", "no-action"),
        (RuleSettings { starts: "soon".into(), ..of(vec![]) }, "starts", "moment"),
        (RuleSettings { starts: "2026-12-31".into(), ends: "2026-12-30".into(), ..of(vec![]) }, "ends", "ends-first"),
        (of(vec![condition(Kind::SubjectPatterns, &["("])]), "values", "pattern"),
        (of(vec![condition(Kind::SubjectPatterns, &["(?=x)"])]), "values", "pattern"),
        (of(vec![condition(Kind::SubjectPatterns, &["(a{1000}){1000}"])]), "values", "pattern-large"),
        (of(vec![condition(Kind::SubjectPatterns, &["x*"])]), "values", "pattern-all"),
        (of(vec![condition(Kind::SubjectWords, &[])]), "values", "empty"),
        (of(vec![condition(Kind::Sender, &["nobody"])]), "values", "address"),
        (of(vec![condition(Kind::SenderDomain, &["a b"])]), "values", "domain"),
        (of(vec![condition(Kind::SenderIp, &["192.0.2.300"])]), "values", "network"),
        (of(vec![condition(Kind::MessageSize, &["big"])]), "values", "size"),
        (of(vec![condition(Kind::Scl, &["10"])]), "values", "level"),
        (of(vec![condition(Kind::Verdict, &["bad"])]), "values", "choice"),
        (of(vec![condition(Kind::HeaderWords, &["x"])]), "header", "header"),
        (with(|one| one.text = "a\nb".into(), ActionKind::Reject), "text", "control"),
        (with(|one| (one.text, one.status) = ("no".into(), "5.1.1".into()), ActionKind::Reject), "status", "status"),
        (with(|one| one.to = vec!["x".into()], ActionKind::Redirect), "to", "address"),
        (with(|_| (), ActionKind::Bcc), "to", "empty"),
        (with(|one| (one.header, one.value) = ("Received".into(), "x".into()), ActionKind::SetHeader), "header", "reserved"),
        (with(|one| (one.header, one.value) = ("A:b".into(), "x".into()), ActionKind::SetHeader), "header", "header"),
        (with(|one| one.header = "X-Gatepost-Report".into(), ActionKind::RemoveHeader), "header", "reserved"),
        (with(|one| one.scl = 10, ActionKind::SetScl), "scl", "level"),
        (with(|_| (), ActionKind::Connector), "connector", "empty"),
    ] {
        let found: Vec<(&str, &str)> = check(&settings).iter().map(|one| (one.field, one.wrong.name())).collect();
        assert_eq!(found, [(field, name)], "{settings:?}");
    }
    let behind = RuleSettings {
        actions: vec![action(ActionKind::Delete), Action { text: "x".into(), ..action(ActionKind::PrependSubject) }],
        ..rule(vec![])
    };
    assert_eq!(check(&behind).iter().map(|one| one.wrong.name()).collect::<Vec<_>>(), ["after-end"]);
}

proptest::proptest! {
    /// Whatever stands in a mail and whatever pattern is written: an answer, the same each time.
    #[test]
    fn evaluation_is_total_and_repeats_itself(text in ".{0,400}", pattern in ".{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let case = Case::new(&format!("From: a@b.example\nSubject: {}\n\n{text}\n", text.replace(['\r', '\n'], " ")));
        for kind in [Kind::SubjectPatterns, Kind::TextPatterns, Kind::TextWords, Kind::SenderPatterns] {
            let settings = rule(vec![condition(kind, &[&pattern])]);
            let first = runtime.block_on(case.evaluated(vec![settings.clone()]));
            proptest::prop_assert_eq!(first, runtime.block_on(case.evaluated(vec![settings])));
        }
    }
}
