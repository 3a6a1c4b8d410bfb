use super::*;
use proptest::prelude::*;

#[test]
fn addresses_read_and_print() {
    for (text, want) in [
        ("a@example.com", Ok("a@example.com")),
        ("A.b+c@EXAMPLE.Com", Ok("A.b+c@example.com")),
        ("\"plain\"@example.com", Ok("plain@example.com")),
        ("\"a b\"@example.com", Ok("\"a b\"@example.com")),
        ("\"a\\\"b\\\\c\"@example.com", Ok("\"a\\\"b\\\\c\"@example.com")),
        ("\"a@b\"@example.com", Ok("\"a@b\"@example.com")),
        ("\"a..b\"@example.com", Ok("\"a..b\"@example.com")),
        ("li@例子.中国", Ok("li@xn--fsqu00a.xn--fiqs8s")),
        ("李@example.com", Ok("李@example.com")),
        ("a@[192.0.2.1]", Ok("a@[192.0.2.1]")),
        ("a@[ipv6:2001:DB8::1]", Ok("a@[IPv6:2001:db8::1]")),
        ("a@localhost", Ok("a@localhost")),
        ("", Err(AddressError::NoAt)),
        ("a", Err(AddressError::NoAt)),
        ("@example.com", Err(AddressError::Local)),
        (".a@example.com", Err(AddressError::Local)),
        ("a.@example.com", Err(AddressError::Local)),
        ("a..b@example.com", Err(AddressError::Local)),
        ("a b@example.com", Err(AddressError::Local)),
        ("a(c)@example.com", Err(AddressError::Local)),
        ("a\0@example.com", Err(AddressError::Local)),
        ("a\u{202e}@example.com", Err(AddressError::Local)),
        ("\"a@example.com", Err(AddressError::Local)),
        ("\"a\"b@example.com", Err(AddressError::NoAt)),
        ("\"a\r\nb\"@example.com", Err(AddressError::Local)),
        ("a@", Err(AddressError::Domain)),
        ("a@b@c.com", Err(AddressError::Domain)),
        ("a@example.com.", Err(AddressError::Domain)),
        ("a@-x.com", Err(AddressError::Domain)),
        ("a@192.0.2.1", Err(AddressError::Domain)),
        ("a@[192.0.2.256]", Err(AddressError::Domain)),
        ("a@[192.0.2.1", Err(AddressError::Domain)),
        ("a@[tag:x]", Err(AddressError::Domain)),
        ("a@exa mple.com", Err(AddressError::Domain)),
    ] {
        assert_eq!(Address::parse(text).map(|address| address.to_string()), want.map(str::to_string), "{text:?}");
    }
}

#[test]
fn addresses_have_a_length() {
    let long = |local: usize, labels: usize| format!("{}@{}com", "l".repeat(local), format!("{}.", "d".repeat(59)).repeat(labels));
    assert!(Address::parse(&long(64, 3)).is_ok());
    assert_eq!(Address::parse(&long(65, 1)), Err(AddressError::TooLong));
    assert_eq!(Address::parse(&long(64, 4)), Err(AddressError::TooLong));
    assert_eq!(Address::parse(&"x".repeat(100_000)), Err(AddressError::TooLong));
    assert_eq!(Address::parse(&format!("a@{}.com", "d".repeat(64))), Err(AddressError::Domain));
}

#[test]
fn domains_become_a_labels() {
    for (domain, want) in [
        ("Example.COM.", Some("example.com")),
        ("BÜCHER.example", Some("xn--bcher-kva.example")),
        ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
        ("XN--BCHER-KVA.example", Some("xn--bcher-kva.example")),
        ("例子。中国", Some("xn--fsqu00a.xn--fiqs8s")),
        ("r3---sn.example.com", Some("r3---sn.example.com")),
        ("xn--\u{61}.example", None),
        ("xn--example-.com", None),
        ("a_b.example", None),
        ("a..example", None),
        (".example", None),
        ("", None),
        (".", None),
        ("ex\0ample.com", None),
        ("1.2.3.4", None),
    ] {
        assert_eq!(domain_to_ascii(domain).as_deref(), want, "{domain:?}");
    }
}

#[test]
fn the_organisational_domain_follows_the_public_suffix_list() {
    let Some(suites) = testkit::shared::suites() else { return };
    let table = std::fs::read_to_string(suites.join("B_protocol/psl/tests/tests.txt")).expect("the table is readable");
    let mut rows = 0;
    for line in table.lines().filter(|line| !line.starts_with("//")) {
        let Some((domain, want)) = line.split_once(' ') else { continue };
        let want = (want != "null").then(|| domain_to_ascii(want).expect("expected names are valid"));
        let found = domain_to_ascii(domain).and_then(|ascii| organisational_domain(&ascii).map(str::to_string));
        assert_eq!(found, want, "{line}");
        rows += 1;
    }
    assert!(rows > 70, "{rows} rows");
}

