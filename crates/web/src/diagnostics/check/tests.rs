//! Every check against fixed zones, well and broken.

use super::*;
use gateway::directory::MtaStsMode;
use mail::dns::Zone;

fn target() -> Target {
    Target {
        domain: "a.example".into(),
        token: "abc".into(),
        hostname: "mx.gate.example".into(),
        addresses: vec!["192.0.2.25".parse().expect("an address")],
        ..Target::default()
    }
}

fn mx_record(preference: u16, host: &str) -> Record {
    Record::Mx { preference, exchange: host.into() }
}

fn keys(checked: &Checked) -> Vec<&str> {
    checked.lines.iter().map(|line| line.say.key.as_ref()).collect()
}

/// The result, and a key that must be among the lines.
fn expect(checked: &Checked, result: CheckResult, key: &str, why: &str) {
    assert_eq!(checked.result, result, "{why}: {:?}", keys(checked));
    assert!(keys(checked).contains(&key), "{why}: {key} is not in {:?}", keys(checked));
    if result == CheckResult::Problem {
        assert!(!checked.fixes.is_empty() || !checked.lines.is_empty(), "{why}");
    }
}

#[tokio::test]
async fn ownership_is_shown_by_the_right_word() {
    for (text, result, key, why) in [
        (Some("gatepost-domain=abc"), CheckResult::Ok, "check-ownership-ok", "the word"),
        (Some(" gatepost-domain=abc "), CheckResult::Ok, "check-ownership-ok", "with spaces that editors add"),
        (Some("gatepost-domain=abcd"), CheckResult::Problem, "check-ownership-other", "another word"),
        (None, CheckResult::Problem, "check-ownership-missing", "nothing"),
    ] {
        let mut zone = Zone::new();
        if let Some(text) = text {
            zone.txt("_gatepost.a.example", text);
        }
        let checked = ownership(&target(), &zone).await;
        expect(&checked, result, key, why);
        assert_eq!(checked.publish[0].is_there, result == CheckResult::Ok);
    }
    let mut zone = Zone::new();
    zone.fails("_gatepost.a.example", RecordType::Txt);
    expect(&ownership(&target(), &zone).await, CheckResult::CannotTell, "check-dns-silent", "no answer is not a no");
}

#[tokio::test]
async fn mx_is_ours_first_and_only() {
    use CheckResult::{CannotTell, Ok, Problem};
    type Fill = fn(&mut Zone);
    let cases: [(Fill, CheckResult, &str, &str); 9] = [
        (|zone| { zone.add("a.example", mx_record(10, "MX.gate.example.")); }, Ok, "check-mx-ours", "ours"),
        (|_| {}, Problem, "check-mx-no-domain", "no such domain"),
        (|zone| { zone.exists("a.example"); }, Problem, "check-mx-none", "no MX"),
        (|zone| { zone.add("a.example", mx_record(0, ".")); }, Problem, "check-mx-null", "null MX"),
        (|zone| { zone.add("a.example", mx_record(10, "mx.other.example")); }, Problem, "check-mx-not-ours", "somebody else"),
        (
            |zone| { zone.add("a.example", mx_record(10, "mx.gate.example")).add("a.example", mx_record(20, "mx.other.example")); },
            Problem,
            "check-mx-beside",
            "a way around us",
        ),
        (|zone| { zone.add("a.example", mx_record(10, "gone.example")); }, Problem, "check-mx-dangling", "no address"),
        (|zone| { zone.add("a.example", mx_record(10, "same.example")); }, Ok, "check-mx-ours", "another name with our address"),
        (|zone| { zone.fails("a.example", RecordType::Mx); }, CannotTell, "check-dns-silent", "no answer"),
    ];
    for (fill, result, key, why) in cases {
        let mut zone = Zone::new();
        zone.add("mx.gate.example", Record::A([192, 0, 2, 25].into())).add("mx.other.example", Record::A([192, 0, 2, 99].into()));
        zone.add("same.example", Record::A([192, 0, 2, 25].into()));
        fill(&mut zone);
        expect(&mx(&target(), &zone).await, result, key, why);
    }
}

