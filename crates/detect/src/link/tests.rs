use super::shown_domain;
use crate::fixture::{Scene, html, plain, weighing};

fn check(body: &str, want: &[&str], why: &str) {
    let raw = html("", &format!("<html><body><p>Dear Bo, this is about our meeting.</p>{body}</body></html>"));
    // A page with one link is its own table.
    let mut seen = weighing(&Scene::default().look(&raw));
    seen.retain(|check| check != "link.lone");
    assert_eq!(seen, want, "{why}");
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
        ("https://xn--pypal-4ve.com/", vec!["link.brand", "link.mixed-script"], "Cyrillic letter in a Latin name"),
        ("https://xn--fiqs8s.com/", vec![], "Chinese alone"),
        ("https://xn--mnchen-3ya.de/", vec![], "German alone"),
        ("https://examp1e.com/", vec!["link.look-alike"], "nearly ours"),
        ("https://bit.ly/x", vec!["link.shortener"], "a shortener on a page"),
        ("https://www.google.com/url?q=https%3A%2F%2Fevil.test", vec!["link.redirect"], "a known redirector"),
        ("https://www.google.com/url?q=https%3A%2F%2Fexamp1e.com", vec!["link.look-alike", "link.redirect"], "what it leads to counts too"),
        ("https://www.google.com/url?q=https%3A%2F%2Fwww.sender.example", vec![], "to the sender's own page"),
        ("https://paypal.com.evil.test/", vec!["link.brand"], "a brand in front"),
        ("https://abc.ipfs.dweb.link/", vec!["link.free-host"], "a page nobody can remove"),
        ("https://shop.sender.example/?to=https://evil.test", vec![], "the sender counts clicks"),
        ("javascript:window.location='https://evil.test'", vec!["link.script"], "script that leads on"),
    ] {
        check(&format!("<a href=\"{href}\">our page</a>"), &want, why);
    }
}

#[test]
fn one_place_for_all_links_weighs() {
    let lone = |header: &str, body: &str| {
        let seen = Scene::default().look(&html(header, &format!("<p>Dear Bo, this is about our meeting.</p>{body}")));
        seen.iter().find(|finding| finding.check == "link.lone").map(|finding| finding.weight)
    };
    let link = |href: &str| format!("<a href=\"{href}\">our page</a>");
    assert_eq!(lone("", &link("https://www.other.example/x")), Some(0.5), "somebody else's");
    assert_eq!(lone("", &link("https://www.sender.example/x")), None, "the sender's");
    assert_eq!(lone("", &link("https://www.example.com/x")), None, "our own");
    assert_eq!(lone("", &link("https://bit.ly/x")), Some(1.8), "hidden");
    assert_eq!(lone("", &link("https://shop.web.app/x")), Some(1.8), "anybody's page");
    assert_eq!(lone("", &(link("https://a.example/") + &link("https://b.example/"))), None, "two places");
    assert_eq!(lone("", &(link("https://www.other.example/") + &link("https://img.other.example/"))), Some(0.5), "one owner");
    assert_eq!(lone("In-Reply-To: <1@example.com>\r\n", &link("https://www.other.example/x")), None, "an answer");
}

/// Weight of a check in a page with this header, if it was found.
fn weight(check: &str, header: &str, body: &str) -> Option<f32> {
    let seen = Scene::default().look(&html(header, &format!("<html><body>{body}</body></html>")));
    seen.iter().find(|finding| finding.check == check).map(|finding| finding.weight)
}

#[test]
fn a_button_that_writes_to_a_free_mailbox_weighs() {
    let button = |href: &str, text: &str| format!("<p>Somebody signed in to your account.</p><a href=\"{href}\">{text}</a>");
    let report = button("mailto:desk@gmail.com?subject=Report", "Report the user");
    let of = |header: &str, body: &str| weight("link.mail-button", header, body);
    assert_eq!(of("", &report), Some(1.5), "the only button");
    assert_eq!(of("", &(report.clone() + "<a href=\"https://www.sender.example/\">us</a>")), Some(0.5), "a page to visit as well");
    assert_eq!(of("", &button("mailto:desk@gmail.com", "desk@gmail.com")), None, "the address is shown");
    assert_eq!(of("", &button("mailto:desk@sender.example", "Write to us")), None, "no free mailbox");
    assert_eq!(of("From: Ada <ada@gmail.com>\r\n", &button("mailto:ada@gmail.com", "Write to me")), None, "the sender's own");
    assert_eq!(of("List-Id: <talk.example>\r\n", &report), None, "a list");
}

