//! Postfix with us as its milter.

use super::{adds_up, eicar, events, gtube, plain, row, settings, start, with_file};
use crate::postfix::Postfix;
use crate::server::{Server, free_port, send};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

/// Postfix on one port with the milter and on another without, for what is released.
fn both(more: &str) -> Option<(Server, Postfix)> {
    let (milter, port, plain) = (free_port(), free_port(), free_port());
    let listening = format!("milter = \"inet:127.0.0.1:{milter}\"");
    let without = format!("{plain} inet n - n - 10 smtpd -o smtpd_milters=\n");
    let main = format!(
        "smtpd_milters = inet:127.0.0.1:{milter}\nmilter_default_action = tempfail\nsmtpd_authorized_xclient_hosts = 127.0.0.0/8\n"
    );
    let postfix = Postfix::start_with(port, &main, "", &without)?;
    Some((start(&listening, &settings(plain, more)), postfix))
}

fn through(postfix: &Postfix, recipient: &str, message: &str) -> String {
    send(SocketAddr::from(([127, 0, 0, 1], postfix.port)), "ann@partner.example", recipient, message).expect("an answer")
}

fn mail_with(postfix: &Postfix, server: &Server, subject: &str) -> String {
    let wanted = format!("Subject: {subject}\n");
    let find = |postfix: &Postfix| postfix.mails().into_iter().find(|mail| mail.contains(&wanted));
    server.eventually(&format!("{subject} lies in the mailbox"), |_| find(postfix).is_some());
    find(postfix).expect("it was there")
}

