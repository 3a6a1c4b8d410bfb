//! The fault lab, what takes a connector's way: probes through it, and letters about health past what is broken. And what the command
//! line leaves behind.

use crate::lab::{Beside, health, next_hop, organisation, organisations, quiet_lab, restored, shown, states};
use crate::server::Server;
use std::net::TcpStream;
use std::time::Duration;
use testkit::sink::{Sink, SinkSettings};
use tokio::runtime::Runtime;

const NO_DNS: &str = "[dns]\nservers = \"off\"\n";

/// A next hop that records, and whatever it runs on.
fn sink(runtime: &Runtime) -> Sink {
    runtime.block_on(Sink::start(SinkSettings::default()))
}

/// The same next hop with another mind.
fn changed(runtime: &Runtime, sink: Sink, replies: &[(&str, &str)]) -> Sink {
    let (address, replies) = (sink.address, replies.iter().map(|(command, reply)| (command.to_string(), reply.to_string())).collect());
    drop(sink);
    shown("the port is free", || TcpStream::connect(address).is_err());
    runtime.block_on(Sink::start_at(SinkSettings { replies, ..SinkSettings::default() }, address))
}

fn took(sink: &Sink, recipient: &str, part: &str) -> bool {
    let is_it = |mail: &testkit::sink::Taken| {
        mail.recipients.iter().any(|line| line.contains(recipient)) && String::from_utf8_lossy(&mail.octets).contains(part)
    };
    sink.taken().iter().any(is_it)
}

/// The next hop greets and looks well; only mail through it tells that it takes none.
#[test]
fn a_probe_through_a_connector_tells_what_a_greeting_does_not() {
    let runtime = Runtime::new().expect("a runtime");
    let (mut hop, other) = (sink(&runtime), Beside::tcp(0, next_hop));
    let probes = health("mail_probe_every = \"500ms\"\n[[health.probe]]\nconnector = \"one\"\nto = \"probe@one.example\"\n");
    let (server, _) = quiet_lab(&format!("{probes}{NO_DNS}{}", organisations(hop.address.port(), other.port)));
    shown("a probe arrived behind the connector", || took(&hop, "probe@one.example", "to see whether mail goes through"));
    hop = changed(&runtime, hop, &[("RCPT", "550 5.7.1 not from you")]);
    let is_told = |line: &String| line.starts_with("connector:one serviceDegradation probe.connector/one@");
    shown("the connector is degraded", || states(&server).iter().any(is_told));
    let found = states(&server);
    assert_eq!(found.len(), 1, "for the organisation that it belongs to, and nothing else: {found:?}");
    let issue = server.rows(&["incident", "list", "--json"]).remove(0);
    assert!(issue["org"].as_i64().is_some_and(|org| org > 0), "{issue}");
    assert!(issue["evidence"]["said"].as_str().is_some_and(|said| said.contains("550 5.7.1 not from you")), "true evidence: {issue}");
    let _hop = changed(&runtime, hop, &[]);
    restored("mail goes through again", || states(&server).is_empty());
    assert!(server.rows(&["trace", "list", "--json"]).is_empty(), "probes are nobody's mail");
}

/// Somebody who wants letters, as the page would write it.
fn wants_letters(server: &Server, email: &str, organisation: &str) {
    server.told(&["person", "invite", email, "--role", "administrator", "--organisation", organisation, "--json"]);
    let db = rusqlite::Connection::open(server.data.path().join("data/gatepost.db")).expect("the database");
    db.busy_timeout(Duration::from_secs(30)).expect("it waits");
    let sql = "INSERT INTO bell_choice (person, settings) SELECT id, '{\"mail\":true}' FROM person WHERE email = ?1";
    assert_eq!(db.execute(sql, [email]).expect("written"), 1, "{email} is there");
}

/// The letter that says that the way to the mailboxes is broken does not take that way.
#[test]
fn letters_about_health_go_past_what_is_broken() {
    let runtime = Runtime::new().expect("a runtime");
    let (aside, one, two) = (sink(&runtime), Beside::tcp(0, next_hop), Beside::tcp(0, next_hop));
    let settings = health("letters_through = \"aside\"\n");
    let way = organisation("aside", aside.address.port());
    let (server, _) = quiet_lab(&format!("{settings}{NO_DNS}{}{way}", organisations(one.port, two.port)));
    wants_letters(&server, "li@one.example", "one");
    wants_letters(&server, "bo@two.example", "two");
    one.stop();
    shown("the connector is interrupted", || states(&server).iter().any(|line| line.starts_with("connector:one serviceInterruption")));
    shown("the letter took the other way", || took(&aside, "li@one.example", "EX100001: "));
    assert!(!took(&aside, "bo@two.example", ""), "nobody else is written to");
}

/// What somebody at the machine says about an issue stands in the audit log with their name.
#[test]
fn a_post_from_the_command_line_is_in_the_audit_log() {
    let one = Beside::tcp(0, next_hop);
    let (server, _) = quiet_lab(&format!("{}{NO_DNS}{}", health(""), organisation("one", one.port)));
    one.stop();
    shown("there is an issue", || !server.rows(&["incident", "list", "--json"]).is_empty());
    server.told(&["incident", "post", "EX100001", "--text", "We call them."]);
    let db = rusqlite::Connection::open(server.data.path().join("data/gatepost.db")).expect("the database");
    let sql = "SELECT a.subject, a.who, a.org = i.org FROM audit a JOIN issue i ON i.number = 100001 WHERE a.action = 'health.publish'";
    let line = db.query_row(sql, [], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?)));
    let (subject, who, is_theirs) = line.expect("one line");
    assert!(subject == "EX100001" && !who.is_empty() && is_theirs, "{subject} by {who}");
    let green = server.run(&["incident", "post", "EX100001", "--text", "fine", "--status", "serviceRestored"]);
    assert_eq!(green.status.code(), Some(2), "refused");
    let count = db.query_row("SELECT count(*) FROM audit WHERE action = 'health.publish'", [], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(1), "what was refused leaves no line");
}
