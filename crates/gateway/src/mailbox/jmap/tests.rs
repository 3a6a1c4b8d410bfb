//! Against a small server that answers as RFC 8620 and RFC 8621 say, and against answers that are broken on purpose. A real Cyrus: `cyrus.rs`.

mod cyrus;
mod server;

use super::*;
use crate::delivery::{Courier, Timeouts, Tls};
use crate::directory::ConnectorSettings;
use crate::dkim::Seal;
use crate::mailbox::{AbsentBecause, MailboxName, MailboxProtocol, MailboxSettings, Place, Returned, Session as Opened, Taken};
use mail::MailId;
use mail::dns::Zone;
use server::{PASSWORD, Server};
use std::net::SocketAddr;
use std::sync::Arc;

const LI: &str = "li@demo.example";

struct Scene {
    courier: Courier,
    seal: Seal,
    connector: ConnectorSettings,
}

impl Scene {
    fn of(url: &str, user: &str, password: &str) -> Scene {
        let seal = Seal::new(&[7; 32]).expect("a key");
        let mailbox = MailboxSettings { protocol: MailboxProtocol::Jmap, url: url.into(), user: user.into(), ..MailboxSettings::default() };
        let mailbox = mailbox.with_password(&seal, "box", password).expect("sealed");
        let connector = ConnectorSettings { name: "box".into(), allow_private: true, mailbox, ..ConnectorSettings::default() };
        let courier = Courier {
            dns: Arc::new(Zone::new()),
            tls: Tls::new(&[]).expect("roots"),
            hostname: "gate.test".into(),
            own_ports: Vec::new(),
            timeouts: Timeouts::default(),
            security: Default::default(),
            seal: None,
        };
        Scene { courier, seal, connector }
    }

    fn access(&self) -> Access<'_> {
        Access { courier: &self.courier, seal: &self.seal, connector: &self.connector }
    }

    async fn open(&self, address: &str) -> Opened {
        self.access().open(address).await.expect("the mailbox opens")
    }

    async fn refused(&self, address: &str) -> MailboxError {
        self.access().open(address).await.expect_err("it does not open")
    }
}

fn url(at: SocketAddr) -> String {
    format!("http://{at}")
}

