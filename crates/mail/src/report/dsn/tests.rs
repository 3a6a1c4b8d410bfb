use super::*;
use mail_parser::{MessageParser, MimeHeaders};
use std::collections::BTreeMap;

const ORIGINAL: &[u8] =
    b"From: <ann@sender.example>\r\nSubject: =?utf-8?B?5Lya6K6u?=\r\n on Monday\r\nMessage-ID: <1@sender.example>\r\n\r\n.secret body\r\n";

fn address(text: &str) -> Address {
    Address::parse(text).expect("a test address")
}

fn refusal() -> Reply {
    Reply::new(550, (5, 1, 1), "No such user\r\nStatus: 2.0.0 \u{1b}[31m")
}

fn told<'a>(outcome: Outcome, remote: Option<(&'a str, &'a Reply)>) -> Told<'a> {
    let status = if outcome == Outcome::Failed { (5, 1, 1) } else { (4, 4, 1) };
    Told {
        address: "li@demo.example",
        orcpt: Some("rfc822;Li@demo.example"),
        outcome,
        status,
        remote,
        note: Some("connection refused"),
        last_attempt_ms: Some(1_795_000_060_000),
    }
}

fn notice<'a>(to: &'a Address, recipients: &'a [Told<'a>], language: Language) -> Notice<'a> {
    Notice {
        id: MailId(42),
        about: MailId(41),
        language,
        host: "mx.gate.example",
        from: to,
        to,
        smtputf8: false,
        envid: Some("QQ 1"),
        arrived_ms: 1_795_000_000_000,
        now_ms: 1_795_000_100_000,
        ret: None,
        original: ORIGINAL,
        recipients,
    }
}

/// Types and decoded contents of the parts.
fn parts(dsn: &Dsn) -> Vec<(String, String)> {
    let message = MessageParser::default().parse(&dsn.octets).expect("a notice is a message");
    let whole = message.content_type().expect("it has a type");
    assert_eq!((whole.ctype(), whole.subtype(), whole.attribute("report-type")), ("multipart", Some("report"), Some("delivery-status")));
    let part = |part: &mail_parser::MessagePart<'_>| {
        let kind = part.content_type().map(|kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default())).unwrap_or_default();
        (kind, String::from_utf8_lossy(part.contents()).into_owned())
    };
    message.parts.iter().skip(1).map(part).collect()
}

#[test]
fn a_failure_reads_like_this() {
    let (to, reply) = (address("ann@sender.example"), refusal());
    let recipients = [told(Outcome::Failed, Some(("mx.demo.example", &reply)))];
    let dsn = build(&notice(&to, &recipients, Language::English));
    assert!(!dsn.eight_bit && !dsn.smtputf8);
    let text = String::from_utf8(dsn.octets.clone()).expect("7-bit");
    let (header, _) = text.split_once("\r\n\r\n").expect("a header");
    let want = "Date: Wed, 18 Nov 2026 11:08:20 +0000\r\nFrom: Mail Delivery <ann@sender.example>\r\nTo: <ann@sender.example>\r\n\
        Subject: =?utf-8?B?Tm90IGRlbGl2ZXJlZDog5Lya6K6uIG9uIE1vbmRheQ==?=\r\nMessage-ID: <m000000000001a.notice@mx.gate.example>\r\n\
        In-Reply-To: <1@sender.example>\r\nReferences: <1@sender.example>\r\nAuto-Submitted: auto-replied\r\nX-Gatepost-Mail: m0000000000019\r\n\
        Content-Language: en\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"=_m000000000001a\"";
    assert_eq!(header, want);
    let [(_, people), (status_type, status), (returned_type, returned)] = parts(&dsn).try_into().expect("three parts");
    let want = "Your message was not delivered. We have stopped trying.\r\n\r\nRecipient: li@demo.example\r\n\
        What happened: There is no mailbox with this address.\r\n\
        What to do: Your turn: check the address letter by letter. If it is right, ask the recipient for the present one by another way.\r\n\
        The other server said (mx.demo.example): 550 5.1.1 No such user  Status: 2.0.0  [31m\r\n\r\n\
        Your message: 会议 on Monday\r\nReceived by us: 2026-11-18 11:06 UTC\r\nTrace number: m0000000000019\r\n\r\n\
        This message was written by a program; nobody reads replies. When you ask for help, give the trace number.";
    assert_eq!(people.trim_end(), want);
    let want = "Original-Envelope-Id: QQ+201\r\nReporting-MTA: dns; mx.gate.example\r\nArrival-Date: Wed, 18 Nov 2026 11:06:40 +0000\r\n\
        X-Gatepost-Mail: m0000000000019\r\n\r\nOriginal-Recipient: rfc822; Li@demo.example\r\nFinal-Recipient: rfc822; li@demo.example\r\n\
        Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.demo.example\r\n\
        Diagnostic-Code: smtp; 550 5.1.1 No such user Status: 2.0.0 [31m\r\nLast-Attempt-Date: Wed, 18 Nov 2026 11:07:40 +0000";
    assert_eq!((status_type.as_str(), status.trim_end()), ("message/delivery-status", want));
    assert_eq!(returned_type, "text/rfc822-headers");
    assert!(returned.contains("Message-ID: <1@sender.example>") && !returned.contains("secret"), "{returned}");
}

