//! The real spamc.

use super::{adds_up, client, events, gtube, plain, settings, start, text};
use crate::server::{Server, free_port, message};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

fn served() -> (Server, String) {
    let port = free_port();
    (start(&format!("spamd = \"127.0.0.1:{port}\""), &settings(9, "")), port.to_string())
}

#[test]
fn spamc_reads_our_judgement() {
    let (server, port) = served();
    let spam = message("pills", "ann@partner.example", &gtube());
    for (arguments, input, code, wants, why) in [
        (vec!["-K"], "", 0, vec!["SPAMD/1.5 0"], "is anybody there"),
        (vec!["-c"], plain("good").leak(), 0, vec!["/5.0"], "clean mail"),
        (vec!["-c"], &*spam, 1, vec!["/5.0"], "spam"),
        (vec!["-y"], &*spam, 0, vec!["CONTENT_GTUBE"], "names"),
        (vec!["-R"], &*spam, 0, vec!["points", "content.gtube"], "the report"),
        (vec!["-r"], plain("good").leak(), 0, vec![], "no report of good mail"),
        (vec![], &*spam, 0, vec!["X-Spam-Flag: YES", "X-Spam-Status: Yes", "Subject: pills", "GTUBE"], "the message with our fields"),
        (vec!["-E"], &*spam, 1, vec!["X-Spam-Flag: YES", "Subject: pills"], "the message, and a code"),
        (vec!["--headers"], &*spam, 0, vec!["X-Spam-Flag: YES", "Subject: pills"], "the header"),
    ] {
        let whole: Vec<&str> = ["-d", "127.0.0.1", "-p", &port].into_iter().chain(arguments).collect();
        let Some(output) = client("spamc", &whole, input) else { return };
        let said = text(&output);
        println!("$ spamc {}\n{said}", whole.join(" "));
        assert_eq!(output.status.code(), Some(code), "{why}: {said}");
        wants.iter().for_each(|want| assert!(said.contains(want), "{why}: no {want:?} in\n{said}"));
    }
    assert!(server.rows(&["trace", "list", "--json"]).is_empty(), "no user is served here");
    let arguments = ["-d", "127.0.0.1", "-p", &port, "-u", "li@demo.example", "-c"];
    let output = client("spamc", &arguments, &plain("recorded")).expect("it is there");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(events(&server, "recorded"), ["received", "judged", "handed-back"]);
    adds_up(&server);
}

#[test]
fn spamc_teaches() {
    let (server, port) = served();
    let lesson = message("lesson", "ann@partner.example", "Cheap watches for you, today only, order now at our shop.");
    let run = |class: &str| {
        client("spamc", &["-d", "127.0.0.1", "-p", &port, "-L", class], &lesson).map(|output| (output.status.code(), text(&output)))
    };
    let Some((code, said)) = run("spam") else { return };
    println!("$ spamc -L spam\n{said}");
    assert!(said.contains("successfully un/learned"), "{code:?} {said}");
    let (_, again) = run("spam").expect("it is there");
    assert!(again.contains("was already un/learned"), "{again}");
    assert!(!server.rows(&["feedback", "list", "--json"]).is_empty());
}

#[test]
fn what_is_no_request_gets_a_code_and_an_end() {
    let (_server, port) = served();
    for (request, want, why) in [
        ("GET / HTTP/1.1\r\n\r\n", "76 EX_PROTOCOL", "another protocol"),
        ("CHECK SPAMC/1.5\r\nContent-length: 99999999999\r\n\r\n", "65 EX_DATAERR", "larger than any message"),
        ("CHECK SPAMC/1.5\r\nContent-length: 10\r\n\r\nabc", "76 EX_PROTOCOL", "shorter than was promised"),
        ("CHECK SPAMC/1.5\r\nCompress: zlib\r\nContent-length: 3\r\n\r\nabc", "65 EX_DATAERR", "not compressed"),
        ("TELL SPAMC/1.5\r\nRemove: local\r\nContent-length: 3\r\n\r\nabc", "77 EX_NOPERM", "taking back"),
    ] {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
        stream.write_all(request.as_bytes()).expect("sent");
        stream.shutdown(Shutdown::Write).expect("ended");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.contains(want), "{why}: {answer}");
    }
}

/// Debian's spamc is built without compression; others (`spamc -z`) have it.
#[test]
fn compressed_messages_are_taken_within_the_limit_of_messages() {
    let port = free_port();
    let _server = start(&format!("spamd = \"127.0.0.1:{port}\""), &settings(9, "[limits]\nmessage_octets_max = 200000\n"));
    let compressed = |octets: &[u8]| {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(octets).and_then(|()| packed.finish()).expect("packed")
    };
    let spam = compressed(message("pills", "ann@partner.example", &gtube()).as_bytes());
    let bomb = compressed(&vec![b'a'; 20_000_000]);
    assert!(bomb.len() < 200_000, "small as it comes");
    for (content, wants, why) in [
        (&spam[..], &["SPAMD/1.5 0 EX_OK", "CONTENT_GTUBE"][..], "a message"),
        (&spam[..spam.len() - 9], &["65 EX_DATAERR"], "one that breaks off"),
        (&bomb, &["65 EX_DATAERR", "200000 octets"], "larger than messages may be"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
        let head = format!("SYMBOLS SPAMC/1.5\r\nCompress: zlib\r\nContent-length: {}\r\n\r\n", content.len());
        stream.write_all(&[head.as_bytes(), content].concat()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        wants.iter().for_each(|want| assert!(answer.contains(want), "{why}: {answer}"));
    }
}
