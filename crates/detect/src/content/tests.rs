use crate::fixture::{Scene, html, plain, weighing};

/// Without what is said of links alone.
fn check(raw: &[u8], want: &[&str], why: &str) {
    let mut seen = weighing(&Scene::default().look(raw));
    seen.retain(|check| check != "link.lone");
    assert_eq!(seen, want, "{why}");
}

#[test]
fn the_test_string_counts() {
    let text = ["XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"].concat();
    check(&plain("", &text), &["content.gtube"], "alone");
    check(&html("", &format!("<p>Before {text} after</p>")), &["content.gtube"], "in HTML");
}

#[test]
fn headers_are_looked_at() {
    let text = "Here are the minutes of our meeting on Monday.";
    for (header, want, why) in [
        ("Date: (none)\r\n", vec!["header.date.missing"], "no date that can be read"),
        ("Date: Sat, 17 Jan 2026 11:59:00 +0000\r\n", vec!["header.date.ahead"], "two days ahead"),
        ("Date: Fri, 16 Jan 2026 11:59:00 +0000\r\n", vec![], "a day ahead is a wrong zone"),
        ("Date: Thu, 1 Jan 2026 11:59:00 +0000\r\n", vec!["header.date.behind"], "two weeks ago"),
        ("From: Ada <ada@sender.example>, Bo <bo@other.example>\r\n", vec!["header.from.ambiguous"], "two authors"),
        ("From: a@a.example\r\nFrom: b@b.example\r\n", vec!["header.from.ambiguous"], "From twice"),
        ("From: Ada <ada@sender.example> boss@bank.com\r\n", vec!["header.from.ambiguous"], "an address after the address"),
        ("From: Ada <ada@sender.example> (home) office\r\n", vec!["header.from.unreadable"], "words after the address"),
        ("From: =?utf-8?B?PGFAYmFuay5jb20+?=\r\n", vec!["header.from.ambiguous"], "an address in an encoded word"),
        ("Subject: One\r\nSubject: Two\r\n", vec!["header.duplicate"], "Subject twice"),
    ] {
        check(&plain(header, text), &want, why);
    }
}

#[test]
fn html_wishes_are_named() {
    let text = "<p>Here are the minutes of our meeting on Monday.</p>";
    for (extra, want, why) in [
        ("", vec![], "only HTML"),
        ("<form action=\"https://a.example/\"><input name=q></form>", vec!["content.html.form"], "a form"),
        ("<form action=\"https://a.example/\"><input type=password></form>", vec!["content.html.password-field"], "a password"),
        ("<script>1</script>", vec!["content.html.script"], "a script"),
        ("<iframe src=\"https://a.example/\"></iframe>", vec!["content.html.frame"], "a frame"),
    ] {
        check(&html("", &format!("<html><body>{text}{extra}</body></html>")), &want, why);
    }
}

#[test]
fn hidden_text_weighs_when_it_is_more_than_what_is_seen() {
    let words = "weather garden river table window ".repeat(20);
    let hidden = format!("<p>Cheap offers for you today</p><div style=\"display:none\">{words}</div>");
    check(&html("", &hidden), &["content.hidden-text"], "more hidden than shown");
    let preview = "<div style=\"display:none\">What happened this week in the garden</div><p>Dear reader, the river is high.</p>";
    check(&html("", preview), &[], "a preview line");
}

#[test]
fn invisible_characters_inside_latin_words_weigh() {
    check(&plain("", "V\u{200b}i\u{200b}a\u{200b}g\u{200b}r\u{200b}a for all of you"), &["content.invisible-characters"], "split word");
    check(&plain("", "می\u{200c}خواهم بدانم که جلسه چه زمانی برگزار می\u{200c}شود"), &[], "Persian needs them");
    check(&plain("", "Family: 👨\u{200d}👩\u{200d}👧 and the rest of us here"), &[], "emoji need them");
    let subject = "Subject: =?utf-8?B?cGF5cGFsIOKArmRvYy5leGU=?=\r\n"; // has U+202E
    check(&plain(subject, "Here are the minutes of our meeting."), &["content.bidi-override"], "a turned subject");
}

#[test]
fn mail_that_says_nothing_is_noticed() {
    check(&plain("Subject: \r\n", ""), &["content.empty"], "nothing at all");
    check(
        &html("", "<a href=\"https://a.example/\"><img src=\"https://a.example/1.png\"></a>"),
        &["content.image-only"],
        "a picture to click",
    );
    check(&plain("", "OK"), &[], "a short answer");
}

