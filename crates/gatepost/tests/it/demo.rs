//! What a newcomer sees.

use crate::server::{Server, free_port, message, send};
use std::process::Command;
use tempfile::TempDir;

fn demo() -> Server {
    let server = Server::start_in(TempDir::new().expect("a folder"), free_port(), "[dns]\nservers = \"off\"\n", &["--demo"]);
    server.eventually("the samples are judged", |server| server.rows(&["trace", "list", "--json", "--limit", "200"]).len() >= 51);
    server
}

fn mail_with(server: &Server, subject: &str) -> serde_json::Value {
    server.rows(&["trace", "list", "--json", "--subject", subject]).into_iter().next().unwrap_or_else(|| panic!("a mail with “{subject}”"))
}

#[test]
fn samples_end_as_they_should_and_every_story_can_be_told() {
    let server = demo();
    for (subject, verdict, state) in [
        ("Lunch on Thursday", "clean", "delivered"),
        ("周四项目会议安排", "clean", "delivered"),
        ("GTUBE", "high-spam", "delivered"),
        ("The tool you asked for", "malware", "held"),
        ("Archive", "malware", "held"),
        ("New price list", "blocked-type", ""),
    ] {
        let mail = mail_with(&server, subject);
        let told = mail["recipients"].get(0).map(|recipient| recipient["state"].as_str().unwrap_or_default()).unwrap_or_default();
        if state == "delivered" {
            server.eventually(subject, |server| mail_with(server, subject)["recipients"][0]["state"] == "delivered");
        } else {
            assert_eq!(told, state, "{subject}");
        }
        assert_eq!(mail["verdict"], verdict, "{subject}");
        let id = mail["mail"].as_str().expect("an id").to_string();
        let english = server.told(&["explain", &id]);
        assert!(english.contains("Verdict:") && english.contains("What would have changed it"), "{english}");
        assert!(english.lines().count() <= 24, "an explanation fits one screen:\n{english}");
        let chinese = server.told(&["explain", &id, "--lang", "zh"]);
        assert!(chinese.contains("判定："), "{chinese}");
    }
    server.eventually("everything is delivered", |server| !server.told(&["trace", "balance"]).contains("queued            1"));
    let balance = server.run(&["trace", "balance"]);
    assert_eq!(balance.status.code(), Some(0), "{}", String::from_utf8_lossy(&balance.stdout));
}

#[test]
fn refusals_carry_a_code_and_can_be_explained() {
    let server = demo();
    let unknown =
        send(server.smtp, "ann@partner.example", "nobody@demo.example", &message("x", "ann@partner.example", "x")).expect("a reply");
    assert!(unknown.starts_with("550 5.4.1"), "{unknown}");
    let forged =
        send(server.smtp, "x@spammer.example", "bo@demo.example", &message("forged", "ceo@bank.example", "Please pay.")).expect("a reply");
    assert!(forged.starts_with("550 5.7.1 DMARC failed"), "{forged}");
    let id = forged.rsplit_once("(m").map(|(_, id)| format!("m{}", id.trim_end_matches(')'))).expect("the id in the reply");
    let story = server.told(&["explain", &id]);
    assert!(story.contains("if SPF had passed for bank.example"), "{story}");
    server.eventually("the refusal of the recipient is traced", |server| {
        let refused = server.rows(&["trace", "list", "--json", "--to", "nobody@demo.example"]);
        refused.first().is_some_and(|event| {
            let story = server.told(&["explain", event["event"].as_str().unwrap_or_default()]);
            story.contains("550 5.4.1") && story.contains("would have been accepted")
        })
    });
}

