//! People report mail by mail: to the report addresses, from a server of theirs.

use crate::server::{Server, free_port, message, send};
use tempfile::TempDir;

const SETTINGS: &str = "[dns]\nservers = \"off\"\n[[connector]]\nname = \"box\"\nprotocol = \"folder\"\nfolder = \"mailboxes\"\n\
    [[organisation]]\nname = \"own\"\nconnector = \"box\"\nRELAY\n[[domain]]\nname = \"own.example\"\n\
    [[recipient]]\naddress = \"ann@own.example\"\n";

fn report(attached: bool) -> String {
    let reported = "--b\nContent-Type: message/rfc822\n\nFrom: x@shop.example\nSubject: Pills\n\nCheap pills for everybody.\n";
    let reported = if attached { reported } else { "" };
    format!(
        "From: Ann <ann@own.example>\nTo: report-junk@own.example\nSubject: junk\nDate: Thu, 15 Jan 2026 11:59:00 +0000\n\
         Message-ID: <1@own.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\
         Content-Type: text/plain\n\nThis is junk.\n{reported}--b--\n"
    )
}

#[test]
fn a_report_by_mail_is_learned_once_and_accounted_for_and_a_strangers_is_not() {
    let server = Server::start(&SETTINGS.replace("RELAY", "relay_from = [\"127.0.0.1\"]"), &[]);
    for (octets, want) in [(report(true), "250 "), (report(false), "554 5.6.0"), (report(true), "250 ")] {
        let reply = send(server.smtp, "ann@own.example", "report-junk@own.example", &octets).expect("it answers");
        assert!(reply.starts_with(want), "{reply}");
    }
    let reports = server.rows(&["feedback", "list", "--json"]);
    assert_eq!(reports.len(), 1, "the same report twice is one: {reports:?}");
    assert_eq!((&reports[0]["label"], &reports[0]["reporter"]), (&"spam".into(), &"ann@own.example".into()), "{reports:?}");
    assert!(server.told(&["trace", "balance"]).contains("It adds up"));

    let stranger = Server::start(&SETTINGS.replace("RELAY\n", ""), &[]);
    let reply = send(stranger.smtp, "ann@own.example", "report-junk@own.example", &report(true)).expect("it answers");
    assert!(reply.starts_with("550 5.7.1 Only people of this organisation"), "{reply}");
    assert!(stranger.rows(&["feedback", "list", "--json"]).is_empty());
}

#[test]
fn of_the_mail_that_comes_a_sample_is_kept_as_numbers() {
    let data = TempDir::new().expect("a folder");
    let mailboxes = data.path().join("mailboxes").display().to_string();
    let settings = SETTINGS.replace("RELAY\n", "").replace("\"mailboxes\"", &format!("{mailboxes:?}"));
    let server = Server::start_in(data, free_port(), &settings, &[]);
    let sample = |server: &Server| {
        let database = rusqlite::Connection::open(server.data.path().join("data/gatepost.db")).expect("the database");
        let mut statement = database.prepare("SELECT octets FROM usual_mail").expect("has the table");
        let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).expect("reads");
        rows.collect::<Result<Vec<_>, _>>().expect("octets")
    };
    assert!(sample(&server).is_empty());
    for at in 0..5 {
        let letter = message(&format!("Minutes {at}"), "bea@there.example", "The harvest festival is on Saturday, please bring chairs.");
        let reply = send(server.smtp, "bea@there.example", "ann@own.example", &letter).expect("it answers");
        assert!(reply.starts_with("250 "), "{reply}");
    }
    server.eventually("a mail of the sample is written", |server| !sample(server).is_empty());
    let kept = sample(&server);
    assert!(kept.len() <= 2, "one in five minutes, and the five may have met the end of one: {}", kept.len());
    for octets in kept {
        let text = String::from_utf8_lossy(&octets);
        assert!(octets.len() > 100 && !["harvest", "bea@", "Minutes"].iter().any(|word| text.contains(word)), "features, no text");
    }
}