#[test]
fn a_delay_in_chinese_reads_like_this() {
    let to = address("ann@sender.example");
    let recipients = [told(Outcome::Delayed { until_ms: 1_795_400_000_000 }, None)];
    let dsn = build(&notice(&to, &recipients, Language::SimplifiedChinese));
    assert!(!dsn.eight_bit);
    let people = parts(&dsn).remove(0).1;
    let want = "您的邮件尚未送达。我们会继续尝试投递，请不要重复发送。\r\n\r\n收件人: li@demo.example\r\n发生了什么: 无法连接收件人的邮件服务器。\r\n\
        怎么办: 由对方邮件管理员处理：其服务器或网络出现故障。请稍后重新发送。\r\n继续尝试至: 2026-11-23 02:13 UTC\r\n\r\n\
        您的邮件: 会议 on Monday\r\n我们收到邮件的时间: 2026-11-18 11:06 UTC\r\n追踪编号: m0000000000019\r\n\r\n\
        本邮件由系统自动发出，请勿回复。如需帮助，请提供上面的追踪编号。";
    assert_eq!(people.trim_end(), want);
    let message = MessageParser::default().parse(&dsn.octets).expect("a message");
    assert_eq!(message.subject(), Some("邮件投递延迟: 会议 on Monday"));
    let report = parse(&dsn.octets).expect("our notices are notices");
    assert_eq!(report.recipients[0].diagnostic.as_deref(), Some("x-gatepost; connection refused"));
}

#[test]
fn what_we_write_we_read() {
    let (to, reply) = (address("ann@sender.example"), refusal());
    for language in [Language::English, Language::SimplifiedChinese] {
        for outcome in [Outcome::Failed, Outcome::Delayed { until_ms: 0 }, Outcome::Delivered, Outcome::Relayed] {
            let recipients = [told(outcome, Some(("mx.demo.example", &reply))), told(Outcome::Delivered, None)];
            let dsn = build(&notice(&to, &recipients, language));
            let report = parse(&dsn.octets).expect("our notices are notices");
            assert_eq!((report.reporting_mta.as_deref(), report.recipients.len()), (Some("mx.gate.example"), 2));
            let first = &report.recipients[0];
            assert_eq!((first.action.as_deref(), first.status), (Some(outcome.action()), Some(recipients[0].status)));
            assert_eq!(
                (first.final_recipient.as_deref(), first.original_recipient.as_deref()),
                (Some("li@demo.example"), Some("Li@demo.example"))
            );
            assert!(dsn.octets.split(|octet| *octet == b'\n').all(|line| line.len() <= 998 && line.last().is_none_or(|end| *end == b'\r')));
        }
    }
}

#[test]
fn the_whole_mail_comes_back_when_asked_for_and_small() {
    let (to, reply) = (address("ann@sender.example"), refusal());
    let recipients = [told(Outcome::Failed, Some(("mx.demo.example", &reply)))];
    let mut asked = notice(&to, &recipients, Language::English);
    asked.ret = Some(Ret::Full);
    let returned = parts(&build(&asked)).remove(2);
    assert!(returned.0 == "message/rfc822" && returned.1.contains(".secret body"), "{returned:?}");
    let long = [ORIGINAL, &b"line\r\n".repeat(100_000)].concat();
    asked.original = &long;
    assert_eq!(parts(&build(&asked)).remove(2).0, "text/rfc822-headers");
}

#[test]
fn other_letters_go_as_the_sender_can_take_them() {
    let (to, reply) = (address("安@sender.example"), refusal());
    let mut recipient = told(Outcome::Failed, Some(("mx.demo.example", &reply)));
    (recipient.address, recipient.orcpt) = ("李@demo.example", None);
    let recipients = [recipient];
    let original = "Subject: 会议\r\n\r\nbody\r\n";
    let mut about = notice(&to, &recipients, Language::English);
    about.original = original.as_bytes();
    let dsn = build(&about);
    assert!(dsn.smtputf8 && dsn.eight_bit, "the To header has the sender's letters");
    let plain = parts(&dsn);
    assert!(plain[1].0 == "message/delivery-status" && plain[1].1.contains("Final-Recipient: utf-8; \\x{674E}@demo.example"), "{plain:?}");
    assert!(plain[2].0 == "text/rfc822-headers" && plain[2].1.contains("Subject: ??????"), "{plain:?}");
    about.smtputf8 = true;
    let global = parts(&build(&about));
    assert!(global[1].0 == "message/global-delivery-status" && global[1].1.contains("utf-8; 李@demo.example"), "{global:?}");
    assert!(global[2].0 == "message/global-headers" && global[2].1.contains("Subject: 会议"), "{global:?}");
}

