//! Mails followed for OpenTelemetry: a collector that listens gets what happened to a mail, and one that is gone costs nothing.

use crate::lab::{Beside, next_hop, organisation, shown};
use crate::posted;
use crate::server::{Server, free_port, message, send};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::sync::Mutex;

fn spans(heard: &Mutex<Vec<Value>>) -> Vec<Value> {
    let heard = heard.lock().expect("nobody panicked");
    let of = |request: &Value| request["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned().unwrap_or_default();
    heard.iter().flat_map(of).collect()
}

#[test]
fn a_mail_is_followed_from_its_first_octet_to_its_delivery() {
    let (port, heard) = posted::takes();
    let hop = Beside::tcp(0, next_hop);
    let settings =
        format!("[dns]\nservers = \"off\"\n[traces]\nurl = \"http://127.0.0.1:{port}/v1/traces\"\n{}", organisation("one", hop.port));
    let server = Server::start(&settings, &[]);
    let mail = message("followed", "somebody@sender.example", "words of a mail");
    let reply = send(server.smtp, "somebody@sender.example", "li@one.example", &mail).expect("an answer");
    assert!(reply.starts_with("250"), "{reply}");
    let named = |name: &str| spans(&heard).into_iter().find(|span| span["name"] == name);
    shown("it was received and delivered", || named("mail.receive").is_some() && named("mail.deliver").is_some());
    let (first, last) = (named("mail.receive").expect("there"), named("mail.deliver").expect("there"));
    assert_eq!(first["traceId"], last["traceId"], "one trace");
    assert_eq!(last["parentSpanId"], first["spanId"]);
    for name in ["authenticate", "inspect", "commit"] {
        let step = named(name).unwrap_or_else(|| panic!("no {name}: {:?}", spans(&heard)));
        assert_eq!((&step["traceId"], &step["parentSpanId"]), (&first["traceId"], &first["spanId"]), "{name}");
    }
    let all = format!("{:?}", heard.lock().expect("nobody panicked"));
    assert!(["somebody", "li@one", "followed", "words"].iter().all(|private| !all.contains(private)), "nothing of the mail: {all}");
}

/// One request, with these header lines; the status.
fn ask(web: u16, path: &str, headers: &str) -> String {
    // The pages are there a moment after the port for mail.
    let begun = std::time::Instant::now();
    let mut stream = loop {
        match std::net::TcpStream::connect(("127.0.0.1", web)) {
            Ok(stream) => break stream,
            Err(why) => assert!(begun.elapsed() < std::time::Duration::from_secs(30), "the pages: {why}"),
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{web}\r\n{headers}Connection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    let _ = BufReader::new(stream).read_line(&mut answer);
    answer
}

#[test]
fn a_request_is_followed_by_its_route_and_belongs_to_a_trace_only_where_a_proxy_says_so() {
    const REMOTE: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    for proxies in ["", "[web]\nproxies = [\"127.0.0.1\"]\n"] {
        let ((port, heard), web) = (posted::takes(), free_port());
        let settings = format!("[dns]\nservers = \"off\"\n[traces]\nurl = \"http://127.0.0.1:{port}/v1/traces\"\n{proxies}");
        let listen = format!("web = \"127.0.0.1:{web}\"\nstatus = \"\"\n");
        let _server = Server::start_with(tempfile::TempDir::new().expect("a folder"), (free_port(), &listen), &settings, &[]);
        for (path, headers, status) in [
            ("/refused/somebody-secret?q=private", REMOTE, " "),
            ("/nowhere/to-be-found", "", " 404"),
            ("/api/v1/requests/r12345", "", " 401"),
        ] {
            let answer = ask(web, path, headers);
            assert!(answer.contains(status), "{path}: {answer}");
        }
        let named = |name: &str| spans(&heard).into_iter().find(|span| span["name"] == name);
        shown("requests are followed", || named("GET").is_some() && named("GET /api/v1/requests/{request}").is_some());
        let attribute = |span: &Value, name: &str| {
            let all = span["attributes"].as_array().cloned().unwrap_or_default();
            all.into_iter().find(|one| one["key"] == name).map(|one| one["value"].clone()).unwrap_or_default()
        };
        let api = named("GET /api/v1/requests/{request}").expect("there");
        assert_eq!(attribute(&api, "http.response.status_code")["intValue"], "401", "{api}");
        assert_eq!(
            (attribute(&api, "http.route")["stringValue"].as_str(), api["kind"].as_u64()),
            (Some("/api/v1/requests/{request}"), Some(2))
        );
        let of_remote = spans(&heard).into_iter().filter(|span| span["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736").collect::<Vec<_>>();
        let wanted = if proxies.is_empty() { 0 } else { 1 };
        assert_eq!(
            of_remote.iter().filter(|span| span["parentSpanId"] == "00f067aa0ba902b7").count(),
            wanted,
            "“{proxies}”: {of_remote:?}"
        );
        let all = format!("{:?}", heard.lock().expect("nobody panicked"));
        assert!(["somebody", "private", "12345", "to-be-found"].iter().all(|private| !all.contains(private)), "templates alone: {all}");
    }
}

#[test]
fn a_collector_that_is_gone_costs_nothing() {
    let hop = Beside::tcp(0, next_hop);
    let settings = format!("[dns]\nservers = \"off\"\n[traces]\nurl = \"http://127.0.0.1:1/v1/traces\"\n{}", organisation("one", hop.port));
    let server = Server::start(&settings, &[]);
    for n in 0..20 {
        let reply = send(server.smtp, "a@sender.example", "li@one.example", &message(&format!("n{n}"), "a@sender.example", "x"));
        assert!(reply.expect("an answer").starts_with("250"));
    }
    server.eventually("all are delivered", |server| server.rows(&["trace", "list", "--state", "delivered", "--json"]).len() == 20);
}