#[tokio::test]
async fn spf_is_counted_and_read() {
    use CheckResult::{Advice, CannotTell, Ok, Problem};
    let many: String = (0..11).map(|n| format!("include:i{n}.example ")).collect();
    for (record, result, key, why) in [
        ("v=spf1 ip4:192.0.2.0/24 -all", Ok, "check-spf-us", "our address is in it"),
        ("v=spf1 a:mx.gate.example ~all", Ok, "check-spf-us", "our name is in it"),
        ("v=spf1 include:good.example -all", Ok, "check-spf-not-us", "well, without us"),
        ("v=spf1 +all", Problem, "check-spf-open", "open"),
        ("v=spf1 all", Problem, "check-spf-open", "open, written shorter"),
        ("v=spf1 ?all", Advice, "check-spf-neutral", "says nothing"),
        ("v=spf1 ip4:192.0.2.25", Advice, "check-spf-no-end", "no end"),
        ("v=spf1 ip4:192.0.2.300 -all", Problem, "check-spf-term", "no network"),
        ("v=spf1 includ:good.example -all", Problem, "check-spf-term", "a slip of the pen"),
        ("v=spf1 include:none.example -all", Problem, "check-spf-include-none", "includes nothing"),
        ("v=spf1 include:loop.example -all", Problem, "check-spf-circle", "a circle"),
        ("v=spf1 ptr -all", Advice, "check-spf-ptr", "ptr"),
        ("v=spf1 a:x1.example a:x2.example a:x3.example -all", Problem, "check-spf-void", "names that are not there"),
        ("v=spf1 include:silent.example -all", CannotTell, "check-dns-silent", "no answer on the way"),
        (&format!("v=spf1 {many}-all"), Problem, "check-spf-too-many", "eleven"),
        ("v=spf1 redirect=good.example", Ok, "check-spf-lookups", "redirect"),
    ] {
        let mut zone = Zone::new();
        zone.txt("a.example", record).txt("a.example", "unrelated").txt("good.example", "v=spf1 ip4:198.51.100.1 -all");
        zone.txt("loop.example", "v=spf1 include:loop.example -all").fails("silent.example", RecordType::Txt);
        zone.add("mx.gate.example", Record::A([192, 0, 2, 25].into()));
        for n in 0..11 {
            zone.txt(&format!("i{n}.example"), "v=spf1 -all");
        }
        expect(&spf(&target(), &zone).await, result, key, why);
    }
    let mut zone = Zone::new();
    zone.txt("a.example", "v=spf1 -all").txt("a.example", "v=spf1 ~all");
    expect(&spf(&target(), &zone).await, Problem, "check-spf-several", "two records");
    expect(&spf(&target(), &Zone::new()).await, Problem, "check-spf-none", "none");
}

#[tokio::test]
async fn dkim_keys_are_published_as_they_are() {
    use CheckResult::{Advice, CannotTell, Ok, Problem};
    for (state, text, result, key, why) in [
        ("active", Some("v=DKIM1; k=rsa; p=AAAA"), Ok, "check-dkim-ok", "published"),
        ("active", Some("v=DKIM1; k=rsa; t=y; p=AAAA"), Advice, "check-dkim-testing", "only testing"),
        ("active", Some("v=DKIM1; k=rsa; p=BBBB"), Problem, "check-dkim-differs", "another key"),
        ("active", Some("v=DKIM1; p="), Problem, "check-dkim-differs", "revoked"),
        ("active", None, Problem, "check-dkim-missing", "signs, and nobody can check it"),
        ("made", None, Problem, "check-dkim-unpublished", "not yet"),
        ("made", Some("v=DKIM1; p=AAAA"), Advice, "check-dkim-none-active", "ready to be used"),
        ("retiring", None, Problem, "check-dkim-gone-early", "taken away too early"),
    ] {
        let mut zone = Zone::new();
        if let Some(text) = text {
            zone.txt("s1._domainkey.a.example", text);
        }
        let key_made = PublicKey { selector: "s1".into(), record: "v=DKIM1; k=rsa; p=AAAA".into(), state: state.into() };
        expect(&dkim(&Target { keys: vec![key_made], ..target() }, &zone).await, result, key, why);
    }
    expect(&dkim(&target(), &Zone::new()).await, CannotTell, "check-dkim-no-key", "others may sign");
}

