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
        (
            |zone| {
                zone.add("a.example", mx_record(10, "MX.gate.example."));
            },
            Ok,
            "check-mx-ours",
            "ours",
        ),
        (|_| {}, Problem, "check-mx-no-domain", "no such domain"),
        (
            |zone| {
                zone.exists("a.example");
            },
            Problem,
            "check-mx-none",
            "no MX",
        ),
        (
            |zone| {
                zone.add("a.example", mx_record(0, "."));
            },
            Problem,
            "check-mx-null",
            "null MX",
        ),
        (
            |zone| {
                zone.add("a.example", mx_record(10, "mx.other.example"));
            },
            Problem,
            "check-mx-not-ours",
            "somebody else",
        ),
        (
            |zone| {
                zone.add("a.example", mx_record(10, "mx.gate.example")).add("a.example", mx_record(20, "mx.other.example"));
            },
            Problem,
            "check-mx-beside",
            "a way around us",
        ),
        (
            |zone| {
                zone.add("a.example", mx_record(10, "gone.example"));
            },
            Problem,
            "check-mx-dangling",
            "no address",
        ),
        (
            |zone| {
                zone.add("a.example", mx_record(10, "same.example"));
            },
            Ok,
            "check-mx-ours",
            "another name with our address",
        ),
        (
            |zone| {
                zone.fails("a.example", RecordType::Mx);
            },
            CannotTell,
            "check-dns-silent",
            "no answer",
        ),
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

#[tokio::test]
async fn the_zone_is_in_good_hands() {
    use CheckResult::{Advice, CannotTell, Ok, Problem};
    type Fill = fn(&mut Zone);
    let cases: [(Fill, CheckResult, &str, &str); 8] = [
        (
            |zone| {
                zone.add("a.example", Record::Ns("ns1.keeper.example".into())).add("a.example", Record::Ns("ns2.keeper.example".into()));
            },
            Ok,
            "check-delegation-ok",
            "two servers in two networks",
        ),
        (
            |zone| {
                zone.add("a.example", Record::Ns("ns1.keeper.example".into()));
            },
            Advice,
            "check-delegation-one",
            "one server",
        ),
        (
            |zone| {
                zone.add("a.example", Record::Ns("ns1.keeper.example".into())).add("a.example", Record::Ns("ns3.keeper.example".into()));
            },
            Advice,
            "check-delegation-near",
            "both in one network",
        ),
        (
            |zone| {
                zone.add("a.example", Record::Ns("ns1.keeper.example".into())).add("a.example", Record::Ns("ns.gone.example".into()));
            },
            Problem,
            "check-delegation-dangling",
            "a server without an address",
        ),
        (
            |zone| {
                zone.add("a.example", Record::Ns("ns1.pendingrenewaldeletion.example".into()));
                zone.add("ns1.pendingrenewaldeletion.example", Record::A([192, 0, 2, 9].into()));
            },
            Problem,
            "check-delegation-parked",
            "the registration ended",
        ),
        (|_| {}, Problem, "check-delegation-gone", "no such domain"),
        (
            |zone| {
                zone.exists("a.example");
            },
            Ok,
            "check-delegation-unknown",
            "the zone is not seen from here",
        ),
        (
            |zone| {
                zone.fails("a.example", RecordType::Ns);
            },
            CannotTell,
            "check-dns-silent",
            "no answer",
        ),
    ];
    for (fill, result, key, why) in cases {
        let mut zone = Zone::new();
        for (name, ip) in [("ns1", [192, 0, 2, 1]), ("ns2", [198, 51, 100, 1]), ("ns3", [192, 0, 2, 77])] {
            zone.add(&format!("{name}.keeper.example"), Record::A(ip.into()));
        }
        fill(&mut zone);
        expect(&delegation(&target(), &zone).await, result, key, why);
    }
}