fn wanted(id: MailId, message_id: &str) -> Wanted<'_> {
    Wanted { mail: id, message_id, received_ms: server::RECEIVED_MS }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_is_taken_out_of_all_folders_and_put_back_into_the_same() {
    let server = Server::start(&[LI]).await;
    let scene = Scene::of(&url(server.address), "gatepost", PASSWORD);
    for message_id in ["<invoice@test.example>", ""] {
        let id = server.put(LI, &["inbox", "work"], message_id);
        let wanted = wanted(id, message_id);
        let mut session = scene.open(LI).await;
        let taken = session.take(wanted, "Junk").await.expect("taken");
        let Taken::Moved(place) = taken else { panic!("{taken:?}") };
        assert_eq!((place.from.as_str(), place.to.as_str(), place.ids.len()), ("Inbox", "Spam", 2), "the folder with the role is meant");
        assert_eq!(server.lies_in(LI, id), (vec!["spam".to_string()], true), "with the keyword that tells who moved it");
        assert_eq!(session.take(wanted, "Junk").await.expect("looked for"), Taken::AlreadyIn("Spam".into()), "twice");
        assert_eq!(session.put_back(wanted, &place).await.expect("put back"), Returned::Moved { to: "Inbox".into() });
        assert_eq!(server.lies_in(LI, id), (vec!["inbox".to_string(), "work".into()], false));
        assert_eq!(session.put_back(wanted, &place).await.expect("looked for"), Returned::AlreadyThere, "twice");
        // What was begun and not noted down is found by names.
        session.take(wanted, "Junk").await.expect("taken");
        let unfinished = Place { from: "INBOX".into(), to: "Junk".into(), ..Place::default() };
        assert_eq!(session.put_back(wanted, &unfinished).await.expect("put back"), Returned::Moved { to: "Inbox".into() });
        session.log_out().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_did_meanwhile_is_said_and_is_no_error() {
    let server = Server::start(&[LI]).await;
    let scene = Scene::of(&url(server.address), "gatepost", PASSWORD);
    let mut session = scene.open(LI).await;
    for (folders, want) in [
        (&["trash"][..], Taken::Absent(AbsentBecause::InTrash)),
        (&["spam"], Taken::AlreadyIn("Spam".into())),
        (&["drafts"], Taken::Absent(AbsentBecause::Gone)),
        (&[], Taken::Absent(AbsentBecause::Gone)),
    ] {
        let id = server.put(LI, folders, "<thing@test.example>");
        assert_eq!(session.take(wanted(id, "<thing@test.example>"), "Junk").await.expect("looked for"), want, "{folders:?}");
    }
    // The same Message-ID is not the same mail.
    server.put(LI, &["inbox"], "<copied@test.example>");
    let other = wanted(MailId(77), "<copied@test.example>");
    assert_eq!(session.take(other, "Junk").await.expect("looked for"), Taken::Absent(AbsentBecause::Gone));
    assert_eq!(session.read(other).await.expect("looked for"), None);
    // A folder that is not there is made.
    let id = server.put(LI, &["inbox"], "<bad@test.example>");
    let Taken::Moved(place) = session.take(wanted(id, "<bad@test.example>"), "Gefährlich").await.expect("taken") else {
        panic!("not taken")
    };
    assert_eq!((place.to.as_str(), server.lies_in(LI, id).0.len()), ("Gefährlich", 1));
    assert!(session.folder_names().await.expect("listed").contains(&"Gefährlich".to_string()));
    server.remove(LI, id);
    assert_eq!(
        session.put_back(wanted(id, "<bad@test.example>"), &place).await.expect("looked for"),
        Returned::Absent(AbsentBecause::Gone)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_mail_is_read_as_we_handed_it_over() {
    let server = Server::start(&[LI]).await;
    let scene = Scene::of(&url(server.address), "gatepost", PASSWORD);
    let id = server.put(LI, &["inbox"], "<again@test.example>");
    let octets = scene.open(LI).await.read(wanted(id, "<again@test.example>")).await.expect("read").expect("it is there");
    assert!(octets.starts_with(format!("Received: from a by gate.test (Gatepost) with ESMTP id {id}").as_bytes()), "{octets:?}");
    assert!(octets.ends_with(b"\r\n\r\nhello\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_its_owner_moves_is_told_once() {
    let server = Server::start(&[LI]).await;
    let scene = Scene::of(&url(server.address), "gatepost", PASSWORD);
    let mut session = scene.open(LI).await;
    let (lunch, pills, ours) =
        (server.put(LI, &["inbox"], "<l@x>"), server.put(LI, &["spam"], "<p@x>"), server.put(LI, &["inbox"], "<o@x>"));
    server.mark(LI, pills);
    let Taken::Moved(place) = session.take(wanted(ours, "<o@x>"), "Junk").await.expect("taken") else { panic!("not taken") };
    assert!(session.moves(0).await.expect("looked").is_empty(), "filed by the server, and removed by us");
    server.shift(LI, lunch, "spam");
    server.shift(LI, pills, "inbox");
    session.put_back(wanted(ours, "<o@x>"), &place).await.expect("put back");
    let moved = session.moves(0).await.expect("looked");
    let told: Vec<(MailId, bool)> = moved.iter().map(|one| (one.mail, one.is_junk)).collect();
    assert_eq!(told, [(lunch, true), (pills, false)]);
    assert_eq!(session.moves(0).await.expect("looked"), moved, "until it is counted");
    for one in &moved {
        let octets = session.moved_octets(one).await.expect("read").expect("it is there");
        assert!(octets.starts_with(b"Received: from a by gate.test (Gatepost)"), "as we handed it over");
        session.counted(one).await.expect("noted");
    }
    assert!(session.moves(0).await.expect("looked").is_empty(), "once");
    server.shift(LI, lunch, "inbox");
    let moved = session.moves(0).await.expect("looked");
    assert_eq!(moved.iter().map(|one| (one.mail, one.is_junk)).collect::<Vec<_>>(), [(lunch, false)], "a mind that changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_work_says_whose_turn_it_is() {
    let server = Server::start(&[LI]).await;
    let at = url(server.address);
    // In the mailbox's own name, and with a token.
    Scene::of(&at, "{mailbox}%gatepost", PASSWORD).open(LI).await;
    let mut token = Scene::of(&at, "", PASSWORD);
    token.connector.mailbox.sign_in = SignIn::Bearer;
    token.open(LI).await;
    for (url, user, password, want) in [
        (at.as_str(), "gatepost", "wrong", "sign-in"),
        (&at, "{mailbox}%gatepost", "wrong", "no-mailbox"),
        (&at, "", PASSWORD, "settings"),
        (&at, "gate\r\nX: y", PASSWORD, "settings"),
        (&format!("{at}/elsewhere"), "gatepost", PASSWORD, "settings"),
        (&format!("{at}/away"), "gatepost", PASSWORD, "settings"),
        (&format!("{at}/busy"), "gatepost", PASSWORD, "unreachable"),
        (&format!("{at}/page"), "gatepost", PASSWORD, "garbled"),
        ("http://127.0.0.1:9/", "gatepost", PASSWORD, "unreachable"),
        ("ftp://127.0.0.1/", "gatepost", PASSWORD, "settings"),
    ] {
        let why = Scene::of(url, user, password).refused(LI).await;
        assert_eq!(why.name(), want, "{url} {user}: {why}");
        assert!(!why.to_string().contains(PASSWORD), "{why}");
    }
    let good = Scene::of(&at, "gatepost", PASSWORD);
    let missing = good.refused("bo@demo.example").await;
    assert_eq!((missing.name(), missing.is_of_server()), ("no-mailbox", false), "{missing}");
    let mut outside = Scene::of(&at, "gatepost", PASSWORD);
    outside.connector.allow_private = false;
    assert!(outside.refused(LI).await.to_string().contains("allow_private"));
    // Nothing is connected to for this.
    assert_eq!(Scene::of("http://8.8.8.8/", "gatepost", PASSWORD).refused(LI).await.name(), "settings", "never in clear to the outside");
    assert!(!format!("{:?}", good.open(LI).await).contains(&STANDARD.encode(format!("gatepost:{PASSWORD}"))), "no secret in a log");
}

#[test]
fn a_server_is_where_the_settings_say() {
    for (protocol, imap, url, is_on, server) in [
        (MailboxProtocol::Imap, "box.example", "https://box.example", true, "box.example"),
        (MailboxProtocol::Jmap, "box.example", " https://box.example ", true, "https://box.example"),
        (MailboxProtocol::Jmap, "box.example", "", false, ""),
        (MailboxProtocol::Imap, "", "https://box.example", false, ""),
    ] {
        let settings = MailboxSettings { protocol, imap: imap.into(), url: url.into(), ..MailboxSettings::default() };
        assert_eq!((settings.is_on(), settings.server()), (is_on, server));
    }
    let local = MailboxSettings { mailbox: MailboxName::Local, ..MailboxSettings::default() };
    assert_eq!(local.mailbox_of("li+shop@demo.example"), "li");
}