#[test]
fn pages_that_build_files_are_named() {
    let payload = "UEsDBBQA".repeat(300);
    let save = format!("var b=atob('{payload}');a.href=URL.createObjectURL(new Blob([b]));a.download='x.zip';a.click()");
    let page = |script: &str| html("", &format!("<p>Here are the minutes of our meeting on Monday.</p><script>{script}</script>"));
    check(&page(&save), &["content.html.script", "content.smuggling"], "a file out of text");
    check(&page("window.print()"), &["content.html.script"], "a script that builds nothing");
    let attached = |name: &str, content: &str| crate::fixture::attached(name, "text/html", content.as_bytes());
    let seen = |raw: &[u8]| weighing(&Scene::default().look(raw));
    let page = format!("<html><body><script>{save}</script></body></html>");
    assert!(seen(&attached("a.html", &page)).contains(&"attachment.smuggling".to_string()));
    let chart = "<html><body><script>function save(){a.href=URL.createObjectURL(new Blob([x]));a.click()}</script></body></html>";
    assert!(!seen(&attached("a.html", chart)).contains(&"attachment.smuggling".to_string()), "nothing is decoded");
    let drawing = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>x()</script></svg>";
    assert!(seen(&attached("a.svg", drawing)).contains(&"attachment.svg-active".to_string()));
    let still = "<svg xmlns=\"http://www.w3.org/2000/svg\"><rect/></svg>";
    assert!(!seen(&attached("a.svg", still)).contains(&"attachment.svg-active".to_string()));
}

#[test]
fn what_a_text_asks_for_is_named() {
    let answer = "Subject: Re: Invoice\r\nIn-Reply-To: <1@example.com>\r\n";
    let changed = "Our bank account has changed. Please send the payment to IBAN DE89 3704 0044 0532 0130 00.";
    check(&plain(answer, changed), &["content.payment-change"], "in an answer");
    check(&plain("", changed), &["content.payment-change"], "in a mail of its own");
    let same = "Please send the payment to our bank account, IBAN DE89 3704 0044 0532 0130 00.";
    check(&plain(answer, same), &[], "the account everybody knows");
    check(&plain("", "I moved our meeting, and opened a new account at the library. The payment is done."), &[], "words apart");
    let charge = "Your subscription renewal, order id 123, was charged. To cancel call us at +1 808 555 0142.";
    check(&plain("", charge), &["content.callback"], "a charge and a number");
    check(&plain("", &format!("{charge} https://a.example/ https://b.example/")), &[], "with pages to look at");
    let lure = "<p>Your mailbox will be suspended. Verify your password.</p><a href=\"https://other.test/x\">Continue</a>";
    check(&html("", lure), &["content.credential-lure"], "a stranger's link");
    check(&html("", &lure.replace("other.test", "www.sender.example")), &[], "the sender's own page");
    check(&html("List-Id: <talk.example>\r\n", lure), &["bulk.marks"], "people talk about it");
}

#[test]
fn letters_and_pieces_that_hide_words_weigh() {
    let broken = "<p>Spe<span style=\"display:none\">x</span>cial pri<i style=\"font-size:0\">y</i>ces for wat<b hidden>z</b>ches</p>";
    check(&html("", broken), &["content.split-words"], "hidden pieces in words");
    check(&html("", "<p>Special <b>pri</b>ces for watches here</p>"), &[], "bold pieces");
    let subject = "Subject: =?utf-8?B?UNCweXDQsGwgbm90aWNl?=\r\n"; // two Cyrillic letters in a Latin word
    check(&plain(subject, "Here are the minutes of our meeting."), &["content.look-alike-letters"], "in the subject");
}

#[test]
fn dressed_letters_weigh() {
    let of = |subject: &str, text: &str| {
        let seen = Scene::default().look(&plain(&format!("Subject: {subject}\r\n"), text));
        seen.iter().find(|finding| finding.check == "content.styled-letters").map(|finding| finding.weight)
    };
    assert_eq!(of("𝐏𝐚𝐲𝐦𝐞𝐧𝐭 notice", "Here are the minutes of our meeting."), Some(2.0), "in the subject");
    let dressed = "𝑌𝑜𝑢𝑟 𝑎𝑐𝑐𝑜𝑢𝑛𝑡 𝑤𝑖𝑙𝑙 𝑏𝑒 𝑐𝑙𝑜𝑠𝑒𝑑 𝑢𝑛𝑙𝑒𝑠𝑠 𝑦𝑜𝑢 𝑠𝑖𝑔𝑛 𝑖𝑛 𝑛𝑜𝑤 𝑎𝑛𝑑 𝑐𝑜𝑛𝑓𝑖𝑟𝑚";
    assert_eq!(of("Minutes", dressed), Some(1.5), "in the text");
    assert_eq!(of("Minutes", "We take 𝑥 and 𝑦, and show that 𝑥 < 𝑦."), None, "a formula");
    assert_eq!(of("会议纪要", "附件是上次会议的纪要，请查收。"), None, "another script");
}