#[tokio::test]
async fn signatures_that_ran_out_are_told_from_silence() {
    use crate::diagnostics::outside::{DnsAt, View};
    use std::sync::Arc;
    for (resolver_fails, own_answers, result, key) in [
        (false, true, CheckResult::Ok, "check-dnssec-answers"),
        (true, true, CheckResult::Problem, "check-dnssec-broken"),
        (true, false, CheckResult::CannotTell, "check-dns-silent"),
    ] {
        let mut resolver = Zone::new();
        resolver.add("a.example", Record::Ns("ns.a.example".into())).add("ns.a.example", Record::A([8, 8, 8, 8].into()));
        if resolver_fails {
            resolver.fails("a.example", RecordType::Mx);
        }
        let mut own = Zone::new();
        match own_answers {
            true => own.add("a.example", mx_record(10, "mx.gate.example")),
            false => own.fails("a.example", RecordType::Mx),
        };
        let (own, resolver): (Arc<dyn Dns>, Arc<dyn Dns>) = (Arc::new(own), Arc::new(resolver));
        let at: DnsAt = Arc::new(move |_| Some(own.clone()));
        let view = View::of("a.example", &resolver, &at).await;
        expect(&dnssec(&target(), resolver.as_ref(), &view).await, result, key, key);
    }
}

#[tokio::test]
async fn our_addresses_have_names_that_lead_back() {
    use CheckResult::{Advice, Ok, Problem};
    for (hostname, pointer, result, key) in [
        ("mx.gate.example", Some("mx.gate.example"), Ok, "check-names-ok"),
        ("mx.gate.example", Some("other.gate.example"), Problem, "check-names-forward"),
        ("mx.gate.example", Some("192-0-2-25.pool.example"), Advice, "check-names-home"),
        ("mx.gate.example", None, Problem, "check-names-none"),
        ("localhost", Some("mx.gate.example"), Problem, "check-names-helo"),
    ] {
        let mut zone = Zone::new();
        zone.add("mx.gate.example", Record::A([192, 0, 2, 25].into())).exists("other.gate.example");
        zone.add("192-0-2-25.pool.example", Record::A([192, 0, 2, 25].into()));
        if let Some(pointer) = pointer {
            zone.add("25.2.0.192.in-addr.arpa", Record::Ptr(pointer.into()));
        }
        expect(&names(&Target { hostname: hostname.into(), ..target() }, &zone).await, result, key, key);
    }
}

#[tokio::test]
async fn lists_are_asked_and_believed_only_when_they_answer() {
    use CheckResult::{Ok, Problem};
    for (code, result, key, why) in [
        (Some([127, 0, 0, 2]), Problem, "check-lists-listed", "listed"),
        (Some([127, 255, 255, 254]), Ok, "check-lists-mute", "asked through a public resolver"),
        (Some([127, 0, 0, 1]), Ok, "check-lists-mute", "no listing"),
        (Some([203, 0, 113, 1]), Ok, "check-lists-mute", "somebody answers for everything"),
        (None, Ok, "check-lists-clean", "not listed"),
    ] {
        let mut zone = Zone::new();
        if let Some(code) = code {
            zone.add("8.8.8.8.zen.spamhaus.org", Record::A(code.into()));
        }
        let target = Target { addresses: vec!["8.8.8.8".parse().expect("an address")], ..target() };
        expect(&lists(&target, &zone).await, result, key, why);
    }
    let mut zone = Zone::new();
    zone.add("a.example.dbl.spamhaus.org", Record::A([127, 0, 1, 2].into()));
    zone.add("25.2.0.192.zen.spamhaus.org", Record::A([127, 0, 0, 2].into()));
    let checked = lists(&target(), &zone).await;
    expect(&checked, Problem, "check-lists-listed", "the domain");
    assert_eq!(checked.fixes.len(), 1, "an address that is not public is asked about nowhere");
}