#[test]
fn a_mail_made_to_break_its_notice_does_not() {
    let (to, mut reply) = (address("ann@sender.example"), refusal());
    reply.text = vec!["x".repeat(10_000), "--=_m000000000001a--".into()];
    let recipients = vec![told(Outcome::Failed, Some(("mx.demo.example", &reply))); 200];
    let original = b"Subject: a\r\nMessage-ID: <x\r\n--=_m000000000001a--\r\nX: =_m000000000001a_\r\n\r\n--=_m000000000001a--\r\n";
    let mut hostile = notice(&to, &recipients, Language::English);
    (hostile.original, hostile.ret) = (original, Some(Ret::Full));
    let dsn = build(&hostile);
    assert_eq!(parts(&dsn).len(), 3);
    assert_eq!(parse(&dsn.octets).map(|report| report.recipients.len()), Some(200));
    assert!(dsn.octets.len() < 400_000, "{} octets", dsn.octets.len());
    for odd in [&b""[..], b"\r\n", b"no header at all", b"Subject:", b"Subject: a\r\n b"] {
        hostile.original = odd;
        assert_eq!(parts(&build(&hostile)).len(), 3, "{}", odd.escape_ascii());
    }
}

#[test]
fn every_cause_has_its_own_words_in_both_languages() {
    for language in [Language::English, Language::SimplifiedChinese] {
        let mut seen = std::collections::HashSet::new();
        for cause in Cause::ALL {
            let (what, turn) = language.cause(cause);
            assert!(seen.insert(what) && !turn.is_empty(), "{cause:?}");
            assert_eq!(what.is_ascii() || what.contains('“'), language == Language::English || what.contains('“'), "{what}");
        }
    }
    for (status, want) in [
        ((5, 1, 1), Cause::NoSuchRecipient),
        ((5, 4, 1), Cause::NoSuchRecipient),
        ((4, 4, 1), Cause::Unreachable),
        ((5, 2, 2), Cause::MailboxFull),
        ((5, 7, 26), Cause::SenderNotProved),
        ((5, 7, 1), Cause::Refused),
        ((5, 4, 7), Cause::Expired),
        ((5, 0, 0), Cause::Unknown),
    ] {
        assert_eq!(Cause::of(status), want, "{status:?}");
    }
    assert_eq!(
        (Language::from_tag("zh-CN"), Language::from_tag("de"), Language::from_tag("")),
        (Language::SimplifiedChinese, Language::English, Language::English)
    );
}

/// Rows whose status is written in the notice. The table also has statuses its authors made up from the words of servers that
/// gave none (`5.0.9xx`); guessing those is not this module's work, so they are not counted.
#[test]
fn notices_of_other_servers_are_read() {
    let Some(suites) = testkit::shared::suites() else { return };
    let folder = suites.join("B_protocol/dsn_sisimai");
    let mut files = BTreeMap::new();
    for kind in ["bsd", "dos", "mac", "not", "err"] {
        for entry in std::fs::read_dir(folder.join("maildir").join(kind)).into_iter().flatten().flatten() {
            files.entry(entry.file_name().to_string_lossy().into_owned()).or_insert(entry.path());
        }
    }
    let table = std::fs::read_to_string(folder.join("expected_shared.tsv")).expect("the table is readable");
    let (mut rows, mut right, mut wrong) = (0, 0, Vec::new());
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let name = format!("{}-{}.eml", columns[0], columns[1]);
        let is_made_up = columns[3].contains(".0.9") && columns[3].len() == 7;
        let Some(path) = files.get(&name).filter(|_| !is_made_up) else { continue };
        let raw = std::fs::read(path).expect("the sample is readable");
        let nth: usize = columns[2].parse().unwrap_or(0);
        let found = parse(&raw).and_then(|report| report.recipients.get(nth).and_then(|told| told.status));
        let found = found.map(|status| format!("{}.{}.{}", status.0, status.1, status.2)).unwrap_or_default();
        rows += 1;
        if found == columns[3] {
            right += 1;
        } else {
            wrong.push(format!("{name} {nth}: want {}, found {found}", columns[3]));
        }
    }
    assert!(rows > 200, "{rows} rows");
    assert!(right * 100 >= rows * 92, "{right} of {rows}:\n{}", wrong.join("\n"));
}