#[test]
fn clean_mail_is_delivered_by_postfix_with_our_headers() {
    let Some((server, postfix)) = both("") else { return };
    let forged = format!("Authentication-Results: gate.test; spf=pass\nX-Gatepost-Report: id=m1; scl=-1\n{}", plain("clean"));
    let reply = through(&postfix, "li@demo.example", &forged);
    assert!(reply.starts_with("250"), "{reply}");
    let mail = mail_with(&postfix, &server, "clean");
    println!("--- the mail in the mailbox of Postfix:\n{mail}");
    let count = |name: &str| mail.lines().filter(|line| line.starts_with(name)).count();
    assert_eq!((count("Authentication-Results: gate.test"), count("X-Gatepost-Report:")), (1, 1), "the forged ones are gone:\n{mail}");
    let row = row(&server, "clean");
    let id = row["mail"].as_str().expect("an id");
    assert!(mail.contains(&format!("X-Gatepost-Report: id={id}; verdict=clean")), "the id leads to the receipt:\n{mail}");
    assert!(!mail.contains("(Gatepost) with"), "Postfix writes its own Received");
    let line = |name: &str| mail.lines().position(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in\n{mail}"));
    assert!(line("X-Gatepost-Report:") < line("Authentication-Results: gate.test"), "in our order:\n{mail}");
    assert!(line("Authentication-Results: gate.test") < line("From: "), "on top:\n{mail}");
    assert!(mail.contains("\n\nShall we meet on Tuesday"), "the body is as it was");
    let kinds = events(&server, "clean");
    assert_eq!(kinds, ["received", "judged", "handed-back"], "who delivers it stands in the trace");
    let explained = server.rows(&["explain", id, "--json"]);
    assert_eq!(explained[0]["connection"]["via"], "127.0.0.1", "{explained:?}");
    adds_up(&server);
}

#[test]
fn what_is_refused_held_or_marked_here_is_so_at_postfix() {
    let Some((server, postfix)) = both("") else { return };
    let unknown = through(&postfix, "nobody@demo.example", &plain("unknown"));
    assert!(unknown.starts_with("550 5.4.1"), "directory edge blocking: {unknown}");
    let blocked = through(&postfix, "li@demo.example", &with_file("program", "tool.exe", "MZ this is no program"));
    assert!(blocked.starts_with("550 5.7.1 An attachment is of a type"), "our own words reach the client: {blocked}");
    assert!(blocked.contains("(m"), "with the code to ask about: {blocked}");
    let held = through(&postfix, "li@demo.example", &with_file("virus", "tool.com", &eicar()));
    assert!(held.starts_with("250"), "it is ours now: {held}");
    let marked = through(&postfix, "li@demo.example", &crate::server::message("pills", "ann@partner.example", &gtube()));
    assert!(marked.starts_with("250"), "{marked}");
    let mail = mail_with(&postfix, &server, "pills");
    assert!(mail.contains("\nX-Gatepost-Junk: yes\n") || mail.starts_with("X-Gatepost-Junk: yes\n"), "{mail}");
    println!("replies through Postfix:\n  {unknown}\n  {blocked}\n  {held}\n  {marked}");
    assert_eq!(events(&server, "virus"), ["received", "judged", "held"]);
    assert!(postfix.mails().iter().all(|mail| !mail.contains("Subject: virus")), "nobody got it");
    let refused = server
        .rows(&["trace", "list", "--json"])
        .iter()
        .filter(|row| row["kind"].as_str().is_some_and(|kind| kind.ends_with("-refused")) || row["recipients_count"] == 0)
        .count();
    assert!(refused >= 2, "refusals are in the trace: {refused}");
    assert!(postfix.log().contains("milter-discard"), "Postfix dropped what we hold");
    adds_up(&server);
}

#[test]
fn held_mail_is_released_through_the_port_without_the_milter() {
    let rule = "[[rule]]\nname = \"hold\"\norganisation = \"demo\"\nconditions = [{ kind = \"recipient\", values = [\"bo@demo.example\"] }]\nactions = [{ kind = \"quarantine\" }]\n";
    let Some((server, postfix)) = both(rule) else { return };
    let mut talk = Talk::open(postfix.port);
    talk.says("EHLO client.test", "250");
    talk.mail(&["li@demo.example", "bo@demo.example"], &plain("for two"), "250");
    let first = mail_with(&postfix, &server, "for two");
    assert!(first.contains("Delivered-To: li@demo.example"), "the one who may have it has it from Postfix:\n{first}");
    assert_eq!(postfix.mails().len(), 1, "the other's is held here");
    let held = server.rows(&["quarantine", "list", "--json"]).remove(0);
    let id = held["mail"].as_str().expect("an id");
    assert_eq!(server.run(&["quarantine", "release", id]).status.code(), Some(0));
    server.eventually("it lies in the mailbox as well", |_| postfix.mails().len() == 2);
    let last = postfix.mails().into_iter().find(|mail| mail.contains("Delivered-To: bo@demo.example")).expect("for the other");
    assert!(last.contains("(Gatepost) with"), "we delivered it:\n{last}");
    server.eventually("nothing is queued", |server| {
        server.rows(&["trace", "list", "--json", "--state", "queued", "--limit", "1"]).is_empty()
    });
    adds_up(&server);
}

#[test]
fn rules_change_header_subject_and_body_through_postfix() {
    let rules = "[[rule]]\nname = \"disclaimer\"\norganisation = \"demo\"\nactions = [{ kind = \"disclaimer\", text = \"Our notice.\" }, { kind = \"prepend-subject\", text = \"[EXT] \" }]\n\
                 conditions = [{ kind = \"subject-words\", values = [\"noticed\"] }]\n";
    let Some((server, postfix)) = both(rules) else { return };
    let reply = through(&postfix, "li@demo.example", &plain("noticed"));
    assert!(reply.starts_with("250"), "{reply}");
    server.eventually("it lies in the mailbox", |_| postfix.mails().len() == 1);
    let mail = postfix.mails().remove(0);
    assert!(mail.contains("Our notice."), "the body is changed by Postfix:\n{mail}");
    assert_eq!(mail.matches("Subject:").count(), 1, "{mail}");
    assert!(mail.contains("Subject: [EXT] noticed"), "{mail}");
    assert!(mail.contains("Shall we meet on Tuesday"), "{mail}");
}

#[test]
fn many_mails_in_one_connection_and_the_client_behind_it() {
    let Some((server, postfix)) = both("") else { return };
    let mut talk = Talk::open(postfix.port);
    talk.says("EHLO client.test", "250");
    talk.says("XCLIENT NAME=mx.client.example ADDR=192.0.2.7 PROTO=ESMTP HELO=client.example", "220");
    talk.says("EHLO client.example", "250");
    talk.mail(&["li@demo.example"], &plain("one"), "250");
    talk.says("MAIL FROM:<ann@partner.example>", "250");
    talk.says("RCPT TO:<nobody@demo.example>", "550 5.4.1");
    talk.says("RCPT TO:<li@demo.example>", "250");
    talk.says("RSET", "250"); // a mail without an end
    talk.mail(&["li@demo.example"], &plain("two"), "250");
    talk.mail(&["bo@demo.example", "li@demo.example"], &with_file("three", "tool.exe", "MZ"), "550 5.7.1");
    talk.mail(&["bo@demo.example"], &plain("four"), "250");
    talk.says("QUIT", "221");
    for subject in ["one", "two", "four"] {
        mail_with(&postfix, &server, subject);
        let row = row(&server, subject);
        assert_eq!(row["peer_ip"], "192.0.2.7", "{row}");
        let explained = server.rows(&["explain", row["mail"].as_str().expect("an id"), "--json"]);
        assert_eq!(explained[0]["connection"]["helo"], "client.example", "{explained:?}");
    }
    assert_eq!(postfix.mails().len(), 3);
    adds_up(&server);
}

#[test]
fn mail_that_leaves_is_the_organisations_and_strangers_mail_is_not() {
    let Some((server, postfix)) = both("") else { return };
    let leaving = plain("leaving").replace("From: <ann@partner.example>", "From: <li@demo.example>");
    let reply = send(SocketAddr::from(([127, 0, 0, 1], postfix.port)), "li@demo.example", "ann@far.example", &leaving).expect("an answer");
    assert!(reply.starts_with("250"), "Postfix relays for its own network: {reply}");
    let row = row(&server, "leaving");
    assert_eq!(row["direction"], "outbound", "{row}");
    assert_eq!(events(&server, "leaving"), ["received", "judged", "handed-back"]);
}

/// One SMTP connection.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn open(port: u16) -> Talk {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
        let mut talk = Talk(BufReader::new(stream));
        assert!(talk.reply().starts_with("220"));
        talk
    }

    fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("an answer") > 0, "the server hung up");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.trim_end().to_string();
            }
        }
    }

    fn says(&mut self, line: &str, want: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("sent");
        let reply = self.reply();
        assert!(reply.starts_with(want), "{line}: {reply}");
    }

    fn mail(&mut self, to: &[&str], message: &str, want: &str) {
        self.says("MAIL FROM:<ann@partner.example>", "250");
        to.iter().for_each(|one| self.says(&format!("RCPT TO:<{one}>"), "250"));
        self.says("DATA", "354");
        let wire = message.replace('\n', "\r\n");
        self.says(&format!("{wire}\r\n."), want);
    }
}
