//! Neighbours that lie, break off, send too much, or are not neighbours at all.

use super::{plain, settings, start};
use crate::server::{Server, free_port};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection that speaks milter by hand.
struct Wire(TcpStream);

impl Wire {
    fn open(port: u16) -> Wire {
        // The port of SMTP, which was waited for, opens a moment before.
        let started = std::time::Instant::now();
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(why) => assert!(started.elapsed() < Duration::from_secs(30), "it listens: {why}"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        Wire(stream)
    }

    fn negotiated(port: u16) -> Wire {
        let mut wire = Wire::open(port);
        wire.send(b'O', b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff");
        assert_eq!(wire.answer().0, b'O');
        wire
    }

    fn send(&mut self, command: u8, data: &[u8]) {
        let length = u32::try_from(data.len() + 1).expect("short");
        self.0.write_all(&[&length.to_be_bytes()[..], &[command], data].concat()).expect("sent");
    }

    fn answer(&mut self) -> (u8, Vec<u8>) {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).expect("an answer");
        let mut packet = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut packet).expect("a whole answer");
        (packet[0], packet[1..].to_vec())
    }

    /// The other end hung up, without another word.
    fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(octets) => octets == 0,
            Err(why) => why.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    /// Envelope and header of a mail.
    fn begin(&mut self) {
        self.send(b'C', b"mx.client.example\x004\x12\x34192.0.2.7\0");
        self.send(b'H', b"client.example\0");
        self.send(b'M', b"<ann@partner.example>\0");
        assert_eq!(self.answer().0, b'c');
        self.send(b'R', b"<li@demo.example>\0");
        assert_eq!(self.answer().0, b'c');
        self.send(b'L', b"From\0 <ann@partner.example>\0");
        self.send(b'L', b"Subject\0 by hand\0");
        self.send(b'N', b"");
    }
}

fn served(more: &str) -> (Server, u16) {
    let milter = free_port();
    (start(&format!("milter = \"127.0.0.1:{milter}\""), &settings(9, more)), milter)
}

#[test]
fn a_milter_connection_that_makes_no_sense_is_closed_and_others_go_on() {
    let (_server, port) = served("");
    for (octets, why) in [
        (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], "another protocol"),
        (b"\xff\xff\xff\xff", "four gigabytes"),
        (b"\0\0\0\0", "nothing"),
        (b"\0\0\0\x01z", "no such command"),
        (b"\0\0\0\x01E", "an end before anything"),
        (b"\0\0\0\x0dO\0\0\0\x01\0\0\x01\xff\0\x1f\xff\xff", "a version before all"),
        (b"\0\0\0\x0dO\0\0\0\x06\0\0\0\0\0\x1f\xff\xff", "nothing may be changed"),
    ] {
        let mut wire = Wire::open(port);
        wire.0.write_all(octets).expect("sent");
        assert!(wire.is_closed(), "{why}");
    }
    for (command, data, why) in
        [(b'B', &b"text"[..], "a body without a mail"), (b'L', b"Subject\0", "half a field"), (b'E', b"", "an end without a mail")]
    {
        let mut wire = Wire::negotiated(port);
        wire.send(command, data);
        assert!(wire.is_closed(), "{why}");
    }
    let mut wire = Wire::negotiated(port);
    wire.begin();
    wire.send(b'B', b"Shall we meet on Tuesday?\r\n");
    wire.send(b'E', b"");
    let mut answers = Vec::new();
    while !matches!(answers.last(), Some((b'a' | b'c' | b'r' | b'y' | b'd' | b't', _))) {
        answers.push(wire.answer());
    }
    assert_eq!(answers.pop().expect("the last").0, b'a');
    assert!(answers.iter().all(|(command, _)| *command == b'i'), "only fields on top: {answers:?}");
    wire.send(b'K', b""); // another client on the same connection
    wire.begin();
    wire.send(b'A', b"");
    wire.send(b'M', b"<nobody at all>\0");
    let (command, text) = wire.answer();
    assert_eq!((command, text.starts_with(b"501 5.1.7")), (b'y', true), "{}", String::from_utf8_lossy(&text));
    wire.send(b'Q', b"");
    assert!(wire.is_closed());
}

#[test]
fn what_is_too_large_is_refused_whole_and_the_connection_goes_on() {
    let (server, port) = served("[limits]\nmessage_octets_max = 200000\nrecipients_max = 2\n");
    let mut wire = Wire::negotiated(port);
    for _ in 0..2 {
        wire.begin();
        for _ in 0..20 {
            wire.send(b'B', &[b'a'; 60_000]);
        }
        wire.send(b'E', b"");
        let (command, text) = wire.answer();
        assert_eq!((command, text.starts_with(b"552 5.3.4")), (b'y', true), "{}", String::from_utf8_lossy(&text));
    }
    wire.send(b'M', b"<ann@partner.example>\0");
    assert_eq!(wire.answer().0, b'c');
    for (recipient, want) in [("li", b'c'), ("bo", b'c'), ("postmaster", b'y')] {
        wire.send(b'R', format!("<{recipient}@demo.example>\0").as_bytes());
        assert_eq!(wire.answer().0, want, "{recipient}");
    }
    assert!(server.rows(&["trace", "list", "--json", "--mails-only"]).is_empty());
}

#[test]
fn who_is_not_named_is_turned_away() {
    let (milter, spamd, rspamd) = (free_port(), free_port(), free_port());
    let listen = format!("milter = \"127.0.0.1:{milter}\"\nspamd = \"127.0.0.1:{spamd}\"\nrspamd = \"127.0.0.1:{rspamd}\"");
    let _server = start(&listen, &settings(9, "[beside]\nfrom = [\"192.0.2.0/24\"]\n"));
    for (port, request) in
        [(milter, &b"\0\0\0\x01Q"[..]), (spamd, b"PING SPAMC/1.5\r\n\r\n"), (rspamd, b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")]
    {
        let mut wire = Wire::open(port);
        let _ = wire.0.write_all(request); // it may be closed already
        assert!(wire.is_closed());
    }
}

#[test]
fn there_are_only_so_many_seats() {
    let (_server, port) = served("[beside]\nconnections_max = 2\n");
    let (_one, two) = (Wire::negotiated(port), Wire::negotiated(port));
    assert!(Wire::open(port).is_closed(), "no seat");
    drop(two);
    let again = std::time::Instant::now();
    loop {
        let mut wire = Wire::open(port);
        wire.send(b'O', b"\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff");
        let mut length = [0; 4];
        if wire.0.read_exact(&mut length).is_ok() {
            break;
        }
        assert!(again.elapsed() < Duration::from_secs(30), "the seat is free again");
    }
}

#[test]
fn a_socket_in_the_file_system_serves_too() {
    use std::os::unix::net::UnixStream;
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("spamd");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("one that was left behind"));
    let _server = start(&format!("spamd = \"unix:{}\"", path.display()), &settings(9, ""));
    // Ports for mail listen first.
    let begun = std::time::Instant::now();
    let mut stream = loop {
        match UnixStream::connect(&path) {
            Ok(stream) => break stream,
            Err(why) => assert!(begun.elapsed() < Duration::from_secs(30), "it listens: {why}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let message = plain("by socket");
    stream.write_all(format!("CHECK SPAMC/1.5\r\nContent-length: {}\r\n\r\n{message}", message.len()).as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.contains("0 EX_OK") && answer.contains("Spam: False ; "), "{answer}");
}
