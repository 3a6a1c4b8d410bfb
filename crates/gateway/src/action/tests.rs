use super::*;
use crate::policy::PolicySettings;
use std::sync::Arc;

fn decision(action: PolicyAction) -> Decision {
    let policy = PolicySettings { name: "p".into(), redirect_to: "box@demo.example".into(), retention_days: 2, ..Default::default() };
    Decision { policy: Arc::new(policy), action, class: Class::Spam, scl: 5, considered: vec![] }
}

fn settled(actions: &[PolicyAction]) -> Action {
    let recipient = Address::parse("li@demo.example").expect("an address");
    let decisions: Vec<Decision> = actions.iter().map(|action| decision(*action)).collect();
    let report = "X-Gatepost-Report: id=m1\r\n";
    let targets: Vec<Settling<'_>> = decisions.iter().map(|decision| Settling { address: &recipient, decision, report, reply: None }).collect();
    settle(&targets, 1_000)
}

#[test]
fn each_action_has_its_fate() {
    let held = Fate::Held { until_ms: 1_000 + 2 * DAY_MS };
    for (action, fate, address, extra, prefix) in [
        (PolicyAction::None, Fate::Queued, "li@demo.example", "", ""),
        (PolicyAction::Junk, Fate::Queued, "li@demo.example", "X-Gatepost-Junk: yes\r\n", ""),
        (PolicyAction::Prefix, Fate::Queued, "li@demo.example", "", "[SPAM] "),
        (PolicyAction::Redirect, Fate::Queued, "box@demo.example", "", ""),
        (PolicyAction::Delete, Fate::Deleted, "li@demo.example", "", ""),
        (PolicyAction::Quarantine, held, "li@demo.example", "", ""),
    ] {
        let Action::Take(outcomes) = settled(&[action]) else { panic!("{action:?} takes the mail") };
        let outcome = &outcomes[0];
        assert_eq!((&outcome.fate, outcome.address.to_string().as_str()), (&fate, address), "{action:?}");
        assert_eq!(&*outcome.edits.headers, format!("X-Gatepost-Report: id=m1\r\n{extra}"), "{action:?}");
        assert_eq!(&*outcome.edits.subject_prefix, prefix, "{action:?}");
    }
}

#[test]
fn a_refusal_refuses_for_everybody_or_holds() {
    use PolicyAction::{None, Reject};
    assert!(matches!(settled(&[Reject, Reject]), Action::Refuse(_)));
    let Action::Take(outcomes) = settled(&[None, Reject]) else { panic!("one of the two takes it") };
    assert_eq!(outcomes[0].fate, Fate::Queued);
    assert!(matches!(outcomes[1].fate, Fate::Held { .. }), "no bounce after the fact");
}

#[test]
fn servers_that_read_another_header_get_it_when_asked() {
    let verdict = detect::Verdict {
        class: Class::Spam,
        runner_up: Class::Clean,
        scl: 5,
        bcl: 0,
        spam_probability: 0.9,
        phish_probability: 0.0,
        decided_by: Option::None,
    };
    let lines = |forefront| report_lines(mail::MailId(1), &verdict, &decision(PolicyAction::Junk), forefront);
    let ip = "192.0.2.9".parse().expect("an address");
    assert!(lines(Some((ip, false))).ends_with("\r\nX-Forefront-Antispam-Report: CIP:192.0.2.9;SCL:5;SFV:SPM;CAT:SPM;DIR:INB;\r\n"));
    assert!(!lines(Option::None).contains("Forefront"));
}

#[test]
fn names_of_policies_cannot_break_a_header() {
    let mut decision = decision(PolicyAction::None);
    decision.policy = Arc::new(PolicySettings { name: "a; b\r\nBcc: x 中".into(), ..Default::default() });
    let verdict = detect::Verdict {
        class: Class::Clean,
        runner_up: Class::Clean,
        scl: 0,
        bcl: 0,
        spam_probability: 0.0,
        phish_probability: 0.0,
        decided_by: Option::None,
    };
    let report = report_value(mail::MailId(1), &verdict, &decision);
    assert!(report.ends_with("policy=a__b__Bcc__x__"), "{report}");
    assert!(report.lines().skip(1).all(|line| line.starts_with('\t')), "{report}");
}
