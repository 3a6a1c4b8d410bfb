use super::look_alike::{LookAlike, imitated};
use crate::fixture::{Scene, html, plain, weighing};
use crate::inspect::Surroundings;

fn check(header: &str, want: &[&str], why: &str) {
    let raw = plain(header, "Dear Bo, please look at this before noon.");
    assert_eq!(weighing(&Scene::default().look(&raw)), want, "{why}");
}

#[test]
fn names_of_protected_people_are_theirs() {
    for (from, want, why) in [
        ("Li Wei <boss@sender.example>", vec!["impersonation.person"], "another address"),
        ("\"Wei, Li\" <boss@sender.example>", vec!["impersonation.person"], "the other way round"),
        ("LI  WEI <boss@sender.example>", vec!["impersonation.person"], "capitals"),
        ("=?utf-8?Q?L=D1=96_Wei?= <boss@sender.example>", vec!["impersonation.person"], "a Cyrillic letter"),
        ("Li Weiss <boss@sender.example>", vec![], "another name"),
    ] {
        check(&format!("From: {from}\r\n"), &want, why);
    }
    let own = Scene::default().look(&plain("From: Li Wei <Li.Wei@example.com>\r\n", "Dear Bo, please look at this."));
    assert_eq!(weighing(&own), ["spoof.own-domain"], "the real address is not impersonation, whatever else it is");
}

#[test]
fn display_names_show_no_other_address() {
    for (from, want, why) in [
        ("\"ceo@bank.com\" <x@sender.example>", vec!["impersonation.display-address"], "an address"),
        ("\"bank.com\" <x@sender.example>", vec!["impersonation.display-domain"], "a domain"),
        ("\"www.sender.example\" <x@mail.sender.example>", vec![], "the sender's own domain"),
        ("\"Dr. Ada v. Stein\" <x@sender.example>", vec![], "dots in a name"),
    ] {
        check(&format!("From: {from}\r\n"), &want, why);
    }
    check("From: \"ada@bank.com via Talk\" <talk@sender.example>\r\nList-Id: <talk.sender.example>\r\n", &["bulk.marks"], "a list says so");
}

#[test]
fn answers_to_a_free_mailbox_are_noticed() {
    check("Reply-To: Ada <ada@gmail.com>\r\n", &["impersonation.reply-to"], "from a firm");
    check("Reply-To: <ada@sender.example>\r\n", &[], "the sender's own");
    check("Reply-To: <ada@other.example>\r\n", &[], "no free provider");
    check("From: Ada <ada@gmail.com>\r\nReply-To: ada2@gmail.com\r\n", &[], "the same provider");
    let of = |header: &str, text: &str| {
        let seen = Scene::default().look(&plain(header, text));
        seen.iter().find(|finding| finding.check == "impersonation.reply-to").map(|finding| finding.weight)
    };
    let (strange, own) = ("Reply-To: <cy77@gmail.com>\r\n", "From: Ada Berg <ada.berg@web.de>\r\nReply-To: <adaberg@gmail.com>\r\n");
    assert_eq!(of(strange, "Can we talk?"), Some(2.5), "an opening");
    assert_eq!(of(&format!("From: Ada <ada@gmail.com>\r\n{strange}"), "Can we talk?"), Some(2.5), "a stranger at the same provider");
    assert_eq!(of(&format!("{strange}In-Reply-To: <1@example.com>\r\n"), "Can we talk?"), Some(1.0), "an answer");
    assert_eq!(of(strange, "Can we talk? https://sender.example/x"), Some(1.0), "something to open");
    assert_eq!(of(own, "Can we talk?"), Some(0.8), "two mailboxes of one person");
}

#[test]
fn look_alikes_of_own_domains_are_found() {
    let surroundings =
        Surroundings { own_domains: ["example.com".into(), "morning-star.co.uk".into(), "abc.com".into()].into(), ..Default::default() };
    for (host, want) in [
        ("example.com", None),
        ("www.example.com", None),
        ("examp1e.com", Some(("example.com", true))),
        ("exarnple.com", Some(("example.com", true))),
        ("mail.exampie.com", Some(("example.com", true))),
        ("xn--xample-2of.com", Some(("example.com", true))),
        ("exampl.com", Some(("example.com", false))),
        ("exxample.com", Some(("example.com", false))),
        ("exmaple.com", Some(("example.com", false))),
        ("rnorning-star.co.uk", Some(("morning-star.co.uk", true))),
        ("example.org", None),
        ("abd.com", None),
        ("sample.com", None),
        ("xn--fiqs8s", None),
        ("", None),
    ] {
        let found = imitated(host, &surroundings);
        assert_eq!(found, want.map(|(own, same_looks)| LookAlike { own, same_looks }), "{host}");
    }
}

