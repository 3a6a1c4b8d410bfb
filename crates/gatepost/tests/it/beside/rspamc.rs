//! The real rspamc, and a client that speaks as Haraka does.

use super::{adds_up, client, events, gtube, plain, settings, start, text, with_file};
use crate::server::{Server, free_port, message};
use std::io::{Read, Write};
use std::net::TcpStream;

fn served(more: &str) -> (Server, String) {
    let port = free_port();
    (start(&format!("rspamd = \"127.0.0.1:{port}\""), &settings(9, more)), format!("127.0.0.1:{port}"))
}

#[test]
fn rspamc_reads_our_judgement() {
    let (server, at) = served("");
    for (arguments, input, wants, why) in [
        (
            vec!["symbols"],
            plain("good"),
            vec!["Action: no action", "Spam: false", "Score: ", "/ 15.00", "Message-ID: good@test.example"],
            "clean mail",
        ),
        (vec!["symbols"], message("pills", "ann@partner.example", &gtube()), vec!["Action: add header", "CONTENT_GTUBE"], "spam"),
        (vec!["symbols"], with_file("program", "tool.exe", "MZ"), vec!["Action: reject", "Spam: true"], "what we would refuse"),
        (vec!["--json", "symbols"], plain("json"), vec!["\"required_score\"", "\"symbols\"", "\"message-id\"", "\"time_real\""], "JSON"),
        (vec!["-z", "symbols"], plain("packed"), vec!["Action: no action"], "compressed"),
    ] {
        let whole: Vec<&str> = ["-h", at.as_str()].into_iter().chain(arguments).collect();
        let Some(output) = client("rspamc", &whole, &input) else { return };
        let said = text(&output);
        println!("$ rspamc {}\n{said}", whole.join(" "));
        assert!(output.status.success(), "{why}: {said}");
        wants.iter().for_each(|want| assert!(said.contains(want), "{why}: no {want:?} in\n{said}"));
    }
    assert!(server.rows(&["trace", "list", "--json"]).is_empty(), "what has no recipient is nobody's mail");
    let arguments = [
        "-h",
        &at,
        "--from",
        "ann@partner.example",
        "--rcpt",
        "li@demo.example",
        "--ip",
        "192.0.2.7",
        "--helo",
        "client.example",
        "symbols",
    ];
    let output = client("rspamc", &arguments, &plain("recorded")).expect("it is there");
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(events(&server, "recorded"), ["received", "judged", "handed-back"]);
    assert_eq!(super::row(&server, "recorded")["peer_ip"], "192.0.2.7");
    adds_up(&server);
}

#[test]
fn rspamc_teaches_with_the_password_only() {
    let (server, at) = served("[beside]\npassword = \"open sesame\"\n");
    let spam = message("lesson", "ann@partner.example", "Cheap watches for you, today only, order now at our shop.");
    let run = |arguments: &[&str]| client("rspamc", &[&["-h", at.as_str()][..], arguments].concat(), &spam).map(|output| text(&output));
    let Some(refused) = run(&["learn_spam"]) else { return };
    assert!(!refused.contains("success = true"), "{refused}");
    assert!(server.rows(&["feedback", "list", "--json"]).is_empty(), "nothing was learned");
    let learned = run(&["-P", "open sesame", "learn_spam"]).expect("it is there");
    println!("$ rspamc learn_spam\n{learned}");
    assert!(learned.contains("success = true"), "{learned}");
    let again = run(&["-P", "open sesame", "learn_spam"]).expect("it is there");
    assert!(again.contains("learned as that before"), "{again}");
    let other = run(&["-P", "open sesame", "learn_ham"]).expect("it is there");
    assert!(other.contains("success = true"), "{other}");
    let rows = server.rows(&["feedback", "list", "--json"]);
    assert!(!rows.is_empty(), "it is a report like any other: {rows:?}");
}

/// As Haraka's plugin: envelope and connection in fields, JSON back.
fn post(at: &str, path: &str, fields: &str, body: &[u8]) -> (u16, serde_json::Value) {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    (code, serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn a_server_that_asks_over_http_gets_what_it_needs() {
    let (server, at) = served("");
    let fields = "IP: 192.0.2.7\r\nHelo: client.example\r\nFrom: <ann@partner.example>\r\nRcpt: <li@demo.example>\r\nQueue-Id: 4bQ1\r\n";
    let (code, good) = post(&at, "/checkv2", fields, plain("haraka").replace('\n', "\r\n").as_bytes());
    assert_eq!((code, &good["action"]), (200, &"no action".into()), "{good}");
    assert!(good["milter"]["add_headers"]["X-Gatepost-Report"]["value"].as_str().is_some_and(|value| value.starts_with("id=m")), "{good}");
    assert_eq!(good["milter"]["remove_headers"]["X-Gatepost-Report"], 0, "{good}");
    assert_eq!(good["is_skipped"], false, "{good}");
    assert!(good["symbols"]["R_SPF_NA"]["name"].is_string() || good["symbols"]["R_SPF_NEUTRAL"]["name"].is_string(), "{good}");
    let (_, bad) = post(&at, "/checkv2", fields, with_file("bad", "tool.exe", "MZ").as_bytes());
    assert_eq!(bad["action"], "reject", "{bad}");
    assert!(bad["messages"]["smtp_message"].as_str().is_some_and(|told| told.contains("(m")), "the code to ask about: {bad}");
    for (path, fields, body, want, why) in [
        ("/checkv2", "", &b""[..], 400, "no message"),
        ("/checkv2", "Compression: zstd\r\n", b"no frame", 400, "not packed"),
        ("/checkv2", "Compression: lzma\r\n", b"x", 415, "packed otherwise"),
        ("/stat", "", b"", 404, "what we do not have"),
    ] {
        assert_eq!(post(&at, path, fields, body).0, want, "{why}");
    }
    assert_eq!(events(&server, "haraka"), ["received", "judged", "handed-back"]);
    adds_up(&server);
}