#[test]
fn paths_are_read_strictly() {
    for (path, want) in [
        ("<>", Ok(None)),
        ("<a@b.example>", Ok(Some("a@b.example"))),
        ("<\"x>y\"@b.example>", Ok(Some("\"x>y\"@b.example"))),
        ("a@b.example", Err(PathError::Brackets)),
        ("<a@b.example", Err(PathError::Brackets)),
        ("<a@b.example>>", Err(PathError::Address(AddressError::Domain))),
        // espoofer A2, A5, A6, A7
        ("<(any@victim.example>", Err(PathError::Address(AddressError::Local))),
        ("<any@victim.example(a.attacker.example>", Err(PathError::Address(AddressError::Domain))),
        ("<any@victim.example'@any.attacker.example>", Err(PathError::Address(AddressError::Domain))),
        ("<@victim.example,@any.example:'any@attacker.example>", Err(PathError::Route)),
    ] {
        let found = parse_path(path).map(|address| address.map(|address| address.to_string()));
        assert_eq!(found, want.map(|address| address.map(str::to_string)), "{path}");
    }
    assert_eq!(split_path("<\"a> b\"@c.example> SIZE=1"), Ok(("<\"a> b\"@c.example>", " SIZE=1")));
    assert_eq!(split_path("<\"a>@c.example> SIZE=1"), Err(PathError::Brackets));
}

fn from_is(value: &[u8], want: Option<(&str, &str)>) {
    match (read_from(&[value]), want) {
        (FromField::One { display, address }, Some((name, text))) => {
            assert_eq!((display.as_str(), address.to_string().as_str()), (name, text), "{}", value.escape_ascii());
        }
        (FromField::Ambiguous { .. }, None) => {}
        (found, _) => panic!("{}: {found:?}", value.escape_ascii()),
    }
}

#[test]
fn a_plain_from_is_read() {
    for (value, display, address) in [
        (&b" a@example.com"[..], "", "a@example.com"),
        (b" <a@example.com>", "", "a@example.com"),
        (b" A Name <a@example.com>", "A Name", "a@example.com"),
        (b" \"Name, A.\" <a@example.com>", "Name, A.", "a@example.com"),
        (b" John Q. Public <a@example.com>", "John Q. Public", "a@example.com"),
        (b" =?utf-8?B?5p2O?= =?utf-8?B?5Zub?= <li@example.com>", "李四", "li@example.com"),
        (b" =?gb2312?B?wO4=?= <li@example.com>", "李", "li@example.com"),
        (b" Name\r\n <a@example.com>", "Name", "a@example.com"),
        (b" a@example.com (A Name)", "A Name", "a@example.com"),
        (b" (c) Name (d) <a@example.com> (e (f))", "Name", "a@example.com"),
        (b" a@example.com <a@Example.com>", "a@example.com", "a@example.com"),
        (b" \"b@other.example\" <a@example.com>", "b@other.example", "a@example.com"),
        (b" \"odd local\"@example.com", "", "\"odd local\"@example.com"),
        (b" =?utf-8?Q?=00=0D=0AEvil=1B?= <a@example.com>", " Evil", "a@example.com"),
        (" 李四 <a@example.com>".as_bytes(), "李四", "a@example.com"),
        (b" a@[192.0.2.1]", "", "a@[192.0.2.1]"),
    ] {
        from_is(value, Some((display.trim(), address)));
    }
}

#[test]
fn a_from_that_two_readers_could_take_apart_is_ambiguous() {
    for value in [
        &b""[..],
        b" ",
        b" Name",
        b" <>",
        b" undisclosed:;",
        b" Friends: a@example.com;",
        b" a@example.com, b@example.com",
        b" Name <a@example.com",
        b" Name <a@example.com> <b@example.com>",
        b" a@example.com\r\nBcc: b@example.com",
        b" a@example.com\r\n \r\n",
        b" a@exam\0ple.com",
        b" a@example.com\r",
        b" a (c)@example.com",
        b" a@ example.com",
        b" Name [x] <a@example.com>",
        b" \"Name <a@example.com>",
        b" b@other.example Name <a@example.com>",
        b" a@example.com b@other.example",
        b" ((((((((((((x)))))))))))) a@example.com",
    ] {
        from_is(value, None);
    }
    assert_eq!(read_from(&[]), FromField::Missing);
    assert!(matches!(read_from(&[b" a@example.com", b" a@example.com"]), FromField::Ambiguous { .. }));
}