#[test]
fn brands_belong_to_their_owners() {
    for (from, want, why) in [
        ("PayPal <service@paypal.com>", vec![], "the owner"),
        ("PayPal <service@mail.paypal.de>", vec![], "the owner in another country"),
        ("PayPal <x@sender.example>", vec!["impersonation.brand-name"], "somebody else"),
        ("PayPaI <x@sender.example>", vec!["impersonation.brand-name"], "another letter"),
        ("Ada <x@paypa1.com>", vec!["impersonation.brand-domain"], "a domain that looks like theirs"),
        ("Ada at Apple Valley <x@sender.example>", vec![], "a word that is a brand too"),
        ("Garden Tools Ltd <gardentools@gmail.com>", vec!["impersonation.company"], "a firm without a domain"),
        ("Ada Berg <ada@gmail.com>", vec![], "a person"),
    ] {
        check(&format!("From: {from}\r\n"), &want, why);
    }
}

#[test]
fn look_alikes_of_correspondents_are_found() {
    let correspondents = super::correspondent::Correspondents::of(["harbour-steel.com".to_string()].iter());
    let scene = Scene { correspondents: Some(correspondents), ..Scene::default() };
    let seen =
        |from: &str| weighing(&scene.look(&plain(&format!("From: Ada <ada@{from}>\r\n"), "Dear Bo, please look at this before noon.")));
    assert_eq!(seen("harbour-stee1.com"), ["impersonation.correspondent"]);
    assert_eq!(seen("harbour-steel.com"), Vec::<String>::new());
}

#[test]
fn answers_to_a_look_alike_are_noticed() {
    check("From: Ada <ada@stonebridge.com>\r\nReply-To: <ada@st0nebridge.com>\r\n", &["impersonation.reply-to-look-alike"], "a zero");
    check("From: Ada <ada@stonebridge.com>\r\nReply-To: <ada@mail.stonebridge.com>\r\n", &[], "the same organisation");
}

#[test]
fn who_is_known_counts() {
    use crate::acquaintance::{Acquaintance, Familiarity};
    use mail::auth::DmarcResult;
    let lure = "Our bank account has changed. Please send the payment to IBAN DE89 3704 0044 0532 0130 00.";
    let known = Familiarity::Seen { mails: 9, first_ms: 0, last_ms: 0 };
    let seen = |acquaintance: Acquaintance, text: &str| {
        let mut scene = Scene { acquaintance, ..Scene::default() };
        scene.auth.dmarc.result = DmarcResult::Pass;
        let found = scene.look(&plain("", text)).into_iter().filter(|finding| finding.check != "auth.dmarc.pass");
        found.map(|finding| (finding.check.to_string(), finding.weight)).collect::<Vec<_>>()
    };
    let one = |check: &str, weight| vec![(check.to_string(), weight)];
    let stranger = Acquaintance { address: Familiarity::New, domain: Familiarity::New, ..Acquaintance::default() };
    let friend = Acquaintance { address: known, domain: known, ..Acquaintance::default() };
    assert_eq!(seen(Acquaintance::default(), "Dear Bo, see you at noon."), []);
    assert_eq!(seen(stranger, "Dear Bo, see you at noon."), one("impersonation.first-contact", 0.0), "a tip");
    assert_eq!(seen(friend, "Dear Bo, see you at noon."), one("impersonation.known-sender", -1.5));
    let asks = |more: f32, check: &str, weight| [one("content.payment-change", 3.0 + more), one(check, weight)].concat();
    assert_eq!(seen(stranger, lure), asks(0.0, "impersonation.first-contact", 1.0));
    assert_eq!(seen(friend, lure), asks(0.0, "impersonation.known-sender", 0.0), "accounts are taken over too");
    assert_eq!(seen(Acquaintance { thread: Some(true), ..friend }, lure), asks(1.0, "impersonation.known-sender", 0.0));
}

