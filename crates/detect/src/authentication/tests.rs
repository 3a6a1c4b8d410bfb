use crate::finding::Kind;
use crate::fixture::{Scene, plain, weighing};
use mail::auth::{CompositeResult, Dkim, DkimResult, DmarcPolicy, DmarcResult, SpfResult};

fn check(change: impl FnOnce(&mut Scene), header: &str, want: &[(&str, Kind)], why: &str) {
    let mut scene = Scene::default();
    change(&mut scene);
    let seen = scene.look(&plain(header, "Here are the minutes of our meeting on Monday."));
    let seen: Vec<(&str, Kind)> = seen.iter().map(|finding| (finding.check.as_ref(), finding.kind)).collect();
    assert_eq!(seen, want, "{why}");
}

fn signature(result: DkimResult) -> Dkim {
    let text = |text: &str| text.to_string();
    Dkim {
        result,
        domain: text("sender.example"),
        selector: text("s"),
        algorithm: text("rsa-sha256"),
        aligned: true,
        why: text("body hash"),
        b: text("x"),
    }
}

#[test]
fn results_become_findings() {
    check(|_| {}, "", &[], "nothing known, nothing said");
    let fail = |policy| {
        move |scene: &mut Scene| {
            scene.auth.dmarc.result = DmarcResult::Fail;
            scene.auth.dmarc.policy = policy;
        }
    };
    check(fail(DmarcPolicy::None), "", &[("auth.dmarc.fail", Kind::Phish)], "p=none asks for nothing");
    check(fail(DmarcPolicy::Reject), "", &[("auth.dmarc.fail", Kind::Spoof)], "p=reject is the owner's word");
    let vouched = |scene: &mut Scene| {
        fail(DmarcPolicy::Reject)(scene);
        scene.auth.arc.trusted = true;
        scene.auth.spf.result = SpfResult::Fail;
    };
    check(vouched, "", &[("auth.arc.trusted", Kind::Note)], "a trusted sealer saw it pass");
    let forwarded = |scene: &mut Scene| {
        scene.auth.dmarc.result = DmarcResult::Pass;
        scene.auth.spf.result = SpfResult::Fail;
        scene.auth.dkim = vec![signature(DkimResult::Fail), signature(DkimResult::Pass)];
    };
    check(forwarded, "", &[("auth.dmarc.pass", Kind::Phish)], "forwarded, one signature holds");
    let broken = |scene: &mut Scene| {
        scene.auth.spf.result = SpfResult::SoftFail;
        scene.auth.dkim = vec![signature(DkimResult::Fail)];
    };
    check(broken, "", &[("auth.spf.softfail", Kind::Spam), ("auth.dkim.fail", Kind::Spam)], "nothing holds");
    let refused = |scene: &mut Scene| scene.auth.spf.result = SpfResult::Fail;
    check(refused, "", &[("auth.spf.fail", Kind::Spam)], "the owner names other servers");
    let unproved = |scene: &mut Scene| {
        scene.auth.composite.result = CompositeResult::Fail;
        scene.auth.composite.reason = 1;
    };
    check(unproved, "", &[("auth.composite.fail", Kind::Phish)], "nothing speaks for the sender");
    let said = |scene: &mut Scene| {
        unproved(scene);
        fail(DmarcPolicy::None)(scene);
    };
    check(said, "", &[("auth.dmarc.fail", Kind::Phish)], "DMARC has said it already");
    let silent = |scene: &mut Scene| scene.auth.dmarc.result = DmarcResult::TempError;
    check(silent, "", &[("auth.unavailable", Kind::Unknown)], "no answer is no failure");
}

#[test]
fn own_domains_need_proof() {
    let own = "From: Bo <bo@example.com>\r\n";
    check(|_| {}, own, &[("spoof.own-domain", Kind::Spoof)], "from outside, unproved");
    check(|_| {}, "From: Bo <bo@mail.example.com>\r\n", &[("spoof.own-domain", Kind::Spoof)], "a branch of ours");
    check(|scene| scene.peer.authenticated = Some("bo".into()), own, &[], "one of us signed in");
    check(|scene| scene.auth.dmarc.result = DmarcResult::BestGuessPass, own, &[], "proved without a record");
    check(|scene| scene.auth.dmarc.result = DmarcResult::TempError, own, &[("auth.unavailable", Kind::Unknown)], "could not be asked");
}

#[test]
fn a_plain_mail_has_no_findings() {
    let seen = Scene::default().look(&plain("", "Dear Bo, the minutes are ready. Regards, Ada"));
    assert_eq!(weighing(&seen), Vec::<String>::new());
}