#[test]
fn pictures_that_lead_elsewhere_weigh_more() {
    let weight = |body: &str| {
        let seen = Scene::default().look(&html("", body));
        seen.iter().find(|finding| finding.check == "content.image-only").map(|finding| finding.weight)
    };
    let picture = |href: &str, below: &str| format!("<a href=\"{href}\"><img src=\"https://a.example/1.png\"></a><p>{below}</p>");
    let footer = "If you no longer wish to receive these messages, please unsubscribe here.";
    assert_eq!(weight(&picture("https://www.sender.example/", "")), Some(1.0), "the sender's page");
    assert_eq!(weight(&picture("https://other.example/", "")), Some(1.5), "another's");
    assert_eq!(weight(&picture("https://bit.ly/x", footer)), Some(2.0), "a place that hides");
    assert_eq!(weight(&picture("https://www.sender.example/", footer)), None, "an honest card");
    assert_eq!(weight(&picture("https://other.example/", &"Here are the minutes of our meeting. ".repeat(12))), None, "a letter");
}

#[test]
fn letters_about_money_that_waits_weigh() {
    let of = |header: &str, text: &str| {
        let seen = Scene::default().look(&plain(header, text));
        seen.iter().find(|finding| finding.check == "content.advance-fee").map(|finding| finding.weight)
    };
    let letter = "I am the widow of a late client of our bank. He left 8.5 million dollars, no next of kin and a consignment. \
                  Contact me in confidence with your full name and telephone.";
    let free = "From: Mrs Ada <ada@gmail.com>\r\n";
    assert!(of(free, letter).is_some_and(|weight| weight >= 3.0), "{:?}", of(free, letter));
    assert!(of("", letter) < of(free, letter), "from a domain of one's own it weighs less");
    assert_eq!(of("In-Reply-To: <1@example.com>\r\n", letter), None, "people talk about it");
    assert_eq!(of(free, "Could you contact me about Sunday? The tickets are 12 dollars."), None);
}

/// Weight of a check in this mail, if it was found.
fn weight(check: &str, raw: &[u8]) -> Option<f32> {
    Scene::default().look(raw).iter().find(|finding| finding.check == check).map(|finding| finding.weight)
}

#[test]
fn codes_in_place_of_letters_weigh() {
    let of = |header: &str, text: &str| weight("content.raw-codes", &plain(header, text));
    let codes = "Prezado Bo, as instru&ccedil;&otilde;es est&atilde;o no anexo.";
    assert_eq!(of("", codes), Some(1.5));
    assert_eq!(of("", "Prezado Bo, as instruções estão no anexo."), None, "letters");
    assert_eq!(of("In-Reply-To: <1@example.com>\r\n", codes), None, "an answer");
    assert_eq!(
        weight("content.raw-codes", &html("", "<p>Prezado Bo, as instru&ccedil;&otilde;es est&atilde;o no anexo.</p>")),
        None,
        "a page"
    );
    assert_eq!(weight("content.raw-codes", &html("", "<p>as instru&amp;ccedil;&amp;otilde;es</p>")), Some(1.5), "coded twice");
}

#[test]
fn offers_in_place_of_a_name_weigh() {
    let of = |text: &str| weight("content.planted-link", &html("", text));
    assert_eq!(of("<p>Hi ✅ +$2,150 ➡️ example.net/x7, one step is left.</p>"), Some(3.5));
    assert_eq!(of("<p>Hi Bo, one step is left.</p><p>https://www.sender.example/x</p>"), None, "a name");
}

#[test]
fn frames_of_odd_marks_weigh() {
    let of = |header: &str| weight("header.framed", &plain(header, "Here are the minutes of our meeting on Monday."));
    assert_eq!(of("Subject: __Your parcel waits__ ,\r\n"), Some(1.5));
    assert_eq!(of("From: \"_= Post =_\" <x@sender.example>\r\n"), Some(1.5));
    assert_eq!(of("Subject: *** News ***\r\n"), None, "people stress a word");
    assert_eq!(of("From: \"Berg, Ada\" <x@sender.example>\r\n"), None, "a name");
}