#[tokio::test]
async fn tlsa_records_are_read() {
    use CheckResult::{Advice, Ok, Problem};
    for (records, result, key, why) in [
        (vec![(3, 1, 1, 32)], Ok, "check-dane-ok", "the key"),
        (vec![(2, 0, 2, 64)], Ok, "check-dane-ok", "an authority"),
        (vec![(3, 0, 1, 32)], Advice, "check-dane-selector", "the certificate"),
        (vec![(1, 1, 1, 32), (3, 1, 1, 32)], Advice, "check-dane-usage", "one that mail servers pass over"),
        (vec![(1, 1, 1, 32)], Problem, "check-dane-unusable", "none that counts"),
        (vec![(3, 1, 1, 20)], Problem, "check-dane-shape", "cut off"),
        (vec![], Ok, "check-dane-none", "not needed"),
    ] {
        let mut zone = Zone::new();
        for (usage, selector, matching, octets) in records {
            zone.add("_25._tcp.mx.gate.example", Record::Tlsa { usage, selector, matching, octets: vec![7; octets] });
        }
        expect(&dane(&target(), &zone).await, result, key, why);
    }
}

#[tokio::test]
async fn what_receivers_saw_is_told() {
    use CheckResult::{Advice, Ok};
    let mut zone = Zone::new();
    zone.txt("_dmarc.a.example", "v=DMARC1; p=reject; rua=mailto:d@a.example");
    for (messages, passed, result, key) in
        [(1_000, 990, Ok, "check-dmarc-practice"), (1_000, 400, Advice, "check-dmarc-practice-some"), (19, 0, Ok, "check-dmarc-protects")]
    {
        let target = Target { practice: Some(Practice { messages, passed }), ..target() };
        expect(&dmarc(&target, &zone).await, result, key, key);
    }
}

#[tokio::test]
async fn tlsa_records_are_held_against_our_certificate() {
    use CheckResult::{Ok, Problem};
    let settings = testkit::sink::SinkSettings { tls: true, tls_name: "mx.gate.example".into(), ..Default::default() };
    let certificate = testkit::sink::Sink::start(settings).await.certificate.clone();
    let right = gateway::delivery::security::dane::Tlsa::of_key(&certificate).expect("a certificate");
    for (records, result, key, why) in [
        (vec![right.octets.clone()], Ok, "check-dane-fits", "our key"),
        (vec![vec![7; 32], right.octets.clone()], Ok, "check-dane-fits", "the next key beside it"),
        (vec![vec![7; 32]], Problem, "check-dane-differs", "another key"),
    ] {
        let mut zone = Zone::new();
        for octets in records {
            zone.add("_25._tcp.mx.gate.example", Record::Tlsa { usage: 3, selector: 1, matching: 1, octets });
        }
        let target = Target { chain: vec![certificate.clone()], ..target() };
        let checked = dane(&target, &zone).await;
        expect(&checked, result, key, why);
        let publish: Vec<&str> = checked.publish.iter().map(|publish| publish.value.as_str()).collect();
        let wanted = if result == Problem { vec![right.shown()] } else { Vec::new() };
        assert_eq!(publish, wanted, "{why}");
    }
}

#[tokio::test]
async fn a_logo_needs_a_picture_and_a_policy() {
    use CheckResult::{Advice, Ok, Problem};
    let good = "v=BIMI1; l=https://a.example/logo.svg; a=https://a.example/mark.pem";
    for (record, policy, result, key) in [
        (Some(good), "v=DMARC1; p=reject; rua=mailto:d@a.example", Ok, "check-bimi-ok"),
        (Some(good), "v=DMARC1; p=none; rua=mailto:d@a.example", Problem, "check-bimi-dmarc"),
        (Some("v=BIMI1; l=https://a.example/logo.svg"), "v=DMARC1; p=reject; rua=mailto:d@a.example", Advice, "check-bimi-certificate"),
        (Some("v=BIMI1; l=http://a.example/logo.png; a=https://a.example/m.pem"), "v=DMARC1; p=reject", Problem, "check-bimi-picture"),
        (Some("v=BIMI1; l=; a="), "v=DMARC1; p=none", Ok, "check-bimi-declined"),
        (None, "v=DMARC1; p=none", Ok, "check-bimi-none"),
    ] {
        let mut zone = Zone::new();
        zone.txt("_dmarc.a.example", policy);
        if let Some(record) = record {
            zone.txt("default._bimi.a.example", record);
        }
        expect(&bimi(&target(), &zone).await, result, key, key);
    }
}
