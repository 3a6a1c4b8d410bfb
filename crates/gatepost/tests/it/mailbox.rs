//! A whole Gatepost in front of a real Dovecot: junk goes into Junk, people report by moving, mail is removed after delivery. In front of Cyrus: `cyrus`.

mod cyrus;

use crate::server::{Server, free_port, send};
use gateway::delivery::certificate::fingerprint;
use std::net::SocketAddr;
use tempfile::TempDir;
use testkit::dovecot::{Dovecot, MASTER, MASTER_PASSWORD};
use testkit::tap::Tap;
use testkit::transcript;

const LI: &str = "li@demo.example";
const BO: &str = "bo@demo.example";

/// Both, knowing each other.
fn start() -> Option<(Server, Dovecot)> {
    start_by(|dovecot| Ways {
        lmtp: dovecot.lmtp.to_string(),
        imap: format!("imap = \"{}\"\ntls_name = \"localhost\"\npin = \"{}\"\n", dovecot.imaps, fingerprint(&dovecot.certificate)),
    })
}

/// How Gatepost reaches Dovecot: a host for LMTP, and lines of `[connector.mailbox]`.
struct Ways {
    lmtp: String,
    imap: String,
}

fn start_by(ways: impl FnOnce(&Dovecot) -> Ways) -> Option<(Server, Dovecot)> {
    let port = free_port();
    let dovecot = Dovecot::start(&[LI, BO], SocketAddr::from(([127, 0, 0, 1], port)))?;
    let data = TempDir::new().expect("a folder");
    let password = data.path().join("master");
    std::fs::write(&password, format!("{MASTER_PASSWORD}\n")).expect("written");
    let Ways { lmtp, imap } = ways(&dovecot);
    let settings = format!(
        "[dns]\nservers = \"off\"\n[[organisation]]\nname = \"demo\"\nconnector = \"box\"\nrelay_from = [\"127.0.0.1\"]\n\
         [[connector]]\nname = \"box\"\norganisation = \"demo\"\nprotocol = \"lmtp\"\nhosts = [\"{lmtp}\"]\ntls = \"off\"\nallow_private = true\n\
         [connector.mailbox]\n{imap}user = \"{MASTER}\"\npassword_file = \"{}\"\n\
         [[domain]]\nname = \"demo.example\"\n[[recipient]]\naddress = \"{LI}\"\n[[recipient]]\naddress = \"{BO}\"\n\
         [[policy]]\nname = \"all junk from here\"\norganisation = \"demo\"\nspam = \"junk\"\nhigh_spam = \"junk\"\n",
        password.display(),
    );
    Some((Server::start_in(data, port, &settings, &[]), dovecot))
}

/// The text that every filter calls spam (spamassassin.apache.org/gtube).
const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";

fn message(from: &str, subject: &str) -> String {
    let text = if subject == "pills" { GTUBE } else { "See you at noon." };
    format!(
        "From: <{from}>\nTo: <{LI}>\nSubject: {subject}\nDate: Mon, 16 Nov 2026 09:00:00 +0000\nMessage-ID: <{subject}@test.example>\n\n{text}\n"
    )
}

fn mail_of(server: &Server, subject: &str) -> String {
    let rows = server.rows(&["trace", "list", "--json", "--mails-only", "--subject", subject]);
    rows[0]["mail"].as_str().expect("an identifier").to_string()
}

#[test]
fn mail_goes_to_dovecot_is_reported_by_moving_it_and_removed_after_delivery() {
    let Some((server, dovecot)) = start() else { return };
    for (from, subject) in [("ann@friend.example", "lunch"), ("pills@shop.example", "pills"), ("bad@friend.example", "invoice")] {
        for to in [LI, BO] {
            let reply = send(server.smtp, from, to, &message(from, subject)).expect("an answer");
            assert!(reply.starts_with("250"), "{subject}: {reply}");
        }
    }
    let sorted = |folder: &str| {
        let mut subjects = dovecot.subjects(LI, folder);
        subjects.sort();
        subjects
    };
    server.eventually("the mails lie where they belong", |_| {
        sorted("INBOX") == ["invoice", "lunch"] && sorted("Junk") == ["pills"] && dovecot.subjects(BO, "INBOX").len() == 2
    });

    // Removed and put back, from the command line, while the server runs.
    let invoice = mail_of(&server, "invoice");
    let started = &server.rows(&["removal", "start", &invoice, "--as", "phish", "--note", "a supplier called", "--json"])[0];
    let removal = started["removal"]["removal"].as_str().expect("an identifier").to_string();
    let state = |server: &Server| server.rows(&["removal", "show", &removal, "--json"])[0]["copies"][0]["state"].clone();
    server.eventually("it is removed", |server| state(server) == "removed");
    let whose = started["copies"][0]["recipient"].as_str().expect("an address").to_string();
    assert!(!dovecot.subjects(&whose, "INBOX").contains(&"invoice".to_string()), "{}", dovecot.log());
    assert!(dovecot.subjects(&whose, "Junk").contains(&"invoice".to_string()));
    assert!(server.told(&["trace", "show", &invoice]).contains("removed"), "the story of the mail has it");
    assert!(server.told(&["trace", "balance"]).contains("It adds up"), "and the balance does not move");
    assert!(server.rows(&["feedback", "list", "--json"]).is_empty(), "what Gatepost moves is nobody's report");
    server.told(&["removal", "undo", &invoice]);
    server.eventually("it is back", |server| state(server) == "returned");
    assert!(dovecot.subjects(&whose, "INBOX").contains(&"invoice".to_string()));
    assert!(server.rows(&["feedback", "list", "--json"]).is_empty(), "nor is what it puts back");

    // A person moves a mail into Junk, and another one out of it.
    dovecot.as_person(LI, &["SELECT INBOX", "UID SEARCH SUBJECT lunch", "UID MOVE 1:* Junk"]);
    server.eventually("moving into Junk reports it", |server| {
        let reports = server.rows(&["feedback", "list", "--json"]);
        reports.iter().any(|one| one["label"] == "spam" && one["reporter"] == LI && one["subject"] == "lunch")
    });
    dovecot.as_person(BO, &["SELECT Junk", "UID SEARCH SUBJECT pills", "UID MOVE 1 INBOX"]);
    server.eventually("moving out of Junk reports it as good", |server| {
        let reports = server.rows(&["feedback", "list", "--json"]);
        reports.iter().any(|one| one["label"] == "ham" && one["reporter"] == BO && one["subject"] == "pills")
    });
    let reports = server.rows(&["feedback", "list", "--json"]);
    let pills = reports.iter().find(|one| one["subject"] == "pills").expect("it is there");
    assert!(pills["mail"].as_str().is_some_and(|mail| mail != "m0000000000000"), "the report names the mail: {pills}");
    let before = reports.len();
    dovecot.as_person(LI, &["SELECT Junk", "UID MOVE 1:* Trash"]);
    std::thread::sleep(std::time::Duration::from_millis(500)); // nothing is to happen
    assert_eq!(server.rows(&["feedback", "list", "--json"]).len(), before, "throwing away is no word about a mail");
}

