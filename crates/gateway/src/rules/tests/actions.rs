use super::*;
use ConditionKind as Kind;

const TEXT: &str = "From: ann@partner.example\nTo: li@demo.example\nSubject: hello\n\nhi\n";

async fn ruling(actions: Vec<Action>) -> Ruling {
    let case = Case::new(TEXT);
    let rule = RuleSettings { actions, stop: false, ..rule(vec![]) };
    assert_eq!(check(&rule), [], "{rule:?}");
    case.evaluated(vec![rule]).await.rulings.remove(0)
}

fn with(kind: ActionKind, change: impl FnOnce(&mut Action)) -> Action {
    let mut one = action(kind);
    change(&mut one);
    one
}

fn to_them(kind: ActionKind) -> Action {
    with(kind, |one| one.to = vec!["x@demo.example".into(), "y@other.example".into()])
}

#[tokio::test]
async fn each_action_is_in_the_ruling() {
    let both = || vec![address("x@demo.example"), address("y@other.example")];
    assert_eq!(ruling(vec![to_them(ActionKind::Redirect)]).await.redirect, both());
    for (kind, how) in [(ActionKind::AddTo, Copied::To), (ActionKind::AddCc, Copied::Cc), (ActionKind::Bcc, Copied::Bcc)] {
        let copies: Vec<(Copied, Address)> = both().into_iter().map(|one| (how, one)).collect();
        assert_eq!(ruling(vec![to_them(kind)]).await.copies, copies);
    }
    let reject = with(ActionKind::Reject, |one| (one.text, one.status) = ("Not here".into(), "5.7.901".into()));
    let Some(RulingFate::Reject { reply, rule }) = ruling(vec![reject]).await.fate else { panic!("it refuses") };
    assert_eq!((reply.code, reply.status, reply.text.join(" "), rule), (550, Some((5, 7, 901)), "Not here".into(), "r".into()));
    assert_eq!(ruling(vec![action(ActionKind::Quarantine)]).await.fate, Some(RulingFate::Quarantine { rule: "r".into() }));
    assert_eq!(ruling(vec![action(ActionKind::Delete)]).await.fate, Some(RulingFate::Delete { rule: "r".into() }));
    let moderate = RulingFate::Moderate { by: both(), rule: "r".into(), id: RuleId(1) };
    assert_eq!(ruling(vec![to_them(ActionKind::Moderate)]).await.fate, Some(moderate));
    assert_eq!(ruling(vec![with(ActionKind::SetScl, |one| one.scl = 7)]).await.scl, Some((7, "r".into())));
    assert_eq!(ruling(vec![with(ActionKind::Connector, |one| one.connector = "c".into())]).await.connector, "c");
    assert!(ruling(vec![action(ActionKind::RequireTls)]).await.content.require_tls);
}

#[tokio::test]
async fn headers_and_subject_are_changed_in_the_octets() {
    let octets = || Bytes::from(TEXT.replace('\n', "\r\n"));
    let set = with(ActionKind::SetHeader, |one| (one.header, one.value) = ("X-Seen".into(), "yes".into()));
    let encoded = with(ActionKind::SetHeader, |one| (one.header, one.value) = ("Subject".into(), "机密".into()));
    let gone = with(ActionKind::RemoveHeader, |one| one.header = "subject".into());
    let prefix = |text: &str| with(ActionKind::PrependSubject, |one| one.text = text.into());
    for (actions, want) in [
        (vec![set], "From: ann@partner.example\nTo: li@demo.example\nSubject: hello\nX-Seen: yes\n\nhi\n"),
        (vec![encoded], "From: ann@partner.example\nTo: li@demo.example\nSubject: =?utf-8?B?5py65a+G?=\n\nhi\n"),
        (vec![gone], "From: ann@partner.example\nTo: li@demo.example\n\nhi\n"),
        (vec![prefix("[a]"), prefix("[b]")], "From: ann@partner.example\nTo: li@demo.example\nSubject: [b] [a] hello\n\nhi\n"),
    ] {
        let changed = ruling(actions).await.content.apply(octets(), "m1");
        assert_eq!(String::from_utf8_lossy(&changed), want.replace('\n', "\r\n"));
    }
    let mut shown = ruling(vec![to_them(ActionKind::AddCc)]).await.content;
    shown.shown = vec![(Copied::To, address("x@demo.example")), (Copied::Cc, address("y@other.example"))];
    let changed = String::from_utf8_lossy(&shown.apply(octets(), "m1")).into_owned();
    assert!(changed.contains("To: li@demo.example,\r\n\tx@demo.example\r\n") && changed.contains("\r\nCc: y@other.example\r\n\r\nhi"), "{changed}");
}

