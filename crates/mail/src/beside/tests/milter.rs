//! Packets, commands and answers.

use super::super::milter::{Answer, Command, Family, Offer, PacketError, PacketReader};
use crate::smtp::Reply;
use bytes::Bytes;

fn packet(command: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() + 1).expect("short");
    [&length.to_be_bytes()[..], &[command], data].concat()
}

fn read(octets: &[u8]) -> Result<Option<Command>, PacketError> {
    let mut reader = PacketReader::default();
    reader.buffer().extend_from_slice(octets);
    reader.next_packet()?.map(Command::read).transpose()
}

#[test]
fn commands_as_postfix_and_sendmail_send_them() {
    let text = |text: &str| text.to_string();
    for (command, data, want) in [
        (b'O', &b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"[..], Command::Negotiate(Offer { version: 6, actions: 0x1ff, steps: 0x1f_ffff })),
        (b'O', b"\0\0\0\x09\0\0\0\x3f\0\0\0\x7f\0\0\0\0more", Command::Negotiate(Offer { version: 6, actions: 0x3f, steps: 0x7f })),
        (
            b'D',
            b"Cj\0mail.test\0{daemon_name}\0in\0",
            Command::Macros { of: b'C', values: vec![(text("j"), text("mail.test")), (text("daemon_name"), text("in"))] },
        ),
        (b'D', b"R", Command::Macros { of: b'R', values: vec![] }),
        (
            b'C',
            b"mx.client.example\x004\x12\x34192.0.2.7\0",
            Command::Connect { host: text("mx.client.example"), family: Family::Ip([192, 0, 2, 7].into(), 0x1234) },
        ),
        (
            b'C',
            b"unknown\x006\0\x19IPv6:2001:db8::7\0",
            Command::Connect { host: text("unknown"), family: Family::Ip("2001:db8::7".parse().expect("an address"), 25) },
        ),
        (b'C', b"localhost\0L\0\0/run/x\0", Command::Connect { host: text("localhost"), family: Family::Unix }),
        (b'C', b"localhost\0U", Command::Connect { host: text("localhost"), family: Family::Unknown }),
        (b'H', b"client.example\0", Command::Helo(text("client.example"))),
        (
            b'M',
            b"<a@b.example>\0SIZE=12\0BODY=8BITMIME\0",
            Command::Mail(vec![text("<a@b.example>"), text("SIZE=12"), text("BODY=8BITMIME")]),
        ),
        (b'R', b"<li@c.example>\0", Command::Rcpt(vec![text("<li@c.example>")])),
        (b'T', b"", Command::Data),
        (b'L', b"Subject\0 hi\n there\0", Command::Header { name: Bytes::from("Subject"), value: Bytes::from(" hi\n there") }),
        (b'L', b"Subject\0\0", Command::Header { name: Bytes::from("Subject"), value: Bytes::new() }),
        (b'N', b"", Command::EndOfHeader),
        (b'B', b"text\r\n\0", Command::Body(Bytes::from(&b"text\r\n\0"[..]))),
        (b'E', b"", Command::EndOfBody(Bytes::new())),
        (b'E', b"last", Command::EndOfBody(Bytes::from("last"))),
        (b'A', b"", Command::Abort),
        (b'Q', b"", Command::Quit),
        (b'K', b"", Command::QuitSession),
        (b'U', b"XYZZY\0", Command::Unknown(text("XYZZY"))),
    ] {
        assert_eq!(read(&packet(command, data)), Ok(Some(want)), "{}", char::from(command));
    }
}

#[test]
fn what_lies_or_breaks_off_is_an_error_at_once() {
    for (octets, why) in [
        (&b"\0\0\0\0"[..], "no command"),
        (b"\xff\xff\xff\xffB", "four gigabytes"),
        (b"\0\x10\0\x01B", "one octet over the most"),
        (b"GET / HTTP/1.1\r\n\r\n", "another protocol"),
        (&packet(b'z', b""), "no such command"),
        (&packet(b'O', b"\0\0\0\x06\0\0"), "cut numbers"),
        (&packet(b'O', b"\0\0\0\x01\0\0\0\0\0\0\0\0"), "too old"),
        (&packet(b'C', b"host"), "no NUL"),
        (&packet(b'C', b"host\0"), "no family"),
        (&packet(b'C', b"host\x004\0"), "half a port"),
        (&packet(b'C', b"host\x004\0\x19192.0.2\0"), "no address"),
        (&packet(b'C', b"host\x004\0\x19192.0.2.1"), "no NUL behind the address"),
        (&packet(b'C', b"host\0X"), "no such family"),
        (&packet(b'D', b""), "macros of what"),
        (&packet(b'D', b"Mi\0"), "a name without a value"),
        (&packet(b'D', b"Mi\0abc"), "a value without its end"),
        (&packet(b'M', b""), "no path"),
        (&packet(b'M', b"<a@b.example>"), "no NUL"),
        (&packet(b'L', b"Subject"), "no value"),
        (&packet(b'L', b"Subject\0value"), "a value without its end"),
        (&packet(b'L', b"Subject\0a\0b\0"), "more than a value"),
        (&packet(b'L', b"\0value\0"), "no name"),
        (&packet(b'H', b"a\0b\0"), "two names"),
    ] {
        assert!(read(octets).is_err(), "{why}");
    }
    let many = [&b"M"[..], &b"a\0b\0".repeat(300)].concat();
    assert!(read(&packet(b'D', &many)).is_err(), "too many macros");
    assert_eq!(read(&packet(b'B', b"text")[..7]), Ok(None), "not all there yet");
}

#[test]
fn answers_are_packets_that_nothing_in_them_can_end() {
    let wire = |answer: Answer| {
        let mut wire = Vec::new();
        answer.write_to(&mut wire);
        wire
    };
    let insert = |name: &str, value: &[u8]| Answer::InsertHeader { at: 1, name: name.into(), value: value.to_vec() };
    for (answer, want) in [
        (Answer::Negotiate(Offer { version: 6, actions: 0x1f, steps: 0x10_0080 }), packet(b'O', b"\0\0\0\x06\0\0\0\x1f\0\x10\0\x80")),
        (Answer::Continue, packet(b'c', b"")),
        (Answer::Accept, packet(b'a', b"")),
        (Answer::Discard, packet(b'd', b"")),
        (Answer::TryAgain, packet(b't', b"")),
        (Answer::Progress, packet(b'p', b"")),
        (Answer::Reply(Reply::new(550, (5, 7, 1), "100% no\r\n250 ok")), packet(b'y', b"550 5.7.1 100%% no??250 ok\0")),
        (Answer::AddRecipient("a@b.example".into()), packet(b'+', b"<a@b.example>\0")),
        (Answer::DeleteRecipient("<a@b.example>".into()), packet(b'-', b"<a@b.example>\0")),
        (insert("X-A", b" one;\r\n\ttwo"), packet(b'i', b"\0\0\0\x01X-A\0 one;\n\ttwo\0")),
        (insert("X-A", b"one\r\nBcc: x\0y\r\n\r\n"), packet(b'i', b"\0\0\0\x01X-A\0one\n\tBcc: xy\0")),
        (Answer::ChangeHeader { nth: 2, name: "X-\r\nA".into(), value: vec![] }, packet(b'm', b"\0\0\0\x02X-A\0\0")),
        (Answer::Body(b"text".to_vec()), packet(b'b', b"text")),
    ] {
        assert_eq!(wire(answer.clone()), want, "{answer:?}");
    }
    let lines = Reply { code: 550, status: Some((5, 7, 1)), text: vec!["one".into(), "two".into()] };
    assert_eq!(wire(Answer::Reply(lines)), packet(b'y', b"550-5.7.1 one\r\n550 5.7.1 two\0"));
}
