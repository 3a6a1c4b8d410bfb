use crate::smtp::{Capabilities, REPLY_LINE_OCTETS_MAX, Reply, ReplyError, ReplyReader};
use proptest::prelude::*;

fn wire(reply: &Reply) -> String {
    let mut wire = Vec::new();
    reply.write_to(&mut wire);
    String::from_utf8(wire).expect("replies are ASCII")
}

#[test]
fn replies_are_written() {
    for (reply, want) in [
        (Reply::new(250, (2, 1, 0), "Sender OK"), "250 2.1.0 Sender OK\r\n"),
        (Reply::plain(354, ["Go on"]), "354 Go on\r\n"),
        (Reply::plain(250, ["mx.example", "SIZE 1000", "DSN"]), "250-mx.example\r\n250-SIZE 1000\r\n250 DSN\r\n"),
        (Reply::new(550, (5, 7, 1), "a\r\n250 b\0\u{1b}é"), "550 5.7.1 a??250 b???\r\n"),
        (Reply { code: 250, status: None, text: vec![] }, "250 \r\n"),
    ] {
        assert_eq!(wire(&reply), want);
    }
}

#[test]
fn long_replies_are_cut_into_lines() {
    for text in ["word ".repeat(400), "w".repeat(2_000), " ".repeat(2_000)] {
        let written = wire(&Reply::new(550, (5, 7, 1), text));
        let lines: Vec<&str> = written.split_inclusive("\r\n").collect();
        assert!(lines.iter().all(|line| line.len() <= REPLY_LINE_OCTETS_MAX));
        let (last, others) = lines.split_last().expect("there are lines");
        assert!(last.starts_with("550 ") && others.iter().all(|line| line.starts_with("550-")), "{written}");
    }
    assert!(wire(&Reply::new(550, (5, 7, 1), "w".repeat(1_000_000))).len() <= 64 * REPLY_LINE_OCTETS_MAX);
}

fn read(octets: &[u8], step: usize) -> Result<Vec<Reply>, ReplyError> {
    let mut reader = ReplyReader::new();
    let mut replies = Vec::new();
    for mut piece in octets.chunks(step) {
        while !piece.is_empty() {
            let (used, reply) = reader.feed(piece)?;
            replies.extend(reply);
            piece = &piece[used..];
        }
    }
    Ok(replies)
}

#[test]
fn replies_of_a_server_are_read_in_any_pieces() {
    let octets = b"220 mx.example ESMTP\r\n250-mx.example\r\n250-SIZE\r\n250 DSN\r\n550-5.1.1 No such\n550 5.1.1 mailbox\x07\r\n354\r\n450 2.1.1 odd\r\n";
    let want = vec![
        Reply::plain(220, ["mx.example ESMTP"]),
        Reply::plain(250, ["mx.example", "SIZE", "DSN"]),
        Reply { code: 550, status: Some((5, 1, 1)), text: vec!["No such".into(), "mailbox ".into()] },
        Reply::plain(354, [""]),
        Reply::plain(450, ["2.1.1 odd"]),
    ];
    for step in 1..=octets.len() {
        assert_eq!(read(octets, step).as_ref(), Ok(&want), "pieces of {step}");
    }
}

#[test]
fn a_reply_is_taken_alone() {
    let mut reader = ReplyReader::new();
    let (used, reply) = reader.feed(b"220 ready\r\n250 injected\r\n").expect("it is a reply");
    assert_eq!((used, reply.map(|reply| reply.code)), (11, Some(220)));
    assert!(!reader.is_midway());
}

#[test]
fn a_server_that_does_not_speak_smtp_is_found_out() {
    for octets in [
        &b"HTTP/1.1 400 Bad Request\r\n"[..],
        b"25\r\n",
        b"2500 x\r\n",
        b"250x\r\n",
        b"150 x\r\n",
        b"600 x\r\n",
        b"\r\n",
        b"\xff\xff\xff\xff\n",
    ] {
        assert!(matches!(read(octets, 3), Err(ReplyError::NotAReply { .. })), "{}", octets.escape_ascii());
    }
    assert_eq!(read(b"250-a\r\n550 b\r\n", 4), Err(ReplyError::MixedCodes { first: 250, then: 550 }));
    assert_eq!(read(&b"250-a\r\n".repeat(1_000), 100), Err(ReplyError::TooLong));
    assert_eq!(read(&b"250 a".repeat(1_000), 100), Err(ReplyError::TooLong));
}

#[test]
fn capabilities_are_read() {
    let lines = "mx.example greets you\nSIZE 10240000\nPIPELINING\n8bitmime\nSMTPUTF8\nSTARTTLS\nDSN\nCHUNKING\nENHANCEDSTATUSCODES\nREQUIRETLS\nAUTH LOGIN PLAIN\nLIMITS RCPTMAX=100 MAILMAX=0\nX-ODD\n";
    let found = Capabilities::read(&Reply::plain(250, lines.split('\n')));
    let want = Capabilities {
        host: "mx.example".into(),
        size: Some(10_240_000),
        pipelining: true,
        eight_bit: true,
        smtputf8: true,
        starttls: true,
        dsn: true,
        chunking: true,
        enhanced_status: true,
        require_tls: true,
        auth_plain: true,
        auth_login: true,
        xclient: false,
        recipients_max: Some(100),
        mails_max: None,
    };
    assert_eq!(found, want);
    assert!(Capabilities::read(&Reply::plain(250, ["x", "AUTH=LOGIN"])).auth_login);
    assert_eq!(Capabilities::read(&Reply::plain(250, ["x"])), Capabilities { host: "x".into(), ..Capabilities::default() });
}

proptest! {
    #[test]
    fn what_we_write_a_client_reads(code in 200u16..600, text in prop::collection::vec("\\PC{0,600}", 1..4)) {
        let reply = Reply { code, status: None, text };
        let read = read(wire(&reply).as_bytes(), 50).expect("it is a reply");
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(read[0].code, code);
    }
}
