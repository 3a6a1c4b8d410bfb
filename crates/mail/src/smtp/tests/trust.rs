use crate::smtp::proxy::{self, Proxied, ProxyError};
use crate::smtp::sasl::{Credentials, decode_login, decode_plain, encode_plain};
use crate::smtp::xclient::Client;
use crate::smtp::{Command, decode_xtext, encode_xtext, parse_command};
use proptest::prelude::*;

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The header is complete at its last octet and not before.
fn check(octets: &[u8], want: Result<Proxied, ProxyError>) {
    let with_more = [octets, b"EHLO a\r\n"].concat();
    let shown = octets.escape_ascii();
    match want {
        Ok(proxied) => {
            for cut in 0..octets.len() {
                assert_eq!(proxy::parse(&octets[..cut]), Ok(None), "{shown} at {cut}");
            }
            assert_eq!(proxy::parse(&with_more), Ok(Some((octets.len(), proxied))), "{shown}");
        }
        Err(why) => assert_eq!(proxy::parse(&with_more), Err(why), "{shown}"),
    }
}

fn client(client: &str, local: &str) -> Result<Proxied, ProxyError> {
    Ok(Proxied::Client { client: client.parse().expect("an address"), local: local.parse().expect("an address") })
}

#[test]
fn proxy_version_1() {
    check(b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25\r\n", client("192.0.2.1:40000", "198.51.100.2:25"));
    check(b"PROXY TCP6 2001:db8::1 2001:db8::2 40000 25\r\n", client("[2001:db8::1]:40000", "[2001:db8::2]:25"));
    check(b"PROXY UNKNOWN\r\n", Ok(Proxied::Itself));
    check(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", Ok(Proxied::Itself));
    for malformed in [
        &b"PROXY TCP4 2001:db8::1 198.51.100.2 40000 25\r\n"[..],
        b"PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 25 x\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 040 25\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n",
        b"PROXY TCP4  192.0.2.1 198.51.100.2 1 25\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.2 1 25\r\n",
        b"PROXY \xff\r\n",
    ] {
        check(malformed, Err(ProxyError::Malformed));
    }
    check(b"EHLO a\r\n", Err(ProxyError::NotAHeader));
    check(b"PROXXY\r\n", Err(ProxyError::NotAHeader));
    check(&[b"PROXY UNKNOWN ", &[b'x'; 100][..]].concat(), Err(ProxyError::TooLong));
}

#[test]
fn proxy_version_2() {
    let header = |head: [u8; 2], block: &[u8]| [V2, &head, &(block.len() as u16).to_be_bytes(), block].concat();
    let four = [192, 0, 2, 1, 198, 51, 100, 2, 0x9c, 0x40, 0, 25];
    let mut six = [0u8; 36];
    (six[15], six[31], six[35]) = (1, 2, 25);
    check(&header([0x21, 0x11], &four), client("192.0.2.1:40000", "198.51.100.2:25"));
    check(&header([0x21, 0x11], &[&four[..], &[4, 0, 1, 0]].concat()), client("192.0.2.1:40000", "198.51.100.2:25"));
    check(&header([0x21, 0x21], &six), client("[::1]:0", "[::2]:25"));
    check(&header([0x20, 0x00], b""), Ok(Proxied::Itself));
    check(&header([0x20, 0x11], &four), Ok(Proxied::Itself));
    check(&header([0x21, 0x00], b""), Ok(Proxied::Itself));
    check(&header([0x21, 0x11], &four[..11]), Err(ProxyError::Malformed));
    check(&header([0x11, 0x11], &four), Err(ProxyError::Malformed));
    check(&header([0x22, 0x11], &four), Err(ProxyError::Malformed));
    check(&header([0x21, 0x31], &four), Err(ProxyError::Malformed));
    check(&header([0x21, 0x11], &[0; 4_000]), Err(ProxyError::TooLong));
    check(b"\r\nEHLO", Err(ProxyError::NotAHeader));
}

#[test]
fn xclient_attributes_have_meaning() {
    let read = |line: &str| match parse_command(line.as_bytes()) {
        Ok(Command::Xclient(attributes)) => Client::read(&attributes),
        _ => None,
    };
    let found = read(
        "XCLIENT NAME=a+2Bb.example ADDR=IPV6:2001:db8::1 PORT=40000 PROTO=ESMTP HELO=[UNAVAILABLE] LOGIN=x DESTADDR=192.0.2.9 DESTPORT=25",
    );
    let want = Client {
        name: Some(Some("a+b.example".into())),
        ip: Some("2001:db8::1".parse().expect("an address")),
        port: Some(40_000),
        helo: Some(None),
        esmtp: Some(true),
        login: Some(Some("x".into())),
        local_ip: Some("192.0.2.9".parse().expect("an address")),
        local_port: Some(25),
    };
    assert_eq!(found, Some(want));
    for line in [
        "XCLIENT ADDR=here",
        "XCLIENT PORT=65536",
        "XCLIENT PROTO=HTTP",
        "XCLIENT ODD=1",
        "XCLIENT NAME=a NAME=b",
        "XCLIENT NAME",
        "XCLIENT N1=a",
    ] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn credentials_are_read() {
    let want = |acts_as: &str| Some(Credentials { acts_as: acts_as.into(), login: "li".into(), password: "秘密 x".into() });
    assert_eq!(decode_plain(&encode_plain("li", "秘密 x")), want(""));
    assert_eq!(decode_plain("Ym8AbGkA56eY5a+GIHg="), want("bo"));
    assert_eq!(decode_login("bGk=", "56eY5a+GIHg="), want(""));
    // No NUL, one NUL, three NULs, no login, no password, a control in the login, not base64, not UTF-8.
    for response in ["YQ==", "AGE=", "AGEAYgBj", "AABi", "AGEA", "AAphAGI=", "====", "AP8A/w=="] {
        assert_eq!(decode_plain(response), None, "{response}");
    }
    assert!(!format!("{:?}", want("")).contains("秘密"));
}

#[test]
fn xtext_is_read_strictly() {
    for (coded, want) in [
        ("a+2Bb+3Dc+20d", Some("a+b=c d")),
        ("+E6+9D+8E", Some("李")),
        ("a+", None),
        ("a+4", None),
        ("a+GG", None),
        ("a=b", None),
        ("a b", None),
        ("+00", None),
        ("+0D", None),
        ("+FF", None),
    ] {
        assert_eq!(decode_xtext(coded).as_deref(), want, "{coded}");
    }
}

proptest! {
    #[test]
    fn xtext_comes_back(text in "\\PC{0,40}") {
        prop_assert_eq!(decode_xtext(&encode_xtext(&text)), Some(text));
    }

    #[test]
    fn no_header_of_a_proxy_panics(octets in prop::collection::vec(any::<u8>(), 0..80), version in 0..3) {
        let start: &[u8] = [&b""[..], b"PROXY TCP4 ", V2][version as usize];
        let _ = proxy::parse(&[start, &octets].concat());
    }
}