/// Weight of a check in a page with this header, if it was found.
fn weight(check: &str, header: &str, body: &str) -> Option<f32> {
    let seen = Scene::default().look(&crate::fixture::html(header, body));
    seen.iter().find(|finding| finding.check == check).map(|finding| finding.weight)
}

#[test]
fn texts_that_speak_as_a_brand_weigh() {
    let of = |header: &str, body: &str| weight("impersonation.brand-content", header, body);
    let page =
        |href: &str| format!("<p>Your Netflix plan is on hold. Netflix could not charge your card.</p><a href=\"{href}\">Update</a>");
    let subject = "Subject: Netflix: payment declined\r\n";
    let away = of(subject, &page("https://other.example/x")).expect("it leads away");
    assert!(of(subject, &page("https://bit.ly/x")) > Some(away), "a place that hides is worse");
    assert!(of(subject, &page("https://www.sender.example/x")).is_some_and(|weight| weight < away), "the sender's own page");
    assert!(of("", &page("https://other.example/x")).is_some_and(|weight| weight < away), "in the text alone");
    let signed = "From: Netflix <info@netflix.com>\r\nDKIM-Signature: v=1\r\nSubject: Netflix: payment declined\r\n";
    assert_eq!(of(signed, &page("https://www.netflix.com/x")), None, "the owner");
    assert_eq!(of(&format!("{subject}In-Reply-To: <1@example.com>\r\n"), &page("https://other.example/x")), None, "an answer");
    let strange = "From: Netflix <info@netflix.com>\r\nDKIM-Signature: v=1; d=other.example\r\nSubject: Netflix: payment declined\r\n";
    assert!(of(strange, &page("https://other.example/x")).is_some(), "signed by somebody else alone");
    let news = "<p>Netflix, Spotify, Amazon, Google and Facebook raised their prices.</p><a href=\"https://other.example/\">Read on</a>";
    assert_eq!(of("", news), None, "news name many");
}

#[test]
fn what_is_passed_on_is_read_as_its_writers() {
    let quoted =
        |from: &str| format!("<hr><p>From: {from}<br>Sent: Monday, 2 March 2026 10:00<br>To: bo@example.com</p><p>Your parcel waits.</p>");
    let of = |header: &str, from: &str| weight("impersonation.forwarded", header, &quoted(from));
    let header = "Subject: Fw: Your parcel\r\nReferences: <1@sender.example>\r\n";
    assert_eq!(of(header, "PayPal &lt;x@other.example&gt;"), Some(1.8), "a borrowed name");
    assert_eq!(of(header, "PayPal &lt;x@paypal.com&gt;"), None, "the owner's");
    assert_eq!(of("Subject: Your parcel\r\n", "PayPal &lt;x@other.example&gt;"), None, "it is not passed on");
    assert_eq!(of(&format!("From: Cy <cy@example.com>\r\n{header}"), "PayPal &lt;x@other.example&gt;"), None, "one of us");
}

#[test]
fn senders_without_a_domain_of_their_own_weigh() {
    let of = |domain: &str| weight("impersonation.rented-sender", &format!("From: Ada <ada@{domain}>\r\n"), "<p>Here are the minutes.</p>");
    assert_eq!(of("33.132.167.72.host.secureserver.net"), Some(1.5));
    assert_eq!(of("bounce5.ddns.net"), Some(1.2));
    assert_eq!(of("v27dnkoozs.onmicrosoft.com"), Some(0.8));
    assert_eq!(of("x7f3k9q2d.com"), Some(0.8));
    assert_eq!(of("sender.example"), None);
}

