use super::shown_domain;
use crate::fixture::{Scene, html, weighing};

fn check(body: &str, want: &[&str], why: &str) {
    let raw = html("", &format!("<html><body><p>Dear Bo, this is about our meeting.</p>{body}</body></html>"));
    assert_eq!(weighing(&Scene::default().look(&raw)), want, "{why}");
}

#[test]
fn domains_are_told_from_words_and_files() {
    for (text, want) in [
        ("https://www.bank.example/login", Some("www.bank.example")),
        ("HTTP://Bank.com", Some("Bank.com")),
        (" <www.bank.example> ", Some("www.bank.example")),
        ("bank.co.uk", Some("bank.co.uk")),
        ("bank.com/a b", Some("bank.com")),
        ("bank.com is closed", None),
        ("Click here.", None),
        ("report.pdf", None),
        ("readme.md", None),
        ("archive.zip", None),
        ("10.5", None),
        ("1.2.3.4", None),
        ("e.g.", None),
        ("https://", None),
        ("..", None),
        ("", None),
        ("例え.jp", Some("例え.jp")),
    ] {
        assert_eq!(shown_domain(text), want, "{text:?}");
    }
}

#[test]
fn text_that_names_another_domain_weighs() {
    check("<a href=\"https://evil.test/x\">https://www.bank.com/login</a>", &["link.text-mismatch"], "another organisation");
    check("<a href=\"https://login.bank.com/x\">www.bank.com</a>", &[], "the same organisation");
    check("<a href=\"https://evil.test/x\">Click here</a>", &[], "no domain shown");
    check("<a href=\"https://clicks.test/x\">www.sender.example</a>", &[], "the sender's own name through a click counter");
    check("<a href=\"mailto:ada@bank.com\">ada@bank.com</a>", &[], "an address");
}

#[test]
fn odd_targets_weigh() {
    for (href, want, why) in [
        ("https://www.bank.com@evil.test/", vec!["link.userinfo"], "a name before @"),
        ("https://evil.test/a@b", vec![], "@ in the path"),
        ("data:text/html;base64,PGI+", vec!["link.data"], "a page in the link"),
        ("javascript:alert(1)", vec!["link.script"], "script"),
        ("http://198.51.100.7/x", vec![], "an address for documents"),
        ("http://93.184.215.14/x", vec!["link.raw-ip"], "a public address"),
        ("http://192.168.1.1/", vec![], "a router at home"),
        ("https://xn--pypal-4ve.com/", vec!["link.mixed-script"], "Cyrillic letter in a Latin name"),
        ("https://xn--fiqs8s.com/", vec![], "Chinese alone"),
        ("https://xn--mnchen-3ya.de/", vec![], "German alone"),
        ("https://examp1e.com/", vec!["link.look-alike"], "nearly ours"),
        ("https://bit.ly/x", vec![], "a shortener is only named"),
    ] {
        check(&format!("<a href=\"{href}\">our page</a>"), &want, why);
    }
}
