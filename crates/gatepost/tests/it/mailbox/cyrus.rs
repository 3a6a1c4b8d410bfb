//! A whole Gatepost in front of a real Cyrus: mail is removed over JMAP and put back, and what is said stands in the docs.

use super::{BO, LI, mail_of, message};
use crate::server::{Server, free_port, send};
use mail::jmap::{CORE, MAIL, read_answer};
use serde_json::Value;
use std::cmp::Reverse;
use tempfile::TempDir;
use testkit::cyrus::{Cyrus, PASSWORD, SHARED_WITH};
use testkit::tap::{Connection, Tap};
use testkit::transcript;

fn start() -> Option<(Server, Cyrus, Tap)> {
    let cyrus = Cyrus::start(&["li", "bo"])?;
    let tap = Tap::to(cyrus.http);
    let settings = format!(
        "[dns]\nservers = \"off\"\n[[organisation]]\nname = \"demo\"\nconnector = \"box\"\nrelay_from = [\"127.0.0.1\"]\n\
         [[connector]]\nname = \"box\"\norganisation = \"demo\"\nprotocol = \"lmtp\"\nhosts = [\"{}\"]\ntls = \"off\"\nallow_private = true\n\
         [connector.mailbox]\nprotocol = \"jmap\"\nurl = \"http://{}\"\nuser = \"{SHARED_WITH}\"\npassword = \"{PASSWORD}\"\nmailbox = \"local\"\n\
         [[domain]]\nname = \"demo.example\"\n[[recipient]]\naddress = \"{LI}\"\n[[recipient]]\naddress = \"{BO}\"\n",
        cyrus.lmtp, tap.address,
    );
    let server = Server::start_in(TempDir::new().expect("a folder"), free_port(), &settings, &[]);
    Some((server, cyrus, tap))
}

#[test]
fn mail_goes_to_cyrus_and_is_removed_after_delivery_over_jmap() {
    let Some((server, cyrus, tap)) = start() else { return };
    for subject in ["lunch", "invoice"] {
        let reply = send(server.smtp, "ann@friend.example", LI, &message("ann@friend.example", subject)).expect("an answer");
        assert!(reply.starts_with("250"), "{subject}: {reply}");
    }
    server.eventually("both lie in the mailbox", |_| cyrus.subjects("li", "INBOX").len() == 2);
    let invoice = mail_of(&server, "invoice");
    let started = &server.rows(&["removal", "start", &invoice, "--as", "phish", "--note", "a supplier called", "--json"])[0];
    let removal = started["removal"]["removal"].as_str().expect("an identifier").to_string();
    let state = |server: &Server| server.rows(&["removal", "show", &removal, "--json"])[0]["copies"][0]["state"].clone();
    server.eventually("it is removed", |server| state(server) == "removed");
    assert_eq!((cyrus.subjects("li", "INBOX"), cyrus.subjects("li", "Junk")), (vec!["lunch".to_string()], vec!["invoice".to_string()]));
    assert!(server.told(&["trace", "show", &invoice]).contains("removed"), "the story of the mail has it");
    let asked_to_remove = tap.connections().len();
    server.told(&["removal", "undo", &invoice]);
    server.eventually("it is back", |server| state(server) == "returned");
    assert!(cyrus.subjects("li", "INBOX").contains(&"invoice".to_string()) && cyrus.subjects("li", "Junk").is_empty());

    let exchanges: Vec<Exchange> = tap.connections().iter().map(Exchange::of).collect();
    let (removed, returned) = exchanges.split_at(asked_to_remove);
    let names = names_of(&exchanges);
    let shown = |part: &[Exchange]| part.iter().map(|one| one.shown(&names)).collect::<Vec<_>>().join("\n");
    let said = format!(
        "Each request has a connection of its own. Of an answer its status, where it sends us on, and its JSON are shown; of the session what is\n\
         read of it. What Cyrus made up itself, such as identifiers, stands in brackets.\n\n\
         Removal after delivery by JMAP, as a user whom the mailbox is shared with:\n\n{}\nPut back:\n\n{}",
        shown(removed),
        shown(returned)
    );
    transcript::check_as("cyrus-jmap", &format!("cyrus {}", version(&cyrus)), &said);
}

/// It is unpacked, not installed: its greeting says which it is.
fn version(cyrus: &Cyrus) -> String {
    let greeting = cyrus.said("li", &[]);
    let version = greeting.split(" Cyrus IMAP ").nth(1).and_then(|rest| rest.split_whitespace().next());
    version.unwrap_or_else(|| panic!("it says which it is: {greeting}")).to_string()
}