#[test]
fn who_speaks_as_our_own_desk_and_leads_elsewhere_weighs() {
    let at = |from: &str, subject: &str, target: &str| {
        let mut scene = Scene::default();
        scene.envelope.recipients.push(mail::EnvelopeRecipient {
            address: mail::Address::parse("bo@example.com").expect("an address"),
            notify: Default::default(),
            orcpt: None,
        });
        let header = format!("From: {from}\r\nSubject: {subject}\r\n");
        let raw = html(&header, &format!("<p>Dear Bo, please look at this before noon.</p><a href=\"{target}\">here</a>"));
        let findings = scene.look(&raw);
        findings.iter().find(|finding| finding.check == "impersonation.inside").map(|finding| finding.weight)
    };
    let (elsewhere, hidden) = ("https://evil.test/x", "https://x.web.app/");
    for (from, subject, target, want, why) in [
        ("example.com IT Support <x@sender.example>", "Notice", elsewhere, Some(3.0), "house and desk"),
        ("Example HR Department <x@sender.example>", "Notice", elsewhere, Some(3.0), "the name of the house"),
        ("IT Support <x@sender.example>", "Notice", elsewhere, Some(0.8), "any house's desk"),
        ("IT Support <x@sender.example>", "Notice for bo@example.com", elsewhere, Some(1.4), "the reader's address in the subject"),
        ("Ada <x@sender.example>", "Notice for Bo@Example.com", elsewhere, Some(0.5), "the address alone"),
        ("=?utf-8?B?5L+h5oGv5Lit5b+D?= <x@sender.example>", "Notice", hidden, Some(0.8 * 1.5), "a desk in Chinese"),
        ("example.com IT Support <x@sender.example>", "Notice", "https://www.sender.example/x", None, "who runs the desk for us"),
        ("example.com IT Support <x@example.com>", "Notice", elsewhere, None, "one of ours"),
        ("Ada <x@sender.example>", "Notice", elsewhere, None, "a person"),
    ] {
        assert_eq!(at(from, subject, target), want, "{why}");
    }
}

#[test]
fn signatures_of_strange_tenants_weigh() {
    let of = |signed: &str| {
        let header = format!("From: Ada <ada@harboursteel.com>\r\nDKIM-Signature: v=1; a=rsa-sha256; d={signed}; s=x; b=x\r\n");
        weight("impersonation.foreign-tenant", &header, "<p>Here are the minutes.</p>")
    };
    assert_eq!(of("mlq664.onmicrosoft.com"), Some(0.8));
    assert_eq!(of("harboursteel-ltd.onmicrosoft.com"), None, "the firm's own");
    assert_eq!(of("harboursteel.com"), None, "the domain itself");
    assert_eq!(of("mlq664.onmicrosoft.com; x=1\r\nDKIM-Signature: v=1; d=harboursteel.com"), None, "signed twice");
}

#[test]
fn a_document_is_what_a_borrowed_name_leads_to() {
    let of = |from: &str, content_type: &str| {
        let body = format!(
            "--b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--b\r\nContent-Type: {content_type}\r\n\
             Content-Disposition: attachment; filename=\"case.pdf\"\r\n\r\n%PDF-1.7\nx\r\n--b--\r\n"
        );
        let raw = format!(
            "From: {from}\r\nSubject: Your Netflix account is on hold\r\nMessage-ID: <1@a.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n{body}"
        );
        let seen = Scene::default().look(raw.as_bytes());
        seen.iter().find(|finding| finding.check == "impersonation.brand-content").map(|finding| finding.weight)
    };
    assert!(of("Desk <x@sender.example>", "application/pdf").is_some_and(|weight| weight > 1.0));
    assert_eq!(of("Netflix <info@netflix.com>\r\nDKIM-Signature: v=1", "application/pdf"), None, "the owner");
}

#[test]
fn a_domain_of_mixed_scripts_weighs() {
    let of = |domain: &str| weight("impersonation.mixed-script", &format!("From: Ada <ada@{domain}>\r\n"), "<p>Here are the minutes.</p>");
    assert_eq!(of("xn--pypal-4ve.com"), Some(2.0), "a Cyrillic letter among Latin ones");
    assert_eq!(of("xn--mnchen-3ya.de"), None, "German alone");
    assert_eq!(of("xn--fiqs8s.com"), None, "Chinese alone");
    assert_eq!(of("sender.example"), None);
}

#[test]
fn the_readers_address_in_hexadecimal_weighs() {
    let of = |header: &str| weight("impersonation.coded-reader", header, "<p>Here are the minutes.</p>");
    let coded = "626f406578616d706c652e636f6d"; // bo@example.com
    assert_eq!(of(&format!("From: {coded} <x@sender.example>\r\n")), Some(2.5), "as the name");
    assert_eq!(of(&format!("Reply-To: <{coded}@sender.example>\r\n")), Some(2.5), "where answers go");
    assert_eq!(of("From: Build deadbeefdeadbeef <x@sender.example>\r\n"), None, "a number of a program");
    assert_eq!(of(&format!("Return-Path: <{coded}@sender.example>\r\n")), None, "whoever sends to many learns what bounces");
}
