use super::*;
use crate::message::link::{destination, ranges_in_text};

#[test]
fn links_in_text() {
    for (text, want, why) in [
        ("see https://example.com/a?b=c#d.", &["https://example.com/a?b=c#d"][..], "final punctuation stays out"),
        ("(http://example.com/a_(b))", &["http://example.com/a_(b)"], "brackets in pairs"),
        ("<https://example.com>", &["https://example.com"], "angle brackets"),
        ("www.example.com and example.org/path", &["www.example.com", "example.org/path"], "no scheme"),
        ("go to example.com, now", &["example.com"], "a bare domain"),
        ("hxxp://bad.example/x", &["hxxp://bad.example/x"], "defanged"),
        ("http:\\\\example.com\\a", &["http:\\\\example.com\\a"], "backslashes"),
        ("mail ann.b@example.com please", &[], "a mail address"),
        ("a.b@c.example.com", &[], "a mail address with dots"),
        ("file.txt, 3.14, e.g. this.That", &[], "not every dot"),
        ("report.zip and setup.py", &[], "file names"),
        ("See report.zip/x", &["report.zip/x"], "a path makes it a link"),
        ("访问www.example.com查看", &["www.example.com"], "text follows without a space"),
        ("https://例え.jp/a", &["https://例え.jp/a"], "an international name"),
        ("https://example.com/路径", &["https://example.com/"], "text after a path"),
        ("https://example.com。好", &["https://example.com"], "a full stop of another script"),
        ("::: // http:// https://", &[], "nothing after it"),
        ("1http://x.example", &["1http://x.example"], "whatever stands before"),
    ] {
        let found: Vec<&str> = ranges_in_text(text, 10).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, want, "{why}");
    }
}

#[test]
fn where_a_link_leads() {
    for (target, want_scheme, want_host, why) in [
        ("https://Example.COM/a", "https", Some("example.com"), "lower case"),
        ("https://bank.example@evil.example/", "https", Some("evil.example"), "userinfo"),
        ("https://bank.example:x@y@evil.example:8443/", "https", Some("evil.example"), "userinfo with @"),
        ("https:\\\\evil.example\\@bank.example", "https", Some("evil.example"), "backslashes"),
        ("https:evil.example", "https", Some("evil.example"), "no slashes"),
        ("https:////evil.example", "https", Some("evil.example"), "too many slashes"),
        ("//evil.example/x", "", Some("evil.example"), "no scheme"),
        ("www.evil.example.com/x", "", Some("www.evil.example.com"), "neither"),
        ("example.com:8080/x", "", Some("example.com"), "a port, not a scheme"),
        ("page.html", "", None, "a file"),
        ("https://ev%69l.example", "https", Some("evil.example"), "percent-encoding"),
        ("https://evil。example", "https", Some("evil.example"), "a full-width dot"),
        ("https://ｅｖｉｌ.example", "https", Some("evil.example"), "full-width letters"),
        ("https://bücher.example", "https", Some("xn--bcher-kva.example"), "an international name"),
        ("https://evil.example./", "https", Some("evil.example"), "a final dot"),
        ("http://3232235777/", "http", Some("192.168.1.1"), "a number"),
        ("http://0xc0.0xa8.1.1/", "http", Some("192.168.1.1"), "hexadecimal"),
        ("http://0300.0250.01.01", "http", Some("192.168.1.1"), "octal"),
        ("http://192.168.257", "http", Some("192.168.1.1"), "three numbers"),
        ("http://[2001:DB8::1]:80/", "http", Some("2001:db8::1"), "IPv6"),
        ("http://999.1.1.1/", "http", None, "not an address"),
        ("mailto:a@example.com", "mailto", None, "mail"),
        ("javascript:alert(1)", "javascript", None, "script"),
        ("data:text/html,x", "data", None, "data"),
        ("", "", None, "nothing"),
        ("https://", "https", None, "no host"),
    ] {
        assert_eq!(destination(target), (want_scheme.to_owned(), want_host.map(str::to_owned)), "{why}: {target}");
    }
}

#[test]
fn the_same_link_counts_once_and_the_limit_holds() {
    let found = message("", "https://a.example https://a.example https://b.example");
    assert_eq!(found.links.len(), 2);
    let many: String = (0..1_200).map(|number| format!("https://a.example/{number}\n")).collect();
    let found = message("", &many);
    assert_eq!(found.links.len(), 1_000);
    assert_eq!(kinds(&found), [DefectKind::OverBudget]);
    assert_eq!(found.spent.links, 1_000);
}

#[test]
fn hostile_texts_take_linear_time() {
    for piece in [".", "a.", "://", "a://", "http://", "www.", "a@b.", ")", "x.com/", "é.", "a-.", ":"] {
        let text = piece.repeat((1 << 20) / piece.len());
        assert!(ranges_in_text(&text, 1_000).len() <= 1_000, "{piece}");
    }
}
