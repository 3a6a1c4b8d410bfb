//! Against a real Dovecot with what `deploy/dovecot` ships, and against servers that are broken on purpose.

use super::*;
use crate::delivery::certificate::fingerprint;
use crate::delivery::{Timeouts, Tls};
use mail::dns::Zone;
use mail::id::IdMaker;
use std::net::SocketAddr;
use std::sync::Arc;
use testkit::dovecot::{Dovecot, MASTER, MASTER_PASSWORD};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const LI: &str = "li@demo.example";
const BO: &str = "bo@demo.example";

fn courier() -> Courier {
    let dns = Arc::new(Zone::new());
    Courier {
        dns,
        tls: Tls::new(&[]).expect("roots"),
        hostname: "gate.test".into(),
        own_ports: Vec::new(),
        timeouts: Timeouts::default(),
        security: Default::default(),
        seal: None,
    }
}

struct Scene {
    courier: Courier,
    seal: Seal,
    connector: ConnectorSettings,
}

impl Scene {
    fn of(imap: SocketAddr, security: Security) -> Scene {
        let seal = Seal::new(&[7; 32]).expect("a key");
        let mailbox = MailboxSettings { imap: imap.to_string(), security, user: MASTER.into(), ..MailboxSettings::default() };
        let mailbox = mailbox.with_password(&seal, "box", MASTER_PASSWORD).expect("sealed");
        let connector = ConnectorSettings { name: "box".into(), allow_private: true, mailbox, ..ConnectorSettings::default() };
        Scene { courier: courier(), seal, connector }
    }

    fn with(dovecot: &Dovecot) -> Scene {
        let mut scene = Scene::of(dovecot.imaps, Security::Tls);
        scene.connector.mailbox.pin = fingerprint(&dovecot.certificate);
        scene.connector.mailbox.tls_name = "localhost".into();
        scene
    }

    fn access(&self) -> Access<'_> {
        Access { courier: &self.courier, seal: &self.seal, connector: &self.connector }
    }

    async fn open(&self, address: &str) -> Session {
        self.access().open(address).await.expect("the mailbox opens")
    }

    async fn refused(&self, address: &str) -> MailboxError {
        self.access().open(address).await.expect_err("it does not open")
    }
}

/// Where nobody takes reports.
fn nowhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 9))
}

struct Sent {
    id: MailId,
    message_id: String,
    subject: String,
}

impl Sent {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { mail: self.id, message_id: &self.message_id, received_ms: jiff::Timestamp::now().as_millisecond() }
    }
}

