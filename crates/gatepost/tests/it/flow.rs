//! Mail flow beyond the plain way: gateways in front of us, and trying connectors and domains from the command line.

use crate::server::{Server, message, send};

const SETTINGS: &str = r#"
[dns]
servers = "off"
[[organisation]]
name = "demo"
connector = "server"
[[domain]]
name = "demo.example"
organisation = "demo"
recipients = "any"
[[connector]]
name = "server"
organisation = "demo"
hosts = ["127.0.0.1:9"]
allow_private = true
[[inbound]]
name = "front"
organisation = "demo"
addresses = ["127.0.0.0/8"]
skip = "last"
[[inbound]]
name = "partner"
organisation = "demo"
addresses = ["198.51.100.7"]
domains = ["partner.example"]
only_from = true
"#;

fn through_the_front(subject: &str, received: &str) -> String {
    format!("{received}{}", message(subject, "x@sender.example", "Hello."))
}

#[test]
fn a_gateway_in_front_is_looked_past_and_a_forged_line_is_not_believed() {
    let server = Server::start(SETTINGS, &[]);
    let front = "Received: from mx.sender.example (mx.sender.example [8.8.8.8])\n\tby front.demo.example with ESMTP; Mon, 16 Nov 2026 09:00:00 +0000\n";
    let forged = "Received: from x (x [1.1.1.1]) by mx.sender.example with ESMTP; Mon, 16 Nov 2026 08:00:00 +0000\n";
    let cases = [
        ("behind", format!("{front}{forged}"), "8.8.8.8"),
        ("bare", String::new(), "127.0.0.1"),
        ("garbled", "Received: from\n".into(), "127.0.0.1"),
    ];
    for (subject, received, _) in &cases {
        let reply = send(server.smtp, "x@sender.example", "li@demo.example", &through_the_front(subject, received)).expect("an answer");
        assert!(reply.starts_with("250"), "{subject}: {reply}");
    }
    let rows = server.rows(&["trace", "list", "--json"]);
    for (subject, _, want) in &cases {
        let row = rows.iter().find(|row| row["subject"] == *subject).unwrap_or_else(|| panic!("{subject} is not in {rows:?}"));
        assert_eq!(row["peer_ip"], *want, "{subject}: {row}");
    }
    let behind = rows.iter().find(|row| row["subject"] == "behind").expect("there")["mail"].as_str().expect("an id");
    let explained = server.rows(&["explain", behind, "--json"]);
    assert_eq!(explained[0]["connection"]["via"], "127.0.0.1", "the receipt says through whom: {explained:?}");
}

#[test]
fn a_partners_domain_comes_from_its_servers_only() {
    let server = Server::start(SETTINGS, &[]);
    let refused =
        send(server.smtp, "x@partner.example", "li@demo.example", &message("forged", "x@partner.example", "Hello.")).expect("an answer");
    assert!(refused.starts_with("550 5.7.1"), "{refused}");
}

#[test]
fn a_connector_and_a_domain_are_tried_from_the_command_line() {
    let server = Server::start(SETTINGS, &[]);
    let tried = server.run(&["connector", "validate", "server", "--to", "li@demo.example"]);
    let text = String::from_utf8_lossy(&tried.stdout);
    assert_eq!(tried.status.code(), Some(1), "nothing listens there: {text}");
    assert!(text.contains("[problem] connect: refused"), "{text}");
    assert_eq!(server.run(&["connector", "validate", "nobody"]).status.code(), Some(1));
    let looked = server.run(&["domain", "check", "demo.example", "--json"]);
    let text = String::from_utf8_lossy(&looked.stdout);
    assert_eq!(looked.status.code(), Some(1), "nothing is published: {text}");
    let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["checks"][1]["id"], "domain.mx");
    assert_eq!(report["checks"][1]["result"], "problem");
}