/// One request over HTTP and its answer.
struct Exchange {
    /// The line of the request and its fields.
    head: String,
    /// `null` where nothing was sent that is JSON.
    asked: Value,
    status: String,
    location: String,
    answered: Value,
}

impl Exchange {
    fn of(connection: &Connection) -> Exchange {
        let asked = String::from_utf8(connection.of_client()).expect("a request in UTF-8");
        let (head, body) = asked.split_once("\r\n\r\n").expect("a whole request");
        let octets = connection.of_server();
        let status = String::from_utf8_lossy(&octets).lines().next().unwrap_or_default().to_string();
        let answer = read_answer(&octets, true).expect("an answer over HTTP").expect("a whole answer");
        Exchange { head: head.to_string(), asked: json(body.as_bytes()), status, location: answer.location, answered: json(&answer.body) }
    }

    fn shown(&self, names: &[(String, String)]) -> String {
        let mut lines: Vec<String> = self.head.lines().map(|line| format!("C: {line}")).collect();
        lines.extend(pretty("C:", &self.asked, names));
        lines.push(format!("S: {}", self.status));
        if !self.location.is_empty() {
            lines.push(format!("S: Location: {}", self.location));
        }
        lines.extend(pretty("S:", &self.answered, names));
        lines.iter().map(|line| format!("{line}\n")).collect()
    }
}

fn json(octets: &[u8]) -> Value {
    let mut whole: Value = serde_json::from_slice(octets).unwrap_or_default();
    settle(&mut whole);
    whole
}

/// Behind the empty line that ends the fields. Identifiers are named before keys are put in order, as each run has others.
fn pretty(who: &str, json: &Value, names: &[(String, String)]) -> Vec<String> {
    if json.is_null() {
        return Vec::new();
    }
    let json: Value = serde_json::from_str(&named(json.to_string(), names)).expect("JSON");
    let text = serde_json::to_string_pretty(&json).expect("JSON");
    std::iter::once(who.to_string()).chain(text.lines().map(|line| format!("{who} {line}"))).collect()
}

/// Puts words where two runs differ, and leaves of a session what is read of it.
fn settle(json: &mut Value) {
    match json {
        Value::Array(all) => all.iter_mut().for_each(settle),
        Value::Object(all) => {
            for (name, one) in all.iter_mut() {
                match name.as_str() {
                    "state" | "oldState" | "newState" | "queryState" | "sessionState" => *one = "(state)".into(),
                    "after" => *one = "(a day before it came)".into(),
                    "size" => *one = "(octets)".into(),
                    "capabilities" | "accountCapabilities" | "primaryAccounts" => leave_mail(one),
                    _ => settle(one),
                }
            }
        }
        _ => {}
    }
}

/// Of what a server can, that it can mail.
fn leave_mail(json: &mut Value) {
    let Some(all) = json.as_object_mut() else { return };
    all.retain(|name, _| name == CORE || name == MAIL);
    all.values_mut().filter(|one| one.is_object()).for_each(|one| *one = "…".into());
}

/// Identifiers that the server made up and what they stand for, the longest first.
fn names_of(exchanges: &[Exchange]) -> Vec<(String, String)> {
    let mut names: Vec<(String, String)> = Vec::new();
    let mut learn = |id: &Value, name: String| names.push((id.as_str().expect("an identifier").to_string(), name));
    for response in exchanges.iter().filter_map(|one| one.answered["methodResponses"].as_array()).flatten() {
        for found in response[1]["list"].as_array().into_iter().flatten() {
            match response[0].as_str() {
                Some("Mailbox/get") => learn(&found["id"], format!("(folder {})", found["name"].as_str().expect("a name"))),
                Some("Email/get") => {
                    learn(&found["id"], "(the mail)".into());
                    learn(&found["blobId"], "(its octets)".into());
                }
                _ => {}
            }
        }
    }
    names.sort();
    names.dedup();
    assert_eq!(names.iter().filter(|(_, name)| name == "(the mail)").count(), 1, "the other mail is not asked for: {names:?}");
    names.sort_by_key(|(id, _)| Reverse(id.len()));
    names
}

/// Where an identifier stands alone, and where it ends a path (RFC 8620 §5.3).
fn named(text: String, names: &[(String, String)]) -> String {
    names.iter().fold(text, |text, (id, name)| {
        text.replace(&format!("\"{id}\""), &format!("\"{name}\"")).replace(&format!("/{id}\""), &format!("/{name}\""))
    })
}