/// A mail as delivery hands it over.
fn send(dovecot: &Dovecot, to: &[&str], subject: &str, more: &str) -> Sent {
    let id = MailId(IdMaker::new(3).next(jiff::Timestamp::now().as_millisecond()));
    let message_id = if subject.starts_with("bare") { String::new() } else { format!("<{subject}@sender.example>") };
    let field = if message_id.is_empty() { String::new() } else { format!("Message-ID: {message_id}\n") };
    let message = format!(
        "X-Gatepost-Report: id={id}; verdict=clean; scl=1; bcl=0;\n\tcategory=NONE; policy=p\n{more}Received: from a by gate.test (Gatepost) with ESMTP id {id};\n\t\
         Sat, 28 Nov 2026 09:00:00 +0000\nFrom: a@sender.example\nTo: {LI}\nSubject: {subject}\n{field}\nhello\n"
    );
    for reply in dovecot.deliver(to, &message) {
        assert!(reply.starts_with("250"), "{reply}");
    }
    Sent { id, message_id, subject: subject.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_files_what_the_policy_calls_junk() {
    let Some(dovecot) = Dovecot::start(&[LI, BO], nowhere()) else { return };
    send(&dovecot, &[LI, BO], "good", "");
    send(&dovecot, &[LI], "bad", "X-Gatepost-Junk: yes\n");
    send(&dovecot, &["li+shop@demo.example"], "other", "X-Gatepost-Junk: no\n");
    assert_eq!(dovecot.subjects(LI, "INBOX"), ["good", "other"], "{}", dovecot.log());
    assert_eq!(dovecot.subjects(LI, "Junk"), ["bad"]);
    assert_eq!((dovecot.subjects(BO, "INBOX").len(), dovecot.subjects(BO, "Junk").len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_taken_away_and_put_back() {
    let Some(dovecot) = Dovecot::start(&[LI, BO], nowhere()) else { return };
    let scene = Scene::with(&dovecot);
    for (n, subject) in ["plain", "bare of a Message-ID"].into_iter().enumerate() {
        let others = send(&dovecot, &[LI], &format!("other {n}"), "");
        let sent = send(&dovecot, &[LI, BO], subject, "");
        let mut session = scene.open(LI).await;
        let taken = session.take(sent.wanted(), "Junk").await.expect("taken");
        let Taken::Moved(place) = taken else { panic!("{taken:?}") };
        assert_eq!((place.from.as_str(), place.to.as_str(), place.uid > 0), ("INBOX", "Junk", true));
        assert_eq!(dovecot.subjects(LI, "Junk"), [sent.subject.as_str()]);
        assert!(dovecot.subjects(LI, "INBOX").contains(&others.subject), "what was not meant stays");
        assert_eq!(dovecot.subjects(BO, "INBOX").len(), n + 1, "another mailbox is another matter");
        assert!(dovecot.flags(LI, "Junk")[0].contains(KEYWORD), "the scripts see who moves it");
        assert_eq!(session.take(sent.wanted(), "Junk").await.expect("looked for"), Taken::AlreadyIn("Junk".into()), "twice");
        let back = session.put_back(sent.wanted(), &place).await.expect("put back");
        assert_eq!(back, Returned::Moved { to: "INBOX".into() });
        assert!(dovecot.subjects(LI, "INBOX").contains(&sent.subject) && dovecot.subjects(LI, "Junk").is_empty());
        assert!(dovecot.flags(LI, "INBOX").iter().all(|flags| !flags.contains(KEYWORD)), "its owner's next move counts again");
        assert_eq!(session.put_back(sent.wanted(), &place).await.expect("looked for"), Returned::AlreadyThere, "twice");
        session.log_out().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_did_meanwhile_is_said_and_is_no_error() {
    let Some(dovecot) = Dovecot::start(&[LI], nowhere()) else { return };
    let scene = Scene::with(&dovecot);
    dovecot.as_person(LI, &["CREATE Shops"]);
    let filed = send(&dovecot, &[LI], "filed", "");
    dovecot.as_person(LI, &["SELECT INBOX", "UID MOVE 1:* Shops"]);
    let thrown = send(&dovecot, &[LI], "thrown", "");
    dovecot.as_person(LI, &["SELECT INBOX", "UID MOVE 1:* Trash"]);
    let junked = send(&dovecot, &[LI], "junked", "");
    dovecot.as_person(LI, &["SELECT INBOX", "UID MOVE 1:* Junk"]);
    let deleted = send(&dovecot, &[LI], "deleted", "");
    dovecot.as_person(LI, &["SELECT INBOX", "UID STORE 1:* +FLAGS (\\Deleted)", "EXPUNGE"]);
    let mut session = scene.open(LI).await;
    let taken = session.take(filed.wanted(), "Junk").await.expect("taken");
    let Taken::Moved(place) = taken else { panic!("{taken:?}") };
    assert_eq!(place.from, "Shops");
    assert_eq!(session.take(thrown.wanted(), "Junk").await.expect("looked for"), Taken::Absent(AbsentBecause::InTrash));
    assert_eq!(session.take(junked.wanted(), "Junk").await.expect("looked for"), Taken::AlreadyIn("Junk".into()));
    assert_eq!(session.take(deleted.wanted(), "Junk").await.expect("looked for"), Taken::Absent(AbsentBecause::Gone));
    assert_eq!(session.put_back(filed.wanted(), &place).await.expect("put back"), Returned::Moved { to: "Shops".into() });
    assert_eq!(dovecot.subjects(LI, "Shops"), ["filed"]);
    let Taken::Moved(place) = session.take(filed.wanted(), "Gefährlich").await.expect("taken") else { panic!("not taken") };
    assert_eq!(dovecot.subjects(LI, "Gefährlich"), ["filed"], "a folder that is not there is made");
    dovecot.as_person(LI, &["SELECT \"Gef&AOQ-hrlich\"", "UID STORE 1:* +FLAGS (\\Deleted)", "EXPUNGE"]);
    assert_eq!(session.put_back(filed.wanted(), &place).await.expect("looked for"), Returned::Absent(AbsentBecause::Gone));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_mail_is_read_as_we_handed_it_over() {
    let Some(dovecot) = Dovecot::start(&[LI], nowhere()) else { return };
    let scene = Scene::with(&dovecot);
    let sent = send(&dovecot, &[LI], "again", "");
    let octets = scene.open(LI).await.read(sent.wanted()).await.expect("read").expect("it is there");
    assert!(octets.starts_with(format!("Received: from a by gate.test (Gatepost) with ESMTP id {}", sent.id).as_bytes()));
    assert!(octets.ends_with(b"\r\n\r\nhello\r\n"), "{}", String::from_utf8_lossy(&octets));
    let other = Sent { id: MailId(4), message_id: sent.message_id.clone(), subject: String::new() };
    assert_eq!(scene.open(LI).await.read(other.wanted()).await.expect("looked for"), None, "the same Message-ID is not the same mail");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_work_says_whose_turn_it_is() {
    let Some(mut dovecot) = Dovecot::start(&[LI], nowhere()) else { return };
    let good = Scene::with(&dovecot);
    good.open(LI).await.log_out().await;
    good.open("li+shop@demo.example").await.log_out().await;
    let mut starttls = Scene::of(dovecot.imap, Security::Starttls);
    starttls.connector.mailbox.pin = fingerprint(&dovecot.certificate);
    starttls.open(LI).await.log_out().await;
    Scene::of(dovecot.imap, Security::Off).open(LI).await.log_out().await;

    let mut wrong = Scene::with(&dovecot);
    wrong.connector.mailbox = wrong.connector.mailbox.with_password(&wrong.seal, "box", "wrong").expect("sealed");
    assert_eq!(wrong.refused(LI).await.name(), "sign-in");
    let missing = good.refused("nobody@demo.example").await;
    assert_eq!((missing.name(), missing.is_of_server()), ("no-mailbox", false), "{missing}");
    let mut unpinned = Scene::with(&dovecot);
    unpinned.connector.mailbox.pin.clear();
    assert_eq!(unpinned.refused(LI).await.name(), "tls", "nobody vouches for this certificate");
    let mut pinned = Scene::with(&dovecot);
    pinned.connector.mailbox.pin = "00".repeat(32);
    assert!(pinned.refused(LI).await.to_string().contains("not the one that is pinned"));
    let mut outside = Scene::with(&dovecot);
    outside.connector.allow_private = false;
    assert!(outside.refused(LI).await.to_string().contains("allow_private"));
    let mut resealed = Scene::with(&dovecot);
    resealed.seal = Seal::new(&[8; 32]).expect("a key");
    assert_eq!(resealed.refused(LI).await.name(), "settings", "sealed with another key");
    let off = Scene { connector: ConnectorSettings::default(), ..Scene::with(&dovecot) };
    assert_eq!(off.refused(LI).await.name(), "settings");
    dovecot.stop();
    assert_eq!(good.refused(LI).await.name(), "unreachable");
}

/// A server that answers each line with the next of `answers`; `{tag}` is the tag of the command.
async fn scripted(answers: Vec<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let Ok((stream, _)) = listener.accept().await else { return };
        let mut stream = BufReader::new(stream);
        let mut answers = answers.into_iter();
        let greeting = answers.next().unwrap_or("");
        let _ = stream.get_mut().write_all(greeting.as_bytes()).await;
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|octets| octets > 0) {
            let Some(answer) = answers.next() else { return };
            let tag = line.split(' ').next().unwrap_or_default();
            let _ = stream.get_mut().write_all(answer.replace("{tag}", tag).as_bytes()).await;
            line.clear();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_servers_end_in_an_error() {
    const HELLO: &str = "* OK [CAPABILITY IMAP4REV1 SASL-IR AUTH=PLAIN] hi\r\n";
    for (answers, want) in [
        (vec!["* BYE full\r\n"], "unreachable"),
        (vec!["HTTP/1.1 400 Bad Request\r\n"], "garbled"),
        (vec![HELLO, "* BYE going down\r\n"], "unreachable"),
        (vec![HELLO, "{tag} NO [AUTHENTICATIONFAILED] no\r\n"], "sign-in"),
        (vec![HELLO, "{tag} NO [AUTHORIZATIONFAILED] not this one\r\n"], "no-mailbox"),
        (vec![HELLO, "{tag} BAD what\r\n"], "sign-in"),
        (vec![HELLO, "* 1 FETCH (BODY[] {99999999}\r\n"], "garbled"),
        (vec![HELLO], "no-mailbox"),
    ] {
        let scene = Scene::of(scripted(answers.clone()).await, Security::Off);
        assert_eq!(scene.refused(LI).await.name(), want, "{answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_moved_where_other_mail_would_go_with_it() {
    let id = MailId(1);
    let header = "* 1 FETCH (UID 5 BODY[HEADER.FIELDS (X-GATEPOST-REPORT RECEIVED)] {39}\r\nX-Gatepost-Report: id=m0000000000001;\r\n)\r\n{tag} OK\r\n";
    let mut answers = vec![
        "* OK [CAPABILITY IMAP4REV1 SASL-IR] hi\r\n",
        "{tag} OK [CAPABILITY IMAP4REV1] in\r\n",
        "* OK [UIDVALIDITY 1] x\r\n{tag} OK\r\n",
        "* SEARCH 5\r\n{tag} OK\r\n",
        header,
        "{tag} OK stored\r\n",
    ];
    let wanted = Wanted { mail: id, message_id: "<x@y>", received_ms: 1_795_521_600_000 };
    let scene = Scene::of(scripted(answers.clone()).await, Security::Off);
    let refused = scene.open(LI).await.take(wanted, "Junk").await.expect_err("it cannot");
    assert_eq!(refused.name(), "no-move", "{refused}");
    // Without MOVE, with UIDPLUS; the folder is made on the way.
    answers[1] = "{tag} OK [CAPABILITY IMAP4REV1 UIDPLUS] in\r\n";
    answers.extend(["{tag} NO [TRYCREATE] no such folder\r\n", "{tag} OK made\r\n", "{tag} OK subscribed\r\n"]);
    answers.extend(["{tag} OK [COPYUID 7 5 9] copied\r\n", "{tag} OK stored\r\n", "* 1 EXPUNGE\r\n{tag} OK gone\r\n"]);
    let scene = Scene::of(scripted(answers).await, Security::Off);
    let taken = scene.open(LI).await.take(wanted, "Junk").await.expect("taken");
    assert_eq!(taken, Taken::Moved(Place { from: "INBOX".into(), to: "Junk".into(), uid_validity: 7, uid: 9, ..Place::default() }));
}

#[test]
fn a_mailbox_is_called_as_the_server_calls_it() {
    let settings = MailboxSettings::default();
    for (address, detail, name, want) in [
        ("li@demo.example", "+", MailboxName::Address, "li@demo.example"),
        ("li+shop@demo.example", "+", MailboxName::Address, "li@demo.example"),
        ("li+shop@demo.example", "+", MailboxName::Local, "li"),
        ("li+shop@demo.example", "", MailboxName::Local, "li+shop"),
        ("+shop@demo.example", "+", MailboxName::Local, "+shop"),
        ("li-shop@demo.example", "-", MailboxName::Address, "li@demo.example"),
    ] {
        let settings = MailboxSettings { detail: detail.into(), mailbox: name, ..settings.clone() };
        assert_eq!(settings.mailbox_of(address), want, "{address} {detail:?}");
    }
    for (imap, security, want) in [
        ("box.example", Security::Tls, "box.example:993"),
        ("box.example", Security::Starttls, "box.example:143"),
        ("box.example:1993", Security::Tls, "box.example:1993"),
        ("192.0.2.1", Security::Tls, "192.0.2.1:993"),
        ("2001:db8::1", Security::Tls, "[2001:db8::1]:993"),
        ("[2001:db8::1]:994", Security::Tls, "[2001:db8::1]:994"),
    ] {
        let settings = MailboxSettings { imap: imap.into(), security, ..settings.clone() };
        assert_eq!(settings.host_with_port(), want);
    }
}
