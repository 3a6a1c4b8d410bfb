//! What next hops get to read.

use super::*;
use crate::directory::Protocol;
use testkit::postgres::{databases, sqlite};
use testkit::sink::{Fault, SinkSettings};

#[tokio::test]
async fn recipients_with_the_same_edits_share_a_transaction_and_a_connection() {
    for database in databases() {
        let sink = Sink::start(SinkSettings::default()).await;
        let mut setup = Setup::to(&sink);
        setup.connector.connections_max = 1;
        let gate = setup.open(&database).await;
        let mut mail = gate.mail(&["a@example.net", "b@example.net", "c@example.net"]);
        mail.recipients[2].edits = Edits { headers: "X-Junk: yes\r\n".into(), subject_prefix: "[SPAM]".into() };
        let id = gate.send(mail).await;
        gate.settles(id, &["delivered"; 3], database.engine).await;
        let taken = sink.taken();
        assert_eq!(taken.iter().map(|taken| taken.recipients.len()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(taken[0].octets, MESSAGE.as_bytes(), "dots arrive as they left");
        assert_eq!(taken[1].octets, format!("X-Junk: yes\r\n{}", MESSAGE.replace("hello", "[SPAM] hello")).as_bytes());
        assert_eq!(sink.connections(), 1);
        assert_eq!(gate.count("SELECT count(*) FROM body").await, 0, "nobody needs the body any more");
        assert_eq!(gate.events(id).await, ["delivered"; 3]);
        gate.close().await;
    }
}

#[tokio::test]
async fn each_recipient_gets_its_own_result() {
    for settings in [SinkSettings::default(), SinkSettings::lacking("PIPELINING")] {
        let sink = Sink::start(settings).await;
        let database = sqlite();
        let mut setup = Setup::to(&sink).patient();
        setup.connector.connections_max = 1; // the bounce goes the same way, perhaps at the same time
        let gate = setup.open(&database).await;
        let id = gate.send(gate.mail(&["a@example.net", "refused@example.net", "c@example.net"])).await;
        gate.settles(id, &["delivered", "bounced", "delivered"], "one is refused").await;
        assert_eq!(sink.taken()[0].recipients, ["RCPT TO:<a@example.net>", "RCPT TO:<c@example.net>"]);
        // All refused leaves a transaction open, which must not harm the next mail over this connection.
        let none = gate.send(gate.mail(&["refused@example.net"])).await;
        gate.settles(none, &["bounced"], "all are refused").await;
        let next = gate.send(gate.mail(&["a@example.net"])).await;
        gate.settles(next, &["delivered"], "the next one").await;
        assert_eq!(sink.connections(), 1, "{:?}", sink.heard());
        gate.close().await;
    }
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let sink = Sink::start(SinkSettings { lmtp: true, ..SinkSettings::default() }).await;
    let mut setup = Setup::to(&sink).patient();
    setup.connector.protocol = Protocol::Lmtp;
    let database = sqlite();
    let gate = setup.open(&database).await;
    let mut mail = gate.mail(&["a@example.net", "full@example.net", "refused@example.net", "d@example.net"]);
    mail.recipients[2].dsn = DsnWish { given: true, ..DsnWish::default() };
    let id = gate.send(mail).await;
    let rows = gate.settles(id, &["delivered", "queued", "bounced", "delivered"], "LMTP").await;
    assert!(rows[1].2.contains("452 4.2.2 mailbox full"), "{rows:?}");
    assert_eq!(gate.count("SELECT count(*) FROM body").await, 1, "one still waits for the body");
    gate.close().await;
}

#[tokio::test]
async fn parameters_are_passed_on_where_they_are_understood() {
    for (knows_dsn, mail_command, rcpt_command) in [
        (true, " RET=HDRS ENVID=a+2Bb", "RCPT TO:<bo@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;old+2Bbo@example.net"),
        (false, "", "RCPT TO:<bo@example.net>"),
    ] {
        let sink = Sink::start(if knows_dsn { SinkSettings::knowing("DSN") } else { SinkSettings::default() }).await;
        let database = sqlite();
        let gate = Setup::to(&sink).open(&database).await;
        let mut mail = gate.mail(&["bo@example.net"]);
        (mail.extras.ret, mail.extras.envid) = ("hdrs".into(), "a+b".into());
        mail.recipients[0].dsn =
            DsnWish { success: true, failure: true, delay: false, given: true, orcpt: "rfc822;old+bo@example.net".into() };
        let id = gate.send(mail).await;
        gate.settles(id, &["delivered"], "DSN").await;
        let taken = &sink.taken()[0];
        assert_eq!(taken.mail, format!("MAIL FROM:<sender@example.org> SIZE={}{mail_command}", MESSAGE.len()));
        assert_eq!(taken.recipients, [rcpt_command]);
        gate.close().await;
    }
}

#[tokio::test]
async fn a_connection_closed_meanwhile_costs_no_attempt() {
    let sink = Sink::start(SinkSettings::with(Fault::CloseWhenIdle)).await;
    let mut setup = Setup::to(&sink).patient();
    setup.connector.connections_max = 1;
    let database = sqlite();
    let gate = setup.open(&database).await;
    for n in 0..5 {
        let id = gate.send(gate.mail(&["bo@example.net"])).await;
        let rows = gate.settles(id, &["delivered"], "closed when idle").await;
        assert_eq!(rows[0].1, 1, "mail {n}");
    }
    assert_eq!((sink.count(), sink.connections()), (5, 5));
    gate.close().await;
}

#[tokio::test]
async fn connections_are_counted_and_used_up() {
    let sink = Sink::start(SinkSettings::default()).await;
    let mut setup = Setup::to(&sink).patient();
    (setup.connector.connections_max, setup.connector.mails_per_connection_max) = (2, 10);
    let database = sqlite();
    let gate = setup.open(&database).await;
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(gate.send(gate.mail(&["bo@example.net"])).await);
    }
    for id in ids {
        gate.settles(id, &["delivered"], "one of forty").await;
    }
    assert!((4..=6).contains(&sink.connections()), "{}", sink.connections());
    gate.close().await;
}

#[tokio::test]
async fn a_folder_is_a_next_hop() {
    let database = sqlite();
    let mut setup = Setup::default();
    setup.connector.protocol = Protocol::Folder;
    setup.connector.folder = database.folder.path().join("mail").display().to_string();
    let gate = setup.open(&database).await;
    let id = gate.send(gate.mail(&["Alice@demo.example", "../../x@demo.example"])).await;
    gate.settles(id, &["delivered"; 2], "folder").await;
    let maildir = database.folder.path().join("mail/alice@demo.example/new").join(format!("{id}.0.gatepost"));
    assert_eq!(std::fs::read(maildir).expect("the mail is there"), MESSAGE.as_bytes());
    let folders = std::fs::read_dir(database.folder.path().join("mail")).expect("the folder is there").count();
    assert_eq!(folders, 2, "both lie in the folder");
    gate.close().await;
}
