use super::*;
use crate::rules::content::NotEditable;
use proptest::prelude::*;

fn disclaimer(text: &str, place: Place, fallback: Fallback) -> super::content::Content {
    let one = Action { text: text.into(), place, fallback, ..Action::new(ActionKind::Disclaimer) };
    let mut content = super::content::Content::default();
    content.disclaimers.push(std::sync::Arc::new(super::content::Disclaimer::new(&one)));
    content
}

fn read(octets: Bytes) -> Message {
    let message = Message::parse(octets, &Budget::default());
    assert!(message.defects.is_empty(), "{:?} in\n{}", message.defects, String::from_utf8_lossy(message.raw()));
    message
}

fn texts(message: &Message) -> Vec<String> {
    message.texts.iter().map(|text| text.visible.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

const HEAD: &str = "From: ann@partner.example\nDate: Mon, 16 Nov 2026 09:00:00 +0000\nTo: li@demo.example\nSubject: x\nMIME-Version: 1.0\n";

#[test]
fn a_disclaimer_stands_in_every_text_and_nowhere_else() {
    let alternative = "Content-Type: multipart/alternative; boundary=\"b\"\n\n--b\nContent-Type: text/plain; charset=us-ascii\n\nhi\n--b\n\
        Content-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n<html><body class=3D\"a>b\"><p>caf=E9</p></body></html>\n--b--\n";
    let mixed = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n5L2g5aW9DQo=\n\
        --o\nContent-Type: text/plain; name=notes.txt\nContent-Disposition: attachment; filename=notes.txt\n\nnot here\n--o--\n";
    for (body, text, place, want) in [
        ("Content-Type: text/plain\n\nhi\n", "Mind this", Place::Append, vec!["hi Mind this"]),
        ("\nhi", "Mind this", Place::Prepend, vec!["Mind this hi"]),
        ("Content-Type: text/plain\n\nhi\n", "免责声明", Place::Append, vec!["hi 免责声明"]),
        ("Content-Type: text/plain; charset=gb18030\nContent-Transfer-Encoding: base64\n\nxOO6ww0K\n", "免责声明", Place::Append, vec!["你好 免责声明"]),
        ("Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9=\n!\n", "Né", Place::Prepend, vec!["Né café!"]),
        ("Content-Type: text/html; charset=gb2312\nContent-Transfer-Encoding: base64\n\nPHA+xOO6wzwvcD4=\n", "声明 & <b>", Place::Append, vec!["你好 声明 & <b>"]),
        (alternative, "Ende é", Place::Append, vec!["hi Ende é", "café Ende é"]),
        (alternative, "First", Place::Prepend, vec!["First hi", "First café"]),
        (mixed, "Mind this", Place::Append, vec!["你好 Mind this"]),
    ] {
        let before = Bytes::from(format!("{HEAD}{body}").replace('\n', "\r\n"));
        let after = read(disclaimer(text, place, Fallback::Reject).apply(before.clone(), "m1"));
        let found = texts(&after);
        assert_eq!(found[..want.len()], want, "{text} in {body}\ngives\n{}", String::from_utf8_lossy(after.raw()));
        assert_eq!(after.attachments.len(), read(before).attachments.len(), "{body}");
    }
}

#[test]
fn what_cannot_be_edited_is_wrapped_left_or_refused() {
    let signed = "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha256; boundary=s\n\n--s\nContent-Type: text/plain\n\nhi\n\
        --s\nContent-Type: application/pgp-signature\n\nsig\n--s--\n";
    let smime = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nAAAA\n";
    let report = "Content-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r\nContent-Type: text/plain\n\nfailed\n--r\n\
        Content-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n--r--\n";
    let inline = "Content-Type: text/plain\n\n-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\n";
    let picture = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA\n";
    let twice = "Content-Type: text/plain\nContent-Type: text/html\n\nhi\n";
    let open = "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: text/plain\n\nhi\n";
    for (body, why) in [
        (signed, NotEditable::Signed),
        (smime, NotEditable::Encrypted),
        (report, NotEditable::NoText),
        (inline, NotEditable::Encrypted),
        (picture, NotEditable::NoText),
        (twice, NotEditable::Odd),
        (open, NotEditable::Odd),
    ] {
        let octets = Bytes::from(format!("{HEAD}{body}").replace('\n', "\r\n"));
        assert_eq!(disclaimer("d", Place::Append, Fallback::Reject).refuses(&octets), Some(why), "{body}");
        assert_eq!(disclaimer("d", Place::Append, Fallback::Ignore).apply(octets.clone(), "m1"), octets, "{body}");
        let wrapped = disclaimer("Mind this", Place::Prepend, Fallback::Wrap).apply(octets.clone(), "m1");
        assert!(memchr::memmem::find(&wrapped, &octets).is_some(), "the original is whole: {body}");
        let message = Message::parse(wrapped, &Budget::default());
        assert_eq!((message.subject.as_str(), texts(&message)[0].as_str()), ("x", "Mind this"), "{body}");
    }
}

#[test]
fn mail_in_chinese_gets_the_chinese_text() {
    let both = Action { text: "Confidential".into(), text_zh: "机密".into(), ..Action::new(ActionKind::Disclaimer) };
    let mut content = super::content::Content::default();
    content.disclaimers.push(std::sync::Arc::new(super::content::Disclaimer::new(&both)));
    for (body, want) in [("hello there, it is about 中文", "Confidential"), ("您好，会议改到明天 9:00，Zoom 链接不变。", "机密")] {
        let octets = Bytes::from(format!("{HEAD}Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}\n").replace('\n', "\r\n"));
        assert!(texts(&read(content.apply(octets, "m1")))[0].ends_with(want), "{body}");
    }
}

/// A part of a random message: header and body with LF line ends.
fn part() -> impl Strategy<Value = String> {
    let line = "[ -~äö免声=.]{0,90}";
    let text = proptest::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n"));
    (text, 0..3usize, any::<bool>()).prop_map(|(text, encoding, is_html)| {
        let kind = if is_html { "text/html" } else { "text/plain" };
        let text = if is_html { format!("<p>{}</p>", text.replace(['<', '>', '&'], " ")) } else { text };
        let (name, body) = match encoding {
            0 => ("8bit", text),
            1 => ("base64", crate::delivery::base64(text.replace('\n', "\r\n").as_bytes())),
            _ => ("quoted-printable", quoted(&text)),
        };
        format!("Content-Type: {kind}; charset=utf-8\nContent-Transfer-Encoding: {name}\n\n{body}\n")
    })
}

fn quoted(text: &str) -> String {
    text.bytes().map(|octet| if octet == b'\n' { "\n".into() } else { format!("={octet:02X}=\n") }).collect()
}

/// A tree of parts, up to three deep.
fn tree() -> impl Strategy<Value = String> {
    part().prop_recursive(3, 12, 4, |inner| {
        (proptest::collection::vec(inner, 1..4), 0..3usize, 0..1000u32).prop_map(|(children, kind, n)| {
            let kind = ["mixed", "alternative", "related"][kind];
            let boundary = format!("bd{n}x{}", children.len());
            let parts: String = children.iter().map(|child| format!("--{boundary}\n{child}\n")).collect();
            format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\n\n{parts}--{boundary}--\n")
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// The result is a message with the same parts, and where it was edited every word that was there is still there.
    #[test]
    fn all_parts_stay(tree in tree(), prepend in any::<bool>()) {
        let octets = Bytes::from(format!("{HEAD}{tree}").replace('\n', "\r\n"));
        let before = Message::parse(octets.clone(), &Budget::default());
        let place = if prepend { Place::Prepend } else { Place::Append };
        let content = disclaimer("Mind-the-gap 免责", place, Fallback::Wrap);
        let is_edited = content.not_editable(&octets).is_none();
        let after = Message::parse(content.apply(octets.clone(), "m1"), &Budget::default());
        prop_assert_eq!(&after.subject, "x");
        if is_edited {
            prop_assert_eq!(after.texts.len(), before.texts.len());
            prop_assert_eq!(after.attachments.len(), before.attachments.len());
            prop_assert_eq!(after.defects.len(), before.defects.len(), "{:?} and {:?}", after.defects, before.defects);
            let mut found = 0;
            for (old, new) in before.texts.iter().zip(&after.texts) {
                let words: Vec<&str> = old.visible.split_whitespace().collect();
                let kept: Vec<&str> = new.visible.split_whitespace().filter(|word| *word != "Mind-the-gap" && *word != "免责").collect();
                prop_assert_eq!(words, kept);
                found += usize::from(new.visible.contains("Mind-the-gap"));
            }
            prop_assert!(found > 0);
        } else {
            prop_assert!(memchr::memmem::find(after.raw(), &octets).is_some());
        }
    }

    /// No octets are too odd to be left alone.
    #[test]
    fn nothing_panics(octets in proptest::collection::vec(any::<u8>(), 0..600), text in ".{1,60}") {
        for fallback in [Fallback::Wrap, Fallback::Ignore, Fallback::Reject] {
            let mut content = disclaimer(&text, Place::Append, fallback);
            content.prefixes.push("[x]".into());
            content.headers.push(("X-A".into(), Some("b".into())));
            content.headers.push(("Subject".into(), None));
            content.shown.push((Copied::Cc, address("x@demo.example")));
            let _ = content.apply(Bytes::from(octets.clone()), "m1");
        }
    }
}