#[tokio::test]
async fn dmarc_protects_and_reports_arrive() {
    use CheckResult::{Advice, Ok, Problem};
    for (record, result, key, why) in [
        ("v=DMARC1; p=reject; rua=mailto:d@a.example", Ok, "check-dmarc-protects", "rejects"),
        ("v=DMARC1; p=none; rua=mailto:d@a.example", Advice, "check-dmarc-watches", "watches"),
        ("v=DMARC1; p=reject", Advice, "check-dmarc-no-reports", "nobody hears of it"),
        ("v=DMARC1; p=reject; adkim=s; rua=mailto:d@a.example", Advice, "check-dmarc-strict-dkim", "strict"),
        ("v=DMARC1; p=reject; sp=none; rua=mailto:d@a.example", Advice, "check-dmarc-subdomains", "open below"),
        ("v=DMARC1; p=reject; pct=20; rua=mailto:d@a.example", Advice, "check-dmarc-percent", "a fifth"),
        ("v=DMARC1; p=all; rua=mailto:d@a.example", Problem, "check-dmarc-policy", "no policy"),
        ("v=DMARC1; p=reject; rua=mailto:d@willing.example", Ok, "check-dmarc-protects", "elsewhere, agreed"),
        ("v=DMARC1; p=reject; rua=mailto:d@other.example", Problem, "check-dmarc-report-refused", "elsewhere, not agreed"),
        ("v=DMARC1; p=reject; rua=d@a.example", Problem, "check-dmarc-report-address", "no address"),
        ("v=dmarc1; p=reject", Problem, "check-dmarc-none", "not in capitals"),
    ] {
        let mut zone = Zone::new();
        zone.txt("_dmarc.a.example", record).txt("a.example._report._dmarc.willing.example", "v=DMARC1");
        expect(&dmarc(&target(), &zone).await, result, key, why);
    }
    let mut zone = Zone::new();
    zone.txt("_dmarc.example.org", "v=DMARC1; p=reject; rua=mailto:d@example.org");
    let below = Target { domain: "mail.example.org".into(), ..target() };
    expect(&dmarc(&below, &zone).await, Ok, "check-dmarc-inherited", "from the domain above");
}

#[tokio::test]
async fn mta_sts_fits_the_policy_that_is_served() {
    use CheckResult::{Advice, Ok, Problem};
    let policy = policy_text(MtaStsMode::Enforce, "mx.gate.example");
    let ours = Target { policy: policy.clone(), ..target() };
    let current = format!("v=STSv1; id={}", policy_id(&policy));
    let other_hosts = policy.replace("mx.gate.example", "mx.old.example");
    for (record, served, result, key, why) in [
        (Some(current.as_str()), Result::Ok(policy.clone()), Ok, "check-mta-sts-enforced", "all is there"),
        (Some("v=STSv1; id=old"), Result::Ok(policy.clone()), Advice, "check-mta-sts-old-id", "senders do not notice the change"),
        (Some(current.as_str()), Result::Ok(policy.replace("enforce", "testing")), Advice, "check-mta-sts-mode", "testing"),
        (Some(current.as_str()), Result::Ok(other_hosts), Problem, "check-mta-sts-mx", "our host is not in the policy"),
        (Some(current.as_str()), Result::Ok("<html>".into()), Problem, "check-mta-sts-unreadable", "a web page"),
        (Some(current.as_str()), Err(FetchError::NoHost), Problem, "check-mta-sts-no-host", "no host"),
        (Some(current.as_str()), Err(FetchError::Tls("x".into())), Problem, "check-mta-sts-certificate", "no certificate"),
        (Some(current.as_str()), Err(FetchError::Status("404".into())), Problem, "check-mta-sts-no-file", "no file"),
        (None, Err(FetchError::NoHost), Problem, "check-mta-sts-unpublished", "no record"),
    ] {
        let mut zone = Zone::new();
        zone.add("a.example", mx_record(10, "mx.gate.example"));
        if let Some(record) = record {
            zone.txt("_mta-sts.a.example", record);
        }
        expect(&mta_sts(&ours, &zone, Some(served)).await, result, key, why);
    }
    expect(&mta_sts(&target(), &Zone::new(), None).await, Advice, "check-mta-sts-none", "not needed");
}

#[tokio::test]
async fn tls_reports_go_somewhere() {
    use CheckResult::{Advice, Ok, Problem};
    for (record, result, key) in [
        (Some("v=TLSRPTv1; rua=mailto:t@a.example"), Ok, "check-tls-rpt-ok"),
        (Some("v=TLSRPTv1; rua=t@a.example"), Problem, "check-tls-rpt-address"),
        (Some("v=TLSRPTv1"), Problem, "check-tls-rpt-address"),
        (None, Advice, "check-tls-rpt-none"),
    ] {
        let mut zone = Zone::new();
        if let Some(record) = record {
            zone.txt("_smtp._tls.a.example", record);
        }
        expect(&tls_rpt(&target(), &zone).await, result, key, key);
    }
}

use super::super::fetch::FetchError;