/// What was said, without the lines of the message itself.
fn without_message(said: &str) -> String {
    let (mut shown, mut is_inside) = (String::new(), false);
    for line in said.lines() {
        match line {
            "C: ." => is_inside = false,
            line if is_inside && line.starts_with("C: ") => continue,
            _ => {}
        }
        shown += &format!("{line}\n");
        // The server says go on (RFC 5321 §3.3).
        if line.starts_with("S: 354") {
            shown += "C: (the message)\n";
            is_inside = true;
        }
    }
    shown
}

/// What was said on each connection, from its greeting on.
fn connections<'a>(said: &'a str, greeting: &'a str) -> impl Iterator<Item = &'a str> {
    let starts = said.match_indices(greeting).map(|(at, _)| at);
    let ends = starts.clone().skip(1).chain([said.len()]);
    starts.zip(ends).map(|(start, end)| &said[start..end])
}

/// Without taking leave: that may not have been said yet.
fn without_leaving(said: &str) -> String {
    let leaves = |line: &&str| line.starts_with("C: QUIT") || line.ends_with(" LOGOUT");
    said.lines().take_while(|line| !leaves(line)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn what_is_said_to_dovecot_stands_in_the_docs() {
    let (mut lmtp, mut imap) = (None, None);
    let started = start_by(|dovecot| {
        let (to_lmtp, to_imap) = (Tap::to(dovecot.lmtp), Tap::to(dovecot.imap));
        // In clear over this machine, so that it can be written down.
        let ways = Ways { lmtp: to_lmtp.address.to_string(), imap: format!("imap = \"{}\"\nsecurity = \"off\"\n", to_imap.address) };
        (lmtp, imap) = (Some(to_lmtp), Some(to_imap));
        ways
    });
    let (Some((server, dovecot)), Some(lmtp), Some(imap)) = (started, lmtp, imap) else { return };
    let reply = send(server.smtp, "bad@friend.example", LI, &message("bad@friend.example", "invoice")).expect("an answer");
    assert!(reply.starts_with("250"), "{reply}");
    server.eventually("it lies in the mailbox", |_| dovecot.subjects(LI, "INBOX") == ["invoice"]);
    let id = mail_of(&server, "invoice");
    let started = &server.rows(&["removal", "start", &id, "--as", "phish", "--note", "a supplier called", "--json"])[0];
    let removal = started["removal"]["removal"].as_str().expect("an identifier").to_string();
    let state = |server: &Server| server.rows(&["removal", "show", &removal, "--json"])[0]["copies"][0]["state"].clone();
    server.eventually("it is removed", |server| state(server) == "removed");
    server.told(&["removal", "undo", &id]);
    server.eventually("it is back", |server| state(server) == "returned");
    let imap = imap.said();
    let moved: Vec<String> =
        connections(&imap, "S: * OK [CAPABILITY ").filter(|said| said.contains(" UID MOVE ")).map(without_leaving).collect();
    let [removed, returned] = moved.as_slice() else { panic!("two connections move something: {imap}") };
    // Health looks at the connector on a connection of its own, sooner or later than the mail comes. That of the mail is left when it idles.
    let lmtp = lmtp.said();
    let of_mail = connections(&lmtp, "S: 220 ").find(|said| said.contains("C: MAIL ")).map(without_leaving).expect("the mail's connection");
    let said = format!(
        "Delivery by LMTP:\n\n{}\nRemoval after delivery by IMAP, as the master user:\n\n{removed}\nPut back:\n\n{returned}\n",
        without_message(&of_mail)
    );
    transcript::check("dovecot", &["dovecot-core", "dovecot-lmtpd", "dovecot-imapd"], &said);
}