#[test]
fn strangers_who_court_weigh() {
    let letter = "Hello, I am a lonely lady from the coast and look for a man with a good heart. Write me, I send my photos.";
    assert_eq!(weight("content.courtship", &plain("", letter)), Some(2.8));
    assert_eq!(weight("content.courtship", &plain("In-Reply-To: <1@example.com>\r\n", letter)), None, "an answer");
    assert_eq!(weight("content.courtship", &plain("", "My dear, the photos of the wedding are here. Kiss, mum")), None, "family");
    let passed_on = format!("________\r\nDe: Lady Rose\r\nEnviado: domingo, 1 de março\r\nAssunto: hello\r\n\r\n{letter}");
    let header = "Subject: Fw: hello\r\nIn-Reply-To: <1@other.example>\r\n";
    assert_eq!(weight("content.courtship", &plain(header, &passed_on)), Some(2.8), "passed on without a word");
}

#[test]
fn an_answer_to_nothing_weighs() {
    let of = |value: &str| weight("header.false-answer", &plain(&format!("In-Reply-To: {value}\r\n"), "See you on Monday."));
    assert_eq!(of("_--xf9=er/zw@lot.example"), Some(2.2), "no identifier");
    assert_eq!(of("<1@example.com>"), None, "an identifier");
    assert_eq!(of("1@example.com\r\nSubject: Re: noon"), None, "a careless program, and a real answer");
    assert_eq!(of("Your message of \"Mon, 5 Jan\""), None, "programs of the past");
}

#[test]
fn an_answer_to_oneself_is_none() {
    let codes = "Prezado Bo, as instru&ccedil;&otilde;es est&atilde;o no anexo.";
    let of = |header: &str| weight("content.raw-codes", &plain(header, codes));
    assert_eq!(of("In-Reply-To: <ticket-7@sender.example>\r\n"), Some(1.5), "a desk that threads its mail");
    assert_eq!(of("Subject: Re: the page\r\nIn-Reply-To: <1@sender.example>\r\n"), None, "somebody adds to what was said");
    assert_eq!(of("In-Reply-To: <1@example.com>\r\n"), None, "an answer to us");
}

#[test]
fn a_mail_that_vouches_for_itself_weighs() {
    let of = |header: &str, text: &str| weight("content.self-praise", &plain(header, text));
    for (header, text, want, why) in [
        ("", "This mail is from a trusted sender.\r\n\r\nPlease see the order below.", Some(2.2), "above the text"),
        ("", "CAUTION: SENDER HAS BEEN VERIFIED\r\n\r\nPlease see the order below.", Some(2.2), "in capitals"),
        ("Subject: Order 7 (from a verified sender)\r\n", "Please see below.", Some(2.2), "in the subject"),
        ("", "𝗙𝗿𝗼𝗺 𝗮 𝘁𝗿𝘂𝘀𝘁𝗲𝗱 𝘀𝗲𝗻𝗱𝗲𝗿\r\n\r\nPlease see the order below.", Some(2.2), "in dressed letters"),
        ("", "此邮件来自可信发件人，请放心打开。\r\n\r\n订单见下文。", Some(2.2), "in Chinese"),
        ("Subject: 【已验证的发件人】订单通知\r\n", "订单见下文。", Some(2.2), "in a Chinese subject"),
        ("", "This sender is on your Safe Senders list.\r\n\r\nYour invoice is attached.", Some(2.2), "a banner about a list"),
        ("", "Please add us to your safe senders list so that you miss no issue.", None, "a newsletter asks to be put on it"),
        ("", "We trust you have a safe journey; the sender of the parcel is on it, too.", None, "words apart"),
        ("", "Is the sender to be trusted? Please verify before you pay.", None, "a question about somebody"),
        ("", "请先确认发件人是否可信，再打开附件。", None, "advice in Chinese"),
        ("", "验证码已发送，发件人地址见下文。", None, "words apart in Chinese"),
        ("In-Reply-To: <1@example.com>\r\n", "It says “from a trusted sender” here. Is that us?", None, "people talk about it"),
        ("List-Id: <talk.example>\r\n", "邮件里写着“可信发件人”，怎么去掉？", None, "a list talks about it"),
    ] {
        assert_eq!(of(header, text), want, "{why}");
    }
    let below = format!("{}\r\nIt came from a trusted sender, the scan says.", "Here are the minutes of our meeting. ".repeat(12));
    assert_eq!(of("", &below), None, "far down in a letter");
    let seen = Scene::default().look(&plain("", "This mail is from a trusted sender."));
    let said = seen.iter().find(|finding| finding.check == "content.self-praise").map(|finding| finding.evidence.as_str());
    assert_eq!(said, Some("“from a trusted sender”"));
}

