use super::look_alike::{LookAlike, imitated};
use crate::fixture::{Scene, plain, weighing};
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