#[test]
fn held_mail_is_released_to_its_recipient_and_malware_is_not() {
    let server = demo();
    let malware = mail_with(&server, "The tool you asked for")["mail"].as_str().expect("an id").to_string();
    assert_eq!(server.run(&["quarantine", "release", &malware]).status.code(), Some(1), "one person does not release malware");
    assert!(server.run(&["entry", "add", "block", "address", "pest@partner.example"]).status.success());
    let held_from_pest =
        |server: &Server| server.rows(&["quarantine", "list", "--json", "--from", "pest@partner.example"]).into_iter().next();
    server.eventually("the entry is in force", |server| {
        let reply = send(server.smtp, "pest@partner.example", "li@demo.example", &message("again", "pest@partner.example", "Hello again."))
            .expect("a reply");
        reply.starts_with("250") && held_from_pest(server).is_some()
    });
    let other = held_from_pest(&server).expect("it is held");
    let (id, recipient) = (other["mail"].as_str().expect("an id"), other["recipient"].as_str().expect("an address"));
    assert!(server.told(&["quarantine", "release", id]).contains("1 recipient"));
    let mailbox = server.data.path().join("data/mailboxes").join(recipient).join("new");
    server.eventually("it lies in the mailbox", |_| {
        let files = std::fs::read_dir(&mailbox).into_iter().flatten().flatten();
        files.map(|file| std::fs::read_to_string(file.path()).unwrap_or_default()).any(|text| text.contains(id))
    });
    assert!(server.told(&["trace", "show", id]).contains("released"));
}

#[test]
fn the_community_is_listed_shown_and_cleaned_by_command() {
    // Questions are part of the pages of the demo.
    let listen = (free_port(), "web = \"127.0.0.1:0\"\nstatus = \"\"\n");
    let server = Server::start_with(TempDir::new().expect("a folder"), listen, "[dns]\nservers = \"off\"\n", &["--demo"]);
    server.eventually("questions are there", |server| server.rows(&["community", "list", "--json"]).len() >= 12);
    let all = server.rows(&["community", "list", "--json"]);
    assert!(all.len() >= 12 && all.iter().any(|one| one["language"] == "zh-CN") && all.iter().any(|one| one["solved"] == true), "{all:?}");
    let unanswered = server.rows(&["community", "list", "--space", "gatepost", "--unanswered", "--json"]);
    assert!(!unanswered.is_empty() && unanswered.iter().all(|one| one["answers"] == 0), "{unanswered:?}");
    let dkim = server.rows(&["community", "list", "--tag", "dkim", "--space", "gatepost", "--json"]);
    let id = dkim[0]["id"].as_str().expect("an id");
    let posts = server.rows(&["community", "show", id, "--json"]);
    let answer = posts.iter().find(|post| post["kind"] == "answer").expect("an answer")["id"].as_str().expect("an id");
    assert!(server.told(&["community", "show", id]).contains("accepted"));
    assert_eq!(server.run(&["community", "hide", answer, "--reason", ""]).status.code(), Some(2), "without a reason");
    assert!(server.told(&["community", "hide", answer, "--reason", "out of date"]).contains(id));
    let posts = server.rows(&["community", "show", id, "--json"]);
    let hidden = posts.iter().find(|post| post["id"] == answer).expect("it is kept");
    assert!(hidden["state"] == "removed" && hidden["reason"] == "out of date", "{hidden}");
    assert_eq!(server.rows(&["community", "list", "--tag", "dkim", "--space", "gatepost", "--json"])[0]["answers"], 0);
    assert_eq!(server.run(&["community", "show", "q0000000000000"]).status.code(), Some(2));
    assert_eq!(server.run(&["community", "list", "--space", "nowhere"]).status.code(), Some(2));
}

#[test]
fn swaks_is_understood() {
    if Command::new("swaks").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI needs swaks");
        return;
    }
    let server = demo();
    let to = server.smtp.to_string();
    let swaks = |arguments: &[&str]| {
        let output =
            Command::new("swaks").args(["--server", &to, "--from", "ann@partner.example"]).args(arguments).output().expect("swaks runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(swaks(&["--to", "alice@demo.example"]).contains("is ours now"));
    assert!(swaks(&["--to", "alice@demo.example", "--tls"]).contains("~> QUIT"), "STARTTLS works");
    assert!(swaks(&["--to", "nobody@demo.example"]).contains("550 5.4.1"));
}