#[test]
fn threats_with_a_camera_and_coins_weigh() {
    let of = |header: &str, text: &str| weight("content.extortion", &plain(header, text));
    let threat = "I hacked your device with a trojan and recorded a video of you with your webcam. Send bitcoin to my wallet or all \
                  your contacts will see it.";
    assert_eq!(of("", threat), Some(4.5));
    assert_eq!(of("", "我已入侵您的设备并植入木马，用摄像头录下了您，还有您的通讯录。请支付比特币。"), Some(3.0), "in Chinese");
    assert_eq!(of("In-Reply-To: <1@example.com>\r\n", threat), None, "people talk about it");
    assert_eq!(of("From: Bo <bo@example.com>\r\n", threat), None, "one of us passes it on");
    assert_eq!(of("", "Our wallet app was hacked; pay with bitcoin later."), None, "nothing was seen");
    assert_eq!(of("", "杀毒软件在附件里查出木马，请勿打开，也不要支付比特币。"), None, "advice in Chinese");
}

#[test]
fn text_far_below_what_is_seen_weighs() {
    let page = |breaks: usize| html("", &format!("<p>Cheap watches today</p>{}<p>garden river window</p>", "<br>\n".repeat(breaks)));
    assert_eq!(weight("content.far-below", &page(80)), Some(4.0));
    assert_eq!(weight("content.far-below", &page(20)), None, "a generous layout");
}

#[test]
fn what_pages_want_besides_is_named() {
    let page = |extra: &str| html("", &format!("<html><body><p>Here are the minutes of our meeting.</p>{extra}</body></html>"));
    let of = |check: &str, extra: &str| weight(check, &page(extra));
    let film = "<object data=\"https://www.sender.example/film.swf\"></object>";
    let away = "<meta http-equiv=\"refresh\" content=\"0;url=https://www.sender.example/\">";
    for (check, extra, want) in [
        ("content.html.event-handler", "<p onmouseover=\"look()\">Here</p>", Some(0.0)),
        ("content.html.object", film, Some(0.8)),
        ("content.html.refresh", away, Some(1.5)),
        ("content.html.only", "", Some(0.0)),
    ] {
        assert_eq!(of(check, extra), want, "{check}");
        let honest = if extra.is_empty() { plain("", "Here are the minutes of our meeting.") } else { page("<p>Here</p>") };
        assert_eq!(weight(check, &honest), None, "{check} of a page without it");
    }
    let both = "<script>look()</script><p onmouseover=\"look()\">Here</p>";
    assert_eq!(of("content.html.event-handler", both), None, "a script is said already");
}

#[test]
fn what_is_missing_or_odd_in_the_octets_is_named() {
    let text = "Here are the minutes of our meeting on Monday.";
    let changed = |from: &str, to: &str| {
        let raw = String::from_utf8(plain("", text)).expect("a mail in UTF-8");
        assert!(raw.contains(from), "{from}");
        raw.replace(from, to).into_bytes()
    };
    let long = "minutes ".repeat(150);
    let elsewhere = "message/external-body; access-type=URL; URL=\"https://www.sender.example/minutes.txt\"";
    for (check, raw, want) in [
        ("header.message-id.missing", changed("Message-ID: <1@sender.example>\r\n", ""), Some(0.7)),
        ("header.from.missing", changed("From: Ada <ada@sender.example>\r\n", ""), Some(1.5)),
        ("header.eight-bit", plain("Subject: Grüße aus Köln\r\n", text), Some(0.0)),
        ("mime.external-body", changed("text/plain; charset=utf-8", elsewhere), Some(1.0)),
        ("mime.long-line", plain("", &long), Some(0.0)),
    ] {
        assert_eq!(weight(check, &raw), want, "{check}");
        assert_eq!(weight(check, &plain("", text)), None, "{check} of a mail without it");
    }
    assert_eq!(weight("header.eight-bit", &plain("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n", text)), None, "as it is written today");
    assert_eq!(weight("mime.long-line", &plain("", &long.replace("minutes minutes ", "minutes\r\n"))), None, "the same in short lines");
}
