//! What is said by command reaches people and programs as what is said on the page does, once.

use crate::backup::Session;
use crate::lab::{health, shown};
use crate::posted;
use crate::server::{Server, free_port};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

const FORM: &str = "application/x-www-form-urlencoded";

/// What the bell says, line by line.
fn bell(web: u16, cookie: &str) -> Arc<Mutex<String>> {
    let mut stream = TcpStream::connect(("127.0.0.1", web)).expect("the pages");
    stream.set_read_timeout(Some(Duration::from_secs(120))).expect("it can be asked");
    let asked = format!("GET /bell/stream HTTP/1.1\r\nHost: 127.0.0.1:{web}\r\nCookie: {cookie}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(asked.as_bytes()).expect("asked");
    let heard = Arc::new(Mutex::new(String::new()));
    let kept = heard.clone();
    std::thread::spawn(move || {
        let mut octets = [0; 4_096];
        while let Ok(length @ 1..) = stream.read(&mut octets) {
            kept.lock().expect("nobody panicked").push_str(&String::from_utf8_lossy(&octets[..length]));
        }
    });
    heard
}

fn letters(server: &Server) -> usize {
    let all = server.rows(&["trace", "list", "--json", "--limit", "200"]);
    all.iter().filter(|mail| mail.to_string().contains("EX100001: ")).count()
}

#[test]
fn what_is_posted_by_command_is_told_as_on_the_page() {
    let (web, (hook, heard)) = (free_port(), posted::takes());
    let settings = format!("{}hooks_private = true\n[dns]\nservers = \"off\"\n[detect.clamd]\naddress = \"127.0.0.1:1\"\n", health(""));
    let listen = format!("web = \"127.0.0.1:{web}\"\nstatus = \"\"\n");
    let server = Server::start_with(TempDir::new().expect("a folder"), (free_port(), &listen), &settings, &["--demo"]);
    let mut session = Session::sign_in(&server, web);
    session.ask(reqwest::Method::POST, "/bell/choice", Some((FORM, "incidents=on&advisories=on&messages=on&mail=on".into())));
    session.ask(reqwest::Method::POST, "/health/hooks", Some((FORM, format!("url=http://127.0.0.1:{hook}/"))));
    shown("the engine is missed", || server.run(&["incident", "show", "EX100001"]).status.success());
    let rung = bell(web, &session.cookie());
    shown("the bell is listened to", || rung.lock().expect("nobody panicked").contains("event: bell"));
    let (before, rung_before) = (letters(&server), rung.lock().expect("nobody panicked").len());

    let posted = server.run(&["incident", "post", "EX100001", "--text", "We look into it.", "--text-zh", "正在查看。"]);
    assert_eq!(posted.status.code(), Some(0), "{}", String::from_utf8_lossy(&posted.stderr));
    let told = || {
        let heard = heard.lock().expect("nobody panicked");
        heard.iter().filter(|event| event["data"]["text"] == "We look into it.").cloned().collect::<Vec<_>>()
    };
    shown("the program hears of it", || told().len() == 1);
    assert_eq!((&told()[0]["data"]["id"], &told()[0]["data"]["text_zh"]), (&"EX100001".into(), &"正在查看。".into()));
    shown("who wants letters gets one", || letters(&server) == before + 1);
    shown("the bell rings", || rung.lock().expect("nobody panicked")[rung_before..].contains("EX100001"));
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!((told().len(), letters(&server)), (1, before + 1), "once");
    let wrong = server.run(&["incident", "post", "EX100001", "--text", "fine", "--status", "serviceRestored"]);
    assert_eq!((wrong.status.code(), letters(&server)), (Some(2), before + 1), "what is measured is not called right, and nobody is told");

    let opened = server.told(&[
        "incident",
        "open",
        "--service",
        "trace",
        "--title",
        "Trace is slow",
        "--title-zh",
        "跟踪很慢",
        "--text",
        "We look.",
        "--workaround",
        "Wait.",
        "--known",
    ]);
    let id = opened.trim().to_string();
    assert_eq!(id, "EX100002");
    let all = || heard.lock().expect("nobody panicked").iter().filter(|event| event["data"]["title"] == "Trace is slow").count();
    shown("the program hears of what was opened", || all() == 1);
    let shown_by = server.rows(&["incident", "show", &id, "--json"]);
    assert_eq!((&shown_by[0]["is_open"], &shown_by[0]["services"][0]), (&true.into(), &"trace".into()), "{shown_by:?}");
    for wrong in [["--service", "coffee", "--title", "x"], ["--service", "trace", "--title", ""]] {
        let refused = server.run(&[&["incident", "open", "--text", "x"], &wrong[..]].concat());
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
    }
}
