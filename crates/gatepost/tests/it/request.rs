//! `gatepost request` beside a running server: asked, answered, put aside, closed by nobody but whoever asked.

use crate::server::{Server, free_port};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn a_request_is_worked_on_from_the_command_line() {
    // The administrator of the demo is made for its pages.
    let listen = (free_port(), "web = \"127.0.0.1:0\"\nstatus = \"\"\n");
    let server = Server::start_with(TempDir::new().expect("a folder"), listen, "[dns]\nservers = \"off\"\n", &["--demo"]);
    server.eventually("there is an administrator", |server| server.told(&["person", "list"]).contains("admin@demo.example"));
    let json =
        |text: &str| serde_json::from_str::<Value>(text.lines().next().unwrap_or_default()).unwrap_or_else(|why| panic!("{why}: {text}"));
    let by = "admin@demo.example";
    let opened = server.told(&[
        "request",
        "open",
        "Mail of the bank is late",
        "--by",
        by,
        "--description",
        "Since noon.",
        "--severity",
        "b",
        "--json",
    ]);
    let id = json(&opened)["id"].as_str().expect("an id").to_string();
    let listed = server.told(&["request", "list"]);
    assert!(listed.contains(&id) && listed.contains("Mail of the bank"), "{listed}");
    assert!(server.told(&["request", "list", "late bank mail", "--json"]).contains(&id));
    assert_eq!(server.run(&["request", "list", "aeroplane"]).status.code(), Some(1), "nothing found");
    let answered = server.told(&["request", "reply", &id, "Which bank is it?", "--json"]);
    assert_eq!(json(&answered)["state"], "waiting-customer", "{answered}");
    server.told(&["request", "note", &id, "looks like the connector"]);
    assert!(server.told(&["request", "show", &id]).contains("looks like the connector"));
    server.told(&["request", "snooze", &id, "4h"]);
    server.told(&["request", "wake", &id]);
    let severity = server.run(&["request", "severity", &id, "c"]);
    assert_eq!(severity.status.code(), Some(1), "a reason is wanted");
    assert_eq!(json(&server.told(&["request", "severity", &id, "a", "--json"]))["severity"], "a");
    assert_eq!(json(&server.told(&["request", "resolve", &id, "It was the connector.", "--json"]))["state"], "resolved");
    let stranger = server.run(&["request", "close", &id, "--by", "eve@other.example"]);
    assert_eq!(stranger.status.code(), Some(2), "{}", String::from_utf8_lossy(&stranger.stderr));
    assert_eq!(json(&server.told(&["request", "close", &id, "--by", by, "--json"]))["state"], "closed");
    assert_eq!(server.run(&["request", "show", "r0000000000000"]).status.code(), Some(2));
}
