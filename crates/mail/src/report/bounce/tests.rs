//! Bounces of many servers, against what is known of each.

use super::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn suite() -> Option<PathBuf> {
    testkit::shared::suites().map(|suites| suites.join("B_protocol/dsn_sisimai"))
}

fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for kind in std::fs::read_dir(folder.join("maildir")).expect("readable").flatten() {
        for file in std::fs::read_dir(kind.path()).expect("readable").flatten() {
            let name = file.file_name().to_string_lossy().trim_end_matches(".eml").to_string();
            found.insert(name, file.path());
        }
    }
    found
}

/// The names that the table has for our reasons.
fn known_as(reason: Reason) -> &'static str {
    match reason {
        Reason::NoSuchUser => "userunknown",
        Reason::NoSuchHost => "hostunknown",
        Reason::NoMailService => "notaccept",
        Reason::Moved => "hasmoved",
        Reason::MailboxFull => "mailboxfull",
        Reason::Suspended => "suspend",
        Reason::Filtered => "filtered",
        Reason::SenderRefused => "rejected",
        Reason::NotAuthenticated => "authfailure",
        Reason::NoReverseName => "requireptr",
        Reason::Blocked => "blocked",
        Reason::BadReputation => "badreputation",
        Reason::TooManyConnections => "toomanyconn",
        Reason::TooFast => "speeding",
        Reason::Spam => "spamdetected",
        Reason::Virus => "virusdetected",
        Reason::Policy => "policyviolation",
        Reason::NotPermitted => "securityerror",
        Reason::NoRelay => "norelaying",
        Reason::NotCompliant => "notcompliantrfc",
        Reason::BadContent => "contenterror",
        Reason::TooBig => "mesgtoobig",
        Reason::OverLimit => "exceedlimit",
        Reason::BadAddress => "syntaxerror",
        Reason::Network => "networkerror",
        Reason::DiskFull => "systemfull",
        Reason::ServerTrouble => "systemerror",
        Reason::MailerTrouble => "mailererror",
        Reason::OnHold => "onhold",
        Reason::Expired => "expired",
        Reason::AutomaticReply => "vacation",
        Reason::Unknown => "undefined",
    }
}

/// The table has made-up statuses (x.0.9yy) where the bounce has none, or only a vague one.
fn status_fits(found: Option<(u8, u16, u16)>, wanted: &str) -> bool {
    let wanted = crate::smtp::parse_status(wanted);
    match wanted {
        Some((_, 0, detail)) if detail >= 900 => found.is_none_or(|status| (status.1, status.2) == (0, 0)),
        wanted => found == wanted,
    }
}

/// Percent of the table that must be understood. What is missing is listed when the test runs with --nocapture: it is told apart by the
/// name of the server alone, which we do not do.
const UNDERSTOOD_PERCENT: f64 = 97.0;

#[test]
fn bounces_of_many_servers_are_understood() {
    let Some(suite) = suite() else { return };
    let files = files(&suite);
    let table = std::fs::read_to_string(suite.join("expected_shared.tsv")).expect("the table");
    let (mut rows, mut wrong) = (0, Vec::new());
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let name = format!("{}-{}", cells[0], cells[1]);
        let Some(path) = files.get(&name) else { continue };
        rows += 1;
        let n: usize = cells[2].parse().expect("a number");
        let bounce = read(&std::fs::read(path).expect("readable")).unwrap_or_default();
        // The table has the recipients of one bounce in an order of its own.
        let fits = |failure: &Failure| known_as(failure.reason) == cells[5] && status_fits(failure.status, cells[3]);
        let is_there = match bounce.failures.len() {
            0 | 1 => bounce.failures.first().is_some_and(fits) && n == 0,
            _ => bounce.failures.iter().any(fits),
        };
        if !is_there {
            let found: Vec<String> = bounce
                .failures
                .iter()
                .map(|one| format!("{:?} {:?} {:?} {:?} “{}”", known_as(one.reason), one.status, one.code, one.phase, one.said))
                .collect();
            wrong.push(format!("{name}/{n}: wanted {} {}, found {}", cells[5], cells[3], found.join(" | ")));
        }
    }
    let right = 100.0 * (rows - wrong.len()) as f64 / rows as f64;
    println!("{}\n{} of {rows} bounces understood, {right:.1} %", wrong.join("\n"), rows - wrong.len());
    assert!(right >= UNDERSTOOD_PERCENT, "{right:.1} %");
}

#[test]
fn a_reply_alone_is_explained() {
    for (reply, reason, party, is_temporary) in [
        ("550 5.1.1 <a@b.example>: Recipient address rejected: User unknown", Reason::NoSuchUser, Party::Sender, false),
        ("452 4.2.2 Mailbox full", Reason::MailboxFull, Party::Recipient, true),
        (
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example",
            Reason::Blocked,
            Party::SenderAdministrator,
            false,
        ),
        (
            "550 5.7.26 Unauthenticated email is not accepted due to domain's DMARC policy",
            Reason::NotAuthenticated,
            Party::SenderAdministrator,
            false,
        ),
        ("421 4.7.0 Too many connections from your host", Reason::TooManyConnections, Party::SenderAdministrator, true),
        ("5.4.1", Reason::Network, Party::RecipientAdministrator, true),
        ("550 5.4.1 Recipient address rejected: Access denied", Reason::NoSuchUser, Party::Sender, false),
        ("您好", Reason::Unknown, Party::RecipientAdministrator, false),
        ("", Reason::Unknown, Party::RecipientAdministrator, false),
    ] {
        let failure = explain(reply);
        assert_eq!((failure.reason, failure.party(), failure.is_temporary()), (reason, party, is_temporary), "{reply}");
    }
}

#[test]
fn a_letter_is_no_bounce() {
    let letter = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: Lunch\r\n\r\nShall we meet on Friday at 5.30?\r\n";
    assert_eq!(read(letter), None);
    assert_eq!(read(b""), None);
}

#[test]
fn what_is_huge_is_read_within_limits() {
    let mut huge = b"From: <mailer-daemon@b.example>\r\nSubject: Undelivered mail\r\n\r\n".to_vec();
    for n in 0..20_000 {
        huge.extend_from_slice(format!("<user{n}@d.example>: 550 5.1.1 User unknown\r\n").as_bytes());
    }
    let bounce = read(&huge).expect("a bounce");
    assert_eq!(bounce.failures.len(), FAILURES_MAX);
    assert!(bounce.failures.iter().all(|failure| failure.reason == Reason::NoSuchUser));
}