#[test]
fn pictures_from_anywhere_weigh() {
    let picture = |source: &str| format!("<p>Dear Bo, this is about our meeting.</p><img src=\"{source}\">");
    let of = |header: &str, source: &str| weight("link.picture-host", header, &picture(source));
    assert_eq!(of("", "https://i.imgur.com/x.png"), Some(1.2), "anybody's");
    assert_eq!(of("", "http://93.184.215.14/x.png"), Some(1.6), "a computer without a name");
    assert_eq!(of("", "https://img.sender.example/x.png"), None, "the sender's");
    assert_eq!(of("", "https://cdn.other.example/x.png"), None, "who sends for them");
    assert_eq!(of("From: Ada <ada@gmail.com>\r\n", "https://i.imgur.com/x.png"), Some(0.6), "a person");
    let answer = "Subject: Re: Minutes\r\nIn-Reply-To: <1@example.com>\r\n";
    assert_eq!(of(answer, "https://i.imgur.com/x.png"), Some(1.2), "hardly a word: it answers nobody");
    let long = format!("{}<img src=\"https://i.imgur.com/x.png\">", "<p>Dear Bo, this is about our meeting on Monday.</p>".repeat(8));
    assert_eq!(weight("link.picture-host", answer, &long), None, "an answer");
    let claimed = answer.replace("Re: ", "");
    assert_eq!(weight("link.picture-host", &claimed, &long), Some(1.2), "the header of an answer alone is none");
}

#[test]
fn rented_machines_weigh() {
    let of =
        |header: &str, host: &str| weight("link.rented-host", header, &format!("<p>Our page</p><a href=\"https://{host}/x\">here</a>"));
    assert_eq!(of("", "33.132.167.72.host.secureserver.net"), Some(1.6));
    assert_eq!(of("", "www.sender.example"), None);
    assert_eq!(of("References: <1@example.com>\r\n", "33.132.167.72.host.secureserver.net"), Some(0.0), "people talk about it");
}

#[test]
fn the_readers_address_in_a_strangers_link_weighs() {
    let of = |header: &str, target: &str| weight("link.recipient", header, &format!("<p>Our page</p><a href=\"{target}\">here</a>"));
    for (target, want, why) in [
        ("https://evil.test/#bo@example.com", Some(3.0), "behind the #"),
        ("https://evil.test/x/Ym9AZXhhbXBsZS5jb20", Some(2.5), "in base64"),
        ("https://evil.test/#someone@elsewhere.example", Some(1.5), "another reader's"),
        ("https://news.test/unsubscribe?e=bo@example.com", None, "a link to unsubscribe"),
        ("https://bo.web.app/?e=bo@example.com", Some(1.8), "in plain letters at a place where anybody puts a page"),
        ("https://www.sender.example/#bo@example.com", None, "the sender's own page"),
        ("https://intranet.example.com/#bo@example.com", None, "our own page"),
        ("https://evil.test/#chapter-2", None, "no address"),
    ] {
        assert_eq!(of("", target), want, "{why}");
    }
    assert_eq!(of("List-Id: <talk.example>\r\n", "https://evil.test/#bo@example.com"), None, "people talk about it");
    assert_eq!(of("From: Ada <ada@example.com>\r\n", "https://evil.test/#bo@example.com"), None, "one of ours");
}

#[test]
fn addresses_taken_apart_weigh() {
    let of = |header: &str, text: &str| {
        let seen = Scene::default().look(&plain(header, text));
        seen.iter().find(|finding| finding.check == "link.spelled-out").map(|finding| finding.weight)
    };
    let apart = "Your balance is ready. Page: Coinvalley . net, number 7.";
    assert_eq!(of("", apart), Some(2.0));
    assert_eq!(of("In-Reply-To: <1@example.com>\r\n", apart), None, "an answer");
    assert_eq!(of("", "Beware of coinvalley[.]net, see https://sender.example/warning"), None, "a warning with a page of one's own");
    assert_eq!(of("", "Write to ada (at) house (dot) com."), None, "an address of mail");
}

#[test]
fn many_hosts_and_random_ones_are_named() {
    let links = |count: usize| (0..count).map(|n| format!("<a href=\"https://p{n}.other.example/\">one</a> ")).collect::<String>();
    assert_eq!(weight("link.many-hosts", "", &links(25)), Some(0.0), "worth knowing");
    assert_eq!(weight("link.many-hosts", "", &links(24)), None, "a digest");
    let of = |host: &str| weight("link.random-host", "", &format!("<p>Our page</p><a href=\"https://{host}/x\">here</a>"));
    assert_eq!(of("x7f3k9q2d.com"), Some(0.4));
    assert_eq!(of("harboursteel.com"), None, "a name");
}