/// Header fields as a splitter hands them over. The victim's address must not come out of any of them.
#[test]
fn espoofer_compositions_never_give_the_victim() {
    let (victim, attacker) = (&b" <admin@victim.example>"[..], &b" <second@attack.example>"[..]);
    let cases: [(&str, Vec<(&[u8], &[u8])>); 13] = [
        ("A8", vec![(b"From", attacker), (b"From", victim)]),
        ("A9", vec![(b" From", victim), (b"From", attacker)]),
        ("A10", vec![(b"From", attacker), (b"From ", victim)]),
        ("A11", vec![(b"From\r\n ", victim), (b"From", attacker)]),
        ("A12", vec![(b"From", b" nothing to read"), (b"Sender", victim)]),
        ("A13", vec![(b"From", b" nothing to read"), (b"Resent-From", victim)]),
        ("A14", vec![(b"From", b" <first@attack.example>, <admin@victim.example>")]),
        ("A15", vec![(b"From", b" =?utf-8?B?PGFkbWluQHZpY3RpbS5leGFtcGxlPg==?=, <second@attack.example>")]),
        ("A16", vec![(b"From", b" <@attack.example,@any.example:admin@victim.example>")]),
        ("A17", vec![(b"From", b" <admin@victim.example>\\,<second@attack.example>")]),
        ("A18", vec![(b"From", b" admin@victim.example,<second@attack.example>")]),
        ("A19", vec![(b"From", b" <second@attack.example>admin@victim.example")]),
        ("NUL", vec![(b"From\0", victim), (b"From", attacker)]),
    ];
    for (name, fields) in cases {
        let found = read_from_fields(fields.into_iter());
        assert!(matches!(found, FromField::Ambiguous { .. }), "{name}: {found:?}");
    }
}

#[test]
fn lists_are_read_leniently() {
    let found = mailboxes("\"Last, First\" <a@example.com>, b@example.com (B), Group: c@example.com, =?utf-8?Q?d?= <d@example.com>;, [x] <e@example.com>, broken, <f@[IPv6:2001:db8::1]>, , \r\n g@例子.中国".as_bytes());
    let found: Vec<String> = found.into_iter().map(|(display, address)| format!("{display}|{address}")).collect();
    assert_eq!(
        found,
        [
            "Last, First|a@example.com",
            "B|b@example.com",
            "|c@example.com",
            "d|d@example.com",
            "[x]|e@example.com",
            "|f@[IPv6:2001:db8::1]",
            "|g@xn--fsqu00a.xn--fiqs8s"
        ]
    );
    assert_eq!(mailboxes("a@b.example,".repeat(5_000).as_bytes()).len(), MAILBOXES_MAX);
}

#[test]
fn encoded_words_are_decoded() {
    for (value, want) in [
        (&b" plain text"[..], "plain text"),
        (b" =?utf-8?Q?caf=C3=A9_au_lait?=", "café au lait"),
        (b" =?UTF-8?b?5L2g5aW9?= there", "你好 there"),
        (b" =?utf-8?B?5L0=?=\r\n =?utf-8?B?oA==?=", "你"),
        (b" =?iso-8859-1*fr?Q?=E9t=E9?=", "été"),
        (b" =?x-none?Q?abc?=", "abc"),
        (b" =?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        (b" a=?utf-8?Q?b?=c", "abc"),
        (b" folded\r\n\t text", "folded text"),
        (b" a\0b\x1b[1mc", "ab[1mc"),
        (b" =?utf-8?Q?=?= =?", "= =?"),
        (b" =?utf-7?Q?+AOk-?=", "é"),
    ] {
        let found = decode_words(value);
        assert_eq!(found, want, "{}", value.escape_ascii());
    }
    assert!(decode_words("=?".repeat(100_000).as_bytes()).len() <= 16 << 10);
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(text in "\\PC{0,20}@?[a-z0-9.\\-]{0,20}") {
        if let Ok(address) = Address::parse(&text) {
            prop_assert_eq!(Address::parse(&address.to_string()), Ok(address));
        }
    }

    #[test]
    fn no_header_field_panics(value in prop::collection::vec(prop::sample::select(b" a@b.c<>(),:;\\\"[]=?QB_\r\n\0\xe4".to_vec()), 0..60)) {
        let _ = read_from(&[&value]);
        let _ = mailboxes(&value);
        prop_assert!(!decode_words(&value).chars().any(char::is_control));
    }
}