#[tokio::test]
async fn a_rule_may_hold_for_some_recipients_only() {
    let mut case = Case::new(TEXT);
    case.envelope.recipients.push(to("bo@demo.example"));
    let only = RuleSettings { actions: vec![action(ActionKind::Quarantine)], ..rule(vec![condition(Kind::Recipient, &["bo@demo.example"])]) };
    let done = case.evaluated(vec![only.clone()]).await;
    assert_eq!(done.rulings.iter().map(|one| one.fate.is_some()).collect::<Vec<_>>(), [false, true]);
    assert_eq!(done.notes[0].recipients, ["bo@demo.example"]);
    let except = RuleSettings { conditions: vec![], exceptions: only.conditions.clone(), ..only };
    let done = case.evaluated(vec![except]).await;
    assert_eq!(done.rulings.iter().map(|one| one.fate.is_some()).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn the_first_end_counts_and_later_rules_are_not_asked() {
    let ends = |kind| RuleSettings { stop: false, actions: vec![action(kind)], ..rule(vec![]) };
    let done = Case::new(TEXT).evaluated(vec![ends(ActionKind::Quarantine), ends(ActionKind::Delete)]).await;
    assert_eq!(done.rulings[0].fate, Some(RulingFate::Quarantine { rule: "r".into() }));
    assert_eq!(done.notes[1].outcome, NoteOutcome::Stopped);
}

#[tokio::test]
async fn audit_changes_nothing_and_says_what_it_would_have_done() {
    let notify = with(ActionKind::Notify, |one| (one.to, one.text) = (vec!["x@demo.example".into()], "look".into()));
    for (mode, does, tells) in [(Mode::Enforce, true, true), (Mode::Audit, false, false), (Mode::AuditAndNotify, false, true)] {
        let rule = RuleSettings { mode, actions: vec![notify.clone(), action(ActionKind::Delete)], ..rule(vec![]) };
        let done = Case::new(TEXT).evaluated(vec![rule]).await;
        assert_eq!((done.rulings[0].fate.is_some(), !done.notices.is_empty()), (does, tells), "{mode:?}");
        assert_eq!(done.notes[0].actions, [ActionKind::Notify, ActionKind::Delete], "{mode:?}");
    }
}

#[test]
fn a_level_changes_the_verdict_as_far_as_a_rule_may() {
    let verdict = |class| Verdict { class, runner_up: Class::Clean, scl: 5, bcl: 9, spam_probability: 0.5, phish_probability: 0.5, decided_by: None };
    for (scl, before, after, level) in [
        (-1, Class::HighSpam, Class::Clean, -1),
        (-1, Class::Phish, Class::Clean, -1),
        (-1, Class::HighPhish, Class::HighPhish, 5),
        (-1, Class::Uninspectable, Class::Uninspectable, 5),
        (0, Class::Spam, Class::Spam, 5),
        (6, Class::Clean, Class::Spam, 6),
        (9, Class::Clean, Class::HighSpam, 9),
        (9, Class::Phish, Class::Phish, 9),
    ] {
        let changed = Ruling { scl: Some((scl, "r".into())), ..Ruling::default() }.verdict(&verdict(before));
        assert_eq!((changed.class, changed.scl), (after, level), "SCL {scl} on {before:?}");
    }
}
